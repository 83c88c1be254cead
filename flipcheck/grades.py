"""The scores of both models' answers to the same examples, and when a score has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flipcheck.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

NOISE, MOSTLY = 1e-6, 0.5
"""Without a tolerance: changes of less than this share of the scores' range, and how many of all
changes they must be, for a warning that they may be rounding."""
FAR = 2.0
"""Where one side's scores are shares, the other's may be as large before it is another scale."""
FEW_CAN_FALL = 0.1
"""Where fewer of the answers than this could fall by more than the tolerance, that is told."""
LAST_DIGITS = 4
"""A difference of two scores that is the tolerance but for so many of its last digits, is it."""


@dataclass(frozen=True, slots=True)
class Grades:
    """Both models' scores, float64 of shape (examples,), higher is better.

    A score has changed where it differs by more than the `tolerance`. All scores are from `low` to
    `high`: a range that was given, 0 to 1 where all lie there, or what the scores of both models
    span.
    """

    old: NDArray[np.float64]
    new: NDArray[np.float64]
    tolerance: float = 0.0
    low: float = 0.0
    high: float = 1.0

    def __len__(self) -> int:
        return len(self.old)

    @classmethod
    def of(
        cls,
        old: NDArray[np.float64],
        new: NDArray[np.float64],
        tolerance: float = 0.0,
        within: tuple[float, float] | None = None,
    ) -> Grades:
        """The scores of both models. Raises FlipcheckError for scales that do not fit."""
        span = (float(min(old.min(), new.min())), float(max(old.max(), new.max())))
        if within is None:
            _check_scales(old, new)
        elif not within[0] <= span[0] <= span[1] <= within[1]:
            raise InputError(
                f"scores from {span[0]:g} to {span[1]:g}, and the range given is from "
                f"{within[0]:g} to {within[1]:g}",
                hint="give the range that the scores have by definition, or leave it out",
            )
        shares = (0.0, 1.0) if 0 <= span[0] <= span[1] <= 1 else None
        found = cls(old, new, tolerance, *(within or shares or span))
        if tolerance and tolerance >= found.high - found.low:
            raise UsageError(
                f"a tolerance of {tolerance:g}, and scores from {found.low:g} to {found.high:g}: "
                "none could ever change by more",
                hint="give a smaller --tolerance, in units of the score",
            )
        return found

    def take(self, rows: NDArray[np.int64]) -> Grades:
        """The scores of these examples, in their order."""
        return replace(self, old=self.old.take(rows), new=self.new.take(rows))

    @property
    def change(self) -> NDArray[np.float64]:
        """The new score of each example, less the old one."""
        return self.new - self.old

    @property
    def threshold(self) -> NDArray[np.float64] | float:
        """What a change must exceed: the tolerance, and what rounding may have added to it."""
        import numpy as np

        if not self.tolerance:
            return 0.0
        largest = np.maximum(np.maximum(np.abs(self.old), np.abs(self.new)), self.tolerance)
        return self.tolerance + LAST_DIGITS * np.finfo(float).eps * largest

    @property
    def fell(self) -> NDArray[np.bool_]:
        """Which scores fall by more than the tolerance: the negative flips."""
        return self.change < -self.threshold

    @property
    def rose(self) -> NDArray[np.bool_]:
        """Which scores rise by more than the tolerance: the positive flips."""
        return self.change > self.threshold

    @property
    def shielded(self) -> bool:
        """Whether the tolerance is larger than any fall that the old scores leave room for.

        Old scores that are all the least there is leave none whatever the tolerance.
        """
        return bool(self.low < self.old.max() <= self.low + self.tolerance)

    def doubts(self) -> Iterator[str]:
        """Warnings about scores that do not differ, or only by what may be rounding."""
        import numpy as np

        change = np.abs(self.change)
        differ = int((change > 0).sum())
        tiny = int(((change > 0) & (change <= NOISE * (self.high - self.low))).sum())
        if not differ:
            yield "no score differs between old and new: is it one and the same run?"
        elif not self.tolerance and tiny > MOSTLY * differ:
            yield (
                f"{tiny:,} of {differ:,} scores that differ do so by less than {NOISE:g} of their "
                "range, as rounding does: --tolerance says from when on a change counts"
            )
        room = float(((self.old - self.low) > self.tolerance).mean())
        if self.tolerance and room < FEW_CAN_FALL:
            yield (
                f"only {room:.1%} of the old scores could fall by more than the tolerance of "
                f"{self.tolerance:g}: the rate of negative flips can be no more"
            )
        inside = [bool(((each >= 0) & (each <= 1)).all()) for each in (self.old, self.new)]
        if inside[0] != inside[1]:
            which, other = ("old", "new") if inside[0] else ("new", "old")
            yield f"the {which} scores are from 0 to 1, and some of the {other} ones are not"


def _check_scales(old: NDArray[np.float64], new: NDArray[np.float64]) -> None:
    """Raise InputError where one side's scores are shares, and the other's of another scale."""
    import numpy as np

    for name, one, two in (("old", old, new), ("new", new, old)):
        largest = float(np.abs(two).max())
        if one.min() >= 0 and one.max() <= 1 and largest >= FAR:
            other = "new" if name == "old" else "old"
            raise InputError(
                f"the {name} scores are from 0 to 1, and the {other} ones reach {largest:g}: two "
                "scales cannot be compared",
                hint="write both on one scale; if they are on one, say so with --score-range, as "
                "in --score-range 0,100",
            )
