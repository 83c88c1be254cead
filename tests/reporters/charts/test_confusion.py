"""The matrix of flips: its counts against a naive count, and what is not in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flipcheck
from flipcheck.report import Transition
from flipcheck.reporters import REPORTERS, words
from flipcheck.reporters.html import charts
from flipcheck.reporters.html.charts.confusion import MOST
from flipcheck.tasks.told import Judged


@pytest.fixture(scope="module")
def report(audited):
    """Any audit; its kinds of flips are replaced."""
    return audited(("x", 3, 9), ("y", 1, 9))


def with_kinds(report, kinds, rest=0):
    """The report with flips of these kinds, (old, new) to a count, and more that are not listed."""
    listed = tuple(Transition(old, new, count) for (old, new), count in kinds.items())
    total = sum(kinds.values()) + rest
    return replace(
        report, negative_flips=replace(report.negative_flips, total=total, transitions=listed)
    )


NAMES = st.one_of(st.none(), st.sampled_from([f"class {place}" for place in range(40)]))
KINDS = st.dictionaries(st.tuples(NAMES, NAMES), st.integers(1, 10**6), min_size=2, max_size=80)


@given(KINDS, st.integers(0, 9))
def test_every_flip_is_counted_once(report, kinds, rest):
    """Cells add up to the listed kinds, with the rest to all flips; each one is a naive sum."""
    found = charts.matrix(with_kinds(report, kinds, rest))
    assert sum(map(sum, found.counts)) == sum(kinds.values())
    assert found.rest == rest
    assert len(found.rows) <= MOST
    assert len(found.columns) <= MOST
    for row, counts in zip(found.rows, found.counts, strict=True):
        for column, count in zip(found.columns, counts, strict=True):
            named = [
                each
                for (old, new), each in kinds.items()
                if words.answer(old) == row and words.answer(new) == column
            ]
            if "others" not in row + column:
                assert count == sum(named)


@given(KINDS)
def test_the_most_frequent_answers_have_rows_of_their_own(report, kinds):
    """The rows are those of most flips, in that order; what is together in the last is rarer."""
    found = charts.matrix(with_kinds(report, kinds))
    by_old = Counter()
    for (old, _), count in kinds.items():
        by_old[words.answer(old)] += count
    sums = [sum(row) for row in found.counts]
    own = [row for row in found.rows if not row.endswith(" others")]
    assert (
        [by_old[row] for row in own] == sums[: len(own)] == sorted(sums[: len(own)], reverse=True)
    )
    assert all(by_old[name] <= sums[len(own) - 1] for name in by_old if name not in own)


def test_the_cells_say_their_counts(report, parsed, classed):
    """Each cell with flips has its count as text, and is the stronger the more they are."""
    kinds = {("cat", "dog"): 9, ("cat", "eel"): 3, ("dog", "cat"): 1}
    root = parsed(charts.confusion(with_kinds(report, kinds)))
    shades = {}
    for cell in classed(root, "kind"):
        title, box, *texts = cell
        kind, count = title.text.rsplit(": ", 1)
        assert [each.text for each in texts] == ([] if count == "0" else [count])
        shades[kind] = float(box.get("fill-opacity"))
    assert len(shades) == 2 * 3
    assert shades["cat → dog"] > shades["cat → eel"] > shades["dog → cat"] > shades["dog → dog"]
    assert shades["cat → eel"] < 0.6
    assert "cat → dog 9, cat → eel 3, dog → cat 1" in root.get("aria-label")


def test_flips_without_answers_make_no_matrix():
    """Where only right and wrong is known, there are no kinds and no chart."""
    sides = [
        flipcheck.Predictions.from_arrays(correct=right, name=name)
        for name, right in (("old", [1, 1, 1, 0]), ("new", [0, 1, 0, 1]))
    ]
    report = flipcheck.compare(*sides, resamples=0)
    assert charts.matrix(report) is None
    assert charts.confusion(report) == ""


@pytest.mark.parametrize(
    ("kinds", "task"),
    [
        pytest.param({("a", "b"): 7}, None, id="one kind is a sentence"),
        pytest.param({}, None, id="no flips"),
        pytest.param(
            {("a", "b"): 7, ("b", "a"): 2}, Judged("text"), id="free texts are no classes"
        ),
        pytest.param(
            {("a", "b"): 7, ("b", "a"): 2}, Judged("ranked", top_k=5), id="first of several answers"
        ),
    ],
)
def test_no_matrix_where_it_would_say_nothing(report, kinds, task):
    """And then no chart either."""
    found = replace(with_kinds(report, kinds), task=task)
    assert charts.matrix(found) is None
    assert charts.confusion(found) == ""


def test_what_is_not_listed_is_said(report):
    """Flips of kinds that are not listed are in no cell, and the page says how many they are."""
    found = with_kinds(report, {("a", "b"): 4, ("b", "a"): 2}, rest=1_000)
    page = REPORTERS["html"](found)
    assert "1,000 of 1,006 are of rarer kinds" in page
    whole = REPORTERS["html"](with_kinds(report, {("a", "b"): 4, ("b", "a"): 2}))
    assert "rarer kinds" not in whole


HOSTILE = '</title></svg><script>alert(1)</script>"&\x07'


def test_hostile_answers_are_texts(report, parsed, classed):
    """An answer from a file is no markup."""
    found = with_kinds(report, {(HOSTILE, "b"): 4, ("b", HOSTILE): 2})
    root = parsed(charts.confusion(found))
    assert len(classed(root, "cell")) == 4
    assert f"{words.answer(HOSTILE)} → b: 4" in [each[0].text for each in classed(root, "kind")]


def test_several_kinds_together_are_no_kind(report, parsed, classed):
    """Cells of other answers are grey, and do not take the colour from the kinds."""
    kinds = {(f"class {place:02}", "cat"): 40 - place for place in range(30)}
    kinds[("cat", "dog")] = 3
    root = parsed(charts.confusion(with_kinds(report, kinds)))
    cells = {each[0].text: each[1] for each in classed(root, "kind")}
    together = cells[f"20 others → cat: {sum(40 - place for place in range(11, 30))}"]
    assert together.get("fill") != cells["class 00 → cat: 40"].get("fill")
    assert float(cells["class 00 → cat: 40"].get("fill-opacity")) == pytest.approx(0.6)


@pytest.mark.parametrize("classes", [MOST - 1, MOST, MOST + 1])
def test_the_last_row_is_of_others_only_where_there_are_more(report, classes):
    """Twelve answers have twelve rows of their own."""
    kinds = {(f"class {place:02}", "cat"): 50 - place for place in range(classes)}
    found = charts.matrix(with_kinds(report, kinds))
    assert len(found.rows) == min(classes, MOST)
    assert any("others" in row for row in found.rows) is (classes > MOST)
    assert found.named == (classes if classes <= MOST else MOST - 1, 1)
    assert found.most == 50
