"""What is read from a model's bytes before any runtime sees them."""

from __future__ import annotations

import random
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import ML, linear, port, save

from flipcheck.errors import FlipcheckError, ModelError
from flipcheck.sources.onnx.graph import read_graph
from flipcheck.sources.onnx.model import open_model
from flipcheck.sources.spec import SideSpec


def external(path, location: str, name: str = "weights") -> None:
    """Make a model keep a tensor in a file of its own."""
    model = onnx.load(path, load_external_data=False)
    (tensor,) = [each for each in model.graph.initializer if each.name == name]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    for key, value in (("location", location), ("offset", "0"), ("length", "24")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    path.write_bytes(model.SerializeToString())


def test_what_a_model_says(tmp_path):
    """Operators, opset and metadata are read."""
    graph = read_graph(linear(tmp_path / "m.onnx", np.eye(2), classes=("a", "b")))
    assert (graph.operators, graph.opset, graph.external) == ({"MatMul"}, 17, ())
    assert graph.metadata == {"classes": "a,b"}


def test_operators_inside_of_branches(tmp_path):
    """Operators of nested graphs are found."""

    def branch(operator: str) -> onnx.GraphProto:
        node = helper.make_node(operator, ["x"], ["z"])
        return helper.make_graph([node], "b", [], [port("z", np.float32, [None])])

    node = helper.make_node("If", ["c"], ["y"], then_branch=branch("RandomNormalLike"),
                            else_branch=branch("Abs"))  # fmt: skip
    ports = [port("c", np.bool_, []), port("x", np.float32, [None])]
    graph = read_graph(save(tmp_path / "m.onnx", [node], ports, [port("y", np.float32, [None])]))
    assert graph.operators == {"If", "RandomNormalLike", "Abs"}
    assert graph.random


def test_operators_inside_of_functions(tmp_path):
    """Operators of a model's own functions are found."""
    path = linear(tmp_path / "m.onnx", np.eye(2))
    model = onnx.load(path)
    node = helper.make_node("DynamicQuantizeLinear", ["a"], ["b", "c", "d"])
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "f", ["a"], ["b"], [node], opsets))
    path.write_bytes(model.SerializeToString())
    assert read_graph(path).batch_dependent


def test_external_data_inside_the_folder(tmp_path):
    """Data beside the model is used, and is part of its digest."""
    path = linear(tmp_path / "m.onnx", np.zeros((2, 3)))
    external(path, "sub/m.data")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "m.data").write_bytes(np.zeros(6, np.float32).tobytes())
    first = open_model(path, SideSpec()).sha256
    assert read_graph(path).external == (tmp_path / "sub" / "m.data",)
    (tmp_path / "sub" / "m.data").write_bytes(np.ones(6, np.float32).tobytes())
    assert open_model(path, SideSpec()).sha256 != first


@pytest.mark.parametrize(
    "location",
    [
        "../secret",  # the folder above
        "sub/../../secret",  # by a detour
        "sub/../m.data",  # even a detour that comes back
        "/etc/passwd",  # absolute
        "..\\secret",  # as Windows writes it
        "C:\\secret",  # a drive
        "c:secret",  # a drive, relative
        "\\\\host\\share",  # a network share
        "link/secret",  # a linked folder
        "file",  # a linked file
        "",  # nothing
        ".",  # the folder itself
        "a\0b",  # a character that no name has
        "x" * 5000,  # longer than a name can be
    ],
)
def test_external_data_outside_the_folder_is_refused(tmp_path, location):
    """No location, and no link, may lead out of the model's folder."""
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"\0" * 24)
    (folder / "link").symlink_to(tmp_path)
    (folder / "file").symlink_to(tmp_path / "secret")
    path = linear(folder / "m.onnx", np.zeros((2, 3)))
    external(path, location)
    with pytest.raises(ModelError, match="outside the model's folder"):
        read_graph(path)


def test_external_data_in_attributes_and_branches_is_seen(tmp_path):
    """A constant of a node, however deep, can point outside too."""
    tensor = numpy_helper.from_array(np.zeros(6, np.float32))
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    constant = helper.make_node("Constant", [], ["z"], value=tensor)
    branch = helper.make_graph([constant], "b", [], [port("z", np.float32, [6])])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    path = save(
        tmp_path / "m.onnx", [node], [port("c", np.bool_, [])], [port("y", np.float32, [6])]
    )
    with pytest.raises(ModelError, match=r"\.\./secret"):
        read_graph(path)


