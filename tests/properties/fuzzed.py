"""Random tables, how they are written, and what a naive reading says: nothing of flipcheck."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from pyarrow import feather, parquet

if TYPE_CHECKING:
    from pathlib import Path

LINES = ("csv", "tsv", "txt")
ARROW = ("parquet", "feather")
FORMATS = (*LINES, "jsonl", "json", *ARROW, "npz")
NASTY = (
    *(
        "",
        " ",
        "a b",
        "é",
        "\ufeff",
        "a,b",
        "a;b",
        "a|b",
        "a\tb",
        'a"b',
        '"',
        "a\nb",
        "a\r\nb",
        "\r",
    ),
    *("NA", "nan", "None", "null", "true", "True", "1", "1.0", "007", "-1", "1e3", "=1+1", "😀"),
    *("\0", "\x1b[31m", "\u2028", "\x85", "\x0b", "Infinity", "-0", "#", "'", "\\", "cat", "Cat"),
)


@dataclass(frozen=True)
class Written:
    """One side's table, and how it is written."""

    columns: dict[str, list[Any]]
    kind: str
    delimiter: str = ","
    line_end: str = "\n"
    quote_all: bool = False
    encoding: str = "utf-8"
    packed: str = ""
    pieces: int = 1
    text_kind: str = "string"


def texts() -> st.SearchStrategy[str]:
    """Text, most of it plain, some of it nasty."""
    plain = st.sampled_from(["cat", "dog", "newt", "x"])
    wild = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
    return st.one_of(plain, plain, st.sampled_from(NASTY), wild)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": texts(),
    "plain": st.sampled_from(["cat", "dog", "newt"]),
    "int": st.integers(-2, 3),
    "big": st.sampled_from([2**53, 2**53 + 1, 2**62, -(2**62), 2**63 - 1]),
    "float": st.sampled_from([0.0, -0.0, 1.0, 1.5, 0.1, 1e22, 2.0**60, -3.25]),
    "bool": st.booleans(),
    "date": st.dates().map(lambda day: day.replace(day=1)),
}


@st.composite
def sides(draw: Any) -> tuple[Written, Written]:
    """Two tables that speak of the same examples, nearly always."""
    size = draw(st.integers(1, 14))
    numbers = draw(st.permutations(range(size)))
    id_kind = draw(st.sampled_from(["int", "text", "x", "big"]))
    given = {
        "int": list(range(size)),
        "x": [f"x{row}" for row in range(size)],
        "big": [2**62 + row for row in range(size)],
    }
    ids = given.get(id_kind) or draw(
        st.lists(texts(), min_size=size, max_size=size, unique=draw(st.booleans()))
    )
    kind = draw(st.sampled_from(["plain", "plain", "plain", *VALUES]))
    pool = draw(st.lists(VALUES[kind], min_size=1, max_size=4))
    labels = draw(st.lists(st.sampled_from(pool), min_size=size, max_size=size))
    regions = draw(st.lists(st.sampled_from(["EU", "US", "", "a,b"]), min_size=size, max_size=size))

    def side() -> Written:
        maybe = st.one_of(st.sampled_from(pool), VALUES[kind])
        if draw(st.booleans()):
            maybe = st.one_of(maybe, st.none())
        changed = draw(st.lists(st.booleans(), min_size=size, max_size=size))
        answers = [
            draw(maybe) if each else label for each, label in zip(changed, labels, strict=True)
        ]
        rows = list(numbers) if draw(st.booleans()) else list(range(size))
        if draw(st.integers(0, 5)) == 0:
            rows = rows[: draw(st.integers(0, size))]
        if draw(st.integers(0, 8)) == 0:
            rows += rows[:1]
        kept = list(labels)
        if draw(st.integers(0, 5)) == 0:
            kept[0] = draw(st.one_of(st.none(), VALUES[kind]))
        as_text = draw(st.integers(0, 3)) == 0
        columns = {
            "id": [str(ids[row]) if as_text else ids[row] for row in rows],
            "label": [kept[row] for row in rows],
            "prediction": [answers[row] for row in rows],
            "region": [regions[row] for row in rows],
        }
        if draw(st.integers(0, 6)) == 0:
            del columns["label"]
        order = draw(st.permutations(list(columns)))
        return Written(
            {name: columns[name] for name in order},
            draw(st.sampled_from(FORMATS)),
            draw(st.sampled_from(",\t;|")),
            draw(st.sampled_from(["\n", "\r\n", "\r"])),
            draw(st.booleans()),
            draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1"])),
            draw(st.sampled_from(["", "", "gzip", "zstd"])),
            draw(st.sampled_from([1, 1, 1, 2, 3])),
            draw(st.sampled_from(["string", "large_string", "dictionary"])),
        )

    return side(), side()


