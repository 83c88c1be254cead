"""The report in a notebook: a small fragment of HTML without scripts or style sheets.

What is styled is styled in place, in the notebook's own colours, so that nothing of the notebook
changes and both of its themes are legible.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from flipcheck.metrics import METRICS
from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flipcheck.report import Report

SHOWN = {
    False: (
        *("negative_flip_rate", "positive_flip_rate", "error_rate_change"),
        *("old_error_rate", "new_error_rate", "churn"),
    ),
    True: (
        *("negative_flip_rate", "positive_flip_rate", "mean_score_change"),
        *("old_mean_score", "new_mean_score", "mean_regression"),
    ),
}
"""The metrics that are shown, where answers are right or wrong, and where they are graded."""
COLORS = {"PASS": "#1a7f37", "FAIL": "#c62828", "INCONCLUSIVE": "#8a5a00"}
"""Behind the verdict, all dark enough for white letters."""
LISTED = 10
"""How many gates, and how many warnings, are shown."""
TABLE = "border-collapse:collapse;margin:.5em 0;font-size:inherit;color:inherit"
CELL = "padding:.15em .7em .15em 0;text-align:left;color:inherit;background:transparent"


def render(report: Report) -> str:
    """The verdict, the gates, what became of the answers, the main metrics, and warnings."""
    title = words.TITLES[report.verdict]
    mark = f"background:{COLORS.get(title, '#555')};color:#fff;padding:.1em .5em;border-radius:3px"
    sides = " → ".join(words.clean(each.name) for each in (report.old, report.new))
    return (
        '<div style="color:inherit;font-family:inherit">'
        f'<p><strong style="{mark}">{escape(title)}</strong> '
        f"<strong>{escape(words.decision(report))}</strong><br>{escape(words.summary(report))}"
        f"<br>{escape(sides)}, {report.data.examples:,} examples</p>"
        f"{_gates(report)}{_answers(report)}{_metrics(report)}{_warnings(report)}</div>\n"
    )


def _gates(report: Report) -> str:
    if not report.gates:
        return ""
    judged = words.by_urgency(report.gates)
    rows = [
        (
            words.judged(each.verdict),
            words.clean(str(each.gate)),
            words.clean("=".join(each.scope)) if each.scope else "",
            words.number(each.gate.measures, each.value),
            words.bound_text(each, report.scores),
        )
        for each in judged[:LISTED]
    ]
    rest = judged[LISTED:]
    more = f"<p>and {len(rest):,} more: {escape(words.tallied(rest))}</p>" if rest else ""
    return _table(("verdict", "gate", "slice", "measured", "bound"), rows) + more


def _answers(report: Report) -> str:
    tally = report.tally
    if report.scores is not None:
        counts = (tally.negative_flips, tally.scores_unchanged, tally.positive_flips)
        rows: list[Sequence[str]] = [tuple(f"{count:,}" for count in counts)]
        return _table(("worse", "unchanged", "better"), rows)
    rows = [
        ("old right", f"{tally.both_right:,}", f"{tally.negative_flips:,} broken"),
        ("old wrong", f"{tally.positive_flips:,} mended", f"{tally.both_wrong:,}"),
    ]
    return _table(("", "new right", "new wrong"), rows)


def _metrics(report: Report) -> str:
    level = words.share(report.settings.confidence)
    shown = [
        (METRICS[name], report.metrics[name])
        for name in SHOWN[report.scores is not None]
        if name in report.metrics and report.metrics[name].available
    ]
    rows = [
        (metric.title, words.number(metric, each.value), words.span(metric, each.interval))
        for metric, each in shown
    ]
    return _table(("metric", "value", f"{level} interval"), rows)


def _warnings(report: Report) -> str:
    told = [escape(words.clean(each)) for each in report.warnings[:LISTED]]
    rest = len(report.warnings) - len(told)
    told += [f"and {rest:,} more warnings"] if rest else []
    return f"<p>{'<br>'.join(f'⚠ {each}' for each in told)}</p>" if told else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts, each escaped; the first column names its row."""
    top = "".join(f'<th scope="col" style="{CELL}">{escape(head)}</th>' for head in heads)
    body = "".join(
        f'<tr style="background:transparent">{"".join(map(_cell, row, (True, *[False] * 9)))}</tr>'
        for row in rows
    )
    return f'<table style="{TABLE}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def _cell(text: str, names_row: bool) -> str:
    tag, more = ("th", ' scope="row"') if names_row else ("td", "")
    return f'<{tag}{more} style="{CELL}">{escape(text)}</{tag}>'
