"""Saved predictions of other tasks than one class an example: binary, multi-label, ranked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError, listed, plural
from flipcheck.sources.saved.tables import (
    Roles,
    built,
    column_of,
    label_roles,
    score_columns,
)
from flipcheck.sources.saved.values import as_labels, as_numbers, largest
from flipcheck.sources.spec import PREDICTION_NAMES, SCORE_PREFIXES
from flipcheck.tasks import binary, ranking, sets
from flipcheck.tasks.accepting import is_list, lists_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns
    from flipcheck.sources.tables import Table

LABEL_PREFIX = "label_"
ANSWER_PREFIXES = ("prediction_", "pred_")
SHARE_PREFIXES = ("prob_", "proba_")


def predictions(table: Table, columns: Columns) -> Predictions | None:
    """The predictions of a table by the task that was asked for; None where it is the plain one."""
    task = columns.task
    if task.multilabel:
        return _sets(table, columns, answers=True)
    if task.top_k is not None:
        return _ranked(table, columns, task.top_k)
    return _binary(table, columns)


def labels(table: Table, columns: Columns) -> Predictions | None:
    """The labels of a table by the task that was asked for; None where it is the plain one."""
    return _sets(table, columns, answers=False) if columns.task.multilabel else None


# --- binary --------------------------------------------------------------------------------


def _binary(table: Table, columns: Columns) -> Predictions | None:
    """Answers by a probability: of the named column, or of the only one for a class."""
    task = columns.task
    if task.probability is not None:
        table.require([task.probability], "--probability")
        return _cut(table, columns, task.probability, task.classes)
    if columns.prediction or columns.correct or table.those(PREDICTION_NAMES):
        _check_no_threshold(table, columns)
        return None
    scores = score_columns(table)
    if len(scores) == 2 and task.threshold is not None:
        return _cut(table, columns, scores[1], tuple(map(_class_of, scores)))
    lone = [] if scores else _lone(table)
    if len(lone) == 1:
        return _cut(table, columns, lone[0], _lone_classes(table, columns, lone[0]))
    _check_no_threshold(table, columns)
    return None


def _check_no_threshold(table: Table, columns: Columns) -> None:
    if columns.task.threshold is not None:
        raise UsageError(
            f"--threshold is for models and probabilities, and {table.path} is saved predictions "
            "that are read by another column",
            hint="name the column of probabilities with --probability, or leave it out",
        )


def _lone(table: Table) -> list[str]:
    """The columns of scores of one class, of prefixes that hold no logits."""
    prefixes = [each for each in SCORE_PREFIXES if each != "logit_"]
    return [
        name
        for name in table.names
        if any(name.startswith(each) and name != each for each in prefixes)
    ]


def _class_of(name: str) -> str:
    prefix = next(each for each in SCORE_PREFIXES if name.startswith(each))
    return name.removeprefix(prefix)


def _lone_classes(table: Table, columns: Columns, name: str) -> tuple[str, ...] | None:
    """Both classes, of which the second is that of the column. Raises InputError where unclear."""
    classes, positive = binary.checked_classes("--classes", columns.task.classes), _class_of(name)
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
    answers, confidence = binary.answers_at(
        what,
        scores,
        task.threshold,
        classes,
        table.lines,
    )
    told: dict[str, Any] = {"probability": name, "threshold": task.cut}
    told |= {} if classes is None else {"classes": classes}
    return with_answers(built(table, loaded, roles), answers, confidence, **told)


def as_stored(what: str, column: Any, table: Table) -> NDArray[Any]:
    """A column of numbers in the precision in which it is stored."""
    import numpy as np
    import pyarrow as pa

    values: NDArray[Any] = as_numbers(what, column, table.lines)
    if pa.types.is_float32(column.type):
        return values.astype(np.float32)
    return values.astype(np.float16) if pa.types.is_float16(column.type) else values


def with_answers(
    found: Predictions,
    answers: Labels,
    confidence: NDArray[np.float32] | None = None,
    ranked: NDArray[np.int32] | None = None,
    separator: str = "",
    **told: Any,
) -> Predictions:
    """The same with answers, and with what the report tells of how they came about."""
    import numpy as np

    unsure = confidence is None or bool(np.isnan(confidence).all())
    return replace(
        found,
        answers=answers,
        confidence=None if unsure else confidence,
        ranked=ranked,
        separator=separator,
        facts={**found.facts, **told},
    )


# --- ranked --------------------------------------------------------------------------------


def _ranked(table: Table, columns: Columns, k: int) -> Predictions:
    """The first k answers: of scores, of one column a rank, or of lists."""
    if columns.prediction is None and (numbered := _rank_columns(table)):
        ranking.check_enough(f"{table.path}: columns label_0, …", k, len(numbered), "answer")
        roles = _without_label(label_roles(table, columns), numbered)
        loaded = table.load([*roles.names(), *numbered[:k]])
        parts = [as_labels(column_of(table, each), loaded[each]) for each in numbered[:k]]
        answers, ranked = ranking.ranked_columns(parts)
        return with_answers(built(table, loaded, roles), answers, ranked=ranked, top_k=k)
    roles = label_roles(table, columns)
    name = columns.prediction or table.only(PREDICTION_NAMES, "prediction", "--prediction")
    if columns.prediction is None and (scores := score_columns(table)):
        return _by_scores(table, roles, scores, k)
    if name is None:
        raise InputError(
            f"{table.path}: --top-k {k} needs scores of every class, or ranked answers",
            hint="save a column prob_<class> for each class, columns label_0, label_1, … of "
            "answers, or a list of answers as 'prediction' in Parquet or JSONL",
        )
    table.require([name], "--prediction")
    loaded = replace(table, lists=(name,)).load([*roles.names(), name])
    what = column_of(table, name)
    if not is_list(loaded[name]):
        raise InputError(
            f"{what}: one answer for each example, and --top-k {k} needs {k}",
            hint="save the scores of every class, or a list of answers, the best first",
        )
    lists = lists_of(what, loaded[name])
    ranking.check_enough(what, k, max((len(each or ()) for each in lists), default=0), "answer")
    answers, ranked = ranking.ranked_lists(lists, k)
    return with_answers(built(table, loaded, roles), answers, ranked=ranked, top_k=k)


def _by_scores(table: Table, roles: Roles, scores: tuple[str, ...], k: int) -> Predictions:
    import numpy as np

    loaded = table.load([*roles.names(), *scores])
    matrix = np.stack(
        [as_numbers(column_of(table, name), loaded[name], table.lines) for name in scores], axis=1
    )
    names = tuple(map(_class_of, scores))
    answers, confidence = largest(str(table.path), matrix, names, table.lines)
    ranked = ranking.best(str(table.path), matrix, k)
    return with_answers(built(table, loaded, roles), answers, confidence, ranked, top_k=k)


def _rank_columns(table: Table) -> list[str]:
    """The columns label_0, label_1, … as far as they go."""
    found: list[str] = []
    while f"{LABEL_PREFIX}{len(found)}" in table.names:
        found.append(f"{LABEL_PREFIX}{len(found)}")
    return found


def _without_label(roles: Roles, taken: list[str]) -> Roles:
    return replace(roles, label=None) if roles.label in taken else roles


# --- sets ----------------------------------------------------------------------------------


def _sets(table: Table, columns: Columns, *, answers: bool) -> Predictions:
    """Several labels an example: in one column each for truth and answers, or one a label."""
    separator = columns.task.joined_by
    roles = label_roles(_unlabelled(table, columns), columns)
    by_column = _label_columns(table, columns, roles)
    name = columns.prediction or table.only(PREDICTION_NAMES, "prediction", "--prediction")
    matrix, family = ((), "") if name or not answers else _answer_columns(table, columns)
    if answers and name is None and not matrix:
        raise InputError(
            f"{table.path}: no predictions of several labels",
            hint="name a column of sets (cat|dog) with --prediction, or save a column "
            f"prediction_<label> or prob_<label> for each label; columns there: "
            f"{', '.join(table.names)}",
        )
    if not answers and roles.label is None and not by_column:
        raise InputError(
            f"{table.path}: no labels: neither a column of sets nor columns label_<label>",
            hint=f"name it with --label; columns there: {', '.join(table.names)}",
        )
    if name is not None:
        table.require([name], "--prediction")
    single = [each for each in (roles.label, name) if each is not None]
    wanted = [*roles.names(), *single, *by_column, *matrix]
    loaded = replace(table, lists=tuple(single)).load(wanted or table.names[:1])
    truth = _truth_sets(table, loaded, roles, by_column, separator)
    found = replace(
        built(table, loaded, replace(roles, label=None)), truth=truth, separator=separator
    )
    if not answers:
        return replace(found, facts={**found.facts, **_declared(by_column, LABEL_PREFIX)})
    if name is not None:
        if columns.task.threshold is not None:
            _check_no_threshold(table, columns)
        made = sets.sets_of(column_of(table, name), loaded[name], separator, table.lines)
        return with_answers(found, made, separator=separator, **_declared(by_column, LABEL_PREFIX))
    return _matrix_answers(table, columns, found, loaded, matrix, family, by_column)


def _unlabelled(table: Table, columns: Columns) -> Table:
    """The table without its one-label columns, among which no single truth is looked for."""
    if columns.label is not None:
        return table
    names = tuple(each for each in table.names if not each.startswith(LABEL_PREFIX))
    return replace(table, names=names)


def _label_columns(table: Table, columns: Columns, roles: Roles) -> tuple[str, ...]:
    """The columns label_<c>, where no column holds the whole set. Raises InputError for both."""
    found = tuple(
        each for each in table.names if each.startswith(LABEL_PREFIX) and each != LABEL_PREFIX
    )
    if columns.label is not None:
        return ()
    taken = {roles.id, columns.weight, *columns.labels()}
    found = tuple(each for each in found if each not in taken)
    if found and roles.label is not None:
        raise InputError(
            f"{table.path}: columns {roles.label!r} and {listed(found)} could both be the labels",
            hint=f"say which with --label, as in --label {roles.label}",
        )
    return found


def _answer_columns(table: Table, columns: Columns) -> tuple[tuple[str, ...], str]:
    """The columns of one decision or probability a label, and their prefix."""
    families = {}
    used = {columns.id, columns.weight, *columns.labels()}
    for prefix in (*ANSWER_PREFIXES, *SHARE_PREFIXES, "score_", "logit_"):
        names = tuple(
            each
            for each in table.names
            if each.startswith(prefix) and each != prefix and each not in used
        )
        if names:
            families[prefix] = names
    if len(families) > 1 and columns.task.threshold is not None:
        families = {each: names for each, names in families.items() if each not in ANSWER_PREFIXES}
    if len(families) > 1:
        could = " and ".join(repr(f"{prefix}*") for prefix in families)
        raise InputError(
            f"{table.path}: columns {could} could both hold the answers",
            hint="leave one of them out of the file",
        )
    prefix = next(iter(families), "")
    return families.get(prefix, ()), prefix


def _truth_sets(
    table: Table,
    loaded: dict[str, Any],
    roles: Roles,
    by_column: tuple[str, ...],
    separator: str,
) -> Labels | None:
    if roles.label is not None:
        what = column_of(table, roles.label)
        return sets.sets_of(what, loaded[roles.label], separator, table.lines)
    if not by_column:
        return None
    names = _named(table, by_column, LABEL_PREFIX, separator)
    return sets.sets_of_matrix(_decisions(table, loaded, by_column), names, separator)


def _named(table: Table, columns: tuple[str, ...], prefix: str, separator: str) -> tuple[str, ...]:
    names = tuple(each.removeprefix(prefix) for each in columns)
    sets.check_joinable(str(table.path), names, separator)
    return names


def _decisions(table: Table, loaded: dict[str, Any], columns: tuple[str, ...]) -> NDArray[np.bool_]:
    """Columns of 0/1 as a matrix."""
    import numpy as np

    from flipcheck.sources.saved.values import as_verdicts

    return np.stack(
        [as_verdicts(column_of(table, each), loaded[each], table.lines) for each in columns], axis=1
    )


def _matrix_answers(
    table: Table,
    columns: Columns,
    found: Predictions,
    loaded: dict[str, Any],
    matrix: tuple[str, ...],
    prefix: str,
    by_column: tuple[str, ...],
) -> Predictions:
    """Answers of one column a label: decisions, or probabilities at the threshold."""
    import numpy as np

    task, told = columns.task, dict[str, Any]()
    names = _named(table, matrix, prefix, task.joined_by)
    if by_column:
        check_same_labels(
            str(table.path), _named(table, by_column, LABEL_PREFIX, task.joined_by), names
        )
    if prefix in ANSWER_PREFIXES:
        _check_no_threshold(table, columns)
        chosen = _decisions(table, loaded, matrix)
    else:
        over = []
        for name in matrix:
            what = column_of(table, name)
            scores = as_stored(what, loaded[name], table)
            given = task.threshold is not None
            binary.check_scores(what, scores, table.lines, given=given)
            over.append(binary.at_least(scores, task.cut))
        chosen, told = np.stack(over, axis=1), {"threshold": task.cut}
    made = sets.sets_of_matrix(chosen, names, task.joined_by)
    return with_answers(found, made, separator=task.joined_by, declared=names, **told)


def _declared(columns: tuple[str, ...], prefix: str) -> dict[str, Any]:
    """The labels that columns declare, where there are any."""
    names = tuple(each.removeprefix(prefix) for each in columns)
    return {"declared": names} if names else {}


def check_same_labels(what: str, truths: tuple[str, ...], answers: tuple[str, ...]) -> None:
    """Raise InputError where columns of truths and of answers are not of the same labels."""
    problems = [
        f"{plural(len(lacks), 'label')} without {kind}: {listed(lacks)}"
        for kind, lacks in (
            ("a prediction", sorted(set(truths) - set(answers))),
            ("a truth", sorted(set(answers) - set(truths))),
        )
        if lacks
    ]
    if problems:
        raise InputError(
            f"{what}: its labels and its predictions are not of the same labels",
            problems=problems,
            hint="write a column for each label on both sides",
        )
