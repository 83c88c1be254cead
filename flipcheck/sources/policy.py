"""The examples that must never break, and the waivers: a file or a Python sequence as values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError, listed, plural
from flipcheck.labels import as_text, to_arrow
from flipcheck.policy import CriticalExample, Listing, Policy, Waiver, noise_share
from flipcheck.predictions import Predictions
from flipcheck.sources.clock import told_time
from flipcheck.sources.files import file_kind, first_few, reason, sha256
from flipcheck.sources.saved.tables import column_of
from flipcheck.sources.spec import ID_NAMES
from flipcheck.sources.tables import open_table
from flipcheck.sources.tables.text import not_utf8

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.sources.tables import Table

CriticalIds = str | PathLike[str] | Iterable[Any]
WaiverRows = str | PathLike[str] | Iterable[Mapping[str, Any]]

WAIVER_COLUMNS = ("id", "reason", "owner", "expires")
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
WAIVERS_HINT = "a waiver has an id, a reason, an owner and the last day on which it holds"


@dataclass(frozen=True, slots=True)
class _Rows:
    """The texts of a file or sequence by column, "" where there is none, and each row's place."""

    name: str
    columns: Mapping[str, Sequence[str]]
    places: tuple[str, ...]
    source: str | None = None
    sha256: str | None = None

    def listing(self, entries: Iterable[Any]) -> Listing[Any]:
        return Listing(self.name, tuple(entries), self.places, self.source, self.sha256)

    def check(self, wrong: Iterable[Sequence[str]], hint: str) -> None:
        """Raise InputError where something is wrong with a row, for all rows at once."""
        rows = zip(self.places, wrong, strict=True)
        problems = [f"{place}: {problem}" for place, found in rows for problem in found]
        if problems:
            count = plural(len(problems), "problem")
            raise InputError(f"{self.name}: {count}", problems=first_few(problems), hint=hint)


def read_policy(
    critical: CriticalIds | None,
    waivers: WaiverRows | None,
    label_noise: str | float | None,
    id_column: str | None,
) -> Policy:
    """What the release is held to beside its gates. Raises FlipcheckError with all problems.

    Waivers are judged by today's date in UTC, or that of SOURCE_DATE_EPOCH.
    """
    share = None if label_noise is None else noise_share(label_noise)
    never = None if critical is None else _critical(critical, id_column)
    known = {each.id for each in never.entries} if never else set()
    accepted = None if waivers is None else _waivers(waivers, id_column, known, today())
    return Policy(never, accepted, share)


def today() -> date:
    """The day in UTC; that of SOURCE_DATE_EPOCH, where it is set, so that runs can be repeated."""
    return (told_time() or datetime.now(UTC)).date()


# --- what must never break -----------------------------------------------------------------


def _critical(given: CriticalIds, id_column: str | None) -> Listing[CriticalExample]:
    rows = _critical_rows(given, id_column)
    if not rows.places:
        raise InputError(
            f"{rows.name}: no ids in it, so that nothing would be checked",
            hint="name the critical examples, or leave --critical out",
        )
    ids, reasons = rows.columns["id"], rows.columns["reason"]
    rows.check(_id_problems(ids), "every critical example is named once")
    return rows.listing(map(CriticalExample, ids, reasons))


def _critical_rows(given: CriticalIds, id_column: str | None) -> _Rows:
    if not isinstance(given, (str, PathLike)):
        texts = _texts("critical", _sequence(given, "critical", "ids"))
        return _Rows("critical", {"id": texts, "reason": [""] * len(texts)}, _entries(texts))
    path = Path(given)
    lines = _lines(path)
    if lines is not None:
        table = open_table(path, "text") if lines else None
        if table is None or _id_of(table, id_column) is None:
            return _Rows(
                str(path),
                {"id": [text for _, text in lines], "reason": [""] * len(lines)},
                tuple(f"row {line:,}" for line, _ in lines),
                str(path),
                sha256(path),
            )
    return _from_table(_table(path), id_column, ("reason",), ())


def _lines(path: Path) -> list[tuple[int, str]] | None:
    """The lines of a text file that are not empty, each with its number; None for other files."""
    try:
        empty = path.is_file() and not path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from error
    if not empty and file_kind(path) != "text":
        return None
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error
    return [(line, text) for line, text in enumerate(lines, start=1) if text.strip()]


# --- what was accepted ---------------------------------------------------------------------


def _waivers(
    given: WaiverRows, id_column: str | None, critical: set[str], day: date
) -> Listing[Waiver]:
    rows = _waiver_rows(given, id_column)
    if not rows.places:
        raise InputError(f"{rows.name}: no waivers in it", hint="leave --waivers out")
    columns = [rows.columns[name] for name in WAIVER_COLUMNS]
    waivers = [Waiver(*texts) for texts in zip(*columns, strict=True)]
    ids = _id_problems(rows.columns["id"])
    rows.check(
        [[*wrong, *_wrong(each, critical, day)] for wrong, each in zip(ids, waivers, strict=True)],
        WAIVERS_HINT,
    )
    return rows.listing(waivers)


