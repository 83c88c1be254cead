"""The examples of an audit, and the units that they were drawn in: clusters, or each by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.outcomes import CELLS, EXTRAS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

WIDTH = CELLS + len(EXTRAS)
"""An example counts in one outcome, and carries each of the extras: the last axes of all sums."""
SMALL = 2**12
"""So many keys are counted one by one, however few of them occur."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The examples: outcome codes, and what is given of weights, clusters and extras.

    `codes` is uint8 and `weights` float64 of shape (examples,), `clusters` of the same shape are
    whole numbers from 0 without a gap, `extras` float64 of shape (examples, extras). Float sums
    depend on the order of rows: whoever wants the same bytes brings them in a canonical one.
    `ceiling` is the most that an example can cost, or its score can rise or fall, and `floor` the
    least score.
    """

    codes: NDArray[np.uint8]
    weights: NDArray[np.float64] | None = None
    clusters: NDArray[np.int64] | None = None
    extras: NDArray[np.float64] | None = None
    ceiling: float = 0.0
    floor: float = 0.0

    def simplified(self) -> Rows:
        """The same rows without weights that are all equal, and clusters of one row each."""
        weights, clusters = self.weights, self.clusters
        if weights is not None and (weights == weights[0]).all():
            weights = None
        if clusters is not None and int(clusters.max()) + 1 == len(clusters):
            clusters = None
        return replace(self, weights=weights, clusters=clusters)

    def sorted(self, order: NDArray[np.int64]) -> Rows:
        """The same rows in another order."""
        parts = ("codes", "weights", "clusters", "extras")
        given = {name: getattr(self, name) for name in parts}
        return replace(self, **{name: v[order] for name, v in given.items() if v is not None})

    @property
    def plain(self) -> bool:
        """Whether every example was drawn by itself, counts alike and carries no extra."""
        return self.weights is None and self.clusters is None and self.extras is None


@dataclass(frozen=True, slots=True)
class Units:
    """The sampling units of each group of rows: clusters, or rows where there are none.

    `owners` is the group of each unit, `names` which cluster or row it is, and `sums` what its
    rows weigh by outcome and extra: only those that occur, by their place.
    """

    owners: NDArray[np.int64]
    names: NDArray[np.int64]
    sums: Mapping[int, NDArray[np.float64]]

    @classmethod
    def of(cls, rows: Rows, groups: NDArray[Any] | None = None) -> Units:
        """The units of some rows, or of each group of them."""
        import numpy as np

        size = len(rows.codes)
        place = np.zeros(size, np.int64) if groups is None else groups.astype(np.int64)
        if rows.clusters is None:
            owners, names, unit = place, np.arange(size), np.arange(size)
        else:
            span = int(rows.clusters.max()) + 1
            found, unit = compact(place * span + rows.clusters, (int(place.max()) + 1) * span)
            owners, names = np.divmod(found, span)
        weights = np.ones(size) if rows.weights is None else rows.weights
        sums: dict[int, Any] = {}
        for code in np.flatnonzero(np.bincount(rows.codes)).tolist():
            here = rows.codes == code
            sums[code] = np.bincount(unit[here], weights[here], len(owners))
        extras = np.zeros((size, 0)) if rows.extras is None else rows.extras
        for extra in np.flatnonzero(extras.any(axis=0)).tolist():
            sums[CELLS + extra] = np.bincount(unit, extras[:, extra] * weights, len(owners))
        return cls(owners, names, sums)

    def total(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Each unit's sum over some outcomes and extras (a mask)."""
        import numpy as np

        parts = (sums for place, sums in self.sums.items() if mask[place])
        return sum(parts, np.zeros(len(self.owners)))

    def masks(self) -> NDArray[np.int64]:
        """Which sums of each unit are not 0, as bits."""
        import numpy as np

        bits = ((sums > 0).astype(np.int64) << place for place, sums in self.sums.items())
        return sum(bits, np.zeros(len(self.owners), np.int64))

    def totals(self, owners: NDArray[np.int64], size: int) -> tuple[NDArray[np.float64], ...]:
        """Over the units of each owner: their sums, the sums of products, and the largest sums.

        Of shapes (size, WIDTH), (size, WIDTH, WIDTH) and (size, WIDTH + 1): at last the largest
        weight of a unit.
        """
        import numpy as np

        sums, largest = np.zeros((size, WIDTH)), np.zeros((size, WIDTH + 1))
        products = np.zeros((size, WIDTH, WIDTH))
        for one, values in self.sums.items():
            sums[:, one] = np.bincount(owners, values, size)
            np.maximum.at(largest[:, one], owners, values)
            for two, others in self.sums.items():
                if two <= one:
                    both = np.bincount(owners, values * others, size)
                    products[:, one, two] = products[:, two, one] = both
        np.maximum.at(largest[:, -1], owners, self.total(np.arange(WIDTH) < CELLS))
        return sums, products, largest


def compact(keys: NDArray[np.int64], end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The keys that occur, sorted, and the place of each key among them; keys are below `end`."""
    import numpy as np

    if end > 16 * len(keys) + SMALL:
        found, place = np.unique(keys, return_inverse=True)
        return found, place
    occurs = np.zeros(end, bool)
    occurs[keys] = True
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[keys]
