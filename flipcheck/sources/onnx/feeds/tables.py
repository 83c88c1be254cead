"""Columns of a table as the inputs of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, UsageError, listed
from flipcheck.sources.onnx.feeds.base import CONSTANT, Feeder, Feeds, whole
from flipcheck.sources.onnx.feeds.columns import by_name, text_columns
from flipcheck.sources.onnx.model import Model, Port, numeric
from flipcheck.sources.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from flipcheck.sources.datasets import Batch, Dataset
    from flipcheck.sources.spec import SideSpec

ROWS = 1024
NAMED = 20
"""Up to so many columns are all named where their number does not fit."""
TRUTHS = {
    **dict.fromkeys(("true", "1", "1.0"), True),
    **dict.fromkeys(("false", "0", "0.0"), False),
}
"""What a text table says of truth values."""


def table_feeder(model: Model, tests: Dataset, spec: SideSpec) -> Feeder:
    """How a table feeds a model: a column for each input, or features in order for the only one."""
    import numpy as np

    if spec.preprocess:
        raise UsageError("--preprocess is for images and arrays, not for tables")
    chosen = _columns_by_input(model, tests, spec)
    for port, columns in chosen.items():
        _check_width(model, port, columns)

    def feeds(parts: Batch) -> Feeds:
        made = {}
        for port, columns in chosen.items():
            values = np.stack([parts[name] for name in columns], axis=1)
            made[port.name] = _typed(model, port, values if len(port.shape) != 1 else values[:, 0])
        return made

    needs = {name: numeric(port).kind in "Ob" for port, names in chosen.items() for name in names}
    told = {"input": ", ".join(map(str, chosen)), "features": list(needs)}
    return Feeder(needs, feeds, ROWS, Preprocess(), told, _warnings(model, tests, list(needs)))


def _warnings(model: Model, tests: Dataset, columns: Sequence[str]) -> tuple[str, ...]:
    """A warning for a model that is fed what it should not know."""
    seen = [name for name in columns if name in tests.reserved]
    if not seen:
        return ()
    return (
        f"{model.path}: it is fed {listed(seen)}, the label, id, weight or cluster of the data",
    )


def _columns_by_input(model: Model, tests: Dataset, spec: SideSpec) -> dict[Port, tuple[str, ...]]:
    names = [port.name for port in model.inputs]
    found = by_name(names, tests.columns_there)
    named = len(found) == len(names)
    if spec.text is not None or not named:
        text = _text_column(model, tests, spec)
        if text is not None:
            return {model.inputs[0]: text}
    wide = len(model.inputs) == 1 and (_width(model.inputs[0]) or 1) > 1
    if len(model.inputs) == 1 and (wide or spec.features is not None or not named):
        return {model.inputs[0]: _features(model, model.inputs[0], tests, spec)}
    if spec.features is not None:
        raise UsageError(
            f"--features is for a model of one input, and {model.path} has {len(model.inputs)}",
            hint="name each column as its input",
        )
    if not named:
        lacks = listed(sorted(set(names) - set(found)))
        raise ModelError(
            f"{tests.source}: no column for the input {lacks} of {model.path}",
            hint=f"name each column as its input; {CONSTANT}; columns there: "
            + ", ".join(tests.columns_there),
        )
    return {port: (found[port.name],) for port in model.inputs}


def _text_column(model: Model, tests: Dataset, spec: SideSpec) -> tuple[str, ...] | None:
    """The column for a model whose only input is one text; None where it is another model."""
    port = model.inputs[0]
    if spec.text is not None and spec.features is not None:
        raise UsageError(
            f"--text and --features both name the columns of {model.path}", hint="give one of them"
        )
    if len(model.inputs) == 1 and numeric(port).kind == "O" and _width(port) in {None, 1}:
        if spec.text is not None or (spec.features is None and _width(port) == 1):
            return text_columns(tests, spec) or None
    elif spec.text is not None:
        raise UsageError(
            f"{model.path} takes no text: its inputs are {', '.join(map(str, model.inputs))}",
            hint="leave --text out; --features names columns of numbers",
        )
    return None


def _features(model: Model, port: Port, tests: Dataset, spec: SideSpec) -> tuple[str, ...]:
    """The columns of a model's only input, in the order of the file."""
    if spec.features is not None:
        missing = [name for name in spec.features if name not in tests.columns_there]
        if missing:
            raise UsageError(
                f"{tests.source}: no column {listed(missing)} (--features)",
                hint=f"columns there: {', '.join(tests.columns_there)}",
            )
        return spec.features
    width = _width(port)
    rest = tuple(name for name in tests.columns_there if name not in tests.reserved)
    without = tuple(name for name in rest if name not in tests.columns)
    if width is None and rest != without:
        raise UsageError(
            f"{model.path}: its input {port} does not say how many features it takes, and "
            f"{listed(tests.columns)} may be one, or not",
            hint="name the features in the model's order with --features",
        )
    for names in (rest, without):
        if names and width in {None, len(names)}:
            return names
    columns = ", ".join(without) if len(without) <= NAMED else listed(without)
    raise ModelError(
        f"{tests.source}: {len(without)} columns of features, but the input {port} of "
        f"{model.path} takes {width or 'at least one'}",
        hint="what is no feature is left out by saying what it is (--id, --label, --by), or name "
        f"the features in the model's order with --features; the columns: {columns}",
    )


def _width(port: Port) -> int | None:
    """How many columns an input takes; None where it does not say."""
    if not port.shape:
        return None
    return port.shape[1] if len(port.shape) == 2 else 1


def _check_width(model: Model, port: Port, columns: tuple[str, ...]) -> None:
    if len(port.shape) > 2 or _width(port) not in {None, len(columns)}:
        raise ModelError(
            f"{model.path}: {len(columns)} columns do not fit the input {port}",
            hint="give the data as .npz with one array for each input",
        )


def _typed(model: Model, port: Port, values: NDArray[Any]) -> NDArray[Any]:
    """A batch of columns as the type of the input."""
    wanted = numeric(port)
    if wanted.kind == "O":
        if values.dtype.kind == "f":
            raise ModelError(
                f"{model.path}: fractions in the columns of the input {port}, which takes text",
                hint="save them as text, written as the model was trained on them",
            )
        return values.astype(str).astype(object)
    if wanted.kind == "b" and values.dtype.kind not in "biuf":
        return _truths(model, port, values)
    if values.dtype.kind not in "biuf":
        raise ModelError(
            f"{model.path}: text in the columns of the input {port}",
            hint="name the numeric columns with --features, or encode the text as the model does",
        )
    return whole(model, port, values)


def _truths(model: Model, port: Port, values: NDArray[Any]) -> NDArray[Any]:
    """The truth values that texts say, as programs write them."""
    import numpy as np

    words, where = np.unique(values.astype(str), return_inverse=True)
    odd = [word for word in words.tolist() if word.lower() not in TRUTHS]
    if odd:
        raise ModelError(
            f"{model.path}: {listed(odd)} in the columns of the input {port}, which takes true and "
            "false",
            hint="write true or false, or 1 or 0",
        )
    said = np.array([TRUTHS[word.lower()] for word in words.tolist()], np.bool_)
    return said[where].reshape(values.shape)
