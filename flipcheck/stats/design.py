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
    of the same shape, `extras` float64 of shape (examples, extras). Float sums depend on the
    order of rows: whoever wants the same bytes brings them in a canonical one.
    """

    codes: NDArray[np.uint8]
    weights: NDArray[np.float64] | None = None
    clusters: NDArray[np.int64] | None = None
    extras: NDArray[np.float64] | None = None
    ceiling: float = 0.0

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

    @property
    def kish(self) -> Any:
        """The effective number of examples that the weights alone leave (Kish 1965)."""
        return self.sums[..., :CELLS].sum(-1) ** 2 / self.squares.sum(-1)

    def quadratic(self, one: NDArray[Any], two: NDArray[Any]) -> Any:
        """The sum over units of the products of two of their linear combinations."""
        import numpy as np

        return np.einsum("...i,...ij,...j->...", one, self.products, two)

    def units_with(self, mask: NDArray[np.bool_]) -> Any:
        """How many units have any of these outcomes or extras (a mask of the last axis)."""
        return self.supports[..., (self.patterns & mask).any(axis=1)].sum(axis=-1)

    def group(self, place: int) -> Design:
        """The design of one of many groups."""
        names = ("rows", "sums", "squares", "products", "supports", "largest")
        return replace(self, **{name: getattr(self, name)[place] for name in names})

    def to_dict(self) -> dict[str, Any]:
        """The design as the JSON report keeps it: what is 0 is left out."""
        import numpy as np

        used = np.flatnonzero(self.sums > 0)
        return {
            "sums": {str(at): float(self.sums[at]) for at in used.tolist()},
            "squares": self.squares[self.squares > 0].tolist(),
            "products": self.products[np.ix_(used, used)][np.triu_indices(len(used))].tolist(),
            "supports": [
                [int(np.packbits(pattern, bitorder="little").view(np.uint16)[0]), count]
                for pattern, count in zip(self.patterns, self.supports.tolist(), strict=True)
                if count
            ],
            "largest": [*self.largest[used].tolist(), float(self.largest[-1])],
            "clustered": self.clustered,
            "alike": self.alike,
            "ceiling": self.ceiling,
        }

    @classmethod
    def from_dict(cls, written: dict[str, Any], rows: NDArray[np.int64]) -> Design:
        """The design that `to_dict` wrote, of examples with these outcomes."""
        import numpy as np

        used = np.array(sorted(map(int, written["sums"])), dtype=np.int64)
        sums, largest = np.zeros(WIDTH), np.zeros(WIDTH + 1)
        sums[used] = [written["sums"][str(at)] for at in used.tolist()]
        largest[used], largest[-1] = written["largest"][:-1], written["largest"][-1]
        squares = np.zeros(CELLS)
        squares[used[used < CELLS]] = written["squares"]
        products = np.zeros((WIDTH, WIDTH))
        upper = np.triu_indices(len(used))
        products[used[upper[0]], used[upper[1]]] = written["products"]
        products = products + np.triu(products, 1).T
        masks, counts = zip(*written["supports"], strict=True)
        patterns = (np.array(masks)[:, None] >> np.arange(WIDTH)) & 1 > 0
        return cls(
            rows,
            sums,
            squares,
            products,
            np.array(counts, dtype=np.int64),
            patterns,
            largest,
            bool(written["clustered"]),
            bool(written["alike"]),
            float(written["ceiling"]),
        )


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
        alike=bool((weights == weights[0]).all()),
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


@dataclass(frozen=True, slots=True)
class Linear:
    """An estimate as a sum over units, near its value: `influence` · sums / weight of `domain`.

    `influence` gives what each outcome and extra adds, along the last axis, and adds up to 0 over
    all units; `spread` is its variance for one example drawn by itself; the units that have any
    of the `marked` outcomes and extras lend the degrees of freedom.
    """

    influence: NDArray[np.float64]
    spread: Any
    domain: NDArray[np.bool_]
    marked: NDArray[np.bool_]


def weight_of(sums: Design, domain: NDArray[np.bool_]) -> Any:
    """The weight of all examples in some outcomes."""
    return sums.sums[..., domain].sum(axis=-1)


def design_effect(sums: Design, estimate: Linear) -> Any:
    """How many times larger the variance is than that of as many examples drawn by themselves."""
    import numpy as np

    rows, units = (
        sums.rows[..., estimate.domain[:CELLS]].sum(axis=-1),
        sums.units_with(estimate.domain),
    )
    between = np.maximum(sums.quadratic(estimate.influence, estimate.influence), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = units / (units - 1) * between / weight_of(sums, estimate.domain) ** 2
        return variance / (estimate.spread / (rows - 1))


def effective_size(sums: Design, estimate: Linear, level: float) -> Any:
    """How many examples drawn by themselves would be as sure (Korn & Graubard 1998).

    The degrees of freedom are those of the units with events, and equal weights have a floor of
    one example for each unit (STATISTICS.md §2.4).
    """
    import numpy as np
    from scipy.special import stdtrit

    domain, quantile = estimate.domain, (1 + level) / 2
    rows, weight = sums.rows[..., domain[:CELLS]].sum(axis=-1), weight_of(sums, domain)
    kish = weight**2 / sums.squares[..., domain[:CELLS]].sum(axis=-1)
    whole = domain.astype(float)
    by_unit = weight**2 / sums.quadratic(whole, whole)
    events, effect = sums.units_with(estimate.marked), design_effect(sums, estimate)
    known = (events > 1) & (effect > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = stdtrit(np.maximum(rows - 1, 1), quantile) / stdtrit(events - 1, quantile)
        size = np.where(known, rows / effect * lost**2, 0.0)
    size = np.where(events == 0, by_unit, np.maximum(size, by_unit if sums.alike else 0.0))
    return np.minimum(size, kish)


def gamma_upper(
    sums: Design,
    events: NDArray[np.float64],
    domain: NDArray[np.bool_],
    level: float,
    *,
    strict: bool,
) -> Any:
    """The upper end of a weighted rate of rare events (Fay & Feuer 1997), at most 1.

    One more event is taken to weigh as the units' root mean square does, or with `strict` as the
    heaviest of them. `events` gives what each outcome and extra adds to the sum of events.
    """
    import numpy as np
    from scipy.special import gammaincinv

    whole, weight = domain.astype(float), weight_of(sums, domain)
    share = (sums.sums * events).sum(axis=-1) / weight
    variance = sums.quadratic(events, events) / weight**2
    if strict:
        parts = sums.largest[..., :-1][..., domain].sum(axis=-1)
        more = np.minimum(parts, sums.largest[..., -1]) / weight
    else:
        more = np.sqrt(sums.quadratic(whole, whole) / sums.units_with(domain)) / weight
    total, spread = share + more, variance + more**2
    shape, scale = total**2 / spread, spread / total
    return np.minimum(gammaincinv(shape, (1 + level) / 2) * scale, 1.0)
