"""What is asked of the models: conflicts, what goes together, and what the report keeps."""

from __future__ import annotations

import pytest

import flipcheck
from flipcheck.errors import FlipcheckError
from flipcheck.report import Report, sealed
from flipcheck.tasks import Task
from flipcheck.tasks.task import CONFLICTS, FLAGS, check_conflicts

SAID = {
    "probability": "p",
    "multilabel": True,
    "top_k": 2,
    "normalise": ("case",),
    "abstain": ("idk",),
    "threshold": 0.0,
}


@pytest.mark.parametrize(("one", "two"), CONFLICTS)
def test_only_one_option_says_what_is_right(one, two):
    """Both flags are named; a threshold of 0 is a threshold."""
    task = Task(**{name: SAID[name] for name in (one, two) if name in SAID})
    given = {name: "column" for name in (one, two) if name not in SAID}
    with pytest.raises(FlipcheckError, match=f"{FLAGS[one]} and {FLAGS[two]}: only one"):
        check_conflicts(task, **given)


@pytest.mark.parametrize("name", SAID)
def test_each_option_alone_is_no_conflict(name):
    """Nor do all that go together make one."""
    check_conflicts(Task(**{name: SAID[name]}))
    check_conflicts(Task(normalise=("case",), abstain=("idk",)), prediction="answer")


VERDICTS = {"correct": [True, False, True]}
GRADES = {"scores": [0.1, 0.5, 1.0]}


@pytest.mark.parametrize(
    ("judged", "options"),
    [
        (VERDICTS, {"normalise": "case"}),
        (VERDICTS, {"multilabel": True}),
        (GRADES, {"normalise": "case"}),
        (GRADES, {"multilabel": True}),
        (GRADES, {"multilabel": True, "per": "label"}),
        (GRADES, {"abstain": "b"}),
    ],
)
def test_answers_that_do_not_decide_are_not_judged(judged, options):
    """Else the report would say that they were, and a gate pass by what was never looked at."""
    answers = {"answers": ["a", "b", "c"], "truth": ["a", "a", "c"], "ids": [1, 2, 3]}
    sides = [flipcheck.Predictions.from_arrays(**answers, **judged) for _ in range(2)]
    with pytest.raises(FlipcheckError, match="answers do not decide here") as found:
        flipcheck.compare(*sides, **options)
    assert len(found.value.problems) == 2


@pytest.mark.parametrize(
    ("judged", "option"),
    [
        ("correct", "--normalise=case"),
        ("s", "--normalise=case"),
        ("s", "--threshold=0.5"),
        ("s", "--probability=s"),
        ("s", "--multilabel"),
    ],
)
def test_columns_that_decide_leave_nothing_to_judge(command, table, judged, option):
    """Verdicts and scores of a file are not looked at through another option."""
    path = table("t.csv", f"id,{judged}", "1,1", "2,0", "3,1")
    score = ["--score=s"] if judged == "s" else []
    run = command("compare", path, path, option, *score)
    assert run.status == 2
    assert "answers do not decide here" in run.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--per", "label"), "--per is for several labels an example"),
        (("--separator", ";"), "--separator is for several labels an example"),
        (("--multilabel", "--separator", ""), "--separator is empty"),
        (("--multilabel", "--top-k", "2"), "--multilabel and --top-k"),
        (("--threshold", "nan", "--probability", "p"), "nan"),
        (("--multilabel", "--per", "label", "--rerun", "RERUN"), "--rerun and --per label"),
    ],
)
def test_what_does_not_go_together_is_2(command, flipped, arguments, told):
    """On the command line, with a message and without a traceback."""
    old, new = flipped(right=5, broken=1)
    again = [str(old) if each == "RERUN" else each for each in arguments]
    done = command("compare", old, new, *again)
    assert (done.status, done.out) == (2, "")
    assert told in done.err
    assert "Traceback" not in done.err


def test_a_plain_audit_has_no_task(flipped):
    """Nothing is added to the report of one class an example."""
    report = flipcheck.compare(*flipped(right=5, broken=1), resamples=0)
    assert report.task is None
    assert "task" not in report.to_dict()


@pytest.mark.parametrize(
    ("options", "damage"),
    [
        ({"multilabel": True}, {"kind": "classes"}),
        ({"multilabel": True}, {"per": "page"}),
        ({"multilabel": True}, {"right": "always"}),
        ({"normalise": "case"}, {"normalise": [1]}),
        (
            {"normalise": "case"},
            {"normalise": ["<b>"], "right": "the answer is the truth after <b>"},
        ),
        ({"normalise": "case"}, {"threshold": {"old": "0.5", "new": 0.5}}),
        ({"normalise": "case"}, {"kind": "ranked", "top_k": "5"}),
        ({"abstain": "b"}, {"abstentions": {}}),
        ({"abstain": "b"}, {"abstentions": 0}),
    ],
)
def test_a_damaged_task_is_no_report(table, options, damage):
    """Every member is checked when a report is read, and not when it is shown."""
    path = table("t.csv", "id,label,prediction", "1,a,a", "2,a,b")
    written = flipcheck.compare(path, path, resamples=0, **options).to_dict()
    assert Report.from_dict(written).to_dict() == written
    written["task"] |= damage
    with pytest.raises(FlipcheckError, match="a damaged report"):
        Report.from_dict(sealed(written))


def test_a_value_that_nobody_answers_is_told(flipped):
    """A misspelt --abstain would count nothing."""
    report = flipcheck.compare(*flipped(right=5, broken=1), abstain="idk", resamples=0)
    assert any("--abstain 'idk': no answer of either side" in note for note in report.warnings)


def test_a_value_among_the_accepted_answers_is_refused(lines):
    """What is accepted of some example can be right."""
    row = {"id": 1, "label": ["idk", "unknown"], "prediction": "x"}
    path = lines("t.jsonl", row, {"id": 2, "label": "x", "prediction": "x"})
    with pytest.raises(FlipcheckError, match="the labels have it too"):
        flipcheck.compare(path, path, abstain="idk")
