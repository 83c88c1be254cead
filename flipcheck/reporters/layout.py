"""How text reports are laid out: lines of rich in, text of at most so many columns out."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flipcheck.errors import no_command
from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH = 80


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
    found = out.getvalue().split("\n")
    # Wrapping may have brought a text's `::` to the start of a line.
    return "\n".join(no_command(line.rstrip()) for line in found).rstrip("\n") + "\n"


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
    """A text that keeps its end, which tells more of a path than its beginning."""
    text = words.clean(text)
    return text if len(text) <= width else f"…{text[1 - width :]}"
