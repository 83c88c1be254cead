"""A probability or score of the second of two classes, in one column of a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.sources.saved.judged.common import (
    as_stored,
    check_no_threshold,
    class_of,
    with_answers,
)
from flipcheck.sources.saved.tables import built, column_of, label_roles, score_columns
from flipcheck.sources.saved.values import as_labels, as_numbers
from flipcheck.sources.spec import CORRECT_NAMES, PREDICTION_NAMES, SCORE_PREFIXES
from flipcheck.tasks import binary

if TYPE_CHECKING:
    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns
    from flipcheck.sources.tables import Table


def cut_answers(table: Table, columns: Columns) -> Predictions | None:
    """Answers by a probability: of the named column, or of the only one for a class."""
    task = columns.task
    if task.probability is not None:
        table.require([task.probability], "--probability")
        return _cut(table, columns, task.probability, task.classes)
    if columns.prediction or columns.correct or table.those(PREDICTION_NAMES):
        check_no_threshold(table, columns)
        return None
    scores = score_columns(table)
    if len(scores) == 2 and task.threshold is not None:
        _check_two(table, scores)
        return _cut(table, columns, scores[1], tuple(map(class_of, scores)))
    lone = [] if scores or table.those(CORRECT_NAMES) else _lone(table)
    if len(lone) == 1:
        return _cut(table, columns, lone[0], _lone_classes(table, columns, lone[0]))
    check_no_threshold(table, columns)
    return None


def _check_two(table: Table, scores: tuple[str, ...]) -> None:
    """Raise InputError where the scores of two classes are no probabilities."""
    import numpy as np

    loaded = table.load(scores)
    both = [as_numbers(column_of(table, name), loaded[name], table.lines) for name in scores]
    binary.check_shares(str(table.path), np.stack(both, axis=1))


def _lone(table: Table) -> list[str]:
    """The columns of scores of one class, of prefixes that hold no logits."""
    prefixes = [each for each in SCORE_PREFIXES if each != "logit_"]
    return [
        name
        for name in table.names
        if any(name.startswith(each) and name != each for each in prefixes)
    ]


def _lone_classes(table: Table, columns: Columns, name: str) -> tuple[str, ...] | None:
    """Both classes, of which the second is that of the column. Raises InputError where unclear."""
    classes, positive = binary.checked_classes("--classes", columns.task.classes), class_of(name)
    if classes is not None:
        if positive not in {classes[1], "1"}:
            raise InputError(
                f"{table.path}: column {name!r} is not the probability of {classes[1]!r}, the "
                "second of --classes",
                hint="name the classes in the other order, or the column with --probability",
            )
        return classes
    roles = label_roles(table, columns)
    if positive in {pair[1] for pair in binary.SPELT}:
        return None
    used = (
        () if roles.label is None else as_labels("", table.load([roles.label])[roles.label]).used()
    )
    if len(used) == 2 and positive in used:
        return (*(each for each in used if each != positive), positive)
    raise InputError(
        f"{table.path}: column {name!r} is a probability of one class, and nothing says what the "
        "other is called",
        hint="name both classes, the negative one first: --classes no," + positive,
    )


def _cut(table: Table, columns: Columns, name: str, classes: tuple[str, ...] | None) -> Predictions:
    """Predictions by the cut of one column."""
    task, roles = columns.task, label_roles(table, columns)
    binary.checked_classes("--classes", classes)
    loaded = table.load([*roles.names(), name])
    what = column_of(table, name)
    scores = as_stored(what, loaded[name], table)
    answers, confidence = binary.answers_at(what, scores, task.threshold, classes, table.lines)
    told: dict[str, Any] = {"probability": name, "threshold": task.cut}
    told |= {} if classes is None else {"classes": classes}
    found = built(table, loaded, roles)
    alike = binary.one_sided(what, answers, task.cut)
    found = replace(found, warnings=(*found.warnings, *alike))
    return with_answers(found, answers, confidence, **told)
