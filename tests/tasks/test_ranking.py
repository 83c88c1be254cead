"""Right is an answer with the truth among the best k: against scikit-learn and plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import top_k_accuracy_score

import flipcheck
from flipcheck.errors import FlipcheckError
from flipcheck.tasks.ranking import best

CLASSES = tuple("abcdef")


@pytest.fixture
def drawn():
    """200 truths and two models' scores of every class, without ties."""
    rng = np.random.default_rng(8)
    truth = rng.integers(0, len(CLASSES), 200)
    old, new = (rng.normal(0, 1, (200, len(CLASSES))) for _ in range(2))
    for scores in (old, new):
        scores[np.arange(200), truth] += 0.8
    return truth, old.round(6), new.round(6)


def table_of(table, name, truth, scores):
    """Scores in a column a class."""
    header = ",".join(["id", "label", *(f"score_{each}" for each in CLASSES)])
    rows = (
        ",".join([str(row), CLASSES[label], *map(str, each)])
        for row, (label, each) in enumerate(zip(truth, scores.tolist(), strict=True))
    )
    return table(name, header, *rows)


def ranks(scores, k):
    """The best k classes of each row, best first, by a plain sort."""
    order = [sorted(range(len(row)), key=lambda at: (-row[at], at))[:k] for row in scores.tolist()]
    return [[CLASSES[at] for at in row] for row in order]


@pytest.fixture
def written(table, lines, tmp_path, drawn):
    """One side of the drawn scores in any of the layouts."""
    truth = drawn[0]

    def write(layout: str, side: int):
        scores, name = drawn[side], f"{layout}{side}"
        if layout == "columns":
            return table_of(table, f"{name}.csv", truth, scores)
        if layout == "matrix":
            path = tmp_path / f"{name}.npz"
            np.savez(path, ids=np.arange(200), labels=truth, logits=scores)
            return path
        best_five = ranks(scores, 5)
        named = [CLASSES[each] for each in truth]
        if layout == "ranks":
            header = "id,label," + ",".join(f"label_{rank}" for rank in range(5))
            rows = zip(range(200), named, best_five, strict=True)
            return table(f"{name}.csv", header, *(f"{n},{y},{','.join(r)}" for n, y, r in rows))
        return lines(
            f"{name}.jsonl",
            *(
                {"id": row, "label": label, "prediction": each}
                for row, (label, each) in enumerate(zip(named, best_five, strict=True))
            ),
        )

    return write


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize(
    ("old", "new"), [("columns", "lists"), ("ranks", "matrix"), ("matrix", "columns")]
)
def test_errors_are_those_of_scikit_learn(written, drawn, old, new, k):
    """In every layout, and in any mixture; churn is of the first answers."""
    truth, *scores = drawn
    more = {"classes": list(CLASSES)} if "matrix" in {old, new} else {}
    report = flipcheck.compare(written(old, 1), written(new, 2), top_k=k, resamples=0, **more)
    for name, each in zip(("old_error_rate", "new_error_rate"), scores, strict=True):
        right = top_k_accuracy_score(truth, each, k=k, labels=range(len(CLASSES)))
        assert report.metrics[name].value == pytest.approx(1 - right)
    lost = sum(
        (CLASSES[label] in one) and (CLASSES[label] not in two)
        for label, one, two in zip(truth, ranks(scores[0], k), ranks(scores[1], k), strict=True)
    )
    assert report.tally.negative_flips == lost
    churn = np.mean(scores[0].argmax(axis=1) != scores[1].argmax(axis=1))
    assert report.metrics["churn"].value == pytest.approx(churn)


def test_the_first_of_one_is_the_plain_audit(written):
    """--top-k 1 counts as the largest score does."""
    paths = written("columns", 1), written("columns", 2)
    plain = flipcheck.compare(*paths, resamples=0)
    assert flipcheck.compare(*paths, top_k=1, resamples=0).tally == plain.tally


@given(
    rows=st.lists(
        st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0]), min_size=4, max_size=4), min_size=1
    ),
    k=st.integers(1, 4),
)
def test_equal_scores_rank_by_the_order_of_classes(rows, k):
    """As a stable sort ranks them."""
    expected = [sorted(range(4), key=lambda at: (-row[at], at))[:k] for row in rows]
    assert best("scores", np.array(rows), k).tolist() == expected


def test_classes_made_one_are_one_rank(table):
    """A label map that merges classes moves the ranks with them."""
    path = table("t.csv", "id,label,score_tabby,score_dog,score_cat", "1,cat,3,2,1", "2,dog,3,2,1")
    report = flipcheck.compare(path, path, top_k=1, label_map={"tabby": "cat"}, resamples=0)
    assert (report.tally.both_right, report.tally.both_wrong) == (1, 1)
    assert flipcheck.compare(path, path, top_k=1, resamples=0).tally.both_right == 0


