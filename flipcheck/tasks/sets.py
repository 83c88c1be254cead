"""Several labels for each example: sets, each named by its labels in order, joined: "cat|dog".

The empty set has the empty name; it is an answer, and not a missing one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError, listed, plural
from flipcheck.labels import MISSING, Labels, as_text
from flipcheck.tasks.accepting import coded, is_list, lists_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

Lines = "Callable[[Iterable[int]], list[int]]"


def set_name(labels: Iterable[str], separator: str) -> str:
    """The one name of a set of labels, whatever their order and however often they are named."""
    return separator.join(sorted(set(labels)))


def members(name: str, separator: str) -> tuple[str, ...]:
    """The labels of a set by its name."""
    return tuple(name.split(separator)) if name else ()


def sets_of(
    what: str, column: Any, separator: str, lines: Callable[[Iterable[int]], list[int]]
) -> Labels:
    """Sets from a pyarrow column of lists, or of texts with a separator; null is missing.

    Raises InputError with the rows of labels that cannot be told apart.
    """
    if is_list(column):
        return _of_lists(what, lists_of(what, column), separator, lines)
    encoded = as_text(column).dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    parts = [_split(text, separator) for text in texts]
    bad = [code for code, labels in enumerate(parts) if not all(labels)]
    codes = encoded.indices.fill_null(MISSING).to_numpy(zero_copy_only=False)
    if bad:
        _raise_for(what, _rows_of(codes, bad), "an empty label between separators", lines)
    import numpy as np

    names = [set_name(labels, separator) for labels in parts]
    return Labels(codes.astype(np.int32), tuple(texts)).renamed(names)


def resplit(what: str, labels: Labels, separator: str) -> Labels:
    """Labels whose names are texts of sets, as sets. Raises InputError as `sets_of` does."""
    import pyarrow as pa

    whole = pa.array(labels.names, pa.string())
    sets = sets_of(what, whole, separator, lambda rows: [row + 1 for row in rows])
    return labels.renamed([sets.names[code] for code in sets.codes.tolist()])


def _split(text: str, separator: str) -> list[str]:
    return [each.strip() for each in text.split(separator)] if text.strip() else []


def _of_lists(
    what: str,
    lists: Sequence[tuple[str, ...] | None],
    separator: str,
    lines: Callable[[Iterable[int]], list[int]],
) -> Labels:
    """Sets from lists of labels."""
    labels = {each for values in lists if values for each in values}
    odd = {each for each in labels if not each.strip() or separator in each or each != each.strip()}
    if odd:
        rows = [row for row, values in enumerate(lists) if values and odd.intersection(values)]
        why = f"a label that is empty, has spaces around it or holds {separator!r}"
        _raise_for(what, rows, f"{why}: {listed(sorted(odd))}", lines)
    return coded(None if each is None else set_name(each, separator) for each in lists)


def _rows_of(codes: NDArray[Any], bad: Sequence[int]) -> list[int]:
    import numpy as np

    rows: list[int] = np.flatnonzero(np.isin(codes, bad)).tolist()
    return rows


def _raise_for(
    what: str, rows: Sequence[int], why: str, lines: Callable[[Iterable[int]], list[int]]
) -> None:
    shown = ", ".join(f"{line:,}" for line in lines(rows[:SHOWN]))
    rest = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    raise InputError(
        f"{what}: {plural(len(rows), 'row')} with {why} (row {shown}{rest})",
        hint="write the labels of an example as cat|dog, nothing for none; another separator is "
        "named with --separator",
    )


def sets_of_matrix(chosen: NDArray[np.bool_], names: Sequence[str], separator: str) -> Labels:
    """Sets from a matrix of decisions, shape (examples, labels)."""
    return sets_of_packed(packed(chosen, names), names, separator)


def packed(chosen: NDArray[np.bool_], names: Sequence[str]) -> NDArray[np.uint8]:
    """A matrix of decisions as bits, its labels in alphabetical order."""
    import numpy as np

    order = sorted(range(len(names)), key=names.__getitem__)
    return np.packbits(chosen[:, order], axis=1)


def sets_of_packed(bits: NDArray[np.uint8], names: Sequence[str], separator: str) -> Labels:
    """Sets from decisions as bits; see `packed`."""
    import numpy as np

    ordered = sorted(names)
    keys = np.ascontiguousarray(bits).view(np.dtype((np.void, bits.shape[1])))[:, 0]
    _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    sets = np.unpackbits(bits[first], axis=1, count=len(ordered)).astype(bool)
    texts = [
        separator.join(name for name, there in zip(ordered, row, strict=True) if there)
        for row in sets.tolist()
    ]
    return Labels(codes.reshape(-1).astype(np.int32), tuple(texts))


def matrix_of(sets: Labels, names: Sequence[str], separator: str) -> NDArray[np.bool_]:
    """Which of these labels each example has, shape (examples, labels); a missing set has none."""
    import numpy as np

    place = {name: number for number, name in enumerate(names)}
    table = np.zeros((len(sets.names) + 1, len(names)), dtype=bool)
    for code, name in enumerate(sets.names):
        table[code, [place[each] for each in members(name, separator)]] = True
    return table[sets.codes]


def labels_in(sets: Labels | None, separator: str) -> tuple[str, ...]:
    """Every label that some set has, in alphabetical order."""
    if sets is None:
        return ()
    return tuple(sorted({each for name in sets.used() for each in members(name, separator)}))


def check_joinable(what: str, names: Sequence[str], separator: str) -> None:
    """Raise InputError for names of labels that could not be told apart in a set."""
    odd = [name for name in names if separator in name or not name.strip() or name != name.strip()]
    if odd:
        raise InputError(
            f"{what}: {plural(len(odd), 'label')} that is empty, has spaces around it or holds "
            f"{separator!r}: {listed(odd)}",
            hint="name another separator with --separator",
        )
