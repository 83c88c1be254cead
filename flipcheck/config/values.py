"""Values of a file as an option takes them: the texts, numbers and flags that could be typed.

Each function gives back a value, or raises WrongValueError with what is wrong with it.
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from flipcheck.errors import FlipcheckError, nearest

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
GATE_KEYS = ("metric", "limit", "by", "where")
WAIVER_KEYS = ("id", "reason", "owner", "expires")
STEPS = ("preprocess", "old_preprocess", "new_preprocess")
SIGNS = ("<", ">", "≤", "≥")


class WrongValueError(Exception):
    """What is wrong with a value, without the name of its key."""


class Inline(list[Any]):
    """Examples that the file itself lists, in place of a path to them."""


def typed(option: Option, value: Any) -> Any:
    """A value of a file as the command line would have it. Raises WrongValueError."""
    special = SPECIAL.get(option.name)
    return (special or OF_KIND[option.kind])(option, value)


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


def _text(option: Option, value: Any) -> str:
    if option.name in JOINED and isinstance(value, list):
        return _joined(option, value)
    if option.metavar in NUMERIC and _is_number(value):
        return _written(value)
    if not isinstance(value, str):
        example = "; write it in quotes" if _is_number(value) else ""
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
    if not _is_number(value):
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


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _written(value: object) -> str:
    """A value as it would be typed: true, 0.02, text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _joined(option: Option, values: list[Any]) -> str:
    texts = [_written(each) for each in values if isinstance(each, str) or _is_number(each)]
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


def _list(option: Option, value: Any) -> list[str]:
    if option.metavar in PAIRS and isinstance(value, dict):
        return _pairs(value)
    values = value if isinstance(value, list) else [value]
    if not values:
        raise WrongValueError("an empty list; leave the line out")
    return [_text(option, each) for each in values]


def _pairs(table: dict[str, Any]) -> list[str]:
    if not all(isinstance(each, (str, int, float)) for each in table.values()):
        raise WrongValueError("a table of something else than texts, numbers, true and false")
    if any("=" in name or not name for name in table):
        raise WrongValueError("a table in which a name is empty or has an equals sign")
    if not table:
        raise WrongValueError("an empty table; leave it out")
    return [f"{name}={_written(value)}" for name, value in table.items()]


def _gates(_option: Option, value: Any) -> list[str]:
    """Gates as texts: each a text already, or a table of its metric, limit and slice."""
    if isinstance(value, dict) and not set(value) & set(GATE_KEYS):
        raise WrongValueError(
            'a table; write gates = ["negative_flip_rate <= 1%"], or [[gates]] tables'
        )
    values = value if isinstance(value, list) else [value]
    if not values:
        raise WrongValueError("an empty list gates nothing; leave the line out")
    return [_gate(each) for each in values]


def _gate(value: Any) -> str:
    from flipcheck.gates import Gate

    if not isinstance(value, (str, dict)):
        raise WrongValueError(
            f"{told(value)}, where a gate is wanted, as 'negative_flip_rate <= 1%'"
        )
    text = value if isinstance(value, str) else _gate_text(value)
    gate = _parsed(partial(Gate.parse, text))
    if isinstance(value, dict):
        where = _where(value)
        same = (gate.metric, gate.by) == (value["metric"], value.get("by"))
        if not same or gate.where != (where and tuple(where.split("=", 1))):
            raise WrongValueError(
                f"the gate {short(text)} would be read otherwise; write it as a text"
            )
    return text


def _gate_text(table: dict[str, Any]) -> str:
    """The text of a gate that is written as a table."""
    _check_keys(table, GATE_KEYS, "a gate")
    metric, limit = table.get("metric"), table.get("limit")
    if not isinstance(metric, str) or not (isinstance(limit, str) or _is_number(limit)):
        raise WrongValueError('a gate has a metric and a limit, as limit = "<= 1%"')
    shown = _written(limit).strip()
    shown = shown if shown.startswith(SIGNS) else f"<= {shown}"
    by, where = table.get("by"), _where(table)
    if by is not None and not isinstance(by, str):
        raise WrongValueError(f"'by' of a gate is {told(by)}, where the name of a column is wanted")
    scope = f" by {by}" if by is not None else ""
    return f"{metric} {shown}{scope}" + (f" where {where}" if where is not None else "")


def _where(table: dict[str, Any]) -> str | None:
    """The slice of a gate: COLUMN=VALUE, or a table of the two."""
    where = table.get("where")
    if isinstance(where, dict) and len(where) == 1:
        ((column, value),) = where.items()
        if isinstance(value, str):
            return f"{column}={value}"
    if where is not None and not (isinstance(where, str) and "=" in where):
        raise WrongValueError("'where' of a gate is written as \"COLUMN=VALUE\"")
    return where


