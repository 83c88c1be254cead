"""Confidences counted in steps: against a naive loop, and through JSON."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flipcheck
from flipcheck.errors import InputError
from flipcheck.outcomes import Outcome
from flipcheck.report import Report, sealed
from flipcheck.report.confidences import BINS

GROUPS = {
    (True, True): "both_right",
    (True, False): "negative_flips",
    (False, True): "positive_flips",
    (False, False): "both_wrong",
}
ROWS = st.lists(
    st.tuples(
        st.booleans(),
        st.booleans(),
        st.one_of(st.just(math.nan), st.floats(0, 1, width=32)),
        st.one_of(st.just(math.nan), st.floats(0, 1, width=32)),
    ),
    min_size=1,
    max_size=40,
)


def audit(old, new, old_sure=None, new_sure=None, **options):
    """An audit of right and wrong answers (1 and 0) with these confidences."""
    sides = [
        flipcheck.Predictions.from_arrays(
            ["a" if right else "b" for right in answers],
            ["a"] * len(old),
            confidence=sure,
            name=name,
        )
        for name, answers, sure in (("old", old, old_sure), ("new", new, new_sure))
    ]
    return flipcheck.compare(*sides, resamples=0, **options)


@given(ROWS)
def test_steps_are_counted_as_a_loop_counts_them(rows):
    """For each side and outcome: how many confidences lie in which step."""
    old, new, *sure = zip(*rows, strict=True)
    found = audit(old, new, *sure).confidences
    for place, side in enumerate(("old", "new")):
        naive = {name: [0] * BINS for name in GROUPS.values()}
        for row in rows:
            value = row[2 + place]
            if not math.isnan(value):
                step = min(BINS - 1, int(np.float32(value) * np.float32(BINS)))
                naive[GROUPS[row[:2]]][step] += 1
        counted = getattr(found, side, None)
        if counted is None:
            assert not any(map(sum, naive.values()))
            continue
        assert {name: list(getattr(counted, name)) for name in naive} == naive


@pytest.mark.parametrize("step", range(BINS))
def test_a_round_confidence_is_in_the_step_it_begins(step):
    """0.7 is one "of 0.7 or more", though no float is 0.7; and 1 is in the last step."""
    sure = [np.float32(step / BINS), 1.0]
    found = audit([1, 1], [0, 0], new_sure=sure).confidences
    expected = [0] * BINS
    expected[step] += 1
    expected[-1] += 1
    assert list(found.new.negative_flips) == expected
    assert found.old is None


def test_without_confidences_there_are_none():
    """Neither a field in JSON, nor where all are unknown, nor for graded answers."""
    assert audit([1], [0]).confidences is None
    assert "confidences" not in audit([1], [0]).to_dict()
    assert audit([1], [0], [math.nan], [math.inf]).confidences is None
    sides = [flipcheck.Predictions.from_arrays(scores=[0.1, 0.2], confidence=[0.5, 0.5])] * 2
    assert flipcheck.compare(*sides, resamples=0).confidences is None


def test_confidences_that_are_no_shares_are_not_counted():
    """A column of logits or percentages is told of, and the other side is still counted."""
    report = audit([1, 1, 0], [0, 1, 1], [0.5, 0.6, 0.7], [97.5, -3, 12])
    assert report.confidences.new is None
    assert sum(report.confidences.old.negative_flips) == 1
    assert any("new model's confidences lie from -3 to 97.5" in each for each in report.warnings)


def test_rounding_above_one_is_one():
    """A softmax in half precision may end a little above 1."""
    report = audit([1], [0], new_sure=[1.000001])
    assert report.confidences.new.negative_flips[-1] == 1
    assert report.warnings == audit([1], [0], new_sure=[0.5]).warnings


def test_every_outcome_is_in_one_group():
    """Of every outcome of answers that are right or wrong, the group is that of the tally."""
    from flipcheck.audits.sureness import _groups
    from flipcheck.outcomes import Cells

    names = list(GROUPS.values())
    groups = _groups()
    for outcome in list(Outcome)[:9]:
        cells = Cells.of(np.eye(len(Outcome), dtype=int)[outcome])
        assert getattr(cells, names[groups[outcome]]) == 1


def test_more_rows_than_a_block_are_counted(monkeypatch):
    """The blocks add up."""
    monkeypatch.setattr("flipcheck.audits.sureness.BLOCK", 7)
    values = np.linspace(0, 1, 100, dtype=np.float32)
    found = audit([1] * 100, [0] * 100, values, values).confidences
    assert sum(found.new.negative_flips) == 100
    assert found.new == found.old


def test_they_go_through_json():
    """And come back as they were."""
    report = audit([1, 0, 1], [0, 0, 1], [0.5, 0.6, 0.7], [0.9, math.nan, 1])
    again = Report.from_dict(report.to_dict())
    assert again.confidences == report.confidences
    assert again.to_dict() == report.to_dict()


DAMAGE = {
    "more than there are": lambda c: c["new"]["negative_flips"].__setitem__(3, 9),
    "less than none": lambda c: c["new"]["negative_flips"].__setitem__(3, -1),
    "no whole number": lambda c: c["new"]["both_right"].__setitem__(3, 0.5),
    "a truth value": lambda c: c["new"]["both_right"].__setitem__(3, True),
    "too few steps": lambda c: c["new"]["both_wrong"].pop(),
    "one side only": lambda c: c.pop("old"),
    "a side of another kind": lambda c: c.update(old=[1]),
    "a third side": lambda c: c.update(other=None),
    "an outcome too few": lambda c: c["new"].pop("both_wrong"),
    "nothing known": lambda c: c.update(old=None, new=None),
}


@pytest.mark.parametrize("change", DAMAGE)
def test_damaged_confidences_are_refused(change):
    """Counts that are none, or are not those of the tally, even under a digest made again."""
    written = audit([1, 0, 1], [0, 0, 1], [0.5, 0.6, 0.7], [0.9, 0.1, 1]).to_dict()
    DAMAGE[change](written["confidences"])
    with pytest.raises(InputError, match="damaged report"):
        Report.from_dict(sealed(written))
