"""How the reports tell what differs between two models, and how each repeats itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

import flipcheck
from flipcheck.contract import EFFECTS, Difference, Repeatability
from flipcheck.reporters import REPORTERS
from flipcheck.reporters.contract import repeatability
from flipcheck.reporters.terminal import render

TEXTS = ("terminal", "html", "markdown")
KERNEL = Difference("preprocessing: resize kernel", "bilinear", "nearest", "answers", "0.1 to 3.6%")
SIZE = Difference("file size", "2,917 bytes", "18,725 bytes", "cost")
STILL = Repeatability(32, 0, 0, 1e-7, depends_on_batch=False, random=False, done="run in batches")
BY_BATCH = Repeatability(
    32, 0, 3, 0.2, depends_on_batch=True, random=False, done="run one example at a time"
)
BY_CHANCE = Repeatability(32, 5, 7, 0.4, depends_on_batch=False, random=True, done="run in batches")


@pytest.fixture
def report(flipped):
    """A report of a few flips."""
    return flipcheck.compare(*flipped(right=50, broken=3), resamples=0)


def plain(text):
    """The text without its line breaks."""
    return " ".join(text.split())


@pytest.mark.parametrize("name", TEXTS)
def test_every_report_says_what_differs_and_what_that_can_do(report, name):
    """The effect of each difference and what was measured stand beside it."""
    shown = plain(REPORTERS[name](replace(report, contract=(KERNEL, SIZE))))
    for text in ("resize kernel", "bilinear", "nearest", EFFECTS["answers"], "0.1 to 3.6%"):
        assert text in shown
    assert EFFECTS["cost"] in shown


@pytest.mark.parametrize("name", TEXTS)
def test_what_can_flip_by_itself_stands_before_the_answers(report, name):
    """A difference that makes flips is read before they are; others may wait."""
    answers = {"terminal": "Answers", "html": 'id="answers"', "markdown": "**old right**"}[name]
    place = 'id="contract"' if name == "html" else "Contract"  # the page lists its sections first
    urgent = REPORTERS[name](replace(report, contract=(KERNEL,)))
    assert urgent.index(place) < urgent.index(answers)
    if name != "terminal":  # which has it in few lines, always first
        calm = REPORTERS[name](replace(report, contract=(SIZE,)))
        assert calm.index(place) > calm.index(answers)


@pytest.mark.parametrize("name", TEXTS)
def test_two_models_that_are_alike_need_one_line(report, name):
    """Nothing that differs is said in a sentence; nothing that was compared in none."""
    alike, absent = (REPORTERS[name](replace(report, contract=each)) for each in ((), None))
    sign = "'" if name != "html" else "&#39;"
    assert f"The two models{sign} contracts are alike." in alike
    assert "contract" not in absent.lower()


def test_lines_stay_within_their_width(report):
    """Long names wrap, and none is cut away."""
    long = Difference("classes added", "", ", ".join(f"'class {n}'" for n in range(12)), "answers")
    every = tuple(replace(SIZE, what=effect, effect=effect) for effect in EFFECTS)
    shown = replace(
        report, contract=(long, *every), repeatability={"old": BY_BATCH, "new": BY_CHANCE}
    )
    for width in (60, 80, 100):
        text = render(shown, width=width)
        assert max(map(len, text.splitlines())) <= width
        assert "'class 11'" in plain(text)


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ({"old": STILL, "new": STILL}, ["Both models repeat themselves: no answer"]),
        ({"new": STILL}, ["The new model repeats itself: no answer"]),
        ({"old": STILL, "new": BY_BATCH}, ["The old model repeats itself",
         "The new model answers by the batch: 3 of the first 32 examples moved with it"]),
        ({"old": BY_CHANCE, "new": STILL}, ["does not repeat itself: 5 of the first 32 examples",
         "The new model repeats itself"]),
        ({"old": replace(BY_CHANCE, moved_on_repeat=0)}, ["draws random numbers: 0 of the first"]),
        ({"old": replace(BY_BATCH, moved_by_batch=0)}, ["depends on the batch, though none"]),
        ({"old": replace(STILL, moved_by_batch=None)}, ["moved on repeating."]),
        ({}, []),
    ],
    ids=["both", "one", "batch", "chance", "quiet chance", "quiet batch", "no other", "none"],
)  # fmt: skip
def test_how_each_model_repeats_itself(report, sides, expected):
    """A sentence for each model, or one for both where nothing moved."""
    told = repeatability(replace(report, repeatability=sides))
    assert len(told) == len(expected)
    for (text, sound), part in zip(told, expected, strict=True):
        assert part in text
        assert sound is not any(
            word in part for word in ("batch:", "not repeat", "draws", "though")
        )


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_names_are_text(report, name):
    """Names of inputs and producers come from files: none is markup, a script or a code."""
    hostile = "</script><script>alert(1)</script>|`\x1b[31m"
    parts = [Difference(hostile, hostile, hostile, effect, hostile) for effect in EFFECTS]
    shown = REPORTERS[name](replace(report, contract=tuple(parts)))
    assert "\x1b" not in shown
    if name == "html":
        assert "<script>alert" not in shown


def test_the_report_is_read_back(report):
    """Contract and repeatability are the same after JSON."""
    sides = {"old": STILL, "new": BY_CHANCE}
    told = replace(report, contract=(KERNEL, SIZE), repeatability=sides)
    assert flipcheck.Report.from_dict(told.to_dict()) == told


@pytest.mark.parametrize(
    "change",
    [
        {"contract": [{"what": "x", "old": "a", "new": "b", "effect": "magic"}]},
        {"contract": [{"what": 3, "old": "a", "new": "b", "effect": "cost"}]},
        {"contract": [{"old": "a"}]},
        {"contract": 7},
        {"repeatability": {"middle": {}}},
        {"repeatability": {"old": {"examples": 3}}},
        {"repeatability": [1]},
    ],
)
def test_damaged_parts_are_refused(report, change):
    """What no report says is a damaged report, and no internal error."""
    from flipcheck.errors import InputError
    from flipcheck.report import sealed

    with pytest.raises(InputError, match="damaged report"):
        flipcheck.Report.from_dict(sealed({**report.to_dict(), **change}))
