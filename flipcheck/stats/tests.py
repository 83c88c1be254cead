"""Tests of "no difference", and corrections for asking many questions at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Significance:
    """A p-value, the exact one beside it, and how many discordant pairs there were."""

    p_value: float
    method: str
    exact_p_value: float
    discordant: int


def mcnemar(negative_flips: int, positive_flips: int) -> Significance:
    """McNemar's test that both error rates are equal, by the mid-p method.

    Fagerland, Lydersen & Laake (2013): mid-p holds its level where the exact test is too
    conservative. It says nothing about the negative flip rate, and is never a gate.
    """
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


def more_than_the_rest(flips: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each slice the chance of at least its flips, were they spread over all at random.

    One-sided hypergeometric p (Fisher's exact test of the slice against the rest); `flips` and
    `sizes` are the flips and examples of every part of the whole.
    """
    import numpy as np

    return np.exp(log_upper_tail(flips, sizes, int(flips.sum()), int(sizes.sum())))


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
