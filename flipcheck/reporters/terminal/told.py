"""What was compared: the sides, the data, the task, and what differs between two models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from flipcheck.errors import plural
from flipcheck.reporters import contract, words
from flipcheck.reporters.layout import grid, heading, indented, sentence, short

if TYPE_CHECKING:
    from flipcheck.report import Report


def sources(report: Report) -> list[Any]:
    """The two sides, the data, and what was asked."""
    table = grid({"style": "dim"}, {"overflow": "ellipsis", "ratio": 1})
    for name, model in (("old", report.old), ("new", report.new)):
        table.add_row(name, short(model.source))
    data = plural(report.data.examples, "example")
    if report.data.source:
        data += f" from {short(report.data.source)}"
    table.add_row("data", data)
    drawn = [Padding(Text(words.drawn(report)), (0, 0, 0, 8))] if words.drawn(report) else []
    return [Text(""), indented(table), *drawn, *_task(report)]


def _task(report: Report) -> list[Any]:
    """What was asked, and what was left unanswered."""
    told = [each for each in (words.task(report), words.declined(report)) if each]
    table = grid({"style": "dim"}, {"no_wrap": False})
    for each in told:
        table.add_row("" if table.rows else "task", Text(each))
    return [indented(table)] if told else []


def contract_first(report: Report) -> list[Any]:
    """The contract where it is said first: something in it can have made flips."""
    return _contract(report) if contract.urgent(report) else []


def contract_last(report: Report) -> list[Any]:
    """The contract where nothing in it can have made flips."""
    return [] if contract.urgent(report) else _contract(report)


def _contract(report: Report) -> list[Any]:
    """What differs between the models, and how each repeats itself, in few lines."""
    told = [
        sentence(f"{'' if sound else '! '}{text}", "dim" if sound else "bold yellow")
        for text, sound in contract.repeatability(report)
    ]
    if not report.contract:
        alike = [] if report.contract is None else [sentence(contract.ALIKE, "dim")]
        return [*([Text("")] if alike or told else []), *alike, *told]
    lines = heading("Contract", contract.NOTE)
    for each in contract.flipping(report):
        lines.append(sentence(f"! {contract.change(each)}", "yellow"))
        lines.append(Padding(Text(words.clean(each.told), "dim"), (0, 0, 0, 4)))
    for effect, group in contract.others(report):
        changes = "; ".join(map(contract.change, group))
        lines.append(sentence(Text.assemble((f"{effect}: ", "dim"), changes)))
    return [*lines, *told]