def _waiver_rows(given: WaiverRows, id_column: str | None) -> _Rows:
    if isinstance(given, (str, PathLike)):
        path = Path(given)
        if _lines(path) == []:
            raise InputError(f"{path}: no waivers in it", hint="leave --waivers out")
        return _from_table(_table(path), id_column, WAIVER_COLUMNS[1:], WAIVER_COLUMNS[1:])
    rows = _sequence(given, "waivers", "mappings")
    if not all(isinstance(row, Mapping) for row in rows):
        raise UsageError("waivers are mappings", hint=f"each has {', '.join(WAIVER_COLUMNS)}")
    texts = {name: [_cell(row.get(name)) for row in rows] for name in WAIVER_COLUMNS}
    return _Rows("waivers", texts, _entries(rows))


def _wrong(waiver: Waiver, critical: set[str], day: date) -> list[str]:
    """What is wrong with a waiver, but for its id."""
    wrong = [f"no {name}" for name in ("reason", "owner") if not getattr(waiver, name).strip()]
    if waiver.id in critical:
        wrong.append(f"{waiver.id!r} is a critical example, which nobody can waive")
    if not waiver.expires.strip():
        return [*wrong, "no day in 'expires'"]
    last = _day(waiver.expires)
    if last is None:
        return [*wrong, f"{waiver.expires!r} in 'expires' is no day: write it as 2026-12-31"]
    if last < day:
        owner = waiver.owner or "nobody"
        wrong.append(f"the waiver of {waiver.id!r} expired on {last} (owner: {owner}; now {day})")
    return wrong


def _day(text: str) -> date | None:
    """The day of a text like 2026-12-31; None for any other."""
    try:
        return date.fromisoformat(text) if ISO_DAY.fullmatch(text) else None
    except ValueError:
        return None


# --- rows ----------------------------------------------------------------------------------


def _id_problems(ids: Sequence[str]) -> list[list[str]]:
    """What is wrong with the id of each row: there is none, or it was named before."""
    seen: set[str] = set()
    problems = []
    for text in ids:
        again = [f"{text!r} once more"] if text in seen else []
        problems.append(again if text else ["no id"])
        seen.add(text)
    return problems


def _table(path: Path) -> Table:
    kind = file_kind(path)
    if kind in {"npz", "onnx", "folder"}:
        raise InputError(
            f"{path}: no table", hint="give a CSV, TSV, Parquet, Feather or JSONL file"
        )
    return open_table(path, kind)


def _id_of(table: Table, id_column: str | None) -> str | None:
    """The column of ids: the one that --id names, else the one of the usual names."""
    if id_column is not None and id_column in table.names:
        return id_column
    return table.first(ID_NAMES[:1]) or table.only(ID_NAMES[1:], "id", "--id")


def _from_table(
    table: Table, id_column: str | None, names: Sequence[str], needed: Sequence[str]
) -> _Rows:
    """The id and these columns of a table; one that is not needed may be missing."""
    found = {"id": _id_of(table, id_column), **{name: table.first([name]) for name in names}}
    missing = [name for name in ("id", *needed) if found[name] is None]
    if missing:
        raise InputError(
            f"{table.path}: no column {listed(missing)}",
            hint=f"columns there: {', '.join(table.names)}",
        )
    columns = {name: column for name, column in found.items() if column is not None}
    loaded = table.load(columns.values())
    texts = {
        name: _texts(column_of(table, column), loaded[column]) for name, column in columns.items()
    }
    size = len(texts["id"])
    texts |= {name: [""] * size for name in names if name not in texts}
    places = tuple(f"row {line:,}" for line in table.lines(range(size)))
    return _Rows(str(table.path), texts, places, str(table.path), sha256(table.path))


def _texts(what: str, column: Any) -> list[str]:
    """A column as texts, "" for nulls; days as 2026-12-31."""
    import pyarrow as pa

    try:
        values = to_arrow(column)
        if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
            values = values.cast(pa.date32(), safe=False).cast(pa.string())
        return [text or "" for text in as_text(values).to_pylist()]
    except InputError as error:
        raise InputError(f"{what}: {error.message}", hint=error.hint) from error


def _cell(value: Any) -> str:
    """A value of a mapping as text, "" for none and NaN."""
    return "" if value is None or value != value else str(value)  # noqa: PLR0124  (NaN)


def _sequence(given: Any, what: str, kind: str) -> list[Any]:
    if isinstance(given, (Mapping, Predictions)) or not isinstance(given, Iterable):
        raise UsageError(
            f"{what} is a {type(given).__name__}, neither a path nor a sequence of {kind}"
        )
    return list(given)


def _entries(rows: Sequence[Any]) -> tuple[str, ...]:
    return tuple(f"entry {number:,}" for number in range(1, len(rows) + 1))
