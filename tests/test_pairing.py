"""Predictions, and the pairing of two sources by id."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest

from flipcheck.errors import InputError, PairingError, UsageError
from flipcheck.labels import Labels
from flipcheck.matching import positions
from flipcheck.pairing import pair
from flipcheck.predictions import Predictions, id_array


def model(answers, truth=None, ids=None, name="old.csv", **more) -> Predictions:
    """One source of predictions; without ids they are the letters from a."""
    ids = [chr(ord("a") + row) for row in range(len(answers))] if ids is None else ids
    return Predictions(
        name=name,
        ids=id_array(ids, name),
        answers=Labels.of(answers),
        truth=None if truth is None else Labels.of(truth),
        **more,
    )


def judged(correct, name="old.csv", **more) -> Predictions:
    """A source that knows only right and wrong."""
    ids = pa.array([chr(ord("a") + row) for row in range(len(correct))])
    return Predictions(name=name, ids=ids, correct=np.array(correct), **more)


def test_examples_are_matched_by_id_in_the_order_of_the_old_source():
    """The new source's rows are found wherever they stand."""
    old = model(["x", "y", "z"], ["x", "y", "x"], ["1", "2", "3"])
    new = model(["z", "x", "q"], ["x", "x", "y"], ["3", "1", "2"])
    paired = pair(old, new)
    assert paired.ids.to_pylist() == ["1", "2", "3"]
    assert paired.new.texts() == ["x", "q", "z"]
    assert paired.old_right.tolist() == [True, True, False]
    assert paired.new_right.tolist() == [True, False, False]
    assert paired.same_answer.tolist() == [True, False, True]


def test_a_source_can_be_compared_with_itself():
    """One object on both sides is two equal models."""
    both = model(["x", "y"], ["x", "x"])
    paired = pair(both, both)
    assert paired.old_right.tolist() == paired.new_right.tolist() == [True, False]


def test_whole_numbers_and_their_text_are_one_id():
    """A CSV's ids are text and a Parquet's are numbers: they pair."""
    old = model(["x", "y"], ["x", "y"], ["7", "8"])
    paired = pair(old, model(["y", "x"], None, [8, 7], name="new.parquet"))
    assert paired.new.texts() == ["x", "y"]


def test_ids_that_pandas_made_floats_are_whole_numbers():
    """A numeric column says that 7 and 7.0 are one id."""
    old = model(["x", "y"], ["x", "y"], [7.0, 8.0])
    assert pair(old, model(["x", "y"], None, [7, 8])).new_right.all()


def test_ids_are_never_coerced_from_text():
    """`007` and `7` are two ids."""
    with pytest.raises(PairingError, match="not hold the same examples"):
        pair(model(["x"], ["x"], ["007"]), model(["x"], None, [7]))


def test_a_hash_beyond_int64_is_an_id():
    """Unsigned 64-bit ids pair, also with their text."""
    large = np.array([2**64 - 1, 3], dtype=np.uint64)
    old = model(["x", "y"], ["x", "y"], large)
    assert pair(old, model(["y", "x"], None, ["3", str(2**64 - 1)])).new_right.all()


@pytest.mark.parametrize(
    "ids",
    [
        ["a", None],  # a null
        ["a", ""],  # an empty cell of a CSV
        [1.0, float("nan")],  # what pandas makes of a gap
        pa.array([1, None]),  # a null among numbers
        pa.array(["a", None], pa.large_string()),  # in the other kind of text
        pa.array([1, None], pa.uint64()),
    ],
)
def test_a_missing_id_is_an_error_that_names_the_example(ids):
    """Every example needs an id; examples count from 1."""
    with pytest.raises(InputError, match=r"1 example without an id \(example '2'\)"):
        id_array(ids, "old.csv")


def test_positions_of_ids_that_are_not_there_are_minus_one():
    """What is not found is said to be so."""
    assert positions(pa.array(["b", "z", "a"]), pa.array(["a", "b"])).tolist() == [1, -1, 0]


