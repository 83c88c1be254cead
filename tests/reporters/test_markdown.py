"""The Markdown report: what it says first, how short it can be, and that nothing hostile acts."""

from __future__ import annotations

import re

import pytest
from hostile import HOSTILE, MARK, hostile_report
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import flipcheck
from flipcheck.cli.github import LIMIT as SUMMARY
from flipcheck.reporters import REPORTERS
from flipcheck.reporters.markdown import COMMENT, MARKER, marker, render
from flipcheck.reporters.markdown.marks import MARKUP, code, prose, table

OURS = re.compile(
    r"<!-- flipcheck-report( [0-9a-f]{12})? -->|</?details>|</?sub>"
    r"|<summary>[A-Za-z ]+( \([0-9, ofkinds]+\))?</summary>"
)
"""Every tag and comment that is ours."""
AUTOLINKS = re.compile(r"://|www\.|@|#\d|GH-\d", re.IGNORECASE)
"""What GitHub makes links and mentions of, in text that is no code."""


def tokens(text):
    """Every token of a Markdown text, those within paragraphs and cells too."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for each in parser.parse(text):
        yield each
        yield from each.children or ()


def check_harmless(text):
    """Raise AssertionError where a text holds an element, link or image that is not ours."""
    for each in tokens(text):
        assert each.type not in {"link_open", "image", "fence", "code_block", "blockquote_open"}
        if each.type in {"html_block", "html_inline"}:
            assert not OURS.sub("", each.content).strip(), each.content
        elif each.type == "text":
            assert not AUTOLINKS.search(each.content), each.content
            assert not re.search(r"<[^\d]", each.content)
        elif each.type in {"heading_open", "list_item_open"}:
            assert each.markup in {"##", "###", "-"}


@pytest.fixture(scope="module")
def report():
    """A report of hostile texts only."""
    return hostile_report()


@pytest.mark.parametrize("most", [None, SUMMARY, COMMENT, 20_000, 3_000], ids=str)
def test_nothing_hostile_is_markup(report, most):
    """What a CommonMark parser makes of the report has no element that is not ours."""
    text = render(report, most=most)
    check_harmless(text)
    assert MARK in text


def test_hostile_text_is_in_code_spans_alone(report):
    """Not one text that could be markup stands outside of code."""
    found = [each for each in tokens(render(report, most=None)) if MARK in each.content]
    kinds = {each.type for each in found} - {"inline"}
    assert kinds <= {"code_inline", "text"}
    odd = [each.content for each in found if each.type == "text" and MARKUP.search(each.content)]
    assert not odd


def test_no_control_character_is_left(report):
    """Nothing moves a cursor, turns a line around or is invisible."""
    for line in render(report, most=None).split("\n"):
        assert line.isprintable()
        assert not line.lstrip().startswith(("::", "##["))


def test_every_table_keeps_its_columns(report):
    """A pipe in a name ends no cell: each row has as many as the header."""
    counts, width = [], 0
    for each in tokens(render(report, most=None)):
        if each.type == "tr_open":
            width = 0
        elif each.type in {"th_open", "td_open"}:
            width += 1
        elif each.type == "tr_close":
            counts.append(width)
        elif each.type == "table_close":
            assert len(set(counts)) == 1
            assert counts[0] > 1
            counts = []


@pytest.mark.parametrize("text", HOSTILE)
def test_a_code_span_says_what_it_holds(text):
    """Parsed again it is the cleaned text, cut where that is too long; in a cell too."""
    cell = table(("a", "b"), [(code(text), "x")])
    for span in (code(text), cell):
        (found,) = (each for each in tokens(span) if each.type == "code_inline")
        shown = flipcheck.reporters.words.clean(text)
        assert len(found.content) <= 200
        assert found.content.strip() in {shown.strip(), f"{shown[:199]}…".strip()}


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_harmless(text):
    """In a code span, in a sentence and in a cell."""
    for shown in (code(text), prose(text)):
        check_harmless(shown)
        check_harmless(table(("a", "b"), [(shown, "x")]))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("about 877 examples would decide it at these rates; there are 240", True),
        ("up to 5% of the labels (27) are wrong", True),
        ("the old model's answers moved, 3 of 32", True),
        ("see https://evil.example", False),
        ("line\nbreak", False),
        ("a_b is one word", True),
        ("_a_ is not", False),
        ("- no list", False),
        ("1. no list", False),
        ("0123abc is a commit", False),
    ],
)
def test_sentences_without_markup_stay_sentences(text, plain):
    """All others become code."""
    assert (prose(text) == text) is plain


@pytest.fixture(scope="module")
def many():
    """A report of thousands of flips, kinds and slices with long names."""
    count = 6000
    answers = [f"a class of a rather long name, number {row % 700}" for row in range(count)]
    ids = [f"folder/of/long/names/{row:06}.png" for row in range(count)]
    sides = [
        flipcheck.Predictions.from_arrays(each, answers, ids=ids, columns={"part": answers})
        for each in (answers, answers[1:] + answers[:1])
    ]
    gates = ["negative_flip_rate <= 1% by part"]
    return flipcheck.compare(*sides, by=["part"], gates=gates, listed=10_000, resamples=0)


@pytest.mark.parametrize("most", [SUMMARY, COMMENT, 30_000, 10_000, 6_000, 4_000])
def test_a_report_is_as_short_as_is_asked(many, most):
    """In bytes; and what is left is whole, and uses the room."""
    text = render(many, most=most)
    assert len(text.encode()) <= most
    check_harmless(text)
    assert text.count("<details>") == text.count("</details>")
    assert text.startswith(MARKER)
    assert text.rstrip().endswith("</sub>")
    assert "Do not ship" in text
    for line in text.split("\n"):
        assert line.startswith("|") is line.endswith("|")


def test_what_is_left_out_is_said(many):
    """How many rows, and which parts."""
    assert "and 5,900 more (--flips writes all)" in render(many)
    short = render(many, most=3_000)
    assert "Left out for its length:" in short
    assert "metrics" in short
    whole = render(many, most=None)
    assert "Left out" not in whole
    assert whole.count("`folder/of") == 6000
    assert len(whole.encode()) > SUMMARY // 2


def test_a_comment_is_the_default(many):
    """What `--markdown` writes can be posted as it is."""
    assert REPORTERS["markdown"](many) == render(many, most=COMMENT)
    assert len(render(many)) <= 65_536


def test_the_verdict_is_always_there(report):
    """However little room there is."""
    assert "## ❌ flipcheck: FAIL" in render(report, most=0)


def test_the_mark_finds_the_comment(flipped):
    """The first line never changes; the second is that of the names that are compared."""
    pair = flipped(right=9, broken=1)
    one = flipcheck.compare(*pair, resamples=0)
    lines = render(one).split("\n")
    assert lines[0] == "<!-- flipcheck-report -->"
    assert lines[1] == marker(one)
    again = flipcheck.compare(*pair, resamples=0, gates=["negative_flip_rate <= 1%"])
    assert marker(again) == marker(one)
    assert marker(flipcheck.compare(*reversed(pair), resamples=0)) != marker(one)


def test_the_verdict_gates_and_answers_are_read_first(flipped):
    """Before anything is unfolded; everything long is folded."""
    report = flipcheck.compare(*flipped(right=90, broken=9), gates=["negative_flip_rate <= 1%"])
    text = render(report)
    places = [text.index(each) for each in ("FAIL", "negative_flip_rate <=", "**Next:**")]
    places += [text.index(each) for each in ("old right", "<details>")]
    assert places == sorted(places)
    assert "9 of 9 negative flips are `a` → `b`; see them below." in text
