"""Hugging Face's example scripts: `predict_results.txt`, tab-separated index and prediction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck.errors import InputError
from flipcheck.sources.saved import tables
from flipcheck.sources.tables import Table, open_table

if TYPE_CHECKING:
    from flipcheck.predictions import Predictions
    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.logs.picks import Picks
    from flipcheck.sources.spec import Columns

NAMES = ("index", "prediction")


def fits(peek: Peek) -> bool:
    """Whether a file holds indices and predictions, separated by tabs, and nothing else."""
    return peek.kind == "text" and peek.columns == NAMES and _table(peek).delimiter == "\t"


def read(peek: Peek, columns: Columns, _picks: Picks) -> Predictions:
    """The predictions by index, from 0; there is no truth among them."""
    table = _table(peek)
    if table.names != NAMES:
        raise InputError(
            f"{peek.path}: its columns are {', '.join(table.names)}",
            hint="predict_results.txt has index and prediction, separated by tabs",
        )
    found = tables.predictions(table, replace(columns, label=None))
    return replace(found, facts={**found.facts, "format": "hf"})


def _table(peek: Peek) -> Table:
    return open_table(peek.path, "text")
