"""The HTML report: self-contained, under a strict policy, and safe from what files hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import flipcheck
from flipcheck.reporters import REPORTERS
from flipcheck.stats.discovery import Finding

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OWNED = "document.title='owned'"
HOSTILE = [
    f"<script>{OWNED}</script>",  # a script
    f"</script><script>{OWNED}</script>",  # one that ends the JSON element first
    f'"><img src=x onerror="{OWNED}">',  # a handler that leaves an attribute
    f"javascript:{OWNED}",  # a link
    "{{ 7 * 7 }}",  # a template
    "<!-- --><b>bold</b>&amp;\u2028",  # a comment, markup, an entity, a line separator
]


@pytest.fixture
def hostile(tmp_path):
    """A report whose ids, labels, answers, slice values and file names are all hostile."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = range(len(HOSTILE))
    paths = []
    for side in ("old", "new"):
        answers = HOSTILE if side == "old" else HOSTILE[1:] + HOSTILE[:1]
        ids = [f"{row}{HOSTILE[row]}" for row in rows]
        table = pa.table({"id": ids, "label": HOSTILE, "prediction": answers, "<b>": HOSTILE})
        paths.append(tmp_path / f"{side}<img src=x onerror=alert(1)>.parquet")
        parquet.write_table(table, paths[-1])
    by = ["<b>", "<b>,class"]
    report = flipcheck.compare(
        *paths, by=by, gates=["negative_flip_rate <= 5% by <b>,class"], discover=True, min_slice=2
    )
    places = tuple((column, HOSTILE[0]) for column in ("<b>", HOSTILE[1]))
    found = (Finding(places, 2, 1, 4, 1, 0.01, None),)
    return replace(report, discovery=replace(report.discovery, found=found))


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


def test_nothing_hostile_becomes_an_element(hostile):
    """Only our own two scripts stand in the page, and no attribute is a handler."""
    found = elements(REPORTERS["html"](hostile))
    assert [tag for tag, _ in found].count("script") == 2
    assert not [name for _, attributes in found for name in attributes if name.startswith("on")]
    assert not [tag for tag, _ in found if tag in {"b", "img", "iframe", "object"}]


def test_nothing_is_loaded_from_outside(hostile):
    """No element has an address of its own, and the policy forbids all but inline parts."""
    page = REPORTERS["html"](hostile)
    for tag, attributes in elements(page):
        assert tag != "link"
        assert attributes.get("src", "data:").startswith("data:")
        assert "href" not in attributes
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-")
    assert "unsafe" not in policy


def test_the_json_report_is_in_the_page(hostile):
    """The element #flipcheck-report holds the report, without the pictures."""
    page = REPORTERS["html"](hostile)
    text = re.search(r'id="flipcheck-report">(.*?)</script>', page, re.DOTALL)[1]
    written = json.loads(text)
    assert written == hostile.with_images({}).to_dict()


def browse(path, tmp_path):
    """The page's DOM after its script ran, and what the browser's console said."""
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--enable-logging=stderr",
            "--virtual-time-budget=2000",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_works_in_a_browser(hostile, tmp_path):
    """The script runs under the policy, nothing hostile does, and the console is silent."""
    path = tmp_path / "report.html"
    hostile.save(path)
    page, console = browse(path, tmp_path)
    assert console == []
    assert "<title>INCONCLUSIVE · flipcheck" in page
    assert '<div class="tools"><label>' in page  # the script has shown the filter
    assert "owned" not in re.search("<title>(.*?)</title>", page)[1]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_flipped_images_are_shown(sample, tmp_path):
    """Every listed flip of an image folder has a picture that the browser can decode."""
    report = flipcheck.compare(sample / "old.onnx", sample / "new.onnx", sample / "images")
    path = tmp_path / "report.html"
    report.save(path)
    probe = (
        "<script>for (const each of document.images) each.dataset.wide = each.naturalWidth</script>"
    )
    page = path.read_text("utf-8").replace('loading="lazy"', "")
    page = re.sub(r"<meta http-equiv[^>]*>", "", page).replace("</body>", f"{probe}</body>")
    path.write_text(page, encoding="utf-8")
    page, console = browse(path, tmp_path)
    assert console == []
    widths = re.findall(r'data-wide="(\d+)"', page)
    assert len(widths) == report.tally.negative_flips == 12
    assert all(int(width) >= 48 for width in widths)
