"""How the examples of a test set become the inputs of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, UsageError, listed
from flipcheck.sources.onnx.model import Model, Port, numeric
from flipcheck.sources.preprocess import Preprocess, find_preprocess, fitted, normalised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.spec import SideSpec
    from flipcheck.sources.datasets import Batch, Dataset, Needs

Feeds = dict[str, "NDArray[Any]"]
IMAGE_BYTES = 4 << 20
"""About this much input a batch of images may hold (ENGINEERING.md §0)."""


@dataclass(frozen=True, slots=True)
class Feeder:
    """The parts of a test set that a model needs, and what makes its inputs of them."""

    needs: Needs
    feeds: Callable[[Batch], Feeds]
    batch: int
    told: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def feeder(model: Model, tests: Dataset, spec: SideSpec) -> Feeder:
    """How this test set feeds this model. Raises ModelError where it cannot."""
    if tests.kind == "images":
        return _image_feeder(model, spec)
    if tests.kind == "arrays":
        return _array_feeder(model, tests, spec)
    return _table_feeder(model, tests, spec)


# --- images --------------------------------------------------------------------------------


def _image_feeder(model: Model, spec: SideSpec) -> Feeder:
    import numpy as np

    if len(model.inputs) > 1:
        raise ModelError(
            f"{model.path}: it has {len(model.inputs)} inputs, and a folder of images feeds one",
            hint="give the data as .npz with one array for each input",
        )
    port, dtype = model.inputs[0], numeric(model.inputs[0])
    if dtype == object or dtype == bool:
        raise ModelError(f"{model.path}: {port} takes no images", hint="give the data as .npz")
    steps = _image_steps(model, port, find_preprocess(spec.preprocess, model.path))
    size = max(1, _pixels(port, steps) * dtype.itemsize)
    batch = 2 ** max(0, min(32, IMAGE_BYTES // size).bit_length() - 1) if size else 1

    def feeds(parts: Batch) -> Feeds:
        images = [np.asarray(fitted(image, steps)) for image in parts["image"]]
        return {port.name: _stacked(model, port, images, steps, dtype)}

    return Feeder({"image": False}, feeds, batch, {"preprocess": steps.told(), "input": str(port)})


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
    channels = steps.channels or ({1: "L", 4: "RGBA"}.get(depth or 3, "RGB"))
    if depth is not None and depth != len(channels):
        raise ModelError(
            f"{model.path}: channels={channels} does not fit the input {port}",
            hint="give the right channels with --preprocess, as in channels=L",
        )
    height, width = axes["H"], axes["W"]
    resize = steps.resize
    if resize is None and steps.crop is None and height and width:
        resize = (height, width)
    final = steps.crop or (resize if isinstance(resize, tuple) else None)
    if final and (height not in {None, final[0]} or width not in {None, final[1]}):
        raise ModelError(
            f"{model.path}: preprocessing makes {final[0]}x{final[1]} images, but the input is "
            f"{port}",
            hint="give the right resize or crop with --preprocess",
        )
    _check_normalisation(model, steps, len(channels))
    whole = numeric(port).kind in "iu"
    scale = steps.scale if steps.scale is not None else (1.0 if whole else 1 / 255)
    return replace(steps, layout=layout, channels=channels, resize=resize, scale=scale)


def _check_normalisation(model: Model, steps: Preprocess, channels: int) -> None:
    for name, values in (("mean", steps.mean), ("std", steps.std)):
        if len(values) not in {0, 1, channels}:
            raise ModelError(
                f"{model.path}: {len(values)} values of {name} for {channels} channels",
                hint="give one value, or one for each channel",
            )


def _layout(model: Model, port: Port) -> Any:
    """Where the channels of an image input are, where its shape leaves no doubt."""
    shape, depths = port.shape, {1, 3, 4}
    if len(shape) == 3:
        return "NHW"
    if len(shape) == 4:
        first, last = shape[1] in depths, shape[3] in depths
        if first != last:
            return "NCHW" if first else "NHWC"
    raise ModelError(
        f"{model.path}: cannot tell where the channels of {port} are",
        hint="say so with --preprocess layout=NCHW or layout=NHWC, or give the data as .npz",
    )


def _pixels(port: Port, steps: Preprocess) -> int:
    edge = steps.crop or steps.resize
    height, width = edge if isinstance(edge, tuple) else (edge, edge) if edge else (0, 0)
    return int(height) * int(width) * len(steps.channels or "RGB") or _known_size(port)


def _known_size(port: Port) -> int:
    size = 1
    for axis in port.shape[1:]:
        size *= axis or 224
    return size


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
        batch = np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
        return normalised(batch, steps, 1, dtype)
    return normalised(np.ascontiguousarray(batch), steps, 3, dtype)


# --- arrays --------------------------------------------------------------------------------


def _array_feeder(model: Model, tests: Dataset, spec: SideSpec) -> Feeder:
    steps = find_preprocess(spec.preprocess, model.path) if spec.preprocess else Preprocess()
    if steps.changes_images:
        raise UsageError(
            "resize, crop and channels are for images; arrays go in as they are",
            hint="scale, mean, std and layout work on arrays",
        )
    chosen = _arrays_by_input(model, tests)
    warnings = []
    for port, name in chosen.items():
        shape, dtype = tests.shapes[name]
        _check_array(model, port, name, shape, dtype)
        if (
            dtype.kind in "iu"
            and numeric(port).kind == "f"
            and len(shape) > 2
            and not spec.preprocess
        ):
            warnings.append(
                f"{model.path}: {name!r} holds whole numbers ({dtype}) and goes into a float input "
                "unscaled; say --preprocess scale=1/255 if it holds pixels"
            )
    axis = {"NCHW": 1, "NHWC": -1, None: 1}.get(steps.layout)

    def feeds(parts: Batch) -> Feeds:
        return {
            port.name: normalised(parts[name], steps, axis if parts[name].ndim > 2 else None,
                                  numeric(port))
            for port, name in chosen.items()
        }  # fmt: skip

    first = next(iter(chosen))
    told = {"input": ", ".join(map(str, chosen)), "preprocess": steps.told()}
    names = tuple(chosen.values())
    return Feeder(
        dict.fromkeys(names, False), feeds, _array_batch(tests, names, first), told, tuple(warnings)
    )


def _array_batch(tests: Dataset, names: tuple[str, ...], first: Port) -> int:
    """1,024 rows of a table; of larger arrays as many as of images."""
    rows = max(_row_bytes(tests.shapes[name]) for name in names)
    if len(first.shape) <= 2 and rows <= 64 << 10:
        return 1024
    return 2 ** max(0, min(32, IMAGE_BYTES // max(1, rows)).bit_length() - 1)


def _row_bytes(shape: tuple[tuple[int, ...], np.dtype[Any]]) -> int:
    size = shape[1].itemsize
    for length in shape[0][1:]:
        size *= length
    return size


def _arrays_by_input(model: Model, tests: Dataset) -> dict[Port, str]:
    """The array of each input: by name, or the only array for the only input."""
    names = {port.name for port in model.inputs}
    if names <= set(tests.shapes):
        return {port: port.name for port in model.inputs}
    if len(model.inputs) == 1 and len(tests.shapes) == 1:
        return {model.inputs[0]: next(iter(tests.shapes))}
    fits = [name for name, (shape, _) in tests.shapes.items()
            if len(model.inputs) == 1 and fits_shape(shape, model.inputs[0])]  # fmt: skip
    if len(fits) == 1:
        return {model.inputs[0]: fits[0]}
    raise ModelError(
        f"{tests.source}: no array for the input {listed(sorted(names - set(tests.shapes)))} of "
        f"{model.path}",
        hint=f"name each array as its input; arrays there: {', '.join(tests.shapes) or 'none'}; "
        f"inputs: {', '.join(map(str, model.inputs))}",
    )


def fits_shape(shape: tuple[int, ...], port: Port) -> bool:
    """Whether rows of this shape fit an input."""
    return len(shape) == len(port.shape) and all(
        want is None or have == want for have, want in zip(shape[1:], port.shape[1:], strict=True)
    )


def _check_array(
    model: Model, port: Port, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> None:
    wanted = numeric(port)
    if not fits_shape(shape, port):
        raise ModelError(
            f"{model.path}: the array {name!r} of shape {list(shape)} does not fit the input {port}",
            hint="the first axis is the example; transpose or reshape the array",
        )
    text = wanted.kind == "O"
    fits = dtype.kind in "US" if text else dtype.kind in "biuf"
    lossy = wanted.kind in "iub" and dtype.kind == "f"
    if not fits or lossy:
        raise ModelError(
            f"{model.path}: the array {name!r} of type {dtype} does not fit the input {port}",
            hint=f"save it as {'text' if text else wanted}",
        )


# --- tables --------------------------------------------------------------------------------


def _table_feeder(model: Model, tests: Dataset, spec: SideSpec) -> Feeder:
    import numpy as np

    if spec.preprocess:
        raise UsageError("--preprocess is for images and arrays, not for tables")
    names = {port.name for port in model.inputs}
    if names <= set(tests.columns_there):
        chosen = {port: (port.name,) for port in model.inputs}
    elif len(model.inputs) == 1:
        port = model.inputs[0]
        chosen = {port: _features(model, port, tests, spec)}
    else:
        missing = sorted(names - set(tests.columns_there))
        raise ModelError(
            f"{tests.source}: no column for the input {listed(missing)} of {model.path}",
            hint=f"name each column as its input; columns there: {', '.join(tests.columns_there)}",
        )
    for port, columns in chosen.items():
        _check_columns(model, port, columns)

    def feeds(parts: Batch) -> Feeds:
        made = {}
        for port, columns in chosen.items():
            values = np.stack([parts[name] for name in columns], axis=1)
            made[port.name] = _typed(model, port, values if len(port.shape) != 1 else values[:, 0])
        return made

    needs = {name: numeric(port).kind == "O" for port, names in chosen.items() for name in names}
    told = {"input": ", ".join(map(str, chosen)), "features": list(needs)}
    return Feeder(needs, feeds, 1024, told)


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
    width = port.shape[1] if len(port.shape) == 2 else 1
    rest = tuple(name for name in tests.columns_there if name not in tests.reserved)
    without = tuple(name for name in rest if name not in tests.columns)
    for names in (rest, without):
        if width is None or len(names) == width:
            return names
    raise ModelError(
        f"{tests.source}: {len(without)} columns of features, but the input {port} of "
        f"{model.path} takes {width}",
        hint=f"name the features in the model's order with --features; columns there: "
        f"{', '.join(tests.columns_there)}",
    )


def _check_columns(model: Model, port: Port, columns: tuple[str, ...]) -> None:
    width = port.shape[1] if len(port.shape) == 2 else 1
    if len(port.shape) not in {1, 2} or width not in {None, len(columns)}:
        raise ModelError(
            f"{model.path}: {len(columns)} columns do not fit the input {port}",
            hint="give the data as .npz with one array for each input",
        )


def _typed(model: Model, port: Port, values: NDArray[Any]) -> NDArray[Any]:
    """A batch of columns as the type of the input."""
    wanted = numeric(port)
    if wanted.kind == "O":
        return values.astype(str).astype(object)
    if values.dtype.kind not in "biuf":
        raise ModelError(
            f"{model.path}: text in the columns of the input {port}",
            hint="name the numeric columns with --features, or encode the text as the model does",
        )
    if wanted.kind in "iub" and values.dtype.kind == "f":
        if (values != values.round()).any():
            raise ModelError(f"{model.path}: the input {port} takes whole numbers")
        return values.astype(wanted)
    return values.astype(wanted)
