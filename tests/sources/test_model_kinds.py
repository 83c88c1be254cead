"""Kinds of ONNX models: types, batches, old and new formats, and signatures that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import ML, linear, port, save

import flipcheck
from flipcheck.errors import FlipcheckError, ModelError, UsageError
from flipcheck.sources.onnx.model import open_model
from flipcheck.sources.spec import SideSpec

RNG = np.random.default_rng(11)
X = RNG.integers(0, 2, size=(70, 3)).astype(np.float32)
X[:, 0] += 0.5
WEIGHTS = np.array([[1, 0, 2], [0, 3, 1], [2, 1, 0]], np.float32)
EXPECTED = (X @ WEIGHTS).argmax(axis=1).astype(str).tolist()


def model_of(
    path, nodes, inputs, outputs, constants=(), opset=17, ir=8, listed=(), functions=(), domains=()
):
    """Write a model whose every part is chosen here."""
    graph = helper.make_graph(
        nodes,
        "g",
        [*inputs, *listed],
        outputs,
        [
            numpy_helper.from_array(np.asarray(value), name)
            for name, value in dict(constants).items()
        ],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(each, 1) for each in domains)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=ir, functions=list(functions))
    path.write_bytes(model.SerializeToString())
    return path


ROW, SCORES = port("x", np.float32, ["N", 3]), port("scores", np.float32, ["N", 3])


def matmul(name="x", weights="w", out="scores"):
    """The node that every model here is about."""
    return helper.make_node("MatMul", [name, weights], [out])


# --- formats -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opset", "ir"),
    [
        (7, 3),  # the exporters of 2018
        (8, 3),
        (9, 4),
        (11, 6),
        (13, 7),
        (15, 8),
        (18, 8),
        (20, 9),
        (21, 10),
        (22, 10),
        (23, 11),  # of 2025
    ],
)
def test_old_and_new_formats(tmp_path, archive, answered, opset, ir):
    """Whatever the version of the operators and of the format."""
    weights = port("w", np.float32, [3, 3])
    listed = [weights] if ir == 3 else []  # which had to list its constants as inputs
    model = model_of(
        tmp_path / "m.onnx", [matmul()], [ROW], [SCORES], {"w": WEIGHTS}, opset, ir, listed
    )
    found = answered(model, archive(x=X))
    assert found.answers.texts() == EXPECTED
    assert found.facts["opset"] == opset


def test_old_operators(tmp_path, archive, answered):
    """Operators as they were defined in opset 7: a network of that time."""
    constants = {
        "w": WEIGHTS.T.copy(), "b": np.zeros(3, np.float32), "one": np.ones(3, np.float32),
        "zero": np.zeros(3, np.float32),
    }  # fmt: skip
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], transB=1),
        helper.make_node("BatchNormalization", ["h", "one", "zero", "zero", "one"], ["n"]),
        helper.make_node("Dropout", ["n"], ["d"], ratio=0.5),
        helper.make_node("Softmax", ["d"], ["scores"], axis=1),
    ]
    listed = [port(name, np.float32, value.shape) for name, value in constants.items()]
    model = model_of(tmp_path / "m.onnx", nodes, [ROW], [SCORES], constants, 7, 3, listed)
    assert answered(model, archive(x=X)).answers.texts() == EXPECTED


def test_inputs_with_a_default(tmp_path, archive, answered):
    """A constant that is listed as an input keeps its value, and can be given another one."""
    listed = [port("w", np.float32, [3, 3])]
    model = model_of(
        tmp_path / "m.onnx", [matmul()], [ROW], [SCORES], {"w": WEIGHTS}, listed=listed
    )
    data = archive(x=X)
    assert answered(model, data).answers.texts() == EXPECTED
    other = answered(model, data, inputs={"w": str((-WEIGHTS).tolist())})
    assert other.answers.texts() == (X @ -WEIGHTS).argmax(axis=1).astype(str).tolist()


def test_a_function(tmp_path, archive, answered):
    """A model that is made of functions of its own."""
    function = helper.make_function(
        "mine", "Score", ["a", "b"], ["c"], [helper.make_node("MatMul", ["a", "b"], ["c"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    model = model_of(
        tmp_path / "m.onnx",
        [helper.make_node("Score", ["x", "w"], ["scores"], domain="mine")],
        [ROW], [SCORES], {"w": WEIGHTS}, functions=[function], domains=["mine"],
    )  # fmt: skip
    assert answered(model, archive(x=X)).answers.texts() == EXPECTED


def test_a_branch(tmp_path, archive, answered):
    """If: with subgraphs that take what lies outside of them."""
    out = helper.make_tensor_value_info("o", TensorProto.FLOAT, None)
    then = helper.make_graph([matmul(out="o")], "then", [], [out])
    other = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["n"]), matmul("n", out="o")], "else", [], [out]
    )
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["top"], keepdims=0),
        helper.make_node("Greater", ["top", "zero"], ["yes"]),
        helper.make_node("If", ["yes"], ["scores"], then_branch=then, else_branch=other),
    ]
    model = model_of(
        tmp_path / "m.onnx", nodes, [ROW], [SCORES], {"w": WEIGHTS, "zero": np.float32(0)}
    )
    assert answered(model, archive(x=X)).answers.texts() == EXPECTED


def test_a_loop(tmp_path, archive, answered):
    """Loop: the weights are added up three times."""
    body = helper.make_graph(
        [
            helper.make_node("Add", ["sum", "step"], ["next"]),
            helper.make_node("Identity", ["go"], ["going"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    nodes = [
        matmul(out="step"),
        helper.make_node("Sub", ["step", "step"], ["start"]),
        helper.make_node("Loop", ["times", "", "start"], ["scores"], body=body),
    ]
    model = model_of(
        tmp_path / "m.onnx", nodes, [ROW], [SCORES], {"w": WEIGHTS, "times": np.int64(3)}
    )
    assert answered(model, archive(x=X)).answers.texts() == EXPECTED


def test_a_scan(tmp_path, archive, answered):
    """Scan over a sequence: the last state answers."""
    state = [port(name, np.float32, ["N", 3]) for name in ("s", "e", "t", "u")]
    body = helper.make_graph(
        [
            helper.make_node("Add", ["s", "e"], ["t"]),
            helper.make_node("Identity", ["t"], ["u"]),
        ],
        "body", state[:2], state[2:],
    )  # fmt: skip
    nodes = [
        helper.make_node("Transpose", ["x"], ["turned"], perm=[1, 0, 2]),
        helper.make_node("ReduceSum", ["x", "first"], ["like"], keepdims=0),
        helper.make_node("Sub", ["like", "like"], ["zeros"]),
        helper.make_node(
            "Scan", ["zeros", "turned"], ["scores", "all"], body=body, num_scan_inputs=1
        ),
    ]
    series = RNG.normal(size=(40, 5, 3)).astype(np.float32)
    model = model_of(
        tmp_path / "m.onnx", nodes, [port("x", np.float32, ["N", 5, 3])],
        [SCORES], {"first": np.array([1])},
    )  # fmt: skip
    expected = series.sum(axis=1).argmax(axis=1).astype(str).tolist()
    assert answered(model, archive(x=series)).answers.texts() == expected


def test_weights_beside_the_model_are_part_of_its_digest(tmp_path, archive):
    """Two models that differ in their side files only are two models."""
    digests = []
    for value in (1, 2):
        folder = tmp_path / str(value)
        folder.mkdir()
        model = onnx.load(linear(folder / "m.onnx", np.eye(300) * value))
        onnx.save(
            model, folder / "m.onnx", save_as_external_data=True, location="m.onnx.data",
            size_threshold=0,
        )  # fmt: skip
        digests.append(open_model(folder / "m.onnx", SideSpec()).sha256)
    one, two = (tmp_path / name / "m.onnx" for name in "12")
    assert one.read_bytes() == two.read_bytes()
    assert digests[0] != digests[1]
    x = RNG.normal(size=(20, 300)).astype(np.float32)
    report = flipcheck.compare(one, two, archive(x=x, labels=x.argmax(axis=1)))
    assert report.old.sha256 != report.new.sha256


# --- types and batches ---------------------------------------------------------------------

DTYPES: list[Any] = [
    *(np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64),
    *(np.float16, np.float32, np.float64, np.bool_),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda each: np.dtype(each).name)
@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "npz"])
def test_every_type_of_input(tmp_path, archive, parquet_file, written, answered, dtype, kind):
    """Numbers and truth values reach every type of input from every kind of file."""
    nodes = [helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT), matmul("f")]
    inputs = [port("x", dtype, ["N", 3])]
    model = model_of(tmp_path / "m.onnx", nodes, inputs, [SCORES], {"w": WEIGHTS})
    values = np.floor(X).astype(dtype)
    columns = {name: values[:, at] for at, name in enumerate("abc")}
    numbers = values.astype(float)
    data = {
        "csv": lambda: written(
            "d.csv", "a,b,c\n" + "".join(",".join(map(str, row)) + "\n" for row in numbers)
        ),
        "jsonl": lambda: written(
            "d.jsonl",
            "".join(f'{{"a": {a:g}, "b": {b:g}, "c": {c:g}}}\n' for a, b, c in numbers),
        ),
        "parquet": lambda: parquet_file(**columns),
        "npz": lambda: archive(x=values),
    }[kind]()
    expected = (np.floor(X) @ WEIGHTS).argmax(axis=1) if dtype != np.bool_ else None
    if expected is None:
        expected = (values.astype(np.float32) @ WEIGHTS).argmax(axis=1)
    assert answered(model, data).answers.texts() == expected.astype(str).tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.float32])
def test_every_type_of_scores(tmp_path, archive, answered, dtype):
    """Scores of 16, 32 and 64 bits are read alike."""
    to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [matmul(out="f"), helper.make_node("Cast", ["f"], ["scores"], to=to)]
    outputs = [port("scores", dtype, ["N", 3])]
    model = model_of(tmp_path / "m.onnx", nodes, [ROW], outputs, {"w": WEIGHTS})
    assert answered(model, archive(x=X)).answers.texts() == EXPECTED


@pytest.mark.parametrize(
    "shape",
    [
        ("N", 3, 1, 1),  # a pooled convolution that was not flattened
        ("N", 1, 1, 3),
        ("N", 1, 3),  # one step of a sequence
    ],
)
def test_scores_with_more_axes_than_they_need(tmp_path, archive, answered, shape):
    """Axes of length 1 hold nothing."""
    sizes = np.array([-1, *shape[1:]])
    nodes = [matmul(out="f"), helper.make_node("Reshape", ["f", "sizes"], ["scores"])]
    outputs = [port("scores", np.float32, shape)]
    model = model_of(tmp_path / "m.onnx", nodes, [ROW], outputs, {"w": WEIGHTS, "sizes": sizes})
    assert answered(model, archive(x=X)).answers.texts() == EXPECTED


@pytest.mark.parametrize(
    ("one", "other", "batch"),
    [
        ("N", "M", 1024),  # two names for one batch
        (None, None, 1024),
        (-1, "batch_size", 1024),
        (1, "N", 1),  # only one of the inputs says that it is one at a time
        ("N", 1, 1),
        (1, 1, 1),
        (8, 8, 8),  # filled up at the end
        (8, "N", 8),
    ],
)
def test_batches_of_two_inputs(tmp_path, archive, answered, one, other, batch):
    """The first axis of one input speaks for all."""
    nodes = [helper.make_node("Add", ["x", "z"], ["sum"]), matmul("sum")]
    inputs = [port("x", np.float32, [one, 3]), port("z", np.float32, [other, 3])]
    outputs = [port("scores", np.float32, [None, 3])]
    model = model_of(tmp_path / "m.onnx", nodes, inputs, outputs, {"w": WEIGHTS})
    found = answered(model, archive(x=X - 4, z=np.full_like(X, 4)))
    assert found.answers.texts() == EXPECTED
    assert found.facts["batch"] == batch


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("kind", ["npz", "csv"])
def test_numbers_too_large_for_an_input(tmp_path, archive, written, answered, dtype, kind):
    """A number that would become infinite is refused."""
    nodes = [helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT), matmul("f")]
    inputs = [port("x", dtype, ["N", 3])]
    model = model_of(tmp_path / "m.onnx", nodes, inputs, [SCORES], {"w": WEIGHTS})
    large = float(np.finfo(dtype).max) * 3
    data = archive(x=np.array([[1, 2, large]])) if kind == "npz" else None
    data = data or written("d.csv", f"a,b,c\n1,2,{large}\n")
    with pytest.raises(ModelError, match=r"do not fit the input x") as error:
        answered(model, data)
    assert "it takes up to" in error.value.hint


@pytest.mark.parametrize(
    ("texts", "truths"),
    [
        (["True", "False", "True"], [1, 0, 1]),  # pandas
        (["true", "false", "FALSE"], [1, 0, 0]),
        (["1", "0", "1"], [1, 0, 1]),
        (["yes", "no", "yes"], None),  # a word that is none
        (["2", "0", "1"], None),
    ],
)
def test_truth_values_in_text(tmp_path, written, answered, texts, truths):
    """A CSV file says true and false in words; other words are refused."""
    nodes = [helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT), matmul("f")]
    inputs = [port("x", np.bool_, ["N", 3])]
    model = model_of(tmp_path / "m.onnx", nodes, inputs, [SCORES], {"w": WEIGHTS})
    data = written("d.csv", f"a,b,c\n{','.join(texts)}\n")
    if truths is None:
        with pytest.raises(ModelError, match="which takes true and false"):
            answered(model, data)
    else:
        expected = str((np.array(truths) @ WEIGHTS).argmax())
        assert answered(model, data).answers.texts() == [expected]


def test_an_input_called_as_one_of_its_columns(tmp_path, written, answered):
    """A model of three features called x takes them all, even where one column is x."""
    model = model_of(tmp_path / "m.onnx", [matmul()], [ROW], [SCORES], {"w": WEIGHTS})
    data = written("d.csv", "x,y2,z\n" + "".join(",".join(map(str, row)) + "\n" for row in X))
    assert answered(model, data).answers.texts() == EXPECTED


@pytest.mark.parametrize("dtype", ["U3", "S3"])
def test_arrays_of_text(tmp_path, archive, answered, dtype):
    """Text of either kind reaches an input of text."""
    node = helper.make_node(
        "LabelEncoder", ["x"], ["answer"], domain=ML, keys_strings=["cat", "dog"],
        values_strings=["meow", "woof"], default_string="?",
    )  # fmt: skip
    ports = [port("x", object, [None])], [port("answer", object, [None])]
    model = save(tmp_path / "m.onnx", [node], *ports)
    found = answered(model, archive(x=np.array(["cat", "dog", "eel"], dtype)))
    assert found.answers.texts() == ["meow", "woof", "?"]


def test_batches_that_contradict_each_other(tmp_path):
    """Eight examples of one input and one of another cannot be the same examples."""
    nodes = [helper.make_node("Add", ["x", "z"], ["sum"]), matmul("sum")]
    inputs = [port("x", np.float32, [8, 3]), port("z", np.float32, [1, 3])]
    model = model_of(tmp_path / "m.onnx", nodes, inputs, [port("scores", np.float32, None)],
                     {"w": WEIGHTS})  # fmt: skip
    with pytest.raises(ModelError, match="different numbers of examples at a time"):
        open_model(model, SideSpec())


def test_truth_values_as_answers(tmp_path, archive, answered):
    """A label output of truth values answers true or false by the class list's order."""
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["top"], axes=[1], keepdims=0),
        helper.make_node("Greater", ["top", "one"], ["answer"]),
    ]
    outputs = [port("answer", np.bool_, ["N"])]
    model = model_of(tmp_path / "m.onnx", nodes, [ROW], outputs, {"one": np.float32(1)})
    expected = X.max(axis=1) > 1
    names = np.where(expected, "high", "low").tolist()
    assert answered(model, archive(x=X), classes=("low", "high")).answers.texts() == names


