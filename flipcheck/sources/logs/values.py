"""What logs hold as answers, targets and scores, turned into labels and numbers."""

from __future__ import annotations

import json
import math
from array import array
from hashlib import sha256
from typing import Any

from flipcheck.labels import MISSING, Labels
from flipcheck.sources.files import is_unicode

LONGEST, KEPT = 300, 200
"""A longer text is kept as its beginning and a digest, so that memory does not grow with it."""
NOT_SCORED = math.nan


class Column:
    """One label for each row, collected row by row; each distinct text is held once."""

    def __init__(self, size: int = 0) -> None:
        self.codes = array("i", [MISSING]) * size
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.codes)

    def add(self, text: str | None) -> None:
        """One more row; None and the empty text are no label."""
        if not text:
            self.codes.append(MISSING)
            return
        text = short(text)
        self.codes.append(self._places.setdefault(text, len(self._places)))

    def labels(self) -> Labels:
        """The labels of all rows."""
        import numpy as np

        return Labels(np.array(self.codes, dtype=np.int32), tuple(self._places))


def short(text: str) -> str:
    """A text that can be written and is not long; different texts stay different."""
    if not is_unicode(text):
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) <= LONGEST:
        return text
    return f"{text[:KEPT]}… ({digest(text)})"


def digest(text: str) -> str:
    """Sixteen digits that stand for a text."""
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def canonical(value: Any) -> str:
    """JSON text of a value that does not depend on the order of keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def as_label(value: Any) -> str | None:
    """A value of a log as a label: text as it is; a number that is whole without ".0"."""
    if isinstance(value, list) and len(value) == 1:
        return as_label(value[0])
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return _number_label(value)
    return canonical(value)


def _number_label(value: Any) -> str | None:
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value) if abs(value) < 1 << 64 else hex(value)


def as_score(value: Any) -> float | str:
    """A value as a finite number, or NaN where nothing was scored; or what is wrong with it."""
    if value is None:
        return NOT_SCORED
    if not isinstance(value, (bool, int, float)):
        return f"{_told(value)} is no number"
    try:
        number = float(value)
    except OverflowError:
        return "a number too large to be a score"
    return "an infinite score" if math.isinf(number) else number


def _told(value: Any) -> str:
    if isinstance(value, str):
        return repr(value if len(value) < 40 else f"{value[:40]}…")
    return "an object" if isinstance(value, dict) else "a list"


def scalar(value: Any) -> bool:
    """Whether a value may be a label: text, a number or a truth value."""
    return isinstance(value, (str, int, float)) and value != ""