def test_missing_external_data(tmp_path):
    """The error names the file that is missing."""
    path = linear(tmp_path / "m.onnx", np.zeros((2, 3)))
    external(path, "m.onnx.data")
    with pytest.raises(ModelError, match="missing") as error:
        open_model(path, SideSpec())
    assert str(tmp_path / "m.onnx.data") in str(error.value)


def test_short_external_data(tmp_path):
    """Data that ends too early is an error of the model."""
    path = linear(tmp_path / "m.onnx", np.zeros((2, 3)))
    external(path, "m.data")
    (tmp_path / "m.data").write_bytes(b"\0" * 8)
    with pytest.raises(ModelError):
        open_model(path, SideSpec())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"id,label,prediction\n1,a,a\n", "not an ONNX model"),  # a table with the wrong suffix
        (b"\x08\x08", "no graph"),  # a model that ends after its version
        (b"\xff" * 100, "not an ONNX model"),
        (b"\x3a\xff\xff\xff\xff\x0f", "not an ONNX model"),  # a graph of four gigabytes
        (b"\x3a\x80" + b"\x80" * 30 + b"\x01", "not an ONNX model"),  # a length without end
        (b"\x38\x01", "not an ONNX model"),  # a number where the graph should be
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "not an ONNX model"),
    ],
)
def test_files_that_are_no_models(written, content, told):
    """A file that is no model is an error that says so."""
    with pytest.raises(ModelError, match=told):
        open_model(written("m.onnx", content), SideSpec())


def nested(depth: int) -> bytes:
    """The bytes of a graph that holds a node that holds a graph, and so on."""

    def field(number: int, data: bytes) -> bytes:
        size, length = b"", len(data)
        while length > 127:
            size, length = size + bytes([length & 127 | 128]), length >> 7
        return bytes([number << 3 | 2]) + size + bytes([length]) + data

    graph = b""
    for _ in range(depth):
        graph = field(1, field(5, field(6, graph)))
    return field(7, graph)


def test_graphs_nested_without_end(written):
    """A graph nested a thousandfold does not exhaust the stack."""
    with pytest.raises(ModelError):
        read_graph(written("m.onnx", nested(1000)))


def test_a_damaged_model_never_crashes(tmp_path):
    """A model that is cut short anywhere, or has bytes changed, is an error or loads."""
    path = linear(tmp_path / "m.onnx", np.ones((8, 3)), classes=("a", "b", "c"))
    data, dice, bad = path.read_bytes(), random.Random(1), tmp_path / "bad.onnx"
    damaged = [data[:size] for size in range(len(data))]
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(dice.randrange(1, 6)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        damaged.append(bytes(changed))
    failed = 0
    for content in damaged:
        bad.write_bytes(content)
        try:
            open_model(bad, SideSpec())
        except FlipcheckError as error:
            failed += str(bad) in error.message
    assert failed > len(data) * 0.9


def test_an_operator_that_the_runtime_lacks(tmp_path):
    """An operator of a strange domain is named as what is missing."""
    node = helper.make_node("Frobnicate", ["x"], ["y"], domain=ML)
    ports = [port("x", np.float32, [None, 2])], [port("y", np.float32, [None, 2])]
    with pytest.raises(ModelError, match="lacks an operator") as error:
        open_model(save(tmp_path / "m.onnx", [node], *ports), SideSpec())
    assert "Frobnicate" in error.value.message


def test_forests_are_read_quickly(tmp_path):
    """A million numbers of an attribute take no longer than a blink."""
    node = helper.make_node("Abs", ["x"], ["y"], floats=np.ones(500_000, np.float32).tolist(),
                            ints=list(range(500_000)), words=["LEAF"] * 200_000)  # fmt: skip
    ports = [port("x", np.float32, [None])], [port("y", np.float32, [None])]
    path = save(tmp_path / "m.onnx", [node], *ports)
    begin = time.process_time()
    assert read_graph(path).operators == {"Abs"}
    assert time.process_time() - begin < 1


def test_nothing_is_printed_of_a_broken_model(tmp_path, capfd):
    """The runtime's own words never reach standard output, which carries the report."""
    path = linear(tmp_path / "m.onnx", np.eye(2))
    path.write_bytes(path.read_bytes().replace(b"logits", b"log\xff\xfes"))
    with pytest.raises(ModelError):
        open_model(path, SideSpec())
    assert capfd.readouterr().out == ""


def test_external_data_that_is_a_link_to_itself_is_refused(tmp_path):
    """A loop of links is no file, whether Python follows it or not."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    path = linear(tmp_path / "m.onnx", np.zeros((2, 3)))
    external(path, "loop")
    with pytest.raises(ModelError, match=r"outside the model's folder|is missing"):
        read_graph(path)
