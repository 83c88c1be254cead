"""Columns and arrays as labels, verdicts, numbers and the class of the largest score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError, listed, plural
from flipcheck.labels import Labels
from flipcheck.predictions import id_array
from flipcheck.sources.files import first_few
from flipcheck.sources.tables.text import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Lines = Callable[[Iterable[int]], list[int]]
    """Where rows (from 0) stand in their file, from 1."""

RIGHT = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}


def as_labels(what: str, values: Any) -> Labels:
    """Labels of a column or array. Raises InputError, naming it, where it holds none."""
    try:
        return Labels.of(values)
    except InputError as error:
        raise InputError(f"{what}: {error.message}", hint=error.hint) from error


def as_ids(what: str, values: Any) -> Any:
    """Ids of a column or array. Raises InputError, naming it, where it holds none."""
    try:
        return id_array(values, what)
    except InputError as error:
        if error.message.startswith(what):
            raise
        raise InputError(f"{what}: {error.message}", hint=error.hint) from error


def as_numbers(what: str, column: Any, lines: Lines) -> NDArray[np.float64]:
    """A column as numbers, NaN where empty. Raises InputError with the rows that are none."""
    import numpy as np
    import pyarrow as pa

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        try:
            numbers = column.cast(pa.float64()).fill_null(np.nan)
        except pa.ArrowException as error:
            raise InputError(f"{what}: it holds {column.type}, not numbers") from error
        return np.asarray(numbers, dtype=np.float64)
    found = [number(text) if text else np.nan for text in column.to_pylist()]
    wrong = [row for row, value in enumerate(found) if value is None]
    if wrong:
        rows = lines(wrong)
        raise InputError(
            f"{what}: it should hold numbers",
            problems=first_few(
                [
                    f"row {line:,}: {column[row].as_py()!r} is no number"
                    for line, row in zip(rows, wrong, strict=True)
                ]
            ),
            hint="rename the column if it is something else",
        )
    return np.array(found, dtype=np.float64)


def as_verdicts(what: str, values: Any, lines: Lines) -> NDArray[np.bool_]:
    """A column of 0/1 or true/false. Raises InputError for anything else, and for gaps."""
    import numpy as np

    labels = as_labels(what, values)
    known = [RIGHT.get(text.lower()) for text in labels.names]
    strange = [text for text, right in zip(labels.names, known, strict=True) if right is None]
    problems = []
    if strange:
        problems.append(f"values that are neither 0/1 nor true/false: {listed(strange)}")
    if labels.missing:
        rows = lines(np.flatnonzero(labels.codes < 0)[:SHOWN].tolist())
        problems.append(
            f"{plural(labels.missing, 'row')} without a verdict: row {_rows(rows, labels.missing)}"
        )
    if problems:
        raise InputError(
            f"{what}: it does not say right or wrong",
            problems=problems,
            hint="a verdict is 0 or 1, true or false, for every row",
        )
    return np.array(known, dtype=bool)[labels.codes]


def largest(
    what: str, scores: NDArray[Any], names: Sequence[str], lines: Lines
) -> tuple[Labels, NDArray[np.float32]]:
    """The class of the largest score of each row, and that score where scores are shares.

    Raises InputError for rows with NaN or infinite scores, which have no largest.
    """
    import numpy as np

    bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(bad):
        raise InputError(
            f"{what}: {plural(len(bad), 'row')} with NaN or infinite scores: "
            f"row {_rows(lines(bad[:SHOWN].tolist()), len(bad))}",
            hint="a broken model answers NaN; find out why before comparing",
        )
    shares = bool(((scores >= 0) & (scores <= 1)).all())
    best = scores.max(axis=1).astype(np.float32)
    confidence = best if shares else np.full(len(best), np.nan, np.float32)
    return Labels(scores.argmax(axis=1).astype(np.int32), tuple(names)), confidence


def _rows(lines: list[int], total: int) -> str:
    """The first few rows of many, as text."""
    text = ", ".join(f"{line:,}" for line in lines)
    return f"{text} and {total - len(lines):,} more" if total > len(lines) else text
