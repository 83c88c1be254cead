"""Answers and labels in arrays, Series and lists, against a loop over plain Python values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score

import flipcheck
from flipcheck.errors import FlipcheckError

Y = ["cat", "dog", "dog", "cat", "emu", "emu"]
OLD = ["cat", "dog", "cat", "cat", "emu", "cat"]
NEW = ["dog", "dog", "dog", "cat", "cat", "cat"]
FLIPS = (2, 1)
"""The negative and the positive flips of these."""
NUMBERS = {"cat": 0, "dog": 1, "emu": 2}


def flips(*columns, **options):
    """The negative and the positive flips of three columns."""
    tally = flipcheck.compare(*columns, **options).tally
    return tally.negative_flips, tally.positive_flips


def numbered(names):
    """Names as the numbers of their classes."""
    return [NUMBERS[name] for name in names]


KINDS = {
    "lists": list,
    "tuples": tuple,
    "numpy texts": np.array,
    "numpy objects": lambda names: np.array(names, object),
    "Series": pd.Series,
    "Categorical": pd.Categorical,
    "categorical Series": lambda names: pd.Series(names, dtype="category"),
    "pandas strings": lambda names: pd.Series(names, dtype="string"),
    "a DataFrame's column": lambda names: pd.DataFrame({"a": names})["a"],
    "a DataFrame of one column": lambda names: pd.DataFrame({"a": names}),
    "an Index": pd.Index,
    "pyarrow": pa.array,
    "pyarrow in chunks": lambda names: pa.chunked_array([names[:2], names[2:]]),
    "pyarrow dictionary": lambda names: pa.array(names).dictionary_encode(),
    "a column of one": lambda names: np.array(names)[:, None],
    "numbers": numbered,
    "int8": lambda names: np.array(numbered(names), np.int8),
    "floats that are whole": lambda names: np.array(numbered(names), float),
    "nullable integers": lambda names: pd.Series(numbered(names), dtype="Int64"),
    "numbers as texts": lambda names: [str(number) for number in numbered(names)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_column_means_the_same(kind):
    """The flips of the same answers are the same, however they are held."""
    assert flips(*map(KINDS[kind], (OLD, NEW, Y))) == FLIPS


@pytest.mark.parametrize("one", KINDS)
def test_kinds_may_be_mixed(one):
    """A side may be held in another way than the labels; a number and its text are one class."""
    texts = "number" not in one and "int" not in one and "float" not in one
    old, y = (OLD, Y) if texts else (numbered(OLD), numbered(Y))
    assert flips(old, KINDS[one](NEW), y) == FLIPS


def test_truth_values_are_classes():
    """True and False on all sides."""
    assert flips([True, False], np.array([False, False]), pd.Series([True, False])) == (1, 0)


answers = st.lists(st.tuples(*[st.sampled_from("abc")] * 3), min_size=1, max_size=40)


@settings(max_examples=50, deadline=None)
@given(rows=answers)
def test_flips_are_those_of_a_loop(rows):
    """Against a naive loop, sklearn's accuracy, and predictions made by hand."""
    if all(before != truth for before, _, truth in rows):
        rows = [*rows, ("a", "b", "a")]
    old, new, y = (list(each) for each in zip(*rows, strict=True))
    report = flipcheck.compare(np.array(old), pd.Series(new), y, resamples=0)
    broken = sum(a == t != b for a, b, t in rows)
    mended = sum(a != t == b for a, b, t in rows)
    assert (report.tally.negative_flips, report.tally.positive_flips) == (broken, mended)
    right = 1 - accuracy_score(y, new)
    assert report.metrics["new_error_rate"].value == pytest.approx(right, abs=1e-9)
    made = [flipcheck.Predictions.from_arrays(each, y) for each in (old, new)]
    assert report.tally == flipcheck.compare(*made, resamples=0).tally


SHUFFLED = ["e", "b", "f", "a", "d", "c"]


def series(values, index):
    """A Series that has an index of its own."""
    return pd.Series(values, index=list(index))


def test_an_index_names_the_examples():
    """Series of one index are aligned by it, and it gives the ids."""
    old, y = series(OLD, "abcdef"), series(Y, "abcdef")
    new = series(NEW, "abcdef").loc[SHUFFLED]
    report = flipcheck.compare(old, new, y)
    assert (report.tally.negative_flips, report.tally.positive_flips) == FLIPS
    assert [each.id for each in report.negative_flips.examples] == ["a", "e"]


