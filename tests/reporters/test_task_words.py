"""What the reports say of tasks other than one class an example."""

from __future__ import annotations

import pytest

import flipcheck
from flipcheck.reporters import REPORTERS


@pytest.fixture
def ranked(table):
    """An update that loses the truth `b` from the best two of two examples; both are first `a`."""
    old = table("old.csv", "id,label,label_0,label_1", "1,b,a,b", "2,b,a,b", "3,c,c,a")
    new = table("new.csv", "id,label,label_0,label_1", "1,b,a,c", "2,b,a,c", "3,c,c,a")
    return flipcheck.compare(old, new, top_k=2, resamples=0)


def test_first_answers_are_not_what_broke(ranked):
    """Where the second best may be right, "a → a" says nothing: the truth that was lost does."""
    assert ranked.tally.negative_flips == 2
    for name, write in REPORTERS.items():
        if name != "json":
            assert "What broke" not in write(ranked), name
    told = str(ranked)
    assert "a → a; look at these" not in told
    assert "b: a → a" in told
    assert "| old first | new first |" in REPORTERS["markdown"](ranked)


def test_the_task_keeps_its_indent(table):
    """A task of two lines is one block at 80 columns."""
    path = table("old.csv", "id,label,prediction", "1,a b,a b", "2,b,b")
    report = flipcheck.compare(
        path, path, normalise="strip,spaces,case,punctuation,articles,accents", resamples=0
    )
    lines = str(report).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("  task  "))
    assert lines[start + 1].startswith(" " * 8 + "punctuation"), lines[start : start + 2]


def test_no_column_of_confidences_that_there_are_none_of(table):
    """Answers without confidences have no column of dashes on the page; others have theirs."""
    pages = {}
    for more in ("", ",0.9"):
        old = table("old.csv", f"id,label,prediction{more and ',confidence'}", f"1,a,a{more}")
        new = table("new.csv", f"id,label,prediction{more and ',confidence'}", f"1,a,b{more}")
        report = flipcheck.compare(old, new, resamples=0)
        pages[more] = REPORTERS["html"](report).count(">confidence</button>")
    assert pages == {"": 0, ",0.9": 1}
