"""CSV, TSV and their like: text separated by commas, tabs, semicolons or bars."""

from __future__ import annotations

import csv
import re
from io import StringIO
from itertools import chain
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, plural
from flipcheck.labels import to_arrow
from flipcheck.sources.compressed import is_compressed, opened, opened_text
from flipcheck.sources.files import first_few, inner_suffix

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from flipcheck.sources.tables import Table

HEADER_BYTES = 1 << 20
BLOCK_BYTES = 16 << 20
"""The longest row, in bytes, that the fast reader takes."""
DELIMITERS = (",", "\t", ";", "|")
NO_NUMBER = ("", "nan", "NaN", "NAN", "NA", "N/A", "null", "NULL")
"""What stands for a missing number where numbers are wanted; the model sees NaN."""


def header(path: Path) -> tuple[str, tuple[str, ...]]:
    """The delimiter and the column names of a text table."""
    with opened(path) as file:
        head = file.read(HEADER_BYTES)
    try:
        content = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3 or len(head) < HEADER_BYTES:
            raise not_utf8(path) from error
        content = head[: error.start].decode("utf-8-sig")
    delimiter = _delimiter(path, content)
    try:
        rows = _reader(StringIO(content, newline=""), delimiter)
        names = next((tuple(row) for row in rows if row), ())
    except csv.Error as error:
        raise InputError(f"{path}: no readable header line: {error}") from error
    if not any(name.strip() for name in names):
        raise InputError(f"{path}: no header line", hint="name the columns in the first line")
    return delimiter, names


def _delimiter(path: Path, content: str) -> str:
    """The delimiter that the first line holds most of, outside of quotes."""
    if inner_suffix(path) in {".tsv", ".tab"}:
        return "\t"
    first = next((line for line in content.splitlines() if line), "")
    bare = re.sub(r'"[^"]*"', "", first)
    return max(DELIMITERS, key=bare.count)


def _reader(lines: Iterable[str], delimiter: str) -> Any:
    csv.field_size_limit(1 << 30)
    return csv.reader(lines, delimiter=delimiter)


def not_utf8(path: Path) -> InputError:
    """The error for a text file in another encoding, with the first bad row."""
    hint = "save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')"
    with opened(path) as file:
        if file.read(2) in {b"\xff\xfe", b"\xfe\xff"}:
            return InputError(f"{path}: UTF-16, not UTF-8", hint=hint)
    with opened(path) as file:
        for row, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                message = f"{path}: not UTF-8: byte 0x{byte:02X} in row {row:,}"
                return InputError(message, hint=hint)
    return InputError(f"{path}: not UTF-8", hint=hint)


def read(table: Table, names: Sequence[str], encoded: Collection[str] = ()) -> dict[str, Any]:
    """The named columns, all of them text; those `encoded` as dictionaries."""
    import pyarrow as pa
    from pyarrow import csv as pacsv

    coded = pa.dictionary(pa.int32(), pa.string())
    kinds = {name: coded if name in encoded else pa.string() for name in names}
    try:
        found = pacsv.read_csv(_readable(table.path), **_options(table, kinds))
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):  # nothing but a header, without the end of its line
            return {name: pa.array([], pa.string()) for name in names}
        raise _problems(table, error) from error
    except pa.ArrowException as error:
        raise _problems(table, error) from error
    _check_quotes(table)
    return {name: to_arrow(found[name]) for name in names}


def stream(table: Table, needs: Mapping[str, bool]) -> Iterator[Any]:
    """Record batches of the named columns, as text or as numbers (float64)."""
    import pyarrow as pa
    from pyarrow import csv as pacsv

    kinds = {name: pa.string() if text else pa.float64() for name, text in needs.items()}
    try:
        with pacsv.open_csv(_readable(table.path), **_options(table, kinds)) as batches:
            yield from batches
    except pa.ArrowException as error:
        numbers = [name for name, text in needs.items() if not text]
        raise _no_numbers(table, numbers) or _problems(table, error) from error


def _readable(path: Path) -> Any:
    """What pyarrow reads a text from: the file itself where it can, which is fastest."""
    return opened(path) if is_compressed(path) else path


def _options(table: Table, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """How pyarrow reads these columns: nothing is inferred, and only numbers can be missing."""
    from pyarrow import csv as pacsv

    return {
        "read_options": pacsv.ReadOptions(block_size=BLOCK_BYTES),
        "parse_options": pacsv.ParseOptions(
            delimiter=table.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=len(table.names) > 1,
        ),
        "convert_options": pacsv.ConvertOptions(
            include_columns=list(kinds),
            column_types=dict(kinds),
            null_values=list(NO_NUMBER),
            strings_can_be_null=False,
        ),
    }


def _records(table: Table) -> Iterator[tuple[int, list[str]]]:
    """Every record and the line on which it begins, from 1; the header is the first."""
    with opened_text(table.path) as file:
        rows = _reader(file, table.delimiter)
        begins = 1
        for row in rows:
            if row:
                yield begins, row
            begins = rows.line_num + 1


def lines(table: Table) -> list[int]:
    """The line on which each row begins, from 1."""
    return [line for line, _ in _records(table)][1:]


def _check_quotes(table: Table) -> None:
    """Raise InputError for a quote that is never closed, which swallows the rows after it."""
    with opened(table.path) as file:
        odd = sum(block.count(b'"') for block in iter(lambda: file.read(1 << 20), b"")) % 2
    if not odd:
        return
    with opened_text(table.path) as file:
        begins, rows = 1, _reader(chain(file, ["\n", "the end"]), table.delimiter)
        for row in rows:
            if row and row[-1].endswith("\nthe end"):
                raise InputError(
                    f"{table.path}: a quote in row {begins:,} is never closed",
                    hint='close it, or write a quote inside of quotes as ""',
                )
            begins = rows.line_num + 1


def _no_numbers(table: Table, names: Sequence[str]) -> InputError | None:
    """The error for values that should be numbers and are not, if there are any."""
    found: list[tuple[int, str, str]] = []
    for name, column in read(table, names).items():
        found += [
            (row, name, text)
            for row, text in enumerate(column.to_pylist())
            if text not in NO_NUMBER and number(text) is None
        ]
    if not found:
        return None
    found.sort(key=lambda each: each[0])
    rows = table.lines(row for row, _, _ in found)
    problems = [
        f"row {row:,}, column {name!r}: {text!r} is no number"
        for row, (_, name, text) in zip(rows, found, strict=True)
    ]
    return InputError(
        f"{table.path}: {plural(len(problems), 'feature')} that should be numbers",
        problems=first_few(problems),
        hint="name the features with --features, or encode the text as the model does",
    )


def number(text: str) -> float | None:
    """The number that a text is, or None."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _problems(table: Table, error: Exception) -> InputError:
    """What is wrong with a text table, row by row, where its fast reader gave up."""
    width = plural(len(table.names), "column")
    problems = []
    try:
        for line, row in _records(table):
            if len(row) != len(table.names):
                values = plural(len(row), "value")
                problems.append(f"row {line:,}: {values} where the header has {width}")
    except UnicodeDecodeError:
        return not_utf8(table.path)
    except csv.Error as broken:
        problems.append(str(broken))
    return InputError(
        f"{table.path}: not a table" if problems else f"{table.path}: not a table: {error}",
        problems=first_few(problems),
        hint="quote the values that hold the delimiter or a line break",
    )