def test_all_problems_of_the_ids_are_said_at_once():
    """Duplicates on both sides and an empty source come in one error."""
    old = model(["x", "y", "z"], None, ["1", "1", "2"])
    new = model(["x", "y"], None, [5, 5], name="new.csv")
    with pytest.raises(PairingError) as caught:
        pair(old, new, model([], [], name="labels.csv"))
    assert caught.value.problems == (
        "labels.csv: no examples",
        "old.csv: 1 id more than once: '1'",
        "new.csv: 1 id more than once: '5'",
    )


def test_many_duplicates_are_counted_and_the_first_few_quoted():
    """The error quotes five ids and says how many more there are."""
    ids = [str(row // 2) for row in range(16)]
    with pytest.raises(PairingError) as caught:
        pair(model(["x"] * 16, None, ids), model(["x"]))
    assert caught.value.problems[0] == (
        "old.csv: 8 ids more than once: '0', '1', '2', '3', '4' and 3 more"
    )


def test_row_numbers_do_not_pair_with_ids():
    """A source without ids is not matched by position to one that has them."""
    old = Predictions.from_arrays(["x", "y"], ["x", "y"], name="old.npz")
    with pytest.raises(PairingError) as caught:
        pair(old, model(["x", "y"], None, ["0", "1"], name="new.csv"))
    assert caught.value.problems == ("old.npz: no id column, but new.csv has ids",)


def test_two_sources_without_ids_pair_by_row():
    """Where nobody has ids, the row number is the id."""
    old = Predictions.from_arrays(["x", "y"], ["x", "x"])
    assert pair(old, Predictions.from_arrays(["y", "x"])).new_right.tolist() == [False, True]


LEFT = model(["x", "y", "z"], ["x", "y", "z"], ["1", "2", "3"])
RIGHT = model(["y", "z", "w"], ["y", "z", "w"], ["2", "3", "4"], name="new.csv")


def test_examples_on_one_side_only_are_an_error_with_both_lists():
    """What the old source lacks and what the new one lacks are both said."""
    with pytest.raises(PairingError) as caught:
        pair(LEFT, RIGHT)
    assert caught.value.problems == (
        "1 example of old.csv not in new.csv: '1'",
        "1 example of new.csv not in old.csv: '4'",
    )
    assert "--allow-missing" in caught.value.hint


def test_missing_examples_are_left_out_when_allowed_and_counted():
    """--allow-missing compares what both have, and says how many were dropped."""
    paired = pair(LEFT, RIGHT, allow_missing=True)
    assert paired.ids.to_pylist() == ["2", "3"]
    assert paired.dropped == 2


def test_an_example_missing_from_the_old_source_alone_is_dropped_once():
    """One example that two other sources have is one dropped example."""
    both = ["x", "y", "z"]
    new = model(both, None, ["1", "2", "3"], name="new.csv")
    labels = model(both, both, ["3", "2", "1"], name="labels.csv")
    old = model(["x", "y"], None, ["1", "2"])
    assert pair(old, new, labels, allow_missing=True).dropped == 1


def test_no_common_example_is_an_error_even_when_missing_ones_are_allowed():
    """A comparison of nothing is no result."""
    new = model(["x"], ["x"], ["9"], name="new.csv")
    with pytest.raises(PairingError, match="no examples to compare"):
        pair(LEFT, new, allow_missing=True)


@pytest.mark.parametrize("with_truth", ["old", "new"])
def test_the_truth_of_one_side_serves_both(with_truth):
    """One file with labels is enough, whichever it is."""
    old = model(["x", "y"], ["x", "x"] if with_truth == "old" else None)
    new = model(["y", "x"], ["x", "x"] if with_truth == "new" else None, name="new.csv")
    paired = pair(old, new)
    assert (paired.old_right.tolist(), paired.new_right.tolist()) == ([True, False], [False, True])


def test_a_label_that_one_file_lacks_is_taken_from_the_other():
    """Two files' labels complete each other, whichever is old."""
    old, new = model(["x", "y"], ["x", None]), model(["x", "y"], ["", "y"], name="new.csv")
    assert pair(old, new).truth.texts() == ["x", "y"]
    assert pair(new, old).truth.texts() == ["x", "y"]


DISAGREEING = (
    model(["x", "y", "z"], ["x", "y", "z"]),
    model(["x", "y", "z"], ["x", "z", "z"], name="new.csv"),
)


def test_labels_that_disagree_are_an_error_that_quotes_both():
    """Two truths are a problem that the user must settle."""
    with pytest.raises(PairingError) as caught:
        pair(*DISAGREEING)
    assert "disagree about the label of 1 example: 'b'" in caught.value.message
    assert caught.value.problems == ("'b': 'y' in the old, 'z' in the new",)


@pytest.mark.parametrize(("side", "truth"), [("old", ["x", "y", "z"]), ("new", ["x", "z", "z"])])
def test_labels_from_one_side_settle_a_disagreement(side, truth):
    """--labels-from takes one side's labels and the report keeps the count."""
    paired = pair(*DISAGREEING, labels_from=side)
    assert paired.truth.texts() == truth
    assert paired.label_disagreements == 1


def test_a_label_file_settles_a_disagreement():
    """Labels of their own are the truth, and the report keeps the count."""
    labels = model(["", "", ""], ["x", "x", "z"], name="labels.csv")
    paired = pair(*DISAGREEING, labels)
    assert paired.truth.texts() == ["x", "x", "z"]
    assert paired.label_disagreements == 1


def test_labels_from_a_side_without_labels_is_a_usage_error():
    """The flag asks for what is not there."""
    with pytest.raises(UsageError, match=r"--labels-from new: new\.csv has no labels"):
        pair(model(["x"], ["x"]), model(["x"], name="new.csv"), labels_from="new")


def test_no_labels_at_all_are_an_error():
    """Without a truth nothing says which answers are right."""
    with pytest.raises(PairingError, match="no labels"):
        pair(model(["x"]), model(["x"], name="new.csv"))


def test_examples_without_a_label_are_an_error():
    """A missing label is not a wrong answer."""
    old = model(["x", "y", "z"], ["x", None, ""])
    with pytest.raises(PairingError, match="2 examples without a label: 'b', 'c'"):
        pair(old, model(["x", "y", "z"], name="new.csv"))


def test_examples_without_a_label_are_dropped_when_allowed():
    """--allow-missing leaves them out and counts them."""
    paired = pair(model(["x", "y"], ["x", None]), model(["x", "y"]), allow_missing=True)
    assert (len(paired), paired.dropped) == (1, 1)


def test_a_missing_answer_is_wrong_and_two_of_them_are_the_same():
    """A model that does not answer is not right; none on both sides is no change."""
    paired = pair(model(["", "x", ""], ["x", "x", "x"]), model([None, "", "x"]))
    assert paired.old_right.tolist() == [False, True, False]
    assert paired.new_right.tolist() == [False, False, True]
    assert paired.same_answer.tolist() == [True, False, False]


def test_two_verdict_columns_need_no_truth():
    """Sources that know only right and wrong are paired without labels and answers."""
    paired = pair(judged([True, False]), judged([False, False], name="new.csv"))
    assert paired.old_right.tolist() == [True, False]
    assert paired.new_right.tolist() == [False, False]
    assert paired.same_answer is None
    assert paired.truth is None


def test_a_verdict_belongs_to_the_id_of_its_row():
    """Verdicts in another order are matched by id, as answers are."""
    new = Predictions("new.csv", pa.array(["b", "a"]), correct=np.array([True, False]))
    assert pair(judged([True, True]), new).new_right.tolist() == [False, True]


def test_one_verdict_column_alone_needs_a_truth_for_the_other_side():
    """Answers without labels are not judged by the other side's verdicts."""
    with pytest.raises(PairingError, match="no labels"):
        pair(judged([True]), model(["x"], name="new.csv"))


def test_a_verdict_decides_over_equality_and_the_difference_is_told():
    """Where both are there, the verdict column counts, with a warning."""
    right = np.array([True, True])
    old = model(["x", "y"], ["x", "x"], correct=right)
    paired = pair(old, model(["x", "x"], correct=right))
    assert paired.old_right.tolist() == [True, True]
    assert "disagree on 1 row; the verdict column decides" in paired.warnings[0]


def test_one_side_by_verdict_and_the_other_by_label_is_no_comparison():
    """A paraphrase is right by the one and wrong by the other, and a wrong answer cannot flip."""
    new = model(["x", "y"], ["x", "x"], name="new.csv", correct=np.array([True, True]))
    with pytest.raises(PairingError, match="judged by its own verdicts"):
        pair(model(["x", "y"]), new)
    same = model(["x", "y"], ["x", "x"], name="new.csv", correct=np.array([True, False]))
    assert pair(model(["x", "x"]), same).new_right.tolist() == [True, False]


def test_spelling_alone_is_no_error_rate():
    """All wrong because labels are written otherwise is an error, not 100 % errors."""
    with pytest.raises(InputError, match="differ only in how they are written"):
        pair(model(["Cat"], ["cat"]), model(["cat"], name="new.csv"))


def test_slice_columns_come_from_labels_then_new_then_old():
    """A column that several sources have is taken from the labels first, with a warning."""
    regions = [{"region": Labels.of([value])} for value in ("EU", "US", "UK")]
    old = model(["x"], columns=regions[0] | {"age": Labels.of(["old"])})
    new = model(["x"], name="new.csv", columns=regions[1])
    labels = model([""], ["x"], name="labels.csv", columns=regions[2])
    paired = pair(old, new, labels)
    assert paired.columns["region"].texts() == ["UK"]
    assert paired.columns["age"].texts() == ["old"]
    assert paired.warnings == ("column 'region' differs between the sources on 1 example",) * 2


@pytest.mark.parametrize(
    "more",
    [
        {"truth": Labels.of(["x"])},
        {"correct": np.array([True])},
        {"confidence": np.array([0.5], dtype=np.float32)},
        {
            "columns": {"truth": Labels.of(["EU"])},
            "truth": Labels.of(["x", "y"]),
        },  # a column so named
    ],
)
def test_parts_of_different_lengths_cannot_be_one_source(more):
    """Every part has one entry for each example."""
    with pytest.raises(InputError, match="for 2 ids"):
        Predictions(name="old.csv", ids=pa.array(["a", "b"]), **more)


def test_arrays_become_predictions():
    """Answers and truth in lists, with ids of any kind."""
    found = Predictions.from_arrays([1, 2], [1, 1], ids=["p", "q"])
    assert (found.answers.texts(), found.truth.texts()) == (["1", "2"], ["1", "1"])
    assert (found.ids.to_pylist(), found.rows) == (["p", "q"], False)


@pytest.mark.parametrize(
    ("answers", "truth", "ids"),
    [
        (["x", "y"], ["x"], None),  # too few labels
        (["x", "y"], None, [1]),  # too few ids
        (np.zeros((2, 3)), None, None),  # scores, not answers
    ],
)
def test_arrays_that_do_not_fit_are_an_input_error(answers, truth, ids):
    """What cannot be predictions is refused with an error for the user."""
    with pytest.raises(InputError):
        Predictions.from_arrays(answers, truth, ids=ids)


def test_some_rows_have_all_that_they_had():
    """Every part of predictions and of a pairing that has one for each example is cut alike."""
    labels = Labels.of(["a", "b", "a", "c"])
    numbers = np.arange(1.0, 5)
    source = Predictions(
        "s",
        pa.array([1, 2, 3, 4]),
        answers=labels,
        truth=labels,
        correct=np.array([True, True, True, False]),
        confidence=numbers.astype(np.float32),
        scores=numbers,
        ranked=np.stack([labels.codes, labels.codes], axis=1),
        repeats=labels,
        columns={"part": labels},
        weights=numbers,
        groups={"user": labels},
    )
    rows = np.array([3, 1])
    for whole in (source, pair(source, source)):
        some = whole.take(rows)
        for field in fields(whole):
            before, after = getattr(whole, field.name), getattr(some, field.name)
            if isinstance(before, np.ndarray):
                assert np.array_equal(after, before[rows]), field.name
            elif isinstance(before, Labels):
                assert after.texts() == [before.texts()[row] for row in rows], field.name
            elif isinstance(before, dict) and before:
                assert [each.texts() for each in after.values()] == [["c", "b"]], field.name
        assert len(some) == len(rows)
