"""Saved predictions: a table or an NPZ archive as Predictions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError, listed, plural
from flipcheck.labels import Labels, as_text
from flipcheck.predictions import Predictions, id_array
from flipcheck.sources.arrays import open_archive
from flipcheck.sources.files import FileKind, file_kind, sha256
from flipcheck.sources.spec import (
    CONFIDENCE_NAMES,
    CORRECT_NAMES,
    ID_NAMES,
    LABEL_NAMES,
    PREDICTION_NAMES,
    SCORE_PREFIXES,
    Columns,
)
from flipcheck.sources.tables import Table, open_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

NPZ_IDS = ("ids", "id")
NPZ_LABELS = ("labels", "label", "y", "y_true", "targets")
NPZ_PREDICTIONS = ("predictions", *PREDICTION_NAMES, "preds")
NPZ_SCORES = ("probs", "probabilities", "logits", "scores")

RIGHT = {"1": True, "true": True, "0": False, "false": False}


def read_predictions(path: Path, columns: Columns) -> Predictions:
    """The predictions saved in a file. Raises InputError that says what is missing or wrong."""
    kind = file_kind(path)
    if kind == "npz":
        return _from_archive(path, columns)
    return _from_table(open_table(path, kind), columns)


def read_labels(path: Path, columns: Columns) -> Predictions:
    """The truth, and slice columns, of a file that needs no answers (`--labels`)."""
    kind = file_kind(path)
    if kind == "npz":
        return replace(_from_archive(path, columns, answers=False), answers=None)
    table = open_table(path, kind)
    roles = label_roles(table, columns)
    if roles.label is None:
        raise InputError(
            f"{path}: no label column",
            hint=f"name it with --label; columns there: {', '.join(table.names)}",
        )
    return _built(table, table.load(roles.names()), roles)


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column of one table plays which part."""

    id: str | None = None
    label: str | None = None
    prediction: str | None = None
    correct: str | None = None
    confidence: str | None = None
    scores: tuple[str, ...] = ()
    by: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """Every column that plays a part."""
        single = (self.id, self.label, self.prediction, self.correct, self.confidence)
        return [name for name in (*single, *self.scores, *self.by) if name is not None]


def label_roles(table: Table, columns: Columns) -> Roles:
    """The id, label and slice columns of a table."""
    if columns.id is not None:
        table.require([columns.id], "--id")
    label = columns.label if columns.label in table.names else None
    if columns.label is None:
        label = table.only(LABEL_NAMES, "label", "--label")
    by = tuple(name for name in columns.by if name in table.names)
    return Roles(id=columns.id or table.first(ID_NAMES), label=label, by=by)


def _prediction_roles(table: Table, columns: Columns) -> Roles:
    named = {"--prediction": columns.prediction, "--correct": columns.correct}
    for flag, name in named.items():
        if name is not None:
            table.require([name], flag)
    prediction = columns.prediction or table.only(PREDICTION_NAMES, "prediction", "--prediction")
    scores = () if prediction else _score_columns(table)
    correct = columns.correct
    if correct is None and prediction is None and not scores:
        correct = table.first(CORRECT_NAMES)
        if correct is None:
            raise InputError(
                f"{table.path}: no prediction column",
                hint=f"name it with --prediction, or the data's own verdict with --correct; "
                f"columns there: {', '.join(table.names)}",
            )
    return replace(
        label_roles(table, columns),
        prediction=prediction,
        correct=correct,
        confidence=None if scores else table.first(CONFIDENCE_NAMES),
        scores=scores,
    )


def _score_columns(table: Table) -> tuple[str, ...]:
    for prefix in SCORE_PREFIXES:
        found = tuple(name for name in table.names if name.startswith(prefix))
        if len(found) > 1:
            return found
    return ()


def _from_table(table: Table, columns: Columns) -> Predictions:
    roles = _prediction_roles(table, columns)
    unused = table.first(CORRECT_NAMES) if roles.correct is None else None
    loaded = table.load([*roles.names(), *([unused] if unused else [])])
    found = _built(table, loaded, roles)
    return replace(found, warnings=(*found.warnings, *_unused_verdict(found, loaded, unused)))


