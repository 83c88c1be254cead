"""Small ONNX models for tests, each a few nodes that are easily understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ML = "ai.onnx.ml"


def port(name: str, dtype: Any, shape: Sequence[Any] | None) -> onnx.ValueInfoProto:
    """An input or output of a numpy type; None in a shape is an open axis."""
    kind = TensorProto.STRING if np.dtype(dtype).kind in "UO" else None
    kind = kind or helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, shape)


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a model of these nodes."""
    graph = helper.make_graph(
        nodes,
        "test",
        inputs,
        outputs,
        [
            numpy_helper.from_array(np.asarray(each), name)
            for name, each in (constants or {}).items()
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    helper.set_model_props(model, dict(metadata or {}))
    path.write_bytes(model.SerializeToString())
    return path


def echo(
    path: Path,
    outputs: Mapping[str, Any],
    zipmap: Mapping[str, Sequence[Any]] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A model that gives back its inputs: output `a` is the input `a_in`, as an array has it.

    `zipmap` names outputs that come as a sequence of maps, with the classes of each.
    """
    nodes, ports_in, ports_out = [], [], []
    for name, given in outputs.items():
        array = np.asarray(given)
        ports_in.append(port(f"{name}_in", array.dtype, [None, *array.shape[1:]]))
        if zipmap and name in zipmap:
            classes = list(zipmap[name])
            kind = "classlabels_strings" if isinstance(classes[0], str) else "classlabels_int64s"
            nodes.append(
                helper.make_node("ZipMap", [f"{name}_in"], [name], domain=ML, **{kind: classes})
            )
            key = TensorProto.STRING if isinstance(classes[0], str) else TensorProto.INT64
            value = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
            kind_of = helper.make_sequence_type_proto(helper.make_map_type_proto(key, value))
            ports_out.append(helper.make_value_info(name, kind_of))
        else:
            nodes.append(helper.make_node("Identity", [f"{name}_in"], [name]))
            ports_out.append(port(name, array.dtype, [None, *array.shape[1:]]))
    return save(path, nodes, ports_in, ports_out, metadata=metadata)


def echo_data(path: Path, outputs: Mapping[str, Any], **more: Any) -> Path:
    """The archive that makes an echo give these outputs."""
    arrays = {f"{name}_in": np.ascontiguousarray(array) for name, array in outputs.items()}
    np.savez(path, **arrays, **more)
    return path


def brightness(
    path: Path,
    shape: Sequence[Any],
    dtype: Any = np.float32,
    classes: Sequence[str] | None = ("dark", "light"),
) -> Path:
    """A model of images (any layout) that says light where the mean of its input is over a half.

    For whole-number inputs the half is 127.5. Its logits are (half - mean, mean - half).
    """
    half = 0.5 if np.dtype(dtype).kind == "f" else 127.5
    axes = list(range(1, len(shape)))
    nodes = [
        helper.make_node("Cast", ["image"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["wide"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("Sub", ["column", "half"], ["over"]),
        helper.make_node("Mul", ["over", "signs"], ["logits"]),
    ]
    constants = {
        "last": np.array([1]),
        "half": np.float32(half),
        "signs": np.array([[-1, 1]], np.float32),
    }
    metadata = {"classes": ",".join(classes)} if classes else None
    outputs = [port("logits", np.float32, [shape[0], 2])]
    return save(path, nodes, [port("image", dtype, shape)], outputs, constants, metadata)


def linear(
    path: Path, weights: Any, name: str = "x", batch: Any = None, classes: Sequence[str] = ()
) -> Path:
    """A model whose logits are its features times weights (features, classes)."""
    weights = np.asarray(weights, np.float32)
    metadata = {"classes": ",".join(classes)} if classes else None
    return save(
        path,
        [helper.make_node("MatMul", [name, "weights"], ["logits"])],
        [port(name, np.float32, [batch, weights.shape[0]])],
        [port("logits", np.float32, [batch, weights.shape[1]])],
        {"weights": weights},
        metadata,
    )
