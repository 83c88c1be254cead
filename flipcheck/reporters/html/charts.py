"""Charts as SVG, drawn here: presentation attributes, so that they show without CSS too.

Every text goes through Markup's escaping format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.gates import Verdict
from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flipcheck.gates import Judgement
    from flipcheck.outcomes import Tally
    from flipcheck.report import Estimate

    Area = tuple[str, str, str, int]

BROKEN, MENDED, KEPT, WRONG = "#c2410c", "#0f766e", "#94a3b8", "#57534e"
WIDTH, HEIGHT = 180, 16
SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✕", Verdict.INCONCLUSIVE: "?", None: "–"}
PATHS = {
    Verdict.PASS: "M13 23 L20 30 L32 15",
    Verdict.FAIL: "M15 15 L29 29 M29 15 L15 29",
    Verdict.INCONCLUSIVE: "M16.5 17 a5.5 5.5 0 1 1 8 4.9 q-2.5 1.4 -2.5 4.1 M22 32 v.2",
    None: "M14 22 H30",
}
GATE = 200
SQUARE, GAP, LEFT, TOP = 240, 1.0, 112, 22


def scale(ends: Iterable[float | None]) -> float:
    """The right end of a shared axis: the largest bound, never more than all and never 0."""
    return min(1.0, max([end for end in ends if end is not None], default=1.0) * 1.05) or 1.0


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
        '<line class="axis" x1="4" y1="8" x2="{end}" y2="8" stroke="#cbd5e1"/>'
        '<rect class="span" x="{left}" y="5" width="{wide}" height="6" rx="2" fill="#64748b"/>'
        '<rect class="broken" x="{at}" y="1" width="3" height="14" fill="{color}"/></svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        end=WIDTH - 4,
        left=left,
        wide=round(max(GAP, right - left), 2),
        at=round(at - 1.5, 2),
        color=BROKEN,
        label=f"{words.percent(estimate.value)}, "
        f"interval {words.percent(low)} to {words.percent(high)}",
    )


def gate(judged: Judgement) -> Markup:
    """How far a gate is from its limit: estimate, both one-sided bounds, and what is allowed."""
    limit = judged.gate.limit
    ends = [end for end in (judged.bound, judged.opposite, judged.value) if end is not None]
    if not ends:
        return Markup("")
    least, most = min([*ends, limit, 0.0]), max([*ends, limit, 0.0])
    room = (most - least) or 1.0

    def place(value: float) -> float:
        return round((value - least) / room * (GATE - 24) + 12, 2)

    metric, at = judged.gate.measures, place(limit)
    left, right = (0, at) if judged.gate.upper else (at, GATE)
    return Markup(
        '<svg class="gate" width="{w}" height="28" viewBox="0 0 {w} 28" role="img" '
        'aria-label="{label}">'
        '<rect class="allowed" x="{start}" y="4" width="{wide}" height="20" fill="#16a34a" '
        'fill-opacity="0.14"/>'
        '<line class="axis" x1="0" y1="14" x2="{w}" y2="14" stroke="#cbd5e1"/>'
        '<line class="span" x1="{low}" y1="14" x2="{high}" y2="14" stroke="#64748b" '
        'stroke-width="4" stroke-linecap="round"/>'
        '<circle class="broken" cx="{dot}" cy="14" r="5" fill="{color}"/>'
        '<line class="limit" x1="{at}" y1="1" x2="{at}" y2="27" stroke="#b91c1c" '
        'stroke-width="2" stroke-dasharray="3 2"/></svg>'
    ).format(
        w=GATE,
        start=left,
        wide=round(right - left, 2),
        low=place(min(ends)),
        high=place(max(ends)),
        dot=place(judged.value if judged.value is not None else limit),
        at=at,
        color=BROKEN,
        label=f"measured {words.number(metric, judged.value)}, limit "
        f"{words.number(metric, limit)} (dashed)",
    )


def sign(verdict: Verdict | None) -> Markup:
    """The verdict as a sign whose shape tells it too: a tick, a cross, a question mark."""
    return Markup(
        '<svg class="sign" width="44" height="44" viewBox="0 0 44 44" aria-hidden="true">'
        '<circle cx="22" cy="22" r="20" fill="none" stroke="currentColor" stroke-width="3"/>'
        '<path d="{path}" fill="none" stroke="currentColor" stroke-width="4" '
        'stroke-linecap="round" stroke-linejoin="round"/></svg>'
    ).format(path=PATHS[verdict])


def mosaic(tally: Tally, *, shares: bool = True) -> Markup:
    """The four joint outcomes as areas to scale: a column for the old model right, and wrong.

    The counts stand beside their areas, which may be too thin to hold them, with their `shares`
    (of examples, so not where these are weighted).
    """
    split = SQUARE * tally.old_right / tally.examples
    columns = (
        (
            (LEFT, split, "end", LEFT - 12),
            ("both right", "kept", KEPT, tally.both_right),
            ("negative flips", "broken", BROKEN, tally.negative_flips),
        ),
        (
            (LEFT + split, SQUARE - split, "start", LEFT + SQUARE + 12),
            ("positive flips", "mended", MENDED, tally.positive_flips),
            ("both wrong", "wrong", WRONG, tally.both_wrong),
        ),
    )
    parts: list[Markup] = []
    for (left, width, anchor, beside), *areas in columns:
        parts += _column(left, width, *areas)
        parts += _beside(areas, anchor, beside, left + width / 2, shares * tally.examples)
    parts.append(_text(LEFT, 14, "start", "↓ old right", soft=True))
    parts.append(_text(LEFT + SQUARE, 14, "end", "old wrong ↓", soft=True))
    label = (
        f"of {tally.examples:,} examples {tally.both_right:,} both right, "
        f"{tally.negative_flips:,} negative flips, {tally.positive_flips:,} positive flips, "
        f"{tally.both_wrong:,} both wrong"
    )
    return Markup(
        '<svg class="mosaic" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        'aria-label="{label}">{parts}</svg>'
    ).format(w=2 * LEFT + SQUARE, h=SQUARE + TOP + 4, label=label, parts=Markup("").join(parts))


def scores(tally: Tally) -> Markup:
    """The scores that fell, stayed and rose as areas to scale, side by side."""
    parts: list[Markup] = []
    left = 0.0
    for area in (
        ("worse", "broken", BROKEN, tally.negative_flips),
        ("unchanged", "kept", KEPT, tally.scores_unchanged),
        ("better", "mended", MENDED, tally.positive_flips),
    ):
        width = SQUARE * area[-1] / tally.examples
        parts += _column(left, width, area, top=0.0)
        left += width
    label = (
        f"of {tally.examples:,} scores {tally.negative_flips:,} worse, "
        f"{tally.scores_unchanged:,} unchanged, {tally.positive_flips:,} better"
    )
    return Markup(
        '<svg class="scores" width="{w}" height="{h}" viewBox="0 0 {s} {s}" role="img" '
        'preserveAspectRatio="none" aria-label="{label}">{parts}</svg>'
    ).format(w=2 * SQUARE, h=72, s=SQUARE, label=label, parts=Markup("").join(parts))


def _column(left: float, width: float, *areas: Area, top: float = TOP) -> Iterator[Markup]:
    """Areas (title, class, colour, count) that share a column, one below the other."""
    total = sum(count for *_, count in areas)
    for title, name, color, count in areas:
        if not count:
            continue
        height = SQUARE * count / total
        yield Markup(
            '<rect class="{name}" x="{x}" y="{y}" width="{w}" height="{h}" fill="{color}">'
            "<title>{title}</title></rect>"
        ).format(
            name=name,
            x=round(left + GAP, 2),
            y=round(top + GAP, 2),
            color=color,
            w=round(max(GAP, width - 2 * GAP), 2),
            h=round(max(GAP, height - 2 * GAP), 2),
            title=f"{title}: {count:,}",
        )
        top += height


def _beside(
    areas: Iterable[Area], anchor: str, x: float, middle: float, examples: int
) -> Iterator[Markup]:
    """The count and the name of each area of a column, with a line to it."""
    first, second = areas
    total = (first[-1] + second[-1]) or 1
    cut = TOP + SQUARE * first[-1] / total
    places = [(TOP + cut) / 2, (cut + TOP + SQUARE) / 2]  # always half a square apart
    heights = [places[0], min(places[1], TOP + SQUARE - 32)]  # room for two lines below
    toward = 8 if anchor == "end" else -8
    for (title, _, _, count), place, height in zip((first, second), places, heights, strict=True):
        if count:
            yield Markup(
                '<path class="lead" d="M{x},{y} L{edge},{y} L{to},{at}" fill="none" '
                'stroke="#64748b"/>'
            ).format(
                x=x + toward / 4,
                y=round(height, 2),
                edge=x + toward,
                to=round(middle if abs(middle - x) < 24 else x + 2.5 * toward, 2),
                at=round(place, 2),
            )
        yield _text(x, height, anchor, f"{count:,}")
        yield _text(x, height + 16, anchor, title, soft=True)
        if examples:
            share = words.percent(count / examples)
            yield _text(x, height + 32, anchor, share, soft=True)


def _text(x: float, y: float, anchor: str, text: str, *, soft: bool = False) -> Markup:
    """A text in a chart: a count that stands out, or what is said of it."""
    size, weight = (12, 400) if soft else (17, 700)
    return Markup(
        '<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
        'fill="currentColor"{opacity}>{text}</text>'
    ).format(
        x=round(x, 2),
        y=round(y + (0 if soft else 2), 2),
        anchor=anchor,
        size=size,
        weight=weight,
        opacity=Markup(' fill-opacity="0.8"') if soft else "",
        text=text,
    )


def bar(count: int, most: int) -> Markup:
    """A count as a bar against the largest one."""
    return Markup(
        '<svg class="bar" width="120" height="10" viewBox="0 0 120 10" aria-hidden="true">'
        '<rect class="broken" width="{w}" height="10" fill="{color}"/></svg>'
    ).format(w=round(120 * count / most, 2), color=BROKEN)
