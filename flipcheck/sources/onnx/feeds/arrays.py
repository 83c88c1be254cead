"""Arrays of an NPZ archive as the inputs of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, UsageError, listed
from flipcheck.sources.onnx.feeds.base import (
    CONSTANT,
    Feeder,
    Feeds,
    batch_of,
    check_fractions,
    whole,
)
from flipcheck.sources.onnx.feeds.columns import by_name
from flipcheck.sources.onnx.model import Model, Port, numeric
from flipcheck.sources.preprocess import Preprocess, find_preprocess, normalised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.datasets import Batch, Dataset
    from flipcheck.sources.spec import SideSpec

TABLE_ROWS, TABLE_BYTES = 1024, 16 << 20
"""How many rows of a two-dimensional array a batch has, and how much it may hold."""
AXES = {"NCHW": 1, "NHWC": -1, "NHW": None}


def array_feeder(model: Model, tests: Dataset, spec: SideSpec) -> Feeder:
    """How arrays feed a model: as they are, but for a scale, mean and std that were asked for."""
    steps = find_preprocess(spec.preprocess, model.path) if spec.preprocess else Preprocess()
    if steps.changes_images:
        raise UsageError(
            "resize, crop and channels are for images; arrays go in as they are",
            hint="scale, mean, std and layout work on arrays",
        )
    chosen = _arrays_by_input(model, tests)
    for port, name in chosen.items():
        _check_array(model, port, name, *tests.shapes[name])
        check_fractions(model, port, steps)
    axes = {port: _channel_axis(model, port, steps) for port in chosen}

    def feeds(parts: Batch) -> Feeds:
        return {
            port.name: _fed(model, port, parts[name], steps, axes[port])
            for port, name in chosen.items()
        }

    return Feeder(
        needs=dict.fromkeys(chosen.values(), False),
        feeds=feeds,
        batch=_batch(tests, list(chosen.values())),
        steps=steps,
        told={"input": ", ".join(map(str, chosen)), "preprocess": steps.told()},
        warnings=_warnings(model, tests, chosen, spec),
    )


def _fed(
    model: Model, port: Port, values: NDArray[Any], steps: Preprocess, axis: int | None
) -> NDArray[Any]:
    if numeric(port).kind in "iub" or (numeric(port).kind == "f" and not steps.changes_values):
        return whole(model, port, values)
    return normalised(values, steps, axis, numeric(port))


def _warnings(
    model: Model, tests: Dataset, chosen: dict[Port, str], spec: SideSpec
) -> tuple[str, ...]:
    """A warning for arrays that look like pixels and go in unscaled."""
    return tuple(
        f"{model.path}: {name!r} holds whole numbers ({tests.shapes[name][1]}) and goes into a "
        "float input unscaled; say --preprocess scale=1/255 if it holds pixels"
        for port, name in chosen.items()
        if tests.shapes[name][1].kind in "iu"
        and numeric(port).kind == "f"
        and len(port.shape) > 2
        and not spec.preprocess
    )


def _channel_axis(model: Model, port: Port, steps: Preprocess) -> int | None:
    """The axis along which mean and std have a value each; None where they have one in all."""
    count = max(len(steps.mean), len(steps.std))
    if count < 2:
        return None
    axis = AXES[steps.layout or "NCHW"]
    if len(port.shape) == 4 and axis is not None and port.shape[axis] in {None, count}:
        return axis
    raise ModelError(
        f"{model.path}: {count} values of mean or std for the input {port}",
        hint="give one value, or one for each channel and where the channels are: layout=NHWC",
    )


def _batch(tests: Dataset, names: list[str]) -> int:
    """1,024 rows of a table, or fewer where they are long; of larger arrays as many as images."""
    rows = max(_row_bytes(*tests.shapes[name]) for name in names)
    if any(len(tests.shapes[name][0]) > 2 for name in names):
        return batch_of(rows)
    return max(1, min(TABLE_ROWS, TABLE_BYTES // max(1, rows)))


def _row_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    size = int(dtype.itemsize)
    for length in shape[1:]:
        size *= length
    return size


def _arrays_by_input(model: Model, tests: Dataset) -> dict[Port, str]:
    """The array of each input: by name, or the only array for the only input."""
    names = [port.name for port in model.inputs]
    found = by_name(names, list(tests.shapes))
    if len(found) == len(names):
        return {port: found[port.name] for port in model.inputs}
    if len(model.inputs) == 1 and len(tests.shapes) == 1:
        return {model.inputs[0]: next(iter(tests.shapes))}
    fits = [
        name
        for name, (shape, _) in tests.shapes.items()
        if len(model.inputs) == 1 and _fits(shape, model.inputs[0])
    ]
    if len(fits) == 1:
        return {model.inputs[0]: fits[0]}
    raise ModelError(
        f"{tests.source}: no array for the input {listed(sorted(set(names) - set(found)))} of "
        f"{model.path}",
        hint=f"name each array as its input; arrays there: {', '.join(tests.shapes) or 'none'}; "
        f"inputs: {', '.join(map(str, model.inputs))}; {CONSTANT}",
    )


def _fits(shape: tuple[int, ...], port: Port) -> bool:
    """Whether rows of this shape fit an input; one that declares no shape takes any."""
    return not port.shape or (
        len(shape) == len(port.shape)
        and all(want in {None, have} for have, want in zip(shape[1:], port.shape[1:], strict=True))
    )


def _check_array(
    model: Model, port: Port, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> None:
    if not _fits(shape, port):
        raise ModelError(
            f"{model.path}: the array {name!r} of shape {list(shape)} does not fit the input "
            f"{port}",
            hint="the first axis is the example; transpose or reshape the array",
        )
    wanted = numeric(port)
    text = wanted.kind == "O"
    fits = dtype.kind in "US" if text else dtype.kind in "biuf"
    if not fits or (wanted.kind in "iub" and dtype.kind == "f"):
        raise ModelError(
            f"{model.path}: the array {name!r} of type {dtype} does not fit the input {port}",
            hint=f"save it as {'text' if text else wanted}",
        )
