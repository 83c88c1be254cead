"""What the tasks of saved predictions share: answers in place of a column of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError
from flipcheck.sources.saved.values import as_numbers
from flipcheck.sources.spec import SCORE_PREFIXES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns
    from flipcheck.sources.tables import Table


def as_stored(what: str, column: Any, table: Table) -> NDArray[Any]:
    """A column of numbers in the precision in which it is stored."""
    import numpy as np
    import pyarrow as pa

    values: NDArray[Any] = as_numbers(what, column, table.lines)
    if pa.types.is_float32(column.type):
        return values.astype(np.float32)
    return values.astype(np.float16) if pa.types.is_float16(column.type) else values


def with_answers(
    found: Predictions,
    answers: Labels,
    confidence: NDArray[np.float32] | None = None,
    ranked: NDArray[np.int32] | None = None,
    separator: str = "",
    **told: Any,
) -> Predictions:
    """The same with answers, and with what the report tells of how they came about."""
    import numpy as np

    unsure = confidence is None or bool(np.isnan(confidence).all())
    return replace(
        found,
        answers=answers,
        confidence=None if unsure else confidence,
        ranked=ranked,
        separator=separator,
        facts={**found.facts, **told},
    )


def class_of(name: str) -> str:
    """The class that a column of scores is of."""
    prefix = next(each for each in SCORE_PREFIXES if name.startswith(each))
    return name.removeprefix(prefix)


def check_no_threshold(table: Table, columns: Columns) -> None:
    """Raise UsageError for a threshold that would cut nothing."""
    if columns.task.threshold is not None:
        raise UsageError(
            f"--threshold is for models and probabilities, and {table.path} is saved predictions "
            "that are read by another column",
            hint="name the column of probabilities with --probability, or leave it out",
        )
