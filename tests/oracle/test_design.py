"""Intervals and tests over clusters and weights against naive loops, scipy and statsmodels.

The loops are written in the letters of STATISTICS.md §2.4: S and M of each unit, W, v, deff.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from flipcheck.metrics import COUNTED, METRICS
from flipcheck.outcomes import CELLS, EXTRAS, Cells, Outcome, Weighed, tally
from flipcheck.stats import intervals
from flipcheck.stats.design import Design, design
from flipcheck.stats.effective import Effective
from flipcheck.stats.sampling import Sample
from flipcheck.stats.tests import mcnemar, more_than_the_rest_by_unit
from flipcheck.stats.units import WIDTH, Rows, Units

UNGRADED = Outcome.SCORE_UNCHANGED
B = {Outcome.NEGATIVE_FLIP, Outcome.NEGATIVE_FLIP_SAME}
C = {Outcome.POSITIVE_FLIP, Outcome.POSITIVE_FLIP_SAME}
A = {Outcome.BOTH_RIGHT, Outcome.BOTH_RIGHT_DIFFERENT}
D = set(Outcome) - A - B - C
EVERYTHING = set(Outcome)
RATES = {
    # the metric: its events, and what it is over
    "negative_flip_rate": (B, EVERYTHING),
    "positive_flip_rate": (C, EVERYTHING),
    "old_error_rate": (C | D, EVERYTHING),
    "new_error_rate": (B | D, EVERYTHING),
    "flips": (B | C, EVERYTHING),
    "negative_flip_impact": (B, B | D),
    "positive_flip_impact": (C, A | C),
    "backward_trust_compatibility": (A, A | B),
    "backward_error_compatibility": (D, B | D),
}


class Naive:
    """The units of some rows, one by one, and the formulas of STATISTICS.md §2.4 over them."""

    def __init__(self, codes, weights=None, clusters=None):
        self.alike = weights is None
        weights = [1.0] * len(codes) if weights is None else weights
        clusters = range(len(codes)) if clusters is None else clusters
        self.units = defaultdict(list)
        for code, weight, cluster in zip(codes, weights, clusters, strict=True):
            self.units[cluster].append((code, weight))

    def totals(self, value, domain):
        """Each unit's S and M, and the sum of squared weights and the rows of the domain."""
        pairs, squares, rows = [], 0.0, 0
        for unit in self.units.values():
            inside = [(code, weight) for code, weight in unit if code in domain]
            squares += sum(weight**2 for _, weight in inside)
            rows += len(inside)
            total = sum(weight for _, weight in inside)
            if total > 0:
                pairs.append((sum(weight * value(code) for code, weight in inside), total))
        return pairs, squares, rows

    def heaviest(self, domain):
        """What no unit outweighs: the heaviest whole one, or the heaviest parts together."""
        units = self.units.values()
        parts = (
            max(sum(weight for each, weight in unit if each == code) for unit in units)
            for code in domain
        )
        return min(sum(parts), max(sum(weight for _, weight in unit) for unit in units))

    def size(self, value, domain, marked, spread, level):
        """n_eff: Korn and Graubard's with df = K+ − 1, its floor and its cap."""
        pairs, w2, n = self.totals(value, domain)
        w, k = sum(m for _, m in pairs), len(pairs)
        mean = sum(s for s, _ in pairs) / w
        by_unit = w**2 / sum(m**2 for _, m in pairs)
        holding, _, _ = self.totals(lambda code: float(code in marked), domain)
        events = sum(s > 0 for s, _ in holding)
        if events == 0 or spread <= 0:
            return min(by_unit, w**2 / w2)
        found = 0.0
        if events > 1:
            v = k / (k - 1) * sum((s - mean * m) ** 2 for s, m in pairs) / w**2
            t = stats.t(n - 1).ppf((1 + level) / 2) / stats.t(events - 1).ppf((1 + level) / 2)
            found = math.inf if v < 1e-18 else spread / (n - 1) / v * n * t**2
        heaviest = max(sum(weight for _, weight in unit) for unit in self.units.values())
        parts = sum(
            max(
                sum(weight for each, weight in unit if each == code) for unit in self.units.values()
            )
            for code in domain
        )
        floor = by_unit if self.alike else w / min(parts, heaviest)
        return min(max(found, floor), w**2 / w2)

    def rate(self, events, domain, level, *, strict=False, gamma=True):
        """The interval of a rate; of the rarer of it and its complement."""
        pairs, _, _ = self.totals(lambda code: float(code in events), domain)
        if not pairs:
            return None
        w = sum(m for _, m in pairs)
        p = sum(s for s, _ in pairs) / w
        if p > 0.5:
            low, high = self.rate(domain - events, domain, level, strict=strict, gamma=gamma)
            return 1 - high, 1 - low
        n_eff = self.size(lambda code: float(code in events), domain, events, p * (1 - p), level)
        x, tail = p * n_eff, (1 - level) / 2
        low = 0.0 if x <= 0 else stats.beta(x, n_eff - x + 1).ppf(tail)
        high = 1.0 if x >= n_eff else stats.beta(x + 1, n_eff - x).ppf(1 - tail)
        if not gamma:
            return low, high
        m = math.sqrt(sum(m**2 for _, m in pairs) / len(pairs)) / w
        if strict:
            m = self.heaviest(domain) / w
        variance = sum(s**2 for s, _ in pairs) / w**2
        law = stats.gamma((p + m) ** 2 / (variance + m**2), scale=(variance + m**2) / (p + m))
        return low, max(high, min(law.ppf(1 - tail), 1.0))

    def share(self, codes):
        """The weighted share of some outcomes."""
        pairs, _, _ = self.totals(lambda code: float(code in codes), EVERYTHING)
        return sum(s for s, _ in pairs) / sum(m for _, m in pairs)

    def kinds(self, level, *, strict=False):
        """The upper ends of the two kinds of flips, each at its own effective size."""
        return (
            self.rate(kind, EVERYTHING, level, strict=strict, gamma=strict)[1] for kind in (B, C)
        )

    def change(self, level, *, strict=False):
        """Tango's interval at the effective size, no closer than either kind's own bound."""
        b, c = self.share(B), self.share(C)
        difference = b - c
        n_eff = self.size(
            lambda code: (code in B) - float(code in C) - difference,
            EVERYTHING,
            B | C,
            b + c - difference**2,
            level,
        )
        low, high = np.ravel(intervals.tango(b * n_eff, c * n_eff, n_eff, level))
        most, least = self.kinds(level, strict=strict)
        return min(low, b - least), max(high, most - c)


