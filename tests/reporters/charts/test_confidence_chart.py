"""The histograms of confidence, and the sentence over them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from flipcheck.report import Confidences, Report
from flipcheck.report.confidences import BINS, Sureness
from flipcheck.reporters import REPORTERS, sureness
from flipcheck.reporters.html import charts
from flipcheck.tasks.told import Judged

NONE = (0,) * BINS


def at(**counts):
    """Counts by step, named by its lower end: at(c70=3) holds three from 0.70 to 0.75."""
    steps = {int(name[1:]) // 5: count for name, count in counts.items()}
    return tuple(steps.get(step, 0) for step in range(BINS))


@pytest.fixture(scope="module")
def plain(audited):
    """An audit of 100 examples with 12 flips, without confidences."""
    return audited(("x", 12, 100), ("y", 0, 1))


def told(plain, flips, right=NONE, old=None):
    """The report with these confidences of the new model."""
    before = None if old is None else Sureness(NONE, old, NONE, NONE)
    return replace(plain, confidences=Confidences(before, Sureness(right, flips, NONE, NONE)))


SENTENCES = [
    pytest.param(
        at(c70=5, c90=4, c20=3), NONE, None,
        "9 of 12 negative flips are made with a confidence of 0.7 or more.",
        id="most are sure",
    ),
    pytest.param(
        at(c95=12), at(c95=20, c60=60), None,
        "12 of 12 negative flips are made with a confidence of 0.95 or more, as are 25.00% of the "
        "answers that stay right.",
        id="against the answers that stay right",
    ),
    pytest.param(
        at(c30=8, c90=4), NONE, None,
        "8 of 12 negative flips are made with a confidence below 0.5.",
        id="most are doubtful",
    ),
    pytest.param(
        at(c80=3, c10=1), NONE, None,
        "3 of the 4 negative flips of 12 whose confidence is known are made with a confidence of "
        "0.8 or more.",
        id="known for some only",
    ),
    pytest.param(
        at(c50=12), NONE, at(c90=7, c40=5),
        "12 of 12 negative flips are made with a confidence of 0.5 or more. The old model had 7 "
        "of 12 of them right with 0.5 or more.",
        id="with the old model's",
    ),
    pytest.param(NONE, at(c95=3), None, "", id="no flip's confidence is known"),
]  # fmt: skip


@pytest.mark.parametrize(("flips", "right", "old", "sentence"), SENTENCES)
def test_the_sentence_says_how_sure_wrong_answers_are(plain, flips, right, old, sentence):
    """At the highest step that half of them reach."""
    assert sureness.telling(told(plain, flips, right, old)) == sentence


def test_bars_are_as_high_as_their_shares(plain, parsed, classed):
    """Each bar stands over its step, in proportion to its count; the line is the other share."""
    flips, right = at(c20=3, c70=6, c95=3), at(c90=20, c95=60)
    root = parsed(charts.confidence(told(plain, flips, right)))
    ticks = [float(each.get("y1")) for each in classed(root, "tick")]
    labels = [
        float(each.text.removesuffix("%")) / 100
        for each in root.iter()
        if each.get("text-anchor") == "end"
    ]
    unit = (ticks[0] - ticks[-1]) / labels[-1]
    bars = classed(root, "flips")
    assert [float(bar.get("height")) / unit for bar in bars] == pytest.approx(
        [3 / 12, 6 / 12, 3 / 12], abs=2e-3
    )
    starts = [float(bar.get("x")) for bar in bars]
    assert (starts[1] - starts[0]) / (starts[2] - starts[1]) == pytest.approx(10 / 5, abs=1e-2)
    (line,) = classed(root, "right")
    heights = [float(each) for each in re.findall(r"V([\d.]+)", line.get("d"))]
    assert len(heights) == BINS + 1
    assert [(ticks[0] - each) / unit for each in heights[-3:-1]] == pytest.approx(
        [1 / 4, 3 / 4], abs=2e-3
    )
    assert "0.70 to 0.75: 6" in root.get("aria-label")


def test_a_chart_for_each_side_that_is_known(plain):
    """Both where both are; none where no flip's confidence is known."""
    both = told(plain, at(c50=12), old=at(c60=12))
    assert str(charts.confidence(both)).count("<svg") == 2
    assert charts.confidence(plain) == ""
    assert charts.confidence(told(plain, NONE, at(c50=3))) == ""


def test_the_table_has_every_count(plain):
    """The page has each step's count of flips, and says of how many it is known."""
    page = REPORTERS["html"](told(plain, at(c70=5, c90=4)))
    row = re.search(r'<th scope="row">0\.70 to 0\.75</th><td class="number">(\d+)</td>', page)
    assert row[1] == "5"
    assert len(re.findall(r'<th scope="row">0\.\d\d to', page)) == BINS
    assert "known for 9 of 12" in page


def test_first_answers_are_called_so(plain):
    """Of ranked answers the first one's confidence is known, and it need not be the right one."""
    found = replace(told(plain, at(c70=12), old=at(c70=12)), task=Judged("ranked", top_k=5))
    assert [title for title, _ in charts.sides(found)] == [
        "new model, in its first answer",
        "old model, in its first answer",
    ]


def test_the_chart_is_the_same_from_json(plain):
    """Nothing of it is lost on the way through a file."""
    found = told(plain, at(c70=5, c90=7), old=at(c60=12))
    again = Report.from_dict(found.to_dict())
    assert again.confidences == found.confidences
    assert charts.confidence(again) == charts.confidence(found)
