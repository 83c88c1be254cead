"""The mark of each verdict: told apart by its shape, and by its colour as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.gates import Verdict
from flipcheck.reporters.html.charts import marks
from flipcheck.reporters.html.charts.ink import LIMIT, NEUTRAL, PASSED, UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Callable

MARKS: dict[Verdict | None, tuple[Callable[..., Markup], str]] = {
    Verdict.PASS: (marks.disc, PASSED),
    Verdict.FAIL: (marks.cross, LIMIT),
    Verdict.INCONCLUSIVE: (marks.diamond, UNDECIDED),
    None: (marks.ring, NEUTRAL),
}
VERDICTS = tuple(MARKS)
SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✕", Verdict.INCONCLUSIVE: "?", None: "–"}
PATHS = {
    Verdict.PASS: "M13 23 L20 30 L32 15",
    Verdict.FAIL: "M15 15 L29 29 M29 15 L15 29",
    Verdict.INCONCLUSIVE: "M16.5 17 a5.5 5.5 0 1 1 8 4.9 q-2.5 1.4 -2.5 4.1 M22 32 v.2",
    None: "M14 22 H30",
}
"""The signs in the box of the verdict."""


def mark(verdict: Verdict | None, at: marks.Point) -> Markup:
    """The mark of a verdict at a place of a chart."""
    draw, color = MARKS[verdict]
    return draw(at, color, kind="value")


def verdict_mark(verdict: Verdict | None) -> Markup:
    """The mark of a verdict by itself, for a legend."""
    return Markup(
        '<svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">{}</svg>'
    ).format(mark(verdict, (8, 8)))


def sign(verdict: Verdict | None) -> Markup:
    """The verdict as a sign whose shape tells it too: a tick, a cross, a question mark."""
    return Markup(
        '<svg class="sign" width="44" height="44" viewBox="0 0 44 44" aria-hidden="true">'
        '<circle cx="22" cy="22" r="20" fill="none" stroke="currentColor" stroke-width="3"/>'
        '<path d="{path}" fill="none" stroke="currentColor" stroke-width="4" '
        'stroke-linecap="round" stroke-linejoin="round"/></svg>'
    ).format(path=PATHS[verdict])
