"""A model that is loaded when it is first run: its inputs and outputs are known from before."""

from __future__ import annotations

import threading
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from flipcheck.sources.cache.entry import Entry
from flipcheck.sources.onnx.kept import key_of, runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flipcheck.sources.cache import Cache
    from flipcheck.sources.stamps import Stamps

PORTS_VERSION = 1


class Later:
    """A session that is made when something is first asked of it."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._session: Any = None
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._session is None:
                self._session = self._load()
        return getattr(self._session, name)


def ports_key(digest: str, seen: Stamps) -> str:
    """The name under which the inputs and outputs of a model are kept."""
    sizes = seen.states[:, 0].tolist()
    return key_of({"ports": PORTS_VERSION, "model": digest, "bytes": sizes, "runtime": runtime()})


SIDES = ("inputs", "outputs", "optional")
Ports = list[list[tuple[str, str, tuple[int | None, ...]]]]
"""Name, type and shape of a model's inputs, outputs, and inputs that have a default."""


def known_ports(cache: Cache, key: str) -> tuple[Ports, bool] | None:
    """What a model takes and gives, and whether it gives tensors beside maps; None: not known."""
    found = cache.read(key)
    if found is None:
        return None
    ports = [found.meta.get(side) for side in SIDES]
    if not all(isinstance(each, list) and all(map(_is_port, each)) for each in ports):
        return None
    sides: list[Any] = ports
    read = [[(name, kind, tuple(axes)) for name, kind, axes in each] for each in sides]
    return read, found.meta.get("mapped") is True


def keep_ports(
    cache: Cache, key: str, model: str, ports: Iterable[Iterable[Any]], *, mapped: bool
) -> None:
    """Keep what a model takes and gives."""
    sides = ([astuple(port) for port in each] for each in ports)
    meta = {**dict(zip(SIDES, sides, strict=True)), "mapped": mapped}
    cache.write(Entry(key, 0, 0, meta, {"model": model}))


def _is_port(value: Any) -> bool:
    """Whether a value is a name, a type and a shape."""
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[2], list):
        return False
    return (
        isinstance(value[0], str)
        and isinstance(value[1], str)
        and all(axis is None or isinstance(axis, int) for axis in value[2])
    )
