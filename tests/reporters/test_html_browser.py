"""The HTML report in a browser: what its script adds, what works without, and for everyone."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from pages import HOSTILE, IN_A_BROWSER

import flipcheck
from flipcheck.report import Report
from flipcheck.reporters import REPORTERS, words

pytestmark = IN_A_BROWSER

STATUS = "#flips [role=status]"


@pytest.fixture
def few(sample):
    """The report of the sample predictions: twelve flips."""
    paths = (sample / f"{side}_predictions.csv" for side in ("old", "new"))
    gates = ["negative_flip_rate <= 1%", "negative_flip_rate <= 8% by ink"]
    return flipcheck.compare(*paths, by=["ink"], gates=gates, discover=True)


@pytest.fixture
def shown(few, opened):
    """The page of the sample predictions."""
    return opened(REPORTERS["html"](few))


@pytest.fixture
def many(large, opened):
    """The page of ten thousand flips."""
    return opened(large[1])


def column(shown, title, table="table.flips"):
    """The texts that a table shows in a column."""
    heads = shown.page.locator(f"{table} thead th").all_text_contents()
    return [row[heads.index(title)] for row in shown.rows(table)]


def press(shown, title, table="table.flips"):
    """Press the title of a column; its aria-sort."""
    head = shown.page.locator(f"{table} thead th", has_text=title).first
    head.get_by_role("button").click()
    return head.get_attribute("aria-sort")


def saved(shown, button):
    """The text of the file that a button makes, and its name."""
    with shown.page.expect_download() as caught:
        shown.page.get_by_role("button", name=button).click()
    path = caught.value.path()
    return path.read_bytes().decode("utf-8"), caught.value.suggested_filename


def test_the_page_asks_nothing_and_says_nothing(shown, many):
    """No request but the file itself, no word on the console, no box."""
    for each in (shown, many):
        assert (each.console, each.dialogs, len(each.requests)) == ([], [], 1)


def test_nothing_hostile_runs(hostile, opened):
    """Neither what stands in the page nor what its script builds from the report."""
    shown = opened(REPORTERS["html"](hostile))
    shown.page.locator("#flips select").first.select_option(index=1)
    shown.page.locator("#flips select").first.select_option(index=0)
    press(shown, "truth")
    assert not shown.page.evaluate("'owned' in window")
    assert (shown.console, shown.dialogs, len(shown.requests)) == ([], [], 1)
    assert shown.page.locator("img, b, iframe, a:not([href^='#'])").count() == 0
    assert shown.page.title().startswith("FAIL · flipcheck")
    assert "49" not in shown.page.locator("#flips").inner_text()


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


def test_it_is_used_by_keyboard(shown):
    """The first Tab skips, / filters, Enter sorts, Tab goes on: nothing holds the focus."""
    keyboard, page = shown.page.keyboard, shown.page
    keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    keyboard.type("a/b")
    assert page.get_by_role("searchbox").input_value() == "a/b"
    page.get_by_role("searchbox").fill("")
    for _ in range(4):  # three choices, and the title of the first column
        keyboard.press("Tab")
    keyboard.press("Enter")
    assert page.locator("table.flips th[aria-sort=ascending]").inner_text().startswith("id")
    for _ in range(300):
        keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "download-csv":
            break
    else:
        raise AssertionError("Tab does not reach the end of the page")


def test_the_theme_follows_the_system_until_it_is_chosen(opened, few):
    """The button says what holds, and works by keyboard."""
    shown = opened(REPORTERS["html"](few), color_scheme="dark")
    button = shown.page.get_by_role("button", name="Theme")

    def background():
        return shown.page.evaluate("getComputedStyle(document.body).backgroundColor")

    dark = background()
    assert button.inner_text() == "Theme: system"
    button.press("Enter")
    assert button.inner_text() == "Theme: light"
    light = background()
    assert light != dark
    button.press("Space")
    assert (button.inner_text(), background()) == ("Theme: dark", dark)
    shown.page.emulate_media(color_scheme="light")
    assert background() == dark
    button.press("Enter")
    assert (button.inner_text(), background()) == ("Theme: system", light)


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


def test_it_says_all_without_scripts(large, few, opened):
    """Verdict, gates, chart and the first flips; no control that would do nothing."""
    for page in (REPORTERS["html"](few), large[1]):
        shown = opened(page, java_script_enabled=False).page
        assert shown.locator("h1").is_visible()
        assert shown.locator("#gates .room").first.is_visible()
        assert shown.locator("svg.mosaic").is_visible()
        assert shown.locator("table.flips tbody tr").count() in {12, 200}
        assert shown.locator("#theme, #downloads, .tools, .more").count() >= 4
        for control in shown.locator("#theme, #downloads, .tools, .more, nav").all():
            assert not control.is_visible()
    assert "first 200" in shown.locator("#flips").inner_text()


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


@pytest.fixture(params=["few", "hostile", "graded", "bare"])
def any_report(request):
    """Reports of several kinds."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def graded():
    """Scores that rise and fall."""
    ids = [f"{place}" for place in range(60)]
    new = [0.5 + (-0.3 if place % 9 == 0 else 0.1) for place in range(60)]
    sides = [
        flipcheck.Predictions.from_arrays(scores=values, ids=ids, name=name)
        for name, values in (("old", [0.5] * 60), ("new", new))
    ]
    return flipcheck.compare(*sides, gates=["mean_regression <= 0.05"], resamples=0)


@pytest.fixture
def bare(flipped):
    """No gate and no flip."""
    return flipcheck.compare(*flipped(right=5, wrong=1), resamples=0)


@pytest.mark.parametrize(("theme", "width"), [("light", 1200), ("dark", 360)])
def test_everyone_can_use_it(any_report, opened, theme, width):
    """Axe finds nothing, of any weight, and a telephone scrolls the page up and down only."""
    usable(opened, any_report, theme, width)


@pytest.mark.parametrize(("theme", "width"), [("dark", 1200), ("light", 360)])
def test_the_fullest_page_is_as_usable_in_the_other_theme(hostile, opened, theme, width):
    """With every section, both themes at both widths."""
    usable(opened, hostile, theme, width)


def usable(opened, report, theme, width):
    """Check a page with axe, and that it is no wider than its window."""
    shown = opened(
        REPORTERS["html"](report),
        color_scheme=theme,
        viewport={"width": width, "height": 800},
    )
    for each in shown.page.locator("details").all():
        each.evaluate("each => { each.open = true; }")
    assert shown.violations() == []
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width


def test_headings_are_in_order(shown):
    """One title of the page, then one for each section, which it names."""
    levels = shown.page.eval_on_selector_all("h1, h2, h3", "all => all.map(one => one.tagName)")
    assert levels == ["H1", *["H2"] * (len(levels) - 1)]
    for section in shown.page.locator("main section").all():
        title = shown.page.locator(f"#{section.get_attribute('aria-labelledby')}")
        assert title.inner_text()


def test_it_prints(shown):
    """Controls are left out, what is folded is open, and the paper is white in a dark room."""
    page = shown.page
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for each in page.locator(".tools, #theme, #downloads, nav, .more").all():
        assert not each.is_visible()
    assert page.locator("#metrics details dl").is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 25, 23)"
    assert len(page.pdf()) > 10_000


def test_nothing_moves_for_those_who_ask(opened, few):
    """No animation, no transition, and no smooth scrolling."""
    shown = opened(REPORTERS["html"](few), reduced_motion="reduce")
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert shown.page.evaluate(behaviour) == "auto"
    assert not re.search("animation|transition", REPORTERS["html"](few).split("</style>")[0])