def test_a_default_index_names_the_examples_too():
    """A frame's row 0 is the example 0, so that its flips are found in the frame again."""
    report = flipcheck.compare(pd.Series(OLD), NEW, pd.Series(Y), critical=[0])
    negative = report.to_frame("flips").query("outcome == 'negative_flip'")
    assert [Y[int(each)] for each in negative["id"]] == negative["truth"].to_list()
    assert report.critical.tally.negative_flips == 1


def test_rows_of_arrays_are_counted_from_one():
    """Without any index the ids are row numbers, as those of files are."""
    flipped = flipcheck.compare(np.array(OLD), NEW, Y).to_frame("flips")
    assert [Y[int(each) - 1] for each in flipped["id"]] == flipped["truth"].to_list()


def test_labels_of_a_split_meet_arrays_of_answers():
    """As after train_test_split: labels with an index out of order, answers by row."""
    y = pd.Series(Y, index=[73, 18, 118, 3, 40, 5])
    report = flipcheck.compare(np.array(OLD), NEW, y)
    assert (report.tally.negative_flips, report.tally.positive_flips) == FLIPS
    assert {each.id for each in report.negative_flips.examples} == {"73", "40"}
    later = y.set_axis(range(800, 806))
    assert flips(pd.Series(OLD), pd.Series(NEW), later) == FLIPS  # 0, 1, 2 … says nothing here


@settings(max_examples=50, deadline=None)
@given(rows=answers, data=st.data())
def test_aligned_flips_are_those_of_a_join(rows, data):
    """Against dictionaries by key: each column in an order of its own."""
    rows = [*rows, ("a", "a", "a")]
    keys = [f"k{row}" for row in range(len(rows))]
    columns = []
    for values in zip(*rows, strict=True):
        order = data.draw(st.permutations(range(len(rows))))
        columns.append(pd.Series([values[at] for at in order], index=[keys[at] for at in order]))
    before, after, truth = (dict(each.items()) for each in columns)
    broken = {key for key in keys if before[key] == truth[key] != after[key]}
    report = flipcheck.compare(*columns, resamples=0)
    assert {each.id for each in report.negative_flips.examples} == broken
    assert report.tally.negative_flips == len(broken)


def test_columns_slice_cluster_and_weigh():
    """A mapping or a DataFrame slices; clusters, weights and ids are columns too."""
    region = ["EU", "EU", "US", "US", "US", "EU"]
    for by in ({"region": region}, pd.DataFrame({"region": region})):
        report = flipcheck.compare(OLD, NEW, Y, by=by, gates="negative_flip_rate <= 90% by region")
        assert {part.value: part.tally.examples for part in report.slices} == {"EU": 3, "US": 3}
        assert report.slices[0].tally.negative_flips == 1
    user = ["u", "u", "v", "v", "w", "w"]
    found = flipcheck.compare(
        OLD, NEW, Y, cluster=user, weight=[1, 1, 1, 1, 1, 5], id=list("abcdef")
    )
    assert (found.data.clusters, found.data.weighted) == (3, True)
    assert found.metrics["negative_flip_rate"].value == pytest.approx(0.2)
    assert found.negative_flips.examples[0].id in "ae"


@pytest.mark.parametrize(
    "as_column",
    [
        pd.Series,
        pd.Categorical,
        pd.arrays.IntervalArray,
        lambda cut: pd.Series(pd.arrays.IntervalArray(cut)),
    ],
)
def test_intervals_of_a_cut_slice(as_column):
    """What pandas.cut makes of numbers is a column to slice by."""
    cut = pd.cut([1, 1, 2, 2, 3, 9], [0, 1, 3])  # the last is in none
    slices = flipcheck.compare(OLD, NEW, Y, by={"size": as_column(cut)}).slices
    assert [part.tally.examples for part in slices] == [2, 3, 1]
    assert [part.value.replace(".0", "") for part in slices] == ["(0, 1]", "(1, 3]", "(missing)"]


def test_a_series_brings_the_name_to_slice_by():
    """A named Series says itself what its slices are called."""
    region = pd.Series(["EU", "EU", "US", "US", "US", "US"], name="region")
    gate = "negative_flip_rate <= 99% by region"
    report = flipcheck.compare(OLD, NEW, Y, by=region, gates=gate)
    assert {(part.by, part.value) for part in report.slices} == {("region", "EU"), ("region", "US")}


