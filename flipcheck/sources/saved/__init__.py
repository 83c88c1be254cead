"""Saved predictions and labels: a table or an NPZ archive as Predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.sources.files import file_kind
from flipcheck.sources.saved import arrays, judged, judged_arrays, tables
from flipcheck.sources.tables import open_table

if TYPE_CHECKING:
    from pathlib import Path

    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns


def read_predictions(path: Path, columns: Columns) -> Predictions:
    """The predictions saved in a file. Raises InputError that says what is missing or wrong."""
    kind = file_kind(path)
    if kind == "npz":
        return judged_arrays.predictions(path, columns) or arrays.predictions(path, columns)
    table = open_table(path, kind)
    return judged.predictions(table, columns) or tables.predictions(table, columns)


def read_labels(path: Path, columns: Columns) -> Predictions:
    """The truth, and slice columns, of a file that needs no answers (`--labels`)."""
    kind = file_kind(path)
    if kind == "npz":
        return judged_arrays.labels(path, columns) or arrays.labels(path, columns)
    table = open_table(path, kind)
    return judged.labels(table, columns) or tables.labels(table, columns)
