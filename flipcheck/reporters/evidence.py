"""What a report was made of, in words: the command, and the files with their digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import plural
from flipcheck.reporters import words

if TYPE_CHECKING:
    from flipcheck.report.evidence import Evidence, SourceFile

SUMMARY = "How to run this audit again"
VERIFY = "flipcheck verify, given the JSON report, says whether these files are still the same."
PLACES = {"standard input": "(standard input)", "python": "(values in Python)"}


def place(file: SourceFile) -> str:
    """Where a file lies, or what it was in its place."""
    return PLACES.get(file.kind) or words.clean(file.path)


def size(file: SourceFile) -> str:
    """How large a file is; of several also how many they are."""
    if file.bytes is None:
        return ""
    several = f"{plural(file.files, 'file')}, " if file.files is not None and file.files > 1 else ""
    return f"{several}{plural(file.bytes, 'byte')}"


def why_no_command(evidence: Evidence) -> str:
    """Why no command line can ask for the same."""
    names = ", ".join(map(words.clean, evidence.python_only))
    return f"It was called in Python with what no command line can hold: {names}."


def made(evidence: Evidence) -> str:
    """When it was made, where the build says so."""
    return f"Made at {words.clean(evidence.created)}." if evidence.created else ""
