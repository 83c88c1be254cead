"""A metric over clusters and weights: the closed forms at its effective sample size.

Which sums these are made of, and the coverage that they were measured to have, is STATISTICS.md
§2.4; `Design` has the sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.outcomes import CELLS, Weighed
from flipcheck.stats import intervals
from flipcheck.stats.units import WIDTH

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.metrics import Metric
    from flipcheck.stats.design import Design
    from flipcheck.stats.intervals import Bounds

Bound = Literal["default", "strict"]
"""Whether one more event is taken to weigh as units do on the whole, or as the heaviest does."""
RATES = ("proportion", "odds", "cost")
"""The kinds of metrics that are a share of the examples, or are made of one."""
NOTHING = 1e-12
"""What is left of shares that cancel out, where exact numbers would leave 0."""


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


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate, or its complement where that is rarer: `events` of each outcome and extra."""

    share: Any
    events: NDArray[np.float64]
    domain: NDArray[np.bool_]
    flipped: Any


@dataclass(frozen=True, slots=True)
class Effective:
    """A metric over a design of one group of examples, or of many along a leading axis."""

    metric: Metric
    design: Design
    bound: Bound = "default"

    def bounds(self, level: float) -> Bounds:
        """The ends of the interval, NaN where the metric is undefined."""
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            if self.metric.kind not in RATES:
                return self._no_closer(
                    intervals.bounds(self.metric, self.cells(level), level), level
                )
            low, high = self._share_bounds(level)
            if self.metric.kind == "odds":
                defined = self.design.cells.negative_flips > 0
                ends = (np.where(defined, end / (1 - end), np.nan) for end in (low, high))
                return next(ends), next(ends)
            scale = self.design.ceiling if self.metric.kind == "cost" else 1.0
            return low * scale, high * scale

    def chances(self, limit: float, level: float) -> Bounds:
        """The chances of at least, and of at most, what was seen, were the limit the true value.

        At the effective size of a level: its bounds are beyond the limit, or within it, where
        these are below (1 − level) / 2.
        """
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            if self.metric.kind not in RATES:
                tails = intervals.tails(self.metric, self.cells(level), limit)
                return self._no_rarer(tails, limit, level)
            rate = self._rate()
            share = np.clip(self._share_of(limit), 0, 1)
            share = np.where(rate.flipped, 1 - share, share)
            above, below = self._rate_chances(rate, share, level, gamma=True)
            return np.where(rate.flipped, below, above), np.where(rate.flipped, above, below)

    def design_effect(self) -> Any:
        """How many times larger the variance is than with examples drawn by themselves."""
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            return self._effect(_linear(self.metric, self.design))

    def examples(self, level: float) -> Any:
        """As many examples, drawn each by itself, would be as sure of the metric."""
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            return self._size(_linear(self.metric, self.design), level)

    def cells(self, level: float) -> Weighed:
        """Counts of as many examples, drawn each by itself, as would be as sure of the metric."""
        import numpy as np

        shares = self.design.sums / np.asarray(self.design.weight(_everything()))[..., None]
        return Weighed.of(shares * np.asarray(self.examples(level))[..., None])

    def units(self) -> Any:
        """How many clusters or examples a rate is over."""
        return self.design.units_with(_rate_of(self.metric, self.design)[1])

    def scale_to_pass(self, share: float, tail: float) -> float:
        """How many times as large the sample must be for no event to show a rate below `share`."""
        import numpy as np

        domain = _rate_of(self.metric, self.design)[1]
        alone = np.log(tail) / np.log1p(-share) / self._by_unit(domain)
        return float(max(alone, -np.log(tail) * self._one_more(domain) / share))

    def _share_of(self, value: float) -> float:
        """A value of the metric as the share that it is made of."""
        if self.metric.kind == "odds":
            return value / (1 + value)
        return value / self.design.ceiling if self.metric.kind == "cost" else value

    def _rate(self) -> Rate:
        import numpy as np

        top, domain = _rate_of(self.metric, self.design)
        share = (self.design.sums * top).sum(-1) / self.design.weight(domain)
        flipped = (share > 0.5) & (self.metric.kind != "cost")  # what a flip may cost has no rest
        events = np.where(np.asarray(flipped)[..., None], domain - top, top)
        return Rate(np.clip(np.where(flipped, 1 - share, share), 0, 1), events, domain, flipped)

    def _share_bounds(self, level: float) -> Bounds:
        """The interval of a rate: the effective one, its upper end no less than the gamma one."""
        import numpy as np

        rate = self._rate()
        low, high = self._rate_bounds(rate, level, gamma=True)
        return np.where(rate.flipped, 1 - high, low), np.where(rate.flipped, 1 - low, high)

    def _rate_bounds(self, rate: Rate, level: float, *, gamma: bool) -> Bounds:
        """The exact interval of a rate at its effective size, no closer than the gamma one."""
        import numpy as np
        from scipy.special import gammaincinv

        size = self._size(_of_rate(self.design, rate.events, rate.domain), level)
        low, high = intervals.clopper_pearson(rate.share * size, size, level)
        if gamma:
            shape, scale = self._gamma(rate)
            high = np.maximum(high, np.minimum(gammaincinv(shape, (1 + level) / 2) * scale, 1.0))
        return low, high

    def _rate_chances(self, rate: Rate, share: Any, level: float, *, gamma: bool) -> Bounds:
        """The chances that `_rate_bounds` inverts, were `share` the true rate."""
        import numpy as np
        from scipy.special import gammaincc

        size = self._size(_of_rate(self.design, rate.events, rate.domain), level)
        above, below = intervals.binomial_tails(rate.share * size, size, np.clip(share, 0, 1))
        if gamma:
            shape, scale = self._gamma(rate)
            below = np.maximum(below, gammaincc(shape, np.maximum(share, 0) / scale))
        return above, below

    def _no_closer(self, ends: Bounds, level: float) -> Bounds:
        """The ends of a comparison of two kinds of flips, moved out by the bound of either kind.

        The flips of few clusters are skewed, which a score of their difference does not know. So
        neither end is closer than where one kind is at its own bound and the other as observed;
        with the strict bound that is its gamma bound too.
        """
        import numpy as np

        if self.metric.kind == "flip ratio":
            return ends
        more, less = self._kinds()
        gamma = self.bound == "strict"
        most, least = (self._rate_bounds(kind, level, gamma=gamma)[1] for kind in (more, less))
        wrong = self._both_wrong()
        if self.metric.kind == "error ratio":
            low, high = (
                (more.share + wrong) / (least + wrong),
                (most + wrong) / (less.share + wrong),
            )
        else:
            low, high = more.share - least, most - less.share
        return np.minimum(ends[0], low), np.maximum(ends[1], high)

    def _no_rarer(self, tails: Bounds, limit: float, level: float) -> Bounds:
        """The chances of a comparison, no smaller than those that `_no_closer` inverts."""
        import numpy as np

        if self.metric.kind == "flip ratio":
            return tails
        more, less = self._kinds()
        wrong = self._both_wrong()
        if self.metric.kind == "error ratio":
            low, high = (more.share + wrong) / limit - wrong, limit * (less.share + wrong) - wrong
        else:
            low, high = more.share - limit, limit + less.share
        gamma = self.bound == "strict"
        above = self._rate_chances(less, low, level, gamma=gamma)[1]
        below = self._rate_chances(more, high, level, gamma=gamma)[1]
        return np.maximum(tails[0], above), np.maximum(tails[1], below)

    def _kinds(self) -> tuple[Rate, Rate]:
        """The two kinds of flips that a difference or an error ratio compares, as rates."""
        import numpy as np

        domain, weight = _everything(), self.design.weight(_everything())
        more, less, _ = intervals.paired_counts(self.metric, Weighed.of(np.eye(WIDTH)))
        one, two = (
            Rate((self.design.sums * each).sum(-1) / weight, np.asarray(each), domain, False)
            for each in (more, less)
        )
        return one, two

    def _both_wrong(self) -> Any:
        """The share of examples that neither model gets right."""
        return self.design.cells.both_wrong / self.design.weight(_everything())

    def _gamma(self, rate: Rate) -> tuple[Any, Any]:
        """Shape and scale of the gamma law of a weighted rate of rare events (Fay & Feuer 1997)."""
        more = self._one_more(rate.domain)
        variance = self.design.quadratic(rate.events, rate.events)
        total = rate.share + more
        spread = variance / self.design.weight(rate.domain) ** 2 + more**2
        return total**2 / spread, spread / total

    def _one_more(self, domain: NDArray[np.bool_]) -> Any:
        """What one more event is taken to add to a rate."""
        import numpy as np

        if self.bound == "strict":
            return self.design.heaviest(domain) / self.design.weight(domain)
        return np.sqrt(1 / self._by_unit(domain) / self.design.units_with(domain))

    def _by_unit(self, domain: NDArray[np.bool_]) -> Any:
        """The effective number of units: all that they count for where they are of one mind."""
        whole = domain.astype(float)
        return self.design.weight(domain) ** 2 / self.design.quadratic(whole, whole)

    def _effect(self, estimate: Linear) -> Any:
        import numpy as np

        domain, sums = estimate.domain, self.design
        rows, units = sums.rows[..., domain[:CELLS]].sum(axis=-1), sums.units_with(domain)
        between = np.maximum(sums.quadratic(estimate.influence, estimate.influence), 0)
        variance = units / (units - 1) * between / sums.weight(domain) ** 2
        return variance / (estimate.spread / (rows - 1))

    def _size(self, estimate: Linear, level: float) -> Any:
        """How many examples drawn by themselves would be as sure (Korn & Graubard 1998).

        The degrees of freedom are those of the units with events. The floor is the effective
        number of units where all weights are equal; else it is how many of the heaviest unit
        would weigh as much, as no rate can vary more than over these.
        """
        import numpy as np
        from scipy.special import stdtrit

        domain, sums, quantile = estimate.domain, self.design, (1 + level) / 2
        rows, weight = sums.rows[..., domain[:CELLS]].sum(axis=-1), sums.weight(domain)
        events, by_unit = sums.units_with(estimate.marked), self._by_unit(domain)
        lost = stdtrit(np.maximum(rows - 1, 1), quantile) / stdtrit(events - 1, quantile)
        size = np.where(events > 1, rows / self._effect(estimate) * lost**2, 0.0)
        size = np.maximum(size, by_unit if sums.alike else weight / sums.heaviest(domain))
        size = np.where((events == 0) | (np.asarray(estimate.spread) <= 0), by_unit, size)
        return np.minimum(size, weight**2 / sums.squares[..., domain[:CELLS]].sum(axis=-1))


