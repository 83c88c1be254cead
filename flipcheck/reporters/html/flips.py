"""The table of flipped examples: its columns, and how many rows stand in the page itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.errors import no_command
from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from flipcheck.report import Example, Report

STANDING, PICTURES = 200, 500
"""How many rows the page holds: it makes the others from its JSON. Of how many, with pictures."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the field of an example, its title, and how its values are written.

    The field of a shown column is its name as JSON, which an attribute holds whatever it is.
    """

    field: str
    title: str
    kind: str

    @property
    def number(self) -> bool:
        """Whether its values are numbers, and stand to the right."""
        return self.kind in {"sure", "score", "change"}

    @property
    def chosen(self) -> bool:
        """Whether examples can be chosen by its values, where these are few."""
        return self.kind in {"text", "shown"}

    def text(self, example: Example) -> str:
        """What the column says of an example."""
        return KINDS[self.kind](example, self.field)


KINDS: dict[str, Callable[[Example, str], str]] = {
    "image": lambda _example, _field: "",
    "id": lambda example, field: words.clean(getattr(example, field)),
    "shown": lambda example, field: _lines(example.shown.get(json.loads(field), "")),
    "text": lambda example, field: words.answer(getattr(example, field)),
    "sure": lambda example, field: words.sure(getattr(example, field)),
    "score": lambda example, field: words.score(getattr(example, field)),
    "change": lambda example, _field: words.change(example),
}
"""How a value is written; the page's script has the same, for the rows that it makes."""


def _lines(text: str) -> str:
    """A text as it stands, line by line."""
    return "\n".join(map(words.clean, re.split("\r?\n", text)))


def table(report: Report) -> dict[str, Any]:
    """The columns, the rows that stand in the page, and the columns to choose values of."""
    examples, columns = report.negative_flips.examples, list(_columns(report))
    pictured = [at for at, each in enumerate(examples[:PICTURES]) if each.image]
    standing = max([STANDING, *(at + 1 for at in pictured)])
    return {
        "title": "Worse answers" if report.scores else "Broken answers",
        "columns": columns,
        "rows": examples[:standing],
        "pictured": set(pictured),
        "chosen": [each for each in columns if each.chosen],
    }


def _columns(report: Report) -> list[Column]:
    examples = report.negative_flips.examples
    columns = [Column("image", "image", "image")] if any(each.image for each in examples) else []
    columns.append(Column("id", "id", "id"))
    columns += [
        Column(no_command(json.dumps(name)), words.answer(name), "shown")
        for name in words.shown_columns(report)
    ]
    if words.has_answers(report):
        old, new = words.answer_titles(report)
        columns += [Column("truth", "truth", "text")]
        columns += [Column("old", old, "text"), Column("new", new, "text")]
        if not report.scores and any(each.new_confidence is not None for each in examples):
            columns.append(Column("new_confidence", "confidence", "sure"))
    if report.scores:
        columns += [Column("old_score", "old score", "score")]
        columns += [Column("new_score", "new score", "score"), Column("", "change", "change")]
    return columns
