"""A value and its interval in a cell of a table, and a count as a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.reporters import words
from flipcheck.reporters.html.charts.ink import BROKEN, FAINT, NEUTRAL

if TYPE_CHECKING:
    from flipcheck.report import Estimate

WIDTH, HEIGHT, GAP = 180, 16, 1.0


def interval(estimate: Estimate, top: float) -> Markup:
    """A value and its interval on an axis from 0 to `top`."""
    if estimate.value is None or estimate.interval is None:
        return Markup("")
    low, high = estimate.interval.low or 0.0, estimate.interval.high or top
    left, right, at = (
        round(min(end, top) / top * (WIDTH - 8) + 4, 2) for end in (low, high, estimate.value)
    )
    return Markup(
        '<svg class="interval" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        'aria-label="{label}">'
        '<line class="axis" x1="4" y1="8" x2="{end}" y2="8" stroke="{faint}"/>'
        '<rect class="span" x="{left}" y="5" width="{wide}" height="6" rx="2" fill="{neutral}"/>'
        '<rect class="broken" x="{at}" y="1" width="3" height="14" fill="{color}"/></svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        end=WIDTH - 4,
        left=left,
        wide=round(max(GAP, right - left), 2),
        at=round(at - 1.5, 2),
        color=BROKEN,
        faint=FAINT,
        neutral=NEUTRAL,
        label=f"{words.percent(estimate.value)}, "
        f"interval {words.percent(low)} to {words.percent(high)}",
    )


def bar(count: int, most: int) -> Markup:
    """A count as a bar against the largest one."""
    return Markup(
        '<svg class="bar" width="120" height="10" viewBox="0 0 120 10" aria-hidden="true">'
        '<rect class="broken" width="{w}" height="10" fill="{color}"/></svg>'
    ).format(w=round(120 * count / most, 2), color=BROKEN)
