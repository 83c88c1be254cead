"""What Markdown is made of: code spans, sentences, tables and folded parts that nothing breaks.

Ids, class names and all other text from files stand in code spans, where nothing is markup: no
link, mention or issue number is made of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST = 200
"""The most characters of a text from a file: a class name may be a whole book."""
MARKUP = re.compile(
    r"[`*\[\]<>|~#@\\$&^{}]|[:/]/|www\.|mailto:|xmpp:|(?<!\w)_|_(?!\w)|\b[0-9a-f]{7,40}\b|^\W|^\d+[.)]",
    re.IGNORECASE,
)
"""What GitHub could take for markup, a link, a mention or a commit in the middle of a sentence."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the report: a heading and blocks, folded away unless it is to be read at once."""

    title: str
    blocks: Sequence[str]
    folded: bool = True

    def __str__(self) -> str:
        body = "\n\n".join(self.blocks)
        if self.folded:
            return f"<details>\n<summary>{self.title}</summary>\n\n{body}\n\n</details>"
        return f"### {self.title}\n\n{body}" if self.title else body


def code(text: str | None) -> str:
    """Hostile text as a code span, cut where it is very long."""
    inner = words.clean(None if text is None else text[: LONGEST + 1])
    inner = (inner if len(inner) <= LONGEST else f"{inner[: LONGEST - 1]}…") or " "
    longest = max((len(run) for run in re.findall("`+", inner)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if inner[0] == "`" or inner[-1] == "`" else ""
    return f"{fence}{pad}{inner}{pad}{fence}"


def prose(text: str) -> str:
    """A sentence as it is where it is nothing but words, else as a code span."""
    shown = words.clean(text)
    return code(text) if len(shown) > 5 * LONGEST or MARKUP.search(shown) else shown


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a pipe in a cell is no end of it."""
    lines = [header, ["---"] * len(header), *([_cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def capped(header: Sequence[str], rows: Sequence[Sequence[str]], most: int) -> list[str]:
    """A table of the first rows, and how many more there are; nothing where there are none."""
    rest = len(rows) - most
    return [table(header, rows[:most]), *more(rest)] if rows else []


def more(rest: int, what: str = "") -> list[str]:
    """A line that says how many there are beside those shown."""
    return [f"and {rest:,} more{what}"] if rest > 0 else []
