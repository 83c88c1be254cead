"""`predict_results.txt` of Hugging Face's example scripts."""

from __future__ import annotations

import pytest

HEADER = "index\tprediction"


@pytest.fixture
def results(table):
    """Write a file of predictions, and the labels beside it."""

    def write(name, answers):
        return table(name, HEADER, *(f"{n}\t{answer}" for n, answer in enumerate(answers)))

    return write


def test_labels_are_brought_by_index(results, table, compared):
    """Indices count from 0, and commas in answers are no columns."""
    old = results("old.txt", ["a, b", "c", "c"])
    new = results("new.txt", ["a, b", "c", "d"])
    truth = table("truth.csv", "index,label", "2,c", '0,"a, b"', "1,c")
    report = compared(old, new, "--labels", truth)
    assert report["data"]["examples"] == 3
    assert report["old"]["facts"]["format"] == "hf"
    assert report["metrics"]["negative_flip_rate"]["numerator"] == 1


def test_there_is_no_truth_inside(results, refused):
    """Without labels nothing says what is right."""
    path = results("old.txt", ["a", "b"])
    assert "--labels" in refused(path, path)


def test_labels_that_count_from_one_do_not_pair(results, table, refused):
    """A first index of 1 is another example."""
    path = results("old.txt", ["a", "b"])
    truth = table("truth.csv", "index,label", "1,a", "2,b")
    assert "do not hold the same examples" in refused(path, path, "--labels", truth)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param([], "no examples", id="empty"),
        pytest.param(["0\ta", "0\tb"], "more than once", id="an index twice"),
        pytest.param(["0\ta", "1"], "row 3: 1 value", id="ragged"),
    ],
)
def test_what_is_wrong_with_predictions_is_said(table, refused, rows, told):
    """The row, and what was expected."""
    path = table("old.txt", HEADER, *rows)
    truth = table("truth.csv", "index,label", "0,a", "1,b")
    said = refused(path, path, "--labels", truth)
    assert told in said
    assert "hint:" in said
