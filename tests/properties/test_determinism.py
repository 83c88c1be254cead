"""Same inputs and seed, same bytes: whatever the order of rows, and however they are cut."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv
from pyarrow import table as arrow_table

import flipcheck
from flipcheck.audits.measuring import Beside, Costs, measured
from flipcheck.outcomes import CELLS, Outcome, Tally, tally
from flipcheck.pairing import pair
from flipcheck.stats.design import design
from flipcheck.stats.units import Rows

EXAMPLES = 60
UNGRADED = Outcome.SCORE_UNCHANGED
SIDES = ("old", "new", "again", "twice")
COLUMNS = ("label", "region", "scene", "importance", "confidence")
COSTS = {("cat", "dog"): 3.7, ("*", "*"): 0.3}
DRAWN = {  # options, and gates that need them
    "each by itself": ({}, []),
    "in clusters": ({"cluster": "scene"}, []),
    "with weights": ({"weight": "importance"}, []),
    "with costs": ({"costs": COSTS}, ["expected_cost <= 1"]),
    "in every way": (
        {"cluster": "scene", "weight": "importance", "costs": COSTS, "rerun": SIDES[2:]},
        ["expected_cost <= 1", "excess_negative_flip_rate <= 10%"],
    ),
}
GATES = [
    "negative_flip_rate <= 20%",
    "error_rate_change <= 1%",
    "relative_negative_flip_rate <= 0.9",
    "negative_flip_rate <= 30% by region",
    "error_rate_change <= 0 by class",
]


def columns(seed: int) -> dict[str, np.ndarray]:
    """A test set under four models; weights are such that their sums depend on the order."""
    rng = np.random.default_rng(seed)
    names = np.array(["cat", "dog", "newt"])
    label = rng.choice(names, EXAMPLES)
    found = {
        "id": np.array([f"x{number:03}" for number in range(EXAMPLES)]),
        "label": label,
        "region": rng.choice(["EU", "US", "7", "10"], EXAMPLES),
        "scene": np.array([f"s{number}" for number in rng.integers(0, 15, EXAMPLES)]),
        "importance": rng.lognormal(size=EXAMPLES),
        "confidence": rng.integers(1, 4, EXAMPLES) / 4,  # with ties
    }
    wrong = {side: rng.random(EXAMPLES) < 0.25 for side in SIDES}
    return found | {
        side: np.where(wrong[side], rng.choice(names, EXAMPLES), label) for side in SIDES
    }


def from_arrays(_folder, rows, side):
    """One model's predictions."""
    return flipcheck.Predictions.from_arrays(
        rows[side],
        rows["label"],
        confidence=rows["confidence"],
        ids=rows["id"],
        columns={name: rows[name] for name in ("region", "scene")},
        weights=rows["importance"],
        name=side,
    )


def from_files(folder, rows, side):
    """A CSV file of one model's predictions."""
    path = folder / f"{side}.csv"
    parts = {name: rows[name] for name in ("id", *COLUMNS)} | {"prediction": rows[side]}
    csv.write_csv(arrow_table(parts), path)
    return path


def report(source, folder, seed, drawn, orders):
    """The bytes of the JSON report, less the digests of files, and of the table of flips."""
    whole, (options, more) = columns(seed), DRAWN[drawn]
    old, new, *again = (
        source(folder, {name: values[order] for name, values in whole.items()}, side)
        for side, order in zip(SIDES, orders, strict=True)
    )
    given_ = options | {"rerun": again if "rerun" in options else ()}
    found = flipcheck.compare(old, new, gates=GATES + more, by=["region"], resamples=200, **given_)
    return json.dumps([without_digests(found.to_dict()), found.flips.to_pydict()])


def without_digests(value):
    """A report without what only tells of the bytes of a file."""
    if isinstance(value, dict):
        return {
            name: without_digests(each)
            for name, each in value.items()
            if name not in {"sha256", "digest"}
        }
    return [without_digests(each) for each in value] if isinstance(value, list) else value


order = st.permutations(range(EXAMPLES)).map(list)
IN_ORDER = [list(range(EXAMPLES))] * len(SIDES)


@pytest.mark.slow
@pytest.mark.parametrize("source", [from_arrays, from_files])
@pytest.mark.parametrize("drawn", DRAWN)
def test_rows_in_any_order_make_the_same_report(source, drawn, tmp_path_factory):
    """Every source is shuffled in its own way, and the JSON has the same bytes."""
    folder = tmp_path_factory.mktemp("sources")

    @settings(max_examples=5)
    @given(st.integers(0, 9), st.tuples(*[order] * len(SIDES)))
    def check(seed, shuffled):
        expected = report(source, folder, seed, drawn, IN_ORDER)
        assert report(source, folder, seed, drawn, shuffled) == expected

    check()


@pytest.mark.parametrize("cluster", [None, "scene"])
@settings(max_examples=20)
@given(st.integers(0, 9), order, order)
def test_sums_are_the_same_to_the_last_bit_in_any_order(cluster, seed, one, two):
    """A report has ten digits; what it is computed from must not differ in the sixteenth."""
    whole = columns(seed)

    def sums(*orders):
        sides = [
            from_arrays(None, {name: values[each] for name, values in whole.items()}, side)
            for side, each in zip(SIDES[:2], orders[:2], strict=True)
        ]
        beside = Beside(cluster, "importance", Costs(COSTS, "costs"))
        found = measured(pair(*sides), beside, "default")
        kinds = found.kinds()
        drawn = found.sample().design
        return [getattr(drawn, each.name) for each in fields(drawn)] + [kinds.sums, kinds.counts]

    for expected, shuffled in zip(sums(*IN_ORDER), sums(one, two), strict=True):
        assert np.array_equal(expected, shuffled)


row = st.tuples(
    st.integers(0, UNGRADED - 1),  # the outcome
    st.integers(0, 9),  # the cluster
    st.integers(1, 64).map(lambda eighths: eighths / 8),  # a weight whose sums are exact
    st.integers(0, 2),  # the slice
)


@settings(max_examples=60)
@given(st.lists(row, min_size=2, max_size=60), st.integers(1, 4), st.booleans())
def test_tallies_and_designs_of_shards_add_up(examples, shards, clustered):
    """However whole clusters are dealt out to shards, what is summed is that of the whole."""
    codes, clusters, weights, groups = (np.array(each) for each in zip(*examples, strict=True))
    rows = Rows(codes.astype(np.uint8), weights, clusters if clustered else None)
    owner = clusters % shards if clustered else np.arange(len(codes)) % shards
    cut = [np.flatnonzero(owner == shard) for shard in range(shards) if (owner == shard).any()]
    whole = design(rows, groups, 3)
    parts = [design(taken(rows, place), groups[place], 3) for place in cut]
    assert sum((tally(codes[place].astype(np.uint8)) for place in cut), Tally()) == tally(
        rows.codes
    )
    for name in ("rows", "sums", "squares", "products", "units"):
        added = sum(getattr(part, name) for part in parts)
        assert np.array_equal(added, getattr(whole, name)), name
    assert np.array_equal(np.max([part.largest for part in parts], axis=0), whole.largest)
    for outcome in range(CELLS):
        mask = np.arange(whole.patterns.shape[1]) == outcome
        assert np.array_equal(sum(part.units_with(mask) for part in parts), whole.units_with(mask))


def taken(rows: Rows, place: np.ndarray) -> Rows:
    """Some of the rows."""
    clusters = None if rows.clusters is None else rows.clusters[place]
    return replace(rows, codes=rows.codes[place], weights=rows.weights[place], clusters=clusters)
