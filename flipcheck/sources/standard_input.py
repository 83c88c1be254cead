"""Standard input as a file: `-` in place of a path, laid down for as long as it is read."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError
from flipcheck.sources.files import file_kind, is_unicode, reason

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from flipcheck.sources.spec import Given

if sys.platform == "win32":  # before Python 3.12, only the system's own kind can be made
    from pathlib import WindowsPath as SystemPath
else:
    from pathlib import PosixPath as SystemPath

STANDARD_INPUT = Path("-")
NAME = "standard input"
HINT = "pipe a table into flipcheck, as in: zcat old.csv.gz | flipcheck compare - new.csv"


def path_of(text: str | os.PathLike[str]) -> Path:
    """The path that a user gave: `-` is standard input, and `./-` is a file of that name.

    Raises UsageError for a name that no report could tell.
    """
    path = Path(text)
    if not is_unicode(str(path)):
        raise UsageError(f"{str(path)!a}: a name that is not UTF-8", hint="rename the file")
    return path.absolute() if path == STANDARD_INPUT and str(text) != "-" else path


class LaidDown(SystemPath):
    """The path of a file that has what came on standard input, and is called that in messages."""

    def __str__(self) -> str:
        return NAME if self.name == NAME else super().__str__()

    def __fspath__(self) -> str:
        return super().__str__()


PLACES = ("old", "new", "labels")
OTHERS = ("data", "old_data", "new_data")


@contextmanager
def laid_down(given: Given) -> Iterator[Given]:
    """What was given, with a file in place of `-`, which is gone afterwards.

    Raises UsageError where standard input is wanted twice or is no file, and InputError where it
    is empty or cannot be laid down.
    """
    for name in OTHERS:
        if getattr(given, name) == STANDARD_INPUT:
            raise UsageError(
                "- stands for OLD, NEW or --labels, and a test set is read more than once",
                hint="save it to a file first",
            )
    wanted = [name for name in PLACES if getattr(given, name) == STANDARD_INPUT]
    if not wanted:
        yield given
        return
    if len(wanted) > 1:
        raise UsageError(
            f"- for both {' and '.join(map(_told, wanted))}: there is one standard input",
            hint="save one of them to a file first",
        )
    with TemporaryDirectory(prefix="flipcheck-") as folder:
        path = LaidDown(folder, NAME)
        _lay_down(path, Path(folder))
        place: Any = {wanted[0]: path}
        yield replace(given, **place)


def _told(name: str) -> str:
    return f"--{name}" if name == "labels" else name.upper()


def _lay_down(path: LaidDown, folder: Path) -> None:
    """Copy standard input into a file."""
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("standard input (-) is closed", hint=HINT)
    if sys.stdin.isatty():
        raise UsageError("standard input (-) is a terminal, and nothing comes from it", hint=HINT)
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
    except OSError as error:
        raise InputError(
            f"standard input does not fit into {folder.parent}: {reason(error)}",
            hint="make room there, name another place with TMPDIR, or save it to a file first",
        ) from error
    if not path.stat().st_size:
        raise InputError("standard input is empty", hint="see what the command before it says")
    if file_kind(path) == "onnx":
        raise UsageError("standard input is a model", hint="save it to a file first")
