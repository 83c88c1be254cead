"""One example through models: what is shown is what the runtime had, whatever the batch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from onnx import helper
from onnx_models import brightness, echo, echo_data, linear, port, save
from PIL import Image

import flipcheck
from flipcheck.errors import UsageError


def one(*sources, **options):
    """One example as JSON-ready values."""
    return flipcheck.repro(*sources, **options).to_dict()


def test_a_threshold(tmp_path):
    """The distance to the threshold is shown for each side's own."""
    scores = np.float32([0.2, 0.4, 0.6, 0.8])
    model = echo(tmp_path / "m.onnx", {"p": scores}, metadata={"classes": "no,yes"})
    data = echo_data(tmp_path / "d.npz", {"p": scores}, y=["no", "yes", "yes", "yes"])
    found = one("2", model, model, data, old_threshold=0.3, new_threshold=0.7)
    assert (found["old"]["answer"], found["new"]["answer"]) == ("yes", "no")
    assert found["old"]["trace"]["distance"] == pytest.approx(0.1, abs=1e-6)
    assert found["new"]["trace"]["distance"] == pytest.approx(-0.3, abs=1e-6)
    shown = str(flipcheck.repro("2", model, model, data, old_threshold=0.3, new_threshold=0.7))
    assert "0.1 above 0.3" in shown
    assert "0.3 below 0.7" in shown


