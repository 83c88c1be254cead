"""A probability of one of two classes, cut at a threshold: against a plain comparison."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import flipcheck
from flipcheck.errors import FlipcheckError


def counts(report) -> tuple[int, int, int, int]:
    """Both right, broken, mended and both wrong."""
    tally = report.tally
    return tally.both_right, tally.negative_flips, tally.positive_flips, tally.both_wrong


def naive(truth, old, new, old_cut=0.5, new_cut=0.5) -> tuple[int, int, int, int]:
    """The same counts by a loop."""
    found = [0, 0, 0, 0]
    for right, one, two in zip(truth, old, new, strict=True):
        before, after = (one >= old_cut) == bool(right), (two >= new_cut) == bool(right)
        found[{(1, 1): 0, (1, 0): 1, (0, 1): 2, (0, 0): 3}[before, after]] += 1
    return tuple(found)


@pytest.fixture
def drawn():
    """300 truths and two models' probabilities of them."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 300)
    old, new = (np.clip(truth * 0.4 + 0.3 + rng.normal(0, 0.3, 300), 0, 1) for _ in range(2))
    return truth, old.round(2), new.round(2)


def csv(table, name, truth, scores, header="id,label,p"):
    """One side as a CSV."""
    rows = zip(range(len(truth)), truth, scores, strict=True)
    return table(name, header, *(f"{row},{label},{score}" for row, label, score in rows))


@pytest.mark.parametrize("words", [("0", "1"), ("False", "True"), ("false", "true")])
@pytest.mark.parametrize("cuts", [{}, {"threshold": 0.7}, {"old_threshold": 0.3}])
def test_answers_are_cut_as_a_loop_cuts_them(table, drawn, words, cuts):
    """Labels that need no names are read as they are written; each side has its own threshold."""
    truth, old, new = drawn
    named = [words[each] for each in truth]
    paths = csv(table, "old.csv", named, old), csv(table, "new.csv", named, new)
    report = flipcheck.compare(*paths, probability="p", resamples=0, **cuts)
    both = cuts.get("threshold", 0.5)
    assert counts(report) == naive(truth, old, new, cuts.get("old_threshold", both), both)


def test_named_classes_and_a_column_of_one_class(table, drawn):
    """A lone prob_<class> is the probability of that class; the classes may be given or found."""
    truth, old, new = drawn
    named = ["yes" if each else "no" for each in truth]
    found = csv(table, "old.csv", named, old, "id,label,prob_yes")
    other = csv(table, "new.csv", named, 1 - new, "id,label,proba_no")
    given = csv(table, "given.csv", named, new, "id,label,p")
    expected = naive(truth, old, new)
    report = flipcheck.compare(found, other, resamples=0)
    loop = [0, 0, 0, 0]
    for right, one, two in zip(truth, old, new, strict=True):
        before, after = (one >= 0.5) == bool(right), (1 - (1 - two) > 0.5) == bool(right)
        loop[{(1, 1): 0, (1, 0): 1, (0, 1): 2, (0, 0): 3}[before, after]] += 1
    assert counts(report) == tuple(loop)
    both = flipcheck.compare(
        csv(table, "o.csv", named, old), given, probability="p", classes="no,yes", resamples=0
    )
    assert counts(both) == expected


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
@pytest.mark.parametrize("cut", [0.5, 0.7, 0.1])
def test_a_score_that_equals_the_threshold_reaches_it(tmp_path, kind, cut):
    """As it is stored: a float32 0.7 is not a little less than 0.7."""
    path = tmp_path / "p.parquet"
    columns = {"id": [1], "label": [1], "p": pa.array([cut], kind)}
    parquet.write_table(pa.table(columns), path)
    report = flipcheck.compare(path, path, probability="p", threshold=cut, resamples=0)
    assert counts(report) == (1, 0, 0, 0)


def test_arrays_of_probabilities(tmp_path, drawn):
    """One score an example is cut; logits too, at a threshold of their own."""
    truth, old, new = drawn
    paths = tmp_path / "old.npz", tmp_path / "new.npz", tmp_path / "logits.npz"
    np.savez(paths[0], probs=old, labels=truth)
    np.savez(paths[1], scores=new[:, None], labels=truth)
    np.savez(paths[2], logits=new - 0.4, labels=truth)
    assert counts(flipcheck.compare(*paths[:2], resamples=0)) == naive(truth, old, new)
    report = flipcheck.compare(paths[0], paths[2], new_threshold=0.0, resamples=0)
    assert counts(report) == naive(truth, old, new - 0.4, 0.5, 0.0)