@pytest.mark.parametrize("static", [True, False])
def test_quantised_models(tmp_path, archive, answered, static):
    """Static int8 runs in batches; dynamic is run one by one, with a note."""
    quantise: dict[str, Any] = {"w": WEIGHTS, "s": np.float32(1 / 64), "z": np.uint8(0)}
    names = ["s", "z"] if static else ["ds", "dz"]
    nodes = [
        *([] if static else [helper.make_node("DynamicQuantizeLinear", ["x"], ["dq", *names])]),
        *([helper.make_node("QuantizeLinear", ["x", *names], ["dq"])] if static else []),
        helper.make_node("DequantizeLinear", ["dq", *names], ["back"]),
        matmul("back"),
    ]
    model = model_of(tmp_path / "m.onnx", nodes, [ROW], [SCORES], quantise)
    found = answered(model, archive(x=X))
    assert found.answers.texts() == EXPECTED
    assert found.facts["batch"] == (1024 if static else 1)
    assert bool(found.warnings) != static


# --- inputs that are the same for every example --------------------------------------------


def switched(path, kind=np.bool_, shape=()):
    """A model with a switch beside its features: its scores are turned round where it is on."""
    nodes = [
        helper.make_node("Cast", ["switch"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["number", "minus"], ["down"]),
        helper.make_node("Add", ["down", "one"], ["sign"]),
        matmul(out="plain"),
        helper.make_node("Mul", ["plain", "sign"], ["scores"]),
    ]
    constants = {"w": WEIGHTS, "minus": np.float32(-2), "one": np.float32(1)}
    inputs = [ROW, port("switch", kind, shape)]
    return model_of(path, nodes, inputs, [SCORES], constants)


@pytest.mark.parametrize(
    ("kind", "shape", "value", "turned"),
    [
        (np.bool_, [], "false", False),  # training=False
        (np.bool_, [], "True", True),  # as Python writes it
        (np.bool_, [1], "true", True),
        (np.float32, [], "0", False),
        (np.float32, [1], "1.0", True),
        (np.float16, [1, 1], "1e0", True),
        (np.float64, [None], "[1]", True),
        (np.int64, [], "1", True),
        (np.uint8, [1, 3], "[[1, 1, 1]]", True),
        (np.int32, [1, 3], "1", True),  # one value for all three
    ],
)
@pytest.mark.parametrize("kind_of_data", ["npz", "csv"])
def test_constant_inputs(
    tmp_path, archive, written, answered, kind, shape, value, turned, kind_of_data
):
    """A value for an input that no example fills, in its type and shape."""
    model = switched(tmp_path / "m.onnx", kind, shape)
    rows = "".join(",".join(map(str, row)) + "\n" for row in X)
    data = archive(x=X) if kind_of_data == "npz" else written("d.csv", f"a,b,c\n{rows}")
    found = answered(model, data, inputs={"switch": value})
    expected = (X @ (-WEIGHTS if turned else WEIGHTS)).argmax(axis=1).astype(str).tolist()
    assert found.answers.texts() == expected


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"swich": "1"}, "no input 'swich' (--input)"),
        ({"switch": "maybe"}, "no number, truth value or JSON list"),
        ({"switch": "0.5"}, "switch tensor(bool)"),
        ({"switch": "1"}, "switch tensor(bool)"),  # a number is no truth value
        ({"switch": "[true, false]"}, "its shape is [2]"),
        ({"switch": "[]"}, "switch tensor(bool)"),
        ({"switch": "{}"}, "switch tensor(bool)"),
        ({"switch": "null"}, "switch tensor(bool)"),
        ({"switch": "[" * 50_000}, "switch="),
        (
            {"x": "[[1, 2, 3]]", "switch": "true"},
            "no inputs",
        ),  # then every example has the same answer
    ],
)
def test_constants_that_do_not_fit(tmp_path, given, told):
    """Every value is checked against its input before anything runs."""
    model = switched(tmp_path / "m.onnx", shape=[1])
    with pytest.raises(FlipcheckError) as error:
        open_model(model, SideSpec(inputs=given))
    assert told in str(error.value)


