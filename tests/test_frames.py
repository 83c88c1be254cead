"""The parts of a report as frames: columns and types that never depend on the data."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import flipcheck
from flipcheck.errors import UsageError
from flipcheck.report.frames import (
    FLIP_COLUMNS,
    GATE_COLUMNS,
    METRIC_COLUMNS,
    SLICE_COLUMNS,
)

ROOT = Path(__file__).parents[1]
Y = ["cat", "dog"] * 10
NEW = ["dog", *Y[1:]]
OLD = [*Y[:-1], "cat"]
COLUMNS = {
    "metrics": METRIC_COLUMNS,
    "slices": SLICE_COLUMNS,
    "classes": SLICE_COLUMNS,
    "gates": GATE_COLUMNS,
    "flips": FLIP_COLUMNS,
}


def graded():
    """A report of graded answers, which have no classes, answers or flips of kinds."""
    sides = [
        flipcheck.Predictions.from_arrays(scores=each, name=name)
        for name, each in (("old", [0.5, 1.0, 0.25]), ("new", [0.5, 0.0, 1.0]))
    ]
    return flipcheck.compare(*sides)


@pytest.fixture(params=["full", "bare", "graded", "json"])
def report(request, tmp_path):
    """Reports that have everything, next to nothing, grades, and only what JSON keeps."""
    if request.param == "graded":
        return graded()
    by = {"half": [1, 2] * 10}
    more = {} if request.param == "bare" else {"by": by, "gates": ["churn <= 50% by half"]}
    answers = (Y, Y) if request.param == "bare" else (OLD, NEW)
    found = flipcheck.compare(*answers, Y, **more)
    if request.param == "json":
        found.save(tmp_path / "report.json")
        found = flipcheck.Report.load(tmp_path / "report.json")
    return found


@pytest.mark.parametrize("what", COLUMNS)
def test_columns_and_types_are_always_the_same(report, what):
    """Whatever a report has, a frame of it has the documented columns in their types."""
    frame = report.to_frame(what)
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert {name: kinds[name] for name in COLUMNS[what]} == COLUMNS[what]
    assert set(kinds) - set(COLUMNS[what]) <= ({"half"} if what == "flips" else set())


@pytest.fixture
def full():
    """A report with slices, gates and flips of both kinds."""
    gates = ["churn <= 50%", "negative_flip_rate <= 60% by half"]
    return flipcheck.compare(OLD, NEW, Y, by={"half": [1, 2] * 10}, gates=gates, seed=3)


def test_frames_hold_what_the_report_holds(full):
    """Each number is the report's own."""
    metrics = full.to_frame()
    assert list(metrics.index) == list(full.metrics)
    for name, each in full.metrics.items():
        row = metrics.loc[name]
        assert each.value is None or row["value"] == each.value
        assert each.interval is None or row["high"] == each.interval.high
    slices = full.to_frame("slices").set_index("value")
    for part in full.slices:
        rate = part.metrics["negative_flip_rate"]
        row = slices.loc[part.value]
        assert row["negative_flip_rate_low"] == rate.interval.low
        assert row["positive_flips"] == part.tally.positive_flips
    gates = full.to_frame("gates")
    assert gates["verdict"].tolist() == [str(each.verdict) for each in full.gates]
    assert gates["slice"].fillna("").tolist() == ["", "1", "2"]
    assert gates["bound"].tolist() == [each.bound for each in full.gates]


def test_flips_of_a_read_report_are_those_it_lists(full):
    """The whole table has both kinds; of a report from JSON the listed ones are told as that."""
    whole = full.to_frame("flips")
    assert whole["outcome"].tolist() == ["negative_flip", "positive_flip"]
    assert whole["half"].tolist() == ["1", "2"]
    assert whole.attrs["complete"] is True
    listed = flipcheck.Report.from_dict(full.to_dict()).to_frame("flips")
    assert listed["outcome"].tolist() == ["negative_flip"]
    assert listed["id"].tolist() == [each.id for each in full.negative_flips.examples]
    assert listed.attrs["complete"] is False


def test_another_part_is_refused(full):
    """The error names the nearest part that there is."""
    with pytest.raises(UsageError, match="no part 'metric'") as caught:
        full.to_frame("metric")
    assert "'metrics'" in caught.value.hint


def test_a_report_shows_itself_in_one_line(full):
    """What a prompt shows is the verdict, the sides and the rate."""
    assert repr(full) == "<Report PASS: 'old' → 'new', 20 examples, 5.00% NFR>"


SHOWN = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "flipcheck").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", SHOWN)
def test_the_examples_of_docstrings_run(module):
    """What docstrings show is what comes out."""
    found = doctest.testmod(importlib.import_module(module))
    assert not found.failed


def test_the_documented_calls_have_examples():
    """A docstring that lost its example would pass the test above."""
    finder = doctest.DocTestFinder()
    shown = (flipcheck.compare, flipcheck.Report.to_frame, flipcheck.Predictions.from_arrays)
    assert all(finder.find(each)[0].examples for each in shown)
