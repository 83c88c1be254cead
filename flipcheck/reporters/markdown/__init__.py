"""The report for a pull request or a step summary: GitHub-flavoured Markdown.

The verdict, the gates and the answers come first; long tables are folded away. The first line is
a hidden mark that never changes, by which a comment on a pull request is found and written anew;
the second one tells this audit from others in the same pull request.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flipcheck.reporters.markdown import parts as blocks
from flipcheck.reporters.markdown.marks import code, prose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flipcheck.report import Report
    from flipcheck.reporters.markdown.marks import Part

__all__ = ["COMMENT", "MARKER", "code", "marker", "prose", "render"]

MARKER = "<!-- flipcheck-report -->"
"""The first line of every report."""
COMMENT = 65_536
"""The most that a comment on GitHub may hold; in bytes here, so that it is never too long."""
ROW_BYTES = 30
"""A row of a table takes more bytes than that."""
ROWS = (10_000, 3_000, 1_000, 300, 100, 30, 10, 5, 3)
"""How many rows the tables may have, tried in this order until the report is short enough."""


def marker(report: Report) -> str:
    """The second line: a mark of the two sources and the data that are compared.

    It stays the same as long as these are called the same, whatever they hold.
    """
    names = (report.old.source, report.new.source, report.data.source or "")
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "backslashreplace")).hexdigest()
    return f"<!-- flipcheck-report {digest[:12]} -->"


def render(report: Report, *, most: int | None = COMMENT) -> str:
    """The report as Markdown of at most `most` bytes; None for any length.

    Where it would be longer, its tables have fewer rows, then whole parts are left out, and it
    says so; nothing is cut in its middle. The verdict is never left out, though it takes up to
    about 4,000 bytes.
    """
    kept, text = list(blocks.LAST_KEPT), ""
    for rows in ROWS:
        if most is not None and rows * ROW_BYTES > max(most, ROWS[-1] * ROW_BYTES):
            continue  # so many rows would be too long, and fewer may be all that there are
        text = _text(report, kept, rows)
        if most is None or len(text.encode("utf-8", "backslashreplace")) <= most:
            return text
    while kept and most is not None and len(text.encode("utf-8", "backslashreplace")) > most:
        kept.pop()
        text = _text(report, kept, ROWS[-1])
    return text


def _text(report: Report, kept: Sequence[Callable[[Report, int], list[Part]]], rows: int) -> str:
    """The report of these parts, with at most so many rows in each table."""
    found = [str(part) for make in blocks.PARTS if make in kept for part in make(report, rows)]
    out = [each for each in blocks.PARTS if each not in kept and each(report, 1)]
    left = ["Left out for its length: " + ", ".join(map(_name, out)) + "."] if out else []
    marks = f"{MARKER}\n{marker(report)}"
    return "\n\n".join([marks, *blocks.head(report), *found, *left, blocks.foot(report)]) + "\n"


def _name(make: Callable[[Report, int], list[Part]]) -> str:
    return make.__name__.replace("_", " ").removeprefix("other ").removeprefix("urgent ")
