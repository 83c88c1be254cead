"""The sizes of test sets against enumeration, simulation and the published tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from flipcheck.gates import Gate, Verdict, judge
from flipcheck.outcomes import Tally
from flipcheck.stats.power import (
    Needed,
    chance,
    change_examples,
    change_power,
    design_effect,
    examples_needed,
    failing_rate,
    largest_passing,
    passing_rate,
    power,
    seen_rate,
    smallest_failing,
)

CONFIDENCE = 0.95

TABLE = [  # STATISTICS.md §4: limit, true rate, power, first, stable
    (0.05, 0, 0.8, 59, 59),  # no flip at all: ln(.05) / ln(1 - limit)
    (0.02, 0, 0.8, 149, 149),
    (0.01, 0, 0.8, 299, 299),
    (0.005, 0, 0.8, 598, 598),
    (0.002, 0, 0.8, 1497, 1497),
    (0.001, 0, 0.8, 2995, 2995),
    (0.01, 0.001, 0.8, 473, 473),  # one flip may be seen
    (0.01, 0.001, 0.9, 473, 628),  # the first and the stable number part
    (0.01, 0.0025, 0.8, 773, 773),
    (0.01, 0.0025, 0.9, 913, 1049),
    (0.01, 0.005, 0.8, 1941, 2185),
    (0.01, 0.005, 0.9, 2546, 2784),
    (0.01, 0.0075, 0.8, 8753, 9409),
    (0.01, 0.0075, 0.9, 11907, 12663),
    (0.01, 0.009, 0.8, 58480, 60342),  # near the limit
    (0.01, 0.009, 0.9, 80774, 82627),
    (0.005, 0.0025, 0.8, 3885, 4374),
    (0.005, 0.0025, 0.9, 5096, 5572),
    (0.001, 0.0005, 0.8, 19439, 21883),  # a small limit
    (0.001, 0.0005, 0.9, 25495, 29058),
    (0.05, 0.025, 0.8, 361, 434),
    (0.05, 0.025, 0.9, 506, 554),
]

DECIDES = [  # STATISTICS.md §4, limit 1 %: n, passing count, rate %, failing count, rate %
    (500, 1, 0.16, 10, 2.5),
    (1000, 4, 0.31, 16, 1.92),
    (2000, 12, 0.50, 29, 1.67),
    (5000, 38, 0.67, 63, 1.39),
    (10_000, 83, 0.76, 118, 1.27),
    (50_000, 463, 0.89, 538, 1.12),
    (100_000, 948, 0.92, 1053, 1.08),
]


@pytest.mark.parametrize(("limit", "rate", "goal", "first", "stable"), TABLE)
def test_the_sizes_of_the_table(limit, rate, goal, first, stable):
    """The first and the stable number of examples are those of STATISTICS.md §4."""
    assert examples_needed(limit, rate, goal, CONFIDENCE) == Needed(first, stable)


@pytest.mark.parametrize(
    ("rate", "limit", "published"),
    [(0.005, 0.01, 1941), (0.01, 0.02, 1030), (0.02, 0.03, 1655), (0.02, 0.05, 286)],
)
def test_the_sizes_of_the_short_table(rate, limit, published):
    """The numbers of METRICS.md §2 reach 80 %, and lie where the sawtooth crosses it."""
    needed = examples_needed(limit, rate, 0.8, CONFIDENCE)
    assert needed.first <= published <= needed.stable
    before, there = power(np.array([published - 1, published]), limit, rate, CONFIDENCE)
    assert before < 0.8 <= there


@pytest.mark.parametrize(("total", "most", "passes", "fewest", "fails"), DECIDES)
def test_what_a_set_can_decide(total, most, passes, fewest, fails):
    """Passing and failing counts, and the rates that reach them, are those of STATISTICS.md §4."""
    assert int(largest_passing(total, 0.01, CONFIDENCE)) == most
    assert smallest_failing(total, 0.01, CONFIDENCE) == fewest
    kept = passing_rate(total, 0.01, 0.8, CONFIDENCE)
    broken = failing_rate(total, 0.01, 0.8, CONFIDENCE)
    assert 100 * kept == pytest.approx(passes, abs=0.006)  # rounded outwards
    assert 100 * broken == pytest.approx(fails, abs=0.006)
    assert stats.binom.cdf(most, total, kept) == pytest.approx(0.8)
    assert stats.binom.sf(fewest - 1, total, broken) == pytest.approx(0.8)


def brute(limit, rate, goal, last):
    """First and stable number by enumeration of every n up to `last`, with scipy.stats alone."""
    n = np.arange(1, last + 1)
    most = stats.binom.ppf(1 - CONFIDENCE, n, limit)
    most = np.where(stats.binom.cdf(most, n, limit) <= 1 - CONFIDENCE, most, most - 1)
    reached = np.where(most >= 0, stats.binom.cdf(most, n, rate), 0.0) >= goal
    below = np.flatnonzero(~reached)
    return Needed(int(n[reached][0]), int(n[below[-1]] + 1) if len(below) else 1)


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(st.floats(0.004, 0.1), st.floats(0.01, 0.99)),
    st.floats(0, 0.85),
    st.floats(0.5, 0.97),
)
def test_the_sizes_are_those_of_enumeration(limit, part, goal):
    """No n before the first one reaches the power, and none after the stable one misses it."""
    found = examples_needed(limit, part * limit, goal, CONFIDENCE)
    assert found == brute(limit, part * limit, goal, 2 * found.stable + 1000)


@pytest.mark.parametrize("confidence", [0.8, 0.99, 0.999])
def test_other_confidences(confidence):
    """The passing count is the largest with a lower tail of at most 1 - confidence."""
    n = np.array([10, 299, 5000, 123_456])
    found = largest_passing(n, 0.02, confidence)
    for count, total in zip(found.tolist(), n.tolist(), strict=True):
        if count >= 0:
            assert stats.binom.cdf(count, total, 0.02) <= 1 - confidence
        assert stats.binom.cdf(count + 1, total, 0.02) > 1 - confidence


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 20_000), st.floats(0.001, 0.3))
def test_the_counts_are_those_of_the_gate(total, limit):
    """`judge` passes at the largest passing count and fails at the smallest failing one, only."""
    text = f"{limit!r}"
    gate = Gate("negative_flip_rate", "<=", limit, text)

    def verdict(count):
        return judge(gate, Tally(total, 0, 0, 0) if not count else tally(count)).verdict

    def tally(count):
        return Tally(both_right=total - count, negative_flips=count)

    most = int(largest_passing(total, limit, CONFIDENCE))
    fewest = smallest_failing(total, limit, CONFIDENCE)
    if most >= 0:
        assert verdict(most) is Verdict.PASS
    assert verdict(most + 1) is not Verdict.PASS
    if fewest <= total:
        assert verdict(fewest) is Verdict.FAIL
    assert verdict(fewest - 1) is not Verdict.FAIL


def test_a_million_examples_take_no_time():
    """A tiny limit and a true rate near it: found by teeth, checked around both numbers."""
    found = examples_needed(0.001, 0.0009, 0.8, CONFIDENCE)
    assert 500_000 < found.first < found.stable < 700_000
    around = np.array([found.first - 1, found.first, found.stable - 1, found.stable])
    most = largest_passing(around, 0.001, CONFIDENCE)
    assert (stats.binom.cdf(most, around, 0.001) <= 0.05).all()
    assert (stats.binom.cdf(most + 1, around, 0.001) > 0.05).all()
    reached = stats.binom.cdf(most, around, 0.0009) >= 0.8
    assert reached.tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("limit", "rate"),
    [
        (0.01, 0.01),  # at the limit
        (0.01, 0.02),  # beyond it
        (0.5, 0.4999999999),  # next to it
        (1e-13, 0),  # a limit that no set of examples could show
        (1e-300, 0),
    ],
)
def test_no_number_of_examples(limit, rate):
    """A rate at or beyond the limit, or as good as at it, passes with no number of examples."""
    assert examples_needed(limit, rate, 0.8, CONFIDENCE) is None


@pytest.mark.parametrize(
    ("total", "bound"),
    [(30, 9.50), (59, 4.95), (100, 2.95), (299, 0.997), (3000, 0.0998), (100_000, 0.0030)],
)
def test_the_rule_of_three(total, bound):
    """Zero flips: 1 - .05^(1/n), which is also the rate that shows a flip with 95 % power."""
    assert 100 * seen_rate(total, 0.95) == pytest.approx(bound, rel=0.01)
    assert float(chance(0, total, seen_rate(total, 0.95))) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("margin", "rate", "sizes"),
    [(0.005, 0.01, (5131, 7068)), (0.01, 0.02, (2562, 3530)), (0.002, 0.005, (15_842, 21_862))],
)
def test_the_sizes_of_the_error_rate_change(margin, rate, sizes):
    """Tango's sample sizes of STATISTICS.md §4, for 80 % and 90 % power."""
    found = tuple(change_examples(margin, rate, rate, goal, CONFIDENCE) for goal in (0.8, 0.9))
    assert found == sizes
    for goal, size in zip((0.8, 0.9), found, strict=True):
        before, there = change_power(np.array([size - 1, size]), margin, rate, rate, CONFIDENCE)
        assert before < goal <= there


