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
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns

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
        return _taken(*_of_table(self, names), ids)


def _table(place: Place) -> Any:
    """The table of a source that is one."""
    from flipcheck.sources.logs import wandb
    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.tables import open_table

    if place.read is not None and place.read.facts.get("format") == "wandb":
        return wandb.table(Peek(place.path, file_kind(place.path)))
    return open_table(place.path)


def _of_table(place: Place, names: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """The ids of a table, and the columns of these names."""
    import numpy as np
    import pyarrow as pa

    from flipcheck.sources.saved.tables import column_of, id_column
    from flipcheck.sources.saved.values import as_ids as ids_of

    table = _table(place).listing(*names)
    name = id_column(table, place.columns)
    loaded = table.load([*names, *([] if name is None else [name])])
    size = len(next(iter(loaded.values())))
    if place.read is not None and place.read.repeats is not None and len(place.read) == size:
        return place.read.ids, loaded
    if name is None:
        return pa.array(np.arange(1, size + 1)), loaded
    return ids_of(column_of(table, name), loaded[name]), loaded


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
    """The texts of the wanted examples."""
    rows = positions(as_ids(wanted, ids), ids).tolist()
    found: Texts = {}
    for example, row in zip(wanted, rows, strict=True):
        values = {name: column[row].as_py() for name, column in columns.items()} if row >= 0 else {}
        texts = {name: str(each) for name, each in values.items() if each is not None}
        found[example] = {name: cut(text) for name, text in texts.items() if text}
    return found


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
