"""Two sides brought together: classes, taxonomies, labels and data, through the one call."""

from __future__ import annotations

import json

import numpy as np
import pytest
from onnx_models import brightness, echo, echo_data, linear

import flipcheck
from flipcheck.errors import FlipcheckError, UsageError

X = np.eye(3, dtype=np.float32)


def counts(report) -> tuple[int, int, int]:
    """Both right, broken and mended."""
    tally = report.tally
    return tally.both_right, tally.negative_flips, tally.positive_flips


@pytest.fixture
def pair(tmp_path):
    """Two models of three features: the old with these classes, the new with those."""

    def make(old: list[str], new: list[str], turn: int = 0):
        weights = np.roll(np.eye(3), turn, axis=1) * 9
        return (
            linear(tmp_path / "old.onnx", np.eye(3) * 9, classes=old),
            linear(tmp_path / "new.onnx", weights, classes=new),
        )

    return make


@pytest.mark.parametrize(
    ("old", "new", "turn", "expected"),
    [
        (["a", "b", "c"], ["a", "b", "c"], 0, (3, 0, 0)),  # the same
        (["a", "b", "c"], ["a", "b", "c"], 1, (0, 3, 0)),  # other answers
        (["a", "b", "c"], ["c", "a", "b"], 1, (3, 0, 0)),  # another order and the same answers
        (["a", "b", "c"], ["c", "a", "b"], 0, (0, 3, 0)),  # the same places and other answers
        (["a", "b", "c"], ["a", "b", "d"], 0, (2, 1, 0)),  # a class that the new one lacks
    ],
)
def test_models_are_compared_by_class(pair, archive, old, new, turn, expected):
    """Answers are names of classes, whatever their places."""
    data = archive(x=X, y=["a", "b", "c"])
    assert counts(flipcheck.compare(*pair(old, new, turn), data)) == expected


def test_classes_that_one_model_lacks_are_told(pair, archive):
    """A class that one side cannot answer is a warning for each side."""
    report = flipcheck.compare(
        *pair(["a", "b", "c"], ["a", "b", "d"]), archive(x=X, y=["a", "b", "c"])
    )
    warnings = " ".join(report.warnings)
    assert "the old model lacks 1 class that the other has: 'd'" in warnings
    assert "the new model lacks 1 class that the other has: 'c'" in warnings


def test_folders_are_matched_by_name(tmp_path, images):
    """A folder is the class of its name, never of its place in the alphabet."""
    folder = images(light=[200, 250], dark=[10])
    old = brightness(tmp_path / "old.onnx", [None, 3, 5, 7])
    assert counts(flipcheck.compare(old, old, folder)) == (3, 0, 0)


def test_folders_that_are_no_class(tmp_path, images):
    """A folder that no class is named like is an error that lists the classes."""
    old = brightness(tmp_path / "old.onnx", [None, 3, 5, 7])
    with pytest.raises(FlipcheckError) as error:
        flipcheck.compare(old, old, images(light=[200], darkness=[10]))
    assert "'darkness'" in str(error.value)
    assert "'dark', 'light'" in str(error.value)


@pytest.mark.parametrize("labels", [[0, 1, 2], [0.0, 1.0, 2.0], ["0", "1", "2"]])
def test_numbers_mean_the_places_of_the_shared_classes(pair, archive, labels):
    """Whole-number labels are named by the list that both models have."""
    models = pair(["a", "b", "c"], ["a", "b", "c"])
    report = flipcheck.compare(*models, archive(x=X, y=labels))
    assert counts(report) == (3, 0, 0)


def test_numbers_mean_nothing_where_models_number_otherwise(pair, archive):
    """Where two models number their classes otherwise, a number must be explained."""
    models = pair(["a", "b", "c"], ["c", "a", "b"], 1)
    data = archive(x=X, y=[0, 1, 2])
    with pytest.raises(FlipcheckError, match="say what the numbers mean with --classes"):
        flipcheck.compare(*models, data)
    named = {"classes": "a,b,c", "new_classes": "c,a,b"}
    assert counts(flipcheck.compare(*models, data, **named)) == (3, 0, 0)


