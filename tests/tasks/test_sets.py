"""Several labels an example: whole sets, and each label by itself, against plain loops."""

from __future__ import annotations

import json
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from sklearn.metrics import multilabel_confusion_matrix

import flipcheck
from flipcheck.errors import FlipcheckError
from flipcheck.labels import Labels
from flipcheck.tasks.sets import labels_in, matrix_of, members, set_name, sets_of_matrix

LABELS = ("cat", "dog", "bird", "big cat")
SETS = st.sets(st.sampled_from(LABELS))
ROWS = st.lists(st.tuples(SETS, SETS, SETS), min_size=1, max_size=9)


def counts(report) -> tuple[int, int, int, int]:
    """Both right, broken, mended and both wrong."""
    tally = report.tally
    return tally.both_right, tally.negative_flips, tally.positive_flips, tally.both_wrong


def cell(old: bool, new: bool) -> int:
    """Which of the counts one decision is in."""
    return {(True, True): 0, (True, False): 1, (False, True): 2, (False, False): 3}[old, new]


def per_example(rows) -> tuple[int, ...]:
    """The counts of whole sets, by a loop."""
    found = [0] * 4
    for truth, old, new in rows:
        found[cell(old == truth, new == truth)] += 1
    return tuple(found)


def per_label(rows) -> tuple[int, ...]:
    """The counts of (example, label) pairs, by a loop over all labels that some set has."""
    found = [0] * 4
    used = {label for row in rows for part in row for label in part}
    for truth, old, new in rows:
        for label in used:
            right = label in truth
            found[cell((label in old) == right, (label in new) == right)] += 1
    return tuple(found)


@pytest.fixture
def drawn():
    """150 examples: what is true, and what two models answer."""
    rng = random.Random(5)

    def noisy(truth: set[str], rate: float) -> set[str]:
        return {label for label in LABELS if (label in truth) != (rng.random() < rate)}

    truths = [{label for label in LABELS if rng.random() < 0.3} for _ in range(150)]
    return [(truth, noisy(truth, 0.1), noisy(truth, 0.12)) for truth in truths]


def as_text(table, name, rows, side, separator="|"):
    """One side as sets in text, its labels in any order."""
    lines = [
        f"{row},{separator.join(sets[0])},{separator.join(sorted(sets[side], reverse=True))}"
        for row, sets in enumerate(rows)
    ]
    return table(name, "id,label,prediction", *lines)


def as_lists(lines, name, rows, side):
    """One side as JSON lists, of which one names a label twice."""
    return lines(
        name,
        *(
            {"id": row, "label": sorted(sets[0]), "prediction": [*sets[side], *sets[side]]}
            for row, sets in enumerate(rows)
        ),
    )


def as_parquet(path, rows, side):
    """One side as a Parquet file of lists of text."""
    columns = {
        "id": list(range(len(rows))),
        "label": pa.array([list(sets[0]) for sets in rows], pa.list_(pa.string())),
        "prediction": pa.array([list(sets[side]) for sets in rows], pa.list_(pa.string())),
    }
    parquet.write_table(pa.table(columns), path)
    return path


def as_columns(table, name, rows, side, prefix):
    """One side as a column a label: of decisions, or of probabilities."""
    header = ["id", *(f"label_{each}" for each in LABELS), *(f"{prefix}{each}" for each in LABELS)]
    yes, no = ("0.5", "0.49") if prefix == "prob_" else ("1", "0")
    lines = [
        ",".join(
            [str(row), *(str(int(each in sets[0])) for each in LABELS)]
            + [yes if each in sets[side] else no for each in LABELS]
        )
        for row, sets in enumerate(rows)
    ]
    return table(name, ",".join(header), *lines)


def as_arrays(path, rows, side, name="predictions"):
    """One side as matrices of 0/1, or of probabilities."""
    truth, chosen = (
        np.array([[label in sets[part] for label in LABELS] for sets in rows]) for part in (0, side)
    )
    answers = chosen * 0.8 + 0.1 if name == "probs" else chosen.astype(int)
    np.savez(path, ids=np.arange(len(rows)), labels=truth.astype(int), **{name: answers})
    return path


