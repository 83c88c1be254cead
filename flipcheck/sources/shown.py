"""The texts that say what a flipped example is: columns of the sources, read again for a few ids.

Nothing of them is held while the models are compared.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import FlipcheckError, UsageError, nearest
from flipcheck.matching import positions
from flipcheck.report import Once
from flipcheck.slices import column_names
from flipcheck.sources.files import file_kind
from flipcheck.sources.logs.wanted import QUESTION, FoundAllError, Wanted, cut
from flipcheck.sources.shards import is_image_folder, shards

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flipcheck.predictions import Predictions
    from flipcheck.report import Report
    from flipcheck.sources.sides import Gathered
    from flipcheck.sources.spec import Columns, Given

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


@dataclass(frozen=True, slots=True)
class Shown:
    """Which columns are shown beside flips, and where each comes from.

    `asked` says that the user named them, so that what cannot be read is an error.
    """

    given: tuple[tuple[Place | Predictions, tuple[str, ...]], ...]
    examples: Callable[[Sequence[str]], Sequence[str]]
    order: tuple[str, ...]
    asked: bool

    def __call__(self, ids: Sequence[str]) -> Texts:
        """The texts of these examples, their columns in the order that was asked for."""
        known = dict(zip(ids, self.examples(ids), strict=True))
        wanted, found = list(dict.fromkeys(known.values())), dict[str, dict[str, str]]()
        for source, names in self.given:
            with contextlib.nullcontext() if self.asked else contextlib.suppress(FlipcheckError):
                texts = _texts(source, names, wanted)
                for name, each in texts.items():
                    found.setdefault(name, {}).update(each)
        ordered = {
            name: {column: each[column] for column in self.order if column in each}
            for name, each in found.items()
        }
        return {name: ordered[each] for name, each in known.items() if ordered.get(each)}


def shown(given: Given, found: Gathered, asked: Sequence[str] | None) -> Shown | None:
    """What is shown beside flips: the columns asked for, or what models of text and logs ask.

    Raises UsageError for a column that is nowhere. An empty name asks for nothing.
    """
    if asked is None and not any(_tells(side) for side in (found.old, found.new)):
        return None
    places = _places(given, found)
    wanted = _by_default(found, places) if asked is None else _named(found, places, asked)
    if not wanted:
        return None
    sources: list[tuple[Place | Predictions, tuple[str, ...]]] = []
    for source in dict.fromkeys(map(_identity, wanted.values())):
        names = tuple(name for name, each in wanted.items() if _identity(each) == source)
        sources.append((wanted[names[0]], names))
    return Shown(tuple(sources), _examples(given, found), tuple(wanted), asked is not None)


def _tells(side: Predictions) -> bool:
    """Whether a side has texts that are shown though nobody asked for them."""
    return bool(side.facts.get("text")) or side.facts.get("format") in ASKING


def with_texts(report: Report, texts: Shown | None) -> Report:
    """The report with the texts of its listed flips; those of all flips wait for their table."""
    if texts is None or not report.tally.negative_flips + report.tally.positive_flips:
        return report
    listed = [each.id for each in report.negative_flips.examples]
    return report.with_shown(texts(listed), Once(partial(_table_with_texts, report, texts)))


def _table_with_texts(report: Report, texts: Shown) -> Any:
    """The table of all flips with their texts, whose columns replace none that it has."""
    import pyarrow as pa

    table = report.flips
    ids = table["id"].cast(pa.string()).to_pylist()
    found = texts(ids)
    for name in texts.order:
        if name not in table.column_names:
            column = [found.get(each, {}).get(name) for each in ids]
            table = table.append_column(name, pa.array(column, pa.string()))
    return table


def _identity(source: Place | Predictions) -> int:
    return id(source)


def _places(given: Given, found: Gathered) -> list[Place]:
    """The sources of the comparison that are files of rows, test sets before predictions."""
    columns = replace(given.new_spec.columns, score=None)
    tests = [
        (path, columns, None) for path in (given.data, given.new_data, given.old_data, given.labels)
    ]
    sides = [
        (each, spec.columns, read)
        for each, spec, read in (
            (given.new, given.new_spec, found.new),
            (given.old, given.old_spec, found.old),
        )
    ]
    return [
        Place(path.absolute(), columns, read)
        for path, columns, read in (*tests, *sides)
        if isinstance(path, Path) and _has_rows(path)
    ]


def _has_rows(path: Path) -> bool:
    """Whether a path holds examples in rows, and is still there: standard input is not."""
    if shards(path) is not None:
        return True
    return path.is_file() and file_kind(path) != "onnx" and not is_image_folder(path)


def _by_default(found: Gathered, places: Sequence[Place]) -> dict[str, Place | Predictions]:
    """The text that models read, or the questions of a log."""
    for side in (found.new, found.old):
        names, data = side.facts.get("text"), Path(str(side.facts.get("data"))).absolute()
        there = next((each for each in places if each.path == data), None)
        if names and there is not None:
            return dict.fromkeys(names, there)
    logs = [each for each in places if each.log]
    return {QUESTION: logs[0]} if logs else {}


def _named(
    found: Gathered, places: Sequence[Place], asked: Sequence[str]
) -> dict[str, Place | Predictions]:
    """The source of each column that was asked for."""
    there: dict[str, Place | Predictions] = {}
    for place in places:
        there |= {name: place for name in place.names() if name not in there}
    for side in (found.new, found.old):
        there |= {name: side for name in side.columns if name not in there}
    names = [name for each in asked if each for name in column_names(each, there)]
    wanted = list(dict.fromkeys(name if name in there else name.strip() for name in names))
    for name in wanted:
        if name not in there:
            raise UsageError(
                f"no source has the column {name!r} (--show)",
                hint=f"{nearest(name, there)} (columns there: {', '.join(there) or 'none'})",
            )
    return {name: there[name] for name in wanted}


def _examples(given: Given, found: Gathered) -> Callable[[Sequence[str]], Sequence[str]]:
    """The ids of examples in their sources, of ids as the report has them."""
    if not given.new_spec.task.by_label:
        return lambda ids: ids
    from flipcheck.tasks.deciding import EXAMPLE

    paired = found.paired

    def named(ids: Sequence[str]) -> Sequence[str]:
        rows = positions(_as_ids(ids, paired.ids), paired.ids)
        return [text or "" for text in paired.columns[EXAMPLE].texts(rows)]

    return named


def _texts(source: Place | Predictions, names: Sequence[str], ids: Sequence[str]) -> Texts:
    if isinstance(source, Place):
        return source.texts(names, ids)
    columns = {name: source.columns[name] for name in names}
    rows = positions(_as_ids(ids, source.ids), source.ids)
    texts: Texts = {}
    for name, labels in columns.items():
        for example, row in zip(ids, rows.tolist(), strict=True):
            code = int(labels.codes[row]) if row >= 0 else -1
            if code >= 0:
                texts.setdefault(example, {})[name] = cut(labels.names[code])
    return texts


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
    from flipcheck.sources.saved.values import as_ids

    table = _table(place).listing(*names)
    name = id_column(table, place.columns)
    loaded = table.load([*names, *([] if name is None else [name])])
    size = len(next(iter(loaded.values())))
    if place.read is not None and place.read.repeats is not None and len(place.read) == size:
        return place.read.ids, loaded
    if name is None:
        return pa.array(np.arange(1, size + 1)), loaded
    return as_ids(column_of(table, name), loaded[name]), loaded


def _of_archive(place: Place, names: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """The ids of an archive, and the arrays of these names."""
    import numpy as np
    import pyarrow as pa

    from flipcheck.sources.arrays import open_archive, plain
    from flipcheck.sources.saved.arrays import NPZ_IDS, find, flat
    from flipcheck.sources.saved.values import as_ids

    path, archive = place.path, open_archive(place.path)
    ids = find(archive, place.columns.id, NPZ_IDS, "--id")
    taken = [*names, *([] if ids is None else [ids])]
    size = archive.require_rows(taken)
    loaded = {name: flat(path, name, plain(path, name, archive.load(name))) for name in taken}
    if ids is None:
        return pa.array(np.arange(1, size + 1)), loaded
    return as_ids(f"{path}: {ids!r}", loaded[ids]), loaded


def _taken(ids: Any, columns: Mapping[str, Any], wanted: Sequence[str]) -> Texts:
    """The texts of the wanted examples."""
    rows = positions(_as_ids(wanted, ids), ids).tolist()
    found: Texts = {}
    for example, row in zip(wanted, rows, strict=True):
        values = {name: column[row].as_py() for name, column in columns.items()} if row >= 0 else {}
        texts = {name: str(each) for name, each in values.items() if each is not None}
        found[example] = {name: cut(text) for name, text in texts.items() if text}
    return found


def _as_ids(wanted: Sequence[str], ids: Any) -> Any:
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
