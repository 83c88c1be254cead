"""Several files that are one source: the tables of a folder, or the files that match a pattern.

Their order is that of their names, so that the same files give the same bytes on every system.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote

from flipcheck.errors import SHOWN, InputError, listed, plural
from flipcheck.sources.files import (
    IMAGES,
    LEFT_BY_SYSTEMS,
    FileKind,
    file_kind,
    first_few,
    inner_suffix,
    is_pattern,
    reason,
    sha256,
    sha256_by_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
U = TypeVar("U")

TABLES = {
    *(".csv", ".tsv", ".tab", ".parquet", ".pq", ".feather", ".arrow", ".ipc"),
    *(".jsonl", ".ndjson", ".npz", ".eval"),
}
NOTES = {".json", ".txt"}
"""What may be a table, and may as well be a note beside images."""
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of several: its name below what was given, and the values its folders name."""

    path: Path
    name: str
    kind: FileKind
    partitions: tuple[tuple[str, str | None], ...] = ()

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Shards:
    """Files that are one source, by name; `path` is what was given: a folder or a pattern."""

    path: Path
    files: tuple[Shard, ...]

    def sha256(self) -> str:
        """The digest of every name and content."""
        return sha256_by_name((shard.name, shard.path) for shard in self.files)

    def kinds(self) -> dict[FileKind, Shard]:
        """Each kind of file among them, with the first that is of it."""
        return {shard.kind: shard for shard in reversed(self.files)}


def shards(path: Path) -> Shards | None:
    """The files of a pattern or a folder of tables; None for a file, or a folder of images.

    Raises InputError where there is nothing to read, or where it is unclear what is meant.
    """
    if not is_pattern(path) and not (_is_folder(path) and holds_tables(path)):
        return None
    return _opened(path, named_files(path))


def named_files(path: Path) -> list[tuple[str, Path]]:
    """The files of a pattern or a folder of tables that a digest goes over, none of them opened."""
    if is_pattern(path):
        base, files = base_of(path), matching(path)
    else:
        base = path
        files = [each for each in files_below(path) if each.suffix.lower() not in IMAGES]
    return sorted((each.relative_to(base).as_posix(), each) for each in files)


def digest_of(path: Path) -> str | None:
    """The digest of a file, or of all files of a folder of tables or a pattern; else None."""
    several = shards(path)
    if several is not None:
        return several.sha256()
    return sha256(path) if path.is_file() else None


def holds_tables(folder: Path) -> bool:
    """Whether a folder is one of tables: it has some, and no images in class folders.

    A table beside class folders tells of the images; an image beside tables is a plot of them.
    """
    files = files_below(folder)
    images = [path for path in files if path.suffix.lower() in IMAGES]
    if any(path.parent != folder for path in images):
        return False
    if any(inner_suffix(path) in TABLES for path in files):
        return True
    return not images and any(inner_suffix(path) in NOTES for path in files)


def is_image_folder(path: Path) -> bool:
    """Whether a path is a folder that holds images, or nothing that could be a table."""
    return _is_folder(path) and not holds_tables(path)


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  (which says no to paths that cannot be)


def files_below(folder: Path) -> list[Path]:
    """The files of a folder and the folders in it, by name, but for what systems leave there."""
    found, seen = [], set()
    for place, folders, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link to a folder above, or to one that was read already
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in names if not _is_left(name)]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _is_left(name: str) -> bool:
    """Whether a file is what a system or a writer leaves beside the data: hidden, a mark, a sum."""
    if name.startswith(".") or name.endswith(".crc") or name in LEFT_BY_SYSTEMS:
        return True
    return name.startswith("_") and inner_suffix(Path(name)) not in TABLES | NOTES


def _unreadable(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be read: {reason(error)}") from error


def base_of(pattern: Path) -> Path:
    """The folder above the first part of a pattern that has a sign of one; any other as it is."""
    parts = pattern.parts
    signs = (place for place, part in enumerate(parts) if any(sign in part for sign in "*?["))
    first = next(signs, len(parts))
    return Path(*parts[:first])


def matching(pattern: Path) -> list[Path]:
    """The files that match; a folder that matches stands for the files in it."""
    found: set[Path] = set()
    for name in glob(str(pattern), recursive=True):  # noqa: PTH207  (a pattern may be absolute)
        path = Path(name)
        found.update(files_below(path) if path.is_dir() else [] if _is_left(path.name) else [path])
    return list(found)


def _opened(path: Path, named: list[tuple[str, Path]]) -> Shards:
    """Files as shards, in the order of their names."""
    if not named:
        raise InputError(
            f"{path}: no file matches this pattern",
            hint="check the path; quote a pattern so that it reaches flipcheck as it is: "
            "'old/*.parquet', or 'old/**/*.csv' for all folders below",
        )
    kinds = read_all(path, [each for _, each in named], file_kind)
    found = tuple(
        Shard(each, name, kind, _partitions(name))
        for (name, each), kind in zip(named, kinds, strict=True)
    )
    _check_partitions(path, found)
    return Shards(path, found)


def _partitions(name: str) -> tuple[tuple[str, str | None], ...]:
    """The columns and values of folders such as `region=EU`."""
    pairs = [part.split("=", 1) for part in name.split("/")[:-1] if "=" in part]
    return tuple(
        (unquote(key), None if value == NO_VALUE else unquote(value)) for key, value in pairs
    )


def _check_partitions(path: Path, files: tuple[Shard, ...]) -> None:
    """Raise InputError for files of which not all are in folders of the same columns."""
    first = files[0]
    keys = [key for key, _ in first.partitions]
    odd = [shard.name for shard in files if [key for key, _ in shard.partitions] != keys]
    if odd or len(set(keys)) < len(keys):
        raise InputError(
            f"{path}: {plural(len(odd), 'file')} not in folders of the same columns as "
            f"{first.name}: {listed(odd[:SHOWN], len(odd))}",
            hint="lay them out alike, as in region=EU/part-0.parquet",
        )


def read_all(path: Path, files: Sequence[T], read: Callable[[T], U]) -> list[U]:
    """What each of several files holds. Raises InputError with what is wrong with any of them."""
    found, errors = [], []
    for file in files:
        try:
            found.append(read(file))
        except InputError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputError(
            f"{path}: {len(errors):,} of {plural(len(files), 'file')} cannot be used",
            problems=first_few([_problem(error) for error in errors]),
            hint=errors[0].hint,
        )
    return found


def _problem(error: InputError) -> str:
    """What is wrong with one of several files, in one line."""
    return ": ".join([error.message, *error.problems[:1]])
