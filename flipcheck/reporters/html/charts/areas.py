"""Outcomes as areas to scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.reporters import words
from flipcheck.reporters.html.charts.ink import BROKEN, KEPT, MENDED, WRONG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flipcheck.outcomes import Tally

    Area = tuple[str, str, str, int]

SQUARE, GAP, LEFT, TOP = 240, 1.0, 112, 22


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
