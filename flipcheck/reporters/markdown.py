"""The report for a pull request or a step summary: GitHub-flavoured Markdown.

Ids and class names are hostile: they stand in code spans only, where nothing is markup.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flipcheck.gates import Verdict
from flipcheck.metrics import METRICS
from flipcheck.reporters import contract, evidence, rulings, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flipcheck.policy import Waiver
    from flipcheck.report import Report, Slice

SIGNS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "⚠️", None: "ℹ️"}
SHOWN, GATES_SHOWN = 10, 20


def render(report: Report) -> str:
    """The report as Markdown."""
    title = f"## {SIGNS[report.verdict]} flipcheck: {words.TITLES[report.verdict]}"
    parts = [title, f"**{words.decision(report, code)}** {words.summary(report)}"]
    parts += [words.stopping(report)] if report.early_stop else []
    parts += [told for told in (words.task(report), words.declined(report)) if told]
    parts += [
        *_gates(report),
        *_rulings(report),
        *(_contract(report) if contract.urgent(report) else []),
        _answers(report),
        _metrics(report),
        *_kinds(report),
        *_noise(report),
        *_discovery(report),
    ]
    parts += [*_slices("Slices", report.slices, report)]
    parts += [*_slices("Classes", report.classes, report)]
    parts += [*_examples(report), *_label_noise(report)]
    parts += [] if contract.urgent(report) else _contract(report)
    parts += [*evidence.markdown(report), *_notes(report)]
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
    level = words.gate_level(report)
    rows = [
        (
            f"{SIGNS[each.verdict]} {words.judged(each.verdict)}",
            code(
                str(each.gate)
                + (
                    f" [{each.scope[0]}={each.scope[1]}]"
                    if each.scope and not each.gate.where
                    else ""
                )
            ),
            words.number(each.gate.measures, each.value),
            words.bound_text(each, report.scores),
            each.reason,
        )
        for each in words.by_urgency(report.gates)[:GATES_SHOWN]
    ]
    rest = words.by_urgency(report.gates)[GATES_SHOWN:]
    more = [f"and {len(rest):,} more gates: {words.tallied(rest)}"] if rest else []
    return [_table(("verdict", "gate", "measured", f"{level} bound", ""), rows), *more]


def _rulings(report: Report) -> list[str]:
    """The critical examples that broke, and the waivers."""
    parts = []
    if report.critical is not None:
        rows = [
            (code(each.id), code(each.truth), code(each.old), code(each.new), code(each.reason))
            for each in report.critical.broken
        ]
        header = ("id", "truth", "old answer", "new answer", "why it is critical")
        parts += ["### Critical examples", rulings.critical(report.critical)]
        parts += _capped(header, rows)
    if report.waivers is not None:
        rows = [
            (code(each.id), code(each.reason), code(each.owner), code(each.expires), _needed(each))
            for each in rulings.by_use(report.waivers)
        ]
        parts += ["### Waivers", rulings.waivers(report.waivers, report)]
        parts += _capped(("id", "reason", "owner", "until", ""), rows)
    return parts


def _needed(waiver: Waiver) -> str:
    return "waived" if waiver.used else "no longer needed"


def _capped(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of the first rows, and how many more there are."""
    rest = len(rows) - SHOWN
    more = [f"and {rest:,} more in the JSON report"] if rest > 0 else []
    return [_table(header, rows[:SHOWN]), *more] if rows else []


def _label_noise(report: Report) -> list[str]:
    if report.label_noise is None:
        return []
    rows = [
        (code(each.id), code(each.truth), code(each.old), code(each.new), each.reason)
        for each in report.label_noise.relabel
    ]
    header = ("id", "label to check", "old answer", "new answer", "why")
    return ["### Label noise", rulings.label_noise(report.label_noise), *_capped(header, rows)]


def _contract(report: Report) -> list[str]:
    """What differs between the two models, and how each repeats itself."""
    told = [f"{'' if sound else '⚠️ '}{text}" for text, sound in contract.repeatability(report)]
    rows = [
        (
            f"{'⚠️ ' if each.flips else ''}{code(each.what)}",
            code(each.old) if each.old else "",
            code(each.new) if each.new else "",
            words.clean(each.told).replace("|", "\\|"),
        )
        for each in report.contract or ()
    ]
    if rows:
        told = [_table(("", "old", "new", "effect"), rows), *told]
    elif report.contract is not None:
        told = [contract.ALIKE, *told]
    return ["### Contract", *told] if told else []


