"""Saved predictions and labels: a table or an NPZ archive, in one file or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import InputError
from flipcheck.sources.files import file_kind
from flipcheck.sources.saved import arrays, judged, judged_arrays, tables
from flipcheck.sources.saved.joined import concatenated, in_files, numbered_on
from flipcheck.sources.saved.repeats import with_repeats
from flipcheck.sources.shards import Shards, read_all, shards
from flipcheck.sources.tables import KINDS, open_shards, open_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns
    from flipcheck.sources.tables import Table


def read_predictions(path: Path, columns: Columns) -> Predictions:
    """The predictions saved in a file, a folder of files, or the files that match a pattern.

    Raises InputError that says what is missing or wrong.
    """
    several = shards(path)
    if several is None:
        return _predictions(path, columns)
    if _are_plain(several, columns):
        table = open_shards(several)
        return in_files(table, _of_table(table, columns))
    return _joined(several, columns, _predictions)


def read_labels(path: Path, columns: Columns) -> Predictions:
    """The truth, and slice columns, of files that need no answers (`--labels`)."""
    several = shards(path)
    if several is None:
        return _labels(path, columns)
    if _are_plain(several, columns):
        table = open_shards(several)
        return in_files(table, _table_labels(table, columns))
    return _joined(several, columns, _labels)


def _predictions(path: Path, columns: Columns) -> Predictions:
    """The predictions of one file."""
    from flipcheck.sources.logs import read_log  # logs that hold tables read them as these

    log = read_log(path, columns)
    if log is not None:
        return log
    kind = file_kind(path)
    if kind == "npz":
        own = None if columns.score else judged_arrays.predictions(path, columns)
        return arrays.predictions(path, columns) if own is None else own
    return _of_table(open_table(path, kind), columns)


def _of_table(table: Table, columns: Columns) -> Predictions:
    """The predictions of a table: graded, of a task of their own, or one class an example."""
    own = None if columns.score else judged.predictions(table, columns)
    if own is None:  # and not where it is empty
        return tables.predictions(table, columns)
    return with_repeats(table, own, _named(columns))


def _table_labels(table: Table, columns: Columns) -> Predictions:
    """The labels of a table: of a task of their own, or one class an example."""
    own = judged.labels(table, columns)
    if own is None:
        return tables.labels(table, columns)
    return with_repeats(table, own, _named(columns))


def _named(columns: Columns) -> list[str]:
    """The columns that the user named, which tell no samples of a question apart."""
    parts = (columns.id, columns.label, columns.prediction, columns.task.probability)
    return [name for name in (*parts, columns.weight, *columns.labels()) if name is not None]


def _labels(path: Path, columns: Columns) -> Predictions:
    """The labels of one file."""
    from flipcheck.sources.logs import read_log_labels

    log = read_log_labels(path, columns)
    if log is not None:
        return log
    kind = file_kind(path)
    if kind == "npz":
        own = judged_arrays.labels(path, columns)
        return arrays.labels(path, columns) if own is None else own
    return _table_labels(open_table(path, kind), columns)


def _are_plain(several: Shards, columns: Columns) -> bool:
    """Whether files are tables, which are joined before anything is read off their columns."""
    from flipcheck.sources.logs import is_log

    tables = [shard for shard in several.files if shard.kind in KINDS]
    models = any(shard.kind == "onnx" for shard in several.files)
    return bool(tables) and not models and not is_log(tables[0].path, columns)


def _joined(
    several: Shards, columns: Columns, read: Callable[[Path, Columns], Predictions]
) -> Predictions:
    """What several files hold that are no tables, each read by itself."""
    models = [shard for shard in several.files if shard.kind == "onnx"]
    if models:
        raise InputError(
            f"{several.path}: {models[0].name} is a model, among several files",
            hint=f"give the model alone, as in {models[0].path}, or CSV, Parquet, … files alone",
        )
    found = read_all(several.path, several.files, lambda shard: read(shard.path, columns))
    return numbered_on(concatenated(found, str(several.path), several.sha256()))
