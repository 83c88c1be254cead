"""Tables: CSV, TSV, Parquet, Feather and JSONL files as columns of text and numbers.

A table knows its column names without reading the rest, and loads only the columns asked for.
Text files are text: no value is ever turned into a number, a boolean or a null.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import SHOWN, InputError, listed, nearest, plural
from flipcheck.sources.files import FileKind, file_kind

if TYPE_CHECKING:
    from pathlib import Path

TableKind = Literal["text", "parquet", "feather", "jsonl"]
HEADER_BYTES = 1 << 20
DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a file: its column names, and its columns when they are loaded."""

    path: Path
    kind: TableKind
    names: tuple[str, ...]
    delimiter: str = ","

    def load(self, names: Iterable[str]) -> dict[str, Any]:
        """The named columns as pyarrow arrays. Raises InputError with all problems found."""
        wanted = list(dict.fromkeys(names))
        self.require(wanted)
        repeated = [name for name in wanted if self.names.count(name) > 1]
        if repeated:
            raise InputError(
                f"{self.path}: more than one column named {listed(repeated)}",
                hint="give every column a name of its own",
            )
        return READERS[self.kind](self, wanted)

    def stream(self, needs: Mapping[str, bool]) -> Iterator[Any]:
        """Record batches of the named columns; of a text table as text, or as numbers.

        `needs` says of each column whether it is wanted as text. Raises InputError with the rows
        that hold no number.
        """
        self.require(list(needs), "--features")
        return _stream_text(self, needs) if self.kind == "text" else _stream_arrow(self, needs)

    def require(self, names: Sequence[str], flag: str = "") -> None:
        """Raise InputError for columns that are not there, naming those that are."""
        missing = [name for name in names if name not in self.names]
        if missing:
            hint = nearest(missing[0], self.names)
            there = f"columns there: {', '.join(self.names)}"
            raise InputError(
                f"{self.path}: no column {listed(missing)}{f' ({flag})' if flag else ''}",
                hint=there if hint.startswith("there are") else f"{hint} ({there})",
            )

    def first(self, candidates: Iterable[str]) -> str | None:
        """The first of these names that is a column."""
        return next((name for name in candidates if name in self.names), None)

    def only(self, candidates: Iterable[str], what: str, flag: str) -> str | None:
        """The one of these names that is a column. Raises InputError where two are."""
        found = [name for name in candidates if name in self.names]
        if len(found) > 1:
            raise InputError(
                f"{self.path}: columns {' and '.join(map(repr, found))} could both be the {what}",
                hint=f"say which with {flag}, as in {flag} {found[0]}",
            )
        return found[0] if found else None


def open_table(path: Path, kind: FileKind | None = None) -> Table:
    """The table in a file. Raises InputError where there is none."""
    kind = kind or file_kind(path)
    if kind == "text":
        delimiter, names = _text_header(path)
        return Table(path, "text", names, delimiter)
    if kind in {"parquet", "feather"}:
        return Table(path, kind, _arrow_names(path, kind))  # type: ignore[arg-type]
    if kind == "jsonl":
        return Table(path, "jsonl", _json_names(path))
    raise InputError(
        f"{path}: not a table", hint="give a CSV, TSV, Parquet, Feather or JSONL file"
    )


# --- CSV and TSV ---------------------------------------------------------------------------


def _text_header(path: Path) -> tuple[str, tuple[str, ...]]:
    """The delimiter and the column names of a text table."""
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3 or len(head) < HEADER_BYTES:
            raise _not_utf8(path) from error
        text = head[: error.start].decode("utf-8-sig")
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if path.suffix.lower() in {".tsv", ".tab"}:
        delimiter = "\t"
    else:
        delimiter = next((each for each in DELIMITERS if each in first), ",")
    rows = csv.reader(iter(text.splitlines(keepends=True)), delimiter=delimiter)
    names = next((tuple(row) for row in rows if row), ())
    if not any(names):
        raise InputError(f"{path}: no header line", hint="name the columns in the first line")
    return delimiter, names


def _not_utf8(path: Path) -> InputError:
    """The error for a text file in another encoding, with the first bad row."""
    hint = "save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')"
    with path.open("rb") as file:
        if file.read(2) in {b"\xff\xfe", b"\xfe\xff"}:
            return InputError(f"{path}: UTF-16, not UTF-8", hint=hint)
        file.seek(0)
        for row, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                message = f"{path}: not UTF-8: byte 0x{byte:02X} in row {row:,}"
                return InputError(message, hint=hint)
    return InputError(f"{path}: not UTF-8", hint=hint)


