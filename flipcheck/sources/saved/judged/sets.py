"""Several labels an example: in one column each for truth and answers, or one a label."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, listed, plural
from flipcheck.sources.saved.judged.common import as_stored, check_no_threshold, with_answers
from flipcheck.sources.saved.tables import Roles, built, column_of, label_roles
from flipcheck.sources.saved.values import as_verdicts
from flipcheck.sources.spec import PREDICTION_NAMES
from flipcheck.tasks import binary, sets

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns
    from flipcheck.sources.tables import Table

LABEL_PREFIX = "label_"
DECIDED = ("prediction_", "pred_")
"""Columns of one decision a label."""
SCORED = ("prob_", "proba_", "score_")
"""Columns of one score a label, cut at the threshold."""
LOGITS = ("logit_",)
"""Columns that are cut only where the user says."""


@dataclass(frozen=True, slots=True)
class Truths:
    """Where a table has its labels: in a column of sets, in one column a label, or nowhere."""

    roles: Roles
    by_label: tuple[str, ...] = ()

    @property
    def taken(self) -> tuple[str, ...]:
        """The columns that hold labels."""
        return self.by_label if self.roles.label is None else (self.roles.label,)


def set_answers(table: Table, columns: Columns) -> Predictions:
    """The sets that a table of predictions holds. Raises InputError where it has none."""
    truths, name = _truths(table, columns), columns.prediction
    if name is None and columns.task.threshold is None:
        name = table.only(PREDICTION_NAMES, "prediction", "--prediction")
    if name is None:
        return _by_label(table, columns, truths)
    table.require([name], "--prediction")
    check_no_threshold(table, columns)
    found, loaded = _read(table, columns, truths, (name,))
    separator = columns.task.joined_by
    made = sets.sets_of(column_of(table, name), loaded[name], separator, table.lines)
    return with_answers(found, made, separator=separator)


def label_sets(table: Table, columns: Columns) -> Predictions:
    """The sets that a table of labels holds. Raises InputError where it has none."""
    found, taken = truth_sets(table, columns)
    if not taken:
        raise InputError(
            f"{table.path}: no labels: neither a column of sets nor columns label_<label>",
            hint=f"name it with --label; columns there: {', '.join(table.names)}",
        )
    return found


def truth_sets(table: Table, columns: Columns) -> tuple[Predictions, tuple[str, ...]]:
    """The sets that are true of a table's examples, if it has any, and the columns they are in."""
    truths = _truths(table, columns)
    return _read(table, columns, truths, ())[0], truths.taken


def _truths(table: Table, columns: Columns) -> Truths:
    """Where the labels are. Raises InputError where they could be in two places."""
    if columns.label is not None:
        return Truths(label_roles(table, columns))
    names = tuple(each for each in table.names if not each.startswith(LABEL_PREFIX))
    roles = label_roles(replace(table, names=names), replace(columns, by=(), cluster=None))
    kept = {columns.weight, columns.id, *columns.labels()}
    found = tuple(
        each
        for each in table.names
        if each.startswith(LABEL_PREFIX) and each != LABEL_PREFIX and each not in kept
    )
    if found and roles.label is not None:
        raise InputError(
            f"{table.path}: columns {roles.label!r} and {listed(found)} could both be the labels",
            hint=f"say which with --label, as in --label {roles.label}",
        )
    by = tuple(name for name in columns.labels() if name in table.names)
    return Truths(replace(roles, by=by), found)


