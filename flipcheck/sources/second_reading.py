"""Columns of a source, read again for a few examples: none was held while they were compared."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.matching import positions
from flipcheck.sources.files import file_kind
from flipcheck.sources.logs.wanted import QUESTION, FoundAllError, Wanted, cut
from flipcheck.sources.shards import shards

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns
    from flipcheck.sources.tables import Table

Texts = dict[str, dict[str, str]]
"""The texts of examples, by id and column."""
ASKING = ("lm-eval", "inspect", "promptfoo", "evals", "lighteval")
"""The formats of logs whose samples are questions."""


@dataclass(frozen=True, slots=True)
class Place:
    """A source that may hold texts: its path, how it is read, and the predictions it gave."""

    path: Path
    columns: Columns
    read: Predictions | None = None

    @property
    def log(self) -> bool:
        """Whether it is a log of samples that ask something."""
        return self.read is not None and self.read.facts.get("format") in ASKING

    def names(self) -> tuple[str, ...]:
        """The columns that it has."""
        if self.log and self.read is not None:
            return (*self.read.available, QUESTION)
        if file_kind(self.path) == "npz":
            from flipcheck.sources.arrays import open_archive

            return tuple(open_archive(self.path).headers)
        return tuple(_table(self).names)

    def texts(self, names: Sequence[str], ids: Sequence[str]) -> Texts:
        """The texts of these columns and examples; what is empty or not there is left out."""
        if self.log:
            return _of_log(self, names, ids)
        if file_kind(self.path) == "npz":
            return _taken(*_of_archive(self, names), ids)
        return _of_table(self, names, ids)


def _table(place: Place) -> Table:
    """The table of a source that is one."""
    from flipcheck.sources.logs import wandb
    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.tables import open_table

    if place.read is not None and place.read.facts.get("format") == "wandb":
        return wandb.table(Peek(place.path, file_kind(place.path)))
    return open_table(place.path)


def _of_table(place: Place, names: Sequence[str], wanted: Sequence[str]) -> Texts:
    """The texts of a table, of which only the ids are held."""
    table = _table(place).listing(*names)
    rows = dict(zip(wanted, _rows(place, table, wanted), strict=True))
    found = _picked(table, names, sorted({row for row in rows.values() if row >= 0}))
    return {
        example: _shown({name: found[name].get(row) for name in names})
        for example, row in rows.items()
    }


def _rows(place: Place, table: Table, wanted: Sequence[str]) -> list[int]:
    """The row, from 0, of each wanted example; -1 where there is none."""
    from flipcheck.sources.saved.tables import column_of, id_column
    from flipcheck.sources.saved.values import as_ids as ids_of

    name = id_column(table, place.columns)
    if name is None:  # an id is the number of a row, from 1
        return [int(each) - 1 if each.isdecimal() else -1 for each in wanted]
    ids = ids_of(column_of(table, name), table.load([name])[name])
    read = place.read
    if read is not None and read.repeats is not None and len(read) == len(ids):
        ids = read.ids
    rows: list[int] = positions(as_ids(wanted, ids), ids).tolist()
    return rows


def _picked(table: Table, names: Sequence[str], rows: Sequence[int]) -> dict[str, dict[int, Any]]:
    """The values of columns in some rows, which ascend; a batch is held at a time."""
    found: dict[str, dict[int, Any]] = {name: {} for name in names}
    start = at = 0
    for batch in _batches(table, names):
        end = start + batch.num_rows
        while at < len(rows) and rows[at] < end:
            for name in names:
                found[name][rows[at]] = batch[name][rows[at] - start].as_py()
            at += 1
        start = end
        if at == len(rows):
            break
    return found


def _batches(table: Table, names: Sequence[str]) -> Iterator[Any]:
    """The columns in batches where the kind of table has them, else as one."""
    import pyarrow as pa

    from flipcheck.sources.tables import STREAMS, Table

    parts = table.parts or (table,)
    named = {name for part in parts for name, _ in part.constants}
    if parts[0].kind in STREAMS and type(table) is Table and not named & set(names):
        yield from table.stream(dict.fromkeys(names, True))
    else:
        yield pa.table(table.load(names))


def _of_archive(place: Place, names: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """The ids of an archive, and the arrays of these names."""
    import numpy as np
    import pyarrow as pa

    from flipcheck.sources.arrays import open_archive, plain
    from flipcheck.sources.saved.arrays import NPZ_IDS, find, flat
    from flipcheck.sources.saved.values import as_ids as ids_of

    path, archive = place.path, open_archive(place.path)
    ids = find(archive, place.columns.id, NPZ_IDS, "--id")
    taken = [*names, *([] if ids is None else [ids])]
    size = archive.require_rows(taken)
    loaded = {name: flat(path, name, plain(path, name, archive.load(name))) for name in taken}
    if ids is None:
        return pa.array(np.arange(1, size + 1)), loaded
    return ids_of(f"{path}: {ids!r}", loaded[ids]), loaded


def _taken(ids: Any, columns: Mapping[str, Any], wanted: Sequence[str]) -> Texts:
    """The texts of the wanted examples in columns that are held."""
    rows = positions(as_ids(wanted, ids), ids).tolist()
    return {
        example: _shown({name: column[row].as_py() for name, column in columns.items()})
        for example, row in zip(wanted, rows, strict=True)
        if row >= 0
    }


def _shown(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as texts, without those that are not there or empty."""
    texts = {name: str(each) for name, each in values.items() if each is not None}
    return {name: cut(text) for name, text in texts.items() if text}


def as_ids(wanted: Sequence[str], ids: Any) -> Any:
    """Wanted ids as those among which they are looked up."""
    import pyarrow as pa

    if pa.types.is_integer(ids.type):
        with contextlib.suppress(ValueError, pa.ArrowException):
            return pa.array([int(each) for each in wanted], pa.int64())
    return pa.array(list(wanted), pa.string())


def _of_log(place: Place, names: Sequence[str], ids: Sequence[str]) -> Texts:
    """The texts of a log, by a second reading that ends once all are found."""
    from flipcheck.sources.logs import read_log

    several = shards(place.path)
    wanted = Wanted(ids, names)
    for path in [place.path] if several is None else [each.path for each in several.files]:
        with contextlib.suppress(FoundAllError):
            read_log(path, replace(place.columns, wanted=wanted))
    return wanted.found
