"""The environment: FLIPCHECK_<OPTION> goes before the file, and after the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.config.keys import Setting
from flipcheck.config.values import WrongValueError, short
from flipcheck.config.written_out import typed
from flipcheck.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flipcheck.config.vocabulary import Option

PREFIX = "FLIPCHECK_"
OWN = ("FLIPCHECK_CACHE", "FLIPCHECK_CONFIG", "FLIPCHECK_NO_CONFIG")
"""Variables that are read elsewhere: the place of the cache, and of the file."""
FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


DECISIVE = ("gate", "max_nfr", "max_error_increase", "critical")
"""The options by which a release is held, of which an empty variable holds it to nothing."""


def from_environment(
    options: Sequence[Option], environment: Mapping[str, str]
) -> dict[str, Setting]:
    """What variables set, by parameter. Raises UsageError with all that cannot be read.

    A list is one entry a line; an empty variable sets nothing, and one that would decide a release
    is refused: a pipeline's own variable was not set, and its gate would be judged by nobody.
    """
    found: dict[str, Setting] = {}
    problems = []
    for option in options:
        problems += [
            f"{name}: empty, and decides nothing; unset it"
            for name in option.variables
            if option.name in DECISIVE and name in environment and not environment[name].strip()
        ]
        given = [name for name in option.variables if name not in OWN and environment.get(name)]
        given = [name for name in given if option.name not in DECISIVE or environment[name].strip()]
        if len(given) > 1:
            problems.append(f"{' and '.join(given)} are one option")
        elif given:
            try:
                value = _value(option, environment[given[0]])
                found[option.name] = Setting(option.key, value, given[0])
            except WrongValueError as error:
                problems.append(f"{given[0]}: {error}")
    if problems:
        raise UsageError(
            "the environment sets options to what they cannot be",
            problems=problems,
            hint="unset the variables, or give the options on the command line",
        )
    return found


def is_on(variable: str, environment: Mapping[str, str]) -> bool:
    """Whether a variable that is a switch is on. Raises UsageError."""
    text = environment.get(variable, "")
    try:
        return bool(text) and _flag(text)
    except WrongValueError as error:
        raise UsageError(f"{variable}: {error}") from error


def _value(option: Option, text: str) -> Any:
    if option.kind == "flag":
        return _flag(text)
    if option.kind == "list":
        return typed(option, [line.strip() for line in text.splitlines() if line.strip()])
    if option.kind in {"integer", "number"}:
        convert = int if option.kind == "integer" else float
        try:
            number = convert(text)
        except ValueError as error:
            kind = "whole number" if option.kind == "integer" else "number"
            raise WrongValueError(f"{short(text)} is no {kind}") from error
        return typed(option, number)
    return typed(option, text) if option.kind == "choice" else text


def _flag(text: str) -> bool:
    if text.strip().lower() not in FLAGS:
        raise WrongValueError(f"{short(text)} is neither on nor off: write 1 or 0")
    return FLAGS[text.strip().lower()]


def unknown_variables(options: Iterable[Option], environment: Iterable[str]) -> list[str]:
    """What to say of variables that look like options and are none."""
    known = {*OWN, *(name for option in options for name in option.variables)}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    return [f"{name} sets no option; {_near(name, known)}" for name in unknown]


def _near(name: str, known: Iterable[str]) -> str:
    found = nearest(name, known)
    return found if found.startswith("did") else "`flipcheck compare --help` has them all"
