"""A model's answers from earlier runs over the same examples, and what makes a run the same.

A `Kept` is all that a run knows of the cache: how many answers are there already, what they are,
and where to put new ones. Without a cache it is one that knows nothing and keeps nothing.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, fields, is_dataclass
from functools import cache as once
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck._version import __version__
from flipcheck.sources.cache.entry import Entry, UnkeepableError
from flipcheck.sources.files import is_file, sha256
from flipcheck.sources.onnx.runtime import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.cache import Cache
    from flipcheck.sources.datasets import Dataset
    from flipcheck.sources.onnx.feeds import Feeder
    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.spec import SideSpec
    from flipcheck.sources.stamps import Stamps

READING_VERSION = 1
"""Raised with every change of how a model is fed, run in batches or read."""
BLOCK, OFTEN, SELDOM = 4096, 1.0, 10.0
"""A block is written after this many examples, but not so often (seconds); or after so long."""

Answers = Any
"""Arrays with a row for each example, as `scores.Answers` has them; how many does not matter."""

CLASS = "(class)"
"""Under what a dataclass in an entry says which it is."""

NEAR = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("added_tokens.json", "vocab.txt", "config.json"),
)

NOT_OF_THE_RUN = {
    "model": {"path", "session", "graph", "inputs", "outputs"}
    | {"classes_from", "stamps", "warnings"},
    "feeder": {"needs", "feeds", "steps", "told", "warnings"},
    "spec": {"columns", "label_map", "classes", "classes_are_own", "preprocess"},
}
"""Fields that change no answer, or whose effect is in the key under another name.

All others are part of the key, also those that do not exist yet.
"""


def run_parts(
    model: Model, fed: Feeder, dataset: Dataset, spec: SideSpec, size: int
) -> dict[str, Any]:
    """All that decides a model's answers to a test set, by name; `size` is that of the batches."""
    steps = asdict(fed.steps)
    told = {name: value for name, value in fed.told.items() if name != "preprocess"}
    return {
        "flipcheck": __version__,
        "reading": READING_VERSION,
        "runtime": runtime(),
        "model": _fields(model, "model"),
        "model_bytes": [] if model.stamps is None else model.stamps.states[:, 0].tolist(),
        "data": [dataset.kind, dataset.sha256, len(dataset), Path(dataset.source).suffix],
        "spec": _fields(spec, "spec"),
        "feeder": _fields(fed, "feeder"),
        "needs": list(fed.needs.items()),
        "steps": {name: value for name, value in steps.items() if name != "origin"},
        "inputs": told,
        "batch": size,
        "beside": _beside(model.path),
        "notes_of": None if fed.notes is tuple else str(model.path),
    }


