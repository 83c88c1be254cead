"""The interval of every metric over what was measured, however the examples were drawn.

Where each example was drawn by itself and counts alike, the closed forms of `intervals` hold. Else
the same forms are taken at the effective sample size of each metric (STATISTICS.md §2.4).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.outcomes import Cells, Tally, Weighed
from flipcheck.stats import intervals
from flipcheck.stats.design import Design
from flipcheck.stats.effective import NOTHING, RATES, Effective
from flipcheck.stats.intervals import METHODS, Interval
from flipcheck.stats.scores import STEPS, Scored
from flipcheck.stats.sequential import SEQUENCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flipcheck.metrics import Metric
    from flipcheck.stats.effective import Bound
    from flipcheck.stats.intervals import Bounds, Methods


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

    def effective(self, metric: Metric) -> Effective | None:
        """The metric over clusters and weights; None where its interval is that of the counts."""
        if metric.needs == "scores" and self.design is not None:
            return Scored(metric, self.design, self.bound)
        if self.design is None or (self.design.plain and metric.kind != "cost"):
            return None
        return Effective(metric, self.design, self.bound)

    def value(self, metric: Metric) -> float | None:
        """The metric; None where it is undefined, or not available."""
        if metric.needs and self.design is None:
            return None
        cells = self.weighed()
        bottom = metric.denominator(cells)
        if not bottom or (metric.needs_split and self.cells.both_wrong_unsplit):
            return None
        if metric.needs_right and self.cells.graded:
            return None
        return float(metric.numerator(cells) / bottom)

    @property
    def could_break(self) -> bool:
        """Whether any example was right before, or graded above the least score."""
        cells = self.weighed()
        if self.design is None or not self.cells.graded:
            return bool(cells.could_break > 0)
        assert isinstance(cells, Weighed)  # noqa: S101  (a design has these sums)
        above = cells.old_score - self.design.floor * cells.examples
        return bool(above > NOTHING * self.design.ceiling * cells.examples)

    def counted(self, metric: Metric) -> tuple[float, float]:
        """What the value is made of: counts of examples, and sums only where counts say nothing."""
        cells = self._counts(metric)
        top, bottom = metric.numerator(cells), metric.denominator(cells)
        return _number(top), _number(bottom)

    def method(self, metric: Metric) -> str:
        """The name of the interval's method, as reports give it."""
        name = self._methods[metric.kind][0]
        scored = metric.needs == "scores"
        if self.effective(metric) is None or (scored and self.design and self.design.plain):
            return name
        rated = scored or metric.kind in RATES
        strict = ", strict" if self.bound == "strict" and rated else ""
        return f"{name} at the effective size{strict}"

    def bounds(self, metric: Metric, level: float) -> Bounds:
        """The ends of the metric's default interval, NaN where it is undefined."""
        effective = self.effective(metric)
        if effective is None:
            return self._methods[metric.kind][1](metric, self._counts(metric), level)
        return effective.bounds(level)

    def interval(self, metric: Metric, level: float) -> Interval | None:
        """The metric's default interval over one group; None where it is undefined."""
        import numpy as np

        if metric.needs and self.design is None:
            return None
        low, high = (float(end) for end in self.bounds(metric, level))
        if np.isnan(low):
            return None
        return Interval(low, high if np.isfinite(high) else None, level, self.method(metric))

    def simultaneous(self, metric: Metric, level: float, family: int) -> list[Interval | None]:
        """Each group's interval, that holds for all of a family of so many at once (Bonferroni).

        Whichever of the family is looked at, and for whatever reason: the level holds. None where
        the metric is undefined.
        """
        import numpy as np

        method = self.method(metric)
        if family > 1:
            method = method.replace("clopper-pearson", "clopper-pearson-bonferroni")
        ends = self.bounds(metric, 1 - (1 - level) / family)
        rows = zip(*(np.ravel(end).tolist() for end in ends), strict=True)
        return [None if np.isnan(low) else Interval(low, high, level, method) for low, high in rows]

    def chances(self, metric: Metric, limit: float, level: float) -> tuple[float, float]:
        """The chances of at least, and of at most, what was seen, were the limit the true value.

        Over one group, and at its effective size for a confidence level: the low end is beyond
        the limit, or the high one within it, where they are below (1 − level) / 2.
        """
        effective = self.effective(metric)
        if effective is None:
            above, below = intervals.tails(metric, self._counts(metric), limit)
        else:
            above, below = effective.chances(limit, level)
        return float(above), float(below)

    def decides(self, metric: Metric, limit: float, level: float) -> bool:
        """Whether the interval of that level over one group lies on one side of a limit."""
        low, high = self.bounds(metric, level)
        return bool(high < limit or low > limit)

    def tails(self, metric: Metric, limit: float) -> tuple[float, float]:
        """The same chances, each at the level where an end of the interval reaches the limit."""
        return self.tail(metric, limit, 0), self.tail(metric, limit, 1)

    def tail(self, metric: Metric, limit: float, end: Literal[0, 1]) -> float:
        """One of the tails: that of the low end (0), or of the high one (1)."""
        if self.effective(metric) is None or metric.needs == "scores":
            return self.chances(metric, limit, 0)[end]
        low, high = 0.0, 0.5  # an end reaches the limit at one of these tail chances, or never
        for _ in range(STEPS):
            tail = (low + high) / 2
            beyond = self.chances(metric, limit, 1 - 2 * tail)[end] < tail
            low, high = (low, tail) if beyond else (tail, high)
        return high

    def scaled(self, factor: float) -> Sample:
        """A sample so many times as large, of the same kinds of examples and clusters."""
        kind = Weighed if isinstance(self.cells, Weighed) else Cells
        cells = kind(*(getattr(self.cells, name) * factor for name in kind.__dataclass_fields__))
        return replace(self, cells=cells, design=self.design and self.design.scaled(factor))

    def design_effect(self, metric: Metric) -> float | None:
        """How many times clusters and weights multiply the variance; None where it is unknown.

        That of a cost is, and of scores: what one example drawn by itself varies is not kept.
        """
        import numpy as np

        effective = self.effective(metric)
        if effective is None or metric.needs == "scores" or metric.kind == "cost":
            return None
        found = float(effective.design_effect())
        return found if np.isfinite(found) else None

    def effective_examples(self, metric: Metric, level: float) -> float:
        """As many examples, drawn each by itself, would be as sure of the metric."""
        effective = self.effective(metric)
        return float(self.cells.examples if effective is None else effective.examples(level))

    @property
    def _methods(self) -> Methods:
        return SEQUENCES if self.anytime else METHODS

    def _counts(self, metric: Metric) -> Cells:
        return self.weighed() if metric.needs else self.cells


def _number(value: Any) -> float:
    return int(value) if float(value).is_integer() else float(value)
