"""Updates over time: where points stand, how verdicts look, and which updates compare."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from flipcheck.gates import Verdict
from flipcheck.report import Estimate, Past
from flipcheck.reporters import REPORTERS, history, words
from flipcheck.reporters.html import charts
from flipcheck.reporters.html.charts.history import DRAWN
from flipcheck.stats.intervals import Interval

DATA = "d" * 64
NAMES = ("old_error_rate", "new_error_rate", "negative_flip_rate")


def past(place, rate=0.02, verdict=Verdict.PASS, data=DATA, examples=101, name=None, new=None):
    """An earlier update with this rate of negative flips, and errors twice as often."""
    metrics = {
        each: Estimate(value, 1, 2, Interval(value / 2, min(1, value * 2), 0.95, "any"))
        for each, value in zip(NAMES, (rate * 2, rate * 2, rate), strict=True)
    }
    told = (f"v{place}" if name is None else name, None, f"{place:064}", "old", "new", "new.onnx")
    return Past(*told, None, new, data, examples, verdict, metrics)


@pytest.fixture(scope="module")
def plain(audited):
    """An audit of 101 examples with 12 flips, whose test set has a digest."""
    report = audited(("x", 12, 100), ("y", 0, 1), gates=["negative_flip_rate <= 1%"])
    return replace(report, data=replace(report.data, sha256=DATA))


def panels(report, parsed):
    """The charts of a report: of the errors, and of the negative flips."""
    found = [parsed(each + "</svg>") for each in str(charts.history(report)).split("</svg>")[:-1]]
    assert len(found) == 2
    return found


def value_of(root, classed):
    """The function from a height to the value that the axis says stands there."""
    lines = [float(each.get("y1")) for each in classed(root, "tick")]
    labels = [
        float(each.text.removesuffix("%"))
        for each in root.iter()
        if each.get("text-anchor") == "end" and each.get("fill-opacity") and each.text[-1] == "%"
    ]
    unit = (lines[0] - lines[-1]) / (labels[-1] - labels[0]) * 100
    return lambda place: labels[0] / 100 + (lines[0] - place) / unit


def test_points_stand_where_their_values_are(plain, parsed, classed):
    """Each update's rate and interval is read off the axis; this update is the last."""
    rates = [0.02, 0.3, 0.0, 0.1]
    report = replace(plain, history=tuple(past(*each) for each in enumerate(rates)))
    flips = panels(report, parsed)[1]
    value_at = value_of(flips, classed)
    points = classed(flips, "update")
    this = report.metrics["negative_flip_rate"]
    assert len(points) == 5
    for point, rate in zip(points, [*rates, this.value], strict=True):
        (mark,) = classed(point, "value")
        (interval,) = classed(point, "interval")
        low, high = (value_at(float(interval.get(end))) for end in ("y1", "y2"))
        if mark.get("cy"):
            assert value_at(float(mark.get("cy"))) == pytest.approx(rate, abs=2e-3)
            assert low == pytest.approx(rate / 2, abs=2e-3)
            assert high == pytest.approx(rate * 2, abs=2e-3)
    places = [float(classed(point, "interval")[0].get("x1")) for point in points]
    steps = [two - one for one, two in itertools.pairwise(places)]
    assert steps == pytest.approx([steps[0]] * 4, abs=0.02)
    assert points[-1][0].text.startswith("this update: 11.88%")


def test_verdicts_have_shapes_of_their_own(plain, parsed, classed):
    """A disc, a cross, a diamond and a ring, so that colour need not be seen."""
    verdicts = [*Verdict, None]
    report = replace(
        plain, history=tuple(past(place, verdict=each) for place, each in enumerate(verdicts))
    )
    flips = panels(report, parsed)[1]
    shapes = set()
    for point in classed(flips, "update")[:-1]:
        (mark,) = classed(point, "value")
        shapes.add((mark.tag, mark.get("fill") == "none", (mark.get("d") or "").count("M")))
    assert len(shapes) == 4
    titles = [point[0].text for point in classed(flips, "update")]
    for verdict, title in zip(verdicts, titles, strict=False):
        assert title.endswith(words.TITLES[verdict].lower())


JOINS = [
    pytest.param([{}, {}], ["none"] * 2, id="one test set: joined"),
    pytest.param([{"data": "e" * 64}, {}], ["none"], id="another test set: apart"),
    pytest.param([{"data": None}, {}], ["4 3", "none"], id="unknown: dashed"),
    pytest.param([{}, {"examples": 99}], [], id="other examples: apart"),
]


@pytest.mark.parametrize(("given", "dashes"), JOINS)
def test_only_updates_on_one_test_set_are_joined(plain, parsed, classed, given, dashes):
    """A line says that two rates compare."""
    report = replace(plain, history=tuple(past(place, **each) for place, each in enumerate(given)))
    for root in panels(report, parsed):
        joins = [each.get("stroke-dasharray", "none") for each in classed(root, "join")]
        assert joins == dashes


DIFFERENCES = [
    ({}, ""),
    ({"examples": 99}, "other examples of this test set"),
    ({"data": "e" * 64}, "another test set"),
    ({"data": None}, "not known to be the same test set"),
    ({"data": None, "examples": 99}, "another test set"),
]


@pytest.mark.parametrize(("given", "note"), DIFFERENCES)
def test_what_does_not_compare_is_said(plain, given, note):
    """In the row of the update, and over all of them in a sentence."""
    report = replace(plain, history=(past(1, **given),))
    assert history.rows(report)[0][-1] == note
    assert bool(history.doubt(report)) is bool(note)
    assert history.rows(report)[-1][0] == "this update"