def key_of(parts: Mapping[str, Any]) -> str:
    """The name under which what these parts decide is kept. Raises TypeError for a strange part."""
    text = json.dumps(parts, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@once
def runtime() -> dict[str, Any]:
    """The versions and the processor, with either of which the last bits of a score may change."""
    import platform

    import numpy as np
    import PIL
    import pyarrow as pa
    from PIL import features

    codecs = {name: features.version(name) for name in ("jpg", "webp", "libtiff")}
    return {
        "onnxruntime": onnxruntime().__version__,
        "providers": list(onnxruntime().get_available_providers()),
        "numpy": np.__version__,
        "pillow": [PIL.__version__, codecs],
        "pyarrow": pa.__version__,
        "tokenizers": _version("tokenizers"),
        "system": [platform.system(), platform.machine(), _processor()],
    }


def _beside(model: Path) -> dict[str, str]:
    """The digests of the files near a model that may say how text becomes its input."""
    found = {}
    above = [model.parent.parent] if model.parent.name == "onnx" else []
    for folder in (model.parent, *above):
        for path in (folder / name for name in NEAR):
            if path.name not in found and is_file(path):
                found[path.name] = sha256(path)
    return found


def _version(library: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _processor() -> list[str]:
    """What Linux says of the first processor; nothing elsewhere."""
    told = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lines = first.partition("\n\n")[0].splitlines()
    return [line for line in lines if line.startswith(told)]


def _fields(value: Any, kind: str) -> dict[str, Any]:
    """The fields of a dataclass that a run depends on; functions are code, which has a version."""
    named = {each.name: getattr(value, each.name) for each in fields(value)}
    return {
        name: found
        for name, found in named.items()
        if name not in NOT_OF_THE_RUN[kind] and not callable(found)
    }


def _plain(value: Any) -> Any:
    """What stands for a value in JSON. Raises TypeError for what has no plain form."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "dtype") and value.dtype.kind in "biuf":
        digest = hashlib.sha256(value.tobytes()).hexdigest()
        return [value.dtype.str, list(value.shape), digest]
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} in a key")


def keep(
    cache: Cache | None,
    model: Model,
    fed: Feeder,
    dataset: Dataset,
    spec: SideSpec,
    *,
    size: int,
    in_order: bool = True,
) -> Kept:
    """What is kept of a model's answers to a test set, and what will be.

    Nothing, where the model draws random numbers, or where its file or the data's has no digest.
    Examples that are run in another order only take what is whole, and add nothing.
    """
    stamps = [each for each in (model.stamps, dataset.stamps) if each is not None]
    if cache is None or model.graph.random or len(stamps) < 2 or dataset.sha256 is None:
        return Kept()
    try:
        key = key_of(run_parts(model, fed, dataset, spec, size))
    except (TypeError, OSError):  # a part that has no form, or cannot be read
        return Kept()
    told = {"model": str(model.path), "data": dataset.source}
    kept = Kept(cache, key, len(dataset), told, stamps, in_order=in_order, said=fed.notes)
    kept.load(size, whole=not in_order)
    return kept


class Kept:
    """The answers to the first `prefix` examples, and those that are added to them."""

    def __init__(
        self,
        cache: Cache | None = None,
        key: str = "",
        total: int = -1,
        told: Mapping[str, str] | None = None,
        stamps: Sequence[Stamps] = (),
        *,
        in_order: bool = True,
        said: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self._cache = cache
        self._made = Entry(key, 0, total, {}, dict(told or {}))
        self._stamps = stamps
        self._adds = in_order and cache is not None
        self._said = said
        self.in_order = in_order
        self._known: Answers = ()
        self._new: list[Answers] = []
        self._next = self._from = 0
        self._last = time.monotonic()
        self.prefix = 0
        self.meta: Mapping[str, Any] = {}

    @property
    def whole(self) -> bool:
        """Whether the answers to all examples are known."""
        return self.prefix == self._made.total

    def load(self, size: int, *, whole: bool) -> None:
        """Find the known answers: all, or those up to the last batch that is there."""
        cache, key, total = self._cache, self._made.key, self._made.total
        if cache is None:
            return
        found = cache.read(key)
        if found is not None and found.stop == total and found.first == 0 and _sound(found):
            entries, self.prefix = [found], total
            cache.tidy(key)
        elif whole:
            return
        else:
            entries = _row(cache, key, total)
            stop = entries[-1].stop if entries else 0
            self.prefix = stop if stop == total else stop - stop % size
        if self.prefix:
            self._known, self.meta = _joined(entries), entries[0].meta
        self._next = self._from = self.prefix

    def forget(self) -> None:
        """Take none of the known answers."""
        self.prefix = self._next = self._from = 0
        self._known, self.meta = (), {}

    def agree(self, meta: Mapping[str, Any], *, repeats: bool) -> None:
        """How the answers of this run are read; known ones that were read otherwise are none.

        Answers that another run would not repeat are not kept.
        """
        self._adds = self._adds and repeats
        if self.prefix and json.loads(json.dumps(meta, default=str)) != self.meta:
            self.forget()
        self.meta = meta

    def answers(self, start: int, rows: int) -> Answers:
        """The answers to some examples; None where they are not known."""
        if start + rows > self.prefix:
            return None
        return tuple(each[start : start + rows] for each in self._known)

    def taken(self, rows: NDArray[np.int64] | None, stop: int) -> Answers:
        """The first so many answers of all that are known, as they lie or in an order."""
        chosen = slice(stop) if rows is None else rows[:stop]
        return tuple(each[chosen] for each in self._known)

    def add(self, start: int, answers: Answers, rows: int) -> None:
        """Keep the answers to the next examples; after the first that has none, no more."""
        if not self._adds or start + rows <= self.prefix:
            return
        if start != self._next or {len(each) for each in answers} != {rows}:
            self.close()
            self._adds = False
            return
        self._new.append(answers)
        self._next += rows
        since = time.monotonic() - self._last
        if since > SELDOM or (self._next - self._from >= BLOCK and since > OFTEN):
            self._write_block()

    def finish(self, answers: Answers) -> None:
        """Keep all answers as one; the blocks that were written on the way are not needed then."""
        total, adds, self._adds = self._made.total, self._adds, False
        if not adds or self._cache is None or self._next != total:
            return
        if self._said is not tuple:
            self.meta = {**self.meta, "notes": list(self._said())}
        if all(each.unchanged() for each in self._stamps) and self._write(0, answers, "whole"):
            self._cache.finish(self._made.key)

    def close(self) -> None:
        """Keep what was added and not yet written, because the run ends here."""
        if self._adds and self._new:
            self._write_block()

    def notes(self) -> tuple[str, ...]:
        """What was seen when all examples were fed."""
        return tuple(self.meta["notes"])

    def _write_block(self) -> None:
        start, stop = self._from, self._next
        if self._said is not tuple:
            pass  # what is seen of the first examples would be lost with the rest of the run
        elif all(each.unchanged(start, stop) for each in self._stamps):
            joined = _joined([Entry("", arrays=each) for each in self._new])
            self._adds = self._write(start, joined, f"{start:012}-{stop:012}")
        else:
            self._adds = False
        self._new, self._from, self._last = [], stop, time.monotonic()

    def _write(self, first: int, answers: Answers, name: str) -> bool:
        made = self._made
        entry = Entry(made.key, first, made.total, self.meta, made.told, answers)
        try:
            return self._cache is not None and self._cache.write(entry, name)
        except UnkeepableError:
            return False


def _row(cache: Cache, key: str, total: int) -> list[Entry]:
    """The blocks that follow one another from the first example on, as far as they do."""
    found: list[Entry] = []
    stop = 0
    for name in cache.blocks(key):
        if int(name[:12]) > stop or int(name[13:]) <= stop:
            continue
        entry = cache.read(key, name)
        if entry is None or entry.total != total or entry.first > stop or not _sound(entry):
            continue
        if found and entry.meta != found[0].meta:
            continue
        if entry.stop <= stop or (found and len(entry.arrays) != len(found[0].arrays)):
            continue
        skipped = stop - entry.first
        arrays = tuple(each[skipped:] for each in entry.arrays)
        found.append(Entry(key, stop, total, entry.meta, entry.told, arrays))
        stop = entry.stop
    return found


def _sound(entry: Entry) -> bool:
    """Whether an entry holds answers, and its codes are codes of its names."""
    reading = entry.meta.get("reading")
    if not isinstance(reading, dict) or len(entry.arrays) < 2 or not len(entry):
        return False
    codes, names = entry.arrays[0], reading.get("names")
    if names is None or reading.get("made") == "set":
        return True  # what is no code needs no name
    if not isinstance(names, list) or codes.dtype.kind not in "iu":
        return False
    return codes.min() >= 0 and bool(codes.max() < len(names))


def _joined(entries: Sequence[Entry]) -> Answers:
    import numpy as np

    parts = zip(*(each.arrays for each in entries), strict=True)
    return tuple(np.concatenate(each) for each in parts)


def plain_fields(value: Any, left_out: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of a dataclass but for functions and those left out, as JSON has them.

    A dataclass among them says which it is.
    """
    named = {each.name: getattr(value, each.name) for each in fields(value)}
    return {
        name: _named(found)
        for name, found in named.items()
        if name not in left_out and not callable(found)
    }


def _named(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {CLASS: type(value).__name__, **plain_fields(value)}
    return value


def thawed(value: Any, classes: Mapping[str, Any]) -> Any:
    """What came from JSON as a frozen field has it: lists as tuples, dataclasses of these names.

    Raises LookupError, TypeError or ValueError for what cannot be one.
    """
    if isinstance(value, list):
        return tuple(thawed(each, classes) for each in value)
    if isinstance(value, dict) and CLASS in value:
        given = {name: thawed(each, classes) for name, each in value.items() if name != CLASS}
        return classes[value[CLASS]](**given)
    return value
