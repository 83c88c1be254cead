"""Outcomes as areas to scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.reporters.html.charts.ink import BROKEN, KEPT, MENDED, WRONG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flipcheck.outcomes import Tally

SQUARE, GAP = 240, 1.0


def mosaic(tally: Tally) -> Markup:
    """The four joint outcomes as areas to scale: a column for the old model right, and wrong."""
    split = SQUARE * tally.old_right / tally.examples
    parts = [
        *_column(
            0,
            split,
            ("both right", KEPT, tally.both_right),
            ("negative flips", BROKEN, tally.negative_flips),
        ),
        *_column(
            split,
            SQUARE - split,
            ("positive flips", MENDED, tally.positive_flips),
            ("both wrong", WRONG, tally.both_wrong),
        ),
    ]
    label = (
        f"of {tally.examples:,} examples {tally.both_right:,} both right, "
        f"{tally.negative_flips:,} negative flips, {tally.positive_flips:,} positive flips, "
        f"{tally.both_wrong:,} both wrong"
    )
    return Markup(
        '<svg class="mosaic" width="{s}" height="{s}" viewBox="0 0 {s} {s}" role="img" '
        'aria-label="{label}">{parts}</svg>'
    ).format(s=SQUARE, label=label, parts=Markup("").join(parts))


def scores(tally: Tally) -> Markup:
    """The scores that fell, stayed and rose as areas to scale, side by side."""
    parts: list[Markup] = []
    left = 0.0
    for area in (
        ("worse", BROKEN, tally.negative_flips),
        ("unchanged", KEPT, tally.scores_unchanged),
        ("better", MENDED, tally.positive_flips),
    ):
        width = SQUARE * area[-1] / tally.examples
        parts += _column(left, width, area)
        left += width
    label = (
        f"of {tally.examples:,} scores {tally.negative_flips:,} worse, "
        f"{tally.scores_unchanged:,} unchanged, {tally.positive_flips:,} better"
    )
    return Markup(
        '<svg class="mosaic" width="{s}" height="{h}" viewBox="0 0 {s} {s}" role="img" '
        'preserveAspectRatio="none" aria-label="{label}">{parts}</svg>'
    ).format(s=SQUARE, h=SQUARE // 3, label=label, parts=Markup("").join(parts))


def _column(left: float, width: float, *areas: tuple[str, str, int]) -> Iterator[Markup]:
    """Areas (title, colour, count) that share a column, one below the other."""
    total = sum(count for _, _, count in areas)
    top = 0.0
    for title, color, count in areas:
        if not count:
            continue
        height = SQUARE * count / total
        yield Markup(
            '<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{color}">'
            "<title>{title}</title></rect>"
        ).format(
            x=round(left + GAP, 2),
            y=round(top + GAP, 2),
            color=color,
            w=round(max(GAP, width - 2 * GAP), 2),
            h=round(max(GAP, height - 2 * GAP), 2),
            title=f"{title}: {count:,}",
        )
        top += height
