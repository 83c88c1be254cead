"""What an ONNX file says of itself, read from its bytes before any runtime sees it.

A reader of the few protobuf fields that matter for safety: operators, metadata and the paths of
external data. Field numbers are those of onnx.proto3. Every length is checked against the bytes
that are there, so a damaged or hostile file ends in an error.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from flipcheck.errors import SHOWN, ModelError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
DEEPEST = 64

MODEL_GRAPH, MODEL_OPSET, MODEL_METADATA, MODEL_FUNCTION = 7, 8, 14, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
FUNCTION_NODE = 7
NODE_OPERATOR, NODE_ATTRIBUTE = 4, 5
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
ATTRIBUTE_SPARSE = (22, 23)
TENSOR_EXTERNAL = 13

BATCH_DEPENDENT = {"DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"}
RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli",
          "Multinomial"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Graph:
    """Operators, opsets, metadata and external data files of a model."""

    operators: frozenset[str]
    opset: int | None
    metadata: dict[str, str]
    external: tuple[Path, ...]

    @property
    def batch_dependent(self) -> bool:
        """Whether an answer depends on which other examples are in its batch."""
        return bool(self.operators & BATCH_DEPENDENT)

    @property
    def random(self) -> bool:
        """Whether the model draws random numbers."""
        return bool(self.operators & RANDOM)


class _Malformed(ValueError):
    """Bytes that are no protobuf message."""


def read_graph(path: Path) -> Graph:
    """What the model file says. Raises ModelError where it is no model, or not a safe one."""
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise ModelError(f"{path}: the file is empty", hint="export the model again")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                view = memoryview(data)
                try:
                    found = _Walk()
                    found.model(view)
                finally:
                    view.release()
    except _Malformed as error:
        raise ModelError(
            f"{path}: not an ONNX model, or one that is damaged or cut short",
            hint="export the model to ONNX again; saved predictions need their own suffix "
            "(.csv, .parquet, .jsonl, .npz)",
        ) from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    if not found.has_graph:
        raise ModelError(f"{path}: not an ONNX model: it has no graph")
    external = _external_files(path, found.locations)
    return Graph(frozenset(found.operators), found.opset, found.metadata, external)


def _external_files(path: Path, locations: dict[str, None]) -> tuple[Path, ...]:
    """The model's side files. Raises ModelError for those missing or outside its folder."""
    folder, files, outside, missing = path.parent.resolve(), [], [], []
    for location in locations:
        pure = PurePosixPath(location)
        target = (folder / location).resolve()
        leaves = pure.is_absolute() or ".." in pure.parts or "\\" in location or "\0" in location
        if leaves or PureWindowsPath(location).drive or folder not in target.parents:
            outside.append(location)
        elif not target.is_file():
            missing.append(location)
        else:
            files.append(target)
    if outside:
        raise ModelError(
            f"{path}: its external data points outside the model's folder: refused",
            problems=[repr(location)[:200] for location in outside[:SHOWN]],
            hint="do not trust this file; a sound export keeps its data beside the model",
        )
    if missing:
        raise ModelError(
            f"{path}: its external data is missing",
            problems=[str(path.parent / location)[:200] for location in missing[:SHOWN]],
            hint="copy the data file from where the model came, beside the model",
        )
    return tuple(files)


class _Walk:
    """One walk over a model's messages, keeping what matters."""

    def __init__(self) -> None:
        self.operators: set[str] = set()
        self.opset: int | None = None
        self.metadata: dict[str, str] = {}
        self.locations: dict[str, None] = {}
        self.has_graph = False

    def model(self, data: memoryview) -> None:
        for field, value in fields(data):
            if field == MODEL_GRAPH:
                self.has_graph = True
                self.graph(_message(value), 0)
            elif field == MODEL_OPSET:
                self._read_opset(_message(value))
            elif field == MODEL_METADATA:
                key, text = _entry(_message(value))
                self.metadata[key] = text
            elif field == MODEL_FUNCTION:
                for part, node in fields(_message(value)):
                    if part == FUNCTION_NODE:
                        self.node(_message(node), 0)

    def _read_opset(self, data: memoryview) -> None:
        found = dict(fields(data))
        domain, version = found.get(1, b""), found.get(2)
        if isinstance(version, int) and (
            isinstance(domain, int) or bytes(domain) in {b"", b"ai.onnx"}
        ):
            self.opset = version

    def graph(self, data: memoryview, depth: int) -> None:
        if depth > DEEPEST:
            raise _Malformed("graphs nested too deep")
        for field, value in fields(data):
            if field == GRAPH_NODE:
                self.node(_message(value), depth)
            elif field == GRAPH_INITIALIZER:
                self.tensor(_message(value))
            elif field == GRAPH_SPARSE:
                self.sparse(_message(value))

    def node(self, data: memoryview, depth: int) -> None:
        for field, value in fields(data):
            if field == NODE_OPERATOR:
                self.operators.add(_text(value))
            elif field == NODE_ATTRIBUTE:
                self.attribute(_message(value), depth)

    def attribute(self, data: memoryview, depth: int) -> None:
        for field, value in fields(data):
            if field in {ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS}:
                self.graph(_message(value), depth + 1)
            elif field in {ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS}:
                self.tensor(_message(value))
            elif field in ATTRIBUTE_SPARSE:
                self.sparse(_message(value))

    def sparse(self, data: memoryview) -> None:
        for field, value in fields(data):
            if field in {1, 2}:
                self.tensor(_message(value))

    def tensor(self, data: memoryview) -> None:
        for field, value in fields(data):
            if field == TENSOR_EXTERNAL:
                key, text = _entry(_message(value))
                if key == "location":
                    self.locations[text] = None


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message: number, and a whole number or the bytes of it."""
    place, end = 0, len(data)
    while place < end:
        tag, place = _varint(data, place)
        field, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, place = _varint(data, place)
            yield field, value
            continue
        if kind == BYTES:
            size, place = _varint(data, place)
        else:
            size = {FIXED64: 8, FIXED32: 4}.get(kind, -1)
        if size < 0 or place + size > end or not field:
            raise _Malformed("a field that is not there")
        yield field, data[place : place + size]
        place += size


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise _Malformed("a number that does not end")
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
        shift += 7


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _Malformed("a number where a message should be")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode("utf-8", errors="replace")


def _entry(data: memoryview) -> tuple[str, str]:
    found = {field: _text(value) for field, value in fields(data) if field in {1, 2}}
    return found.get(1, ""), found.get(2, "")