def rows_of(codes, weights=None, clusters=None):
    """Rows as the package takes them."""
    return Rows(
        np.array(codes, np.uint8),
        None if weights is None else np.array(weights, float),
        None if clusters is None else np.array(clusters),
    )


def sample_of(codes, weights=None, clusters=None, bound="default"):
    """A sample of these rows."""
    rows = rows_of(codes, weights, clusters)
    return Sample(tally(rows.codes), design(rows), bound)


def drawn(seed, rows, *, clusters, weights):
    """Codes that are alike within clusters, and what else is asked for."""
    rng = np.random.default_rng(seed)
    owner = rng.integers(0, clusters or rows, rows)
    owner = np.unique(owner, return_inverse=True)[1]
    shares = rng.dirichlet([2, 0.3, 0.4, 0.3, 0.2, 0.001, 0.2, 0.1, 0.1], owner.max() + 1)
    codes = [int(rng.choice(len(shares[each]), p=shares[each])) for each in owner]
    heavy = np.round(rng.lognormal(0, 1, rows), 3)
    return codes, heavy if weights else None, owner if clusters else None


SHAPES = {
    "clusters": {"clusters": 40, "weights": False},
    "weights": {"clusters": 0, "weights": True},
    "both": {"clusters": 40, "weights": True},
    "few clusters": {"clusters": 4, "weights": False},
}


