"""JSONL, one JSON object a line, and lists of JSON objects."""

from __future__ import annotations

import json
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, plural
from flipcheck.labels import number_text
from flipcheck.sources.compressed import opened
from flipcheck.sources.files import first_few, is_unicode
from flipcheck.sources.tables import jsonlist
from flipcheck.sources.tables.text import not_utf8

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from flipcheck.sources.tables import Table

LISTS = "; several labels an example need --multilabel, and ranked answers --top-k"


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Each row's line (from 1), its object, and what is wrong with it."""
    read = jsonlist.members if jsonlist.is_list(path) else _lines
    try:
        for line, value, wrong in read(path):
            if wrong or isinstance(value, dict):
                yield line, {} if wrong else value, wrong
            else:
                yield line, {}, f"row {line:,}: not a JSON object"
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error


def _lines(path: Path) -> Iterator[tuple[int, Any, str]]:
    """Each line that is not blank (from 1), what it holds, and what is wrong with it."""
    with opened(path) as file:
        for line, data in enumerate(file, start=1):
            if not data.strip():
                continue
            try:
                value = json.loads(data.decode("utf-8-sig" if line == 1 else "utf-8"))
            except UnicodeDecodeError:
                raise
            except (ValueError, RecursionError) as error:
                yield line, None, f"row {line:,}: not JSON: {error}"
                continue
            yield line, value, ""


def names(path: Path) -> tuple[str, ...]:
    """Every name that some row has, in order of appearance."""
    found: dict[str, None] = {}
    problems = []
    for _, value, wrong in _rows(path):
        found.update(dict.fromkeys(value))
        problems += [wrong] if wrong else []
    if not found:
        raise InputError(
            f"{path}: no JSON object in it",
            problems=first_few(problems),
            hint="write one JSON object a line",
        )
    return tuple(found)


def lines(path: Path) -> list[int]:
    """The line of each row, from 1."""
    return [line for line, _, _ in _rows(path)]


def read(table: Table, wanted: Sequence[str], _encoded: Collection[str] = ()) -> dict[str, Any]:
    """The named columns; a row that lacks one has a null there."""
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    problems: list[str] = []
    for line, row, wrong in _rows(table.path):
        if wrong:
            problems.append(wrong)
        for name, column in columns.items():
            value = row.get(name)
            odd = strange(value, lists=name in table.lists)
            if odd:
                problems.append(f"row {line:,}: {name!r} is {odd}")
                value = None
            column.append(value)
    if problems:
        raise InputError(
            f"{table.path}: {plural(len(problems), 'problem')}",
            problems=first_few(problems),
            hint="every line is one JSON object, and labels are text or numbers"
            + LISTS * any("a list" in problem for problem in problems),
        )
    return {name: typed(column) for name, column in columns.items()}


def stream(table: Table, needs: Mapping[str, bool]) -> Iterator[Any]:
    """The named columns as one record batch."""
    import pyarrow as pa

    yield pa.record_batch(read(table, list(needs)))


def strange(value: Any, *, lists: bool = False) -> str:
    """What makes a value no label, or nothing; where `lists` may be, none of its values."""
    if isinstance(value, dict):
        return "an object"
    if lists and isinstance(value, list):
        inner = (strange(each) or ("null" if each is None else "") for each in value)
        odd = next((each for each in inner if each), "")
        return f"a list that holds {odd}" if odd else ""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str) and not is_unicode(value):
        return "not Unicode text"
    return ""


def typed(values: list[Any]) -> Any:
    """A column of one type where all its values are numbers or all booleans, else of text.

    Of lists where any value is one; other values are lists of one then.
    """
    import pyarrow as pa

    if any(isinstance(value, list) for value in values):
        lists = [each if each is None or isinstance(each, list) else [each] for each in values]
        values = [value for each in lists if each for value in each]
        inner = typed(values) if values else pa.nulls(0)
        ends = list(accumulate((len(each or ()) for each in lists), initial=0))
        gaps = pa.array([each is None for each in lists])
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), inner, mask=gaps)
    values = [None if value != value else value for value in values]  # noqa: PLR0124  (NaN)
    known = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in known):
        return pa.array(values, pa.bool_())
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        whole = all(isinstance(value, int) for value in known)
        largest = 2**63 if whole else 2**53
        if all(abs(value) < largest for value in known if isinstance(value, int)):
            return pa.array(values, pa.int64() if whole else pa.float64(), from_pandas=True)
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    """A value among others of another type, named as a column of its own type names it."""
    if isinstance(value, float):
        return number_text(value)
    return value if value is None or isinstance(value, str) else str(value)
