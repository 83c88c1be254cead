"""The terminal report: its width in cells, its next step, and that nothing hostile acts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hostile import HOSTILE, MARK, dressed, hostile_report
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from rich.cells import cell_len

import flipcheck
from flipcheck.gates import rough
from flipcheck.reporters import words
from flipcheck.reporters.layout import cut, short
from flipcheck.reporters.terminal import render

ANSI = re.compile(r"\x1b\[[0-9;]*m")
WIDTHS = range(60, 101)


@pytest.fixture(scope="module")
def hostile():
    """A report of hostile texts only."""
    return hostile_report()


def check_lines(text, width):
    """Raise AssertionError for a line that is too wide, moves a cursor or commands a CI server."""
    for line in text.split("\n"):
        plain = ANSI.sub("", line)
        assert cell_len(plain) <= width, (cell_len(plain), plain)
        assert plain.isprintable(), plain
        assert not plain.lstrip().startswith("::"), plain
        assert "##[" not in plain


@pytest.mark.parametrize("width", [60, 61, 79, 80, 100])
@pytest.mark.parametrize("color", [False, True])
def test_nothing_hostile_acts_or_is_too_wide(hostile, width, color):
    """Wide characters, escapes, markup of rich and commands for CI servers."""
    text = render(hostile, width=width, color=color)
    check_lines(text, width)
    assert MARK in text
    assert "[red]" in text  # as it is written, and not as a colour
    assert color is bool(ANSI.search(text))


@pytest.mark.parametrize("color", [False, True])
def test_a_wrapped_line_is_no_command(flipped, color):
    """Wherever a text is wrapped, between words and within one."""
    report = flipcheck.compare(*flipped(right=9, broken=1), resamples=0)
    for gap in (" ", "x"):
        notes = tuple(f"{gap * before}note ::error::{before}" for before in range(80))
        text = render(replace(report, warnings=notes), color=color)
        check_lines(text, 80)
        assert "∷error::" in text


NAMES = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(min_size=1, max_size=90),
    st.text("漢字🎉é日̈", min_size=1, max_size=60),
    st.sampled_from(["cat", "a long name of a class that is longer than most " * 2]),
)


@st.composite
def reports(draw):
    """Reports of any names under any gates: graded or not, sliced, clustered, weighted, dressed."""
    count = draw(st.integers(1, 12))
    names = draw(st.lists(NAMES, min_size=4, max_size=8, unique=True))
    pick = st.lists(st.sampled_from(names), min_size=count, max_size=count)
    ids = [f"{row}{draw(NAMES)}" for row in range(count)]
    column = draw(NAMES.filter(lambda name: "," not in name and name != "class"))
    more = {"ids": ids, "columns": {column: draw(pick)}, "name": names[0]}
    scores = st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=count, max_size=count)
    graded = draw(st.booleans())
    if graded:
        sides = [{"scores": draw(scores)} for _ in "ab"]
    else:
        truth = draw(pick)
        sides = [{"answers": draw(pick), "truth": truth} for _ in "ab"]
    metric = draw(st.sampled_from(["negative_flip_rate <= 1%", "negative_flip_rate <= 99%"]))
    options = {
        "gates": draw(st.sampled_from([(), (metric,)])),
        "by": draw(st.sampled_from([(), (column,)])),
        "show": draw(st.sampled_from(["", [column]])),
        "resamples": 0,
    }
    try:
        report = flipcheck.compare(
            *(flipcheck.Predictions.from_arrays(**side, **more) for side in sides), **options
        )
    except flipcheck.errors.UsageError:  # numbers on one side and names on the other
        reject()
    return dressed(report, names) if draw(st.booleans()) else report


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(reports(), st.sampled_from(WIDTHS))
def test_no_line_is_wider_than_the_terminal(report, width):
    """Whatever is in it, counted in cells as a terminal shows them."""
    check_lines(render(report, width=width), width)


@pytest.mark.parametrize("shorten", [cut, short])
@given(st.text(max_size=60), st.integers(2, 40))
def test_a_shortened_text_fits(shorten, text, width):
    """In cells; and one that fits is left alone."""
    text = words.clean(text)
    found = shorten(text, width)
    assert cell_len(found) <= width
    assert found == text or "…" in found
    assert (found == text) >= (cell_len(text) <= width)


def test_the_end_of_a_path_and_the_beginning_of_a_name_are_kept():
    """What tells most."""
    assert short("a/long/path/to/file.csv", 10) == "…/file.csv"
    assert cut("golden retriever", 10) == "golden re…"
    assert cut("日本語日本語", 6) == "日本…"


def last_step(report, **more):
    """The next step, in one line."""
    text = " ".join(render(report, **more).split())
    return text[text.rindex("Next ") + 5 : text.rindex(words.TITLES[report.verdict])].strip()


GATES = {"fail": ["negative_flip_rate <= 1%"], "pass": ["negative_flip_rate <= 50%"]}


def test_a_gate_that_failed_on_a_slice_sends_there(sample):
    """And says where its flips are listed."""
    pair = (sample / "old_predictions.csv", sample / "new_predictions.csv")
    gates = ["negative_flip_rate <= 2% where class=three"]
    report = flipcheck.compare(*pair, gates=gates, resamples=0)
    step = "Look at the 5 negative flips where class is three first"
    assert last_step(report) == f"{step}; --html report.html lists them."
    for written in ({"html": "out/r.html"}, {"flips": "f.csv"}, {"html": "r.html", "flips": "f"}):
        first = next(iter(written.values()))
        assert last_step(report, written=written) == f"{step}; see {first}."


def test_the_most_frequent_kind_of_flip_is_named(sample):
    """Whether the update passes or fails as a whole."""
    pair = (sample / "old_predictions.csv", sample / "new_predictions.csv")
    for gates in (["negative_flip_rate <= 5%"], ["negative_flip_rate <= 0.1%"]):
        step = last_step(flipcheck.compare(*pair, gates=gates, resamples=0))
        assert step.startswith("4 of 12 negative flips are three → two; ")


def test_without_gates_one_is_proposed(sample):
    """With a number that this update's interval ends below."""
    pair = (sample / "old_predictions.csv", sample / "new_predictions.csv")
    report = flipcheck.compare(*pair, resamples=0)
    step = last_step(report)
    assert "Add a gate, as in --max-nfr 4% (this update's interval ends at 3.85%)." in step
    assert (
        flipcheck.compare(*pair, resamples=0, gates=["negative_flip_rate <= 4%"]).verdict == "pass"
    )


