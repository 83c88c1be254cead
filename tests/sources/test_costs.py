"""Cost matrices: tables and JSON, wildcards, and what is no cost matrix."""

from __future__ import annotations

import pytest

from flipcheck.audits.measuring import Costs
from flipcheck.errors import FlipcheckError, InputError
from flipcheck.sources.costs import read_costs

GIVEN = {("cat", "dog"): 5.0, ("cat", "*"): 2.0, ("*", "eel"): 3.0, ("*", "*"): 1.0}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.csv", "old,new,cost\ncat,dog,5\ncat,*,2\n*,eel,3\n*,*,1\n"),
        ("c.tsv", "cost\told\tnew\n5\tcat\tdog\n2\tcat\t*\n3\t*\teel\n1\t*\t*\n"),
        ("c.json", '{"cat": {"dog": 5, "*": 2}, "*": {"eel": 3, "*": 1.0}}'),
    ],
)
def test_a_table_and_json_hold_the_same_costs(written, name, content):
    """Columns by name in any order, or an object of objects."""
    table, digest = read_costs(written(name, content))
    assert table == GIVEN
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("old", "new", "cost"),
    [
        ("cat", "dog", 5),  # itself
        ("cat", "eel", 2),  # the old answer's own before the new one's
        ("dog", "eel", 3),
        ("dog", "cat", 1),  # all others
    ],
)
def test_the_nearest_cost_is_taken(old, new, cost):
    """A pair itself, then any new answer, then any old one, then any pair."""
    assert Costs(GIVEN, "c.csv").of(old, new) == cost


def test_without_a_wildcard_a_pair_has_no_cost():
    """It is not taken for free; only the same answer is."""
    costs = Costs({("cat", "dog"): 5.0}, "c.csv")
    assert costs.of("dog", "cat") is None
    assert costs.of("dog", "dog") == 0


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("c.csv", "old,new,cost\n", "it has no costs"),
        ("c.csv", "", "empty"),
        ("c.csv", "old,new\na,b\n", "no column 'cost'"),
        ("c.csv", "old,new,cost\na,b,-1\nb,a,nan\nb,c,inf\n", "row 4: inf"),  # all at once
        ("c.csv", "old,new,cost\na,b,1e99\n", "1e+99"),
        ("c.csv", "old,new,cost\na,b,\n", "nan"),
        ("c.csv", "old,new,cost\na,b,much\n", "'much' is no number"),
        ("c.csv", "old,new,cost\na,b,1\na,b,2\n", "row 3: 'a' → 'b' stands there twice"),
        ("c.csv", "old,new,cost\na,,1\n", "rows without an answer"),
        ("c.json", "{", "not JSON"),
        ("c.json", "[1]", "not a cost matrix"),
        ("c.json", '{"a": 1}', "not a cost matrix"),
        ("c.json", '{"a": {"b": true}}', "True is no finite number"),
        ("c.json", '{"a": {"b": "1"}}', "'1' is no finite number"),
        ("c.json", '{"a": {"b": NaN}}', "nan is no finite number"),
        ("c.json", '{"a": {"b": 1, "b": 2}}', "stands there twice"),
        ("c.json", '{"a": {"b": 1}, "a": {"b": 1}}', "stands there twice"),
    ],
)
def test_what_is_no_cost_matrix_is_refused(written, name, content, told):
    """Every problem of the file at once, and what one looks like."""
    with pytest.raises(FlipcheckError) as error:
        read_costs(written(name, content))
    assert told in str([error.value.message, *error.value.problems])


def test_a_cost_matrix_that_is_not_there(tmp_path):
    """A wrong path and a folder are the user's, not a crash."""
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(InputError, match="not a file"):
            read_costs(path)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {("a", "b"): 0},  # no flip costs anything
        {("a", "b"): -1},
        {("a", "b"): "much"},
        {("a", "b"): float("nan")},
        {"a": 1},  # no pair
        {("a", 1): 1},  # an answer is text
    ],
)
def test_costs_from_python_are_checked_too(table):
    """Wrong values cannot be made."""
    with pytest.raises(InputError, match="a cost is a number from 0"):
        Costs(table, "costs")
