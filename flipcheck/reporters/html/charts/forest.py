"""Slices as a ranked forest plot: estimates and intervals on one axis, with what limits them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.errors import plural
from flipcheck.metrics import METRICS
from flipcheck.reporters import words
from flipcheck.reporters.html.charts import marks
from flipcheck.reporters.html.charts.ink import BROKEN, FAINT, LIMIT, NEUTRAL, share, ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from flipcheck.report import Estimate, Report, Slice
    from flipcheck.stats.intervals import Interval

DRAWN = 40
LETTERS, OF_COLUMN, LETTER = 26, 10, 7.6
"""The room for a name, and for the column in it, in letters; and for a letter."""
WIDTH, NUMBERS, ROW = 960, 170, 22
TOP, BOTTOM = 34, 28
NFR = METRICS["negative_flip_rate"]
Limits = dict[tuple[str, str], list[float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis from 0, right of the names; what lies beyond its end is clipped."""

    left: float
    end: float

    def at(self, value: float) -> float:
        """Where a value stands."""
        return self.left + min(value, self.end) / self.end * self.plot

    @property
    def plot(self) -> float:
        """The room that names and numbers leave."""
        return WIDTH - self.left - NUMBERS


def forest(parts: Sequence[Slice], report: Report) -> Markup:
    """The negative flip rates of the most telling slices; nothing for fewer than two."""
    shown = words.ranked(parts)[:DRAWN]
    if len(shown) < 2:
        return Markup("")
    overall, limits = report.metrics["negative_flip_rate"], _limits(report)
    names = _names(shown)
    axis = Axis(max(map(marks.room, names)) * LETTER + 24, _end(shown, overall, limits))
    height = TOP + len(shown) * ROW + BOTTOM
    drawn = [*_grid(axis, height), *_overall(axis, overall, height)]
    if _one_column(shown):
        column = marks.cut(words.clean(shown[0].by), LETTERS)
        drawn.append(marks.text((0, TOP - 12), column, size=12, soft=True))
    for place, (part, shown_name) in enumerate(zip(shown, names, strict=True)):
        drawn.append(_row(part, shown_name, axis, TOP + (place + 0.5) * ROW, limits))
    return marks.picture("forest", WIDTH, height, _label(parts, shown, overall), drawn)


def undrawn(parts: Sequence[Slice]) -> int:
    """How many slices the chart leaves out."""
    return max(0, len(parts) - DRAWN)


def limited(parts: Sequence[Slice], report: Report) -> bool:
    """Whether a gate limits the negative flip rate of a slice that is drawn."""
    limits = _limits(report)
    return any((part.by, part.value) in limits for part in words.ranked(parts)[:DRAWN])


def name(part: Slice) -> str:
    """A slice as "ink = heavy", a class by its name, whole."""
    if part.by == "class":
        return words.answer(part.value)
    return f"{words.clean(part.by)} = {words.clean(part.value)}"


def _one_column(shown: Sequence[Slice]) -> bool:
    return len({part.by for part in shown}) == 1


def _names(shown: Sequence[Slice]) -> list[str]:
    """Names that fit: where all slices are of one column, only their values."""
    if _one_column(shown):
        return [marks.cut(words.answer(part.value), LETTERS) for part in shown]
    room = LETTERS - OF_COLUMN - len(" = ")
    pairs = ((words.clean(part.by), words.answer(part.value)) for part in shown)
    return [f"{marks.cut(by, OF_COLUMN)} = {marks.cut(value, room)}" for by, value in pairs]


def _limits(report: Report) -> Limits:
    """The limits that gates set to the negative flip rate of a slice, by slice."""
    found: Limits = {}
    for judged in report.gates:
        if judged.scope and judged.gate.metric == NFR.name:
            found.setdefault(judged.scope, []).append(judged.gate.limit)
    return found


def _end(shown: Sequence[Slice], overall: Estimate, limits: Limits) -> float:
    """The end of the axis: beyond every estimate and limit, but not beyond every wide interval.

    One slice of three examples is known to lie below 70 %, and would squeeze all others.
    """
    estimates = [part.metrics[NFR.name] for part in shown]
    ends = [each.interval.high for each in (*estimates, overall) if each.interval]
    highs = [end for end in ends if end is not None]
    marked = [each.value for each in (*estimates, overall) if each.value is not None]
    for part in shown:
        marked += limits.get((part.by, part.value), [])
    most = max(marked, default=0.0)
    near = 2.5 * (most or median(highs or [1.0]))
    return min(1.0, 1.05 * max([most, *(end for end in highs if end <= near)])) or 1.0


