"""Preprocessing in a Hugging Face image processor's configuration (ENGINEERING.md §1.8)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError
from flipcheck.sources.files import reason
from flipcheck.sources.preprocess.steps import HINT, RESAMPLE, Preprocess, checked

if TYPE_CHECKING:
    from pathlib import Path

UNSUPPORTED = (
    "do_pad",
    "do_thumbnail",
    "do_align_long_axis",
    "do_crop_margin",
    "do_color_quantize",
    "rescale_offset",
    "include_top",
)
"""Steps of configurations that would change the pixels in ways not known here."""
SQUARE = ("ViT", "DeiT", "Beit", "Perceiver", "Swin", "EfficientNet", "Siglip")
"""Processors for which a size that is one number is the height and the width."""


def from_config(path: Path) -> Preprocess:
    """A Hugging Face image processor's configuration."""
    try:
        steps = checked(_from_json(path))
    except UsageError as error:
        raise InputError(f"{path}: {error.message}", hint=error.hint) from error
    except (OSError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        message = f"{path}: not a preprocessing configuration: {reason(error)}"
        raise InputError(message, hint=HINT) from error
    return replace(steps, origin=str(path))


def _from_json(path: Path) -> Preprocess:
    config = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(config, dict):
        raise TypeError("not an object")
    unknown = [step for step in UNSUPPORTED if config.get(step)]
    if unknown:
        raise ValueError(f"the step {unknown[0]!r} is not supported")
    resize, crop = _config_sizes(config)
    if config.get("do_normalize") and not (config.get("image_mean") and config.get("image_std")):
        raise ValueError("do_normalize without image_mean and image_std")
    normalise, rescale = config.get("do_normalize", True), config.get("do_rescale", True)
    return Preprocess(
        scale=float(config.get("rescale_factor", 1 / 255)) if rescale else 1.0,
        mean=_config_numbers(config.get("image_mean")) if normalise else (),
        std=_config_numbers(config.get("image_std")) if normalise else (),
        resize=resize,
        crop=crop,
        channels="BGR" if config.get("do_flip_channel_order") else None,
        resample=_config_resample(config.get("resample")),
        crop_rounding="floor",
    )


def _config_numbers(values: Any) -> tuple[float, ...]:
    if values is None:
        return ()
    return tuple(map(float, values)) if isinstance(values, list) else (float(values),)


def _config_resample(number: Any) -> str:
    """A resampling by Pillow's number or name."""
    if number is None:
        return "bilinear"
    if isinstance(number, str) and number.lower() in RESAMPLE:
        return number.lower()
    if not isinstance(number, int) or not 0 <= number < len(RESAMPLE):
        raise ValueError(f"resample is {number!r}, not a number from 0 to {len(RESAMPLE) - 1}")
    return RESAMPLE[number]


def _config_sizes(config: dict[str, Any]) -> tuple[Any, tuple[int, int] | None]:
    """The resize and the centre crop of a configuration."""
    kind = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    if kind.startswith("Levit"):
        raise ValueError("LeViT's resize is not supported")
    crops = bool(config.get("do_center_crop", False))
    crop = _config_pair(config["crop_size"]) if crops else None
    if not config.get("do_resize", True) or config.get("size") is None:
        return None, crop
    size, share = config["size"], config.get("crop_pct")
    if share is None and kind.startswith("ConvNext"):
        share = 224 / 256
    edge = size.get("shortest_edge") if isinstance(size, dict) else None
    if isinstance(size, int) and (crops or share is not None) and not kind.startswith(SQUARE):
        edge = size
    if edge is None:
        return _config_pair(size), crop
    if isinstance(size, dict) and size.get("longest_edge"):
        raise ValueError("a longest edge is not supported")
    edge = _edge(edge)
    if share is None:
        return edge, crop
    if edge < 384:  # ConvNeXt: resize to edge / crop_pct, then crop
        return _edge(int(edge / share)), (edge, edge)
    return (edge, edge), crop


def _config_pair(size: Any) -> tuple[int, int]:
    if isinstance(size, int):
        return _edge(size), _edge(size)
    if not isinstance(size, dict) or not {"height", "width"} <= set(size):
        raise ValueError(f"the size {size!r} has no height and width")
    return _edge(size["height"]), _edge(size["width"])


def _edge(value: Any) -> int:
    edge = int(value)
    if edge < 1:
        raise ValueError(f"a size of {value!r} pixels")
    return edge
