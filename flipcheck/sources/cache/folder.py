"""The folder of the cache: a folder for each key, with its blocks or its whole entry.

Several processes may use it at once: a file appears whole, by a rename, and two that write the
same one write the same bytes. What vanishes under a reader was never there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import one_line
from flipcheck.sources.cache.entry import (
    LONGEST_HEADER,
    DamagedError,
    Entry,
    from_bytes,
    read_header,
    to_bytes,
)
from flipcheck.sources.files import reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LIMIT = 10**9
"""The most bytes that the cache keeps; what was not used for longest goes first."""
FREE = 256 << 20
"""Bytes of the disk that the cache leaves free."""
STALE = 86_400
"""Seconds after which an unfinished file is of a process that was killed."""
WHOLE = "whole"
SHORT_READ = 1 << 14
KEY = re.compile(r"[0-9a-f]{64}")
FILE = re.compile(r"whole|\d{12}-\d{12}")
TEMPORARY = ".new-"
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """What is held under one key: of which model and data, how much, and when it was last used."""

    key: str
    model: str
    data: str
    examples: int
    total: int
    bytes: int
    used: float


class Cache:
    """The entries in a folder. What goes wrong there is one warning, after which it is not used."""

    def __init__(self, root: Path, limit: int = LIMIT) -> None:
        self.root = root
        self.limit = limit
        self._usable: bool | None = None
        self._lock = threading.Lock()
        self._written = 0

    def read(self, key: str, name: str = WHOLE) -> Entry | None:
        """An entry; None where there is none, or it is damaged, another's, or of another key."""
        path = self.root / key / name
        if not self._trusted():
            return None
        try:
            entry = from_bytes(_own_bytes(path, self.limit))
        except (OSError, DamagedError):
            return None
        if entry.key != key:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return entry

    def blocks(self, key: str) -> list[str]:
        """The names of the blocks under a key, first examples first."""
        with contextlib.suppress(OSError):
            names = [name for name in os.listdir(self.root / key) if FILE.fullmatch(name)]  # noqa: PTH208
            return sorted(name for name in names if name != WHOLE)
        return []

    def write(self, entry: Entry, name: str = WHOLE) -> bool:
        """Write an entry, and say whether it is there: it appears whole, or not at all."""
        parts = to_bytes(entry)
        size = sum(map(len, parts))
        if size + self._written > self.limit:
            return False  # a single run larger than the cache keeps nothing
        try:
            if self._usable is not False:
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._trusted():
                return False
            if shutil.disk_usage(self.root).free < size + FREE:
                self._stop("the disk is nearly full")
                return False
            self._put(self.root / entry.key, name, parts)
        except OSError as error:
            self._stop(f"it cannot be written to: {reason(error)}")
            return False
        self._written += size
        return True

    def finish(self, key: str) -> None:
        """Remove the blocks of a whole entry, and what the cache has no room for."""
        self.tidy(key)
        self.prune(self.limit, spare=key)

    def tidy(self, key: str) -> None:
        """Remove what lies beside a whole entry: its blocks, and what killed processes left."""
        for name in [each for each in _files(self.root / key) if each != WHOLE]:
            self._written -= _size(self.root / key / name)
            with contextlib.suppress(OSError):
                (self.root / key / name).unlink()

    def prune(self, limit: int, *, spare: str = "", older: float | None = None) -> list[Held]:
        """Remove what was not used for longest, down to so many bytes; and what is older.

        What comes back is what was removed. `older` is a time; `spare` is a key that stays.
        """
        held = sorted(self.held(), key=lambda each: each.used)
        total, gone = sum(each.bytes for each in held), []
        for each in held:
            if each.key == spare or (total <= limit and (older is None or each.used >= older)):
                continue
            self._remove(each.key)
            total -= each.bytes
            gone.append(each)
        return gone

    def held(self) -> list[Held]:
        """What the cache holds, last used first."""
        keys = _names(self.root, KEY) if self._trusted() else []
        found = [_held(self.root / key) for key in keys]
        return sorted((each for each in found if each), key=lambda each: (-each.used, each.key))

    def _remove(self, key: str) -> None:
        folder = self.root / key
        for name in _files(folder):
            with contextlib.suppress(OSError):
                (folder / name).unlink()
        with contextlib.suppress(OSError):
            folder.rmdir()

    def _put(self, folder: Path, name: str, parts: Iterable[bytes]) -> None:
        for last in (False, True):
            folder.mkdir(mode=0o700, exist_ok=True)
            try:
                handle, made = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
                break
            except FileNotFoundError:  # another process has just removed the folder
                if last:
                    raise
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(parts)
                file.flush()
                if name == WHOLE:
                    os.fsync(file.fileno())
            Path(made).replace(folder / name)
        finally:
            Path(made).unlink(missing_ok=True)

    def _trusted(self) -> bool:
        """Whether the folder is the user's alone, as far as it is there."""
        if self._usable is None:
            try:
                problem = _distrust(self.root)
            except FileNotFoundError:
                return False  # it may still be made
            except OSError as error:
                problem = reason(error)
            if problem:
                self._stop(problem)
            else:
                self._usable = True
        return bool(self._usable)

    def _stop(self, problem: str) -> None:
        with self._lock:
            if self._usable is not False:
                warn(str(self.root), problem)
            self._usable = False


