"""Results of timm's inference script, in every form that it writes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import flipcheck
from flipcheck.errors import InputError
from flipcheck.sources.saved import read_predictions
from flipcheck.sources.spec import Columns

FILES = ["a.jpg", "b.jpg", "c.jpg"]
INDEX = [[5, 2], [2, 5], [2, 7]]
LABEL = [["crane", "it's a cat"], ["it's a cat", "crane"], ["it's a cat", 'dog, "big"']]
PROB = [[0.9, 0.1], [0.6, 0.4], [0.5, 0.25]]


def frame(*, top=1, separate=False, index=True, label=True, score="prob"):
    """What inference.py makes of its results."""
    data = {"filename": FILES}
    parts = [("index", INDEX, index), ("label", LABEL, label), (score, PROB, True)]
    for name, values, wanted in parts:
        if wanted and separate:
            data |= {f"{name}_{k}": [row[k] for row in values] for k in range(top)}
        elif wanted:
            data[name] = [row[0] if top == 1 else row[:top] for row in values]
    return pd.DataFrame(data)


def csv(path, found):
    """CSV; lists are what numpy prints of arrays."""
    import numpy as np

    def printed(value):
        return str(np.array(value, dtype=object if isinstance(value[0], str) else None))

    texts = {
        name: [printed(each) if isinstance(each, list) else each for each in values]
        for name, values in found.items()
    }
    pd.DataFrame(texts).to_csv(path, index=False)


WRITERS = {
    "csv": csv,
    "parquet": lambda path, found: found.set_index("filename").to_parquet(path),
    "json": lambda path, found: found.set_index("filename").to_json(path, indent=4, orient="index"),
    "json-records": lambda path, found: found.to_json(path, lines=True, orient="records"),
    "json-split": lambda path, found: found.to_json(path, indent=4, orient="split", index=False),
}


def written(folder, kind, found, name="results"):
    """A file in one of the formats."""
    path = folder / f"{name}.{kind.split('-')[0]}"
    WRITERS[kind](path, found)
    return path


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("top", [1, 2])
@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("index", [False, True])
def test_every_form_has_the_same_answers(tmp_path, kind, top, separate, index):
    """The best class, by its index where there is one, and those after it."""
    if separate and top == 1:
        separate = False  # inference.py writes single columns then
    path = written(tmp_path, kind, frame(top=top, separate=separate, index=index))
    found = read_predictions(path, Columns())
    expected = [[str(each) for each in row] for row in INDEX] if index else LABEL
    assert found.ids.to_pylist() == FILES
    assert found.answers.texts() == [row[0] for row in expected]
    assert found.confidence.tolist() == pytest.approx([row[0] for row in PROB])
    assert found.truth is None
    assert (found.ranked is not None) == (top == 2)
    if top == 2:
        names = found.answers.names
        assert [[names[code] for code in row] for row in found.ranked.tolist()] == expected


def test_labels_come_from_a_file(tmp_path, compared, table):
    """The column `label` is what the model says; the truth is given beside it."""
    old = written(tmp_path, "csv", frame(label=False), "old")
    new = written(tmp_path, "parquet", frame(label=False).assign(index=[5, 7, 2]), "new")
    truth = table("truth.csv", "filename,label", "a.jpg,5", "b.jpg,2", "c.jpg,7")
    report = compared(old, new, "--labels", truth)
    assert report["data"]["examples"] == 3
    assert report["metrics"]["negative_flip_rate"]["numerator"] == 1


def test_without_labels_nothing_is_right(tmp_path, refused):
    """`label` is never taken for the truth."""
    path = written(tmp_path, "csv", frame())
    assert "no labels" in refused(path, path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_scores_of_the_best_are_no_scores_of_classes(tmp_path, refused, kind):
    """prob_0 falls to prob_1 in every row: nothing says which classes these are."""
    path = written(tmp_path, kind, frame(top=2, separate=True, index=False, label=False))
    assert "--include-index" in refused(path, path)


def test_scores_of_every_class_are_a_plain_table(tmp_path):
    """With --topk 0 prob_0 is the probability of class 0."""
    path = tmp_path / "all.csv"
    pd.DataFrame({"filename": FILES, "prob_0": [0.9, 0.1, 0.2], "prob_1": [0.1, 0.9, 0.8]}).to_csv(
        path, index=False
    )
    assert read_predictions(path, Columns()).answers.texts() == ["0", "1", "1"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param(["a.jpg,[1 2],[0.9 0.1]", "b.jpg,[1],[0.9 0.1]"], "row 3", id="ragged"),
        pytest.param(["a.jpg,1,0.9", "b.jpg,2,nan"], "row 3", id="NaN"),
        pytest.param(["a.jpg,1,0.9", "b.jpg,2,1.5"], "row 3", id="no probability"),
        pytest.param(["a.jpg,1,0.9", "b.jpg,2,high"], "row 3", id="text"),
        pytest.param(["a.jpg,1,0.9", "a.jpg,2,0.9"], "more than once", id="a file twice"),
    ],
)
def test_what_is_wrong_with_results_is_said(table, refused, rows, told):
    """Row and column."""
    path = table("old.csv", "filename,index,prob", *rows)
    truth = table("truth.csv", "filename,label", "a.jpg,1", "b.jpg,2")
    said = refused(path, path, "--labels", truth)
    assert told in said
    assert "hint:" in said


def test_a_table_whose_label_column_was_named_is_a_plain_table(table, compared):
    """Named columns say that `label` is the truth."""
    rows = ["a.jpg,cat,0.9,cat", "b.jpg,dog,0.8,cat"]
    path = table("old.csv", "filename,label,prob,answer", *rows)
    report = compared(path, path, "--prediction", "answer", "--label", "label")
    assert report["metrics"]["old_error_rate"]["numerator"] == 1


@pytest.mark.parametrize("k", [None, 1, 2, 5])
def test_only_as_many_ranks_count_as_were_asked_for(tmp_path, k):
    """Five classes a file are in the results; without --top-k the first alone is the answer."""
    rng = np.random.default_rng(3)
    names = [f"{number}.png" for number in range(60)]
    truths = [str(each) for each in rng.integers(0, 6, 60)]
    labels = tmp_path / "labels.csv"
    pd.DataFrame({"id": names, "label": truths}).to_csv(labels, index=False)
    paths, right = [], []
    for side in ("old", "new"):
        best = [[str(each) for each in rng.permutation(6)[:5]] for _ in names]
        rows = {f"index_{rank}": [each[rank] for each in best] for rank in range(5)}
        rows |= {f"prob_{rank}": [0.9 / (rank + 1)] * 60 for rank in range(5)}
        paths.append(tmp_path / f"{side}.csv")
        pd.DataFrame({"filename": names, **rows}).to_csv(paths[-1], index=False)
        first = [each[: k or 1] for each in best]
        right.append(np.array([one in some for one, some in zip(truths, first, strict=True)]))
    asked = {} if k is None else {"top_k": k}
    found = flipcheck.compare(*paths, labels=labels, **asked).tally
    old, new = right
    assert found.both_right == int((old & new).sum())
    assert found.negative_flips == int((old & ~new).sum())
    assert found.positive_flips == int((~old & new).sum())


def test_more_ranks_than_there_are_is_an_error(tmp_path):
    """Of two classes a file the best three are not known."""
    path = tmp_path / "o.csv"
    path.write_text(
        "filename,index_0,index_1,prob_0,prob_1\na.png,1,2,0.9,0.1\nb.png,2,1,0.8,0.1\n"
    )
    labels = tmp_path / "l.csv"
    labels.write_text("id,label\na.png,1\nb.png,2\n")
    with pytest.raises(InputError, match="--top-k 3, and there are 2 answers"):
        flipcheck.compare(path, path, labels=labels, top_k=3)
