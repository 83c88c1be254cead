"""The next step: what the reader of a report should look at or do, in one or two sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flipcheck.errors import plural
from flipcheck.gates import Verdict, rough
from flipcheck.metrics import CRITICAL
from flipcheck.reporters import contract, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flipcheck.gates import Judgement
    from flipcheck.report import Report, Slice

OFTEN = 10
"""A kind of flip is worth naming from one in so many flips on."""


@dataclass(frozen=True, slots=True)
class Told:
    """A report, the files that the run wrote by their kind, and how to show names and sentences.

    The kind "here" is no file, but says where in the same text the flips are listed.
    """

    report: Report
    written: Mapping[str, str]
    quote: Callable[[str], str]
    say: Callable[[str], str]

    @property
    def decisive(self) -> list[Judgement]:
        """The gates that made the verdict what it is, worst first."""
        found = self.report.gates
        return words.by_urgency([each for each in found if each.verdict is self.report.verdict])

    def name(self, text: str | None) -> str:
        """A name that may be empty or missing."""
        return "(none)" if text is None else self.quote(text) if text else "(empty)"


def next_step(
    report: Report,
    written: Mapping[str, str] | None = None,
    quote: Callable[[str], str] = words.clean,
    say: Callable[[str], str] = words.clean,
) -> str:
    """What to look at or do next, in one or two sentences.

    `written` are the files that this run wrote, by their kind (html, flips, markdown, json).
    `quote` shows names, and `say` sentences.
    """
    told = Told(report, written or {}, quote, say)
    for situation in SITUATIONS:
        if found := situation(told):
            return found
    return _flips(told)


def _critical(told: Told) -> str:
    """A critical example that broke."""
    part = told.report.critical
    broke = any(each.gate.metric == CRITICAL.name for each in told.decisive)
    if part is None or not part.broken or told.report.verdict is not Verdict.FAIL or not broke:
        return ""
    first, rest = part.broken[0], len(part.broken) - 1
    more = f" and {plural(rest, 'more critical example')}" if rest else ""
    became = ""
    if first.old is not None and first.new is not None:
        became = f" ({told.name(first.old)} → {told.name(first.new)})"
    return (
        f"Look at {told.name(first.id)}{became}{more} first; `flipcheck repro` shows what went in."
    )


def _contract(told: Told) -> str:
    """Something beside what the models learnt can have made the flips."""
    report = told.report
    if not report.negative_flips.total or not contract.urgent(report):
        return ""
    if found := contract.flipping(report):
        what = told.name(found[0].what)
        return f"Mend the contract first: {what} can flip answers whatever the models have learnt."
    side = next(side for side, each in report.repeatability.items() if not each.sound)
    return (
        f"Have the {side} model repeat itself first: flips of its own making may be among these "
        "(--rerun measures them)."
    )


def _failed(told: Told) -> str:
    """A gate on one slice failed: its flips are the ones to look at."""
    report = told.report
    if report.verdict is not Verdict.FAIL:
        return ""
    first = told.decisive[0]
    part = _slice(report, first)
    if part is None or not part.tally.negative_flips:
        return ""
    flips = plural(part.tally.negative_flips, "negative flip")
    where = f"where {told.name(part.by)} is {told.name(part.value)}"
    return f"Look at the {flips} {where} first{_see(told, where_too=True)}."


def _slice(report: Report, judged: Judgement) -> Slice | None:
    """The slice that a gate was judged on."""
    parts = (*report.slices, *report.classes)
    return next((each for each in parts if (each.by, each.value) == judged.scope), None)


def _undecided(told: Told) -> str:
    """The test set is too small: how large it should be."""
    if told.report.verdict is not Verdict.INCONCLUSIVE:
        return ""
    open_gates = told.decisive or list(told.report.gates)  # slices too small have no verdict
    short = [each for each in open_gates if each.needed is not None]
    if not short:
        reason = _sentence(told, open_gates[0].reason)
        return f"{reason} {_flips(told)}" if told.report.negative_flips.total else reason
    first, data = max(short, key=lambda each: each.needed or 0), told.report.data
    if data.clusters is not None or first.reason.startswith("too small"):
        what = "clusters" if data.clusters is not None else "examples"
        return f"Bring more {what}, drawn alike. {_sentence(told, first.reason)} {PLAN}"
    where = f" where {told.name('='.join(first.scope))}" if first.scope else ""
    examples = plural(rough(first.needed or 0), "example")
    return f"Bring about {examples}{where}, drawn as these {data.examples:,} were. {PLAN}"


def _sentence(told: Told, reason: str) -> str:
    """A reason as a sentence of its own."""
    return f"{told.say(f'{reason[:1].upper()}{reason[1:]}')}."


def _nothing_broke(told: Told) -> str:
    """No flip: how many there may be."""
    report = told.report
    if report.negative_flips.total:
        return ""
    what = "No score fell" if report.scores is not None else "No answer broke"
    ends = report.metrics["negative_flip_rate"].interval
    if ends is None or ends.high is None:
        return f"{what}, and too little is known to say how many might."
    most, level = words.percent(ends.high), words.share(ends.level)
    tail = f"with other examples up to {most} might ({level} interval)"
    return f"{what}; {tail}.{_a_gate(told)}"


def _ungated(told: Told) -> str:
    """No gate was given: propose one, beside what to look at."""
    if told.report.verdict is not None:
        return ""
    return f"{_flips(told)}{_a_gate(told)}"


def _a_gate(told: Told) -> str:
    """A limit to start from, with a number."""
    ends = told.report.metrics["negative_flip_rate"].interval
    if told.report.verdict is not None or ends is None or not ends.high or ends.high >= 1:
        return ""
    limit, ends_at = _round(ends.high), words.percent(ends.high)
    return f" Add a gate, as in --max-nfr {limit} (this update's interval ends at {ends_at})."


def _round(rate: float) -> str:
    """A rate rounded up to a limit that a person would set: "4%", "0.6%"."""
    scale = 10.0 ** math.floor(math.log10(rate))
    digits = math.ceil(rate / scale * (1 - 1e-9))
    return f"{digits * scale * 100:.10g}%"


def _flips(told: Told) -> str:
    """Which of the flips to look at first, and where."""
    return f"{_which(told)}{_see(told)}."


def _which(told: Told) -> str:
    report = told.report
    flips = plural(report.negative_flips.total, "negative flip")
    if report.discovery and report.discovery.found:
        pairs = report.discovery.found[0].where
        where = " and ".join(f"{told.name(by)} is {told.name(value)}" for by, value in pairs)
        return f"Negative flips concentrate where {where}: look there first"
    top = next(iter(words.kinds(report)), None)
    if top is not None and top.count > 1 and top.count * OFTEN >= report.negative_flips.total:
        return f"{top.count:,} of {flips} are {told.name(top.old)} → {told.name(top.new)}"
    marked = [
        each for each in words.worst((*report.slices, *report.classes)) if words.is_marked(each)
    ]
    if marked:
        where = f"{told.name(marked[0].by)} is {told.name(marked[0].value)}"
        return f"Negative flips concentrate where {where}: look there first"
    if report.scores is not None:
        return "Read the answers whose scores fell furthest"
    if report.negative_flips.total == 1:
        return "One answer broke: read it"
    return f"The {flips} are spread out: read the examples"


def _see(told: Told, *, where_too: bool = False) -> str:
    """Where to read the flips: a file that was written, or the option that writes it."""
    if "here" in told.written:
        return f"; see {told.written['here']}"
    for kind in ("html", "flips", "markdown"):
        if kind in told.written:
            return f"; see {told.quote(told.written[kind])}"
    shown = told.report.negative_flips
    if not where_too and shown.total <= FEW:
        return ""
    return "; --html report.html lists them"


PLAN = "`flipcheck plan` weighs limits and sizes."
FEW = 5
"""So many flips are all shown wherever the next step is."""

SITUATIONS: tuple[Callable[[Told], str], ...] = (
    *(_critical, _contract, _failed, _undecided, _nothing_broke, _ungated),
)
"""What is asked of a report, in this order; the first that has something to say says it."""
