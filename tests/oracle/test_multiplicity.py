"""Corrections for many questions, and Fisher's test of a slice, against statsmodels and scipy."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from flipcheck.metrics import METRICS
from flipcheck.outcomes import Cells
from flipcheck.stats.sampling import Sample
from flipcheck.stats.tests import benjamini_hochberg, holm, log_upper_tail, more_than_the_rest


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


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_q_values_are_those_of_statsmodels(count):
    """Benjamini and Hochberg's adjusted p-values, in the order they came, ties and ends too."""
    p_values = np.random.default_rng(count).beta(0.5, 2, size=count).round(2)
    expected = multipletests(p_values, method="fdr_bh")[1]
    assert benjamini_hochberg(p_values) == pytest.approx(expected, abs=1e-13)


def together(counts, totals):
    """Groups of so many examples each, of which so many flip and the rest stay right."""
    return Sample(Cells(totals - counts, counts, *(counts * 0 for _ in range(4))))


def test_simultaneous_intervals_are_bonferronis():
    """Each of a family of 50 is the exact interval at a fiftieth of the error."""
    counts, totals = np.array([0, 3, 50]), np.array([200, 1000, 50])
    found = together(counts, totals).simultaneous(METRICS["negative_flip_rate"], 0.95, 50)
    expected = proportion_confint(counts, totals, alpha=0.05 / 50, method="beta")
    ends = np.array([(each.low, each.high) for each in found])
    assert ends == pytest.approx(np.nan_to_num(np.array(expected).T, nan=0.0), rel=1e-9)
    assert {each.level for each in found} == {0.95}


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


def test_ten_thousand_slices_have_the_tails_of_scipy():
    """Sizes from one to all, counts far on both sides of the mean, to seven digits of each."""
    rng = np.random.default_rng(2)
    total, marked = 1_000_000, 12_000
    drawn = (10 ** rng.uniform(0, 6, size=10_000)).astype(int)
    mean = drawn * marked / total
    count = rng.poisson(mean * rng.choice([0.5, 1, 2, 5], size=10_000))
    count = np.minimum(count, np.minimum(drawn, marked))
    found = np.exp(log_upper_tail(count, drawn, marked, total))
    expected = stats.hypergeom.sf(count - 1, total, marked, drawn)
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-290)


def test_a_tail_too_small_for_a_float_has_its_logarithm():
    """All 900 flips of a million examples in one slice of 1,000: the product of their shares."""
    shares = [Fraction(1000 - row, 1_000_000 - row) for row in range(900)]
    expected = sum(math.log(each) for each in shares)
    assert log_upper_tail(900, 1000, 900, 1_000_000) == pytest.approx(expected, rel=1e-9)
    assert expected < -3000


@given(st.integers(1, 60), st.data())
def test_small_tails_are_sums_of_fractions(total, data):
    """Every table of up to 60 examples has the p-value that counting gives."""
    marked, drawn = (data.draw(st.integers(0, total)) for _ in range(2))
    count = data.draw(st.integers(0, min(marked, drawn)))
    ways = sum(
        math.comb(marked, each) * math.comb(total - marked, drawn - each)
        for each in range(count, min(marked, drawn) + 1)
    )
    expected = float(Fraction(ways, math.comb(total, drawn)))
    found = float(np.exp(log_upper_tail(count, drawn, marked, total)))
    assert found == pytest.approx(expected, rel=1e-11)
