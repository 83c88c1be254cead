"""The chart of a gate: estimate, bounds and limit where they belong, and the verdict's mark."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from flipcheck.gates import Gate, Judgement, Verdict
from flipcheck.reporters import words
from flipcheck.reporters.html import charts
from flipcheck.reporters.html.charts.ink import (
    BROKEN,
    KEPT,
    LIMIT,
    MENDED,
    NEUTRAL,
    PASSED,
    UNDECIDED,
    WRONG,
    ticks,
)
from flipcheck.reporters.html.charts.marks import cut

ROWS = [
    pytest.param("negative_flip_rate <= 5%", 0.02, 0.035, 0.01, Verdict.PASS, id="passes"),
    pytest.param("negative_flip_rate <= 1%", 0.02, 0.035, 0.015, Verdict.FAIL, id="fails"),
    pytest.param("error_rate_change <= 0", -0.06, -0.04, -0.08, Verdict.PASS, id="below zero"),
    pytest.param("win_loss_ratio >= 1", 3.0, 2.0, 9.0, Verdict.PASS, id="a limit from below"),
    pytest.param("negative_flip_rate <= 5%", 0.0, 0.04, 0.0, Verdict.PASS, id="nothing broke"),
    pytest.param("negative_flip_rate <= 50%", 1.0, 1.0, 0.9, Verdict.FAIL, id="all broke"),
]


def judged(gate, value, bound, opposite, verdict):
    """What became of a gate."""
    return Judgement(Gate.parse(gate), verdict, value, bound, opposite, 1, 9)


@pytest.mark.parametrize(("gate", "value", "bound", "opposite", "verdict"), ROWS)
def test_marks_are_in_proportion(parsed, classed, gate, value, bound, opposite, verdict):
    """The distance from the limit to each bound is that of their values."""
    root = parsed(charts.gate(judged(gate, value, bound, opposite, verdict)))
    (limit,), (bounds,) = classed(root, "limit"), classed(root, "bounds")
    left, right = float(bounds.get("x1")), float(bounds.get("x2"))
    low, high = min(value, bound, opposite), max(value, bound, opposite)
    unit = (right - left) / (high - low)
    wanted = left + (Gate.parse(gate).limit - low) * unit
    assert float(limit.get("x1")) == pytest.approx(wanted, abs=0.02)
    (mark,) = classed(root, "value")
    if mark.get("cx"):
        assert float(mark.get("cx")) == pytest.approx(left + (value - low) * unit, abs=0.02)
    assert (mark.tag.endswith("path")) is (verdict is Verdict.FAIL)


@pytest.mark.parametrize(("gate", "value", "bound", "opposite", "verdict"), ROWS)
def test_limit_and_estimate_are_written(parsed, gate, value, bound, opposite, verdict):
    """Beside their marks, and with the bounds in the words for those who do not see them."""
    found = judged(gate, value, bound, opposite, verdict)
    root = parsed(charts.gate(found))
    metric = found.gate.measures
    texts = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert texts == [f"limit {found.gate.limit_text}", words.number(metric, value)]
    for each in (value, bound, opposite, found.gate.limit):
        assert words.number(metric, each) in root.get("aria-label")


@pytest.mark.parametrize(("gate", "value", "bound", "opposite", "verdict"), ROWS)
def test_what_breaks_the_limit_is_shaded(parsed, classed, gate, value, bound, opposite, verdict):
    """To the right of a limit from above, to the left of one from below."""
    root = parsed(charts.gate(judged(gate, value, bound, opposite, verdict)))
    limit = float(classed(root, "limit")[0].get("x1"))
    (beyond,) = classed(root, "beyond")
    start, width = float(beyond.get("x")), float(beyond.get("width"))
    if Gate.parse(gate).upper:
        assert start == limit
        assert start + width == float(root.get("width"))
    else:
        assert (start, start + width) == (0, pytest.approx(limit, abs=0.02))


def test_a_gate_of_which_nothing_is_known_has_no_chart():
    """Neither estimate nor bounds: no axis to draw."""
    found = judged("win_loss_ratio >= 1", None, None, None, Verdict.INCONCLUSIVE)
    assert charts.gate(found) == ""


def luminance(color):
    """The relative luminance of WCAG 2."""
    shares = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in shares
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("page", ["#ffffff", "#292524"])
@pytest.mark.parametrize("color", [BROKEN, MENDED, KEPT, WRONG, NEUTRAL, LIMIT, PASSED, UNDECIDED])
def test_colours_stand_out_by_day_and_by_night(page, color):
    """At least 3 to 1 against the cards of the page, as WCAG 2 asks of what must be seen."""
    light, dark = sorted((luminance(page), luminance(color)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


@pytest.mark.parametrize(
    ("top", "found"),
    [
        (0.12, [0, 0.025, 0.05, 0.075, 0.1]),  # a step between 1 and 5
        (1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),  # the end is a tick
        (3e-7, [0, 1e-7, 2e-7, 3e-7]),  # very rare, and no digit is lost
        (5e-324, [0]),  # the least float there is
    ],
)
def test_ticks_are_round(top, found):
    """At most five above 0, in steps that are easily read."""
    assert ticks(top)[: len(found)] == pytest.approx(found)
    assert len(ticks(top)) <= 6


@pytest.mark.parametrize(
    ("words_given", "most", "shown"),
    [
        ("abc", 3, "abc"),  # as long as there is room
        ("abcd", 3, "ab…"),  # one too long
        ("日本語", 6, "日本語"),  # wide signs take two
        ("日本語", 5, "日…"),  # which is one too many here
        ("", 0, ""),  # nothing
    ],
)
def test_names_are_cut_to_their_room(words_given, most, shown):
    """With a sign that something is missing."""
    assert cut(words_given, most) == shown


@pytest.mark.parametrize("verdict", [*Verdict, None])
def test_the_legend_has_each_mark(verdict):
    """A small picture that only decorates the word beside it."""
    root = ET.fromstring(str(charts.verdict_mark(verdict)))  # noqa: S314  (our own)
    assert root.get("aria-hidden") == "true"
    assert len(root) == 1
