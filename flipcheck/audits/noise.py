"""Wrong labels: what they could do to the negative flips, and which to look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.audits.flips import answers_of, by_id, confidences
from flipcheck.errors import UsageError
from flipcheck.labels import MISSING
from flipcheck.outcomes import Outcome, tally
from flipcheck.policy import JudgedBy, LabelNoise, Suspect, wrong_labels
from flipcheck.stats.label_noise import breakable, flips_between, joint_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.pairing import Paired
    from flipcheck.report import Settings

TWICE, SURER, AGREE, NEITHER, MENDED, WEAK = range(6)
REASONS = {
    TWICE: "one answer, judged two ways",
    SURER: "new answer differs, no less sure",
    AGREE: "both give the same other answer",
    NEITHER: "neither model gives the label",
    MENDED: "old answer differs, no less sure",
    WEAK: "the less sure answer differs",
}
"""Why a label is worth a second look, the most telling first."""

UNKNOWN = {
    SURER: "new answer differs",
    MENDED: "old answer differs",
}
"""The reasons that compare confidences, where one is missing."""


def label_noise(
    share: float,
    paired: Paired,
    codes: NDArray[np.uint8],
    accepted: NDArray[np.uint8],
    settings: Settings,
) -> LabelNoise:
    """The negative flip rate if up to this share of the labels is wrong, and which may be.

    What was waived (right in `accepted`) needs no other label.
    """
    total, judged_by = tally(codes), _judged_by(paired)
    labels = wrong_labels(share, total.examples)
    if not labels:
        raise UsageError(
            f"--label-noise {share:.10g}: of {total.examples:,} examples that is not one label",
            hint=f"give at least {1 / total.examples:.2g}",
        )
    flips = flips_between(total.negative_flips, labels, breakable(total, judged_by))
    suspects, relabel = _relabel(paired, accepted, settings.listed)
    return LabelNoise(
        share,
        labels,
        judged_by,
        flips,
        (flips[0] / total.examples, flips[1] / total.examples),
        joint_interval(flips, total.examples, settings.confidence),
        suspects,
        relabel,
    )


def _judged_by(paired: Paired) -> JudgedBy:
    """By the label where an answer is right if, and only if, it is the label."""
    truth = paired.truth
    if truth is None or paired.old is None or paired.new is None or truth.missing:
        return "verdict"
    sides = ((paired.old, paired.old_right), (paired.new, paired.new_right))
    equal = all(((side.codes == truth.codes) == right).all() for side, right in sides)
    return "label" if equal else "verdict"


def _relabel(
    paired: Paired, codes: NDArray[np.uint8], count: int
) -> tuple[int, tuple[Suspect, ...]]:
    """How many labels some answer speaks against, and those to look at first.

    By reason, in the order of REASONS: first what makes negative flips, then what both models
    deny. Within a reason by the confidence in the other answer less that in the label, where an
    unknown confidence counts as one half; then by id.
    """
    import numpy as np

    right = (Outcome.BOTH_RIGHT, Outcome.BOTH_RIGHT_DIFFERENT)
    rows = np.flatnonzero(~np.isin(codes, right))
    rows = by_id(paired, rows[_contradicted(paired, rows)])
    kinds, margins = _suspicion(paired, rows, codes[rows])
    order = np.lexsort((-margins, kinds))[:count]  # stable, so that ties stay in the order of ids
    first = rows[order]
    sure = [confidences(each, first) for each in (paired.old_confidence, paired.new_confidence)]
    reasons = [
        (UNKNOWN if None in both else REASONS).get(kind, REASONS[kind])
        for kind, *both in zip(kinds[order].tolist(), *sure, strict=True)
    ]
    told = zip(answers_of(paired, first), *sure, reasons, strict=True)
    return len(rows), tuple(Suspect(*texts, *rest) for texts, *rest in told)


def _contradicted(paired: Paired, rows: NDArray[np.int64]) -> Any:
    """Where a model that is wrong gave an answer at all."""

    def spoke(answers: Labels | None) -> Any:
        return True if answers is None else answers.codes[rows] != MISSING

    old_wrong, new_wrong = ~paired.old_right[rows], ~paired.new_right[rows]
    return (old_wrong & spoke(paired.old)) | (new_wrong & spoke(paired.new))


def _suspicion(
    paired: Paired, rows: NDArray[np.int64], codes: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The reason to doubt each row's label, and how strong it is (−1 to 2)."""
    import numpy as np

    old = _sure(paired.old, paired.old_confidence, rows)
    new = _sure(paired.new, paired.new_confidence, rows)
    broken, mended = codes == Outcome.NEGATIVE_FLIP, codes == Outcome.POSITIVE_FLIP
    same, other = codes == Outcome.BOTH_WRONG_SAME, codes == Outcome.BOTH_WRONG_DIFFERENT
    twice = np.isin(codes, (Outcome.NEGATIVE_FLIP_SAME, Outcome.POSITIVE_FLIP_SAME))
    margins = np.select(
        [broken, mended, other, twice],
        [new - old, old - new, np.maximum(old, new), np.zeros(len(rows))],
        old + new,
    )
    known = _compared(paired.old_confidence, rows) & _compared(paired.new_confidence, rows)
    weak = (broken | mended) & (margins < 0) & known
    kinds = np.select(
        [twice, weak, broken, mended, same], [TWICE, WEAK, SURER, MENDED, AGREE], NEITHER
    )
    return kinds, margins


def _sure(
    answers: Labels | None, confidence: NDArray[np.float32] | None, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How sure each row's answer is: one half where that is unknown, 0 where there is none."""
    import numpy as np

    found = np.full(len(rows), 0.5)
    if confidence is not None:
        given = confidence[rows].astype(float)
        found = np.where(np.isfinite(given), given, found)
    return found if answers is None else np.where(answers.codes[rows] == MISSING, 0.0, found)


def _compared(confidence: NDArray[np.float32] | None, rows: NDArray[np.int64]) -> Any:
    """Where there is a confidence to compare."""
    import numpy as np

    return False if confidence is None else np.isfinite(confidence[rows])
