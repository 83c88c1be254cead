"""Details of lighteval: nested columns, of this version and of older ones."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyarrow import parquet

import flipcheck
from flipcheck.sources.saved import read_predictions
from flipcheck.sources.spec import Columns

METRIC = "extractive_match"


def doc(number, **more):
    """A document as lighteval keeps it."""
    return {
        "query": f"question {number}",
        "choices": ["yes", "no"],
        "gold_index": [0],
        "id": str(number),
        "task_name": "lighteval|arc|0",
        "specific": {"level": "easy"},
        **more,
    }


def row(number, right, **metric):
    """A sample of a task that generates."""
    text = "yes" if right else f"no {number}"
    response = {"text": [text], "logprobs": [], "input_tokens": [1] * 50}
    return {
        "doc": doc(number),
        "model_response": response,
        "metric": {METRIC: float(right), **metric},
    }


def details(path, rows):
    """A details file."""
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


RIGHT = [n % 4 != 0 for n in range(600)]
AFTER = [n % 3 != 0 for n in range(600)]


def rows_of(rights, **more):
    """A row for each verdict."""
    return [row(number, right, **more) for number, right in enumerate(rights)]


def test_details_are_counted_as_a_plain_loop_does(tmp_path):
    """By doc.id, whatever the order of rows."""
    old = details(tmp_path / "old.parquet", rows_of(RIGHT))
    new = details(tmp_path / "new.parquet", rows_of(AFTER)[::-1])
    report = flipcheck.compare(old, new)
    pairs = list(zip(RIGHT, AFTER, strict=True))
    assert report.tally.examples == 600
    assert report.tally.negative_flips == sum(one and not two for one, two in pairs)
    assert report.tally.old_wrong == RIGHT.count(False)
    found = read_predictions(new, Columns(by=("level",)))
    assert found.ids[0].as_py() == "lighteval|arc|0/599"
    assert found.truth.texts([0]) == ["yes"]


def test_documents_have_columns_to_slice_by(tmp_path, compared):
    """A field of doc, or of its specifics."""
    path = details(tmp_path / "log.parquet", rows_of(RIGHT))
    report = compared(path, path, "--by", "level", "--by", "task_name")
    assert {part["by"] for part in report["slices"]} == {"level", "task_name"}


def test_choices_answer_by_their_log_probabilities(tmp_path):
    """The answer is the place of the largest."""
    rows = rows_of([True, False])
    for each, scores in zip(rows, ([-1.0, -2.0], [-2.0, -1.0]), strict=True):
        each["model_response"] = {"text": [], "logprobs": scores}
    found = read_predictions(details(tmp_path / "log.parquet", rows), Columns())
    assert found.answers.texts() == ["0", "1"]
    assert found.truth.texts() == ["0", "0"]
    assert found.confidence[0] > 0.7


def test_several_metrics_are_an_error_that_lists_them(tmp_path, refused):
    """One is picked; a graded one is no verdict."""
    path = details(tmp_path / "log.parquet", rows_of(RIGHT, f1=0.5))
    said = refused(path, path)
    assert f"{METRIC}: 600 samples, 450 right" in said
    assert "f1: 600 samples, graded" in said
    assert "--score f1" in refused(path, path, "--pick", "metric=f1")


def older(rights):
    """Rows as version 0.6 wrote them: no ids, other names."""
    return [
        {
            "example": f"question {number}",
            "full_prompt": f"question {number}",
            "predictions": ["yes" if right else "no"],
            "gold": ["yes"],
            "metrics": {"qem": int(right)},
        }
        for number, right in enumerate(rights)
    ]


def test_older_details_pair_by_a_hash_of_the_question(tmp_path):
    """They have no ids, which a warning tells."""
    old = details(tmp_path / "old.parquet", older(RIGHT))
    new = details(tmp_path / "new.parquet", older(AFTER)[::-1])
    report = flipcheck.compare(old, new)
    pairs = zip(RIGHT, AFTER, strict=True)
    assert report.tally.negative_flips == sum(one and not two for one, two in pairs)
    assert any("hash of each question" in note for note in report.warnings)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param([row(1, right=True), row(1, right=True)], "more than once", id="an id twice"),
        pytest.param([{**row(1, right=True), "doc": doc("")}], "row 1: no doc.id", id="no id"),
        pytest.param(
            [{"doc": "{}", "model_response": "{}", "metric": "{'em': 1}"}],
            "not a nested column",
            id="saved as text",
        ),
        pytest.param([row(1, right=False, **{METRIC: None})], "not one sample", id="unscored"),
        pytest.param([row(1, right=False, **{METRIC: float("nan")})], "not one sample", id="NaN"),
    ],
)
def test_what_is_wrong_with_details_is_said(tmp_path, refused, rows, told):
    """The row or column, and what to do."""
    path = details(tmp_path / "log.parquet", rows)
    said = refused(path, path)
    assert told in said
    assert "hint:" in said


def test_a_file_that_was_cut_short_is_an_error(tmp_path, refused):
    """A Parquet file without its end."""
    path = details(tmp_path / "log.parquet", rows_of(RIGHT))
    path.write_bytes(path.read_bytes()[:-200])
    assert "hint:" in refused(path, path)
