"""How sure both models are of their answers: confidences counted in steps, by outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.outcomes import CELLS, NEGATIVE_FLIPS, POSITIVE_FLIPS, Outcome
from flipcheck.report.confidences import BINS, Confidences, Sureness

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.pairing import Paired

BLOCK = 1 << 18
"""How many rows are counted at a time."""
ROUNDING = 1e-5
"""By how much a softmax in half precision may leave the range from 0 to 1."""


def confidences(
    paired: Paired, codes: NDArray[np.uint8]
) -> tuple[Confidences | None, tuple[str, ...]]:
    """How sure both sides are, and a note for each side whose confidences are no shares.

    None where no side has confidences, and where answers are graded.
    """
    if paired.grades is not None:
        return None, ()
    notes: list[str] = []
    sides = [
        _side(name, values, codes, notes)
        for name, values in (("old", paired.old_confidence), ("new", paired.new_confidence))
    ]
    found = Confidences(*sides) if any(sides) else None
    return found, tuple(notes)


def _side(
    name: str, values: NDArray[np.float32] | None, codes: NDArray[np.uint8], notes: list[str]
) -> Sureness | None:
    """How sure one side is; None where that is unknown for all, or in another unit than a share."""
    import numpy as np

    if values is None:
        return None
    low, high = np.inf, -np.inf
    counts = np.zeros(4 * (BINS + 1), np.int64)
    groups = _groups()
    for at in range(0, len(values), BLOCK):
        here = slice(at, at + BLOCK)
        sure = values[here]
        unknown = ~np.isfinite(sure)
        sure = np.where(unknown, np.float32(np.nan), sure)
        low, high = np.fmin.reduce(sure, initial=low), np.fmax.reduce(sure, initial=high)
        steps = np.clip(np.where(unknown, 0, sure * np.float32(BINS)), 0, BINS - 1).astype(np.int64)
        steps[unknown] = BINS
        counts += np.bincount(groups[codes[here]] * (BINS + 1) + steps, minlength=len(counts))
    if low < -ROUNDING or high > 1 + ROUNDING:
        notes.append(
            f"the {name} model's confidences lie from {low:.4g} to {high:.4g} and are no shares: "
            "how sure its answers are is not counted"
        )
        return None
    by_outcome = counts.reshape(4, BINS + 1)[:, :BINS].tolist()
    found = Sureness(*map(tuple, by_outcome))
    return found if found.known else None


def _groups() -> NDArray[np.int64]:
    """For each outcome the field of Sureness that counts it."""
    import numpy as np

    groups = np.full(CELLS, 3)
    groups[[Outcome.BOTH_RIGHT, Outcome.BOTH_RIGHT_DIFFERENT]] = 0
    groups[list(NEGATIVE_FLIPS)] = 1
    groups[list(POSITIVE_FLIPS)] = 2
    return groups
