"""The forest plot of slices: where its marks stand, which they are, and what it says in words."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flipcheck.report import Estimate
from flipcheck.reporters import words
from flipcheck.reporters.html import charts
from flipcheck.reporters.html.charts.forest import DRAWN
from flipcheck.stats.intervals import Interval

SLICES = [("EU", 12, 100), ("US", 3, 200), ("Asia", 0, 50), ("tiny", 1, 3), ("rest", 2, 400)]
TITLE = "{http://www.w3.org/2000/svg}title"


@pytest.fixture(scope="module")
def report(audited):
    """An audit of five slices, one with more flips than the rest and one too small to judge."""
    gates = ["negative_flip_rate <= 9% by part", "negative_flip_rate <= 8%"]
    gates.append("new_error_rate <= 50% by part")
    return audited(*SLICES, gates=gates, min_slice=10)


def rows_of(root, classed):
    """The rows of a chart, from the top."""
    return classed(root, "slice")


def scale_of(root, classed):
    """The function from a place to the value that the ticks of the axis say stands there."""
    lines = [float(each.get("x1")) for each in classed(root, "tick")]
    labels = [
        float(each.text.removesuffix("%")) / 100
        for each in root.iter()
        if each.get("text-anchor") == "middle" and (each.text or "").endswith("%")
    ]
    assert len(lines) == len(labels) >= 2
    assert labels[0] == 0
    unit = (lines[-1] - lines[0]) / labels[-1]
    return lambda place: (place - lines[0]) / unit


def place_of(mark):
    """Where a mark stands: a circle, or the middle of a diamond."""
    if mark.get("cx") is not None:
        return float(mark.get("cx"))
    numbers = [float(each) for each in re.findall(r"-?[\d.]+", mark.get("d"))]
    return (numbers[0] + numbers[4]) / 2


def test_marks_stand_where_their_values_are(report, parsed, classed):
    """Each estimate, interval and limit is read off the axis as the report has it."""
    root = parsed(charts.forest(report.slices, report))
    value_at = scale_of(root, classed)
    rows = rows_of(root, classed)
    ranked = words.ranked(report.slices)
    assert len(rows) == len(ranked) == len(SLICES)
    for row, part in zip(rows, ranked, strict=True):
        estimate = part.metrics["negative_flip_rate"]
        (mark,) = classed(row, "value")
        assert value_at(place_of(mark)) == pytest.approx(estimate.value, abs=1e-3)
        (interval,) = classed(row, "interval")
        low, high = (value_at(float(interval.get(end))) for end in ("x1", "x2"))
        assert low == pytest.approx(estimate.interval.low, abs=1e-3)
        if classed(row, "interval-goes-on"):
            assert high < estimate.interval.high
        else:
            assert high == pytest.approx(estimate.interval.high, abs=1e-3)
        assert words.percent(estimate.value) in [each.text for each in row]
    (overall,) = classed(root, "overall")
    assert value_at(float(overall.get("x1"))) == pytest.approx(18 / 753, abs=1e-3)


def test_only_what_would_squeeze_the_others_is_clipped(report, parsed, classed):
    """One flip of three examples is known to lie below 91 %, and goes on beyond the axis."""
    root = parsed(charts.forest(report.slices, report))
    named = zip(rows_of(root, classed), words.ranked(report.slices), strict=True)
    clipped = [part.value for row, part in named if classed(row, "interval-goes-on")]
    assert clipped == ["tiny"]


def test_intervals_of_likely_lengths_are_whole(audited, parsed, classed):
    """Nothing is clipped where no interval reaches far beyond the estimates."""
    report = audited(("a", 12, 100), ("b", 3, 200), ("c", 9, 300))
    root = parsed(charts.forest(report.slices, report))
    assert len(classed(root, "interval")) == 3
    assert not classed(root, "interval-goes-on")


def test_a_family_is_shown_by_a_thinner_line(report, parsed, classed):
    """The interval of all slices at once is drawn under the thicker one, for judged slices."""
    root = parsed(charts.forest(report.slices, report))
    value_at = scale_of(root, classed)
    for row, part in zip(rows_of(root, classed), words.ranked(report.slices), strict=True):
        lines = classed(row, "simultaneous")
        assert len(lines) == (0 if part.too_small else 1)
        for line in lines:
            assert float(line.get("stroke-width")) < 4
            low = value_at(float(line.get("x1")))
            assert low == pytest.approx(part.simultaneous.low, abs=1e-3)


def test_marked_and_small_slices_differ_in_shape(report, parsed, classed):
    """A diamond for more flips than the rest, a ring for too small; and the name says it too."""
    root = parsed(charts.forest(report.slices, report))
    for row, part in zip(rows_of(root, classed), words.ranked(report.slices), strict=True):
        (mark,) = classed(row, "value")
        name = next(each.text for each in row if each.tag.endswith("text"))
        assert mark.tag.endswith("path") is words.is_marked(part) is name.endswith(" *")
        assert (mark.get("fill") == "none") is part.too_small
    assert "more flips than the rest: part = EU" in root.get("aria-label")


def test_limits_are_drawn_for_the_slices_they_are_of(report, parsed, classed):
    """The limit of a gate by the column, at its place; none from the gate on the whole."""
    root = parsed(charts.forest(report.slices, report))
    value_at = scale_of(root, classed)
    for row in rows_of(root, classed):
        (limit,) = classed(row, "limit")
        assert value_at(float(limit.get("x1"))) == pytest.approx(0.09, abs=1e-3)
    assert charts.limited(report.slices, report)
    assert not charts.limited(report.classes, report)


@pytest.mark.parametrize(
    "slices",
    [
        pytest.param([("a", 0, 5), ("b", 0, 900)], id="no flips"),
        pytest.param([("a", 5, 5), ("b", 900, 900)], id="all flip"),
        pytest.param([("a", 1, 1), ("b", 0, 1)], id="single examples"),
        pytest.param([("a", 1, 90_000), ("b", 0, 90_000)], id="very rare"),
    ],
)
def test_extremes_stay_on_the_chart(audited, parsed, classed, slices):
    """Whatever the rates, marks stand between the ends of the axis."""
    report = audited(*slices)
    root = parsed(charts.forest(report.slices, report))
    scale_of(root, classed)
    width = float(root.get("width"))
    for each in root.iter():
        for name in ("x", "x1", "x2", "cx"):
            assert 0 <= float(each.get(name, 0)) <= width


def test_one_slice_is_no_plot(audited):
    """Nothing is drawn of one slice, which is the whole."""
    report = audited(("all", 1, 9))
    assert charts.forest(report.slices, report) == ""


def test_many_slices_are_counted_and_not_drawn(report, parsed, classed):
    """Of ten thousand slices the most telling are drawn, and the others are said to be there."""
    parts = [replace(report.slices[0], value=f"{place}") for place in range(10_000)]
    root = parsed(charts.forest(parts, report))
    assert len(rows_of(root, classed)) == DRAWN
    assert charts.undrawn(parts) == 10_000 - DRAWN
    assert f"{10_000 - DRAWN:,} more are not drawn" in root.get("aria-label")
    assert len(str(charts.forest(parts, report))) < 100_000


HOSTILE = '"><script>alert(1)</script>&amp;\x1b[31m\u202e{{ 7 * 7 }}'


def test_hostile_names_are_texts(report, parsed, classed):
    """A name from a file is no markup, and its control characters are spelled out."""
    parts = [replace(each, by=HOSTILE, value=HOSTILE) for each in report.slices]
    root = parsed(charts.forest(parts, report))
    row = rows_of(root, classed)[0]
    assert f"{words.clean(HOSTILE)} = {words.clean(HOSTILE)}" in row[0].text
    assert not [each for each in root.iter() if each.tag.endswith("script")]


def test_a_slice_without_a_rate_has_no_mark(report, parsed, classed):
    """Where all examples of a slice weigh nothing, its row says so and nothing is drawn."""
    nothing = {"negative_flip_rate": Estimate(None, None, None, None)}
    parts = [replace(report.slices[0], metrics=nothing, simultaneous=None), *report.slices]
    root = parsed(charts.forest(parts, report))
    empty = [row for row in rows_of(root, classed) if not classed(row, "value")]
    assert len(empty) == 1
    assert "–" in [each.text for each in empty[0]]
    assert not classed(empty[0], "interval")


RATES = st.tuples(*[st.floats(0, 1) for _ in range(3)]).map(sorted)


@given(st.lists(RATES, min_size=2, max_size=6))
def test_any_rates_are_drawn_in_order(report, parsed, classed, rates):
    """Low end, estimate and high end stand in their order, within the chart."""
    parts = [
        replace(
            report.slices[0],
            value=str(place),
            metrics={"negative_flip_rate": Estimate(value, 1, 2, Interval(low, high, 0.95, "any"))},
        )
        for place, (low, value, high) in enumerate(rates)
    ]
    root = parsed(charts.forest(parts, report))
    for row in rows_of(root, classed):
        (mark,), (interval,) = classed(row, "value"), classed(row, "interval")
        left, right = (float(interval.get(end)) for end in ("x1", "x2"))
        assert 0 <= left <= place_of(mark) + 0.01 <= right + 0.02 <= float(root.get("width"))


NAMED = [
    pytest.param(["ink", "ink"], ["ink", "EU"], id="one column: over its values"),
    pytest.param(["ink", "pen"], ["ink = EU"], id="two columns: in each name"),
    pytest.param(
        ["a column of long name", "ink"], ["a column … = EU"], id="cut, and its value not"
    ),
]


@pytest.mark.parametrize(("columns", "shown"), NAMED)
def test_slices_of_one_column_share_its_name(report, parsed, columns, shown):
    """Names have little room, and a long column leaves some to the value."""
    parts = [
        replace(part, by=by) for part, by in zip(words.ranked(report.slices), columns, strict=False)
    ]
    root = parsed(charts.forest(parts, report))
    texts = [(each.text or "").removesuffix(" *") for each in root.iter()]
    assert set(shown) <= set(texts)
    assert f"{words.clean(columns[0])} = EU" in "".join(texts)
