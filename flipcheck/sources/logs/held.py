"""Tables that are held in memory: what a JSON document holds as columns and rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.sources.logs.problems import Problems
from flipcheck.sources.tables import Table
from flipcheck.sources.tables.jsonl import strange, typed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

HINT = "labels are text or numbers; name other columns with --id, --label and --prediction"


@dataclass(frozen=True, slots=True)
class HeldTable(Table):
    """A table whose values are in memory already, column by column."""

    held: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def load(self, names: Iterable[str], encoded: Collection[str] = ()) -> dict[str, Any]:
        """The named columns as pyarrow arrays. Raises InputError with all problems found."""
        del encoded
        wanted = list(dict.fromkeys(names))
        self.require(wanted)
        problems = Problems(self.path)
        for name in wanted:
            for row, value in enumerate(self.held[name], start=1):
                odd = strange(value)
                if odd:
                    problems.add(f"row {row:,}: {name!r} is {odd}")
        problems.check(HINT)
        return {name: typed(list(self.held[name])) for name in wanted}

    def lines(self, rows: Iterable[int]) -> list[int]:
        """The numbers of rows, from 1."""
        return [row + 1 for row in rows]


def by_rows(path: Path, names: Any, rows: Any) -> HeldTable:
    """The table of column names and rows of values. Raises InputError where these are none."""
    if not isinstance(names, list) or not names:
        raise InputError(f"{path}: 'columns' is not a list of names", hint="write the table again")
    texts = [str(name) for name in names]
    if not isinstance(rows, list):
        raise InputError(f"{path}: 'data' is not a list of rows", hint="write the table again")
    problems = Problems(path)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(texts):
            told = f"{len(row)} values" if isinstance(row, list) else "no list"
            problems.add(f"row {number:,}: {told}, where there are {len(texts)} columns")
    problems.check("every row has one value for each column")
    held = {name: [row[place] for row in rows] for place, name in enumerate(texts)}
    return HeldTable(path, "jsonl", tuple(texts), held=held)
