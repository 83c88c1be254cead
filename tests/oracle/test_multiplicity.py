"""Corrections for many questions, and Fisher's test of a slice, against statsmodels and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from flipcheck.stats.tests import holm, more_than_the_rest


@pytest.mark.parametrize(
    "p_values",
    [
        [0.04],  # one question needs no correction
        [0.01, 0.04, 0.03, 0.005],  # the textbook example, out of order
        [0.5, 0.6, 0.9],  # capped at 1
        [0.02, 0.02, 0.02],  # ties share a value
        [0.0, 1.0, 0.05],  # the ends of the range
        [0.03, 0.011, 0.0121],  # a step that would fall must not
    ],
)
def test_holm_is_that_of_statsmodels(p_values):
    """The adjusted p-values are those of statsmodels, in the order they came."""
    expected = multipletests(p_values, method="holm")[1]
    assert holm(p_values).tolist() == pytest.approx(expected.tolist(), abs=1e-15)


def test_holm_of_many_random_p_values_is_that_of_statsmodels():
    """A thousand p-values are adjusted as statsmodels does."""
    p_values = np.random.default_rng(1).beta(0.5, 2, size=1000)
    expected = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(expected, abs=1e-13)


def test_holm_of_nothing_is_nothing():
    """No question, no answer."""
    assert holm([]).tolist() == []


FLIPS, SIZES = np.array([5, 0, 1, 20, 4]), np.array([50, 30, 1, 400, 4])


def test_a_slice_against_the_rest_has_the_hypergeometric_p_value():
    """The chance of at least a slice's flips is scipy's hypergeometric tail."""
    expected = stats.hypergeom.sf(FLIPS - 1, SIZES.sum(), FLIPS.sum(), SIZES)
    assert more_than_the_rest(FLIPS, SIZES) == pytest.approx(expected, rel=1e-10)


def test_a_slice_against_the_rest_has_fishers_p_value():
    """The same p-value is that of Fisher's one-sided test of the slice against the rest."""
    found = more_than_the_rest(FLIPS, SIZES)
    for row, (flips, size) in enumerate(zip(FLIPS, SIZES, strict=True)):
        other_flips, others = FLIPS.sum() - flips, SIZES.sum() - size
        table = [[flips, size - flips], [other_flips, others - other_flips]]
        expected = stats.fisher_exact(table, alternative="greater").pvalue
        assert found[row] == pytest.approx(expected, rel=1e-9)


def test_a_large_test_set_keeps_the_digits_of_the_p_value():
    """Logarithms of huge factorials still give six digits over a million examples."""
    flips, sizes = np.array([300, 9_700]), np.array([20_000, 980_000])
    expected = stats.hypergeom.sf(flips - 1, 1_000_000, 10_000, sizes)
    assert more_than_the_rest(flips, sizes) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("flips", "sizes"),
    [
        ([0, 0], [5, 7]),  # nobody flips
        ([5, 7], [5, 7]),  # everybody flips
        ([3], [10]),  # the slice is everything
        ([0, 4], [6, 9]),  # the first row: no flip is never more than the rest (only row 0 asked)
    ],
)
def test_a_slice_that_cannot_stand_out_has_p_value_one(flips, sizes):
    """Where the counts could not be lower, the p-value is 1 exactly."""
    assert more_than_the_rest(np.array(flips), np.array(sizes))[0] == 1.0
