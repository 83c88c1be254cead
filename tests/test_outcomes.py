"""Outcomes of examples, and tallies of them."""

from __future__ import annotations

import numpy as np
import pytest

from flipcheck.outcomes import Cells, Outcome, Tally, grouped_counts, outcomes, tally

EXAMPLES = [
    # old right, new right, same answer, outcome
    (True, True, True, Outcome.BOTH_RIGHT),
    (True, False, False, Outcome.NEGATIVE_FLIP),
    (False, True, False, Outcome.POSITIVE_FLIP),
    (False, False, True, Outcome.BOTH_WRONG_SAME),
    (False, False, False, Outcome.BOTH_WRONG_DIFFERENT),
    # A verdict of its own may call one answer right and another wrong though they read alike.
    (True, False, True, Outcome.NEGATIVE_FLIP_SAME),
]


@pytest.mark.parametrize(("old", "new", "same", "expected"), EXAMPLES)
def test_an_example_has_the_outcome_of_its_two_verdicts(old, new, same, expected):
    """Right and wrong of both models decide, and for both wrong whether they agree."""
    found = outcomes(np.array([old]), np.array([new]), np.array([same]))
    assert found.tolist() == [expected]


def test_without_answers_both_wrong_is_not_split():
    """A source that knows only right and wrong has a cell of its own for both wrong."""
    found = outcomes(np.array([False, True]), np.array([False, True]), None)
    assert found.tolist() == [Outcome.BOTH_WRONG_UNSPLIT, Outcome.BOTH_RIGHT]


def test_a_tally_counts_each_outcome():
    """The tally of codes has one count for each outcome."""
    codes = np.array([1, 0, 1, 4, 3, 3, 3, 2], dtype=np.uint8)
    assert tally(codes) == Tally(1, 2, 1, 3, 1)


def test_the_tally_of_no_example_is_empty():
    """Nothing counted is zero of everything."""
    assert tally(np.array([], dtype=np.uint8)) == Tally()


def test_groups_are_counted_as_if_one_by_one():
    """The counts of all groups in one pass are the tallies of each group."""
    rng = np.random.default_rng(0)
    codes, groups = rng.integers(0, 6, 500).astype(np.uint8), rng.integers(0, 7, 500)
    found = grouped_counts(codes, groups.astype(np.int32), 8)
    expected = [tally(codes[groups == group]).counts().tolist() for group in range(8)]
    assert found.tolist() == expected


def test_many_thousand_groups_do_not_overflow():
    """A group number near the end of int32 is counted in int64."""
    groups = np.array([300_000], dtype=np.int32)
    assert grouped_counts(np.array([5], dtype=np.uint8), groups, 300_001)[300_000, 5] == 1


def test_tallies_add_up():
    """The sum of two tallies has the sums of their counts."""
    assert Tally(1, 2, 3, 4, 5, 6) + Tally(10, 20, 30, 40, 50, 60) == Tally(11, 22, 33, 44, 55, 66)


@pytest.mark.parametrize(
    "count",
    [
        -1,  # no count is negative
        1.0,  # nor a share
        True,  # nor a verdict
        None,  # nor unknown
        float("nan"),  # nor NaN
    ],
)
def test_a_tally_of_anything_but_whole_numbers_cannot_be_made(count):
    """Wrong counts are refused where they are made."""
    with pytest.raises(ValueError, match="whole numbers"):
        Tally(5, count)


def test_the_margins_of_a_tally_are_sums_of_its_cells():
    """Errors, right answers and examples are the sums that METRICS.md §1 says."""
    cells = Tally(1, 20, 300, 4_000, 50_000)
    assert (cells.old_right, cells.new_right) == (21, 301)
    assert (cells.old_wrong, cells.new_wrong) == (54_300, 54_020)
    assert (cells.both_wrong, cells.examples) == (54_000, 54_321)


def test_cells_of_an_array_have_its_columns():
    """Counts of many tallies become arrays of one shape."""
    cells = Cells.of(np.arange(18).reshape(2, 9))
    assert cells.negative_flips.tolist() == [1 + 7, 10 + 16]
    assert cells.examples.tolist() == [sum(range(9)), sum(range(9, 18))]


@pytest.mark.parametrize(
    "cells",
    [
        Tally(1, 2, 3, 4, 5),  # split
        Tally(1, 2, 3, both_wrong_unsplit=9),  # only the sum is known
        Tally(),  # nothing
    ],
)
def test_a_tally_survives_json(cells):
    """What `to_dict` writes, `from_dict` reads."""
    assert Tally.from_dict(cells.to_dict()) == cells


def test_an_unsplit_tally_writes_null_for_what_it_does_not_know():
    """Same and different are null in JSON, and their sum is there."""
    written = Tally(1, 2, 3, both_wrong_unsplit=9).to_dict()
    assert written["both_wrong_same"] is None
    assert written["both_wrong_different"] is None
    assert written["both_wrong"] == 9


def test_where_a_verdict_decides_answers_and_outcomes_are_told_apart():
    """Two right answers may differ, and one answer may be judged two ways; churn counts answers."""
    old_right = np.array([True, True, True, True, False, False, False])
    new_right = np.array([True, True, False, False, True, True, False])
    same = np.array([True, False, True, False, True, False, False])
    counted = tally(outcomes(old_right, new_right, same))
    assert (counted.both_right, counted.both_right_different) == (2, 1)
    assert (counted.negative_flips, counted.negative_flips_same) == (2, 1)
    assert (counted.positive_flips, counted.positive_flips_same) == (2, 1)
    assert counted.different_answers == int((~same).sum())
    assert Tally.of_counts(counted.counts().tolist()) == counted
    assert Tally.from_dict(counted.to_dict()) == counted


def test_a_part_larger_than_its_whole_is_refused():
    """More differing right answers than right answers cannot be."""
    with pytest.raises(ValueError, match="larger than its whole"):
        Tally(both_right=1, both_right_different=2)


def test_graded_answers_are_neither_right_nor_wrong():
    """They have three outcomes of their own, and all of them could break."""
    cells = Tally(0, 2, 3, scores_unchanged=5, scores_fallen=2, scores_risen=3)
    assert (cells.examples, cells.graded, cells.could_break) == (10, 10, 10)
    assert (cells.both_right, cells.both_wrong) == (0, 0)
    assert cells.counts().tolist() == [0] * 9 + [5, 2, 3]


@pytest.mark.parametrize(
    "counts",
    [
        (1, 2, 3, 0, 0, 0, 0, 0, 0, 5, 2, 3),  # one that is both right
        (0, 3, 3, 0, 0, 0, 0, 0, 0, 5, 2, 3),  # a flip that is no fall
        (0, 2, 3, 1, 0, 0, 0, 0, 0, 5, 2, 3),  # one that is both wrong
        (0, 1, 3, 0, 0, 0, 0, 0, 0, 5, 2, 3),  # fewer flips than falls
    ],
)
def test_a_tally_of_graded_and_other_answers_cannot_be_made(counts):
    """No audit could come to it."""
    with pytest.raises(ValueError, match="never of both"):
        Tally(*counts)
