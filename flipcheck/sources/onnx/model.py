"""An ONNX model opened for inference: its inputs, outputs, classes and session."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, listed
from flipcheck.sources.files import sha256
from flipcheck.sources.names import classes_beside, metadata_classes
from flipcheck.sources.onnx.graph import Graph, read_graph
from flipcheck.sources.onnx.later import Later, keep_ports, known_ports, ports_key
from flipcheck.sources.stamps import stamps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.cache import Cache
    from flipcheck.sources.spec import SideSpec
    from flipcheck.sources.stamps import Stamps

OVERRULED = "--classes, against the model's own metadata"
DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name, ONNX type and shape; an open axis is None."""

    name: str
    type: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        axes = ", ".join("?" if axis is None else str(axis) for axis in self.shape)
        return f"{self.name} {self.type} [{axes}]"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be run. `classes` is None where neither flags nor files name them."""

    path: Path
    session: Any
    graph: Graph
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    classes: tuple[str, ...] | None
    classes_from: str
    sha256: str
    stamps: Stamps | None = None

    @property
    def fixed_batch(self) -> int | None:
        """The only batch size that the model takes; 1 where answers depend on the batch."""
        sizes = {port.shape[0] for port in self.inputs if port.shape and port.shape[0]}
        if len(sizes) == 1:
            return sizes.pop()
        return 1 if self.graph.batch_dependent else None

    def run(self, feeds: Mapping[str, NDArray[Any]], names: list[str]) -> list[Any]:
        """The named outputs. Raises ModelError in the runtime's words."""
        try:
            return self.session.run(names, dict(feeds))  # type: ignore[no-any-return]
        except ModelError:
            raise
        except Exception as error:  # the runtime has no common error
            raise ModelError(
                f"{self.path}: the model cannot run on this data: {runtime_message(error)}",
                hint=f"it takes {', '.join(map(str, self.inputs))}",
            ) from error


def open_model(path: Path, spec: SideSpec, cache: Cache | None = None) -> Model:
    """The model of a file, checked and loaded. Raises ModelError.

    One that a cache knows is loaded when it is first run, which may be never.
    """
    graph = read_graph(path)
    seen = stamps([path, *graph.external])
    digest = sha256(path, *graph.external)
    session, inputs, outputs = _opened(path, digest, seen, cache)
    if not inputs:
        raise ModelError(f"{path}: the model has no inputs")
    odd = [str(port) for port in inputs if port.type not in DTYPES]
    if odd:
        raise ModelError(
            f"{path}: inputs of a kind that cannot be fed: {listed(odd)}",
            hint="save the model's predictions and compare those",
        )
    classes, origin = _classes(path, graph, spec)
    return Model(
        path=path,
        session=session,
        graph=graph,
        inputs=inputs,
        outputs=outputs,
        classes=classes,
        classes_from=origin,
        sha256=digest,
        stamps=seen,
    )


def _opened(
    path: Path, digest: str, seen: Stamps, cache: Cache | None
) -> tuple[Any, tuple[Port, ...], tuple[Port, ...]]:
    """A model's session with its inputs and outputs, which a cache may know already."""
    key = ports_key(digest, seen)
    known = None if cache is None else known_ports(cache, key)
    if known is not None:
        inputs, outputs = (tuple(Port(*each) for each in ports) for ports in known)
        return Later(lambda: _loaded(path)[0]), inputs, outputs
    found = _loaded(path)
    if cache is not None and seen.unchanged():
        keep_ports(cache, key, str(path), found[1:])
    return found


def _port(port: Any) -> Port:
    axes = (axis if isinstance(axis, int) and axis > 0 else None for axis in port.shape)
    return Port(port.name, port.type, tuple(axes))


def _classes(path: Path, graph: Graph, spec: SideSpec) -> tuple[tuple[str, ...] | None, str]:
    named = metadata_classes(graph.metadata, str(path))
    if spec.classes is not None and spec.classes_are_own:
        return spec.classes, "--classes" if named in {None, spec.classes} else OVERRULED
    if named is not None and spec.classes is not None and set(named) != set(spec.classes):
        raise ModelError(
            f"{path}: --classes names {listed(spec.classes)}, but the model's own metadata "
            f"{listed(named)}",
            hint="--old-classes and --new-classes overrule a model; --label-map translates",
        )
    if named is None and spec.classes is not None:
        return spec.classes, "--classes"
    if named is not None:
        return named, "the model's metadata"
    beside = classes_beside(path)
    return beside or (None, "")


def _loaded(path: Path) -> tuple[Any, tuple[Port, ...], tuple[Port, ...]]:
    """A session with its inputs and outputs, whose names may be no text at all."""
    try:
        session = _session(path)
        inputs, outputs = session.get_inputs(), session.get_outputs()
        return session, tuple(map(_port, inputs)), tuple(map(_port, outputs))
    except Exception as error:  # the runtime has no common error
        raise _refused(path, error) from error


def _session(path: Path) -> Any:
    """A session of one thread without spinning: worker threads share it (ENGINEERING.md §1)."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        str(path),
        options,
        providers=["CPUExecutionProvider"],
        enable_fallback=0,  # which prints on standard output and tries the same again
    )


def _refused(path: Path, error: Exception) -> ModelError:
    message = runtime_message(error)
    if re.search(r"not a registered function|No Op registered|NOT_IMPLEMENTED|opset", str(error)):
        return ModelError(
            f"{path}: the runtime lacks an operator of this model: {message}",
            hint="export it with standard operators, or save its predictions and compare those",
        )
    return ModelError(
        f"{path}: the runtime cannot load this model: {message}",
        hint="the file is damaged, or was exported wrongly: check it with onnx.checker",
    )


def runtime_message(error: Exception) -> str:
    """The runtime's message without its codes and the path, on one line."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(error))
    text = re.sub(r"^Load model from .*? failed:", "", text)
    return " ".join(text.split())[:300]


def numeric(port: Port) -> np.dtype[Any]:
    """The numpy type that an input takes."""
    import numpy as np

    return np.dtype(DTYPES[port.type])
