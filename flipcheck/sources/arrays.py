"""NPZ archives: headers checked before a byte is read, arrays streamed row by row.

An archive is hostile until proven otherwise: object arrays (pickles), headers that lie about
their size and decompression bombs are refused.
"""

from __future__ import annotations

import lzma
import struct
import warnings
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tokenize import TokenError
from typing import IO, TYPE_CHECKING, Any

from flipcheck.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

LOADED_BYTES = 4 << 30
"""The most that one array of labels or ids may take in memory."""
HELD_BYTES = 256 << 20
"""The most of features that are held as a whole, where they are stored column by column."""
LARGEST_ITEM = 1 << 20
"""The most bytes of one number or text; all the texts of an array take as many."""
SPOOL_BYTES = 8 << 20
"""About this much is read at a time where arrays are laid down."""
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

    @property
    def by_column(self) -> bool:
        """Whether its rows do not lie one after another."""
        return self.fortran and len(self.shape) > 1

    @property
    def bytes(self) -> int:
        """Bytes of the whole array."""
        return self.row_bytes * (self.shape[0] if self.shape else 1)


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
        header = self.headers[name]
        if header.bytes > LOADED_BYTES:
            raise InputError(f"{self.path}: {name!r} would take over 4 GiB in memory")
        with self._opened([name]) as members:
            values = self._read(members[name], name, header.bytes)
        return values.reshape(header.shape, order="F" if header.fortran else "C")

    def stream(self, names: Sequence[str], size: int) -> Iterator[dict[str, NDArray[Any]]]:
        """The named arrays, `size` rows at a time; no more than one batch is in memory.

        Only a small array that is stored by column, as pandas gives it, is held as a whole.
        """
        count = self.require_rows(names)
        held = {name: self._held(name) for name in names if self.headers[name].by_column}
        with self._opened([name for name in names if name not in held]) as members:
            for start in range(0, count, size):
                rows = min(size, count - start)
                batch = {name: array[start : start + rows] for name, array in held.items()}
                for name, member in members.items():
                    header = self.headers[name]
                    values = self._read(member, name, rows * header.row_bytes)
                    batch[name] = values.reshape(rows, *header.shape[1:])
                yield batch

    def spool(self, names: Sequence[str], folder: Path) -> dict[str, NDArray[Any]]:
        """The named arrays laid down in a folder and mapped into memory: any row is at hand.

        Raises InputError where the disk is too small for them.
        """
        import numpy as np

        places = {name: folder / f"{number}.bin" for number, name in enumerate(names)}
        size = max(1, SPOOL_BYTES // max(1, *(self.headers[name].row_bytes for name in names)))
        try:
            with ExitStack() as stack:
                files = {name: stack.enter_context(places[name].open("wb")) for name in names}
                for batch in self.stream(names, size):
                    for name, values in batch.items():
                        files[name].write(np.ascontiguousarray(values).data)
        except OSError as error:
            raise InputError(
                f"{self.path}: its arrays do not fit into {folder.parent}, where --stop-early "
                f"needs them to read examples in random order: {error.strerror}",
                hint="make room there, name another place with TMPDIR, or leave --stop-early out",
            ) from error
        kinds = {name: self.headers[name].dtype.newbyteorder("=") for name in names}
        return {
            name: np.memmap(place, kinds[name], "r", shape=self.headers[name].shape)
            for name, place in places.items()
        }

    def _held(self, name: str) -> NDArray[Any]:
        """A whole array that is stored by column. Raises InputError where it is large."""
        if self.headers[name].bytes > HELD_BYTES:
            raise InputError(
                f"{self.path}: {name!r} is stored column by column, and too large to be held",
                hint="save it with numpy.ascontiguousarray, so that it can be read in batches",
            )
        return self.load(name)

    @contextmanager
    def _opened(self, names: Sequence[str]) -> Iterator[dict[str, IO[bytes]]]:
        """The named arrays' bytes, from after their headers."""
        try:
            with zipfile.ZipFile(self.path) as archive, ExitStack() as stack:
                members = {name: stack.enter_context(archive.open(f"{name}.npy")) for name in names}
                for name, member in members.items():
                    member.read(self.headers[name].offset)
                yield members
        except BROKEN as error:
            raise _damaged(self.path, error) from error

    def _read(self, member: IO[bytes], name: str, size: int) -> NDArray[Any]:
        """The next bytes of an array as its values, in this machine's byte order."""
        import numpy as np

        data = member.read(size)
        if len(data) != size:
            raise EOFError("it ends too early")
        values = np.frombuffer(data, self.headers[name].dtype)
        return values.astype(values.dtype.newbyteorder("="), copy=False)


BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted archive, or a compression that Python lacks
    UnicodeDecodeError,
)


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path}: not a readable NPZ file: {error}",
        hint="the file is damaged or cut short: write it again with numpy.savez",
    )


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


NOT_A_HEADER = (
    ValueError,
    KeyError,
    SyntaxError,
    TypeError,
    RecursionError,
    MemoryError,
    TokenError,
)


def _header(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Header:
    from numpy.lib import format as npy

    with archive.open(info) as member:
        try:
            version = npy.read_magic(member)
            read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a header of Python 2 is read all the same
                shape, fortran, dtype = read[version](member)
        except NOT_A_HEADER as error:
            raise InputError(f"{path}: {info.filename} is no array: {error}") from error
        header = Header(tuple(shape), dtype, member.tell(), fortran)
    _check_header(path, info, header)
    return header


def _check_header(path: Path, info: zipfile.ZipInfo, header: Header) -> None:
    name = info.filename.removesuffix(".npy")
    if header.dtype.hasobject:
        raise InputError(
            f"{path}: {name!r} is an object array, which is a pickle: flipcheck never unpickles",
            hint=f"save it as text or numbers: numpy.savez(…, {name}=numpy.array({name}.tolist()))",
        )
    if header.dtype.kind not in "biufUS" or header.dtype.itemsize > LARGEST_ITEM:
        raise InputError(
            f"{path}: {name!r} is an array of {header.dtype}, which is no number and no text",
            hint="save numbers or text",
        )
    if any(length < 0 for length in header.shape) or header.bytes + header.offset != info.file_size:
        raise InputError(
            f"{path}: {name!r} says it has the shape {header.shape}, but not as many bytes",
            hint="the file is damaged: write it again with numpy.savez",
        )
    if not header.row_bytes and header.shape[:1] != (0,):
        raise InputError(f"{path}: {name!r} of shape {header.shape} has no values in its rows")
    if info.file_size > BOMB_BYTES and info.file_size > BOMB_RATIO * max(1, info.compress_size):
        ratio = info.file_size // max(1, info.compress_size)
        raise InputError(
            f"{path}: {name!r} expands {ratio:,}-fold to {info.file_size >> 20:,} MiB: "
            "taken for a decompression bomb",
            hint="if it is real, save it uncompressed with numpy.savez",
        )


def plain(path: Path, name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Bytes as text; other arrays as they are."""
    import numpy as np

    if values.dtype.kind != "S":
        return values
    try:
        return np.char.decode(values, "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: {name!r} holds bytes that are not UTF-8",
            hint=f"save it as text: numpy.savez(…, {name}=numpy.array({name}.tolist()))",
        ) from error


def one_dimension(path: Path, name: str, values: NDArray[Any]) -> NDArray[Any]:
    """One value a row; a single column counts as that."""
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim != 1:
        raise InputError(
            f"{path}: {name!r} has the shape {values.shape}, not one value for each example"
        )
    return values
