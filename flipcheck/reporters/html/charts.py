"""Charts as SVG, drawn here: presentation attributes, so that they show without CSS too.

Every text goes through Markup's escaping format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flipcheck.gates import Judgement
    from flipcheck.outcomes import Tally
    from flipcheck.report import Estimate

BROKEN, MENDED, KEPT, WRONG = "#c2410c", "#0f766e", "#94a3b8", "#57534e"
WIDTH, HEIGHT = 180, 16
SQUARE, GAP = 240, 1.0


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
        '<line x1="4" y1="8" x2="{end}" y2="8" stroke="#cbd5e1" stroke-width="1"/>'
        '<line x1="{left}" y1="8" x2="{right}" y2="8" stroke="#64748b" stroke-width="3"/>'
        '<circle cx="{at}" cy="8" r="4" fill="{color}"/></svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        end=WIDTH - 4,
        left=left,
        right=right,
        at=at,
        color=BROKEN,
        label=f"{words.percent(estimate.value)}, "
        f"interval {words.percent(low)} to {words.percent(high)}",
    )


def gate(judged: Judgement) -> Markup:
    """How far a gate is from its limit: estimate, both one-sided bounds, and the limit."""
    limit = judged.gate.limit
    ends = [end for end in (judged.bound, judged.opposite, judged.value) if end is not None]
    if not ends:
        return Markup("")
    least, most = min([*ends, limit, 0.0]), max([*ends, limit, 0.0])
    room = (most - least) or 1.0

    def place(value: float) -> float:
        return round((value - least) / room * 272 + 4, 2)

    metric = judged.gate.measures
    known = [end for end in (judged.bound, judged.opposite) if end is not None]
    return Markup(
        '<svg class="gate" width="280" height="28" viewBox="0 0 280 28" role="img" '
        'aria-label="{label}">'
        '<line x1="4" y1="14" x2="276" y2="14" stroke="#cbd5e1" stroke-width="1"/>'
        '<line x1="{left}" y1="14" x2="{right}" y2="14" stroke="#64748b" stroke-width="4"/>'
        '<circle cx="{at}" cy="14" r="5" fill="{color}"/>'
        '<line x1="{limit}" y1="2" x2="{limit}" y2="26" stroke="#b91c1c" stroke-width="2" '
        'stroke-dasharray="3 2"/></svg>'
    ).format(
        left=place(min([*known, *ends])),
        right=place(max([*known, *ends])),
        at=place(judged.value if judged.value is not None else limit),
        limit=place(limit),
        color=BROKEN,
        label=f"measured {words.number(metric, judged.value)}, limit "
        f"{words.number(metric, limit)} (dashed)",
    )


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


def bar(count: int, most: int) -> Markup:
    """A count as a bar against the largest one."""
    return Markup(
        '<svg class="bar" width="120" height="10" viewBox="0 0 120 10" aria-hidden="true">'
        '<rect x="0" y="0" width="{w}" height="10" fill="{color}"/></svg>'
    ).format(w=round(120 * count / most, 2), color=BROKEN)
