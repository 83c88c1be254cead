"""Every interval against scipy, statsmodels, a published table or a naive search."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from flipcheck.metrics import COUNTED, METRICS
from flipcheck.outcomes import Cells, Tally
from flipcheck.stats.intervals import (
    bounds,
    clopper_pearson,
    interval,
    log_delta,
    odds,
    tails,
    tango,
)

COUNTS = [
    pytest.param(0, 1, id="none of one"),  # the smallest test set there is
    pytest.param(1, 1, id="all of one"),
    pytest.param(0, 299, id="none of 299"),  # the rule of three at 1 %
    pytest.param(299, 299, id="all of 299"),
    pytest.param(1, 2, id="one of two"),  # symmetric
    pytest.param(10, 1000, id="one percent"),  # an ordinary slice
    pytest.param(2445, 50_000, id="ImageNet"),  # R18 -> R50, METRICS.md §2
    pytest.param(5, 10_000_000, id="rare in ten million"),  # the far tail of the beta quantile
]
LEVELS = [0.9, 0.95, 0.999]

TABLES = [
    pytest.param((59, 6, 16, 80), id="Fagerland"),  # published, METRICS.md §2
    pytest.param((1, 1, 7, 12), id="Bentur"),  # published, small
    pytest.param((0, 1, 0, 0), id="one flip alone"),  # the estimate is the end of the range
    pytest.param((5, 3, 0, 2), id="no positive flips"),  # c = 0: the other root of the quadratic
    pytest.param((5, 0, 3, 2), id="no negative flips"),
    pytest.param((5, 0, 0, 2), id="no flips"),  # still an interval around 0
    pytest.param((0, 4, 9, 0), id="only flips"),
    pytest.param((900, 30, 20, 50), id="an ordinary slice"),
]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("count", "total"), COUNTS)
def test_clopper_pearson_is_scipys_exact_interval(count, total, level):
    """A proportion has the interval of scipy's exact binomial test."""
    low, high = clopper_pearson(count, total, level)
    expected = stats.binomtest(count, total).proportion_ci(level, method="exact")
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("count", "total"), COUNTS)
def test_clopper_pearson_is_statsmodels_beta_interval(count, total):
    """A proportion has the interval that statsmodels calls "beta"."""
    expected = proportion_confint(count, total, alpha=0.05, method="beta")
    assert np.ravel(clopper_pearson(count, total, 0.95)) == pytest.approx(expected, abs=1e-12)


def test_clopper_pearson_of_nothing_is_unknown():
    """No examples give no interval, and no warning."""
    assert np.isnan(clopper_pearson(0, 0, 0.95)).all()


@pytest.mark.parametrize(
    ("n", "upper"),
    [
        (30, 0.0950),  # the rule of three, as STATISTICS.md §4 prints it
        (299, 0.00997),
        (10_000, 0.000300),
    ],
)
def test_zero_flips_have_the_upper_bound_of_the_rule_of_three(n, upper):
    """With no flips the one-sided bound is 1 − 0.05^(1/n), never 0."""
    assert float(clopper_pearson(0, n, 0.9)[1]) == pytest.approx(upper, rel=2e-3)
    assert float(clopper_pearson(0, n, 0.9)[1]) == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-12)


def naive_score(gained: int, lost: int, total: int, change: float) -> float:
    """The paired score at a supposed change, its nuisance found by maximising the likelihood."""
    rest = total - gained - lost
    low, high = max(0.0, -change), (1 - change) / 2

    def loss(q: float) -> float:
        # The chances of a positive flip, of a negative one, and of neither.
        terms = ((lost, q), (gained, q + change), (rest, 1 - 2 * q - change))
        return -sum(count * np.log(max(p, 1e-300)) for count, p in terms if count)

    def slope(q: float) -> float:
        terms = ((lost, q, 1), (gained, q + change, 1), (rest, 1 - 2 * q - change, -2))
        return sum(sign * count / max(p, 1e-300) for count, p, sign in terms if count)

    inside = (low + 1e-14, high - 1e-14)
    if inside[0] < inside[1] and slope(inside[0]) > 0 > slope(inside[1]):
        q = optimize.brentq(slope, *inside, xtol=1e-16)
    else:
        q = min((low, high), key=loss)
    variance = (2 * q + change - change**2) / total
    return ((gained - lost) / total - change) / np.sqrt(variance)


