"""Graded answers in files: which column holds the score, and what is no score."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from flipcheck.errors import InputError
from flipcheck.sources.saved import read_predictions
from flipcheck.sources.spec import Columns

COLUMNS = {
    "id": ["a", "b", "c"],
    "rouge": [0.5, 0.25, 1.0],
    "prediction": ["some text", "another", ""],
    "target": ["the text", "another", "a third"],
}


def csv(path):
    """A CSV file of these columns."""
    lines = zip(*(map(str, values) for values in COLUMNS.values()), strict=True)
    path.write_text("\n".join([",".join(COLUMNS), *map(",".join, lines)]) + "\n")


def jsonl(path):
    """A file of JSON objects."""
    rows = zip(*COLUMNS.values(), strict=True)
    lines = (json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in rows)
    path.write_text("\n".join(lines) + "\n")


WRITERS = {
    "csv": csv,
    "jsonl": jsonl,
    "parquet": lambda path: parquet.write_table(pa.table(COLUMNS), path),
    "feather": lambda path: feather.write_feather(pa.table(COLUMNS), str(path)),
    "npz": lambda path: np.savez(
        path, ids=np.array(COLUMNS["id"]), rouge=np.array(COLUMNS["rouge"])
    ),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_scores_are_read_from_the_column_that_is_named(tmp_path, kind):
    """In every format; texts are neither answers nor labels unless they are named."""
    path = tmp_path / f"scores.{kind}"
    WRITERS[kind](path)
    found = read_predictions(path, Columns(score="rouge"))
    assert found.scores.tolist() == [0.5, 0.25, 1.0]
    assert found.scores.dtype == np.float64
    assert found.ids.to_pylist() == ["a", "b", "c"]
    assert found.answers is None
    assert found.truth is None
    assert found.facts["columns"]["score"] == "rouge"


def test_answers_and_labels_are_read_where_they_are_named(tmp_path):
    """So that reports show them beside the scores."""
    path = tmp_path / "scores.csv"
    csv(path)
    columns = Columns(score="rouge", prediction="prediction", label="target")
    found = read_predictions(path, columns)
    assert found.answers.texts([0]) == ["some text"]
    assert found.truth.texts([1]) == ["another"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["0.5", "", "0.1"], "row 3"),  # as an editor counts, with the header
        (["0.5", "nan", "0.1"], "row 3"),
        (["inf", "0.2", "0.1"], "row 2"),
        (["", "", ""], "3 examples with a missing"),
        (["0.5", "good", "0.1"], "'good' is no number"),
        (["0.5", "1e300", "0.1"], "row 3"),
    ],
)
def test_what_is_no_score_is_an_error(table, values, told):
    """With the rows: a missing score is not 0."""
    path = table("scores.csv", "id,f1", *(f"{at},{text}" for at, text in enumerate(values)))
    with pytest.raises(InputError) as caught:
        read_predictions(path, Columns(score="f1"))
    assert told in str(caught.value)
    assert "'f1'" in str(caught.value)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3, 2)),  # scores of classes
        np.array([0.5, np.nan, 0.5]),
        np.array(["a", "b", "c"]),
    ],
    ids=["two columns", "nan", "texts"],
)
def test_an_array_that_holds_no_scores_is_an_error(tmp_path, array):
    """One number for each example."""
    path = tmp_path / "scores.npz"
    np.savez(path, f1=array)
    with pytest.raises(InputError, match="f1"):
        read_predictions(path, Columns(score="f1"))


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_a_column_that_is_not_there_is_an_error(tmp_path, kind):
    """With the names of those that are."""
    path = tmp_path / f"scores.{kind}"
    WRITERS[kind](path)
    with pytest.raises(InputError, match="--score") as caught:
        read_predictions(path, Columns(score="bleu"))
    assert "rouge" in caught.value.hint
