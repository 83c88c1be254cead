"""What a GitHub workflow is told of an audit: annotations, a step summary and a step's outputs.

None of it decides anything. A file that cannot be written is a warning, as the verdict is known by
then, and the exit status stays that of the verdict.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flipcheck.errors import one_line, safe_lines, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flipcheck.cli.outputs import Ended
    from flipcheck.report import Report

Ci = Literal["auto", "github", "none"]
ANNOTATED, SUMMARY, OUTPUT = "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"
LIMIT = 1_000_000
"""How many bytes a step's summary may have: GitHub drops all of one beyond a mebibyte."""


def tell(report: Report, ci: Ci, ended: Ended) -> None:
    """Tell GitHub what its variables ask for; `ci` may turn all of it off."""
    if ci == "none":
        return
    if _annotates(ci):
        from flipcheck.reporters.actions import render

        say(render(report))
    _put(SUMMARY, "the step summary", ci, lambda path: _summarise(path, report))
    _put(OUTPUT, "the step's outputs", ci, lambda path: _append(path, outputs(report, ended)))


def tell_error(message: str, arguments: Sequence[str]) -> None:
    """Annotate a run that could not be done, unless `ci` says that nothing is told."""
    ci = chosen(arguments)
    if ci != "none" and _annotates(ci):
        from flipcheck.reporters.actions import annotation

        say(annotation("error", "flipcheck could not run", safe_lines(message)))


def chosen(arguments: Sequence[str]) -> str:
    """The value of --ci among arguments that may not be understood otherwise, or the file's."""
    from flipcheck.config import untyped

    found = str(untyped("ci") or "auto")
    for each, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if each == "--":
            break
        if each == "--ci":
            found = following
        elif each.startswith("--ci="):
            found = each.removeprefix("--ci=")
    return found


def _annotates(ci: str) -> bool:
    return ci == "github" or os.environ.get(ANNOTATED) == "true"


def _put(variable: str, what: str, ci: Ci, write: Callable[[Path], None]) -> None:
    """Write to the file that a variable names; what hinders that is a warning."""
    path = os.environ.get(variable)
    if not path:
        return
    try:
        _check_file(Path(path))
        write(Path(path))
    except (OSError, ValueError) as error:
        told = one_line(f"{what} could not be written: {path}: {error}")
        say(f"warning: {told}")
        if _annotates(ci):
            from flipcheck.reporters.actions import annotation

            say(annotation("warning", "flipcheck", told))


def _check_file(path: Path) -> None:
    """Raise OSError for a folder, and for a pipe, which might wait for ever for a reader."""
    if path.exists() and not path.is_file():
        raise OSError("not a file")


def _append(path: Path, text: str) -> None:
    """Add text at the end of a file, in one piece; after a line that was left open, on its own."""
    with path.open("ab") as file:
        file.write(_separated(path) + text.encode("utf-8", "surrogateescape"))


def _separated(path: Path) -> bytes:
    """What must stand between what a file holds and a new line: nothing where a line is ended."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return b"\n" if size and file.read(1) != b"\n" else b""


def _summarise(path: Path, report: Report) -> None:
    """Add the Markdown report to a step's summary, as much of it as there is room for."""
    room = LIMIT - (path.stat().st_size if path.exists() else 0) - 1
    text = summary(report, room)
    if not text:
        raise OSError(f"it is full: {LIMIT:,} bytes are all it may have")
    _append(path, text)


def summary(report: Report, most: int) -> str:
    """The Markdown report in at most so many bytes; "" where not even its verdict fits."""
    from flipcheck.reporters.markdown import render

    text = render(report, most=most)
    return text if len(text.encode("utf-8", "backslashreplace")) <= most else ""


def outputs(report: Report, ended: Ended) -> str:
    """The outputs of a step: the verdict, the exit status, the flips, and where the reports are."""
    rate = report.metrics["negative_flip_rate"].value
    found = {
        "verdict": report.verdict or "none",
        "exit_status": str(ended.status),
        "negative_flip_rate": "" if rate is None else f"{rate:.10f}",
        "negative_flips": str(report.tally.negative_flips),
        **{f"{name}_path": path for name, path in ended.paths.items()},
    }
    return _assigned(found)


def _assigned(values: Mapping[str, str]) -> str:
    """Values as GitHub reads them, each between two lines that no value can know."""
    lines = []
    for name, value in values.items():
        end = f"end_{secrets.token_hex(16)}"
        lines += [f"{name}<<{end}", value, end]
    return "".join(f"{line}\n" for line in lines)