def naive_tango(gained: int, lost: int, total: int, level: float) -> tuple[float, float]:
    """The two changes at which the naive score is ± z."""
    z, edge = stats.norm.ppf((1 + level) / 2), 1 - 1e-12

    def end(target: float) -> float:
        def gap(change: float) -> float:
            return naive_score(gained, lost, total, change) - target

        if gap(-edge) < 0:
            return -1.0
        return 1.0 if gap(edge) > 0 else optimize.brentq(gap, -edge, edge, xtol=1e-14)

    return end(z), end(-z)


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("table", TABLES)
def test_tango_is_the_inverted_score_test(table, level):
    """The paired difference has the interval that a naive search over the textbook score finds."""
    a, b, c, d = table
    expected = naive_tango(b, c, a + b + c + d, level)
    assert np.ravel(tango(b, c, a + b + c + d, level)) == pytest.approx(expected, abs=2e-7)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        ((59, 6, 16, 80), -0.1240, -0.0054),  # METRICS.md §2, order (a, b, c, d)
        ((1, 1, 7, 12), -0.5172, -0.0260),
    ],
)
def test_tango_reproduces_the_published_tables(table, low, high):
    """The score interval has the published ends, to their four decimals."""
    a, b, c, d = table
    assert np.ravel(tango(b, c, a + b + c + d, 0.95)) == pytest.approx((low, high), abs=5e-5)


def test_tango_of_no_flips_still_has_width():
    """No discordant pair does not mean no doubt: the ends are ± z² / (n + z²)."""
    z = stats.norm.ppf(0.975)
    expected = z**2 / (200 + z**2)
    assert np.ravel(tango(0, 0, 200, 0.95)) == pytest.approx((-expected, expected), abs=1e-12)


def test_tango_of_nothing_is_unknown():
    """No examples give no interval, and no warning."""
    assert np.isnan(tango(0, 0, 0, 0.95)).all()


def test_swapping_the_models_turns_tango_around():
    """Old and new swapped, the difference and its interval change their sign."""
    low, high = tango(6, 16, 161, 0.95)
    turned_low, turned_high = tango(16, 6, 161, 0.95)
    assert (float(low), float(high)) == pytest.approx((-turned_high, -turned_low), abs=1e-13)


def numerical_log_delta(table: tuple[int, ...], level: float) -> tuple[float, float]:
    """The delta-method interval of log(relative NFR), its gradient found by differences."""
    counts = np.array(table, float) + 0.5
    n = counts.sum()
    share = counts / n

    def log_ratio(p: np.ndarray) -> float:
        a, b, _, d = p
        return float(np.log(b * p.sum() / ((a + b) * (b + d))))

    step = 1e-6
    gradient = np.array(
        [(log_ratio(share + step * e) - log_ratio(share - step * e)) / (2 * step)
         for e in np.eye(4) * share]
    ) / share  # fmt: skip
    covariance = (np.diag(share) - np.outer(share, share)) / n
    error = np.sqrt(gradient @ covariance @ gradient)
    z = stats.norm.ppf((1 + level) / 2)
    centre = log_ratio(share)
    return float(np.exp(centre - z * error)), float(np.exp(centre + z * error))


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize(
    "table",
    [
        pytest.param((59, 6, 16, 80), id="Fagerland"),  # published counts
        pytest.param((32435, 2445, 4640, 10480), id="ImageNet"),  # R18 -> R50
        pytest.param((5, 3, 0, 2), id="no positive flips"),
        pytest.param((1, 1, 1, 0), id="nothing wrong twice"),  # d = 0
        pytest.param((0, 2, 5, 9), id="nothing right twice"),  # a = 0
    ],
)
def test_relative_flip_rate_has_the_delta_methods_upper_end(table, level):
    """Relative NFR ends above as a delta method with a numerical gradient does."""
    a, b, c, d = table
    high = float(log_delta(Tally(a, b, c, d), level)[1])
    assert high == pytest.approx(numerical_log_delta(table, level)[1], rel=1e-7)


