"""Parquet and Feather files, whose columns say what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.labels import to_arrow
from flipcheck.texts import arrow_numbers, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from flipcheck.sources.tables import Table

ROWS = 8192
"""Rows of one streamed batch."""
BULK = 1 << 16
"""Rows that are read at a time where all are: as many as stay in the processor's cache."""
LONGEST = 2**31 - 1
"""The most bytes of text that one array of ordinary text holds."""


def names(path: Path, kind: str) -> tuple[str, ...]:
    """The column names of a file."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    try:
        if kind == "parquet":
            found = parquet.read_schema(path).names
        else:
            found = feather.read_table(path, memory_map=True).schema.names
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, kind, error) from error
    if not found:
        raise InputError(f"{path}: no columns", hint="write the predictions again")
    return tuple(found)


def _damaged(path: Path, kind: str, error: Exception) -> InputError:
    first = next(iter(str(error).splitlines()), "")[:200]
    return InputError(
        f"{path}: not a readable {kind.title()} file: {first}",
        hint="the file is damaged or cut short: write it again",
    )


def read(table: Table, wanted: Sequence[str], encoded: Collection[str] = ()) -> dict[str, Any]:
    """The named columns as they are stored; those `encoded` may come as dictionaries."""
    import pyarrow as pa
    from pyarrow import feather

    try:
        if table.kind == "parquet":
            return _read_parquet(table.path, wanted, encoded)
        found = feather.read_table(table.path, columns=list(wanted))
        found.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(table.path, table.kind, error) from error
    return {name: to_arrow(found[name]) for name in wanted}


def _read_parquet(path: Path, wanted: Sequence[str], encoded: Collection[str]) -> dict[str, Any]:
    """The named columns of a Parquet file, a batch at a time, so that little is held twice."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = parquet.read_schema(path)
    kinds = {name: schema.field(name).type for name in wanted}
    texts = [name for name in encoded if pa.types.is_string(kinds[name])]
    with parquet.ParquetFile(path, read_dictionary=texts) as file:
        size = file.metadata.num_rows
        parts = {name: Column(kinds[name], size, narrow=name in encoded) for name in wanted}
        for batch in file.iter_batches(BULK, columns=list(wanted), use_threads=False):
            batch.validate(full=True)
            for name, part in parts.items():
                part.add(batch.column(name))
    found = {}
    for name in wanted:
        found[name] = parts.pop(name).joined()
        pa.default_memory_pool().release_unused()
    return found


class Column:
    """One column that is read in batches; whole numbers go where they are to stay at once.

    Where it is to be `narrow`, they take four bytes if that is enough for them.
    """

    def __init__(self, kind: Any, size: int, *, narrow: bool) -> None:
        import numpy as np
        import pyarrow as pa

        self.kind, self.narrow, self.filled = kind, narrow, 0
        self.parts: list[Any] = []
        self.numbers: NDArray[Any] | None = None
        if pa.types.is_int64(kind):
            self.numbers = np.empty(size, np.int32 if narrow else np.int64)

    def add(self, values: Any) -> None:
        """Add a batch."""
        import numpy as np

        if self.numbers is not None and not self._holds(values):
            self._spill()
        if self.numbers is None:
            self.parts.append(values)
        else:
            self.numbers[self.filled : self.filled + len(values)] = whole_numbers(values)
            self.filled += len(values)

    def joined(self) -> Any:
        """The whole column as one array."""
        if self.numbers is not None:
            self._spill()
        return _joined(self.parts, self.kind)

    def _holds(self, values: Any) -> bool:
        import numpy as np

        if self.numbers is None or values.null_count:
            return False
        if not self.narrow or not len(values):
            return True
        numbers, ends = whole_numbers(values), np.iinfo(np.int32)
        return bool(numbers.min() >= ends.min and numbers.max() <= ends.max)

    def _spill(self) -> None:
        """Go on with a list of batches, of which what is there is the first."""
        if self.numbers is not None and self.filled:
            self.parts.append(arrow_numbers(self.numbers[: self.filled]))
        self.numbers = None


def _joined(parts: list[Any], kind: Any) -> Any:
    """The batches of one column as one array."""
    import pyarrow as pa

    if not parts:
        return pa.array([], kind)
    if len({part.type for part in parts}) > 1:
        parts = [part.cast(kind) for part in parts]
    if pa.types.is_string(parts[0].type) and sum(part.nbytes for part in parts) > LONGEST:
        parts = [part.cast(pa.large_string()) for part in parts]
    return to_arrow(pa.chunked_array(parts))


def stream(table: Table, needs: Mapping[str, bool]) -> Iterator[Any]:
    """Record batches of the named columns of a Parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(table.path) as file:
            yield from file.iter_batches(batch_size=ROWS, columns=list(needs))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(table.path, table.kind, error) from error