def test_columns_beside_are_aligned_too():
    """A slice column in another order of the same index stands where it belongs."""
    columns = [series(each, "abcdef") for each in (OLD, NEW, Y)]
    by = {"half": series(["1", "1", "1", "2", "2", "2"], "abcdef").loc[SHUFFLED]}
    report = flipcheck.compare(*columns, by=by)
    assert {part.value: part.tally.negative_flips for part in report.slices} == {"1": 1, "2": 1}


def table(names):
    """Scores of cat, dog and emu in which the name's is the largest."""
    return np.eye(3)[numbered(names)] * 0.7 + 0.1


@pytest.mark.parametrize(
    ("old", "new", "y", "options"),
    [
        (table(OLD), table(NEW), numbered(Y), {}),  # columns 0, 1, 2
        (table(OLD), table(NEW), Y, {"classes": ["cat", "dog", "emu"]}),
        (table(OLD), table(NEW), numbered(Y), {"classes": ["cat", "dog", "emu"]}),
        (table(OLD), table(NEW), Y, {"classes": np.array(["cat", "dog", "emu"])}),  # as classes_
        (
            table(OLD),
            numbered(NEW),
            np.array(numbered(Y), float),
            {"classes": np.array([0.0, 1.0, 2.0])},
        ),
        (
            table(OLD),
            [each + 1 for each in numbered(NEW)],
            [each + 1 for each in numbered(Y)],
            {"classes": np.array([1.0, 2.0, 3.0])},  # which are not their places
        ),
        (table(OLD).tolist(), NEW, Y, {"classes": "cat,dog,emu"}),  # a list of lists, beside names
        (table(OLD), numbered(NEW), numbered(Y), {"classes": range(3)}),
        (pd.DataFrame(table(OLD), columns=["cat", "dog", "emu"]), NEW, Y, {}),  # it names them
        (
            pd.DataFrame(table(OLD), columns=["cat", "dog", "emu"])[["emu", "cat", "dog"]],
            pd.DataFrame(table(NEW), columns=["cat", "dog", "emu"]),
            Y,
            {},
        ),
        (
            table(OLD)[:, [2, 0, 1]],
            table(NEW),
            Y,
            {"old_classes": ["emu", "cat", "dog"], "new_classes": ["cat", "dog", "emu"]},
        ),
    ],
)
def test_the_largest_score_is_the_answer(old, new, y, options):
    """Columns are classes, and the largest share is how sure the answer is."""
    report = flipcheck.compare(old, new, y, **options)
    assert (report.tally.negative_flips, report.tally.positive_flips) == FLIPS
    if isinstance(new, np.ndarray):
        assert report.negative_flips.examples[0].new_confidence == pytest.approx(0.8)


def test_missing_answers_are_wrong_and_missing_labels_an_error():
    """None and NaN are no answer; an example without a label is not judged in silence."""
    report = flipcheck.compare(OLD, [None, *NEW[1:]], Y)
    assert report.new.missing_answers == 1
    assert report.tally.negative_flips == FLIPS[0]
    with pytest.raises(FlipcheckError, match="without a label"):
        flipcheck.compare(OLD, NEW, [None, *Y[1:]])
    assert flipcheck.compare(OLD, NEW, [None, *Y[1:]], allow_missing=True).data.dropped == 1


NUMBERED = [numbered(each) for each in (OLD, NEW, Y)]


