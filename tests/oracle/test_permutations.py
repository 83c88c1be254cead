"""The permutation p-values of discovery against every rearrangement, and against naive loops."""

from __future__ import annotations

from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy import stats

from flipcheck.stats.discovery import ordered, permuted, search, telling

FLIPPED = np.array([1, 1, 0, 0, 1, 0, 0, 0, 0, 0], dtype=bool)
KINDS = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
CELLS = np.array([[0, 3], [1, 3], [1, 2]], dtype=np.int32)
"""Candidate 0 is kind 0, candidate 1 the kinds 1 and 2, candidate 2 kind 2; 3 is none."""
MEMBERS = [KINDS == 0, KINDS >= 1, KINDS == 2]


def naive_p(flipped):
    """Each candidate's hypergeometric p-value by scipy."""
    total, marked = len(flipped), int(flipped.sum())
    return [
        float(stats.hypergeom.sf(flipped[member].sum() - 1, total, marked, member.sum()))
        for member in MEMBERS
    ]


def every_draw(clusters):
    """All equally likely rearrangements of the flips, as flags: clusters of a size exchange."""
    if clusters is None:
        for rows in combinations(range(10), 3):
            yield np.isin(np.arange(10), rows)
        return
    rows = [np.flatnonzero(clusters == each) for each in dict.fromkeys(clusters.tolist())]
    sizes = sorted({len(each) for each in rows})
    pools = [[each for each in rows if len(each) == size] for size in sizes]
    for order in product(*(permutations(range(len(pool))) for pool in pools)):
        flipped = np.zeros(10, dtype=bool)
        for pool, moved in zip(pools, order, strict=True):
            for place, source in enumerate(moved):
                flipped[pool[place]] = FLIPPED[pool[source]]
        yield flipped


@pytest.mark.parametrize(
    "clusters",
    [
        None,
        np.array([7, 7, 5, 5, 9, 9, 1, 1, 1, 3]),  # three pairs exchange; three and one stay
        np.array([4, 8, 4, 8, 2, 6, 2, 6, 0, 0]),  # their rows are not side by side
    ],
)
def test_the_p_values_are_those_of_every_rearrangement(clusters):
    """The smallest p-value is as rare among permutations as among all that there could be."""
    count = 40_000
    rows = ordered(FLIPPED, KINDS, CELLS, 3, clusters)
    found = search(rows, count, np.random.default_rng(5))
    observed = np.array(naive_p(FLIPPED))
    assert np.exp(found.log_p) == pytest.approx(observed, rel=1e-12)
    draws = np.array([naive_p(flipped) for flipped in every_draw(clusters)])
    exact = [(draws.min(axis=1) <= each + 1e-12).mean() for each in observed]
    alone = (draws <= observed + 1e-12).mean(axis=0)
    for estimate, truth in ((found.adjusted, exact), (found.single, alone)):
        spread = np.sqrt(np.multiply(truth, 1 - np.array(truth)) / count)
        assert (np.abs(estimate - truth) <= 5 * spread + 2 / count).all()


def test_clusters_pass_on_their_flips_whole():
    """After a permutation the clusters of each size have the same flips, in the same places."""
    rng = np.random.default_rng(0)
    clusters = rng.permutation(np.repeat(np.arange(60), rng.integers(1, 5, 60)))
    clusters = np.append(clusters, [99] * 7)  # a size of its own
    flipped = rng.random(len(clusters)) < 0.3
    rows = ordered(flipped, np.zeros(len(clusters), int), np.zeros((1, 1), "i4"), 1, clusters)

    def vectors(flags):
        ends = rows.starts + rows.sizes
        return [tuple(flags[one:two]) for one, two in zip(rows.starts, ends, strict=True)]

    places = set()
    for drawn in permuted(rows, 200, rng):
        moved = np.zeros(len(clusters), dtype=bool)
        moved[drawn] = True
        assert sorted(vectors(moved)) == sorted(vectors(rows.flipped))
        assert vectors(moved)[-1] == vectors(rows.flipped)[-1]
        places.update(drawn.tolist())
    assert len(places) > flipped.sum()


def test_rows_of_a_cluster_stay_in_their_order():
    """Whatever numbers the clusters have, rows come cluster by cluster, small ones first."""
    for names in ([1, 2, 3], [3, 1, 2]):
        clusters = np.array(names)[[0, 1, 0, 2, 2, 0]]
        rows = ordered(np.arange(6) == 5, np.arange(6), np.zeros((6, 1), "i4"), 1, clusters)
        assert rows.kinds.tolist() == [1, 3, 4, 0, 2, 5]
        assert (rows.sizes.tolist(), rows.starts.tolist()) == ([1, 2, 3], [0, 1, 3])
        assert rows.flipped.tolist() == [False] * 5 + [True]


SIZES = np.array([100, 100, 100, 700])


@pytest.mark.parametrize(
    ("flips", "masks", "kept"),
    [
        # all flips in kind 0: the broader kind 0 or 1 says nothing more
        ([40, 1, 1, 7], [[1, 0, 0, 0], [1, 1, 0, 0]], [0]),
        # kinds 0 and 1 alike: kind 0 alone only restates them
        ([40, 40, 1, 7], [[1, 1, 0, 0], [1, 0, 0, 0]], [0]),
        # kind 0 flips yet more than kind 1: both are worth telling
        ([60, 20, 1, 7], [[1, 1, 0, 0], [1, 0, 0, 0]], [0, 1]),
        # two kinds apart
        ([40, 30, 1, 7], [[1, 0, 0, 0], [0, 1, 0, 0]], [0, 1]),
        # the overlap is all that there is to the second
        ([1, 40, 1, 7], [[0, 1, 0, 0], [0, 1, 1, 0]], [0]),
    ],
)
def test_echoes_are_left_out(flips, masks, kept):
    """A subgroup is told only where it says more than the ones before it."""
    found = telling(np.array(masks, dtype=bool), SIZES, np.array(flips), 0.05, 10)
    assert found == kept


def test_no_more_are_told_than_asked_for():
    """The list is cut."""
    masks, flips = np.eye(4, dtype=bool)[:3], np.array([40, 40, 40, 1])
    assert telling(masks, SIZES, flips, 0.05, 2) == [0, 1]
