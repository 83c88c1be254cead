"""Tables: CSV, TSV, Parquet, Feather and JSONL files as columns of text and numbers.

A table knows its column names without reading the rest, and loads only the columns asked for.
Text files are text: no value is ever turned into a number, a boolean or a null.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import InputError, listed, nearest
from flipcheck.sources.files import FileKind, file_kind, sha256
from flipcheck.sources.shards import Shards, shards
from flipcheck.sources.tables import arrow, joined, jsonl, text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

TableKind = Literal["text", "parquet", "feather", "jsonl"]
KINDS = {"text", "parquet", "feather", "jsonl"}
"""The kinds of files that hold one table each."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a file, or in several: its column names, and its columns when they are loaded.

    `parts` are the tables of several files; `constants` are columns of one value that the folders
    of a file name.
    """

    path: Path
    kind: TableKind
    names: tuple[str, ...]
    delimiter: str = ","
    parts: tuple[Table, ...] = ()
    constants: tuple[tuple[str, str | None], ...] = ()
    digest: str | None = None
    lists: tuple[str, ...] = ()

    def count(self) -> int:
        """How many rows there are, counted anew."""
        names = [name for name in self.names if self.names.count(name) == 1]
        return len(self.load(names[:1] or self.names)[(names or self.names)[0]])

    @property
    def sha256(self) -> str:
        """The digest of the file, or of the names and contents of several."""
        return self.digest or sha256(self.path)

    def load(self, names: Iterable[str], encoded: Collection[str] = ()) -> dict[str, Any]:
        """The named columns as pyarrow arrays; those `encoded`, of few values, as dictionaries.

        That saves memory where the file allows it. Raises InputError with all problems found.
        """
        wanted = list(dict.fromkeys(names))
        self.require(wanted)
        if self.parts:
            return joined.read(self, wanted)
        if self.constants:
            return self._with_constants(wanted)
        return READERS[self.kind](self, wanted, encoded)

    def _with_constants(self, wanted: Sequence[str]) -> dict[str, Any]:
        """The named columns, some of which the folders of the file name."""
        import pyarrow as pa

        values = dict(self.constants)
        stored = [name for name in self.names if name not in values]
        asked = [name for name in wanted if name in stored] or stored[:1]
        found = READERS[self.kind](self, asked, ())
        size = len(next(iter(found.values())))
        columns = {name: pa.array([value] * size, pa.string()) for name, value in self.constants}
        return {name: (columns | found)[name] for name in wanted}

    def listing(self, *names: str | None) -> Table:
        """The same table, of which these columns may hold lists, in every file of several."""
        lists = tuple(name for name in names if name is not None)
        return replace(self, lists=lists, parts=tuple(part.listing(*lists) for part in self.parts))

    def stream(self, needs: Mapping[str, bool]) -> Iterator[Any]:
        """Record batches of the named columns; of a text table as text, or as numbers.

        `needs` says of each column whether it is wanted as text. Raises InputError with the rows
        that hold no number.
        """
        self.require(list(needs), "--features")
        named = [name for name, _ in self.constants if name in needs]
        if named:
            raise InputError(
                f"{self.path}: {named[0]!r} is the name of folders, not a feature",
                hint="name the features with --features",
            )
        if self.parts:
            return joined.stream(self, needs)
        return STREAMS[self.kind](self, needs)

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
        if self.parts:
            return joined.rows(self, rows)
        if self.kind in {"parquet", "feather"}:
            return [row + 1 for row in rows]
        lines = text.lines(self) if self.kind == "text" else jsonl.lines(self.path)
        return [lines[row] for row in rows]


def open_table(path: Path, kind: FileKind | None = None) -> Table:
    """The table in a file. Raises InputError where there is none."""
    several = shards(path)
    if several is not None:
        return open_shards(several)
    kind = kind or file_kind(path)
    if kind == "text":
        delimiter, names = text.header(path)
        return Table(path, "text", names, delimiter)
    if kind == "parquet" or kind == "feather":  # noqa: PLR1714  (mypy narrows this, not `in`)
        return Table(path, kind, arrow.names(path, kind))
    if kind == "jsonl":
        return Table(path, "jsonl", jsonl.names(path))
    raise InputError(
        f"{path}: {'a folder without tables' if kind == 'folder' else 'not a table'}, where "
        "predictions or labels should be",
        hint="give a CSV, TSV, Parquet, Feather, JSONL or NPZ file",
    )


def open_shards(several: Shards) -> Table:
    """The table in several files. Raises InputError where there is none, or they are not alike."""
    return replace(joined.from_shards(several, open_table), digest=several.sha256())


READERS: dict[TableKind, Callable[[Table, Sequence[str], Collection[str]], dict[str, Any]]] = {
    "text": text.read,
    "parquet": arrow.read,
    "feather": arrow.read,
    "jsonl": jsonl.read,
}
STREAMS: dict[TableKind, Callable[[Table, Mapping[str, bool]], Iterator[Any]]] = {
    "text": text.stream,
    "parquet": arrow.stream,
    "jsonl": jsonl.stream,
}
