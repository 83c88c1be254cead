"""Arrays of other tasks than one class an example: a score each, 0/1 matrices, ranked scores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError
from flipcheck.sources.arrays import Archive, one_dimension, open_archive, plain
from flipcheck.sources.saved.arrays import (
    NPZ_IDS,
    NPZ_PREDICTIONS,
    NPZ_SCORES,
    built,
    find,
    find_label,
    flat,
    lines,
)
from flipcheck.sources.saved.judged.common import with_answers
from flipcheck.sources.saved.judged.sets import check_same_labels
from flipcheck.sources.saved.values import largest
from flipcheck.tasks import binary, ranking, sets

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns

CUT = ("probs", "probabilities", "scores")
"""What is cut at a threshold without being named; logits have no threshold of their own."""


def predictions(path: Path, columns: Columns) -> Predictions | None:
    """The predictions of an archive by the task asked for; None where it is the plain one."""
    task = columns.task
    if task.multilabel:
        return _set_answers(open_archive(path), columns)
    if task.top_k is not None:
        return _ranked(open_archive(path), columns, task.top_k)
    return _binary(open_archive(path), columns)


def labels(path: Path, columns: Columns) -> Predictions | None:
    """The labels of an archive by the task asked for; None where it is the plain one."""
    return _label_sets(open_archive(path), columns) if columns.task.multilabel else None


def _base(archive: Archive, columns: Columns, *, label: bool = True) -> Predictions:
    """Ids, labels and columns of an archive."""
    names = {"id": find(archive, columns.id, NPZ_IDS, "--id")}
    if label:
        names["label"] = find_label(archive, columns)
    used = (*names.values(), columns.weight, *columns.labels())
    if not any(name in archive.headers for name in used):
        return built(archive, {**names, "rows": _any(archive)}, columns)
    return built(archive, names, columns)


def _any(archive: Archive) -> str:
    return next(iter(archive.headers))


def _loaded(archive: Archive, name: str, found: Predictions) -> NDArray[Any]:
    """One more array, of as many rows."""
    values: NDArray[Any] = plain(archive.path, name, archive.load(name))
    if values.shape[:1] != (len(found),):
        count = values.shape[0] if values.ndim else 0
        raise InputError(
            f"{archive.path}: {name!r} has {count:,} rows for {len(found):,} examples",
            hint="every array has one row for each example, in the same order",
        )
    return values


# --- binary --------------------------------------------------------------------------------


def _binary(archive: Archive, columns: Columns) -> Predictions | None:
    """Answers by one score an example, where there is one."""
    task = columns.task
    name = task.probability
    unnamed = name is None and not (columns.prediction or columns.correct)
    if unnamed and find(archive, None, NPZ_PREDICTIONS, "--prediction") is None:
        name = find(archive, None, NPZ_SCORES, "--prediction")
    if name is None or not _is_cut(archive, name, columns):
        if task.threshold is not None:
            raise UsageError(
                f"--threshold is for models and probabilities, and {archive.path} is saved "
                "predictions that are read by another array",
                hint="name the array of probabilities with --probability, or leave it out",
            )
        return None
    found = _base(archive, columns)
    values = _loaded(archive, name, found)
    two = values.ndim == 2 and values.shape[1] == 2
    scores = values[:, 1] if two else one_dimension(archive.path, name, values)
    what = f"{archive.path}: {name!r}"
    if two:
        binary.check_shares(what, values)
    if scores.dtype.kind != "f":
        scores = scores.astype("float64") if scores.dtype.kind in "iub" else _no_scores(what)
    classes = binary.checked_classes("--classes", task.classes)
    answers, confidence = binary.answers_at(what, scores, task.threshold, classes, lines)
    told: dict[str, Any] = {"probability": name, "threshold": task.cut}
    told |= {} if classes is None else {"classes": classes}
    alike = binary.one_sided(what, answers, task.cut)
    found = replace(found, warnings=(*found.warnings, *alike))
    return with_answers(found, answers, confidence, **told)


def _is_cut(archive: Archive, name: str, columns: Columns) -> bool:
    """Whether an array holds one score an example, or two and a threshold."""
    task = columns.task
    if task.probability is not None:
        find(archive, name, (), "--probability")
        return True
    shape = archive.headers[name].shape
    one = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    if one:
        return name in CUT or task.threshold is not None
    return len(shape) == 2 and shape[1] == 2 and task.threshold is not None


def _no_scores(what: str) -> NDArray[Any]:
    raise InputError(f"{what}: it should hold numbers", hint="name another array")


# --- ranked --------------------------------------------------------------------------------


def _ranked(archive: Archive, columns: Columns, k: int) -> Predictions:
    """The first k answers, of a matrix of scores or of answers."""
    name = columns.prediction or find(archive, None, NPZ_SCORES, "--prediction")
    name = name or find(archive, None, NPZ_PREDICTIONS, "--prediction")
    name = find(archive, name, (), "--prediction")
    if name is None or len(archive.headers[name].shape) != 2:
        raise InputError(
            f"{archive.path}: --top-k {k} needs scores of every class",
            hint="save a matrix of scores as 'probs' or 'logits', one column a class",
        )
    found = _base(archive, columns)
    values, what = _loaded(archive, name, found), f"{archive.path}: {name!r}"
    if values.dtype.kind == "f":
        names = tuple(map(str, range(values.shape[1])))
        answers, confidence = largest(what, values, names, lines)
        ranked = ranking.best(what, values, k)
        return with_answers(found, answers, confidence, ranked, top_k=k)
    ranking.check_enough(what, k, values.shape[1], "answer")
    lists = [tuple(map(str, row)) for row in values[:, :k].tolist()]
    answers, ranked = ranking.ranked_lists(lists, k)
    return with_answers(found, answers, ranked=ranked, top_k=k)


# --- sets ----------------------------------------------------------------------------------


def truth_sets(archive: Archive, columns: Columns) -> Predictions:
    """The sets that are true of an archive's examples, if it has any."""
    found = _base(archive, columns, label=False)
    label = find_label(archive, columns)
    if label is None:
        return replace(found, separator=columns.task.joined_by)
    return _with_truth(found, *_sets_in(archive, label, found, columns), columns)


