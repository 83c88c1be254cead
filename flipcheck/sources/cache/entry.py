"""One entry of the cache as bytes: a header in JSON, arrays as they are, a digest over it all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

MAGIC = b"flipcheck cache 1\n"
"""The first bytes of an entry; another format has other ones, and is made again."""
LONGEST_HEADER = 16 << 20
DIGEST_BYTES = 32
KINDS = "biuf"
"""The kinds of numbers that an array may hold; texts are written as UTF-8."""
TEXT = "text"


class DamagedError(ValueError):
    """Bytes that are not the entry that was written."""


class UnkeepableError(ValueError):
    """Arrays of a kind that the cache has no form for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Arrays about examples `first` to `first + len(self)`, of `total`, under a key.

    `meta` is what else is needed to use them, `told` what a user is shown of them.
    """

    key: str
    first: int = 0
    total: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    arrays: tuple[NDArray[Any], ...] = ()

    def __len__(self) -> int:
        return len(self.arrays[0]) if self.arrays else 0

    @property
    def stop(self) -> int:
        """The example after the last one."""
        return self.first + len(self)


def to_bytes(entry: Entry) -> list[bytes]:
    """The parts of an entry's file. Raises UnkeepableError for arrays of another kind."""
    kinds, parts = [], []
    for array in entry.arrays:
        kind, data = _packed(array)
        kinds.append({"kind": kind, "shape": list(array.shape), "bytes": len(data)})
        parts.append(data)
    header = {
        "key": entry.key,
        "first": entry.first,
        "total": entry.total,
        "count": len(entry),
        "told": dict(entry.told),
        "meta": dict(entry.meta),
        "arrays": kinds,
    }
    try:
        text = json.dumps(header, allow_nan=False).encode("ascii")
    except (TypeError, ValueError) as error:
        raise UnkeepableError(str(error)) from error
    if len(text) > LONGEST_HEADER:
        raise UnkeepableError("more names than a header holds")
    parts = [MAGIC, len(text).to_bytes(8, "little"), text, *parts]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return [*parts, digest.digest()]


def from_bytes(data: bytes) -> Entry:
    """The entry in a file's bytes. Raises DamagedError where one of them is not as written."""
    view = memoryview(data)
    if len(view) < len(MAGIC) + 8 + DIGEST_BYTES:
        raise DamagedError("cut short")
    if hashlib.sha256(view[:-DIGEST_BYTES]).digest() != view[-DIGEST_BYTES:]:
        raise DamagedError("its digest is another")
    header, place = read_header(view[:-DIGEST_BYTES])
    try:
        arrays = tuple(_arrays(header["arrays"], view[place:-DIGEST_BYTES]))
        entry = Entry(
            str(header["key"]),
            int(header["first"]),
            int(header["total"]),
            dict(header["meta"]),
            {str(name): str(text) for name, text in header["told"].items()},
            arrays,
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DamagedError(str(error)) from error
    if entry.first < 0 or any(len(each) != len(entry) for each in arrays):
        raise DamagedError("arrays of different length")
    if entry.stop > entry.total:
        raise DamagedError("more examples than there are")
    return entry


def read_header(data: bytes | memoryview) -> tuple[dict[str, Any], int]:
    """The header at the start of an entry, and where it ends. Raises DamagedError."""
    start = len(MAGIC) + 8
    if bytes(data[: len(MAGIC)]) != MAGIC:
        raise DamagedError("another format")
    size = int.from_bytes(data[len(MAGIC) : start], "little")
    if size > LONGEST_HEADER or start + size > len(data):
        raise DamagedError("a header that is not there")
    try:
        header = json.loads(bytes(data[start : start + size]))
    except (ValueError, RecursionError) as error:
        raise DamagedError("no header") from error
    if not isinstance(header, dict):
        raise DamagedError("no header")
    return header, start + size


def _packed(array: NDArray[Any]) -> tuple[str, bytes]:
    """An array's kind and bytes: numbers, or texts with where each ends."""
    import numpy as np

    if array.dtype.kind in KINDS:
        wanted = array.dtype.newbyteorder("<")
        return wanted.str, np.ascontiguousarray(array, dtype=wanted).tobytes()
    values = array.ravel().tolist()
    if array.dtype.kind not in "OU" or not all(isinstance(each, str) for each in values):
        raise UnkeepableError(f"an array of {array.dtype}")
    texts = [each.encode("utf-8", "surrogatepass") for each in values]
    ends = np.cumsum([0, *map(len, texts)], dtype="<i8")
    return TEXT, ends.tobytes() + b"".join(texts)


def _arrays(kinds: list[dict[str, Any]], data: memoryview) -> Iterator[NDArray[Any]]:
    """The arrays of an entry, which fill its bytes exactly."""
    for each in kinds:
        size, shape = int(each["bytes"]), tuple(int(axis) for axis in each["shape"])
        if not shape or min(shape) < 0 or not 0 <= size <= len(data):
            raise DamagedError("an array that is not there")
        yield _array(str(each["kind"]), shape, data[:size])
        data = data[size:]
    if len(data):
        raise DamagedError("bytes that belong to nothing")


def _array(kind: str, shape: tuple[int, ...], data: memoryview) -> NDArray[Any]:
    import numpy as np

    if kind == TEXT:
        return _texts(shape, data)
    dtype = np.dtype(kind)
    if dtype.kind not in KINDS or dtype.hasobject or dtype.names:
        raise DamagedError(f"an array of {kind}")
    values = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="))
    return values.reshape(shape)


def _texts(shape: tuple[int, ...], data: memoryview) -> NDArray[Any]:
    import numpy as np

    count = 1
    for axis in shape:
        count *= axis
    edge = 8 * (count + 1)
    ends = np.frombuffer(data[:edge], "<i8")
    body = bytes(data[edge:])
    if len(ends) != count + 1 or ends[0] or ends[-1] != len(body) or (np.diff(ends) < 0).any():
        raise DamagedError("texts that do not fill their bytes")
    places = ends.tolist()
    values = np.empty(count, object)
    for number, (start, stop) in enumerate(pairwise(places)):
        values[number] = body[start:stop].decode("utf-8", "surrogatepass")
    return values.reshape(shape)
