"""Answers and truths as small whole numbers, and how names, indices and taxonomies meet.

A label is text, always: `2e34`, `007`, `no` and `None` are what they look like. Only a column
that its file declares numeric is read as numbers, and then 1 and 1.0 are one class, "1".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, listed, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

MISSING = -1
"""The code of an example without an answer."""
FEW = 10
"""Up to this many examples a model may well be wrong on all of them."""


@dataclass(frozen=True, slots=True)
class Labels:
    """One label for each example: a code into `names`, or MISSING.

    `codes` is int32 of shape (examples,); `names` are distinct texts.
    """

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ValueError("the names of labels are distinct")

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def of(cls, values: Any) -> Labels:
        """Labels from a pyarrow array, a numpy array, a pandas Series or a list."""
        import numpy as np
        import pyarrow as pa

        column = as_text(to_arrow(values))
        encoded = column.dictionary_encode()
        names = encoded.dictionary.to_pylist()
        codes = encoded.indices.fill_null(MISSING).to_numpy(zero_copy_only=False)
        codes = codes.astype(np.int32)
        if "" in names:  # an empty answer is no answer
            empty = names.index("")
            codes = np.where(codes == empty, MISSING, codes - (codes > empty)).astype(np.int32)
            del names[empty]
        assert isinstance(column, pa.Array)  # noqa: S101  (for the type checker)
        return cls(codes, tuple(names))

    @property
    def missing(self) -> int:
        """How many examples have no label."""
        return int((self.codes == MISSING).sum())

    def used(self) -> tuple[str, ...]:
        """The names that at least one example has, in the order of `names`."""
        import numpy as np

        present = np.unique(self.codes)
        return tuple(self.names[code] for code in present.tolist() if code != MISSING)

    def texts(self, rows: Iterable[int] | None = None) -> list[str | None]:
        """The labels of some rows, or of all, as text; None where missing."""
        codes = self.codes if rows is None else self.codes[list(rows)]
        return [None if code == MISSING else self.names[code] for code in codes.tolist()]

    def take(self, rows: NDArray[Any]) -> Labels:
        """The labels of these rows, in their order; a row of -1 is missing."""
        import numpy as np

        codes = np.append(self.codes, np.int32(MISSING))[rows]
        return Labels(codes.astype(np.int32), self.names)

    def renamed(self, names: Sequence[str]) -> Labels:
        """The same labels under other names (one for each); equal names become one class."""
        import numpy as np

        distinct = tuple(dict.fromkeys(names))
        place = {name: code for code, name in enumerate(distinct)}
        table = np.array([place[name] for name in names] + [MISSING], dtype=np.int32)
        return Labels(table[self.codes], distinct)

    def recoded(self, names: tuple[str, ...]) -> NDArray[np.int32]:
        """The codes of the same labels in a larger list of names."""
        import numpy as np

        place = {name: code for code, name in enumerate(names)}
        table = np.array([place[name] for name in self.names] + [MISSING], dtype=np.int32)
        return table[self.codes]


def to_arrow(values: Any) -> Any:
    """A pyarrow array of the values: one chunk, NaN as null.

    Raises InputError for what is not one column of one type.
    """
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    if isinstance(values, pa.Array):
        return values
    if hasattr(values, "dtype") and values.dtype.kind == "U":
        values = values.tolist()
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f"not one column of values of one type: {first}",
            hint="give one value for each example, all texts or all numbers",
        ) from error
    return to_arrow(array) if isinstance(array, pa.ChunkedArray) else array


def as_text(column: Any) -> Any:
    """The canonical text of each value of a pyarrow array; nulls stay.

    Whole numbers lose a trailing ".0" because a numeric column says that 1 and 1.0 are one class.
    Raises InputError for a type that is no label (a list, a date, an image).
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column
    if pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_boolean(kind):
        return pc.if_else(column, "True", "False")
    if pa.types.is_integer(kind):
        return column.cast(pa.string())
    if pa.types.is_floating(kind):
        column = column.cast(pa.float32()) if pa.types.is_float16(kind) else column
        values = column.dictionary_encode()
        # Through the shortest text, so that a float32 0.1 and a float64 0.1 are one class.
        shortest = values.dictionary.cast(pa.string()).to_pylist()
        texts = [None if text is None else _number_text(float(text)) for text in shortest]
        return pa.array(texts, pa.string()).take(values.indices)
    raise InputError(
        f"a column of type {kind} holds no labels",
        hint="give a column of text or whole numbers"
        + ("; several labels an example need --multilabel" if "list" in str(kind) else ""),
    )


def _number_text(value: float) -> str | None:
    if math.isnan(value):
        return None
    return str(int(value)) if value.is_integer() else repr(value)