@pytest.mark.parametrize("labels", [[0, 1, 2], [3, 5, 8]])
def test_classes_that_are_numbers_are_no_places(tmp_path, archive, labels):
    """Of classes 3, 5 and 9, a label 1 is none: nothing is moved in silence."""
    model = linear(tmp_path / "m.onnx", X, classes=["3", "5", "9"])
    with pytest.raises(FlipcheckError, match="that no class has"):
        flipcheck.compare(model, model, archive(x=X, y=labels))
    assert counts(flipcheck.compare(model, model, archive("b.npz", x=X * 9, y=[3, 5, 9]))) == (
        3,
        0,
        0,
    )


@pytest.mark.parametrize(
    ("answers", "labels"),
    [
        (np.array([0, 1, 1]), ["cat", "dog", "dog"]),  # numbers, and names
        (np.array(["cat", "dog", "dog"]), [0, 1, 1]),  # names, and numbers
    ],
)
def test_answers_and_labels_that_cannot_meet(tmp_path, answers, labels):
    """Numbers against names can never be right, which is an error and no verdict."""
    model = echo(tmp_path / "m.onnx", {"label": answers})
    data = echo_data(tmp_path / "d.npz", {"label": answers}, y=labels)
    with pytest.raises(FlipcheckError, match="--classes"):
        flipcheck.compare(model, model, data)


def test_class_list_for_a_model_of_numbers(tmp_path):
    """A class list says what the numbers of a label output mean."""
    answers = np.array([0, 1, 1])
    model = echo(tmp_path / "m.onnx", {"label": answers})
    data = echo_data(tmp_path / "d.npz", {"label": answers}, y=["cat", "dog", "dog"])
    assert counts(flipcheck.compare(model, model, data, classes="cat,dog")) == (3, 0, 0)


OLD = ("1,a,a", "2,b,b", "3,a,b")
NEW = ("1,a,A", "2,b,A", "3,a,A")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"new_label_map": {"A": "a"}}, (1, 1, 1)),  # the new taxonomy
        ({"label_map": {"a": "A", "b": "A"}}, (3, 0, 0)),  # both into a coarser one
        ({"old_label_map": {"b": "A", "a": "A"}, "new_label_map": {"a": "A", "b": "A"}}, (3, 0, 0)),
        ({"label_map": json.dumps({"a": "A", "b": "A"})}, (3, 0, 0)),  # as text
    ],
)
def test_label_maps(written, options, expected):
    """A label map translates a side's answers and labels."""
    old = written("old.csv", "\n".join(("id,label,pred", *OLD)))
    new = written("new.csv", "\n".join(("id,label,pred", *NEW)))
    report = flipcheck.compare(old, new, **options)
    assert counts(report) == expected
    assert not report.warnings


def test_keys_that_are_nowhere_are_told_once(written):
    """A key of a label map that no side, label or class list has is one warning."""
    old = written("old.csv", "\n".join(("id,label,pred", *OLD)))
    new = written("new.csv", "\n".join(("id,label,pred", *NEW)))
    table = {"A": "a", "zebra": "a"}
    warnings = flipcheck.compare(old, new, label_map=table).warnings
    assert [each for each in warnings if "label map" in each] == [
        "label map: 1 name that neither a side nor the labels have: 'zebra'"
    ]


@pytest.mark.parametrize(
    ("rows", "options", "expected"),
    [
        ("0,a,a\n1,b,a\n2,c,c\n", {}, (2, 0, 1)),  # names
        ("0,0,0\n1,1,0\n2,2,2\n", {"old_classes": "a,b,c"}, (2, 0, 1)),  # numbers, named
    ],
)
def test_saved_predictions_against_a_model(tmp_path, written, archive, rows, options, expected):
    """A saved file and a model meet by id and by class."""
    saved = written("old.csv", f"id,label,pred\n{rows}")
    model = linear(tmp_path / "new.onnx", X * 9, classes=["a", "b", "c"])
    data = archive(x=X, y=["a", "b", "c"], ids=["0", "1", "2"])
    assert counts(flipcheck.compare(saved, model, data, **options)) == expected


@pytest.mark.parametrize("columns", ["id,label,pred", "id,other,pred"])
def test_saved_numbers_against_a_model_of_names(tmp_path, written, archive, columns):
    """Numbers in a saved file must be named, whether or not it has labels."""
    saved = written("old.csv", f"{columns}\n0,0,0\n1,1,0\n2,2,2\n")
    model = linear(tmp_path / "new.onnx", X * 9, classes=["a", "b", "c"])
    data = archive(x=X, y=["a", "b", "c"], ids=["0", "1", "2"])
    with pytest.raises(FlipcheckError, match="--old-classes"):
        flipcheck.compare(saved, model, data)


