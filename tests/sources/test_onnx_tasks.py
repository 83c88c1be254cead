"""Models that give sets of labels, ranks, or one logit: against their outputs taken by hand."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_models import echo, echo_data

import flipcheck
from flipcheck.errors import FlipcheckError

LABELS = ("cat", "dog", "bird")
NAMED = {"classes": ",".join(LABELS)}


def counts(report) -> tuple[int, int, int, int]:
    """Both right, broken, mended and both wrong."""
    tally = report.tally
    return tally.both_right, tally.negative_flips, tally.positive_flips, tally.both_wrong


def outcomes(old, new) -> tuple[int, int, int, int]:
    """The counts of right and wrong answers, side by side."""
    pairs = list(zip(old.tolist(), new.tolist(), strict=True))
    return tuple(pairs.count(kind) for kind in ((1, 1), (1, 0), (0, 1), (0, 0)))


@pytest.fixture
def drawn():
    """40 examples: which labels are true, and two models' probabilities of each label."""
    rng = np.random.default_rng(2)
    truth = rng.random((40, 3)) < 0.4
    old, new = (
        np.clip(truth * 0.5 + rng.random((40, 3)) * 0.5, 0, 1).astype(np.float32) for _ in range(2)
    )
    return truth, old, new


@pytest.fixture
def sides(tmp_path):
    """Two echo models with outputs and labels, as the arguments of `compare`."""

    def make(old, new, y, name="p", metadata=NAMED):
        models = [
            echo(tmp_path / f"{side}.onnx", {name: each}, metadata=metadata)
            for side, each in (("old", old), ("new", new))
        ]
        data = [
            echo_data(tmp_path / f"{side}.npz", {name: each}, y=y, id=np.arange(len(y)))
            for side, each in (("old", old), ("new", new))
        ]
        return models, {"old_data": data[0], "new_data": data[1], "resamples": 0}

    return make


@pytest.mark.parametrize("cut", [None, 0.3])
@pytest.mark.parametrize("per", ["example", "label"])
def test_probabilities_of_labels_are_cut(sides, drawn, per, cut):
    """Each label at the threshold; the whole set, or each label by itself, is right."""
    truth, old, new = drawn
    models, more = sides(old, new, truth.astype(int))
    report = flipcheck.compare(*models, multilabel=True, per=per, threshold=cut, **more)
    line = np.float32(0.5 if cut is None else cut)
    right = [(each >= line) == truth for each in (old, new)]
    right = [each.all(axis=1) if per == "example" else each.reshape(-1) for each in right]
    assert counts(report) == outcomes(*right)
    assert report.task.threshold == (0.5 if cut is None else cut,) * 2


def test_a_matrix_of_decisions_is_read_as_it_is(sides, drawn):
    """0 and 1 need no threshold."""
    truth, old, new = drawn
    decided = [(each >= 0.6).astype(np.int64) for each in (old, new)]
    models, more = sides(*decided, truth.astype(int))
    report = flipcheck.compare(*models, multilabel=True, **more)
    assert counts(report) == outcomes(*((each == truth).all(axis=1) for each in decided))


def test_logits_of_labels_need_a_threshold_of_their_own(sides, drawn):
    """Named with its output they are cut where the user says."""
    truth, old, new = drawn
    models, more = sides(old * 8 - 4, new * 8 - 4, truth.astype(int))
    with pytest.raises(FlipcheckError, match="holds no probabilities") as caught:
        flipcheck.compare(*models, multilabel=True, **more)
    assert "--output p --threshold 0" in str(caught.value)
    report = flipcheck.compare(*models, multilabel=True, output="p", threshold=0.0, **more)
    right = (((each * 8 - 4) >= 0) == truth for each in (old, new))
    assert counts(report) == outcomes(*(each.all(axis=1) for each in right))


def test_without_the_flag_they_stay_refused(sides, drawn):
    """Several probabilities that do not add up are no one class; the hint names the flag."""
    truth, old, new = drawn
    models, more = sides(old, new, truth.argmax(axis=1))
    with pytest.raises(FlipcheckError, match="do not add up to 1") as caught:
        flipcheck.compare(*models, **more)
    assert "--multilabel" in str(caught.value)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_best_k_scores(sides, k):
    """The truth among them, by a plain sort."""
    rng = np.random.default_rng(6)
    y = rng.integers(0, 3, 40)
    old, new = (rng.normal(0, 1, (40, 3)).astype(np.float32) for _ in range(2))
    models, more = sides(old, new, y)
    report = flipcheck.compare(*models, top_k=k, **more)
    right = [
        np.array(
            [y[row] in sorted(range(3), key=lambda at: -each[row, at])[:k] for row in range(40)]
        )
        for each in (old, new)
    ]
    assert counts(report) == outcomes(*right)


@pytest.mark.parametrize("options", [{"multilabel": True}, {"classes": "no,yes"}])
def test_a_threshold_that_no_probability_reaches(sides, options):
    """Also where the output is named: it holds probabilities."""
    shares = np.full((4, 3) if "multilabel" in options else 4, 0.4, np.float32)
    models, more = sides(shares, shares, np.zeros(shares.shape, int), metadata=None)
    with pytest.raises(FlipcheckError, match="--threshold 70 is no probability"):
        flipcheck.compare(*models, output="p", threshold=70.0, **options, **more)