@pytest.mark.parametrize(
    ("columns", "options", "told"),
    [
        ((OLD, NEW[:5], Y), {}, "old has 6, new has 5, the labels has 6"),
        ((OLD, NEW, None), {}, "need their labels"),
        ((OLD, NEW, "labels.csv"), {}, "need their labels"),
        ((np.array("cat"), NEW, Y), {}, "0 dimensions"),
        ((np.zeros((2, 2, 2)), NEW, Y), {}, "3 dimensions"),
        ((sparse.csr_matrix(table(OLD)), NEW, Y), {}, "old: a sparse array"),
        ((np.ma.array(NUMBERED[0], mask=[1, 0, 0, 0, 0, 0]), *NUMBERED[1:]), {}, "old: a masked"),
        ((pd.Series(NUMBERED[0], dtype="Sparse[int]"), *NUMBERED[1:]), {}, "old: a sparse"),
        ((OLD, ["cat", 1, "dog", "cat", "cat", "cat"], Y), {}, "new: not one column"),
        ((OLD, pd.date_range("2020", periods=6), Y), {}, "new: a column of type"),
        ((OLD, [["cat"], ["dog", "emu"], [], [], [], []], Y), {}, "new: a list of lists"),
        ((table(OLD), table(NEW), Y), {}, "do not say which column is which class"),
        ((table(OLD), table(NEW), [1, 2, 3, 1, 2, 3]), {}, "do not say which"),  # from 1
        ((table(OLD), table(NEW), [1, 2, 2, 1, 2, 1]), {}, "do not say which"),  # from 0 or 1?
        ((table(OLD), table(NEW), ["0", "1", "1", "0", "2", "2"]), {}, "do not say which"),
        ((table(OLD), table(NEW), Y), {"classes": ["cat", "dog"]}, "3 columns of scores, and 2"),
        ((table(OLD).astype(int), table(NEW), Y), {"classes": "cat,dog,emu"}, "a table of int"),
        ((table(OLD) * np.nan, table(NEW), NUMBERED[2]), {}, "NaN or infinite"),
        ((OLD, NEW, table(Y)), {}, "the labels: a table of shape"),
        (([0.9, 0.1, 0.2], [1, 0, 0], [1, 0, 0]), {}, "fractions that are no label"),
        (([1, 0], [True, False], [1, 0]), {}, "different kinds"),
        (([True, False], [1, 0], [True, False]), {}, "different kinds"),
        (([], [], []), {}, "no examples"),
        ((OLD, NEW, Y), {"by": {"region": ["EU"]}}, "by region has 1"),
        ((OLD, NEW, Y), {"by": "region"}, "region"),
        ((OLD, NEW, Y), {"by": {"class": Y}}, "a column 'class'"),  # the true class, or this?
        ((OLD, NEW, Y), {"by": {1: Y, "1": Y}}, "of one name"),
        ((OLD, NEW, Y), {"by": {"cluster": Y}, "cluster": Y}, "a column 'cluster'"),
        ((OLD, NEW, Y), {"by": {"region": table(Y)}}, "by region: a table"),
        ((OLD, NEW, Y), {"weight": table(Y)}, "weight: a table"),
        ((OLD, NEW, Y), {"weight": [1, 1, 1, 1, 1, None]}, "weight"),
        ((OLD, NEW, Y), {"id": table(Y)}, "id: a table"),
        ((OLD, NEW, Y), {"threshold": 0.5}, "threshold"),
        ((OLD, NEW, Y), {"by": pd.Series(Y)}, "by is a column without a name"),
        ((OLD, NEW, Y), {"by": [Y, Y]}, "by is a column without a name"),
        ((OLD, NEW, Y), {"rerun": np.array(OLD)}, "rerun is a column"),
        ((OLD, NEW, Y), {"top_k": 2}, "top_k is for files"),
        ((OLD, NEW, Y), {"multilabel": True}, "multilabel"),
        ((OLD, NEW, Y), {"correct": "ok"}, "correct"),
        ((OLD, NEW, Y), {"probability": "p"}, "probability"),
        ((OLD, NEW, Y), {"id": "row"}, "id names a column"),
        ((OLD, NEW, Y), {"cluster": "user"}, "user"),
        ((OLD, NEW, Y), {"weight": "w"}, "w"),
        ((OLD, NEW, Y), {"label": "y"}, "label"),
        ((OLD, NEW, Y), {"labels": "y.csv"}, "labels is for"),
        ((OLD, NEW, Y), {"id": ["a"] * 6}, "a"),
        (
            (series(OLD, "abcdef"), series(NEW, "abcdeg"), series(Y, "abcdef")),
            {},
            "1 value only in",
        ),
        ((series(OLD, "aacdef"), series(NEW, "aacdef"), Y), {}, "1 doubled value: 'a'"),
        ((series(OLD, "abcdef"), series(NEW, SHUFFLED), Y), {}, "two ways"),
        ((pd.Series(OLD, index=[5, 4, 3, 2, 1, 0]), pd.Series(NEW), Y), {}, "row by row could"),
        # One row was dropped from one, and the last from the other: the same length, other rows.
        ((pd.Series(OLD, index=[0, 1, 2, 4, 5, 6]), NEW, pd.Series(Y)), {}, "row by row could"),
        ((pd.Series(OLD, index=[1, 2, 3, 4, 5, None]), NEW, Y), {}, "missing values"),
        (
            (pd.Series(OLD, index=pd.MultiIndex.from_product([[1, 2], [1, 2, 3]])), NEW, Y),
            {},
            "several levels",
        ),
        (("old.csv", NEW, Y), {}, "old is no column but a str"),
        ((OLD, (each for each in NEW), Y), {}, "new is no column but a generator.*list.new"),
        ((OLD, LogisticRegression(), Y), {}, "no column but a Logistic.*give what it answers"),
        ((OLD, None, Y), {}, "new is no column but a NoneType.*all three"),
        ((OLD, NEW), {"labels": Y}, "give them third"),
        ((OLD, NEW, Y), {"gates": "negative_flip_rate <= 1% by region"}, "no column 'region' to"),
        ((OLD, NEW, Y), {"by": Y}, "no column 'cat' to slice by.*by={"),  # names, or values?
        ((OLD, "new.csv"), {}, "neither a path nor predictions"),
    ],
)
def test_what_does_not_fit_is_refused(columns, options, told):
    """Nothing is guessed: the error names the column, and says what to do."""
    with pytest.raises(FlipcheckError, match=f"(?s){told}") as caught:
        flipcheck.compare(*columns, **options)
    assert caught.value.hint


