"""The report as annotations of a GitHub workflow: one for each gate, and for each warning.

A step may have ten annotations of each kind; where there are more, the last one counts the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.gates import Verdict
from flipcheck.reporters import words
from flipcheck.reporters.cases import NO_GATE, cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.report import Report

MOST, LONGEST_TITLE, LONGEST = 10, 200, 2_000
KINDS = {"error": Verdict.FAIL, "warning": Verdict.INCONCLUSIVE, "notice": Verdict.PASS}
"""Each kind of annotation, and the verdict that makes one."""
REST = {"error": "more gates fail", "warning": "more are undecided or warn of something"}
REST["notice"] = "more gates pass"


def render(report: Report) -> str:
    """The annotations, a line each: what fails first, from the worst."""
    by_urgency = {id(each): place for place, each in enumerate(words.by_urgency(report.gates))}
    found = sorted(cases(report), key=lambda case: by_urgency[id(case.judged)])
    lines = []
    for kind, verdict in KINDS.items():
        notes = [
            annotation(kind, f"{words.TITLES[verdict]} {each.name}", each.told)
            for each in found
            if each.judged.verdict is verdict
        ]
        if kind == "warning":
            warned = [] if found else [f"{NO_GATE}, so nothing was decided"]
            warned += map(words.clean, report.warnings)
            notes += [annotation(kind, "flipcheck", each) for each in warned]
        lines += _capped(kind, notes)
    return "\n".join(lines)


def _capped(kind: str, notes: Sequence[str]) -> list[str]:
    """As many annotations as a step may have; the last one says how many more there are."""
    if len(notes) <= MOST:
        return list(notes)
    rest = len(notes) - (MOST - 1)
    return [*notes[: MOST - 1], annotation(kind, "flipcheck", f"{rest:,} {REST[kind]}")]


def annotation(kind: str, title: str, message: str) -> str:
    """A workflow command that annotates the run, with all that could end it early escaped."""
    title = _data(_short(title, LONGEST_TITLE)).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={title}::{_data(_short(message, LONGEST))}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
