"""An ONNX model opened for inference: its inputs, outputs, classes and session."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, listed
from flipcheck.sources.files import sha256
from flipcheck.sources.names import classes_beside, metadata_classes
from flipcheck.sources.onnx.constants import constants
from flipcheck.sources.onnx.graph import Graph, read_graph, with_outputs
from flipcheck.sources.onnx.later import Later, keep_ports, known_ports, ports_key
from flipcheck.sources.onnx.ports import Port, numeric, port_of
from flipcheck.sources.onnx.providers import CPU, asked, checked
from flipcheck.sources.onnx.runtime import onnxruntime
from flipcheck.sources.onnx.signature import check_signature
from flipcheck.sources.spec import Provider
from flipcheck.sources.stamps import stamps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from flipcheck.sources.cache import Cache
    from flipcheck.sources.spec import SideSpec
    from flipcheck.sources.stamps import Stamps

__all__ = ["OVERRULED", "Model", "Port", "numeric", "open_model"]

LARGEST_COPY = 256 << 20
"""The most bytes of a model that are read into memory to have it give more outputs."""
OVERRULED = "--classes, against the model's own metadata"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be run. `classes` is None where neither flags nor files name them.

    `tensors` are the outputs that are maps of scores, with the tensor that has the same scores.
    `inputs` are those that every example fills; `constants` the values of the others. `provider`
    is what runs it, with its options.
    """

    path: Path
    session: Any
    graph: Graph
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    classes: tuple[str, ...] | None
    classes_from: str
    sha256: str
    tensors: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    provider: str = "CPUExecutionProvider"
    warnings: tuple[str, ...] = ()
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
            return self.session.run(names, {**self.constants, **feeds})  # type: ignore[no-any-return]
        except ModelError:  # one that is loaded only now, and cannot be
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
    keeps = Keeps(cache, ports_key(digest, seen), seen)
    opened = _opened(path, graph, spec.provider, keeps)
    fixed = constants(path, spec.inputs, (*opened.inputs, *opened.optional))
    inputs = tuple(port for port in opened.inputs if port.name not in fixed)
    check_signature(path, inputs)
    tensors = graph.mapped if opened.mapped else {}
    classes, origin = _classes(path, graph, spec)
    return Model(
        path=path,
        session=opened.session,
        graph=graph,
        inputs=inputs,
        outputs=tuple(each for each in opened.outputs if each.name not in tensors.values()),
        classes=classes,
        classes_from=origin,
        sha256=digest,
        tensors=tensors,
        constants=fixed,
        provider=opened.provider,
        warnings=(opened.fell_back,) if opened.fell_back else (),
        stamps=seen,
    )


@dataclass(frozen=True, slots=True)
class Opened:
    """A session, and its inputs, outputs and inputs that have a default.

    `mapped` says that it also gives the tensors that maps of scores are made of, and `fell_back`
    that it does not run on the provider that was asked for.
    """

    session: Any
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    optional: tuple[Port, ...]
    mapped: bool
    provider: str = CPU
    fell_back: str = ""


@dataclass(frozen=True, slots=True)
class Keeps:
    """Where what a model takes and gives is kept: the cache, its key, and the files as they are."""

    cache: Cache | None
    key: str
    seen: Stamps


def _opened(path: Path, graph: Graph, provider: Provider, keeps: Keeps) -> Opened:
    """A model's session with what it takes and gives, which a cache may know already."""
    cache, key = (keeps.cache if provider == Provider() else None), keeps.key
    known = None if cache is None else known_ports(cache, key)
    if known is not None:
        ports, mapped = known
        inputs, outputs, optional = (tuple(Port(*each) for each in some) for some in ports)
        session = Later(lambda: _loaded(path, graph, provider)[0])
        return Opened(session, inputs, outputs, optional, mapped)
    session, mapped = _loaded(path, graph, provider)
    found = _ports(path, session)
    if cache is not None and keeps.seen.unchanged():
        keep_ports(cache, key, str(path), found, mapped=mapped)
    inputs, outputs, optional = found
    ran_on, fell_back = checked(path, session, provider)
    return Opened(session, inputs, outputs, optional, mapped, ran_on, fell_back)


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


def _loaded(path: Path, graph: Graph, provider: Provider) -> tuple[Any, bool]:
    """A session, and whether it also gives the tensors that maps of scores are made of.

    Raises ModelError.
    """
    providers = asked(provider)
    session = _session_with_tensors(path, graph, providers)
    if session is not None:
        return session, True
    try:
        return _session(str(path), providers), False
    except Exception as error:  # the runtime has no common error
        raise _refused(path, error) from error


def _ports(path: Path, session: Any) -> list[tuple[Port, ...]]:
    """A session's inputs, outputs and inputs that have a default.

    Raises ModelError: their names may be no text at all.
    """
    try:
        found = (
            session.get_inputs(),
            session.get_outputs(),
            session.get_overridable_initializers(),
        )
        return [tuple(map(port_of, ports)) for ports in found]
    except Exception as error:  # the runtime has no common error
        raise _refused(path, error) from error


def _session_with_tensors(path: Path, graph: Graph, providers: list[Any]) -> Any:
    """A session that also gives the tensors that maps of scores are made of; None without maps.

    Maps are Python dicts, one for each example, which takes longer than many a model. None as
    well where the model cannot be changed so: what is wrong with it shows when it is loaded as
    it is.
    """
    if not graph.mapped or graph.external or path.stat().st_size > LARGEST_COPY:
        return None
    added = dict.fromkeys(graph.mapped.values())
    try:
        return _session(with_outputs(path.read_bytes(), added), providers)
    except Exception:  # noqa: BLE001  (the runtime has no common error)
        return None


def _session(model: str | bytes, providers: list[Any]) -> Any:
    """A session of one thread without spinning: worker threads share it (ENGINEERING.md §1)."""
    runtime = onnxruntime()
    runtime.set_default_logger_severity(4)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(
        model,
        options,
        providers=providers,
        enable_fallback=0,  # which prints on standard output and tries the same again
    )


def _refused(path: Path, error: Exception) -> ModelError:
    message = runtime_message(error)
    if re.search(r"not a registered function|No Op registered|NOT_IMPLEMENTED|opset", str(error)):
        return ModelError(
            f"{path}: the runtime lacks an operator of this model: {message}",
            hint="export it with standard operators, or save its predictions and compare those",
        )
    hint = "the file is damaged, or was exported wrongly: check it with onnx.checker"
    if "locale" in str(error):
        hint = "its text operators need a locale that this system lacks: install it (en_US.UTF-8)"
    return ModelError(f"{path}: the runtime cannot load this model: {message}", hint=hint)


def runtime_message(error: Exception) -> str:
    """The runtime's message without its codes and the path, on one line."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(error))
    text = re.sub(r"^Load model from .*? failed:", "", text)
    return " ".join(text.split())[:300]
