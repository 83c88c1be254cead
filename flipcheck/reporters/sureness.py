"""What the confidences of flipped answers say, in words, for every reporter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import plural
from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.report import Report

MIDDLE = 0.5


def telling(report: Report) -> str:
    """How sure the new model is of its wrong answers, in one or two sentences; "" if unknown."""
    new = report.confidences and report.confidences.new
    flips = new.negative_flips if new else ()
    known, total = sum(flips), report.negative_flips.total
    if not new or not known:
        return ""
    step = _majority(flips)
    at_least, kind = sum(flips[step:]), plural(known, "negative flip")
    if known < total:
        kind = f"the {kind} of {total:,} whose confidence is known"
    if step / len(flips) < MIDDLE:
        below = known - sum(flips[len(flips) // 2 :])
        return f"{below:,} of {kind} are made with a confidence below {MIDDLE:g}."
    level = f"{step / len(flips):g}"
    first = f"{at_least:,} of {kind} are made with a confidence of {level} or more"
    right = sum(new.both_right)
    if right:
        first += f", as are {words.percent(sum(new.both_right[step:]) / right)} of the answers "
        first += "that stay right"
    return f"{first}.{_before(report, step, level)}"


def _before(report: Report, step: int, level: str) -> str:
    """How sure the old model was of the right answers that broke."""
    old = report.confidences and report.confidences.old
    if not old or not sum(old.negative_flips):
        return ""
    known = sum(old.negative_flips)
    return (
        f" The old model had {sum(old.negative_flips[step:]):,} of {known:,} of them right with "
        f"{level} or more."
    )


def _majority(counts: Sequence[int]) -> int:
    """The highest step that half of the counted reach or pass."""
    half, above = sum(counts) / 2, 0
    for step in range(len(counts) - 1, -1, -1):
        above += counts[step]
        if above >= half:
            return step
    return 0
