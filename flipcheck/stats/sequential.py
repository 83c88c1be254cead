"""Evidence and intervals that hold whenever a run stops: mixtures of likelihood ratios and bets.

Examples come in random order. Each process here starts at 1 and is a nonnegative supermartingale
while the claim that it speaks against is true, so that it ever reaches 1/alpha with a chance of at
most alpha (Ville 1939): it may be looked at after every example. Rates that are conditional (BTC)
move only with the examples in their denominator. All is done in logarithms, and counts may be
arrays of one shape (STATISTICS.md §5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.metrics import Metric
    from flipcheck.outcomes import Cells
    from flipcheck.stats.intervals import Bounds, Methods

    Numbers = NDArray[np.float64]

ANYTIME = 0.2
"""The share of alpha that is spent while models run; the rest is for the look at the end."""
SHAPE = 0.5
"""The first parameter of the beta mixtures; the second of the gate's is this over its limit."""
STAKES = 12
"""How many stakes are mixed: each half of the one before it, from 15/16 of all that may be bet."""


def rate_below(count: Any, total: Any, limit: Any, around: float) -> Numbers:
    """The log evidence that a rate lies below a limit: the truncated beta mixture.

    The likelihood of each rate below the limit over that of the limit itself, mixed by
    Beta(1/2, 1/(2·around)) cut off at the limit; a gate is tested around its own limit.
    """
    if around > 0.5:
        return _mixture(total - count, total, 1 - limit, 1 - around, above=True)
    return _mixture(count, total, limit, around, above=False)


def rate_above(count: Any, total: Any, limit: Any, around: float) -> Numbers:
    """The log evidence that a rate lies above a limit, likewise."""
    return rate_below(total - count, total, 1 - limit, 1 - around)


