"""Whether two evaluation logs can be compared: of one task, and judged by one rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import PairingError, UsageError
from flipcheck.matching import positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Given

JUDGES = ("filter", "scorer", "metric")
"""What decides, of all that can be picked; providers and prompts are what is compared."""


def check_used(given: Given, files: Sequence[bool]) -> None:
    """Raise UsageError for what says how files of predictions are read, of a side that is none.

    `files` says of the old and of the new side whether it is one.
    """
    old, new = given.old_spec.columns, given.new_spec.columns
    said: dict[str, tuple[Any, Any]] = {
        "format": (old.format, new.format),
        "pick": (old.pick or None, new.pick or None),
        "prediction": (old.prediction, new.prediction),
        "correct": (old.correct, new.correct),
    }
    for flag, values in said.items():
        shared = values[0] == values[1]
        for side, value, file in zip(("old", "new"), values, files, strict=True):
            if value is not None and not file and not (shared and any(files)):
                name = flag if shared else f"{side}-{flag}"
                raise UsageError(
                    f"--{name} is for saved predictions in a file, and the {side} side is none",
                    hint="leave it out",
                )


def check_alike(given: Given, old: Predictions, new: Predictions) -> list[str]:
    """A note where two logs are judged by different rules, and the user said so.

    Raises PairingError where nobody said it, and for samples of two tasks.
    """
    _check_tasks(old, new)
    notes = []
    said = {kind for spec in (given.old_spec, given.new_spec) for kind, _ in spec.columns.pick}
    for kind in JUDGES:
        one, other = ((each.facts.get("picked") or {}).get(kind) for each in (old, new))
        if one is None or other is None or one == other:
            continue
        told = f"{old.name} is judged by {kind} {one!r}, and {new.name} by {other!r}"
        if kind not in said and old.scores is None:
            raise PairingError(
                told,
                hint="judge both sides alike; if it is meant, say so with "
                f"--old-pick {kind}={one} --new-pick {kind}={other}",
            )
        notes.append(told)
    return notes


def _check_tasks(old: Predictions, new: Predictions) -> None:
    """Raise PairingError for samples of two tasks that share none."""
    one, other = (source.facts.get("task") for source in (old, new))
    if one is None or other is None or one == other:
        return
    if not (positions(old.ids, new.ids) >= 0).any():
        raise PairingError(
            f"{old.name} is of task {one!r}, and {new.name} of task {other!r}",
            hint="give samples of one task; where only the file name tells another (or none), "
            "name it with --old-pick task=NAME or --new-pick task=NAME",
        )
