"""How the outputs of a model are read as answers: every rule, on models that give what we say."""

from __future__ import annotations

import numpy as np
import pytest

from flipcheck.errors import FlipcheckError, ModelError, UsageError

LOGITS = np.array([[3.0, -1.0, 0.5], [-2.0, 4.0, 1.0], [0.1, 0.2, 2.0]], np.float32)
SHARES = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]], np.float32)
TWO = np.array([[0.8, 0.2], [0.4, 0.6], [0.45, 0.55]], np.float32)
PETS = {"classes": "cat,dog,fox"}
PAIR = {"classes": "no,yes"}


@pytest.mark.parametrize(
    ("scores", "metadata", "expected"),
    [
        (LOGITS, PETS, ["cat", "dog", "fox"]),  # logits
        (SHARES, PETS, ["cat", "dog", "fox"]),  # probabilities
        (LOGITS, None, ["0", "1", "2"]),  # no names: the places
        (LOGITS[:, :, None, None], PETS, ["cat", "dog", "fox"]),  # trailing axes of length 1
        (LOGITS.astype(np.float16), PETS, ["cat", "dog", "fox"]),
        (LOGITS.astype(np.float64), PETS, ["cat", "dog", "fox"]),
        (np.where(LOGITS < 0, -np.inf, LOGITS), PETS, ["cat", "dog", "fox"]),  # masked classes
        (SHARES + np.float32(5e-7), PETS, ["cat", "dog", "fox"]),  # an average that rounds over 1
    ],
)
def test_matrix_of_scores(read_as, scores, metadata, expected):
    """One matrix: the class of the largest score of each row."""
    assert read_as({"out": scores}, metadata=metadata).answers.texts() == expected


def test_confidence_of_probabilities_and_logits(read_as):
    """Probabilities are the confidence; of logits it is the softmax."""
    assert np.allclose(read_as({"out": SHARES}).confidence, SHARES.max(axis=1))
    softmax = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    assert np.allclose(read_as({"out": LOGITS}).confidence, softmax.max(axis=1))


@pytest.mark.parametrize(
    ("labels", "keys", "expected"),
    [
        (np.array(["dog", "cat", "fox"]), ["cat", "dog", "fox"], ["dog", "cat", "fox"]),
        (np.array([5, 3, 9]), [3, 5, 9], ["5", "3", "9"]),  # numbers that are not the places
    ],
)
def test_label_and_zipmap(read_as, labels, keys, expected):
    """A label beside a sequence of maps is the answer, even against the largest score."""
    found = read_as({"label": labels, "probs": SHARES}, zipmap={"probs": keys})
    assert found.answers.texts() == expected
    assert found.facts["classes"] == tuple(map(str, keys))
    assert np.allclose(found.confidence, SHARES.max(axis=1))


@pytest.mark.parametrize(
    ("labels", "names", "expected"),
    [
        (np.array(["a", "b", "a"]), ("sa", "sb"), ("a", "b")),  # text
        (np.array([3, 5, 3]), ("i3", "i5"), ("3", "5")),  # numbers
    ],
)
def test_label_and_a_column_for_each_class(read_as, labels, names, expected):
    """One output per class, as ZipMap's columns, tells the classes by its names."""
    outputs = {"label": labels} | {name: TWO[:, place] for place, name in enumerate(names)}
    found = read_as(outputs)
    assert found.answers.texts() == labels.astype(str).tolist()
    assert found.facts["classes"] == expected
    assert np.allclose(found.confidence, TWO.max(axis=1))


@pytest.mark.parametrize(
    ("labels", "metadata", "expected"),
    [
        (np.array([0, 2, 1]), None, ["0", "2", "1"]),  # numbers
        (np.array([0, 2, 1]), PETS, ["cat", "fox", "dog"]),  # places in the class list
        (np.array([0, 2, 1], np.int32), PETS, ["cat", "fox", "dog"]),
        (np.array([[0], [2], [1]]), PETS, ["cat", "fox", "dog"]),  # one column
        (
            np.array([3, 9, 5]),
            {"classes": "3,5,9"},
            ["3", "9", "5"],
        ),  # a list of numbers names them
        (np.array([1, 2, 3]), {"classes": "1,2,3"}, ["1", "2", "3"]),  # and does not move them
        (np.array(["fox", "cat", "cat"]), PETS, ["fox", "cat", "cat"]),  # text
        (np.array([True, False, True]), PAIR, ["yes", "no", "yes"]),  # a truth value
    ],
)
def test_only_a_label(read_as, labels, metadata, expected):
    """A label without scores is the answer, and its confidence is not known."""
    found = read_as({"label": labels}, metadata=metadata)
    assert (found.answers.texts(), found.confidence) == (expected, None)


