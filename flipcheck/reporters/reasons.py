"""Why a release is stopped, in a few lines: what a failed test says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import plural
from flipcheck.gates import Judgement, Verdict
from flipcheck.reporters import words
from flipcheck.reporters.cases import counts, gate_name

if TYPE_CHECKING:
    from flipcheck.report import Report

LISTED = 5
"""How many gates and flipped examples are named."""


def reasons(report: Report) -> str:
    """Why a test fails: its verdict, each gate that is broken or open, and what flipped."""
    urgent = words.by_urgency([each for each in report.gates if each.verdict is not Verdict.PASS])
    shown = [each for each in urgent if each.verdict is not None]
    lines = [words.decision(report), *(_gate_line(report, each) for each in shown[:LISTED])]
    if len(shown) > LISTED:
        lines.append(f"  and {len(shown) - LISTED:,} more")
    return "\n".join([*lines, *_flips(report)])


def _gate_line(report: Report, judged: Judgement) -> str:
    """A gate, what was measured, and the bound that decided."""
    metric, level = judged.gate.measures, words.gate_level(report)
    text = f"  {words.judged(judged.verdict)}: {gate_name(judged)}"
    bound = words.bound_text(judged, report.scores)
    sure = "" if judged.bound is None else f" at {level}"
    text += f"\n    {words.number(metric, judged.value)}{counts(judged, report)}, {bound}{sure}"
    return f"{text}\n    {words.clean(judged.reason)}" if judged.reason else text


def _flips(report: Report) -> list[str]:
    """The kinds of negative flips, and the first examples."""
    flips = report.negative_flips
    if not flips.total:
        return []
    kinds = ", ".join(
        f"{each.count:,} {words.kind(each.old, each.new)}" for each in words.kinds(report)[:3]
    )
    first = ", ".join(words.clean(each.id) for each in flips.examples[:LISTED])
    more = flips.total - min(LISTED, len(flips.examples))
    found = [plural(flips.total, "negative flip") + (f": {kinds}" if kinds else "")]
    found.append(f"  {first}" + (f" and {more:,} more" if more else "") if first else "")
    return [each for each in found if each]
