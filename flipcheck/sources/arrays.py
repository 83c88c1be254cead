"""NPZ archives: headers checked before a byte is read, arrays streamed row by row.

An archive is hostile until proven otherwise: object arrays (pickles), headers that lie about
their size and decompression bombs are refused.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from flipcheck.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

LOADED_BYTES = 4 << 30
"""The most that one array of labels or ids may take in memory."""
BOMB_BYTES, BOMB_RATIO = 256 << 20, 200
"""An array this large that was compressed this well is taken for a bomb."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an array says of itself."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    fortran: bool

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        size = self.dtype.itemsize
        for length in self.shape[1:]:
            size *= length
        return size


@dataclass(frozen=True, slots=True)
class Archive:
    """An NPZ file: the headers of its arrays by name."""

    path: Path
    headers: Mapping[str, Header]

    def require_rows(self, names: Sequence[str]) -> int:
        """How many rows the named arrays have. Raises InputError where they differ."""
        counts = {name: self.headers[name].shape[:1] for name in names}
        bare = [name for name, count in counts.items() if not count]
        if bare:
            raise InputError(f"{self.path}: {bare[0]!r} is a single number, not one a row")
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{name!r} has {count[0]:,}" for name, count in counts.items())
            raise InputError(
                f"{self.path}: arrays of different length: {told} rows",
                hint="every array has one row for each example, in the same order",
            )
        return next(iter(counts.values()))[0] if counts else 0

    def load(self, name: str) -> NDArray[Any]:
        """A whole array: labels, ids, answers."""
        import numpy as np

        header = self.headers[name]
        if header.row_bytes * (header.shape[0] if header.shape else 1) > LOADED_BYTES:
            raise InputError(f"{self.path}: {name!r} would take over 4 GiB in memory")
        rows = list(self.stream([name], max(1, header.shape[0] if header.shape else 1)))
        if not rows:
            return np.empty(header.shape, header.dtype)
        return rows[0][name]

    def stream(self, names: Sequence[str], size: int) -> Iterator[dict[str, NDArray[Any]]]:
        """The named arrays, `size` rows at a time; no more than one batch is in memory."""
        count = self.require_rows(names)
        try:
            with zipfile.ZipFile(self.path) as archive, ExitStack() as stack:
                members = {name: stack.enter_context(archive.open(f"{name}.npy"))
                           for name in names}  # fmt: skip
                for name, member in members.items():
                    member.read(self.headers[name].offset)
                for start in range(0, count, size):
                    rows = min(size, count - start)
                    yield {name: self._read(member, name, rows) for name, member in members.items()}
        except BROKEN as error:
            raise _damaged(self.path, error) from error

    def _read(self, member: IO[bytes], name: str, rows: int) -> NDArray[Any]:
        import numpy as np

        header = self.headers[name]
        if header.fortran and len(header.shape) > 1:
            raise InputError(
                f"{self.path}: {name!r} is stored column by column",
                hint="save it with numpy.ascontiguousarray, so that it can be read in batches",
            )
        wanted = rows * header.row_bytes
        data = member.read(wanted)
        if len(data) != wanted:
            raise _damaged(self.path, EOFError("it ends too early"))
        return np.frombuffer(data, header.dtype).reshape(rows, *header.shape[1:])


BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError)


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: not a readable NPZ file: {error}",
                      hint="the file is damaged or cut short: write it again with numpy.savez")  # fmt: skip


def open_archive(path: Path) -> Archive:
    """The archive's headers. Raises InputError for object arrays, bombs and damage."""
    headers: dict[str, Header] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename.endswith(".npy"):
                    name = info.filename.removesuffix(".npy")
                    headers[name] = _header(path, archive, info)
    except BROKEN as error:
        raise _damaged(path, error) from error
    if not headers:
        raise InputError(f"{path}: a ZIP file without arrays", hint="write it with numpy.savez")
    return Archive(path, headers)


def _header(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Header:
    from numpy.lib import format as npy

    with archive.open(info) as member:
        try:
            version = npy.read_magic(member)
            read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
            shape, fortran, dtype = read[version](member)
        except (ValueError, KeyError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
            raise InputError(f"{path}: {info.filename} is no array: {error}") from error
        header = Header(tuple(shape), dtype, member.tell(), fortran)
    _check_header(path, info, header)
    return header


def _check_header(path: Path, info: zipfile.ZipInfo, header: Header) -> None:
    name = info.filename.removesuffix(".npy")
    if header.dtype.hasobject:
        raise InputError(
            f"{path}: {name!r} is an object array, which is a pickle: flipcheck never unpickles",
            hint=f"save it as text or numbers: numpy.savez(…, {name}={name}.astype(str))",
        )
    size = header.offset + header.row_bytes * (header.shape[0] if header.shape else 1)
    if size != info.file_size or any(length < 0 for length in header.shape):
        raise InputError(
            f"{path}: {name!r} says it has the shape {header.shape}, but not as many bytes",
            hint="the file is damaged: write it again with numpy.savez",
        )
    if info.file_size > BOMB_BYTES and info.file_size > BOMB_RATIO * max(1, info.compress_size):
        ratio = info.file_size // max(1, info.compress_size)
        raise InputError(
            f"{path}: {name!r} expands {ratio:,}-fold to {info.file_size >> 20:,} MiB: "
            "taken for a decompression bomb",
            hint="if it is real, save it uncompressed with numpy.savez",
        )
