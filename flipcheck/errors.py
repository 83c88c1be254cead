"""The errors that a user can cause, each with what is wrong and how to fix it.

FlipcheckError
├── UsageError    the command or call itself: a flag, a gate, a name that does not exist
├── InputError    a file or its content
│   ├── PairingError   two sources that do not fit together
│   └── ModelError     a model that cannot be read or run
└── OutputError   a report that cannot be written
"""

from __future__ import annotations

import os
import re
import sys
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COMMAND = re.compile(r"^((?:\s|\x1b\[[0-9;]*m)*)::|##(?=\w*\[)")
"""What a CI server may take for a command of its own: ::name:: at the start of a line, of which it
may have taken the colours out, and ##[name] or ##vso[name] anywhere in one."""
SHOWN = 5
"""How many ids, rows or names an error quotes before it says how many more there are."""


class FlipcheckError(Exception):
    """What is wrong, all of its problems at once, and a hint that says how to fix it."""

    def __init__(self, message: str, *, hint: str = "", problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)

    def __str__(self) -> str:
        problems = (f"  - {one_line(problem)}" for problem in self.problems)
        lines = [one_line(self.message), *problems]
        return "\n".join([*lines, f"  hint: {one_line(self.hint)}"] if self.hint else lines)


class UsageError(FlipcheckError):
    """The command line or the call asks for something that cannot be."""


class InputError(FlipcheckError):
    """A file, or what is in it, cannot be used."""


class PairingError(InputError):
    """Two sources do not speak of the same examples, or not in the same words."""


class ModelError(InputError):
    """A model cannot be read, run, or understood."""


class OutputError(FlipcheckError):
    """A report cannot be written."""


def one_line(text: str) -> str:
    """Text in which no control character, and no command to a CI server, can act."""
    return no_command(
        "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)
    )


def safe_lines(text: str) -> str:
    """The same lines, of which none can act."""
    return "\n".join(map(one_line, text.split("\n")))


def no_command(line: str) -> str:
    """A line that a CI server does not take for a command: what begins one is broken up."""
    return COMMAND.sub(_broken, line) if "##" in line or "::" in line else line


def _broken(found: re.Match[str]) -> str:
    return "#\\u0023" if found[0] == "##" else f"{found[1]}:\\u003a"


def say(text: str) -> None:
    """Lines on standard error; where nobody can read them, the verdict and its status stay."""
    if sys.stderr is None or not text:
        return
    try:
        print(text.encode("utf-8", "backslashreplace").decode(), file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def listed(values: Iterable[object], total: int | None = None) -> str:
    """The first few values, quoted, and how many more there are."""
    shown = [str(value) for value in values]
    total = len(shown) if total is None else total
    text = ", ".join(repr(value) for value in shown[:SHOWN])
    rest = total - min(len(shown), SHOWN)
    return f"{text} and {rest:,} more" if rest > 0 else text


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known name, or all of them."""
    names = list(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(names) or 'none'}"


MOST_NAMES = 1_000
"""So many names of a folder are compared with one that is not there."""


def meant(path: str | os.PathLike[str]) -> str:
    """A hint for a path that is not there: what lies beside it under nearly that name."""
    folder, name = os.path.split(path)
    try:
        with os.scandir(folder or ".") as found:
            names = [each.name for each in islice(found, MOST_NAMES)]
    except (OSError, ValueError):
        return "check the path"
    close = get_close_matches(name, names, n=1, cutoff=0.7)
    return f"did you mean {os.path.join(folder, close[0])!r}?" if close else "check the path"  # noqa: PTH118


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 example", "2 examples", "2 classes"."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("s"):
        return f"{count:,} {noun}es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{count:,} {noun[:-1]}ies"
    return f"{count:,} {noun}s"
