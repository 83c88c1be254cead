"""Intervals of mean scores and of what they gain and lose, over any design.

What an example gains or loses is no count: most lose nothing, and few may lose much. Where each
example was drawn by itself, the events of such a mean are taken as a compound Poisson law, and its
bounds are those of the gamma law with the same two moments (Fay & Feuer, Stat. Med. 1997). The
upper one supposes one more event as large as scores allow, so that a loss that was not seen yet
is reckoned with. Over clusters and weights it is the bound of a rate that `effective` gives. A
change is a gain less a loss: each end is off by both in quadrature (MOVER: Zou & Donner, Stat.
Med. 2008). As the variances of these laws are the mean squares, their sum is that of the change,
which is no less than its variance: nothing is lost by taking the two as independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.outcomes import CELLS, Weighed
from flipcheck.stats.effective import Effective, Rate
from flipcheck.stats.units import WIDTH

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.stats.intervals import Bounds

STEPS = 32
"""Halvings until a tail chance is known to 1e-10."""


@dataclass(frozen=True, slots=True)
class Scored(Effective):
    """A metric of scores over a design of one group of examples, or of many."""

    def bounds(self, level: float) -> Bounds:
        """The ends of the interval, NaN where the metric is undefined or no score differs."""
        import numpy as np

        if not self.design.ceiling:
            unknown = np.full(self._shape(), np.nan)
            return unknown, unknown
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = {"score": self._part, "mean score": self._mean, "score change": self._change}
            return ends[self.metric.kind](self._top(), level)

    def chances(self, limit: float, level: float) -> Bounds:  # noqa: ARG002  (as of any metric)
        """The chances of at least, and of at most, what was seen, were the limit the true value.

        They are the tail chances at which an end of the interval reaches the limit, by bisection;
        a half where none does.
        """
        import numpy as np

        found = []
        for end, beyond in ((0, np.greater), (1, np.less)):
            low, high = np.zeros(self._shape()), np.full(self._shape(), 0.5)
            for _ in range(STEPS):
                tail = (low + high) / 2
                passed = beyond(self.bounds(1 - 2 * tail)[end], limit)
                low, high = np.where(passed, low, tail), np.where(passed, tail, high)
            found.append(high)
        return found[0], found[1]

    def _shape(self) -> tuple[int, ...]:
        return self.design.sums.shape[:-1]

    def _top(self) -> NDArray[np.float64]:
        """What each outcome and extra adds to the metric."""
        import numpy as np

        return np.asarray(self.metric.numerator(Weighed.of(np.eye(WIDTH))), float)

    def _change(self, top: NDArray[np.float64], level: Any) -> Bounds:
        import numpy as np

        gain, loss = np.maximum(top, 0), np.maximum(-top, 0)
        up, down = self._share(gain), self._share(loss)
        (low_up, high_up), (low_down, high_down) = (
            self._part(each, level) for each in (gain, loss)
        )
        low = up - down - np.hypot(up - low_up, high_down - down)
        high = up - down + np.hypot(high_up - up, down - low_down)
        ceiling = self.design.ceiling
        return np.maximum(low, -ceiling), np.minimum(high, ceiling)

    def _share(self, top: NDArray[np.float64]) -> Any:
        return (self.design.sums * top).sum(-1) / self.design.weight(_everything())

    def _part(self, top: NDArray[np.float64], level: Any) -> Bounds:
        """The interval of the mean of what only some examples have, each at most the ceiling."""
        import numpy as np

        ceiling, share = self.design.ceiling, self._share(top)
        if not self.design.plain:
            rate = Rate(share / ceiling, top / ceiling, _everything(), False)
            low, high = self._rate_bounds(rate, level, gamma=True)
            return low * ceiling, high * ceiling
        weight = self.design.weight(_everything())
        variance = self.design.quadratic(top, top) / weight**2
        low, high = _gamma(share, variance, ceiling / weight, level)
        return low, np.minimum(high, ceiling)

    def _mean(self, top: NDArray[np.float64], level: Any) -> Bounds:
        """The interval of a mean score, as how far it lies from the nearer end of all scores."""
        import numpy as np

        ceiling, floor, domain = self.design.ceiling, self.design.floor, _everything()
        above = (top - floor * domain) / ceiling
        share = np.clip(self._share(above), 0, 1)
        flipped = share > 0.5
        events = np.where(np.asarray(flipped)[..., None], domain - above, above)
        share = np.where(flipped, 1 - share, share)
        if self.design.plain:
            weight = self.design.weight(domain)
            influence = events - np.asarray(share)[..., None] * domain
            spread = np.maximum(self.design.quadratic(influence, influence), 0)
            variance = np.where(weight > 1, spread / (weight * (weight - 1)), np.nan)
            low, high = _gamma(share, variance, 1 / weight, level, less=share / weight)
            high = np.minimum(high, 1.0)
        else:
            low, high = self._rate_bounds(Rate(share, events, domain, flipped), level, gamma=True)
        low, high = np.where(flipped, 1 - high, low), np.where(flipped, 1 - low, high)
        return floor + ceiling * low, floor + ceiling * high


def _gamma(share: Any, variance: Any, more: Any, level: Any, less: Any = 0.0) -> Bounds:
    """The bounds of gamma laws of a mean and a variance, the upper one with one event more.

    One example without an event would take `less` off the mean, which the lower one reckons with.
    The upper one is infinite where nothing is known of the variance.
    """
    import numpy as np
    from scipy.special import gammaincinv

    tail = (1 - level) / 2
    unknown = ~np.isfinite(variance) & ~np.isnan(share)  # of one example alone
    mean, spread = share - less, variance + less**2
    low = gammaincinv(mean**2 / spread, tail) * spread / mean
    low = np.where(np.isnan(share), np.nan, np.where(unknown | (share == 0), 0.0, low))
    mean, spread = share + more, variance + more**2
    high = gammaincinv(mean**2 / spread, 1 - tail) * spread / mean
    return low, np.maximum(np.where(unknown, np.inf, high), share)


def _everything() -> NDArray[np.bool_]:
    """All outcomes, and none of the extras."""
    import numpy as np

    return np.arange(WIDTH) < CELLS
