"""The table of flips in a browser: its rows, their order, filters and choices, and downloads."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from pages import HOSTILE, IN_A_BROWSER, column, press, saved

import flipcheck
from flipcheck.report import Report
from flipcheck.reporters import REPORTERS, words

pytestmark = IN_A_BROWSER

STATUS = "#flips [role=status]"


def test_rows_that_the_script_makes_say_what_the_page_says(opened):
    """Every text and number as Python writes it, of hostile examples too."""
    texts = [*HOSTILE, "", " ", "a\tb\n\x1b[2J\u200b", "::error::x", "  ##[group]", "ü😀\u00a0x"]
    rows = [f"{place:04} {texts[place % len(texts)]}" for place in range(450)]
    confidences = [place % 9 / 8 if place % 2 else place / 450 for place in range(450)]  # ties too
    sides = [
        flipcheck.Predictions.from_arrays(
            truth=["truth"] * 450,
            answers=["truth" if name == "old" else texts[place % len(texts)] or "-"
                     for place in range(450)],
            ids=rows,
            confidence=confidences,
            name=name,
        )
        for name in ("old", "new")
    ]  # fmt: skip
    report = flipcheck.compare(*sides, listed=450, resamples=0)
    shown = opened(REPORTERS["html"](report))
    while shown.page.locator("#flips .more").is_visible():
        shown.page.locator("#flips .more").click()
    listed = report.rounded().negative_flips.examples
    assert len(listed) == 450
    assert shown.rows() == [
        [words.clean(each.id), *(words.answer(one) for one in (each.truth, each.old, each.new)),
         words.confident(each)]
        for each in listed
    ]  # fmt: skip
    assert (shown.console, shown.dialogs) == ([], [])


def test_scores_that_the_script_writes_are_those_of_python(opened):
    """Small, large and even ones, and their changes."""
    scores = [1e-7 * 3**place % 1e6 + place / 7 for place in range(300)]
    ids = [f"{place:03}" for place in range(300)]
    sides = [
        flipcheck.Predictions.from_arrays(scores=values, ids=ids, name=name)
        for name, values in (("old", scores), ("new", [each - 0.001 * each for each in scores]))
    ]
    report = flipcheck.compare(*sides, listed=300, resamples=0)
    shown = opened(REPORTERS["html"](report))
    shown.page.locator("#flips .more").click()
    assert len(shown.rows()) > 290
    assert shown.rows() == [
        [each.id, words.score(each.old_score), words.score(each.new_score), words.change(each)]
        for each in report.rounded().negative_flips.examples
    ]


def test_every_column_sorts(shown, few):
    """Up and then down, texts and numbers; the column says which."""
    listed = few.negative_flips.examples
    for title, values in (
        ("id", [each.id for each in listed]),
        ("new answer", [each.new for each in listed]),
        ("confidence", [words.confident(each) for each in listed]),
    ):
        assert press(shown, title) == "ascending"
        assert column(shown, title) == sorted(values)
        assert press(shown, title) == "descending"
        assert column(shown, title) == sorted(values, reverse=True)
        assert shown.page.locator("table.flips [aria-sort]").count() == 1
    assert "sorted by confidence, descending" in shown.page.locator(STATUS).inner_text()


def test_other_tables_sort_too(shown):
    """Slices by their flips, as numbers."""
    press(shown, "flips", "#classes table")
    press(shown, "flips", "#classes table")
    counts = [int(each) for each in column(shown, "flips", "#classes table")]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0


def test_the_filter_keeps_what_it_names(shown, few):
    """By any text of a row; the status says how many."""
    shown.page.get_by_role("searchbox").fill("THREE")
    wanted = [each.id for each in few.negative_flips.examples
              if "three" in f"{each.id} {each.truth} {each.old} {each.new}"]  # fmt: skip
    assert 0 < len(wanted) < 12
    assert column(shown, "id") == wanted
    told = f"{len(wanted)} shown of {len(wanted)} match, of 12"
    assert shown.page.locator(STATUS).inner_text() == told


def test_a_choice_keeps_one_class(shown, few):
    """By the truth, beside the filter and the order."""
    shown.page.get_by_role("combobox", name="truth").select_option("=zero")
    zeros = [each.id for each in few.negative_flips.examples if each.truth == "zero"]
    assert column(shown, "id") == zeros
    shown.page.get_by_role("combobox", name="new answer").select_option("=one")
    assert shown.rows() == []
    shown.page.get_by_role("combobox", name="new answer").select_option("")
    press(shown, "id")
    assert column(shown, "id") == sorted(zeros)


def test_ten_thousand_rows_come_by_and_by(many, large):
    """Two hundred first, more on demand, and all of them are searched and sorted."""
    page, listed = many.page, large[0].negative_flips.examples
    assert len(many.rows()) == 200
    assert page.locator(STATUS).inner_text() == "200 shown of 10,000 listed"
    page.get_by_role("button", name="Show 200 more").click()
    assert [row[0] for row in many.rows()] == [each.id for each in listed[:400]]
    press(many, "confidence")
    surest = sorted(words.confident(each) for each in listed)
    assert column(many, "confidence") == surest[:400]
    last = listed[-1]
    page.get_by_role("searchbox").fill(last.id)
    assert column(many, "id") == [last.id]
    assert not page.locator("#flips .more").is_visible()
    page.get_by_role("searchbox").fill("")
    page.get_by_role("combobox", name="truth").select_option(f"={last.truth}")
    assert set(column(many, "id")) == {each.id for each in listed if each.truth == last.truth}


def test_the_last_rows_take_the_focus(many):
    """Where the button for more goes away, the keyboard stays where it was."""
    many.page.get_by_role("searchbox").fill("val/0")
    more = many.page.locator("#flips .more")
    while more.is_visible():
        more.press("Enter")
    assert many.page.evaluate("document.activeElement.tagName") == "TR"


def test_a_report_that_lists_no_flip_works(flipped, opened):
    """It says that none is listed, and saves its JSON."""
    report = flipcheck.compare(*flipped(right=5, broken=2), listed=0, resamples=0)
    shown = opened(REPORTERS["html"](report))
    assert "None is listed" in shown.page.locator("#flips").inner_text()
    assert json.loads(saved(shown, "Download JSON")[0])["negative_flips"]["total"] == 2
    assert shown.console == []


def test_the_json_is_saved(shown, many, few, large):
    """As a report that reads back, from either encoding."""
    for each, report in ((shown, few), (many, large[0])):
        text, name = saved(each, "Download JSON")
        assert name == "report.json"
        assert Report.from_dict(json.loads(text)) == report.rounded()
        assert (each.console, len(each.requests)) == ([], 1)


def test_the_flips_are_saved(many, large):
    """As CSV with every listed flip."""
    text, name = saved(many, "Download flips as CSV")
    rows = list(csv.DictReader(text.splitlines()))
    assert name == "flips.csv"
    assert [(row["id"], row["truth"], row["old"], row["new"]) for row in rows] == [
        (each.id, each.truth, each.old, each.new) for each in large[0].negative_flips.examples
    ]
    assert all(0 <= float(row["new_confidence"]) <= 1 for row in rows)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("=1+1", "'=1+1"),  # a formula
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),  # one that calls a program
        ("-2+3", "'-2+3"),  # one that looks like a number
        ("@SUM(1)", "'@SUM(1)"),  # one of old spreadsheets
        ("\t=1", "'\t=1"),  # one behind a tab
        ("\r=1", "'\r=1"),  # or a carriage return
        ("-2.5e3", "-2.5e3"),  # a number
        ("+7", "+7"),  # a number
        ('a,"b"\nc', 'a,"b"\nc'),  # what has to be quoted
        ("x=1", "x=1"),  # no formula
    ],
)
def test_no_saved_cell_is_a_formula(opened, answer, kept):
    """Whatever a model answered, a spreadsheet shows it and does not run it."""
    sides = [
        flipcheck.Predictions.from_arrays(truth=["t", "t"], answers=[given, "t"], name=name)
        for name, given in (("old", "t"), ("new", answer))
    ]
    shown = opened(REPORTERS["html"](flipcheck.compare(*sides, resamples=0)))
    text, _ = saved(shown, "Download flips as CSV")
    [_, row] = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert row[-1] == kept


def test_pictures_are_shown(sample, opened):
    """Every listed flip of an image folder has a picture that the browser can decode."""
    report = flipcheck.compare(sample / "old.onnx", sample / "new.onnx", sample / "images")
    shown = opened(REPORTERS["html"](report).replace(' loading="lazy"', ""))
    widths = shown.page.eval_on_selector_all("td img", "all => all.map(one => one.naturalWidth)")
    assert len(widths) == report.tally.negative_flips == 12
    assert all(width >= 48 for width in widths)
    press(shown, "id")
    assert shown.page.locator("td img").count() == 12
    assert shown.console == []


SHOWN = [
    "short",
    f"A question.\nOf two lines.\r\n::error::x\n##[group]{'long ' * 60}the end",
    "<img src=x onerror=alert(1)>" * 9,  # markup, and long
    "=1+1",
    "",
]
NAMES = ["question", "1", "0", "__proto__", "truth", "<b>##[x]\r\"'\u2028"]
"""Names of columns: one like a number, which JavaScript puts first, and ones that mean something
to it, to the table or to HTML."""


@pytest.fixture(scope="module")
def asked():
    """A report of 450 flips with columns that are shown."""
    truth = [str(place % 7) for place in range(450)]
    columns = {name: [SHOWN[(place + at) % len(SHOWN)] for place in range(450)]
               for at, name in enumerate(NAMES)}  # fmt: skip
    sides = [
        flipcheck.Predictions.from_arrays(
            answers, truth, ids=[f"{place:04}" for place in range(450)], columns=columns, name=name
        )
        for name, answers in (("old", truth), ("new", [*truth[1:], "x"]))
    ]
    return flipcheck.compare(*sides, listed=450, show=NAMES, resamples=0)


def test_shown_columns_stand_in_the_page_and_in_the_rows_that_the_script_makes(asked, opened):
    """The same texts, line by line, and what is long folded in both; none of it runs."""
    shown = opened(REPORTERS["html"](asked))
    standing = shown.page.locator("table.flips tbody tr").count()
    shown.page.locator("#flips .more").click()
    shown.page.locator("#flips .more").click()
    assert column(shown, "question") == [
        "\n".join(map(words.clean, re.split("\r?\n", each.shown.get("question", ""))))
        for each in asked.negative_flips.examples
    ]
    heads = shown.page.locator("table.flips thead th").all_text_contents()
    named = words.shown_columns(asked)
    assert sorted(named) == sorted(NAMES)
    assert heads[1 : len(NAMES) + 1] == [words.clean(name) for name in named]
    rows = shown.page.eval_on_selector_all(
        "table.flips tbody tr", "rows => rows.map(row => row.innerHTML.split('</td>').slice(1))"
    )
    same = [place for place in range(standing, 450) if place % 35 == 0]  # every text, every truth
    assert same
    for place in same:
        assert rows[place] == rows[place % standing // 35 * 35]
    assert (shown.console, shown.dialogs, len(shown.requests)) == ([], [], 1)


def test_a_long_text_is_opened_by_keyboard(asked, opened):
    """It is cut to a few lines until then."""
    shown = opened(REPORTERS["html"](asked))
    first = shown.page.locator("details.text summary", has_text="Of two lines").first
    cut = first.bounding_box()["height"]
    first.press("Enter")
    assert first.bounding_box()["height"] > cut
    first.press("Enter")
    assert first.bounding_box()["height"] == cut


def test_only_columns_of_few_values_are_chosen_from(asked, opened):
    """A column in which every row differs has nothing to choose; the filter finds its texts."""
    shown = opened(REPORTERS["html"](asked))
    chosen = shown.page.locator("#flips label:visible").all_inner_texts()
    assert [each.split("\n")[0].split()[0] for each in chosen][:3] == ["Filter", "question", "1"]
    choice = shown.page.get_by_role("combobox", name="question")
    choice.select_option(index=1)
    assert len(set(column(shown, "question"))) == 1


def test_shown_columns_are_saved(asked, opened):
    """As they are, under their names, and safe from spreadsheets; none replaces another column."""
    shown = opened(REPORTERS["html"](asked))
    text, _ = saved(shown, "Download flips as CSV")
    head, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    known = ["id", "truth", "old", "new"]
    assert head == [*known, *(name for name in words.shown_columns(asked) if name != "truth")]
    named = head.index("question")
    texts = [each.shown.get("question", "") for each in asked.negative_flips.examples]
    assert "=1+1" in texts
    assert [row[named] for row in rows] == [each if each != "=1+1" else "'=1+1" for each in texts]
