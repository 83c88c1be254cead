"""The parts of the Markdown report, each of at most so many rows: first what is read first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.gates import Verdict
from flipcheck.reporters import contract, rulings, words
from flipcheck.reporters.markdown import tables
from flipcheck.reporters.markdown.again import files
from flipcheck.reporters.markdown.marks import Part, capped, code, more, prose, table
from flipcheck.reporters.room import room
from flipcheck.reporters.steps import next_step

if TYPE_CHECKING:
    from flipcheck.gates import Judgement
    from flipcheck.policy import Waiver
    from flipcheck.report import Report

SIGNS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "⚠️", None: "ℹ️"}
GATES_SHOWN = 20


def head(report: Report) -> list[str]:
    """The verdict, why, and what the update does: what no report is without."""
    title = f"## {SIGNS[report.verdict]} flipcheck: {words.TITLES[report.verdict]}"
    decided = words.decision(report, code, prose)
    parts = [title, f"**{decided}** {words.summary(report)}"]
    told = (words.stopping(report), words.task(report), words.declined(report))
    return [*parts, *(prose(each) for each in told if each)]


def gates(report: Report, most: int) -> list[Part]:
    """Every gate, how far it is from its limit, and why it is undecided."""
    if not report.gates:
        return []
    most = min(most, GATES_SHOWN)
    judged = words.by_urgency(report.gates)
    header = (
        "verdict",
        "gate",
        "measured",
        f"{words.gate_level(report)} bound",
        "from the limit",
        "",
    )
    found = [table(header, [_gate(each, report) for each in judged[:most]])]
    rest = judged[most:]
    return [Part("", [*found, *more(len(rest), f" gates: {words.tallied(rest)}")], folded=False)]


def _gate(judged: Judgement, report: Report) -> tuple[str, ...]:
    scope = judged.scope if not judged.gate.where else None
    gate = code(f"{judged.gate}{f' [{scope[0]}={scope[1]}]' if scope else ''}")
    return (
        f"{SIGNS[judged.verdict]} {words.judged(judged.verdict)}",
        gate,
        words.number(judged.gate.measures, judged.value),
        words.bound_text(judged, report.scores),
        room(judged),
        prose(judged.reason) if judged.reason else "",
    )


def step(report: Report, _most: int) -> list[Part]:
    """What to do next."""
    here = {"here": "them below"} if report.negative_flips.examples else {}
    return [Part("", [f"**Next:** {next_step(report, here, code, prose)}"], folded=False)]


def critical(report: Report, most: int) -> list[Part]:
    """The critical examples that broke."""
    if report.critical is None:
        return []
    rows = [
        (code(each.id), code(each.truth), code(each.old), code(each.new), code(each.reason))
        for each in report.critical.broken
    ]
    header = ("id", "truth", "old answer", "new answer", "why it is critical")
    told = [prose(rulings.critical(report.critical)), *capped(header, rows, most)]
    return [Part("Critical examples", told, folded=False)]


def waivers(report: Report, most: int) -> list[Part]:
    """The waivers, those that are no longer needed last."""
    if report.waivers is None:
        return []
    rows = [
        (code(each.id), code(each.reason), code(each.owner), code(each.expires), _needed(each))
        for each in rulings.by_use(report.waivers)
    ]
    header = ("id", "reason", "owner", "until", "")
    told = [prose(rulings.waivers(report.waivers, report)), *capped(header, rows, most)]
    return [Part(f"Waivers ({len(rows):,})", told)]


def _needed(waiver: Waiver) -> str:
    return "waived" if waiver.used else "no longer needed"


def label_noise(report: Report, most: int) -> list[Part]:
    """What wrong labels could change, and the labels to check first."""
    if report.label_noise is None:
        return []
    rows = [
        (code(each.id), code(each.truth), code(each.old), code(each.new), prose(each.reason))
        for each in report.label_noise.relabel
    ]
    header = ("id", "label to check", "old answer", "new answer", "why")
    told = [prose(rulings.label_noise(report.label_noise)), *capped(header, rows, most)]
    return [Part("Label noise", told)]


def urgent_contract(report: Report, most: int) -> list[Part]:
    """The contract where it is said first: something in it can have made flips."""
    return _contract(report, most, folded=False) if contract.urgent(report) else []


def other_contract(report: Report, most: int) -> list[Part]:
    """The contract where nothing in it can have made flips."""
    return [] if contract.urgent(report) else _contract(report, most, folded=True)


def _contract(report: Report, most: int, *, folded: bool) -> list[Part]:
    """What differs between the two models, and how each repeats itself."""
    told = [
        f"{'' if sound else '⚠️ '}{prose(text)}" for text, sound in contract.repeatability(report)
    ]
    first = [
        *contract.flipping(report),
        *(each for _, group in contract.others(report) for each in group),
    ]
    rows = [
        (
            f"{'⚠️ ' if each.flips else ''}{code(each.what)}",
            code(each.old) if each.old else "",
            code(each.new) if each.new else "",
            prose(each.told),
        )
        for each in first
    ]
    if rows:
        told = [*capped(("", "old", "new", "effect"), rows, most), *told]
    elif report.contract is not None:
        told = [contract.ALIKE, *told]
    return [Part("Contract", told, folded)] if told else []


def answers(report: Report, _most: int) -> list[Part]:
    """What was compared, and the two by two table of right and wrong."""
    tally = report.tally
    compared = f"{code(report.old.source)} → {code(report.new.source)}"
    if report.data.source:
        compared += f" on {code(report.data.source)}"
    if words.drawn(report):
        compared += f" ({prose(words.drawn(report))})"
    if report.scores is not None:
        counts = (tally.negative_flips, tally.scores_unchanged, tally.positive_flips)
        told = f"Scores: {prose(words.graded(report))}"
        header = ("worse (negative flips)", "unchanged", "better")
        cells = table(header, [[f"{each:,}" for each in counts]])
        return [Part("", [compared, told, cells], folded=False)]
    rows = [
        ("**old right**", f"{tally.both_right:,}", f"**{tally.negative_flips:,}** negative flips"),
        ("**old wrong**", f"{tally.positive_flips:,} positive flips", f"{tally.both_wrong:,}"),
    ]
    return [Part("", [compared, table(("", "new right", "new wrong"), rows)], folded=False)]


def warnings(report: Report, most: int) -> list[Part]:
    """What is worth a warning."""
    notes = [f"- {prose(note)}" for note in report.warnings]
    rest = more(len(notes) - most, " in the JSON report")
    return [Part("Warnings", ["\n".join(notes[:most]), *rest], folded=False)] if notes else []


def foot(report: Report) -> str:
    """How many examples, and which version wrote this."""
    return f"<sub>{report.tally.examples:,} examples · {prose(f'flipcheck {report.version}')}</sub>"


PARTS = (
    *(gates, step, critical, urgent_contract, answers, warnings),
    *(
        tables.kinds,
        tables.discovery,
        tables.slices,
        tables.classes,
        tables.examples,
        label_noise,
        waivers,
        tables.updates,
        tables.noise,
        tables.metrics,
    ),
    *(other_contract, files),
)
"""The parts in their order; each gives what it has to say, if anything."""
LAST_KEPT = (
    *(
        gates,
        step,
        answers,
        critical,
        tables.examples,
        urgent_contract,
        tables.kinds,
        tables.discovery,
        tables.slices,
    ),
    *(warnings, tables.classes, tables.metrics, waivers, label_noise, tables.noise),
    tables.updates,
    *(other_contract, files),
)
"""The parts from what is kept longest where there is little room to what goes first."""
