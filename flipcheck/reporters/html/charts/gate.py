"""How far a gate is from its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.reporters import words
from flipcheck.reporters.html.charts.ink import BROKEN

if TYPE_CHECKING:
    from flipcheck.gates import Judgement


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
