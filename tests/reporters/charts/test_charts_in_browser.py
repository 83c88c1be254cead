"""The charts as a browser draws them: every text has its room, by day, by night and unstyled."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from pages import IN_A_BROWSER

import flipcheck

pytestmark = IN_A_BROWSER
NAMES = [
    "</title></svg><b>x</b>",
    "a class of a very long name indeed",
    "日本語のとても長い名前",
    "b",
    "c",
]

TEXTS = """() => [...document.querySelectorAll("svg[role=img]")].flatMap((chart, at) =>
  [...chart.querySelectorAll("text")].map(text => {
    const [one, all] = [text.getBoundingClientRect(), chart.getBoundingClientRect()];
    return {at, kind: chart.getAttribute("class"), text: text.textContent,
      turned: text.closest("[transform]") !== null, box: [one.left, one.top, one.right, one.bottom],
      inside: one.left >= all.left - 1 && one.right <= all.right + 1
        && one.top >= all.top - 1 && one.bottom <= all.bottom + 1};
  }))"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page with every kind of chart, under names that are long, wide or hostile."""
    rows = range(600)
    truth = [NAMES[row % 5] for row in rows]
    old = [NAMES[(row + (row % 11 == 0)) % 5] for row in rows]
    new = [NAMES[(row + (row % 7 == 0) + (row % 49 == 0)) % 5] for row in rows]
    sides = [
        flipcheck.Predictions.from_arrays(
            answers,
            truth,
            ids=list(rows),
            confidence=[0.2 + row % 80 / 100 for row in rows],
            columns={"a column of a long name": truth},
            name=name,
        )
        for name, answers in (("old", old), ("new", new))
    ]
    asked = {
        "by": ["a column of a long name"],
        "gates": ["negative_flip_rate <= 12% by a column of a long name", "churn <= 90%"],
        "resamples": 0,
    }
    first = flipcheck.compare(*sides, resamples=0)
    others = [replace(first, warnings=(f"run {place}",)) for place in range(7)]
    path = tmp_path_factory.mktemp("charts") / "report.html"
    flipcheck.compare(*sides, **asked, history=others).save(path)
    return path


@pytest.fixture(params=["light", "dark", "unstyled"])
def texts(request, browser, page, tmp_path):
    """The texts of all charts with the room they take; unstyled is what a strict server shows."""
    shown = page
    if request.param == "unstyled":
        shown = tmp_path / "unstyled.html"
        shown.write_text(re.sub(r"(?s)<style>.*?</style>", "", page.read_text("utf-8")), "utf-8")
    scheme = "dark" if request.param == "dark" else "light"
    with browser.new_context(color_scheme=scheme, viewport={"width": 1200, "height": 900}) as tab:
        opened = tab.new_page()
        problems = []
        opened.on("console", lambda message: problems.append(message.text))
        opened.goto(shown.as_uri())
        found = opened.evaluate(TEXTS)
    assert [each for each in problems if "style" not in each] == []
    return found


def test_every_text_is_inside_its_chart(texts):
    """None is cut off at an edge."""
    kinds = {"forest", "confusion", "confidence", "history", "gate"}
    assert kinds <= {each["kind"] for each in texts}
    assert [(each["kind"], each["text"]) for each in texts if not each["inside"]] == []


def test_no_text_lies_on_another(texts):
    """Within a chart, but for headings that lean beside each other."""
    straight = [each for each in texts if not each["turned"]]
    clashes = [
        (one["kind"], one["text"], two["text"])
        for place, one in enumerate(straight)
        for two in straight[:place]
        if one["at"] == two["at"] and _overlap(one["box"], two["box"])
    ]
    assert clashes == []


def _overlap(one, two):
    """Whether two boxes share more than their margins."""
    (left, top, right, bottom), (other_left, other_top, other_right, other_bottom) = one, two
    across = min(right, other_right) - max(left, other_left)
    return across > 2 and min(bottom, other_bottom) - max(top, other_top) > 5