@pytest.mark.parametrize("goal", [0.8, 0.9])
@pytest.mark.parametrize(
    ("gate", "lost", "won"),
    [
        ("error_rate_change <= 0.5%", 0.01, 0.01),  # no change
        ("error_rate_change <= 0", 0.01, 0.03),  # an improvement is to be shown
        ("error_rate_change <= -0.5%", 0.01, 0.03),  # of half a point
        ("error_rate_change <= 1%", 0.05, 0.045),  # slightly worse, but within the margin
    ],
)
def test_tangos_sizes_hold_their_power(gate, lost, won, goal):
    """Of 20,000 simulated updates judged by the gate's own bound about the power passes."""
    from flipcheck.metrics import METRICS
    from flipcheck.outcomes import Cells
    from flipcheck.stats.intervals import bounds

    limit = Gate.parse(gate).limit
    size = change_examples(limit, lost, won, goal, CONFIDENCE)
    shares = np.zeros(9)
    shares[:3] = 1 - lost - won, lost, won
    drawn = np.random.default_rng(1).multinomial(size, shares, 20_000)
    _, high = bounds(METRICS["error_rate_change"], Cells.of(drawn), 2 * CONFIDENCE - 1)
    assert float((high <= limit).mean()) == pytest.approx(goal, abs=0.02)


