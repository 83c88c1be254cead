"""Where reports go: files that appear whole or not at all, and standard output."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.gates import Verdict
    from flipcheck.report import Report

STANDARD_OUTPUT = "-"
TABLES = (".csv", ".parquet")
STATUS = {None: 0, "pass": 0, "fail": 1, "inconclusive": 3}


@dataclass(frozen=True, slots=True)
class Outputs:
    """The reports that were asked for; None where not."""

    json: str | None = None
    html: str | None = None
    markdown: str | None = None
    flips: str | None = None

    def check(self, inputs: Sequence[str | None] = ()) -> None:
        """Raise UsageError or OutputError for what cannot be written, before any work is done."""
        from flipcheck.reporters.writing import check_writable

        texts = [path for path in (self.json, self.html, self.markdown) if path is not None]
        if texts.count(STANDARD_OUTPUT) > 1:
            raise UsageError(
                "only one report can go to standard output", hint="give the others a file"
            )
        paths = [
            Path(path)
            for path in (*texts, self.flips)
            if path is not None and path != STANDARD_OUTPUT
        ]
        sources = {Path(each).resolve() for each in inputs if each is not None}
        for place, path in enumerate(paths):
            check_writable(path)
            if path.resolve() in sources:
                raise UsageError(f"{path} is read by this command, and would be overwritten")
            if path in paths[:place]:
                raise UsageError(f"{path} would be written twice")
        if self.flips is not None:
            check_table(Path(self.flips))

    def write(self, report: Report) -> None:
        """Write every report; the terminal's goes to standard output if no other does."""
        from flipcheck.reporters import REPORTERS
        from flipcheck.reporters.writing import write_text

        wanted = {"json": self.json, "html": self.html, "markdown": self.markdown}
        texts = {name: REPORTERS[name](report) for name, path in wanted.items() if path is not None}
        for name, text in texts.items():
            if wanted[name] != STANDARD_OUTPUT:
                write_text(Path(str(wanted[name])), text)
        if self.flips is not None:
            write_table(Path(self.flips), report.flips)
        if STANDARD_OUTPUT in wanted.values():
            put(next(text for name, text in texts.items() if wanted[name] == STANDARD_OUTPUT))
        else:
            from flipcheck.reporters.terminal import render

            put(render(report, color=has_color(), width=columns()))


def check_table(path: Path) -> None:
    """Raise UsageError for a suffix that says no table format."""
    if path.suffix.lower() not in TABLES:
        raise UsageError(f"{path}: not a table format", hint=f"the suffixes: {', '.join(TABLES)}")


def write_table(path: Path, table: Any) -> None:
    """Write a pyarrow table as CSV or Parquet, whole or not at all."""
    from pyarrow import csv, parquet

    from flipcheck.reporters.writing import replacing

    with replacing(path) as temporary:
        if path.suffix.lower() == ".csv":
            csv.write_csv(table, temporary)
        else:
            parquet.write_table(table, temporary)


def put(text: str) -> None:
    """Text on standard output; a reader that has gone away is no error."""
    try:
        sys.stdout.buffer.write(text.encode(sys.stdout.encoding or "utf-8", "replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def has_color() -> bool:
    """Whether standard output takes colours: a terminal, unless the environment says otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """How wide the report may be: 80, or a terminal's width between 60 and 100."""
    if not sys.stdout.isatty():
        return 80
    return max(60, min(100, os.get_terminal_size(sys.stdout.fileno()).columns))


def status(verdict: Verdict | None) -> int:
    """The exit status of a verdict (DESIGN.md §3)."""
    return STATUS[verdict]
