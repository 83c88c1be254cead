"""Gates that could pass because nothing was compared, or not what it seems: each is refused."""

from __future__ import annotations

import pytest

import flipcheck
from flipcheck import Predictions
from flipcheck.errors import FlipcheckError

TRUTH = ["a", "b"] * 100
IDS = [f"i{row:03}" for row in range(len(TRUTH))]
BROKEN = ["b", "a"] * 15 + TRUTH[30:]  # thirty answers break


def side(answers, truth=TRUTH, **more):
    """Predictions of all examples."""
    return Predictions.from_arrays(answers, truth, ids=IDS, **more)


def audit(old=TRUTH, new=BROKEN, **options):
    """An audit of two lists of answers."""
    return flipcheck.compare(side(old), side(new), resamples=0, **options)


EXCESS = ["excess_negative_flip_rate <= 1%"]


def test_the_new_models_own_answers_are_no_rerun():
    """They would excuse all that it breaks."""
    with pytest.raises(FlipcheckError, match="right and wrong where the new side's are"):
        audit(rerun=side(BROKEN), gates=EXCESS)


def test_a_rerun_is_judged_as_the_old_side_is():
    """By its verdicts where the old side has verdicts, else by the labels."""
    right = [True] * len(TRUTH)
    judged = side(["four"] * len(TRUTH), correct=right)
    broken = side(BROKEN, correct=[False] * 30 + right[30:])
    with pytest.raises(FlipcheckError, match="does not say itself what is right"):
        flipcheck.compare(judged, broken, rerun=side(TRUTH), gates=EXCESS)
    with pytest.raises(FlipcheckError, match="says itself what is right"):
        audit(rerun=side(TRUTH, correct=right), gates=EXCESS)


def test_a_waived_flip_is_no_excess_and_no_noise():
    """Waiving what a rerun breaks too excuses none of the rest."""
    again = side(["b", "a"] * 10 + TRUTH[20:])  # twenty of the thirty are noise
    rows = [
        {"id": each, "reason": "known", "owner": "Ann", "expires": "9999-12-31"}
        for each in IDS[:20]
    ]
    plain, waived = (
        audit(rerun=again, gates=EXCESS, decide="point", waivers=each) for each in (None, rows)
    )
    assert plain.gates[0].value == waived.gates[0].value == 0.05
    assert waived.verdict == "fail"


def test_a_named_slice_in_which_nothing_could_break_is_undecided():
    """An old model that is never right there would let any update pass."""
    truth, columns = ["a"] * 198 + ["b", "c"], {"r": ["x"] * 198 + ["y", "y"]}
    old, new = side(["b"] * 200, truth, columns=columns), side(["c"] * 200, truth)
    report = flipcheck.compare(old, new, gates=["negative_flip_rate <= 5% where r=x"])
    assert report.verdict == "inconclusive"


def test_slices_in_none_of_which_anything_could_break_are_undecided():
    """Nor does a gate over all slices pass where the old model is never right at all."""
    wrong = {"correct": [False] * 200}
    old, new = side(BROKEN, columns={"r": TRUTH}, **wrong), side(BROKEN, **wrong)
    report = flipcheck.compare(old, new, gates=["negative_flip_rate <= 5% by r"])
    assert {each.verdict for each in report.gates} == {"inconclusive"}


def test_weights_that_were_given_count():
    """Predictions that carry weights are weighed, whether or not a column is named."""
    weights = [100.0] * 30 + [1.0] * 170
    old, new = (side(answers, weights=weights) for answers in (TRUTH, BROKEN))
    report = flipcheck.compare(old, new, resamples=0)
    assert report.metrics["negative_flip_rate"].value == pytest.approx(3000 / 3170)
    assert report.data.weighted


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"discover": True, "weight": "w", "by": "g"}, "--discover counts examples"),
        ({"bound": "strict"}, "--bound strict is for clusters and weights"),
        ({"label_noise": "0.01%"}, "not one label"),
        ({"costs": {("*", "*"): 5}, "gates": "expected_cost <= 5"}, "can never be broken"),
        ({"costs": {("*", "*"): 5}, "gates": "expected_cost >= 7"}, "asks for what is worse"),
    ],
)
def test_what_would_say_nothing_is_refused(options, told):
    """Options that would be ignored, and limits that nothing could break."""
    old, new = (
        side(each, weights=[1.0, 2.0] * 100, columns={"g": TRUTH}) for each in (TRUTH, BROKEN)
    )
    if "weight" not in options:
        old, new = side(TRUTH), side(BROKEN)
    with pytest.raises(FlipcheckError, match=told):
        flipcheck.compare(old, new, **options)


@pytest.mark.parametrize(
    "gate",
    [
        "backward_trust_compatibility >= 50%",
        "error_rate_change <= 50%",
        "negative_flip_rate <= 50% by class,g",
    ],
)
def test_what_label_noise_does_not_reckon_with_is_said(gate):
    """A pass under --label-noise never looks as if wrong labels had been thought of."""
    old, new = (side(each, columns={"g": ["x"] * 200}) for each in (TRUTH, BROKEN))
    report = flipcheck.compare(old, new, gates=[gate], by=["class,g"], label_noise="5%")
    assert all("not reckoned with" in each.reason for each in report.gates)


def test_every_short_gate_is_judged(command, flipped):
    """A limit given twice is two gates; the last one does not hide the first."""
    done = command("compare", *flipped(right=300, broken=20), "--max-nfr", "1%", "--max-nfr", "50%")
    assert done.status == 1
    assert "negative_flip_rate <= 1%" in done.out
    assert "negative_flip_rate <= 50%" in done.out
