"""How the examples were drawn: in clusters, with weights, or each by itself (STATISTICS.md §2.4).

What intervals need to know of a sampling design are sums over its units (clusters, or examples
where only weights differ): of one group of examples, or of many groups at once, the leading axis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.outcomes import CELLS, EXTRAS, Weighed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH = CELLS + len(EXTRAS)
"""An example counts in one outcome, and carries each of the extras: the last axes of all sums."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The examples: outcome codes, and what is given of weights, clusters and extras.

    `codes` is uint8 and `weights` float64 of shape (examples,), `clusters` whole numbers from 0
    of the same shape, each of which occurs, `extras` float64 of shape (examples, extras). Float sums depend on the
    order of rows: whoever wants the same bytes brings them in a canonical one.
    """

    codes: NDArray[np.uint8]
    weights: NDArray[np.float64] | None = None
    clusters: NDArray[np.int64] | None = None
    extras: NDArray[np.float64] | None = None
    ceiling: float = 0.0

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

    def weight(self) -> NDArray[np.float64]:
        """The weight of each row, 1 where none is given."""
        import numpy as np

        return np.ones(len(self.codes)) if self.weights is None else self.weights

    def values(self) -> NDArray[np.float64]:
        """The weighted extras of each row, shape (examples, extras)."""
        import numpy as np

        if self.extras is None:
            return np.zeros((len(self.codes), len(EXTRAS)))
        return self.extras * self.weight()[:, None]


@dataclass(frozen=True, slots=True)
class Design:
    """Sums over the sampling units of one group, or of many along a leading axis.

    `rows` counts the examples by outcome; `sums` and `squares` add up their weights and squared
    weights, `products` the outer products of the units' own sums; `supports` counts units by
    which of their sums are not 0, in the order of `patterns`; `largest` are the greatest sums of
    a unit, and at last the greatest weight of one. `ceiling` is the most that an example can
    cost; `alike` says that all weights are equal.
    """

    rows: NDArray[np.int64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    products: NDArray[np.float64]
    supports: NDArray[np.int64]
    patterns: NDArray[np.bool_]
    largest: NDArray[np.float64]
    clustered: bool = False
    alike: bool = True
    ceiling: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether counts alone say all there is to know of the outcomes."""
        return self.alike and not self.clustered

    @property
    def cells(self) -> Weighed:
        """The weighted sums."""
        return Weighed.of(self.sums)

    @property
    def units(self) -> Any:
        """How many sampling units there are."""
        return self.supports.sum(axis=-1)

    def weight(self, domain: NDArray[np.bool_]) -> Any:
        """The weight of all examples with some outcomes (a mask of the last axis)."""
        return self.sums[..., domain].sum(axis=-1)

    def heaviest(self, domain: NDArray[np.bool_]) -> Any:
        """The greatest weight that a unit may have in some outcomes."""
        import numpy as np

        parts = self.largest[..., :-1][..., domain].sum(axis=-1)
        return np.minimum(parts, self.largest[..., -1])

    def quadratic(self, one: NDArray[Any], two: NDArray[Any]) -> Any:
        """The sum over units of the products of two of their linear combinations."""
        import numpy as np

        return np.einsum("...i,...ij,...j->...", one, self.products, two)

    def units_with(self, mask: NDArray[np.bool_]) -> Any:
        """How many units have any of these outcomes or extras (a mask of the last axis)."""
        hit = mask.astype(float) @ self.patterns.T > 0
        return (self.supports * hit).sum(axis=-1)

    def group(self, place: int) -> Design:
        """The design of one of many groups."""
        names = ("rows", "sums", "squares", "products", "supports", "largest")
        return replace(self, **{name: getattr(self, name)[place] for name in names})

    def scaled(self, factor: float) -> Design:
        """The design of so many times as many units of the same kinds."""
        names = ("rows", "sums", "squares", "products", "supports")
        return replace(self, **{name: getattr(self, name) * factor for name in names})

    def to_dict(self) -> dict[str, Any]:
        """The design as the JSON report keeps it: what is 0 is left out."""
        import numpy as np

        used = np.flatnonzero(self.sums > 0)
        cells = used[used < CELLS]
        bits = self.patterns @ np.left_shift(1, np.arange(WIDTH))
        occur = self.supports > 0
        return {
            "used": used.tolist(),
            "sums": self.sums[used].tolist(),
            "squares": self.squares[cells].tolist(),
            "products": self.products[np.ix_(used, used)][np.triu_indices(len(used))].tolist(),
            "largest": [*self.largest[used].tolist(), float(self.largest[-1])],
            "supports": np.stack([bits[occur], self.supports[occur]], axis=1).tolist(),
            "clustered": self.clustered,
            "alike": self.alike,
            "ceiling": self.ceiling,
        }

    @classmethod
    def from_dict(cls, written: dict[str, Any], rows: NDArray[np.int64]) -> Design:
        """The design that `to_dict` wrote, of examples with these outcomes.

        Raises ValueError for anything else.
        """
        import numpy as np

        used, masks, counts = _whole_numbers(written)
        cells = used[used < CELLS]
        sums, squares, largest = np.zeros(WIDTH), np.zeros(CELLS), np.zeros(WIDTH + 1)
        products, upper = np.zeros((WIDTH, WIDTH)), np.triu_indices(len(used))
        sums[used] = _numbers(written["sums"], len(used))
        squares[cells] = _numbers(written["squares"], len(cells))
        largest[[*used, WIDTH]] = _numbers(written["largest"], len(used) + 1)
        products[used[upper[0]], used[upper[1]]] = _numbers(written["products"], len(upper[0]))
        found = cls(
            rows=rows,
            sums=sums,
            squares=squares,
            products=products + np.triu(products, 1).T,
            supports=counts,
            patterns=(masks[:, None] >> np.arange(WIDTH)) & 1 > 0,
            largest=largest,
            clustered=bool(written["clustered"]),
            alike=bool(written["alike"]),
            ceiling=float(_numbers([written["ceiling"]], 1)[0]),
        )
        if found.alike and not np.array_equal(sums[:CELLS], rows):
            raise ValueError("its design and its tally differ")
        return found


