"""The bootstrap from the tally against exact quantiles and a loop that resamples rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from flipcheck.metrics import COUNTED, METRICS
from flipcheck.outcomes import Cells, Outcome, Tally, tally
from flipcheck.stats.bootstrap import Kinds, bca, percentile, replicates
from flipcheck.stats.units import Rows

TALLY = Tally(850, 40, 60, 30, 20)
RESAMPLES = 10_000


@pytest.fixture(scope="module")
def drawn():
    """Ten thousand resampled tallies of TALLY."""
    return replicates(Kinds.of(TALLY), RESAMPLES, np.random.default_rng(0))


def test_every_replicate_has_as_many_examples_as_the_test_set(drawn):
    """Rows are drawn with replacement, as many as there are."""
    assert drawn.shape == (RESAMPLES, len(Outcome))
    assert (drawn.sum(axis=1) == TALLY.examples).all()


def test_the_flip_rate_has_the_binomial_quantiles(drawn):
    """The percentile interval of NFR is that of Binomial(n, b/n), within Monte Carlo error."""
    found = percentile(METRICS["negative_flip_rate"], drawn, 0.95)
    law = stats.binom(TALLY.examples, TALLY.negative_flips / TALLY.examples)
    error = 2 * 0.027 * law.std() / TALLY.examples + 1 / TALLY.examples  # two s.e. and a step
    expected = law.ppf([0.025, 0.975]) / TALLY.examples
    assert (found.low, found.high) == pytest.approx(expected, abs=error)


@pytest.fixture(scope="module")
def rows():
    """The tallies of two thousand test sets resampled row by row, by a naive loop."""
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(len(Outcome), dtype=np.uint8), TALLY.counts())
    size = len(codes)
    return np.array([tally(codes[rng.integers(0, size, size)]).counts() for _ in range(2000)])


@pytest.mark.parametrize("name", COUNTED)
def test_drawing_tallies_is_resampling_rows(name, drawn, rows):
    """Each metric's replicates have the mean and the spread of a loop over rows."""
    fast, slow = (values(METRICS[name], each) for each in (drawn, rows))
    spread = slow.std()
    assert fast.mean() == pytest.approx(slow.mean(), abs=4 * spread / np.sqrt(len(slow)))
    assert fast.std() == pytest.approx(spread, rel=0.08)


def values(metric, counts):
    """A metric over each row of counts, one tally at a time."""
    return np.array([metric.value(Tally(*row)) for row in counts.tolist()])


def test_the_interval_is_made_of_quantiles_of_the_replicates(drawn):
    """Ninety percent of the replicates' values lie in the 90 % interval."""
    found = percentile(METRICS["churn"], drawn, 0.9)
    seen = values(METRICS["churn"], drawn)
    assert (found.low, found.high) == pytest.approx(np.quantile(seen, [0.05, 0.95]), abs=1e-12)
    assert (found.level, found.method) == (0.9, "percentile")


@pytest.mark.parametrize(
    ("tally_", "name"),
    [
        (TALLY, "negative_flip_rate"),
        (Tally(980, 6, 4, 10), "negative_flip_rate"),  # rare: the skewness matters
        (TALLY, "backward_trust_compatibility"),  # a ratio of counts
        (TALLY, "relative_negative_flip_rate"),
    ],
)
def test_bca_is_scipys(tally_, name):
    """The accelerated interval is that of scipy's bootstrap over rows, within Monte Carlo error."""
    kinds = Kinds.of(tally_)
    found = bca(METRICS[name], replicates(kinds, 20_000, np.random.default_rng(3)), kinds, 0.95)
    codes = np.repeat(np.arange(len(Outcome)), tally_.counts())

    def statistic(rows: np.ndarray, axis: int = -1) -> np.ndarray:
        counts = [(rows == code).sum(axis=axis) for code in Outcome]
        cells = Cells.of(np.stack(counts, axis=-1).astype(float))
        return METRICS[name].numerator(cells) / METRICS[name].denominator(cells)

    expected = stats.bootstrap(
        (codes,), statistic, n_resamples=4000, method="BCa", batch=200, random_state=4
    ).confidence_interval
    error = 5 * 0.027 * (expected.high - expected.low) / 4 + 1 / tally_.examples
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=error)


def test_bca_cannot_rescue_a_test_set_without_flips():
    """Every replicate is the same, as STATISTICS.md §1.1 warns: why it is never the default."""
    kinds = Kinds.of(Tally(50))
    drawn = replicates(kinds, 100, np.random.default_rng(0))
    found = bca(METRICS["negative_flip_rate"], drawn, kinds, 0.95)
    assert (found.low, found.high) == (0, 0)
    assert bca(METRICS["win_loss_ratio"], drawn, kinds, 0.95) is None


def test_a_replicate_without_the_metric_leaves_no_interval():
    """Where some resampled test set has no flip, wins per loss have no percentile interval."""
    drawn = replicates(Kinds.of(Tally(50, 1, 3)), 1000, np.random.default_rng(0))
    assert percentile(METRICS["win_loss_ratio"], drawn, 0.95) is None


def test_no_resamples_give_no_interval():
    """The bootstrap can be switched off."""
    drawn = replicates(Kinds.of(TALLY), 0, np.random.default_rng(0))
    assert percentile(METRICS["flips"], drawn, 0.95) is None


def test_the_same_seed_draws_the_same_replicates(drawn):
    """Randomness is an argument, so a report can be made again."""
    again = replicates(Kinds.of(TALLY), RESAMPLES, np.random.default_rng(0))
    assert np.array_equal(again, drawn)


# --- clusters and weights --------------------------------------------------------------------

