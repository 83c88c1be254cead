"""Graded answers at the command line."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def graded(table):
    """Two files of scores of 400 answers: 12 fall by 0.4, 20 rise by 0.1, the rest stays."""
    old = [0.8] * 400
    new = [0.4] * 12 + [0.9] * 20 + [0.8] * 368
    return [
        table(f"{name}.csv", "id,f1,lang", *(
            f"q{at:03},{score},{'en' if at % 2 else 'de'}" for at, score in enumerate(scores)
        ))
        for name, scores in (("old", old), ("new", new))
    ]  # fmt: skip


def test_the_report_says_how_many_answers_are_worse(command, graded):
    """Never how many are wrong."""
    ran = command("compare", *graded, "--score", "f1", "--tolerance", "0.05")
    assert ran.status == 0
    assert "(mean score 0.8 → 0.793)" in ran.out.replace("\n", " ")
    assert "12 of 400 answers worse (3.00%) and 20 better" in ran.out.replace("\n", " ")
    assert "mean regression" in ran.out
    assert "error rate  " not in ran.out
    assert "both right" not in ran.out


@pytest.mark.parametrize(
    ("gate", "status"),
    [
        ("mean_regression <= 0.05", 0),
        ("mean_regression <= 0.005", 1),
        ("mean_regression <= 1.2%", 3),  # undecided: on the limit
        ("mean_score_change >= -0.05", 0),
        ("mean_regression <= 0.1 by lang", 0),
        ("negative_flip_rate <= 10% where lang=de", 0),
        ("new_error_rate <= 1%", 2),
        ("mean_regression <= 2", 2),
    ],
)
def test_gates_decide_the_exit_status(command, graded, gate, status):
    """0 passes, 1 fails, 3 is undecided, and 2 cannot be asked."""
    ran = command("compare", *graded, "--score", "f1", "--tolerance", "0.05", "--gate", gate)
    assert ran.status == status, ran.err


def test_a_larger_tolerance_leaves_fewer_flips(command, graded, tmp_path):
    """A fall of 0.4 is no flip under a tolerance of 0.4."""
    flips = []
    for tolerance in ("0", "0.1", "0.4"):
        out = tmp_path / f"{tolerance}.json"
        command("compare", *graded, "--score", "f1", "--tolerance", tolerance, "--json", out)
        tally = json.loads(out.read_text())["tally"]
        flips.append((tally["negative_flips"], tally["positive_flips"], tally["unchanged"]))
    assert flips == [(12, 20, 368), (12, 0, 388), (0, 0, 400)]


def test_each_side_may_have_a_name_of_its_own(command, table):
    """And the report tells both."""
    old = table("old.csv", "id,f1", "a,0.5", "b,0.7")
    new = table("new.csv", "id,token_f1", "a,0.5", "b,0.9")
    ran = command("compare", old, new, "--old-score", "f1", "--new-score", "token_f1")
    assert ran.status == 0
    assert "f1 → token_f1" in ran.out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--score", "bleu"], "no column 'bleu'"),
        (["--old-score", "f1"], "the other side has no column of scores"),
        (["--score", "f1", "--correct", "f1"], "--score and --correct"),
        (["--score", "f1", "--rerun", "old.csv"], "--score and --rerun"),
        (["--score", "f1", "--score-range", "1"], "range of scores"),
        (["--score", "f1", "--score-range", "0,0.5"], "scores from 0.4 to 0.9"),
        (["--score", "f1", "--tolerance", "1"], "none could ever change"),
        (["--score", "f1", "--label-noise", "2%"], "--label-noise"),
        (["--score", "f1", "--max-error-increase", "1%"], "have no error rate change"),
    ],
)
def test_what_cannot_be_asked_is_an_error(command, graded, options, told):
    """Exit 2, a hint and no traceback."""
    ran = command("compare", *graded, *options)
    assert ran.status == 2
    assert told in ran.err
    assert "hint" in ran.err
    assert "Traceback" not in ran.err


def test_other_scales_are_an_error(command, table):
    """Shares on one side and percentages on the other."""
    old = table("old.csv", "id,f1", "a,0.5", "b,0.7")
    new = table("new.csv", "id,f1", "a,50", "b,70")
    ran = command("compare", old, new, "--score", "f1")
    assert ran.status == 2
    assert "two scales" in ran.err


def test_a_model_has_no_score(command, sample):
    """It answers, and does not grade."""
    models = sorted(sample.glob("*.onnx"))[:2]
    ran = command("compare", *models, sample / "images", "--score", "f1")
    assert ran.status == 2
    assert "does not grade" in ran.err


def test_flips_are_written_with_their_scores(command, graded, tmp_path):
    """The old and the new one."""
    out = tmp_path / "flips.csv"
    command("compare", *graded, "--score", "f1", "--tolerance", "0.05", "--flips", out)
    first, *rows = out.read_text().splitlines()
    assert first.replace('"', "").split(",")[-2:] == ["old_score", "new_score"]
    assert len(rows) == 32
    assert rows[0].endswith("0.8,0.4")


def test_a_report_is_rendered_and_judged_again(command, graded, tmp_path):
    """From its JSON alone, under another gate."""
    out = tmp_path / "report.json"
    command("compare", *graded, "--score", "f1", "--json", out)
    ran = command("render", out, "--gate", "mean_regression <= 0.005")
    assert ran.status == 1
    assert "mean regression" in ran.out


def test_a_pilot_of_graded_answers_is_refused(command, graded, tmp_path):
    """Its counts do not tell how far scores may fall."""
    out = tmp_path / "report.json"
    command("compare", *graded, "--score", "f1", "--json", out)
    ran = command("plan", "--pilot", out, "--gate", "negative_flip_rate <= 5%")
    assert ran.status == 2
    assert "graded" in ran.err


def test_metrics_of_scores_are_explained(command):
    """With what they need, and a gate to copy."""
    ran = command("explain", "mean_regression")
    assert "--score" in ran.out
    assert "--gate 'mean_regression <= 0.02'" in ran.out
