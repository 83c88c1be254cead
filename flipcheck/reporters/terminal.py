"""The report for the person who ran it: 80 columns, the verdict first."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flipcheck.errors import plural
from flipcheck.gates import Judgement, Verdict
from flipcheck.metrics import METRICS
from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.report import Report, Slice

WIDTH = 80
STYLES = {
    Verdict.PASS: "bold white on green4",
    Verdict.FAIL: "bold white on red3",
    Verdict.INCONCLUSIVE: "bold black on yellow3",
    None: "bold reverse",
}
MARKS = {
    Verdict.PASS: ("✓", "green"),
    Verdict.FAIL: ("✗", "red"),
    Verdict.INCONCLUSIVE: ("?", "yellow"),
}
GATES_SHOWN, KINDS_SHOWN, SLICES_SHOWN, EXAMPLES_SHOWN = 12, 5, 5, 5


def render(report: Report, *, color: bool = False, width: int = WIDTH) -> str:
    """The report as text of at most `width` columns, with ANSI colours or plain."""
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=color,
        color_system="256" if color else None,
        no_color=not color,
        legacy_windows=False,
    )
    for part in PARTS:
        for line in part(report):
            console.print(line)
    lines = out.getvalue().split("\n")
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


def _heading(text: str, note: str = "") -> list[Any]:
    return [Text(""), Text.assemble((text, "bold"), (f"  {note}" if note else "", "dim"))]


def _grid(*columns: dict[str, Any]) -> Table:
    """A table without lines, two spaces in."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(**{"no_wrap": True, "overflow": "ellipsis", **column})
    return table


def _indented(table: Table) -> Padding:
    return Padding(table, (0, 0, 0, 2))


def _verdict(report: Report) -> list[Any]:
    title = Text(f" {words.TITLES[report.verdict]} ", STYLES[report.verdict])
    return [
        Text.assemble(title, "  ", (words.decision(report), "bold")),
        Text(words.summary(report)),
        *([Text(words.stopping(report))] if report.early_stop else []),
    ]


def _sources(report: Report) -> list[Any]:
    table = _grid({"style": "dim"}, {"overflow": "ellipsis", "ratio": 1})
    for name, model in (("old", report.old), ("new", report.new)):
        table.add_row(name, _short(model.source))
    data = plural(report.data.examples, "example")
    if report.data.source:
        data += f" from {_short(report.data.source)}"
    table.add_row("data", data)
    return [Text(""), _indented(table)]


def _short(text: str, width: int = 66) -> str:
    """A text that keeps its end, which tells more of a path than its beginning."""
    text = words.clean(text)
    return text if len(text) <= width else f"…{text[1 - width :]}"


def _gates(report: Report) -> list[Any]:
    if not report.gates:
        return []
    judged = words.by_urgency(report.gates)
    lines = _heading("Gates")
    for each in judged[:GATES_SHOWN]:
        lines += _gate(each, report)
    if rest := judged[GATES_SHOWN:]:
        lines.append(Text(f"    and {len(rest):,} more: {words.tallied(rest)}", "dim"))
    return lines


def _gate(judged: Judgement, report: Report) -> list[Any]:
    mark, style = MARKS[judged.verdict]
    metric = METRICS[judged.gate.metric]
    where = (
        f" [{words.clean(judged.scope[0])}={words.clean(judged.scope[1])}]" if judged.scope else ""
    )
    gate = f"{judged.gate.metric} {judged.gate.operator} {judged.gate.limit_text}{where}"
    value = words.number(metric, judged.value)
    level = words.share(report.settings.confidence)
    bound = f"with {level} confidence {words.bound_text(judged)}"
    lines: list[Any] = [
        Text.assemble("  ", (f"{mark} {judged.verdict}", f"bold {style}"), "  ", (gate, "bold")),
        Text(f"      measured {value}; {bound}" if judged.value is not None else "      undefined"),
    ]
    if judged.reason:
        lines.append(Text(f"      {judged.reason}", "dim"))
    return lines


def _flows(report: Report) -> list[Any]:
    tally = report.tally
    table = _grid({}, {"justify": "right"}, {"justify": "right"}, {"style": "dim", "ratio": 1})
    table.add_row("", Text("new right", "dim"), Text("new wrong", "dim"), "")
    flips = Text(f"{tally.negative_flips:,}", "bold red" if tally.negative_flips else "")
    table.add_row("old right", f"{tally.both_right:,}", flips, "← negative flips: broken")
    mended = Text(f"{tally.positive_flips:,}", "green" if tally.positive_flips else "")
    both = ""
    if tally.split and tally.both_wrong:
        both = f"same answer {tally.both_wrong_same:,}, another {tally.both_wrong_different:,}"
    table.add_row("old wrong", mended, f"{tally.both_wrong:,}", both)
    return [*_heading("Answers"), _indented(table)]