LOOPS = 1500
WEIGHTS = {
    "none": lambda *_: None,
    "few": lambda rng, size: rng.choice([1.0, 3.0], size),
    "continuous": lambda rng, size: rng.lognormal(0, 0.5, size),
}


def examples(clusters, weights):
    """Rows that are alike within clusters, with weights."""
    rng, size = np.random.default_rng(7), max(600, 2 * clusters)
    owner = np.sort(rng.integers(0, clusters or size, size))
    owner = np.unique(owner, return_inverse=True)[1] if clusters else np.arange(size)
    shares = rng.dirichlet([3, 0.4, 0.5, 0.3, 0.3, 0.01, 0.1, 0.1, 0.1], owner.max() + 1)
    codes = np.array([rng.choice(len(shares[each]), p=shares[each]) for each in owner], np.uint8)
    return Rows(codes, WEIGHTS[weights](rng, size), owner if clusters else None)


def looped(rows, metric):
    """The metric of test sets whose clusters, or rows, are drawn one by one with replacement."""
    rng = np.random.default_rng(8)
    unit = np.arange(len(rows.codes)) if rows.clusters is None else rows.clusters
    weight = np.ones(len(unit)) if rows.weights is None else rows.weights
    members = [np.flatnonzero(unit == each) for each in range(unit.max() + 1)]
    found = []
    for _ in range(LOOPS):
        drawn = np.concatenate(
            [members[each] for each in rng.integers(0, len(members), len(members))]
        )
        sums = np.bincount(rows.codes[drawn], weight[drawn], len(Outcome))
        cells = Cells.of(sums)
        found.append(metric.numerator(cells) / metric.denominator(cells))
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["negative_flip_rate", "error_rate_change", "churn", "error_ratio"]
)
@pytest.mark.parametrize(
    ("clusters", "weights", "exact"),
    [
        (120, "none", True),  # clusters by their distinct sums
        (0, "few", True),  # rows by outcome and weight
        (0, "continuous", False),  # too many kinds: by outcome, with the spread of weights
        (800, "continuous", False),  # clusters by which outcomes they hold
        (120, "continuous", True),  # no more clusters than kinds may be
    ],
)
def test_drawing_kinds_is_resampling_clusters(name, clusters, weights, exact):
    """The replicates have the mean, the spread and the quantiles of a loop over units."""
    rows, metric = examples(clusters, weights), METRICS[name]
    kinds = Kinds.of_rows(rows)
    assert (kinds.spread is None) == exact
    drawn = Cells.of(replicates(kinds, RESAMPLES, np.random.default_rng(0))[:, : len(Outcome)])
    fast, slow = metric.numerator(drawn) / metric.denominator(drawn), looped(rows, metric)
    spread = slow.std()
    assert fast.mean() == pytest.approx(slow.mean(), abs=5 * spread / np.sqrt(LOOPS))
    assert fast.std() == pytest.approx(spread, rel=0.1)
    ends = [np.quantile(each, [0.025, 0.975]) for each in (fast, slow)]
    assert ends[0] == pytest.approx(ends[1], abs=0.3 * spread)


@pytest.mark.parametrize("clusters", [0, 120])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_kinds_hold_every_unit_and_all_weight(clusters, weights):
    """Nothing is lost or counted twice when units are put together."""
    rows = examples(clusters, weights)
    kinds = Kinds.of_rows(rows)
    sums = np.bincount(rows.codes, rows.weights, len(Outcome))
    assert kinds.total[: len(Outcome)] == pytest.approx(sums)
    units = len(rows.codes) if rows.clusters is None else rows.clusters.max() + 1
    assert kinds.counts.sum() == units


def test_bca_over_clusters_leaves_out_one_cluster_at_a_time():
    """Its acceleration is that of a naive jackknife over the clusters."""
    rows, metric = examples(120, "none"), METRICS["negative_flip_rate"]
    kinds = Kinds.of_rows(rows)
    found = bca(metric, replicates(kinds, 20_000, np.random.default_rng(1)), kinds, 0.95)
    flips = np.isin(rows.codes, (Outcome.NEGATIVE_FLIP, Outcome.NEGATIVE_FLIP_SAME))
    sums = np.bincount(rows.clusters, flips)
    sizes = np.bincount(rows.clusters)
    without = (sums.sum() - sums) / (sizes.sum() - sizes)
    gap = without.mean() - without
    acceleration = (gap**3).sum() / (6 * (gap**2).sum() ** 1.5)
    slow = looped(rows, metric)
    shift = stats.norm.ppf(np.mean(slow < flips.mean()) + np.mean(slow == flips.mean()) / 2)
    z = shift + stats.norm.ppf([0.025, 0.975])
    expected = np.quantile(slow, stats.norm.cdf(shift + z / (1 - acceleration * z)))
    assert (found.low, found.high) == pytest.approx(expected, abs=0.3 * slow.std())


def test_without_graded_answers_as_many_numbers_are_drawn_as_ever():
    """The twelve sums of before there were any, so that reports keep their digits."""
    from flipcheck.outcomes import EXTRAS
    from flipcheck.stats.bootstrap import _drawn
    from flipcheck.stats.units import WIDTH, Rows

    codes = np.zeros(3, np.uint8)
    extras = np.zeros((3, len(EXTRAS)))
    extras[:, EXTRAS.index("cost")] = [1.0, 2.0, 3.0]
    assert len(_drawn(Kinds.of_rows(Rows(codes, extras=extras)))) == 12
    extras[:, EXTRAS.index("gain")] = 0.5
    assert len(_drawn(Kinds.of_rows(Rows(codes, extras=extras)))) == WIDTH
