"""Parquet and Feather files, whose columns say what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.labels import to_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from flipcheck.sources.tables import Table

ROWS = 8192
"""Rows of one streamed batch."""


def schema(path: Path, kind: str) -> Any:
    """The names and types of the columns of a file."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    try:
        if kind == "parquet":
            return parquet.read_schema(path)
        return feather.read_table(path, memory_map=True).schema
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, kind, error) from error


def names(path: Path, kind: str) -> tuple[str, ...]:
    """The column names of a file."""
    found = schema(path, kind).names
    if not found:
        raise InputError(f"{path}: no columns", hint="write the predictions again")
    return tuple(found)


def _damaged(path: Path, kind: str, error: Exception) -> InputError:
    first = next(iter(str(error).splitlines()), "")[:200]
    return InputError(
        f"{path}: not a readable {kind.title()} file: {first}",
        hint="the file is damaged or cut short: write it again",
    )


def read(table: Table, wanted: Sequence[str]) -> dict[str, Any]:
    """The named columns as they are stored."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    try:
        if table.kind == "parquet":
            with parquet.ParquetFile(table.path) as file:
                found = file.read(columns=list(wanted))
        else:
            found = feather.read_table(table.path, columns=list(wanted))
        found.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(table.path, table.kind, error) from error
    return {name: to_arrow(found[name]) for name in wanted}


def stream(table: Table, needs: Mapping[str, bool]) -> Iterator[Any]:
    """Record batches of the named columns of a Parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(table.path) as file:
            yield from file.iter_batches(batch_size=ROWS, columns=list(needs))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(table.path, table.kind, error) from error
