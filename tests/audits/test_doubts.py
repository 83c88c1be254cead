"""What an audit warns of: few clusters, undeclared ones, idle weights, reruns that are none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from flipcheck.audits.doubts import doubts
from flipcheck.audits.measuring import Beside, Costs, Rerun, measured
from flipcheck.labels import Labels
from flipcheck.pairing import Paired


def told(paired, beside=Beside()):  # noqa: B008  (a frozen value)
    """The warnings of an audit of these pairs."""
    found = measured(paired, beside, "default")
    return list(doubts(paired, found, found.sample(), beside))


def labels(values):
    """A column of text."""
    return Labels.of(pa.array([str(value) for value in values]))


def drawn(rng, ids, wrong, *, truth=None, **groups):
    """Pairs whose answers are wrong with these chances, each by itself, and alike in both."""
    old = rng.random(len(ids)) >= wrong
    new = np.where(rng.random(len(ids)) < 0.7, old, rng.random(len(ids)) >= wrong)
    return Paired(
        ids=pa.array(ids),
        old_right=old,
        new_right=new,
        same_answer=None,
        truth=None if truth is None else labels(truth),
        old=None,
        new=None,
        groups={name: labels(values) for name, values in groups.items()},
    )


SIZE = 600
ROWS = np.arange(SIZE)
INDEPENDENT = {
    # what ids look like: ids, and what else there is, for a random generator
    "folders by class": lambda r: by_class(r, 25, "class{}/img_{:03}.png"),
    "folders of many classes": lambda r: by_class(r, 100, "n{}/{}.JPEG"),
    "hashes": lambda r: ([f"{each:08x}" for each in r.permutation(16**5)[:SIZE]], {}),
    "dates": lambda r: ([f"2024-05-{d:02}-{n}" for n, d in enumerate(r.integers(1, 31, SIZE))], {}),
    "running numbers": lambda _: ([f"item_{n:06}" for n in ROWS], {}),
    "numbers": lambda _: (ROWS, {}),
    "parts of one number": lambda _: ([f"doc{n // 2}_{n % 2}" for n in ROWS], {"doc": ROWS // 2}),
    "users": lambda r: users(r.integers(0, 75, SIZE)),
    "a few busy users": lambda r: users(np.minimum(r.zipf(1.5, SIZE), SIZE)),
    "subjects of an exam": lambda r: by_class(r, 50, "exam_{1}", subject=True),
}


def by_class(rng, count, text, *, subject=False):
    """Groups that differ in how hard they are, as kinds do, each example drawn by itself."""
    group = rng.integers(0, count, SIZE)
    more = {"wrong": rng.beta(2, 18, count)[group]}
    ids = [text.format(each, row) for row, each in enumerate(group)]
    names = [chr(97 + each % 26) * (1 + each // 26) for each in group]
    return ids, more | ({"subject": names} if subject else {"truth": group})


def users(group):
    """Ids that begin with a user, and a column of them."""
    return [f"u{each}-{row}" for row, each in enumerate(group)], {"user": group, "session": group}


@pytest.mark.parametrize("shape", INDEPENDENT)
def test_examples_drawn_one_by_one_raise_no_doubt(shape):
    """No warning in 40 audits; in 500 of each of ten such shapes there was none either."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        ids, more = INDEPENDENT[shape](rng)
        wrong = more.pop("wrong", rng.choice([0.02, 0.1, 0.3]))
        assert told(drawn(rng, ids, wrong, **more)) == []


@pytest.mark.parametrize("named", [True, False])
def test_examples_that_go_wrong_together_do(named):
    """Users whose chances differ are found by their column, or by the beginnings of the ids."""
    rng = np.random.default_rng(1)
    user = np.repeat(np.arange(60), 10)
    wrong = rng.beta(0.2, 1.8, 60)[user]  # an intraclass correlation of 1/3
    ids = ROWS.astype(str) if named else [f"u{each}-{row}" for row, each in enumerate(user)]
    (note,) = told(drawn(rng, ids, wrong, **({"user": user} if named else {})))
    assert ("column 'user'" if named else "the beginnings of the ids") in note
    assert "over 60 groups" in note
    assert "--cluster" in note


def test_declared_clusters_raise_no_such_doubt():
    """What is declared is not asked for again."""
    rng = np.random.default_rng(1)
    user = np.repeat(np.arange(60), 10)
    paired = drawn(rng, ROWS, rng.beta(0.2, 1.8, 60)[user])
    declared = Paired(**{**fields(paired), "columns": {"user": labels(user)}})
    assert not any("together" in note for note in told(declared, Beside(cluster="user")))


def fields(value):
    """The fields of a dataclass, not copied."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def plain(right=40, broken=5, **more):
    """Pairs without anything to doubt."""
    codes = np.array([True] * right + [False] * broken)
    return Paired(
        pa.array(np.arange(len(codes))), np.full(len(codes), True), codes, None, None, None, None,
        **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("clusters", "note"),
    [
        ([0] * 40 + [1] * 5, "only 2 clusters"),
        ([*range(20)] * 2 + [20] * 5, "only 1 cluster of 21 hold"),
        (range(45), "every example is a cluster of its own"),
    ],
)
def test_clusters_that_decide_little_are_told(clusters, note):
    """Few clusters, few with flips, or one for each example."""
    paired = plain(columns={"user": labels(clusters)})
    assert note in told(paired, Beside(cluster="user"))[0]


def test_weights_that_are_all_alike_are_told():
    """They were brought for nothing, or from the wrong column."""
    assert "weighs the same" in told(plain(weights=np.full(45, 2.0)), Beside(weight="w"))[0]


def test_names_in_a_cost_matrix_that_nobody_answers_are_told():
    """They may be misspelt."""
    names = labels(["cat", "dog"] * 20 + ["cat"] * 5)
    again = labels(["cat", "dog"] * 20 + ["dog"] * 5)
    paired = Paired(**{**fields(plain()), "old": names, "new": Labels(again.codes, names.names)})
    costs = Costs({("cat", "dgo"): 5.0, ("*", "*"): 1.0, ("(none)", "cat"): 1.0}, "c.csv")
    assert told(paired, Beside(costs=costs)) == [
        "c.csv: costs of 1 answer that nobody gives: 'dgo'"
    ]


def test_a_rerun_that_is_worse_is_told():
    """What it breaks would pass for noise, and let more flips through."""
    right = np.full(45, True)
    right[:20] = False
    (note,) = told(plain(), Beside(reruns=[Rerun("again.csv", right)]))
    assert "again.csv: worse than the old model's first run (it breaks 20 answers" in note
    right[2:] = True
    assert told(plain(), Beside(reruns=[Rerun("again.csv", right)])) == []
