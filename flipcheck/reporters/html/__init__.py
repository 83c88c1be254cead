"""The report for the reviewer: one HTML file that opens offline under a strict policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.metrics import METRICS
from flipcheck.reporters import contract, history, rulings, sureness, words
from flipcheck.reporters.html import charts
from flipcheck.reporters.html.page import embedded, page

if TYPE_CHECKING:
    from markupsafe import Markup

    from flipcheck.report import Report

SLICES_SHOWN, GATES_SHOWN = 50, 20


def render(report: Report) -> str:
    """The report as one self-contained HTML page."""
    return page(
        "page.html.j2",
        _embedded(report),
        report=report,
        rulings=rulings,
        contract=contract,
        sureness=sureness,
        history=history,
        charts=charts,
        METRICS=METRICS,
        gates_shown=GATES_SHOWN,
        metric_rows=_metric_rows(report),
        change="error_rate_change" if report.scores is None else "mean_score_change",
        slice_tables=_slice_tables(report),
    )


def _embedded(report: Report) -> Markup:
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
    """The slices and the classes, the most telling first, each with its interval drawn."""
    tables = []
    for title, parts in (("Slices", report.slices), ("True classes", report.classes)):
        shown = words.ranked(parts)[:SLICES_SHOWN]
        if len(parts) < 2:
            continue
        estimates = [part.metrics["negative_flip_rate"] for part in shown]
        top = charts.scale(each.interval.high for each in estimates if each.interval)
        rows = [
            {"part": part, "estimate": each, "chart": charts.interval(each, top)}
            for part, each in zip(shown, estimates, strict=True)
        ]
        small = words.unjudged(parts, report)
        more = len(parts) - len(shown)
        tables.append({"title": title, "rows": rows, "more": more, "small": small})
    return tables
