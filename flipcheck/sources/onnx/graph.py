"""What an ONNX file says of itself, read from its bytes before any runtime sees it.

A reader of the few protobuf fields that matter for safety and for the contract: operators,
metadata, the paths of external data, the sizes and types of tensors. Field numbers are those of
onnx.proto3. Every length is checked against the bytes that are there, so a damaged or hostile file
ends in an error.
"""

from __future__ import annotations

import mmap
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from flipcheck.errors import ModelError
from flipcheck.sources.files import first_few, reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
DEEPEST = 64

MODEL_IR, MODEL_PRODUCER, MODEL_PRODUCER_VERSION = 1, 2, 3
MODEL_GRAPH, MODEL_OPSET, MODEL_METADATA, MODEL_FUNCTION = 7, 8, 14, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_OUTPUT, GRAPH_SPARSE = 1, 5, 12, 15
FUNCTION_NODE, FUNCTION_ATTRIBUTE = 7, 11
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR, NODE_ATTRIBUTE = 1, 2, 4, 5
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
ATTRIBUTE_SPARSE = (22, 23)
TENSOR_DIMS, TENSOR_TYPE, TENSOR_EXTERNAL = 1, 2, 13
MOST_AXES, MOST_NUMBERS = 64, 2**62

PLAIN = re.compile(
    rb"(?:\x3d[\s\S]{4}|\x40[\x80-\xff]{0,9}[\x00-\x7f]"
    rb"|\x4a(?:\x04[\s\S]{4}|\x09[\s\S]{9}|\x0a[\s\S]{10}))++"
)
"""An attribute's single floats, whole numbers and words like LEAF: forests have millions."""

LONGEST_NAME = 255
"""Bytes of a file's name that every system takes."""

BATCH_DEPENDENT = {"DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"}
RANDOM = {
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Bernoulli",
    "Multinomial",
}
TYPES = {
    1: "fp32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "text",
    9: "bool",
    10: "fp16",
    11: "fp64",
    12: "uint32",
    13: "uint64",
    16: "bf16",
    21: "uint4",
    22: "int4",
}
"""What onnx.proto3 calls the types of tensors by number, in the words of those who quantise."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Operators, opsets, metadata and external data files of a model.

    `mapped` are the outputs that ZipMap makes of a tensor of scores, with that tensor's name.
    `numbers` are how many numbers its tensors hold, by their type; `size` is that of all its files
    in bytes.
    """

    operators: frozenset[str]
    opset: int | None
    metadata: dict[str, str]
    external: tuple[Path, ...]
    mapped: Mapping[str, str]
    ir_version: int | None = None
    producer: str = ""
    numbers: tuple[tuple[str, int], ...] = ()
    size: int = 0

    @property
    def batch_dependent(self) -> bool:
        """Whether an answer depends on which other examples are in its batch."""
        return bool(self.operators & BATCH_DEPENDENT)

    @property
    def random(self) -> bool:
        """Whether the model draws random numbers."""
        return bool(self.operators & RANDOM)


class _MalformedError(ValueError):
    """Bytes that are no protobuf message."""


