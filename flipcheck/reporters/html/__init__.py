"""The report for the reviewer: one HTML file that opens offline under a strict policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.metrics import METRICS
from flipcheck.reporters import contract, evidence, history, rulings, sureness, words
from flipcheck.reporters.html import charts, flips
from flipcheck.reporters.html.page import Embedded, embedded, page
from flipcheck.reporters.room import room
from flipcheck.reporters.steps import next_step

if TYPE_CHECKING:
    from flipcheck.report import Report

SLICES_SHOWN, GATES_SHOWN, KINDS_SHOWN = 50, 20, 12


def render(report: Report) -> str:
    """The report as one self-contained HTML page."""
    return page(
        "page.html.j2",
        _embedded(report),
        report=report,
        rulings=rulings,
        contract=contract,
        evidence=evidence,
        sureness=sureness,
        history=history,
        charts=charts,
        METRICS=METRICS,
        gates_shown=GATES_SHOWN,
        kinds_shown=KINDS_SHOWN,
        room=room,
        next_step=next_step,
        flips=flips.table(report),
        metric_rows=_metric_rows(report),
        change="error_rate_change" if report.scores is None else "mean_score_change",
        slice_tables=_slice_tables(report),
    )


def _embedded(report: Report) -> Embedded:
    """The JSON report for a script element, without the pictures: they stand in the table."""
    return embedded(report.with_images({}).to_dict())


def _metric_rows(report: Report) -> list[dict[str, Any]]:
    top = charts.scale(
        estimate.interval.high
        for name, estimate in words.defined(report).items()
        if METRICS[name].kind == "proportion" and estimate.interval
    )
    rows = []
    for name, estimate in words.defined(report).items():
        metric = METRICS[name]
        drawn = metric.kind == "proportion" and estimate.value is not None
        rows.append(
            {
                "metric": metric,
                "estimate": estimate,
                "chart": charts.interval(estimate, top) if drawn else "",
            }
        )
    return rows


def _slice_tables(report: Report) -> list[dict[str, Any]]:
    """The slices and the classes, the most telling first."""
    tables = []
    for name, title, parts in (
        ("slices", "Slices", report.slices),
        ("classes", "True classes", report.classes),
    ):
        shown = words.ranked(parts)[:SLICES_SHOWN]
        if len(parts) < 2 or all(part.tally.examples < 2 for part in parts):
            continue  # one example each says nothing of a rate
        rows = [{"part": part, "estimate": part.metrics["negative_flip_rate"]} for part in shown]
        small = words.unjudged(parts, report)
        more = len(parts) - len(shown)
        tables.append({"id": name, "title": title, "rows": rows, "more": more, "small": small})
    return tables
