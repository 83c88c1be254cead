"""How far a gate is from its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.reporters import words
from flipcheck.reporters.html.charts import marks
from flipcheck.reporters.html.charts.ink import LIMIT, NEUTRAL
from flipcheck.reporters.html.charts.verdict import mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flipcheck.gates import Judgement

WIDTH, HEIGHT, EDGE, LINE = 220, 46, 8, 24
LETTER = 6.6


def gate(judged: Judgement) -> Markup:
    """How far a gate is from its limit: estimate, both one-sided bounds, and the limit.

    What lies beyond the limit is shaded.
    """
    limit, known = judged.gate.limit, [judged.bound, judged.opposite, judged.value]
    ends = [end for end in known if end is not None]
    if not ends:
        return Markup("")
    least, most = min([*ends, limit, 0.0]), max([*ends, limit, 0.0])
    room = (most - least) or 1.0

    def place(value: float) -> float:
        return EDGE + (value - least) / room * (WIDTH - 2 * EDGE)

    drawn = [
        *_beyond(judged, place(limit)),
        marks.line((EDGE, LINE), (WIDTH - EDGE, LINE)),
        marks.line((place(min(ends)), LINE), (place(max(ends)), LINE), NEUTRAL, 4, kind="bounds"),
        *_limit(judged, place(limit)),
    ]
    if judged.value is not None:
        value = words.number(judged.gate.measures, judged.value)
        drawn.append(mark(judged.verdict, (place(judged.value), LINE)))
        drawn.append(_label(place(judged.value), HEIGHT - 4, value))
    return marks.picture("gate", WIDTH, HEIGHT, _told(judged), drawn)


def _beyond(judged: Judgement, at: float) -> Iterator[Markup]:
    """The side of the limit on which the gate fails, where there is room for it."""
    left, right = (at, WIDTH) if judged.gate.upper else (0.0, at)
    if right > left:
        yield marks.box((left, LINE - 9), (right - left, 18), LIMIT, "beyond", 0.12)


def _limit(judged: Judgement, at: float) -> Iterator[Markup]:
    ends = (at, LINE - 11), (at, LINE + 11)
    yield marks.line(*ends, LIMIT, 2, dashes="3 2", kind="limit")
    yield _label(at, LINE - 14, f"limit {judged.gate.limit_text}")


def _label(at: float, y: float, words_shown: str) -> Markup:
    """A text in the middle of a place, as far as the chart has room there."""
    half = len(words_shown) * LETTER / 2
    inside = min(max(at, half), WIDTH - half)
    return marks.text((inside, y), words_shown, "middle", 11, soft=True)


def _told(judged: Judgement) -> str:
    """The chart in words."""
    metric = judged.gate.measures
    told = f"measured {words.number(metric, judged.value)}, "
    known = [end for end in (judged.bound, judged.opposite) if end is not None]
    if known:
        ends = [words.number(metric, end) for end in sorted(known)]
        told += f"one-sided bounds {' and '.join(ends)}, "
    return f"{told}limit {words.number(metric, judged.gate.limit)} (dashed)"
