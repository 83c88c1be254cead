"""`flipcheck render`: any report again from its JSON."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flipcheck.cli import options as o
from flipcheck.cli.compare import gate_texts
from flipcheck.cli.outputs import Outputs, status
from flipcheck.errors import InputError, UsageError

ReportPath = Annotated[str, typer.Argument(metavar="REPORT.json", help="A report of `compare`.")]


def render(
    report: ReportPath,
    json: o.Json = None,
    html: o.Html = None,
    markdown: o.Markdown = None,
    junit: o.Junit = None,
    metrics: o.MetricsPath = None,
    ci: o.Ci = "auto",
    gate: o.GateTexts = None,
    max_nfr: o.MaxNfr = None,
    max_error_increase: o.MaxErrorIncrease = None,
    decide: o.Decide = "bound",
    history: o.History = None,
    config: o.RenderConfig = None,
) -> None:
    """Make any report again from the JSON; gates judge its tally anew, without the predictions.

    Without a gate it ends in 0, whatever the report's own verdict, and tells
    a CI server nothing unless --ci asks for it. Earlier updates that
    --history gives take the place of those it told of before.

    Example:

        flipcheck render report.json --html report.html --max-nfr 0.5%
    """
    del config  # which the command has read before this
    from flipcheck.asked import gates_of
    from flipcheck.audits.judging import rejudge
    from flipcheck.evidence import judged_by
    from flipcheck.report import Report
    from flipcheck.report.past import with_history
    from flipcheck.sources.history import history_files, history_of

    given: dict[str, Any] = dict(locals())
    if not gate_texts(gate, max_nfr, max_error_increase):
        given["ci"] = None if ci == "auto" else ci
    reports = Outputs.of(given)
    earlier = history_files(history or [], but=json)
    reports.check((report, *earlier))
    found = Report.load(report)
    if earlier:
        found = with_history(found, history_of(earlier))
    gates = gates_of(gate_texts(gate, max_nfr, max_error_increase))
    if decide == "point" and not gates:
        raise UsageError("--decide judges gates anew, and none is given", hint="add --gate")
    try:
        if gates:
            found = judged_by(rejudge(found, gates, decide), gates, decide)
        reports.write(found)
    except (TypeError, ValueError, AttributeError, KeyError, ArithmeticError) as error:
        raise InputError(
            f"{report}: a damaged report: {type(error).__name__}: {error}",
            hint="write it again with `flipcheck compare … --json`",
        ) from error
    ended = status(found.verdict) if gates else 0
    reports.tell(found, ended)
    raise typer.Exit(ended)
