"""How the examples were drawn: in clusters, with weights, or each by itself (STATISTICS.md §2.4).

What intervals need to know of a sampling design are sums over its units (clusters, or examples
where only weights differ): of one group of examples, or of many groups at once, the leading axis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.outcomes import CELLS, EXTRAS, Outcome, Weighed
from flipcheck.predictions import LARGEST
from flipcheck.stats.units import WIDTH, Units, compact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.stats.units import Rows

FIRST, FIRST_EXTRAS = Outcome.SCORE_UNCHANGED, 3
WRITTEN = (
    *range(FIRST),
    *range(CELLS, CELLS + FIRST_EXTRAS),
    *range(FIRST, CELLS),
    *range(CELLS + FIRST_EXTRAS, CELLS + len(EXTRAS)),
)
"""Which sum stands at which place of a written design: those of graded answers came last."""


@dataclass(frozen=True, slots=True)
class Design:
    """Sums over the sampling units of one group, or of many along a leading axis.

    `rows` counts the examples by outcome; `sums` and `squares` add up their weights and squared
    weights, `products` the outer products of the units' own sums; `supports` counts units by
    which of their sums are not 0, in the order of `patterns`; `largest` are the greatest sums of
    a unit, and at last the greatest weight of one. `ceiling` is the most that an example can
    cost, or its score can rise or fall, and `floor` the least score; `alike` says that all weights
    are equal.
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
    floor: float = 0.0

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

        order = np.array(WRITTEN)
        places = np.flatnonzero(self.sums[order] > 0)
        used = order[places]
        cells = used[used < CELLS]
        bits = self.patterns[:, order] @ np.left_shift(1, np.arange(WIDTH))
        occur = self.supports > 0
        floor = {"floor": self.floor} if self.cells.graded else {}
        return {
            "used": places.tolist(),
            "sums": self.sums[used].tolist(),
            "squares": self.squares[cells].tolist(),
            "products": self.products[np.ix_(used, used)][np.triu_indices(len(used))].tolist(),
            "largest": [*self.largest[used].tolist(), float(self.largest[-1])],
            "supports": np.stack([bits[occur], self.supports[occur]], axis=1).tolist(),
            "clustered": self.clustered,
            "alike": self.alike,
            "ceiling": self.ceiling,
            **floor,
        }

    @classmethod
    def from_dict(cls, written: dict[str, Any], rows: NDArray[np.int64]) -> Design:
        """The design that `to_dict` wrote, of examples with these outcomes.

        Raises ValueError for anything else.
        """
        import numpy as np

        places, masks, counts = _whole_numbers(written)
        order = np.array(WRITTEN)
        used, place = order[places], np.argsort(order)
        cells = used[used < CELLS]
        sums, squares, largest = np.zeros(WIDTH), np.zeros(CELLS), np.zeros(WIDTH + 1)
        products, upper = np.zeros((WIDTH, WIDTH)), np.triu_indices(len(used))
        sums[used] = _numbers(written["sums"], len(used))
        squares[cells] = _numbers(written["squares"], len(cells))
        largest[[*used, WIDTH]] = _numbers(written["largest"], len(used) + 1)
        above = _numbers(written["products"], len(upper[0]))
        products[used[upper[0]], used[upper[1]]] = above
        products[used[upper[1]], used[upper[0]]] = above
        found = cls(
            rows=rows,
            sums=sums,
            squares=squares,
            products=products,
            supports=counts,
            patterns=(masks[:, None] >> place) & 1 > 0,
            largest=largest,
            clustered=bool(written["clustered"]),
            alike=bool(written["alike"]),
            ceiling=float(_numbers([written["ceiling"]], 1)[0]),
            floor=_finite(written.get("floor", 0.0)),
        )
        if found.alike and not np.array_equal(sums[:CELLS], rows):
            raise ValueError("its design and its tally differ")
        counted = (found.supports[:, None] * found.patterns).sum(axis=0)
        if ((sums != 0) & (counted == 0)).any():
            raise ValueError("its design sums what no unit has")
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


def _finite(written: Any) -> float:
    number = float(written)
    if not -LARGEST <= number <= LARGEST:
        raise ValueError("its design is not made of numbers")
    return number


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
    found = design_of(Units.of(rows, groups), rows, groups, size)
    return found if groups is not None else found.group(0)


def design_of(units: Units, rows: Rows, groups: NDArray[Any] | None, size: int) -> Design:
    """The design of each of `size` groups of rows, whose units these are."""
    import numpy as np

    flat = rows.codes if groups is None else groups.astype(np.int64) * CELLS + rows.codes
    counts = np.bincount(flat, minlength=size * CELLS)
    squares = counts if rows.weights is None else np.bincount(flat, rows.weights**2, size * CELLS)
    sums, products, largest = units.totals(units.owners, size)
    supports, masks = _supports(units, size)
    return Design(
        rows=counts.reshape(size, CELLS),
        sums=sums,
        squares=squares.reshape(size, CELLS).astype(float),
        products=products,
        supports=supports,
        patterns=(masks[:, None] >> np.arange(WIDTH)) & 1 > 0,
        largest=largest,
        clustered=rows.clusters is not None,
        alike=rows.weights is None,
        ceiling=rows.ceiling,
        floor=rows.floor,
    )


def _supports(units: Units, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many units of each group have which sums, and these as the bits of whole numbers."""
    import numpy as np

    found, kind = compact(units.masks(), 2**WIDTH)
    counts = np.bincount(units.owners * len(found) + kind, minlength=size * len(found))
    return counts.reshape(size, len(found)), found
