"""The colours and the scale that charts share.

Every colour stands out from a white page and from a dark one; text takes the page's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BROKEN, MENDED, KEPT, WRONG = "#c2410c", "#0f766e", "#94a3b8", "#57534e"


def scale(ends: Iterable[float | None]) -> float:
    """The right end of a shared axis: the largest bound, never more than all and never 0."""
    return min(1.0, max([end for end in ends if end is not None], default=1.0) * 1.05) or 1.0