def _limits(option: Option, value: Any) -> list[str]:
    """The limits of a short form, each of which makes a gate."""
    from flipcheck.gates import Gate

    texts = _list(option, value)
    metric = {"max_nfr": "negative_flip_rate", "max_error_increase": "error_rate_change"}
    for text in texts:
        _parsed(partial(Gate.parse, f"{metric[option.name]} <= {text}"))
    return texts


def _parsed(parse: Callable[[], Any]) -> Any:
    """What a parser of ours makes of a text. Raises WrongValueError for what it refuses."""
    try:
        return parse()
    except FlipcheckError as error:
        hint = f"; {error.hint}" if error.hint else ""
        raise WrongValueError(f"{error.message}{hint}") from error


# --- what a file can hold in place of a path ------------------------------------------------


def _critical(option: Option, value: Any) -> Any:
    if not isinstance(value, list):
        return _text(option, value)
    if not value or not all(isinstance(each, str) and each for each in value):
        raise WrongValueError("a list of something else than ids, each a text")
    return Inline(value)


def _waivers(option: Option, value: Any) -> Any:
    if not isinstance(value, list):
        return _text(option, value)
    if not value or not all(isinstance(each, dict) for each in value):
        raise WrongValueError(
            "a list of something else than tables of id, reason, owner and expires"
        )
    return Inline([_waiver(number, row) for number, row in enumerate(value, start=1)])


def _waiver(number: int, row: dict[str, Any]) -> dict[str, str]:
    _check_keys(row, WAIVER_KEYS, f"waiver {number}")
    missing = [name for name in WAIVER_KEYS if name not in row]
    if missing:
        raise WrongValueError(f"waiver {number} has no {' and no '.join(missing)}")
    day = row["expires"]
    if isinstance(day, datetime) or not isinstance(day, (str, date)):
        raise WrongValueError(
            f"waiver {number}: 'expires' is {told(day)}; write a day, as 2026-12-31"
        )
    wrong = [name for name in WAIVER_KEYS[:-1] if not isinstance(row[name], str)]
    if wrong:
        raise WrongValueError(f"waiver {number}: {wrong[0]!r} is {told(row[wrong[0]])}, not a text")
    return {name: str(value) for name, value in row.items()}


def _check_keys(table: dict[str, Any], known: tuple[str, ...], what: str) -> None:
    unknown = next((name for name in table if name not in known), None)
    if unknown is not None:
        raise WrongValueError(
            f"{what} has no {short(unknown)}; {nearest(unknown[:LONGEST], known)}"
        )


def _classes(option: Option, value: Any) -> str:
    """Class names: what --classes takes, or a list."""
    if not isinstance(value, list):
        return _text(option, value)
    if not all(isinstance(each, str) for each in value):
        raise WrongValueError("a list of something else than names, each a text")
    return json.dumps(value)


def _label_map(option: Option, value: Any) -> str:
    if not isinstance(value, dict):
        return _text(option, value)
    if not all(isinstance(each, str) for each in value.values()):
        raise WrongValueError("a table of something else than names, each a text")
    return json.dumps(value)


def _preprocess(option: Option, value: Any) -> str:
    """Steps as --preprocess takes them, of a text or a table."""
    if not isinstance(value, dict):
        text = _text(option, value)
    else:
        if not value:
            raise WrongValueError("an empty table; leave it out")
        text = ",".join(f"{name}={_step(name, each)}" for name, each in value.items())
    if "=" in text:
        from flipcheck.sources.preprocess.inline import from_text

        _parsed(partial(from_text, text))
    return text


def _step(name: str, value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str) or _is_number(each) for each in values):
        raise WrongValueError(
            f"the step {short(name)} is {told(value)} of something else than numbers"
        )
    if any("=" in str(each) for each in (name, *values)):
        raise WrongValueError(f"the step {short(name)} has an equals sign in it")
    return ("x" if name in {"resize", "crop"} else ",").join(map(_written, values))


OF_KIND: dict[str, Callable[[Option, Any], Any]] = {
    "text": _text,
    "list": _list,
    "flag": _flag,
    "choice": _choice,
    "integer": _integer,
    "number": _number,
}
SPECIAL: dict[str, Callable[[Option, Any], Any]] = {
    "gate": _gates,
    "max_nfr": _limits,
    "max_error_increase": _limits,
    "critical": _critical,
    "waivers": _waivers,
    **dict.fromkeys(("classes", "old_classes", "new_classes"), _classes),
    **dict.fromkeys(("label_map", "old_label_map", "new_label_map"), _label_map),
    **dict.fromkeys(STEPS, _preprocess),
}
