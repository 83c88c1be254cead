"""Files as their bytes, decompressed on the way where they are gzip or Zstandard.

A compressed file is hostile until proven otherwise: what expands beyond all reason is refused
while it is read, and a stream that is cut short or damaged is an error.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal, cast

from flipcheck.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

Packing = Literal["gzip", "zstd"]
MAGIC: dict[bytes, Packing] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
OTHERS = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "lz4",
    b"7z\xbc\xaf": "7-Zip",
}
"""Compressions that flipcheck does not read, by how they begin."""
SUFFIXES = {".gz", ".gzip", ".zst", ".zstd"}
BOMB_BYTES, BOMB_RATIO = 256 << 20, 200
"""A file that grows larger than this, and by this much, is taken for a bomb."""
LARGEST_BYTES = 64 << 30
"""No compressed table is larger than this."""
BUFFER = 1 << 20


def compression(head: bytes) -> Packing | None:
    """How a file that begins like this is compressed, or None."""
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)


def is_compressed(path: Path) -> bool:
    """Whether a file is gzip or Zstandard, by its content."""
    with path.open("rb") as file:
        return compression(file.read(4)) is not None


def opened(path: Path) -> BinaryIO:
    """The bytes of a file from its start, decompressed where it is compressed."""
    file = path.open("rb")
    try:
        kind = compression(file.read(4))
        file.seek(0)
        if kind is None:
            return file
        expanded = io.BufferedReader(_Expanded(path, file, kind), BUFFER)
        return cast("BinaryIO", expanded)
    except BaseException:
        file.close()
        raise


def opened_text(path: Path) -> io.TextIOWrapper:
    """The text of a UTF-8 file, line ends as they are; reading it may raise UnicodeDecodeError."""
    return io.TextIOWrapper(opened(path), encoding="utf-8-sig", newline="")


class _Expanded(io.RawIOBase):
    """A file's bytes, decompressed. Raises InputError for damage and for bombs."""

    def __init__(self, path: Path, file: BinaryIO, kind: Packing) -> None:
        import pyarrow as pa

        self._path, self._file, self._kind, self._size = path, file, kind, 0
        self._packed = path.stat().st_size
        packed: Any = file
        self._stream: Any = pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), kind)

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """How many bytes were read."""
        import pyarrow as pa

        try:
            data = self._stream.read(len(buffer))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._damaged(str(error)) from error
        self._size += len(data)
        self._check_size()
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def _check_size(self) -> None:
        suspect = self._size > BOMB_BYTES and self._size > BOMB_RATIO * max(1, self._packed)
        if suspect or self._size > LARGEST_BYTES:
            raise InputError(
                f"{self._path}: {self._packed:,} bytes expand to more than "
                f"{self._size >> 20:,} MiB: taken for a decompression bomb",
                hint="if it is real, decompress it first",
            )

    def _damaged(self, told: str) -> InputError:
        first = next(iter(told.splitlines()), "")[:200]
        return InputError(
            f"{self._path}: not a readable {self._kind} file: {first}",
            hint="the file is damaged or cut short: compress it again",
        )
