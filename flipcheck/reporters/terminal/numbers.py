"""Every metric with its interval, and where the flips are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from flipcheck.metrics import METRICS
from flipcheck.reporters import history, words
from flipcheck.reporters.layout import grid, heading, indented, sentence, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from flipcheck.report import Report, Slice
    from flipcheck.stats.discovery import Finding

SLICES_SHOWN, UPDATES_SHOWN = 5, 6
FIRST = (
    *("negative_flip_rate", "positive_flip_rate", "old_error_rate", "new_error_rate"),
    *("error_rate_change", "old_mean_score", "new_mean_score", "mean_score_change"),
    "mean_regression",
)
"""The metrics that come first, beside those of gates; all others follow."""


def metrics(report: Report) -> list[Any]:
    """Every metric with its interval and counts; first those that most readers look for."""
    level = words.share(report.settings.confidence)
    counts = {"justify": "right", "style": "dim", "no_wrap": False}  # what gives way, if any must
    table = grid({}, {"justify": "right"}, {}, counts)
    table.add_row(
        *(
            Text(name, "dim")
            for name in ("metric", "value", f"{level} interval", words.counts_told(report))
        )
    )
    defined, gated = words.defined(report), {each.gate.metric for each in report.gates}
    first = [name for name in defined if name in FIRST or name in gated]
    for name in (*first, *(name for name in defined if name not in first)):
        estimate, metric = defined[name], METRICS[name]
        style = "bold" if name == "negative_flip_rate" else "" if name in first else "dim"
        if not estimate.available:
            table.add_row(
                Text(metric.title, style), words.UNKNOWN, Text("needs answers", "dim"), ""
            )
            continue
        table.add_row(
            Text(metric.title, style),
            Text(words.number(metric, estimate.value), style),
            Text(words.span(metric, estimate.interval).removesuffix(" pp"), style),
            words.counted(metric, estimate, report.tally.examples),
        )
    notes = [words.mcnemar(report), *filter(None, [words.undefined(report)])]
    return [*heading("Metrics"), indented(table), *(Text(f"  {each}", "dim") for each in notes)]


def slices(report: Report) -> list[Any]:
    """The slices and the true classes in which most flips are."""
    lines: list[Any] = []
    for title, parts in (("Where", report.slices), ("By true class", report.classes)):
        shown = words.worst(parts)[:SLICES_SHOWN]
        if len(parts) > 1 and shown:
            note = "most telling first; * more flips than the rest (Holm, 5%)"
            lines += [*heading(title, note), indented(_slice_table(shown))]
            if small := words.unjudged(parts, report):
                lines.append(Text(f"  {small}", "dim"))
    return lines


def _slice_table(parts: Sequence[Slice]) -> Table:
    table = grid(
        {"overflow": "ellipsis", "max_width": 30},
        {"justify": "right"},
        {},
        {"justify": "right", "style": "dim"},
    )
    metric = METRICS["negative_flip_rate"]
    table.add_row(*(Text(name, "dim") for name in ("", "NFR", "interval", "flips / examples")))
    for part in parts:
        estimate = part.metrics[metric.name]
        name = words.answer(part.value) if part.by == "class" else f"{part.by} = {part.value}"
        mark = " *" if words.is_marked(part) else ""
        table.add_row(
            f"{short(name, 28)}{mark}",
            words.number(metric, estimate.value),
            words.span(metric, estimate.interval),
            words.counted(metric, estimate, part.tally.examples),
        )
    return table


def discovery(report: Report) -> list[Any]:
    """Where flips concentrate, as a search of the slices found."""
    found = report.discovery
    if found is None:
        return []
    lines = heading("Where flips concentrate")
    lines.append(Padding(Text(f"searched {words.searched(found)}", "dim"), (0, 0, 0, 2)))
    for each in found.found[:SLICES_SHOWN]:
        name = Text(short(words.conjunction(each), 150), "bold")
        lines += [Padding(name, (0, 0, 0, 2)), Padding(Text(_finding(each)), (0, 0, 0, 6))]
    if rest := found.found[SLICES_SHOWN:]:
        lines.append(Text(f"  and {len(rest):,} more", "dim"))
    return [*lines, Padding(Text(words.outcome(found), "dim"), (0, 0, 0, 2))]


def _finding(found: Finding) -> str:
    """How a subgroup compares: "NFR 7.27% (5.19 to 9.84%), 38 of 523; elsewhere 0.931%; …"."""
    span = words.span(METRICS["negative_flip_rate"], found.interval)
    counts = f"{found.negative_flips:,} of {found.examples:,}"
    elsewhere, p_value = words.percent(found.rest_rate), words.p_text(found.p_adjusted)
    return f"NFR {words.percent(found.rate)} ({span}), {counts}; elsewhere {elsewhere}; p {p_value}"


def updates(report: Report) -> list[Any]:
    """The latest of the earlier updates, and this one."""
    if not report.history:
        return []
    titles, found = history.headings(report), history.rows(report)
    kept = [titles.index(name) for name in ("update", titles[4], "NFR", "interval", "verdict")]
    table = grid({"overflow": "ellipsis", "max_width": 24}, *[{"justify": "right"}] * 2, {}, {})
    table.add_row(*(Text("" if each == 0 else titles[each], "dim") for each in kept))
    for row in found[-UPDATES_SHOWN:]:
        table.add_row(*(short(row[each], 24) for each in kept))
    older = len(found) - UPDATES_SHOWN
    notes = [f"and {older:,} before these (--html)"] if older > 0 else []
    notes += [doubt] if (doubt := history.doubt(report)) else []
    return [*heading("History"), indented(table), *(sentence(each, "dim") for each in notes)]
