"""The five joint outcomes of an example under two models, and their counts.

Everything after this module knows no task: classification, text answers and graded samples all
end here. See METRICS.md §1 for the cells; a source that knows only right and wrong cannot split
"both wrong" into same and different, and counts those examples in a cell of their own.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


CELLS = len(Outcome)


@dataclass(frozen=True, slots=True)
class Cells:
    """The counts of the outcomes: numbers, or arrays of one shape (slices, replicates)."""

    both_right: Any
    negative_flips: Any
    positive_flips: Any
    both_wrong_same: Any
    both_wrong_different: Any
    both_wrong_unsplit: Any

    @classmethod
    def of(cls, counts: NDArray[Any]) -> Cells:
        """Cells from an array whose last axis has the six counts in the order of Outcome."""
        return cls(*(counts[..., outcome] for outcome in Outcome))

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
    def examples(self) -> Any:
        """All examples."""
        return self.old_right + self.old_wrong


@dataclass(frozen=True, slots=True)
class Tally(Cells):
    """Counts of the outcomes that add up: totals, slices, shards and workers are this one type."""

    both_right: int = 0
    negative_flips: int = 0
    positive_flips: int = 0
    both_wrong_same: int = 0
    both_wrong_different: int = 0
    both_wrong_unsplit: int = 0

    def __post_init__(self) -> None:
        for count in astuple(self):
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                msg = f"a tally is made of whole numbers from 0, not {count!r}"
                raise ValueError(msg)

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))

    @property
    def split(self) -> bool:
        """Whether same and different wrong answers are told apart."""
        return not self.both_wrong_unsplit

    def counts(self) -> NDArray[np.int64]:
        """The six counts, in the order of Outcome."""
        import numpy as np

        return np.array(astuple(self), dtype=np.int64)

    def to_dict(self) -> dict[str, int | None]:
        """The tally as the JSON report writes it: what cannot be told apart is null."""
        if self.split:
            return {name: getattr(self, name) for name in CELL_NAMES}
        known = {name: getattr(self, name) for name in CELL_NAMES[:3]}
        return known | dict.fromkeys(CELL_NAMES[3:]) | {"both_wrong": self.both_wrong}

    @classmethod
    def from_dict(cls, cells: dict[str, Any]) -> Tally:
        """The tally that `to_dict` wrote."""
        kept, lost, won, same, different = (cells[name] for name in CELL_NAMES)
        if same is None:
            return cls(kept, lost, won, 0, 0, cells["both_wrong"])
        return cls(kept, lost, won, same, different)


CELL_NAMES = (
    "both_right",
    "negative_flips",
    "positive_flips",
    "both_wrong_same",
    "both_wrong_different",
)


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

    if same_answer is None:
        wrong: Any = Outcome.BOTH_WRONG_UNSPLIT
    else:
        wrong = np.where(same_answer, Outcome.BOTH_WRONG_SAME, Outcome.BOTH_WRONG_DIFFERENT)
    kept = np.where(new_right, Outcome.BOTH_RIGHT, Outcome.NEGATIVE_FLIP)
    lost = np.where(new_right, Outcome.POSITIVE_FLIP, wrong)
    return np.where(old_right, kept, lost).astype(np.uint8)


def tally(codes: NDArray[np.uint8]) -> Tally:
    """The tally of outcomes."""
    import numpy as np

    return Tally(*np.bincount(codes, minlength=CELLS).tolist())


def grouped_counts(
    codes: NDArray[np.uint8], groups: NDArray[np.int32], size: int
) -> NDArray[np.int64]:
    """The counts of each group, shape (size, 6), in one pass over the examples.

    `groups` holds each example's group, 0 to size - 1.
    """
    import numpy as np

    flat = np.bincount(groups.astype(np.int64) * CELLS + codes, minlength=size * CELLS)
    return flat.reshape(size, CELLS)