def _built(table: Table, loaded: Mapping[str, Any], roles: Roles) -> Predictions:
    """Predictions from the loaded columns of a table."""
    import pyarrow as pa

    path, name = table.path, str(table.path)
    size = len(next(iter(loaded.values()))) if loaded else 0
    answers, confidence = _answers(table, loaded, roles)
    verdicts = None
    if roles.correct is not None:
        verdicts = _verdicts(path, roles.correct, loaded[roles.correct])
    truth = _labels(path, roles.label, loaded[roles.label]) if roles.label else None
    return Predictions(
        name=name,
        ids=pa.array(range(size)) if roles.id is None else id_array(loaded[roles.id], name),
        answers=answers,
        truth=truth,
        correct=verdicts,
        confidence=confidence,
        columns={each: _labels(path, each, loaded[each]) for each in roles.by},
        rows=roles.id is None,
        source=name,
        available=table.names,
        facts={"kind": "predictions", "sha256": sha256(path), "columns": _told(roles)},
    )


def _told(roles: Roles) -> dict[str, str]:
    """The parts and their columns, as the report records them."""
    parts = {"id": roles.id, "label": roles.label, "prediction": roles.prediction,
             "correct": roles.correct}  # fmt: skip
    return {part: name for part, name in parts.items() if name is not None}


def _labels(path: Path, name: str, column: Any) -> Labels:
    try:
        return Labels.of(column)
    except InputError as error:
        raise InputError(f"{path}: column {name!r}: {error.message}", hint=error.hint) from error


def _answers(
    table: Table, loaded: Mapping[str, Any], roles: Roles
) -> tuple[Labels | None, NDArray[np.float32] | None]:
    import numpy as np

    if roles.scores:
        scores = np.stack([_numbers(table.path, name, loaded[name]) for name in roles.scores], 1)
        prefix = next(each for each in SCORE_PREFIXES if roles.scores[0].startswith(each))
        names = tuple(name.removeprefix(prefix) for name in roles.scores)
        return largest(scores, names, str(table.path))
    if roles.prediction is None:
        return None, None
    answers = _labels(table.path, roles.prediction, loaded[roles.prediction])
    confidence = None
    if roles.confidence is not None:
        confidence = _numbers(table.path, roles.confidence, loaded[roles.confidence])
    return answers, confidence


def largest(
    scores: NDArray[Any], names: Sequence[str], what: str
) -> tuple[Labels, NDArray[np.float32]]:
    """The class of the largest score of each row, and that score where scores are shares.

    Raises InputError for rows with NaN or infinite scores, which have no largest.
    """
    import numpy as np

    bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(bad):
        raise InputError(
            f"{what}: {plural(len(bad), 'row')} with NaN or infinite scores: "
            f"row {listed((bad[:SHOWN] + 1).tolist(), len(bad))}",
            hint="a broken model answers NaN; find out why before comparing",
        )
    shares = bool(((scores >= 0) & (scores <= 1)).all())
    best = scores.max(axis=1).astype(np.float32)
    confidence = best if shares else np.full(len(best), np.nan, np.float32)
    return Labels(scores.argmax(axis=1).astype(np.int32), tuple(names)), confidence


def _numbers(path: Path, name: str, column: Any) -> NDArray[np.float32]:
    """A column as numbers, NaN where empty. Raises InputError with the rows that are none."""
    import numpy as np
    import pyarrow as pa

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return np.asarray(column.cast(pa.float64()).fill_null(np.nan), dtype=np.float32)
    numbers, problems = np.full(len(column), np.nan, np.float32), []
    for row, text in enumerate(column.to_pylist()):
        try:
            numbers[row] = float(text) if text else np.nan
        except ValueError:
            problems.append(f"row {row + 2:,}: {text!r} is no number")
    if problems:
        raise InputError(f"{path}: column {name!r} should hold numbers",
                         problems=problems[:SHOWN],
                         hint="rename the column if it is something else")  # fmt: skip
    return numbers


def _verdicts(path: Path, name: str, column: Any) -> NDArray[np.bool_]:
    """A column of 0/1 or true/false. Raises InputError for anything else, and for gaps."""
    import numpy as np

    labels = Labels.of(as_text(column))
    known = [RIGHT.get(text.lower()) for text in labels.names]
    strange = [text for text, right in zip(labels.names, known, strict=True) if right is None]
    problems = []
    if strange:
        problems.append(f"values that are neither 0/1 nor true/false: {listed(strange)}")
    if labels.missing:
        problems.append(f"{plural(labels.missing, 'row')} without a verdict")
    if problems:
        raise InputError(
            f"{path}: column {name!r} does not say right or wrong",
            problems=problems,
            hint="a verdict is 0 or 1, true or false, for every row",
        )
    return np.array(known, dtype=bool)[labels.codes]