def _mixture(count: Any, total: Any, limit: Any, around: float, *, above: bool) -> Numbers:
    import numpy as np
    from scipy.special import betainc, betaincc, betaln, xlog1py, xlogy

    x, n, p = np.broadcast_arrays(*(np.asarray(each, float) for each in (count, total, limit)))
    part, b = (betaincc if above else betainc), SHAPE / max(around, 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        prior = betaln(SHAPE, b) + np.log(part(SHAPE, b, p))
        posterior = betaln(SHAPE + x, b + n - x) + np.log(part(SHAPE + x, b + n - x, p))
        found = posterior - prior - xlogy(x, p) - xlog1py(n - x, -p)
    # A limit of 0 or 1 leaves nothing beyond it, and one count on the wrong side disproves it.
    against = np.where(p <= 0, x > 0, x < n)
    certain = np.where(against & (above == (p <= 0)), np.inf, -np.inf)
    return np.where((p <= 0) | (p >= 1), certain, found)


def change_below(gained: Any, lost: Any, total: Any, limit: Any) -> Numbers:
    """The log evidence that (gained − lost) / total lies below a limit: a mixture of bets.

    A stake of λ multiplies the wealth by 1 − λ(x − limit) for each example, x being 1 where one
    is gained, −1 where lost and else 0: no gain on average while the change is at least the
    limit. λ is a share below 1 of the 1/(1 − limit) at which one example could take everything
    (Waudby-Smith & Ramdas, JRSS B 2024).
    """
    import numpy as np
    from scipy.special import logsumexp

    arrays = (np.asarray(each, float)[..., None] for each in (gained, lost, total, limit))
    b, c, n, m = np.broadcast_arrays(*arrays)
    m = np.clip(m, 1e-9 - 1, 1 - 1e-9)
    share = 15 / 16 * 0.5 ** np.arange(STAKES)
    stake = share / (1 - m)
    wealth = (
        b * np.log1p(-share) + c * np.log1p(stake * (1 + m)) + (n - b - c) * np.log1p(stake * m)
    )
    return np.asarray(logsumexp(wealth, axis=-1) - np.log(STAKES))


def change_above(gained: Any, lost: Any, total: Any, limit: Any) -> Numbers:
    """The log evidence that the change lies above a limit: the same bets on the other side."""
    import numpy as np

    return change_below(lost, gained, total, -np.asarray(limit, float))


def equal_flips(gained: Any, lost: Any) -> float:
    """The p-value of as many flips one way as the other, valid whenever it is looked at."""
    import numpy as np

    return float(np.exp(-max(0.0, float(_two_sided(gained, gained + lost, 0.5)))))


TESTED = ("proportion", "difference", "odds")
"""The kinds of metrics that have a test that holds at every look."""


def evidence(metric: Metric, cells: Cells, limit: float) -> tuple[Any, Any] | None:
    """The log evidence that a metric lies below a limit, and above it.

    None for a metric without a sequential test.
    """
    sides = _sides(metric, cells, limit)
    return sides and (sides[0](sides[2]), sides[1](sides[2]))


def gate_bounds(metric: Metric, cells: Cells, limit: float, alpha: float) -> tuple[float, float]:
    """The one-sided bounds of a gate's metric: what `evidence` refutes at alpha lies beyond them.

    Where the evidence reaches 1/alpha it grows with the distance (from the estimate it only
    falls below that once), so that each bound is found by bisection.
    """
    import numpy as np

    sides = _sides(metric, cells, limit)
    assert sides is not None  # noqa: S101  (the gate was known to have a test)
    below, above, _, estimate, (least, most) = sides
    low = _crossing(above, estimate, np.asarray(least), alpha)
    high = _crossing(below, estimate, np.asarray(most), alpha)
    if metric.kind == "odds":
        low, high = _as_odds(low), _as_odds(high)
    return float(low), float(high)


def _sides(metric: Metric, cells: Cells, limit: float) -> Any:
    """Both tests of a metric as functions of a supposed value, with the limit and the estimate."""
    import numpy as np

    if metric.kind == "difference":
        counts = (cells.negative_flips, cells.positive_flips, cells.examples)
        return (
            lambda value: change_below(*counts, value),
            lambda value: change_above(*counts, value),
            limit,
            np.asarray((counts[0] - counts[1]) / counts[2]),
            (-1.0, 1.0),
        )
    if metric.kind not in TESTED:
        return None
    x, n = metric.numerator(cells), metric.denominator(cells)
    if metric.kind == "odds":
        n, limit = x + n, limit / (1 + limit)
    return (
        lambda value: rate_below(x, n, value, limit),
        lambda value: rate_above(x, n, value, limit),
        limit,
        np.asarray(x / np.maximum(n, 1)),
        (0.0, 1.0),
    )


def _crossing(
    log_evidence: Callable[[Numbers], Numbers], inside: Numbers, outside: Numbers, alpha: float
) -> Numbers:
    """Where evidence reaches 1/alpha between a value that stands and the end of the range."""
    import numpy as np

    inside, far = np.asarray(inside, float), np.broadcast_to(outside, np.shape(inside))
    refuted = np.array(far, float)
    for _ in range(60):
        middle = (inside + refuted) / 2
        beyond = log_evidence(middle) >= -np.log(alpha)
        inside, refuted = np.where(beyond, inside, middle), np.where(beyond, middle, refuted)
    return refuted


def _two_sided(count: Any, total: Any, rate: Any) -> Numbers:
    """The log evidence against a rate: the likelihood mixed by Beta(1/2, 1/2) over its own."""
    import numpy as np
    from scipy.special import betaln, xlog1py, xlogy

    x, n, p = (np.asarray(each, float) for each in (count, total, rate))
    mixed = betaln(SHAPE + x, SHAPE + n - x) - betaln(SHAPE, SHAPE)
    return np.asarray(mixed - xlogy(x, p) - xlog1py(n - x, -p))


def beta_mixture(count: Any, total: Any, level: float) -> Bounds:
    """The confidence sequence of a rate (Robbins 1970), NaN where total is 0.

    It holds every rate that a beta mixture has not refuted; the evidence falls up to the estimate
    and rises after it, so that these are an interval.
    """
    import numpy as np

    x, n = np.broadcast_arrays(np.asarray(count, float), np.asarray(total, float))
    known = n > 0
    estimate = np.where(known, x / np.where(known, n, 1), 0.5)

    def against(rate: Numbers) -> Numbers:
        return _two_sided(x, n, rate)

    low, high = (_crossing(against, estimate, np.asarray(end), 1 - level) for end in (0.0, 1.0))
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def betting_mixture(gained: Any, lost: Any, total: Any, level: float) -> Bounds:
    """The confidence sequence of a paired difference, NaN where total is 0."""
    import numpy as np

    b, c, n = np.broadcast_arrays(*(np.asarray(each, float) for each in (gained, lost, total)))
    known, tail = n > 0, (1 - level) / 2
    estimate = (b - c) / np.where(known, n, 1)
    low = _crossing(lambda value: change_above(b, c, n, value), estimate, np.asarray(-1.0), tail)
    high = _crossing(lambda value: change_below(b, c, n, value), estimate, np.asarray(1.0), tail)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def _as_odds(share: Any) -> Numbers:
    import numpy as np

    with np.errstate(divide="ignore"):
        return np.asarray(share / (1 - share))


def _proportion(metric: Metric, cells: Cells, level: float) -> Bounds:
    return beta_mixture(metric.numerator(cells), metric.denominator(cells), level)


def _difference(_: Metric, cells: Cells, level: float) -> Bounds:
    return betting_mixture(cells.negative_flips, cells.positive_flips, cells.examples, level)


def _odds(metric: Metric, cells: Cells, level: float) -> Bounds:
    import numpy as np

    top, bottom = metric.numerator(cells), metric.denominator(cells)
    low, high = beta_mixture(top, top + bottom, level)
    defined = np.asarray(bottom) > 0
    return np.where(defined, _as_odds(low), np.nan), np.where(defined, _as_odds(high), np.nan)


def _none(_: Metric, cells: Cells, __: float) -> Bounds:
    import numpy as np

    nothing = np.full(np.shape(cells.examples), np.nan)
    return nothing, nothing


SEQUENCES: Methods = {
    "proportion": ("beta-mixture", _proportion),
    "difference": ("betting-mixture", _difference),
    "error ratio": ("none", _none),
    "flip ratio": ("none", _none),
    "odds": ("beta-mixture-odds", _odds),
}
"""The confidence sequence of each kind of metric; ratios of two rates have none."""
