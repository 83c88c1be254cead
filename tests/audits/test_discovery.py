"""Discovery: it finds what is there, nothing where nothing is, and says how sure that is."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from flipcheck.audits import discovery
from flipcheck.audits.discovery import discover
from flipcheck.errors import UsageError
from flipcheck.report import Settings
from flipcheck.slices import Groups

SETTINGS = Settings()


def columns(rng, count, *widths):
    """Columns of random codes, with so many values each."""
    return [
        Groups(f"c{place}", tuple(f"v{value}" for value in range(width)),
               rng.integers(0, width, count).astype(np.int32))
        for place, width in enumerate(widths)
    ]  # fmt: skip


def planted(rng, count=20_000, base=0.01, inside=0.05):
    """Three columns, and flips that concentrate where c0 is v1 and c1 is v2."""
    made = columns(rng, count, 4, 5, 3)
    there = (made[0].codes == 1) & (made[1].codes == 2)
    return made, rng.random(count) < np.where(there, inside, base), there


@pytest.mark.parametrize("confirm", [None, "split"])
def test_a_planted_slice_is_found_and_nothing_else(confirm):
    """The one conjunction comes back with its counts, against all other examples."""
    made, flipped, there = planted(np.random.default_rng(1))
    found = discover(made, flipped, SETTINGS, confirm=confirm)
    (first,) = found.found
    assert first.where == (("c0", "v1"), ("c1", "v2"))
    assert first.p_adjusted <= 0.001
    assert first.interval.low < 0.05 < first.interval.high
    assert first.rest_rate < 0.012
    if confirm is None:
        assert (first.examples, first.negative_flips) == (there.sum(), flipped[there].sum())
        assert first.rest_examples == (~there).sum()
        assert first.rest_negative_flips == flipped[~there].sum()
    else:
        assert first.examples + first.rest_examples == len(flipped) // 2
        assert found.proposed >= 1


def test_the_candidates_are_those_of_a_naive_search():
    """Values and pairs with enough examples, no pair that is one of its values, each p scipy's."""
    rng = np.random.default_rng(4)
    made = columns(rng, 700, 3, 6)
    made.append(Groups("copy", made[1].values, made[1].codes))  # pairs with it say nothing new
    flipped = rng.random(700) < 0.2
    expected = {}
    for one, two in itertools.combinations_with_replacement(range(3), 2):
        for first, second in itertools.product(range(6), range(6)):
            alone = [made[one].codes == first, made[two].codes == second]
            rows = alone[0] & alone[1]
            if one == two and first != second:
                continue
            if one != two and rows.sum() in {each.sum() for each in alone}:
                continue
            if rows.sum() >= 50:
                p = stats.hypergeom.sf(flipped[rows].sum() - 1, 700, flipped.sum(), rows.sum())
                expected[((one, first),) if one == two else ((one, first), (two, second))] = p
    codes, table = discovery._kinds(made)
    part = discovery.Part(flipped, codes, len(table), None)
    found = discovery._candidates(made, table, part, 50)
    assert sorted(found.where) == sorted(expected)
    result = discovery.search(found.rows(part), 10, rng)
    p_values = dict(zip(found.where, np.exp(result.log_p), strict=True))
    assert p_values == pytest.approx(expected, rel=1e-9)


def test_the_interval_is_exact_at_the_candidates_share_of_the_error():
    """Bonferroni over all that was searched, so that looking for the worst does not matter."""
    made, flipped, _ = planted(np.random.default_rng(1))
    found = discover(made, flipped, SETTINGS)
    first = found.found[0]
    low, high = stats.binomtest(first.negative_flips, first.examples).proportion_ci(
        1 - 0.05 / found.candidates
    )
    assert (first.interval.low, first.interval.high) == pytest.approx((low, high), rel=1e-9)
    assert found.candidates == 4 + 5 + 3 + 20 + 12 + 15


def test_the_order_of_rows_of_equal_ids_does_not_exist_and_the_seed_decides():
    """The same seed finds the same bytes; another permutes otherwise."""
    made, flipped, _ = planted(np.random.default_rng(3), inside=0.022)
    one, two, other = (
        discover(made, flipped, replace(SETTINGS, seed=seed)).found for seed in (1, 1, 2)
    )
    assert one == two
    assert [each.where for each in one] == [each.where for each in other]


def test_numbers_of_clusters_do_not_matter():
    """Only who is with whom does: other numbers, the same findings."""
    made, flipped, _ = planted(np.random.default_rng(3), count=5_000)
    clusters = np.arange(5_000) // 2
    names = np.random.default_rng(0).permutation(2_500)
    for confirm in (None, "split"):
        one, two = (
            discover(made, flipped, SETTINGS, confirm=confirm, clusters=each)
            for each in (clusters, names[clusters])
        )
        assert one == two
        assert one.found
        assert one.found[0].interval is None


def test_halves_keep_clusters_whole():
    """No cluster is searched in one half and judged in the other."""
    clusters = np.arange(1_000) // 7
    part = discovery.Part(np.zeros(1_000, bool), np.arange(1_000), 1_000, clusters)
    one, two = part.halves(np.random.default_rng(0))
    assert not set(one.clusters) & set(two.clusters)
    assert sorted([*one.codes, *two.codes]) == list(range(1_000))