def _grid(axis: Axis, height: float) -> Iterator[Markup]:
    bottom = height - BOTTOM
    for tick in ticks(axis.end):
        at = axis.at(tick)
        yield marks.line((at, TOP), (at, bottom), kind="tick", dashes="1 3")
        yield marks.text((at, bottom + 16), share(tick), "middle", 12, soft=True)
    yield marks.line((axis.left, bottom), (axis.at(axis.end), bottom))


def _overall(axis: Axis, overall: Estimate, height: float) -> Iterator[Markup]:
    if overall.value is None:
        return
    at = axis.at(overall.value)
    yield marks.line((at, TOP - 6), (at, height - BOTTOM), NEUTRAL, 1.5, kind="overall")
    side = "end" if at > axis.left + axis.plot / 2 else "start"
    label = f"all examples {words.percent(overall.value)}"
    yield marks.text((at, TOP - 12), label, side, 12, soft=True)


def _row(
    part: Slice,
    shown_name: str,
    axis: Axis,
    y: float,
    limits: Mapping[tuple[str, str], list[float]],
) -> Markup:
    estimate, marked = part.metrics[NFR.name], words.is_marked(part)
    starred = shown_name + (" *" if marked else "")
    drawn = [marks.text((0, y + 4), starred, bold=marked, soft=part.too_small)]
    if not part.too_small:
        drawn += _whisker(part.simultaneous, axis, y, 1, "simultaneous")
    drawn += _whisker(estimate.interval, axis, y, 4, "interval", pale=part.too_small)
    for limit in limits.get((part.by, part.value), []):
        x = axis.at(limit)
        ends = (x, y - ROW / 2), (x, y + ROW / 2)
        drawn.append(marks.line(*ends, LIMIT, 2, dashes="4 3", kind="limit"))
    if estimate.value is not None:
        drawn.append(_mark(part, (axis.at(estimate.value), y), marked=marked))
    drawn.append(
        marks.text((axis.left + axis.plot + 16, y + 4), words.percent(estimate.value), size=12)
    )
    counts = f"{part.tally.negative_flips:,} of {part.tally.examples:,}"
    counts = "too small" if part.too_small else counts
    drawn.append(marks.text((WIDTH, y + 4), counts, "end", 12, soft=True))
    return marks.group("slice", _told(part), drawn)


def _mark(part: Slice, at: marks.Point, *, marked: bool) -> Markup:
    if marked:
        return marks.diamond(at, BROKEN, kind="value")
    return (marks.ring if part.too_small else marks.disc)(at, NEUTRAL, kind="value")


def _whisker(
    interval: Interval | None, axis: Axis, y: float, width: float, kind: str, *, pale: bool = False
) -> Iterator[Markup]:
    """An interval as a line, with an arrow where it goes on beyond the axis."""
    if interval is None:
        return
    low, high = interval.low or 0.0, 1.0 if interval.high is None else interval.high
    color = FAINT if pale else NEUTRAL
    yield marks.line((axis.at(low), y), (axis.at(high), y), color, width, kind=kind)
    if high > axis.end:
        yield marks.arrow((axis.at(high) + 7, y), color, f"{kind}-goes-on")


def _told(part: Slice) -> str:
    """A row in words."""
    estimate = part.metrics[NFR.name]
    told = f"{name(part)}: {words.percent(estimate.value)}, {words.span(NFR, estimate.interval)}"
    if part.simultaneous is not None:
        told += f"; {words.span(NFR, part.simultaneous)} with all slices at once"
    return told


def _label(parts: Sequence[Slice], shown: Sequence[Slice], overall: Estimate) -> str:
    """What the chart shows, in words: the data are in the table below it."""
    marked = [name(part) for part in shown if words.is_marked(part)]
    told = [f"negative flip rates of {plural(len(shown), 'slice')}, the most telling first"]
    if left := undrawn(parts):
        told.append(f"{left:,} more are not drawn")
    told.append(f"of all examples {words.percent(overall.value)}")
    told.append(_few("more flips than the rest: ", marked) if marked else "none is marked")
    return "; ".join(told)


def _few(lead: str, names: Iterable[str], most: int = 5) -> str:
    found = list(names)
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return lead + ", ".join(found[:most]) + more
