"""Whether a model gives the same answers again, and in any batch; and that none flips by itself."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from onnx_models import linear, port, save

import flipcheck
from flipcheck.contract import Repeatability
from flipcheck.errors import ModelError

WIDTH, SIZE = 6, 96


@pytest.fixture
def data(tmp_path):
    """Examples of very different size: what looks at a whole batch sees it."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(SIZE, WIDTH)).astype(np.float32) * rng.lognormal(0, 2, (SIZE, 1))
    path = tmp_path / "d.npz"
    np.savez(path, x=x.astype(np.float32), y=rng.integers(0, WIDTH, SIZE))
    return path


def ports(batch=None):
    """The input and output of a model of WIDTH features and as many classes."""
    return [port("x", np.float32, [batch, WIDTH])], [port("y", np.float32, [batch, WIDTH])]


def plain(path, batch=None):
    """Logits that are weights times features."""
    weights = np.random.default_rng(1).normal(size=(WIDTH, WIDTH))
    return linear(path, weights, batch=batch)


def dynamic(path, batch=None):
    """A linear model whose features are quantised by the range of the whole batch."""
    weights = np.random.default_rng(1).normal(size=(WIDTH, WIDTH)).astype(np.float32)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["r"]),
        helper.make_node("MatMul", ["r", "w"], ["y"]),
    ]
    return save(path, nodes, *ports(batch), {"w": weights})


