"""Labels: what counts as the same answer, and how names, indices and taxonomies meet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from flipcheck.errors import InputError
from flipcheck.labels import (
    MISSING,
    Labels,
    check_vocabulary,
    name_by_classes,
    shared_names,
    translate,
)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (["cat", "dog", "cat"], ["cat", "dog", "cat"]),  # text is text
        (["1", "1.0", "007", "2e34"], ["1", "1.0", "007", "2e34"]),  # and never a number
        (["no", "None", "NaN", "null"], ["no", "None", "NaN", "null"]),  # nor a verdict or null
        (["a", "", None], ["a", None, None]),  # an empty answer is no answer
        ([" a", "a"], [" a", "a"]),  # a space is part of it
        ([1, 2, None], ["1", "2", None]),  # numbers in a numeric column
        ([1.0, 2.5, float("nan")], ["1", "2.5", None]),  # 1.0 is the class 1 there
        ([-0.0, 0.0, -1.0], ["0", "0", "-1"]),  # zero has no sign
        ([1e16, float("inf")], ["10000000000000000", "inf"]),  # large numbers are written out
        ([True, False, None], ["True", "False", None]),  # as Python writes them
        ([], []),  # no example
        (np.array(["x", "y"]), ["x", "y"]),  # numpy's text
        (np.array(["x", None, ""], dtype=object), ["x", None, None]),  # and its objects
        (np.array([3, 2**63], dtype=np.uint64), ["3", "9223372036854775808"]),  # beyond int64
        (np.array([1, 0.5, np.nan], dtype=np.float16), ["1", "0.5", None]),  # half precision
        (np.array([0.1], dtype=np.float32), ["0.1"]),  # the shortest text, not its float64
        (pd.Series(["a", None, "b"], index=[7, 8, 9]), ["a", None, "b"]),  # a Series by order
        (pd.Series(["a", np.nan], dtype=object), ["a", None]),  # a gap in pandas' text
        (pd.Series([1, None]), ["1", None]),  # pandas made it float: still class 1
        (pd.Categorical(["x", "y", "x"]), ["x", "y", "x"]),  # categories by their names
        (pa.chunked_array([["a"], ["b", "a"]]), ["a", "b", "a"]),  # chunks are one column
        (pa.chunked_array([], type=pa.string()), []),  # also none of them
        (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),  # the other kinds of text
        (pa.array(["a", "b"], pa.string_view()), ["a", "b"]),
        (pa.array([5, 6]).dictionary_encode(), ["5", "6"]),  # a dictionary of numbers
        (pa.array([None, None]), [None, None]),  # nothing known
    ],
)
def test_values_become_their_canonical_text(values, texts):
    """Labels of any column have the text that the column says."""
    assert Labels.of(values).texts() == texts


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1], [2]]),  # lists
        pa.array([b"x"]),  # bytes
        pa.array([0], pa.timestamp("s")),  # dates
        ["a", 1],  # two types in one column
        [True, "x"],
        np.zeros((2, 2)),  # a table of scores
        [2**70],  # no number of any column
        5,  # one value
    ],
)
def test_values_that_are_no_labels_are_refused(values):
    """What cannot be a class is an error for the user, never a guess or a crash."""
    with pytest.raises(InputError):
        Labels.of(values)


def test_names_are_distinct():
    """Two codes for one name cannot be made."""
    with pytest.raises(ValueError, match="distinct"):
        Labels(np.array([0], dtype=np.int32), ("a", "a"))


def test_missing_labels_are_counted():
    """Null and empty are both missing."""
    assert Labels.of(["a", None, "", "b"]).missing == 2


def test_used_names_are_those_of_some_example():
    """A name that no example has is not used."""
    assert Labels(np.array([2, MISSING, 0], dtype=np.int32), ("a", "b", "c")).used() == ("a", "c")


def test_taken_rows_keep_their_order_and_minus_one_is_missing():
    """Rows are taken by position; −1 is a row that is not there."""
    assert Labels.of(["a", "b", None]).take(np.array([1, -1, 0, 2])).texts() == [
        "b",
        None,
        "a",
        None,
    ]


def test_renaming_to_equal_names_merges_classes():
    """Two names that become one are one class, and missing stays missing."""
    merged = Labels.of(["tabby", "tiger", None, "dog"]).renamed(["cat", "cat", "dog"])
    assert merged.texts() == ["cat", "cat", None, "dog"]
    assert len(set(merged.codes.tolist())) == 3


def test_recoding_keeps_every_label_in_a_larger_list():
    """Codes in a shared list name the same labels."""
    labels = Labels.of(["b", None, "a"])
    assert labels.recoded(("z", "a", "b")).tolist() == [2, MISSING, 1]


def test_shared_names_are_in_order_of_first_appearance():
    """Every name once; None adds none."""
    assert shared_names(Labels.of(["b", "a"]), None, Labels.of(["c", "a"])) == ("b", "a", "c")


CLASSES = ("cat", "dog", "eel")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (["dog", "cat"], ["dog", "cat"]),  # names stay
        (["0", "2"], ["cat", "eel"]),  # indices become names
        ([1, None], ["dog", None]),  # numbers too
        ([None], [None]),  # nothing known is no contradiction
    ],
)
def test_labels_by_name_or_index_become_names(values, texts):
    """A class list turns indices into names and leaves names."""
    assert name_by_classes(Labels.of(values), CLASSES, "labels").texts() == texts


def test_names_win_over_indices():
    """Classes that are called by numbers are names, where all labels are such names."""
    assert name_by_classes(Labels.of(["2", "1"]), ("1", "2"), "labels").texts() == ["2", "1"]


def test_labels_that_a_map_translates_are_known():
    """A label of another taxonomy is no error where a label map has it."""
    labels = Labels.of(["tabby", "dog"])
    assert name_by_classes(labels, CLASSES, "labels", also=["tabby"]).texts() == ["tabby", "dog"]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (["cat", "fox", "owl"], ["'fox', 'owl'", "2 labels"]),  # strange names, all at once
        (["0", "3"], ["'3'", "1 label "]),  # an index beyond the list
        (["cat", "0"], ["mixed", "'0'"]),  # one column does not hold both
        (["-1"], ["'-1'"]),  # a sentinel is no class
    ],
)
def test_labels_without_a_class_are_an_error_that_lists_them(values, named):
    """The message quotes what no class has."""
    with pytest.raises(InputError) as caught:
        name_by_classes(Labels.of(values), CLASSES, "labels")
    assert all(part in caught.value.message for part in named)


def test_translation_leaves_what_its_table_lacks():
    """A label map renames what it has; the empty one changes nothing."""
    labels = Labels.of(["tabby", "dog"])
    assert translate(labels, {"tabby": "cat"}).texts() == ["cat", "dog"]
    assert translate(labels, {}) is labels


def vocabulary(answers, truth, **options):
    """The check of two lists under one list of names."""
    given, true = Labels.of(answers), Labels.of(truth)
    names = shared_names(given, true)
    both = (Labels(each.recoded(names), names) for each in (given, true))
    return check_vocabulary("old.csv", *both, **options)


@pytest.mark.parametrize(
    ("answers", "truth"),
    [
        (["Cat", "Dog"], ["cat", "dog"]),  # case, and nothing right
        (["1.0", "2.0"], ["1", "2"]),  # one side went through floats
        (["cat ", "dog "], ["cat", "dog"]),  # padding
        (["owl", "007"], ["fox", "7"]),  # one example that is written otherwise is enough
    ],
)
def test_answers_that_differ_from_labels_only_in_writing_are_an_error(answers, truth):
    """Not one right answer, and some would be if written alike: that is no result."""
    with pytest.raises(InputError, match="differ only in how they are written") as caught:
        vocabulary(answers, truth)
    assert "--label-map" in caught.value.hint


def test_answers_that_look_like_labels_are_counted_in_a_warning():
    """`Cat` is another class than `cat`, as text is; but it is hardly meant."""
    (warning,) = vocabulary(["Cat", "dog"] * 5, ["cat", "dog"] * 5)
    assert "5 answers like 'Cat' where the labels have 'cat'" in warning
    assert "count as another class" in warning


def test_what_is_meant_as_a_class_is_let_pass():
    """A label map or class list that names it says that it is a class of its own."""
    assert vocabulary(["Cat", "dog"] * 5, ["cat", "dog"] * 5, meant=("Cat",)) == []


def test_an_old_model_without_one_answer_that_is_a_label_is_an_error():
    """It has nothing to break, so that any new model would pass."""
    answers, truth = ["LABEL_0", "LABEL_1"] * 10, ["neg", "pos"] * 10
    with pytest.raises(InputError, match="not one of its answers is any of the labels"):
        vocabulary(answers, truth, old=True)
    (warning,) = vocabulary(answers, truth)  # a new model like that fails by its flips
    assert "20 answers that no example has as its label: 'LABEL_0', 'LABEL_1'" in warning


@pytest.mark.parametrize(
    ("answers", "truth"),
    [
        (["fox", None], ["cat", "dog"]),  # all wrong, by more than writing, and very few
        (["18.0", "5", "7"], ["18", "5", "9"]),  # free text: labels are no closed list
        (["dog", "cat"] * 10, ["cat", "dog"] * 10),  # all wrong, but of the same classes
        ([None] * 20, ["cat", "dog"] * 10),  # no answers at all
    ],
)
def test_answers_that_may_well_be_meant_are_let_pass(answers, truth):
    """Nothing is said where nothing is known to be wrong."""
    assert vocabulary(answers, truth, old=True) == []


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64])
def test_labels_are_kept_apart_from_what_they_were_made_of(kind):
    """Writing to an array afterwards changes no label."""
    given = np.array([0, 1, 2, 1], kind)
    labels = Labels.of(given)
    given[:] = 0
    assert labels.texts() == ["0", "1", "2", "1"]


def test_whole_numbers_are_read_at_their_ends():
    """The smallest and the largest bytes are as far apart as bytes can be."""
    given = np.tile(np.array([127, -128, 0], np.int8), 100)
    assert Labels.of(given).texts() == [str(each) for each in given.tolist()]