def test_labels_of_a_file_of_their_own(written):
    """--labels brings the truth."""
    old = written("old.csv", "id,pred\n1,a\n2,b\n")
    new = written("new.csv", "id,pred\n2,a\n1,a\n")
    labels = written("labels.csv", "id,label\n1,a\n2,b\n")
    assert counts(flipcheck.compare(old, new, labels=labels)) == (1, 1, 0)


def test_data_of_each_side(tmp_path, archive):
    """Two models that need different features of the same examples have data of their own."""
    old = linear(tmp_path / "old.onnx", np.eye(3) * 9)
    new = linear(tmp_path / "new.onnx", np.eye(2) * 9)
    first = archive("a.npz", x=X, y=[0, 1, 1], ids=["p", "q", "r"])
    second = archive("b.npz", x=np.eye(2)[[1, 1, 0]], y=[1, 1, 0], ids=["r", "q", "p"])
    report = flipcheck.compare(old, new, old_data=first, new_data=second)
    assert counts(report) == (2, 0, 1)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "there is no data to run it on"),
        ({"old_data": "a.npz", "new_data": "a.npz", "data": "a.npz"}, "would not be used"),
        ({"data": "nothing.npz"}, "no such file"),
        ({"data": "a.npz", "by": ["region"]}, "no source has the column 'region' (--by)"),
        ({"data": "a.npz", "label": "gold"}, "no source has the label column 'gold'"),
        ({"data": "b.npz"}, "no labels"),
        ({"data": "empty.npz"}, "test set is empty"),
        ({"data": "twice.npz"}, "1 id more than once: 'p'"),
        ({"data": "strange.npz"}, "2 labels that no class has: 'x', 'y'"),
    ],
)
def test_data_that_do_not_fit(tmp_path, archive, monkeypatch, options, told):
    """Missing, useless and ill-fitting data are errors before any number."""
    monkeypatch.chdir(tmp_path)
    linear(tmp_path / "m.onnx", X * 9, classes=["a", "b", "c"])
    archive("a.npz", x=X, y=["a", "b", "c"])
    archive("b.npz", x=X)
    archive("empty.npz", x=X[:0], y=np.array([], str))
    archive("twice.npz", x=X, y=["a", "b", "c"], ids=["p", "p", "q"])
    archive("strange.npz", x=X, y=["a", "x", "y"])
    with pytest.raises(FlipcheckError) as error:
        flipcheck.compare("m.onnx", "m.onnx", **options)
    assert told in str(error.value), str(error.value)


@pytest.mark.parametrize(
    "option",
    [{"output": "p"}, {"new_threshold": 0.5}, {"preprocess": "scale=1"}, {"features": "a"}],
)
def test_options_of_models_for_saved_predictions(written, option):
    """What only a model can take is refused for a saved file, not passed over."""
    old = written("old.csv", "\n".join(("id,label,pred", *OLD)))
    with pytest.raises(FlipcheckError, match="is for models"):
        flipcheck.compare(old, old, **option)


def test_features_of_the_data_beside_a_saved_side(tmp_path, written):
    """--features is of the data, which only the model is run on: the saved side has its answers."""
    old = written("old.csv", "id,label,pred\n1,a,b\n2,b,b")
    model = linear(tmp_path / "m.onnx", np.eye(2), classes=("a", "b"))
    data = written("data.csv", "id,f,g,more,label\n1,1,0,7,a\n2,1,0,8,b")
    tally = flipcheck.compare(old, model, data, features="f,g", resamples=0).tally
    assert (tally.negative_flips, tally.positive_flips) == (1, 1)


def test_data_of_a_saved_side(written, archive):
    """--new-data makes no sense for a saved file."""
    old = written("old.csv", "\n".join(("id,label,pred", *OLD)))
    with pytest.raises(FlipcheckError, match="--new-data is for a model"):
        flipcheck.compare(old, old, new_data=archive(x=X))


def test_labels_and_data_at_once_for_saved_predictions(written):
    """A table of data that nobody would look at is an error."""
    old = written("old.csv", "\n".join(("id,label,pred", *OLD)))
    with pytest.raises(FlipcheckError, match="the labels are given already"):
        flipcheck.compare(old, old, old, labels=old)