def test_the_sentence_counts_both_kinds_of_doubt(plain):
    """Those that do not compare, and those of which it is not known."""
    given = (past(1), past(2, data="e" * 64), past(3, examples=5), past(4, data=None))
    assert history.doubt(replace(plain, history=given)) == (
        "2 of 4 earlier updates do not compare: measured on other examples. 1 of 4 earlier "
        "updates may not compare: the test set is not known to be the same."
    )


def test_the_table_has_the_numbers_of_every_update(plain):
    """Under headings, as texts; and they are in the page."""
    report = replace(plain, history=(past(1, rate=0.025),))
    first, last = history.rows(report)
    assert first[:8] == ("v1", "new", "101", "5.00%", "5.00%", "2.50%", "1.25 to 5.00%", "pass")
    assert last[2:6] == ("101", "0%", "11.88%", "11.88%")
    assert len(first) == len(last) == len(history.headings(report))
    page = REPORTERS["html"](report)
    for cell in (*first[:8], *last[:-1]):
        assert f"<td>{cell}</td>" in page


def test_without_history_nothing_is_drawn(plain):
    """No chart, no rows, no sentence, no section."""
    assert charts.history(plain) == ""
    assert history.rows(plain) == []
    assert history.doubt(plain) == ""
    assert 'id="history"' not in REPORTERS["html"](plain)


def test_the_latest_of_many_updates_are_drawn(plain, parsed, classed):
    """And the older ones counted; all are in the table."""
    report = replace(plain, history=tuple(past(place) for place in range(100)))
    for root in panels(report, parsed):
        assert len(classed(root, "update")) == DRAWN
    assert charts.undrawn_updates(report) == 101 - DRAWN
    assert len(history.rows(report)) == 101


def test_scores_may_be_negative(parsed, classed):
    """Of graded answers the mean score is drawn over all of its range, with 0 as it lies there."""
    import flipcheck

    sides = [
        flipcheck.Predictions.from_arrays(scores=scores, name=name)
        for name, scores in (("old", [-3.0, -1.0, 1.0, 2.0]), ("new", [-2.0, -2.5, -1.0, 1.5]))
    ]
    first = flipcheck.compare(*sides, resamples=0)
    report = flipcheck.compare(*sides, tolerance=0.7, resamples=0, history=first)
    scores, flips = panels(report, parsed)
    labels = [
        float(each.text)
        for each in scores.iter()
        if each.get("text-anchor") == "end" and each.get("fill-opacity")
    ]
    assert min(labels) < 0
    assert labels == sorted(labels)
    assert len(classed(flips, "update")) == 2
    heights = [float(classed(each, "interval")[0].get("y2")) for each in classed(scores, "update")]
    assert all(0 <= height <= float(scores.get("height")) for height in heights)


HOSTILE = '</text></svg><script>alert(1)</script>"&\x1b]'


def test_hostile_names_are_texts(plain, parsed, classed):
    """A file's name is no markup."""
    report = replace(plain, history=(past(1, name=HOSTILE),))
    for root in panels(report, parsed):
        assert classed(root, "update")[0][0].text.startswith(words.clean(HOSTILE))
    assert "<script>alert" not in REPORTERS["html"](report)


LINKS = [
    pytest.param("m" * 64, 0, "", id="one file of answers, with as many errors"),
    pytest.param("m" * 64, 1, history.UNSURE, id="its errors are others: other labels"),
    pytest.param("n" * 64, 0, history.UNSURE, id="another file"),
    pytest.param(None, 0, history.UNSURE, id="no file"),
]


@pytest.mark.parametrize(("digest", "errors", "note"), LINKS)
def test_the_model_between_is_evidence_of_one_test_set(plain, digest, errors, note):
    """Where predictions bring their own labels, no test set has a digest."""
    between = past(1, data=None, new=digest)
    rate = replace(between.metrics["new_error_rate"], numerator=errors)
    between = replace(between, metrics=between.metrics | {"new_error_rate": rate})
    report = replace(
        plain,
        data=replace(plain.data, sha256=None),
        old=replace(plain.old, sha256="m" * 64),
        history=(between,),
    )
    assert plain.metrics["old_error_rate"].numerator == 0
    assert history.updates(report)[0].note == note


def test_evidence_goes_from_update_to_update(plain):
    """All updates of an unbroken chain compare, and none before the break."""
    digests = [f"{place}" * 64 for place in range(5)]
    chain = []
    for place in range(4):
        each = past(place, data=None, new=digests[place + 1])
        each = replace(each, old_sha256=digests[place] if place != 2 else "f" * 64)
        rates = {
            name: replace(each.metrics[name], numerator=0)
            for name in ("old_error_rate", "new_error_rate")
        }
        chain.append(replace(each, metrics=each.metrics | rates))
    report = replace(
        plain,
        data=replace(plain.data, sha256=None),
        old=replace(plain.old, sha256=digests[-1]),
        history=tuple(chain),
    )
    assert [each.note for each in history.updates(report)] == [*[history.UNSURE] * 2, "", "", ""]
    assert "2 of 4 earlier updates may not compare" in history.doubt(report)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["v1", "v2"], ["v1", "v2", "this update"]),  # all have room
        (["a", "long name", "c"], ["a", "this update"]),  # one has not: the ends
        (["a name that is too long by itself"], ["a name that is to…", "this update"]),  # and cut
    ],
)
def test_names_stand_below_where_there_is_room(plain, parsed, names, shown):
    """No name lies on another."""
    report = replace(plain, history=tuple(past(at, name=name) for at, name in enumerate(names)))
    for root in panels(report, parsed):
        texts = [each for each in root if each.tag.endswith("text")]
        lowest = max(float(each.get("y")) for each in texts)
        assert [each.text for each in texts if float(each.get("y")) == lowest] == shown
