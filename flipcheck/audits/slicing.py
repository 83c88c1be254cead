"""The slices of an audit: their samples, their metrics, and what is said of them as a family."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flipcheck.metrics import GRADED_SLICE_METRICS, METRICS, SLICE_METRICS
from flipcheck.outcomes import Cells
from flipcheck.report import Estimate, Slice
from flipcheck.stats.intervals import Interval
from flipcheck.stats.sampling import Sample
from flipcheck.stats.tests import benjamini_hochberg, holm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.audits.measuring import Measured
    from flipcheck.gates import Scope
    from flipcheck.report import Settings
    from flipcheck.slices import Sliced
    from flipcheck.stats.design import Design
    from flipcheck.stats.effective import Bound


@dataclass(frozen=True, slots=True)
class Parts:
    """The slices of one column, with the design of each where the whole has one."""

    column: Sliced
    p_values: NDArray[np.float64]
    design: Design | None
    bound: Bound
    anytime: bool

    @classmethod
    def of(cls, column: Sliced, found: Measured) -> Parts:
        """The slices of a column of what was measured."""
        design, p_values = found.parts(column.groups, column.counts)
        return cls(column, p_values, design, found.bound, found.anytime)

    def samples(self) -> list[tuple[Scope, Sample]]:
        """Each slice as a sample of its own."""
        return [
            ((self.column.by, value), Sample(each, self._design(place), self.bound, self.anytime))
            for place, (value, each) in enumerate(
                zip(self.column.values, self.column.tallies(), strict=True)
            )
        ]

    def together(self) -> Sample:
        """All slices at once: every count is an array."""
        return Sample(Cells.of(self.column.counts), self.design, self.bound, self.anytime)

    def _design(self, place: int) -> Design | None:
        return None if self.design is None else self.design.group(place)


def slice_reports(columns: Sequence[Parts], settings: Settings) -> tuple[Slice, ...]:
    """The slices of one kind (declared columns, or classes), corrected as one family."""
    family = _family(columns, settings)
    return tuple(
        Slice(each.column.by, value, part, metrics, *next(family), sample.design)
        for each in columns
        for value, part, (_, sample), metrics in zip(
            each.column.values,
            each.column.tallies(),
            each.samples(),
            _metrics(each, settings),
            strict=True,
        )
    )


def _family(
    columns: Sequence[Parts], settings: Settings
) -> Iterator[tuple[float | None, float | None, float | None, Interval | None]]:
    """What is said of each slice as one of a family.

    That is its p-value, Holm's, the q-value of Benjamini and Hochberg, and the interval of the
    negative flip rate that holds for the whole family at once (Bonferroni). Slices that are too
    small are no part of the family, and have none of them.
    """
    import numpy as np

    if not columns:
        return
    sizes = np.concatenate([each.together().cells.examples for each in columns])
    judged = sizes >= settings.min_slice
    p_values = np.concatenate([each.p_values for each in columns])[judged]
    metric, size = METRICS["negative_flip_rate"], max(1, len(p_values))
    ends = (
        end
        for each in columns
        for end in each.together().simultaneous(metric, settings.confidence, size)
    )
    corrected = zip(
        p_values.tolist(),
        holm(p_values).tolist(),
        benjamini_hochberg(p_values).tolist(),
        strict=True,
    )
    for large, interval in zip(judged.tolist(), ends, strict=True):
        yield (*next(corrected), interval) if large else (None, None, None, None)


def _metrics(column: Parts, settings: Settings) -> list[dict[str, Estimate]]:
    """The metrics of every slice of a column, all slices at once."""
    import numpy as np

    together = column.together()
    counted, weighed = together.cells, together.weighed()
    found: list[dict[str, Estimate]] = [{} for _ in column.column.values]
    graded = bool(np.any(counted.graded))
    for name in GRADED_SLICE_METRICS if graded else SLICE_METRICS:
        metric = METRICS[name]
        counted = together.cells if metric.needs != "scores" else weighed
        whole = np.asarray(metric.denominator(weighed), float)
        numbers = (
            metric.numerator(weighed) / np.where(whole > 0, whole, np.nan),
            *together.bounds(metric, settings.confidence),
            metric.numerator(counted),
            metric.denominator(counted),
        )
        method = together.method(metric)
        rows = zip(found, *(each.tolist() for each in numbers), strict=True)
        for part, value, low, high, top, bottom in rows:
            defined = not math.isnan(value)  # no slice is empty, but its examples may weigh nothing
            ends = Interval(low, high, settings.confidence, method) if defined else None
            part[name] = Estimate(value if defined else None, top, bottom, ends)
    return found
