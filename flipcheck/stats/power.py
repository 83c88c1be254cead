"""How many examples a gate needs, and what a given number of them can decide (STATISTICS.md §4).

A gate "rate <= limit" passes with at most c(n) flips among n examples: c(n) is the largest count
whose exact upper bound keeps the limit. The chance to pass, the power, is then binomial. It is a
sawtooth in n: it falls while c(n) stays and jumps where c(n) grows, so two numbers answer "how
many": the first n that reaches a power, and the n from which it never falls below again. Both are
found tooth by tooth; no step goes over all n.

Limits from below are limits from above on what is left: `rate >= limit` is
`1 - rate <= 1 - limit`. So is a failure: the lower bound lies beyond the limit where the upper
bound of what is left lies within 1 - limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.outcomes import CELLS, Cells
from flipcheck.stats.intervals import bounds, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.metrics import Metric
    from flipcheck.stats.sampling import Sample

LARGEST, HALVINGS = 30.0, 56
"""The logarithm of the most, or the fewest, times that an example may count, and its search."""
MOST = 10**12
"""More examples than this are "no number of examples"."""


@dataclass(frozen=True, slots=True)
class Needed:
    """The first number of examples that reaches a power, and from where it never falls below."""

    first: int
    stable: int


def kept(count: Any, total: Any, limit: float, confidence: float) -> NDArray[np.bool_]:
    """Whether the one-sided upper bound of a rate keeps the limit: what `gates` decides by."""
    import numpy as np

    return np.asarray(clopper_pearson(count, total, 2 * confidence - 1)[1] <= limit)


def largest_passing(total: Any, limit: float, confidence: float) -> NDArray[np.int64]:
    """The most flips among `total` examples that keep the limit; -1 where not even none does."""
    import numpy as np

    n = np.asarray(total, np.int64)
    low, high = np.full(n.shape, -1), np.floor(n * limit).astype(np.int64) + 1
    while (high - low > 1).any():
        middle = (low + high) // 2
        fine = chance(middle, n, limit) <= 1 - confidence
        low, high = np.where(fine, middle, low), np.where(fine, high, middle)
    tried = low + np.reshape([0, 1], (2, *(1,) * low.ndim))  # the bound itself has the last word
    fine = (tried < 0) | kept(np.maximum(tried, 0), n, limit, confidence)
    return np.asarray(low - 1 + fine.sum(axis=0))


def smallest_failing(total: int, limit: float, confidence: float) -> int:
    """The fewest flips among `total` that show a rate beyond the limit; total + 1 if none do."""
    return total - int(largest_passing(total, 1 - limit, confidence))


def chance(count: Any, total: Any, rate: float) -> NDArray[np.float64]:
    """The chance of at most `count` flips among `total` at a true rate; `total` may be real."""
    import numpy as np
    from scipy.special import betainc

    x, n = np.asarray(count, float), np.asarray(total, float)
    inside = betainc(np.maximum(n - x, 1e-300), np.maximum(x, 0) + 1, 1 - rate)
    return np.asarray(np.where(x < 0, 0.0, np.where(x >= n, 1.0, inside)))


def power(total: Any, limit: float, rate: float, confidence: float) -> NDArray[np.float64]:
    """The chance that `total` examples at a true rate pass a limit from above."""
    return chance(largest_passing(total, limit, confidence), total, rate)


def examples_needed(limit: float, rate: float, goal: float, confidence: float) -> Needed | None:
    """The examples with which a true rate passes a limit from above with at least a power.

    A tooth of the sawtooth is the range of n over which c(n) stays. Were n real, it would begin
    just before its first whole n and end just after its last one. The powers at its real ends
    bound those at its whole ones, and rise with c: they are bisected, and the few teeth around
    are then tried. None where the rate is not below the limit, or more than MOST are needed.
    """
    if not 0 <= rate < limit:
        return None

    def reached(count: int, end: int) -> bool:
        """Whether the tooth of a count has the power at its beginning (end = 0), or its end (1)."""
        n = _crossing(count + end, limit, confidence)
        return bool(chance(count, n, rate) >= goal)

    most = int(MOST * limit)
    begins = _smallest(lambda count: reached(count, 0), most)
    stays = _smallest(lambda count: reached(count, 1), most)
    if begins is None or stays is None or _crossing(stays + 1, limit, confidence) > MOST:
        return None
    first = _first(max(0, begins - 2), limit, rate, goal, confidence)
    return Needed(first, _stable(stays + 2, limit, rate, goal, confidence))


def _first(count: int, limit: float, rate: float, goal: float, confidence: float) -> int:
    """The beginning of the first tooth, from that of a count on, that begins with the power."""
    import numpy as np

    size = 64
    while True:
        counts = np.arange(count, count + size)
        starts = _starts(counts, limit, confidence)
        good = np.flatnonzero(chance(counts, starts, rate) >= goal)
        if len(good):
            return int(starts[good[0]])
        count, size = count + size, size * 2


def _stable(count: int, limit: float, rate: float, goal: float, confidence: float) -> int:
    """The end of the last tooth, below that of a count, that ends without the power."""
    import numpy as np

    size = 64
    while True:
        counts = np.arange(max(-1, count - size), count)  # with -1 nothing passes yet
        ends = _starts(counts + 1, limit, confidence)
        low = np.flatnonzero(chance(counts, ends - 1, rate) < goal)
        if len(low):
            return int(ends[low[-1]])
        count, size = count - size, size * 2


def _crossing(count: Any, limit: float, confidence: float) -> Any:
    """The real number of examples at which so many flips begin to keep the limit."""
    from scipy.special import btdtria

    return count + btdtria(1 - confidence, count + 1, 1 - limit)


def _starts(counts: NDArray[np.int64], limit: float, confidence: float) -> NDArray[np.int64]:
    """The fewest examples with which each count of flips passes: where its tooth begins."""
    import numpy as np

    near = np.floor(_crossing(counts, limit, confidence)).astype(np.int64)
    tried = near + np.reshape([-1, 0, 1], (3, 1))
    return np.asarray(near - 1 + (~kept(counts, tried, limit, confidence)).sum(axis=0))


def _smallest(reached: Callable[[int], bool], most: int) -> int | None:
    """The smallest whole number from 0 at which what then stays holds; None above `most`."""
    low, high = -1, 0
    while not reached(high):
        low, high = high, 2 * high + 1
        if high > most:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def passing_rate(total: int, limit: float, goal: float, confidence: float) -> float | None:
    """The largest true rate that passes with a power; None where nothing can pass."""
    from scipy.special import betaincinv

    most = int(largest_passing(total, limit, confidence))
    return None if most < 0 else float(betaincinv(most + 1, total - most, 1 - goal))


def failing_rate(total: int, limit: float, goal: float, confidence: float) -> float | None:
    """The smallest true rate that fails with a power; None where nothing can fail."""
    left = passing_rate(total, 1 - limit, goal, confidence)
    return None if left is None else 1 - left


def seen_rate(total: int, goal: float) -> float:
    """The smallest true rate of which `total` examples show at least one flip with a power."""
    return float(1 - (1 - goal) ** (1 / total))


def change_examples(margin: float, lost: float, won: float, goal: float, confidence: float) -> int:
    """About the examples with which a change of the error rate is shown to stay within a margin.

    `lost` and `won` are the true rates of negative and positive flips, their difference below
    the margin. Tango's score test (1998), its variance under the margin and under the truth.
    """
    import math

    at_margin, at_truth, room, quantile = _change(margin, lost, won, confidence)
    return math.ceil(((quantile * at_margin + _normal_quantile(goal) * at_truth) / room) ** 2)


def change_power(
    total: Any, margin: float, lost: float, won: float, confidence: float
) -> NDArray[np.float64]:
    """About the chance that `total` examples show a change of the error rate within a margin."""
    import numpy as np
    from scipy.special import ndtr

    at_margin, at_truth, room, quantile = _change(margin, lost, won, confidence)
    distance = np.sqrt(np.asarray(total, float)) * room - quantile * at_margin
    return np.asarray(ndtr(distance / max(at_truth, 1e-300)))


def _change(
    margin: float, lost: float, won: float, confidence: float
) -> tuple[float, float, float, float]:
    """Both standard deviations, the room between truth and margin, and the quantile."""
    import math

    change = lost - won
    linear = -lost - won + (2 - lost + won) * margin
    spread = won * margin * (1 - margin)
    q = (math.sqrt(max(0.0, linear**2 + 8 * spread)) - linear) / 4
    variances = (2 * q + margin * (1 - margin), lost + won - change**2)
    at_margin, at_truth = (math.sqrt(max(0.0, each)) for each in variances)
    return at_margin, at_truth, margin - change, _normal_quantile(confidence)


def _normal_quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))


def often(share: float) -> str:
    """How often something happens, to a tenth: "0%" and "100%" only for never and always."""
    size = share * 100
    if 0 < size < 0.05 or 99.95 <= size < 100:
        return "<0.1%" if size < 1 else ">99.9%"
    return f"{size:.1f}%".replace(".0%", "%")


@dataclass(frozen=True, slots=True)
class Worth:
    """As how many examples drawn singly those of some samples count, each as a share of them.

    `drawn`, shape (samples,), is by how much they vary; `ends`, shape (samples, 2), by how wide
    the low and the high one-sided bounds are.
    """

    drawn: NDArray[np.float64]
    ends: NDArray[np.float64]

    @classmethod
    def of(
        cls, samples: Sequence[Sample], metric: Metric, confidence: float, each: float = 1.0
    ) -> Worth:
        """What samples are worth for a metric at a confidence; `each` is by what sums count.

        A bound is worth as many examples as give the closed form, at the same shares, the same
        end: clusters, weights and --bound are all in it. An end that no number of examples
        moves, as that of no event, is worth as many as the other one.
        """
        import numpy as np

        size, level = len(samples), 2 * confidence - 1
        if all(sample.effective(metric) is None for sample in samples):
            return cls(np.ones(size), np.ones((size, 2)))
        sums = np.array([counts_of(sample) for sample in samples]) * each
        wanted = np.array([sample.bounds(metric, level) for sample in samples], float).T
        low, high = np.full((2, size), -LARGEST), np.full((2, size), LARGEST)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            found = np.array(
                [
                    bounds(metric, Cells.of(sums * np.exp(part)[:, None]), level)[end]
                    for end, part in enumerate(middle)
                ]
            )
            wide = np.array([found[0] < wanted[0], found[1] > wanted[1]])
            low, high = np.where(wide, middle, low), np.where(wide, high, middle)
        ends = np.where(np.abs(high) < LARGEST - 1e-6, np.exp(high), np.nan)
        ends = np.where(np.isnan(ends), ends[::-1], ends).T
        effects = [sample.design_effect(metric) or np.nan for sample in samples]
        rows = np.array([float(sample.cells.examples) for sample in samples])
        whole = sums.sum(axis=1)  # 0 where no example of a sample has a weight
        drawn = rows / np.where(whole > 0, whole, rows) / np.maximum(effects, 1.0)
        ends = np.where(np.isnan(ends), np.nan_to_num(drawn, nan=1.0)[:, None], ends)
        return cls(np.fmax(drawn, ends.max(axis=1)), ends)

    def at_most(self, share: float) -> Worth:
        """The same, and nothing worth more than a share of the examples."""
        import numpy as np

        return Worth(np.minimum(self.drawn, share), np.minimum(self.ends, share))


def counts_of(sample: Sample) -> NDArray[np.float64]:
    """The weighted sum of each outcome of one group, or its count."""
    import numpy as np

    if sample.design is None:
        return sample.tally.counts().astype(float)
    return np.asarray(sample.design.sums[:CELLS], float)


def design_effect(size: float, correlation: float) -> float:
    """How many times more examples clusters need: 1 + (m − 1)·ICC.

    `size` is the examples of a cluster, sum(m²)/sum(m) where they differ; `correlation` is the
    intraclass correlation of the flips.
    """
    return 1 + (size - 1) * correlation
