"""The report for the reviewer: one HTML file that opens offline under a strict policy."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from flipcheck.metrics import METRICS
from flipcheck.reporters import rulings, words
from flipcheck.reporters.html import charts

if TYPE_CHECKING:
    from flipcheck.report import Report

SLICES_SHOWN, GATES_SHOWN = 50, 20


def render(report: Report) -> str:
    """The report as one self-contained HTML page."""
    style, script = _asset("style.css"), _asset("script.js")
    page = _environment().get_template("page.html.j2")
    return page.render(
        report=report,
        words=words,
        rulings=rulings,
        charts=charts,
        METRICS=METRICS,
        gates_shown=GATES_SHOWN,
        metric_rows=_metric_rows(report),
        slice_tables=_slice_tables(report),
        style=Markup(style),  # noqa: S704  (our own file)
        script=Markup(script),  # noqa: S704  (our own file)
        policy=f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'",
        data=_embedded(report),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("flipcheck.reporters.html", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["commas"] = lambda count: f"{count:,}".replace("-", "−")
    return environment


def _asset(name: str) -> str:
    return (files("flipcheck.reporters.html") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """The hash under which a policy lets an inline style or script run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(report: Report) -> Markup:
    """The JSON report for a script element: nothing in it can end the element."""
    written = report.to_dict()
    for example in written["negative_flips"]["examples"]:
        del example["image"]  # it stands in the table already
    text = json.dumps(written, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704  (every sign that HTML knows is escaped above)


def _metric_rows(report: Report) -> list[dict[str, Any]]:
    top = charts.scale(
        estimate.interval.high
        for name, estimate in report.metrics.items()
        if METRICS[name].kind == "proportion" and estimate.interval
    )
    rows = []
    for name, estimate in report.metrics.items():
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
