"""What two models are beside their answers: how their contracts differ, how each repeats itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Effect = Literal["answers", "update", "export", "cost", "order"]

EFFECTS: dict[str, str] = {
    "answers": "can flip answers by itself",
    "update": "part of what was updated",
    "export": "how it was exported; flips no answer by itself, as far as is known",
    "cost": "changes cost, not answers",
    "order": "same meaning, other order (compared by name)",
}
"""What a difference between two models does to the comparison, the most serious first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two models differ beside their answers; `note` says what was measured."""

    what: str
    old: str
    new: str
    effect: Effect
    note: str = ""

    def __post_init__(self) -> None:
        if not all(isinstance(text, str) for text in (self.what, self.old, self.new, self.note)):
            raise TypeError("a difference is told in texts")
        if self.effect not in EFFECTS:
            raise ValueError(f"{self.effect!r} is no effect of a difference")

    @property
    def flips(self) -> bool:
        """Whether it can flip answers by itself, whatever the models have learnt."""
        return self.effect == "answers"

    @property
    def told(self) -> str:
        """Its effect in words, with what was measured."""
        return EFFECTS[self.effect] + (f": {self.note}" if self.note else "")


@dataclass(frozen=True, slots=True)
class Repeatability:
    """How often a model's answers to the first examples moved without any change of the model.

    `moved_by_batch` counts answers that were others in another batch (alone, in odd batches, in
    reverse), None where the model takes no other batch; `confidence_shift` is by how much a
    confidence moved at most, None where there is none. `depends_on_batch` and `random` say what
    that makes of the model, and `done` how it was run therefore.
    """

    examples: int
    moved_on_repeat: int
    moved_by_batch: int | None
    confidence_shift: float | None
    depends_on_batch: bool
    random: bool
    done: str

    def __post_init__(self) -> None:
        counts = (self.examples, self.moved_on_repeat, self.moved_by_batch or 0)
        if any(isinstance(each, bool) or not isinstance(each, int) for each in counts):
            raise TypeError("answers that moved are counted")
        if not 0 <= min(counts) <= max(counts) <= self.examples:
            raise ValueError("more answers moved than there were examples")
        if not isinstance(self.done, str):
            raise TypeError("how a model was run is told in text")
        if self.confidence_shift is not None and not 0 <= self.confidence_shift <= 1:
            raise ValueError("a confidence moves by 0 to 1")

    @property
    def sound(self) -> bool:
        """Whether nothing moved and nothing had to be done."""
        return not (self.random or self.depends_on_batch)


def written(found: Iterable[Difference]) -> list[dict[str, Any]]:
    """Differences as JSON-ready values."""
    return [asdict(each) for each in found]


def differences_from(given: Any) -> tuple[Difference, ...] | None:
    """The differences that `written` wrote; None where a report has none, as an older one."""
    return None if given is None else tuple(Difference(**each) for each in given)


def repeatability_from(given: Mapping[str, Any] | None) -> dict[str, Repeatability]:
    """The repeatability of each side that a report tells of."""
    found = {side: Repeatability(**each) for side, each in (given or {}).items()}
    if not set(found) <= {"old", "new"}:
        raise ValueError("the repeatability of neither the old model nor the new")
    return found
