"""The page of a plan: the answer, tables, power curves, and simulated verdicts as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.metrics import METRICS
from flipcheck.reporters import plan as text
from flipcheck.reporters.html import curves
from flipcheck.reporters.html.page import embedded, page

if TYPE_CHECKING:
    from flipcheck.audits.plan import Plan


def render(plan: Plan) -> str:
    """The plan as one self-contained HTML page."""
    return page(
        "plan.html.j2",
        embedded(plan.to_dict()),
        plan=plan,
        text=text,
        curves=curves,
        METRICS=METRICS,
    )
