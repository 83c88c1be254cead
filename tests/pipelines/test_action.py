"""The GitHub action: its steps are run as a runner would, on real files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from servers import ACTION, EXPRESSION, ROOT, loaded, run_action

PASSING, FAILING = {"right": 995, "broken": 5}, {"right": 900, "broken": 100}
OPEN = {"right": 97, "broken": 3}
SIDES = {"old": "old.csv", "new": "new.csv", "args": "--max-nfr 2%"}


@pytest.mark.parametrize(
    ("counts", "fail_on", "verdict", "exit_status", "step"),
    [
        (PASSING, "inconclusive", "pass", "0", 0),
        (FAILING, "inconclusive", "fail", "1", 1),
        (OPEN, "inconclusive", "inconclusive", "3", 3),  # undecided is no pass by itself
        (OPEN, "fail", "inconclusive", "3", 0),  # let through by choice
        (FAILING, "fail", "fail", "1", 1),
        (FAILING, "never", "fail", "1", 0),  # the outputs still say what it was
        (OPEN, "never", "inconclusive", "3", 0),
    ],
)
def test_the_step_fails_on_what_was_chosen(checkout, counts, fail_on, verdict, exit_status, step):
    """The verdict and the exit status are flipcheck's own, whatever becomes of the step."""
    done = run_action(checkout(**counts), **SIDES, **{"fail-on": fail_on})
    assert (done.outputs["verdict"], done.outputs["exit-status"]) == (verdict, exit_status)
    assert done.status == step, done.log


def test_the_outputs_tell_the_numbers_and_the_reports(checkout):
    """Paths are those of files that are there, and the rate is that of the JSON report."""
    folder = checkout(**PASSING)
    done = run_action(folder, **SIDES, markdown="flipcheck.md", junit="out.xml")
    assert done.outputs["negative-flips"] == "5"
    assert float(done.outputs["negative-flip-rate"]) == 5 / 1000
    for name in ("html", "json", "markdown", "junit"):
        assert (folder / done.outputs[name]).is_file(), name
    written = json.loads((folder / done.outputs["json"]).read_text(encoding="utf-8"))
    assert written["tally"]["negative_flips"] == 5


def test_the_log_annotates_and_the_summary_is_written(checkout):
    """One annotation for the gate; the Markdown report in the summary."""
    folder = checkout(**FAILING)
    done = run_action(folder, **SIDES)
    assert done.log.count("::error title=FAIL negative_flip_rate <= 2%25::") == 1
    summary = (folder.parent / "runner" / "summary.md").read_text(encoding="utf-8")
    assert "flipcheck: FAIL" in summary


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"old": "nowhere.csv", "new": "new.csv"}, "no such file"),
        ({"old": "old.csv"}, "give both old and new"),
        ({"new": "new.csv"}, "give both old and new"),
        ({"data": "new.csv"}, "give both old and new"),  # or the test set would be a model
        ({**SIDES, "fail-on": "nothing"}, "fail-on is none of"),
        ({**SIDES, "args": "--gate 'open"}, "open quote"),
        ({**SIDES, "args": "--max-nrf 1%"}, "No such option"),
    ],
)
def test_what_cannot_be_audited_fails_the_step(checkout, given, why):
    """The verdict is `error` and the status 2, even where no verdict would fail the step."""
    done = run_action(checkout(**PASSING), **{"fail-on": "never", **given})
    assert done.status == 2, done.log
    assert why in done.log
    assert (done.outputs["verdict"], done.outputs["exit-status"]) == ("error", "2")


@pytest.mark.parametrize("fail_on", ["inconclusive", "fail"])
def test_a_step_without_gates_fails(checkout, fail_on):
    """Where the file of gates is gone, nothing is decided, and nothing passes."""
    done = run_action(checkout(**FAILING), old="old.csv", new="new.csv", **{"fail-on": fail_on})
    assert (done.status, done.outputs["verdict"]) == (2, "error")
    assert "::error title=flipcheck could not run::error: no gate" in done.log


