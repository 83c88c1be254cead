"""The interval of every metric over what was measured, however the examples were drawn.

Where each example was drawn by itself and counts alike, the closed forms of `intervals` hold. Else
the same forms are taken at the effective sample size of each metric (STATISTICS.md §2.4).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.outcomes import CELLS, Cells, Tally, Weighed
from flipcheck.stats import intervals
from flipcheck.stats.design import (
    WIDTH,
    Design,
    Linear,
    design_effect,
    effective_size,
    gamma_upper,
    weight_of,
)
from flipcheck.stats.intervals import METHODS, Interval
from flipcheck.stats.sequential import SEQUENCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.metrics import Metric
    from flipcheck.stats.intervals import Bounds, Methods

Bound = Literal["default", "strict"]
"""Whether one more event is taken to weigh as units do on the whole, or as the heaviest does."""
STEPS = 50


@dataclass(frozen=True, slots=True)
class Sample:
    """Counts of one group of examples or of many, and how they were drawn.

    `anytime` says that the run stopped where it seemed good, so that only intervals that hold at
    every time of stopping hold; these know of counts only.
    """

    cells: Cells
    design: Design | None = field(default=None, compare=False)
    bound: Bound = "default"
    anytime: bool = False

    @classmethod
    def of(cls, given: Sample | Cells) -> Sample:
        """A sample as it is, or counts of examples each drawn by itself."""
        return given if isinstance(given, Sample) else cls(given)

    @property
    def tally(self) -> Tally:
        """The counts of one group."""
        assert isinstance(self.cells, Tally)  # noqa: S101  (of many groups there is no tally)
        return self.cells

    def to_dict(self) -> dict[str, Any]:
        """The sample of one group as the JSON report writes it."""
        kept = {} if self.design is None else {"design": self.design.to_dict()}
        return {"tally": self.tally.to_dict(), **kept}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any], bound: Bound = "default") -> Sample:
        """The sample that `to_dict` wrote."""
        tally, kept = Tally.from_dict(written["tally"]), written.get("design")
        return cls(tally, None if kept is None else Design.from_dict(kept, tally.counts()), bound)

    def weighed(self) -> Cells:
        """The weighted sums, or the counts where all count alike."""
        return self.cells if self.design is None else self.design.cells

    def counts_suffice(self, metric: Metric) -> bool:
        """Whether the metric's interval is that of the counts."""
        return self.design is None or (self.design.plain and not metric.needs)

    def value(self, metric: Metric) -> float | None:
        """The metric; None where it is undefined, or not available."""
        if metric.needs and self.design is None:
            return None
        cells = self.weighed()
        bottom = metric.denominator(cells)
        if not bottom or (metric.needs_split and self.cells.both_wrong_unsplit):
            return None
        return float(metric.numerator(cells) / bottom)

    def counted(self, metric: Metric) -> tuple[float, float]:
        """What the value is made of: counts of examples, and sums only where counts say nothing."""
        cells = self.weighed() if metric.needs else self.cells
        top, bottom = metric.numerator(cells), metric.denominator(cells)
        return _number(top), _number(bottom)

    def method(self, metric: Metric) -> str:
        """The name of the interval's method, as reports give it."""
        name = self._methods[metric.kind][0]
        if self.counts_suffice(metric) or (self._at_counts(metric)):
            return name
        strict = ", strict" if self.bound == "strict" and _is_rate(metric) else ""
        return f"{name} at the effective size{strict}"

    @property
    def _methods(self) -> Methods:
        return SEQUENCES if self.anytime else METHODS

    def _at_counts(self, metric: Metric) -> bool:
        return metric.kind == "excess" and self.design is not None and self.design.plain

    def bounds(self, metric: Metric, level: float) -> Bounds:
        """The ends of the metric's default interval, NaN where it is undefined."""
        import numpy as np

        if self.counts_suffice(metric):
            return self._methods[metric.kind][1](metric, self.cells, level)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._designed(metric, level)

    def interval(self, metric: Metric, level: float) -> Interval | None:
        """The metric's default interval over one group; None where it is undefined."""
        import numpy as np

        if metric.needs and self.design is None:
            return None
        low, high = (float(end) for end in self.bounds(metric, level))
        if np.isnan(low):
            return None
        return Interval(low, high if np.isfinite(high) else None, level, self.method(metric))

    def tails(self, metric: Metric, limit: float) -> tuple[float, float]:
        """The chances of at least, and of at most, what was seen, were the limit the true value.

        Over one group. Where the effective size depends on the level, they are the levels at
        which the interval's ends reach the limit.
        """
        if self.counts_suffice(metric):
            low, high = intervals.tails(metric, self.cells, limit)
            return float(low), float(high)
        return self._level_at(metric, limit, 0), self._level_at(metric, limit, 1)

    def _level_at(self, metric: Metric, limit: float, end: int) -> float:
        low, high = 0.0, 0.5  # tail chances; an end reaches the limit at one of them, or never
        for _ in range(STEPS):
            tail = (low + high) / 2
            bound = float(self.bounds(metric, 1 - 2 * tail)[end])
            beyond = bound > limit if end == 0 else bound < limit
            low, high = (low, tail) if beyond else (tail, high)
        return high

    def scaled_tails(self, metric: Metric, limit: float, level: float, scale: float) -> Any:
        """About the same chances for a test set `scale` times as large of the same kind."""
        import numpy as np

        if self.counts_suffice(metric):
            return intervals.tails(metric, _scaled(self.cells, scale), limit)
        assert self.design is not None  # noqa: S101  (else the counts suffice)
        with np.errstate(divide="ignore", invalid="ignore"):
            if _is_rate(metric):
                events, total, flipped = self._effective_share(metric, level)
                top = 1.0 if metric.kind != "cost" else self.design.ceiling
                share = limit / (1 + limit) if metric.kind == "odds" else limit / top
                share = 1 - share if flipped else share
                tails = intervals.binomial_tails(events * scale, total * scale, share)
                return tails[::-1] if flipped else tails
            return intervals.tails(metric, _scaled(self.effective(metric, level), scale), limit)

    def design_effect(self, metric: Metric) -> float | None:
        """How many times larger the variance is than with examples drawn by themselves."""
        import numpy as np

        if self.counts_suffice(metric) or self._at_counts(metric):
            return None
        assert self.design is not None  # noqa: S101  (else the counts suffice)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = float(design_effect(self.design, self._linear(metric)))
        return found if np.isfinite(found) else None

    def effective_examples(self, metric: Metric, level: float) -> float:
        """As many examples, drawn each by itself, would be as sure of the metric."""
        import numpy as np

        if self.counts_suffice(metric) or self._at_counts(metric):
            return float(self.cells.examples)
        assert self.design is not None  # noqa: S101  (else the counts suffice)
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(effective_size(self.design, self._linear(metric), level))

    # --- the closed forms at the effective size --------------------------------------------

    def _designed(self, metric: Metric, level: float) -> Bounds:
        import numpy as np

        assert self.design is not None  # noqa: S101  (else the counts suffice)
        if not _is_rate(metric):
            return intervals.bounds(metric, self.effective(metric, level), level)
        low, high = self._rate_bounds(metric, level)
        if metric.kind == "odds":
            low, high = low / (1 - low), high / (1 - high)
            defined = self.design.cells.negative_flips > 0
            return np.where(defined, low, np.nan), np.where(defined, high, np.nan)
        scale = self.design.ceiling if metric.kind == "cost" else 1.0
        return low * scale, high * scale

    def _rate_bounds(self, metric: Metric, level: float) -> Bounds:
        """The interval of a rate: the effective one, its upper end no less than the gamma one."""
        import numpy as np

        assert self.design is not None  # noqa: S101  (else the counts suffice)
        events, total, flipped = self._effective_share(metric, level)
        low, high = intervals.clopper_pearson(events, total, level)
        top, domain = _rate(metric, self.design)
        whole = domain.astype(float)
        strict = self.bound == "strict"
        rare = np.where(np.asarray(flipped)[..., None], whole - top, top)
        high = np.maximum(high, gamma_upper(self.design, rare, domain, level, strict=strict))
        low, high = np.where(flipped, 1 - high, low), np.where(flipped, 1 - low, high)
        known = weight_of(self.design, domain) > 0
        return np.where(known, low, np.nan), np.where(known, high, np.nan)

    def _effective_share(self, metric: Metric, level: float) -> tuple[Any, Any, Any]:
        """The effective events and examples of a rate, and whether it is the rarer complement."""
        import numpy as np

        assert self.design is not None  # noqa: S101  (else the counts suffice)
        estimate = self._linear(metric)
        top, domain = _rate(metric, self.design)
        share = (self.design.sums * top).sum(-1) / weight_of(self.design, domain)
        flipped = share > 0.5
        size = effective_size(self.design, estimate, level)
        other = Linear(
            estimate.influence, estimate.spread, domain, domain & (domain.astype(float) != top)
        )
        size = np.where(flipped, effective_size(self.design, other, level), size)
        size = np.where(np.isnan(size), 0.0, size)
        return np.clip(np.where(flipped, 1 - share, share), 0, 1) * size, size, flipped

    def effective(self, metric: Metric, level: float) -> Cells:
        """Counts of as many examples, drawn each by itself, as would be as sure of the metric."""
        import numpy as np

        assert self.design is not None  # noqa: S101  (else the counts suffice)
        if self._at_counts(metric):
            size: Any = self.design.rows.sum(axis=-1)
        else:
            size = effective_size(self.design, self._linear(metric), level)
        shares = self.design.sums / np.asarray(weight_of(self.design, _everything()))[..., None]
        return Weighed.of(shares * np.asarray(size)[..., None])

    def _linear(self, metric: Metric) -> Linear:
        """The metric near its value, as a sum over units."""
        import numpy as np

        assert self.design is not None  # noqa: S101  (else the counts suffice)
        sums, domain = self.design.sums, _everything()
        if _is_rate(metric):
            top, domain = _rate(metric, self.design)
            share = (sums * top).sum(-1) / weight_of(self.design, domain)
            influence = top - np.asarray(share)[..., None] * domain
            return Linear(influence, share * (1 - share), domain, top > 0)
        weight = np.asarray(weight_of(self.design, domain))[..., None]
        cells = Weighed.of(np.eye(WIDTH))
        if metric.kind in {"difference", "excess"}:
            more, less = (
                (cells.excess_flips, cells.noise_flips)
                if metric.kind == "excess"
                else (cells.negative_flips, cells.positive_flips)
            )
            change = ((sums * (more - less)).sum(-1))[..., None] / weight
            discordant = ((sums * (more + less)).sum(-1))[..., None] / weight
            spread = (discordant - change**2)[..., 0]
            return Linear(more - less - change * domain, spread, domain, more + less > 0)
        parts = (
            ((cells.new_wrong, 1), (cells.old_wrong, -1))
            if metric.kind == "error ratio"
            else (
                (cells.negative_flips, 1),
                (cells.examples, 1),
                (cells.old_right, -1),
                (cells.new_wrong, -1),
            )
        )
        influence = sum(
            (sign * part * weight / np.asarray((sums * part).sum(-1))[..., None])
            for part, sign in parts
        )
        discordant = cells.negative_flips + cells.positive_flips
        marked = cells.negative_flips if metric.kind == "flip ratio" else discordant
        shares = sums[..., :CELLS] / weight
        spread = (shares * np.asarray(influence)[..., :CELLS] ** 2).sum(axis=-1)
        return Linear(np.asarray(influence), spread, domain, marked > 0)


def _number(value: Any) -> float:
    return int(value) if float(value).is_integer() else float(value)


def _is_rate(metric: Metric) -> bool:
    return metric.kind in {"proportion", "odds", "cost"}


def _everything() -> NDArray[np.bool_]:
    """All outcomes, and none of the extras."""
    import numpy as np

    return np.arange(WIDTH) < CELLS


def _rate(metric: Metric, design: Design) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What each outcome and extra adds to the events of a rate, and the outcomes it is over."""
    import numpy as np

    cells = Weighed.of(np.eye(WIDTH))
    top, bottom = np.asarray(metric.numerator(cells)), np.asarray(metric.denominator(cells))
    if metric.kind == "odds":
        bottom = top + bottom
    if metric.kind == "cost":
        top = top / design.ceiling if design.ceiling else top
    return top, bottom > 0


def _scaled(cells: Cells, scale: float) -> Cells:
    """The same shares of more examples."""
    kind = Weighed if isinstance(cells, Weighed) else Cells
    names = kind.__dataclass_fields__
    return kind(*(getattr(cells, name) * scale for name in names))
