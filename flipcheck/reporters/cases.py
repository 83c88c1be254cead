"""Gates as pipelines see them: cases, each with a name of its own and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

from flipcheck.gates import Verdict
from flipcheck.reporters import words

if TYPE_CHECKING:
    from flipcheck.gates import Judgement
    from flipcheck.report import Report

NO_GATE = "no gate was given"
"""What is said of an audit that decided nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """A gate, or one slice of it: its name, which no other case has, and what became of it."""

    name: str
    judged: Judgement
    told: str


def cases(report: Report) -> list[Case]:
    """The gates of a report in the order that they were given in, the slices of each together."""
    found: dict[str, Case] = {}
    for judged in report.gates:
        plain = gate_name(judged)
        again = (f"{plain} ({number})" for number in count(2))
        name = next(each for each in chain([plain], again) if each not in found)
        found[name] = Case(name, judged, told(judged, report))
    return list(found.values())


def gate_name(judged: Judgement) -> str:
    """The gate as it was written, and the slice that it was judged on."""
    scope = "" if judged.gate.where or not judged.scope else f" [{'='.join(judged.scope)}]"
    return words.clean(f"{judged.gate}{scope}")


def told(judged: Judgement, report: Report) -> str:
    """What became of a gate, in one line: the measured value, its counts, the bound, and why."""
    metric = judged.gate.measures
    measured = f"{metric.title} {words.number(metric, judged.value)}{counts(judged, report)}"
    bound = words.bound_text(judged, report.scores)
    if metric.kind == "count":
        measured += f" {bound}"
    elif bound != words.UNKNOWN:
        measured += f", {bound} (one-sided {words.gate_level(report)} bound)"
    limit = f"the limit is {judged.gate.operator} {judged.gate.limit_text}"
    reason = f"; {words.clean(judged.reason)}" if judged.reason else ""
    undecided = "undecided: " if judged.verdict is Verdict.INCONCLUSIVE else ""
    return f"{undecided}{measured}; {limit}{reason}"


def counts(judged: Judgement, report: Report) -> str:
    """The counts behind a share; none where examples weigh, as their share is another."""
    top, bottom = judged.numerator, judged.denominator
    if judged.gate.measures.kind != "proportion" or top is None or not bottom:
        return ""
    return "" if report.data.weighted else f" ({words.amount(top)} / {words.amount(bottom)})"
