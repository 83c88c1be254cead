"""Gates judged on the tallies of an audit, when it is made and again later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.audits.early import at_its_level, stopped_judgement
from flipcheck.errors import UsageError, nearest
from flipcheck.gates import Gate, Judgement, Scope, check_available, judge, judge_slices, overall
from flipcheck.slices import Slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flipcheck.gates import Decide
    from flipcheck.outcomes import Tally
    from flipcheck.report import Report, Settings


def judgements(
    gates: Sequence[Gate],
    total: Tally,
    columns: Sequence[Slices],
    settings: Settings,
    *,
    answers: bool,
    stopped: bool = False,
) -> tuple[Judgement, ...]:
    """Every gate's judgement; a gate by slices has one for each slice.

    `stopped` says that the run stopped early, at the confidence of the settings.

    Raises UsageError for a gate that cannot be judged, naming the nearest that can.
    """
    check_available(gates, answers=answers)
    parts: dict[str, list[tuple[Scope, Tally]]] = {
        column.by: [
            ((column.by, value), each)
            for value, each in zip(column.values, column.tallies(), strict=True)
        ]
        for column in columns
    }
    if stopped:
        return tuple(stopped_judgement(gate, total, 1 - settings.confidence) for gate in gates)
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
    parts: Mapping[str, list[tuple[Scope, Tally]]], name: str, gate: Gate
) -> list[tuple[Scope, Tally]]:
    if name not in parts:
        hint = f"{nearest(name, parts)}; a column is made a slice with --by {name}"
        raise UsageError(f"gate '{gate}': no slices by {name!r}", hint=hint)
    return parts[name]


def _one_slice(parts: Iterable[tuple[Scope, Tally]], scope: Scope, gate: Gate) -> Tally:
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
    import numpy as np

    settings, early = replace(report.settings, decide=decide), report.early_stop
    if early is not None and decide == "point":
        raise UsageError(
            "the report is of a run that could stop early, so that its estimates decide nothing",
            hint="leave --decide point out",
        )
    parts = (*report.classes, *report.slices)
    columns = [
        Slices(
            by,
            tuple(each.value for each in parts if each.by == by),
            np.array([each.tally.counts() for each in parts if each.by == by]),
        )
        for by in dict.fromkeys(each.by for each in parts)
    ]
    answers = report.metrics["churn"].available
    judged = judgements(
        gates,
        report.tally,
        columns,
        at_its_level(settings, early),
        answers=answers,
        stopped=early is not None and early.stopped,
    )
    verdict = overall(each.verdict for each in judged)
    return replace(report, settings=settings, gates=judged, verdict=verdict)
