"""Tests of "no difference", and corrections for asking many questions at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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

    marked, total = int(flips.sum()), int(sizes.sum())
    pairs = zip(flips.tolist(), sizes.tolist(), strict=True)
    return np.asarray(
        [_upper_tail(count, drawn, marked, total) for count, drawn in pairs], dtype=float
    )


def _upper_tail(count: int, drawn: int, marked: int, total: int) -> float:
    """P(X >= count) of marked ones among `drawn` of `total`."""
    import numpy as np
    from scipy.special import gammaln

    top = min(drawn, marked)
    if count <= max(0, drawn + marked - total):
        return 1.0
    x = np.arange(count, top + 1, dtype=float)

    def choose(n: float, k: NDArray[np.float64]) -> NDArray[np.float64]:
        chosen: NDArray[np.float64] = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return chosen

    logs = (
        choose(marked, x)
        + choose(total - marked, drawn - x)
        - choose(total, np.asarray([float(drawn)]))
    )
    return min(1.0, float(np.exp(logs).sum()))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values that hold the chance of any false claim (Holm 1979)."""
    import numpy as np

    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted
