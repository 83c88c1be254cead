"""`flipcheck verify`: whether the files of a report are still what they were."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flipcheck.cli import options as o
from flipcheck.cli.outputs import Outputs, put

STATUS = {"same": 0, "changed": 1, "missing": 1, "unchecked": 3}

ReportPath = Annotated[str, typer.Argument(metavar="REPORT.json", help="A report of `compare`.")]


def verify(
    report: ReportPath,
    root: o.Root = ".",
    again: o.Again = False,
    json: o.Json = None,
) -> None:
    """Check that the files of a report are still what they were when it was made.

    Ends in 0 where all are, in 1 where one changed or is missing, and in 3
    where one cannot be checked, as what came on standard input. The report
    itself must not have been edited.

    Example:

        flipcheck verify report.json
    """
    from flipcheck.api import verify as verified
    from flipcheck.sources.files import is_file

    out = Outputs.of({"json": json})
    out.check((report,))
    found = verified(report, root, again=again)
    named = (Path(root, each.file.path) for each in found.files if each.file.path)
    out.check(each for each in named if is_file(each))  # no pattern of a stranger is looked up
    if json is not None:
        out.write_value(found.to_dict())
    if json != "-":
        put(str(found))
    raise typer.Exit(STATUS[found.verdict])