def read_graph(path: Path) -> Graph:
    """What the model file says. Raises ModelError where it is no model, or not a safe one."""
    try:
        found = _Walk()
        with path.open("rb") as file:
            if not file.read(1):
                raise ModelError(f"{path}: the file is empty", hint="export the model again")
            # Left to be closed when its last slice is gone: an error's traceback keeps some.
            found.model(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except _MalformedError as error:
        raise ModelError(
            f"{path}: not an ONNX model, or one that is damaged or cut short",
            hint="export the model to ONNX again; saved predictions need their own suffix "
            "(.csv, .parquet, .jsonl, .npz)",
        ) from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {reason(error)}") from error
    if not found.has_graph:
        raise ModelError(f"{path}: not an ONNX model: it has no graph")
    external = _external_files(path, found.locations)
    try:
        size = sum(each.stat().st_size for each in (path, *external))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {reason(error)}") from error
    return Graph(
        frozenset(found.operators),
        found.opset,
        found.metadata,
        external,
        found.mapped,
        found.ir_version,
        " ".join(name for name in found.producer if name),
        tuple(sorted(found.numbers.items())),
        size,
    )


def _external_files(path: Path, locations: dict[str, None]) -> tuple[Path, ...]:
    """The model's side files. Raises ModelError for those missing or outside its folder."""
    folder, files, outside, missing = path.parent.resolve(), [], [], []
    for location in locations:
        target = None if _leaves(location) else _inside(folder, location)
        if target is None:
            outside.append(repr(location)[:200])
        elif not target.is_file():
            missing.append(str(path.parent / location)[:200])
        else:
            files.append(target)
    if outside:
        raise ModelError(
            f"{path}: its external data points outside the model's folder: refused",
            problems=first_few(outside),
            hint="a sound export keeps its data beside the model: do not trust this file, or, "
            "where a link leads out, copy model and data into one folder",
        )
    if missing:
        raise ModelError(
            f"{path}: its external data is missing",
            problems=first_few(missing),
            hint="copy the data file from where the model came, beside the model",
        )
    return tuple(files)


def _leaves(location: str) -> bool:
    """Whether a location says, by its look alone, that it is no file beside the model."""
    pure = PurePosixPath(location)
    if pure.is_absolute() or ".." in pure.parts or PureWindowsPath(location).drive:
        return True
    return any(char in location for char in "\\\0") or len(location.encode()) > LONGEST_NAME


def _inside(folder: Path, location: str) -> Path | None:
    """The file of a location, after all links; None where that is not in the folder."""
    try:
        target = (folder / location).resolve()
    except (OSError, RuntimeError):  # a loop of links
        return None
    return target if folder in target.parents else None


class _Walk:
    """One walk over a model's messages, keeping what matters."""

    def __init__(self) -> None:
        self.operators: set[str] = set()
        self.opset: int | None = None
        self.metadata: dict[str, str] = {}
        self.locations: dict[str, None] = {}
        self.mapped: dict[str, str] = {}
        self.has_graph = False
        self.ir_version: int | None = None
        self.producer = ["", ""]
        self.numbers: Counter[str] = Counter()

    def model(self, data: memoryview) -> None:
        parts = {
            MODEL_GRAPH: self._read_graph,
            MODEL_OPSET: self._read_opset,
            MODEL_METADATA: self._read_metadata,
            MODEL_FUNCTION: self.function,
        }
        for field, value in fields(data):
            if field in parts:
                parts[field](_message(value))
            elif field == MODEL_IR and isinstance(value, int):
                self.ir_version = value
            elif field in {MODEL_PRODUCER, MODEL_PRODUCER_VERSION}:
                self.producer[field - MODEL_PRODUCER] = _text(value)

    def _read_graph(self, data: memoryview) -> None:
        self.has_graph = True
        self.graph(data, 0)

    def _read_metadata(self, data: memoryview) -> None:
        key, text = _entry(data)
        self.metadata[key] = text

    def _read_opset(self, data: memoryview) -> None:
        found = dict(fields(data))
        domain, version = found.get(1, memoryview(b"")), found.get(2)
        if isinstance(version, int) and _text(domain) in {"", "ai.onnx"}:
            self.opset = version

    def function(self, data: memoryview) -> None:
        for field, value in fields(data):
            if field == FUNCTION_NODE:
                self.node(_message(value), 0)
            elif field == FUNCTION_ATTRIBUTE:
                self.attribute(_message(value), 0)

    def graph(self, data: memoryview, depth: int) -> None:
        if depth > DEEPEST:
            raise _MalformedError("graphs nested too deep")
        for field, value in fields(data):
            if field == GRAPH_NODE:
                self.node(_message(value), depth)
            elif field == GRAPH_INITIALIZER:
                self.tensor(_message(value))
            elif field == GRAPH_SPARSE:
                self.sparse(_message(value))

    def node(self, data: memoryview, depth: int) -> None:
        operator, ends = "", dict[int, str]()
        for field, value in fields(data):
            if field == NODE_OPERATOR:
                operator = _text(value)
                self.operators.add(operator)
            elif field in {NODE_INPUT, NODE_OUTPUT}:
                ends[field] = _text(value)
            elif field == NODE_ATTRIBUTE:
                self.attribute(_message(value), depth)
        if operator == "ZipMap" and not depth and len(ends) == 2:
            self.mapped[ends[NODE_OUTPUT]] = ends[NODE_INPUT]

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
        axes: list[int] = []
        kind = 0
        for field, value in fields(data):
            if field == TENSOR_DIMS:
                axes += [value] if isinstance(value, int) else _varints(value)
            elif field == TENSOR_TYPE and isinstance(value, int):
                kind = value
            elif field == TENSOR_EXTERNAL:
                key, text = _entry(_message(value))
                if key == "location":
                    self.locations[text] = None
        self.numbers[TYPES.get(kind, f"type {kind}")] += _product(axes)


def with_outputs(model: bytes, names: Iterable[str]) -> bytes:
    """The bytes of a model that gives these values of its graph as outputs, too.

    Protobuf messages that stand one after another are one message: nothing has to be parsed.
    """
    added = b"".join(_field(GRAPH_OUTPUT, _field(1, name.encode())) for name in names)
    return model + _field(MODEL_GRAPH, added)


def _field(number: int, value: bytes) -> bytes:
    """A field of a message that holds bytes."""
    size, length = [], len(value)
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | BYTES, *size, length]) + value


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message: number, and a whole number or the bytes of it.

    Fields 7 to 9, where they are plain values, are passed over: what matters has other numbers.
    """
    place, end = 0, len(data)
    while place < end:
        if data[place] in b"\x3d\x40\x4a" and (run := PLAIN.match(data, place)):
            place = run.end()
            continue
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
            raise _MalformedError("a field that is not there")
        yield field, data[place : place + size]
        place += size


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise _MalformedError("a number that does not end")
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
        shift += 7


def _varints(data: memoryview) -> list[int]:
    """Whole numbers that are packed one after another."""
    if len(data) > 10 * MOST_AXES:
        raise _MalformedError("more axes than a tensor has")
    found, place = [], 0
    while place < len(data):
        value, place = _varint(data, place)
        found.append(value)
    return found


def _product(axes: list[int]) -> int:
    """How many numbers a tensor has."""
    if len(axes) > MOST_AXES:
        raise _MalformedError("more axes than a tensor has")
    total = 1
    for axis in axes:
        total *= axis
    if total > MOST_NUMBERS:
        raise _MalformedError("more numbers than any file holds")
    return total


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _MalformedError("a number where a message should be")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode("utf-8", errors="replace")


def _entry(data: memoryview) -> tuple[str, str]:
    found = {field: _text(value) for field, value in fields(data) if field in {1, 2}}
    return found.get(1, ""), found.get(2, "")
