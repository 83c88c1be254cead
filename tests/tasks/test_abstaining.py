"""Answers that decline: counted by a plain loop, and told apart from wrong ones."""

from __future__ import annotations

import json
import random

import pytest

import flipcheck
from flipcheck.errors import FlipcheckError
from flipcheck.report import Report

IDK = "I don't know"


@pytest.fixture
def drawn():
    """200 truths and two models' answers, of which some decline."""
    rng = random.Random(4)
    truth = [rng.choice("abc") for _ in range(200)]
    old, new = (
        [rng.choice([label, label, rng.choice("abc"), IDK, ""]) for label in truth]
        for _ in range(2)
    )
    return truth, old, new


@pytest.fixture
def written(table, drawn):
    """Both sides as tables."""
    truth, *sides = drawn
    return [
        table(f"{name}.csv", "id,label,prediction", *(
            f"{row},{label},{answer}"
            for row, (label, answer) in enumerate(zip(truth, answers, strict=True))
        ))
        for name, answers in zip(("old", "new"), sides, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("values", [(IDK,), (IDK, ""), ("",)])
def test_abstentions_are_those_of_a_loop(drawn, written, values):
    """On each side, among the answered, and among the negative flips."""
    truth, *sides = drawn
    report = flipcheck.compare(*written, abstain=list(values), resamples=0)
    found = report.task.abstentions
    for side, answers in zip((found.old, found.new), sides, strict=True):
        answered = [
            (label, answer)
            for label, answer in zip(truth, answers, strict=True)
            if answer not in values
        ]
        assert side.abstained == len(truth) - len(answered)
        assert side.coverage == pytest.approx(len(answered) / len(truth))
        wrong = sum(label != answer for label, answer in answered)
        assert side.error == pytest.approx(wrong / len(answered))
    broken = [two for label, one, two in zip(truth, *sides, strict=True) if one == label != two]
    assert found.flips_by_abstention == sum(each in values for each in broken)
    assert found.flips_by_wrong_answer == sum(each not in values for each in broken)
    plain = flipcheck.compare(*written, resamples=0)
    assert report.tally == plain.tally  # a flip counts, whether by declining or by erring


def test_a_value_that_is_a_class_is_refused(written):
    """What can be right is no abstention."""
    with pytest.raises(FlipcheckError, match="the labels have it too"):
        flipcheck.compare(*written, abstain="a")


def test_an_old_model_that_only_declines_is_refused(table):
    """It could break nothing, so that any update would pass."""
    path = table("idk.csv", "id,label,prediction", "1,a,no", "2,b,no")
    with pytest.raises(FlipcheckError, match="it abstains on every example"):
        flipcheck.compare(path, path, abstain="no", gates="negative_flip_rate <= 1%")


def test_a_verdict_that_calls_an_abstention_right_is_refused(table):
    """Verdicts go with --abstain where they agree that declining is never right."""
    rows = "1,a,idk,{}", "2,b,b,1"
    bad, good = (
        table(f"{ok}.csv", "id,label,prediction,ok", rows[0].format(ok), rows[1]) for ok in (1, 0)
    )
    with pytest.raises(FlipcheckError, match="1 abstention that its verdict calls right"):
        flipcheck.compare(bad, bad, abstain="idk", correct="ok")
    report = flipcheck.compare(good, good, abstain="idk", correct="ok", resamples=0)
    assert report.task.abstentions.old.abstained == 1


def test_a_value_of_which_nothing_is_left_is_refused(table):
    """It would mean a missing answer, which the user did not say."""
    path = table("n.csv", "id,label,prediction", "1,a,...", "2,b,B")
    with pytest.raises(FlipcheckError, match="leaves nothing of it"):
        flipcheck.compare(path, path, abstain="...", normalise="punctuation")


def test_verdicts_without_answers_cannot_decline(table):
    """There is nothing in which an abstention could be seen."""
    path = table("v.csv", "id,ok", "1,1", "2,0")
    with pytest.raises(FlipcheckError, match="--abstain speaks of answers"):
        flipcheck.compare(path, path, abstain="idk", correct="ok")


def test_values_are_normalised_as_answers_are(table):
    """An "IDK." is an abstention where answers are compared without case and marks."""
    path = table("n.csv", "id,label,prediction", "1,a,IDK.", "2,b,B")
    report = flipcheck.compare(path, path, abstain="idk", normalise="case,punctuation", resamples=0)
    assert report.task.abstentions.new.abstained == 1


def test_every_report_tells_of_them(command, written, tmp_path):
    """Terminal, JSON that renders the same, Markdown and HTML."""
    paths = {name: tmp_path / f"r.{name}" for name in ("json", "html", "markdown")}
    outputs = [part for name, path in paths.items() for part in (f"--{name}", path)]
    done = command("compare", *written, "--abstain", IDK, *outputs)
    assert done.status == 0, done.err
    report = Report.load(paths["json"])
    found = report.task.abstentions
    told = f"{found.flips_by_abstention:,} decline and {found.flips_by_wrong_answer:,} answer wrong"
    assert told in " ".join(done.out.split())
    assert told in paths["html"].read_text("utf-8")
    assert told in paths["markdown"].read_text("utf-8")
    written_task = json.loads(paths["json"].read_text("utf-8"))["task"]["abstentions"]
    assert written_task["old"]["coverage"] == pytest.approx(found.old.coverage)
    again = command("render", paths["json"]).out
    assert again.split("Next  ")[0] == done.out.split("Next  ")[0]  # which names the files


def test_a_report_whose_abstentions_do_not_add_up_is_damaged(written):
    """They are those of the tally."""
    written_report = flipcheck.compare(*written, abstain=IDK, resamples=0).to_dict()
    written_report["task"]["abstentions"]["flips_by_abstention"] += 1
    with pytest.raises(FlipcheckError, match="abstention"):
        Report.from_dict(written_report)
