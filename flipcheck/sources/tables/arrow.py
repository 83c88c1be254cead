"""Parquet and Feather files, whose columns say what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.labels import to_arrow
from flipcheck.texts import arrow_numbers, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.tables import Table

ROWS = 8192
"""Rows of one streamed batch."""
BULK = 1 << 16
"""Rows that are read at a time where all are: as many as stay in the processor's cache."""
LONGEST = 2**31 - 1
"""The most bytes of text that one array of ordinary text holds."""


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


def read(table: Table, wanted: Sequence[str], encoded: Collection[str] = ()) -> dict[str, Any]:
    """The named columns as they are stored; those `encoded` may come as dictionaries.

    Where some are, whole numbers may come in four bytes.
    """
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
        size, rows = file.metadata.num_rows, 0
        parts = {
            name: Column(kinds[name], size, narrow=bool(encoded), coded=name in encoded)
            for name in wanted
        }
        for batch in file.iter_batches(BULK, columns=list(wanted), use_threads=False):
            batch.validate(full=True)
            rows += batch.num_rows
            for name, part in parts.items():
                part.add(batch.column(name))
    if rows != size:
        raise ValueError(f"{rows:,} rows where it says {size:,}")
    found = {}
    for name in wanted:
        found[name] = parts.pop(name).joined()
        pa.default_memory_pool().release_unused()
    return found


class Column:
    """One column that is read in batches, put where they are to stay as far as that is known.

    Whole numbers that are to be `narrow` take four bytes if that is enough for them.
    """

    def __init__(self, kind: Any, size: int, *, narrow: bool, coded: bool) -> None:
        import pyarrow as pa

        self.kind = kind
        self.parts: list[Any] = []
        self.place: NumberColumn | TextColumn | CodeColumn | None = None
        if pa.types.is_int64(kind):
            self.place = NumberColumn(size, narrow=narrow)
        elif pa.types.is_string(kind):
            self.place = CodeColumn(size) if coded else TextColumn(size)

    def add(self, values: Any) -> None:
        """Add a batch."""
        if self.place is not None and not self.place.add(values):
            self.parts, self.place = self.place.parts(), None
        if self.place is None:
            self.parts.append(values)

    def joined(self) -> Any:
        """The whole column as one array."""
        return _joined(self.parts if self.place is None else self.place.parts(), self.kind)


class NumberColumn:
    """Whole numbers that are read in batches."""

    def __init__(self, size: int, *, narrow: bool) -> None:
        import numpy as np

        self.numbers: NDArray[Any] = np.empty(size, np.int32 if narrow else np.int64)
        self.rows = 0

    def add(self, values: Any) -> bool:
        """Add a batch; False where it holds nulls, or numbers that are too large."""
        import numpy as np

        if values.null_count:
            return False
        numbers, ends = whole_numbers(values), np.iinfo(self.numbers.dtype)
        if len(numbers) and not (ends.min <= numbers.min() and numbers.max() <= ends.max):
            return False
        self.numbers[self.rows : self.rows + len(numbers)] = numbers
        self.rows += len(numbers)
        return True

    def parts(self) -> list[Any]:
        """What was added, as one array."""
        return [arrow_numbers(self.numbers[: self.rows])] if self.rows else []


class CodeColumn:
    """Texts of few values that are read in batches, each with a list of the values."""

    def __init__(self, size: int) -> None:
        self.codes = NumberColumn(size, narrow=True)
        self.names: Any = None
        self.last: Any = None
        self.table: NDArray[np.int32] | None = None

    def add(self, values: Any) -> bool:
        """Add a batch; False where it is no dictionary, or holds nulls."""
        import pyarrow as pa

        if not pa.types.is_dictionary(values.type) or values.null_count:
            return False
        if values.dictionary.null_count:
            return False
        if self.last is None or not values.dictionary.equals(self.last):
            self._learn(values.dictionary)
        if self.table is None:
            return self.codes.add(values.indices)
        return self.codes.add(arrow_numbers(self.table[whole_numbers(values.indices)]))

    def _learn(self, names: Any) -> None:
        """Know where the values of another list stand in that of all."""
        import pyarrow as pa
        import pyarrow.compute as pc

        first, self.last = self.names is None, names
        if first:
            self.names, self.table = names, None
            return
        known = pc.index_in(names, value_set=self.names)
        if known.null_count:
            self.names = pa.concat_arrays([self.names, names.filter(known.is_null())])
            known = pc.index_in(names, value_set=self.names)
        self.table = whole_numbers(known)

    def parts(self) -> list[Any]:
        """What was added, as one array."""
        import pyarrow as pa

        return [pa.DictionaryArray.from_arrays(each, self.names) for each in self.codes.parts()]


class TextColumn:
    """Texts that are read in batches, put where they are to stay."""

    def __init__(self, size: int) -> None:
        import numpy as np

        self.offsets = np.zeros(size + 1, np.int32)
        self.data = np.empty(1 << 20, np.uint8)
        self.rows = self.size = 0

    def add(self, values: Any) -> bool:
        """Add a batch; False where it is no plain text, holds nulls, or would be too much."""
        import numpy as np
        import pyarrow as pa

        if not pa.types.is_string(values.type) or values.null_count:
            return False
        _, ends, data = values.buffers()
        offsets = np.frombuffer(ends, np.int32)[values.offset : values.offset + len(values) + 1]
        begin, end = int(offsets[0]), int(offsets[-1])
        size = self.size + end - begin
        if size > LONGEST:
            return False
        if size > len(self.data):
            # What is not written to takes no memory yet, so that much may be reserved.
            share = max(1, self.rows) / max(1, len(self.offsets) - 1)
            larger = np.empty(max(2 * size, int(1.1 * size / share)), np.uint8)
            larger[: self.size] = self.data[: self.size]
            self.data = larger
        if end > begin:
            self.data[self.size : size] = np.frombuffer(data, np.uint8)[begin:end]
        there = self.offsets[self.rows + 1 : self.rows + 1 + len(values)]
        np.add(offsets[1:], self.size - begin, out=there, casting="unsafe")
        self.rows, self.size = self.rows + len(values), size
        return True

    def parts(self) -> list[Any]:
        """What was added, as one array."""
        import pyarrow as pa

        held = [None, *(pa.py_buffer(each.data) for each in (self.offsets, self.data[: self.size]))]
        return [pa.Array.from_buffers(pa.string(), self.rows, held)] if self.rows else []


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
