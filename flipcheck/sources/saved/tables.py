"""Predictions and labels in a table: which column plays which part."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, plural
from flipcheck.predictions import Predictions, checked_scores, checked_weights
from flipcheck.sources.saved.repeats import with_repeats
from flipcheck.sources.saved.values import as_ids, as_labels, as_numbers, as_verdicts, largest
from flipcheck.sources.spec import (
    CLUSTER_NAMES,
    CONFIDENCE_NAMES,
    CORRECT_NAMES,
    ID_NAMES,
    LABEL_NAMES,
    PREDICTION_NAMES,
    SCORE_PREFIXES,
    Columns,
)
from flipcheck.tasks.accepting import accepted_labels, is_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.sources.tables import Table


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column of one table plays which part."""

    id: str | None = None
    label: str | None = None
    prediction: str | None = None
    correct: str | None = None
    confidence: str | None = None
    scores: tuple[str, ...] = ()
    grade: str | None = None
    by: tuple[str, ...] = ()
    weight: str | None = None
    groups: tuple[str, ...] = ()

    def labels(self, *more: str) -> list[str]:
        """The columns that are read as labels, and as nothing else."""
        others = {self.id, self.confidence, self.weight, *self.scores}
        parts = (self.label, self.prediction, self.correct, *self.by, *self.groups, *more)
        return [name for name in parts if name is not None and name not in others]

    def names(self) -> list[str]:
        """Every column that plays a part."""
        single = (self.id, self.label, self.prediction, self.correct, self.confidence, self.weight)
        several = (*self.scores, *self.by, *self.groups, self.grade)
        return [name for name in (*single, *several) if name is not None]


def predictions(table: Table, columns: Columns) -> Predictions:
    """The predictions that a table holds."""
    roles = prediction_roles(table, columns)
    verdict = roles.correct is None and roles.grade is None
    unused = table.first(CORRECT_NAMES) if verdict else None
    loaded = _loaded(table, roles, [unused] if unused else [])
    found = with_repeats(table, built(table, loaded, roles), roles.names())
    return replace(
        found, warnings=(*found.warnings, *_unused_verdict(table, found, loaded, unused))
    )


def labels(table: Table, columns: Columns) -> Predictions:
    """The labels that a table holds, without its answers."""
    roles = label_roles(table, columns)
    if roles.label is None:
        raise InputError(
            f"{table.path}: no label column",
            hint=f"name it with --label; columns there: {', '.join(table.names)}",
        )
    return with_repeats(table, built(table, _loaded(table, roles), roles), roles.names())


def _loaded(table: Table, roles: Roles, more: Sequence[str] = ()) -> dict[str, Any]:
    """The columns that play a part; those that nobody asked for only where they can be read."""
    table = table.listing(roles.label)  # which may be a list of accepted answers
    names, encoded = [*roles.names(), *more], roles.labels(*more)
    try:
        return table.load(names, encoded)
    except InputError:
        if not roles.groups:
            raise
    loaded = table.load([name for name in names if name not in roles.groups], encoded)
    for name in roles.groups:
        with contextlib.suppress(InputError):
            loaded |= table.load([name], encoded)
    return loaded


def label_roles(table: Table, columns: Columns) -> Roles:
    """The id, label and slice columns of a table."""
    if columns.id is not None:
        table.require([columns.id], "--id")
    label = columns.label if columns.label in table.names else None
    if columns.label is None and columns.score is None:  # of graded answers only what is named
        label = table.only(LABEL_NAMES, "label", "--label")
    by = tuple(name for name in columns.labels() if name in table.names)
    weight = columns.weight if columns.weight in table.names else None
    usual = table.those(CLUSTER_NAMES) if columns.cluster is None else []
    groups = tuple(name for name in usual if usual.count(name) == 1 and name not in by)
    id_name = id_column(table, columns)
    groups = tuple(name for name in groups if name not in {id_name, label})
    return Roles(id=id_name, label=label, by=by, weight=weight, groups=groups)


def id_column(table: Table, columns: Columns) -> str | None:
    """The column of ids: the one that was named, or that of a usual name."""
    return columns.id or table.first(ID_NAMES[:1]) or table.only(ID_NAMES[1:], "id", "--id")


def prediction_roles(table: Table, columns: Columns) -> Roles:
    """The columns of a table of predictions. Raises InputError where nothing says the answers."""
    named = {
        "--prediction": columns.prediction,
        "--correct": columns.correct,
        "--score": columns.score,
    }
    for flag, name in named.items():
        if name is not None:
            table.require([name], flag)
    if columns.score is not None:
        return replace(
            label_roles(table, columns), prediction=columns.prediction, grade=columns.score
        )
    prediction = columns.prediction or table.only(PREDICTION_NAMES, "prediction", "--prediction")
    scores = () if prediction or columns.correct else score_columns(table)
    correct = columns.correct
    if correct is None and prediction is None and not scores:
        correct = table.first(CORRECT_NAMES)
        if correct is None:
            raise InputError(
                f"{table.path}: no prediction column",
                hint="name the column of answers with --prediction, of graded answers' scores with "
                "--score, of the probability of the second of two classes with --probability, or "
                f"of the data's own verdict with --correct; columns there: "
                f"{', '.join(table.names)}",
            )
    return replace(
        label_roles(table, columns),
        prediction=prediction,
        correct=correct,
        confidence=table.first(CONFIDENCE_NAMES) if prediction else None,
        scores=scores,
    )


