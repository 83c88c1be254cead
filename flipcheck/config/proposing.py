"""Limits that a first run suggests: the lowest round ones that its update is shown to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flipcheck.audits.judging import rejudge
from flipcheck.gates import Gate, Verdict

if TYPE_CHECKING:
    from flipcheck.gates import Judgement
    from flipcheck.report import Report

DIGITS = ("1", "1.5", "2", "3", "5", "7.5")
SHARES = ("0", *(f"{each}e{power}" for power in (-3, -2, -1, 0) for each in DIGITS), "1e1", "2e1")
"""Limits in percent, up to where nobody would set one."""
SCORES = tuple(f"{each}e{power}" for power in range(-6, 6) for each in DIGITS)
"""Limits in units of a score, whatever these are."""
RATES = {"negative_flip_rate": SHARES[1:], "error_rate_change": SHARES}
GRADES = {"mean_regression": SCORES}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A limit of a metric, as it is judged now: the lowest one that is kept, or else the widest.

    `stricter` is the judgement of the next lower limit; None where there is none, or none is kept.
    """

    metric: str
    judged: Judgement
    stricter: Judgement | None = None

    @property
    def kept(self) -> bool:
        """Whether the update is shown to keep it."""
        return self.judged.verdict is Verdict.PASS


def proposals(report: Report) -> list[Proposal]:
    """A proposal for each metric that a release is usually held to."""
    if report.scores is None:
        return [_proposal(report, metric, limits, "%") for metric, limits in RATES.items()]
    width = report.scores.high - report.scores.low
    return [
        _proposal(report, metric, tuple(each for each in limits if float(each) < width), "")
        for metric, limits in GRADES.items()
    ]


def _proposal(report: Report, metric: str, limits: tuple[str, ...], unit: str) -> Proposal:
    """The lowest limit that is kept: they are nested, so that a bisection finds it."""
    low, high = 0, len(limits)
    while low < high:
        middle = (low + high) // 2
        if _judged(report, metric, limits[middle], unit).verdict is Verdict.PASS:
            high = middle
        else:
            low = middle + 1
    judged = _judged(report, metric, limits[min(low, len(limits) - 1)], unit)
    if low in {0, len(limits)}:
        return Proposal(metric, judged)
    return Proposal(metric, judged, _judged(report, metric, limits[low - 1], unit))


def _judged(report: Report, metric: str, limit: str, unit: str) -> Judgement:
    gate = Gate.parse(f"{metric} <= {float(limit):.10g}{unit}")
    return rejudge(report, [gate], report.settings.decide).gates[0]
