"""What is said of earlier updates, for every reporter: a table, and what does not compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flipcheck.errors import plural
from flipcheck.metrics import METRICS
from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flipcheck.gates import Verdict
    from flipcheck.report import Estimate, Past, Report

THIS = "this update"


@dataclass(frozen=True, slots=True)
class Update:
    """One update of several: an earlier one, or that of the report itself, which is the last."""

    name: str
    new: str
    examples: int
    data_sha256: str | None
    verdict: Verdict | None
    metrics: Mapping[str, Estimate]
    note: str = ""
    is_this: bool = False


def updates(report: Report) -> list[Update]:
    """The earlier updates in their order, and this one; none where no history was given."""
    if not report.history:
        return []
    earlier = [
        Update(
            words.clean(each.name),
            words.clean(each.new),
            each.examples,
            each.data_sha256,
            each.verdict,
            each.metrics,
            difference(each, report),
        )
        for each in report.history
    ]
    name, data = words.clean(report.new.name), report.data
    tested = (report.tally.examples, data.sha256, report.verdict, report.metrics)
    return [*earlier, Update(THIS, name, *tested, is_this=True)]


def error_name(report: Report) -> str:
    """The metric of the new model by itself that is shown over updates."""
    return "new_error_rate" if report.scores is None else "new_mean_score"


def rows(report: Report) -> list[tuple[str, ...]]:
    """Each update as texts, in the order of `headings`."""
    names = error_name(report).replace("new", "old"), error_name(report), "negative_flip_rate"
    return [
        (
            each.name,
            each.new,
            f"{each.examples:,}",
            *(words.number(METRICS[name], each.metrics[name].value) for name in names),
            words.span(METRICS[names[-1]], each.metrics[names[-1]].interval),
            words.TITLES[each.verdict].lower(),
            each.note,
        )
        for each in updates(report)
    ]


def headings(report: Report) -> tuple[str, ...]:
    """What the columns of `rows` are called."""
    what = "error" if report.scores is None else "score"
    middle = f"old {what}", f"new {what}"
    return ("update", "new model", "examples", *middle, "NFR", "interval", "verdict", "note")


def difference(past: Past, report: Report) -> str:
    """Why the rates of an earlier update are no measure for this one; "" where they are."""
    one, other, data = past.data_sha256, report.data.sha256, report.data
    if one is not None and one == other:
        return "" if past.examples == data.examples else "other examples of this test set"
    if past.examples != data.examples or None not in {one, other}:
        return "another test set"
    return "not known to be the same test set"


def doubt(report: Report) -> str:
    """How many earlier updates do not compare with this one, in a sentence; "" where all do."""
    notes = [each for past in report.history if (each := difference(past, report))]
    if not notes:
        return ""
    sure = sum(not each.startswith("not known") for each in notes)
    of = f"of {plural(len(report.history), 'earlier update')}"
    told = []
    if sure:
        what = "does" if sure == 1 else "do"
        told.append(f"{sure:,} {of} {what} not compare: measured on other examples.")
    if unsure := len(notes) - sure:
        told.append(f"{unsure:,} {of} may not compare: the test set is not known to be the same.")
    return " ".join(told)
