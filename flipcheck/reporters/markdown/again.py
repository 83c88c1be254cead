"""How an audit is run again, and on which files it was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flipcheck.reporters import evidence, words
from flipcheck.reporters.markdown.marks import Part, capped, code

if TYPE_CHECKING:
    from flipcheck.report import Report


def files(report: Report, most: int) -> list[Part]:
    """The command that makes this report, and the files that it was made of with their digests."""
    found = report.evidence
    if found is None:
        return []
    rows = [
        (
            words.clean(each.role),
            code(evidence.place(each)),
            evidence.size(each),
            code(each.sha256) if each.sha256 else "",
        )
        for each in found.files
    ]
    told = evidence.why_no_command(found) if found.command is None else _block(found.command)
    made = [evidence.made(found)] if found.created else []
    table = capped(("role", "file", "size", "SHA-256"), rows, most)
    return [Part(evidence.SUMMARY, [told, *table, *made])]


def _block(command: str) -> str:
    """A command as a code block that nothing in it can end."""
    text = words.clean(command)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}console\n{text}\n{fence}"
