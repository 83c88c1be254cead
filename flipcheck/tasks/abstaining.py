"""Answers that decline: counted apart from wrong ones, and never right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flipcheck.errors import InputError, UsageError, listed, plural
from flipcheck.labels import MISSING, Labels

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

NO_ANSWER = ""
"""In `--abstain`: that an answer is missing."""


@dataclass(frozen=True, slots=True)
class Declined:
    """How many of one side's answers abstain, how many answer, and how many of these are wrong."""

    abstained: int
    answered: int
    wrong: int

    def __post_init__(self) -> None:
        for count in (self.abstained, self.answered, self.wrong):
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise ValueError("abstentions are counted in whole numbers from 0")
        if self.wrong > self.answered:
            raise ValueError("more wrong answers than answers")

    @property
    def coverage(self) -> float:
        """The share of examples that are answered."""
        return self.answered / (self.abstained + self.answered)

    @property
    def error(self) -> float | None:
        """The share of wrong answers among the answers; None where there are none."""
        return self.wrong / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class Abstentions:
    """Both sides' abstentions, and how many negative flips are abstentions of the new model."""

    values: tuple[str, ...]
    old: Declined
    new: Declined
    flips_by_abstention: int
    flips_by_wrong_answer: int

    def __post_init__(self) -> None:
        one, two = (side.abstained + side.answered for side in (self.old, self.new))
        if one != two or min(self.flips_by_abstention, self.flips_by_wrong_answer) < 0:
            raise ValueError("the abstentions of the two sides do not belong together")
        if not all(isinstance(value, str) for value in self.values):
            raise ValueError("the values of abstentions are texts")
        if self.flips_by_abstention > self.new.abstained:
            raise ValueError("more flips by abstention than abstentions")


def abstentions(
    values: Sequence[str],
    names: tuple[str, str],
    classes: Collection[str],
    answers: tuple[Labels | None, Labels | None],
    right: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> Abstentions:
    """The abstentions of the paired examples, the old side first; `classes` can be right.

    Raises UsageError where a value is a class, InputError for abstentions that are judged right,
    and for an old model that only abstains: it could break nothing.
    """
    _check_no_class(values, classes)
    declined = tuple(
        declining(name, each, values) for name, each in zip(names, answers, strict=True)
    )
    for name, each, judged in zip(names, declined, right, strict=True):
        count = int((each & judged).sum())
        if count:
            raise InputError(
                f"{name}: {plural(count, 'abstention')} that its verdict calls right",
                hint="an abstention is never right: leave --abstain or --correct out",
            )
    if declined[0].all():
        raise InputError(
            f"{names[0]}: it abstains on every example",
            hint="an old model that is never right can break nothing, so that any update would "
            "pass: check the values of --abstain",
        )
    sides = [
        Declined(int(each.sum()), int((~each).sum()), int((~each & ~judged).sum()))
        for each, judged in zip(declined, right, strict=True)
    ]
    flips = right[0] & ~right[1]
    lost = int((flips & declined[1]).sum())
    return Abstentions(tuple(values), sides[0], sides[1], lost, int(flips.sum()) - lost)


def declining(name: str, answers: Labels | None, values: Sequence[str]) -> NDArray[np.bool_]:
    """Which answers abstain. Raises UsageError where a source knows no answers."""
    import numpy as np

    if answers is None:
        raise UsageError(
            f"--abstain speaks of answers, and {name} only says what is right",
            hint="name its column of answers with --prediction, or leave --abstain out",
        )
    codes = [code for code, each in enumerate(answers.names) if each in values and each]
    if NO_ANSWER in values:
        codes.append(MISSING)
    return np.isin(answers.codes, codes)


def unused(values: Sequence[str], answers: Sequence[Labels | None]) -> list[str]:
    """A warning for values that no answer of either side has."""
    if not any(values):
        return []  # without a look at every answer
    there = {name for labels in answers if labels for name in labels.used()}
    idle = [value for value in values if value and value not in there]
    return [f"--abstain {listed(idle)}: no answer of either side says so"] if idle else []


def _check_no_class(values: Sequence[str], classes: Collection[str]) -> None:
    found = [value for value in values if value in classes]
    if found:
        raise UsageError(
            f"--abstain {listed(found)}: the labels have it too, so that it is a class",
            hint="leave it out: an answer that can be right is no abstention",
        )