@pytest.mark.parametrize("table", [(59, 6, 16, 80), (32435, 2445, 4640, 10480), (1, 1, 1, 0)])
def test_relative_flip_rate_starts_no_higher_than_flips_among_errors(table):
    """Below, it is the delta method's end or the exact one of b among b + d, times N / (a + b)."""
    a, b, c, d = table
    exact = stats.binomtest(b, b + d).proportion_ci(0.95, method="exact").low
    expected = min(exact * (a + b + c + d) / (a + b), numerical_log_delta(table, 0.95)[0])
    assert float(log_delta(Tally(a, b, c, d), 0.95)[0]) == pytest.approx(expected, rel=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    "shares",
    [
        (0.89, 0.01, 0.02, 0.08),  # an ordinary update
        (0.9, 0.001, 0.019, 0.08),  # rare flips: where half an example moves the end up
        (0.3, 0.6, 0.1, 0.0),  # most answers break: where a + b is not known well
        (0.06, 0.62, 0.32, 0.0),
    ],
)
@pytest.mark.parametrize("rows", [100, 300, 10_000])
def test_a_good_relative_flip_rate_seldom_fails(shares, rows):
    """The lower one-sided bound lies above the truth in 5 % of test sets, or fewer."""
    a, b, _, d = shares
    drawn = np.random.default_rng(rows).multinomial(rows, shares, 20_000)
    empty = np.zeros((len(drawn), 5), dtype=int)
    low = log_delta(Cells.of(np.hstack([drawn, empty])), 0.9)[0]
    truth = b / ((a + b) * (b + d))
    assert (low > truth).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(drawn))


def test_the_upper_end_is_never_below_the_value():
    """At a low confidence half an example in every cell could put it there."""
    tally = Tally(0, 1, 5, 0)
    assert float(log_delta(tally, 0.7)[1]) >= METRICS["relative_negative_flip_rate"].value(tally)


def naive_bonett_price(table: tuple[int, ...], level: float) -> tuple[float, float]:
    """STATISTICS.md §2.3 in its own letters: Wilson limits at a shrunken z, crosswise."""
    _, b, c, d = table
    z, x1, x2, m = stats.norm.ppf((1 + level) / 2), b + d, c + d, b + c + d
    spread = np.sqrt((b + c + 2) / ((x1 + 1) * (x2 + 1)))
    parts = [np.sqrt((1 - (x + 1) / (m + 2)) / (x + 1)) for x in (x1, x2)]
    alpha = 2 * stats.norm.sf(z * spread / sum(parts))
    ends = [proportion_confint(x, m, alpha=alpha, method="wilson") for x in (x1, x2)]
    return ends[0][0] / ends[1][1], ends[0][1] / ends[1][0]


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize(
    "table", [(59, 6, 16, 80), (1, 1, 7, 12), (900, 30, 20, 50), (32435, 2445, 4640, 10480)]
)
def test_the_error_ratio_has_the_hybrid_interval(table, level):
    """The ratio of errors has Bonett and Price's interval, made of statsmodels' Wilson limits."""
    found = np.ravel(bounds(METRICS["error_ratio"], Tally(*table), level))
    assert found == pytest.approx(naive_bonett_price(table, level), rel=1e-9)


def test_the_error_ratio_of_models_that_are_never_wrong_is_unknown():
    """No error of the old model, no ratio; none of the new one, a ratio from 0."""
    assert np.isnan(bounds(METRICS["error_ratio"], Tally(50, 3, 0, 0), 0.95)).all()
    low, high = bounds(METRICS["error_ratio"], Tally(50, 0, 5, 0), 0.95)
    assert float(low) == 0
    assert 0 < float(high) < 1


def test_relative_flip_rate_without_flips_starts_at_zero():
    """No negative flip: the lower end is 0, the upper one is not."""
    low, high = log_delta(Tally(50, 0, 5, 5), 0.95)
    assert float(low) == 0
    assert float(high) == pytest.approx(numerical_log_delta((50, 0, 5, 5), 0.95)[1], rel=1e-7)


