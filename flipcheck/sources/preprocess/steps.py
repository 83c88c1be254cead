"""The steps themselves, and how images and arrays are taken through them.

One decoder (Pillow) and its antialiased resize, because another one makes flips by itself
(ENGINEERING.md §1.4). Sizes and offsets round as torchvision's or, for a Hugging Face
configuration, as transformers' do.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

CONFIG = "preprocessor_config.json"
Layout = Literal["NCHW", "NHWC", "NHW"]
Channels = Literal["RGB", "BGR", "L", "RGBA"]
RESAMPLE = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")  # Pillow's numbers
HINT = (
    "write scale=1/255,mean=0.485,0.456,0.406,std=0.229,0.224,0.225,layout=NHWC,resize=256,"
    f"crop=224,channels=RGB,resample=bilinear, or name a {CONFIG}"
)
LARGEST = 89_000_000
"""Pixels that a resized image may have: a thin strip grows without end."""


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
        return {name: value for name, value in asdict(self).items() if value not in {None, ()}}

    @property
    def changes_images(self) -> bool:
        """Whether it has steps that only an image can take."""
        return self.resize is not None or self.crop is not None or self.channels is not None

    @property
    def changes_values(self) -> bool:
        """Whether it scales or shifts the values."""
        return self.scale not in {None, 1} or bool(self.mean or self.std)


def checked(steps: Preprocess) -> Preprocess:
    """The same steps. Raises UsageError for numbers that no image can go through."""
    numbers = (*steps.mean, *steps.std, 1.0 if steps.scale is None else steps.scale)
    if not all(map(math.isfinite, numbers)):
        raise UsageError("preprocessing with a number that is not finite", hint=HINT)
    if 0 in steps.std or steps.scale == 0:
        raise UsageError("preprocessing with a scale or standard deviation of 0", hint=HINT)
    if len(steps.mean) > 1 and len(steps.std) > 1 and len(steps.mean) != len(steps.std):
        raise UsageError(
            f"preprocessing with {len(steps.mean)} means and {len(steps.std)} standard deviations",
            hint=HINT,
        )
    return steps


def fitted(image: Image, steps: Preprocess) -> Image:
    """The image with the steps' channels, resized and cropped."""
    channels = {"BGR": "RGB", None: "RGB"}.get(steps.channels, steps.channels)
    if image.mode != channels:
        image = image.convert(channels)
    if steps.resize is not None:
        size = _resized(image.size, steps.resize)
        if size != image.size:
            if size[0] * size[1] > LARGEST:
                raise ValueError(f"{image.width}x{image.height} pixels: too thin to be resized")
            image = image.resize(size, RESAMPLE.index(steps.resample))
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
    if not steps.changes_values:
        return values if values.dtype == dtype else values.astype(dtype)
    shape = [1] * values.ndim
    if axis is not None:
        shape[axis] = -1
    std = np.array(steps.std or [1.0]).reshape(shape)
    mean = np.array(steps.mean or [0.0]).reshape(shape)
    result: NDArray[Any] = values.astype(np.float64 if dtype == np.float64 else np.float32)
    result *= (scale / std).astype(result.dtype)
    result -= (mean / std).astype(result.dtype)
    return result if result.dtype == dtype else result.astype(dtype)
