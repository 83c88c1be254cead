"""Preprocessing written on the command line: scale=1/255,mean=0.286,layout=NHWC."""

from __future__ import annotations

from typing import Any, get_args

from flipcheck.errors import UsageError, nearest
from flipcheck.sources.preprocess.steps import (
    HINT,
    RESAMPLE,
    Channels,
    Layout,
    Preprocess,
    checked,
)

KEYS = ("scale", "mean", "std", "layout", "resize", "crop", "channels", "resample")


def from_text(text: str) -> Preprocess:
    """Inline preprocessing. Raises UsageError for a key or value that is not understood."""
    found: dict[str, str] = {}
    key = ""
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals:
            key = name.strip()
            if key not in KEYS:
                raise UsageError(f"no preprocessing step {key!r}", hint=nearest(key, KEYS))
            if key in found:
                raise UsageError(f"preprocessing step {key!r} is given twice", hint=HINT)
            found[key] = value
        elif key:
            found[key] += f",{part}"
        else:
            raise UsageError(f"preprocessing begins with {part!r}, which is no step", hint=HINT)
    steps = {key: _step(key, value.strip(" []()")) for key, value in found.items()}
    return checked(Preprocess(**steps, origin="--preprocess"))


def _step(key: str, text: str) -> Any:
    try:
        if key == "scale":
            return _number(text)
        if key in {"mean", "std"}:
            return tuple(_number(each) for each in text.split(","))
        if key == "crop":
            return _size(text, square=True)
        if key == "resize":
            return _size(text, square=False)
    except (ValueError, ArithmeticError) as error:
        raise UsageError(f"cannot read the preprocessing step {key}={text}", hint=HINT) from error
    choices = {"layout": get_args(Layout), "channels": get_args(Channels), "resample": RESAMPLE}
    if text not in choices[key]:
        raise UsageError(f"{key}={text}: not one of {', '.join(choices[key])}", hint=HINT)
    return text


def _number(text: str) -> float:
    """A number, or a fraction of two."""
    above, slash, below = text.partition("/")
    return float(above) / float(below) if slash else float(above)


def _size(text: str, *, square: bool) -> Any:
    sizes = [int(each) for each in text.lower().split("x")]
    if len(sizes) > 2 or min(sizes) < 1:
        raise ValueError(text)
    if len(sizes) == 2:
        return tuple(sizes)
    return (sizes[0], sizes[0]) if square else sizes[0]