def test_two_probabilities_and_a_threshold(table, drawn):
    """With a column for each of two classes the threshold cuts that of the second."""
    truth, old, _ = drawn
    rows = [f"{n},{y},{1 - p:.2f},{p}" for n, (y, p) in enumerate(zip(truth, old, strict=True))]
    path = table("two.csv", "id,label,prob_0,prob_1", *rows)
    report = flipcheck.compare(path, path, new_threshold=0.8, old_threshold=0.5, resamples=0)
    assert counts(report) == naive(truth, old, old, 0.5, 0.8)


def test_one_file_at_two_thresholds_is_no_same_file(table, drawn, command):
    """The report says both thresholds, and does not say that nothing can flip."""
    truth, old, _ = drawn
    path = csv(table, "old.csv", truth, old)
    cuts = ("--probability", "p", "--new-threshold", "0.8", "--json", path.with_suffix(".json"))
    done = command("compare", path, path, *cuts)
    assert done.status == 0, done.err
    assert "threshold 0.5 (old), 0.8 (new)" in " ".join(done.out.split())
    assert "nothing can flip" not in done.out
    written = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert written["task"]["threshold"] == {"old": 0.5, "new": 0.8}
    assert written["new"]["facts"]["threshold"] == 0.8
    assert command("render", path.with_suffix(".json")).out == done.out


@pytest.mark.parametrize(
    ("header", "rows", "options", "message", "hint"),
    [
        ("id,label,p", ["1,0,1.5"], {"probability": "p"}, "0 to 1, as 1.5: row 2", "logits"),
        ("id,label,p", ["1,0,"], {"probability": "p"}, "missing, NaN or infinite", "row 2"),
        ("id,label,p", ["1,0,x"], {"probability": "p"}, "'x' is no number", "rename"),
        ("id,label,p", ["1,no,0.4"], {"probability": "p"}, "nothing says which", "no,yes"),
        ("id,label,p", ["1,0,0.4"], {"probability": "q"}, "no column 'q' (--probability)", "p"),
        ("id,label,p", ["1,0,0.4"], {"probability": "p", "classes": "a,b,c"}, "names 3", "no,yes"),
        ("id,label,prob_a", ["1,a,0.4"], {}, "what the other is called", "--classes no,a"),
        ("id,label,prob_a", ["1,a,0.4"], {"classes": "a,b"}, "not the probability of 'b'", "order"),
        (
            "id,label,p,pred",
            ["1,0,0.4,0"],
            {"probability": "p", "prediction": "pred"},
            "--probability and --prediction",
            "leave one",
        ),
        ("id,label,pred", ["1,0,0"], {"threshold": 0.4}, "read by another column", "--probability"),
        ("id,label,p", ["1,0,1"], {"probability": "p", "threshold": float("nan")}, "nan", "finite"),
    ],
)  # fmt: skip
def test_what_cannot_be_cut_is_said(table, header, rows, options, message, hint):
    """Nothing is guessed: the message says what is wrong, the hint what to do."""
    path = table("p.csv", header, *rows)
    with pytest.raises(FlipcheckError) as caught:
        flipcheck.compare(path, path, **options)
    assert message in str(caught.value)
    assert hint in str(caught.value)


def test_two_scores_that_are_no_probabilities_have_no_threshold(table, tmp_path):
    """A logit alone says nothing: the larger of two is the answer."""
    path = table("l.csv", "id,label,logit_0,logit_1", "1,0,5,3", "2,1,-1,0")
    with pytest.raises(FlipcheckError, match="needs probabilities of the two classes"):
        flipcheck.compare(path, path, threshold=0.5)
    archive = tmp_path / "l.npz"
    np.savez(archive, logits=np.array([[5.0, 3.0]]), labels=np.array([0]))
    with pytest.raises(FlipcheckError, match="needs probabilities of the two classes"):
        flipcheck.compare(archive, archive, threshold=0.5)


def test_a_threshold_beyond_all_scores_is_told(table, drawn):
    """Where 70 was meant as 70%, every answer is the first class, and a warning says so."""
    truth, old, _ = drawn
    path = csv(table, "old.csv", truth, old)
    report = flipcheck.compare(path, path, probability="p", threshold=70.0, resamples=0)
    assert any("by the threshold 70 every answer is '0'" in note for note in report.warnings)


def test_a_verdict_beside_a_lone_score_stays_the_verdict(table):
    """A column of verdicts is read as before, whatever score stands beside it."""
    path = table("v.csv", "id,label,correct,score_x", "1,a,1,3.5", "2,b,0,4")
    assert counts(flipcheck.compare(path, path, resamples=0)) == (1, 0, 0, 1)