def test_lists_may_be_short(lines):
    """A list that ends early has no further answers; an empty one is no answer."""
    rows = [
        {"id": 1, "label": "a", "prediction": ["b", "a"]},
        {"id": 2, "label": "a", "prediction": ["b"]},
        {"id": 3, "label": "a", "prediction": []},
    ]
    path = lines("short.jsonl", *rows)
    report = flipcheck.compare(path, path, top_k=2, resamples=0)
    assert (report.tally.both_right, report.tally.both_wrong) == (1, 2)
    assert any("1 example without an answer" in note for note in report.warnings)


@pytest.mark.parametrize(
    ("header", "row", "options", "told"),
    [
        ("id,label,score_a,score_b", "1,a,0,1", {"top_k": 3}, ["there are 2 classes", "smaller"]),
        ("id,label,label_0,label_1", "1,a,a,b", {"top_k": 3}, ["there are 2 answers"]),
        ("id,label,prediction", "1,a,a", {"top_k": 2}, ["one answer for each example"]),
        ("id,label,correct", "1,a,1", {"top_k": 2}, ["needs scores of every class"]),
        ("id,label,score_a,score_b", "1,a,0,1", {"top_k": 0}, ["--top-k 0: at least 1"]),
        ("id,label,score_a,score_b", "1,a,0,nan", {"top_k": 1}, ["NaN or infinite scores: row 2"]),
        (
            "id,label,score_a,score_b",
            "1,a,0,1",
            {"top_k": 1, "multilabel": True},
            ["--multilabel and --top-k"],
        ),
    ],
)
def test_what_cannot_be_ranked_is_said(table, header, row, options, told):
    """The message says what is wrong, the hint what to do."""
    path = table("t.csv", header, row)
    with pytest.raises(FlipcheckError) as caught:
        flipcheck.compare(path, path, **options)
    for part in told:
        assert part in str(caught.value)


def test_predictions_without_ranks_are_refused():
    """Predictions from arrays have first answers only."""
    one = flipcheck.Predictions.from_arrays(["a"], ["a"])
    with pytest.raises(FlipcheckError, match="--top-k 2 needs scores or ranked answers"):
        flipcheck.compare(one, one, top_k=2)


def test_the_report_says_the_rank(command, written, tmp_path):
    """In the terminal and in JSON, which renders the same."""
    paths, out = (written("columns", 1), written("columns", 2)), tmp_path / "r.json"
    done = command("compare", *paths, "--top-k", "5", "--json", out)
    assert "right: the truth is among the top 5" in done.out
    assert command("render", out).out == done.out


def test_ranks_of_image_files_with_labels_of_their_own(table):
    """As timm writes them: a file name, label_0, label_1, …, and the truth elsewhere."""
    header = "filename,label_0,label_1,prob_0,prob_1"
    old = table("old.csv", header, "1.png,cat,dog,0.9,0.1", "2.png,dog,fox,0.6,0.3")
    new = table("new.csv", header, "1.png,fox,dog,0.9,0.1", "2.png,fox,dog,0.6,0.3")
    truth = table("truth.csv", "filename,label", "2.png,dog", "1.png,cat")
    report = flipcheck.compare(old, new, labels=truth, top_k=2, resamples=0)
    assert (report.tally.both_right, report.tally.negative_flips) == (1, 1)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_any_accepted_answer_among_the_best_is_right(tmp_path, suffix):
    """Lists of accepted answers are looked for among the first k, as a plain loop does."""
    rng = np.random.default_rng(5)
    truths = [rng.permutation(CLASSES)[: rng.integers(1, 4)].tolist() for _ in range(60)]
    paths, right = [], []
    for name in ("old", "new"):
        answers = [rng.permutation(CLASSES)[:3].tolist() for _ in truths]
        right.append(
            [bool({*each[:2]} & {*truth}) for each, truth in zip(answers, truths, strict=True)]
        )
        frame = pd.DataFrame({"id": range(60), "label": truths, "prediction": answers})
        paths.append(tmp_path / f"{name}{suffix}")
        if suffix == ".jsonl":
            frame.to_json(paths[-1], orient="records", lines=True)
        else:
            frame.to_parquet(paths[-1])
    found = flipcheck.compare(*paths, top_k=2).tally
    old, new = map(np.array, right)
    assert found.negative_flips == int((old & ~new).sum())
    assert found.positive_flips == int((~old & new).sum())
    assert found.both_right == int((old & new).sum())


def test_an_old_model_whose_first_answers_are_never_right(tmp_path):
    """Second answers are answers: that no first one is any label says nothing of them."""
    scores = np.tile(np.float32([0.6, 0.3, 0.1]), (12, 1))
    np.savez(tmp_path / "old.npz", scores=scores, labels=["b"] * 12)
    np.savez(tmp_path / "new.npz", scores=scores[:, ::-1].copy(), labels=["b"] * 12)
    sides = [tmp_path / f"{name}.npz" for name in ("old", "new")]
    report = flipcheck.compare(*sides, top_k=2, classes="a,b,c", resamples=0)
    assert report.tally.both_right == 12
