"""The report for a pull request or a step summary: GitHub-flavoured Markdown.

Ids and class names are hostile: they stand in code spans only, where nothing is markup.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flipcheck.gates import Verdict
from flipcheck.metrics import METRICS
from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flipcheck.report import Report, Slice

SIGNS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "⚠️", None: "ℹ️"}
SHOWN, GATES_SHOWN = 10, 20


def render(report: Report) -> str:
    """The report as Markdown."""
    title = f"## {SIGNS[report.verdict]} flipcheck: {words.TITLES[report.verdict]}"
    parts = [title, f"**{words.decision(report, code)}** {words.summary(report)}"]
    parts += [words.stopping(report)] if report.early_stop else []
    parts += [*_gates(report), _answers(report), _metrics(report), *_kinds(report)]
    parts += [*_slices("Slices", report.slices), *_slices("Classes", report.classes)]
    parts += [*_examples(report), *_notes(report)]
    return "\n\n".join(parts) + "\n"


def code(text: str | None) -> str:
    """Hostile text as a code span that a table can hold."""
    inner = words.clean(text).replace("|", "\\|") or " "
    longest = max((len(run) for run in re.findall("`+", inner)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if inner[0] == "`" or inner[-1] == "`" else ""
    return f"{fence}{pad}{inner}{pad}{fence}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _gates(report: Report) -> list[str]:
    if not report.gates:
        return []
    level = words.share(report.settings.confidence)
    rows = [
        (
            f"{SIGNS[each.verdict]} {each.verdict}",
            code(
                str(each.gate)
                + (
                    f" [{each.scope[0]}={each.scope[1]}]"
                    if each.scope and not each.gate.where
                    else ""
                )
            ),
            words.number(METRICS[each.gate.metric], each.value),
            words.bound_text(each),
            each.reason,
        )
        for each in words.by_urgency(report.gates)[:GATES_SHOWN]
    ]
    rest = words.by_urgency(report.gates)[GATES_SHOWN:]
    more = [f"and {len(rest):,} more gates: {words.tallied(rest)}"] if rest else []
    return [_table(("verdict", "gate", "measured", f"{level} bound", ""), rows), *more]


def _answers(report: Report) -> str:
    """What was compared, and the two by two table of right and wrong."""
    tally = report.tally
    compared = f"{code(report.old.source)} → {code(report.new.source)}"
    if report.data.source:
        compared += f" on {code(report.data.source)}"
    rows = [
        ("**old right**", f"{tally.both_right:,}", f"**{tally.negative_flips:,}** negative flips"),
        ("**old wrong**", f"{tally.positive_flips:,} positive flips", f"{tally.both_wrong:,}"),
    ]
    return f"{compared}\n\n" + _table(("", "new right", "new wrong"), rows)


def _metrics(report: Report) -> str:
    rows = [
        (
            METRICS[name].title,
            words.number(METRICS[name], estimate.value),
            words.span(METRICS[name], estimate.interval),
            words.counted(METRICS[name], estimate, report.tally.examples),
        )
        for name, estimate in report.metrics.items()
    ]
    level = words.share(report.settings.confidence)
    return _table(("metric", "value", f"{level} interval", "counts"), rows)


def _kinds(report: Report) -> list[str]:
    kinds = report.negative_flips.transitions[:SHOWN]
    rows = [(f"{each.count:,}", code(each.old), code(each.new)) for each in kinds]
    return ["### What broke", _table(("flips", "old answer", "new answer"), rows)] if rows else []


def _slices(title: str, parts: Sequence[Slice]) -> list[str]:
    metric = METRICS["negative_flip_rate"]
    shown = words.worst(parts)[:SHOWN]
    if len(parts) < 2 or not shown:
        return []
    rows = [
        (
            code(part.value if part.by == "class" else f"{part.by} = {part.value}"),
            words.number(metric, part.metrics[metric.name].value),
            words.span(metric, part.metrics[metric.name].interval),
            words.counted(metric, part.metrics[metric.name], part.tally.examples),
            f"{part.p_adjusted:.3g}",
        )
        for part in shown
    ]
    return [f"### {title}", _table(("", "NFR", "interval", "flips / examples", "adjusted p"), rows)]


def _examples(report: Report) -> list[str]:
    shown = report.negative_flips.examples[:SHOWN]
    if not shown:
        return []
    rows = [
        (code(each.id), code(each.truth), code(each.old), code(each.new), words.confident(each))
        for each in shown
    ]
    rest = report.negative_flips.total - len(shown)
    more = [f"and {rest:,} more"] if rest else []
    header = ("id", "truth", "old answer", "new answer", "new confidence")
    return ["### Broken answers", _table(header, rows), *more]


def _notes(report: Report) -> list[str]:
    notes = [f"- {code(note)}" for note in report.warnings]
    made = f"<sub>{report.tally.examples:,} examples · flipcheck {report.version}</sub>"
    return [*(["### Warnings", "\n".join(notes)] if notes else []), made]