def _with_truth(
    found: Predictions, truth: Labels, told: dict[str, Any], columns: Columns
) -> Predictions:
    facts = {**found.facts, **told}
    return replace(found, truth=truth, separator=columns.task.joined_by, facts=facts)


def _label_sets(archive: Archive, columns: Columns) -> Predictions:
    """The sets of an archive of labels. Raises InputError where it has none."""
    found = truth_sets(archive, columns)
    if found.truth is None:
        raise InputError(
            f"{archive.path}: no array of labels",
            hint=f"arrays there: {', '.join(archive.headers)}; name one with --label",
        )
    return found


def _set_answers(archive: Archive, columns: Columns) -> Predictions:
    """The sets of an archive of predictions: text, 0/1 matrices, or scores and a threshold."""
    found, task = truth_sets(archive, columns), columns.task
    name = _answer_name(archive, columns)
    scored = archive.headers[name].dtype.kind == "f"
    if scored and (task.threshold is not None or name in CUT):
        answers, told = _cut(archive, name, found, columns)
    elif task.threshold is not None:
        raise UsageError(
            f"--threshold is for probabilities, and {archive.path}: {name!r} holds none",
            hint="name the array of probabilities with --prediction, or leave it out",
        )
    else:
        answers, told = _sets_in(archive, name, found, columns)
    truths, names = found.facts.get("declared"), told.get("declared")
    if truths and names:
        check_same_labels(str(archive.path), truths, names)
    return with_answers(found, answers, separator=task.joined_by, **told)


def _answer_name(archive: Archive, columns: Columns) -> str:
    """The array of answers; with a threshold the one of scores."""
    usual = NPZ_SCORES if columns.task.threshold is not None else NPZ_PREDICTIONS
    name = find(archive, columns.prediction, usual, "--prediction")
    name = name or find(archive, None, NPZ_SCORES, "--prediction")
    if name is None:
        raise InputError(
            f"{archive.path}: no array of predictions",
            hint=f"arrays there: {', '.join(archive.headers)}; name one with --prediction",
        )
    return name


def _sets_in(
    archive: Archive, name: str, found: Predictions, columns: Columns
) -> tuple[Labels, dict[str, Any]]:
    """The sets of an array of texts, or of a matrix of 0 and 1, and what is told of them."""
    values, separator = _loaded(archive, name, found), columns.task.joined_by
    what = f"{archive.path}: {name!r}"
    if values.dtype.kind == "U" and values.ndim == 1:
        return sets.sets_of(what, flat(archive.path, name, values), separator, lines), {}
    _check_matrix(what, values)
    if values.dtype.kind not in "biuf" or set(_distinct(values)) - {0, 1}:
        raise InputError(
            f"{what}: --multilabel reads a matrix of 0 and 1, and it holds other values",
            hint="save 1 where an example has the label of that column, and 0 where not; logits "
            "need a --threshold",
        )
    names = _names(archive, columns, values.shape[1])
    return sets.sets_of_matrix(values.astype(bool), names, separator), {"declared": names}


def _distinct(values: NDArray[Any]) -> list[Any]:
    import numpy as np

    distinct: list[Any] = np.unique(values).tolist()
    return distinct


def _names(archive: Archive, columns: Columns, width: int) -> tuple[str, ...]:
    """The names of the labels of a matrix: those given, or their places."""
    classes = columns.task.classes
    if classes is None:
        return tuple(map(str, range(width)))
    if len(classes) != width:
        raise InputError(
            f"{archive.path}: its matrix has {width} labels, and --classes names {len(classes)}",
            hint="name every label, in the order of the columns",
        )
    sets.check_joinable("--classes", classes, columns.task.joined_by)
    return classes


def _cut(
    archive: Archive, name: str, found: Predictions, columns: Columns
) -> tuple[Labels, dict[str, Any]]:
    """The sets of a matrix of scores at the threshold, and what is told of them."""
    task, what = columns.task, f"{archive.path}: {name!r}"
    values = _loaded(archive, name, found)
    _check_matrix(what, values)
    binary.check_scores(what, values, lines, given=task.threshold is not None)
    names = _names(archive, columns, values.shape[1])
    made = sets.sets_of_matrix(binary.at_least(values, task.cut), names, task.joined_by)
    return made, {"declared": names, "threshold": task.cut}


def _check_matrix(what: str, values: NDArray[Any]) -> None:
    if values.ndim != 2 or not values.shape[1]:
        raise InputError(
            f"{what}: --multilabel reads a matrix of one column a label, and its shape is "
            f"{values.shape}",
            hint="save a matrix (examples, labels) of 0 and 1",
        )
