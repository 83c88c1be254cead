"""Which answers became which: the negative flips as a matrix of old and new answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from flipcheck.errors import plural
from flipcheck.reporters import words
from flipcheck.reporters.html.charts import marks
from flipcheck.reporters.html.charts.ink import BROKEN, NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flipcheck.report import Report

MOST = 12
"""Rows and columns that are drawn; the last holds all others where there are more."""
CELL, ROW, LETTERS, LETTER = 42, 26, 18, 7.6
LEAST_HEAD = 44
LEAN = 0.72
"""How high and wide a heading is that leans by half a right angle, of its length."""
EMPTY, PALEST, FULL = 0.04, 0.12, 0.6
"""How opaque a cell is: its count is to be read on it by day and by night."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts of flips by old answer (rows) and new answer (columns), the most frequent first.

    `rest` counts the flips of kinds that the report does not list, which are in no cell. So many
    rows and columns are `named`; one more holds the other answers, where there are more.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    rest: int
    named: tuple[int, int]

    def is_kind(self, down: int, across: int) -> bool:
        """Whether a cell is of one old and one new answer, and not of several together."""
        return down < self.named[0] and across < self.named[1]

    @property
    def most(self) -> int:
        """The largest count of one kind, never 0."""
        rows = (row[: self.named[1]] for row in self.counts[: self.named[0]])
        return max([1, *(count for row in rows for count in row)])


def matrix(report: Report) -> Matrix | None:
    """The flips of the kinds that are known; None where they make no matrix.

    Free texts are no classes, one kind is a sentence, and names are to be told apart.
    """
    kinds = words.kinds(report)
    free = report.task is not None and report.task.kind == "text"
    if free or len(kinds) < 2:
        return None
    old, new = Counter[str | None](), Counter[str | None]()
    for each in kinds:
        old[each.old] += each.count
        new[each.new] += each.count
    rows, columns = _places(old), _places(new)
    height, width = (max(places.values()) + 1 for places in (rows, columns))
    counts = [[0] * width for _ in range(height)]
    for each in kinds:
        counts[rows[each.old]][columns[each.new]] += each.count
    listed = sum(each.count for each in kinds)
    names = _titles(rows), _titles(columns)
    if any(len({marks.cut(each, LETTERS) for each in axis}) < len(axis) for axis in names):
        return None
    return Matrix(
        *names,
        tuple(map(tuple, counts)),
        report.negative_flips.total - listed,
        (_named(rows), _named(columns)),
    )


def confusion(report: Report) -> Markup:
    """The matrix of flips with its counts, shaded by them; nothing where there is none."""
    found = matrix(report)
    if found is None:
        return Markup("")
    left = (
        max(marks.room(marks.cut(each, LETTERS)) for each in (*found.rows, "new answer")) * LETTER
        + 16
    )
    leaning = max(marks.room(marks.cut(each, LETTERS)) for each in found.columns) * LETTER * LEAN
    width = left + CELL * len(found.columns) + max(0.0, leaning - CELL / 2) + 4
    head = max(LEAST_HEAD, leaning + 18)
    height = head + ROW * len(found.rows) + 6
    drawn = [*_headings(found, left, head), *_cells(found, left, head)]
    return marks.picture("confusion", width, height, _label(found), drawn)


def _places(counts: Counter[str | None]) -> dict[str | None, int]:
    """The row or column of each answer: the most frequent first, the rare ones together at last."""
    order = sorted(counts, key=lambda name: (-counts[name], name or ""))
    last = MOST - 1 if len(order) > MOST else len(order)
    return {name: min(place, last) for place, name in enumerate(order)}


def _named(places: dict[str | None, int]) -> int:
    """How many rows or columns are of one answer."""
    return len(places) if len(places) <= MOST else MOST - 1


def _titles(places: dict[str | None, int]) -> tuple[str, ...]:
    named: dict[int, list[str | None]] = {}
    for name, place in places.items():
        named.setdefault(place, []).append(name)
    return tuple(
        words.answer(names[0]) if len(names) == 1 else f"{len(names):,} others"
        for names in named.values()
    )


def _headings(found: Matrix, left: float, head: float) -> Iterator[Markup]:
    yield marks.text((0, head - 28), "new answer →", size=12, soft=True)
    yield marks.text((0, head - 10), "old answer ↓", size=12, soft=True)
    for place, title in enumerate(found.columns):
        at = (left + (place + 0.5) * CELL, head - 8)
        leaning = marks.text(at, marks.cut(title, LETTERS), size=12)
        turn = Markup(' transform="rotate(-45 {:g} {:g})"').format(*at)
        yield Markup("<g{}><title>{}</title>{}</g>").format(turn, title, leaning)
    for place, title in enumerate(found.rows):
        name_at = (0, head + (place + 0.5) * ROW + 4)
        yield marks.group("row", title, [marks.text(name_at, marks.cut(title, LETTERS))])


def _cells(found: Matrix, left: float, head: float) -> Iterator[Markup]:
    for down, (before, row) in enumerate(zip(found.rows, found.counts, strict=True)):
        for across, (after, count) in enumerate(zip(found.columns, row, strict=True)):
            corner = (left + across * CELL, head + down * ROW)
            color, shade = _shade(found, down, across)
            cell = [marks.box(corner, (CELL - 2.0, ROW - 2.0), color, "cell", shade)]
            if count:
                middle = (corner[0] + CELL / 2 - 1, corner[1] + ROW / 2 + 4)
                cell.append(marks.text(middle, f"{count:,}", "middle"))
            yield marks.group("kind", f"{before} → {after}: {count:,}", cell)


def _shade(found: Matrix, down: int, across: int) -> tuple[str, float]:
    """A cell's colour and opacity: grey for several kinds together, which do not compare."""
    count = found.counts[down][across]
    if not count:
        return BROKEN, EMPTY
    if not found.is_kind(down, across):
        return NEUTRAL, PALEST
    return BROKEN, PALEST + (FULL - PALEST) * count / found.most


def _label(found: Matrix) -> str:
    """The matrix in words: its largest cells; all kinds are in the table beside it."""
    cells = [
        (count, f"{before} → {after}")
        for before, row in zip(found.rows, found.counts, strict=True)
        for after, count in zip(found.columns, row, strict=True)
        if count
    ]
    cells.sort(key=lambda cell: -cell[0])
    told = ", ".join(f"{kind} {count:,}" for count, kind in cells[:5])
    total = sum(count for count, _ in cells)
    return f"{plural(total, 'negative flip')} by old and new answer, the most: {told}"
