"""The Python API: predictions from arrays, options, and what comes back."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import flipcheck
from flipcheck.asked import Options
from flipcheck.errors import UsageError
from flipcheck.reporters.plan import PLAN_REPORTERS

TRUTH = ["cat", "dog"] * 50
OLD = TRUTH[:90] + ["dog", "cat"] * 5
NEW = ["dog", *TRUTH[1:]]


def predictions(answers, **options):
    """Predictions of the hundred examples."""
    return flipcheck.Predictions.from_arrays(answers, TRUTH, **options)


def test_arrays_are_compared_like_files():
    """One flip, ten mends, paired by the ids that were given."""
    ids = [f"x{row}" for row in range(100)]
    old = predictions(OLD, ids=ids, name="old")
    new = flipcheck.Predictions.from_arrays(NEW[::-1], TRUTH[::-1], ids=ids[::-1], name="new")
    report = flipcheck.compare(old, new, gates="negative_flip_rate <= 5%")
    assert (report.tally.negative_flips, report.tally.positive_flips) == (1, 10)
    assert report.verdict == "pass"
    assert report.negative_flips.examples[0].id == "x0"


def test_slices_verdicts_and_confidence_come_with_arrays():
    """Columns slice, `correct` decides, and the most confident flip is listed first."""
    region = np.array(["EU", "US"]).repeat(50)
    right = np.array(OLD) == np.array(TRUTH)
    old = predictions(OLD, correct=right, columns={"region": region})
    new = predictions(NEW, confidence=np.linspace(0, 1, 100), columns={"region": region})
    report = flipcheck.compare(old, new, by="region")
    frame = report.to_frame("slices").set_index("value")
    assert frame.loc["EU", "negative_flips"] == 1
    assert frame.loc["US", "negative_flips"] == 0
    assert frame.loc["EU", "simultaneous_low"] < 0.02 < frame.loc["EU", "simultaneous_high"]
    assert frame.loc["EU", "p_value"] <= frame.loc["EU", "q_value"] <= frame.loc["EU", "p_adjusted"]
    assert not frame["too_small"].any()
    assert report.to_frame("flips")["outcome"].tolist().count("positive_flip") == 10


def test_the_frame_of_metrics_has_a_row_each():
    """Values and interval ends, by the metric's name."""
    frame = flipcheck.compare(predictions(OLD), predictions(NEW)).to_frame()
    assert frame.loc["negative_flip_rate", "value"] == 0.01
    assert frame.loc["negative_flip_rate", "low"] < 0.01 < frame.loc["negative_flip_rate", "high"]


def test_a_report_prints_as_in_the_terminal():
    """`print(report)` shows the verdict, not a value's innards."""
    assert str(flipcheck.compare(predictions(OLD), predictions(NEW))).startswith(" NO VERDICT ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_nfr": "1%"}, "no option 'max_nfr'"),  # the command's short form
        ({"clases": ["a", "b"]}, "no option 'clases'"),  # a misspelt option
        ({"decide": "pont"}, "'bound' or 'point'"),  # a misspelt choice
        ({"labels_from": "both"}, "'old' or 'new'"),  # no side
        ({"threshold": 0.7}, "--threshold is for models"),  # what predictions have no use for
    ],
)
def test_wrong_options_are_refused(options, message):
    """Nothing that was asked for is ignored."""
    with pytest.raises(UsageError, match=message):
        flipcheck.compare(predictions(OLD), predictions(NEW), **options)


@pytest.mark.parametrize("source", [[1, 2, 3], np.zeros(3), None])
def test_bare_arrays_are_no_source(source):
    """The error says how predictions are made of them."""
    with pytest.raises(UsageError, match="neither a path nor predictions") as caught:
        flipcheck.compare(source, predictions(NEW))
    assert "Predictions.from_arrays" in caught.value.hint


def test_public_names_are_listed_and_there():
    """Completion shows the public names, and each can be had."""
    assert "compare" in dir(flipcheck)
    assert all(getattr(flipcheck, name) is not None for name in dir(flipcheck))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = flipcheck.nothing


def test_a_type_checker_knows_every_public_name():
    """What is imported late is declared for type checkers, or a wrong call would be right."""
    tree = ast.parse(Path(flipcheck.__file__).read_text(encoding="utf-8"))
    declared = {name.name for node in ast.walk(tree) for name in getattr(node, "names", ())}
    assert {*flipcheck.__all__} <= declared


def test_the_help_of_compare_tells_of_every_option():
    """Who writes Python reads help(flipcheck.compare)."""
    told = set(re.findall(r"\w+", flipcheck.compare.__doc__.split("Other Parameters")[1]))
    assert {*Options.__annotations__} <= told


def test_a_plan_shows_its_answer_in_one_line():
    """What a prompt shows is the sentence that the command leads with, and print has all of it."""
    plan = flipcheck.plan("negative_flip_rate <= 1%", nfr="0.3%")
    assert repr(plan).startswith("<Plan: 1,049 examples are enough: with them negative_flip_rate")
    assert "\n" not in repr(plan)
    assert str(plan) == PLAN_REPORTERS["terminal"](plan)
