"""The audit of one update: two models' answers to the same examples, as a Report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck._version import __version__
from flipcheck.audits.flips import flip_table, negative_flips
from flipcheck.audits.judging import Ground, release
from flipcheck.audits.policy import ruling, waivers_told
from flipcheck.errors import UsageError, nearest
from flipcheck.gates import Gate, overall
from flipcheck.metrics import METRICS, SLICE_METRICS
from flipcheck.outcomes import Cells, Tally, outcomes, tally
from flipcheck.policy import Policy
from flipcheck.report import Estimate, Report, Slice
from flipcheck.slices import CLASS, Slices, slices
from flipcheck.stats.bootstrap import percentile, replicates
from flipcheck.stats.intervals import METHODS, Interval, bounds, interval
from flipcheck.stats.tests import holm, mcnemar, more_than_the_rest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.pairing import Paired
    from flipcheck.report import Data, Model, Settings


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
    policy: Policy | None = None,
    warnings: Sequence[str] = (),
    run: Mapping[str, str] | None = None,
) -> Report:
    """Audit one update.

    Raises UsageError for a gate or slice that does not exist, or that the sources cannot support,
    and InputError for what a policy names and is not compared.
    """
    policy = policy or Policy()
    codes = outcomes(paired.old_right, paired.new_right, paired.same_answer)
    ruled = ruling(policy, paired, codes, settings)
    total = tally(codes)
    columns = [slices(name, _slice_column(paired, name), codes) for name in dict.fromkeys(by)]
    for each in columns:
        _check_size(each)
    classes = [slices(CLASS, paired.truth, codes)] if paired.truth else []
    if classes and len(classes[0].values) > MOST_SLICES:
        warnings = [*warnings, f"{len(classes[0].values):,} true classes: too many to list each"]
        classes = []
    real = Ground(total, [*classes, *columns])
    accepted = real if ruled.accepted is codes else _recounted(paired, real, ruled.accepted)
    judged, without = release(
        gates,
        real,
        accepted,
        settings,
        answers=paired.same_answer is not None,
        critical=ruled.critical,
        noise=ruled.noise,
    )
    report = Report(
        verdict=overall(each.verdict for each in judged),
        old=old,
        new=new,
        data=data,
        settings=settings,
        tally=total,
        metrics=estimates(total, settings, answers=paired.same_answer is not None),
        mcnemar=mcnemar(total.negative_flips, total.positive_flips),
        slices=_slice_reports(columns, settings),
        classes=_slice_reports(classes, settings),
        gates=judged,
        negative_flips=negative_flips(paired, codes, settings.listed),
        critical=ruled.critical,
        waivers=waivers_told(policy.waivers, ruled.waived, real, accepted, without),
        label_noise=ruled.noise,
        warnings=(*warnings, *paired.warnings, *ruled.warnings),
        run=run or {},
        version=__version__,
        flips=flip_table(paired, codes),
    )
    return report.rounded()


def _recounted(paired: Paired, real: Ground, codes: NDArray[np.uint8]) -> Ground:
    """The same tallies of other outcomes."""
    known = {**paired.columns, **({CLASS: paired.truth} if paired.truth else {})}
    columns = [slices(each.by, known[each.by], codes) for each in real.columns]
    return Ground(tally(codes), columns)


def estimates(total: Tally, settings: Settings, *, answers: bool) -> dict[str, Estimate]:
    """Every metric of a tally with its default interval and the bootstrap's beside it.

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
            interval(metric, total, settings.confidence),
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


def _slice_reports(columns: Sequence[Slices], settings: Settings) -> tuple[Slice, ...]:
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
            column.values, column.tallies(), _slice_metrics(column, settings), strict=True
        )
    )


def _slice_metrics(column: Slices, settings: Settings) -> list[dict[str, Estimate]]:
    """The metrics of every slice of a column, all slices at once."""
    cells, tallies = Cells.of(column.counts), column.tallies()
    found: list[dict[str, Estimate]] = [{} for _ in tallies]
    for name in SLICE_METRICS:
        metric = METRICS[name]
        low, high = bounds(metric, cells, settings.confidence)
        method = METHODS[metric.kind][0]
        for row, part in enumerate(tallies):
            ends = Interval(float(low[row]), float(high[row]), settings.confidence, method)
            top, bottom = int(metric.numerator(part)), int(metric.denominator(part))
            found[row][name] = Estimate(metric.value(part), top, bottom, ends)
    return found
