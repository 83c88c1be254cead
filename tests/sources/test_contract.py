"""What is told to differ between two models before a flip is laid to the update."""

from __future__ import annotations

import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import brightness, echo, echo_data, linear, port, save
from PIL import Image

import flipcheck
from flipcheck.contract import EFFECTS, Difference
from flipcheck.errors import FlipcheckError, ModelError
from flipcheck.sources.onnx.contract import parameters, precision
from flipcheck.sources.onnx.differences import differences
from flipcheck.sources.onnx.graph import read_graph

WIDE = [None, 3, 5, 7]


def told(report):
    """Each difference and its effect."""
    return {(each.what, each.effect) for each in report.contract}


def changed(path, **fields):
    """The same model with other fields of its message."""
    model = onnx.load(path)
    for name, value in fields.items():
        setattr(model, name, value)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("options", "what", "effect"),
    [
        ({"new_preprocess": "resample=nearest"}, "preprocessing: resize kernel", "answers"),
        ({"new_preprocess": "scale=1"}, "preprocessing: pixel scale", "answers"),
        ({"new_preprocess": "mean=0.1"}, "preprocessing: mean", "answers"),
        ({"new_preprocess": "std=0.5"}, "preprocessing: standard deviation", "answers"),
        ({"new_preprocess": "channels=BGR"}, "preprocessing: channels", "answers"),
        ({"old_preprocess": "resize=5x7", "new_preprocess": "resize=6x8,crop=5x7"},
         "preprocessing: crop", "answers"),
    ],
    ids=["kernel", "scale", "mean", "std", "channels", "crop"],
)  # fmt: skip
def test_each_step_of_preprocessing(tmp_path, images, options, what, effect):
    """A step that differs is named, with the effect that it can have by itself."""
    model = brightness(tmp_path / "m.onnx", WIDE)
    found = flipcheck.compare(model, model, images(size=(9, 9), dark=[1], light=[200]), **options)
    assert (what, effect) in told(found)
    others = {name for name, kind in told(found) if kind == "answers"} - {what}
    assert others <= {"preprocessing: resize"}, others


def test_the_kernel_of_a_resize_that_is_not_there_is_no_difference():
    """Where neither model's images are resized, no kernel is used."""
    base = {"preprocess": {"scale": 1.0, "resample": "bilinear"}}
    steps = {"preprocess": {"scale": 1.0, "resample": "nearest"}}
    plain = CONTRACT | base
    assert differences(plain, CONTRACT | steps) == ()


CONTRACT = {
    "inputs": [["x", "tensor(float)", [None, 2]]],
    "outputs": [["y", "tensor(float)", [None, 2]]],
    "answer": "largest score of 'y'",
    "classes": ["a", "b"],
    "preprocess": {},
    "features": ["p", "q"],
    "fed": {},
    "opset": 17,
    "ir_version": 8,
    "producer": "pytorch 2.9",
    "bytes": 1000,
    "parameters": 4,
    "precision": "fp32",
    "batch_operators": [],
    "random_operators": [],
    "provider": "CPUExecutionProvider",
    "batch": 32,
}


