"""The page of an audit of every kind: silent, of use to everyone, and no wider than its window."""

from __future__ import annotations

import itertools

import pytest
from many_audits import AUDITS, arguments, write_files
from pages import IN_A_BROWSER, Opened

from flipcheck.__main__ import main

pytestmark = IN_A_BROWSER

KINDS = [
    "gates", "slices", "confirmed", "clusters", "weights", "reruns", "policy", "label noise",
    "verdicts", "models", "names", "ranked", "log", "graded", "history", "shown", "binary",
    "label by label", "texts",
]  # fmt: skip
"""Each has a section, a column or a word that no other has."""
WAYS = list(itertools.product(("light", "dark"), (1200, 360)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files that the audits read."""
    folder = tmp_path_factory.mktemp("kinds")
    write_files(folder)
    return folder


@pytest.fixture(scope="module")
def tab(browser):
    """One tab for all pages, and what they say."""
    context = browser.new_context()
    context.set_default_timeout(120_000)  # a busy machine is no failure
    found = Opened(context.new_page())
    found.page.on("console", lambda message: found.console.append(message.text))
    found.page.on("pageerror", lambda error: found.console.append(str(error)))
    yield found
    context.close()


@pytest.mark.parametrize(
    ("name", "way"), [*zip(KINDS, itertools.cycle(WAYS), strict=False)], ids=KINDS
)
def test_everyone_can_use_the_page_of_every_kind(folder, tab, monkeypatch, name, way):
    """Axe finds nothing, of any weight; the console is empty, and no window is too narrow."""
    assert name in AUDITS
    monkeypatch.chdir(folder)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    with pytest.raises(SystemExit):
        main(["compare", *arguments(name), "--html", "page.html"])
    (theme, width), page = way, tab.page
    page.emulate_media(color_scheme=theme)
    for wide in (1560 - width, width):
        page.set_viewport_size({"width": wide, "height": 800})
        page.goto((folder / "page.html").as_uri())
        page.wait_for_selector("#downloads:not([hidden])")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
    assert page.evaluate(UNNAMED) == []
    assert tab.violations() == []
    assert tab.console == []


UNNAMED = """() => [...document.querySelectorAll("svg")].filter(each =>
  each.getAttribute("aria-hidden") !== "true" &&
  !(each.getAttribute("role") === "img" && each.getAttribute("aria-label").length > 10))
  .map(each => each.outerHTML)"""
"""The pictures that say nothing to those who do not see them."""