def test_a_table_shows_its_columns(tmp_path, table):
    """The values of all columns of the row are shown, and what the model made of them."""
    model = linear(tmp_path / "m.onnx", np.eye(2), classes=("a", "b"))
    data = table("t.csv", "id,f,g,label,place", "p,1.5,0,a,north", "q,0,2.5,b,south")
    found = one("q", model, model, data, features="f,g")
    assert found["example"] == {"id": "q", "f": "0", "g": "2.5", "label": "b", "place": "south"}
    (fed,) = found["old"]["trace"]["inputs"]
    assert fed["first"] == ["0", "2.5"]
    assert fed["digest"] == hashlib.sha256(np.float32([0, 2.5]).tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("batch", [None, 1, 8], ids=["any", "one", "eight"])
@pytest.mark.parametrize("row", [1, 8, 33, 70])
def test_every_row_of_an_archive(tmp_path, batch, row):
    """The row is found wherever it stands among the batches, also the last and a part."""
    x = np.random.default_rng(0).normal(size=(70, 3)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x, y=x.argmax(axis=1))
    model = linear(tmp_path / "m.onnx", np.eye(3), batch=batch)
    found = one(row, model, model, tmp_path / "d.npz")
    assert found["outcome"] == "both right"
    assert found["old"]["answer"] == str(x[row - 1].argmax())
    (fed,) = found["old"]["trace"]["inputs"]
    assert fed["digest"] == hashlib.sha256(x[row - 1].tobytes()).hexdigest()[:16]
    near = found["old"]["trace"]["neighbours"]
    assert near["together"] in {None, near["alone"]}


def test_an_answer_that_depends_on_the_batch(tmp_path):
    """Alone it is one answer, beside its neighbours another: both are shown."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Mul", ["mean", "half"], ["less"]),
        helper.make_node("Sub", ["x", "less"], ["y"]),
    ]
    ports = [port("x", np.float32, [None, 2])], [port("y", np.float32, [None, 2])]
    model = save(tmp_path / "m.onnx", nodes, *ports, {"half": np.float32(0.5)})
    x = np.float32([[3, 2]] + [[9, -9]] * 9)
    np.savez(tmp_path / "d.npz", x=x, y=[0] * 10)
    found = one("1", model, model, tmp_path / "d.npz")
    near = found["old"]["trace"]["neighbours"]
    assert (near["alone"], near["together"], near["size"]) == ("0", "1", 10)
    assert found["old"]["answer"] == "0"  # as `compare` runs it: alone
    shown = str(flipcheck.repro(1, model, model, tmp_path / "d.npz"))
    assert "! 1 in a batch of 10" in shown
    assert any("depend on the batch" in note for note in found["warnings"])


def test_images_of_another_size_and_mode(tmp_path):
    """The file's own size and mode are shown beside what the model was fed."""
    for label, pixel in (("dark", 10), ("light", 240)):
        (tmp_path / "images" / label).mkdir(parents=True)
        Image.new("RGBA", (31, 17), (pixel,) * 4).save(tmp_path / "images" / label / "0.png")
    model = brightness(tmp_path / "m.onnx", [None, 1, 5, 7])
    found = one("dark/0.png", model, model, tmp_path / "images")
    assert found["example"]["size"] == "31 x 17 pixels"
    assert found["example"]["mode"] == "RGBA"
    assert found["old"]["trace"]["inputs"][0]["shape"] == [1, 5, 7]


@pytest.mark.parametrize("row", [2, 41])
def test_scores_that_are_none(tmp_path, row):
    """What made NaN is shown, with no answer, so that it can be found out why."""
    x = np.random.default_rng(0).normal(size=(70, 3)).astype(np.float32)
    x[row - 1, 1] = np.nan
    np.savez(tmp_path / "d.npz", x=x, y=[0] * 70)
    model = linear(tmp_path / "m.onnx", np.eye(3))
    found = one(row, model, model, tmp_path / "d.npz")
    assert (found["outcome"], found["old"]["answer"]) == ("no answer", None)
    assert found["old"]["trace"]["inputs"][0]["first"][1] == "nan"
    assert found["old"]["trace"]["inputs"][0]["mean"] is None
    assert any("NaN or infinite scores" in note for note in found["warnings"])


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ({"label": ["a", "b"], "prediction": ["a"]}, {"multilabel": True}),
        ({"label": "a", "prediction": "a", "meta": {"deep": 1}}, {}),
    ],
    ids=["columns of lists", "a column of objects"],
)
def test_rows_of_what_is_no_text(tmp_path, row, options):
    """A row is shown with its lists; what cannot be shown is left out, and is no error."""
    for name in ("old", "new"):
        lines = [json.dumps({"id": number, **row}) for number in range(12)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    sides = [tmp_path / f"{name}.jsonl" for name in ("old", "new")]
    found = flipcheck.repro(3, *sides, **options).to_dict()
    assert found["old"]["row"]["prediction"] == str(row["prediction"])
    assert "meta" not in found["old"]["row"]


def test_an_example_of_clustered_data(tmp_path, table):
    """An example is shown alone, however examples were drawn; also that of a report."""
    header, lines = "id,label,prediction,user", [f"{n},a,{'ab'[n % 2]},u{n // 4}" for n in range(9)]
    old = table("o.csv", header, *(line.replace(",b,", ",a,") for line in lines))
    new = table("n.csv", header, *lines)
    assert one("3", old, new, cluster="user")["outcome"] == "negative flip"
    flipcheck.compare(old, new, cluster="user").save(tmp_path / "r.json")
    assert one("3", report=tmp_path / "r.json")["outcome"] == "negative flip"


def test_an_example_of_a_question_that_is_asked_again(tmp_path, table):
    """A report that was clustered by question says where its examples are."""
    header, lines = "id,epoch,label,prediction", [f"q{n // 2},{n % 2},a,a" for n in range(8)]
    path = table("o.csv", header, *lines)
    flipcheck.compare(path, path).save(tmp_path / "r.json")
    assert one("q1/0", report=tmp_path / "r.json")["outcome"] == "both right"


JUDGED = [
    ({"normalise": "case"}, ("a", "a", "A"), "both right", "the answer is the truth after case"),
    ({"multilabel": True}, ("a|b", "b|a", "a"), "negative flip", "the whole set of labels"),
    ({"score": "s"}, ("a", "x", "y"), "negative flip", "answers are graded"),
    ({"score": "s", "tolerance": 0.5}, ("a", "x", "y"), "unchanged", "answers are graded"),
]
"""Options that decide what becomes of an example, its label and answers, and what becomes of it."""


@pytest.fixture
def two_sides(table):
    """A function that writes old and new predictions of two examples, and scores that fall."""

    def write(label, old, new):
        header = "id,label,prediction,s"
        return (
            table("o.csv", header, f"1,{label},{old},0.5", "2,b,b,0.1"),
            table("n.csv", header, f"1,{label},{new},0.25", "2,b,b,0.1"),
        )

    return write


@pytest.mark.parametrize(("options", "row", "outcome", "told"), JUDGED)
def test_a_report_keeps_what_it_was_judged_by(tmp_path, two_sides, options, row, outcome, told):
    """The report alone shows the example as the audit judged it, and as the options do."""
    sides = two_sides(*row)
    report = flipcheck.compare(*sides, **options)
    report.save(tmp_path / "r.json")
    found = one("1", report=tmp_path / "r.json")
    assert found["outcome"] == outcome
    assert found == one("1", *sides, **options)
    assert (found["old"]["right"] is None) is ("score" in options)
    with pytest.raises(UsageError, match=told):  # an older report, which kept no options
        flipcheck.repro("1", report=replace(report, evidence=None))


def test_an_example_whose_labels_were_judged_one_by_one(two_sides):
    """An example of --per label has many outcomes, and is refused."""
    report = flipcheck.compare(*two_sides("a|b", "a|b", "a"), multilabel=True, per="label")
    with pytest.raises(UsageError, match="each of its labels"):
        flipcheck.repro("1", report=report)


def test_what_was_handed_over_in_python_is_handed_over_again():
    """A report names what it cannot keep; with that, it is enough."""
    sides = [flipcheck.Predictions.from_arrays(["a", new], ["a", "a"]) for new in "ab"]
    report = flipcheck.compare(*sides)
    with pytest.raises(UsageError, match="does not keep") as caught:
        flipcheck.repro("2", report=report)
    assert [*caught.value.problems] == ["old: handed over in Python", "new: handed over in Python"]
    assert flipcheck.repro("2", *sides, report=report).outcome == "negative flip"


def test_maps_of_scores(tmp_path):
    """Scores that come as maps are shown for each class, and the maps are the outputs."""
    scores = np.float32([[0.2, 0.8], [0.7, 0.3]])
    model = echo(tmp_path / "m.onnx", {"p": scores}, zipmap={"p": ["cat", "dog"]})
    data = echo_data(tmp_path / "d.npz", {"p": scores}, y=["dog", "dog"])
    trace = one("2", model, model, data)["new"]["trace"]
    assert trace["scores"] == [["cat", pytest.approx(0.7)], ["dog", pytest.approx(0.3)]]
    assert [each["name"] for each in trace["outputs"]] == ["p"]
    assert trace["outputs"][0]["first"] == ["cat: 0.7", "dog: 0.3"]