@pytest.mark.parametrize(
    ("outputs", "zipmap", "metadata", "expected"),
    [
        ({"label": np.array([0, 1, 2]), "p": SHARES}, None, PETS, ["cat", "dog", "fox"]),
        ({"label": np.array([3, 5, 9]), "p": SHARES}, {"p": [3, 5, 9]}, PETS,
         ["cat", "dog", "fox"]),  # by the place of the number among the keys
        ({"label": np.array([0, 1, 0]), "i0": TWO[:, 0], "i1": TWO[:, 1]}, None, PAIR,
         ["no", "yes", "no"]),
        ({"p": SHARES}, {"p": [3, 5, 9]}, PETS, ["cat", "dog", "fox"]),  # maps without a label
        ({"p": SHARES}, {"p": ["a", "b", "c"]}, None, ["a", "b", "c"]),
    ],
)  # fmt: skip
def test_numbers_become_names(read_as, outputs, zipmap, metadata, expected):
    """A class list names the numbers of labels and maps."""
    assert read_as(outputs, zipmap=zipmap, metadata=metadata).answers.texts() == expected


@pytest.mark.parametrize(
    ("scores", "threshold", "expected", "confidence"),
    [
        ([0.2, 0.5, 0.9], None, ["no", "yes", "yes"], [0.8, 0.5, 0.9]),  # a half and over
        ([0.2, 0.5, 0.9], 0.7, ["no", "no", "yes"], [0.8, 0.5, 0.9]),
        ([0.2, 0.5, 0.9], 0.0, ["yes", "yes", "yes"], [0.2, 0.5, 0.9]),
        ([0.7, 0.7, 0.69], 0.7, ["yes", "yes", "no"], [0.7, 0.7, 0.31]),  # 32 bits, not below
    ],
)
@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_probability_of_the_second_class(read_as, scores, threshold, expected, confidence, shape):
    """One column in [0, 1] with two class names is cut at the threshold."""
    column = np.array(scores, np.float32).reshape(shape)
    found = read_as({"p": column}, metadata=PAIR, threshold=threshold)
    assert found.answers.texts() == expected
    assert np.allclose(found.confidence, confidence)


@pytest.mark.parametrize(
    ("outputs", "zipmap", "metadata"),
    [
        ({"p": TWO}, None, PAIR),  # a matrix
        ({"p": TWO}, {"p": ["no", "yes"]}, None),  # maps
        ({"label": np.array(["no", "no", "no"]), "p": TWO}, {"p": ["no", "yes"]}, None),
        ({"label": np.array([0, 0, 0]), "p": TWO}, None, PAIR),  # a label and a matrix
        ({"label": np.array(["no"] * 3), "sno": TWO[:, 0], "syes": TWO[:, 1]}, None, None),
    ],
)
def test_threshold_of_two_probabilities(read_as, outputs, zipmap, metadata):
    """A threshold of one's own decides for every form of two probabilities."""
    found = read_as(outputs, zipmap=zipmap, metadata=metadata, threshold=0.58)
    assert found.answers.texts() == ["no", "yes", "no"]
    assert found.facts["output"].startswith("threshold 0.58")


