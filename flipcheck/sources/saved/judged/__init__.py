"""Saved predictions of other tasks than one class an example: binary, ranked, sets of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.sources.saved.judged.binary import cut_answers
from flipcheck.sources.saved.judged.ranked import ranked_answers
from flipcheck.sources.saved.judged.sets import label_sets, set_answers

if TYPE_CHECKING:
    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns
    from flipcheck.sources.tables import Table


def predictions(table: Table, columns: Columns) -> Predictions | None:
    """The predictions of a table by the task that was asked for; None where it is the plain one."""
    task = columns.task
    if task.multilabel:
        return set_answers(table, columns)
    if task.top_k is not None:
        return ranked_answers(table, columns, task.top_k)
    return cut_answers(table, columns)


def labels(table: Table, columns: Columns) -> Predictions | None:
    """The labels of a table by the task that was asked for; None where it is the plain one."""
    return label_sets(table, columns) if columns.task.multilabel else None
