"""The keys of a file: which options they set, in which line, and what is wrong with them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.config.places import placed
from flipcheck.config.values import LONGEST, WrongValueError, short
from flipcheck.config.written_out import typed
from flipcheck.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flipcheck.config.vocabulary import Option

MOST_PROBLEMS = 50
LONGEST_LINE = 1000
"""Longer lines are no headings, and have no key that a message needs to find."""
HEADING = re.compile(r"\s*\[\[?([A-Za-z0-9_. -]+)\]\]?\s*(?:#|$)")
KEY = re.compile(r"\s*([\"']?)([A-Za-z0-9_-]+)\1\s*[=.]")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, the key it has in a file, and where it came from, as "flipcheck.toml:3"."""

    key: str
    value: Any
    origin: str


class Reader:
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
            taken = placed(option, typed(option, value), self.base)
        except (WrongValueError, RecursionError) as error:
            self._problem(section, key, str(error))
            taken = None
        self.settings[option.name] = Setting(option.key, taken, origin)

    @property
    def _many(self) -> bool:
        return len(self.problems) >= MOST_PROBLEMS

    def _unknown(self, section: str, key: str) -> str:
        if (section, key) == ("", "tool"):
            return "the keys of flipcheck.toml stand at its top, without [tool.flipcheck]"
        named = {*self.known, *([] if section else self.sections)}
        found = nearest(key.replace("_", "-")[:LONGEST], sorted(named))
        return f"no such option; {found}" if found.startswith("did") else "no such option"

    def _problem(self, section: str, key: str, what: str) -> None:
        path = _path(section, key)
        line = self.lines.get(path)
        shown = path if path.isprintable() and len(path) <= LONGEST else short(path)
        self.problems.append(f"line {line}: {shown}: {what}" if line else f"{shown}: {what}")


def _path(section: str, key: str) -> str:
    return f"{section}.{key}" if section else key


def lines_of(text: str) -> dict[str, int]:
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
            lines.setdefault(_path(section, key[2]), number)
    return lines