def test_whole_numbers_out_of_range(tmp_path):
    """A number that an input cannot hold is refused, not wrapped round."""
    model = switched(tmp_path / "m.onnx", np.uint8)
    with pytest.raises(UsageError, match="0 to 255"):
        open_model(model, SideSpec(inputs={"switch": "256"}))
    with pytest.raises(UsageError, match="not finite"):
        open_model(switched(tmp_path / "f.onnx", np.float16), SideSpec(inputs={"switch": "1e9"}))


def test_an_input_that_nothing_fills(tmp_path, archive, written, images, answered):
    """The error names the input and how to give it a value, whatever the test set."""
    model = switched(tmp_path / "m.onnx")
    for data in (archive(x=X), written("d.csv", "a,b,c\n1,2,3\n"), images(x=[1])):
        with pytest.raises(ModelError) as error:
            answered(model, data)
        assert "switch" in str(error.value)
        assert "--input NAME=VALUE" in error.value.hint


def test_constants_of_each_side(tmp_path, archive, command):
    """One value for both models, and one of a side's own, which wins."""
    model = switched(tmp_path / "m.onnx")
    data = archive(x=X, labels=np.array(EXPECTED, dtype=int))
    same = flipcheck.compare(model, model, data, input={"switch": False})
    assert same.tally.both_right == len(X)
    report = flipcheck.compare(model, model, data, input=["switch=false"], new_input="switch=true")
    turned = (X @ -WEIGHTS).argmax(axis=1).astype(str)
    assert report.tally.negative_flips == int((turned != np.array(EXPECTED)).sum())
    done = command(
        "compare", model, model, data, "--old-input", "switch=false", "--new-input", "switch=true",
        "--max-nfr", "1%", "--quiet",
    )  # fmt: skip
    assert done.status == 1
    done = command("compare", model, model, data, "--input", "switch")
    assert (done.status, "not a name and a value" in done.err) == (2, True)
    done = command("compare", model, model, data, "--input", "switch=1", "--input", "switch=0")
    assert (done.status, "more than once" in done.err) == (2, True)