def _answers(report: Report) -> str:
    """What was compared, and the two by two table of right and wrong."""
    tally = report.tally
    compared = f"{code(report.old.source)} → {code(report.new.source)}"
    if report.data.source:
        compared += f" on {code(report.data.source)}"
    if words.drawn(report):
        compared += f" ({code(words.drawn(report))})"
    if report.scores is not None:
        counts = (tally.negative_flips, tally.scores_unchanged, tally.positive_flips)
        told = f"Scores: {code(words.graded(report))}"
        header = ("worse (negative flips)", "unchanged", "better")
        return f"{compared}\n\n{told}\n\n" + _table(header, [[f"{each:,}" for each in counts]])
    rows = [
        ("**old right**", f"{tally.both_right:,}", f"**{tally.negative_flips:,}** negative flips"),
        ("**old wrong**", f"{tally.positive_flips:,} positive flips", f"{tally.both_wrong:,}"),
    ]
    return f"{compared}\n\n" + _table(("", "new right", "new wrong"), rows)


def _noise(report: Report) -> list[str]:
    metric = METRICS["negative_flip_rate"]
    rows = [
        (
            code(each.name),
            words.percent(each.rate),
            words.span(metric, each.interval),
            f"{each.negative_flips:,}",
        )
        for each in report.reruns
    ]
    header = ("the old model again", "NFR against itself", "interval", "negative flips")
    return ["### Noise", _table(header, rows)] if rows else []


def _metrics(report: Report) -> str:
    rows = [
        (
            METRICS[name].title,
            words.number(METRICS[name], estimate.value),
            words.span(METRICS[name], estimate.interval),
            words.counted(METRICS[name], estimate, report.tally.examples),
        )
        for name, estimate in words.defined(report).items()
    ]
    level = words.share(report.settings.confidence)
    found = _table(("metric", "value", f"{level} interval", words.counts_told(report)), rows)
    return "\n\n".join([found, *filter(None, [words.undefined(report)])])


def _kinds(report: Report) -> list[str]:
    kinds = words.kinds(report)[:SHOWN]
    rows = [(f"{each.count:,}", code(each.old), code(each.new)) for each in kinds]
    return ["### What broke", _table(("flips", "old answer", "new answer"), rows)] if rows else []


def _discovery(report: Report) -> list[str]:
    found = report.discovery
    if found is None:
        return []
    metric = METRICS["negative_flip_rate"]
    rows = [
        (
            words.conjunction(each, code),
            words.percent(each.rate),
            words.span(metric, each.interval),
            words.percent(each.rest_rate),
            f"{each.negative_flips:,} / {each.examples:,}",
            words.p_text(each.p_adjusted),
        )
        for each in found.found
    ]
    header = ("", "NFR", "interval", "NFR elsewhere", "flips / examples", "p")
    told = f"Searched {code(words.searched(found))}: {words.outcome(found)}."
    return ["### Where flips concentrate", *([_table(header, rows)] if rows else []), told]


def _slices(title: str, parts: Sequence[Slice], report: Report) -> list[str]:
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
            words.p_text(part.p_adjusted),
        )
        for part in shown
    ]
    small = words.unjudged(parts, report)
    header = ("", "NFR", "interval", "flips / examples", "adjusted p")
    return [f"### {title}", _table(header, rows), *([f"{small}."] if small else [])]


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
    header: tuple[str, ...] = ("id", "truth", *words.answer_titles(report), "new confidence")
    if report.scores is not None:
        falls = [(code(each.id), words.fall(each), words.change(each)) for each in shown]
        return ["### Worse answers", _table(("id", "score", "change"), falls), *more]
    return ["### Broken answers", _table(header, rows), *more]


def _notes(report: Report) -> list[str]:
    notes = [f"- {code(note)}" for note in report.warnings]
    made = f"<sub>{report.tally.examples:,} examples · flipcheck {report.version}</sub>"
    return [*(["### Warnings", "\n".join(notes)] if notes else []), made]