def _read_text(table: Table, names: Sequence[str]) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow import csv as pacsv

    csv.field_size_limit(1 << 30)
    try:
        read = pacsv.read_csv(
            table.path,
            parse_options=pacsv.ParseOptions(delimiter=table.delimiter, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                include_columns=list(names),
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _text_problems(table, error) from error
    return {name: _one_chunk(read[name]) for name in names}


def _stream_text(table: Table, needs: Mapping[str, bool]) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import csv as pacsv

    kinds = {name: pa.string() if text else pa.float64() for name, text in needs.items()}
    try:
        with pacsv.open_csv(
            table.path,
            parse_options=pacsv.ParseOptions(delimiter=table.delimiter, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                include_columns=list(needs), column_types=kinds, strings_can_be_null=False
            ),
        ) as batches:
            yield from batches
    except pa.ArrowInvalid as error:
        numbers = [name for name, text in needs.items() if not text]
        raise _no_numbers(table, numbers) or _text_problems(table, error) from error


def _no_numbers(table: Table, names: Sequence[str]) -> InputError | None:
    """The error for values that should be numbers and are not, if there are any."""
    problems = []
    for name, column in _read_text(table, names).items():
        for row, text in enumerate(column.to_pylist(), start=2):
            try:
                float(text or "nan")
            except ValueError:
                problems.append(f"row {row:,}, column {name!r}: {text!r} is no number")
    if not problems:
        return None
    return InputError(
        f"{table.path}: {plural(len(problems), 'feature')} that should be numbers",
        problems=problems[:SHOWN],
        hint="name the features with --features, or encode the text as the model does",
    )


def _text_problems(table: Table, error: Exception) -> InputError:
    """What is wrong with a text table, row by row, where its fast reader gave up."""
    try:
        table.path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return _not_utf8(table.path)
    problems = []
    with table.path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=table.delimiter)
        try:
            for row in rows:
                if row and len(row) != len(table.names):
                    problems.append(
                        f"row {rows.line_num:,}: {plural(len(row), 'value')} where the header "
                        f"has {plural(len(table.names), 'column')}"
                    )
        except csv.Error as broken:
            problems.append(f"row {rows.line_num:,}: {broken}")
    shown = [*problems[:SHOWN], *([f"and {len(problems) - SHOWN:,} more"]
                                  if len(problems) > SHOWN else [])]  # fmt: skip
    return InputError(
        f"{table.path}: not a table" if problems else f"{table.path}: {error}",
        problems=shown,
        hint="quote the values that hold the delimiter or a line break",
    )


# --- Parquet and Feather -------------------------------------------------------------------


def _arrow_names(path: Path, kind: FileKind) -> tuple[str, ...]:
    import pyarrow as pa
    from pyarrow import feather, parquet

    try:
        if kind == "parquet":
            return tuple(parquet.read_schema(path).names)
        return tuple(feather.read_table(path, memory_map=True).schema.names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, kind, error) from error


def _damaged(path: Path, kind: str, error: Exception) -> InputError:
    first = str(error).splitlines()[0]
    return InputError(
        f"{path}: not a readable {kind.title()} file: {first}",
        hint="the file is damaged or cut short: write it again",
    )


def _read_arrow(table: Table, names: Sequence[str]) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow import feather, parquet

    try:
        if table.kind == "parquet":
            with parquet.ParquetFile(table.path) as file:
                read = file.read(columns=list(names))
        else:
            read = feather.read_table(table.path, columns=list(names))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(table.path, table.kind, error) from error
    return {name: _one_chunk(read[name]) for name in names}


def _stream_arrow(table: Table, needs: Mapping[str, bool]) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(table.path) as file:
            yield from file.iter_batches(batch_size=8192, columns=list(needs))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(table.path, table.kind, error) from error


def _one_chunk(column: Any) -> Any:
    from flipcheck.labels import to_arrow

    return to_arrow(column)


# --- JSONL ---------------------------------------------------------------------------------


def _json_rows(path: Path) -> Iterator[tuple[int, Any, str]]:
    """Each row's number (1-based), its object, and what is wrong with it."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                raise _not_utf8(path) from error
            except (ValueError, RecursionError) as error:
                yield number, {}, f"row {number:,}: not JSON: {error}"
                continue
            wrong = "" if isinstance(value, dict) else f"row {number:,}: not a JSON object"
            yield number, value if not wrong else {}, wrong


def _json_names(path: Path) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for number, value, _ in _json_rows(path):
        names.update(dict.fromkeys(value))
        if number > 100:
            break
    if not names:
        raise InputError(f"{path}: no JSON object in it", hint="write one JSON object a line")
    return tuple(names)


def _read_json(table: Table, names: Sequence[str]) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {name: [] for name in names}
    problems: list[str] = []
    for number, row, wrong in _json_rows(table.path):
        if wrong:
            problems.append(wrong)
        for name, column in columns.items():
            value = row.get(name)
            if isinstance(value, (dict, list)):
                problems.append(f"row {number:,}: {name!r} is a {type(value).__name__}")
                value = None
            column.append(value)
    if problems:
        raise InputError(
            f"{table.path}: {plural(len(problems), 'problem')}",
            problems=problems[:SHOWN],
            hint="every line is one JSON object, and labels are text or numbers",
        )
    return {name: _json_column(column) for name, column in columns.items()}


def _json_column(values: list[Any]) -> Any:
    """A column of one type where all its values are numbers or all booleans, else of text."""
    import pyarrow as pa

    known = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in known):
        return pa.array(values, pa.bool_())
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        whole = all(isinstance(value, int) and abs(value) < 2**63 for value in known)
        return pa.array(values, pa.int64() if whole else pa.float64(), from_pandas=True)
    return pa.array([value if value is None or isinstance(value, str) else str(value)
                     for value in values], pa.string())  # fmt: skip


READERS: dict[TableKind, Callable[[Table, Sequence[str]], dict[str, Any]]] = {
    "text": _read_text,
    "parquet": _read_arrow,
    "feather": _read_arrow,
    "jsonl": _read_json,
}
