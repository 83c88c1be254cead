"""How far gates are from their limits, in words."""

from __future__ import annotations

import pytest

from flipcheck.gates import Gate, Judgement, Verdict
from flipcheck.reporters.room import room

NFR, CHANGE = "negative_flip_rate", "error_rate_change"


@pytest.mark.parametrize(
    ("gate", "verdict", "value", "bound", "opposite", "told"),
    [
        # what passes is as near as its bound, not as its estimate
        (f"{NFR} <= 5%", "pass", 0.02, 0.0358, 0.01, "1.42 points of room"),
        # a limit from below
        ("backward_trust_compatibility >= 98%", "pass", 0.995, 0.99, 0.998, "1.00 points of room"),
        # a difference of rates is in points too
        (f"{CHANGE} <= 0", "pass", -0.05, -0.0375, -0.07, "3.75 points of room"),
        # what fails is beyond by its estimate, and by no less than its opposite bound
        (f"{NFR} <= 1%", "fail", 0.018, 0.03, 0.0131,
         "over by 0.800 points (0.310 points at least)"),
        ("backward_trust_compatibility >= 98%", "fail", 0.97, 0.96, 0.975,
         "under by 1.00 points (0.500 points at least)"),
        # overruled by --decide point: its bound does not break the limit
        (f"{NFR} <= 1%", "fail", 0.018, 0.03, 0.009, "over by 0.800 points"),
        # and passes though its bound is beyond
        (f"{NFR} <= 1%", "pass", 0.008, 0.0131, 0.001,
         "0.200 points of room by the estimate; bound over by 0.310 points"),
        # undecided: the limit is between both
        (f"{NFR} <= 3%", "inconclusive", 0.025, 0.0575, 0.01,
         "bound over by 2.75 points (estimate: 0.500 points of room)"),
        (f"{NFR} <= 3%", "inconclusive", 0.035, 0.0575, 0.01,
         "bound over by 2.75 points (estimate: over by 0.500 points)"),
        # nothing is rounded to no room
        (f"{NFR} <= 5%", "pass", 0.02, 0.0499999999, 0.01, "<0.0001 points of room"),
        # and what has none says so
        (f"{NFR} <= 5%", "pass", 0.05, 0.05, 0.05, "at the limit, no room"),
        (f"{NFR} < 5%", "fail", 0.05, 0.05, 0.05, "at the limit itself"),
        # ratios, scores and counts have no points
        ("mean_regression <= 0.1", "pass", 0.04, 0.08177, 0.02, "0.01823 of room"),
        ("critical_negative_flips <= 0", "fail", 2, None, None, "over by 2"),
        ("critical_negative_flips <= 0", "pass", 0, None, None, "at the limit, no room"),
        # an undefined metric, and a slice too small to judge
        (f"{NFR} <= 5%", "inconclusive", None, None, None, "–"),
        (f"{NFR} <= 5%", None, 0.02, None, None, "–"),
    ],
)  # fmt: skip
def test_the_room_is_said(gate, verdict, value, bound, opposite, told):
    """The distance from the limit of what decided."""
    made = Judgement(
        Gate.parse(gate), verdict and Verdict(verdict), value, bound=bound, opposite=opposite
    )
    assert room(made) == told
