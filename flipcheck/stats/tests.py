"""Tests of "no difference", and corrections for asking many questions at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.outcomes import Weighed
from flipcheck.stats.units import WIDTH

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from flipcheck.stats.design import Design
    from flipcheck.stats.units import Units


@dataclass(frozen=True, slots=True)
class Significance:
    """A p-value, the exact one beside it, and how many discordant pairs there were."""

    p_value: float
    method: str
    exact_p_value: float | None
    discordant: int


def mcnemar(negative_flips: int, positive_flips: int, design: Design | None = None) -> Significance:
    """McNemar's test that both error rates are equal, by the mid-p method.

    Fagerland, Lydersen & Laake (2013): mid-p holds its level where the exact test is too
    conservative. With clusters or weights it is the test of the units' differences (Obuchowski
    1998), by Student's t over the units that hold a flip, and has no exact p. It says nothing
    about the negative flip rate, and is never a gate.
    """
    if design is not None and not design.plain:
        return _clustered_mcnemar(negative_flips + positive_flips, design)
    import numpy as np
    from scipy.special import bdtr, gammaln

    total, smaller = negative_flips + positive_flips, min(negative_flips, positive_flips)
    if not total:
        return Significance(1.0, "mid-p", 1.0, 0)
    logs = gammaln(total + 1) - gammaln(smaller + 1) - gammaln(total - smaller + 1)
    point = float(np.exp(logs - total * np.log(2)))
    exact = min(1.0, 2 * float(bdtr(smaller, total, 0.5)))
    mid = 1 - point / 2 if negative_flips == positive_flips else exact - point
    return Significance(mid, "mid-p", exact, total)


def _clustered_mcnemar(discordant: int, design: Design) -> Significance:
    import numpy as np
    from scipy.special import stdtr

    cells = Weighed.of(np.eye(WIDTH))
    either = np.asarray(cells.negative_flips - cells.positive_flips)
    units, change = int(design.units_with(either != 0)), float(design.sums @ either)
    spread = float(design.quadratic(either, either))
    if units < 2 or spread <= 0:
        return Significance(1.0, "clustered", None, discordant)
    statistic = abs(change) / np.sqrt(spread)
    p_value = min(1.0, 2 * float(stdtr(units - 1, -statistic)))
    return Significance(p_value, "clustered", None, discordant)


def more_than_the_rest(flips: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each slice the chance of at least its flips, were they spread over all at random.

    One-sided hypergeometric p (Fisher's exact test of the slice against the rest); `flips` and
    `sizes` are the flips and examples of every part of the whole.
    """
    import numpy as np

    return np.exp(log_upper_tail(flips, sizes, int(flips.sum()), int(sizes.sum())))


def more_than_the_rest_by_unit(units: Units, size: int) -> NDArray[np.float64]:
    """For each of `size` groups of units the chance of its rate of flips, were it the rest's.

    For clusters and weights: the difference of the two rates over its linearised standard error,
    by Student's t over the units of the group that hold a flip (one of them proves nothing).
    """
    import numpy as np
    from scipy.special import stdtr

    cells, owners, unit = Weighed.of(np.eye(WIDTH)), units.owners, units.names
    flips, weight = units.total(cells.negative_flips), units.total(cells.examples)
    all_flips, all_weight = np.bincount(unit, flips), np.bincount(unit, weight)
    inside, own = np.bincount(owners, flips, size), np.bincount(owners, weight, size)
    outside, other = all_flips.sum() - inside, all_weight.sum() - own
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, rest = inside / own, outside / other
        base = (all_flips[unit] - rest[owners] * all_weight[unit]) / other[owners]
        here = (flips - rate[owners] * weight) / own[owners]
        there = (flips - rest[owners] * weight) / other[owners]
        everywhere = (
            (all_flips**2).sum()
            - 2 * rest * (all_flips * all_weight).sum()
            + rest**2 * (all_weight**2).sum()
        ) / other**2
        squares = everywhere + np.bincount(owners, (here - base + there) ** 2 - base**2, size)
        count = len(all_weight)
        statistic = (rate - rest) / np.sqrt(np.maximum(squares * count / (count - 1), 0))
        holding = np.bincount(owners[flips > 0], minlength=size)
        p_values = stdtr(holding - 1, -statistic)
    return np.where((holding > 1) & np.isfinite(statistic), p_values, 1.0)


def log_upper_tail(
    count: ArrayLike, drawn: ArrayLike, marked: int, total: int
) -> NDArray[np.float64]:
    """The logarithm of P(X >= count) of `marked` ones among `drawn` of `total`, of one shape.

    The terms on the shorter side of the mean are added up, each a ratio times the one before,
    until they no longer count: right in the far tail, and for all slices at once.
    """
    import numpy as np
    from scipy.special import betaln

    x, n = np.broadcast_arrays(np.asarray(count, float), np.asarray(drawn, float))
    certain = x <= np.maximum(0, n + marked - total)
    upper = x * total > n * marked  # the mean is n·marked / total
    first = np.where(upper, x, x - 1)  # below the mean: 1 - P(X <= count - 1)
    first = np.where(certain, np.maximum(0, n + marked - total), first)

    def log_choose(of: Any, taken: Any) -> NDArray[np.float64]:
        return np.asarray(-np.log1p(of) - betaln(of - taken + 1, taken + 1))

    log_term = log_choose(marked, first) + log_choose(total - marked, n - first)
    log_term = log_term - log_choose(total, n)
    log_sum = log_term + np.log(_ratio_sum(first, n, marked, total, upper & ~certain))
    beside = upper | certain
    below = np.log1p(-np.exp(np.where(beside, -1.0, log_sum)))
    return np.where(certain, 0.0, np.minimum(np.where(upper, log_sum, below), 0.0))


def _ratio_sum(
    first: NDArray[np.float64], n: NDArray[np.float64], marked: int, total: int, up: NDArray[Any]
) -> NDArray[np.float64]:
    """The hypergeometric terms from `first` outward, up or down, as multiples of the first."""
    import numpy as np

    step = np.where(up, 1.0, -1.0)
    added = np.ones_like(first)
    rows: NDArray[np.int64] = np.arange(first.size)
    x, drawn, ways, flat = (each.ravel() for each in (first, n, step, added))
    term = np.ones(first.size)
    while len(rows):
        nearer = np.where(ways > 0, x, x - 1)  # the smaller of the two neighbours
        rise = (marked - nearer) * (drawn - nearer)
        fall = (nearer + 1) * (total - marked - drawn + nearer + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            term = term * np.where(ways > 0, rise / fall, fall / rise)
        flat[rows] += term
        x = x + ways
        going = term > flat[rows] * 1e-17
        rows = rows[going]
        x, term, drawn, ways = (each[going] for each in (x, term, drawn, ways))
    return flat.reshape(first.shape)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values that hold the chance of any false claim (Holm 1979)."""
    import numpy as np

    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values that hold the share of false claims (Benjamini & Hochberg 1995)."""
    import numpy as np

    p = np.asarray(p_values, dtype=float)
    order = np.argsort(-p, kind="stable")
    steps = p[order] * len(p) / np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(steps))
    return adjusted
