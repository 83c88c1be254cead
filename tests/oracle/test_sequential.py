"""Stopping early: the mixtures against integrals and enumeration, and their error rates."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from flipcheck.metrics import METRICS
from flipcheck.outcomes import Tally
from flipcheck.sources.early import looks_at
from flipcheck.stats.intervals import tango_score
from flipcheck.stats.sequential import (
    SEQUENCES,
    beta_mixture,
    betting_mixture,
    change_above,
    change_below,
    equal_flips,
    evidence,
    gate_bounds,
    rate_above,
    rate_below,
)

ALPHA = 0.05


@pytest.mark.parametrize(
    ("count", "total", "limit"),
    [
        (0, 50, 0.01),  # no flips
        (3, 1000, 0.01),  # clearly below
        (25, 1000, 0.01),  # clearly above
        (10, 1000, 0.01),  # on the limit
        (40, 50, 0.4),
        (985, 1000, 0.98),  # a limit from below, as of BTC
        (7, 7, 0.9),  # every one
    ],
)
def test_the_gates_mixture_is_an_integral(count, total, limit):
    """The closed form is the likelihood ratio integrated over the prior, cut off at the limit."""
    around = min(limit, 1 - limit)
    prior = stats.beta(0.5, 0.5 / around)
    density = prior.pdf if limit <= 0.5 else lambda rate: prior.pdf(1 - rate)

    def ratio(rate):
        at_limit = stats.binom.logpmf(count, total, limit)
        return density(rate) * np.exp(stats.binom.logpmf(count, total, rate) - at_limit)

    for found, (low, high) in (
        (rate_below, (0, limit)),
        (rate_above, (limit, 1)),
    ):
        points = [low + (high - low) * share for share in (1e-4, 0.01, 0.1, 0.9)]
        top = integrate.quad(ratio, low, high, points=points, limit=500)[0]
        bottom = integrate.quad(density, low, high, points=points, limit=500)[0]
        expected = np.log(top / bottom)
        assert found(count, total, limit, limit) == pytest.approx(expected, abs=1e-5)


def test_zero_flips_pass_after_367_rows():
    """The figure of STATISTICS.md §5, with all of alpha: a fixed set takes 299."""
    assert rate_below(0, 367, 0.01, 0.01) >= np.log(20) > rate_below(0, 366, 0.01, 0.01)


@pytest.mark.parametrize("limit", [0.01, 0.3, 0.5, 0.98])
@pytest.mark.parametrize("total", [1, 7, 300])
def test_the_rate_mixtures_are_fair_at_the_limit(limit, total):
    """Their mean over all that can happen is 1 at the limit and at most 1 on the wrong side."""
    x = np.arange(total + 1)
    for found, wrong in ((rate_below, [1.5, 1.1]), (rate_above, [0.5, 0.9])):
        logs = found(x, total, limit, limit)
        mean = np.exp(logs + stats.binom.logpmf(x, total, limit)).sum()
        assert mean == pytest.approx(1, rel=1e-7)
        for factor in wrong:
            rate = min(1.0, limit * factor)
            assert np.exp(logs + stats.binom.logpmf(x, total, rate)).sum() <= 1 + 1e-9


@pytest.mark.parametrize("margin", [-0.02, 0.0, 0.002, 0.2])
@pytest.mark.parametrize("lost", [0.0, 0.01, 0.3])
def test_the_bets_are_fair_at_the_margin(margin, lost):
    """Their mean over all tables of eight examples is 1 at the margin, and below 1 beyond it."""
    total = 8
    tables = [(b, c) for b in range(total + 1) for c in range(total + 1 - b)]
    b, c = np.array(tables).T
    for side, sign in ((change_below, 1), (change_above, -1)):
        wealth = np.exp(side(b, c, total, margin))
        for beyond in (0.0, 0.05):
            change = margin + sign * beyond
            gain = lost + change if change > 0 else lost
            loss = lost if change > 0 else lost - change
            chance = stats.multinomial.pmf(
                np.stack([b, c, total - b - c], axis=1), total, [gain, loss, 1 - gain - loss]
            )
            mean = chance @ wealth
            assert mean == pytest.approx(1, rel=1e-9) if not beyond else mean < 1


def test_the_bets_are_products_over_the_examples():
    """The closed form over counts is what betting on one example after another comes to."""
    moves, margin = np.random.default_rng(0).choice([1, -1, 0], 200, p=[0.1, 0.2, 0.7]), 0.03
    wealth = []
    for halvings in range(12):
        stake, money = 15 / 16 * 0.5**halvings / (1 - margin), 1.0
        for move in moves:
            money *= 1 - stake * (move - margin)
        wealth.append(money)
    found = change_below((moves == 1).sum(), (moves == -1).sum(), 200, margin)
    assert found == pytest.approx(np.log(np.mean(wealth)))


def test_no_count_overflows():
    """Ten million examples, and limits at the ends of the range, give numbers and no warnings."""
    with np.errstate(all="raise", under="ignore"):
        for count in (0, 10, 10**5, 10**7):
            found = [side(count, 10**7, 0.01, 0.01) for side in (rate_below, rate_above)]
            found += [side(count, 0, 10**7, 0.01) for side in (change_below, change_above)]
            assert not np.isnan(found).any()
    assert rate_above(1, 10, 0.0, 0.0) == np.inf  # one flip where none is allowed
    assert rate_above(0, 10, 0.0, 0.0) == rate_below(0, 10, 0.0, 0.0) == -np.inf
    assert rate_below(9, 10, 1.0, 1.0) == np.inf
    assert rate_below(10, 10, 1.0, 1.0) == -np.inf


# --- error rates -------------------------------------------------------------------------------


def paths(probabilities, size, looks, runs, seed=0):
    """The counts of each kind of example at every look, shape (runs, looks, kinds)."""
    rng = np.random.default_rng(seed)
    steps = [b - a for a, b in pairwise([0, *looks])]
    drawn = np.stack([rng.multinomial(step, probabilities, size=runs) for step in steps], axis=1)
    assert sum(steps) == size
    return drawn.cumsum(axis=1)


def crossed(logs, alpha):
    """The first look at which evidence reaches 1/alpha; one past the last where it never does."""
    reached = logs >= -np.log(alpha)
    return np.where(reached.any(axis=1), reached.argmax(axis=1), logs.shape[1])


def decisions(below, above, looks, alpha, final):
    """The shares that pass and fail, and the mean fraction looked at; `final` has two p-values."""
    passes, fails = crossed(below, alpha), crossed(above, alpha)
    stop = np.minimum(passes, fails)
    fraction = np.array([*looks, looks[-1]])[np.minimum(stop, len(looks))] / looks[-1]
    early = stop < len(looks)
    passed = np.where(early, passes < fails, final[0] <= ALPHA - alpha)
    failed = np.where(early, fails < passes, final[1] <= ALPHA - alpha)
    return passed.mean(), failed.mean(), fraction.mean()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "rate", "mixture", "hybrid"),
    [  # the rows of STATISTICS.md §5: pass, fail and the fraction looked at
        (2_000, 0.001, (1.00, 0.00, 0.25), (1.00, 0.00, 0.37)),
        (2_000, 0.02, (0.00, 0.88, 0.45), (0.00, 0.97, 0.62)),
        (10_000, 0.003, (1.00, 0.00, 0.10), (1.00, 0.00, 0.15)),
        (10_000, 0.007, (0.64, 0.00, 0.65), (0.93, 0.00, 0.80)),
        (10_000, 0.01, (0.038, 0.036, 0.94), (0.031, 0.041, 0.98)),
        (10_000, 0.02, (0.00, 1.00, 0.094), (0.00, 1.00, 0.15)),
    ],
)
def test_the_published_table(size, rate, mixture, hybrid):
    """Pass, fail and cost of the mixture and of the hybrid, as STATISTICS.md §5 has them."""
    looks = list(range(10, size + 1, 10))
    x, t = paths([rate, 1 - rate], size, looks, 4000)[..., 0], np.array(looks)
    table = np.arange(x.max() + 1)[:, None]
    below, above = (
        side(table, t, 0.01, 0.01)[x, np.arange(len(looks))] for side in (rate_below, rate_above)
    )
    never = (np.ones(len(x)), np.ones(len(x)))
    exact = stats.binom.cdf(x[:, -1], size, 0.01), stats.binom.sf(x[:, -1] - 1, size, 0.01)
    assert decisions(below, above, looks, ALPHA, never) == pytest.approx(mixture, abs=0.03)
    assert decisions(below, above, looks, ALPHA / 5, exact) == pytest.approx(hybrid, abs=0.03)


def error_bound(runs):
    """Five percent, and three standard errors of so many runs."""
    return ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / runs)


@pytest.mark.slow
@pytest.mark.parametrize("size", [500, 3_000, 20_000])
@pytest.mark.parametrize("limit", [0.002, 0.01, 0.05])
def test_false_verdicts_on_a_rate(size, limit):
    """At the limit the whole procedure passes, or fails, at most 5% of all updates."""
    looks, runs = [*looks_at(size), size], 20_000
    x = paths([limit, 1 - limit], size, looks, runs)[..., 0]
    table = np.arange(x.max() + 1)[:, None]
    below, above = (
        side(table, np.array(looks), limit, limit)[x, np.arange(len(looks))]
        for side in (rate_below, rate_above)
    )
    exact = stats.binom.cdf(x[:, -1], size, limit), stats.binom.sf(x[:, -1] - 1, size, limit)
    passed, failed, _ = decisions(below, above, looks, ALPHA / 5, exact)
    assert max(passed, failed) <= error_bound(runs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("margin", "flips", "size"),
    [  # margin, positive flip rate
        (0.0, 0.01, 3_000),
        (0.002, 0.002, 3_000),
        (0.005, 0.01, 5_000),
        (0.01, 0.05, 2_000),
        (-0.01, 0.03, 3_000),
    ],
)
def test_false_verdicts_on_a_change(margin, flips, size):
    """At the margin the gate on the change of the error rate passes, or fails, at most 5%.

    The final look is Tango's, whose own error is up to 5.4 of 5 (STATISTICS.md §2.3).
    """
    looks, runs = [*looks_at(size), size], 10_000
    found = paths([flips + margin, flips, 1 - 2 * flips - margin], size, looks, runs)
    b, c, t = found[..., 0], found[..., 1], np.array(looks)
    below, above = change_below(b, c, t, margin), change_above(b, c, t, margin)
    last = [each[:, -1].astype(float) for each in (b, c)]
    score = tango_score(*last, np.full(runs, float(size)), np.full(runs, margin))
    ends = stats.norm.cdf(score), stats.norm.sf(score)
    passed, failed, _ = decisions(below, above, looks, ALPHA / 5, ends)
    assert max(passed, failed) <= error_bound(runs) * 5.4 / 5


@pytest.mark.slow
def test_false_verdicts_on_a_conditional_rate():
    """BTC moves with the examples that the old model gets right, and keeps its 5%."""
    size, limit, runs = 5_000, 0.98, 8_000
    looks = [*looks_at(size), size]
    found = paths([0.7 * limit, 0.7 * (1 - limit), 0.3], size, looks, runs)
    kept, right = found[..., 0], found[..., 0] + found[..., 1]
    # The gate asks for at least the limit: evidence above it is what passes.
    passes, fails = (side(kept, right, limit, limit) for side in (rate_above, rate_below))
    last = kept[:, -1], right[:, -1]
    exact = stats.binom.sf(last[0] - 1, last[1], limit), stats.binom.cdf(*last, limit)
    passed, failed, _ = decisions(passes, fails, looks, ALPHA / 5, exact)
    assert max(passed, failed) <= error_bound(runs)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.002, 0.05, 0.4])
def test_a_confidence_sequence_covers_at_every_look(rate):
    """Of all paths at most 5% ever leave the true rate, or the true change, outside."""
    size, runs = 5_000, 1_000
    looks = [*looks_at(size), size]
    found = paths([rate, rate / 2, 1 - 1.5 * rate], size, looks, runs)
    b, c, t = found[..., 0], found[..., 1], np.array(looks)
    for (low, high), truth in (
        (beta_mixture(b, t, 0.95), rate),
        (betting_mixture(b, c, t, 0.95), rate / 2),
    ):
        outside = ((low > truth) | (high < truth)).any(axis=1)
        assert outside.mean() <= error_bound(runs)


# --- inversions --------------------------------------------------------------------------------

COUNTS = st.integers(0, 400)


@settings(max_examples=40)
@given(COUNTS, COUNTS, COUNTS, st.floats(0.001, 0.999))
def test_a_bound_says_what_the_evidence_says(kept, lost, won, limit):
    """A bound lies within the limit exactly where the evidence passes the gate."""
    total = Tally(kept, lost, won, 3, 4)
    for name in ("negative_flip_rate", "backward_error_compatibility", "error_rate_change"):
        below, above = evidence(METRICS[name], total, limit)
        low, high = gate_bounds(METRICS[name], total, limit, 0.01)
        assert (below >= np.log(100)) == (high <= limit)
        assert (above >= np.log(100)) == (low >= limit)
        assert low <= METRICS[name].value(total) <= high


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.01, 0.99))
def test_what_is_refuted_lies_beyond_the_bound(total, count, around):
    """Evidence that has reached 1/alpha stays there further out, so that one bisection finds it."""
    count, rates = min(count, total), np.linspace(0.0005, 0.9995, 2000)
    above = rate_above(count, total, rates, around) >= np.log(20)
    below = rate_below(count, total, rates, around) >= np.log(20)
    assert (np.diff(above.astype(int)) <= 0).all()
    assert (np.diff(below.astype(int)) >= 0).all()


def test_a_sequence_holds_what_its_mixture_does_not_refute():
    """The ends of a Robbins interval are where the integrated likelihood ratio reaches 1/alpha."""
    count, total = 12, 700

    def refuted(rate):
        prior = stats.beta(0.5, 0.5)

        def ratio(other):
            logs = stats.binom.logpmf(count, total, other) - stats.binom.logpmf(count, total, rate)
            return prior.pdf(other) * np.exp(logs)

        points = [1e-6, 1e-4, 0.005, 0.01, 0.02, 0.04, 0.1]
        return integrate.quad(ratio, 0, 1, points=points, limit=500)[0]

    low, high = beta_mixture(count, total, 0.95)
    assert (refuted(low), refuted(high)) == pytest.approx((20, 20), rel=1e-4)


def test_equal_flips_is_fair_whenever_it_is_looked_at():
    """The mean of its evidence over fair coins is 1, and it finds what is clearly not fair."""
    x = np.arange(41)
    wealth = [1 / equal_flips(each, 40 - each) for each in x]
    assert stats.binom.pmf(x, 40, 0.5) @ np.maximum(np.array(wealth) - 1, 0) <= 1
    assert equal_flips(0, 0) == equal_flips(20, 20) == 1
    assert equal_flips(40, 0) < 1e-9


def test_what_has_no_sequence_has_no_interval():
    """Relative NFR has no sequential test, and odds have theirs through the share of wins."""
    total = Tally(80, 5, 10, 3, 2)
    assert evidence(METRICS["relative_negative_flip_rate"], total, 1.0) is None
    method, ends = SEQUENCES["flip ratio"]
    assert method == "none"
    assert np.isnan(ends(METRICS["relative_negative_flip_rate"], total, 0.95)).all()
    low, high = SEQUENCES["odds"][1](METRICS["win_loss_ratio"], total, 0.95)
    share = beta_mixture(10, 15, 0.95)
    assert (low, high) == pytest.approx([each / (1 - each) for each in share])
    assert evidence(METRICS["win_loss_ratio"], total, 3.0) == pytest.approx(
        (float(rate_below(10, 15, 0.75, 0.75)), float(rate_above(10, 15, 0.75, 0.75)))
    )
