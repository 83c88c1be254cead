"""Cost matrices: what it costs to answer one thing where another was right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError
from flipcheck.predictions import LARGEST
from flipcheck.sources.files import file_kind, sha256
from flipcheck.sources.saved.values import as_labels, as_numbers
from flipcheck.sources.tables import open_table

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("old", "new", "cost")
HINT = 'a table with the columns old, new and cost, or a JSON object {"cat": {"dog": 5, "*": 1}}'


def read_costs(path: Path) -> tuple[dict[tuple[str, str], float], str]:
    """The cost of each pair of answers in a file, and the digest of it.

    Raises InputError for what is no cost matrix: all problems of the file at once.
    """
    if not path.is_file():
        raise InputError(f"{path}: not a file", hint=f"give {HINT}")
    pairs = _from_json(path) if path.suffix.lower() == ".json" else _from_table(path)
    costs: dict[tuple[str, str], float] = {}
    problems = []
    for place, pair, cost in pairs:
        if not isinstance(cost, (int, float)) or isinstance(cost, bool) or not 0 <= cost <= LARGEST:
            problems.append(f"{place}: {cost!r} is no finite number from 0")
        elif pair in costs:
            problems.append(f"{place}: {pair[0]!r} → {pair[1]!r} stands there twice")
        else:
            costs[pair] = float(cost)
    if problems or not costs:
        shown = problems[:SHOWN] or ["it has no costs"]
        more = [f"and {len(problems) - SHOWN:,} more"] if len(problems) > SHOWN else []
        raise InputError(
            f"{path}: not a cost matrix", problems=[*shown, *more], hint=f"give {HINT}"
        )
    return costs, sha256(path)


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object, with those that stand there twice."""


def _from_json(path: Path) -> list[tuple[str, tuple[str, str], Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        written = json.loads(text, object_pairs_hook=_Pairs)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}", hint=f"give {HINT}") from error
    if not isinstance(written, _Pairs) or not all(isinstance(row, _Pairs) for _, row in written):
        raise InputError(f"{path}: not a cost matrix", hint=f"give {HINT}")
    return [(f"{old!r}", (old, new), cost) for old, row in written for new, cost in row]


def _from_table(path: Path) -> list[tuple[str, tuple[str, str], Any]]:
    table = open_table(path, file_kind(path))
    table.require(list(COLUMNS), "--costs")
    loaded = table.load(list(COLUMNS))
    old, new = (as_labels(f"{path}: column {name!r}", loaded[name]) for name in COLUMNS[:2])
    if old.missing or new.missing:
        raise InputError(f"{path}: rows without an answer", hint="* stands for any answer")
    numbers = as_numbers(f"{path}: column 'cost'", loaded["cost"], table.lines)
    rows = zip(old.texts(), new.texts(), numbers.tolist(), strict=True)
    return [
        (f"row {line:,}", (str(one), str(two)), cost)
        for line, (one, two, cost) in zip(table.lines(range(len(old))), rows, strict=True)
    ]
