"""Confidence intervals of the metrics in closed form, over one tally or many at once.

Which method serves which metric, and the coverage that each was measured to have, is
STATISTICS.md §0 and §2. Counts may be arrays of one shape and need not be whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.metrics import Kind, Metric
    from flipcheck.outcomes import Cells

    Bounds = tuple[NDArray[np.float64], NDArray[np.float64]]
    Methods = dict[Kind, tuple[str, Callable[[Metric, Cells, float], Bounds]]]


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval; an end without a bound (odds of c to 0) is None."""

    low: float | None
    high: float | None
    level: float
    method: str


def clopper_pearson(count: Any, total: Any, level: float) -> Bounds:
    """The exact interval of a proportion (Clopper & Pearson 1934), NaN where total is 0."""
    import numpy as np
    from scipy.special import betaincinv

    x, n = np.broadcast_arrays(np.asarray(count, float), np.asarray(total, float))
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(x <= 0, 0.0, betaincinv(np.maximum(x, 1e-300), n - x + 1, tail))
        high = np.where(x >= n, 1.0, betaincinv(x + 1, np.maximum(n - x, 1e-300), 1 - tail))
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def tango(gained: Any, lost: Any, total: Any, level: float) -> Bounds:
    """The score interval of a paired difference (gained − lost) / total (Tango 1998).

    `gained` and `lost` are the two discordant counts. The interval holds every difference that
    the score test does not reject; the score falls in the difference, so both ends are found by
    bisection to 1e-13.
    """
    import numpy as np
    from scipy.special import ndtri

    b, c, n = np.broadcast_arrays(*(np.asarray(each, float) for each in (gained, lost, total)))
    z = float(ndtri((1 + level) / 2))
    known = n > 0
    safe = np.where(known, n, 1.0)
    ends = np.reshape([z, -z], (2, *(1,) * b.ndim))
    low, high = _root(lambda change: tango_score(b, c, safe, change) - ends, (2, *b.shape))
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def tango_score(
    gained: NDArray[Any], lost: NDArray[Any], total: NDArray[Any], change: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Tango's score statistic at a supposed difference; at 0 it is McNemar's z."""
    import numpy as np

    twice = 2 * total
    linear = -gained - lost + (twice - gained + lost) * change
    root = np.sqrt(np.maximum(linear**2 + 4 * twice * lost * change * (1 - change), 0))
    # The larger root of the quadratic, written so that it never subtracts near-equal numbers.
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.where(
            linear <= 0,
            (root - linear) / (2 * twice),
            2 * lost * change * (1 - change) / (root + linear),
        )
        variance = total * (2 * np.nan_to_num(q) + change * (1 - change))
        score = (gained - lost - total * change) / np.sqrt(variance)
    sign = np.sign(gained - lost - total * change)
    certain = np.where(sign == 0, 0.0, np.copysign(np.inf, sign))
    return np.asarray(np.where(variance > 0, score, certain))


def _root(
    falling: Callable[[NDArray[np.float64]], NDArray[np.float64]], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Where a falling function over [-1, 1] crosses 0."""
    import numpy as np

    low, high = np.full(shape, -1.0), np.full(shape, 1.0)
    for _ in range(48):
        middle = (low + high) / 2
        above = falling(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray((low + high) / 2)


def log_delta(cells: Cells, level: float) -> Bounds:
    """The interval of relative NFR, N·b / ((a + b)(b + d)).

    Both ends are the delta method's on the logarithm, with half an example added to every cell
    (STATISTICS.md §2.3). That addition moves both of them up: as a limit's bound the lower end
    would fail up to 18 % of good updates. So it is no higher than the exact bound of b / (b + d),
    times N / (a + b); simulated, it fails at most 5.1 %.
    """
    import numpy as np
    from scipy.special import ndtri

    logarithm, error = _log_ratio(cells)
    width = float(ndtri((1 + level) / 2)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        share = clopper_pearson(cells.negative_flips, cells.new_wrong, level)[0]
        low = share * (cells.examples / np.asarray(cells.old_right, float))
        high = np.maximum(np.exp(logarithm + width), _observed_ratio(cells))
    low = np.minimum(low, np.exp(logarithm - width))
    defined = (np.asarray(cells.old_right) > 0) & (np.asarray(cells.new_wrong) > 0)
    return np.where(defined, low, np.nan), np.where(defined, high, np.nan)


def _observed_ratio(cells: Cells) -> Any:
    """Relative NFR as it is, N·b / ((a + b)(b + d))."""
    import numpy as np

    expected = np.asarray(cells.old_right, float) * np.asarray(cells.new_wrong, float)
    return cells.negative_flips * np.asarray(cells.examples, float) / expected


def _log_ratio(cells: Cells) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The logarithm of relative NFR with half an example in every cell, and its error."""
    import numpy as np

    a, b, c, d = (
        np.asarray(count, float) + 0.5
        for count in (
            cells.both_right,
            cells.negative_flips,
            cells.positive_flips,
            cells.both_wrong,
        )
    )
    n = a + b + c + d
    grad_a, grad_d = -n / (a + b), -n / (b + d)
    grad_b = n / b + grad_a + grad_d
    mean = (a * grad_a + b * grad_b + d * grad_d) / n
    variance = ((a * grad_a**2 + b * grad_b**2 + d * grad_d**2) / n - mean**2) / n
    return np.log(n * b / ((a + b) * (b + d))), np.sqrt(np.maximum(variance, 0))


def paired_ratio(first: Any, second: Any, discordant: Any, together: Any, level: float) -> Bounds:
    """The hybrid score interval of a ratio of paired counts (Bonett & Price 2006).

    `first` and `second` are the two counts, `discordant` the examples in just one of them, and
    `together` those in either. NaN where the second count is 0.
    """
    from scipy.special import ndtri

    return _paired_ratio_at(first, second, discordant, together, ndtri((1 + level) / 2))


def _paired_ratio_at(first: Any, second: Any, discordant: Any, together: Any, z: Any) -> Bounds:
    import numpy as np

    x1, x2, f, m = (np.asarray(each, float) for each in (first, second, discordant, together))
    spread = np.sqrt((f + 2) / ((x1 + 1) * (x2 + 1)))
    parts = [np.sqrt((1 - (x + 1) / (m + 2)) / (x + 1)) for x in (x1, x2)]
    shrunk = z * spread / (parts[0] + parts[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        (low1, high1), (low2, high2) = (_wilson(x, m, shrunk) for x in (x1, x2))
        low, high = low1 / high2, high1 / low2
    return np.where(x2 > 0, low, np.nan), np.where(x2 > 0, high, np.nan)


def _wilson(count: NDArray[Any], total: NDArray[Any], z: Any) -> Bounds:
    """Wilson's score limits of a proportion, exactly 0 and 1 at its ends."""
    import numpy as np

    middle = count + z**2 / 2
    width = z * np.sqrt(count * (total - count) / total + z**2 / 4)
    low, high = (middle - width) / (total + z**2), (middle + width) / (total + z**2)
    return np.where(count <= 0, 0.0, low), np.where(count >= total, 1.0, high)


def _paired_ratio_tails(
    first: Any, second: Any, discordant: Any, together: Any, limit: float
) -> Bounds:
    """The chances that `paired_ratio` inverts: by bisection on its z."""
    import numpy as np
    from scipy.special import ndtr

    x1, x2, f, m = np.broadcast_arrays(
        *(np.asarray(each, float) for each in (first, second, discordant, together))
    )
    below = x1 < limit * x2  # then the upper end reaches the limit at some z, else the lower one
    low, high = np.zeros(x1.shape), np.full(x1.shape, 38.0)
    for _ in range(60):
        z = (low + high) / 2
        ends = _paired_ratio_at(x1, x2, f, m, z)
        short = np.where(below, ends[1] < limit, ends[0] > limit)
        low, high = np.where(short, z, low), np.where(short, high, z)
    z = np.where(below, -low, low)  # how far beyond the limit the estimate lies
    return ndtr(-z), ndtr(z)


def odds(count: Any, against: Any, level: float) -> Bounds:
    """The exact interval of count/against given their sum: Clopper–Pearson's, as odds."""
    import numpy as np

    low, high = clopper_pearson(count, np.asarray(count) + np.asarray(against), level)
    with np.errstate(divide="ignore"):
        low, high = low / (1 - low), high / (1 - high)
    defined = np.asarray(against) > 0
    return np.where(defined, low, np.nan), np.where(defined, high, np.nan)


def _proportion(metric: Metric, cells: Cells, level: float) -> Bounds:
    return clopper_pearson(metric.numerator(cells), metric.denominator(cells), level)


def _difference(metric: Metric, cells: Any, level: float) -> Bounds:
    return tango(*paired_counts(metric, cells), level)


def paired_counts(metric: Metric, cells: Any) -> tuple[Any, Any, Any]:
    """The two discordant counts of a paired difference, and all examples."""
    if metric.kind == "excess":
        return cells.excess_flips, cells.noise_flips, cells.examples
    return cells.negative_flips, cells.positive_flips, cells.examples


def _error_counts(cells: Cells) -> tuple[Any, Any, Any, Any]:
    discordant = cells.negative_flips + cells.positive_flips
    return cells.new_wrong, cells.old_wrong, discordant, discordant + cells.both_wrong


def _error_ratio(_: Metric, cells: Cells, level: float) -> Bounds:
    return paired_ratio(*_error_counts(cells), level)


def _flip_ratio(_: Metric, cells: Cells, level: float) -> Bounds:
    return log_delta(cells, level)


def _odds(metric: Metric, cells: Cells, level: float) -> Bounds:
    return odds(metric.numerator(cells), metric.denominator(cells), level)


def _by_sums(metric: Metric, cells: Cells, _: float) -> Bounds:
    """NaN: of scores more must be known than counts, which `scores` does."""
    import numpy as np

    unknown = np.full(np.shape(metric.denominator(cells)), np.nan)
    return unknown, unknown


METHODS: Methods = {
    "proportion": ("clopper-pearson", _proportion),
    "difference": ("tango", _difference),
    "error ratio": ("bonett-price", _error_ratio),
    "flip ratio": ("clopper-pearson and log-delta", _flip_ratio),
    "odds": ("clopper-pearson-odds", _odds),
    "excess": ("tango", _difference),
    "cost": ("clopper-pearson", _proportion),
    "score": ("gamma", _by_sums),
    "score change": ("gamma, mover", _by_sums),
    "mean score": ("gamma", _by_sums),
}
"""The default method of each kind of metric, by its name in reports."""


def bounds(metric: Metric, cells: Cells, level: float) -> Bounds:
    """The ends of the metric's default interval, NaN where it is undefined."""
    return METHODS[metric.kind][1](metric, cells, level)


def tails(metric: Metric, cells: Cells, limit: float) -> Bounds:
    """The chances of at least, and of at most, what was seen, were the limit the true value.

    They are the tests that the default intervals invert: the low end at a level is beyond the
    limit where the first chance is below (1 − level) / 2, the high end within it where the second
    one is.
    """
    import numpy as np
    from scipy.special import ndtr

    if metric.kind in {"difference", "excess"}:
        b, c, n = (np.asarray(each, float) for each in paired_counts(metric, cells))
        score = tango_score(b, c, n, np.asarray(limit))
        return ndtr(-score), ndtr(score)
    if metric.kind == "error ratio":
        return _paired_ratio_tails(*_error_counts(cells), limit)
    if metric.kind == "flip ratio":
        logarithm, error = _log_ratio(cells)
        with np.errstate(divide="ignore", invalid="ignore"):
            above, below = (ndtr(sign * (logarithm - np.log(limit)) / error) for sign in (-1, 1))
            share = np.minimum(limit * (np.asarray(cells.old_right) / cells.examples), 1.0)
            below = np.where(_observed_ratio(cells) > limit, np.maximum(below, 0.5), below)
        exact = binomial_tails(cells.negative_flips, cells.new_wrong, share)[0]
        return np.maximum(exact, above), below
    count, total = metric.numerator(cells), metric.denominator(cells)
    if metric.kind == "odds":
        total, limit = count + total, limit / (1 + limit)
    return binomial_tails(count, total, limit)


def binomial_tails(count: Any, total: Any, share: Any) -> Bounds:
    """The chances of at least and of at most `count` of `total`, which need not be whole."""
    import numpy as np
    from scipy.special import betainc

    x, n = np.asarray(count, float), np.asarray(total, float)
    some, rest = np.maximum(x, 1e-300), np.maximum(n - x, 1e-300)
    above = np.where(x <= 0, 1.0, betainc(some, n - x + 1, share))
    below = np.where(x >= n, 1.0, betainc(rest, x + 1, 1 - share))
    return above, below


def interval(
    metric: Metric, cells: Cells, level: float, methods: Methods = METHODS
) -> Interval | None:
    """The interval of a metric over one tally, by default its own; None where it is undefined."""
    import numpy as np

    method, ends = methods[metric.kind]
    low, high = (float(end) for end in ends(metric, cells, level))
    if np.isnan(low):
        return None
    return Interval(low, high if np.isfinite(high) else None, level, method)
