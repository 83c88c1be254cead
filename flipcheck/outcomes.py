"""The five joint outcomes of an example under two models, and their counts.

Everything after this module knows no task: classification, text answers and graded samples all
end here. See METRICS.md §1 for the cells. Two kinds of sources need more than five: one that
knows only right and wrong cannot split "both wrong"; and where the data's own verdict decides,
two right answers may differ ("3,000" and "3000"), and one answer may be judged two ways, so that
churn is not a function of the five.

Graded answers (a score for each, METRICS.md §1) are neither right nor wrong: their scores rise,
fall or stay, and these three are outcomes of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from flipcheck.texts import gathered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray


class Outcome(IntEnum):
    """What became of one example."""

    BOTH_RIGHT = 0
    NEGATIVE_FLIP = 1
    POSITIVE_FLIP = 2
    BOTH_WRONG_SAME = 3
    BOTH_WRONG_DIFFERENT = 4
    BOTH_WRONG_UNSPLIT = 5
    BOTH_RIGHT_DIFFERENT = 6
    NEGATIVE_FLIP_SAME = 7
    POSITIVE_FLIP_SAME = 8
    SCORE_UNCHANGED = 9
    SCORE_FELL = 10
    SCORE_ROSE = 11


CELLS = len(Outcome)
NEGATIVE_FLIPS = (Outcome.NEGATIVE_FLIP, Outcome.NEGATIVE_FLIP_SAME, Outcome.SCORE_FELL)
POSITIVE_FLIPS = (Outcome.POSITIVE_FLIP, Outcome.POSITIVE_FLIP_SAME, Outcome.SCORE_ROSE)


@dataclass(frozen=True, slots=True)
class Cells:
    """The counts of the outcomes: numbers, or arrays of one shape (slices, replicates).

    Three more are parts of the first three: right answers that differ, and flips of one and
    the same answer. They occur only where the data's own verdict decides. The last three occur
    where answers are graded, and nothing else does: scores that stay within the tolerance, and as
    parts of the flips those that fall and rise by more.
    """

    both_right: Any
    negative_flips: Any
    positive_flips: Any
    both_wrong_same: Any
    both_wrong_different: Any
    both_wrong_unsplit: Any
    both_right_different: Any = 0
    negative_flips_same: Any = 0
    positive_flips_same: Any = 0
    scores_unchanged: Any = 0
    scores_fallen: Any = 0
    scores_risen: Any = 0

    @classmethod
    def of(cls, counts: NDArray[Any]) -> Cells:
        """Cells from an array whose last axis has a count for each Outcome, in their order.

        Where nothing is graded, the outcomes of graded answers may be left out.
        """
        last = counts.shape[-1]
        return cls(*_whole(counts[..., each] if each < last else 0 for each in Outcome))

    @property
    def different_answers(self) -> Any:
        """Examples on which the two models give different answers."""
        flips = self.negative_flips + self.positive_flips
        same = self.negative_flips_same + self.positive_flips_same
        return flips - same + self.both_wrong_different + self.both_right_different

    @property
    def both_wrong(self) -> Any:
        """Examples that neither model gets right."""
        return self.both_wrong_same + self.both_wrong_different + self.both_wrong_unsplit

    @property
    def old_wrong(self) -> Any:
        """Errors of the old model."""
        return self.positive_flips + self.both_wrong

    @property
    def new_wrong(self) -> Any:
        """Errors of the new model."""
        return self.negative_flips + self.both_wrong

    @property
    def old_right(self) -> Any:
        """Right answers of the old model."""
        return self.both_right + self.negative_flips

    @property
    def new_right(self) -> Any:
        """Right answers of the new model."""
        return self.both_right + self.positive_flips

    @property
    def graded(self) -> Any:
        """Examples whose answers are graded, and neither right nor wrong."""
        return self.scores_unchanged + self.scores_fallen + self.scores_risen

    @property
    def could_break(self) -> Any:
        """Examples that the new model could break: right before, or graded."""
        return self.old_right + self.scores_unchanged + self.scores_risen

    @property
    def examples(self) -> Any:
        """All examples."""
        return self.old_right + self.old_wrong + self.scores_unchanged


def _whole(counts: Iterable[Any]) -> Iterator[Any]:
    """The fields of Cells from the count of each Outcome: the parts are added to their wholes."""
    right, negative, positive, same, different, unsplit, *parts, unchanged, fell, rose = counts
    wholes = (right, negative + fell, positive + rose)
    yield from (one + part for one, part in zip(wholes, parts, strict=True))
    yield from (same, different, unsplit, *parts, unchanged, fell, rose)


_counts: Callable[[Cells], tuple[Any, ...]] = attrgetter(*(each.name for each in fields(Cells)))
"""The counts of cells, in the order of their fields."""


@dataclass(frozen=True, slots=True)
class Tally(Cells):
    """Counts of the outcomes that add up: totals, slices, shards and workers are this one type."""

    both_right: int = 0
    negative_flips: int = 0
    positive_flips: int = 0
    both_wrong_same: int = 0
    both_wrong_different: int = 0
    both_wrong_unsplit: int = 0
    both_right_different: int = 0
    negative_flips_same: int = 0
    positive_flips_same: int = 0
    scores_unchanged: int = 0
    scores_fallen: int = 0
    scores_risen: int = 0

    def __post_init__(self) -> None:
        counts = _counts(self)
        for count in counts:
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                msg = f"a tally is made of whole numbers from 0, not {count!r}"
                raise ValueError(msg)
        if any(part > whole for whole, part in zip(counts[:3], counts[6:9], strict=True)):
            raise ValueError("a part of a tally is larger than its whole")
        if self.graded and counts != _graded_counts(*counts[9:]):
            raise ValueError("a tally is of graded answers or of others, never of both")

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(one + two for one, two in zip(_counts(self), _counts(other), strict=True)))

    @classmethod
    def of_counts(cls, counts: Iterable[int]) -> Tally:
        """The tally with a count for each Outcome, in their order; see `Cells.of`."""
        given = list(counts)
        return cls(*_whole([*given, *[0] * (CELLS - len(given))]))

    @property
    def split(self) -> bool:
        """Whether same and different wrong answers are told apart."""
        return not self.both_wrong_unsplit

    def counts(self) -> NDArray[np.int64]:
        """The count of each Outcome, in their order."""
        import numpy as np

        counts = np.array(_counts(self), dtype=np.int64)
        counts[:3] -= counts[6:9]
        counts[1:3] -= counts[10:]
        return counts

    def to_dict(self) -> dict[str, int | None]:
        """The tally as the JSON report writes it: what cannot be told apart is null.

        Five counts that add up to all examples; parts of them only where there are any. Graded
        answers have three, and none is right or wrong.
        """
        if self.graded:
            return dict.fromkeys(CELL_NAMES) | {
                "negative_flips": self.negative_flips,
                "positive_flips": self.positive_flips,
                UNCHANGED: self.scores_unchanged,
            }
        cells: dict[str, int | None] = {name: getattr(self, name) for name in CELL_NAMES}
        if not self.split:
            cells |= dict.fromkeys(CELL_NAMES[3:]) | {"both_wrong": self.both_wrong}
        return cells | {name: part for name in PART_NAMES if (part := getattr(self, name))}

    @classmethod
    def from_dict(cls, cells: dict[str, Any]) -> Tally:
        """The tally that `to_dict` wrote."""
        if UNCHANGED in cells:
            flips = (cells["negative_flips"], cells["positive_flips"])
            return cls(*_graded_counts(cells[UNCHANGED], *flips))
        kept, lost, won, same, different = (cells[name] for name in CELL_NAMES)
        parts = [cells.get(name, 0) for name in PART_NAMES]
        if same is None:
            return cls(kept, lost, won, 0, 0, cells["both_wrong"], *parts)
        return cls(kept, lost, won, same, different, 0, *parts)


CELL_NAMES = (
    "both_right",
    "negative_flips",
    "positive_flips",
    "both_wrong_same",
    "both_wrong_different",
)
PART_NAMES = ("both_right_different", "negative_flips_same", "positive_flips_same")
UNCHANGED = "unchanged"
"""What the JSON report calls scores that stay within the tolerance."""


def _graded_counts(unchanged: int, fallen: int, risen: int) -> tuple[int, ...]:
    """The fields of a tally of graded answers."""
    return (0, fallen, risen, *(0,) * 6, unchanged, fallen, risen)


EXTRAS = (
    *("cost", "excess_flips", "noise_flips"),
    *("gain", "regression", "small_gain", "small_regression", "old_above", "old_below"),
)
"""What is summed beside the outcomes where it is given; see Weighed."""


@dataclass(frozen=True, slots=True)
class Weighed(Cells):
    """Weighted sums in place of counts, and sums of what examples carry beside their outcome.

    `cost` is that of the negative flips. `excess_flips` and `noise_flips` are the two sides of
    the difference between the new model's negative flips and those of the old model run again.
    Scores rise by the `gain` and fall by the `regression` where that is more than the tolerance,
    elsewhere by the small ones; the old score is what is above 0 less what is below.
    """

    cost: Any = 0.0
    excess_flips: Any = 0.0
    noise_flips: Any = 0.0
    gain: Any = 0.0
    regression: Any = 0.0
    small_gain: Any = 0.0
    small_regression: Any = 0.0
    old_above: Any = 0.0
    old_below: Any = 0.0

    @property
    def score_change(self) -> Any:
        """The new scores less the old ones."""
        return self.gain - self.regression + (self.small_gain - self.small_regression)

    @property
    def old_score(self) -> Any:
        """The old scores."""
        return self.old_above - self.old_below

    @classmethod
    def of(cls, sums: NDArray[Any]) -> Weighed:
        """Sums from an array whose last axis has each Outcome, and then each of EXTRAS."""
        extras = (sums[..., CELLS + place] for place in range(len(EXTRAS)))
        return cls(*_whole(sums[..., outcome] for outcome in Outcome), *extras)


def outcomes(
    old_right: NDArray[np.bool_],
    new_right: NDArray[np.bool_],
    same_answer: NDArray[np.bool_] | None,
) -> NDArray[np.uint8]:
    """The outcome of each example, uint8 of the same length.

    `same_answer` says whether both models gave the same answer; None where the source knows only
    right and wrong.
    """
    import numpy as np

    place = old_right.view(np.uint8) * np.uint8(2)
    place += new_right.view(np.uint8)
    if same_answer is None:
        return gathered(np.array(UNSPLIT, np.uint8), place)
    place += same_answer.view(np.uint8) * np.uint8(4)
    return gathered(np.array(SPLIT, np.uint8), place)


UNSPLIT = (
    Outcome.BOTH_WRONG_UNSPLIT,
    Outcome.POSITIVE_FLIP,
    Outcome.NEGATIVE_FLIP,
    Outcome.BOTH_RIGHT,
)
"""The outcome by 2 · old right + new right, where nothing is known of the answers."""
SPLIT = (
    Outcome.BOTH_WRONG_DIFFERENT,
    Outcome.POSITIVE_FLIP,
    Outcome.NEGATIVE_FLIP,
    Outcome.BOTH_RIGHT_DIFFERENT,
    Outcome.BOTH_WRONG_SAME,
    Outcome.POSITIVE_FLIP_SAME,
    Outcome.NEGATIVE_FLIP_SAME,
    Outcome.BOTH_RIGHT,
)
"""The outcome by 4 · same answer + 2 · old right + new right."""
BLOCK = 1 << 16
"""How many examples are counted at a time: as many as stay in the processor's cache."""


