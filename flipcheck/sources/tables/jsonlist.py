"""A JSON list of objects, as pandas and web tools write it: its members as rows."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.sources.compressed import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIST_BYTES = 1 << 30
"""The longest list that is read: it has to be in memory as a whole."""
SPACE = re.compile(r"[ \t\r\n]*")
MEMBER = json.JSONDecoder()


def is_list(path: Path) -> bool:
    """Whether a JSON file is a list, by its first sign."""
    with opened(path) as file:
        head = file.read(4096)
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


def members(path: Path) -> Iterator[tuple[int, Any, str]]:
    """The line (from 1) of each member, the member, and what is wrong with it.

    Raises UnicodeDecodeError for what is not UTF-8, and InputError for a list that is too long.
    """
    text = _text(path)
    place = _past_space(text, text.index("[") + 1)
    line = 1 + text.count("\n", 0, place)
    if text[place : place + 1] == "]":
        yield from _rest(text, place + 1, line)
        return
    while True:
        try:
            value, end = MEMBER.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            yield line, None, f"row {line:,}: not JSON: {getattr(error, 'msg', error)}"
            return
        yield line, value, ""
        end = _past_space(text, end)
        line += text.count("\n", place, end)
        if text[end : end + 1] == "]":
            yield from _rest(text, end + 1, line)
            return
        if text[end : end + 1] != ",":
            told = "the list is never closed" if end == len(text) else "no comma between members"
            yield line, None, f"row {line:,}: not JSON: {told}"
            return
        place = _past_space(text, end + 1)
        line += text.count("\n", end, place)


def _text(path: Path) -> str:
    with opened(path) as file:
        data = file.read(LIST_BYTES + 1)
    if len(data) > LIST_BYTES:
        raise InputError(
            f"{path}: a JSON list of more than {LIST_BYTES >> 20:,} MiB",
            hint="write one JSON object a line (JSONL), which is read row by row",
        )
    return data.decode("utf-8-sig")


def _past_space(text: str, place: int) -> int:
    """The next place that holds no white space."""
    found = SPACE.match(text, place)
    return place if found is None else found.end()


def _rest(text: str, place: int, line: int) -> Iterator[tuple[int, Any, str]]:
    """A problem where something follows the list."""
    end = _past_space(text, place)
    if end < len(text):
        line += text.count("\n", place, end)
        yield line, None, f"row {line:,}: not JSON: text after the end of the list"
