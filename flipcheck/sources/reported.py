"""The sources that a report speaks of, found again, and whether they are still the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError
from flipcheck.report import significant

if TYPE_CHECKING:
    from flipcheck.predictions import Predictions, Side
    from flipcheck.report import Model, Report
    from flipcheck.sources.repro import Repro

AGAIN = (
    *("output", "preprocess", "input", "features", "columns", "classes_from", "threshold"),
    *("probability", "text", "tokenizer", "constants", "provider", "picked"),
)
"""The facts of a side that options decide: they must be those of the report."""


def sources_of(report: Report) -> dict[str, Any]:
    """OLD, NEW and the data of a report that does not keep its options, as those of a call.

    With them the columns that it slices by, and of models those that it clusters and weighs by,
    which are no features. Raises UsageError for an audit of which no example is shown.
    """
    _check_shown(report)
    found: dict[str, Any] = {"old": report.old.source, "new": report.new.source}
    tests = {
        side: str(model.facts["data"])
        for side, model in (("old", report.old), ("new", report.new))
        if model.facts.get("kind") == "onnx" and model.facts.get("data")
    }
    paths = set(tests.values())
    if len(paths) == 1:
        found["data"] = paths.pop()
    found |= {f"{side}_data": path for side, path in tests.items() if "data" not in found}
    data_of, data = report.data, report.data.source
    if data is not None and data not in found.values():
        found["labels" if tests else "data"] = data
    columns = {"cluster": data_of.cluster, "weight": data_of.weight} if tests else {}
    found |= {name: column for name, column in columns.items() if column is not None}
    by = columns_sliced(report)
    return found | ({"by": by} if by else {})


def columns_sliced(report: Report) -> list[str]:
    """The columns that a report slices by."""
    return list(dict.fromkeys(each.by for each in report.slices))


def _check_shown(report: Report) -> None:
    """Raise UsageError for answers that were judged as one example by itself is not."""
    task = report.task
    if report.scores is not None or (
        task is not None and (task.kind in {"multilabel", "ranked"} or task.normalise)
    ):
        judged = "answers are graded" if task is None else task.right
        raise UsageError(
            f"an example of this report is not shown by itself, as there {judged}",
            hint="give OLD and NEW with the options of that audit in the place of --report; the "
            "report lists the flipped examples, with both answers",
        )


def check_same(report: Report, sides: Mapping[Side, Predictions], found: Repro) -> None:
    """Raise what differs from the report: other files, other options, or another answer."""
    models: dict[Side, Model] = {"old": report.old, "new": report.new}
    changed = [
        f"{model.source}: another file than the report's (sha256 {model.sha256[:12]}…)"
        for side, model in models.items()
        if model.sha256 is not None and sides[side].facts.get("sha256") != model.sha256
    ]
    data, source = report.data, str(report.data.source)
    if data.sha256 is not None and found.data.get(source, data.sha256) != data.sha256:
        changed.append(f"{source}: other data than the report's (sha256 {data.sha256[:12]}…)")
    if changed:
        raise InputError(
            "the sources are not those of the report any more",
            problems=changed,
            hint="bring back the files of that audit, or run `flipcheck compare` again",
        )
    odd = [
        problem for side, model in models.items() for problem in _other(side, model, sides[side])
    ]
    if odd:
        raise UsageError(
            "the report was made with other options than these",
            problems=odd,
            hint="leave out what is other than in that audit; an older report does not keep its "
            "options: give them again, as --threshold or --preprocess",
        )
    _check_answer(report, found)


def _other(side: Side, model: Model, source: Predictions) -> list[str]:
    """The facts of a side that are others than the report's."""
    told = {name: _plain(source.facts.get(name)) for name in AGAIN}
    kept = {name: _plain(model.facts.get(name)) for name in AGAIN}
    return [
        f"{side} {name.replace('_', ' ')}: {_short(kept[name])} in the report, "
        f"{_short(told[name])} here"
        for name in AGAIN
        if kept[name] != told[name]
    ]


def _plain(value: Any) -> Any:
    """A fact as it comes back from JSON; nothing is nothing, however it is written.

    Where preprocessing was found changes none of it.
    """
    if isinstance(value, Mapping):
        value = {name: each for name, each in value.items() if name != "origin"}
    return None if value in (None, "", {}, [], ()) else significant(value)


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:199]}…"


def _check_answer(report: Report, found: Repro) -> None:
    """Raise InputError where the report lists other answers to the example."""
    for each in report.negative_flips.examples:
        told, here = (each.old, each.new), (found.old.answer, found.new.answer)
        if each.id == found.id and (told != here or found.outcome != "negative flip"):
            raise InputError(
                f"{found.id!r} is a negative flip {each.old!r} → {each.new!r} in the report, and "
                f"{found.outcome} {found.old.answer!r} → {found.new.answer!r} here",
                hint="give the options of that audit again (labels, classes, threshold); a model "
                "that draws random numbers, or another runtime, answers otherwise too",
            )
