"""The options of an audit as a command line that a shell takes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from flipcheck.evidence.options import SOURCES
from flipcheck.gates import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORT = {"negative_flip_rate": "--max-nfr", "error_rate_change": "--max-error-increase"}
"""The short forms of gates, in the order in which `compare` takes them before all others."""


def command_line(options: Mapping[str, Any], *, alone: bool = False) -> str:
    """The command that asks for these options, as `written_options` writes them.

    A command that is `alone` reads no configuration beside them.
    """
    words = ["flipcheck", "compare", *(["--no-config"] if alone else [])]
    words += [_place(options[name]) for name in SOURCES if name in options]
    for name, value in options.items():
        if name == "gates":
            words += _gates(value)
        elif name not in SOURCES:
            words += _option(f"--{name.replace('_', '-')}", value)
    return shlex.join(words)


def _place(path: str) -> str:
    """A path that is not taken for an option."""
    return f"./{path}" if path.startswith("-") and path != "-" else path


def _option(flag: str, value: Any) -> list[str]:
    if value is True:
        return [flag]
    texts = [str(each) for each in (value if isinstance(value, list) else [value])]
    words = ([f"{flag}={text}"] if text.startswith("-") else [flag, text] for text in texts)
    return [word for pair in words for word in pair]


def _gates(texts: list[str]) -> list[str]:
    """The gates, in their short forms as far as these keep the order."""
    words, left = [], list(texts)
    for metric, flag in SHORT.items():
        while left and (limit := _limit(left[0], metric)) is not None:
            words += _option(flag, limit)
            left.pop(0)
    return words + [word for text in left for word in _option("--gate", text)]


def _limit(text: str, metric: str) -> str | None:
    """The limit of a gate on a metric over all examples; None for any other gate."""
    gate = Gate.parse(text)
    plain = (metric, "<=") == (gate.metric, gate.operator) and not (gate.by or gate.where)
    return gate.limit_text if plain else None