@pytest.mark.parametrize("options", [{"multilabel": True}, {"top_k": 2}])
def test_a_run_that_stops_early_judges_the_same(sides, options):
    """Of the examples that it looked at, as the whole run judges those."""
    rng = np.random.default_rng(9)
    truth = np.eye(3, dtype=bool)[rng.integers(0, 3, 1500)]
    old = (truth * 0.8 + 0.1).astype(np.float32)
    y = truth.astype(int) if "multilabel" in options else truth.argmax(axis=1)
    models, more = sides(old, 1 - old, y)
    gate = "negative_flip_rate <= 5%"
    given = {**more, **options, "gates": gate, "output": "p"}
    report = flipcheck.compare(*models, stop_early=True, **given)
    whole = flipcheck.compare(*models, **given)
    assert report.early_stop.stopped
    assert report.verdict == whole.verdict
    seen = report.tally.examples
    if "multilabel" in options:
        assert (report.tally.negative_flips, whole.tally.negative_flips) == (seen, 1500)
    else:
        assert report.tally.old_wrong == whole.tally.old_wrong == 0


def test_more_ranks_than_classes(sides):
    """Every answer would be right."""
    scores = np.zeros((4, 3), np.float32)
    models, more = sides(scores, scores, np.zeros(4, int))
    with pytest.raises(FlipcheckError, match="--top-k 4, and there are 3 classes"):
        flipcheck.compare(*models, top_k=4, **more)


def test_one_logit_is_cut_where_the_user_says(sides):
    """One column that is no probability is read by a threshold with the output's name."""
    logits = np.array([-3, -0.1, 0, 2], np.float32)
    y = np.array([0, 1, 1, 0])
    models, more = sides(logits, logits + 1, y, metadata={"classes": "no,yes"})
    with pytest.raises(FlipcheckError, match="is no probability"):
        flipcheck.compare(*models, **more)
    report = flipcheck.compare(*models, output="p", threshold=0.0, **more)
    right = ((each >= 0) == y for each in (logits, logits + 1))
    assert counts(report) == outcomes(*right)


@pytest.mark.parametrize(
    ("flags", "column"),
    [
        (("--multilabel",), "prediction"),
        (("--top-k", "2", "--output", "p"), "label_1"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_saved_predictions_come_back_the_same(
    command, tmp_path, sides, drawn, flags, column, suffix
):
    """`predict` writes what `compare` reads: against the model itself nothing flips."""
    truth, old, _ = drawn
    old[0], truth[0] = 0, False  # an empty set
    names = np.array(LABELS)
    y = names[np.arange(40) % 3]
    if "--multilabel" in flags:
        y = np.array(["|".join(names[row]) for row in truth])
    models, more = sides(old, old, y)
    saved = tmp_path / f"saved.{suffix}"
    done = command("predict", models[0], more["old_data"], "-o", saved, *flags)
    assert done.status == 0, done.err
    given = ("--new-data", more["new_data"], *flags[: 1 if column == "prediction" else 2])
    named = ("--new-output", "p") if column != "prediction" else ()
    done = command("compare", saved, models[1], *given, *named)
    assert done.status == 0, done.err
    assert "breaks none of 40 answers" in " ".join(done.out.split())
    assert "mends 0" in done.out
    assert "0 / 40" in next(line for line in done.out.splitlines() if "churn" in line)


def test_a_table_of_features_with_labels_in_columns(tmp_path, table):
    """The columns label_<c> are truths, and no features."""
    from onnx_models import linear

    model = linear(tmp_path / "m.onnx", np.eye(3) * 8, name="x", classes=["a", "b", "c"])
    rows = "1,1,0,0,1,-1,-1", "2,0,1,1,-1,1,1", "3,0,0,0,-1,-1,1"
    data = table("data.csv", "id,label_a,label_b,label_c,f0,f1,f2", *rows)
    options = {"multilabel": True, "output": "logits", "threshold": 0.0, "resamples": 0}
    report = flipcheck.compare(model, model, data, **options)
    assert counts(report) == (2, 0, 0, 1)


def test_an_archive_without_ids_by_label_name(tmp_path):
    """What is made later is no array of the archive, whose rows are counted all the same."""
    scores = np.float32([[0.9, 0.1], [0.8, 0.7], [0.2, 0.6]])
    model = echo(tmp_path / "m.onnx", {"p": scores}, metadata={"classes": "a,b"})
    truths = np.array([[1, 0], [1, 1], [0, 0]])
    np.savez(tmp_path / "d.npz", p=scores, y=truths)
    report = flipcheck.compare(
        model,
        model,
        tmp_path / "d.npz",
        multilabel=True,
        per="label",
        by="label_name",
        classes="a,b",
        label="y",
    )
    assert {part.value: part.tally.both_right for part in report.slices} == {"a": 3, "b": 2}
