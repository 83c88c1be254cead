"""How far a gate is from its limit, in words, so that no chart is needed to see it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from flipcheck.gates import Verdict
from flipcheck.reporters import words

if TYPE_CHECKING:
    from flipcheck.gates import Judgement
    from flipcheck.metrics import Metric


def room(judged: Judgement) -> str:
    """How far what is known lies from the limit: "1.42 points of room", "over by 0.8 points".

    What passes is measured from the bound that had to keep the limit, what fails from the
    estimate and from the bound that broke it; what is undecided has the limit between both.
    """
    value, sure = judged.value, judged.bound
    if judged.verdict is None or value is None or not math.isfinite(value):
        return words.UNKNOWN
    if judged.verdict is Verdict.FAIL:
        return _beyond(judged, value, judged.opposite)
    if judged.verdict is Verdict.INCONCLUSIVE:
        return _between(judged, value, sure)
    if sure is None:
        return _within(judged, value)
    if judged.gate.within(sure):
        return _within(judged, sure)
    return f"{_within(judged, value)} by the estimate; bound {_outside(judged, sure)}"


def _within(judged: Judgement, value: float) -> str:
    """The room that a value leaves below or above a limit that it keeps."""
    if value == judged.gate.limit:
        return "at the limit, no room"
    return f"{distance(judged.gate.measures, value - judged.gate.limit)} of room"


def _outside(judged: Judgement, value: float) -> str:
    """By how much a value breaks the limit."""
    if value == judged.gate.limit:
        return "at the limit itself"
    side = "over" if judged.gate.upper else "under"
    return f"{side} by {distance(judged.gate.measures, value - judged.gate.limit)}"


def _beyond(judged: Judgement, value: float, bound: float | None) -> str:
    told = _outside(judged, value)
    if bound is None or bound in {value, judged.gate.limit} or judged.gate.within(bound):
        return told
    surely = distance(judged.gate.measures, bound - judged.gate.limit)
    return f"{told} ({surely} at least)"


def _between(judged: Judgement, value: float, bound: float | None) -> str:
    measured = _within(judged, value) if judged.gate.within(value) else _outside(judged, value)
    if bound is None or judged.gate.within(bound):
        return f"estimate: {measured}"
    return f"bound {_outside(judged, bound)} (estimate: {measured})"


def distance(metric: Metric, size: float) -> str:
    """The size of a difference between two values of a metric: "1.42 points", "0.31", "2"."""
    rate = metric.kind == "proportion"
    if rate or (metric.kind in {"difference", "excess"} and metric.needs != "scores"):
        return words.percent(abs(size)).removesuffix("%") + " points"
    if metric.kind == "count":
        return f"{abs(size):,.0f}"
    return words.score(abs(size))
