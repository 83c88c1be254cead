"""The gates, and what a release is held to beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from flipcheck.gates import Judgement, Verdict
from flipcheck.reporters import rulings, words
from flipcheck.reporters.layout import (
    EXAMPLES_SHOWN,
    cut,
    grid,
    heading,
    indented,
    kind,
    rest,
    sentence,
    short,
)
from flipcheck.reporters.room import room

if TYPE_CHECKING:
    from flipcheck.report import Report

MARKS = {
    Verdict.PASS: ("✓", "green"),
    Verdict.FAIL: ("✗", "red"),
    Verdict.INCONCLUSIVE: ("?", "yellow"),
    None: ("–", "dim"),
}
GATES_SHOWN = 12


def gates(report: Report) -> list[Any]:
    """Every gate, worst first, and how far it is from its limit."""
    if not report.gates:
        return []
    judged = words.by_urgency(report.gates)
    lines = heading("Gates")
    for each in judged[:GATES_SHOWN]:
        lines += _gate(each, report)
    if more := judged[GATES_SHOWN:]:
        lines.append(Text(f"    and {len(more):,} more: {words.tallied(more)}", "dim"))
    return lines


def _gate(judged: Judgement, report: Report) -> list[Any]:
    mark, style = MARKS[judged.verdict]
    scope = ""
    if judged.scope:
        scope = f" [{'='.join(cut(words.clean(each), 100) for each in judged.scope)}]"
    gate = f"{judged.gate.metric} {judged.gate.operator} {judged.gate.limit_text}{scope}"
    title = Text.assemble(
        (f"{mark} {words.judged(judged.verdict)}", f"bold {style}"), "  ", (gate, "bold")
    )
    quiet = "dim" if judged.verdict is Verdict.PASS else ""
    lines = [sentence(title), sentence(_measured(judged, report), quiet, 6)]
    return [*lines, *([sentence(words.clean(judged.reason), "dim", 6)] if judged.reason else [])]


def _measured(judged: Judgement, report: Report) -> str:
    """What was measured, what is known of it, and how far that is from the limit."""
    metric = judged.gate.measures
    if judged.value is None:
        return "undefined"
    told = f"measured {words.number(metric, judged.value)}"
    if metric.kind == "count":
        return f"{told} {words.bound_text(judged, report.scores)}"
    if judged.bound is not None:
        level = words.gate_level(report)
        told += f"; with {level} confidence {words.bound_text(judged)}"
    return told if judged.verdict is None else f"{told}, {room(judged)}"


def critical(report: Report) -> list[Any]:
    """The critical examples that broke."""
    part = report.critical
    if part is None:
        return []
    table = grid({}, {}, {"style": "dim"})
    for each in part.broken[:EXAMPLES_SHOWN]:
        flip = kind(each.old, each.new, 14) if words.has_answers(report) else ""
        table.add_row(short(each.id, 32), flip, cut(words.clean(each.reason), 200))
    rest(table, len(part.broken))
    return [*heading("Critical examples"), sentence(rulings.critical(part)), indented(table)]


def waivers(report: Report) -> list[Any]:
    """The waivers, those that are no longer needed last."""
    part = report.waivers
    if part is None:
        return []
    table = grid({})
    for each in rulings.by_use(part)[:EXAMPLES_SHOWN]:
        until = f"until {words.clean(each.expires)}, {short(each.owner, 24)}"
        table.add_row(Text.assemble(short(each.id, 32), (f"  {until}", "dim")))
        needed = "" if each.used else "no longer needed: "
        table.add_row(Text(cut(f"  {needed}{words.clean(each.reason)}", 200), "dim"))
    rest(table, len(part.listed))
    return [*heading("Waivers"), sentence(rulings.waivers(part, report)), indented(table)]


def label_noise(report: Report) -> list[Any]:
    """What wrong labels could change, and the labels to check first."""
    part = report.label_noise
    if part is None:
        return []
    lines = [*heading("Label noise"), sentence(rulings.label_noise(part))]
    if not part.relabel:
        return lines
    table = grid({}, {}, {"style": "dim"})
    for each in part.relabel[:EXAMPLES_SHOWN]:
        label = "" if each.truth is None else f"{short(each.truth, 11)}?"
        table.add_row(short(each.id, 28), label, words.clean(each.reason))
    rest(table, part.suspects)
    note = "negative flips first, then what both models deny"
    return [*lines, *heading("Labels to check first", note), indented(table)]
