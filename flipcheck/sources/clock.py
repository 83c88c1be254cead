"""The time that builds are told to take for now, so that the same inputs give the same bytes."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from flipcheck.errors import UsageError

VARIABLE = "SOURCE_DATE_EPOCH"


def told_time() -> datetime | None:
    """The time in UTC of SOURCE_DATE_EPOCH; None where it is not set. Raises UsageError."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    found = _time(text)
    if found is None:
        raise UsageError(
            f"{VARIABLE} is {text[:80]!r}, which is no time",
            hint="set it to whole seconds since 1970, or unset it",
        )
    return found


def _time(text: str) -> datetime | None:
    if not (text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):  # later than any time that a system knows
        return None