@pytest.fixture
def written(table, lines, tmp_path, drawn):
    """One side of the drawn examples in any of the layouts."""

    def write(layout: str, side: int):
        name = f"{layout}{side}"
        makers = {
            "text": lambda: as_text(table, f"{name}.csv", drawn, side),
            "lists": lambda: as_lists(lines, f"{name}.jsonl", drawn, side),
            "parquet": lambda: as_parquet(tmp_path / f"{name}.parquet", drawn, side),
            "decisions": lambda: as_columns(table, f"{name}.csv", drawn, side, "pred_"),
            "shares": lambda: as_columns(table, f"{name}.csv", drawn, side, "prob_"),
            "matrix": lambda: as_arrays(tmp_path / f"{name}.npz", drawn, side),
            "scores": lambda: as_arrays(tmp_path / f"{name}.npz", drawn, side, "probs"),
        }
        return makers[layout]()

    return write


@pytest.mark.parametrize("old", ["text", "parquet", "decisions", "matrix"])
@pytest.mark.parametrize("new", ["lists", "shares", "scores"])
def test_every_layout_is_one_and_the_same(written, drawn, old, new):
    """Sets are sets: text, lists, columns and matrices, whatever the order, in any mixture."""
    more = {"classes": list(LABELS)} if {old, new} & {"matrix", "scores"} else {}
    paths = written(old, 1), written(new, 2)
    options = {"multilabel": True, "resamples": 0, **more}
    assert counts(flipcheck.compare(*paths, **options)) == per_example(drawn)
    assert counts(flipcheck.compare(*paths, per="label", **options)) == per_label(drawn)


def test_labels_by_themselves_are_those_of_scikit_learn(written, drawn):
    """The errors of each label are the off-diagonal of its confusion matrix."""
    report = flipcheck.compare(
        written("text", 1), written("text", 2), multilabel=True, per="label", by="label_name"
    )
    truth, old, new = (
        np.array([[label in sets[part] for label in LABELS] for sets in drawn]) for part in range(3)
    )
    for part in report.slices:
        place = LABELS.index(part.value)
        before, after = (multilabel_confusion_matrix(truth, each)[place] for each in (old, new))
        assert part.tally.old_wrong == before[0, 1] + before[1, 0]
        assert part.tally.new_wrong == after[0, 1] + after[1, 0]
    assert sum(part.tally.examples for part in report.slices) == len(drawn) * len(LABELS)


def test_decisions_are_drawn_with_their_example(written, drawn):
    """They are clustered by example without being asked, unless another column is named."""
    paths = written("text", 1), written("text", 2)
    report = flipcheck.compare(*paths, multilabel=True, per="label", resamples=0)
    assert (report.data.cluster, report.data.clusters) == ("example", len(drawn))
    assert report.data.examples == len(drawn) * len(LABELS)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=ROWS)
def test_both_units_are_the_naive_loops(tmp_path_factory, rows):
    """Whatever the sets: empty ones, equal ones, and labels that only one model names."""
    folder = tmp_path_factory.mktemp("sets")
    paths = []
    for side, name in ((1, "old"), (2, "new")):
        paths.append(folder / f"{name}.csv")
        text = [f"{n},{'|'.join(sets[0])},{'|'.join(sets[side])}" for n, sets in enumerate(rows)]
        paths[-1].write_text("\n".join(["id,label,prediction", *text]) + "\n")
    options = {"multilabel": True, "resamples": 0}
    assert counts(flipcheck.compare(*paths, **options)) == per_example(rows)
    if any(part for row in rows for part in row):
        assert counts(flipcheck.compare(*paths, per="label", **options)) == per_label(rows)


@given(rows=st.lists(SETS, min_size=1))
def test_sets_and_matrices_are_one(rows):
    """What a matrix says comes back from the sets that are made of it."""
    matrix = np.array([[label in each for label in LABELS] for each in rows])
    made = sets_of_matrix(matrix, LABELS, "|")
    assert [set(members(name, "|")) for name in made.texts()] == rows
    assert (matrix_of(made, LABELS, "|") == matrix).all()
    assert labels_in(made, "|") == tuple(sorted(set().union(*rows)))


def test_an_empty_set_is_an_answer_and_a_missing_one_is_none(lines):
    """[] is right where nothing is true; null is no answer, counted as wrong with a warning."""
    rows = [{"id": 1, "label": [], "prediction": []}, {"id": 2, "label": ["a"]}]
    path = lines("gaps.jsonl", *rows)
    report = flipcheck.compare(path, path, multilabel=True, resamples=0)
    assert counts(report) == (1, 0, 0, 1)
    assert "1 example without an answer, counted as wrong" in " ".join(report.warnings)
    again = flipcheck.compare(path, path, multilabel=True, per="label", resamples=0)
    assert counts(again) == (1, 0, 0, 1)