@pytest.mark.parametrize(
    ("outputs", "zipmap", "metadata", "spec", "told"),
    [
        # a threshold that cannot apply
        ({"p": SHARES}, None, PETS, {"threshold": 0.5}, "--threshold needs a probability of two"),
        ({"p": TWO * 5}, None, PAIR, {"threshold": 0.5}, "--threshold needs probabilities"),
        ({"threshold": np.array([0, 1])}, None, PAIR, {"threshold": 0.5}, "--threshold needs"),
        ({"label": np.array([0, 1, 1]), "p": TWO}, None, None, {"threshold": 0.5}, "--classes"),
        ({"p": TWO}, None, PAIR, {"threshold": 1.5}, "1.5 is no probability"),
        ({"p": TWO}, None, PAIR, {"threshold": float("nan")}, "nan is no probability"),
        # one number for each example
        ({"p": np.float32([0.2, 0.7])}, None, None, {}, "--classes no,yes"),  # which two classes?
        ({"p": np.float32([0.2, 0.7])}, None, PETS, {}, "--classes no,yes"),  # three are no two
        ({"p": np.float32([0.2, 3.7])}, None, PAIR, {}, "is no probability: it holds 3.7"),
        ({"p": np.float32([-0.2, 0.7])}, None, PAIR, {}, "is no probability: it holds -0.2"),
        # more than one reading
        ({"a": LOGITS, "b": LOGITS}, None, PETS, {}, "2 outputs could hold the answer"),
        ({"a": LOGITS, "b": TWO[:, 0]}, None, PETS, {}, "output 'b': float32 [3]"),
        ({"a": np.array([1, 2]), "b": np.array([1, 2])}, None, None, {}, "could be the label"),
        ({"a": LOGITS, "b": LOGITS}, None, PETS, {"output": "c"}, "no output 'c'"),
        ({"p": np.float32([[0.9, 0.8, 0.1]])}, None, PETS, {}, "do not add up to 1"),
        ({"p": np.float32([[0.9, 0.8, 0.1]])}, None, PETS, {}, "--output p"),
        # no reading
        ({"p": np.zeros((2, 5, 3), np.float32)}, None, None, {}, "tokens or boxes"),
        ({"p": np.array([[1, 0], [1, 1]])}, None, None, {}, "several labels for each example"),
        # class lists that do not fit
        ({"p": LOGITS}, None, PAIR, {}, "it has 3 classes, but the model's metadata names 2"),
        ({"p": SHARES}, {"p": ["a", "b", "c"]}, PAIR, {}, "it has 3 classes"),
        ({"p": SHARES}, {"p": ["a", "b", "c"]}, PETS, {}, "it answers 'a'"),
        ({"label": np.array(["a"]), "p": TWO[:1]}, {"p": ["a", "b"]}, PAIR, {}, "answers 'a'"),
        ({"label": np.array([0, 7])}, None, PETS, {}, "it answers '7'"),
        ({"label": np.array([0, -1])}, None, PETS, {}, "it answers '-1'"),
        ({"label": np.array([0, 1])}, None, {"classes": "1,2,3"}, {}, "it answers '0'"),
        ({"label": np.array(["cow"])}, None, PETS, {}, "it answers 'cow'"),
        ({"label": np.array([1, 2, 3]) % 3, "p": SHARES}, None, PETS, {}, "not the places of"),
        ({"label": np.array([3, 5]), "p": TWO[:2]}, {"p": [3, 5]}, {"classes": "3,4"}, {}, "'5'"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_asked(read_as, outputs, zipmap, metadata, spec, told):
    """Where two readings are possible, or none, the error says why and what decides."""
    with pytest.raises(FlipcheckError) as error:
        read_as(outputs, zipmap=zipmap, metadata=metadata, **spec)
    assert told in str(error.value), str(error.value)
    assert error.value.hint
    assert isinstance(error.value, (ModelError, UsageError))


@pytest.mark.parametrize(
    ("output", "expected"),
    [("a", ["cat", "dog", "fox"]), ("b", ["dog", "fox", "cat"]), ("label", ["fox", "fox", "fox"])],
)
def test_output_by_name(read_as, output, expected):
    """--output settles which output answers."""
    outputs = {"a": LOGITS, "b": LOGITS[:, [2, 0, 1]], "label": np.array([2, 2, 2])}
    found = read_as(outputs, metadata=PETS, output=output)
    assert found.answers.texts() == expected


def test_output_allows_scores_that_do_not_add_up(read_as):
    """Independent scores are read by the largest where that is asked for."""
    scores = np.float32([[0.9, 0.8, 0.1], [0.1, 0.3, 0.9]])
    assert read_as({"p": scores}, metadata=PETS, output="p").answers.texts() == ["cat", "fox"]


@pytest.mark.parametrize(
    ("bad", "spec"),
    [
        ([np.nan, 0, 0], {}),  # a NaN
        ([0, np.nan, np.nan], {}),  # and others
        ([np.inf, 0, 0], {}),  # an infinity
        ([-np.inf] * 3, {}),  # no class at all
    ],
)
def test_nan_is_never_class_zero(read_as, bad, spec):
    """A row without a largest score is an error that names the example."""
    scores = LOGITS.copy()
    scores[1] = bad
    with pytest.raises(ModelError, match="NaN or infinite scores for 1 example or more: '2'"):
        read_as({"p": scores}, metadata=PETS, **spec)


def test_nan_beside_a_label(read_as):
    """A label is no answer where its scores are NaN."""
    scores = SHARES.copy()
    scores[2] = np.nan
    with pytest.raises(ModelError, match="NaN"):
        read_as({"label": np.array([0, 0, 0]), "p": scores}, metadata=PETS)


def test_nan_of_one_probability(read_as):
    """A NaN is neither of two classes."""
    with pytest.raises(ModelError, match="NaN"):
        read_as({"p": np.float32([0.5, np.nan])}, metadata=PAIR)


def test_nan_in_a_later_batch(read_as):
    """Examples far from the first batch are named too."""
    scores = np.full((5000, 2), 3, np.float32)
    scores[4321] = np.nan
    with pytest.raises(ModelError, match="'4322'"):
        read_as({"p": scores})


def test_no_probability_in_a_later_batch(read_as):
    """A column that leaves [0, 1] late is no probability either."""
    column = np.full(5000, 0.5, np.float32)
    column[4321] = 7
    with pytest.raises(ModelError, match="it holds 7"):
        read_as({"p": column}, metadata=PAIR)