@pytest.mark.parametrize(
    ("change", "what", "effect"),
    [
        ({"inputs": [["z", "tensor(float)", [None, 2]]]}, "input: name", "export"),
        ({"inputs": [["x", "tensor(float16)", [None, 2]]]}, "input: type", "answers"),
        ({"inputs": [["x", "tensor(float)", [None, 9]]]}, "input: shape", "update"),
        ({"inputs": [["x", "tensor(float)", [8, 2]]]}, "input: shape", "cost"),
        ({"inputs": [*CONTRACT["inputs"], ["z", "tensor(float)", [None]]]}, "inputs", "update"),
        ({"outputs": [["z", "tensor(float)", [None, 2]]], "answer": "largest score of 'z'"},
         "output: name", "export"),
        ({"outputs": [["y", "tensor(double)", [None, 2]]]}, "output: type", "answers"),
        ({"answer": "threshold 0.3 on 'y'"}, "how the answer is read", "answers"),
        ({"classes": ["b", "a"]}, "class order", "order"),
        ({"classes": ["a"]}, "classes missing", "answers"),
        ({"classes": ["a", "b", "c"]}, "classes added", "answers"),
        ({"features": ["q", "p"]}, "features", "answers"),
        ({"fed": {"longest_text": 128}}, "longest text", "answers"),
        ({"preprocess": {"layout": "NHWC"}}, "preprocessing: layout", "order"),
        ({"opset": 21}, "opset", "export"),
        ({"ir_version": 10}, "IR version", "export"),
        ({"producer": "tf2onnx"}, "producer", "export"),
        ({"bytes": 999}, "file size", "cost"),
        ({"batch": 1}, "batch size", "cost"),
        ({"parameters": 5}, "parameters", "update"),
        ({"precision": "int8, quantised dynamically"}, "precision", "answers"),
        ({"provider": "CUDAExecutionProvider"}, "provider", "answers"),
        ({"batch_operators": ["DynamicQuantizeLinear"]},
         "operators that look at the whole batch", "answers"),
        ({"random_operators": ["Bernoulli"]}, "operators that draw random numbers", "answers"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)  # fmt: skip
def test_each_kind_of_difference(change, what, effect):
    """One thing that differs is one difference, in both directions."""
    for old, new in ((CONTRACT, CONTRACT | change), (CONTRACT | change, CONTRACT)):
        (found,) = differences(old, new)
        names = {"classes missing": "classes added", "classes added": "classes missing"}
        assert found.what in {what, names.get(what, what)}
        assert found.effect == effect
        assert found.told.startswith(EFFECTS[effect])
    assert differences(CONTRACT, CONTRACT | {}) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"mean": [0.5]}, {"mean": [0.5, 0.5, 0.5]}),  # once for all channels
        ({"mean": [0.0], "std": [1.0, 1.0, 1.0]}, {}),  # what does nothing
        ({"scale": 1.0}, {}),
        ({"scale": 1 / 255}, {"scale": 0.003921569}),  # with fewer digits
        ({"crop": (5, 7)}, {"crop": [5, 7]}),  # as it comes back from JSON
        ({"crop_rounding": "even"}, {"crop_rounding": "floor"}),  # nothing is cropped
        ({"origin": "default"}, {"origin": "a file"}),  # where it was found
    ],
)
def test_steps_that_do_the_same(old, new):
    """Two ways to write one preprocessing are no difference."""
    assert differences(CONTRACT | {"preprocess": old}, CONTRACT | {"preprocess": new}) == ()


def test_ports_meet_by_name():
    """Inputs in another order are the same inputs, and say no more than that."""
    ports = [["p", "tensor(float)", [None, 2]], ["q", "tensor(int64)", [None]]]
    (found,) = differences(CONTRACT | {"inputs": ports}, CONTRACT | {"inputs": ports[::-1]})
    assert (found.what, found.effect) == ("input order", "order")


def test_what_a_forest_calculates_in_is_not_known():
    """A model without tensors has no precision to compare, and keeps its numbers elsewhere."""
    forest = CONTRACT | {"precision": "", "parameters": None}
    assert [each.what for each in differences(CONTRACT, forest)] == ["parameters"]


def test_classes_are_compared_in_one_language(tmp_path):
    """A label map that makes two lists one leaves no difference of classes."""
    old = linear(tmp_path / "old.onnx", np.eye(2), classes=("a", "b"))
    new = linear(tmp_path / "new.onnx", np.eye(2), classes=("x", "b"))
    np.savez(tmp_path / "d.npz", x=np.eye(2, dtype=np.float32), y=["a", "b"])
    report = flipcheck.compare(old, new, tmp_path / "d.npz", new_label_map={"x": "a"}, resamples=0)
    assert report.contract == ()


