"""Which columns of a table are ids, labels, answers, verdicts and scores."""

from __future__ import annotations

import pyarrow as pa
import pytest

from flipcheck.errors import InputError
from flipcheck.sources.saved import read_labels, read_predictions
from flipcheck.sources.spec import Columns


@pytest.mark.parametrize(
    ("header", "given", "expected"),
    [
        ("id,label,prediction", {}, {"id": "id", "label": "label", "prediction": "prediction"}),
        ("sample_id,gold,pred", {}, {"id": "sample_id", "label": "gold", "prediction": "pred"}),
        ("a,y,y_pred", {}, {"label": "y", "prediction": "y_pred"}),  # no ids: rows
        ("a,b,c", {"id": "a", "label": "b", "prediction": "c"},
         {"id": "a", "label": "b", "prediction": "c"}),  # names of one's own
        ("id,label,y,pred", {"label": "y"}, {"id": "id", "label": "y", "prediction": "pred"}),
        ("id,correct", {}, {"id": "id", "correct": "correct"}),  # nothing but verdicts
        ("id,label,pred,correct", {"correct": "correct"},
         {"id": "id", "label": "label", "prediction": "pred", "correct": "correct"}),
        ("id,label,pred,correct", {}, {"id": "id", "label": "label", "prediction": "pred"}),
        ("id,pred", {"label": "elsewhere"}, {"id": "id", "prediction": "pred"}),  # another's column
    ],
)  # fmt: skip
def test_columns_play_parts(written, header, given, expected):
    """The parts are found by the usual names, and by the flags."""
    row = ",".join("1" for _ in header.split(","))
    found = read_predictions(written("t.csv", f"{header}\n{row}\n"), Columns(**given))
    assert found.facts["columns"] == expected


@pytest.mark.parametrize(
    ("header", "given", "told"),
    [
        ("id,label,target,pred", {}, ["'label' and 'target'", "--label label"]),  # two truths
        ("id,label,pred,y_pred", {}, ["'pred' and 'y_pred'", "--prediction pred"]),  # two answers
        ("id,label", {}, ["no prediction column", "--prediction", "id, label"]),
        ("id,label,pred", {"prediction": "prod"}, ["no column 'prod' (--prediction)", "'pred'"]),
        ("id,label,pred", {"correct": "ok"}, ["no column 'ok' (--correct)"]),
        ("id,label,pred", {"id": "ids"}, ["no column 'ids' (--id)", "'id'"]),
        ("id,label,prob_a", {}, ["nothing says what the other is called", "--classes no,a"]),
    ],
)
def test_what_cannot_be_decided_is_asked(written, header, given, told):
    """Two columns for one part, or none, is an error that names the flag."""
    row = ",".join("1" for _ in header.split(","))
    with pytest.raises(InputError) as error:
        read_predictions(written("t.csv", f"{header}\n{row}\n"), Columns(**given))
    assert all(each in str(error.value) for each in told), str(error.value)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "0"], [True, False]),
        (["true", "False"], [True, False]),  # any case
        (["1.0", "0.0"], [True, False]),  # as pandas writes a column that once had gaps
    ],
)
def test_verdicts(written, texts, expected):
    """A verdict is 0 or 1, true or false."""
    rows = "".join(f"{row},{text}\n" for row, text in enumerate(texts))
    found = read_predictions(written("t.csv", f"id,correct\n{rows}"), Columns())
    assert found.correct.tolist() == expected


def test_bad_verdicts_are_listed(written):
    """Other words, and gaps, are errors that name them and the row."""
    path = written("t.csv", "id,correct\n1,yes\n2,\n3,1\n")
    with pytest.raises(InputError) as error:
        read_predictions(path, Columns())
    assert "'yes'" in str(error.value)
    assert "1 row without a verdict: row 3" in str(error.value)


def test_unused_verdicts_that_differ_are_counted(written):
    """Where a verdict column is not asked for and disagrees with equality, a warning counts it."""
    path = written("t.csv", "id,label,pred,correct\n1,a,a,1\n2,a,b,1\n3,a,b,0\n")
    (warning,) = read_predictions(path, Columns()).warnings
    assert "disagree on 1 row" in warning


@pytest.mark.parametrize("prefix", ["prob_", "proba_", "logit_", "score_"])
def test_score_columns_name_their_classes(written, prefix):
    """The answer is the class of the largest score."""
    path = written("t.csv", f"id,label,{prefix}cat,{prefix}dog\n1,cat,0.9,0.1\n2,cat,0.2,0.8\n")
    assert read_predictions(path, Columns()).answers.texts() == ["cat", "dog"]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (["0.75,0.25"], 0.75),  # shares are confidence
        (["3.5,-1"], None),  # logits are not
    ],
)
def test_confidence_of_score_columns(written, scores, expected):
    """Only scores within [0, 1] are told as confidence."""
    path = written("t.csv", "id,prob_a,prob_b\n1," + scores[0] + "\n")
    found = read_predictions(path, Columns()).confidence.tolist()[0]
    assert found == expected or (expected is None and found != found)  # noqa: PLR0124


