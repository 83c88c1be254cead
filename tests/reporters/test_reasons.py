"""Why a release is stopped, in a few lines."""

from __future__ import annotations

import pytest

import flipcheck
from flipcheck.reporters.reasons import reasons

Y = ["cat", "dog"] * 20
NEW = ["dog", *Y[1:]]
HOSTILE = "\x1b[31mred\n::error::x"


def told(**options):
    """The reasons of an update that breaks one answer of forty."""
    return reasons(flipcheck.compare(Y, NEW, Y, resamples=0, **options))


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"gates": "churn <= 0.01%"}, ["fail: churn <= 0.01%", "2.50% (1 / 40), at least 0.128%"]),
        ({"gates": "churn <= 5%"}, ["inconclusive: churn <= 5%", "too small ever to pass"]),
        ({"gates": "churn <= 1%", "decide": "point"}, ["decided by the estimate"]),
        ({"gates": "churn <= 1%", "critical": ["1"]}, ["fail: critical_negative_flips <= 0"]),
        ({"gates": "churn <= 1% where class=cat"}, ["inconclusive: churn <= 1% where class=cat\n"]),
        ({"gates": "churn <= 1% by class"}, ["churn <= 1% by class [class=cat]"]),
        ({"gates": "churn <= 1%"}, ["1 negative flip: 1 cat → dog\n  1"]),  # which, and the id
    ],
)
def test_each_gate_that_stops_is_told(options, parts):
    """The gate, what was measured, the bound, and what would decide it."""
    assert all(part in told(**options) for part in parts)


def test_a_weighted_share_stands_without_counts_of_another():
    """One of forty answers is no fifth of them: the weights are what make it one."""
    found = told(gates="churn <= 1%", weight=[10.0, *[1.0] * 39])
    assert "20.41%, at least" in found
    assert "1 / 40" not in found


def test_gates_that_pass_are_not_told():
    """Only what stops the release is of interest."""
    assert "error_rate" not in told(gates=["churn <= 1%", "error_rate_change <= 90%"])


def test_many_gates_are_cut():
    """Five are shown, and how many more there are."""
    by = {"user": [f"u{row}" for row in range(40)]}
    lines = told(gates="negative_flip_rate <= 1% by user", by=by).splitlines()
    assert sum(line.startswith("  inconclusive") for line in lines) == 5
    assert "  and 35 more" in lines


def test_names_of_files_give_no_commands():
    """Control characters and what a CI server would obey stay text."""
    ids = [HOSTILE, *map(str, range(39))]
    text = told(gates=f"churn <= 1% by {HOSTILE}", by={HOSTILE: [HOSTILE] * 40}, id=ids)
    assert "\x1b" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