def test_a_step_that_never_fails_needs_no_gate(checkout):
    """It reports: the verdict is none, and the log warns of it."""
    done = run_action(checkout(**PASSING), old="old.csv", new="new.csv", **{"fail-on": "never"})
    assert (done.status, done.outputs["verdict"]) == (0, "none")
    assert "::warning title=flipcheck::no gate was given" in done.log


HOSTILE = [
    '"; touch owned #',
    "$(touch owned)",
    "`touch owned`",
    "x\ntouch owned",
    "'; touch owned; '",
    "${{ github.token }}; touch owned",
]
NAMES = ("old", "new", "data", "config", "args", "fail-on", "html", "json", "markdown", "junit")


PATHS = ("html", "json", "markdown", "junit")


@pytest.mark.parametrize(
    "given",
    [
        *({name: "".join(HOSTILE)} for name in NAMES if name not in PATHS),
        {name: "".join([*HOSTILE, name]) for name in PATHS},  # a file may be called anything
        dict(zip(PATHS, HOSTILE, strict=False)),
        dict(zip(PATHS, HOSTILE[::-1], strict=False)),
        {"old": "--flips=owned.csv"},  # no option
        {"data": "--flips=owned.csv"},
    ],
    ids="+".join,
)
def test_no_input_is_code(checkout, given):
    """Whatever an input holds, it is one argument: nothing of it is run."""
    folder = checkout(**PASSING)
    done = run_action(folder, **{**SIDES, **given})
    assert not list(folder.glob("owned*")), done.log
    assert not list(folder.parent.glob("owned*"))
    assert done.status == (0 if {*given} <= {*PATHS} else 2)


@pytest.mark.parametrize(
    ("args", "gates"),
    [
        ('--gate "churn <= 5%"', ["churn <= 5%"]),
        ("--gate 'churn <= 5%'\n--max-nfr 2%", ["churn <= 5%", "negative_flip_rate <= 2%"]),
        ("--gate churn<=5%", ["churn <= 5%"]),
    ],
)
def test_arguments_are_split_as_by_a_shell(checkout, args, gates):
    """Quotes hold words together, and lines may end anywhere."""
    folder = checkout(**PASSING)
    run_action(folder, old="old.csv", new="new.csv", args=args)
    written = json.loads((folder / "flipcheck.json").read_text(encoding="utf-8"))
    assert sorted(each["gate"] for each in written["gates"]) == gates


def test_nothing_turns_the_outputs_off(checkout):
    """Told nothing, the action would not know the verdict: `--ci none` has no say."""
    done = run_action(checkout(**FAILING), **{**SIDES, "args": "--max-nfr 2% --ci none"})
    assert done.outputs["verdict"] == "fail"


def test_a_name_may_begin_with_a_dash(checkout):
    """A file called --quiet is a file."""
    folder = checkout(**PASSING)
    (folder / "old.csv").rename(folder / "--quiet.csv")
    done = run_action(folder, **{**SIDES, "old": "--quiet.csv"})
    assert done.outputs["verdict"] == "pass", done.log


def test_it_installs_its_own_checkout(checkout):
    """What runs is the code beside the action, at the tag that was asked for."""
    folder = checkout(**PASSING)
    run_action(folder, **SIDES)
    asked = (folder.parent / "runner" / "tools" / "pip.log").read_text(encoding="utf-8").split()
    assert asked[:4] == ["-I", "-m", "pip", "install"]
    assert Path(asked[-1]).resolve() == ROOT
    assert 'name = "flipcheck-audit"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_every_input_and_output_is_used():
    """None is declared for nothing, each says what it is, and no script holds an expression."""
    action = loaded(ACTION)
    steps = action["runs"]["steps"]
    used = {m for step in steps for text in [*step.get("env", {}).values(),
            *step.get("with", {}).values()] for m in EXPRESSION.findall(str(text))}  # fmt: skip
    assert {f"inputs.{name}" for name in action["inputs"]} <= used
    for step in steps:
        assert "${{" not in step.get("run", "")
        for name in step.get("env", {}):
            assert re.search(rf"\b{name}\b", step["run"]), f"{name} is not used"
    assert all(each["description"] for each in [*action["inputs"].values(),
                                                *action["outputs"].values()])  # fmt: skip