def test_a_failure_is_a_pass_of_the_mirrored_change():
    """Old and new exchanged, the same power belongs to the opposite margin."""
    for lost, won, margin in ((0.03, 0.01, 0.005), (0.02, 0.02, -0.01)):
        mirrored = change_power(4000, -margin, won, lost, CONFIDENCE)
        rng = np.random.default_rng(2)
        b, c, _ = rng.multinomial(4000, (lost, won, 1 - lost - won), 20_000).T
        from flipcheck.stats.intervals import tango

        low, _ = tango(b, c, np.full(b.shape, 4000), 2 * CONFIDENCE - 1)
        assert float((low > margin).mean()) == pytest.approx(float(mirrored), abs=0.02)


def test_the_design_effect_is_that_of_simulated_clusters():
    """Flips of clusters of 10 with an ICC of .3 vary 1 + 9 · .3 times as much."""
    rng = np.random.default_rng(3)
    rate, icc, size = 0.1, 0.3, 10
    scale = 1 / icc - 1
    rates = rng.beta(rate * scale, (1 - rate) * scale, size=(20_000, 50))
    flips = rng.binomial(size, rates).sum(axis=1)
    alone = rate * (1 - rate) * 50 * size
    assert flips.var() / alone == pytest.approx(design_effect(size, icc), rel=0.04)
