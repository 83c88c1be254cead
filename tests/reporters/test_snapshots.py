"""Every report of one audit, as it was last approved.

After a wanted change: FLIPCHECK_APPROVE=1 python -m pytest tests/reporters, and read the diff.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from pages import approved

import flipcheck
from flipcheck.reporters import REPORTERS

ROOT = Path(__file__).parents[2]
SNAPSHOTS = Path(__file__).parent / "snapshots"
RUN = {"python": "3.11.0", "numpy": "2.0.0"}
"""The versions of no machine in particular."""
SUFFIXES = {
    "terminal": "txt",
    "json": "json",
    "markdown": "md",
    "html": "html",
    "junit": "xml",
    "metrics": "metrics.txt",
}
GATES = (
    "negative_flip_rate <= 5%",
    "error_rate_change <= 0",
    "negative_flip_rate <= 8% by ink",
    "negative_flip_rate <= 2% where class=three",
)


@pytest.fixture
def report(monkeypatch):
    """The sample predictions under gates that pass, fail and stay open; no bootstrap."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    found = flipcheck.compare(
        "sample_data/old_predictions.csv",
        "sample_data/new_predictions.csv",
        by=["ink"],
        gates=GATES,
        resamples=0,  # its random numbers are numpy's, and may change with its version
    )
    return replace(found, run=RUN)


@pytest.mark.parametrize("name", REPORTERS)
def test_a_report_is_what_was_approved(report, name):
    """The text is the approved one, to the letter."""
    path = SNAPSHOTS / f"report.{SUFFIXES[name]}"
    text = approved(REPORTERS[name](report))
    if os.environ.get("FLIPCHECK_APPROVE"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8")


GRADED_GATES = (
    "mean_regression <= 0.05",
    "mean_score_change >= 0.01",
    "mean_regression <= 0.005 by lang",
    "negative_flip_rate <= 20% where lang=en",
)


@pytest.fixture
def graded():
    """Scores of 240 answers that rise, fall or stay, under gates of every verdict."""
    ids = [f"q{place:03}" for place in range(240)]
    old = [(30 + place * 7 % 50) / 100 for place in range(240)]
    moves = {0: -0.25, 1: 0.2, 2: -0.06, 3: 0.02, 4: 0.15}
    new = [score + moves.get(place % 16, 0) for place, score in enumerate(old)]
    langs = ["en" if place % 3 else "de" for place in range(240)]
    sides = [
        flipcheck.Predictions.from_arrays(scores=old, ids=ids, columns={"lang": langs}, name="old"),
        flipcheck.Predictions.from_arrays(scores=new, ids=ids, name="new"),
    ]
    found = flipcheck.compare(
        *sides, tolerance=0.05, by=["lang"], gates=GRADED_GATES, resamples=0, listed=8
    )
    return replace(found, run=RUN)


@pytest.mark.parametrize("name", REPORTERS)
def test_a_graded_report_is_what_was_approved(graded, name):
    """The text is the approved one, to the letter."""
    path = SNAPSHOTS / f"graded.{SUFFIXES[name]}"
    text = approved(REPORTERS[name](graded))
    if os.environ.get("FLIPCHECK_APPROVE"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8")


def test_no_line_of_a_graded_report_is_too_long(graded):
    """At the widths of terminals."""
    from flipcheck.reporters.terminal import render

    for width in (60, 80, 100):
        assert max(map(len, render(graded, width=width).splitlines())) <= width


def test_the_terminal_report_keeps_to_its_width(report):
    """No line is longer than 80 columns, with all four kinds of gates."""
    from flipcheck.reporters.terminal import render

    for width in (60, 80, 100):
        assert max(map(len, render(report, width=width).splitlines())) <= width


def test_colour_changes_no_word(report):
    """Without its escape sequences the coloured report is the plain one."""
    import re

    from flipcheck.reporters.terminal import render

    coloured = render(report, color=True)
    assert "\x1b[" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == render(report).splitlines()


def test_large_counts_lose_no_digit(flipped):
    """With a hundred million examples the counts wrap; no value or interval is cut."""
    from flipcheck.audits.compare import estimates
    from flipcheck.outcomes import Tally
    from flipcheck.report import Settings
    from flipcheck.reporters.terminal import render
    from flipcheck.stats.bootstrap import Kinds
    from flipcheck.stats.sampling import Sample

    report = flipcheck.compare(*flipped(right=9, broken=1), resamples=0)
    tally = Tally(70_000_000, 5_080_000, 10_160_000, 7_380_000, 7_380_000)
    metrics = estimates(Sample(tally), Kinds.of(tally), Settings(resamples=0), answers=True)
    report = replace(report, tally=tally, metrics=metrics)
    table = render(report).split("Metrics\n")[1].split("McNemar")[0]
    assert "…" not in table
    assert "100,000,000" in table
