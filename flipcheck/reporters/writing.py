"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from flipcheck.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when all went well.

    A link is followed, and a device or pipe is written to itself. Raises OutputError, and leaves
    what was there, when it cannot be written.
    """
    check_writable(path)
    path = path.resolve()
    if path.exists() and not path.is_file():
        yield path
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise _unwritable(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        settle(temporary)
        temporary.chmod(_mode(path))
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def settle(path: Path) -> None:
    """Have the system put a file on the disk, so that a full one shows before it is renamed."""
    if path.is_file():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Write a text file, UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def check_writable(path: Path) -> None:
    """Raise OutputError where a file cannot be written, before any work is done for it."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise _unwritable(path, error) from error
    if path.is_dir():
        raise OutputError(f"{path}: a folder, not a file", hint="name a file in it")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: no such folder: {path.parent}", hint="make the folder first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: the folder {path.parent} cannot be written to")


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, or those of a new file."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: cannot be written: {error.strerror or error}",
        hint="check the permissions and the free space",
    )
