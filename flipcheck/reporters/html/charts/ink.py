"""The colours and the scale that charts share.

Every colour stands out from a white page and from a dark one; text takes the page's own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BROKEN, MENDED, KEPT, WRONG = "#ea580c", "#0d9488", "#8296b0", "#78716c"
NEUTRAL, LIMIT, PASSED, UNDECIDED = "#64748b", "#dc2626", "#16a34a", "#c27803"
FAINT = "#94a3b8"
"""Lines that only guide the eye."""
LEAST = 1e-300
"""Smaller steps than this lose their digits."""


def scale(ends: Iterable[float | None]) -> float:
    """The right end of a shared axis: the largest bound, never more than all and never 0."""
    return min(1.0, max([end for end in ends if end is not None], default=1.0) * 1.05) or 1.0


def ticks(top: float, most: int = 5) -> list[float]:
    """Round numbers from 0 to the end of an axis, at most so many above 0."""
    exact = top / most
    if exact < LEAST:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(exact))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= exact * (1 - 1e-9))
    return [float(f"{place * step:.10g}") for place in range(int(top / step * (1 + 1e-9)) + 1)]


def share(value: float) -> str:
    """A round share as an axis has it: "2.5%"."""
    return f"{value * 100:.4g}%"
