"""Values of a file as an option takes them: the texts, numbers and flags that could be typed.

Each function gives back a value, or raises WrongValueError with what is wrong with it.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from flipcheck.config.vocabulary import Option

LONGEST = 60
"""How much of a name or value a message quotes."""
JOINED = ("features", "text", "normalise", "score_range")
"""The options whose text has commas between what a file may write as a list."""
NUMERIC = {"SHARE", "LIMIT", "LOW,HIGH"}
"""The metavariables of texts that are numbers, so that a file may leave the quotes out."""
PAIRS = {"KEY=VALUE", "NAME=VALUE"}
EMPTY = ("abstain", "separator")
"""The options for which an empty text says something."""


class WrongValueError(Exception):
    """What is wrong with a value, without the name of its key."""


def told(value: object) -> str:
    """What a value is, in words."""
    names: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"),
        (str, "a text"),
        (int, "a whole number"),
        (float, "a number"),
        (list, "a list"),
        (dict, "a table"),
        (datetime, "a day with a time"),
        (date, "a day"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "a time")


def short(name: str) -> str:
    """A name as messages quote it."""
    return repr(name if len(name) <= LONGEST else f"{name[:LONGEST]}…")


# --- one value -----------------------------------------------------------------------------


def text_of(option: Option, value: Any) -> str:
    """A text, or what stands for one: a number where it is a share, a list where it has commas."""
    if option.name in JOINED and isinstance(value, list):
        return _joined(option, value)
    if option.metavar in NUMERIC and is_number(value):
        return spelled(value)
    if not isinstance(value, str):
        example = "; write it in quotes" if is_number(value) else ""
        raise WrongValueError(f"{told(value)}, where a text is wanted{example}")
    if not value.strip() and option.name not in EMPTY:
        raise WrongValueError("an empty text; leave the line out")
    return value


def _flag(_option: Option, value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongValueError(f"{told(value)}, where true or false is wanted, without quotes")
    return value


def _choice(option: Option, value: Any) -> str:
    if not isinstance(value, str) or value not in option.choices:
        shown = short(value) if isinstance(value, str) else told(value)
        raise WrongValueError(f"{shown} is not one of {', '.join(map(repr, option.choices))}")
    return value


def _integer(option: Option, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongValueError(f"{told(value)}, where a whole number is wanted")
    return int(_within(option, value))


def _number(option: Option, value: Any) -> float:
    if not is_number(value):
        hint = ", as 0.95" if isinstance(value, str) else ""
        raise WrongValueError(f"{told(value)}, where a number is wanted{hint}")
    return float(_within(option, value))


def _within(option: Option, value: float) -> float:
    if not _is_finite(value):
        raise WrongValueError("no finite number")
    if option.low is not None and value < option.low:
        raise WrongValueError(f"{value} is less than {option.low:g}")
    if option.high is not None and value > option.high:
        raise WrongValueError(f"{value} is more than {option.high:g}")
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def is_number(value: object) -> bool:
    """Whether a value is a number, which true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def spelled(value: object) -> str:
    """A value as it would be typed: true, 0.02, text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _joined(option: Option, values: list[Any]) -> str:
    texts = [spelled(each) for each in values if isinstance(each, str) or is_number(each)]
    if len(texts) < len(values) or not all(text.strip() for text in texts):
        raise WrongValueError("a list of something else than texts")
    if any("," in text for text in texts):
        raise WrongValueError(
            f"a text with a comma in it, which stands between two of {option.key}"
        )
    if not texts:
        raise WrongValueError("an empty list; leave the line out")
    return ",".join(texts)


# --- several -------------------------------------------------------------------------------


def list_of(option: Option, value: Any) -> list[str]:
    """Texts, of a list, of one of them, or of a table of pairs."""
    if option.metavar in PAIRS and isinstance(value, dict):
        return _pairs(value)
    values = value if isinstance(value, list) else [value]
    if not values:
        raise WrongValueError("an empty list; leave the line out")
    return [text_of(option, each) for each in values]


def _pairs(table: dict[str, Any]) -> list[str]:
    if not all(isinstance(each, (str, int, float)) for each in table.values()):
        raise WrongValueError("a table of something else than texts, numbers, true and false")
    if any("=" in name or not name for name in table):
        raise WrongValueError("a table in which a name is empty or has an equals sign")
    if not table:
        raise WrongValueError("an empty table; leave it out")
    return [f"{name}={spelled(value)}" for name, value in table.items()]


OF_KIND: dict[str, Callable[[Option, Any], Any]] = {
    "text": text_of,
    "list": list_of,
    "flag": _flag,
    "choice": _choice,
    "integer": _integer,
    "number": _number,
}
