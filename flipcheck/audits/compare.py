"""The audit of one update: two models' answers to the same examples, as a Report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flipcheck._version import __version__
from flipcheck.audits.doubts import doubts
from flipcheck.audits.flips import flip_table, negative_flips
from flipcheck.audits.judging import judgements
from flipcheck.audits.measuring import Beside, measured
from flipcheck.errors import UsageError, nearest
from flipcheck.gates import Gate, overall
from flipcheck.metrics import METRICS, SLICE_METRICS
from flipcheck.outcomes import Cells
from flipcheck.report import CostMatrix, Estimate, NoiseRun, Report, Slice
from flipcheck.slices import CLASS, Slices, slices
from flipcheck.stats.bootstrap import Kinds, bca, percentile, replicates
from flipcheck.stats.intervals import Interval
from flipcheck.stats.sampling import Sample
from flipcheck.stats.tests import holm, mcnemar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.audits.measuring import Costs, Measured
    from flipcheck.gates import Scope
    from flipcheck.labels import Labels
    from flipcheck.pairing import Paired
    from flipcheck.report import Data, Model, Settings
    from flipcheck.stats.design import Design
    from flipcheck.stats.effective import Bound


MOST_SLICES = 10_000
"""More slices than this are no subgroups but, most likely, the ids of users or documents."""


def compare(
    paired: Paired,
    old: Model,
    new: Model,
    data: Data,
    settings: Settings,
    *,
    gates: Sequence[Gate] = (),
    by: Sequence[str] = (),
    beside: Beside = Beside(),  # noqa: B008  (a frozen value)
    warnings: Sequence[str] = (),
    run: Mapping[str, str] | None = None,
) -> Report:
    """Audit one update.

    Raises UsageError for a gate or slice that does not exist, or that the sources cannot support.
    """
    found = measured(paired, beside, settings.bound)
    codes, total = found.codes, found.sample()
    columns = [slices(name, _slice_column(paired, name), codes) for name in dict.fromkeys(by)]
    for each in columns:
        _check_size(each)
    classes = [slices(CLASS, paired.truth, codes)] if paired.truth else []
    if classes and len(classes[0].values) > MOST_SLICES:
        warnings = [*warnings, f"{len(classes[0].values):,} true classes: too many to list each"]
        classes = []
    by_class, by_column = (
        [_Parts.of(column, found) for column in kind] for kind in (classes, columns)
    )
    parts = {each.column.by: each.samples() for each in (*by_class, *by_column)}
    answers = paired.same_answer is not None
    judged = judgements(gates, total, parts, settings, answers=answers, given=beside.given)
    report = Report(
        verdict=overall(each.verdict for each in judged),
        old=old,
        new=new,
        data=_told(data, total, beside, settings),
        settings=settings,
        tally=found.tally,
        metrics=estimates(total, found.kinds(), settings, answers=answers, given=beside.given),
        mcnemar=mcnemar(found.tally.negative_flips, found.tally.positive_flips, total.design),
        slices=_slice_reports(by_column, settings),
        classes=_slice_reports(by_class, settings),
        gates=judged,
        negative_flips=negative_flips(paired, codes, settings.listed),
        warnings=(*warnings, *paired.warnings, *doubts(paired, found, total, beside)),
        run=run or {},
        version=__version__,
        reruns=_noise(paired, beside, settings),
        costs=None if beside.costs is None else _matrix(beside.costs),
        design=total.design,
        flips=flip_table(paired, codes),
    )
    return report.rounded()


def estimates(
    total: Sample,
    kinds: Kinds,
    settings: Settings,
    *,
    answers: bool,
    given: Sequence[str] = (),
) -> dict[str, Estimate]:
    """Every metric of a sample with its default interval and the bootstrap's beside it.

    `kinds` are its sampling units. Without `answers` the sources know only right and wrong, and
    what needs more is not available; metrics of costs and reruns are there where these are `given`.
    """
    import numpy as np

    drawn = replicates(kinds, settings.resamples, np.random.default_rng(settings.seed))
    estimated = {}
    for name, metric in METRICS.items():
        if metric.needs and metric.needs not in given:
            continue
        if metric.needs_split and not answers:
            estimated[name] = Estimate(None, None, None, None, available=False)
            continue
        estimated[name] = Estimate(
            total.value(metric),
            *total.counted(metric),
            total.interval(metric, settings.confidence),
            percentile(metric, drawn, settings.confidence),
            bca(metric, drawn, kinds, settings.confidence),
            total.design_effect(metric),
        )
    return estimated


def _told(data: Data, total: Sample, beside: Beside, settings: Settings) -> Data:
    """What the report says of the data, with how the examples were drawn."""
    design = total.design
    if design is None or design.plain:
        return data
    return replace(
        data,
        cluster=beside.cluster,
        clusters=int(design.units) if design.clustered else None,
        weight=beside.weight,
        weighted=not design.alike,
        effective_examples=total.effective_examples(
            METRICS["negative_flip_rate"], settings.confidence
        ),
    )


def _matrix(costs: Costs) -> CostMatrix:
    return CostMatrix(costs.source, costs.sha256, max(costs.table.values()))


def _noise(paired: Paired, beside: Beside, settings: Settings) -> tuple[NoiseRun, ...]:
    """The flips of each rerun of the old model against its first run."""
    metric = METRICS["negative_flip_rate"]
    runs = []
    for rerun in beside.reruns:
        again = replace(paired, new_right=rerun.right, same_answer=None)
        sample = measured(again, replace(beside, costs=None, reruns=()), settings.bound).sample()
        interval = sample.interval(metric, settings.confidence)
        flips, rate = sample.cells.negative_flips, sample.value(metric)
        assert interval is not None  # noqa: S101  (there are examples)
        assert rate is not None  # noqa: S101
        runs.append(NoiseRun(rerun.name, rerun.sha256, int(flips), rate, interval))
    return tuple(runs)


def _check_size(column: Slices) -> None:
    if len(column.values) > MOST_SLICES:
        raise UsageError(
            f"column {column.by!r} has {len(column.values):,} values, too many to slice by",
            hint=f"slice by a column of at most {MOST_SLICES:,} values",
        )


def _slice_column(paired: Paired, name: str) -> Labels:
    if name not in paired.columns:
        hint = nearest(name, paired.columns)
        raise UsageError(f"no column {name!r} to slice by", hint=hint)
    return paired.columns[name]


@dataclass(frozen=True, slots=True)
class _Parts:
    """The slices of one column, with the design of each where the whole has one."""

    column: Slices
    p_values: NDArray[np.float64]
    design: Design | None
    bound: Bound

    @classmethod
    def of(cls, column: Slices, found: Measured) -> _Parts:
        """The slices of a column of what was measured."""
        design, p_values = found.parts(column.groups, column.counts)
        return cls(column, p_values, design, found.bound)

    def samples(self) -> list[tuple[Scope, Sample]]:
        """Each slice as a sample of its own."""
        return [
            (
                (self.column.by, value),
                Sample(each, None if self.design is None else self.design.group(at), self.bound),
            )
            for at, (value, each) in enumerate(
                zip(self.column.values, self.column.tallies(), strict=True)
            )
        ]

    def together(self) -> Sample:
        """All slices at once: every count is an array."""
        return Sample(Cells.of(self.column.counts), self.design, self.bound)


def _slice_reports(columns: Sequence[_Parts], settings: Settings) -> tuple[Slice, ...]:
    """The slices of one kind (declared columns, or classes), corrected as one family."""
    import numpy as np

    if not columns:
        return ()
    p_values = np.concatenate([each.p_values for each in columns])
    adjusted = iter(zip(p_values.tolist(), holm(p_values).tolist(), strict=True))
    return tuple(
        Slice(each.column.by, value, part, metrics, *next(adjusted), sample.design)
        for each in columns
        for value, part, (_, sample), metrics in zip(
            each.column.values,
            each.column.tallies(),
            each.samples(),
            _slice_metrics(each, settings),
            strict=True,
        )
    )


def _slice_metrics(column: _Parts, settings: Settings) -> list[dict[str, Estimate]]:
    """The metrics of every slice of a column, all slices at once."""
    together, samples = column.together(), column.samples()
    found: list[dict[str, Estimate]] = [{} for _ in samples]
    for name in SLICE_METRICS:
        metric = METRICS[name]
        low, high = together.bounds(metric, settings.confidence)
        method = together.method(metric)
        for row, (_, sample) in enumerate(samples):
            value = sample.value(metric)
            ends = Interval(float(low[row]), float(high[row]), settings.confidence, method)
            known = None if value is None else ends
            found[row][name] = Estimate(value, *sample.counted(metric), known)
    return found