def _read(
    table: Table, columns: Columns, truths: Truths, more: Sequence[str], single: bool = True
) -> tuple[Predictions, dict[str, Any]]:
    """Ids, labels and columns of a table, and `more` columns, of lists where `single`."""
    roles, separator = truths.roles, columns.task.joined_by
    lists = ([] if roles.label is None else [roles.label]) + (list(more) if single else [])
    wanted = [*roles.names(), *truths.by_label, *more] or [table.names[0]]
    loaded = table.listing(*lists).load(wanted)
    truth: Labels | None = None
    facts: dict[str, Any] = {}
    if roles.label is not None:
        what = column_of(table, roles.label)
        truth = sets.sets_of(what, loaded[roles.label], separator, table.lines)
    elif truths.by_label:
        names = _named(table, truths.by_label, separator)
        chosen = _decisions(table, loaded, truths.by_label)
        truth, facts = sets.sets_of_matrix(chosen, names, separator), {"declared": names}
    found = built(table, loaded, replace(roles, label=None))
    facts = {**found.facts, **facts}
    return replace(found, truth=truth, separator=separator, facts=facts), loaded


def _by_label(table: Table, columns: Columns, truths: Truths) -> Predictions:
    """Answers of one column a label: decisions, or scores at the threshold."""
    task, matrix = columns.task, _answer_columns(table, columns)
    names = _named(table, matrix, task.joined_by)
    if truths.by_label:
        there = _named(table, truths.by_label, task.joined_by)
        check_same_labels(str(table.path), there, names)
    found, loaded = _read(table, columns, truths, matrix, single=False)
    if matrix[0].startswith(DECIDED):
        check_no_threshold(table, columns)
        chosen, told = _decisions(table, loaded, matrix), dict[str, Any]()
    else:
        chosen, told = _cut(table, columns, loaded, matrix), {"threshold": task.cut}
    made = sets.sets_of_matrix(chosen, names, task.joined_by)
    return with_answers(found, made, separator=task.joined_by, declared=names, **told)


def _answer_columns(table: Table, columns: Columns) -> tuple[str, ...]:
    """The columns of one decision or score a label. Raises InputError for none, and for two."""
    used = {columns.id, columns.weight, *columns.labels()}
    given = columns.task.threshold is not None
    prefixes = (*SCORED, *LOGITS) if given else (*DECIDED, *SCORED)
    families = {
        prefix: names
        for prefix in prefixes
        if (
            names := tuple(
                each
                for each in table.names
                if each.startswith(prefix) and each != prefix and each not in used
            )
        )
    }
    if not families:
        raise InputError(
            f"{table.path}: no predictions of several labels",
            hint="name a column of sets (cat|dog) with --prediction, or save a column "
            f"prediction_<label> or prob_<label> for each label (logit_<label> needs a "
            "--threshold); columns there: "
            f"{', '.join(table.names)}",
        )
    if len(families) > 1:
        could = " and ".join(repr(f"{prefix}*") for prefix in families)
        raise InputError(
            f"{table.path}: columns {could} could both hold the answers",
            hint="leave one of them out of the file; with --threshold only scores are looked for",
        )
    return next(iter(families.values()))


def _named(table: Table, columns: tuple[str, ...], separator: str) -> tuple[str, ...]:
    """The labels that columns are of."""
    prefixes = (LABEL_PREFIX, *DECIDED, *SCORED, *LOGITS)
    prefix = next(each for each in prefixes if columns[0].startswith(each))
    names = tuple(each.removeprefix(prefix) for each in columns)
    sets.check_joinable(str(table.path), names, separator)
    return names


def _decisions(table: Table, loaded: dict[str, Any], columns: tuple[str, ...]) -> NDArray[np.bool_]:
    """Columns of 0/1 as a matrix."""
    import numpy as np

    chosen = [as_verdicts(column_of(table, each), loaded[each], table.lines) for each in columns]
    return np.stack(chosen, axis=1)


def _cut(
    table: Table, columns: Columns, loaded: dict[str, Any], matrix: tuple[str, ...]
) -> NDArray[np.bool_]:
    """Columns of scores, cut at the threshold, as a matrix."""
    import numpy as np

    over, task = [], columns.task
    for name in matrix:
        what = column_of(table, name)
        scores = as_stored(what, loaded[name], table)
        binary.check_scores(what, scores, table.lines, given=task.threshold is not None)
        over.append(binary.at_least(scores, task.cut))
    return np.stack(over, axis=1)


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