def test_an_early_stop_has_a_contract_too(tmp_path):
    """A run that may stop early says what differs, and how each model repeats itself."""
    old = linear(tmp_path / "old.onnx", np.eye(2) * 9, classes=("a", "b"))
    new = linear(tmp_path / "new.onnx", np.eye(2) * 9, name="z", classes=("a", "b"))
    x = np.tile(np.eye(2, dtype=np.float32), (300, 1))
    np.savez(tmp_path / "d.npz", x=x, y=["a", "b"] * 300)
    gates = ["negative_flip_rate <= 9%"]
    report = flipcheck.compare(
        old, new, tmp_path / "d.npz", gates=gates, stop_early=True, resamples=0
    )
    assert report.early_stop.stopped
    assert ("input: name", "export") in told(report)
    assert set(report.repeatability) == {"old", "new"}


def test_what_was_measured_stands_beside_it():
    """Figures are given where there are any (ENGINEERING.md §1.4 and §1.5)."""
    steps = {"preprocess": {"scale": 1 / 255, "resize": [5, 7], "resample": "nearest"}}
    base = CONTRACT | {"preprocess": {"resize": [5, 7], "resample": "bilinear"}}
    found = {each.what: each.note for each in differences(base, CONTRACT | steps)}
    assert "8.7%" in found["preprocessing: pixel scale"]
    assert "0.1 to 3.6%" in found["preprocessing: resize kernel"]
    batch = CONTRACT | {"batch_operators": ["DynamicQuantizeLinear"]}
    assert "0.2%" in differences(CONTRACT, batch)[0].note


def test_the_most_serious_comes_first():
    """What can flip answers by itself stands before what costs."""
    new = CONTRACT | {"bytes": 1, "opset": 1, "precision": "fp16", "parameters": 9}
    assert [each.effect for each in differences(CONTRACT, new)] == [
        "answers",
        "update",
        "export",
        "cost",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([224, 224], "224 x 224"),
        ([0.485, 0.456], "0.485, 0.456"),
        (["a", "b"], "a, b"),
        (True, "True"),
        (12345, "12,345"),
    ],
)
def test_values_in_words(value, shown):
    """Sizes, numbers, names and switches are each shown as they are written."""
    (found,) = differences(CONTRACT, CONTRACT | {"fed": {"size": value}})
    assert (found.old, found.new) == ("none", shown)


def test_long_class_lists_are_cut_and_hostile_names_are_text():
    """Thousands of names do not fill a report, and no control character is lost or acts."""
    many = CONTRACT | {"classes": [f"class {number}" for number in range(5000)]}
    more = CONTRACT | {"classes": [*many["classes"], "</script>\x1b[31m"]}
    (found,) = differences(many, more)
    assert found.what == "classes added"
    assert len(found.new) <= 200


@pytest.fixture
def pair(tmp_path):
    """The reports of two models over two examples, given how the new one is made."""

    def compared(make, **options):
        old = linear(tmp_path / "old.onnx", np.eye(2), classes=("a", "b"))
        new = make(tmp_path / "new.onnx")
        np.savez(tmp_path / "d.npz", x=np.eye(2, dtype=np.float32), y=["a", "b"])
        return flipcheck.compare(old, new, tmp_path / "d.npz", resamples=0, **options)

    return compared


def test_models_that_are_alike(pair):
    """A copy differs in nothing; the report says so, and keeps it."""
    report = pair(lambda path: linear(path, np.eye(2), classes=("a", "b")))
    assert report.contract == ()
    assert "contracts are alike" in str(report)
    assert flipcheck.Report.from_dict(report.to_dict()) == report


@pytest.mark.parametrize(
    ("make", "what", "effect"),
    [
        (lambda path: linear(path, np.eye(2), name="z", classes=("a", "b")),
         "input: name", "export"),
        (lambda path: linear(path, np.eye(2), batch=2, classes=("a", "b")), "input: shape", "cost"),
        (lambda path: linear(path, np.eye(2), classes=("b", "a")), "class order", "order"),
        (lambda path: linear(path, np.eye(3)[:2], classes=("a", "b", "c")),
         "classes added", "answers"),
        (lambda path: linear(path, np.eye(3)[:2], classes=("a", "b", "c")), "parameters", "update"),
        (lambda path: changed(linear(path, np.eye(2), classes=("a", "b")), producer_name="other"),
         "producer", "export"),
        (lambda path: changed(linear(path, np.eye(2), classes=("a", "b")), ir_version=9),
         "IR version", "export"),
        (lambda path: changed(linear(path, np.eye(2), classes=("a", "b")), doc_string="x" * 99),
         "file size", "cost"),
    ],
    ids=["name", "batch", "order", "classes", "parameters", "producer", "ir", "size"],
)  # fmt: skip
def test_differences_of_real_models(pair, make, what, effect):
    """What the files say of themselves reaches the report, its JSON and its three other forms."""
    report = pair(make)
    assert (what, effect) in told(report)
    assert flipcheck.Report.from_dict(report.to_dict()) == report
    from flipcheck.reporters import REPORTERS

    for name in ("terminal", "html", "markdown"):
        assert what in " ".join(REPORTERS[name](report).split())


