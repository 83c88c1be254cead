"""What is said of earlier updates, for every reporter: a table, and what does not compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flipcheck.metrics import METRICS
from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flipcheck.gates import Verdict
    from flipcheck.report import Estimate, Past, Report

THIS = "this update"
UNSURE = "not known to be the same test set"
"""The note of an update of which it is not known whether its rates compare."""


@dataclass(frozen=True, slots=True)
class Update:
    """One update of several: an earlier one, or that of the report itself, which is the last.

    `note` says why its rates are no measure for those of the report; "" where they are.
    """

    name: str
    new: str
    examples: int
    old_sha256: str | None
    new_sha256: str | None
    data_sha256: str | None
    verdict: Verdict | None
    metrics: Mapping[str, Estimate]
    note: str = ""


def updates(report: Report) -> list[Update]:
    """The earlier updates in their order, and this one; none where no history was given."""
    if not report.history:
        return []
    found = [_this(report)]
    linked = True
    for past in reversed(report.history):
        each = _earlier(past)
        linked = linked and not difference(each, found[0])
        note = difference(each, found[-1])
        found.insert(0, replace(each, note="" if linked and note == UNSURE else note))
    return found


def _this(report: Report) -> Update:
    old, new, data = report.old.sha256, report.new.sha256, report.data.sha256
    name, count = words.clean(report.new.name), report.tally.examples
    return Update(THIS, name, count, old, new, data, report.verdict, report.metrics)


def _earlier(past: Past) -> Update:
    digests = past.old_sha256, past.new_sha256, past.data_sha256
    names = words.clean(past.name), words.clean(past.new)
    return Update(*names, past.examples, *digests, past.verdict, past.metrics)


def difference(one: Update, two: Update) -> str:
    """Why the rates of two updates, the earlier one first, do not compare; "" where they do.

    Where no test set was given by itself, the answers of the model between the two are evidence:
    one file of them, with as many errors among as many examples, is of one test set.
    """
    known = one.data_sha256, two.data_sha256
    if None not in known and known[0] == known[1]:
        return "" if one.examples == two.examples else "other examples of this test set"
    if one.examples != two.examples or None not in known:
        return "another test set"
    between = one.new_sha256 is not None and one.new_sha256 == two.old_sha256
    return "" if between and known == (None, None) and _same_errors(one, two) else UNSURE


def _same_errors(one: Update, two: Update) -> bool:
    """Whether the model between two updates does as well in both."""
    if "new_error_rate" not in one.metrics:
        return one.metrics["new_mean_score"].value == two.metrics["old_mean_score"].value
    return one.metrics["new_error_rate"].numerator == two.metrics["old_error_rate"].numerator


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


def doubt(report: Report) -> str:
    """How many earlier updates do not compare with this one, in a sentence; "" where all do."""
    notes = [each.note for each in updates(report) if each.note]
    if not notes:
        return ""
    unsure = notes.count(UNSURE)
    sure = len(notes) - unsure
    total = len(report.history)
    told = []
    if sure:
        what = "does" if sure == 1 else "do"
        told.append(f"{_which(sure, total)} {what} not compare: measured on other examples.")
    if unsure:
        why = "the test set is not known to be the same"
        told.append(f"{_which(unsure, total)} may not compare: {why}.")
    return " ".join(told)


def _which(some: int, total: int) -> str:
    return "The earlier update" if total == 1 else f"{some:,} of {total:,} earlier updates"
