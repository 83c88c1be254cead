"""What a column of answers means: classes, or scores of classes of which the largest counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError, listed
from flipcheck.labels import Labels, as_text, is_whole, to_arrow
from flipcheck.sources.memory.columns import is_pandas, is_table
from flipcheck.sources.names import class_list, given_classes
from flipcheck.sources.saved.values import largest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer for each example, and how sure it is where that is known."""

    values: Labels
    confidence: NDArray[np.float32] | None = None


def read(side: str, values: Any, labels: Any, truth: Labels, options: dict[str, Any]) -> Answers:
    """The answers of one side, from a column of pyarrow or a table of scores.

    Raises FlipcheckError for scores of classes without names.
    """
    if not is_table(values):
        found = own_labels(values)
        _check_fractions(side, values, found, truth)
        return Answers(found)
    table = _numbers(side, values)
    names = _classes(side, values, labels, truth, options)
    if len(names) != table.shape[1]:
        raise UsageError(
            f"{side}: {table.shape[1]} columns of scores, and {len(names)} classes",
            hint=f"the classes: {listed(names)}; name them in the order of the columns",
        )
    return Answers(*largest(side, table, names, lambda rows: [row + 1 for row in rows]))


def as_labels(what: str, values: Any) -> Any:
    """A column of labels as pyarrow has it. Raises InputError that names the column."""
    check_one_each(what, values)
    try:
        found = to_arrow(values)
        Labels.of(found[:0])  # which raises for what holds no labels
    except InputError as error:
        raise InputError(f"{what}: {error.message}", hint=error.hint) from error
    return found


def own_labels(column: Any) -> Labels:
    """The labels of a column of pyarrow, which share nothing with the array it was made of."""
    found = Labels.of(column)
    return found if found.codes.flags.owndata else replace(found, codes=found.codes.copy())


def check_one_each(what: str, values: Any) -> None:
    """Raise InputError for a table where one value for each example should be."""
    if is_table(values):
        raise InputError(
            f"{what}: a table of shape {tuple(values.shape)}",
            hint="give one for each example; of a table with a 1 for its class, .argmax(axis=1)",
        )


def check_kinds(columns: dict[str, Any]) -> None:
    """Raise InputError for truth values beside numbers: True is not 1, whichever was meant."""
    import pyarrow as pa

    kinds: dict[str, str] = {}
    for name, values in columns.items():
        kind = None if is_table(values) else as_labels(name, values).type
        kind = kind.value_type if kind is not None and pa.types.is_dictionary(kind) else kind
        if kind is not None and pa.types.is_boolean(kind):
            kinds.setdefault("true and false", name)
        elif kind is not None and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            kinds.setdefault("numbers", name)
    if len(kinds) > 1:
        told = ", ".join(f"{name} has {kind}" for kind, name in kinds.items())
        raise InputError(
            f"answers and labels of different kinds: {told}",
            hint="write them alike, as with .astype(int)",
        )


def _check_fractions(side: str, values: Any, found: Labels, truth: Labels) -> None:
    """Raise InputError for scores in place of answers."""
    import pyarrow as pa

    if not pa.types.is_floating(values.type):
        return
    known = {*truth.names}
    odd = [name for name in found.names if not is_whole(name) and name not in known]
    if odd:
        raise InputError(
            f"{side}: fractions that are no label: {listed(odd)}",
            hint="scores are no answers: cut them first, as in (scores >= 0.5), or give a table "
            "with one score for each class",
        )


def _numbers(side: str, values: Any) -> NDArray[Any]:
    """A table of scores as floats."""
    import numpy as np

    table = np.asarray(values)
    if table.dtype.kind != "f":
        raise InputError(
            f"{side}: a table of {table.dtype}, and not of scores",
            hint="give one answer for each example, or a floating-point score for each class",
        )
    return table.astype(np.float64)


def _classes(
    side: str, values: Any, labels: Any, truth: Labels, options: dict[str, Any]
) -> tuple[str, ...]:
    """What the columns of a table of scores are called, which is left among the options."""
    asked = options.get(f"{side}_classes")
    asked = options.get("classes") if asked is None else asked
    named = _column_names(values)
    if asked is not None:
        names = class_list(asked) if isinstance(asked, str) else given_classes(asked)
        if named is not None and names != named:
            raise UsageError(
                f"{side}: its columns are {listed(named)}, and the classes {listed(names)}",
                hint="leave classes out, or give .to_numpy()",
            )
        return names
    if named is not None:
        options[f"{side}_classes"] = list(named)
        return named
    return _places(side, labels, truth, values.shape[1])


def class_names(values: Any) -> list[str]:
    """Classes as texts, written as labels are: 1.0 in an array of numbers is "1"."""
    names = as_text(as_labels("classes", [*values])).to_pylist()
    if None in names:
        raise UsageError("classes: one has no name", hint="name every column of scores")
    return [str(name) for name in names]


def _column_names(values: Any) -> tuple[str, ...] | None:
    """The columns of a DataFrame, where they are more than 0, 1, 2 …"""
    if not is_pandas(values) or [*values.columns] == [*range(values.shape[1])]:
        return None
    return given_classes(values.columns)


def _places(side: str, labels: Any, truth: Labels, width: int) -> tuple[str, ...]:
    """The classes 0, 1, 2 …, where the labels are such numbers. Raises UsageError where not."""
    import pyarrow as pa

    used = truth.used()
    names = tuple(map(str, range(width)))
    numbers = pa.types.is_integer(labels.type) or pa.types.is_floating(labels.type)
    if not numbers or not {*used} <= {*names} or names[0] not in used:
        raise UsageError(
            f"{side}: {width} columns of scores, and the labels {listed(used)} do not say which "
            "column is which class",
            hint="name the columns in their order: classes=model.classes_, or classes=range(C) "
            "for the labels 0, 1, 2 …",
        )
    return names
