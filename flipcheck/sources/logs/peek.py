"""The beginning of a file, from which its format is told: JSON keys, ZIP members, columns."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, Literal

from flipcheck.errors import FlipcheckError, InputError
from flipcheck.sources.compressed import opened
from flipcheck.sources.files import reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flipcheck.sources.files import FileKind

DOCUMENT_BYTES = 2 << 30
"""The largest file that is one JSON document, which is held in memory as a whole."""
LINE_BYTES = 256 << 20
"""The longest line of a JSONL file."""
LIST_BYTES, LISTED = 1 << 20, (b'"filtered_resps"', b'"doc_id"')
"""What stands near the beginning of a JSON list of samples, which older logs are."""
NOT_JSON = (ValueError, RecursionError)
"""What Python's reader of JSON raises for text that is none, or is nested without end."""


@dataclass(frozen=True)
class Peek:
    """A file that may be an evaluation log: its kind, and what it holds when it is asked."""

    path: Path
    kind: FileKind

    @cached_property
    def _first(self) -> tuple[Any, Literal["lines", "document"]]:
        """The first line's value; or the whole document's, where that line is only its start."""
        if self.kind != "jsonl":
            return None, "lines"
        start = _first_line(self.path)
        if len(start) <= LINE_BYTES:
            text = start.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").strip()
            try:
                value = json.loads(text)
            except json.JSONDecodeError as error:
                if error.pos < len(text):
                    return None, "lines"
            except NOT_JSON:
                return None, "lines"
            else:
                return value, "document" if isinstance(value, list) else "lines"
        return self._from_start(start)

    def _from_start(self, start: bytes) -> tuple[Any, Literal["lines", "document"]]:
        """The document that begins so; a list of anything but samples is a table, and not read."""
        if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
            with opened(self.path) as file:
                head = file.read(LIST_BYTES)
            if not any(name in head for name in LISTED):
                return None, "lines"
        return document(self.path), "document"

    @property
    def value(self) -> Any:
        """The first line's value, or the whole document's; None where the file is no JSON."""
        return self._first[0]

    @property
    def whole(self) -> bool:
        """Whether the file is one JSON document that spans lines."""
        return self._first[1] == "document"

    def keys(self) -> set[str]:
        """The keys of the first line, of the document, or of the first object of its list."""
        value = self.value
        if isinstance(value, list) and value:
            value = value[0]
        return set(value) if isinstance(value, dict) else set()

    def document(self) -> dict[str, Any]:
        """The file as one JSON object. Raises InputError where it is none, or several."""
        value = self.value if self.whole else document(self.path)
        if not isinstance(value, dict):
            raise InputError(f"{self.path}: not one JSON object", hint="give the log as written")
        return value

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names of the members of a ZIP archive."""
        if self.kind != "npz":
            return ()
        try:
            with zipfile.ZipFile(self.path) as archive:
                return tuple(archive.namelist())
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            return ()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table."""
        from flipcheck.sources.tables import open_table

        if self.kind not in {"text", "parquet"}:
            return tuple(self.keys()) if self.kind == "jsonl" else ()
        try:
            return open_table(self.path, self.kind).names
        except FlipcheckError:
            return ()


def _first_line(path: Path) -> bytes:
    """The first line that is not blank, or a byte more than the longest that is read."""
    with opened(path) as file:
        while line := file.readline(LINE_BYTES + 1):
            if line.strip():
                return line
    return b""


def bounded_lines(path: Path, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, and its number from 1. Raises InputError for endless ones."""
    number = 0
    while line := file.readline(LINE_BYTES + 1):
        number += 1
        if len(line) > LINE_BYTES:
            raise InputError(
                f"{path}: row {number:,} is longer than {LINE_BYTES >> 20} MiB",
                hint="a log has one sample a line: write it again",
            )
        if line.strip():
            yield number, line


def document(path: Path) -> Any:
    """The one JSON value of a whole file. Raises InputError for no JSON, and for too much."""
    hint = "the file is damaged or cut short: write it again"
    try:
        with opened(path) as file:
            data = file.read(DOCUMENT_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from error
    if len(data) > DOCUMENT_BYTES:
        raise InputError(
            f"{path}: one JSON document of more than {DOCUMENT_BYTES >> 30} GiB",
            hint="it would have to be held in memory as a whole: write it as lines (JSONL), or as "
            "a table",
        )
    return parsed(str(path), data, hint)


def parsed(what: str, data: bytes, hint: str) -> Any:
    """The value of JSON text. Raises InputError, naming it, where it is none."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{what}: not UTF-8", hint=hint) from error
    except RecursionError as error:
        raise InputError(f"{what}: JSON nested without end", hint=hint) from error
    except ValueError as error:
        raise InputError(f"{what}: not JSON: {error}", hint=hint) from error


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Each line's number, its JSON object, and what is wrong with it."""
    with opened(path) as file:
        for number, line in bounded_lines(path, file):
            try:
                value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError:
                yield number, {}, f"row {number:,}: not UTF-8"
                continue
            except NOT_JSON as error:
                yield number, {}, f"row {number:,}: not JSON: {error}"
                continue
            if isinstance(value, dict):
                yield number, value, ""
            else:
                yield number, {}, f"row {number:,}: not a JSON object"
