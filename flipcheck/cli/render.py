"""`flipcheck render`: any report again from its JSON."""

from __future__ import annotations

from typing import Annotated

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
    gate: o.GateTexts = None,
    max_nfr: o.MaxNfr = None,
    max_error_increase: o.MaxErrorIncrease = None,
    decide: o.Decide = "bound",
    history: o.History = None,
) -> None:
    """Make any report again from the JSON; gates judge its tally anew, without the predictions.

    Without a gate it ends in 0, whatever the report's own verdict. Earlier updates that --history
    gives take the place of those it told of before.

    Example:

        flipcheck render report.json --html report.html --max-nfr 0.5%
    """
    from flipcheck.audits.judging import rejudge
    from flipcheck.gates import Gate
    from flipcheck.report import Report
    from flipcheck.report.past import with_history
    from flipcheck.sources.history import history_files, history_of

    reports = Outputs(json, html, markdown)
    earlier = history_files(history or [], but=json)
    reports.check((report, *earlier))
    found = Report.load(report)
    if earlier:
        found = with_history(found, history_of(earlier))
    gates = [Gate.parse(text) for text in gate_texts(gate, max_nfr, max_error_increase)]
    if decide == "point" and not gates:
        raise UsageError("--decide judges gates anew, and none is given", hint="add --gate")
    if gates:
        found = rejudge(found, gates, decide)
    try:
        reports.write(found)
    except (TypeError, ValueError, AttributeError, KeyError, ArithmeticError) as error:
        raise InputError(
            f"{report}: a damaged report: {type(error).__name__}: {error}",
            hint="write it again with `flipcheck compare … --json`",
        ) from error
    raise typer.Exit(status(found.verdict) if gates else 0)