def test_the_report_tells_the_constants(tmp_path, archive, answered):
    """A report says with which values its answers were made."""
    found = answered(switched(tmp_path / "m.onnx"), archive(x=X), inputs={"switch": "true"})
    assert found.facts["constants"] == {"switch": True}


# --- what no test set feeds, and outputs that are no answers -------------------------------


def typed(name: str, kind: onnx.TypeProto) -> onnx.ValueInfoProto:
    """An input or output of any type."""
    return helper.make_value_info(name, kind)


FLOATS = helper.make_tensor_type_proto(TensorProto.FLOAT, ["N", 3])


@pytest.mark.parametrize(
    ("kind", "node"),
    [
        (helper.make_sequence_type_proto(FLOATS), ("ConcatFromSequence", {"axis": 0})),
        (helper.make_optional_type_proto(FLOATS), ("OptionalGetElement", {})),
        (
            helper.make_map_type_proto(
                TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
            ),
            ("DictVectorizer", {"string_vocabulary": ["a", "b"], "domain": ML}),
        ),
    ],
    ids=["sequence", "optional", "map"],
)
def test_inputs_that_are_no_tensors(tmp_path, kind, node):
    """Sequences, optional values and maps cannot be fed: the error names them and a way out."""
    operator, options = node
    path = save(
        tmp_path / "m.onnx",
        [helper.make_node(operator, ["odd"], ["y"], **options)],
        [typed("odd", kind)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    with pytest.raises(ModelError, match="inputs of a kind that cannot be fed: 'odd") as error:
        open_model(path, SideSpec())
    assert "save the model's answers" in error.value.hint


@pytest.mark.parametrize(
    "name", ["past_key_values.0.key", "past_key_self_0", "past_0", "cache_key_3", "kv_cache"]
)
def test_decoders_with_a_cache(tmp_path, name):
    """A decoder that takes its own past is named as one."""
    past = port(name, np.float32, ["N", 2, "past", 4])
    model = save(
        tmp_path / "m.onnx",
        [helper.make_node("Gather", ["w", "input_ids"], ["logits"])],
        [port("input_ids", np.int64, ["N", "S"]), past],
        [port("logits", np.float32, ["N", "S", 3])],
        {"w": WEIGHTS},
    )
    with pytest.raises(ModelError, match="writes a text token by token") as error:
        open_model(model, SideSpec())
    assert "save the model's answers" in error.value.hint


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (("N", 7, 5), "7 rows of values for each example"),  # a label for each token
        (("N", 4, 6, 6), "a map of values"),  # segmentation
        (("N", 100, 6), "100 rows of values for each example"),  # boxes
    ],
)
def test_answers_that_are_no_class(tmp_path, archive, answered, shape, told):
    """Tokens, pixels and boxes are refused with what they look like."""
    sizes = [1, *(each for each in shape[1:])]
    nodes = [
        helper.make_node("Reshape", ["x", "flat"], ["column"]),
        helper.make_node("Mul", ["column", "ones"], ["y"]),
    ]
    model = save(
        tmp_path / "m.onnx",
        nodes,
        [port("x", np.float32, ["N", 1])],
        [port("y", np.float32, shape)],
        {
            "flat": np.array([-1, *([1] * (len(shape) - 1))]),
            "ones": RNG.normal(size=sizes).astype(np.float32),
        },
    )
    with pytest.raises(ModelError) as error:
        answered(model, archive(x=X[:, :1]))
    assert told in str(error.value)
    assert "save the model's predictions" in error.value.hint


