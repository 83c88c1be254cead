"""The report for the person who ran it: 80 columns, the verdict first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from flipcheck.errors import plural
from flipcheck.gates import Judgement, Verdict
from flipcheck.metrics import METRICS
from flipcheck.reporters import contract, rulings, words
from flipcheck.reporters.layout import WIDTH, printed
from flipcheck.reporters.layout import grid as _grid
from flipcheck.reporters.layout import heading as _heading
from flipcheck.reporters.layout import indented as _indented
from flipcheck.reporters.layout import short as _short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from flipcheck.report import Example, Report, Slice
    from flipcheck.stats.discovery import Finding

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
    None: ("–", "dim"),
}
GATES_SHOWN, KINDS_SHOWN, SLICES_SHOWN, EXAMPLES_SHOWN = 12, 5, 5, 5


def render(report: Report, *, color: bool = False, width: int = WIDTH) -> str:
    """The report as text of at most `width` columns, with ANSI colours or plain."""
    lines = (line for part in PARTS for line in part(report))
    return printed(lines, color=color, width=width)


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
    drawn = [Padding(Text(words.drawn(report)), (0, 0, 0, 8))] if words.drawn(report) else []
    return [Text(""), _indented(table), *drawn, *_task(report)]


def _task(report: Report) -> list[Any]:
    """What was asked, and what was left unanswered."""
    told = [each for each in (words.task(report), words.declined(report)) if each]
    table = _grid({"style": "dim"}, {"no_wrap": False})
    for each in told:
        table.add_row("" if table.rows else "task", Text(each))
    return [_indented(table)] if told else []


def _contract_first(report: Report) -> list[Any]:
    """The contract where it is said first: something in it can have made flips."""
    return _contract(report) if contract.urgent(report) else []


def _contract_last(report: Report) -> list[Any]:
    """The contract where nothing in it can have made flips."""
    return [] if contract.urgent(report) else _contract(report)


def _contract(report: Report) -> list[Any]:
    """What differs between the models, and how each repeats itself, in few lines."""
    told = [
        _sentence(f"{'' if sound else '! '}{text}", "dim" if sound else "bold yellow")
        for text, sound in contract.repeatability(report)
    ]
    if not report.contract:
        alike = [] if report.contract is None else [_sentence(contract.ALIKE, "dim")]
        return [*([Text("")] if alike or told else []), *alike, *told]
    lines = _heading("Contract", contract.NOTE)
    for each in contract.flipping(report):
        lines.append(_sentence(f"! {contract.change(each)}", "yellow"))
        lines.append(Padding(Text(words.clean(each.told), "dim"), (0, 0, 0, 4)))
    for effect, group in contract.others(report):
        changes = "; ".join(map(contract.change, group))
        lines.append(_sentence(Text.assemble((f"{effect}: ", "dim"), changes)))
    return [*lines, *told]


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
    metric = judged.gate.measures
    where = (
        f" [{words.clean(judged.scope[0])}={words.clean(judged.scope[1])}]" if judged.scope else ""
    )
    gate = f"{judged.gate.metric} {judged.gate.operator} {judged.gate.limit_text}{where}"
    value = words.number(metric, judged.value)
    level = words.gate_level(report)
    bound = f"; with {level} confidence {words.bound_text(judged)}"
    if metric.kind == "count":
        bound = f" {words.bound_text(judged, report.scores)}"
    elif judged.bound is None:
        bound = ""
    lines: list[Any] = [
        Text.assemble(
            "  ", (f"{mark} {words.judged(judged.verdict)}", f"bold {style}"), "  ", (gate, "bold")
        ),
        Text(f"      measured {value}{bound}" if judged.value is not None else "      undefined"),
    ]
    if judged.reason:
        lines.append(Padding(Text(judged.reason, "dim"), (0, 0, 0, 6)))
    return lines


def _critical(report: Report) -> list[Any]:
    part = report.critical
    if part is None:
        return []
    table = _grid({}, {}, {"style": "dim"})
    for each in part.broken[:EXAMPLES_SHOWN]:
        flip = _kind(each.old, each.new, 14) if words.has_answers(report) else ""
        table.add_row(_short(each.id, 32), flip, words.clean(each.reason))
    _rest(table, len(part.broken))
    return [*_heading("Critical examples"), _sentence(rulings.critical(part)), _indented(table)]


def _waivers(report: Report) -> list[Any]:
    part = report.waivers
    if part is None:
        return []
    table = _grid({})
    for each in rulings.by_use(part)[:EXAMPLES_SHOWN]:
        until = f"until {words.clean(each.expires)}, {_short(each.owner, 24)}"
        table.add_row(Text.assemble(_short(each.id, 32), (f"  {until}", "dim")))
        needed = "" if each.used else "no longer needed: "
        table.add_row(Text(f"  {needed}{words.clean(each.reason)}", "dim"))
    _rest(table, len(part.listed))
    return [*_heading("Waivers"), _sentence(rulings.waivers(part, report)), _indented(table)]


def _label_noise(report: Report) -> list[Any]:
    part = report.label_noise
    if part is None:
        return []
    lines = [*_heading("Label noise"), _sentence(rulings.label_noise(part))]
    if not part.relabel:
        return lines
    table = _grid({}, {}, {"style": "dim"})
    for each in part.relabel[:EXAMPLES_SHOWN]:
        label = "" if each.truth is None else f"{_short(each.truth, 11)}?"
        table.add_row(_short(each.id, 28), label, each.reason)
    _rest(table, part.suspects)
    note = "negative flips first, then what both models deny"
    return [*lines, *_heading("Labels to check first", note), _indented(table)]


def _sentence(text: str | Text, style: str = "") -> Padding:
    return Padding(Text(text, style) if isinstance(text, str) else text, (0, 0, 0, 2))


def _rest(table: Table, total: int) -> None:
    """A last row that says how many there are beside those shown."""
    rest = total - EXAMPLES_SHOWN
    if rest > 0:
        row = Text(f"and {rest:,} more (--html, --json)", "dim")
        table.add_row(row, *[""] * (len(table.columns) - 1))


def _graded(report: Report) -> list[Any]:
    tally = report.tally
    table = _grid({}, {"justify": "right"}, {"style": "dim", "ratio": 1})
    fell = Text(f"{tally.negative_flips:,}", "bold red" if tally.negative_flips else "")
    table.add_row("worse", fell, "← negative flips: the score falls")
    table.add_row("unchanged", f"{tally.scores_unchanged:,}", "")
    rose = Text(f"{tally.positive_flips:,}", "green" if tally.positive_flips else "")
    table.add_row("better", rose, "")
    return [*_heading("Scores", words.graded(report)), _indented(table)]


def _flows(report: Report) -> list[Any]:
    if report.scores is not None:
        return _graded(report)
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
        *(
            Text(name, "dim")
            for name in ("metric", "value", f"{level} interval", words.counts_told(report))
        )
    )
    for name, estimate in words.defined(report).items():
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
    notes = [words.mcnemar(report), *filter(None, [words.undefined(report)])]
    return [*_heading("Metrics"), _indented(table), *(Text(f"  {each}", "dim") for each in notes)]


def _noise(report: Report) -> list[Any]:
    if not report.reruns:
        return []
    table = _grid({"overflow": "ellipsis"}, {"justify": "right"}, {}, {"style": "dim"})
    metric = METRICS["negative_flip_rate"]
    for each in report.reruns:
        flips = plural(each.negative_flips, "negative flip")
        table.add_row(
            _short(each.name, 30),
            words.percent(each.rate),
            words.span(metric, each.interval),
            flips,
        )
    return [*_heading("Noise", "the old model again, against itself"), _indented(table)]


def _kinds(report: Report) -> list[Any]:
    kinds = words.kinds(report)
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
    sides = (words.answer(each) for each in (old, new))
    return " → ".join(side if len(side) <= width else f"{side[: width - 1]}…" for side in sides)


def _slices(report: Report) -> list[Any]:
    lines: list[Any] = []
    for title, parts in (("Where", report.slices), ("By true class", report.classes)):
        shown = words.worst(parts)[:SLICES_SHOWN]
        if len(parts) > 1 and shown:
            note = "most telling first; * more flips than the rest (Holm, 5%)"
            lines += [*_heading(title, note), _indented(_slice_table(shown))]
            if small := words.unjudged(parts, report):
                lines.append(Text(f"  {small}", "dim"))
    return lines


def _discovery(report: Report) -> list[Any]:
    found = report.discovery
    if found is None:
        return []
    lines = _heading("Where flips concentrate")
    lines.append(Padding(Text(f"searched {words.searched(found)}", "dim"), (0, 0, 0, 2)))
    for each in found.found[:SLICES_SHOWN]:
        name = Text(_short(words.conjunction(each), 150), "bold")
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
        name = words.answer(part.value) if part.by == "class" else f"{part.by} = {part.value}"
        mark = " *" if words.is_marked(part) else ""
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
        flip = _flip(example, report) if words.has_answers(report) else ""
        if report.scores is not None:
            flip, sure = words.fall(example), words.change(example)
        table.add_row(_short(example.id, 32), flip, sure)
    rest = flips.total - len(shown)
    if rest:
        table.add_row(Text(f"and {rest:,} more (--html, --flips)", "dim"), "", "")
    by = "most confident first" if shown[0].new_confidence is not None else "first by id"
    if words.is_ranked(report):
        by = f"truth: first answers; {by}"
    title = "Broken answers"
    if report.scores is not None:
        title, by = "Worse answers", "largest fall first"
    return [*_heading(title, by), _indented(table)]


def _flip(example: Example, report: Report) -> str:
    """What a flip changed; of ranked answers the truth, which is no longer among the best."""
    kind = _kind(example.old, example.new, 14)
    return f"{_short(words.answer(example.truth), 14)}: {kind}" if words.is_ranked(report) else kind


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


PARTS = (
    *(_verdict, _sources, _contract_first, _gates, _critical, _waivers, _flows, _kinds, _noise),
    *(_discovery, _slices, _examples, _label_noise, _metrics, _contract_last, _notes, _ending),
)
