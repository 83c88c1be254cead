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


def mark(verdict: Verdict | None, at: marks.Point) -> Markup:
    """The mark of a verdict at a place of a chart."""
    draw, color = MARKS[verdict]
    return draw(at, color, kind="value")


def verdict_mark(verdict: Verdict | None) -> Markup:
    """The mark of a verdict by itself, for a legend."""
    return Markup(
        '<svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">{}</svg>'
    ).format(mark(verdict, (8, 8)))
