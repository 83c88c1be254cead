"""The contract of a model: what it takes, gives and is, beside what it learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.sources.onnx.graph import BATCH_DEPENDENT, RANDOM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flipcheck.sources.onnx.feeds import Feeder
    from flipcheck.sources.onnx.graph import Graph
    from flipcheck.sources.onnx.model import Model, Port
    from flipcheck.sources.onnx.readings import Reading

Contract = dict[str, Any]
"""What a contract says by name, as JSON-ready values: they are kept with saved answers."""

NOT_LEARNT = {"int64", "bool", "text"}
"""Types of tensors that hold shapes, indices and names."""
FLOATS = {"fp64", "fp32", "fp16", "bf16"}
STATIC = ("QuantizeLinear", "QLinear")


def contract(model: Model, feeder: Feeder, reading: Reading, batch: int) -> Contract:
    """What a model that is bound to a test set takes, gives and is."""
    told = dict(feeder.told)
    return {
        "inputs": [_port(port) for port in model.inputs],
        "outputs": [_port(port) for port in model.outputs],
        "answer": reading.told,
        "classes": None if reading.classes is None else list(reading.classes),
        "preprocess": _plain(told.pop("preprocess", None) or {}),
        "features": told.pop("features", None),
        "fed": _plain({name: value for name, value in told.items() if name != "input"}),
        "opset": model.graph.opset,
        "ir_version": model.graph.ir_version,
        "producer": model.graph.producer,
        "bytes": model.graph.size,
        "parameters": parameters(model.graph),
        "precision": precision(model.graph),
        "batch_operators": sorted(model.graph.operators & BATCH_DEPENDENT),
        "random_operators": sorted(model.graph.operators & RANDOM),
        "provider": model.provider,
        "batch": batch,
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as JSON keeps them."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }


def _port(port: Port) -> list[Any]:
    return [port.name, port.type, list(port.shape)]


def parameters(graph: Graph) -> int | None:
    """How many numbers the model's tensors hold; None where it keeps what it learnt elsewhere."""
    found = sum(count for kind, count in graph.numbers if kind not in NOT_LEARNT)
    return found or None


def precision(graph: Graph) -> str:
    """In what numbers the model calculates, as far as its operators and tensors say."""
    counts = {kind: count for kind, count in graph.numbers if count}
    if graph.operators & BATCH_DEPENDENT:
        return "int8, quantised dynamically"
    if any(name.startswith(STATIC) for name in graph.operators):
        return "int8, quantised statically"
    if "MatMulNBits" in graph.operators or "DequantizeLinear" in graph.operators:
        return "weights quantised"
    floats = {kind: count for kind, count in counts.items() if kind in FLOATS}
    if not floats:
        return ""
    most = max(floats, key=lambda kind: floats[kind])
    rest = sum(floats.values()) - floats[most]
    return most if rest * 100 < floats[most] else f"{most}, partly others"