def test_another_opset(pair):
    """The opset is that of the standard operators."""

    def make(path):
        path = linear(path, np.eye(2), classes=("a", "b"))
        model = onnx.load(path)
        model.opset_import[0].version = 18
        path.write_bytes(model.SerializeToString())
        return path

    assert ("opset", "export") in told(pair(make))


def test_thresholds(tmp_path):
    """Two thresholds are two ways to read an answer."""
    scores = np.float32([0.2, 0.4, 0.6, 0.8])
    model = echo(tmp_path / "m.onnx", {"p": scores}, metadata={"classes": "no,yes"})
    data = echo_data(tmp_path / "d.npz", {"p": scores}, y=["no", "yes", "yes", "yes"])
    report = flipcheck.compare(model, model, data, old_threshold=0.3, new_threshold=0.7)
    (found,) = report.contract
    assert (found.what, found.flips) == ("how the answer is read", True)
    assert ("0.3" in found.old, "0.7" in found.new) == (True, True)


def test_only_models_have_contracts(flipped):
    """Saved predictions are no models: nothing is compared, and nothing is said to be alike."""
    report = flipcheck.compare(*flipped(right=5), resamples=0)
    assert report.contract is None
    assert "contract" not in report.to_dict()
    assert "alike" not in str(report)
    assert "repeatability" not in report.to_dict()


def test_a_report_of_before_is_read(pair):
    """A report without these members is an older one, and no damaged one."""
    from flipcheck.report import sealed

    written = pair(lambda path: linear(path, np.eye(2), classes=("a", "b"))).to_dict()
    del written["contract"], written["repeatability"]
    report = flipcheck.Report.from_dict(sealed(written))
    assert (report.contract, dict(report.repeatability)) == (None, {})


@pytest.mark.parametrize("effect", ["", "flips", None, 3])
def test_an_effect_that_is_none_is_refused(effect):
    """A report with an effect of its own invention is damaged."""
    with pytest.raises((ValueError, TypeError)):
        Difference("what", "old", "new", effect)


def test_what_does_not_fit_ends_before_either_model_runs(tmp_path, monkeypatch):
    """A new model of another shape is refused before the old one has run over its own data."""
    from flipcheck.sources.onnx.model import Model

    old = linear(tmp_path / "old.onnx", np.eye(2))
    new = linear(tmp_path / "new.onnx", np.eye(3))
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", x=np.eye(2, dtype=np.float32), y=[0, 1])
    ran = []
    monkeypatch.setattr(Model, "run", lambda *_: ran.append(1))
    with pytest.raises(ModelError, match="does not fit"):
        flipcheck.compare(old, new, old_data=tmp_path / "a.npz", new_data=tmp_path / "b.npz")
    assert not ran


def test_labels_that_no_class_has_end_before_either_model_runs(tmp_path, monkeypatch):
    """A test set in other words than both models' is refused before minutes of inference."""
    from flipcheck.sources.onnx.model import Model

    model = linear(tmp_path / "m.onnx", np.eye(2), classes=("a", "b"))
    np.savez(tmp_path / "d.npz", x=np.eye(2, dtype=np.float32), y=["cat", "dog"])
    ran = []
    monkeypatch.setattr(Model, "run", lambda *_: ran.append(1))
    with pytest.raises(FlipcheckError, match="labels that no class has"):
        flipcheck.compare(model, model, tmp_path / "d.npz")
    assert not ran


