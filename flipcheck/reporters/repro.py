"""One example under both sides, as text of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from flipcheck.reporters import words
from flipcheck.reporters.layout import WIDTH, grid, heading, indented, printed, short

if TYPE_CHECKING:
    from rich.table import Table

    from flipcheck.sources.onnx.single import Trace, Values
    from flipcheck.sources.repro import Repro, ReproSide

STYLES = {
    "negative flip": "bold white on red3",
    "positive flip": "bold white on green4",
}
SCORES_SHOWN, COLUMNS_SHOWN, NUMBERS_SHOWN = 5, 24, 6
LONGEST = 60


def render(found: Repro, *, color: bool = False, width: int = WIDTH) -> str:
    """The example as text of at most `width` columns, with ANSI colours or plain."""
    lines = (line for part in PARTS for line in part(found))
    return printed(lines, color=color, width=width)


def _outcome(found: Repro) -> list[Any]:
    title = Text(f" {found.outcome.upper()} ", STYLES.get(found.outcome, "bold reverse"))
    name = (words.clean(found.id), "bold")
    return [Text.assemble(title, "  ", name, f": {found.told}.")]


def _sides(found: Repro) -> list[Any]:
    old, new = found.old, found.new
    table = grid({"style": "dim"}, {"max_width": 30}, {"max_width": 30})
    table.add_row("", Text("old", "dim"), Text("new", "dim"))
    rows: list[tuple[str, Any, Any]] = [
        ("source", short(old.name, 30), short(new.name, 30)),
        ("truth", words.clean(found.truth), ""),
        ("answer", _answer(old), _answer(new)),
        ("confidence", words.sure(old.confidence), words.sure(new.confidence)),
        ("score", _number(old.score), _number(new.score)),
        ("margin", _margin(old.trace), _margin(new.trace)),
        ("threshold", _distance(old.trace), _distance(new.trace)),
        ("read by", _read_by(old.trace), _read_by(new.trace)),
        ("beside others", _neighbours(old.trace), _neighbours(new.trace)),
    ]
    for label, one, two in rows:
        if not one == two == words.UNKNOWN:
            table.add_row(label, one, two)
    return [Text(""), indented(table)]


def _answer(side: ReproSide) -> Text:
    if side.right is None:  # graded
        return Text(words.clean(side.answer), "bold")
    sign, style = ("✓ right", "green") if side.right else ("✗ wrong", "red")
    return Text.assemble((words.clean(side.answer), "bold"), "  ", (sign, style))


def _number(value: float | None) -> str:
    return words.UNKNOWN if value is None else f"{value:.6g}"


def _margin(trace: Trace | None) -> str:
    """How far the best score is above the second."""
    if trace is None or trace.margin is None:
        return words.UNKNOWN
    second = words.clean(trace.scores[1][0])
    return f"{trace.margin:.6g} over {second}"


def _distance(trace: Trace | None) -> str:
    """How far the score that is cut is from the threshold."""
    if trace is None or trace.threshold is None:
        return words.UNKNOWN
    if trace.distance is None:
        return f"{trace.threshold:g}"
    way = "above" if trace.distance >= 0 else "below"
    return f"{abs(trace.distance):.6g} {way} {trace.threshold:g}"


def _read_by(trace: Trace | None) -> str:
    return words.UNKNOWN if trace is None else words.clean(trace.read_by)


def _neighbours(trace: Trace | None) -> str:
    """Whether the answer depends on the other examples of its batch."""
    if trace is None:
        return words.UNKNOWN
    near = trace.neighbours
    if near.together is None:
        return "not run in a batch"
    if near.moved:
        return f"! {words.clean(near.together)} in a batch of {near.size}"
    return f"the same in a batch of {near.size}"


def _scores(found: Repro) -> list[Any]:
    """The best scores of each side beside one another."""
    both = [dict(side.trace.scores) if side.trace else {} for side in (found.old, found.new)]
    best = [name for scores in both for name in list(scores)[:SCORES_SHOWN]]
    if not best:
        return []
    table = grid({}, {"justify": "right"}, {"justify": "right"})
    table.add_row("", Text("old", "dim"), Text("new", "dim"))
    for name in dict.fromkeys(best):
        old, new = (_number(scores.get(name)) for scores in both)
        style = "bold" if name in {found.old.answer, found.new.answer} else ""
        table.add_row(Text(short(name, 40), style), old, new)
    note = f"the best {SCORES_SHOWN} of each side, as the outputs have them"
    return [*heading("Scores", note), indented(table)]


def _example(found: Repro) -> list[Any]:
    """What the test set says of the example."""
    if not found.example:
        return []
    return [*heading("Example"), indented(_pairs(found.example))]


def _pairs(values: Any) -> Table:
    table = grid({"style": "dim", "max_width": 24}, {"ratio": 1})
    for name, value in list(values.items())[:COLUMNS_SHOWN]:
        table.add_row(words.clean(name), short(value, LONGEST))
    rest = len(values) - COLUMNS_SHOWN
    if rest > 0:
        table.add_row("", Text(f"and {rest:,} more (--json)", "dim"))
    return table


def _rows(found: Repro) -> list[Any]:
    """The rows of saved predictions."""
    lines: list[Any] = []
    for name, side in (("old", found.old), ("new", found.new)):
        if side.row:
            note = f"in {short(side.name, 50)}"
            lines += [*heading(f"The {name} row", note), indented(_pairs(side.row))]
    return lines


def _values(found: Repro) -> list[Any]:
    """What went into each model, and what came out."""
    old, new = found.old.trace, found.new.trace
    lines: list[Any] = []
    for title, kind in (("What went in", "inputs"), ("What came out", "outputs")):
        given = [(side, getattr(each, kind)) for side, each in (("old", old), ("new", new)) if each]
        if not given:
            continue
        note = ""
        if kind == "inputs" and len(given) == 2:
            alike = _digests(given[0][1]) == _digests(given[1][1])
            note = f"{'the same' if alike else 'not the same'} numbers for both models"
        lines += heading(title, note)
        for side, values in given:
            for each in values:
                lines += _value(side, each)
    return lines


def _digests(values: tuple[Values, ...]) -> list[str]:
    return [each.digest for each in values]


def _value(side: str, each: Values) -> list[Any]:
    shape = "x".join(map(str, each.shape)) or "one value"
    name = short(each.name, 24)
    parts = [f"{each.dtype} {shape}"]
    if None not in {each.low, each.high, each.mean}:
        ends = f"{_number(each.low)} to {_number(each.high)}"
        parts.append(f"{ends}, mean {_number(each.mean)}")
    parts.append(f"sha256 {each.digest}")
    first = ", ".join(words.clean(text)[:40] for text in each.first[:NUMBERS_SHOWN])
    more = " …" if len(each.first) > NUMBERS_SHOWN else ""
    return [
        Padding(Text.assemble((f"{side}  ", "dim"), (name, "bold")), (0, 0, 0, 2)),
        Padding(Text("; ".join(parts)), (0, 0, 0, 7)),
        Padding(Text(f"{first}{more}", "dim"), (0, 0, 0, 7)),
    ]


def _notes(found: Repro) -> list[Any]:
    if not found.warnings:
        return []
    notes = [
        Padding(Text(f"! {words.clean(each)}", "yellow"), (0, 0, 0, 2)) for each in found.warnings
    ]
    return [*heading("Warnings"), *notes]


PARTS = (_outcome, _sides, _scores, _example, _rows, _values, _notes)
