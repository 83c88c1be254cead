"""The options of an audit as JSON: what is not at its default and decides the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import index
from os import PathLike
from typing import TYPE_CHECKING, Any

from flipcheck.asked import Options, gates_of
from flipcheck.policy import noise_share
from flipcheck.sources.onnx.constants import written
from flipcheck.sources.standard_input import path_of
from flipcheck.tasks.normalising import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = ("old", "new", "data")
NO_MATTER = {"cache", "progress", "history"}
"""The options that decide no number."""
DEFAULTS: dict[str, Any] = {
    "quantiles": 4,
    "min_slice": 0,
    "tolerance": 0.0,
    "bound": "default",
    "confidence": 0.95,
    "resamples": 10_000,
    "seed": 0,
    "decide": "bound",
    "listed": 100,
}


class PythonOnlyError(Exception):
    """A value that no command line can write."""


def written_options(asked: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Sources and options as JSON-ready values, and the names of those that only Python can hold.

    The same audit gives the same, whether it was called in Python or on the command line.
    """
    found, python_only = {}, []
    for name in (*SOURCES, *Options.__annotations__):
        value = asked.get(name)
        if name in NO_MATTER or value is None or value is False:
            continue
        try:
            write: Callable[[Any], Any] = WRITERS.get(name, _text)
            plain = write(value)
        except PythonOnlyError:
            python_only.append(name)
            continue
        if plain not in ([], DEFAULTS.get(name, [])):
            found[name] = plain
    return found, tuple(python_only)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise PythonOnlyError
    return value


def _number(value: Any) -> float:
    """A number, also one of numpy's."""
    if isinstance(value, str):
        raise PythonOnlyError
    return float(value)


def _whole(value: Any) -> int:
    return index(value)


def _flag(value: Any) -> bool:
    if value is not True:
        raise PythonOnlyError
    return True


def _path(value: Any) -> str:
    if not isinstance(value, (str, PathLike)):
        raise PythonOnlyError
    return str(path_of(value))


def _paths(value: Any) -> list[str]:
    return [_path(each) for each in (value if isinstance(value, (list, tuple)) else [value])]


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value]


def _gates(value: Any) -> list[str]:
    return [str(gate) for gate in gates_of(value)]


def _constants(value: Any) -> list[str]:
    return [f"{name}={each}" for name, each in written("", value).items()]


def _picks(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{name}={each}" for name, each in value.items()]
    return _texts(value)


def _classes(value: Any) -> str:
    """Class names as they were written, or a list of them as a command line has it."""
    if isinstance(value, str):
        return value
    names = [str(name) for name in value]
    inline = ",".join(names)
    safe = [name.strip() for name in inline.split(",")] == names
    awkward = inline[:1] in {"[", "{"} or any(sign in inline for sign in "/\\.")
    return inline if safe and not awkward else json.dumps(names, ensure_ascii=False)


def _columns(value: Any) -> str:
    """Names of columns, joined by commas."""
    names = value.split(",") if isinstance(value, str) else [str(name) for name in value]
    if not isinstance(value, str) and any("," in name for name in names):
        raise PythonOnlyError
    return ",".join(name.strip() for name in names)


def _label_map(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps({str(name): str(other) for name, other in value.items()}, ensure_ascii=False)


def _range(value: Any) -> str:
    low, high = map(float, value.split(",") if isinstance(value, str) else value)
    return f"{low!r},{high!r}"


def _steps(value: Any) -> str:
    return ",".join(steps_of(value) if isinstance(value, str) else value)


def _each_side(name: str) -> tuple[str, ...]:
    return name, f"old_{name}", f"new_{name}"


WRITERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        (*SOURCES, "old_data", "new_data", "labels", "critical", "waivers", "costs"), _path
    ),
    **dict.fromkeys((*_each_side("input"), "provider_option"), _constants),
    **dict.fromkeys(_each_side("pick"), _picks),
    **dict.fromkeys(_each_side("classes"), _classes),
    **dict.fromkeys(_each_side("label_map"), _label_map),
    **dict.fromkeys((*_each_side("threshold"), "tolerance", "confidence"), _number),
    **dict.fromkeys(("features", "text"), _columns),
    **dict.fromkeys(("by", "abstain", "show"), _texts),
    **dict.fromkeys(("quantiles", "min_slice", "resamples", "seed", "listed", "top_k"), _whole),
    **dict.fromkeys(
        ("discover", "allow_missing", "multilabel", "allow_fallback", "stop_early"), _flag
    ),
    "gates": _gates,
    "rerun": _paths,
    "label_noise": noise_share,
    "normalise": _steps,
    "score_range": _range,
}
"""How the value of an option becomes JSON; all others are texts."""