def share_of_alarms(audits, rng, made, *, clustered=None, confirm=None):
    """The share of audits that find something: `made` gives columns, flips and clusters."""
    found = 0
    for audit in range(audits):
        parts, flipped, clusters = made(rng)
        seeded = replace(SETTINGS, seed=audit)
        given = clusters if clustered else None
        found += bool(discover(parts, flipped, seeded, confirm=confirm, clusters=given).found)
    return found / audits


def nothing(rng):
    """2,000 examples of which 2 % flip, whatever their three columns say."""
    return columns(rng, 2_000, 3, 4, 5), rng.random(2_000) < 0.02, None


def nothing_in_clusters(rng):
    """200 clusters of ten whose flips correlate at 0.3, and columns that are the clusters'."""
    rates = rng.beta(0.03 * 7 / 3, 0.97 * 7 / 3, 200)
    made = [replace(each, codes=each.codes.repeat(10)) for each in columns(rng, 200, 3, 4, 5)]
    return made, rng.random(2_000) < rates.repeat(10), np.arange(200).repeat(10)


@pytest.fixture
def quick(monkeypatch):
    """As exact with 199 permutations as with a thousand, and five times as fast."""
    monkeypatch.setattr(discovery, "PERMUTATIONS", 199)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("confirm", [None, "split"])
def test_nothing_is_found_where_nothing_is(confirm):
    """In 95 of 100 audits at least; 400 are tried, and three standard errors allowed (3.3)."""
    share = share_of_alarms(400, np.random.default_rng(8), nothing, confirm=confirm)
    assert share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("confirm", [None, "split"])
def test_nothing_is_found_in_clusters_where_nothing_is(confirm):
    """The same for clusters; without telling that they are, most audits would find something."""
    rng = np.random.default_rng(9)
    share = share_of_alarms(400, rng, nothing_in_clusters, clustered=True, confirm=confirm)
    assert share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert share_of_alarms(40, rng, nothing_in_clusters, confirm=confirm) > 0.3


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("confirm", [None, "split"])
def test_the_interval_of_what_is_found_covers(confirm):
    """The true rate of whatever is found lies in its interval in 95 of 100 audits at least."""
    rng, missed, audits = np.random.default_rng(10), 0, 300
    for seed in range(audits):
        made, flipped, there = planted(rng, count=4_000, base=0.02, inside=0.07)
        found = discover(made, flipped, replace(SETTINGS, seed=seed), confirm=confirm).found
        truths = []
        for each in found:
            rows = np.ones(4_000, dtype=bool)
            for by, value in each.where:
                column = made[int(by[1:])]
                rows &= column.codes == column.values.index(value)
            truths.append(0.02 + 0.05 * there[rows].mean())
        missed += any(
            not each.interval.low <= truth <= each.interval.high
            for each, truth in zip(found, truths, strict=True)
        )
    assert missed / audits <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / audits)


@pytest.mark.parametrize("confirm", [None, "split"])
@pytest.mark.parametrize(
    ("count", "rate"),
    [
        (40, 0.5),  # no value has enough examples
        (400, 0.0),  # nothing flips
        (400, 1.0),  # everything does
    ],
)
def test_where_nothing_can_be_found_nothing_is(confirm, count, rate):
    """Tiny and degenerate test sets are no error."""
    rng = np.random.default_rng(0)
    found = discover(columns(rng, count, 2, 3), rng.random(count) < rate, SETTINGS, confirm=confirm)
    assert found.found == ()
    assert bool(found.candidates) == (count > 40)


def test_min_slice_is_the_smallest_candidate():
    """What is asked of slices is asked of candidates."""
    rng = np.random.default_rng(0)
    found = discover(
        columns(rng, 400, 2, 3), rng.random(400) < 0.1, replace(SETTINGS, min_slice=150)
    )
    assert (found.smallest, found.candidates) == (150, 2)


def test_without_columns_there_is_nothing_to_search():
    """The error says what to do."""
    with pytest.raises(UsageError, match="no column and no true class") as caught:
        discover([], np.zeros(9, bool), SETTINGS)
    assert "--by" in caught.value.hint


def test_a_confidence_that_permutations_cannot_reach_is_an_error():
    """Rather than a search that can find nothing."""
    made, flipped, _ = planted(np.random.default_rng(1))
    with pytest.raises(UsageError, match="cannot find anything"):
        discover(made, flipped, replace(SETTINGS, confidence=0.9999))
    assert discover(made, flipped, replace(SETTINGS, confidence=0.999)).found


def test_a_search_that_would_take_gigabytes_is_refused(monkeypatch):
    """Before anything is allotted for it, with what to do."""
    made, flipped, _ = planted(np.random.default_rng(1))
    monkeypatch.setattr(discovery, "MOST_CELLS", 10)
    with pytest.raises(UsageError, match="too many to search") as caught:
        discover(made, flipped, SETTINGS)
    assert "--by" in caught.value.hint
