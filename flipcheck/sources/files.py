"""What kind of file a path is, by its content, and the digests that reports record."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from typing import TYPE_CHECKING, Literal

from flipcheck.errors import SHOWN, InputError, meant
from flipcheck.sources.compressed import OTHERS, SUFFIXES, compression, opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from io import BufferedReader
    from pathlib import Path

HEAD = 4096
"""The bytes of a file that tell its kind."""

FileKind = Literal["onnx", "npz", "parquet", "feather", "jsonl", "text", "folder"]

PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npy", ".ckpt", ".bin"}
SHEETS = {".xlsx", ".xls", ".xlsm", ".ods"}
OTHER_MODELS = {".h5", ".keras", ".tflite", ".pb", ".safetensors", ".gguf", ".mlmodel", ".ort"}


LEFT_BY_SYSTEMS = {"Thumbs.db", "desktop.ini"}
IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


def file_kind(path: Path) -> FileKind:
    """What the path holds. Raises InputError for what flipcheck does not read.

    A pattern of several files is a folder, as far as kinds go.
    """
    try:
        if path.is_dir() or is_pattern(path):
            return "folder"
        if not path.exists():
            raise InputError(f"{path}: no such file or folder", hint=meant(path))
        if not path.is_file():
            raise InputError(f"{path}: neither a file nor a folder", hint="give a regular file")
        with path.open("rb") as file:
            head = file.read(HEAD)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from error
    if path.suffix.lower() == ".onnx":
        return "onnx"
    packed = compression(head)
    if packed is None:
        _refuse(path, path.suffix.lower(), head)
        return _by_content(path, head)
    return _expanded_kind(path, packed)


def _expanded_kind(path: Path, packed: str) -> FileKind:
    """The kind of a compressed file: text, in one layer of compression."""
    with opened(path) as file:
        head = file.read(HEAD)
    _refuse(path, inner_suffix(path), head)
    kind = _by_content(path, head)
    if kind not in {"text", "jsonl"} or compression(head):
        raise InputError(
            f"{path}: {_told(head, kind)} inside of {packed} compression",
            hint="decompress it first: only text tables are read compressed",
        )
    return kind


def _told(head: bytes, kind: FileKind) -> str:
    """What a file that begins like this is, in words."""
    names = {"onnx": "an ONNX model", "npz": "an NPZ archive", "feather": "a Feather file"}
    return "another layer" if compression(head) else names.get(kind, f"a {kind.title()} file")


def inner_suffix(path: Path) -> str:
    """The suffix that says the format of a file, without that of its compression."""
    suffixes = [each.lower() for each in path.suffixes]
    while suffixes and suffixes[-1] in SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def is_pattern(path: Path) -> bool:
    """Whether a path is a pattern of file names, such as `part-*.csv`, and no file itself."""
    text = str(path)
    try:
        return any(sign in text for sign in "*?[") and not os.path.lexists(path)
    except ValueError:  # a character that no path can have
        return False


def _refuse(path: Path, suffix: str, head: bytes) -> None:
    if not head:
        raise InputError(f"{path}: the file is empty", hint="write the predictions again")
    if suffix in PICKLES or head[:1] == b"\x80" or head[:6] == b"\x93NUMPY":
        raise InputError(
            f"{path}: flipcheck never loads pickles or bare arrays",
            hint="export the model to ONNX, or save its predictions as CSV, Parquet or NPZ",
        )
    if suffix in SHEETS:
        raise InputError(
            f"{path}: a spreadsheet", hint="save the sheet with the predictions as 'CSV UTF-8'"
        )
    if suffix in OTHER_MODELS:
        raise InputError(
            f"{path}: not a model format that flipcheck runs",
            hint="export the model to ONNX, or save its predictions as CSV, Parquet or NPZ",
        )


MAGIC: dict[bytes, FileKind] = {
    b"PAR1": "parquet",
    b"ARROW1": "feather",
    b"PK\x03\x04": "npz",
    b"PK\x05\x06": "npz",  # an archive without members
}


def _by_content(path: Path, head: bytes) -> FileKind:
    known = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
    if known is not None:
        return known
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"{" or is_json_list(path, start):
        return "jsonl"
    if compression(head):
        return "text"  # which the caller refuses: it is a layer in a layer
    other = next((name for magic, name in OTHERS.items() if head.startswith(magic)), None)
    if other is not None:
        raise InputError(
            f"{path}: compressed with {other}", hint="decompress it, or compress it with gzip"
        )
    if b"\x00" in head and head[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        if head[:1] == b"\x08":  # the first field of every ONNX model is its version
            return "onnx"
        raise InputError(
            f"{path}: a binary file of an unknown kind",
            hint="give an ONNX model, or predictions as CSV, TSV, Parquet, JSONL or NPZ",
        )
    return "text"


def is_json_list(path: Path, start: bytes) -> bool:
    """Whether a text that begins like this is a JSON list, of objects if all is well."""
    if inner_suffix(path) in {".json", ".jsonl", ".ndjson"}:
        return start[:1] == b"["
    return re.match(rb"\[\s*[{\]]", start) is not None


def regular(path: Path) -> BufferedReader:
    """A regular file, opened; never a pipe or a device, which might not end. Raises OSError."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    number = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "not a regular file")
    return os.fdopen(number, "rb")


def sha256(*paths: Path) -> str:
    """The SHA-256 of the files' bytes, one after another."""
    digest = hashlib.sha256()
    for path in paths:
        with regular(path) as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def sha256_by_name(files: Iterable[tuple[str, Path]]) -> str:
    """The SHA-256 of several files, of every name and content, in their order."""
    digest = hashlib.sha256()
    for name, path in files:
        digest.update(os.fsencode(name) + b"\0")
        with regular(path) as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def beside(model: Path, name: str) -> Path | None:
    """The file of a name beside a model, or above its folder where that is an exporter's `onnx`."""
    folders = [model.parent, *([model.parent.parent] if model.parent.name == "onnx" else [])]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def is_file(text: Path) -> bool:
    """Whether a text that may be a path, or something written inline, is a file's path."""
    try:
        return text.is_file()
    except (OSError, ValueError):  # too long for a path, or with a character that none can have
        return False


def reason(error: Exception) -> str:
    """Why a file cannot be read, without its path."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def first_few(problems: Sequence[str]) -> list[str]:
    """The first few problems, and how many more there are."""
    rest = len(problems) - SHOWN
    return [*problems[:SHOWN], *([f"and {rest:,} more"] if rest > 0 else [])]


def is_unicode(text: str) -> bool:
    """Whether a text from a file or a file name can be written as UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
