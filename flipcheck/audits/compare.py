"""The audit of one update: two models' answers to the same examples, as a Report."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from flipcheck._version import __version__
from flipcheck.audits.discovery import check_confirm
from flipcheck.audits.discovery import discover as discovered
from flipcheck.audits.doubts import doubts
from flipcheck.audits.early import at_its_level
from flipcheck.audits.flips import flip_table, negative_flips
from flipcheck.audits.grouping import grouped, single_columns
from flipcheck.audits.judging import Ground, release
from flipcheck.audits.measuring import Beside, measured
from flipcheck.audits.policy import ruling, waivers_told
from flipcheck.audits.slicing import Parts, slice_reports
from flipcheck.audits.sureness import confidences
from flipcheck.errors import UsageError
from flipcheck.gates import Gate, overall
from flipcheck.metrics import METRICS
from flipcheck.outcomes import NEGATIVE_FLIPS, among
from flipcheck.policy import Policy
from flipcheck.report import CostMatrix, Estimate, NoiseRun, Once, Report, Scores
from flipcheck.slices import CLASS, Slices, slices, values
from flipcheck.stats.bootstrap import Kinds, bca, percentile, replicates
from flipcheck.stats.sequential import equal_flips
from flipcheck.stats.tests import Significance, mcnemar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flipcheck.audits.measuring import Costs, Measured
    from flipcheck.grades import Grades
    from flipcheck.pairing import Paired
    from flipcheck.report import Data, EarlyStop, Model, Settings
    from flipcheck.slices import Groups
    from flipcheck.stats.discovery import Confirm, Discovery
    from flipcheck.stats.sampling import Sample
    from flipcheck.tasks.told import Judged


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
    policy: Policy = Policy(),  # noqa: B008  (a frozen value)
    discover: bool = False,
    confirm: Confirm | None = None,
    warnings: Sequence[str] = (),
    run: Mapping[str, str] | None = None,
    early: EarlyStop | None = None,
    scores: Scores | None = None,
    task: Judged | None = None,
) -> Report:
    """Audit one update; `early` says how a run ended that could stop early.

    Raises UsageError for a gate or slice that does not exist, or that the sources cannot support,
    and InputError for what a policy names and is not compared.
    """
    check_confirm(confirm, discover=discover)
    _check_alike_counted(beside, policy, discover=discover)
    if paired.grades is not None:
        _check_graded(beside, policy, early)
        _check_room(paired.grades, gates)
    stopped, level = early is not None and early.stopped, at_its_level(settings, early)
    how: Any = {"bound": settings.bound, "anytime": stopped}
    found = measured(paired, beside, **how)
    codes, total = found.codes, found.sample()
    if settings.bound == "strict" and (total.design is None or total.design.plain):
        raise UsageError(
            "--bound strict is for clusters and weights, and there are none",
            hint="the default bound is exact here",
        )
    ruled = ruling(policy, paired, codes, settings)
    singles = single_columns(paired, by, settings.quantiles)
    columns = [slices(grouped(name, singles), codes) for name in dict.fromkeys(by)]
    for each in columns:
        _check_size(each)
    classes = [slices(values(CLASS, paired.truth), codes)] if paired.truth else []
    if classes and len(classes[0].values) > MOST_SLICES:
        warnings = [*warnings, f"{len(classes[0].values):,} true classes: too many to list each"]
        classes = []
    by_class, by_column = (
        [Parts.of(column, found) for column in kind] for kind in (classes, columns)
    )
    real = Ground.of(total, [each.samples() for each in (*by_class, *by_column)])
    accepted = real
    if ruled.accepted is not codes:
        again = measured(paired, beside, accepted=ruled.accepted, **how)
        parts = [Parts.of(each.recounted(again.codes), again) for each in (*classes, *columns)]
        accepted = Ground.of(again.sample(), [each.samples() for each in parts])
    answers = paired.same_answer is not None
    sure, sure_notes = confidences(paired, codes)
    given = beside.given if paired.grades is None else ("scores",)
    judged, without = release(
        gates,
        real,
        accepted,
        level,
        answers=answers,
        given=given,
        critical=ruled.critical,
        noise=ruled.noise,
        stopped=stopped,
    )
    report = Report(
        verdict=overall(each.verdict for each in judged),
        old=old,
        new=new,
        data=_told(data, total, beside, settings),
        settings=settings,
        tally=found.tally,
        metrics=estimates(total, found.kinds(), level, answers=answers, given=given),
        mcnemar=_equal_errors(total),
        slices=slice_reports(by_column, level),
        classes=slice_reports(by_class, level),
        discovery=_discovery(paired, singles, found, settings, confirm) if discover else None,
        gates=judged,
        negative_flips=negative_flips(paired, codes, settings.listed),
        critical=ruled.critical,
        waivers=waivers_told(policy.waivers, ruled.waived, real, accepted, without),
        label_noise=ruled.noise,
        warnings=(
            *(*warnings, *paired.warnings, *ruled.warnings),
            *(each.note for each in singles.values() if each.note),
            *doubts(paired, found, total, beside),
            *sure_notes,
        ),
        run=run or {},
        version=__version__,
        reruns=_noise(paired, beside, settings),
        costs=None if beside.costs is None else _matrix(beside.costs),
        design=total.design,
        early_stop=early,
        flip_table=Once(partial(flip_table, paired, codes)),
        scores=_scores(paired, scores),
        task=task,
        confidences=sure,
    )
    return report.rounded()


def _check_alike_counted(beside: Beside, policy: Policy, *, discover: bool) -> None:
    """Raise UsageError for what takes all examples as alike, where they are not."""
    if discover and beside.weight:
        raise UsageError(
            "--discover counts examples, and --weight has them count otherwise",
            hint="leave one of them out",
        )
    if policy.label_noise is not None and (beside.cluster or beside.weight):
        raise UsageError(
            "--label-noise bounds the rate of examples that count alike, each drawn by itself",
            hint="leave out --cluster and --weight for it",
        )


def _check_graded(beside: Beside, policy: Policy, early: EarlyStop | None) -> None:
    """Raise UsageError for what is not known of graded answers."""
    asked = {
        "--costs": (beside.costs, "a cost matrix is of right and wrong answers"),
        "--rerun": (beside.reruns, "noise is that of right and wrong answers"),
        "--label-noise": (policy.label_noise is not None, "scores are given without labels"),
        "--stop-early": (early, "models that run answer, and do not grade"),
    }
    problems = [f"{flag}: {why}" for flag, (given, why) in asked.items() if given]
    if problems:
        raise UsageError(
            "options that are not for graded answers",
            problems=problems,
            hint="leave them out, or compare right and wrong answers without --score",
        )


def _check_room(grades: Grades, gates: Sequence[Gate]) -> None:
    """Raise UsageError for gates on falls where the tolerance would let every one pass."""
    vain = [gate for gate in gates if gate.metric in {"negative_flip_rate", "mean_regression"}]
    if vain and grades.shielded:
        raise UsageError(
            f"gate '{vain[0]}': no old score is more than the tolerance of {grades.tolerance:g} "
            f"above {grades.low:g}, the least there is, so that none could fall by more",
            hint="give a smaller --tolerance, or say with --score-range how low scores can be",
        )


def _scores(paired: Paired, told: Scores | None) -> Scores | None:
    """How answers are graded, as the report tells it; `told` are the names of the scores."""
    grades = paired.grades
    if grades is None:
        return None
    names = told or Scores("score", "score", 0.0, 0.0, 0.0)
    return replace(names, tolerance=grades.tolerance, low=grades.low, high=grades.high)


def _equal_errors(total: Sample) -> Significance:
    """The test of equal error rates: McNemar's, or one that holds wherever a run stopped."""
    lost, won = int(total.cells.negative_flips), int(total.cells.positive_flips)
    if not total.anytime:
        return mcnemar(lost, won, total.design)
    p_value = equal_flips(lost, won)
    return Significance(p_value, "anytime-valid", p_value, lost + won)


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
        if (metric.needs_split and not answers) or (metric.needs_right and "scores" in given):
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


def _discovery(
    paired: Paired,
    columns: dict[str, Groups],
    found: Measured,
    settings: Settings,
    confirm: Confirm | None,
) -> Discovery:
    """Where negative flips concentrate, among the columns and the true class."""
    import pyarrow.compute as pc

    classes = {} if paired.truth is None else {CLASS: values(CLASS, paired.truth)}
    order = pc.array_sort_indices(paired.ids).to_numpy()
    searched = [replace(each, codes=each.codes[order]) for each in (columns | classes).values()]
    flipped = among(found.codes[order], NEGATIVE_FLIPS)
    clusters = found.rows.clusters  # in the same order
    return discovered(searched, flipped, settings, confirm=confirm, clusters=clusters)