@pytest.mark.parametrize("bound", ["default", "strict"])
@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("shape", SHAPES)
def test_rates_have_the_interval_of_the_loop(shape, name, level, bound):
    """Clopper–Pearson at the effective size, above no less than the gamma end."""
    for seed in range(3):
        given = drawn(seed, 150, **SHAPES[shape])
        found = np.ravel(sample_of(*given, bound=bound).bounds(METRICS[name], level))
        expected = Naive(*given).rate(*RATES[name], level, strict=bound == "strict")
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("bound", ["default", "strict"])
@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_change_of_the_error_rate_is_tangos_at_the_effective_size(shape, level, bound):
    """The counts are scaled to n_eff, whose df are the units with a discordant row."""
    for seed in range(5):
        given = drawn(seed, 150, **SHAPES[shape])
        found = np.ravel(sample_of(*given, bound=bound).bounds(METRICS["error_rate_change"], level))
        expected = Naive(*given).change(level, strict=bound == "strict")
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


RATIOS = {
    # the metric: of these weighted shares, and whose units lend the degrees of freedom
    "error_ratio": (lambda s: s(B | D) / s(C | D), B | C),
    "relative_negative_flip_rate": (lambda s: s(B) * s(EVERYTHING) / (s(A | B) * s(B | D)), B),
}


@pytest.mark.parametrize("name", RATIOS)
@pytest.mark.parametrize("shape", SHAPES)
def test_ratios_have_the_effective_size_of_a_numerical_gradient(shape, name):
    """The delta method of the logarithm, by differences of weighted shares."""
    value, marked = RATIOS[name]
    codes, weights, clusters = given = drawn(3, 200, **SHAPES[shape])
    naive = Naive(*given)
    shares = {code: naive.share({code}) for code in Outcome}

    def logarithm(changed):
        return math.log(value(lambda codes: sum(changed[code] for code in codes)))

    step = 1e-6
    gradient = {
        code: (
            logarithm(shares | {code: shares[code] + step})
            - logarithm(shares | {code: shares[code] - step})
        )
        / (2 * step)
        for code in Outcome
    }
    spread = sum(shares[code] * gradient[code] ** 2 for code in Outcome)
    expected = naive.size(gradient.__getitem__, EVERYTHING, marked, spread, 0.95)
    sample = sample_of(codes, weights, clusters)
    metric = METRICS[name]
    assert sample.effective_examples(metric, 0.95) == pytest.approx(expected, rel=1e-5)
    scaled = Weighed.of(
        np.array([shares[code] * expected for code in Outcome] + [0.0] * len(EXTRAS))
    )
    low, high = np.ravel(intervals.bounds(metric, scaled, 0.95))
    if name == "error_ratio":  # no closer than either kind of flips at its own bound
        (most, least), wrong = naive.kinds(0.95), naive.share(D)
        low = min(low, (naive.share(B) + wrong) / (least + wrong))
        high = max(high, (most + wrong) / (naive.share(C) + wrong))
    assert np.ravel(sample.bounds(metric, 0.95)) == pytest.approx((low, high), rel=1e-4)


