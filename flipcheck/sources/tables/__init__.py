"""Tables: CSV, TSV, Parquet, Feather and JSONL files as columns of text and numbers.

A table knows its column names without reading the rest, and loads only the columns asked for.
Text files are text: no value is ever turned into a number, a boolean or a null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import InputError, listed, nearest
from flipcheck.sources.files import FileKind, file_kind
from flipcheck.sources.tables import arrow, jsonl, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

TableKind = Literal["text", "parquet", "feather", "jsonl"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a file: its column names, and its columns when they are loaded.

    `lists` are the columns that may hold lists; in others a list is an error.
    """

    path: Path
    kind: TableKind
    names: tuple[str, ...]
    delimiter: str = ","
    lists: tuple[str, ...] = ()

    def load(self, names: Iterable[str]) -> dict[str, Any]:
        """The named columns as pyarrow arrays. Raises InputError with all problems found."""
        wanted = list(dict.fromkeys(names))
        self.require(wanted)
        return READERS[self.kind](self, wanted)

    def stream(self, needs: Mapping[str, bool]) -> Iterator[Any]:
        """Record batches of the named columns; of a text table as text, or as numbers.

        `needs` says of each column whether it is wanted as text. Raises InputError with the rows
        that hold no number.
        """
        self.require(list(needs), "--features")
        return text.stream(self, needs) if self.kind == "text" else arrow.stream(self, needs)

    def require(self, names: Sequence[str], flag: str = "") -> None:
        """Raise InputError for columns that are not there, or there twice."""
        where = f" ({flag})" if flag else ""
        missing = [name for name in names if name not in self.names]
        if missing:
            hint = nearest(missing[0], self.names)
            there = f"columns there: {', '.join(self.names)}"
            raise InputError(
                f"{self.path}: no column {listed(missing)}{where}",
                hint=there if hint.startswith("there are") else f"{hint} ({there})",
            )
        repeated = [name for name in names if self.names.count(name) > 1]
        if repeated:
            raise InputError(
                f"{self.path}: more than one column named {listed(repeated)}",
                hint="give every column a name of its own",
            )

    def first(self, candidates: Iterable[str]) -> str | None:
        """The first of these names that is a column."""
        found = self.those(candidates)
        return found[0] if found else None

    def only(self, candidates: Iterable[str], what: str, flag: str) -> str | None:
        """The one of these names that is a column. Raises InputError where two are."""
        found = self.those(candidates)
        if len(found) > 1:
            raise InputError(
                f"{self.path}: columns {' and '.join(map(repr, found))} could both be the {what}",
                hint=f"say which with {flag}, as in {flag} {found[0]}",
            )
        return found[0] if found else None

    def those(self, candidates: Iterable[str]) -> list[str]:
        """The columns of these names, in their order, whether written large or small."""
        return [each for name in candidates for each in self.names if each.lower() == name]

    def lines(self, rows: Iterable[int]) -> list[int]:
        """Where these rows (from 0) stand in the file, from 1, as an editor shows it."""
        if self.kind in {"parquet", "feather"}:
            return [row + 1 for row in rows]
        lines = text.lines(self) if self.kind == "text" else jsonl.lines(self.path)
        return [lines[row] for row in rows]


def open_table(path: Path, kind: FileKind | None = None) -> Table:
    """The table in a file. Raises InputError where there is none."""
    kind = kind or file_kind(path)
    if kind == "text":
        delimiter, names = text.header(path)
        return Table(path, "text", names, delimiter)
    if kind == "parquet" or kind == "feather":  # noqa: PLR1714  (mypy narrows this, not `in`)
        return Table(path, kind, arrow.names(path, kind))
    if kind == "jsonl":
        return Table(path, "jsonl", jsonl.names(path))
    raise InputError(
        f"{path}: {'a folder' if kind == 'folder' else 'not a table'}, where predictions or labels "
        "should be",
        hint="give a CSV, TSV, Parquet, Feather, JSONL or NPZ file",
    )


READERS: dict[TableKind, Callable[[Table, Sequence[str]], dict[str, Any]]] = {
    "text": text.read,
    "parquet": arrow.read,
    "feather": arrow.read,
    "jsonl": jsonl.read,
}
