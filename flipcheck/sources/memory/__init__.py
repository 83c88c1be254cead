"""Answers and labels that are in memory: arrays, Series, lists; what they mean is never guessed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError
from flipcheck.predictions import Predictions, id_array
from flipcheck.slices import CLASS
from flipcheck.sources.memory.aligned import aligned, is_default
from flipcheck.sources.memory.answers import (
    as_labels,
    check_kinds,
    check_one_each,
    class_names,
    own_labels,
    read,
)
from flipcheck.sources.memory.columns import column, is_pandas, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flipcheck.predictions import Side

LABELS = "the labels"
SIDES: tuple[Side, Side] = ("old", "new")


def is_in_memory(source: object) -> bool:
    """Whether a source holds values by itself, and is no path and no Predictions."""
    if isinstance(source, (str, bytes, dict, set, frozenset, Predictions)):
        return False
    values = ("__array__", "__arrow_array__", "__arrow_c_stream__", "toarray")
    return isinstance(source, (list, tuple)) or any(hasattr(source, name) for name in values)


def no_column(side: str, source: object) -> UsageError:
    """What is wrong with a source of answers that is none in memory, beside labels that are."""
    hint = "give all three as columns: flipcheck.compare(old_answers, new_answers, labels)"
    if isinstance(source, (str, PathLike, Predictions)):
        hint = (
            "give all three as columns, or the labels with "
            "flipcheck.Predictions.from_arrays(answers, labels, ids=ids)"
        )
    elif hasattr(source, "predict"):
        hint = f"give what it answers: {side}.predict(X)"
    elif hasattr(source, "__iter__") and not hasattr(source, "keys"):
        hint = f"give list({side})"
    kind = type(source).__name__
    return UsageError(f"labels in an array, and {side} is no column but a {kind}", hint=hint)


def named_columns(by: Any) -> Any:
    """Columns to slice by with their names; a Series brings its own."""
    if is_pandas(by) and not is_table(by) and isinstance(by.name, str):
        return {by.name: by}
    return by


@dataclass(frozen=True, slots=True)
class InMemory:
    """Both sides as predictions, and the options that are left: names in place of columns."""

    old: Predictions
    new: Predictions
    options: dict[str, Any]


def in_memory(old: Any, new: Any, labels: Any, options: Mapping[str, Any]) -> InMemory:
    """Predictions of two columns of answers and one of labels, by their index or row by row.

    Raises FlipcheckError for what does not fit together.
    """
    if not is_in_memory(labels):
        raise UsageError(
            "answers in arrays need their labels in one",
            hint="give three: flipcheck.compare(old_answers, new_answers, labels)",
        )
    left, beside = _beside(options)
    given = {"old": old, "new": new, LABELS: labels}
    rows, index = aligned(
        {name: column(name, values) for name, values in {**given, **beside}.items()}
    )
    if not len(rows["old"]):
        raise InputError("no examples: the columns are empty", hint="give at least one answer")
    for name in beside:
        check_one_each(name, rows[name])
    check_one_each(LABELS, rows[LABELS])
    told = {
        name: values if is_table(values) else as_labels(name, values)
        for name, values in ((name, rows[name]) for name in given)
    }
    truth = own_labels(told[LABELS])
    answers = {side: read(side, told[side], told[LABELS], truth, left) for side in SIDES}
    check_kinds(told)
    columns = {
        name: own_labels(as_labels(f"column {name!r}", rows[key])) for name, key in _names(beside)
    }
    ids = rows.get("id", index)
    made = {
        side: Predictions.from_arrays(
            found.values,
            truth,
            ids=ids,
            confidence=found.confidence,
            columns=columns,
            weights=rows.get("weight"),
            name=side,
        )
        for side, found in answers.items()
    }
    if "id" not in rows and index is not None:
        left |= _numbered_alike(left.get("rerun"), index)
    return InMemory(made["old"], made["new"], left)


def _numbered_alike(rerun: Any, index: Any) -> dict[str, Any]:
    """Reruns without ids under a default index, which says the same as their row numbers."""
    given = [rerun] if isinstance(rerun, Predictions) else rerun
    if not isinstance(given, (list, tuple)) or not is_default(index):
        return {}
    ids = id_array(index, "rerun")
    return {
        "rerun": [
            replace(each, ids=ids, rows=False)
            if isinstance(each, Predictions) and each.rows and len(each) == len(ids)
            else each
            for each in given
        ]
    }


def _beside(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options with names in place of columns, and the columns, by what they are for."""
    left: dict[str, Any] = dict(options)
    found: dict[str, Any] = {}
    by: Any = named_columns(left.get("by"))
    if hasattr(by, "items"):  # a mapping or a DataFrame
        left["by"] = [str(name) for name in by]
        _check_names(left["by"])
        found = {f"by {name}": values for name, values in by.items()}
    for name in ("classes", "old_classes", "new_classes"):
        if left.get(name) is not None and not isinstance(left[name], str):
            left[name] = class_names(left[name])
    for name in ("cluster", "weight", "id"):
        if is_in_memory(left.get(name)):
            found[name] = left.pop(name)
    if "cluster" in found:
        if "by cluster" in found:
            raise UsageError(
                "a column 'cluster' to slice by, and cluster=", hint="rename the column"
            )
        left["cluster"] = "cluster"
    return left, found


def _check_names(names: list[str]) -> None:
    """Raise UsageError for columns to slice by that others would be taken for."""
    if CLASS in names:
        raise UsageError(
            f"a column {CLASS!r} to slice by, which is what slices by the true label are called",
            hint="rename the column",
        )
    if len(set(names)) < len(names):
        raise UsageError(
            f"several columns of one name to slice by: {', '.join(names)}", hint="rename them"
        )


def _names(beside: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The columns to slice or cluster by: their names, and what they are kept under."""
    return [(key.removeprefix("by "), key) for key in beside if key not in {"weight", "id"}]
