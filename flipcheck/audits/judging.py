"""Gates judged on the tallies of an audit, when it is made and again later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError, nearest
from flipcheck.gates import Gate, Judgement, Scope, check_available, judge, judge_slices, overall
from flipcheck.metrics import METRICS
from flipcheck.stats.sampling import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flipcheck.gates import Decide
    from flipcheck.report import Report, Settings


def judgements(
    gates: Sequence[Gate],
    total: Sample,
    parts: Mapping[str, Sequence[tuple[Scope, Sample]]],
    settings: Settings,
    *,
    answers: bool,
    given: Sequence[str] = (),
) -> tuple[Judgement, ...]:
    """Every gate's judgement; a gate by slices has one for each slice of that column in `parts`.

    Raises UsageError for a gate that cannot be judged, naming the nearest that can.
    """
    check_available(gates, answers=answers, given=given)
    judged: list[Judgement] = []
    for gate in gates:
        how: Any = {"confidence": settings.confidence, "decide": settings.decide}
        if gate.by is not None:
            judged += judge_slices(gate, _column(parts, gate.by, gate), **how)
        elif gate.where is not None:
            part = _one_slice(_column(parts, gate.where[0], gate), gate.where, gate)
            judged.append(judge(gate, part, scope=gate.where, **how))
        else:
            judged.append(judge(gate, total, **how))
    return tuple(judged)


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


def rejudge(report: Report, gates: Sequence[Gate], decide: Decide) -> Report:
    """The same report under other gates."""
    settings = replace(report.settings, decide=decide)
    parts: dict[str, list[tuple[Scope, Sample]]] = {}
    for part in (*report.classes, *report.slices):
        sample = Sample(part.tally, part.design, settings.bound)
        parts.setdefault(part.by, []).append(((part.by, part.value), sample))
    judged = judgements(
        gates,
        Sample(report.tally, report.design, settings.bound),
        parts,
        settings,
        answers=report.metrics["churn"].available,
        given=[metric.needs for metric in METRICS.values() if metric.name in report.metrics],
    )
    verdict = overall(each.verdict for each in judged)
    return replace(report, settings=settings, gates=judged, verdict=verdict)
