"""Tables of Weights & Biases: one document of columns and rows, some of them media."""

from __future__ import annotations

import json

import pytest

import flipcheck

IMAGE = {"_type": "image-file", "sha256": "0", "path": "media/0.png", "size": 1}


def table(path, columns, rows, **more):
    """A table as `wandb.Table` is saved in an artifact."""
    log = {"_type": "table", "columns": columns, "data": rows, "ncols": len(columns), **more}
    path.write_text(json.dumps(log), encoding="utf-8")
    return path


COLUMNS = ["id", "image", "label", "prediction"]


def rows(answers):
    """A row for each answer, with its image."""
    return [[n, IMAGE, "cat", answer] for n, answer in enumerate(answers)]


@pytest.mark.parametrize("more", [{}, {"_type": None}], ids=["artifact", "logged"])
def test_columns_are_those_of_a_table(tmp_path, more):
    """Media beside the answers do no harm."""
    old = table(tmp_path / "old.table.json", COLUMNS, rows(["cat", "cat", "dog"]), **more)
    new = table(tmp_path / "new.table.json", COLUMNS, rows(["cat", "dog", "dog"]), **more)
    report = flipcheck.compare(old, new)
    assert (report.tally.examples, report.tally.negative_flips) == (3, 1)
    assert report.old.facts["format"] == "wandb"


@pytest.mark.parametrize(
    ("columns", "data", "given", "told"),
    [
        pytest.param(COLUMNS, rows("a")[:0], [], "no examples", id="empty"),
        pytest.param([], [], [], "'columns' is not a list of names", id="no columns"),
        pytest.param(COLUMNS, {}, [], "'data' is not a list", id="no rows"),
        pytest.param(COLUMNS, [[1, 2]], [], "row 1: 2 values", id="ragged"),
        pytest.param(COLUMNS, rows("a"), ["--prediction", "image"], "an object", id="media"),
        pytest.param(COLUMNS, rows("a"), ["--prediction", "answer"], "no column", id="column"),
        pytest.param(["id", "id", "label", "pred"], rows("a"), [], "more than one", id="twice"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path, refused, columns, data, given, told):
    """Row and column, and which columns there are."""
    path = table(tmp_path / "old.table.json", columns, data)
    said = refused(path, path, *given)
    assert told in said
    assert "hint:" in said


def test_numbers_and_texts_stay_what_they_are(tmp_path):
    """A column of numbers is numeric, 1 and 1.0 are one class; one of both is text."""
    from flipcheck.sources.saved import read_predictions
    from flipcheck.sources.spec import Columns

    mixed = [[1, IMAGE, 1, "1"], [2, IMAGE, 1.0, "1.0"], [3, IMAGE, 2, 1]]
    found = read_predictions(table(tmp_path / "t.table.json", COLUMNS, mixed), Columns())
    assert found.truth.texts() == ["1", "1", "2"]
    assert found.answers.texts() == ["1", "1.0", "1"]


def test_labels_may_be_a_table_too(tmp_path):
    """--labels takes what the sides take."""
    bare = ["id", "prediction"]
    old = table(tmp_path / "old.table.json", bare, [[1, "a"], [2, "b"]])
    new = table(tmp_path / "new.table.json", bare, [[1, "b"], [2, "b"]])
    truth = table(tmp_path / "truth.table.json", ["id", "label"], [[2, "b"], [1, "a"]])
    assert flipcheck.compare(old, new, labels=truth).tally.negative_flips == 1
