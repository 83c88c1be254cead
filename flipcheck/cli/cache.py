"""`flipcheck cache`: what is kept of models' answers, and how to be rid of it."""

from __future__ import annotations

import json as text_of
import re
import time
from typing import TYPE_CHECKING, Any

from flipcheck.cli import options as o
from flipcheck.cli.outputs import put
from flipcheck.errors import UsageError, one_line, plural

if TYPE_CHECKING:
    from flipcheck.sources.cache import Cache, Held

SIZES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZES |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}
AGES = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def cache(
    cache: o.CachePath = None,
    clear: o.Clear = False,
    prune: o.Prune = None,
    older_than: o.OlderThan = None,
    json: o.AsJson = False,
) -> None:
    """Show where models' answers are kept, and of which models; or remove them.

    Models that draw random numbers are never kept.

    Example:

        flipcheck cache --older-than 30d
    """
    from flipcheck.sources.cache import open_cache

    if clear and (prune is not None or older_than is not None):
        raise UsageError("--clear removes everything", hint="leave --prune and --older-than out")
    most = None if prune is None else size(prune)
    oldest = None if older_than is None else time.time() - age(older_than)
    found = open_cache(cache)
    removed: list[Held] = []
    if found is not None and (clear or most is not None or oldest is not None):
        limit = -1 if clear else most
        removed = found.prune(1 << 62 if limit is None else limit, older=oldest)
    put(_as_json(found, removed) if json else _as_text(found, removed))


def choice(cache: str | None, no_cache: bool) -> str | bool:
    """What two flags say of the cache: a folder, the usual one, or none."""
    if no_cache and cache is not None:
        raise UsageError("--cache and --no-cache", hint="give one of them")
    return not no_cache if cache is None else cache


def size(text: str) -> int:
    """How many bytes a text such as "500MB" says. Raises UsageError."""
    number, unit = _parts(text)
    if unit.upper() not in SIZES:
        raise UsageError(f"--prune {text!r} is no size", hint="write it as 500MB or 1GB")
    return int(number * SIZES[unit.upper()])


def age(text: str) -> float:
    """How many seconds a text such as "30d" says. Raises UsageError."""
    number, unit = _parts(text)
    if unit not in AGES:
        raise UsageError(f"--older-than {text!r} is no age", hint="write it as 12h, 30d or 4w")
    return number * AGES[unit]


def _parts(text: str) -> tuple[float, str]:
    """A number and its unit; a unit that there is not where the text is none."""
    found = NUMBER.fullmatch(text)
    return (float(found[1]), found[2]) if found else (0.0, "?")


def _as_json(found: Cache | None, removed: list[Held]) -> str:
    held = _held(found)
    told: dict[str, Any] = {
        "folder": None if found is None else str(found.root),
        "limit": None if found is None else found.limit,
        "bytes": sum(each.bytes for each in held),
        "entries": [_entry(each) for each in held if each.total],
        "removed": [_entry(each) for each in removed if each.total],
    }
    return text_of.dumps(told, indent=2) + "\n"


def _entry(held: Held) -> dict[str, Any]:
    used = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(held.used))
    return {
        "key": held.key,
        "model": held.model,
        "data": held.data,
        "examples": held.examples,
        "of": held.total,
        "bytes": held.bytes,
        "last_used": used,
    }


def _held(found: Cache | None) -> list[Held]:
    """What is held; where `total` is 0 only what a model's inputs and outputs are."""
    return [] if found is None else found.held()


def _as_text(found: Cache | None, removed: list[Held]) -> str:
    if found is None:
        return "nothing is kept: FLIPCHECK_CACHE is off\n"
    held = _held(found)
    gone = sum(each.bytes for each in removed)
    count = plural(sum(each.total > 0 for each in removed), "entry")
    lines = [f"removed {count}, {_bytes(gone)}"] if removed else []
    total = sum(each.bytes for each in held)
    lines.append(f"{found.root}: {_bytes(total)} of at most {_bytes(found.limit)}")
    rows = [_row(each) for each in held if each.total]
    if rows:
        lines += ["", *_table([("model", "data", "examples", "size", "last used"), *rows])]
    return "\n".join(map(one_line, lines)) + "\n"


def _row(held: Held) -> tuple[str, ...]:
    count = f"{held.total:,}" if held.examples == held.total else f"{held.examples:,} of "
    count += "" if held.examples == held.total else f"{held.total:,}"
    ago = _ago(time.time() - held.used)
    return held.model, held.data, count, _bytes(held.bytes), ago


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return [line.rstrip() for line in cells]


def _bytes(count: int) -> str:
    units = ("B", "kB", "MB", "GB")
    value, place = float(count), 0
    while value >= 999.5 and place < len(units) - 1:
        value, place = value / 1000, place + 1
    return f"{value:.0f} {units[place]}" if not place else f"{value:.1f} {units[place]}"


def _ago(seconds: float) -> str:
    for unit, noun in (("d", "day"), ("h", "hour"), ("m", "minute")):
        if seconds >= AGES[unit]:
            return f"{plural(int(seconds // AGES[unit]), noun)} ago"
    return "just now"
