"""Weights & Biases: a table as `*.table.json`, one document of column names and rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck.sources.logs.held import HeldTable, by_rows
from flipcheck.sources.saved import tables

if TYPE_CHECKING:
    from flipcheck.predictions import Predictions
    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.logs.picks import Picks
    from flipcheck.sources.spec import Columns

SUFFIX = ".table.json"


def fits(peek: Peek) -> bool:
    """Whether a file is a table of W&B."""
    value = peek.value
    if not isinstance(value, dict) or not {"columns", "data"} <= set(value):
        return False
    return value.get("_type") == "table" or peek.path.name.endswith(SUFFIX)


def read(peek: Peek, columns: Columns, _picks: Picks) -> Predictions:
    """The predictions that the table's columns hold."""
    return _told(tables.predictions(table(peek), columns))


def labels(peek: Peek, columns: Columns) -> Predictions:
    """The labels that the table's columns hold, for `--labels`."""
    return _told(tables.labels(table(peek), columns))


def table(peek: Peek) -> HeldTable:
    """The table that the document holds."""
    value = peek.document()
    return by_rows(peek.path, value.get("columns"), value.get("data"))


def _told(found: Predictions) -> Predictions:
    return replace(found, facts={**found.facts, "format": "wandb"})
