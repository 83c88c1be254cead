"""Gates that would pass whatever the new model does, and gates that are written twice."""

from __future__ import annotations

import os

import pytest

import flipcheck


@pytest.mark.parametrize(
    ("gate", "turned"),
    [
        ("negative_flip_rate >= 1%", "negative_flip_rate <= 1%"),  # passes the worst of updates
        ("negative_flip_rate > 1% by class", "negative_flip_rate < 1% by class"),
        ("error_rate_change >= 0.5%", "error_rate_change <= 0.5%"),
        ("backward_trust_compatibility <= 98%", "backward_trust_compatibility >= 98%"),
    ],
)
def test_a_gate_the_wrong_way_is_refused(command, flipped, gate, turned):
    """An update that breaks everything would pass it; the hint has the sign turned."""
    done = command("compare", *flipped(broken=50, right=50), "--gate", gate)
    assert done.status == 2
    assert f"did you mean '{turned}'?" in done.err


@pytest.mark.parametrize(
    "gate",
    ["new_error_rate >= 1%", "positive_flip_rate <= 90%", "churn >= 1%"],  # sanity of the data
)
def test_what_has_no_bad_side_is_limited_from_both(flipped, gate):
    """Facts of one model, and how much changes, may be held from either side."""
    old, new = flipped(broken=50, right=50)
    assert flipcheck.compare(old, new, gates=gate, resamples=0).verdict is not None


def test_a_file_of_gates_and_render_refuse_it_too(command, flipped, tmp_path, monkeypatch):
    """Every way to give a gate ends in the same sentence."""
    old, new = flipped(broken=50, right=50)
    command("compare", old, new, "--json", tmp_path / "report.json")
    done = command("render", tmp_path / "report.json", "--gate", "negative_flip_rate >= 1%")
    assert (done.status, "asks for what is worse" in done.err) == (2, True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flipcheck.toml").write_text('gates = ["negative_flip_rate >= 1%"]\n', "utf-8")
    done = command("compare", old, new)
    assert (done.status, "line 1: gates:" in done.err) == (2, True)


def test_a_gate_that_is_written_twice_is_judged_once(flipped):
    """However its limit is spelled; another slice or another limit is another gate."""
    gates = ["negative_flip_rate <= 1%", "negative_flip_rate <= 0.01", "negative_flip_rate ≤ 1%"]
    old, new = flipped(broken=5, right=50)
    report = flipcheck.compare(old, new, gates=[*gates, "negative_flip_rate < 1%"], resamples=0)
    assert [str(each.gate) for each in report.gates] == [gates[0], "negative_flip_rate < 1%"]


def test_gates_between_a_file_and_itself_are_warned_of(command, flipped, tmp_path, monkeypatch):
    """They pass, as a model against itself must; and the report says that nothing was compared."""
    old, _ = flipped(right=500)
    monkeypatch.chdir(tmp_path)
    done = command("compare", old, os.path.relpath(old), "--max-nfr", "1%")
    assert (done.status, "nothing can flip" in done.out) == (0, True)
    done = command("compare", old, os.path.relpath(old), "--max-nfr", "1%", "--require-gate")
    assert (done.status, "one and the same" in done.err) == (2, True)


def test_a_copy_of_a_file_is_compared(command, flipped, tmp_path):
    """A release that changes nothing passes, with a warning."""
    old, _ = flipped(right=500)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(old.read_bytes())
    done = command("compare", old, copy, "--max-nfr", "1%")
    assert (done.status, "nothing can flip" in done.out) == (0, True)


def test_a_copy_of_a_model_is_told(command, sample, tmp_path):
    """A pipeline that fetched the wrong model sees it; how a model is run can still differ."""
    copy = tmp_path / "copy.onnx"
    copy.write_bytes((sample / "old.onnx").read_bytes())
    done = command("compare", sample / "old.onnx", copy, sample / "images", "--max-nfr", "5%")
    assert done.status == 0
    assert "old and new are the same model" in done.out


def test_a_required_gate_may_stand_anywhere(command, flipped, tmp_path, monkeypatch):
    """On the line, in the file, in the environment, or as critical examples; else nothing runs."""
    monkeypatch.chdir(tmp_path)
    old, new = flipped(right=500)
    wanted = ("compare", old, new, "--require-gate")
    done = command(*wanted, "--json", "r.json")
    assert (done.status, (tmp_path / "r.json").exists()) == (2, False)
    assert "no gate, so nothing would be decided" in done.err
    (tmp_path / "never.txt").write_text("x00001\n", "utf-8")
    assert command(*wanted, "--max-nfr", "5%").status == 0
    assert command(*wanted, "--critical", "never.txt").status == 0
    monkeypatch.setenv("FLIPCHECK_MAX_NFR", "5%")
    assert command(*wanted).status == 0
    monkeypatch.delenv("FLIPCHECK_MAX_NFR")
    (tmp_path / "flipcheck.toml").write_text('max-nfr = "5%"\n', "utf-8")
    assert command(*wanted).status == 0
    assert command(*wanted, "--no-config").status == 2


def test_the_environment_of_a_pipeline_requires_a_gate(command, flipped, monkeypatch):
    """For all of its audits at once."""
    monkeypatch.setenv("FLIPCHECK_REQUIRE_GATE", "1")
    old, new = flipped(right=500)
    assert command("compare", old, new).status == 2
    assert command("compare", old, new, "--max-nfr", "5%").status == 0
