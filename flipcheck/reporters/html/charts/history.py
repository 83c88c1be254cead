"""Updates over time: a chart for each metric, with intervals and the verdict of each update."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.metrics import METRICS
from flipcheck.reporters import history as told
from flipcheck.reporters import words
from flipcheck.reporters.html.charts import marks
from flipcheck.reporters.html.charts.ink import NEUTRAL, scale, share, ticks
from flipcheck.reporters.html.charts.verdict import mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flipcheck.report import Estimate, Report
    from flipcheck.reporters.history import Update

DRAWN = 30
"""The latest updates that are drawn."""
LEFT, PLOT, RIGHT = 44, 252, 20
HEAD, PANEL, FOOT = 30, 120, 26
LETTER = 6.8


@dataclass(frozen=True, slots=True)
class Plane:
    """Where updates and values stand: updates side by side, values on a linear axis."""

    updates: int
    low: float
    high: float

    def x(self, place: int) -> float:
        """Where an update stands."""
        return LEFT + PLOT * (place + 0.5) / self.updates

    def y(self, value: float) -> float:
        """Where a value stands; beyond the axis at its end."""
        inside = min(max(value, self.low), self.high)
        return HEAD + PANEL * (self.high - inside) / (self.high - self.low)


def history(report: Report) -> Markup:
    """The new model's errors and the negative flip rate over updates; nothing without a history."""
    shown = told.updates(report)[-DRAWN:]
    names = (told.error_name(report), "negative_flip_rate") if shown else ()
    return Markup("\n").join(_chart(name, shown) for name in names)


def undrawn_updates(report: Report) -> int:
    """How many updates are too old to be drawn."""
    return max(0, len(report.history) + 1 - DRAWN)


def _chart(name: str, shown: Sequence[Update]) -> Markup:
    metric = METRICS[name]
    estimates = [each.metrics[name] for each in shown]
    plane = Plane(len(shown), *_range(estimates, share_of_all=metric.kind == "proportion"))
    drawn = [
        marks.text((0, 14), metric.title, bold=True),
        *_grid(plane, as_share=metric.kind == "proportion"),
        *_joins(shown, estimates, plane),
    ]
    for place, (each, estimate) in enumerate(zip(shown, estimates, strict=True)):
        drawn.append(_point(each, estimate, name, plane, place))
    drawn += _names(shown, plane)
    values = (
        f"{each.name} {words.number(metric, estimate.value)}"
        for each, estimate in zip(shown, estimates, strict=True)
    )
    label = f"{metric.title} over {len(shown):,} updates: {', '.join(values)}"
    return marks.picture("history", LEFT + PLOT + RIGHT, HEAD + PANEL + FOOT, label, drawn)


def _range(estimates: Sequence[Estimate], *, share_of_all: bool) -> tuple[float, float]:
    """The axis: from 0 for shares, and for scores over all of their values."""
    ends = [each.value for each in estimates]
    for each in estimates:
        ends += (each.interval.low, each.interval.high) if each.interval else ()
    if share_of_all:
        return 0.0, scale(ends)
    known = [end for end in ends if end is not None] or [0.0]
    low, high = min(known), max(known)
    room = (high - low or 1.0) * 0.08
    return low - room, high + room


def _grid(plane: Plane, *, as_share: bool) -> Iterator[Markup]:
    step = ticks(plane.high - plane.low, 4)[:2][-1]
    for place in range(math.ceil(plane.low / step), int(plane.high / step + 1e-9) + 1):
        value = float(f"{place * step:.10g}")
        if not plane.low <= value <= plane.high:
            continue
        y = plane.y(value)
        yield marks.line((LEFT, y), (LEFT + PLOT, y), dashes="1 3", kind="tick")
        label = share(value) if as_share else f"{value:g}"
        yield marks.text((LEFT - 6, y + 4), label, "end", 12, soft=True)


def _joins(
    shown: Sequence[Update], estimates: Sequence[Estimate], plane: Plane
) -> Iterator[Markup]:
    """Lines between updates of one test set, dashed where that is not known, else none."""
    for place in range(1, len(shown)):
        one, two = shown[place - 1], shown[place]
        first, second = estimates[place - 1].value, estimates[place].value
        apart = told.difference(one, two)
        if first is None or second is None or apart not in {"", told.UNSURE}:
            continue
        ends = (plane.x(place - 1), plane.y(first)), (plane.x(place), plane.y(second))
        dashes = "4 3" if apart else "none"
        yield marks.line(*ends, NEUTRAL, 1.5, dashes=dashes, kind="join")


def _point(update: Update, estimate: Estimate, name: str, plane: Plane, place: int) -> Markup:
    metric, x = METRICS[name], plane.x(place)
    drawn = []
    ends = estimate.interval
    if ends is not None:
        low = plane.low if ends.low is None else ends.low
        high = plane.high if ends.high is None else ends.high
        bar = (x, plane.y(low)), (x, plane.y(high))
        drawn.append(marks.line(*bar, NEUTRAL, 2, kind="interval"))
    if estimate.value is not None:
        drawn.append(mark(update.verdict, (x, plane.y(estimate.value))))
    title = f"{update.name}: {words.number(metric, estimate.value)}, {words.span(metric, ends)}; "
    title += words.TITLES[update.verdict].lower()
    title += f"; {update.note}" if update.note else ""
    return marks.group("update", title, drawn)


def _names(shown: Sequence[Update], plane: Plane) -> Iterator[Markup]:
    """The names below the points: all where each has room, else those of the ends."""
    y, longest = HEAD + PANEL + 20, max(marks.room(each.name) for each in shown)
    if (longest + 1) * LETTER <= PLOT / len(shown):
        for place, each in enumerate(shown):
            yield marks.text((plane.x(place), y), each.name, "middle", 12)
        return
    yield marks.text((LEFT, y), marks.cut(shown[0].name, 18), "start", 12, soft=True)
    yield marks.text((LEFT + PLOT + RIGHT, y), shown[-1].name, "end", 12)
