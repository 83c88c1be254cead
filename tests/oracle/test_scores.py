"""Mean scores and what they gain and lose: against naive loops and the gamma law of scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import flipcheck
from flipcheck.audits.measuring import Beside, measured
from flipcheck.metrics import METRICS
from flipcheck.pairing import pair

T, LEVEL = 0.1, 0.9


def drawn(seed, size=400):
    """Scores of two models, weights and clusters."""
    rng = np.random.default_rng(seed)
    old = rng.beta(5, 2, size).round(2)
    far = np.where(rng.random(size) < 0.1, rng.random(size) * 0.6, 0)
    new = np.clip(old + rng.normal(0.02, 0.05, size) - far, 0, 1).round(2)
    return old, new, rng.integers(1, 4, size).astype(float), rng.integers(0, 60, size)


def sample_of(old, new, tolerance=T, **beside):
    """The sample that an audit has of these scores."""
    old_side = flipcheck.Predictions.from_arrays(
        scores=old,
        ids=range(len(old)),
        weights=beside.get("weights"),
        columns=beside.get("columns"),
    )
    new_side = flipcheck.Predictions.from_arrays(scores=new, ids=range(len(old)))
    paired = pair(old_side, new_side, tolerance=tolerance)
    drawn_by = Beside(
        "who" if beside.get("columns") else None, "w" if "weights" in beside else None
    )
    return measured(paired, drawn_by, "default").sample()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [False, True])
def test_values_are_those_of_a_loop(seed, weighted):
    """Every metric of graded answers, one example at a time."""
    old, new, weights, _ = drawn(seed)
    if not weighted:
        weights = np.ones(len(old))
    sums = dict.fromkeys(("old", "new", "change", "gain", "regression", "fell", "rose", "all"), 0.0)
    for one, two, weight in zip(old.tolist(), new.tolist(), weights.tolist(), strict=True):
        change = round(two - one, 2)
        sums["all"] += weight
        sums["old"] += weight * one
        sums["new"] += weight * two
        sums["change"] += weight * (two - one)
        sums["gain"] += weight * change * (change > T)
        sums["regression"] -= weight * change * (change < -T)
        sums["fell"] += weight * (change < -T)
        sums["rose"] += weight * (change > T)
    sample = sample_of(old, new, **({"weights": weights} if weighted else {}))
    expected = {
        "old_mean_score": "old",
        "new_mean_score": "new",
        "mean_score_change": "change",
        "mean_gain": "gain",
        "mean_regression": "regression",
        "negative_flip_rate": "fell",
        "positive_flip_rate": "rose",
    }
    for name, what in expected.items():
        assert sample.value(METRICS[name]) == pytest.approx(sums[what] / sums["all"], abs=1e-12)
    assert sample.value(METRICS["win_loss_ratio"]) == pytest.approx(sums["rose"] / sums["fell"])


def gamma_ends(values, level=LEVEL, ceiling=1.0):
    """Fay & Feuer's bounds of the mean of what few examples have, by scipy's gamma law."""
    size, tail = len(values), (1 - level) / 2
    mean, variance, more = values.mean(), (values**2).sum() / size**2, ceiling / size
    low = stats.gamma.ppf(tail, mean**2 / variance, scale=variance / mean) if mean else 0.0
    mean, variance = mean + more, variance + more**2
    return low, stats.gamma.ppf(1 - tail, mean**2 / variance, scale=variance / mean)


@pytest.mark.parametrize("seed", range(3))
def test_gain_and_regression_have_gamma_bounds(seed):
    """Two moments of the sum, and in the upper bound one more event of the largest size."""
    old, new, *_ = drawn(seed)
    change = new - old
    sample = sample_of(old, new)
    for name, values in (
        ("mean_gain", np.where(change > T + 1e-9, change, 0)),
        ("mean_regression", np.where(change < -T - 1e-9, -change, 0)),
    ):
        assert sample.bounds(METRICS[name], LEVEL) == pytest.approx(gamma_ends(values), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_change_has_the_bounds_of_both_parts_in_quadrature(seed):
    """MOVER: all that rises against all that falls, the changes within the tolerance too."""
    old, new, *_ = drawn(seed)
    up, down = np.maximum(new - old, 0), np.maximum(old - new, 0)
    (up_low, up_high), (down_low, down_high) = gamma_ends(up), gamma_ends(down)
    change = up.mean() - down.mean()
    expected = (
        change - math.hypot(up.mean() - up_low, down_high - down.mean()),
        change + math.hypot(up_high - up.mean(), down.mean() - down_low),
    )
    found = sample_of(old, new).bounds(METRICS["mean_score_change"], LEVEL)
    assert found == pytest.approx(expected, rel=1e-9)


def test_nothing_lost_is_bounded_by_the_rule_of_three():
    """As with no flip: what was not seen to fall may fall by all that scores can."""
    scores = np.linspace(0.2, 0.9, 1000)
    low, high = sample_of(scores, scores + 0.05, 0.0).bounds(METRICS["mean_regression"], LEVEL)
    assert low == 0
    assert high == pytest.approx(-math.log(0.05) / 1000)


def test_a_mean_score_is_bounded_about_as_by_the_normal_law():
    """With many examples, and a little wider; at the very top it is the rule of three."""
    old, new, *_ = drawn(0, 20_000)
    low, high = sample_of(old, new).bounds(METRICS["old_mean_score"], LEVEL)
    width = stats.norm.ppf(0.95) * old.std(ddof=1) / math.sqrt(len(old))
    assert low == pytest.approx(old.mean() - width, abs=0.1 * width)
    assert high == pytest.approx(old.mean() + width, abs=0.1 * width)
    ones = np.ones(300)
    low, high = sample_of(ones, old[:300]).bounds(METRICS["old_mean_score"], LEVEL)
    assert (low, high) == (pytest.approx(1 + math.log(0.05) / 300), 1)


def test_a_few_scores_that_are_alike_do_not_make_the_mean_certain():
    """Both ends reckon with one more score, at either end of all that there are."""
    scores = np.full(5, 0.3)
    sample = sample_of(scores, scores)
    low, high = sample.bounds(METRICS["old_mean_score"], LEVEL)
    assert low < 0.2
    assert high > 0.6


@pytest.mark.parametrize("name", [name for name in METRICS if METRICS[name].needs == "scores"])
@pytest.mark.parametrize("clustered", [False, True])
def test_tail_chances_are_where_bounds_reach_the_limit(name, clustered):
    """The interval at a tail chance ends at the limit that the chance is of."""
    old, new, _, clusters = drawn(1)
    sample = sample_of(old, new, **({"columns": {"who": clusters}} if clustered else {}))
    metric = METRICS[name]
    ends = [float(end) for end in sample.bounds(metric, LEVEL)]
    for place, limit in enumerate(ends):
        assert sample.chances(metric, limit, 0)[place] == pytest.approx(0.05, rel=1e-6)


def test_clusters_that_fall_together_widen_the_bounds():
    """Ten copies of each example are no more than one, and copies by themselves are."""
    old, new, *_ = drawn(2, 60)
    copies = np.repeat(np.arange(60), 10)
    together = sample_of(old[copies], new[copies], columns={"who": copies})
    alone = sample_of(old[copies], new[copies])
    once = sample_of(old, new)
    for name in ("mean_regression", "mean_gain", "mean_score_change", "new_mean_score"):
        metric = METRICS[name]
        low, high = together.bounds(metric, LEVEL)
        for other in (alone, once):
            assert low <= other.bounds(metric, LEVEL)[0] + 1e-9
        assert high >= alone.bounds(metric, LEVEL)[1]
        assert together.value(metric) == pytest.approx(once.value(metric))
