"""Gates judged on the tallies of an audit, when it is made and again later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

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
) -> tuple[Judgement, ...]:
    """Every gate's judgement; a gate by slices has one for each slice.

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
    settings = replace(report.settings, decide=decide)
    answers = report.metrics["churn"].available
    judged = judgements(gates, report.tally, columns(report), settings, answers=answers)
    verdict = overall(each.verdict for each in judged)
    return replace(report, settings=settings, gates=judged, verdict=verdict)


def columns(report: Report) -> list[Slices]:
    """The slices of a report by their columns, the true classes among them."""
    import numpy as np

    parts = (*report.classes, *report.slices)
    return [
        Slices(
            by,
            tuple(each.value for each in parts if each.by == by),
            np.array([each.tally.counts() for each in parts if each.by == by]),
        )
        for by in dict.fromkeys(each.by for each in parts)
    ]
