"""What a shell may complete: metrics, gates, choices, and the columns of files on the line.

A completion is quick, prints nothing of its own, and never fails. Names of columns come from files
and are given to a shell, so that only plain ones are: what a shell could take for anything but
text is not offered.
"""

from __future__ import annotations

import csv
import json
import os
import re
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Offered = list[tuple[str, str]]
"""Values and what they mean."""

HEAD = 1 << 16
"""How many bytes of a file are read for its header."""
MOST = 200
"""How many columns are offered."""
PLAIN = re.compile(r"\w[\w.\-/]{0,99}")
TEXT_COLUMNS = {".csv": ",", ".tsv": "\t"}
LIMITS = {
    "proportion": "1%",
    "difference": "0.2%",
    "excess": "0.5%",
    "count": "0",
    "score": "0.02",
    "score change": "-0.01",
    "mean score": "0.7",
}
"""A usual limit by the kind of a metric; 95% for what should be large."""
DECIDED = re.compile(r"(\S+\s*(?:<=|>=|<|>)\s*\S+)\s+\w*\s*\S*")
RESERVED = re.compile(r"[^\w%.,/+\-]")


class Shown(str):
    """A value that bash puts on its line as it is printed, and so with its signs escaped."""

    __slots__ = ()

    def __format__(self, _spec: str) -> str:
        return RESERVED.sub(r"\\\g<0>", self) if _in_plain_bash() else str(self)


def _in_plain_bash() -> bool:
    """Whether bash asks, and the word is not in quotes, which escape by themselves."""
    if os.environ.get("_FLIPCHECK_COMPLETE") != "complete_bash":
        return False
    words, at = os.environ.get("COMP_WORDS", ""), os.environ.get("COMP_CWORD", "")
    line = words.split("\n")
    place = int(at) if at.isdigit() else len(line)
    return not (place < len(line) and line[place].startswith(("'", '"')))


def _safe(complete: Callable[[Any, str], Iterable[tuple[str, str]]]) -> Callable[..., Offered]:
    """A completion that offers nothing where it fails."""

    @wraps(complete)
    def completed(ctx: Any, incomplete: str) -> Offered:
        try:
            return [(Shown(value), told) for value, told in complete(ctx, incomplete)]
        except Exception:  # noqa: BLE001  (a shell's line is no place for an error)
            return []

    del completed.__wrapped__  # whose annotations are not what the shell gives
    return completed


def usual_limit(metric: Any) -> tuple[str, str]:
    """The operator and a limit of a gate on a metric, as an example."""
    if metric.better == "higher" and metric.kind == "proportion":
        return ">=", "95%"
    return (">=" if metric.better == "higher" else "<="), LIMITS.get(metric.kind, "0.5")


@_safe
def _metrics(_ctx: Any, _incomplete: str) -> Offered:
    from flipcheck.metrics import CRITICAL, METRICS

    return [
        (name, each.abbreviation) for name, each in (METRICS | {CRITICAL.name: CRITICAL}).items()
    ]


@_safe
def _gates(ctx: Any, incomplete: str) -> Offered:
    """Every metric with a usual limit; after a limit, the slices that it may hold for."""
    from flipcheck.metrics import METRICS

    decided = DECIDED.fullmatch(incomplete)
    if decided:
        columns = ["class", *_columns_of(ctx)]
        return [
            (f"{decided[1]} {word} {column}{sign}", "")
            for word, sign in (("by", ""), ("where", "="))
            for column in columns
        ]
    return [
        (f"{name} {' '.join(usual_limit(each))}", each.abbreviation)
        for name, each in METRICS.items()
    ]


@_safe
def _columns(ctx: Any, incomplete: str) -> Offered:
    """The columns of the files on the line; after "A," those for a second."""
    before = incomplete.rpartition(",")[0]
    start = f"{before}," if before else ""
    return [(start + name, "") for name in _columns_of(ctx) if name not in before.split(",")]


def _choices(values: Sequence[str], *, several: bool = False) -> Callable[..., Offered]:
    """Values of a list; with `several` any number of them, joined by commas."""

    @_safe
    def complete(_ctx: Any, incomplete: str) -> Offered:
        before = incomplete.rpartition(",")[0] if several else ""
        start = f"{before}," if before else ""
        return [(start + value, "") for value in values if value not in before.split(",")]

    return complete


def _columns_of(ctx: Any) -> list[str]:
    """The columns of the sources on the line that have plain names.

    They are arguments yet, where the last option on the line still has no value.
    """
    found: dict[str, None] = {}
    named = [ctx.params.get(name) for name in ("old", "new", "data", "model", "labels")]
    for each in (*named, *ctx.args):
        path = Path(str(each or ""))
        if path.is_file():
            found |= dict.fromkeys(name for name in _header(path) if PLAIN.fullmatch(name))
    return list(found)[:MOST]


def _header(path: Path) -> list[str]:
    """The columns of one file, from its first bytes; none of what has none."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        from pyarrow import parquet

        return list(parquet.read_schema(path).names)
    with path.open("rb") as file:
        line, _, _ = file.read(HEAD).decode("utf-8-sig", "replace").partition("\n")
    if suffix in TEXT_COLUMNS:
        return next(csv.reader([line], delimiter=TEXT_COLUMNS[suffix]), [])
    return [str(key) for key in json.loads(line)] if suffix == ".jsonl" else []


COMPLETIONS: dict[str, Callable[..., Offered]] = {
    "--gate": _gates,
    "--max-nfr": _choices(("0.5%", "1%", "2%", "5%")),
    "--max-error-increase": _choices(("0%", "0.2%", "0.5%", "1%")),
    "--provider": _choices(("cpu", "cuda", "tensorrt", "coreml", "openvino", "dml")),
    "--normalise": _choices(
        (
            *("strip", "spaces", "case", "punctuation", "articles", "accents", "unicode"),
            *("number", "squad"),
        ),
        several=True,
    ),
    "--format": _choices(
        (
            *("lm-eval", "inspect", "promptfoo", "evals", "lighteval", "timm", "hf", "wandb"),
            "table",
        )
    ),
    "--pick": _choices(("filter=", "metric=", "task=", "scorer=", "provider=", "prompt=")),
    "METRIC": _metrics,
    "COLUMN": _columns,
}
"""Completions by the option they are for, or by what its help says that it takes."""
for _other in ("old", "new"):
    COMPLETIONS |= {f"--{_other}-{name}": COMPLETIONS[f"--{name}"] for name in ("format", "pick")}
