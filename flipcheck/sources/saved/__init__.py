"""Saved predictions and labels: a table or an NPZ archive as Predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.sources.files import file_kind
from flipcheck.sources.saved import arrays, tables
from flipcheck.sources.tables import open_table

if TYPE_CHECKING:
    from pathlib import Path

    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns


def read_predictions(path: Path, columns: Columns) -> Predictions:
    """The predictions saved in a file. Raises InputError that says what is missing or wrong."""
    from flipcheck.sources.logs import read_log  # logs that hold tables read them as these

    log = read_log(path, columns)
    if log is not None:
        return log
    kind = file_kind(path)
    if kind == "npz":
        return arrays.predictions(path, columns)
    return tables.predictions(open_table(path, kind), columns)


def read_labels(path: Path, columns: Columns) -> Predictions:
    """The truth, and slice columns, of a file that needs no answers (`--labels`)."""
    from flipcheck.sources.logs import read_log_labels

    log = read_log_labels(path, columns)
    if log is not None:
        return log
    kind = file_kind(path)
    if kind == "npz":
        return arrays.labels(path, columns)
    return tables.labels(open_table(path, kind), columns)
