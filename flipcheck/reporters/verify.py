"""What `flipcheck verify` shows in the terminal."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from flipcheck.errors import plural
from flipcheck.reporters import words
from flipcheck.reporters.evidence import place

if TYPE_CHECKING:
    from flipcheck.evidence.checking import Verification

SIGNS = {"same": "✓", "changed": "✗", "missing": "✗", "unchecked": "–"}
TITLES = {"same": "SAME", "changed": "CHANGED", "missing": "MISSING", "unchecked": "NOT CHECKED"}


def render(found: Verification) -> str:
    """The verdict, a line for each file, and what else is other than it was."""
    width = max((len(each.file.role) for each in found.files), default=0)
    lines = [f" {TITLES[found.verdict]}   {_summary(found)}", ""]
    for each in found.files:
        told = f": {words.clean(each.reason)}" if each.reason else ""
        state = "" if each.state == "same" else f"  {each.state}{told}"
        role = words.clean(each.file.role).ljust(width)
        lines.append(f"   {SIGNS[each.state]} {role}  {place(each.file)}{state}")
    lines += ["", *_elsewhere(found), *_again(found), *_versions(found)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _summary(found: Verification) -> str:
    counts = {state: len(found.of(state)) for state in ("changed", "missing", "unchecked")}
    told = [f"{count:,} {NAMES[state]}" for state, count in counts.items() if count]
    same = len(found.of("same"))
    if found.differences:
        return "the files are the same, and the numbers are not"
    if not told:
        return f"all {plural(same, 'source')} of the report" if same else "it names no source"
    return f"{', '.join(told)}, and {same:,} the same"


NAMES = {"changed": "changed", "missing": "missing", "unchecked": "not checked"}


def _elsewhere(found: Verification) -> list[str]:
    """A hint where files are missing whose paths are relative."""
    if all(PurePath(str(each.file.path)).is_absolute() for each in found.of("missing")):
        return []
    return [" Relative paths are looked for in the current folder, or in that of --root.", ""]


def _again(found: Verification) -> list[str]:
    if found.differences is None:
        return []
    if not found.differences:
        return [" The audit was run again: every number is the same.", ""]
    parts = ", ".join(map(words.clean, found.differences))
    return [f" The audit was run again, and came out otherwise: {parts}", ""]


def _versions(found: Verification) -> list[str]:
    """The versions that are others here, which alone fail nothing."""
    if not found.versions:
        return []
    told = [
        f"   {name}: {words.clean(then)} then, {now or 'not installed'} here"
        for name, then, now in found.versions
    ]
    return [" Other versions than then:", *told]