def test_slices_of_the_data(tmp_path, written):
    """A column of the data slices the audit of two models."""
    model = linear(tmp_path / "m.onnx", X * 9, classes=["a", "b", "c"])
    rows = "a,b,c,region,label\n1,0,0,EU,a\n0,1,0,US,b\n0,0,1,EU,c\n"
    report = flipcheck.compare(model, model, written("t.csv", rows), by=["region"])
    assert {each.value: each.tally.examples for each in report.slices} == {"EU": 2, "US": 1}


@pytest.mark.parametrize(
    ("header", "options", "told"),
    [
        ("id,label,pred", {}, "1 example without an answer, counted as wrong"),
        ("id,label,pred,correct", {"correct": "correct"}, "1 example without an answer"),
    ],
)
def test_missing_answers_are_told(written, header, options, told):
    """A missing answer counts as wrong; where the file's own verdict decides, it may be right."""
    verdicts = header.endswith("correct")
    rows = ["1,a,a" + ",1" * verdicts, "2,a," + ",1" * verdicts]
    old = written("old.csv", "\n".join([header, *rows]))
    (warning, *_) = flipcheck.compare(old, old, **options).warnings
    assert warning.endswith(told)


def test_rows_without_ids_are_told(written):
    """Pairing by row number is a warning."""
    old = written("old.csv", "label,pred\na,a\nb,b\n")
    assert "paired by row number" in flipcheck.compare(old, old).warnings[-1]


def test_the_same_preprocessing_of_two_files_is_no_difference(tmp_path, images):
    """Only what is done is compared, not where that was found."""
    config = json.dumps({"do_resize": False, "image_mean": [0.1], "image_std": [1.0]})
    for side in ("old", "new"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "preprocessor_config.json").write_text(config)
        brightness(tmp_path / side / "m.onnx", [None, 3, 5, 7])
    folder = images(light=[200], dark=[1])
    models = tmp_path / "old" / "m.onnx", tmp_path / "new" / "m.onnx"
    assert flipcheck.compare(*models, folder).contract == ()
    found = flipcheck.compare(*models, folder, new_preprocess="scale=1/256").contract
    assert "preprocessing: pixel scale" in {each.what for each in found if each.flips}


def test_thresholds_of_each_side(tmp_path):
    """Each side may have a threshold of its own."""
    scores = np.float32([0.2, 0.4, 0.6, 0.8])
    metadata = {"classes": "no,yes"}
    model = echo(tmp_path / "m.onnx", {"p": scores}, metadata=metadata)
    data = echo_data(tmp_path / "d.npz", {"p": scores}, y=["no", "yes", "yes", "yes"])
    report = flipcheck.compare(model, model, data, old_threshold=0.3, new_threshold=0.7)
    assert counts(report) == (2, 2, 0)


@pytest.mark.parametrize("option", ["prediction", "correct"])
@pytest.mark.parametrize("kind", ["models", "memory"])
def test_columns_of_answers_that_nobody_reads(tmp_path, option, kind):
    """Where no side is a file of predictions, the column of answers or verdicts is an error."""
    data = None
    side = flipcheck.Predictions.from_arrays(["a", "b"], ["a", "b"])
    if kind == "models":
        scores = np.float32([[0.9, 0.1], [0.2, 0.8]])
        side = echo(tmp_path / "m.onnx", {"p": scores})
        data = echo_data(tmp_path / "d.npz", {"p": scores}, y=[0, 1])
    with pytest.raises(UsageError, match=f"--{option} is for saved predictions in a file"):
        flipcheck.compare(side, side, data, **{option: "column"})


def test_features_are_those_of_the_model_beside_a_file(tmp_path, table):
    """What names the columns of the one model says nothing of saved predictions beside it."""
    model = linear(tmp_path / "m.onnx", np.eye(2), classes=("a", "b"))
    data = table("d.csv", "id,f,g,h,label", "1,1,0,9,a", "2,0,1,9,b")
    saved = table("s.csv", "id,prediction", "1,a", "2,a")
    report = flipcheck.compare(model, saved, data, features="f,g")
    assert counts(report) == (1, 1, 0)
    with pytest.raises(UsageError, match="--features is for models, and both sides are saved"):
        flipcheck.compare(saved, saved, labels=data, features="f,g")