def test_scores_that_differ_in_the_tenth_digit(written):
    """Scores are compared as they are written, not as rounded to 32 bits."""
    path = written("t.csv", "id,prob_a,prob_b\n1,0.4999999999,0.5000000001\n")
    assert read_predictions(path, Columns()).answers.texts() == ["b"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("1,0.5,nan\n2,,1\n3,0,1\n", "2 rows with NaN or infinite scores: row 2, 3"),
        ("1,0.5,inf\n", "1 row with NaN or infinite scores: row 2"),
        ('1,"0\n.5",x\n2,0,y\n', "row 2: '0\\n.5' is no number"),  # rows as an editor shows them
        ("1,0.5,x\n2,0,y\n", "row 3: 'y' is no number"),
        ("1,1_0,0\n", "'1_0' is no number"),  # a number to Python only
    ],
)
def test_scores_that_are_none(written, rows, told):
    """NaN, infinity and text among scores are errors with their rows, never class 0."""
    with pytest.raises(InputError) as error:
        read_predictions(written("t.csv", f"id,prob_a,prob_b\n{rows}"), Columns())
    assert told in str(error.value)


def test_missing_answers_are_counted(written):
    """An empty answer is missing, not a class of its own."""
    found = read_predictions(written("t.csv", "id,label,pred\n1,a,\n2,a,a\n"), Columns())
    assert found.answers.texts() == [None, "a"]
    assert found.answers.missing == 1


def test_missing_ids_are_named(written):
    """An example without an id is an error that names the column."""
    with pytest.raises(InputError, match="column 'id': 1 example without an id"):
        read_predictions(written("t.csv", "id,label,pred\n,a,a\n2,a,a\n"), Columns())


def test_slices(written):
    """The columns of --by come along."""
    path = written("t.csv", "id,label,pred,region\n1,a,a,EU\n2,a,a,\n")
    found = read_predictions(path, Columns(by=("region", "elsewhere")))
    assert {name: each.texts() for name, each in found.columns.items()} == {"region": ["EU", None]}


def test_labels_of_their_own(written):
    """A file of labels needs no answers."""
    found = read_labels(written("t.csv", "id,label\n1,a\n2,b\n"), Columns())
    assert (found.truth.texts(), found.answers) == (["a", "b"], None)


def test_labels_file_without_labels(written):
    """A file of labels that has none says what it has."""
    with pytest.raises(InputError, match="no label column") as error:
        read_labels(written("t.csv", "id,pred\n1,a\n"), Columns())
    assert "id, pred" in error.value.hint


def test_whole_number_ids_stay_numbers(parquet_file):
    """Whole-number ids stay numbers, so that they can be paired with the text of a CSV file."""
    found = read_predictions(parquet_file(id=[7, 8], label=["a", "b"], pred=["a", "a"]), Columns())
    assert found.ids.to_pylist() == [7, 8]


def test_ids_beyond_64_bits(parquet_file):
    """Unsigned ids that no signed number holds, such as hashes, are told apart."""
    hashes = pa.array([2**64 - 1, 2**64 - 2], pa.uint64())
    found = read_predictions(parquet_file(id=hashes, pred=["a", "b"]), Columns())
    assert found.ids.to_pylist() == ["18446744073709551615", "18446744073709551614"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("model.pt", b"PK\x03\x04", "never loads pickles"),  # PyTorch
        ("x.pkl", b"\x80\x04", "never loads pickles"),
        ("x.dat", b"\x80\x04\x95", "never loads pickles"),  # by content
        ("x.npy", b"\x93NUMPY", "never loads pickles"),
        ("model.h5", b"\x89HDF", "not a model format"),
        ("t.xlsx", b"PK\x03\x04", "a spreadsheet"),
        ("t.csv.gz", b"\x1f\x8b\x08\x00", "compressed"),
        ("t.json", b'[{"id": 1}]', "no prediction column"),  # read as rows
        ("t.bin2", b"\x00\x01\x02", "unknown kind"),
        ("t.npz", b"PK\x05\x06" + b"\0" * 18, "without arrays"),  # an empty archive
    ],
)
def test_other_kinds_of_file_are_refused(written, name, content, told):
    """What flipcheck does not read is said, with what to give instead."""
    with pytest.raises(InputError) as error:
        read_predictions(written(name, content), Columns())
    assert told in error.value.message
    assert error.value.hint


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nothing.csv", "no such file"),
        ("x" * 300 + ".csv", "cannot be read"),  # longer than a name can be
        ("", "a folder"),  # the folder itself
        ("a\0b.csv", "no such file"),  # a character that no name has
    ],
)
def test_paths_that_are_no_files(tmp_path, name, told):
    """A path that cannot be read is an error of the user's, not of ours."""
    with pytest.raises(InputError, match=told):
        read_predictions(tmp_path / name, Columns())
