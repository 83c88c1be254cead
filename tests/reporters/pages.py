"""What the tests of pages share: hostile texts, a page that a browser opened, a large report."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import flipcheck

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OWNED = "window.owned=true,alert(1)"
HOSTILE = [
    f"<script>{OWNED}</script>",  # a script
    f"</script><script>{OWNED}</script>",  # one that ends the JSON element first
    f'"><img src=x onerror="{OWNED}">',  # a handler that leaves an attribute
    f"javascript:{OWNED}",  # a link
    "{{ 7 * 7 }}{% raw %}",  # a template
    "<!-- --><b>bold</b>&amp;\u2028",  # a comment, markup, an entity, a line separator
]
IN_A_BROWSER = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]
"""The marks of tests that open a page: one browser serves them all."""


@dataclass
class Opened:
    """A page in a browser, and what it did: said on the console, asked the network, popped up."""

    page: Any
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def rows(self, table="table.flips"):
        """The texts of the rows that a table shows, cell by cell."""
        script = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        return self.page.eval_on_selector_all(f"{table} tbody tr", script)

    def violations(self):
        """What axe finds: rules that the page breaks, and where."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [(each["id"], node["target"]) for each in found for node in each["nodes"]]


def updated(rows, classes, listed):
    """The report of an update that breaks many answers of many classes."""
    random = np.random.default_rng(7)
    truth = random.integers(0, classes, rows)
    ids = [f"val/{each:08x}/image_{place:08}.jpeg" for place, each in
           enumerate(random.integers(0, 2**32, rows))]  # fmt: skip
    sides = []
    for name, error in (("old", 0.2), ("new", 0.25)):
        given = np.where(random.random(rows) < error, random.integers(0, classes, rows), truth)
        sides.append(
            flipcheck.Predictions.from_arrays(
                truth=[f"class_{each:04}" for each in truth],
                answers=[f"class_{each:04}" for each in given],
                ids=ids,
                confidence=random.random(rows),
                name=name,
            )
        )
    gates = ["negative_flip_rate <= 25%"]
    return flipcheck.compare(*sides, listed=listed, gates=gates, resamples=1000)


def approved(page):
    """A page without its style and script, which are approved by eye, and without their hashes."""
    page = re.sub("<style>.*?</style>", "<style></style>", page, flags=re.DOTALL)
    page = re.sub("<script>.*?</script>", "<script></script>", page, flags=re.DOTALL)
    return re.sub("sha256-[A-Za-z0-9+/=]{44}", "sha256-", page)


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


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        """Keep the element."""
        self.found.append((tag, dict(attrs)))


def elements(page):
    """Every element of a page."""
    parser = Elements()
    parser.feed(page)
    return parser.found
