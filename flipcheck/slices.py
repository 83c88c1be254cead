"""Subgroups of the examples and their tallies, counted in one pass.

A column's values are slices; the numbers of a column that holds many are cut into quantiles; and
columns may be crossed, so that each combination that occurs is a slice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError
from flipcheck.labels import MISSING, Labels
from flipcheck.outcomes import Tally, grouped_counts
from flipcheck.texts import gathered

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

CLASS = "class"
"""The slices by true class, which every audit with labels has."""

NO_VALUE = "(missing)"
"""The slice of the examples that have no value in the column."""

MOST_NUMBERS = 30
"""A column of more distinct numbers than this is cut into quantiles."""

LONG = 10
"""The ends of a range are written as the data has them up to so many characters."""


@dataclass(frozen=True, slots=True)
class Groups:
    """What to slice by: the group of each example, a code into `values`.

    `values` are distinct and in the order of reports; one that no example has is no slice. `note`
    says what was done to the column's own values.
    """

    by: str
    values: tuple[str, ...]
    codes: NDArray[np.int32]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Slices:
    """The slices of one column: the values that occur, and the count of each Outcome."""

    by: str
    values: tuple[str, ...]
    counts: NDArray[np.int64]

    def tallies(self) -> list[Tally]:
        """Each slice's tally, in the order of `values`."""
        return [Tally.of_counts(row) for row in self.counts.tolist()]


@dataclass(frozen=True, slots=True)
class Sliced(Slices):
    """Slices with the examples that they are of: `groups` is each one's place in `values`."""

    groups: NDArray[np.int32]

    def recounted(self, outcomes: NDArray[np.uint8]) -> Sliced:
        """The same slices of other outcomes of the same examples."""
        counts = grouped_counts(outcomes, self.groups, len(self.values))
        return replace(self, counts=counts)


def slices(groups: Groups, outcomes: NDArray[np.uint8]) -> Sliced:
    """The slices of groups: those that some example is in, in the order of their values."""
    import numpy as np

    counts = grouped_counts(outcomes, groups.codes, len(groups.values))
    occurring = np.flatnonzero(counts.any(axis=1)).tolist()
    if len(occurring) == len(groups.values):
        return Sliced(groups.by, groups.values, counts, groups.codes)
    place = np.full(len(groups.values), -1, dtype=np.int32)
    place[occurring] = np.arange(len(occurring))
    names = tuple(groups.values[row] for row in occurring)
    return Sliced(groups.by, names, counts[occurring], gathered(place, groups.codes))


def column_names(by: str, known: Collection[str]) -> tuple[str, ...]:
    """The columns that `by` speaks of: one of that very name, else those between its commas."""
    return (by,) if by in known else tuple(by.split(","))


def values(by: str, column: Labels) -> Groups:
    """A group for each value of a column, sorted; examples without a value are one of them."""
    import numpy as np

    known = (*column.names, NO_VALUE) if column.missing else column.names
    names = sorted({*known}, key=natural)
    if tuple(names) == known and not column.missing:
        return Groups(by, known, column.codes)
    place = {name: row for row, name in enumerate(names)}
    table = np.array([place[name] for name in known], dtype=np.int32)
    return Groups(by, tuple(names), gathered(table, column.codes))  # MISSING, -1, is the last


def natural(text: str) -> tuple[int, int, str]:
    """A sort key that puts whole numbers in their own order, before other text."""
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    return (0, int(text), text) if is_number else (1, 0, text)


def quantiles(by: str, column: Labels, number: int) -> Groups | None:
    """The groups of a column of many numbers: about as many examples each, ties together.

    A value is in group q·(examples below it) // (all examples), so that no order of rows shows.
    Each group is written as the range of its own numbers, "18 to 25"; examples without a value
    are a group apart. None for a column that holds text, or few numbers.
    """
    import numpy as np

    counts = np.bincount(column.codes[column.codes != MISSING], minlength=len(column.names))
    used = np.flatnonzero(counts)
    texts = [column.names[code] for code in used.tolist()]
    parsed = [_finite(text) for text in texts]
    distinct, place = np.unique([each for each in parsed if each is not None], return_inverse=True)
    if len(place) < len(texts) or len(distinct) <= MOST_NUMBERS:
        return None
    sizes = np.bincount(place, weights=counts[used]).astype(np.int64)
    below = np.cumsum(sizes) - sizes
    _, group = np.unique(number * below // sizes.sum(), return_inverse=True)
    written: dict[int, str] = {}
    for _, text, at in sorted(zip(map(len, texts), texts, place.tolist(), strict=True)):
        written.setdefault(at, text)  # of two spellings of a number, the shorter one
    firsts = np.flatnonzero(np.diff(group, prepend=-1)).tolist()
    lasts = [*(first - 1 for first in firsts[1:]), len(distinct) - 1]
    pairs = zip(firsts, lasts, strict=True)
    ends = _readable([written[end] for pair in pairs for end in pair])
    ranges = [
        low if low == high else f"{low} to {high}"
        for low, high in zip(ends[::2], ends[1::2], strict=True)
    ]
    table = np.full(len(column.names) + 1, len(ranges), dtype=np.int32)
    table[used] = group[place]
    note = f"column {by!r} holds {len(distinct):,} numbers: cut into {len(ranges)} quantiles"
    return Groups(by, (*ranges, NO_VALUE), table[column.codes], note)


def _finite(text: str) -> float | None:
    """The number that a text is; None for other text, infinities and NaN."""
    try:
        number = float(text)
    except ValueError:
        return None
    plain = text.isascii() and "_" not in text
    return number if plain and math.isfinite(number) else None


def _readable(ends: list[str]) -> list[str]:
    """The ascending ends of ranges; long ones with as few digits as keep them apart, from six."""
    numbers = [float(end) for end in ends]
    for digits in range(6, 17):
        texts = [end if len(end) <= LONG else f"{float(end):.{digits}g}" for end in ends]
        short = [float(text) for text in texts]
        if short == sorted(short) and len(set(short)) == len(set(numbers)):
            return texts
    return ends


def crossed(by: str, parts: Sequence[Groups]) -> Groups:
    """A group for each combination of groups that occurs, its values joined by commas.

    Raises UsageError where two combinations would be written alike.
    """
    names = [(value,) for value in parts[0].values]
    codes: NDArray[Any] = parts[0].codes
    for part in parts[1:]:
        codes, pairs = paired_codes(codes, part.codes, len(names), len(part.values))
        names = [(*names[one], part.values[two]) for one, two in pairs.tolist()]
    written: dict[str, tuple[str, ...]] = {}
    for name in names:
        other = written.setdefault(",".join(name), name)
        if other is not name:
            raise UsageError(
                f"slices by {by!r}: {other} and {name} would both be called {','.join(name)!r}",
                hint="write the values of one column without commas",
            )
    return Groups(by, tuple(written), codes)


def paired_codes(
    first: NDArray[Any], second: NDArray[Any], firsts: int, seconds: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The pair that each example's two codes make, and the pairs that occur, shape (pairs, 2).

    The codes are from 0 to `firsts` - 1 and `seconds` - 1; pairs are sorted.
    """
    import numpy as np

    joint = first.astype(np.int64) * seconds + second
    if firsts * seconds <= 4 * len(joint):
        there = np.zeros(firsts * seconds, dtype=bool)
        there[joint] = True
        found, codes = np.flatnonzero(there), (np.cumsum(there) - 1)[joint]
    else:
        found, codes = np.unique(joint, return_inverse=True)
    return codes.astype(np.int32), np.stack(np.divmod(found, seconds), axis=1)