def test_another_resize_makes_flips_by_itself_and_is_named(tmp_path, sample):
    """One model against itself, images of another size, nearest for bilinear: it flips answers."""
    folder = tmp_path / "images"
    for path in sorted((sample / "images").glob("*/*.png")):
        target = folder / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.resize((37, 37), Image.Resampling.BICUBIC).save(target)
    model = sample / "new.onnx"
    same = flipcheck.compare(model, model, folder, resamples=0)
    assert (same.tally.negative_flips, same.contract) == (0, ())
    other = flipcheck.compare(model, model, folder, new_preprocess="resample=nearest", resamples=0)
    assert other.tally.negative_flips > 0
    (found,) = other.contract
    assert (found.what, found.old, found.new, found.flips) == (
        "preprocessing: resize kernel",
        "bilinear",
        "nearest",
        True,
    )


# --- what the bytes of a model say ---------------------------------------------------------


def test_parameters_are_counted_as_onnx_counts_them(sample):
    """The counts are those of the initialisers, by the onnx package."""
    for side in ("old", "new"):
        model = onnx.load(sample / f"{side}.onnx")
        expected = sum(
            int(np.prod(tensor.dims))
            for tensor in model.graph.initializer
            if tensor.data_type == TensorProto.FLOAT
        )
        graph = read_graph(sample / f"{side}.onnx")
        assert parameters(graph) == expected > 0
        assert graph.ir_version == model.ir_version
        assert graph.producer == f"{model.producer_name} {model.producer_version}".strip()


def quantised(path, operator):
    """A model with one operator of quantisation."""
    if operator == "DynamicQuantizeLinear":
        nodes = [
            helper.make_node(operator, ["x"], ["q", "s", "z"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
        ]
    else:
        nodes = [
            helper.make_node(operator, ["x", "scale"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "scale"], ["y"]),
        ]
    ports = [port("x", np.float32, [None, 2])], [port("y", np.float32, [None, 2])]
    return save(path, nodes, *ports, {"scale": np.float32(0.1)})


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: linear(path, np.eye(2)), "fp32"),
        (lambda path: quantised(path, "QuantizeLinear"), "int8, quantised statically"),
        (lambda path: quantised(path, "DynamicQuantizeLinear"), "int8, quantised dynamically"),
    ],
    ids=["float", "static", "dynamic"],
)
def test_precision(tmp_path, make, expected):
    """Operators and types of tensors say in what numbers a model calculates."""
    assert precision(read_graph(make(tmp_path / "m.onnx"))) == expected


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.float16, "fp16"), (np.float32, "fp32"), (np.float64, "fp64")],
    ids=["half", "single", "double"],
)
def test_precision_of_floats(tmp_path, dtype, expected):
    """The type of most weights is the model's."""
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    ports = [port("x", dtype, [None, 2])], [port("y", dtype, [None, 2])]
    path = save(tmp_path / "m.onnx", [node], *ports, {"w": np.eye(2, dtype=dtype)})
    assert precision(read_graph(path)) == expected


@pytest.mark.parametrize(
    "axes",
    [[-1, 5], [2**62, 2**62], [2] * 70],
    ids=["negative", "more numbers than there are", "more axes than there are"],
)
def test_hostile_sizes_end_in_an_error(tmp_path, axes):
    """A tensor that claims an impossible size is no model, and takes no time."""
    path = linear(tmp_path / "m.onnx", np.eye(2))
    model = onnx.load(path)
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend(axes)
    path.write_bytes(model.SerializeToString())
    begin = time.process_time()
    with pytest.raises(ModelError, match="damaged"):
        read_graph(path)
    assert time.process_time() - begin < 1


def test_axes_that_are_packed_are_read(tmp_path):
    """Writers may pack the axes of a tensor into one field."""
    path = linear(tmp_path / "m.onnx", np.ones((3, 5)))
    data = path.read_bytes()
    loose = b"\x08\x03\x08\x05"  # two fields of dims
    assert data.count(loose) == 1
    path.write_bytes(data.replace(loose, b"\x0a\x02\x03\x05"))  # one of the same length
    assert parameters(read_graph(path)) == 15
