"""What is done to an image or array before a model sees it, and from where that is known.

One decoder (Pillow) and its antialiased resize, because another one makes flips by itself
(ENGINEERING.md §1.4). Sizes and offsets round as torchvision's or, for a Hugging Face
configuration, as transformers' do.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from flipcheck.errors import InputError, UsageError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

CONFIG = "preprocessor_config.json"
Layout = Literal["NCHW", "NHWC", "NHW"]
Channels = Literal["RGB", "BGR", "L", "RGBA"]
RESAMPLE = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")  # Pillow's numbers
KEYS = ("scale", "mean", "std", "layout", "resize", "crop", "channels", "resample")
HINT = ("write scale=1/255,mean=0.485,0.456,0.406,std=0.229,0.224,0.225,layout=NHWC,resize=256,"
        f"crop=224,channels=RGB,resample=bilinear, or name a {CONFIG}")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preprocess:
    """(pixel · scale − mean) / std after an optional resize and centre crop.

    None means "as the model's input says"; `resize` is the shorter edge, or (height, width).
    """

    scale: float | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    layout: Layout | None = None
    resize: int | tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    channels: Channels | None = None
    resample: str = "bilinear"
    crop_rounding: Literal["even", "floor"] = "even"
    origin: str = "default"

    def told(self) -> dict[str, Any]:
        """What the report says of it."""
        return {name: value for name, value in asdict(self).items()
                if value not in {None, ()}}  # fmt: skip

    @property
    def changes_images(self) -> bool:
        """Whether it has steps that only an image can take."""
        return self.resize is not None or self.crop is not None or self.channels is not None


def find_preprocess(given: str | None, model: Path) -> Preprocess:
    """What the user gave, else the configuration beside the model, else the default."""
    if given is not None:
        path = Path(given)
        if path.is_dir():
            path = path / CONFIG
        if path.is_file():
            return from_config(path)
        if "=" not in given:
            raise InputError(f"{given}: no such preprocessing file", hint=HINT)
        return from_text(given)
    beside = model.with_name(CONFIG)
    return from_config(beside) if beside.is_file() else Preprocess()


def from_text(text: str) -> Preprocess:
    """Inline preprocessing. Raises UsageError for a key or value that is not understood."""
    found: dict[str, str] = {}
    key = ""
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals:
            key = name.strip()
            if key not in KEYS:
                raise UsageError(f"no preprocessing step {key!r}", hint=f"{nearest(key, KEYS)}")
            if key in found:
                raise UsageError(f"preprocessing step {key!r} is given twice", hint=HINT)
            found[key] = value
        elif key:
            found[key] += f",{part}"
    steps = {key: _step(key, value.strip(" []")) for key, value in found.items()}
    return _checked(Preprocess(**steps, origin="--preprocess"))


def _step(key: str, text: str) -> Any:
    try:
        if key == "scale":
            return float(Fraction(text.replace(" ", "")))
        if key in {"mean", "std"}:
            return tuple(float(Fraction(each.strip())) for each in text.split(","))
        if key == "crop":
            return _size(text, square=True)
        if key == "resize":
            return _size(text, square=False)
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"cannot read the preprocessing step {key}={text}", hint=HINT) from error
    choices = {"layout": get_args(Layout), "channels": get_args(Channels), "resample": RESAMPLE}[
        key
    ]
    if text not in choices:
        raise UsageError(f"{key}={text}: not one of {', '.join(choices)}", hint=HINT)
    return text


def _size(text: str, *, square: bool) -> Any:
    sizes = [int(each) for each in text.lower().split("x")]
    if len(sizes) > 2 or min(sizes) < 1:
        raise ValueError(text)
    if len(sizes) == 2:
        return tuple(sizes)
    return (sizes[0], sizes[0]) if square else sizes[0]


def _checked(steps: Preprocess) -> Preprocess:
    if 0 in steps.std:
        raise UsageError("a standard deviation of 0", hint=HINT)
    if steps.mean and steps.std and len(steps.mean) != len(steps.std):
        raise UsageError("as many means as standard deviations, please", hint=HINT)
    return steps


def from_config(path: Path) -> Preprocess:
    """A Hugging Face image processor's configuration (ENGINEERING.md §1.8)."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise TypeError("not an object")
        steps = _from_dict(config)
    except (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise InputError(
            f"{path}: not a preprocessing configuration: {error}", hint=HINT
        ) from error
    return replace(_checked(steps), origin=str(path))


def _from_dict(config: dict[str, Any]) -> Preprocess:
    unknown = [
        step for step in ("do_pad", "do_thumbnail", "do_align_long_axis") if config.get(step)
    ]
    if unknown:
        raise ValueError(f"the step {unknown[0]!r} is not supported")
    resize, crop = _config_sizes(config)
    normalise, rescale = config.get("do_normalize", True), config.get("do_rescale", True)
    resample = config.get("resample", 2)
    return Preprocess(
        scale=float(config.get("rescale_factor", 1 / 255)) if rescale else 1.0,
        mean=tuple(map(float, config.get("image_mean") or ())) if normalise else (),
        std=tuple(map(float, config.get("image_std") or ())) if normalise else (),
        resize=resize,
        crop=crop,
        channels="BGR" if config.get("do_flip_channel_order") else None,
        resample=RESAMPLE[resample] if isinstance(resample, int) else str(resample),
        crop_rounding="floor",
    )


def _config_sizes(config: dict[str, Any]) -> tuple[Any, tuple[int, int] | None]:
    """The resize and the centre crop of a configuration."""
    crops = config.get("do_center_crop", False)
    crop = _config_pair(config["crop_size"]) if crops else None
    if not config.get("do_resize", True) or "size" not in config:
        return None, crop
    size = config["size"]
    edge = size.get("shortest_edge") if isinstance(size, dict) else None
    if isinstance(size, int) and (crops or "crop_pct" in config):
        edge = size
    if edge is None:
        return _config_pair(size), crop
    if isinstance(size, dict) and "longest_edge" in size:
        raise ValueError("a longest edge is not supported")
    share = config.get("crop_pct")
    if share is not None and edge < 384:  # ConvNeXt: resize to edge / crop_pct, then crop
        return int(edge / share), (edge, edge)
    return ((edge, edge) if share is not None else int(edge)), crop


def _config_pair(size: Any) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    return int(size["height"]), int(size["width"])


def fitted(image: Image, steps: Preprocess) -> Image:
    """The image with the steps' channels, resized and cropped."""
    channels = {"BGR": "RGB", None: "RGB"}.get(steps.channels, steps.channels)
    if image.mode != channels:
        image = image.convert(channels)
    if steps.resize is not None:
        size = _resized(image.size, steps.resize)
        if size != image.size:
            image = image.resize(size, RESAMPLE.index(steps.resample))  # type: ignore[arg-type]
    if steps.crop is not None:
        image = _cropped(image, steps)
    return image


def _resized(size: tuple[int, int], resize: int | tuple[int, int]) -> tuple[int, int]:
    """(width, height) after a resize; a single number is the shorter edge."""
    if isinstance(resize, tuple):
        return resize[1], resize[0]
    width, height = size
    if width <= height:
        return resize, int(resize * height / width)
    return int(resize * width / height), resize


def _cropped(image: Image, steps: Preprocess) -> Image:
    assert steps.crop is not None  # noqa: S101  (only called where there is a crop)
    (height, width), (wide, high) = steps.crop, image.size
    if height > high or width > wide:
        raise ValueError(f"{wide}x{high} pixels are smaller than the crop {width}x{height}")
    if steps.crop_rounding == "floor":
        left, top = (wide - width) // 2, (high - height) // 2
    else:
        left, top = round((wide - width) / 2), round((high - height) / 2)
    return image.crop((left, top, left + width, top + height))


def normalised(
    values: NDArray[Any], steps: Preprocess, axis: int | None, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """(values · scale − mean) / std along the channel axis, as the model's type."""
    import numpy as np

    scale = 1.0 if steps.scale is None else steps.scale
    if scale == 1 and not steps.mean and not steps.std:
        return values if values.dtype == dtype else values.astype(dtype)
    shape = [1] * values.ndim
    if axis is not None:
        shape[axis] = -1
    std = np.array(steps.std or [1.0]).reshape(shape)
    mean = np.array(steps.mean or [0.0]).reshape(shape)
    work = np.float64 if dtype == np.float64 else np.float32
    result = values.astype(work)
    result *= (scale / std).astype(work)
    result -= (mean / std).astype(work)
    return result if result.dtype == dtype else result.astype(dtype)