def test_two_outputs_of_a_detector(tmp_path, archive, answered):
    """Boxes, classes and scores of many objects are no answer, however many there are."""
    made = {"boxes": (100, 4), "classes": (100,), "scores": (100,)}
    nodes = [
        helper.make_node("Mul", ["x", f"{name}_"], [name]) if name != "boxes" else
        helper.make_node("Mul", ["wide", f"{name}_"], [name]) for name in made
    ]  # fmt: skip
    nodes.insert(0, helper.make_node("Unsqueeze", ["x", "last"], ["wide"]))
    constants = {f"{name}_": np.ones((1, *shape), np.float32) for name, shape in made.items()}
    outputs = [port(name, np.float32, ["N", *shape]) for name, shape in made.items()]
    model = save(
        tmp_path / "m.onnx", nodes, [port("x", np.float32, ["N", 1])], outputs,
        {**constants, "last": np.array([-1])},
    )  # fmt: skip
    with pytest.raises(ModelError, match="2 outputs could hold the answer"):
        answered(model, archive(x=X[:, :1]))


@pytest.mark.parametrize("batch", ["N", 1])
@pytest.mark.parametrize("odd", ["optional", "sequence"])
def test_outputs_that_are_no_tensors(tmp_path, archive, answered, odd, batch):
    """An optional value that is none, or a sequence, beside the scores is passed over."""
    kinds = {
        "optional": helper.make_optional_type_proto(FLOATS),
        "sequence": helper.make_sequence_type_proto(FLOATS),
    }
    node = {
        "optional": helper.make_node("Optional", [], ["odd"], type=FLOATS),
        "sequence": helper.make_node("SequenceConstruct", ["x", "x"], ["odd"]),
    }[odd]
    inputs = [port("x", np.float32, [batch, 3])]
    outputs = [port("scores", np.float32, [batch, 3]), typed("odd", kinds[odd])]
    model = model_of(tmp_path / "m.onnx", [matmul(), node], inputs, outputs, {"w": WEIGHTS})
    assert answered(model, archive(x=X)).answers.texts() == EXPECTED
    alone = model_of(tmp_path / "a.onnx", [node], inputs, outputs[1:])
    with pytest.raises(ModelError, match="no output is readable"):
        answered(alone, archive(x=X))


