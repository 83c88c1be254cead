"""Text answers after stated steps: against SQuAD's published rule and plain tables."""

from __future__ import annotations

import json
import re
import string

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flipcheck
from flipcheck.errors import FlipcheckError
from flipcheck.tasks.normalising import PRESETS, STEPS, normal, steps_of

NAMES = [*STEPS, *PRESETS]


def squad(text: str) -> str:
    """SQuAD 1.1's rule, written from its description: lower, punctuation, articles, spaces."""
    kept = "".join(each for each in text.lower() if each not in set(string.punctuation))
    words = re.split(r"\s+", re.sub(r"\b(a|an|the)\b", " ", kept))
    return " ".join(word for word in words if word)


@given(st.text())
def test_squad_is_its_published_rule(text):
    """Letter for letter, whatever the text."""
    assert normal(text, ("squad",)) == squad(text)


@given(st.text(), st.lists(st.sampled_from(NAMES), max_size=5))
def test_what_is_normalised_stays_as_it_is(text, steps):
    """In any order and combination of steps."""
    once = normal(text, tuple(steps))
    assert normal(once, tuple(steps)) == once


@pytest.mark.parametrize(
    ("step", "text", "expected"),
    [
        ("strip", "  a  b ", "a  b"),
        ("spaces", " a \t b\n", "a b"),
        ("case", "Straße PARIS", "strasse paris"),
        ("punctuation", "“Yes”, it's – ok!", "Yes its  ok"),
        ("articles", "The cat and an owl", "cat and owl"),
        ("accents", "Café Ångström", "Cafe Angstrom"),
        ("unicode", "ﬁne ½ Ａ", "fine 1⁄2 A"),
        ("number", "3,000", "3000"),
        ("number", "1.0", "1"),
        ("number", "1,234,567.890", "1234567.89"),
        ("number", "-0.0", "0"),
        ("number", "+5 and 007", "5 and 7"),
        ("number", "$1,000, or 2.50.", "$1000, or 2.5."),
        ("number", "1.2.3", "1.2.3"),  # a version
        ("number", "3,00", "3,00"),  # no thousands
        ("number", "0,001", "0,001"),  # nor here
        ("number", "12,3456", "12,3456"),
        ("number", "x1.0", "x1.0"),  # a name
        ("number", "10", "10"),
    ],
)
def test_each_step(step, text, expected):
    """What each step does, and leaves alone."""
    assert normal(text, (step,)) == expected


def counts(report) -> tuple[int, int, int, int]:
    """Both right, broken, mended and both wrong."""
    tally = report.tally
    return tally.both_right, tally.negative_flips, tally.positive_flips, tally.both_wrong


@pytest.fixture
def sides(table):
    """Two models that write the same and other answers in other ways; ids are never touched."""
    header = "id,label,prediction"
    old = table("old.csv", header, "A,Paris,paris.", "a,the Moon,Moon", "b,3000,3000", "c,x,y")
    new = table("new.csv", header, "A,Paris,PARIS", "a,the Moon,...", '"b",3000,"3,000"', "c,x,x")
    return old, new


def test_truths_and_answers_of_both_sides_are_normalised(sides):
    """As a loop over the normalised texts counts them; ids that differ in case stay apart."""
    assert counts(flipcheck.compare(*sides, resamples=0)) == (0, 1, 1, 2)
    report = flipcheck.compare(*sides, normalise="squad,number", resamples=0)
    assert counts(report) == (2, 1, 1, 0)


def test_an_answer_of_which_nothing_is_left_is_wrong_and_counted(sides):
    """It is no missing answer, and a warning says how many there are."""
    report = flipcheck.compare(*sides, normalise=("squad",), resamples=0)
    assert any("1 answer without text after --normalise" in note for note in report.warnings)
    assert report.new.missing_answers == 0
    assert [kind.new for kind in report.negative_flips.transitions if kind.old == "moon"] == [""]


def test_a_label_of_which_nothing_is_left_is_an_error(table):
    """No answer could be right to it."""
    path = table("t.csv", "id,label,prediction", "1,The,The")
    with pytest.raises(FlipcheckError, match="1 label of which --normalise leaves nothing: 'The'"):
        flipcheck.compare(path, path, normalise="squad")


