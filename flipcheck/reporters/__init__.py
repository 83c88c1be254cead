"""Reporters: functions from a Report to text. Adding one adds a file and a row here."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from flipcheck.errors import UsageError, no_command
from flipcheck.reporters.writing import write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from flipcheck.audits.plan import Plan
    from flipcheck.report import Report


def as_json(report: Report | Plan) -> str:
    """The report, or plan, in its JSON format, one final newline.

    What a CI server would take for a command in any line is escaped, which changes no value.
    """
    text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    return no_command(text) + "\n"


def _late(module: str) -> Callable[[Report], str]:
    """The reporter `render` of a module that is imported when it is first needed."""

    def render(report: Report) -> str:
        text: str = import_module(f"flipcheck.reporters.{module}").render(report)
        return text

    return render


REPORTERS: dict[str, Callable[[Report], str]] = {
    "terminal": _late("terminal"),
    "html": _late("html"),
    "json": as_json,
    "markdown": _late("markdown"),
    "junit": _late("junit"),
    "metrics": _late("openmetrics"),
}

SUFFIXES = {
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".md": "markdown",
    ".txt": "terminal",
    ".xml": "junit",
}


def save(report: Report, path: str | Path) -> None:
    """Write a report in the format of the path's suffix, whole or not at all."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"{path}: no report format has the suffix {suffix!r}",
            hint=f"the suffixes: {', '.join(SUFFIXES)}",
        )
    write_text(Path(path), REPORTERS[SUFFIXES[suffix]](report))
