"""Power curves, and bars of verdicts, as SVG: presentation attributes, colours for day and night.

Every text goes through Markup's escaping format.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.reporters import words
from flipcheck.stats.power import often

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flipcheck.audits.lint import Odds
    from flipcheck.audits.sizes import Curve, GatePlan, Need

    Place = Callable[[float], float]

COLORS = ("#c2410c", "#0d9488", "#6366f1", "#a16207")
PASSED, UNDECIDED, FAILED = "#15803d", "#d97706", "#b91c1c"
AXIS = "#94a3b8"
WIDTH, HEIGHT = 860, 320
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 12, 40
BAR = 200


def power(each: GatePlan, goal: float, examples: int | None) -> Markup:
    """The power of a gate against the number of examples, with the goal and what reaches it."""
    last = each.curves[0].examples[-1]

    def x(count: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * count / last, 1)

    def y(share: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), 1)

    parts = [*_grid(last, x, y), _line((LEFT, y(goal)), (x(last), y(goal)), "5 4")]
    if examples is not None:
        parts.append(_line((x(examples), TOP), (x(examples), y(0)), "2 3"))
        parts.append(_text(x(examples) + 5, y(0) - 8, f"{examples:,}", "start"))
    for color, curve in zip(COLORS, each.curves, strict=False):
        points = zip(curve.examples, curve.power, strict=True)
        parts.append(
            Markup(
                '<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2" '
                'stroke-linejoin="round"/>'
            ).format(points=" ".join(f"{x(n)},{y(p)}" for n, p in points), color=color)
        )
        need = needed(each, curve, goal)
        if need.stable is not None:
            parts.append(
                Markup('<circle cx="{x}" cy="{y}" r="4.5" fill="{color}"/>').format(
                    x=x(need.stable), y=y(goal), color=color
                )
            )
    return Markup(
        '<svg class="power" width="100%" viewBox="0 0 {w} {h}" role="img" '
        'aria-label="{label}">{parts}</svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        label=f"the power of {words.clean(str(each.gate))} from 1 to {last:,} examples",
        parts=Markup("").join(parts),
    )


def needed(each: GatePlan, curve: Curve, goal: float) -> Need:
    """The examples that the update of a curve needs for the goal."""
    return next(need for need in each.needs if need.update == curve.update and need.power == goal)


def _grid(last: int, x: Place, y: Place) -> Iterator[Markup]:
    """The axes: lines of equal power, and numbers of examples."""
    for percent in range(0, 101, 20):
        height = y(percent / 100)
        yield Markup(
            '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-opacity="0.3"/>'
        ).format(LEFT, height, x(last), height, AXIS)
        yield _text(LEFT - 6, height + 4, f"{percent}%", "end")
    for count in _ticks(last):
        yield _line((x(count), y(0)), (x(count), y(0) + 4))
        yield _text(x(count), y(0) + 18, f"{count:,}", "middle")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "examples", "middle")


def bar(odds: Odds) -> Markup:
    """How often audits pass, stay undecided and fail, as one bar."""
    shares = ((PASSED, odds.passed), (UNDECIDED, odds.undecided), (FAILED, odds.failed))
    left, parts = 0.0, []
    for color, share in shares:
        parts.append(
            Markup('<rect x="{x}" y="0" width="{w}" height="14" fill="{color}"/>').format(
                x=round(left * BAR, 2), w=round(share * BAR, 2), color=color
            )
        )
        left += share
    label = ", ".join(
        f"{name} {often(share)}"
        for name, (_, share) in zip(("passes", "undecided", "fails"), shares, strict=True)
    )
    return Markup(
        '<svg class="odds" width="{w}" height="14" viewBox="0 0 {w} 14" role="img" '
        'aria-label="{label}">{parts}</svg>'
    ).format(w=BAR, label=label, parts=Markup("").join(parts))


def _line(start: tuple[float, float], end: tuple[float, float], dashes: str = "") -> Markup:
    return Markup(
        '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="1" stroke-dasharray="{}"/>'
    ).format(*start, *end, AXIS, dashes or "none")


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup(
        '<text x="{}" y="{}" text-anchor="{}" font-size="12" fill="currentColor">{}</text>'
    ).format(x, y, anchor, text)


def _ticks(last: int, count: int = 5) -> list[int]:
    """Round numbers from 0 up to `last`, about `count` of them."""
    step = 10 ** math.floor(math.log10(max(1, last / count)))
    step = next(size for size in (step, 2 * step, 5 * step, 10 * step) if last / size <= count)
    return list(range(0, last + 1, int(step)))
