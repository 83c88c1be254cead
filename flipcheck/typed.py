"""Whether the fields of dataclasses hold what their annotations say, for those that came as JSON.

Only plain annotations are known: texts, numbers, truth values, mappings, and tuples of texts. All
others say nothing here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

Kinds = tuple[type, ...]
PLAIN: dict[str, Kinds] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "None": (type(None),),
    "tuple[str, ...]": (tuple, list),
    "Mapping[str, Any]": (Mapping,),
    "Mapping[str, str]": (Mapping,),
}
TEXTS = "tuple[str, ...]"


def check_fields(value: Any) -> None:
    """Raise ValueError where a field of a dataclass, or of one in it, holds something else."""
    if isinstance(value, (tuple, list)):
        for each in value:
            check_fields(each)
    elif isinstance(value, Mapping):
        for each in value.values():
            check_fields(each)
    elif is_dataclass(value):
        for field in fields(value):
            found = getattr(value, field.name)
            if not fits(found, str(field.type)):
                raise ValueError(f"{field.name} is {_short(found)}, not {field.type}")
            if str(field.type) not in PLAIN:
                check_fields(found)


def fits(value: Any, annotation: str) -> bool:
    """Whether a value is one of those that a plain annotation names; True for any other."""
    names = annotation.split(" | ")
    if not all(name in PLAIN for name in names):
        return True
    if isinstance(value, bool):
        return "bool" in names
    if isinstance(value, Mapping) and "Mapping[str, str]" in names:
        return all(isinstance(each, str) for each in value.values())
    if isinstance(value, (int, float)) and not abs(value) <= sys.float_info.max:
        return False  # neither is a whole number beyond all floats one to reckon with
    if isinstance(value, (tuple, list)):
        return TEXTS in names and all(isinstance(each, str) for each in value)
    return isinstance(value, tuple(kind for name in names for kind in PLAIN[name]))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
