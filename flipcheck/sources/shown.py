"""The texts that say what a flipped example is: columns asked for, texts of models, questions."""

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
from flipcheck.sources.logs.wanted import QUESTION, cut
from flipcheck.sources.second_reading import ASKING, Place, as_ids
from flipcheck.sources.shards import is_image_folder, shards
from flipcheck.sources.standard_input import LaidDown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flipcheck.predictions import Predictions
    from flipcheck.report import Report
    from flipcheck.sources.second_reading import Texts
    from flipcheck.sources.sides import Gathered
    from flipcheck.sources.spec import Given, Source

PIPED = "standard input is gone once it was read: save it to a file to show its columns"


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
            with (
                contextlib.nullcontext()
                if self.asked
                else contextlib.suppress(FlipcheckError, OSError)
            ):
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
    sides = (found.new, found.old)
    places = _places(given, sides)
    wanted = _by_default(sides, places) if asked is None else _named(given, sides, places, asked)
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
    return report.with_shown(
        texts(listed) if listed else {}, Once(partial(_table_with_texts, report, texts))
    )


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


def check_shown(given: Given, asked: Sequence[str] | None) -> None:
    """Raise UsageError for a column that the test sets of two models lack, before they run."""
    if asked and _is_model(given.old) and _is_model(given.new):
        _named(given, (), _places(given, (None, None)), asked)


def _is_model(source: Source) -> bool:
    return isinstance(source, Path) and source.is_file() and file_kind(source) == "onnx"


def _places(given: Given, sides: Sequence[Predictions | None]) -> list[Place]:
    """The sources of the comparison that are files of rows, test sets before predictions."""
    new, old = sides
    columns = replace(given.new_spec.columns, score=None)
    tests = [
        (path, columns, None) for path in (given.data, given.new_data, given.old_data, given.labels)
    ]
    answers = [
        (each, spec.columns, read)
        for each, spec, read in (
            (given.new, given.new_spec, new),
            (given.old, given.old_spec, old),
        )
    ]
    return [
        Place(path.absolute(), columns, read)
        for path, columns, read in (*tests, *answers)
        if isinstance(path, Path) and _has_rows(path)
    ]


def _has_rows(path: Path) -> bool:
    """Whether a path holds examples in rows, and is still there: standard input is not."""
    if shards(path) is not None:
        return True
    return path.is_file() and file_kind(path) != "onnx" and not is_image_folder(path)


def _by_default(
    sides: Sequence[Predictions], places: Sequence[Place]
) -> dict[str, Place | Predictions]:
    """The text that models read, or the questions of a log."""
    for side in sides:
        names, data = side.facts.get("text"), Path(str(side.facts.get("data"))).absolute()
        there = next((each for each in places if each.path == data), None)
        if names and there is not None:
            return dict.fromkeys(names, there)
    logs = [each for each in places if each.log]
    return {QUESTION: logs[0]} if logs else {}


def _named(
    given: Given, sides: Sequence[Predictions], places: Sequence[Place], asked: Sequence[str]
) -> dict[str, Place | Predictions]:
    """The source of each column that was asked for."""
    there: dict[str, Place | Predictions] = {}
    for place in places:
        there |= {name: place for name in place.names() if name not in there}
    for side in sides:
        there |= {name: side for name in side.columns if name not in there}
    names = [name for each in asked if each for name in column_names(each, there)]
    wanted = list(dict.fromkeys(name if name in there else name.strip() for name in names))
    for name in wanted:
        if name not in there:
            raise UsageError(
                f"no source has the column {name!r} (--show)",
                hint=PIPED
                if any(isinstance(each, LaidDown) for each in (given.old, given.new, given.labels))
                else f"{nearest(name, there)} (columns there: {', '.join(there) or 'none'})",
            )
    return {name: there[name] for name in wanted}


def _examples(given: Given, found: Gathered) -> Callable[[Sequence[str]], Sequence[str]]:
    """The ids of examples in their sources, of ids as the report has them."""
    if not given.new_spec.task.by_label:
        return lambda ids: ids
    from flipcheck.tasks.deciding import EXAMPLE

    paired = found.paired

    def named(ids: Sequence[str]) -> Sequence[str]:
        rows = positions(as_ids(ids, paired.ids), paired.ids)
        return [text or "" for text in paired.columns[EXAMPLE].texts(rows)]

    return named


def _texts(source: Place | Predictions, names: Sequence[str], ids: Sequence[str]) -> Texts:
    if isinstance(source, Place):
        return source.texts(names, ids)
    columns = {name: source.columns[name] for name in names}
    rows = positions(as_ids(ids, source.ids), source.ids)
    texts: Texts = {}
    for name, labels in columns.items():
        for example, row in zip(ids, rows.tolist(), strict=True):
            code = int(labels.codes[row]) if row >= 0 else -1
            if code >= 0:
                texts.setdefault(example, {})[name] = cut(labels.names[code])
    return texts
