"""One example through models: what is shown is what the runtime had, whatever the batch."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from onnx import helper
from onnx_models import brightness, echo, echo_data, linear, port, save
from PIL import Image

import flipcheck
from flipcheck.errors import FlipcheckError


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
    ("answer", "options", "told"),
    [
        ("a.", {"normalise": "punctuation"}, "the answer is the truth after punctuation"),
        ("b|a", {"multilabel": True}, "the whole set of labels is right"),
    ],
)
def test_an_example_of_another_task_is_not_judged_by_equality(table, answer, options, told):
    """Else an answer that the report calls right would be shown as wrong."""
    truth = "a|b" if "multilabel" in options else "a"
    rows = [f"{row},{truth},{truth if row else answer}" for row in range(3)]
    path = table("t.csv", "id,label,prediction", *rows)
    report = flipcheck.compare(path, path, resamples=0, **options)
    assert report.tally.both_right == 3
    with pytest.raises(FlipcheckError, match=f"judged by another task: {told}"):
        flipcheck.repro(0, report=report)
