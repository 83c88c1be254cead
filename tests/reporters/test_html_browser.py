"""The HTML report in a browser: silent and safe, and of use to everyone, on paper too."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from pages import IN_A_BROWSER, press

import flipcheck
from flipcheck.reporters import REPORTERS
from flipcheck.reporters.html.charts import ink

pytestmark = IN_A_BROWSER


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


def test_it_says_all_without_scripts(large, few, opened):
    """Verdict, gates, chart and the first flips; no control that would do nothing."""
    for page in (REPORTERS["html"](few), large[1]):
        shown = opened(page, java_script_enabled=False).page
        assert shown.locator("h1").is_visible()
        assert shown.locator("#gates .room").first.is_visible()
        assert shown.locator("svg.mosaic").is_visible()
        assert shown.locator("nav a").count() == shown.locator("main section").count()
        assert shown.locator("table.flips tbody tr").count() in {12, 200}
        assert shown.locator("#theme, #downloads, .tools, .more").count() >= 4
        for control in shown.locator("#theme, #downloads, .tools, .more").all():
            assert not control.is_visible()
    assert "first 200" in shown.locator("#flips").inner_text()


@pytest.fixture(params=["hostile", "bare"])
def any_report(request):
    """The fullest page and the emptiest; those of other kinds are in test_html_kinds.py."""
    return request.getfixturevalue(request.param)


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
    assert not page.locator("details.data").first.is_visible()  # the chart above says it
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 25, 23)"
    assert len(page.pdf()) > 10_000


def test_nothing_moves_for_those_who_ask(opened, few):
    """No animation, no transition, and no smooth scrolling."""
    shown = opened(REPORTERS["html"](few), reduced_motion="reduce")
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert shown.page.evaluate(behaviour) == "auto"
    assert not re.search("animation|transition", REPORTERS["html"](few).split("</style>")[0])


def test_a_printed_page_is_no_telephone(few, opened):
    """On the width of A4 the gates keep their table and their charts, which nothing cuts off."""
    page = opened(REPORTERS["html"](few), viewport={"width": 700, "height": 990}).page
    page.emulate_media(media="print")
    for each in page.locator("svg[role=img]").all():
        box = each.bounding_box()
        assert box["width"] >= 100
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 700
    assert page.evaluate("document.documentElement.scrollWidth") <= 700


def test_nothing_moves_while_it_loads(large, opened):
    """What the script adds has its room from the start, in a page that takes time to read."""
    shown = opened("<!doctype html><title>empty</title>")
    shown.page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach("
        "each => { window.moved += each.value; })).observe({type: 'layout-shift', buffered: true});"
    )
    path = shown.page.url.removeprefix("file://")
    Path(path).write_text(large[1], encoding="utf-8")
    shown.page.reload()
    shown.page.wait_for_selector("#downloads:not([hidden])")
    shown.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
    assert shown.page.evaluate("window.moved") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_forced_colours_leave_the_charts_their_own(few, opened, theme):
    """Boxes get edges, and outcomes stay apart, where the system chooses the colours of text."""
    page = opened(REPORTERS["html"](few), color_scheme=theme, forced_colors="active").page
    fills = page.eval_on_selector_all(
        "svg.mosaic rect", "all => all.map(each => getComputedStyle(each).fill)"
    )
    assert len(set(fills)) == 4
    edge = "getComputedStyle(document.querySelector('.verdict')).borderTopStyle"
    assert page.evaluate(edge) == "solid"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_charts_have_the_colours_of_the_page(few, opened, theme):
    """What broke has one colour in all of them, by day and by night."""
    page = opened(REPORTERS["html"](few), color_scheme=theme).page
    marks = ("svg.mosaic .broken", "svg.confidence .flips", "svg.forest path.value", "svg.bar rect")
    fills = {
        page.locator(each).first.evaluate("each => getComputedStyle(each).fill") for each in marks
    }
    assert len(fills) == 1


def test_every_colour_of_the_charts_has_one_of_the_themes():
    """The style knows them by their values, which the charts keep where there is no style."""
    style = (files("flipcheck.reporters.html") / "style.css").read_text(encoding="utf-8")
    for color in (ink.BROKEN, ink.NEUTRAL, ink.LIMIT, ink.PASSED, ink.UNDECIDED):
        assert f'[fill="{color}"] {{ fill: var(--' in style
