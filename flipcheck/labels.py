"""Answers and truths as small whole numbers, and how names, indices and taxonomies meet.

A label is text, always: `2e34`, `007`, `no` and `None` are what they look like. Only a column
that its file declares numeric is read as numbers, and then 1 and 1.0 are one class, "1".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, listed, plural
from flipcheck.texts import gathered, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

MISSING = -1
"""The code of an example without an answer."""
MOST_NUMBERS = 1 << 16
"""Whole numbers that lie within so many are labels by their distance from the smallest."""
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
        """Labels from a pyarrow array, a numpy array, a pandas Series or a list; labels as is."""
        import numpy as np
        import pyarrow as pa

        if isinstance(values, cls):
            return values
        column = to_arrow(values)
        as_text(column.slice(0, 0))  # which raises for what holds no labels
        codes, texts, order = _encoded(column)
        if not isinstance(values, (pa.Array, pa.ChunkedArray)):
            codes = codes.copy()  # as whoever gave them may write to them
        place: dict[str, int] = {}
        table = np.full(len(texts) + 1, MISSING, np.int32)
        for code in order:
            if text := texts[code]:  # an empty answer is no answer
                table[code] = place.setdefault(text, len(place))
        same = bool((table[:-1] == np.arange(len(texts))).all())
        return cls(codes if same else gathered(table, codes), tuple(place))

    @property
    def missing(self) -> int:
        """How many examples have no label."""
        return int((self.codes == MISSING).sum())

    def used(self) -> tuple[str, ...]:
        """The names that at least one example has, in the order of `names`."""
        return tuple(self.names[code] for code in _present(self.codes, len(self.names)))

    def texts(self, rows: Sequence[int] | NDArray[Any] | None = None) -> list[str | None]:
        """The labels of some rows, or of all, as text; None where missing."""
        import numpy as np

        codes = self.codes if rows is None else self.codes[np.asarray(rows, np.int64)]
        texts: list[str | None] = np.array([*self.names, None], object)[codes].tolist()
        return texts  # MISSING, -1, is the last

    def take(self, rows: NDArray[Any]) -> Labels:
        """The labels of these rows, in their order; a row of -1 is missing."""
        import numpy as np

        if len(rows) and len(self.codes) and rows.min() >= 0:
            return Labels(gathered(self.codes, rows), self.names)
        codes = np.append(self.codes, np.int32(MISSING))[rows]
        return Labels(codes.astype(np.int32), self.names)

    def renamed(self, names: Sequence[str]) -> Labels:
        """The same labels under other names (one for each); equal names become one class."""
        import numpy as np

        if tuple(names) == self.names:
            return self
        distinct = tuple(dict.fromkeys(names))
        place = {name: code for code, name in enumerate(distinct)}
        table = np.array([place[name] for name in names] + [MISSING], dtype=np.int32)
        return Labels(gathered(table, self.codes), distinct)

    def recoded(self, names: tuple[str, ...]) -> NDArray[np.int32]:
        """The codes of the same labels in a larger list of names."""
        import numpy as np

        if names[: len(self.names)] == self.names:
            return self.codes
        place = {name: code for code, name in enumerate(names)}
        table = np.array([place[name] for name in self.names] + [MISSING], dtype=np.int32)
        return gathered(table, self.codes)


def _encoded(column: Any) -> tuple[NDArray[np.int32], list[str | None], Iterable[int]]:
    """A pyarrow array as codes, and the text of each code; two codes may have one text.

    At last the codes that occur, in the order of the names: that of whole numbers that lie close
    together, else that of first appearance.
    """
    import numpy as np
    import pyarrow as pa

    if pa.types.is_integer(column.type) and not column.null_count and len(column):
        numbers = whole_numbers(column)
        low, high = int(numbers.min()), int(numbers.max())
        if high - low < min(len(column), MOST_NUMBERS):
            codes = _distances(numbers, low)
            texts: list[str | None] = [str(number) for number in range(low, high + 1)]
            return codes, texts, _present(codes, len(texts))
    given = pa.types.is_dictionary(column.type)
    encoded = column if given else as_text(column).dictionary_encode()
    texts = as_text(encoded.dictionary).to_pylist()
    codes = np.asarray(_codes_of(encoded), dtype=np.int32)
    return codes, texts, _appearing(codes, len(texts)) if given else range(len(texts))


def _distances(numbers: NDArray[Any], low: int) -> NDArray[np.int32]:
    """How far each whole number is from the lowest of them, where that is little."""
    import numpy as np

    if low == 0 and numbers.dtype == np.int32:
        return numbers
    found = np.subtract(numbers, numbers.dtype.type(low), dtype=numbers.dtype)
    # The difference of two bytes may need all of their bits.
    codes: NDArray[np.int32] = found.view(f"u{found.itemsize}").astype(np.int32, copy=False)
    return codes


def _present(codes: NDArray[np.int32], size: int) -> list[int]:
    """The codes from 0 to size - 1 that occur, in their order."""
    import numpy as np

    found = np.zeros(size + 1, bool)  # MISSING, -1, is the last
    for block in _blocks(codes):
        found[block] = True
        if found[:-1].all():
            break
    return np.flatnonzero(found[:-1]).tolist()


def _codes_of(encoded: Any) -> Any:
    """The codes of a dictionary array, MISSING for nulls."""
    import numpy as np
    import pyarrow as pa

    indices = encoded.indices
    if not indices.null_count:
        return whole_numbers(indices)
    there = np.asarray(indices.is_valid())
    parts = [None, indices.buffers()[1]]
    held = pa.Array.from_buffers(indices.type, len(indices), parts, offset=indices.offset)
    return np.where(there, whole_numbers(held), MISSING)


def _appearing(codes: NDArray[np.int32], size: int) -> list[int]:
    """The codes from 0 to size - 1 that occur, in order of first appearance."""
    import numpy as np

    order: list[int] = []
    first = np.full(size + 1, -1)  # MISSING, -1, is the last
    for block in _blocks(codes):
        rows = np.arange(len(block))
        first[block[::-1]] = rows[::-1]  # the last to be written stays
        firsts = rows[first[block] == rows]
        seen = {*order, MISSING}
        order += [code for code in block[firsts].tolist() if code not in seen]
        if len(order) == size:
            break
    return order


def _blocks(codes: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    """Codes in blocks that grow: all names are often among the first few thousand."""
    at, step = 0, 1 << 12
    while at < len(codes):
        yield codes[at : at + step]
        at, step = at + step, min(2 * step, 1 << 20)


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
        texts = [None if text is None else number_text(float(text)) for text in shortest]
        return pa.array(texts, pa.string()).take(values.indices)
    raise InputError(
        f"a column of type {kind} holds no labels",
        hint="give a column of text or whole numbers"
        + ("; several labels an example need --multilabel" if "list" in str(kind) else ""),
    )


def number_text(value: float) -> str | None:
    """The canonical text of a number; None for NaN."""
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