def _whole_numbers(written: dict[str, Any]) -> tuple[NDArray[np.int64], ...]:
    """Which sums of a written design are used, and its patterns and how many units have each."""
    import numpy as np

    used = np.asarray(written["used"], dtype=float)
    masks, counts = np.asarray(written["supports"], dtype=float).reshape(-1, 2).T
    for part, end in ((used, WIDTH), (masks, 2**WIDTH), (counts, 2**53)):
        if not ((part >= 0) & (part < end) & (part == np.floor(part))).all():
            raise ValueError("its design is not made of whole numbers")
    if (np.diff(used) <= 0).any():
        raise ValueError("its design has sums twice")
    return used.astype(np.int64), masks.astype(np.int64), counts.astype(np.int64)


def _numbers(written: Any, size: int) -> NDArray[np.float64]:
    """So many numbers from 0."""
    import numpy as np

    numbers = np.asarray(written, dtype=float)
    if numbers.shape != (size,) or not ((numbers >= 0) & np.isfinite(numbers)).all():
        raise ValueError("its design is not made of numbers from 0")
    return numbers


def design(rows: Rows, groups: NDArray[Any] | None = None, size: int = 1) -> Design | None:
    """The design of some rows, or of each of `size` groups of them; None where they are plain.

    `groups` holds each row's group, 0 to size − 1. A cluster counts as one unit in every group
    that it reaches into.
    """
    if rows.plain:
        return None
    import numpy as np

    place = np.zeros(len(rows.codes), np.int64) if groups is None else groups.astype(np.int64)
    weights, flat = rows.weight(), place * CELLS + rows.codes
    sums = _by_row if rows.clusters is None else _by_cluster
    found = Design(
        rows=np.bincount(flat, minlength=size * CELLS).reshape(size, CELLS),
        squares=_table(flat, weights**2, size),
        **sums(rows, place, size),
        clustered=rows.clusters is not None,
        alike=rows.weights is None,
        ceiling=rows.ceiling,
    )
    return found if groups is not None else found.group(0)


