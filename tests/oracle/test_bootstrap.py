"""The bootstrap from the tally against exact quantiles and a loop that resamples rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from flipcheck.metrics import COUNTED, METRICS
from flipcheck.outcomes import Cells, Outcome, Tally, tally
from flipcheck.stats.bootstrap import Kinds, bca, percentile, replicates

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