def graded_outcomes(fell: NDArray[np.bool_], rose: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The outcome of each example whose answers are graded, uint8 of the same length."""
    import numpy as np

    stayed = np.where(rose, Outcome.SCORE_ROSE, Outcome.SCORE_UNCHANGED)
    return np.where(fell, Outcome.SCORE_FELL, stayed).astype(np.uint8)


def tally(codes: NDArray[np.uint8]) -> Tally:
    """The tally of outcomes."""
    import numpy as np

    counts = np.zeros(CELLS, np.int64)
    for at in range(0, len(codes), BLOCK):
        counts += np.bincount(codes[at : at + BLOCK], minlength=CELLS)
    return Tally.of_counts(counts.tolist())


def grouped_counts(codes: NDArray[np.uint8], groups: NDArray[Any], size: int) -> NDArray[np.int64]:
    """The count of each Outcome in each group, shape (size, CELLS), in one pass over all.

    `groups` holds each example's group, 0 to size - 1.
    """
    import numpy as np

    flat = np.zeros(size * CELLS, np.int64)
    block = max(BLOCK, len(flat))
    for at in range(0, len(codes), block):
        cells = groups[at : at + block].astype(np.int64)
        cells *= CELLS
        cells += codes[at : at + block]
        flat += np.bincount(cells, minlength=len(flat))
    return flat.reshape(size, CELLS)


def among(codes: NDArray[np.uint8], kinds: Sequence[Outcome]) -> NDArray[np.bool_]:
    """Which examples have one of these outcomes."""
    import numpy as np

    chosen = np.zeros(256, bool)
    chosen[list(kinds)] = True
    return gathered(chosen, codes)
