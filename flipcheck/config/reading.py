"""The file itself: where it is looked for, and how its bytes become settings."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.config.keys import MOST_PROBLEMS, Reader, Setting, lines_of
from flipcheck.errors import InputError, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flipcheck.config.vocabulary import Option

NAME, PROJECT = "flipcheck.toml", "pyproject.toml"
LARGEST = 1 << 20
DEEP = re.compile(
    r"""(?:(?:"[^"\n]*+"|'[^'\n]*+'|(?<![\w-])[\w-]++)[ \t]*+\.[ \t]*+){100}""", re.ASCII
)
"""A key of more parts than any has; what a reader of TOML does with it grows with their square."""
DEEPER = "x=" + "[" * 100_000
"""What stands for a text with such a key: nested as deep, and refused at once."""
TABLE = re.compile(rb"^[ \t]*\[{1,2}[ \t]*tool\.([\w-]{1,40})", re.MULTILINE)
NEAR = 0.8
"""How alike two names are of which one is a slip of the other."""
HINT = "`flipcheck compare --help` has every option; --no-config leaves the file out"


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration: its file, the digest of that, and what it sets, by parameter.

    `passed_over` is a second file beside it that was not read.
    """

    path: str
    sha256: str
    settings: Mapping[str, Setting]
    passed_over: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """What it sets, by parameter."""
        return {name: each.value for name, each in self.settings.items()}


@dataclass(frozen=True, slots=True)
class _Content:
    """The table of a file, the text that it is of, and its digest."""

    path: Path
    table: dict[str, Any]
    text: str
    sha256: str


def config_for(given: str | None, options: Sequence[Option]) -> Config | None:
    """The configuration of a path, or the nearest one; None where there is none.

    Raises InputError for a file that cannot be read or has something wrong in it.
    """
    if given is not None:
        found = _content(Path(given), Path(given).name == PROJECT)
        if found is None:
            raise InputError(
                f"{given}: no [tool.flipcheck] in it", hint="add it, or name another file"
            )
        return _config(found, options)
    try:
        start = Path.cwd()
    except FileNotFoundError:  # a folder that was removed, and so has no files
        return None
    for folder in _folders(start):
        config = _in_folder(folder, options)
        if config is not None:
            return config
    return None


def unread_above() -> str:
    """The nearest flipcheck.toml that lies too far above to be read; "" where there is none."""
    try:
        start = Path.cwd()
    except FileNotFoundError:
        return ""
    near = set(_folders(start))
    above = (each / NAME for each in start.parents if each not in near)
    return next((os.path.relpath(each) for each in above if os.path.lexists(each)), "")


def misnamed() -> str:
    """What looks as if it were meant to be read, in this folder; "" where nothing does.

    A gate that stands there would be judged by nobody.
    """
    project, suffix = Path(PROJECT), Path(NAME).suffix
    try:
        names = [each for each in os.listdir() if each.endswith(suffix) and each != NAME]  # noqa: PTH208
        data = _bytes(project) if project.is_file() else b""
    except (OSError, InputError):
        return ""
    if close := get_close_matches(NAME, names, n=1, cutoff=NEAR):
        return f"{close[0]} is not read; did you mean {NAME}?"
    tables = [each.decode() for each in TABLE.findall(data)]
    if close := get_close_matches("flipcheck", tables, n=1, cutoff=NEAR):
        return f"[tool.{close[0]}] in {PROJECT} is not read; did you mean [tool.flipcheck]?"
    if b"[flipcheck]" in data:
        return f"[flipcheck] in {PROJECT} is not read; did you mean [tool.flipcheck]?"
    return ""


def _folders(start: Path) -> Iterator[Path]:
    """The folder, and in a repository those above it; beyond that other people's files begin."""
    folders = (start, *start.parents)
    root = next((each for each in folders if (each / ".git").exists()), start)
    yield from folders[: folders.index(root) + 1]


def _in_folder(folder: Path, options: Sequence[Option]) -> Config | None:
    """What a folder configures, if anything: flipcheck.toml goes before pyproject.toml."""
    own, project = (Path(os.path.relpath(folder / name)) for name in (NAME, PROJECT))
    within = _content(project, inside=True) if project.is_file() else None
    if os.path.lexists(own):
        found = _content(own, inside=False)
        assert found is not None  # noqa: S101  (a file of its own is all configuration)
        passed_over = "" if within is None else f"[tool.flipcheck] in {project}"
        return _config(found, options, passed_over)
    return None if within is None else _config(within, options)


def _content(path: Path, inside: bool) -> _Content | None:
    """What a file holds; None where a project's file has no table of ours."""
    data = _bytes(path)
    if inside and b"flipcheck" not in data:
        return None
    text, table = _parsed(path, data)
    found = table.get("tool", {}) if inside else {"flipcheck": table}
    if not isinstance(found, dict) or "flipcheck" not in found:
        return None
    if not isinstance(found["flipcheck"], dict):
        raise InputError(f"{path}: tool.flipcheck is no table", hint="write [tool.flipcheck]")
    return _Content(path, found["flipcheck"], text, hashlib.sha256(data).hexdigest())


def _parsed(path: Path, data: bytes) -> tuple[str, dict[str, Any]]:
    """The text and the table of a file's bytes."""
    import tomllib

    try:
        text = data.decode("utf-8-sig")
        return text, tomllib.loads(text if DEEP.search(text) is None else DEEPER)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8", hint="save the file as UTF-8") from error
    except RecursionError as error:
        raise InputError(f"{path}: nested too deep to be read") from error
    except ValueError as error:
        hint = "a text stands in quotes, a list in brackets; --no-config leaves the file out"
        raise InputError(f"{path}: not TOML: {error}", hint=hint) from error


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputError(f"{path}: a folder, and no configuration", hint=HINT)
        if not path.exists():
            raise InputError(f"{path}: no such file", hint="check the path of the configuration")
        if not path.is_file():
            raise InputError(f"{path}: no regular file", hint=HINT)
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read: {why}") from error
    if len(data) > LARGEST:
        raise InputError(
            f"{path}: more than {LARGEST:,} bytes", hint="list waivers in a table of their own"
        )
    return data


def _config(content: _Content, options: Sequence[Option], passed_over: str = "") -> Config:
    path = content.path
    keys = {key: each for each in options for key in each.keys}
    reader = Reader(path, lines_of(content.text), keys)
    reader.read(content.table)
    if reader.problems:
        count = plural(len(reader.problems), "problem")
        rest = len(reader.problems) - MOST_PROBLEMS
        shown = [*reader.problems[:MOST_PROBLEMS], *([f"and {rest:,} more"] if rest > 0 else [])]
        raise InputError(f"{path}: {count}", problems=shown, hint=HINT)
    return Config(str(path), content.sha256, reader.settings, passed_over)