def test_the_design_effect_is_the_variance_over_that_of_rows():
    """Clusters of m rows that agree wholly have a design effect of about m (Kish 1965)."""
    codes = np.repeat([0] * 180 + [1] * 20, 5)
    found = sample_of(codes, clusters=np.arange(1000) // 5)
    effect = found.design_effect(METRICS["negative_flip_rate"])
    assert effect == pytest.approx(5 * 999 / 1000 * 200 / 199, rel=1e-12)
    assert found.effective_examples(METRICS["negative_flip_rate"], 0.95) == pytest.approx(200)


def test_weights_leave_kishs_effective_size_at_most():
    """However little weighted examples vary, they are no more than (Σw)² / Σw²."""
    weights = [1.0, 4.0] * 50
    found = sample_of([0, 0, 1, 1] * 25, weights)
    kish = sum(weights) ** 2 / sum(weight**2 for weight in weights)
    for name in ("negative_flip_rate", "positive_flip_rate", "error_rate_change"):
        assert found.effective_examples(METRICS[name], 0.95) <= kish * (1 + 1e-12)
    assert found.effective_examples(METRICS["positive_flip_rate"], 0.95) == pytest.approx(kish)


EXTREMES = {
    # what is extreme: codes, weights, clusters
    "no flip": ([0] * 60, None, np.arange(60) // 3),
    "one cluster": ([0] * 9 + [1], None, [0] * 10),
    "one weighted cluster": ([0] * 9 + [1], np.arange(1.0, 11), [0] * 10),
    "all flip": ([1] * 60, None, np.arange(60) // 3),
    "all flip, weighted": ([1] * 40, [1.0, 3.0] * 20, None),
    "one flip among unequal weights": ([0] * 99 + [1], [1.0, 3.0] * 50, None),
    "one example": ([1], None, [0]),
    "one cluster flips": ([0] * 57 + [1] * 3, None, np.arange(60) // 3),
    "alike in every cluster": ([0, 1, 0] * 20, None, np.arange(60) // 3),
}


@pytest.mark.parametrize("bound", ["default", "strict"])
@pytest.mark.parametrize("extreme", EXTREMES)
def test_extremes_have_intervals_that_hold_their_value(extreme, bound):
    """A defined metric has an interval at any design, and it holds the value; no warning."""
    codes, weights, clusters = EXTREMES[extreme]
    sample = sample_of(codes, weights, clusters, bound)
    for metric in COUNTED.values():
        value, found = sample.value(metric), sample.interval(metric, 0.95)
        assert (value is None) == (found is None), metric.name
        if found is not None:
            assert (
                found.low - 1e-9 <= value <= (math.inf if found.high is None else found.high + 1e-9)
            )
    flips = sample.interval(METRICS["negative_flip_rate"], 0.95)
    naive = Naive(codes, weights, clusters)
    expected = naive.rate(B, EVERYTHING, 0.95, strict=bound == "strict")
    assert (flips.low, flips.high) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_nothing_in_the_denominator_is_undefined():
    """No error of the old model, no error ratio; never NaN."""
    sample = sample_of([0] * 20 + [1] * 4, clusters=np.arange(24) // 2)
    for name in ("error_ratio", "positive_flip_impact"):
        metric = METRICS[name]
        undefined = sample.value(metric) is None
        assert undefined == (sample.interval(metric, 0.95) is None)
    assert sample.value(METRICS["error_ratio"]) is None
    assert (
        sample_of([1] * 6, clusters=[0, 0, 1, 1, 2, 2]).interval(
            METRICS["positive_flip_impact"], 0.95
        )
        is None
    )


# --- the sums ------------------------------------------------------------------------------

small = st.lists(
    st.tuples(
        st.integers(0, UNGRADED - 1),  # outcome
        st.integers(0, 5),  # cluster
        st.integers(0, 2),  # group
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]),  # weight
        st.sampled_from([0.0, 0.0, 3.0]),  # cost
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(small, st.booleans(), st.booleans())
def test_the_sums_of_a_design_are_those_of_a_loop_over_its_units(rows, clustered, weighted):
    """Sums, squares, products, supports and largest, in each of three groups."""
    codes, clusters, groups, weights, costs = (np.array(part) for part in zip(*rows, strict=True))
    clusters = np.unique(clusters, return_inverse=True)[1]
    extras = np.zeros((len(rows), len(EXTRAS)))
    extras[:, 0] = costs
    given_rows = Rows(
        codes.astype(np.uint8),
        weights if weighted else None,
        clusters if clustered else None,
        extras,
        3.0,
    )
    found = design(given_rows, groups, 3)
    for group in range(3):
        units = defaultdict(lambda: np.zeros(WIDTH))
        squares, counts, total = np.zeros(CELLS), np.zeros(CELLS), np.zeros(WIDTH)
        for row, (code, cluster, own, weight, cost) in enumerate(rows):
            if own == group:
                w = weight if weighted else 1.0
                units[cluster if clustered else row][[code, CELLS]] += [w, w * cost]
                squares[code] += w**2
                counts[code] += 1
        part = found.group(group)
        vectors = list(units.values())
        total = sum(vectors, total)
        products = sum((np.outer(one, one) for one in vectors), np.zeros((WIDTH, WIDTH)))
        assert part.rows == pytest.approx(counts)
        assert part.sums == pytest.approx(total)
        assert part.squares == pytest.approx(squares)
        assert part.products == pytest.approx(products)
        most = [max((unit[at] for unit in vectors), default=0.0) for at in range(WIDTH)]
        most.append(max((unit[:CELLS].sum() for unit in vectors), default=0.0))
        assert part.largest == pytest.approx(most)
        for at in range(WIDTH):
            mask = np.arange(WIDTH) == at
            assert part.units_with(mask) == sum(unit[at] > 0 for unit in vectors)
        either = np.arange(WIDTH) % 2 == 0
        assert part.units_with(either) == sum(unit[either].any() for unit in vectors)


@settings(max_examples=60, deadline=None)
@given(small, st.booleans(), st.booleans())
def test_a_design_is_read_as_it_was_written(rows, clustered, weighted):
    """The dictionary that JSON holds gives every interval again, to the last digit."""
    import json

    codes, clusters, _, weights, costs = (np.array(part) for part in zip(*rows, strict=True))
    extras = np.zeros((len(rows), len(EXTRAS)))
    extras[:, 0] = costs
    given_rows = Rows(
        codes.astype(np.uint8),
        weights + 0.1 if weighted else None,
        np.unique(clusters, return_inverse=True)[1] if clustered else None,
        extras,
        3.0,
    )
    one = design(given_rows)
    again = Design.from_dict(json.loads(json.dumps(one.to_dict())), one.rows)
    assert again.to_dict() == one.to_dict()
    counts = tally(given_rows.codes)
    for metric in METRICS.values():
        bounds = [np.ravel(Sample(counts, each).bounds(metric, 0.9)) for each in (one, again)]
        assert np.array_equal(*bounds, equal_nan=True)


def test_many_groups_at_once_are_the_groups_one_by_one():
    """The intervals of an array of designs are those of each design."""
    codes, weights, clusters = drawn(8, 300, clusters=60, weights=True)
    groups = np.arange(300) % 4
    groups[groups == 3] = 1
    groups[:40] = 3
    rows = rows_of(codes, weights, clusters)
    together = design(rows, groups, 4)
    counts = np.array([np.bincount(rows.codes[groups == at], minlength=CELLS) for at in range(4)])
    for metric in COUNTED.values():
        low, high = Sample(Cells.of(counts), together).bounds(metric, 0.9)
        for at in range(4):
            here = groups == at
            own = sample_of(rows.codes[here], weights[here], clusters[here])
            assert (low[at], high[at]) == pytest.approx(
                tuple(map(float, own.bounds(metric, 0.9))), rel=1e-9, nan_ok=True
            )


@pytest.mark.parametrize("constant", [1.0, 0.25, 1e-3, 7e9])
def test_weights_that_are_all_alike_are_none(constant):
    """Counting every example alike changes nothing, whatever the number."""
    codes, _, clusters = drawn(1, 100, clusters=30, weights=False)
    weights = np.full(100, constant)
    assert Rows(np.array(codes, np.uint8), weights).simplified().plain
    with_clusters = Rows(np.array(codes, np.uint8), weights, clusters).simplified()
    assert design(with_clusters).to_dict() == design(rows_of(codes, None, clusters)).to_dict()


def test_clusters_of_one_row_each_are_rows():
    """Then every example was drawn by itself, and the exact intervals hold."""
    codes = np.array(drawn(1, 100, clusters=0, weights=False)[0], np.uint8)
    assert Rows(codes, clusters=np.random.default_rng(0).permutation(100)).simplified().plain


@pytest.mark.parametrize("shape", ["weights", "both"])
@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e9])
def test_the_unit_of_weights_changes_nothing(shape, factor):
    """Weights in kilograms or in grams give the same intervals."""
    codes, weights, clusters = drawn(5, 200, **SHAPES[shape])
    one, two = sample_of(codes, weights, clusters), sample_of(codes, weights * factor, clusters)
    for metric in COUNTED.values():
        ends = (np.ravel(each.bounds(metric, 0.95)) for each in (one, two))
        assert next(ends) == pytest.approx(next(ends), rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_rate_and_its_complement_have_complementary_intervals(shape):
    """What is sure of BEC is sure of NFI, which is what BEC leaves of 1."""
    sample = sample_of(*drawn(6, 200, **SHAPES[shape]))
    low, high = np.ravel(sample.bounds(METRICS["backward_error_compatibility"], 0.95))
    other = np.ravel(sample.bounds(METRICS["negative_flip_impact"], 0.95))
    assert other == pytest.approx([1 - high, 1 - low])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_tails_are_the_levels_at_which_the_bounds_reach_the_limit(shape):
    """The p-values of gates over slices are the inverse of the intervals."""
    sample = sample_of(*drawn(4, 200, **SHAPES[shape]))
    for name in ("negative_flip_rate", "error_rate_change", "win_loss_ratio", "error_ratio"):
        metric = METRICS[name]
        low, high = map(float, sample.bounds(metric, 0.9))
        for end, limit in ((0, low), (1, high)):
            if math.isfinite(limit) and limit > 0:
                assert sample.tails(metric, limit)[end] == pytest.approx(0.05, rel=1e-6)


# --- tests of no difference ------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["clusters", "weights", "both"])
def test_clustered_mcnemar_is_obuchowskis(shape):
    """The squared sum of the units' differences over the sum of their squares, by t."""
    codes, weights, clusters = given = drawn(2, 300, **SHAPES[shape])
    naive = Naive(*given)
    differences = [
        sum(weight * ((code in B) - (code in C)) for code, weight in unit)
        for unit in naive.units.values()
    ]
    holding = sum(any(code in B | C and w for code, w in unit) for unit in naive.units.values())
    chi2 = sum(differences) ** 2 / sum(each**2 for each in differences)  # Obuchowski 1998
    counts = tally(np.array(codes, np.uint8))
    found = mcnemar(
        counts.negative_flips, counts.positive_flips, design(rows_of(codes, weights, clusters))
    )
    assert found.p_value == pytest.approx(2 * stats.t(holding - 1).sf(math.sqrt(chi2)), rel=1e-9)
    assert (found.method, found.exact_p_value) == ("clustered", None)


def test_clustered_mcnemar_of_single_rows_has_mcnemars_statistic():
    """With a row in each cluster, chi-squared is statsmodels' without its correction."""
    codes = [0] * 40 + [1] * 12 + [2] * 25
    found = mcnemar(12, 25, design(rows_of(codes, clusters=range(77))))
    chi2 = statsmodels_mcnemar([[40, 12], [25, 0]], exact=False, correction=False).statistic
    assert found.p_value == pytest.approx(2 * stats.t(36).sf(math.sqrt(chi2)), rel=1e-9)


def test_clustered_mcnemar_of_one_cluster_proves_nothing():
    """One cluster's flips have no spread to be judged by."""
    assert (
        mcnemar(5, 0, design(rows_of([0] * 5 + [1] * 5, clusters=[0] * 5 + [1] * 5))).p_value == 1
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_more_than_the_rest_is_a_loop_over_units(shape):
    """The difference of two weighted rates over its linearised standard error."""
    codes, weights, clusters = drawn(7, 240, **SHAPES[shape])
    groups = np.random.default_rng(0).integers(0, 3, 240)
    rows = rows_of(codes, weights, clusters)
    found = more_than_the_rest_by_unit(Units.of(rows, groups), 3)
    weight = np.ones(240) if weights is None else weights
    unit = np.arange(240) if clusters is None else clusters
    flips = np.isin(codes, list(B)) * weight
    for group in range(3):
        here = groups == group
        rate, rest = (flips[at].sum() / weight[at].sum() for at in (here, ~here))
        score = np.where(here, (flips - rate * weight) / weight[here].sum(), 0)
        score -= np.where(~here, (flips - rest * weight) / weight[~here].sum(), 0)
        by_unit = [score[unit == each].sum() for each in set(unit)]
        k = len(by_unit)
        error = math.sqrt(k / (k - 1) * sum(each**2 for each in by_unit))
        holding = len(set(unit[here & (flips > 0)]))
        expected = stats.t(holding - 1).sf((rate - rest) / error) if holding > 1 else 1.0
        assert found[group] == pytest.approx(expected, rel=1e-8)


# --- costs and reruns ------------------------------------------------------------------------


def with_extras(codes, *, weights=None, clusters=None, ceiling=0.0, **extras):
    """A sample whose rows carry extras."""
    values = np.zeros((len(codes), len(EXTRAS)))
    for name, column in extras.items():
        values[:, EXTRAS.index(name)] = column
    rows = rows_of(codes, weights, clusters)
    given_rows = Rows(rows.codes, rows.weights, rows.clusters, values, ceiling)
    return Sample(tally(rows.codes), design(given_rows))


def test_costs_of_one_are_the_flip_rate():
    """Where every flip costs 1 and 1 is the most, the expected cost is NFR, end for end."""
    codes, weights, clusters = drawn(9, 200, clusters=50, weights=True)
    flips = np.isin(codes, list(B)).astype(float)
    sample = with_extras(codes, weights=weights, clusters=clusters, ceiling=1.0, cost=flips)
    ends = [
        np.ravel(sample.bounds(METRICS[name], 0.9))
        for name in ("expected_cost", "negative_flip_rate")
    ]
    assert ends[0] == pytest.approx(ends[1], rel=1e-12)


def test_costs_have_the_interval_of_a_loop():
    """Clopper–Pearson at the effective size of cost / ceiling, times the ceiling."""
    codes = np.array(drawn(10, 400, clusters=0, weights=False)[0])
    cost = np.where(np.isin(codes, list(B)), np.where(np.arange(400) % 3, 1.0, 5.0), 0.0)
    sample = with_extras(codes, ceiling=5.0, cost=cost)
    share, n = cost / 5, 400
    p = share.mean()
    v = n / (n - 1) * ((share - p) ** 2).sum() / n**2
    events = int((cost > 0).sum())
    ratio = stats.t(n - 1).ppf(0.95) / stats.t(events - 1).ppf(0.95)
    n_eff = min(max(p * (1 - p) / (n - 1) / v * n * ratio**2, n), n)
    x = p * n_eff
    low, high = stats.beta(x, n_eff - x + 1).ppf(0.05), stats.beta(x + 1, n_eff - x).ppf(0.95)
    m, variance = 1 / n, (share**2).sum() / n**2
    law = stats.gamma((p + m) ** 2 / (variance + m**2), scale=(variance + m**2) / (p + m))
    found = np.ravel(sample.bounds(METRICS["expected_cost"], 0.9))
    assert found == pytest.approx([5 * low, 5 * max(high, law.ppf(0.95))], rel=1e-9)
    assert sample.value(METRICS["expected_cost"]) == pytest.approx(cost.mean())


def test_one_rerun_is_tangos_interval_of_the_two_discordant_counts():
    """New flips that the rerun does not make, against flips of the rerun that the new has not."""
    codes = np.array([0] * 300 + [1] * 30 + [3] * 20)
    noise = np.zeros(350)
    noise[295:310] = 1  # five kept answers, and ten of the flips
    excess = (codes == 1) - noise
    sample = with_extras(
        codes, excess_flips=np.maximum(excess, 0), noise_flips=np.maximum(-excess, 0)
    )
    metric = METRICS["excess_negative_flip_rate"]
    expected = np.ravel(intervals.tango(20, 5, 350, 0.95))
    assert np.ravel(sample.bounds(metric, 0.95)) == pytest.approx(expected, rel=1e-12)
    assert sample.value(metric) == pytest.approx(15 / 350)
    assert sample.method(metric) == "tango"


def test_several_reruns_share_their_flips():
    """Each rerun's flip counts for its share; what is left is positive or negative by row."""
    codes = np.array([0] * 90 + [1] * 10)
    noise = np.zeros(100)
    noise[88:94] = [0.5, 0.5, 1, 0.5, 0.5, 0.5]
    excess = (codes == 1) - noise
    sample = with_extras(
        codes, excess_flips=np.maximum(excess, 0), noise_flips=np.maximum(-excess, 0)
    )
    expected = np.ravel(intervals.tango(7.5, 1.0, 100, 0.95))
    found = np.ravel(sample.bounds(METRICS["excess_negative_flip_rate"], 0.95))
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_strict_bound_is_fay_and_feuers_published_one():
    """Down's syndrome by mother's age, Michigan 1950–1964: Fay & Feuer 1997, Table II.

    The R package dsrTest gives 67.70212 to 188.30017, and the rate 75.52901 in 100,000, for
    mothers of five or more children (its vignette "dsrTest - Examples", method "gamma").
    """
    cases = np.array([0, 8, 63, 112, 262, 295])
    births = np.array([327, 30666, 123419, 149919, 104088, 34392])
    standard = np.array([319933, 931318, 786511, 488235, 237863, 61313])
    weight = standard / births / standard.sum()
    codes = np.repeat(np.tile([0, 1], 6), np.ravel([births - cases, cases], order="F"))
    sample = sample_of(codes, np.repeat(weight, births), bound="strict")
    effective = Effective(METRICS["negative_flip_rate"], sample.design, "strict")
    shape, scale = effective._gamma(effective._rate())
    assert sample.value(METRICS["negative_flip_rate"]) * 1e5 == pytest.approx(75.52901, abs=5e-6)
    assert stats.gamma(shape, scale=scale).ppf(0.975) * 1e5 == pytest.approx(188.30017, abs=5e-5)
    assert float(sample.bounds(METRICS["negative_flip_rate"], 0.95)[1]) * 1e5 >= 188.3001


def test_a_written_design_has_each_sum_at_the_place_it_always_had():
    """Reports of before there were graded answers are read, and written, as ever."""
    from flipcheck.stats.design import WRITTEN

    assert [Outcome(place).name for place in WRITTEN[:9]] == [
        each.name for each in list(Outcome)[:9]
    ]
    assert [EXTRAS[place - CELLS] for place in WRITTEN[9:12]] == [
        "cost",
        "excess_flips",
        "noise_flips",
    ]
    assert sorted(WRITTEN) == list(range(WIDTH))
    codes = np.array([Outcome.BOTH_RIGHT, Outcome.NEGATIVE_FLIP], np.uint8)
    extras = np.zeros((2, len(EXTRAS)))
    extras[1, EXTRAS.index("cost")] = 2.5
    written = design(Rows(codes, extras=extras, ceiling=3.0)).to_dict()
    assert written["used"] == [0, 1, 9]
    assert written["supports"] == [[1, 1], [(1 << 1) + (1 << 9), 1]]
    assert "floor" not in written
