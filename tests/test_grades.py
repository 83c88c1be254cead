"""When a score has changed, and what scores cannot be compared."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from flipcheck.errors import InputError, UsageError
from flipcheck.grades import Grades


def grades(old, new, tolerance=0.0, within=None):
    """Grades of two lists of scores."""
    return Grades.of(np.array(old, float), np.array(new, float), tolerance, within)


@pytest.mark.parametrize(
    ("old", "new", "tolerance", "fell", "rose"),
    [
        (0.5, 0.5, 0.0, False, False),  # the same
        (0.5, 0.4999999999, 0.0, True, False),  # without a tolerance any change counts
        (0.8, 0.7, 0.1, False, False),  # a change of the tolerance is none, above …
        (0.7, 0.8, 0.1, False, False),  # … and where rounding makes it 0.10000000000000009
        (0.3, 0.2, 0.1, False, False),
        (0.8, 0.6999, 0.1, True, False),
        (0.1, 0.9, 0.1, False, True),
        (-12.5, -13.5, 0.5, True, False),  # log-likelihoods are negative
        (3, 5, 1, False, True),  # a rubric
    ],
)
def test_a_change_is_more_than_the_tolerance(old, new, tolerance, fell, rose):
    """D < -T is a fall, D > T is a rise; the last digits of a difference are no change."""
    found = grades([old, -20, 20], [new, -20, 20], tolerance)
    assert (found.fell[0], found.rose[0]) == (fell, rose)


def test_decimal_scores_change_as_their_decimals_do():
    """Every pair of scores of two decimals, under every such tolerance, against exact numbers."""
    texts = [f"{each / 100:.2f}" for each in range(0, 101, 7)]
    pairs = [(one, two) for one in texts for two in texts]
    old, new = (np.array([float(each[side]) for each in pairs]) for side in (0, 1))
    for tolerance in ("0.07", "0.14", "0.21", "0.7"):
        found = Grades.of(old, new, float(tolerance), (0, 1))
        exact = [Decimal(two) - Decimal(one) for one, two in pairs]
        assert found.fell.tolist() == [each < -Decimal(tolerance) for each in exact]
        assert found.rose.tolist() == [each > Decimal(tolerance) for each in exact]


@pytest.mark.parametrize(
    ("old", "new", "within", "span"),
    [
        ([0.2, 0.4], [0.3, 0.9], None, (0, 1)),  # shares may lie anywhere from 0 to 1
        ([1, 5], [2, 4], None, (1, 5)),  # else what both sides span
        ([1, 4], [2, 4], (1, 5), (1, 5)),  # or what is said
        ([0.1, 40], [0.2, 90], (0, 100), (0, 100)),
    ],
)
def test_scores_have_a_range(old, new, within, span):
    """It is given, or 0 to 1, or what was seen."""
    found = grades(old, new, within=within)
    assert (found.low, found.high) == span


@pytest.mark.parametrize(
    ("old", "new", "tolerance", "within", "error", "told"),
    [
        ([0.5, 0.9], [50, 90], 0, None, InputError, "two scales"),
        ([50, 90], [0.5, 0.9], 0, None, InputError, "the new scores are from 0 to 1"),
        ([0.5, 0.9], [0.5, 1.5], 0, (0, 1), InputError, "scores from 0.5 to 1.5"),
        ([0.5, 0.9], [0.5, 0.6], 1, None, UsageError, "none could ever change"),
    ],
)
def test_scores_that_do_not_fit_are_refused(old, new, tolerance, within, error, told):
    """Two scales, a range that they leave, and a tolerance of everything."""
    with pytest.raises(error, match=told) as caught:
        grades(old, new, tolerance, within)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "tolerance", "told"),
    [
        ([0.5, 0.9], [0.5, 0.9], 0, "no score differs"),
        ([0.5, 0.9, 0.1], [0.5000000001, 0.8999999, 0.3], 0, "2 of 3 scores that differ"),
        ([0.5, 0.9], [0.5, 1.5], 0, "the old scores are from 0 to 1"),
        ([0.5, 0.9, 0.1], [0.5000000001, 0.8999999, 0.3], 0.01, None),  # a tolerance is given
        ([0.5, 0.9], [0.4, 0.9], 0, None),
    ],
)
def test_scores_that_look_odd_are_told(old, new, tolerance, told):
    """No difference at all, differences like rounding, and scales that overlap."""
    found = list(grades(old, new, tolerance).doubts())
    assert (told is None and not found) or told in found[0]


def test_scores_of_a_rubric_beside_shares():
    """A rubric from 1 to 5 is another scale than 0 to 1, unless the range says that it is one."""
    shares, rubric = np.linspace(0, 1, 20), np.linspace(1, 5, 20)
    with pytest.raises(InputError, match="two scales"):
        Grades.of(shares, rubric)
    assert Grades.of(shares, rubric, within=(0.0, 5.0)).high == 5


def test_a_tolerance_that_few_falls_could_exceed():
    """Where hardly any score is high enough to fall by more, that is told."""
    old = np.append(np.full(99, 0.1), 1.0)
    told = list(Grades.of(old, old[::-1].copy(), 0.5).doubts())
    assert any("only 1.0% of the old scores could fall" in each for each in told)
    assert not [
        each for each in Grades.of(old + 0, old[::-1].copy(), 0.05).doubts() if "only" in each
    ]
