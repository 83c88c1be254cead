"""The bounds under label noise against every relabelling of small sets."""

from __future__ import annotations

from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from scipy.stats import binomtest

from flipcheck.outcomes import outcomes, tally
from flipcheck.policy import wrong_labels
from flipcheck.stats.label_noise import breakable, flips_between, joint_interval, most_passing


def bounds(labels, old, new, wrong):
    """What the package says of the fewest and most flips with up to so many wrong labels."""
    right = [np.array([a == y for a, y in zip(answers, labels, strict=True)])
             for answers in (old, new)]  # fmt: skip
    same = np.array([a == b for a, b in zip(old, new, strict=True)])
    total = tally(outcomes(*right, same))
    return flips_between(total.negative_flips, wrong, breakable(total, "label"))


def by_hand(labels, old, new, classes, wrong):
    """The fewest and most flips over every relabelling that changes at most so many labels."""
    counts = [
        sum(a == y != b for a, b, y in zip(old, new, other, strict=True))
        for other in product(classes, repeat=len(labels))
        if sum(one != two for one, two in zip(labels, other, strict=True)) <= wrong
    ]
    return min(counts), max(counts)


@pytest.mark.parametrize(("classes", "size"), [("ab", 4), ("abc", 3), ("abcd", 2)])
def test_the_bounds_are_those_of_the_worst_and_best_relabelling(classes, size):
    """Every small set of two, three and four classes, with every number of wrong labels."""
    kinds = list(product(classes, repeat=3))
    for examples in combinations_with_replacement(kinds, size):
        labels, old, new = zip(*examples, strict=True)
        for wrong in range(size + 1):
            expected = by_hand(labels, old, new, classes, wrong)
            assert bounds(labels, old, new, wrong) == expected


def test_no_relabelling_is_beyond_the_bounds_where_answers_are_missing():
    """An old model without an answer can break nothing: the upper bound is then an upper one."""
    kinds = list(product("abc", ["a", "b", None], ["a", "b", None]))
    for examples in combinations_with_replacement(kinds, 2):
        labels, old, new = zip(*examples, strict=True)
        for wrong in range(3):
            low, high = bounds(labels, old, new, wrong)
            least, most = by_hand(labels, old, new, "abc", wrong)
            assert low == least
            assert most <= high


@pytest.mark.parametrize("same", [None, True, False])
def test_where_verdicts_decide_any_example_may_be_judged_otherwise(same):
    """Every set of three pairs of verdicts, and every other judgement of up to k of them."""
    pairs = list(product([True, False], repeat=2))
    for judged in combinations_with_replacement(pairs, 3):
        old, new = (np.array(side) for side in zip(*judged, strict=True))
        answers = None if same is None else np.full(3, same)
        total = tally(outcomes(old, new, answers))
        for wrong in range(4):
            counts = [
                sum(one and not two for one, two in other)
                for other in product(pairs, repeat=3)
                if sum(a != b for a, b in zip(judged, other, strict=True)) <= wrong
            ]
            limits = flips_between(total.negative_flips, wrong, breakable(total, "verdict"))
            assert limits == (min(counts), max(counts))


@pytest.mark.parametrize(("low", "high", "examples"), [(0, 0, 10), (2, 22, 540), (5, 10, 10)])
def test_the_joint_interval_has_the_outermost_exact_ends(low, high, examples):
    """Against scipy, over every count in between."""
    ends = [
        binomtest(count, examples).proportion_ci(0.95, "exact") for count in range(low, high + 1)
    ]
    found = joint_interval((low, high), examples, 0.95)
    assert found.low == pytest.approx(min(each.low for each in ends), rel=1e-9)
    assert found.high == pytest.approx(max(each.high for each in ends), rel=1e-9)


def test_the_largest_number_that_passes_is_that_of_a_naive_loop():
    """Every turning point of every length up to 20."""
    for most in range(21):
        for turn in range(most + 1):
            naive = max(number for number in range(most + 1) if number <= turn)
            assert most_passing(lambda number, turn=turn: number <= turn, most) == naive


def test_no_label_is_lost_to_binary_fractions():
    """29% of 100 is 29, though 0.29 * 100 is less as a float; every whole percent of 100."""
    assert int(0.29 * 100) == 28
    assert [wrong_labels(percent / 100, 100) for percent in range(1, 100)] == list(range(1, 100))
    assert wrong_labels(0.02, 149) == 2