def _metrics(report: Report) -> list[Any]:
    level = words.share(report.settings.confidence)
    counts = {"justify": "right", "style": "dim", "no_wrap": False}  # what gives way, if any must
    table = _grid({}, {"justify": "right"}, {}, counts)
    table.add_row(
        *(Text(name, "dim") for name in ("metric", "value", f"{level} interval", "counts"))
    )
    for name, estimate in report.metrics.items():
        metric = METRICS[name]
        if not estimate.available:
            table.add_row(metric.title, words.UNKNOWN, Text("needs answers", "dim"), "")
            continue
        style = "bold" if name == "negative_flip_rate" else ""
        table.add_row(
            Text(metric.title, style),
            Text(words.number(metric, estimate.value), style),
            words.span(metric, estimate.interval).removesuffix(" pp"),
            words.counted(metric, estimate, report.tally.examples),
        )
    test = report.mcnemar
    same = f"{words.equal_errors(report)} of equal error rates: {words.p_text(test.p_value)}"
    return [*_heading("Metrics"), _indented(table), Text(f"  {same}", "dim")]


def _kinds(report: Report) -> list[Any]:
    kinds = report.negative_flips.transitions
    if not kinds:
        return []
    shown = kinds[: KINDS_SHOWN if len(kinds) > KINDS_SHOWN + 1 else len(kinds)]
    table = _grid({"justify": "right"}, {})
    for each in shown:
        table.add_row(f"{each.count:,}", _kind(each.old, each.new, 30))
    rest = report.negative_flips.total - sum(each.count for each in shown)
    if rest:
        table.add_row(f"{rest:,}", Text("of other kinds", "dim"))
    return [*_heading("What broke", "old answer → new answer"), _indented(table)]


def _kind(old: str | None, new: str | None, width: int) -> str:
    """A flip as "cat → dog", neither side longer than `width`."""
    sides = (words.clean(each) for each in (old, new))
    return " → ".join(side if len(side) <= width else f"{side[: width - 1]}…" for side in sides)


def _slices(report: Report) -> list[Any]:
    lines: list[Any] = []
    for title, parts in (("Where", report.slices), ("By true class", report.classes)):
        shown = words.worst(parts)[:SLICES_SHOWN]
        if len(parts) > 1 and shown:
            note = "most telling first; * more flips than the rest (Holm, 5%)"
            lines += [*_heading(title, note), _indented(_slice_table(shown))]
    return lines


def _slice_table(parts: Sequence[Slice]) -> Table:
    table = _grid(
        {"overflow": "ellipsis", "max_width": 30},
        {"justify": "right"},
        {},
        {"justify": "right", "style": "dim"},
    )
    metric = METRICS["negative_flip_rate"]
    table.add_row(*(Text(name, "dim") for name in ("", "NFR", "interval", "flips / examples")))
    for part in parts:
        estimate = part.metrics[metric.name]
        name = part.value if part.by == "class" else f"{part.by} = {part.value}"
        mark = " *" if part.p_adjusted <= words.SIGNIFICANT else ""
        table.add_row(
            f"{_short(name, 28)}{mark}",
            words.number(metric, estimate.value),
            words.span(metric, estimate.interval),
            words.counted(metric, estimate, part.tally.examples),
        )
    return table


def _examples(report: Report) -> list[Any]:
    flips = report.negative_flips
    shown = flips.examples[:EXAMPLES_SHOWN]
    if not shown:
        return []
    table = _grid({}, {}, {"style": "dim"})
    for example in shown:
        sure = "" if example.new_confidence is None else f"sure {words.confident(example)}"
        flip = _kind(example.old, example.new, 14) if words.has_answers(report) else ""
        table.add_row(_short(example.id, 32), flip, sure)
    rest = flips.total - len(shown)
    if rest:
        table.add_row(Text(f"and {rest:,} more (--html, --flips)", "dim"), "", "")
    by = "most confident first" if shown[0].new_confidence is not None else "first by id"
    return [*_heading("Broken answers", by), _indented(table)]


def _notes(report: Report) -> list[Any]:
    lines: list[Any] = []
    if report.warnings:
        lines += _heading("Warnings")
        lines += [
            Padding(Text(f"! {words.clean(note)}", "yellow"), (0, 0, 0, 2))
            for note in report.warnings
        ]
    return [*lines, Text(""), Text.assemble(("Next  ", "bold"), words.next_step(report))]


def _ending(report: Report) -> list[Any]:
    """The verdict once more, where a terminal that has scrolled shows it."""
    title = Text(f" {words.TITLES[report.verdict]} ", STYLES[report.verdict])
    return [Text(""), Text.assemble(title, "  ", words.decision(report))]


PARTS = (_verdict, _sources, _gates, _flows, _kinds, _slices, _examples, _metrics, _notes, _ending)