# --- writing ---------------------------------------------------------------------------------


def write(given: Written, folder: Path) -> Path:
    """The file or the folder that a table is written to."""
    folder.mkdir()
    size = len(next(iter(given.columns.values())))
    if given.pieces == 1 or size < given.pieces:
        return _one(given, given.columns, folder, "0")
    for number, cut in enumerate(_pieces(given)):
        _one(given, cut, folder, str(number))
    return folder


def _pieces(given: Written) -> list[dict[str, list[Any]]]:
    """The columns of each file that a table is written into."""
    size = len(next(iter(given.columns.values())))
    step = -(-size // given.pieces) if pieces_of(given) else max(1, size)
    return [
        {name: values[start : start + step] for name, values in given.columns.items()}
        for start in range(0, max(1, size), step)
    ]


def pieces_of(given: Written) -> bool:
    """Whether a table is written into several files."""
    return given.pieces > 1 and len(next(iter(given.columns.values()))) >= given.pieces


def _one(given: Written, columns: dict[str, list[Any]], folder: Path, name: str) -> Path:
    path = folder / f"{name}.{given.kind}"
    if given.kind in ARROW:
        table = pa.table({each: _array(values, given) for each, values in columns.items()})
        (parquet.write_table if given.kind == "parquet" else feather.write_feather)(table, path)
    elif given.kind == "npz":
        names = {"id": "ids", "label": "labels", "prediction": "predictions"}
        arrays = {names.get(each, each): _numpy(values) for each, values in columns.items()}
        np.savez(path, **arrays)
    else:
        text = _lines(given, columns) if given.kind in LINES else _json(given, columns)
        data = text.encode(given.encoding, "replace")
        packers = {
            "gzip": gzip.compress,
            "zstd": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
        }
        path.write_bytes(packers.get(given.packed, bytes)(data))
    return path


def _array(values: list[Any], given: Written) -> Any:
    if not any(isinstance(value, str) for value in values):
        return pa.array(values)
    column = pa.array(
        values, pa.large_string() if given.text_kind == "large_string" else pa.string()
    )
    return column.dictionary_encode() if given.text_kind == "dictionary" else column


def _numpy(values: list[Any]) -> Any:
    if None in values:
        known = [value for value in values if value is not None]
        number = known and not any(
            isinstance(value, (str, bool)) or not _is_number(value) for value in known
        )
        values = [(math.nan if number else "") if value is None else value for value in values]
    if any(not _is_number(value) for value in values):
        values = [value if isinstance(value, str) else str(value) for value in values]
    return np.array(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _lines(given: Written, columns: dict[str, list[Any]]) -> str:
    delimiter = "\t" if given.kind == "tsv" else given.delimiter

    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        special = any(sign in text for sign in (delimiter, '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if special or given.quote_all else text

    rows = [list(columns), *zip(*columns.values(), strict=True)]
    return "".join(delimiter.join(map(cell, row)) + given.line_end for row in rows)


def _json(given: Written, columns: dict[str, list[Any]]) -> str:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if given.kind == "json":
        return json.dumps(rows, default=str, indent=1 if given.quote_all else None)
    return "".join(
        json.dumps(row, default=str, ensure_ascii=given.quote_all) + "\n" for row in rows
    )


# --- the naive reading -----------------------------------------------------------------------


def canonical(given: Written, name: str) -> list[str | None]:
    """What flipcheck promises that a column is, as text; each file is read by itself."""
    return [each for cut in _pieces(given) for each in _texts(cut[name], given.kind)]


def _texts(values: list[Any], kind: str) -> list[str | None]:
    if kind in LINES:
        return [None if value is None or str(value) == "" else str(value) for value in values]
    if kind == "npz":
        values = _numpy(values).tolist()
    return [_canonical(value) for value in values]


def _canonical(value: Any) -> str | None:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


@dataclass(frozen=True)
class Naive:
    """What dictionaries say: counts by id, or why the tables may be refused."""

    counts: dict[str, int]
    by: dict[str, dict[str, int]]
    excuses: tuple[str, ...]


def naive(old: Written, new: Written, *, allow_missing: bool) -> Naive:
    """Both tables, matched by id, example by example."""
    sides = [_read(old), _read(new)]
    excuses = [excuse for each in (old, new) for excuse in _excuses(each)]
    shared = [key for key in sides[0] if key in sides[1]]
    if set(sides[0]) != set(sides[1]) and not allow_missing:
        excuses.append("ids on one side")
    counts, by = dict.fromkeys(("rr", "rw", "wr", "ww"), 0), {}
    answers: list[tuple[str | None, str | None, str | None]] = []
    for key in shared:
        first, second = sides[0][key], sides[1][key]
        truths = {row["label"] for row in (first, second)} - {None}
        if len(truths) > 1:
            excuses.append("labels differ")
        if not truths:
            excuses += [] if allow_missing else ["no label"]
            continue
        truth = next(iter(truths))
        cell = "".join("r" if row["prediction"] == truth else "w" for row in (first, second))
        counts[cell] += 1
        part = by.setdefault(first["region"] or "", dict.fromkeys(counts, 0))
        part[cell] += 1
        answers.append((truth, first["prediction"], second["prediction"]))
        if first["region"] != second["region"]:
            excuses.append("regions differ")
    if not answers:
        excuses.append("nothing to compare")
    excuses += _vocabulary(answers)
    return Naive(counts, by, tuple(excuses))


def _read(given: Written) -> dict[str | None, dict[str, str | None]]:
    columns = {name: canonical(given, name) for name in given.columns}
    columns.setdefault("label", [None] * len(columns["id"]))
    rows = zip(*columns.values(), strict=True)
    return {row["id"]: row for row in (dict(zip(columns, row, strict=True)) for row in rows)}


def _excuses(given: Written) -> list[str]:
    """Why one table may be refused."""
    found = []
    ids = canonical(given, "id")
    found += ["no id"] if None in ids else []
    found += ["repeated id"] if len(set(ids)) < len(ids) else []
    found += ["empty"] if not ids else []
    every = [value for values in given.columns.values() for value in values]
    as_text = given.kind not in (*ARROW, "npz")
    if as_text and given.encoding not in {"utf-8", "utf-8-sig"}:
        found.append("encoding")
    if given.kind in LINES and any("\0" in str(value) for value in every):
        found.append("NUL in text")
    if given.kind in ARROW and any(hasattr(value, "isoformat") for value in every):
        found.append("dates are no labels")
    if given.kind == "npz" and any(
        isinstance(value, str) and value.endswith("\0") for value in every
    ):
        found.append("numpy drops NUL at the end of text")
    if pieces_of(given) and given.kind not in LINES:
        found.append("types of pieces may differ") if None in every else None
    return found


def _vocabulary(answers: list[tuple[str | None, str | None, str | None]]) -> list[str]:
    """Why answers may be refused: none is right, or some are labels written otherwise."""
    labels = {truth for truth, _, _ in answers}
    for place in (1, 2):
        said = {row[place] for row in answers} - {None}
        if said and not said & labels:
            return ["no answer is a label"]
        if not any(row[place] == row[0] for row in answers):
            return ["no answer is right"]
    return []