def by_mean(path, batch=None):
    """Features minus most of their mean over the batch, as a batch norm left in training mode."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Mul", ["mean", "most"], ["less"]),
        helper.make_node("Sub", ["x", "less"], ["y"]),
    ]
    return save(path, nodes, *ports(batch), {"most": np.float32(0.9)})


def by_chance(path, batch=None):
    """Features and a random number beside each, as a dropout that was left in."""
    nodes = [
        helper.make_node("RandomNormalLike", ["x"], ["noise"], scale=3.0),
        helper.make_node("Add", ["x", "noise"], ["y"]),
    ]
    return save(path, nodes, *ports(batch))


def hardly_by_chance(path, batch=None):
    """A random number too small to move an answer."""
    nodes = [
        helper.make_node("RandomNormalLike", ["x"], ["noise"], scale=1e-9),
        helper.make_node("Add", ["x", "noise"], ["y"]),
    ]
    return save(path, nodes, *ports(batch))


def halves(path, batch=None):
    """A model in half precision."""
    weights = np.random.default_rng(1).normal(size=(WIDTH, WIDTH)).astype(np.float16)
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], to=10),
        helper.make_node("MatMul", ["h", "w"], ["p"]),
        helper.make_node("Cast", ["p"], ["y"], to=1),
    ]
    return save(path, nodes, *ports(batch), {"w": weights})


def static(path, batch=None):
    """A model quantised with ranges of its own."""
    weights = np.random.default_rng(1).normal(size=(WIDTH, WIDTH)).astype(np.float32)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s"], ["r"]),
        helper.make_node("MatMul", ["r", "w"], ["y"]),
    ]
    return save(path, nodes, *ports(batch), {"w": weights, "s": np.float32(0.05)})


REPEATING = {
    "linear": plain,
    "dynamically quantised": dynamic,
    "statically quantised": static,
    "half precision": halves,
    "mean over the batch": by_mean,
}


@pytest.mark.parametrize("batch", [None, 1, 8], ids=lambda size: f"batch {size or 'any'}")
@pytest.mark.parametrize("kind", REPEATING)
def test_no_model_flips_against_itself(tmp_path, data, kind, batch):
    """A model against itself breaks nothing, whatever it is made of and however it is batched."""
    model = REPEATING[kind](tmp_path / "m.onnx", batch)
    report = flipcheck.compare(model, model, data, resamples=0)
    assert report.tally.negative_flips == report.tally.positive_flips == 0
    assert report.metrics["churn"].value == 0


@pytest.mark.parametrize("kind", REPEATING)
def test_saved_and_run_again_nothing_flips(tmp_path, data, kind):
    """The answers of a run of its own, in other company, are those of the comparison."""
    model = REPEATING[kind](tmp_path / "m.onnx")
    saved = flipcheck.predict(model, data)
    report = flipcheck.compare(saved, model, data, resamples=0)
    assert report.metrics["churn"].value == 0


@pytest.mark.parametrize(
    ("make", "batch", "moved", "depends", "done"),
    [
        (plain, None, False, False, "run in batches of 1,024"),
        (halves, None, False, False, "run in batches of 1,024"),
        (static, None, False, False, "run in batches of 1,024"),
        (plain, 8, False, False, "run in batches of 8"),
        (dynamic, None, True, True, "run one example at a time"),
        (by_mean, None, True, True, "run one example at a time"),
        (by_mean, 8, True, True, "run 8 examples at a time"),  # it takes no other batch
    ],
    ids=["linear", "half", "static", "fixed", "dynamic", "mean", "fixed mean"],
)
def test_what_moves_with_the_batch_is_counted(tmp_path, data, make, batch, moved, depends, done):
    """Answers that another split moves are counted, and such a model is run alone."""
    model = make(tmp_path / "m.onnx", batch)
    found = flipcheck.compare(model, model, data, resamples=0).repeatability
    assert found["old"] == found["new"]
    told = found["old"]
    assert (told.examples, told.moved_on_repeat, told.random) == (32, 0, False)
    assert (told.moved_by_batch > 0, told.depends_on_batch, told.done) == (moved, depends, done)


def test_the_count_is_that_of_a_naive_loop(tmp_path, data):
    """The answers that move are those that a loop over the runtime finds."""
    import onnxruntime

    model = by_mean(tmp_path / "m.onnx")
    told = flipcheck.compare(model, model, data, resamples=0).repeatability["old"]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    x = np.load(data)["x"][:32]

    def answers(order, size):
        found = {}
        for at in range(0, 32, size):
            rows = order[at : at + size]
            scores = session.run(None, {"x": x[rows]})[0]
            found |= dict(zip(rows.tolist(), scores.argmax(axis=1).tolist(), strict=True))
        return [found[row] for row in range(32)]

    forward, backward = np.arange(32), np.roll(np.arange(32)[::-1], 1)
    whole = answers(forward, 32)
    others = answers(forward, 1), answers(backward, 7)
    expected = sum(any(other[row] != whole[row] for other in others) for row in range(32))
    assert told.moved_by_batch == expected > 0


def test_a_model_that_draws_random_numbers(tmp_path, data):
    """How many answers chance moved stands in the warning, the report and its first lines."""
    model = by_chance(tmp_path / "m.onnx")
    report = flipcheck.compare(model, model, data, resamples=0)
    told = report.repeatability["old"]
    assert told.random
    assert told.moved_on_repeat > 0
    assert told.done == "run in batches of 1,024"  # no batch makes chance repeat
    warning = next(each for each in report.warnings if "random numbers" in each)
    assert f"{told.moved_on_repeat} of the first 32 examples" in warning
    shown = str(report).split("Answers")[0]
    assert "! The old model does not repeat itself" in shown


def test_chance_that_moved_no_answer_is_still_told(tmp_path, data):
    """A random operator is a warning even where the sample did not move."""
    model = hardly_by_chance(tmp_path / "m.onnx")
    report = flipcheck.compare(model, model, data, resamples=0)
    assert report.repeatability["old"].random
    assert report.repeatability["old"].moved_on_repeat == 0
    assert "draws random numbers" in str(report).split("Answers")[0]


def test_a_random_model_against_a_sound_one(tmp_path, data):
    """The contract names the operator, and each model has its own line."""
    models = plain(tmp_path / "a.onnx"), by_chance(tmp_path / "b.onnx")
    report = flipcheck.compare(*models, data, resamples=0)
    named = {each.what: each.new for each in report.contract if each.flips}
    assert named["operators that draw random numbers"] == "RandomNormalLike"
    shown = " ".join(str(report).split("Answers")[0].split())
    assert "The old model repeats itself" in shown
    assert "! The new model does not repeat itself" in shown


def test_scores_that_move_without_an_answer(tmp_path):
    """A confidence that the batch moves is enough, though no answer of the sample moved."""
    x = np.tile(np.float32([3.0, 0, 0, 0, 0, 0]), (40, 1))
    x[:, 1] = np.linspace(0, 1, 40)
    np.savez(tmp_path / "d.npz", x=x, y=np.zeros(40, int))
    weights = np.eye(WIDTH, dtype=np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Mul", ["mean", "half"], ["less"]),
        helper.make_node("Sub", ["x", "less"], ["rest"]),
        helper.make_node("MatMul", ["rest", "w"], ["y"]),
    ]
    constants = {"w": weights, "half": np.float32(0.5)}
    model = save(tmp_path / "m.onnx", nodes, *ports(), constants)
    told = flipcheck.compare(model, model, tmp_path / "d.npz", resamples=0).repeatability["old"]
    assert told.moved_by_batch == 0
    assert told.confidence_shift > 0.01
    assert told.depends_on_batch
    assert told.done == "run one example at a time"


def test_scores_that_are_none_in_other_company_only(tmp_path):
    """A model that divides by the spread of its batch fails alone: it depends on the batch."""
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["high"], axes=[0], keepdims=1),
        helper.make_node("ReduceMin", ["x"], ["low"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["high", "low"], ["spread"]),
        helper.make_node("Sub", ["x", "low"], ["above"]),
        helper.make_node("Div", ["above", "spread"], ["share"]),
        helper.make_node("Mul", ["share", "nine"], ["y"]),
    ]
    model = save(tmp_path / "m.onnx", nodes, *ports(), {"nine": np.float32(9)})
    x = np.random.default_rng(0).normal(size=(40, WIDTH)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x, y=[0] * 40)
    with pytest.raises(ModelError, match="NaN or infinite"):  # alone, as it is run then
        flipcheck.compare(model, model, tmp_path / "d.npz", resamples=0)


@pytest.mark.parametrize("count", [1, 2, 7, 8])
@pytest.mark.parametrize("batch", [None, 1, 8])
def test_few_examples(tmp_path, count, batch):
    """Fewer examples than the sample has are all checked."""
    np.savez(tmp_path / "d.npz", x=np.eye(8, WIDTH, dtype=np.float32)[:count], y=[0] * count)
    model = plain(tmp_path / "m.onnx", batch)
    told = flipcheck.compare(model, model, tmp_path / "d.npz", resamples=0).repeatability["old"]
    assert told.examples == count
    assert told.moved_by_batch in ({None} if 1 in {count, batch} else {0})


def test_one_model_beside_saved_predictions(tmp_path, data):
    """Only the side that was run has a repeatability, and there is no contract."""
    model = plain(tmp_path / "m.onnx")
    report = flipcheck.compare(flipcheck.predict(model, data), model, data, resamples=0)
    assert set(report.repeatability) <= {"old", "new"}
    assert "new" in report.repeatability
    assert flipcheck.Report.from_dict(report.to_dict()) == report


@pytest.mark.parametrize(
    "values",
    [
        (32, 33, 0, None, False, False, ""),  # more than there were
        (32, -1, 0, None, False, False, ""),
        (32, True, 0, None, False, False, ""),
        (32, 0, 40, None, False, False, ""),
        (32, 0, 0, None, False, False, None),
    ],
)
def test_counts_that_cannot_be_are_refused(values):
    """A damaged report cannot hold more answers that moved than examples."""
    with pytest.raises((TypeError, ValueError)):
        Repeatability(*values)


def test_quantised_by_the_runtime_itself(tmp_path, data):
    """What onnxruntime's own dynamic quantisation makes runs alone, and flips nothing by itself."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    source, target = plain(tmp_path / "m.onnx"), tmp_path / "q.onnx"
    quantization.quantize_dynamic(source, target)
    report = flipcheck.compare(target, target, data, resamples=0)
    assert report.repeatability["old"].done == "run one example at a time"
    assert report.metrics["churn"].value == 0
    other = flipcheck.compare(source, target, data, resamples=0)
    assert ("precision", "answers") in {(each.what, each.effect) for each in other.contract}
