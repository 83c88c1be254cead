"""The members of a ZIP archive, read one by one and within bounds, zstd-compressed ones too.

An archive is hostile until proven otherwise: members that lie about their size, that expand
without end, that are damaged, or that are there twice are refused. Nothing is ever unpacked to
disk, so that names cannot lead anywhere.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any

from flipcheck.errors import InputError, listed
from flipcheck.sources.arrays import BROKEN
from flipcheck.sources.logs.peek import parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ZSTD = 93
"""The ZIP method of zstd, which Python before 3.14 does not read."""
MEMBER_BYTES = 1 << 30
"""The largest member that is read, each into memory as a whole."""
BOMB_BYTES, BOMB_RATIO = 64 << 20, 1000
"""A member this large that was compressed this well is taken for a bomb."""
LOCAL, LOCAL_SIZE = b"PK\x03\x04", 30
"""What stands before every member, and how many bytes it takes before the name."""
HINT = "the file is damaged or cut short: write it again, or copy it again as a binary file"


class Archive:
    """The members of an open archive."""

    def __init__(self, path: Path, file: IO[bytes], members: zipfile.ZipFile) -> None:
        self.path, self._file, self._zip = path, file, members
        self.infos = {info.filename: info for info in members.infolist()}
        twice = [name for name, n in Counter(members.namelist()).items() if n > 1]
        if twice:
            raise InputError(
                f"{path}: members that are there twice: {listed(twice)}",
                hint="which of them is meant cannot be known: write the log again",
            )

    def json(self, name: str) -> Any:
        """The JSON value of a member."""
        return parsed(f"{self.path}: {name}", self._bytes(self.infos[name]), HINT)

    def _bytes(self, info: zipfile.ZipInfo) -> bytes:
        """A member's bytes, as many as it says, with the checksum that it says."""
        what = f"{self.path}: {info.filename}"
        _check_size(what, info)
        if info.flag_bits & 0x1:
            raise InputError(f"{what} is encrypted", hint="save the log without a password")
        read: Callable[[zipfile.ZipInfo], bytes] = self._plain
        if info.compress_type == ZSTD:
            read = self._zstd
        try:
            data = read(info)
        # A frame may ask for a window larger than memory: that says nothing of its contents.
        except (*BROKEN, NotImplementedError, ValueError, MemoryError) as error:
            raise InputError(f"{what} cannot be read: {error}", hint=HINT) from error
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise InputError(f"{what} is not what the archive says of it", hint=HINT)
        return data

    def _plain(self, info: zipfile.ZipInfo) -> bytes:
        with self._zip.open(info) as member:
            return member.read(info.file_size + 1)

    def _zstd(self, info: zipfile.ZipInfo) -> bytes:
        """A member that was compressed with zstd: no more than it says, and one byte."""
        import pyarrow as pa

        self._file.seek(info.header_offset)
        header = self._file.read(LOCAL_SIZE)
        if len(header) != LOCAL_SIZE or header[:4] != LOCAL:
            raise EOFError("no member begins where the archive says")
        name, extra = struct.unpack("<HH", header[26:30])
        self._file.seek(name + extra, 1)
        packed = self._file.read(info.compress_size)
        if len(packed) != info.compress_size:
            raise EOFError("it ends too early")
        with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
            return bytes(stream.read(info.file_size + 1))


def _check_size(what: str, info: zipfile.ZipInfo) -> None:
    if info.file_size > MEMBER_BYTES:
        raise InputError(
            f"{what} says that it expands to {info.file_size >> 20:,} MiB",
            hint="a sample is never so large: the file is damaged, or made to harm",
        )
    ratio = info.file_size // max(1, info.compress_size)
    if info.file_size > BOMB_BYTES and ratio > BOMB_RATIO:
        raise InputError(
            f"{what} expands {ratio:,}-fold to {info.file_size >> 20:,} MiB: taken for a "
            "decompression bomb",
            hint="if it is real, save the log as .json",
        )


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """An archive, open. Raises InputError where it is damaged."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            members = stack.enter_context(zipfile.ZipFile(file))
        except (*BROKEN, NotImplementedError, ValueError) as error:
            raise InputError(f"{path}: not a readable ZIP archive: {error}", hint=HINT) from error
        yield Archive(path, file, members)