def test_columns_of_the_past(tmp_path, written, answered):
    """A feature whose name begins with past is no decoder's cache."""
    nodes = [helper.make_node("Concat", ["past_due", "past_1"], ["scores"], axis=1)]
    inputs = [port(name, np.float32, ["N", 1]) for name in ("past_due", "past_1")]
    outputs = [port("scores", np.float32, ["N", 2])]
    model = model_of(tmp_path / "m.onnx", nodes, inputs, outputs)
    data = written("d.csv", "past_due,past_1\n1,2\n3,1\n")
    assert answered(model, data).answers.texts() == ["1", "0"]


def test_an_initial_state_of_zeros(tmp_path, archive, answered):
    """One value fills an input of many, as the state that a network begins with."""
    nodes = [
        helper.make_node("ReduceMean", ["h0"], ["none"], keepdims=0),
        helper.make_node("Add", ["x", "none"], ["same"]),
        matmul("same"),
    ]
    inputs = [port("x", np.float32, [1, 3]), port("h0", np.float32, [2, None, 64])]
    model = model_of(
        tmp_path / "m.onnx", nodes, inputs, [port("scores", np.float32, [1, 3])], {"w": WEIGHTS}
    )
    with pytest.raises(ModelError, match="different numbers of examples"):
        answered(model, archive(x=X))
    assert answered(model, archive(x=X), inputs={"h0": "0"}).answers.texts() == EXPECTED


def test_a_model_that_is_fed_the_label(tmp_path, written, answered):
    """An input that is called as the column of labels is fed it, with a warning."""
    nodes = [helper.make_node("Concat", ["a", "y"], ["scores"], axis=1)]
    inputs = [port(name, np.float32, ["N", 1]) for name in ("a", "y")]
    outputs = [port("scores", np.float32, ["N", 2])]
    model = model_of(tmp_path / "m.onnx", nodes, inputs, outputs)
    found = answered(model, written("d.csv", "a,y\n0,1\n1,0\n"))
    assert found.answers.texts() == ["1", "0"]
    assert "it is fed 'y', the label" in found.warnings[0]