def test_options_that_decide_answers_decide_those_of_columns():
    """Translation, normalisation and abstention are those of files."""
    assert flips(["CAT ", *OLD[1:]], NEW, Y, normalise="strip,case") == FLIPS
    assert flips(["c", *OLD[1:]], NEW, Y, old_label_map={"c": "cat"}) == FLIPS
    report = flipcheck.compare(OLD, ["?", *NEW[1:]], Y, abstain="?")
    assert report.task.abstentions.new.abstained == 1


def test_columns_have_a_history_too():
    """Earlier updates are reports, wherever the answers of this one are."""
    earlier = flipcheck.compare(Y, OLD, Y)
    assert len(flipcheck.compare(OLD, NEW, Y, history=[earlier]).history) == 1


def test_the_old_model_run_again_is_told_of_by_row():
    """Predictions without ids pair with columns that have none."""
    again = flipcheck.Predictions.from_arrays(["cat", "dog", "dog", "cat", "emu", "cat"], name="2")
    assert len(flipcheck.compare(OLD, NEW, Y, rerun=again).reruns) == 1


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_a_rerun_without_ids_pairs_by_row(kind):
    """Row numbers say the same as a default index; another index does not, and is an error."""
    again = flipcheck.Predictions.from_arrays(["dog", *OLD[1:]], name="2")
    (rerun,) = flipcheck.compare(kind(OLD), kind(NEW), Y, rerun=again).reruns
    assert rerun.negative_flips == 1
    with pytest.raises(FlipcheckError, match="no id column"):
        flipcheck.compare(series(OLD, "abcdef"), NEW, Y, rerun=again)


def test_gates_that_can_be_read_only_once_are_judged():
    """A generator of gates is no audit without gates."""
    gates = (f"{name} <= 1%" for name in ("churn", "negative_flip_rate"))
    report = flipcheck.compare(OLD, NEW, Y, gates=gates, by=iter(["class"]))
    assert [judged.verdict for judged in report.gates] == ["fail", "fail"]


def test_none_is_not_given():
    """A setting that is None is left out, and gates that are none are no traceback."""
    assert flipcheck.compare(OLD, NEW, Y, gates=None, by=None).verdict is None
    with pytest.raises(FlipcheckError, match="5 is not a gate"):
        flipcheck.compare(OLD, NEW, Y, gates=5)


def test_what_was_given_is_not_changed():
    """Arrays and options are as before."""
    old, options = np.array(OLD), {"by": {"half": [1, 1, 1, 2, 2, 2]}}
    flipcheck.compare(old, NEW, Y, **options)
    assert old.tolist() == OLD
    assert list(options) == ["by"]
    assert options["by"] == {"half": [1, 1, 1, 2, 2, 2]}


@pytest.mark.parametrize(
    "kind",
    [
        lambda names: np.array(numbered(names), np.int32),  # pyarrow shares these
        lambda names: np.array(numbered(names)),
        lambda names: np.array(numbered(names), float),
        lambda names: pd.Series(numbered(names), dtype="int32"),
        np.array,
    ],
)
def test_arrays_that_are_used_again_change_no_report(kind):
    """A loop that fills the same arrays anew leaves the reports of before as they are."""
    columns = [kind(names) for names in (OLD, NEW, Y)]
    kept = flipcheck.compare(*[each.copy() for each in columns], id=np.arange(6))
    ids = np.arange(6)
    report = flipcheck.compare(*columns, id=ids)
    for each in (*columns, ids):
        each[:] = each[0]
    assert report.flips.equals(kept.flips)
    assert report == kept