def _unused_verdict(found: Predictions, loaded: Mapping[str, Any], unused: str | None) -> list[str]:
    """A warning where the data's own verdict differs from equality and was not asked for."""
    if unused is None or found.answers is None or found.truth is None:
        return []
    try:
        verdict = _verdicts(Path(found.source), unused, loaded[unused])
    except InputError:
        return []
    names = {name: code for code, name in enumerate(found.answers.names)}
    import numpy as np

    table = np.array([names.get(name, -2) for name in found.truth.names] + [-3], dtype=np.int32)
    odd = int(((found.answers.codes == table[found.truth.codes]) != verdict).sum())
    if not odd:
        return []
    return [
        f"{found.name}: column {unused!r} and the equality of answer and label disagree on "
        f"{plural(odd, 'row')}; equality decides (--correct {unused} takes the column)"
    ]


def _from_archive(path: Path, columns: Columns, *, answers: bool = True) -> Predictions:
    """Predictions from an NPZ archive: one array a part, answers or a matrix of scores."""
    import pyarrow as pa

    archive = open_archive(path)

    def find(given: str | None, usual: Sequence[str]) -> str | None:
        if given is not None and given in archive.headers:
            return given
        return next((name for name in usual if name in archive.headers), None)

    names = {
        "id": find(columns.id, NPZ_IDS),
        "label": find(columns.label, NPZ_LABELS),
        "prediction": find(columns.prediction, NPZ_PREDICTIONS) or find(None, NPZ_SCORES),
        "correct": columns.correct,
    }
    if names["prediction"] is None and names["correct"] is None and answers:
        names["correct"] = find(None, CORRECT_NAMES)
    needed = [names["prediction"] or names["correct"]] if answers else [names["label"]]
    strange = [name for name in names.values() if name and name not in archive.headers]
    if needed[0] is None or strange:
        raise InputError(
            f"{path}: no array of {'predictions' if answers else 'labels'}",
            hint=f"arrays there: {', '.join(archive.headers)}; name one with --prediction, "
            "--label, --id or --correct",
        )
    by = [name for name in columns.by if name in archive.headers]
    kept = [name for name in (*names.values(), *by) if name is not None]
    size = archive.require_rows(kept)
    loaded = {name: plain(archive.load(name)) for name in kept}
    found, confidence = (
        _array_answers(path, names["prediction"], loaded) if answers else (None,) * 2
    )
    flat = {name: one_dimension(path, name, loaded[name]) for name in kept
            if name != names["prediction"]}  # fmt: skip
    part = {role: flat.get(name) for role, name in names.items() if name and role != "prediction"}
    return Predictions(
        name=str(path),
        ids=pa.array(range(size)) if names["id"] is None else id_array(part["id"], str(path)),
        answers=found,
        truth=Labels.of(part["label"]) if names["label"] else None,
        correct=_verdicts(path, str(names["correct"]), _arrow(part["correct"]))
        if names["correct"]
        else None,
        confidence=confidence,
        columns={name: Labels.of(flat[name]) for name in by},
        rows=names["id"] is None,
        source=str(path),
        available=tuple(archive.headers),
        facts={
            "kind": "predictions",
            "sha256": sha256(path),
            "columns": {role: name for role, name in names.items() if name},
        },  # fmt: skip
    )


def _arrow(values: Any) -> Any:
    from flipcheck.labels import to_arrow

    return to_arrow(values)


def plain(values: NDArray[Any]) -> NDArray[Any]:
    """Bytes as text; other arrays as they are."""
    import numpy as np

    return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values


def one_dimension(path: Path, name: str, values: NDArray[Any]) -> NDArray[Any]:
    """One value a row; a single column counts as that."""
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim != 1:
        raise InputError(
            f"{path}: {name!r} has the shape {values.shape}, not one value for each example"
        )
    return values


def _array_answers(
    path: Path, name: str | None, loaded: Mapping[str, NDArray[Any]]
) -> tuple[Labels | None, NDArray[np.float32] | None]:
    if name is None:
        return None, None
    values = loaded[name]
    if values.ndim == 2 and values.shape[1] > 1:
        if values.dtype.kind != "f":
            raise InputError(f"{path}: {name!r} is a table of {values.dtype}, not of scores")
        return largest(values, tuple(map(str, range(values.shape[1]))), f"{path}: {name!r}")
    return Labels.of(one_dimension(path, name, values)), None