@pytest.mark.parametrize(("rows", "limit"), [(500, "0.8%"), (5000, "0.08%"), (36, "10%")])
def test_an_update_that_breaks_nothing(flipped, rows, limit):
    """How many might break with other examples, and a limit from there."""
    step = last_step(flipcheck.compare(*flipped(right=rows), resamples=0))
    assert step.startswith("No answer broke; with other examples up to ")
    assert f"--max-nfr {limit} " in step


def test_a_test_set_that_is_too_small_says_how_many_it_takes(flipped):
    """And names the command that weighs it."""
    report = flipcheck.compare(*flipped(right=95, broken=5), gates=["negative_flip_rate <= 6%"])
    step = last_step(report)
    assert step.startswith("Bring about ")
    needed = report.gates[0].needed
    assert f"about {rough(needed):,} examples, drawn as these 100 were. `flipcheck plan`" in step


def test_clusters_are_what_is_brought():
    """Where examples were drawn in clusters, these are counted."""
    ids = [f"x{row}" for row in range(60)]
    groups = [f"g{row // 10}" for row in range(60)]
    answers = ["no" if row % 20 == 3 else "yes" for row in range(60)]
    sides = [
        flipcheck.Predictions.from_arrays(each, ["yes"] * 60, ids=ids, columns={"g": groups})
        for each in (["yes"] * 60, answers)
    ]
    report = flipcheck.compare(*sides, cluster="g", gates=["negative_flip_rate <= 7%"])
    assert report.verdict == "inconclusive"
    assert last_step(report).startswith("Bring more clusters, drawn alike. Too small ever to pass")


