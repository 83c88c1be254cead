"""What a file can write out in full: gates, critical examples, waivers, names and preprocessing."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from flipcheck.config.values import (
    LONGEST,
    OF_KIND,
    WrongValueError,
    is_number,
    list_of,
    short,
    spelled,
    text_of,
    told,
)
from flipcheck.errors import FlipcheckError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from flipcheck.config.vocabulary import Option

GATE_KEYS = ("metric", "limit", "by", "where")
WAIVER_KEYS = ("id", "reason", "owner", "expires")
STEPS = ("preprocess", "old_preprocess", "new_preprocess")
SIGNS = ("<", ">", "≤", "≥")


class Inline(list[Any]):
    """Examples that the file itself lists, in place of a path to them."""


def typed(option: Option, value: Any) -> Any:
    """A value of a file as the command line would have it. Raises WrongValueError."""
    special = SPECIAL.get(option.name)
    return (special or OF_KIND[option.kind])(option, value)


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
    from flipcheck.asked import gates_of

    if not isinstance(value, (str, dict)):
        raise WrongValueError(
            f"{told(value)}, where a gate is wanted, as 'negative_flip_rate <= 1%'"
        )
    text = value if isinstance(value, str) else _gate_text(value)
    (gate,) = _parsed(partial(gates_of, text))
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
    if not isinstance(metric, str) or not (isinstance(limit, str) or is_number(limit)):
        raise WrongValueError('a gate has a metric and a limit, as limit = "<= 1%"')
    shown = spelled(limit).strip()
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

    texts = list_of(option, value)
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
        return text_of(option, value)
    if not value or not all(isinstance(each, str) and each for each in value):
        raise WrongValueError("a list of something else than ids, each a text")
    return Inline(value)


def _waivers(option: Option, value: Any) -> Any:
    if not isinstance(value, list):
        return text_of(option, value)
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
        return text_of(option, value)
    if not all(isinstance(each, str) for each in value):
        raise WrongValueError("a list of something else than names, each a text")
    return json.dumps(value)


def _label_map(option: Option, value: Any) -> str:
    if not isinstance(value, dict):
        return text_of(option, value)
    if not all(isinstance(each, str) for each in value.values()):
        raise WrongValueError("a table of something else than names, each a text")
    return json.dumps(value)


def _preprocess(option: Option, value: Any) -> str:
    """Steps as --preprocess takes them, of a text or a table."""
    if not isinstance(value, dict):
        text = text_of(option, value)
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
    if not values or not all(isinstance(each, str) or is_number(each) for each in values):
        raise WrongValueError(
            f"the step {short(name)} is {told(value)} of something else than numbers"
        )
    if any("=" in str(each) for each in (name, *values)):
        raise WrongValueError(f"the step {short(name)} has an equals sign in it")
    return ("x" if name in {"resize", "crop"} else ",").join(map(spelled, values))


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