def _everything() -> NDArray[np.bool_]:
    """All outcomes, and none of the extras."""
    import numpy as np

    return np.arange(WIDTH) < CELLS


def _rate_of(metric: Metric, design: Design) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What each outcome and extra adds to the events of a rate, and the outcomes it is over."""
    import numpy as np

    cells = Weighed.of(np.eye(WIDTH))
    top, bottom = np.asarray(metric.numerator(cells)), np.asarray(metric.denominator(cells))
    if metric.kind == "odds":
        bottom = top + bottom
    if metric.kind == "cost":
        top = top / design.ceiling
    return top, bottom > 0


def _linear(metric: Metric, design: Design) -> Linear:
    """A metric near its value, as a sum over units."""
    if metric.kind in RATES:
        return _of_rate(design, *_rate_of(metric, design))
    if metric.kind in {"difference", "excess"}:
        return _of_difference(metric, design)
    return _of_ratio(metric, design)


def _of_rate(design: Design, events: NDArray[np.float64], domain: NDArray[np.bool_]) -> Linear:
    import numpy as np

    share = (design.sums * events).sum(-1) / design.weight(domain)
    influence = events - np.asarray(share)[..., None] * domain
    return Linear(influence, share * (1 - share), domain, events > 0)


def _of_difference(metric: Metric, design: Design) -> Linear:
    import numpy as np

    domain = _everything()
    more, less, _ = (
        np.asarray(each) for each in intervals.paired_counts(metric, Weighed.of(np.eye(WIDTH)))
    )
    weight = design.weight(domain)
    change = (design.sums * (more - less)).sum(-1) / weight
    spread = (design.sums * (more + less)).sum(-1) / weight - change**2
    influence = more - less - np.asarray(change)[..., None] * domain
    return Linear(influence, np.where(spread > NOTHING, spread, 0), domain, more + less > 0)


def _of_ratio(metric: Metric, design: Design) -> Linear:
    """By the delta method on the ratio's logarithm, times the weight of its rarest part."""
    import numpy as np

    domain, cells = _everything(), Weighed.of(np.eye(WIDTH))
    flips, new, old = cells.negative_flips, cells.new_wrong, cells.old_wrong
    marked = flips + cells.positive_flips
    parts = [(new, 1), (old, -1)]
    if metric.kind == "flip ratio":
        marked = flips
        parts = [(flips, 1), (cells.examples, 1), (cells.old_right, -1), (new, -1)]
    first = np.asarray((design.sums * parts[0][0]).sum(-1))
    influence = parts[0][0] + sum(
        np.asarray(sign * first / (design.sums * part).sum(-1))[..., None] * part
        for part, sign in parts[1:]
    )
    influence = np.where(np.abs(influence) > NOTHING, influence, 0)
    shares = design.sums[..., :CELLS] / np.asarray(design.weight(domain))[..., None]
    spread = (shares * influence[..., :CELLS] ** 2).sum(axis=-1)
    return Linear(influence, spread, domain, marked > 0)
