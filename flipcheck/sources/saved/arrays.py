"""Predictions and labels in an NPZ archive: one array a part, answers or a matrix of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.labels import Labels, to_arrow
from flipcheck.predictions import Predictions, checked_scores, checked_weights
from flipcheck.sources.arrays import Archive, one_dimension, open_archive, plain
from flipcheck.sources.files import sha256
from flipcheck.sources.saved.values import as_ids, as_labels, as_verdicts, largest
from flipcheck.sources.spec import CORRECT_NAMES, PREDICTION_NAMES, Columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

NPZ_IDS = ("ids", "id")
NPZ_LABELS = ("labels", "label", "y", "y_true", "targets")
NPZ_PREDICTIONS = ("predictions", *PREDICTION_NAMES, "preds")
NPZ_SCORES = ("probs", "probabilities", "logits", "scores")


def predictions(path: Path, columns: Columns) -> Predictions:
    """The predictions that an archive holds."""
    archive = open_archive(path)
    if columns.score is not None:
        return built(archive, _graded(archive, columns), columns)
    names = {
        "id": find(archive, columns.id, NPZ_IDS, "--id"),
        "label": find_label(archive, columns),
        "prediction": find(archive, columns.prediction, NPZ_PREDICTIONS, "--prediction")
        or find(archive, None, NPZ_SCORES, "--prediction"),
        "correct": None,
    }
    if columns.correct is not None or names["prediction"] is None:
        names["correct"] = find(archive, columns.correct, CORRECT_NAMES, "--correct")
    if names["prediction"] is None and names["correct"] is None:
        raise InputError(
            f"{path}: no array of predictions",
            hint=f"arrays there: {', '.join(archive.headers)}; name one with --prediction or "
            "--correct",
        )
    return built(archive, names, columns)


def _graded(archive: Archive, columns: Columns) -> dict[str, str | None]:
    """The arrays of graded answers: of labels and answers only those that are named."""
    named = {"label": columns.label, "prediction": columns.prediction, "score": columns.score}
    flags = {"label": "--label", "prediction": "--prediction", "score": "--score"}
    there = {
        role: None if name is None else find(archive, name, (), flags[role])
        for role, name in named.items()
        if role != "label" or name in archive.headers
    }
    return {"id": find(archive, columns.id, NPZ_IDS, "--id"), "correct": None, **there}


def labels(path: Path, columns: Columns) -> Predictions:
    """The labels that an archive holds, without its answers."""
    archive = open_archive(path)
    label = find_label(archive, columns)
    if label is None:
        raise InputError(
            f"{path}: no array of labels",
            hint=f"arrays there: {', '.join(archive.headers)}; name one with --label",
        )
    return built(
        archive, {"id": find(archive, columns.id, NPZ_IDS, "--id"), "label": label}, columns
    )


def find(archive: Archive, given: str | None, usual: Sequence[str], flag: str) -> str | None:
    """The array that was named, or the one of the usual names. Raises InputError for two."""
    if given is not None:
        if given not in archive.headers:
            raise InputError(
                f"{archive.path}: no array {given!r} ({flag})",
                hint=f"arrays there: {', '.join(archive.headers)}",
            )
        return given
    found = [name for name in usual if name in archive.headers]
    if len(found) > 1:
        raise InputError(
            f"{archive.path}: arrays {' and '.join(map(repr, found))} could both be meant",
            hint=f"say which with {flag}, as in {flag} {found[0]}",
        )
    return found[0] if found else None


def find_label(archive: Archive, columns: Columns) -> str | None:
    """The array of labels; None too where the one that was named is in another source."""
    if columns.label is not None and columns.label not in archive.headers:
        return None
    return find(archive, columns.label, NPZ_LABELS, "--label")


def built(archive: Archive, names: Mapping[str, str | None], columns: Columns) -> Predictions:
    """Predictions from the arrays that play a part."""
    import numpy as np
    import pyarrow as pa

    path = archive.path
    by = [name for name in columns.labels() if name in archive.headers]
    weight = columns.weight if columns.weight in archive.headers else None
    kept = [name for name in (*names.values(), *by, weight) if name is not None]
    size = archive.require_rows(kept)
    loaded = {name: plain(path, name, archive.load(name)) for name in dict.fromkeys(kept)}

    def part(role: str) -> Any:
        name = names.get(role)
        return None if name is None else flat(path, name, loaded[name])

    answers, confidence = _answers(path, names.get("prediction"), loaded)
    ids, truth, correct = part("id"), part("label"), part("correct")
    return Predictions(
        name=str(path),
        ids=pa.array(np.arange(1, size + 1))
        if ids is None
        else as_ids(f"{path}: {names['id']!r}", ids),
        answers=answers,
        truth=None if truth is None else as_labels(f"{path}: {names['label']!r}", truth),
        correct=(
            None
            if correct is None
            else as_verdicts(f"{path}: {names['correct']!r}", correct, lines)
        ),
        confidence=confidence,
        scores=(
            None
            if names.get("score") is None
            else checked_scores(
                f"{path}: {names['score']!r}", one_dimension(path, *_named(names, loaded))
            )
        ),
        columns={
            name: as_labels(f"{path}: {name!r}", flat(path, name, loaded[name])) for name in by
        },
        weights=(
            None
            if weight is None
            else checked_weights(f"{path}: {weight!r}", one_dimension(path, weight, loaded[weight]))
        ),
        rows=ids is None,
        source=str(path),
        available=tuple(archive.headers),
        facts={
            "kind": "predictions",
            "sha256": sha256(path),
            "columns": {role: name for role, name in names.items() if name},
        },
    )


def _named(
    names: Mapping[str, str | None], loaded: Mapping[str, NDArray[Any]]
) -> tuple[str, NDArray[Any]]:
    """The array of scores, and its name."""
    name = names["score"] or ""
    return name, loaded[name]


def flat(path: Path, name: str, values: NDArray[Any]) -> Any:
    """A column of an archive as a pyarrow array."""
    column = one_dimension(path, name, values)
    try:
        return to_arrow(column)
    except InputError as error:
        raise InputError(f"{path}: {name!r}: {error.message}", hint=error.hint) from error


def lines(rows: Iterable[int]) -> list[int]:
    """Rows from 1, as an archive has no lines."""
    return [row + 1 for row in rows]


def _answers(
    path: Path, name: str | None, loaded: Mapping[str, NDArray[Any]]
) -> tuple[Labels | None, NDArray[np.float32] | None]:
    if name is None:
        return None, None
    values, what = loaded[name], f"{path}: {name!r}"
    if values.ndim == 2 and values.shape[1] > 1:
        if values.dtype.kind != "f":
            raise InputError(
                f"{what} is a table of {values.dtype}, not of scores",
                hint="save one answer for each example, or floating-point scores by class; several "
                "labels an example, as 0 and 1, need --multilabel",
            )
        return largest(what, values, tuple(map(str, range(values.shape[1]))), lines)
    if name in NPZ_SCORES:
        raise InputError(
            f"{what} has one score for each example, and its shape is {values.shape}",
            hint="save the answers themselves as 'predictions', or one score for each class; to "
            "cut the score of the second of two classes, give --threshold",
        )
    return as_labels(what, flat(path, name, values)), None
