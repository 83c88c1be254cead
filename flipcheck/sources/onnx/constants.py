"""Inputs that are the same for every example: switches, thresholds, rates of dropout."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, UsageError, listed, nearest
from flipcheck.sources.onnx.ports import DTYPES, Port, numeric

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


LARGEST = 1 << 20
"""Bytes of the longest value, and how many values a single one may fill."""


def written(flag: str, given: Any) -> dict[str, str]:
    """Values by name, as text: of a mapping, or of texts `NAME=VALUE`. Raises UsageError."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {str(name): _text(flag, name, value) for name, value in given.items()}
    texts = [given] if isinstance(given, str) else list(given)
    pairs = [text.partition("=") for text in texts]
    wrong = [
        text for text, (name, sign, _) in zip(texts, pairs, strict=True) if not name or not sign
    ]
    if wrong:
        raise UsageError(
            f"{flag} {wrong[0]}: not a name and a value", hint=f"write it as {flag} NAME=VALUE"
        )
    names = [name for name, _, _ in pairs]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise UsageError(f"{flag}: {listed(twice)} more than once", hint="give each name once")
    return {name: value for name, _, value in pairs}


def _text(flag: str, name: object, value: Any) -> str:
    """A value of Python as the text that the command line would have."""
    if isinstance(value, str):
        return value
    value = value.tolist() if hasattr(value, "tolist") else value
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{flag} {name}: a {type(value).__name__} is no value of an input",
            hint="give a number, a truth value, a text, or a list or array of them",
        ) from error


def constants(
    path: Path, given: Mapping[str, str], ports: tuple[Port, ...]
) -> dict[str, NDArray[Any]]:
    """The values of the named inputs, of their type and shape.

    Raises UsageError with all that fit no input.
    """
    there = {port.name: port for port in ports}
    unknown = [name for name in given if name not in there]
    if unknown:
        raise UsageError(
            f"{path}: no input {listed(unknown)} (--input)",
            hint=f"{nearest(unknown[0], there)} (inputs: {', '.join(map(str, ports))})",
        )
    found, problems = {}, []
    for name, text in given.items():
        try:
            found[name] = _value(there[name], text)
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
            problems.append(f"{name}={text[:80]}: {error}")
    if problems:
        raise UsageError(
            f"{path}: --input that does not fit",
            problems=problems,
            hint="a value is a number, true or false, a text, or a JSON list: --input scale=[1,2]",
        )
    return found


def _value(port: Port, text: str) -> NDArray[Any]:
    """A value as an input takes it. Raises ValueError where it does not fit."""
    import numpy as np

    if port.type not in DTYPES:
        raise ValueError(f"the input is {port}")
    wanted = numeric(port)
    value = np.array(_parsed(text, words=wanted.kind == "O"))
    kinds = {"O": "U", "b": "b", "f": "iuf"}.get(wanted.kind, "iu")
    if value.dtype.kind not in kinds or not value.size:
        raise ValueError(f"the input is {port}")
    if wanted.kind in "iu":
        limits = np.iinfo(wanted)
        if value.min() < limits.min or value.max() > limits.max:
            raise ValueError(f"the input is {port}: {limits.min} to {limits.max}")
    with np.errstate(over="ignore"):
        made = value.astype(wanted)
    if wanted.kind == "f" and not np.isfinite(made).all():
        raise ValueError(f"not finite as {port}")
    return _shaped(port, made)


def _parsed(text: str, *, words: bool) -> Any:
    """The number, truth value, list or text that was written."""
    if len(text) > LARGEST:
        raise ValueError("too long")
    if words and text.lstrip()[:1] != "[":
        return text
    lower = text.strip().lower()
    if lower in {"true", "false"}:
        return lower == "true"
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError("no number, truth value or JSON list") from error


def _shaped(port: Port, value: NDArray[Any]) -> NDArray[Any]:
    """A value in an input's shape, which a single one fills; an open axis is then of length 1."""
    import numpy as np

    if value.ndim == 0:
        axes = [axis or 1 for axis in port.shape]
        if math.prod(axes) > LARGEST:
            raise ValueError(f"too many values: the input is {port}")
        return np.full(axes, value)
    fits = value.ndim == len(port.shape) and all(
        want in {None, have} for have, want in zip(value.shape, port.shape, strict=True)
    )
    if not fits and port.shape:
        raise ValueError(f"its shape is {list(value.shape)}, and the input is {port}")
    return value


def told(values: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """What the report says of constants: their values, or the shape of long ones."""
    return {
        name: value.tolist() if value.size <= SHOWN else f"{value.dtype} {list(value.shape)}"
        for name, value in values.items()
    }
