"""What kind of file a path is, by its content, and the digests that reports record."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from flipcheck.errors import SHOWN, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FileKind = Literal["onnx", "npz", "parquet", "feather", "jsonl", "text", "folder"]

PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npy", ".ckpt", ".bin"}
SHEETS = {".xlsx", ".xls", ".xlsm", ".ods"}
OTHER_MODELS = {".h5", ".keras", ".tflite", ".pb", ".safetensors", ".gguf", ".mlmodel", ".ort"}


def file_kind(path: Path) -> FileKind:
    """What the path holds. Raises InputError for what flipcheck does not read."""
    try:
        if path.is_dir():
            return "folder"
        if not path.exists():
            raise InputError(f"{path}: no such file or folder", hint="check the path")
        if not path.is_file():
            raise InputError(f"{path}: neither a file nor a folder", hint="give a regular file")
        with path.open("rb") as file:
            head = file.read(4096)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from error
    if path.suffix.lower() == ".onnx":
        return "onnx"
    _refuse(path, head)
    return _by_content(path, head)


def _refuse(path: Path, head: bytes) -> None:
    suffix = path.suffix.lower()
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


def _by_content(path: Path, head: bytes) -> FileKind:
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:6] == b"ARROW1":
        return "feather"
    if head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:  # with members, and without
        return "npz"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"{":
        return "jsonl"
    if start[:1] == b"[" and path.suffix.lower() in {".json", ".jsonl"}:
        raise InputError(
            f"{path}: a JSON list", hint="write one JSON object a line (JSONL), without brackets"
        )
    if head[:2] == b"\x1f\x8b" or head[:4] == b"\x28\xb5\x2f\xfd":
        raise InputError(f"{path}: compressed", hint="decompress it first")
    if b"\x00" in head and head[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        if head[:1] == b"\x08":  # the first field of every ONNX model is its version
            return "onnx"
        raise InputError(
            f"{path}: a binary file of an unknown kind",
            hint="give an ONNX model, or predictions as CSV, TSV, Parquet, JSONL or NPZ",
        )
    return "text"


def sha256(*paths: Path) -> str:
    """The SHA-256 of the files' bytes, one after another."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
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
