"""The identities of graded answers, on any scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flipcheck
from flipcheck.audits.measuring import Beside, measured
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Tally
from flipcheck.pairing import pair

scores = st.floats(-5, 5, allow_nan=False).map(lambda each: round(each, 3))
examples = st.lists(st.tuples(scores, scores), min_size=1, max_size=40)
tolerances = st.sampled_from([0.0, 0.1, 1.0])
SCORED = [name for name, metric in METRICS.items() if metric.needs == "scores"]


def sample_of(rows, tolerance, order=None):
    """The sample of an audit of these scores, in this order of rows."""
    order = range(len(rows)) if order is None else order
    ids = [f"{place:03}" for place in order]
    old, new = (
        flipcheck.Predictions.from_arrays(scores=[rows[at][side] for at in order], ids=ids)
        for side in (0, 1)
    )
    paired = pair(old, new, tolerance=tolerance, score_range=(-5, 5))
    return measured(paired, Beside(), "default").sample()


def values(sample):
    """Every metric of scores."""
    return {name: sample.value(METRICS[name]) for name in SCORED}


@given(examples, tolerances)
def test_old_and_new_swapped_swap_gain_and_regression(rows, tolerance):
    """And flips, and the sign of the change; bounds are mirrored."""
    there, back = sample_of(rows, tolerance), sample_of([row[::-1] for row in rows], tolerance)
    one, two = values(there), values(back)
    assert one["mean_gain"] == pytest.approx(two["mean_regression"])
    assert one["mean_regression"] == pytest.approx(two["mean_gain"])
    assert one["mean_score_change"] == pytest.approx(-two["mean_score_change"])
    assert one["old_mean_score"] == pytest.approx(two["new_mean_score"])
    assert there.cells.negative_flips == back.cells.positive_flips
    change = METRICS["mean_score_change"]
    (low, high), (swapped_low, swapped_high) = there.bounds(change, 0.9), back.bounds(change, 0.9)
    assert (low, high) == pytest.approx((-swapped_high, -swapped_low))


@given(examples)
def test_without_a_tolerance_the_change_is_gain_less_regression(rows):
    """And the new score less the old one."""
    found = values(sample_of(rows, 0.0))
    change = found["mean_score_change"]
    assert change == pytest.approx(found["mean_gain"] - found["mean_regression"])
    assert change == pytest.approx(found["new_mean_score"] - found["old_mean_score"])


@given(examples, tolerances)
def test_bounds_hold_the_value(rows, tolerance):
    """Low ≤ value ≤ high, for every metric and within what it can be."""
    sample = sample_of(rows, tolerance)
    for name in SCORED:
        low, high = sample.bounds(METRICS[name], 0.9)
        assert low - 1e-9 <= sample.value(METRICS[name]) <= high + 1e-9


@given(examples, tolerances, st.integers(0, 40))
def test_tallies_of_shards_add_up(rows, tolerance, at):
    """Graded answers too are counted by addition."""
    parts = [part for part in (rows[:at], rows[at:]) if part]
    together = sum((sample_of(part, tolerance).tally for part in parts), Tally())
    assert together == sample_of(rows, tolerance).tally
    assert together.examples == len(rows)
    assert Tally.from_dict(together.to_dict()) == together
    assert Tally.of_counts(together.counts().tolist()) == together


@given(examples, tolerances, st.randoms())
def test_the_order_of_rows_changes_nothing(rows, tolerance, random):
    """Not even the last digit of a sum."""
    order = list(range(len(rows)))
    random.shuffle(order)
    one, two = sample_of(rows, tolerance), sample_of(rows, tolerance, order)
    assert one.design.to_dict() == two.design.to_dict()
    assert np.array_equal(one.tally.counts(), two.tally.counts())