def is_whole(text: str) -> bool:
    """Whether a text is a whole number in plain digits, with a minus sign or without."""
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit()


def shared_names(*labels: Labels | None) -> tuple[str, ...]:
    """Every name of several labels once, in order of first appearance."""
    given = (each.names for each in labels if each is not None)
    return tuple(dict.fromkeys(name for names in given for name in names))


def name_by_classes(
    labels: Labels, classes: Sequence[str], what: str, also: Iterable[str] = ()
) -> Labels:
    """Labels that may be class names or class indices, as class names.

    Names win: only where some label is no name (nor one of `also`, which a label map translates),
    and all are indices, are they read as indices. Raises InputError that lists the labels that no
    class has.
    """
    used, known = labels.used(), {*classes, *also}
    index = {str(number): name for number, name in enumerate(classes)}
    if all(name in known for name in used):
        unclear = [name for name in used if index.get(name, name) != name]
        if unclear and len(unclear) == len(used):
            raise InputError(
                f"{what}: the labels {listed(used)} could be class names or their places in the "
                f"list {listed(classes)}",
                hint="give names that are no numbers, or translate the labels with --label-map",
            )
        return labels
    if all(name in index for name in used):
        return labels.renamed([index.get(name, name) for name in labels.names])
    strange = [name for name in used if name not in known and name not in index]
    mixed = [name for name in used if name not in known]
    raise InputError(
        f"{what}: {plural(len(strange), 'label')} that no class has: {listed(strange)}"
        if strange
        else f"{what}: class names mixed with class indices: {listed(mixed)}",
        hint=f"the {plural(len(classes), 'class')}: {listed(classes)}; "
        "give the right list with --classes (--old-classes, --new-classes), or translate with "
        "--label-map",
    )


def translate(labels: Labels, table: Mapping[str, str]) -> Labels:
    """Labels under another taxonomy; a label that the table lacks stays as it is."""
    return labels.renamed([table.get(name, name) for name in labels.names]) if table else labels


def check_vocabulary(
    what: str, answers: Labels, truth: Labels, *, meant: Collection[str] = (), old: bool = False
) -> list[str]:
    """Warnings for answers that are never a label. Raises InputError where they cannot be meant.

    An answer that differs from a label only in how it is written (`1.0` and `1`, `Cat` and
    `cat`) is another class, and a warning counts it; that not one answer is right for that
    reason is an error. So is an old model of which not one answer is any of the labels: nothing
    could break. What a label map or class list names is `meant`. Free text, where labels are no
    closed list, has answers of its own, of which nothing is said.
    """
    labels = set(truth.used())
    strange = sorted(name for name in answers.used() if name not in labels and name not in meant)
    if not strange:
        return []
    closed = len(labels) * 2 <= len(truth)
    never = len(strange) == len(answers.used()) and not (answers.codes == truth.codes).any()
    twins = {_alike(name): name for name in labels}
    alike = [name for name in strange if _alike(name) in twins]
    told = f"{what}: {plural(_count(answers, alike), 'answer')}"
    if alike:
        name, label = alike[0], twins[_alike(alike[0])]
        told += f" like {name!r} where the labels have {label!r}: they differ only in how they are "
        told += "written"
    if alike and never:
        raise InputError(
            told,
            hint="write labels and answers alike (whole numbers become 1.0 where a pandas column "
            f'has a gap), or translate them: --label-map \'{{"{name}": "{label}"}}\'; a name '
            "mapped to itself is a class of its own",
        )
    if never and old and len(truth) >= FEW:
        raise InputError(
            f"{what}: not one of its answers is any of the labels: it answers {listed(strange)}, "
            f"and the labels are {listed(sorted(labels))}",
            hint="an old model that is never right can break nothing, so that any update would "
            "pass: name the right columns, or translate with --label-map or --old-classes",
        )
    if not closed:
        return []
    notes = [f"{told}, and count as another class (--label-map translates)"] if alike else []
    rest = [name for name in strange if name not in alike]
    count = plural(_count(answers, rest), "answer")
    if rest:
        notes.append(f"{what}: {count} that no example has as its label: {listed(rest)}")
    return notes


def _count(labels: Labels, names: Sequence[str]) -> int:
    import numpy as np

    codes = [code for code, name in enumerate(labels.names) if name in set(names)]
    return int(np.isin(labels.codes, codes).sum())


def _alike(text: str) -> str:
    """A text without what two tools may write differently: case, spaces, a trailing ".0"."""
    folded = text.strip().casefold()
    try:
        number = float(folded)
    except ValueError:
        return folded
    return str(number)