def _table(flat: NDArray[np.int64], added: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Sums by group and outcome, shape (size, outcomes)."""
    import numpy as np

    return np.asarray(np.bincount(flat, added, size * CELLS), float).reshape(size, CELLS)


def _by_row(rows: Rows, place: NDArray[np.int64], size: int) -> dict[str, Any]:
    """The sums where every row is a unit: of its own outcomes only one is not 0."""
    import numpy as np

    flat, weights, values = place * CELLS + rows.codes, rows.weight(), rows.values()
    sums, largest = np.zeros((size, WIDTH)), np.zeros((size, WIDTH + 1))
    products = np.zeros((size, WIDTH, WIDTH))
    sums[:, :CELLS] = _table(flat, weights, size)
    most = np.zeros(size * CELLS)
    np.maximum.at(most, flat, weights)
    largest[:, :CELLS] = most.reshape(size, CELLS)
    largest[:, -1] = largest[:, :CELLS].max(axis=1)
    outcome = np.arange(CELLS)
    products[:, outcome, outcome] = _table(flat, weights**2, size)
    for one in np.flatnonzero(values.any(axis=0)).tolist():
        column, at = values[:, one], CELLS + one
        sums[:, at] = np.bincount(place, column, size)
        np.maximum.at(largest[:, at], place, column)
        products[:, :CELLS, at] = products[:, at, :CELLS] = _table(flat, column * weights, size)
        for two in range(one + 1):
            both = np.bincount(place, column * values[:, two], size)
            products[:, at, CELLS + two] = products[:, CELLS + two, at] = both
    return _parts(sums, products, largest, _supports(unit_masks(rows), place, size))


def _by_cluster(rows: Rows, place: NDArray[np.int64], size: int) -> dict[str, Any]:
    """The sums where the rows of a cluster are one unit of each group that they lie in."""
    import numpy as np

    owners, _, units = unit_sums(rows, place)
    sums, largest = np.zeros((size, WIDTH)), np.zeros((size, WIDTH + 1))
    products = np.zeros((size, WIDTH, WIDTH))
    for one in np.flatnonzero(units.any(axis=0)).tolist():
        sums[:, one] = np.bincount(owners, units[:, one], size)
        np.maximum.at(largest[:, one], owners, units[:, one])
        for two in range(one + 1):
            both = np.bincount(owners, units[:, one] * units[:, two], size)
            products[:, one, two] = products[:, two, one] = both
    np.maximum.at(largest[:, -1], owners, units[:, :CELLS].sum(axis=1))
    return _parts(sums, products, largest, _supports(_bits(units > 0), owners, size))


def _parts(
    sums: NDArray[np.float64],
    products: NDArray[np.float64],
    largest: NDArray[np.float64],
    supports: tuple[NDArray[np.int64], NDArray[np.bool_]],
) -> dict[str, Any]:
    """These sums by the names of Design's fields."""
    return {
        "sums": sums,
        "products": products,
        "largest": largest,
        "supports": supports[0],
        "patterns": supports[1],
    }


def unit_sums(
    rows: Rows, place: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Each unit of each group: the group, the unit, and sums of shape (units, outcomes and extras).

    `place` holds each row's group.
    """
    import numpy as np

    clusters = np.arange(len(rows.codes)) if rows.clusters is None else rows.clusters
    span = int(clusters.max()) + 1
    kept, unit = np.unique(place * span + clusters, return_inverse=True)
    units = np.zeros((len(kept), WIDTH))
    flat = np.bincount(unit * CELLS + rows.codes, rows.weight(), len(kept) * CELLS)
    units[:, :CELLS] = flat.reshape(len(kept), CELLS)
    values = rows.values()
    for extra in np.flatnonzero(values.any(axis=0)).tolist():
        units[:, CELLS + extra] = np.bincount(unit, values[:, extra], len(kept))
    return kept // span, kept % span, units


def unit_masks(rows: Rows) -> NDArray[np.int64]:
    """For each row as bits: which sums of its unit, the whole cluster or itself, are not 0."""
    import numpy as np

    if rows.clusters is not None:
        unit = np.unique(rows.clusters, return_inverse=True)[1]
        sums = unit_sums(rows, np.zeros(len(rows.codes), np.int64))[-1]
        return _bits(sums > 0)[unit]
    own = np.left_shift(1, rows.codes.astype(np.int64)) * (rows.weight() > 0)
    return own if rows.extras is None else own + (_bits(rows.values() > 0) << CELLS)


def _bits(marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows of marks as the bits of whole numbers."""
    import numpy as np

    return np.asarray((marks * np.left_shift(1, np.arange(marks.shape[1]))).sum(axis=1))


def _supports(
    masks: NDArray[np.int64], owners: NDArray[np.int64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """How many units of each group have which sums, and these patterns as bits."""
    import numpy as np

    found, pattern = np.unique(masks, return_inverse=True)
    counts = np.bincount(owners * len(found) + pattern, minlength=size * len(found))
    return counts.reshape(size, len(found)), (found[:, None] >> np.arange(WIDTH)) & 1 > 0