def test_sets_are_translated_label_by_label(table):
    """A label map speaks of labels, and may make two of them one."""
    old = table("old.csv", "id,label,prediction", "1,cat|dog,tabby|dog", "2,cat,tabby|siamese")
    report = flipcheck.compare(
        old, old, multilabel=True, label_map={"tabby": "cat", "siamese": "cat"}, resamples=0
    )
    assert counts(report) == (2, 0, 0, 0)


def test_a_label_that_is_translated_into_two(table):
    """A name that holds the separator would be two labels."""
    path = table("old.csv", "id,label,prediction", "1,cat,tabby")
    with pytest.raises(FlipcheckError, match=r"holds '\|'"):
        flipcheck.compare(path, path, multilabel=True, label_map={"tabby": "cat|dog"})


@pytest.mark.parametrize("maker", [as_lists, None])
def test_lists_without_the_flag_name_it(lines, tmp_path, drawn, maker):
    """Lists of answers are no one answer; the hint says which flag reads them."""
    path = (
        as_parquet(tmp_path / "p.parquet", drawn, 1)
        if maker is None
        else maker(lines, "p.jsonl", drawn, 1)
    )
    with pytest.raises(FlipcheckError, match="list") as caught:
        flipcheck.compare(path, path)
    assert "--multilabel" in str(caught.value)


def test_labels_in_a_file_of_their_own(table):
    """Truth may come by --labels, with another separator on all sides."""
    old = table("old.csv", "id,prediction", "1,cat;dog", "2,")
    truth = table("truth.csv", "id,label", "2,", "1,dog; cat")
    report = flipcheck.compare(old, old, labels=truth, multilabel=True, separator=";", resamples=0)
    assert counts(report) == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("old", "new", "options", "told"),
    [
        # one side has a column that the other lacks
        (
            ("id,label_a,label_b,pred_a,pred_b", "1,1,0,1,0"),
            ("id,label_a,pred_a", "1,1,1"),
            {},
            ["new.csv has no column for 1 label of", "'b'", "both sides"],
        ),
        # truths and answers of other labels
        (
            ("id,label_a,pred_b", "1,1,0"),
            ("id,label_a,pred_b", "1,1,0"),
            {},
            ["1 label without a prediction: 'a'", "1 label without a truth: 'b'"],
        ),
        # a label in text that no column is of
        (
            ("id,label_a,pred_a", "1,1,1"),
            ("id,label,prediction", "1,a,a|c"),
            {},
            ["old.csv has no column for 1 label", "'c'"],
        ),
        # what is no decision
        (
            ("id,label_a,pred_a", "1,1,0.7"),
            ("id,label_a,pred_a", "1,1,1"),
            {},
            ["pred_a", "0.7"],
        ),
        # a label without a name
        (
            ("id,label,prediction", "1,a||b,a"),
            ("id,label,prediction", "1,a|b,a"),
            {},
            ["an empty label between separators (row 2)", "--separator"],
        ),
        # two places for the truth
        (
            ("id,label,label_a,pred_a", "1,a,1,1"),
            ("id,label_a,pred_a", "1,1,1"),
            {},
            ["could both be the labels", "--label label"],
        ),
        # no answers at all
        (("id,label_a", "1,1"), ("id,label_a", "1,1"), {}, ["no predictions of several labels"]),
        # a threshold that cuts nothing
        (
            ("id,label_a,pred_a", "1,1,1"),
            ("id,label_a,pred_a", "1,1,1"),
            {"threshold": 0.4},
            ["no predictions of several labels"],
        ),
        # what no set can be judged by
        (
            ("id,label,prediction,ok", "1,a,a,1"),
            ("id,label,prediction,ok", "1,a,a,1"),
            {"correct": "ok"},
            ["--multilabel and --correct: only one"],
        ),
    ],
)
def test_what_is_wrong_with_sets_is_said(table, old, new, options, told):
    """The message names the file and what is wrong, the hint what to do."""
    paths = table("old.csv", *old), table("new.csv", *new)
    with pytest.raises(FlipcheckError) as caught:
        flipcheck.compare(*paths, multilabel=True, **options)
    for part in told:
        assert part in str(caught.value)


