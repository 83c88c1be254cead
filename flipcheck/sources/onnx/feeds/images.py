"""Images as the input of a model, in its size, layout and number of channels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, listed
from flipcheck.sources.onnx.feeds.base import CONSTANT, Feeder, Feeds, batch_of, check_fractions
from flipcheck.sources.onnx.model import Model, Port, numeric
from flipcheck.sources.preprocess import Preprocess, find_preprocess, normalised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.datasets import Batch
    from flipcheck.sources.preprocess.steps import Layout
    from flipcheck.sources.spec import SideSpec

CHANNELS: dict[int | None, Any] = {1: "L", 4: "RGBA"}
USUAL_EDGE = 224
"""What an open axis of an image input is taken for when batches are sized."""


def image_feeder(model: Model, spec: SideSpec) -> Feeder:
    """How a folder of images feeds a model."""
    import numpy as np

    if len(model.inputs) > 1:
        raise ModelError(
            f"{model.path}: it has {len(model.inputs)} inputs, and a folder of images feeds one: "
            + listed(map(str, model.inputs)),
            hint=f"{CONSTANT}; else give the data as .npz with one array for each input",
        )
    port, dtype = model.inputs[0], numeric(model.inputs[0])
    if dtype.kind in "Ob":
        raise ModelError(f"{model.path}: {port} takes no images", hint="give the data as .npz")
    steps = _image_steps(model, port, find_preprocess(spec.preprocess, model.path))

    def feeds(parts: Batch) -> Feeds:
        images = [np.asarray(image) for image in parts["image"]]
        return {port.name: _stacked(model, port, images, steps, dtype)}

    return Feeder(
        needs={"image": False},
        feeds=feeds,
        batch=batch_of(_values(port, steps) * dtype.itemsize),
        steps=steps,
        told={"preprocess": steps.told(), "input": str(port)},
    )


def _image_steps(model: Model, port: Port, steps: Preprocess) -> Preprocess:
    """The preprocessing with everything that the model's input decides filled in."""
    layout = steps.layout or _layout(model, port)
    if len(layout) != len(port.shape):
        raise ModelError(
            f"{model.path}: layout {layout} does not fit the input {port}",
            hint="give another layout with --preprocess, or the data as .npz",
        )
    axes = dict(zip(layout, port.shape, strict=True))
    depth = axes.get("C", 1)
    channels = steps.channels or CHANNELS.get(depth, "RGB")
    if depth is not None and depth != len(channels):
        raise ModelError(
            f"{model.path}: channels={channels} does not fit the input {port}",
            hint="give the right channels with --preprocess, as in channels=L",
        )
    resize = steps.resize
    if resize is None and steps.crop is None and axes["H"] and axes["W"]:
        resize = (axes["H"], axes["W"])
    _check_size(model, port, steps.crop or resize, (axes["H"], axes["W"]))
    _check_numbers(model, port, steps, len(channels))
    check_fractions(model, port, steps)
    scale = steps.scale
    if scale is None:
        scale = 1 / 255 if numeric(port).kind == "f" else 1.0
    return replace(steps, layout=layout, channels=channels, resize=resize, scale=scale)


def _check_size(model: Model, port: Port, made: Any, wanted: tuple[int | None, int | None]) -> None:
    """Raise ModelError where the images will not have the size of the input."""
    if not isinstance(made, tuple):
        return
    if any(want not in {None, have} for have, want in zip(made, wanted, strict=True)):
        raise ModelError(
            f"{model.path}: preprocessing makes {made[0]}x{made[1]} images, but the input is "
            f"{port}",
            hint="give the right resize or crop with --preprocess",
        )


def _check_numbers(model: Model, port: Port, steps: Preprocess, channels: int) -> None:
    for name, values in (("mean", steps.mean), ("std", steps.std)):
        if len(values) not in {0, 1, channels}:
            raise ModelError(
                f"{model.path}: {len(values)} values of {name} for {channels} channels of the "
                f"input {port}",
                hint="give one value, or one for each channel",
            )


def _layout(model: Model, port: Port) -> Layout:
    """Where the channels of an image input are, where its shape leaves no doubt."""
    shape, depths = port.shape, {1, 3, 4}
    if len(shape) == 3 and shape[0] not in {3, 4}:  # else it may be one image, without a batch
        return "NHW"
    if len(shape) == 4 and (shape[1] in depths) != (shape[3] in depths):
        return "NCHW" if shape[1] in depths else "NHWC"
    raise ModelError(
        f"{model.path}: cannot tell where the channels of {port} are",
        hint="say so with --preprocess layout=NCHW or layout=NHWC, or give the data as .npz",
    )


def _values(port: Port, steps: Preprocess) -> int:
    """How many numbers one example has, or about as many."""
    size = steps.crop or steps.resize
    if isinstance(size, int):
        size = (size, size)
    if size is not None:
        return size[0] * size[1] * len(steps.channels or "RGB")
    count = 1
    for axis in port.shape[1:]:
        count *= axis or USUAL_EDGE
    return count


def _stacked(
    model: Model, port: Port, images: list[NDArray[Any]], steps: Preprocess, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Images (height, width[, channels]) as one batch in the model's layout."""
    import numpy as np

    sizes = sorted({f"{image.shape[0]}x{image.shape[1]}" for image in images})
    if len(sizes) > 1:
        raise ModelError(
            f"{model.path}: images of different sizes ({listed(sizes)}), and the input {port} "
            "does not say which it wants",
            hint="give a size with --preprocess, as in resize=224x224",
        )
    batch = np.stack(images)
    if steps.channels == "BGR":
        batch = batch[..., ::-1]
    if steps.layout == "NHW":
        return normalised(batch, steps, None, dtype)
    if batch.ndim == 3:
        batch = batch[..., None]
    if steps.layout == "NCHW":
        return normalised(np.ascontiguousarray(batch.transpose(0, 3, 1, 2)), steps, 1, dtype)
    return normalised(np.ascontiguousarray(batch), steps, 3, dtype)
