"""Subgroups of the examples and their tallies, counted in one pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flipcheck.labels import MISSING, Labels
from flipcheck.outcomes import Tally, grouped_counts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLASS = "class"
"""The slices by true class, which every audit with labels has."""

NO_VALUE = "(missing)"
"""The slice of the examples that have no value in the column."""


@dataclass(frozen=True, slots=True)
class Slices:
    """The slices of one column: the values that occur, and the count of each Outcome."""

    by: str
    values: tuple[str, ...]
    counts: NDArray[np.int64]
    groups: NDArray[np.int64]
    """Each example's slice, as its place in `values`."""

    def recounted(self, outcomes: NDArray[np.uint8]) -> Slices:
        """The same slices of other outcomes of the same examples."""
        counts = grouped_counts(outcomes, self.groups, len(self.values))
        return replace(self, counts=counts)

    def tallies(self) -> list[Tally]:
        """Each slice's tally, in the order of `values`."""
        return [Tally.of_counts(row) for row in self.counts.tolist()]


def slices(by: str, column: Labels, outcomes: NDArray[np.uint8]) -> Slices:
    """The slices of a column, sorted by value; examples without a value are one of them."""
    import numpy as np

    names = (*column.names, NO_VALUE)
    groups = np.where(column.codes == MISSING, names.index(NO_VALUE), column.codes)
    counts = grouped_counts(outcomes, groups, len(names))
    occurring = np.flatnonzero(counts.any(axis=1)).tolist()
    order = sorted(occurring, key=lambda row: natural(names[row]))
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(order))
    return Slices(by, tuple(names[row] for row in order), counts[order], place[groups])


def natural(text: str) -> tuple[int, int, str]:
    """A sort key that puts whole numbers in their own order, before other text."""
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    return (0, int(text), text) if is_number else (1, 0, text)
