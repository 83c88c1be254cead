"""How text reports are laid out: lines of rich in, text of at most so many columns out."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH = 80
EXAMPLES_SHOWN = 5
COMMAND = re.compile(r"^((?:\s|\x1b\[[0-9;]*m)*)::")
"""The beginning of a line that a CI server takes for a command: a text may be wrapped to it."""
LONGEST = 10_000
"""So many characters of a text are looked at: an id may be a whole book."""


def printed(lines: Iterable[Any], *, color: bool = False, width: int = WIDTH) -> str:
    """The lines as text of at most `width` columns, with ANSI colours or plain."""
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=color,
        color_system="256" if color else None,
        no_color=not color,
        legacy_windows=False,
    )
    for line in lines:
        console.print(line)
    found = (COMMAND.sub(r"\1∷", line.rstrip()) for line in out.getvalue().split("\n"))
    return "\n".join(found).rstrip("\n") + "\n"


def heading(text: str, note: str = "") -> list[Any]:
    """A heading after an empty line, and a note beside it."""
    return [Text(""), Text.assemble((text, "bold"), (f"  {note}" if note else "", "dim"))]


def grid(*columns: dict[str, Any]) -> Table:
    """A table without lines."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(**{"no_wrap": True, "overflow": "ellipsis", **column})
    return table


def indented(table: Table) -> Padding:
    """A table two spaces in."""
    return Padding(table, (0, 0, 0, 2))


def short(text: str, width: int = 66) -> str:
    """A text of at most so many cells that keeps its end, which tells more of a path."""
    text = words.clean(text[-LONGEST:])
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) >= width:
        text = text[max(1, (cell_len(text) - width) // 2) :]
    return f"…{text}"


def cut(text: str, width: int) -> str:
    """A text of at most so many cells that keeps its beginning."""
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text[:width], width - 1).rstrip()}…"


def kind(old: str | None, new: str | None, width: int) -> str:
    """A flip as "cat → dog", neither side wider than `width`."""
    return " → ".join(cut(words.answer(each), width) for each in (old, new))


def aligned(rows: Sequence[Sequence[str]]) -> list[Padding]:
    """Rows whose cells stand below one another, each a table by itself; the last one is dim."""
    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    columns: list[dict[str, Any]] = [{"width": width} for width in widths]
    found = []
    for row in rows:
        table = grid(*columns[:-1], {**columns[-1], "style": "dim"})
        table.add_row(*row)
        found.append(indented(table))
    return found


def sentence(text: str | Text, style: str = "", indent: int = 2) -> Padding:
    """A sentence a little in."""
    return Padding(Text(text, style) if isinstance(text, str) else text, (0, 0, 0, indent))


def rest(table: Table, total: int) -> None:
    """A last row that says how many there are beside those shown."""
    if total > EXAMPLES_SHOWN:
        row = Text(f"and {total - EXAMPLES_SHOWN:,} more (--html, --json)", "dim")
        table.add_row(row, *[""] * (len(table.columns) - 1))
