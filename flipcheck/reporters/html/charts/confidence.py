"""How sure the flipped answers are, against those that stay right: a histogram a side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.reporters import words
from flipcheck.reporters.html.charts import marks
from flipcheck.reporters.html.charts.ink import BROKEN, KEPT, share, ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flipcheck.report import Report
    from flipcheck.report.confidences import Sureness

LEFT, PLOT, RIGHT = 44, 260, 10
PANEL, HEAD, FOOT = 110, 26, 40
WIDTH = LEFT + PLOT + RIGHT


def confidence(report: Report) -> Markup:
    """The confidences of the answers to negative flips, a chart a side, on one scale."""
    shown = sides(report)
    shares = [_shares(each) for _, side in shown for each in (side.negative_flips, side.both_right)]
    most = max((max(each) for each in shares), default=0.0) * 1.08
    return Markup("\n").join(_chart(title, side, most) for title, side in shown)


def _chart(title: str, side: Sureness, most: float) -> Markup:
    """One side's histogram over its axis; `most` is the share at the top."""
    base = HEAD + PANEL
    drawn = [marks.text((0, 14), title, bold=True), *_panel(side, most, base)]
    for place in range(0, 11, 2):
        at = LEFT + PLOT * place / 10
        drawn.append(marks.text((at, base + 16), f"{place / 10:g}", "middle", 12, soft=True))
    drawn.append(marks.text((LEFT + PLOT / 2, base + 34), "confidence", "middle", 12, soft=True))
    label = f"confidence of the {title}, negative flips by step: {_ranges(side.negative_flips)}"
    return marks.picture("confidence", WIDTH, base + FOOT, label, drawn)


def sides(report: Report) -> list[tuple[str, Sureness]]:
    """What each side's confidences are of, and the counts, where a flip's is known."""
    found = report.confidences
    if found is None:
        return []
    ranked = words.is_ranked(report)
    titles = (
        (
            "new model, in its first answer" if ranked else "new model, in its wrong answer",
            found.new,
        ),
        (
            "old model, in its first answer" if ranked else "old model, in the right answer",
            found.old,
        ),
    )
    return [(title, side) for title, side in titles if side and sum(side.negative_flips)]


def steps(counts: Sequence[float]) -> list[str]:
    """The steps of confidence as "0.65 to 0.70"."""
    return [
        f"{place / len(counts):.2f} to {(place + 1) / len(counts):.2f}"
        for place in range(len(counts))
    ]


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def _ranges(counts: Sequence[int]) -> str:
    """The steps that hold flips, in words: "0.65 to 0.70: 3"."""
    named = zip(steps(counts), counts, strict=True)
    return ", ".join(f"{step}: {count:,}" for step, count in named if count)


def _panel(side: Sureness, most: float, base: float) -> Iterator[Markup]:
    """One side's histogram: bars for the flips, a line of steps for the answers that stay right."""
    flips, right = _shares(side.negative_flips), _shares(side.both_right)
    wide = PLOT / len(flips)

    def y(value: float) -> float:
        return base - value / most * PANEL

    for tick in ticks(most, 3):
        yield marks.line((LEFT, y(tick)), (LEFT + PLOT, y(tick)), dashes="1 3", kind="tick")
        yield marks.text((LEFT - 6, y(tick) + 4), share(tick), "end", 12, soft=True)
    named = zip(steps(flips), side.negative_flips, flips, strict=True)
    for place, (step, count, each) in enumerate(named):
        if not count:
            continue
        corner = (LEFT + place * wide + 1, y(each))
        bar = marks.box(corner, (wide - 2, base - y(each)), BROKEN, "flips")
        yield marks.group("step", f"{step}: {count:,} negative flips", [bar])
    if any(right):
        yield marks.path(_outline(right, y, wide), "currentColor", "right", filled=False, width=1.5)
    yield marks.line((LEFT, base), (LEFT + PLOT, base), KEPT)


def _outline(right: Sequence[float], y: Callable[[float], float], wide: float) -> str:
    way = f"M{LEFT} {y(0):.2f}"
    for place, each in enumerate(right):
        way += f"V{y(each):.2f}H{LEFT + (place + 1) * wide:.2f}"
    return f"{way}V{y(0):.2f}"
