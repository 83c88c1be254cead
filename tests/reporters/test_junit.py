"""JUnit XML: what a CI server's reader makes of every verdict, and of hostile names."""

from __future__ import annotations

import string
from xml.parsers import expat

import junitparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flipcheck
from flipcheck.audits.judging import rejudge
from flipcheck.gates import Gate
from flipcheck.reporters import REPORTERS

RENDER = REPORTERS["junit"]


def read(report):
    """The suite as junitparser reads it, its counts checked by its own."""
    found = junitparser.JUnitXml.fromstring(RENDER(report).encode())
    (suite,) = list(found)
    told = [(each.tests, each.failures, each.errors, each.skipped) for each in (found, suite)]
    found.update_statistics()
    counted = [(each.tests, each.failures, each.errors, each.skipped) for each in (found, suite)]
    assert told == counted
    return suite


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ({"right": 995, "broken": 5}, None),
        ({"right": 900, "broken": 100}, "fail"),
        ({"right": 97, "broken": 3}, "inconclusive"),  # never passed, never skipped
    ],
)
def test_each_verdict_is_told_apart(flipped, counts, kind):
    """A failed gate and an undecided one are failures, each of its own type."""
    report = flipcheck.compare(*flipped(**counts), gates=["negative_flip_rate <= 2%"], resamples=0)
    (case,) = list(read(report))
    assert case.classname == "flipcheck.negative_flip_rate"
    assert case.name == "negative_flip_rate <= 2%"
    assert [type(each) for each in case.result] == ([junitparser.Failure] if kind else [])
    assert [each.type for each in case.result] == ([kind] if kind else [])


def test_an_undecided_gate_says_how_many_examples_it_needs(flipped):
    """The message has the measured value, the bound, the limit and the number."""
    report = flipcheck.compare(
        *flipped(right=97, broken=3), gates=["negative_flip_rate <= 2%"], resamples=0
    )
    (case,) = list(read(report))
    (judged,) = report.gates
    assert judged.needed is not None
    assert judged.reason in case.result[0].message
    for part in ("3.00%", "3 / 100", "at most 7.57%", "the limit is <= 2%"):
        assert part in case.result[0].message


def test_without_a_gate_nothing_passes(flipped):
    """The one case is skipped, as no comparison was made."""
    (case,) = list(read(flipcheck.compare(*flipped(right=9), resamples=0)))
    assert case.is_skipped
    assert not case.is_passed
    assert case.result[0].message == "no gate was given"


@pytest.fixture
def sliced(table):
    """Two sides with a slice that fails, one that is undecided and one too small to judge."""
    rows = [("EU", "b")] * 60 + [("EU", "a")] * 540 + [("US", "a")] * 40 + [("JP", "a")] * 3
    sides = []
    for name, answers in (("old", ["a"] * len(rows)), ("new", [each for _, each in rows])):
        lines = [f"x{at},a,{one},{rows[at][0]}" for at, one in enumerate(answers)]
        sides.append(table(f"{name}.csv", "id,label,prediction,region", *lines))
    return flipcheck.compare(
        *sides, gates=["negative_flip_rate <= 2% by region"], min_slice=10, resamples=0
    )


def test_slices_are_cases(sliced):
    """What is too small to judge is skipped, and says so; the rest is judged."""
    found = {each.name: each for each in read(sliced)}
    gate = "negative_flip_rate <= 2% by region"
    assert set(found) == {f"{gate} [region={each}]" for each in ("EU", "US", "JP")}
    assert found[f"{gate} [region=EU]"].result[0].type == "fail"
    assert found[f"{gate} [region=US]"].result[0].type == "inconclusive"
    small = found[f"{gate} [region=JP]"]
    assert small.is_skipped
    assert "too small to judge (--min-slice 10): 3 examples" in small.result[0].message


def test_slices_that_are_all_too_small_do_not_pass(table):
    """A gate of which no slice was judged is undecided in each of them."""
    lines = [f"x{at},a,a,{'EU' if at % 2 else 'US'}" for at in range(20)]
    path = table("p.csv", "id,label,prediction,region", *lines)
    report = flipcheck.compare(
        path, path, gates=["negative_flip_rate <= 2% by region"], min_slice=50, resamples=0
    )
    suite = read(report)
    assert (suite.tests, suite.failures, suite.skipped) == (2, 2, 0)
    assert {each.result[0].type for each in suite} == {"inconclusive"}


def test_the_properties_are_the_numbers(flipped):
    """As the JSON report has them; what is undefined is left out."""
    report = flipcheck.compare(*flipped(right=90, mended=10), resamples=0)
    found = {each.name: each.value for each in read(report).properties()}
    assert found["verdict"] == "none"
    assert found["negative_flips"] == "0"
    for name, estimate in report.metrics.items():
        assert found.get(name) == (None if estimate.value is None else f"{estimate.value:.10g}")
    assert "win_loss_ratio" not in found


def test_gates_of_one_text_are_cases_of_their_own(table):
    """A server that keys by name would lose one of them, also where a slice is called `x (2)`.

    No audit judges a gate twice; a report that was made of gates may hold it.
    """
    lines = [f"x{row},a,a,{'x' if row % 2 else 'x (2)'}" for row in range(40)]
    path = table("p.csv", "id,label,prediction,by", *lines)
    whole, one = "negative_flip_rate <= 20%", "negative_flip_rate <= 20% where by=x"
    gates = [whole, whole, one, one, f"{one} (2)", f"{one} (2)"]
    report = flipcheck.compare(path, path, by="by", resamples=0)
    report = rejudge(report, [Gate.parse(each) for each in gates], "bound")
    names = [each.name for each in read(report)]
    assert len(names) == len(set(names)) == len(gates)


def test_the_text_is_the_same_from_json(flipped, tmp_path):
    """The same audit gives the same bytes, and `render` gives them again."""
    gates = ["negative_flip_rate <= 2%", "win_loss_ratio >= 1"]
    report = flipcheck.compare(*flipped(right=97, broken=3, mended=7), gates=gates)
    report.save(tmp_path / "r.json")
    report.save(tmp_path / "r.xml")
    again = flipcheck.Report.load(tmp_path / "r.json")
    assert (tmp_path / "r.xml").read_text(encoding="utf-8") == RENDER(again)


@given(value=st.text(st.characters(), min_size=1, max_size=12) | st.text(string.printable))
@settings(max_examples=30, deadline=None)
def test_any_slice_value_gives_xml(value):
    """XML 1.0 has no room for control characters, and expat reads what is written."""
    answers, values = ["a"] * 40, [value or "x", "other"] * 20
    sides = [
        flipcheck.Predictions.from_arrays(answers, answers, columns={"by": values}, name=name)
        for name in ("old", "new")
    ]
    report = flipcheck.compare(*sides, gates=["negative_flip_rate <= 20% by by"], resamples=0)
    seen, parser = [], expat.ParserCreate()
    parser.StartElementHandler = lambda name, _given: seen.append(name)
    parser.Parse(RENDER(report), True)
    assert seen.count("testcase") == len(report.gates)
