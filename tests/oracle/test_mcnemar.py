"""McNemar's test against statsmodels and published p-values."""

from __future__ import annotations

import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference

from flipcheck.stats.tests import mcnemar

PAIRS = [
    pytest.param(6, 16, id="published"),  # METRICS.md §2
    pytest.param(1, 7, id="published, small"),
    pytest.param(7, 1, id="the other way"),  # two-sided: the same
    pytest.param(0, 1, id="one flip"),
    pytest.param(4, 5, id="as even as an odd number gets"),  # the exact p is 1
    pytest.param(2445, 4640, id="ImageNet"),  # a p-value near 1e-150
]


EVEN = pytest.param(5, 5, id="even")  # the exact p would exceed 1 without its cap


@pytest.mark.parametrize(("lost", "won"), [*PAIRS, EVEN])
def test_the_exact_p_value_is_that_of_statsmodels(lost, won):
    """The exact p-value beside the mid-p is the one of statsmodels."""
    expected = reference([[10, lost], [won, 10]], exact=True).pvalue
    assert mcnemar(lost, won).exact_p_value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("lost", "won"), PAIRS)
def test_the_mid_p_value_takes_half_of_the_seen_point_from_both_tails(lost, won):
    """Mid-p counts what was seen by half on each side, by scipy's binomial distribution."""
    law, smaller = stats.binom(lost + won, 0.5), min(lost, won)
    expected = 2 * (law.cdf(smaller - 1) + law.pmf(smaller) / 2)
    assert mcnemar(lost, won).p_value == pytest.approx(expected, rel=1e-8)


def test_an_even_split_has_the_mid_p_value_of_its_definition():
    """As many losses as wins: 1 less half the chance of just that (Fagerland et al. 2013)."""
    assert mcnemar(5, 5).p_value == pytest.approx(1 - stats.binom.pmf(5, 10, 0.5) / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("lost", "won", "mid", "exact"),
    [
        (6, 16, 0.034690, 0.052479),  # METRICS.md §2, Fagerland et al. 2013
        (1, 7, 0.0391, 0.0703),
    ],
)
def test_the_published_p_values_are_reproduced(lost, won, mid, exact):
    """Both p-values are the published ones, to their printed digits."""
    found = mcnemar(lost, won)
    assert found.p_value == pytest.approx(mid, abs=5e-5 if mid == 0.0391 else 5e-7)
    assert found.exact_p_value == pytest.approx(exact, abs=5e-5 if exact == 0.0703 else 5e-7)


def test_no_discordant_pair_is_no_evidence():
    """Without a flip both p-values are 1."""
    found = mcnemar(0, 0)
    assert (found.p_value, found.exact_p_value, found.discordant) == (1.0, 1.0, 0)


def test_the_p_value_does_not_know_which_model_is_new():
    """Swapping the models changes nothing: the test is two-sided."""
    assert mcnemar(3, 11) == mcnemar(11, 3)


def test_millions_of_flips_keep_a_finite_p_value():
    """A large test set gives a p-value in range, not an overflow."""
    found = mcnemar(5_000_000, 5_001_000)
    assert found.p_value == pytest.approx(stats.norm.sf(1000 / 10_001_000**0.5) * 2, rel=1e-3)