@pytest.mark.parametrize(
    ("wins", "losses"),
    [
        pytest.param(16, 6, id="published"),  # METRICS.md §2
        pytest.param(0, 3, id="no wins"),  # the lower end is 0
        pytest.param(4640, 2445, id="ImageNet"),
        pytest.param(1, 1, id="even"),
    ],
)
def test_odds_are_the_transformed_binomial_interval(wins, losses):
    """The win/loss ratio has scipy's binomial interval of wins among flips, as odds."""
    share = stats.binomtest(wins, wins + losses).proportion_ci(0.95, method="exact")
    expected = (share.low / (1 - share.low), share.high / (1 - share.high))
    assert np.ravel(odds(wins, losses, 0.95)) == pytest.approx(expected, rel=1e-10)


def test_odds_are_the_limit_of_scipys_conditional_odds_ratio():
    """The interval is that of a conditional odds ratio against an endless even coin."""
    coin = 10**8
    table = [[16, 6], [coin, coin]]
    expected = stats.contingency.odds_ratio(table, kind="conditional").confidence_interval(0.95)
    assert np.ravel(odds(16, 6, 0.95)) == pytest.approx((expected.low, expected.high), rel=1e-4)


def test_odds_without_losses_are_unknown():
    """Wins without a loss have no ratio, so they have no interval."""
    assert np.isnan(odds(3, 0, 0.95)).all()


@pytest.mark.parametrize("name", COUNTED)
def test_many_slices_at_once_are_the_slices_one_by_one(name):
    """The intervals of an array of tallies are the intervals of each tally."""
    tallies = [
        Tally(59, 6, 16, 40, 40),
        Tally(1, 1, 7, 12),
        Tally(0, 0, 0, 5),  # undefined for some metrics
        Tally(9, 0, 0, 0),
        Tally(0, 3, 4, 1, 2),
    ]
    together = bounds(METRICS[name], Cells.of(np.array([each.counts() for each in tallies])), 0.95)
    alone = [bounds(METRICS[name], each, 0.95) for each in tallies]
    for end in (0, 1):
        expected = [float(each[end]) for each in alone]
        assert together[end].tolist() == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", COUNTED)
def test_an_interval_holds_its_estimate(name):
    """The value of a metric lies in its own interval."""
    tally = Tally(32435, 2445, 4640, 8000, 2480)
    found, value = interval(METRICS[name], tally, 0.95), METRICS[name].value(tally)
    assert found.low <= value <= found.high


@pytest.mark.parametrize("name", COUNTED)
def test_an_undefined_metric_has_no_interval(name):
    """No examples, no interval: None, never NaN."""
    assert interval(METRICS[name], Tally(), 0.95) is None


@pytest.mark.parametrize(
    "name",
    [
        "negative_flip_rate",  # Clopper–Pearson
        "error_rate_change",  # Tango
        "error_ratio",  # Bonett–Price
        "relative_negative_flip_rate",  # log-delta
        "win_loss_ratio",  # odds
    ],
)
@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
def test_the_tail_at_an_intervals_end_is_its_level(name, alpha):
    """Each interval inverts the test whose chances the gates correct by Holm."""
    tally = Tally(900, 30, 20, 30, 20)
    low, high = bounds(METRICS[name], tally, 1 - 2 * alpha)
    at_least, _ = tails(METRICS[name], tally, float(low))
    _, at_most = tails(METRICS[name], tally, float(high))
    assert (float(at_least), float(at_most)) == pytest.approx((alpha, alpha), rel=1e-6)


def test_no_flip_is_never_evidence_of_many():
    """With no negative flip the lower end is 0, so the chance of at least that many is 1."""
    at_least, _ = tails(METRICS["relative_negative_flip_rate"], Tally(2, 0, 0, 1), 0.01)
    assert float(at_least) == 1.0


@pytest.mark.parametrize(
    ("count", "total", "share"),
    [
        (0, 20, 0.1),  # at least none is certain
        (20, 20, 0.9),  # at most all is certain
        (3, 20, 0.1),
        (60, 1000, 0.03),  # a far tail
    ],
)
def test_tails_of_a_proportion_are_binomial(count, total, share):
    """The chances of a proportion are those of scipy's binomial distribution."""
    at_least, at_most = tails(METRICS["negative_flip_rate"], Tally(total - count, count), share)
    law = stats.binom(total, share)
    assert float(at_least) == pytest.approx(law.sf(count - 1), rel=1e-9)
    assert float(at_most) == pytest.approx(law.cdf(count), rel=1e-9)
