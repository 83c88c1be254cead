"""How sure both models are of their answers, counted by what became of the examples."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flipcheck.outcomes import Tally

BINS = 20
"""Confidences are counted in so many steps from 0 to 1; each holds its lower end, the last both."""

Counts = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sureness:
    """How many of one model's answers lie in each step of confidence, by outcome.

    An answer whose confidence is unknown is in none.
    """

    both_right: Counts
    negative_flips: Counts
    positive_flips: Counts
    both_wrong: Counts

    def __post_init__(self) -> None:
        for each in fields(self):
            counts = getattr(self, each.name)
            whole = all(type(count) is int and count >= 0 for count in counts)
            if type(counts) is not tuple or len(counts) != BINS or not whole:
                raise ValueError(f"its confidences of {each.name} are no {BINS} counts")

    @property
    def known(self) -> int:
        """How many confidences are known."""
        return sum(sum(getattr(self, each.name)) for each in fields(self))


@dataclass(frozen=True, slots=True)
class Confidences:
    """How sure the old and the new model are of their answers; None for a side that is not known.

    Of a negative flip, that is the old model's confidence in the right answer, and the new
    model's in the wrong one.
    """

    old: Sureness | None
    new: Sureness | None

    def to_dict(self) -> dict[str, Any]:
        """Both sides as JSON-ready values."""
        return {name: _written(side) for name, side in (("old", self.old), ("new", self.new))}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Confidences:
        """What `to_dict` wrote. Raises ValueError or TypeError for anything else."""
        if set(written) != {"old", "new"}:
            raise ValueError("its confidences are not those of two sides")
        return cls(**{name: _read(side) for name, side in written.items()})


def check_confidences(found: Confidences | None, tally: Tally) -> None:
    """Raise ValueError for confidences of more answers than there are."""
    if found is None:
        return
    sides = [side for side in (found.old, found.new) if side is not None]
    if tally.graded or not sides or not all(side.known for side in sides):
        raise ValueError("it has confidences, and there are none")
    for side in sides:
        for each in fields(side):
            if sum(getattr(side, each.name)) > getattr(tally, each.name):
                raise ValueError(f"its tally and its confidences of {each.name} differ")


def _written(side: Sureness | None) -> dict[str, list[int]] | None:
    if side is None:
        return None
    return {each.name: list(getattr(side, each.name)) for each in fields(side)}


def _read(written: Mapping[str, Any] | None) -> Sureness | None:
    if written is None:
        return None
    return Sureness(**{name: tuple(counts) for name, counts in written.items()})