def warn(root: str, problem: str) -> None:
    """Say, beside the report, that there is no cache."""
    told = one_line(f"the cache {root} is not used: {problem}")
    LOG.warning("warning: %s (--no-cache)", told)


def _distrust(folder: Path) -> str:
    """Why a folder is not to be trusted; nothing where it is the user's alone. Raises OSError."""
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        return "it is no folder"
    if hasattr(os, "geteuid"):
        if {found.st_uid, folder.lstat().st_uid} != {os.geteuid()}:
            return "it belongs to another user"
        if found.st_mode & 0o022:
            return "other users may write to it"
    return ""


def _own_bytes(path: Path, limit: int | None = None, most: int = -1) -> bytes:
    """The first bytes of a file, or all, that is the user's own. Raises OSError."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or (limit is not None and found.st_size > limit):
            raise OSError("no entry")
        if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & 0o022):
            raise OSError("not the user's own")
        return file.read(most)


def _names(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    """The names in a folder of the cache that are of this form; none of a link."""
    with contextlib.suppress(OSError):
        if not folder.is_symlink():
            return [name for name in os.listdir(folder) if pattern.fullmatch(name)]  # noqa: PTH208
    return []


def _files(folder: Path) -> Iterator[str]:
    """The cache's own files in a folder, with those that a killed process left half-written."""
    yield from _names(folder, FILE)
    for name in _names(folder, re.compile(re.escape(TEMPORARY) + ".*")):
        with contextlib.suppress(OSError):
            if time.time() - (folder / name).lstat().st_mtime > STALE:
                yield name


def _held(folder: Path) -> Held | None:
    """What lies under one key, as its headers tell; None where nothing does."""
    names = sorted(_files(folder))
    if not names:
        return None
    used = max(_used(folder / name) for name in names)
    size = sum(_size(folder / name) for name in names)
    told, examples, total = {}, 0, 0
    for name in names:
        with contextlib.suppress(OSError, DamagedError, LookupError, TypeError, ValueError):
            header = _header(folder / name)
            told, total = dict(header["told"]), int(header["total"])
            examples = max(examples, int(header["first"]) + int(header["count"]))
    model, data = str(told.get("model", "?")), str(told.get("data", "?"))
    return Held(folder.name, model, data, examples, total, size, used)


def _header(path: Path) -> dict[str, Any]:
    """The header of an entry, of which a short read is nearly always enough."""
    try:
        return read_header(_own_bytes(path, most=SHORT_READ))[0]
    except DamagedError:
        return read_header(_own_bytes(path, most=LONGEST_HEADER + SHORT_READ))[0]


def _used(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.lstat().st_mtime
    return 0.0


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.lstat().st_size
    return 0
