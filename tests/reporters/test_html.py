"""The HTML report: self-contained, under a strict policy, and safe from what files hold."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from dataclasses import replace

import pytest
from pages import elements

import flipcheck
from flipcheck.report import Report
from flipcheck.reporters import REPORTERS

ELEMENT = re.compile(r'id="flipcheck-report"([^>]*)>([^<]*)</script>')


def test_nothing_hostile_becomes_an_element(hostile):
    """Only our own two scripts stand in the page, and no attribute is a handler or a style."""
    found = elements(REPORTERS["html"](hostile))
    names = {name for _, attributes in found for name in attributes}
    assert [tag for tag, _ in found].count("script") == 2
    assert not [name for name in names if name.startswith("on") or name == "style"]
    assert not [tag for tag, _ in found if tag in {"b", "img", "iframe", "object"}]


def test_no_text_of_a_file_is_a_command_or_a_control_character(hostile):
    """A page may go to the log of a CI server; versions and reasons come from files too."""
    lines = REPORTERS["html"](hostile).split("\n")
    assert not [line for line in lines if line.lstrip().startswith(("::", "##"))]
    assert not [line for line in lines if any(each < " " for each in line)]


def test_nothing_is_loaded_from_outside(hostile):
    """No element has an address of its own, and the policy forbids all but inline parts."""
    page = REPORTERS["html"](hostile)
    for tag, attributes in elements(page):
        assert tag != "link"
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("href", "#").startswith("#")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-")
    assert "unsafe" not in policy


def test_the_json_report_is_in_the_page(hostile):
    """The element #flipcheck-report holds the report, without the pictures."""
    [(encoding, text)] = ELEMENT.findall(REPORTERS["html"](hostile))
    assert encoding == ""
    assert json.loads(text) == hostile.with_images({}).to_dict()


def test_a_large_report_is_compressed(large):
    """It is gzip in base64, which says so, and is read as the footer of the page says."""
    report, page = large
    [(encoding, text)] = ELEMENT.findall(page)
    assert encoding == ' data-encoding="gzip,base64"'
    assert Report.from_dict(json.loads(gzip.decompress(base64.b64decode(text)))) == report.rounded()


@pytest.mark.parametrize("plain", [0, 256_000], ids=["compressed", "plain"])
def test_the_footer_says_how_to_read_the_json(hostile, monkeypatch, tmp_path, plain):
    """The Python that the page shows finds the report in either encoding."""
    monkeypatch.setattr(sys.modules["flipcheck.reporters.html.page"], "PLAIN", plain)
    monkeypatch.chdir(tmp_path)
    hostile.save("report.html")
    [page] = re.findall(r"<pre><code>(.*?)</code></pre>", REPORTERS["html"](hostile), re.DOTALL)
    names = {}
    exec(page.replace("&quot;", '"').replace("&#39;", "'"), names)  # noqa: S102  (our own text)
    assert names["report"] == hostile.to_dict()


def test_the_same_report_gives_the_same_bytes(large, monkeypatch):
    """No time stands in the page, nor in what is compressed in it."""
    report, page = large
    monkeypatch.setattr("time.time", lambda: 1.0)
    assert REPORTERS["html"](report) == page


def test_a_thousand_classes_and_ten_thousand_flips_keep_within_a_megabyte(large):
    """The size of a page without pictures."""
    assert len(large[1].encode()) <= 1_000_000


def test_so_it_is_with_all_parts(large, sample):
    """Confidences, classes as a forest, slices, the matrix, evidence and a long history, too."""
    paths = [sample / f"{side}_predictions.csv" for side in ("old", "new")]
    before = flipcheck.compare(*paths, by=["ink"], resamples=0)
    history = [replace(before, warnings=(f"run {place}",)) for place in range(40)]
    small = flipcheck.compare(*paths, by=["ink"], history=history, resamples=0)
    evidence = replace(small.evidence, files=small.evidence.files * 20)
    slices = tuple(
        replace(part, value=f"{part.value} {place}") for place in range(20) for part in small.slices
    )
    first, *others = large[0].negative_flips.transitions
    flips = replace(
        large[0].negative_flips, transitions=(replace(first, count=first.count + 1), *others)
    )
    report = replace(
        large[0],
        slices=slices,
        history=small.history,
        evidence=evidence,
        negative_flips=flips,
    )
    page = REPORTERS["html"](report)
    found = {attributes.get("class") for tag, attributes in elements(page) if tag == "svg"}
    assert {"forest", "confusion", "confidence", "history", "gate", "mosaic"} <= found
    assert 'id="evidence"' in page
    assert len(page.encode()) <= 1_000_000


def test_the_first_flips_stand_in_the_page(large):
    """As many rows as a browser shows at once, in the order of the report."""
    report, page = large
    shown = re.findall(r'<td class="id">(val/[^<]*)</td>', page)
    assert shown == [each.id for each in report.negative_flips.examples[:200]]


def test_at_most_five_hundred_flips_have_pictures(large):
    """The rows with pictures stand in the page; the others have none."""
    report = large[0]
    tiny = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
    found = report.with_images({each.id: tiny for each in report.negative_flips.examples})
    page = REPORTERS["html"](found)
    images = [attributes for tag, attributes in elements(page) if tag == "img"]
    assert len(images) == 500
    assert {each["loading"] for each in images} == {"lazy"}
    assert all(each["alt"] for each in images)
    assert len(re.findall(r'<td class="id">', page)) == 500


def test_warnings_stand_before_all_numbers(hostile):
    """A reviewer sees them before the gates."""
    page = REPORTERS["html"](hostile)
    places = [page.index(f'<section id="{name}"') for name in ("warnings", "gates", "answers")]
    assert places == sorted(places)


def test_a_report_without_flips_or_gates_has_no_empty_table(flipped):
    """Sections of nothing are left out."""
    report = flipcheck.compare(*flipped(right=5, wrong=1), resamples=0)
    found = {attributes.get("id") for tag, attributes in elements(REPORTERS["html"](report))}
    assert {"answers", "metrics", "compared", "download-json"} <= found
    assert not found & {"gates", "flips", "kinds", "download-csv"}


@pytest.mark.parametrize(
    ("truth", "shown"),
    [
        ("abcdef", False),  # one example each, as of free texts
        ("aabcde", True),  # one class of more
        ("aaaaaa", False),  # a class alone is all examples
    ],
)
def test_classes_of_one_example_each_have_no_rates(truth, shown):
    """A rate of 0 or 1 for each example would only repeat the table of flips."""
    sides = [
        flipcheck.Predictions.from_arrays(answers, list(truth), name=name)
        for name, answers in (("old", list(truth)), ("new", ["a"] * 6))
    ]
    page = REPORTERS["html"](flipcheck.compare(*sides, resamples=0))
    assert ('<section id="classes"' in page) is shown
    assert ('<a href="#classes">True classes</a>' in page) is shown


def test_counts_have_no_share_where_examples_are_weighted(table):
    """A share of examples would stand beside a rate by weight, and differ from it."""
    rows = ("a,1,1,3", "b,1,1,1", "c,0,1,2")
    old = table("old.csv", "id,label,prediction,weight", *rows)
    new = table("new.csv", "id,label,prediction", "a,1,0", "b,1,1", "c,0,0")
    for weight, shown in ((None, True), ("weight", False)):
        page = REPORTERS["html"](flipcheck.compare(old, new, weight=weight, resamples=0))
        answers = re.search(r'<div class="flows">.*?</div>', page, re.DOTALL)[0]
        assert ("33.33%" in answers) is shown
