"""Gates judged on the tallies of an audit, when it is made and again later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.audits.early import at_its_level, stopped_judgement
from flipcheck.errors import UsageError, nearest, plural
from flipcheck.gates import (
    Gate,
    Judgement,
    Scope,
    Verdict,
    check_available,
    judge,
    judge_critical,
    judge_slices,
    overall,
    too_small,
)
from flipcheck.metrics import CRITICAL, METRICS
from flipcheck.outcomes import Tally
from flipcheck.slices import CLASS
from flipcheck.stats.intervals import bounds
from flipcheck.stats.label_noise import breakable, flips_between, most_passing
from flipcheck.stats.sampling import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flipcheck.gates import Decide
    from flipcheck.outcomes import Cells
    from flipcheck.policy import Critical, LabelNoise, Waivers
    from flipcheck.report import Report, Settings


@dataclass(frozen=True, slots=True)
class Ground:
    """What gates are judged on: the whole, and the slices of each column."""

    total: Sample
    parts: Mapping[str, Sequence[tuple[Scope, Sample]]]

    @classmethod
    def of(cls, total: Sample, columns: Iterable[Sequence[tuple[Scope, Sample]]]) -> Ground:
        """The whole, and slices that are grouped by column."""
        return cls(total, {column[0][0][0]: column for column in columns})

    def samples(self) -> dict[Scope | None, Sample]:
        """Every slice, and the whole under None."""
        return {
            None: self.total,
            **{scope: each for part in self.parts.values() for scope, each in part},
        }


def release(
    gates: Sequence[Gate],
    real: Ground,
    accepted: Ground,
    settings: Settings,
    *,
    answers: bool,
    given: Sequence[str] = (),
    critical: Critical | None = None,
    noise: LabelNoise | None = None,
    stopped: bool = False,
) -> tuple[tuple[Judgement, ...], Verdict | None]:
    """Every gate's judgement, and what the verdict would be without waivers.

    In `accepted` waived flips are both right, and gates are judged on it. `given` are those of
    "costs" and "reruns" that were brought.
    The critical examples, where there are any, have a gate of their own.
    """
    facts = _critical(gates, critical)
    rates = [gate for gate in gates if gate.measures is not CRITICAL]
    how: Any = {"answers": answers, "given": given, "stopped": stopped}
    plain = judgements(rates, real, settings, **how)
    judged, befores, afters = plain, real.samples(), accepted.samples()
    if befores != afters:
        judged = judgements(rates, accepted, settings, **how)
    told = tuple(
        _under_noise(_waived(each, before, after), before, after, settings, noise)
        for each in judged
        for before, after in [(befores[each.scope].cells, afters[each.scope].cells)]
    )
    return (*facts, *told), overall(each.verdict for each in (*facts, *plain))


def _critical(gates: Sequence[Gate], critical: Critical | None) -> tuple[Judgement, ...]:
    """That no critical example breaks, written out as a gate or not; nothing without any."""
    if critical is not None:
        return (judge_critical(Gate.parse(f"{CRITICAL.name} <= 0"), critical.tally),)
    for gate in gates:
        if gate.measures is CRITICAL:
            hint = "name them with --critical FILE"
            raise UsageError(f"gate '{gate}': no critical examples are named", hint=hint)
    return ()


def _waived(judged: Judgement, before: Cells, after: Cells) -> Judgement:
    """The judgement, saying how many of its flips were waived."""
    flips = before.negative_flips
    waived = flips - after.negative_flips
    if not waived:
        return judged
    told = f"{waived:,} of {plural(flips, 'negative flip')} waived"
    return replace(judged, reason=_joined(judged.reason, told))


def _under_noise(
    judged: Judgement,
    before: Cells,
    after: Cells,
    settings: Settings,
    noise: LabelNoise | None,
) -> Judgement:
    """A pass of the negative flip rate that wrong labels could undo says how many it takes.

    A true class is not bounded: a wrong label moves an example into it, or out of it.
    """
    gate = judged.gate
    if noise is None or judged.verdict is not Verdict.PASS:
        return judged
    by_class = judged.scope is not None and CLASS in judged.scope[0].split(",")
    if by_class or gate.metric != "negative_flip_rate":
        which = ", which move examples between classes," if by_class else ""
        told = f"wrong labels{which} are not reckoned with"
        return replace(judged, reason=_joined(judged.reason, told))

    def passes(wrong: int) -> bool:
        ends = flips_between(after.negative_flips, wrong, breakable(before, noise.judged_by))
        return _keeps(gate, ends[gate.upper], after.examples, settings)

    allowed = most_passing(passes, noise.labels)
    if allowed == noise.labels:
        return judged
    enough = plural(allowed + 1, f"wrong {noise.judged_by}")
    told = f"{enough} could undo this pass, and up to {noise.labels:,} may be wrong"
    return replace(judged, reason=_joined(judged.reason, told), wrong_labels=allowed)


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))


def _keeps(gate: Gate, flips: int, examples: int, settings: Settings) -> bool:
    """Whether so many negative flips keep a limit on their rate."""
    if settings.decide == "point":
        return gate.within(flips / examples)
    cells = Tally(both_right=examples - flips, negative_flips=flips)
    low, high = bounds(METRICS[gate.metric], cells, 2 * settings.confidence - 1)
    return gate.within(float(high if gate.upper else low))


def judgements(
    gates: Sequence[Gate],
    ground: Ground,
    settings: Settings,
    *,
    answers: bool,
    given: Sequence[str] = (),
    stopped: bool = False,
) -> tuple[Judgement, ...]:
    """Every gate's judgement; a gate by slices has one for each slice of that column.

    `stopped` says that the run stopped early, at the confidence of the settings.

    Raises UsageError for a gate that cannot be judged, naming the nearest that can.
    """
    check_available(gates, answers=answers, given=given)
    _check_costs(gates, ground.total)
    if stopped:
        alpha = 1 - settings.confidence
        return tuple(stopped_judgement(gate, ground.total.tally, alpha) for gate in gates)
    judged: list[Judgement] = []
    for gate in gates:
        how: Any = {"confidence": settings.confidence, "decide": settings.decide}
        if gate.by is not None:
            every = _column(ground.parts, gate.by, gate)
            judged += judge_slices(gate, every, smallest=settings.min_slice, **how)
        elif gate.where is not None:
            part = _one_slice(_column(ground.parts, gate.where[0], gate), gate.where, gate)
            judged.append(
                too_small(gate, part, gate.where, settings.min_slice, verdict=Verdict.INCONCLUSIVE)
                if part.cells.examples < settings.min_slice
                else judge(gate, part, scope=gate.where, **how)
            )
        else:
            judged.append(judge(gate, ground.total, **how))
    return tuple(judged)


def _check_costs(gates: Sequence[Gate], total: Sample) -> None:
    """Raise UsageError for a limit on the expected cost that even the dearest flips keep."""
    ceiling = 0.0 if total.design is None else total.design.ceiling
    for gate in gates:
        _check_score(gate, total)
        if gate.measures.kind == "cost" and gate.limit >= ceiling:
            raise UsageError(
                f"gate '{gate}': no flip costs more than {ceiling:g}, so the limit "
                + ("can never be broken" if gate.upper else "can never be kept"),
                hint="give a limit below it",
            )


def _check_score(gate: Gate, total: Sample) -> None:
    """Raise UsageError for a limit on scores that they can never break, or never keep."""
    kind, design = gate.measures.kind, total.design
    if gate.measures.needs != "scores" or design is None or not design.ceiling:
        return
    span = design.ceiling
    if kind == "mean score" and (design.floor, span) != (0, 1):
        return  # other scores than were seen may be possible
    low, high = {
        "score": (0.0, span),
        "score change": (-span, span),
        "mean score": (design.floor, design.floor + span),
    }[kind]
    if low <= gate.limit <= high and gate.limit != (high if gate.upper else low):
        return
    raise UsageError(
        f"gate '{gate}': with scores from {design.floor:g} to {design.floor + span:g} the "
        f"{gate.measures.title} lies between {low:g} and {high:g}, so the limit can never be "
        + ("broken" if (gate.limit >= high) == gate.upper else "kept"),
        hint="give a limit inside it, in units of the score; --score-range says from where to "
        "where scores can lie",
    )


def _column(
    parts: Mapping[str, Sequence[tuple[Scope, Sample]]], name: str, gate: Gate
) -> Sequence[tuple[Scope, Sample]]:
    if name not in parts:
        hint = f"{nearest(name, parts)}; a column is made a slice with --by {name}"
        raise UsageError(f"gate '{gate}': no slices by {name!r}", hint=hint)
    return parts[name]


def _one_slice(parts: Iterable[tuple[Scope, Sample]], scope: Scope, gate: Gate) -> Sample:
    known = dict(parts)
    if scope not in known:
        column, value = scope
        raise UsageError(
            f"gate '{gate}': no examples where {column} is {value!r}",
            hint=nearest(value, [each for _, each in known]),
        )
    return known[scope]


def ground(report: Report) -> Ground:
    """What the gates of a report are judged on."""
    bound = report.settings.bound
    parts: dict[str, list[tuple[Scope, Sample]]] = {}
    for part in (*report.classes, *report.slices):
        sample = Sample(part.tally, part.design, bound)
        parts.setdefault(part.by, []).append(((part.by, part.value), sample))
    return Ground(Sample(report.tally, report.design, bound), parts)


def available(report: Report) -> dict[str, Any]:
    """What the sources of a report had, as `judgements` wants to know."""
    return {
        "answers": report.metrics["churn"].available,
        "given": [METRICS[name].needs for name in report.metrics if METRICS[name].needs],
    }


def rejudge(report: Report, gates: Sequence[Gate], decide: Decide) -> Report:
    """The same report under other gates."""
    settings, early = replace(report.settings, decide=decide), report.early_stop
    if early is not None and decide == "point":
        raise UsageError(
            "the report is of a run that could stop early, so that its estimates decide nothing",
            hint="leave --decide point out",
        )
    real = ground(report)
    accepted = real if report.waivers is None else _accepted(real, report.waivers)
    judged, without = release(
        gates,
        real,
        accepted,
        at_its_level(settings, early),
        **available(report),
        critical=report.critical,
        noise=report.label_noise,
        stopped=early is not None and early.stopped,
    )
    return replace(
        report,
        settings=settings,
        gates=judged,
        verdict=overall(each.verdict for each in judged),
        waivers=report.waivers and replace(report.waivers, verdict_without=without),
    )


def _accepted(real: Ground, waivers: Waivers) -> Ground:
    """The samples of a report as gates are judged on them."""
    changed = dict(waivers.slices)
    return Ground(
        replace(waivers.total, bound=real.total.bound),
        {
            by: [
                (scope, replace(changed.get(scope, sample), bound=real.total.bound))
                for scope, sample in parts
            ]
            for by, parts in real.parts.items()
        },
    )