def test_what_more_examples_would_not_decide_is_told_as_it_is(flipped):
    """The reason, and then the flips if there are any."""
    report = flipcheck.compare(
        *flipped(right=98, broken=2), gates=["negative_flip_rate <= 2%"], resamples=0
    )
    (judged,) = report.gates
    told = "beyond the limit by itself, but not after correction over 4 slices"
    odd = replace(report, gates=(replace(judged, needed=None, reason=told),))
    assert last_step(odd) == f"B{told[1:]}. 2 of 2 negative flips are a → b."
    sides = [["b"] * 3 + ["a"] * 2, ["a"] * 5]  # in slice x the old model is always wrong
    columns = {"part": ["x"] * 3 + ["y"] * 2}
    old, new = (
        flipcheck.Predictions.from_arrays(each, ["a"] * 5, ids=list("vwxyz"), columns=columns)
        for each in sides
    )
    never = flipcheck.compare(old, new, gates=["negative_flip_rate <= 2% where part=x"])
    assert last_step(never) == "The old model has no right answer that could break."


def test_slices_that_are_too_small_are_told(table):
    """Where --min-slice leaves every one out, nothing was decided."""
    rows = [f"{row},a,a,{row % 3}" for row in range(12)]
    path = table("same.csv", "id,label,prediction,part", *rows)
    gates = ["negative_flip_rate <= 2% by part"]
    report = flipcheck.compare(path, path, gates=gates, min_slice=50, resamples=0)
    assert report.verdict == "inconclusive"
    assert last_step(report).startswith("Too small to judge (--min-slice 50)")


def test_a_critical_example_that_broke_comes_first(flipped):
    """By its id, with what it became."""
    report = flipcheck.compare(*flipped(right=90, broken=9), critical=["x00092", "x00091"])
    assert last_step(report).startswith(
        "Look at x00091 (a → b) and 1 more critical example first; `flipcheck repro`"
    )


def test_a_contract_that_can_flip_answers_is_mended_first(flipped):
    """Whatever else there is to see; but not where nothing flipped."""
    report = flipcheck.compare(*flipped(right=90, broken=9), gates=GATES["fail"], resamples=0)
    told = "Mend the contract first: resize can flip answers whatever the models have learnt."
    urgent = replace(report, contract=dressed(report, ["resize"] * 9).contract)
    assert last_step(urgent) == told
    calm = flipcheck.compare(*flipped(right=90), resamples=0)
    assert "Mend" not in last_step(replace(calm, contract=urgent.contract))


def test_a_model_that_does_not_repeat_itself_is_mended_first(flipped):
    """Its own flips are among those that are counted."""
    report = flipcheck.compare(*flipped(right=90, broken=9), resamples=0)
    unsound = dressed(report, ["x"]).repeatability
    report = replace(report, repeatability=unsound, contract=())
    assert last_step(report).startswith("Have the old model repeat itself first")


def test_graded_answers_have_no_kinds():
    """The largest falls are read."""
    sides = [
        flipcheck.Predictions.from_arrays(scores=each, ids=list("abcdef"))
        for each in ([0.5] * 6, [0.4, 0.5, 0.5, 0.3, 0.5, 0.5])
    ]
    report = flipcheck.compare(*sides, resamples=0)
    assert last_step(report).startswith("Read the answers whose scores fell furthest.")


def test_the_file_that_this_run_wrote_is_named(flipped, command, tmp_path):
    """The HTML page before the table of flips."""
    pair = flipped(right=90, broken=9)
    page, table = tmp_path / "r.html", tmp_path / "f.csv"
    done = command("compare", *pair, "--resamples", "0", "--flips", table, "--html", page)
    assert f"see{page}." in "".join(done.out.split())
    done = command("compare", *pair, "--resamples", "0", "--flips", table)
    assert f"see{table}." in "".join(done.out.split())


@pytest.mark.parametrize(
    ("environment", "colored"),
    [
        ({}, False),  # no terminal
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),  # who forces it means it
    ],
)
def test_colour_is_for_those_who_can_see_it(flipped, command, monkeypatch, environment, colored):
    """NO_COLOR before FORCE_COLOR, and neither: a pipe is plain."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = command("compare", *flipped(right=9, broken=1), "--resamples", "0")
    assert bool(ANSI.search(done.out)) is colored
