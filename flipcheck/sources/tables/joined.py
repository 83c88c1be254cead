"""Tables of several files: columns that all of them have, one after another."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.labels import to_arrow
from flipcheck.sources.files import first_few
from flipcheck.sources.shards import read_all
from flipcheck.sources.tables import arrow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from flipcheck.sources.shards import Shard, Shards
    from flipcheck.sources.tables import Table

LONG = 1 << 31
"""From as many bytes on, a column of text needs wider offsets."""
Kinds = list[tuple["Path", Any]]
"""The type of a column in each file."""


class ShardRow(int):
    """A row of one file of several: where it is printed, the file's name comes after it."""

    shard: str

    def __format__(self, spec: str) -> str:
        return f"{int(self):{spec}} of {self.shard}"

    def __str__(self) -> str:
        return f"{self}"


def one_table(path: Path, parts: Sequence[Table]) -> Table:
    """Several files as one table. Raises InputError where they are not alike."""
    kinds = {part.kind: part for part in reversed(parts)}
    if len(kinds) > 1:
        raise InputError(
            f"{path}: different kinds of tables: "
            + " and ".join(f"{part.path} ({kind})" for kind, part in reversed(kinds.items())),
            hint="name those that belong together with a pattern, as in 'old/*.parquet'",
        )
    first = parts[0]
    if first.kind == "jsonl":  # each row names its columns, and those that are asked for count
        names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    else:
        names = first.names
        _check_names(path, parts)
    return replace(first, path=path, names=names, parts=tuple(parts), constants=())


def _check_names(path: Path, parts: Sequence[Table]) -> None:
    """Raise InputError for files whose columns are not those of the first."""
    first, problems = parts[0], []
    wanted = Counter(first.names)
    for part in parts[1:]:
        if part.names != first.names:
            found = Counter(part.names)
            problems += [f"{part.path}: no column {name!r}" for name in wanted - found]
            problems += [
                f"{part.path}: column {name!r}, which {first.path} does not have"
                for name in found - wanted
            ]
    if problems:
        raise InputError(
            f"{path}: files of different columns",
            problems=first_few(problems),
            hint="every file has the same columns; name those that belong together with a pattern",
        )


def read(table: Table, wanted: Sequence[str]) -> dict[str, Any]:
    """The named columns of all files, in the order of the files."""
    loaded = read_all(table.path, table.parts, lambda part: part.load(wanted))
    problems: list[str] = []
    found = {}
    for name in wanted:
        arrays = [columns[name] for columns in loaded]
        kinds = [
            (part.path, each.type)
            for part, each in zip(table.parts, arrays, strict=True)
            if each.null_count < len(each) and not _says_nothing(each.type)
        ]
        kind, problem = _common(name, kinds, table.kind)
        problems += [problem] if problem else []
        found[name] = (arrays, arrays[0].type if kind is None else kind)
    _check_types(table, problems)
    return {name: _concatenated(table, name, *each) for name, each in found.items()}


def _check_types(table: Table, problems: Sequence[str]) -> None:
    if problems:
        raise InputError(
            f"{table.path}: files of different types",
            problems=first_few(problems),
            hint="write every file with the same types (a pandas column of whole numbers with a "
            "gap becomes float64: convert it to Int64)",
        )


def _common(name: str, kinds: Kinds, table_kind: str) -> tuple[Any, str]:
    """The type of a column in all files, or what differs."""
    import pyarrow as pa

    first: dict[Any, Path] = {}
    for path, kind in kinds:
        first.setdefault(_family(kind), path)
    if not first:
        return None, ""
    if table_kind == "jsonl" and set(first) == {pa.int64(), pa.float64()}:
        return pa.float64(), ""
    if len(first) > 1:
        told = (f"{kind} in {path}" for kind, path in list(first.items())[:2])
        return None, f"column {name!r} is {' and '.join(told)}"
    return next(iter(first)), ""


def _says_nothing(kind: Any) -> bool:
    """Whether a type is that of lists that are all empty."""
    import pyarrow as pa

    return bool(pa.types.is_list(kind) and pa.types.is_null(kind.value_type))


def _family(kind: Any) -> Any:
    """A type, where all ways to store text are one."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return pa.large_string() if any(is_text(kind) for is_text in text) else kind


def _concatenated(table: Table, name: str, arrays: Sequence[Any], kind: Any) -> Any:
    """Arrays of one type as one array; those without any value are of that type as well."""
    import pyarrow as pa

    if kind == pa.large_string() and sum(each.nbytes for each in arrays) < LONG:
        kind = pa.string()
    try:
        same = [
            pa.nulls(len(each), kind) if each.null_count == len(each) else _cast(each, kind)
            for each in arrays
        ]
    except pa.ArrowException as error:
        raise InputError(
            f"{table.path}: column {name!r} holds {error}", hint="write numbers alike in all files"
        ) from error
    return to_arrow(pa.chunked_array(same, kind))


def _cast(column: Any, kind: Any) -> Any:
    """A column as values of a type."""
    import pyarrow as pa

    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    return plain.cast(kind)


def stream(table: Table, needs: Mapping[str, bool]) -> Iterator[Any]:
    """Record batches of the named columns of one file after another, all of one schema."""
    import pyarrow as pa

    names = list(needs)
    schema = None if table.kind == "text" else _schema(table, names)
    for part in table.parts:
        for batch in part.stream(needs):
            same = batch.select(names)
            yield (
                same
                if schema is None
                else pa.RecordBatch.from_arrays(
                    [
                        _cast(column, kind)
                        for column, kind in zip(same.columns, schema.types, strict=True)
                    ],
                    schema=schema,
                )
            )


def _schema(table: Table, names: Sequence[str]) -> Any:
    """The types of the named columns in all files. Raises InputError where they differ."""
    import pyarrow as pa

    problems, fields = [], []
    found = [(part.path, arrow.schema(part.path, part.kind)) for part in table.parts]
    for name in names:
        kinds = [(path, schema.field(name).type) for path, schema in found]
        known = [(path, kind) for path, kind in kinds if not pa.types.is_null(kind)]
        kind, problem = _common(name, known, table.kind)
        problems += [problem] if problem else []
        fields.append(pa.field(name, pa.null() if kind is None else kind))
    _check_types(table, problems)
    return pa.schema(fields)


def rows(table: Table, wanted: Iterable[int]) -> list[int]:
    """Where these rows (from 0) stand: each in its file, which is named beside it."""
    ends = list(accumulate(part.count() for part in table.parts))
    found: list[int] = []
    for row in wanted:
        place = bisect_right(ends, row)
        part = table.parts[place]
        here = row - (ends[place - 1] if place else 0)
        shown = ShardRow(part.lines([here])[0])
        shown.shard = part.path.name
        found.append(shown)
    return found


def from_shards(shards: Shards, opened: Any) -> Table:
    """The table of several files; `opened` is the table of one."""

    def part(shard: Shard) -> Table:
        table: Table = opened(shard.path, shard.kind)
        twice = [name for name, _ in shard.partitions if name in table.names]
        if twice:
            raise InputError(
                f"{shard.path}: the column {twice[0]!r} is in the file, and named by its folder",
                hint="rename one of them",
            )
        names = (*table.names, *(name for name, _ in shard.partitions))
        return replace(table, names=names, constants=shard.partitions)

    return one_table(shards.path, read_all(shards.path, shards.files, part))
