"""The report in a notebook: a fragment that is safe, small, and changes nothing around it."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

import flipcheck
from flipcheck.reporters.notebook import COLORS

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(1)">'


class Parsed(HTMLParser):
    """The tags, attributes and text of a fragment."""

    def __init__(self, fragment):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], set(), set(), ""
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Keep a tag that opens."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Close the last tag, and no other."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Keep the text."""
        self.text += data


@pytest.fixture
def report():
    """A report with gates, one of them by slices of hostile names."""
    y = ["cat", "dog"] * 20
    by = {HOSTILE: [HOSTILE, "b"] * 20}
    gates = ["churn <= 1%", f"negative_flip_rate <= 30% by {HOSTILE}"]
    return flipcheck.compare(y, ["dog", *y[1:]], y, by=by, gates=gates)


def test_it_leads_with_the_verdict_and_shows_the_main_facts(report):
    """The sentence, the gates, the four cells and the metrics, as all other reports say them."""
    shown = Parsed(report._repr_html_()).text
    assert shown.startswith("INCONCLUSIVE")
    for part in ("churn <= 1%", "old right391 broken", "negative flip rate2.50%", "40 examples"):
        assert part in shown


def test_nothing_of_the_files_is_markup(report):
    """Names stay text; there is no script, no style sheet, no picture and no handler."""
    found = Parsed(report._repr_html_())
    assert not found.open
    assert found.tags <= {"div", "p", "strong", "br", "table", "thead", "tbody", "tr", "th", "td"}
    assert found.attributes <= {"style", "scope"}
    assert "<script>alert(1)" in found.text


def test_it_is_small():
    """However many slices there are, ten gates are shown."""
    y = ["cat", "dog"] * 500
    by = {"user": [f"u{row}" for row in range(1000)]}
    many = flipcheck.compare(y, y, y, by=by, gates="negative_flip_rate <= 5% by user", resamples=0)
    assert len(many._repr_html_()) < 12_000
    assert "990 more" in many._repr_html_()


def test_it_warns_of_what_the_numbers_do_not_say():
    """Answers that are missing count as wrong: who reads the error rate has to know it."""
    y = ["cat", "dog"] * 20
    report = flipcheck.compare([None, *y[1:]], y, y)
    shown = Parsed(report._repr_html_()).text
    assert report.warnings
    assert all(f"⚠ {warning}" in shown for warning in report.warnings)
    many = replace(report, warnings=tuple(f"{HOSTILE} {row}" for row in range(30)))
    assert "and 20 more warnings" in many._repr_html_()
    assert "<script>" not in many._repr_html_()


def test_graded_answers_show_their_scores():
    """Scores rise and fall, and there is no error rate."""
    made = [
        flipcheck.Predictions.from_arrays(scores=each) for each in ([0.5, 1.0, 0.2], [0.5, 0.1, 1])
    ]
    shown = Parsed(flipcheck.compare(*made)._repr_html_()).text
    assert "worseunchangedbetter" in shown
    assert "error rate" not in shown


@pytest.mark.parametrize("color", [*COLORS.values(), "#555555"])
def test_white_is_legible_on_every_verdict(color):
    """The contrast is that of WCAG's AA, 4.5 to 1."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5
