"""The file itself: where it is looked for, its keys, and what is wrong with it, all at once."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.config.values import Inline, WrongValueError, short, typed
from flipcheck.errors import InputError, nearest, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flipcheck.config.vocabulary import Option

__all__ = ["Config", "Inline", "Setting", "config_for"]

NAME, PROJECT = "flipcheck.toml", "pyproject.toml"
LARGEST = 1 << 20
MOST_PROBLEMS = 50
LONGEST_LINE = 1000
"""Longer lines are no headings, and have no key that a message needs to find."""
HEADING = re.compile(r"\s*\[\[?([^\[\]]*)\]")
KEY = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*[=.]")
DEEP = re.compile(
    r"""(?:(?:"[^"\n]*+"|'[^'\n]*+'|(?<![\w-])[\w-]++)[ \t]*+\.[ \t]*+){100}""", re.ASCII
)
"""A key of more parts than any has; what a reader of TOML does with it grows with their square."""
DEEPER = "x=" + "[" * 100_000
"""What stands for a text with such a key: nested as deep, and refused at once."""
HINT = "`flipcheck compare --help` has every option; --no-config leaves the file out"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, the key it has in a file, and where it came from, as "flipcheck.toml:3"."""

    key: str
    value: Any
    origin: str


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


# --- keys ----------------------------------------------------------------------------------


def _config(content: _Content, options: Sequence[Option], passed_over: str = "") -> Config:
    path = content.path
    keys = {key: each for each in options for key in each.keys}
    reader = _Reader(path, _lines(content.text), keys)
    reader.read(content.table)
    if reader.problems:
        count = plural(len(reader.problems), "problem")
        rest = len(reader.problems) - MOST_PROBLEMS
        shown = [*reader.problems[:MOST_PROBLEMS], *([f"and {rest:,} more"] if rest > 0 else [])]
        raise InputError(f"{path}: {count}", problems=shown, hint=HINT)
    return Config(str(path), content.sha256, reader.settings, passed_over)


class _Reader:
    """What a table sets, and what is wrong with it."""

    def __init__(self, path: Path, lines: Mapping[str, int], known: Mapping[str, Option]) -> None:
        self.path, self.lines, self.known = path, lines, known
        self.sections = sorted({home for each in known.values() for home in each.sections})
        self.base = os.path.relpath(path.parent)
        self.settings: dict[str, Setting] = {}
        self.problems: list[str] = []

    def read(self, table: dict[str, Any]) -> None:
        """Take the keys at the top, and those of the sections."""
        for key, value in table.items():
            if key in self.sections:
                self._section(key, value)
            else:
                self._key("", key, value)

    def _section(self, section: str, value: Any) -> None:
        if not isinstance(value, dict):
            self._problem("", section, f"a section, as [{section}], and no value of its own")
            return
        for key, each in value.items():
            self._key(section, key, each)

    def _key(self, section: str, key: str, value: Any) -> None:
        option = self.known.get(key.replace("_", "-"))
        if option is None:
            self._problem(section, key, "" if self._many else self._unknown(section, key))
        elif section and section not in option.sections:
            home = " or ".join(f"[{each}]" for each in option.sections)
            self._problem(
                section, key, f"does not belong here, but {home or 'above the first [section]'}"
            )
        elif option.name in self.settings:
            other = self.settings[option.name].origin
            self._problem(section, key, f"set twice: it is {option.key!r} at {other} already")
        else:
            self._set(section, key, option, value)

    def _set(self, section: str, key: str, option: Option, value: Any) -> None:
        line = self.lines.get(_path(section, key))
        origin = f"{self.path}:{line}" if line else f"{self.path}: {_path(section, key)}"
        try:
            taken = _placed(option, typed(option, value), self.base)
        except (WrongValueError, RecursionError) as error:
            self._problem(section, key, str(error))
            taken = None
        self.settings[option.name] = Setting(option.key, taken, origin)

    @property
    def _many(self) -> bool:
        return len(self.problems) >= MOST_PROBLEMS

    def _unknown(self, section: str, key: str) -> str:
        if (section, key) == ("", "tool"):
            return f"the keys of {NAME} stand at its top, without [tool.flipcheck]"
        named = {*self.known, *([] if section else self.sections)}
        found = nearest(key.replace("_", "-")[:60], sorted(named))
        return f"no such option; {found}" if found.startswith("did") else "no such option"

    def _problem(self, section: str, key: str, what: str) -> None:
        path = _path(section, key)
        line = self.lines.get(path)
        shown = path if path.isprintable() and len(path) <= 60 else short(path)
        self.problems.append(f"line {line}: {shown}: {what}" if line else f"{shown}: {what}")


def _path(section: str, key: str) -> str:
    return f"{section}.{key}" if section else key


def _lines(text: str) -> dict[str, int]:
    """On which line each key begins, as far as simple lines tell."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > LONGEST_LINE:
            continue
        heading, key = HEADING.match(line), KEY.match(line)
        if heading:
            section = heading[1].strip().removeprefix("tool.flipcheck").lstrip(".")
            lines.setdefault(section, number)
        elif key:
            lines.setdefault(_path(section, key[1]), number)
    return lines


# --- paths ---------------------------------------------------------------------------------

LISTS_OR_FILES = ("classes", "old_classes", "new_classes")
MAPS_OR_FILES = ("label_map", "old_label_map", "new_label_map")
STEPS_OR_FILES = ("preprocess", "old_preprocess", "new_preprocess")


def _placed(option: Option, value: Any, base: str) -> Any:
    """A value whose paths begin at the file's folder, as they do for its reader."""
    if base == "." or isinstance(value, Inline):
        return value
    if option.is_path and isinstance(value, list):
        return [_path_from(base, each) for each in value]
    names_file = option.is_path or _names_file(option, value, base)
    return _path_from(base, value) if names_file and isinstance(value, str) else value


def _names_file(option: Option, value: Any, base: str) -> bool:
    """Whether a value that may be written inline is a file's path instead."""
    if option.name in LISTS_OR_FILES:
        inline = "," in value or value.lstrip()[:1] in {"[", "{"}
        return not inline or Path(base, value).is_file()
    if option.name in MAPS_OR_FILES:
        return not value.lstrip().startswith("{")
    return option.name in STEPS_OR_FILES and "=" not in value


def _path_from(base: str, path: str) -> str:
    return path if path == "-" else os.path.join(base, path)  # noqa: PTH118  (keeps a last slash)