@pytest.mark.parametrize("text", ["[1, 2]", '["x"]', "[", "[]x"])
def test_a_truth_that_begins_like_a_list_is_a_text(lines, text):
    """An answer that is written like it is right, as it is without any normalisation."""
    rows = [{"id": number, "label": text, "prediction": text} for number in range(3)]
    old, new = (
        lines("old.jsonl", *rows),
        lines("new.jsonl", *rows[:2], {**rows[2], "prediction": "y"}),
    )
    for steps in ((), ("case",)):
        assert counts(flipcheck.compare(old, new, normalise=steps, resamples=0)) == (2, 1, 0, 0)


def test_any_accepted_answer_is_right(lines):
    """A list of truths accepts each of its texts, normalised like the answers."""

    def side(name, *answers):
        truths = [["Paris", "Paris, France"], ["4", "four"], ["x"]]
        rows = zip(truths, answers, strict=True)
        return lines(
            name, *({"id": n, "label": t, "prediction": a} for n, (t, a) in enumerate(rows))
        )

    old, new = side("old.jsonl", "paris france", "four", "y"), side("new.jsonl", "Paris", "5", "x")
    assert counts(flipcheck.compare(old, new, resamples=0)) == (0, 1, 2, 0)
    report = flipcheck.compare(old, new, normalise="squad", resamples=0)
    assert counts(report) == (1, 1, 1, 0)
    mapped = flipcheck.compare(old, new, label_map={"y": "x"}, resamples=0)
    assert counts(mapped) == (1, 1, 1, 0)


def test_a_rerun_is_normalised_too(sides, table):
    """The old model run again is judged as the first run was."""
    header = "id,label,prediction"
    rows = "A,Paris,PARIS!", "a,the Moon,a moon", "b,3000,2999", "c,x,y"
    again = table("again.csv", header, *rows)
    report = flipcheck.compare(*sides, normalise="squad", rerun=again, resamples=0)
    assert report.reruns[0].negative_flips == 1


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("punctation", "did you mean 'punctuation'"),
        ("case,,strip", "a step without a name"),
        ("", "a step without a name"),
        ("xyz", "steps: strip, spaces"),
    ],
)
def test_a_step_that_there_is_not(command, sides, written, told):
    """The error names the nearest step, or all of them."""
    done = command("compare", *sides, "--normalise", written)
    assert done.status == 2
    assert told in done.err


def test_the_report_says_which_steps(command, sides, tmp_path):
    """Both spellings of the flag; in the terminal and in JSON, which renders the same."""
    out = tmp_path / "r.json"
    done = command("compare", *sides, "--normalize", "case,punctuation", "--json", out)
    assert "right: the answer is the truth after case, punctuation" in " ".join(done.out.split())
    assert json.loads(out.read_text("utf-8"))["task"]["normalise"] == ["case", "punctuation"]
    assert command("render", out).out == done.out


def test_steps_are_parsed_as_they_are_written():
    """In their order, spaces aside."""
    assert steps_of("case, spaces") == ("case", "spaces")


def test_a_rerun_is_normalised_where_several_answers_are_accepted(tmp_path):
    """Its flips are those of a plain loop over normalised texts."""
    rng = np.random.default_rng(7)
    truths = [rng.choice(list("abcd"), 2, replace=False).tolist() for _ in range(60)]
    right, paths = [], []
    for name in ("old", "new", "again"):
        answers = rng.choice(list("ABCD"), 60).tolist()
        right.append([one.lower() in some for one, some in zip(answers, truths, strict=True)])
        frame = pd.DataFrame({"id": range(60), "label": truths, "prediction": answers})
        frame.to_json(tmp_path / f"{name}.jsonl", orient="records", lines=True)
        paths.append(tmp_path / f"{name}.jsonl")
    report = flipcheck.compare(*paths[:2], rerun=paths[2], normalise="case")
    old, new, again = map(np.array, right)
    assert report.tally.negative_flips == int((old & ~new).sum())
    assert [each.negative_flips for each in report.reruns] == [int((old & ~again).sum())]
