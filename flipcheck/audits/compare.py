"""The audit of one update: two models' answers to the same examples, as a Report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck._version import __version__
from flipcheck.audits.early import at_its_level
from flipcheck.audits.flips import flip_table, negative_flips
from flipcheck.audits.judging import judgements
from flipcheck.errors import UsageError, nearest
from flipcheck.gates import Gate, overall
from flipcheck.metrics import METRICS, SLICE_METRICS
from flipcheck.outcomes import Cells, Tally, outcomes, tally
from flipcheck.report import Estimate, Report, Slice
from flipcheck.slices import CLASS, Slices, slices
from flipcheck.stats.bootstrap import percentile, replicates
from flipcheck.stats.intervals import METHODS, Interval, interval
from flipcheck.stats.sequential import SEQUENCES, equal_flips
from flipcheck.stats.tests import Significance, holm, mcnemar, more_than_the_rest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flipcheck.labels import Labels
    from flipcheck.pairing import Paired
    from flipcheck.report import Data, EarlyStop, Model, Settings
    from flipcheck.stats.intervals import Methods


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
    warnings: Sequence[str] = (),
    run: Mapping[str, str] | None = None,
    early: EarlyStop | None = None,
) -> Report:
    """Audit one update; `early` says how a run ended that could stop early.

    Raises UsageError for a gate or slice that does not exist, or that the sources cannot support.
    """
    stopped = early is not None and early.stopped
    level, methods = at_its_level(settings, early), SEQUENCES if stopped else METHODS
    codes = outcomes(paired.old_right, paired.new_right, paired.same_answer)
    total = tally(codes)
    columns = [slices(name, _slice_column(paired, name), codes) for name in dict.fromkeys(by)]
    for each in columns:
        _check_size(each)
    classes = [slices(CLASS, paired.truth, codes)] if paired.truth else []
    if classes and len(classes[0].values) > MOST_SLICES:
        warnings = [*warnings, f"{len(classes[0].values):,} true classes: too many to list each"]
        classes = []
    answers = paired.same_answer is not None
    judged = judgements(gates, total, [*classes, *columns], level, answers=answers, stopped=stopped)
    report = Report(
        verdict=overall(each.verdict for each in judged),
        old=old,
        new=new,
        data=data,
        settings=settings,
        tally=total,
        metrics=estimates(total, level, methods, answers=answers),
        mcnemar=_equal_errors(total, stopped=stopped),
        slices=_slice_reports(columns, level, methods),
        classes=_slice_reports(classes, level, methods),
        gates=judged,
        negative_flips=negative_flips(paired, codes, settings.listed),
        warnings=(*warnings, *paired.warnings),
        run=run or {},
        version=__version__,
        early_stop=early,
        flips=flip_table(paired, codes),
    )
    return report.rounded()


def _equal_errors(total: Tally, *, stopped: bool) -> Significance:
    """The test of equal error rates: McNemar's, or one that holds wherever a run stopped."""
    lost, won = total.negative_flips, total.positive_flips
    if not stopped:
        return mcnemar(lost, won)
    p_value = equal_flips(lost, won)
    return Significance(p_value, "anytime-valid", p_value, lost + won)


def estimates(
    total: Tally, settings: Settings, methods: Methods = METHODS, *, answers: bool
) -> dict[str, Estimate]:
    """Every metric of a tally with its interval and the bootstrap's beside it.

    Without `answers` the sources know only right and wrong, and what needs more is not available.
    """
    import numpy as np

    drawn = replicates(total, settings.resamples, np.random.default_rng(settings.seed))
    found = {}
    for name, metric in METRICS.items():
        if metric.needs_split and not answers:
            found[name] = Estimate(None, None, None, None, available=False)
            continue
        found[name] = Estimate(
            metric.value(total),
            int(metric.numerator(total)),
            int(metric.denominator(total)),
            interval(metric, total, settings.confidence, methods),
            percentile(metric, drawn, settings.confidence),
        )
    return found


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


def _slice_reports(
    columns: Sequence[Slices], settings: Settings, methods: Methods
) -> tuple[Slice, ...]:
    """The slices of one kind (declared columns, or classes), corrected as one family."""
    import numpy as np

    if not columns:
        return ()
    cells = [Cells.of(each.counts) for each in columns]
    p_values = np.concatenate(
        [more_than_the_rest(each.negative_flips, each.examples) for each in cells]
    )
    adjusted = iter(zip(p_values.tolist(), holm(p_values).tolist(), strict=True))
    return tuple(
        Slice(column.by, value, part, metrics, *next(adjusted))
        for column in columns
        for value, part, metrics in zip(
            column.values, column.tallies(), _slice_metrics(column, settings, methods), strict=True
        )
    )


def _slice_metrics(
    column: Slices, settings: Settings, methods: Methods
) -> list[dict[str, Estimate]]:
    """The metrics of every slice of a column, all slices at once."""
    cells, tallies = Cells.of(column.counts), column.tallies()
    found: list[dict[str, Estimate]] = [{} for _ in tallies]
    for name in SLICE_METRICS:
        metric = METRICS[name]
        method, ends_of = methods[metric.kind]
        low, high = ends_of(metric, cells, settings.confidence)
        for row, part in enumerate(tallies):
            ends = Interval(float(low[row]), float(high[row]), settings.confidence, method)
            top, bottom = int(metric.numerator(part)), int(metric.denominator(part))
            found[row][name] = Estimate(metric.value(part), top, bottom, ends)
    return found
