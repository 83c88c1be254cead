"""Evaluation logs and saved predictions as other tools write them, each by a small reader.

A format is recognised by what a file holds; where two fit, or none should, `--format` says which.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flipcheck.errors import InputError, UsageError, nearest
from flipcheck.sources.files import file_kind
from flipcheck.sources.logs import (
    evals,
    huggingface,
    inspect,
    lighteval,
    lm_eval,
    promptfoo,
    timm,
    wandb,
)
from flipcheck.sources.logs.peek import Peek
from flipcheck.sources.logs.picks import Picks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns

TABLE = "table"
"""The format of everything that is no log: a table, or arrays."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it is called in words, how it is told and read, and what may be picked."""

    told: str
    fits: Callable[[Peek], bool]
    read: Callable[[Peek, Columns, Picks], Predictions]
    picks: tuple[str, ...] = ()
    columns: bool = False
    """Whether its columns can be named with --id, --label, --prediction and --correct."""


FORMATS: dict[str, Format] = {
    "lm-eval": Format("lm-evaluation-harness", lm_eval.fits, lm_eval.read, lm_eval.PICKS),
    "inspect": Format("inspect_ai", inspect.fits, inspect.read, inspect.PICKS),
    "promptfoo": Format("promptfoo", promptfoo.fits, promptfoo.read, promptfoo.PICKS),
    "evals": Format("openai/evals", evals.fits, evals.read, evals.PICKS),
    "lighteval": Format("lighteval", lighteval.fits, lighteval.read, lighteval.PICKS),
    "timm": Format("timm", timm.fits, timm.read, columns=True),
    "hf": Format("Hugging Face predictions", huggingface.fits, huggingface.read, columns=True),
    "wandb": Format("W&B tables", wandb.fits, wandb.read, columns=True),
}


def check_format(name: str | None, flag: str = "--format") -> None:
    """Raise UsageError for a format that is not known, and list those that are."""
    known = (*FORMATS, TABLE)
    if name is not None and name not in known:
        hint = nearest(name, known)
        there = f"there are: {', '.join(known)}"
        raise UsageError(
            f"{flag} {name}: no such format",
            hint=hint if hint == there else f"{hint} ({there})",
        )


def read_log(path: Path, columns: Columns) -> Predictions | None:
    """The predictions of an evaluation log; None where the path is a plain table or array."""
    check_format(columns.format)
    peek = Peek(path, file_kind(path))
    name = columns.format or recognised(peek, columns)
    if name is None or name == TABLE:
        if columns.pick:
            raise UsageError(
                f"--pick {columns.pick[0][0]}: {path} is a table, which has no choice of that",
                hint="where the other side is the log, say --old-pick or --new-pick; columns of a "
                "table are named with --prediction and --correct; or the file is a log of "
                f"another version: {', '.join(FORMATS)} are read (--format)",
            )
        return None
    chosen = FORMATS[name]
    _check_cut(path, chosen.told, columns)
    picks = Picks(dict(columns.pick))
    picks.check(path, chosen.told, chosen.picks)
    _check_asked(peek, columns)
    try:
        found = chosen.read(peek, columns, picks)
    except RecursionError as error:
        raise InputError(
            f"{path}: values nested without end", hint="the file is damaged, or made to harm"
        ) from error
    notes = [] if chosen.columns else _unused(path, chosen.told, columns)
    return replace(found, warnings=(*found.warnings, *notes))


def _check_cut(path: Path, told: str, columns: Columns) -> None:
    """Raise UsageError for a cut that a log has no use for."""
    task = columns.task
    for flag, value in {"--probability": task.probability, "--threshold": task.threshold}.items():
        if value is not None:
            raise UsageError(
                f"{flag} is for models and tables, and {path} is a log of {told}",
                hint="name the side, as in --new-threshold, or leave it out",
            )


def _check_asked(peek: Peek, columns: Columns) -> None:
    """Raise UsageError where a format was asked for, and the file is plainly of another one."""
    name = columns.format
    if name is None or FORMATS[name].fits(peek):
        return
    fitting = [other for other, each in FORMATS.items() if each.fits(peek)]
    if fitting:
        raise UsageError(
            f"--format {name}: {peek.path} is of format {' or '.join(fitting)}",
            hint="leave --format out, or say it for one side with --old-format or --new-format",
        )


def is_log(path: Path, columns: Columns) -> bool:
    """Whether `read_log` reads a file, so that it is no plain table and no array."""
    name = columns.format or recognised(Peek(path, file_kind(path)), columns)
    return name is not None and name != TABLE


def read_log_labels(path: Path, columns: Columns) -> Predictions | None:
    """The labels of a table that only logs can hold; None where the path is a plain table."""
    peek = Peek(path, file_kind(path))
    return wandb.labels(peek, columns) if peek.kind == "jsonl" and wandb.fits(peek) else None


def recognised(peek: Peek, columns: Columns) -> str | None:
    """The format of a file; None for a table. Raises InputError where two formats fit."""
    if peek.kind in {"folder", "onnx", "feather"}:
        return None
    fitting = [name for name, each in FORMATS.items() if each.fits(peek)]
    if len(fitting) > 1:
        raise InputError(
            f"{peek.path}: it could be of format {' or '.join(fitting)}",
            hint=f"say which with --format {fitting[0]} (--old-format, --new-format for one side)",
        )
    if fitting == ["timm"] and timm.is_plain(peek, columns):
        return None
    return fitting[0] if fitting else None


def _unused(path: Path, told: str, columns: Columns) -> list[str]:
    """A warning for column names that a log has no use for."""
    named = {
        "--id": columns.id,
        "--label": columns.label,
        "--prediction": columns.prediction,
        "--correct": columns.correct,
    }
    flags = [flag for flag, name in named.items() if name is not None]
    if not flags:
        return []
    return [f"{path}: a log of {told}, for which {' and '.join(flags)} was not needed"]
