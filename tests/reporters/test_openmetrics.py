"""OpenMetrics text: what Prometheus' own readers make of it."""

from __future__ import annotations

import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as older

import flipcheck
from flipcheck.reporters import REPORTERS

RENDER = REPORTERS["metrics"]
LABELS = ['"', "\\", "\n", 'a"} 1\nevil 2', "\\n", "::error::x", "#", "{}", "\x00", "é\u2028"]


def read(text, parser=text_string_to_metric_families):
    """Every value by its name and labels, none twice."""
    samples = [each for family in parser(text) for each in family.samples]
    found = {(each.name, *sorted(each.labels.items())): each.value for each in samples}
    assert len(found) == len(samples)
    return found


def sliced(value, answers=("a", "b")):
    """A report with a gate over two slices, of which one has a name from a file."""
    rows = 60
    columns = {"by": [value, "plain"] * (rows // 2)}
    sides = [
        flipcheck.Predictions.from_arrays(
            [answer if row % 10 == 0 else "a" for row in range(rows)],
            ["a"] * rows,
            columns=columns,
            name=name,
        )
        for name, answer in zip(("old", "new"), answers, strict=True)
    ]
    return flipcheck.compare(*sides, gates=["negative_flip_rate <= 20% by by"], resamples=0)


def test_every_number_is_that_of_the_report(flipped):
    """Counts, metrics and the ends of their intervals; undefined ones are left out."""
    report = flipcheck.compare(*flipped(right=90, broken=3, mended=7), resamples=0)
    found = read(RENDER(report))
    assert found["flipcheck_examples",] == 100
    assert found["flipcheck_negative_flips",] == 3
    for name, each in report.metrics.items():
        ends = {"": each.value}
        ends |= {"_lower": each.interval.low, "_upper": each.interval.high} if each.interval else {}
        for suffix, value in ends.items():
            key = (f"flipcheck_{name}{suffix}",)
            assert (key in found) is (value is not None)
            assert value is None or found[key] == pytest.approx(value, abs=1e-10)


def test_an_undefined_metric_is_left_out(flipped):
    """Without negative flips there is no ratio of wins to losses, and no 0 or NaN for it."""
    text = RENDER(flipcheck.compare(*flipped(right=90, mended=10), resamples=0))
    assert "win_loss_ratio" not in text
    assert "nan" not in text.lower().replace("nance", "")


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ({"right": 995, "broken": 5}, "pass"),
        ({"right": 900, "broken": 100}, "fail"),
        ({"right": 97, "broken": 3}, "inconclusive"),
    ],
)
def test_one_verdict_holds(flipped, counts, verdict):
    """1 for it and 0 for each other, of the whole and of the gate."""
    gate = "negative_flip_rate <= 2%"
    found = read(RENDER(flipcheck.compare(*flipped(**counts), gates=[gate], resamples=0)))
    for name, labels in (("verdict", ()), ("gate_verdict", (("gate", gate),))):
        held = {
            dict(key[1:])["verdict"]: value
            for key, value in found.items()
            if key[0] == f"flipcheck_{name}" and set(labels) <= set(key[1:])
        }
        assert {each for each, value in held.items() if value == 1} == {verdict}
        assert sum(held.values()) == 1


def test_no_gate_is_no_pass(flipped):
    """The verdict is none."""
    found = read(RENDER(flipcheck.compare(*flipped(right=9), resamples=0)))
    assert found["flipcheck_verdict", ("verdict", "none")] == 1
    assert found["flipcheck_verdict", ("verdict", "pass")] == 0


@pytest.mark.parametrize("value", LABELS)
@pytest.mark.parametrize("parser", [text_string_to_metric_families, older])
def test_names_from_files_are_labels_only(value, parser):
    """Both readers see as many values as with a plain name, and none of the name's making."""
    found = read(RENDER(sliced(value)), parser)
    assert len(found) == len(read(RENDER(sliced("other")), parser))
    assert not any(key[0].startswith("evil") for key in found)
    shown = {dict(key[1:])["gate"] for key in found if key[0] == "flipcheck_gate_value"}
    assert len(shown) == 2


def test_numbers_keep_their_decimals(flipped):
    """Servers compare them as text: each has the same decimals, and a count none."""
    text = RENDER(flipcheck.compare(*flipped(right=90, broken=3, mended=7), resamples=0))
    numbers = [line.rsplit(" ", 1)[1] for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"-?\d+(\.\d{10})?", each) for each in numbers)
    assert text.endswith("\n# EOF\n")


def test_the_text_is_the_same_from_json(flipped, tmp_path):
    """`render` gives the same bytes again."""
    report = flipcheck.compare(*flipped(right=97, broken=3, mended=7), resamples=0)
    report.save(tmp_path / "r.json")
    assert RENDER(flipcheck.Report.load(tmp_path / "r.json")) == RENDER(report)
