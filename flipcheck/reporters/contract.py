"""What every reporter says of the models' contracts and of how each repeats itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.contract import EFFECTS
from flipcheck.errors import plural
from flipcheck.reporters import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from flipcheck.contract import Difference, Repeatability
    from flipcheck.report import Report

ALIKE = "The two models' contracts are alike."
NOTE = "what differs between the two models beside their answers"


def change(each: Difference, quote: Callable[[str], str] = words.clean) -> str:
    """A difference as "precision: fp32 → int8"; what only one side has, as itself."""
    shown = [quote(text) for text in (each.old, each.new) if text]
    return f"{quote(each.what)}: {' → '.join(shown)}"


def flipping(report: Report) -> list[Difference]:
    """The differences that can flip answers whatever the models have learnt."""
    return [each for each in report.contract or () if each.flips]


def urgent(report: Report) -> bool:
    """Whether something beside the update can have made flips: that is said first."""
    unsound = any(not each.sound for each in report.repeatability.values())
    return unsound or bool(flipping(report))


def others(report: Report) -> list[tuple[str, list[Difference]]]:
    """The other differences by their effect, in words."""
    groups: dict[str, list[Difference]] = {name: [] for name in EFFECTS if name != "answers"}
    for each in report.contract or ():
        if not each.flips:
            groups[each.effect].append(each)
    return [(EFFECTS[effect], group) for effect, group in groups.items() if group]


def repeatability(report: Report) -> list[tuple[str, bool]]:
    """How each model repeats itself, in a sentence each, and whether that is as it should be.

    Two models of which nothing moved share one sentence.
    """
    found = report.repeatability
    if len(found) == 2 and all(map(_still, found.values())):
        sizes = {each.examples for each in found.values()}
        if len(sizes) == 1:
            return [(f"Both models repeat themselves: {_nothing(*found.values())}.", True)]
    return [(f"The {side} model {_told(each)}.", each.sound) for side, each in found.items()]


def _still(each: Repeatability) -> bool:
    return each.sound and not each.moved_on_repeat and not each.moved_by_batch


def _nothing(each: Repeatability, *_others: Repeatability) -> str:
    how = "on repeating" if each.moved_by_batch is None else "on repeating or in other batches"
    return f"no answer to the first {plural(each.examples, 'example')} moved {how}"


def _told(each: Repeatability) -> str:
    if _still(each):
        return f"repeats itself: {_nothing(each)}"
    first, parts = plural(each.examples, "example"), []
    if each.random:
        why = "does not repeat itself" if each.moved_on_repeat else "draws random numbers"
        parts.append(f"{why}: {each.moved_on_repeat:,} of the first {first} moved on repeating")
    if each.moved_by_batch and not each.random:
        moved = f"{each.moved_by_batch:,} of the first {first} moved with it"
        parts.append(f"answers by the batch: {moved}")
    elif each.depends_on_batch:
        parts.append(f"depends on the batch, though none of the first {first} moved with it")
    return "; ".join([*parts, f"it was {words.clean(each.done)}"])
