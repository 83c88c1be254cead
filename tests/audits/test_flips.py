"""The listed flips and kinds of flips come first by rules that no order of rows shows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from flipcheck.audits.flips import KINDS_LISTED, negative_flips
from flipcheck.outcomes import outcomes
from flipcheck.pairing import pair
from flipcheck.predictions import Predictions

SIZE, CLASSES = 3000, 300


def made(seed: int, confidence: str) -> tuple[Predictions, Predictions]:
    """An old and a new model's answers, their rows shuffled by a seed."""
    random = np.random.default_rng(0)
    ids, truth = np.arange(SIZE) * 7, random.integers(0, CLASSES, SIZE)
    answers = [np.where(random.random(SIZE) < 0.3, truth * 7 % 11, truth) for _ in range(2)]
    sure = np.round(random.random(SIZE), 1)
    sure[:: 5 if confidence == "gaps" else SIZE] = np.nan
    order = np.random.default_rng(seed).permutation(SIZE)
    old, new = (
        Predictions.from_arrays(
            each[order],
            truth[order],
            ids=ids[order],
            confidence=None if confidence == "none" else sure[order],
        )
        for each in answers
    )
    return old, new


@pytest.mark.parametrize("confidence", ["none", "ties", "gaps"])
@pytest.mark.parametrize("listed", [0, 1, 40, SIZE])
def test_listed_flips(confidence: str, listed: int) -> None:
    """The most confident come first, unknown confidences last, and ties by id."""
    old, new = made(1, confidence)
    paired = pair(old, new)
    codes = outcomes(paired.old_right, paired.new_right, paired.same_answer)
    found = negative_flips(paired, codes, listed)
    rows = np.flatnonzero(paired.old_right & ~paired.new_right).tolist()
    sure = [0.0] * SIZE if paired.new_confidence is None else paired.new_confidence.tolist()
    ids = paired.ids.to_pylist()
    rows.sort(key=lambda row: (np.isnan(sure[row]), -np.nan_to_num(sure[row]), ids[row]))
    assert [each.id for each in found.examples] == [str(ids[row]) for row in rows[:listed]]
    assert found.total == len(rows)


def test_kinds_of_flips() -> None:
    """The most frequent kinds come first, ties by name, whether counted in a table or not."""
    for seed in (1, 2):
        old, new = made(seed, "none")
        paired = pair(old, new)
        codes = outcomes(paired.old_right, paired.new_right, paired.same_answer)
        assert paired.old is not None
        assert paired.new is not None
        rows = np.flatnonzero(paired.old_right & ~paired.new_right)
        texts = zip(paired.old.texts(rows), paired.new.texts(rows), strict=True)
        counted = sorted((-count, *kind) for kind, count in Counter(texts).items())
        found = negative_flips(paired, codes, 0).transitions
        assert [(-each.count, each.old, each.new) for each in found] == counted[:KINDS_LISTED]