def test_a_label_that_holds_the_separator(lines):
    """It could not be told from two labels: another separator mends it."""
    path = lines("odd.jsonl", {"id": 1, "label": ["a|b"], "prediction": ["a|b"]})
    with pytest.raises(FlipcheckError, match=r"holds '\|'") as caught:
        flipcheck.compare(path, path, multilabel=True)
    assert "--separator" in str(caught.value)
    report = flipcheck.compare(path, path, multilabel=True, separator=";", resamples=0)
    assert counts(report) == (1, 0, 0, 0)


def test_an_old_model_of_other_labels_breaks_nothing_and_is_refused(table):
    """Not one label in common: any update would pass."""
    rows = [f"{row},a|b,x|y" for row in range(20)]
    path = table("other.csv", "id,label,prediction", *rows)
    with pytest.raises(FlipcheckError, match="not one of its answers is any of the labels"):
        flipcheck.compare(path, path, multilabel=True)


@pytest.mark.parametrize("per", ["example", "label"])
def test_the_report_says_what_was_judged(command, written, tmp_path, per):
    """In the terminal, in JSON that renders the same again, in Markdown and in HTML."""
    paths = {name: tmp_path / f"r.{name}" for name in ("json", "html", "markdown")}
    outputs = [part for name, path in paths.items() for part in (f"--{name}", path)]
    flags = ("--multilabel", "--per", per, "--max-nfr", "30%")
    done = command("compare", written("text", 1), written("lists", 2), *flags, *outputs)
    assert done.status in {0, 1, 3}, done.err
    right = {
        "example": "the whole set of labels is right",
        "label": "each label of each example is judged by itself",
    }[per]
    told = json.loads(paths["json"].read_text("utf-8"))["task"]
    assert (told["kind"], told["per"], told["right"]) == ("multilabel", per, right)
    assert right in " ".join(done.out.split())
    assert right in paths["html"].read_text("utf-8")
    assert right in paths["markdown"].read_text("utf-8")
    again = command("render", paths["json"]).out
    assert again.split("Next  ")[0] == done.out.split("Next  ")[0]  # which names the files


def test_slices_gates_and_weights_of_decisions(table):
    """Each decision has its example's slice and weight, and a label is a slice of its own."""
    header = "id,label,prediction,site,w"
    old = table("old.csv", header, "1,a|b,a|b,x,3", "2,a,a,y,1")
    new = table("new.csv", header, "1,a|b,a,x,3", "2,a,a,y,1")
    report = flipcheck.compare(
        old, new, multilabel=True, per="label", by=["site", "label_name"], weight="w",
        gates="negative_flip_rate <= 10% where label_name=b", resamples=0,
    )  # fmt: skip
    flips = {(part.by, part.value): part.tally.negative_flips for part in report.slices}
    assert flips == {
        ("site", "x"): 1, ("site", "y"): 0, ("label_name", "a"): 0, ("label_name", "b"): 1,
    }  # fmt: skip
    assert report.metrics["negative_flip_rate"].value == pytest.approx(3 / 8)


def test_names_of_sets_do_not_depend_on_their_order():
    """One set has one name."""
    assert set_name(["b", "a", "b"], "|") == set_name(["a", "b"], "|") == "a|b"
    assert members("", "|") == ()
    assert Labels(np.zeros(1, np.int32), ("",)).texts() == [""]


def test_sets_that_are_compared_as_text_are_told(table):
    """Without --multilabel another order of the same labels is another answer: a warning counts."""
    old = table("old.csv", "id,label,prediction", "1,cat|dog,cat|dog", "2,cat,cat", "3,a|b,a|b")
    new = table("new.csv", "id,label,prediction", "1,cat|dog,dog|cat", "2,cat,dog", "3,a|b,a|c")
    report = flipcheck.compare(old, new, resamples=0)
    assert report.tally.negative_flips == 3
    (told,) = [note for note in report.warnings if "--multilabel" in note]
    assert "1 answer like 'dog|cat' for the label 'cat|dog'" in told
    assert "new.csv" in told
    sets = flipcheck.compare(old, new, multilabel=True, resamples=0)
    assert sets.tally.negative_flips == 2
    assert not [note for note in sets.warnings if "--multilabel" in note]