def score_columns(table: Table) -> tuple[str, ...]:
    """The columns of one score a class. Raises InputError where two families of them could be."""
    families = {
        prefix: tuple(name for name in table.names if name.startswith(prefix) and name != prefix)
        for prefix in SCORE_PREFIXES
    }
    found = {prefix: names for prefix, names in families.items() if len(names) > 1}
    others = table.first(CORRECT_NAMES)
    if len(found) > 1 or (found and others):
        could = [f"{prefix}*" for prefix in found] + ([others] if others else [])
        raise InputError(
            f"{table.path}: columns {' and '.join(map(repr, could))} could both hold the answers",
            hint="say which with --prediction or --correct",
        )
    return next(iter(found.values()), ())


def built(table: Table, loaded: Mapping[str, Any], roles: Roles) -> Predictions:
    """Predictions from the loaded columns of a table."""
    import numpy as np
    import pyarrow as pa

    size = len(next(iter(loaded.values())))
    answers, confidence = _answers(table, loaded, roles)
    truth, accepted = _truth(table, loaded, roles.label)
    return Predictions(
        name=str(table.path),
        ids=(
            pa.array(np.arange(1, size + 1))
            if roles.id is None
            else as_ids(column_of(table, roles.id), loaded[roles.id])
        ),
        answers=answers,
        truth=truth,
        accepted=accepted,
        correct=(
            as_verdicts(column_of(table, roles.correct), loaded[roles.correct], table.lines)
            if roles.correct
            else None
        ),
        confidence=confidence,
        scores=_grades(table, loaded, roles.grade),
        columns={name: as_labels(column_of(table, name), loaded[name]) for name in roles.by},
        weights=weights_of(table, loaded, roles),
        groups=groups_of(table, loaded, roles),
        rows=roles.id is None,
        source=str(table.path),
        available=table.names,
        facts={"kind": "predictions", "sha256": table.sha256, "columns": _told(roles)},
    )


def _grades(
    table: Table, loaded: Mapping[str, Any], name: str | None
) -> NDArray[np.float64] | None:
    """The graded scores that a table holds. Raises InputError for rows without one."""
    if name is None:
        return None
    what = column_of(table, name)
    return checked_scores(what, as_numbers(what, loaded[name], table.lines), table.lines)


def weights_of(table: Table, loaded: Mapping[str, Any], roles: Roles) -> NDArray[np.float64] | None:
    """The weights that a table holds. Raises InputError for what is no weight."""
    if roles.weight is None:
        return None
    what = column_of(table, roles.weight)
    return checked_weights(what, as_numbers(what, loaded[roles.weight], table.lines))


def groups_of(table: Table, loaded: Mapping[str, Any], roles: Roles) -> dict[str, Labels]:
    """The columns that nobody asked for but that may be clusters, where they hold labels."""
    found = {}
    for name in roles.groups:
        with contextlib.suppress(InputError, KeyError):  # it may be no column of labels at all
            found[name] = as_labels(column_of(table, name), loaded[name])
    return found


def column_of(table: Table, name: str) -> str:
    """A column of a table, as an error names it."""
    return f"{table.path}: column {name!r}"


def _told(roles: Roles) -> dict[str, str]:
    """The parts and their columns, as the report records them."""
    parts = {
        "id": roles.id,
        "label": roles.label,
        "prediction": roles.prediction,
        "correct": roles.correct,
        "score": roles.grade,
    }
    return {part: name for part, name in parts.items() if name is not None}


def _truth(
    table: Table, loaded: Mapping[str, Any], name: str | None
) -> tuple[Labels | None, Mapping[str, tuple[str, ...]]]:
    """The truths, and what each accepts where they are lists of accepted answers."""
    if name is not None and is_list(loaded[name]):
        return accepted_labels(column_of(table, name), loaded[name])
    return _labels(table, loaded, name), {}


def _labels(table: Table, loaded: Mapping[str, Any], name: str | None) -> Labels | None:
    return None if name is None else as_labels(column_of(table, name), loaded[name])


def _answers(
    table: Table, loaded: Mapping[str, Any], roles: Roles
) -> tuple[Labels | None, NDArray[np.float32] | None]:
    import numpy as np

    def numbers(name: str) -> NDArray[np.float64]:
        return as_numbers(column_of(table, name), loaded[name], table.lines)

    if roles.scores:
        prefix = next(each for each in SCORE_PREFIXES if roles.scores[0].startswith(each))
        names = tuple(name.removeprefix(prefix) for name in roles.scores)
        scores = np.stack([numbers(name) for name in roles.scores], axis=1)
        return largest(str(table.path), scores, names, table.lines)
    confidence = numbers(roles.confidence).astype(np.float32) if roles.confidence else None
    return _labels(table, loaded, roles.prediction), confidence


def _unused_verdict(
    table: Table, found: Predictions, loaded: Mapping[str, Any], unused: str | None
) -> list[str]:
    """A warning where the data's own verdict differs from equality and was not asked for."""
    if unused is None or found.answers is None or found.truth is None or found.accepted:
        return []
    try:
        verdict = as_verdicts(column_of(table, unused), loaded[unused], table.lines)
    except InputError:
        return []
    import numpy as np

    place = {name: code for code, name in enumerate(found.answers.names)}
    codes = np.array([place.get(name, -2) for name in found.truth.names] + [-3], dtype=np.int32)
    odd = int(((found.answers.codes == codes[found.truth.codes]) != verdict).sum())
    if not odd:
        return []
    return [
        (
            f"{found.name}: column {unused!r} and the equality of answer and label disagree on "
            f"{plural(odd, 'row')}; equality decides (--correct {unused} takes the column)"
        )
    ]
