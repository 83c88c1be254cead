"""`flipcheck compare`: exit statuses, streams and files."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("counts", "limit", "status"),
    [
        ({"right": 995, "broken": 5}, "2%", 0),  # the bound is 1.05 %
        ({"right": 900, "broken": 100}, "2%", 1),  # surely beyond
        ({"right": 97, "broken": 3}, "2%", 3),  # too few examples
        ({"right": 100}, "1%", 3),  # no flip, but 100 examples cannot show 1 %
        ({"right": 299}, "1%", 0),  # 299 can
        ({"right": 298}, "1%", 3),  # 298 cannot
    ],
)
def test_the_exit_status_is_the_verdict(command, flipped, counts, limit, status):
    """0 passes, 1 fails, 3 is inconclusive."""
    assert command("compare", *flipped(**counts), "--max-nfr", limit).status == status


def test_an_audit_without_gates_ends_in_0(command, flipped):
    """Nothing was decided, and the report says so."""
    done = command("compare", *flipped(right=5, broken=5))
    assert done.status == 0
    assert done.out.startswith(" NO VERDICT ")


def test_the_report_is_on_standard_output_and_nothing_else(command, flipped):
    """Standard error is silent where there is no terminal."""
    done = command("compare", *flipped(right=50, broken=1, mended=3), "--max-nfr", "10%")
    assert done.out.startswith(" PASS ")
    assert done.err == ""
    assert max(map(len, done.out.splitlines())) <= 80
    assert "\x1b" not in done.out


def test_json_on_standard_output_is_only_json(command, flipped):
    """`--json -` prints one JSON document."""
    done = command("compare", *flipped(right=50, broken=1), "--json", "-")
    written = json.loads(done.out)
    assert written["format"] == "flipcheck.report/1"
    assert written["tally"]["negative_flips"] == 1


def test_every_report_is_written(command, flipped, tmp_path):
    """One run writes JSON, HTML, Markdown and the flips."""
    names = {"--json": "r.json", "--html": "r.html", "--markdown": "r.md", "--flips": "f.csv"}
    paths = [part for flag, name in names.items() for part in (flag, tmp_path / name)]
    done = command("compare", *flipped(right=50, broken=2, mended=3), *paths)
    assert done.status == 0
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["verdict"] is None
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!doctype html>")
    assert (tmp_path / "r.md").read_text("utf-8").startswith("<!-- flipcheck-report -->")
    flips = (tmp_path / "f.csv").read_text("utf-8").splitlines()
    assert len(flips) == 1 + 2 + 3
    assert sum("negative_flip" in line for line in flips) == 2


def test_flips_as_parquet(command, flipped, tmp_path):
    """The suffix chooses the format of the flips."""
    from pyarrow import parquet

    command("compare", *flipped(right=50, broken=2), "--flips", tmp_path / "f.parquet")
    found = parquet.read_table(tmp_path / "f.parquet")
    assert found["outcome"].to_pylist() == ["negative_flip", "negative_flip"]
    assert found["new"].to_pylist() == ["b", "b"]


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        # a limit that 100 % cannot break
        (["--max-nfr", "1"], "can never be broken", "did you mean 1%?"),
        # a metric's abbreviation in a gate
        (["--gate", "nfr <= 1%"], "no metric 'nfr'", "negative_flip_rate"),
        # a misspelt metric
        (["--gate", "negative_flips_rate <= 1%"], "no metric", "negative_flip_rate"),
        # no operator
        (["--gate", "negative_flip_rate 1%"], "cannot read the gate", "negative_flip_rate <= 1%"),
        # no such slice column
        (["--by", "regoin"], "no source has the column 'regoin'", "columns there"),
        # no such slice
        (["--gate", "flips <= 1% where class=z"], "no examples where class is 'z'", "there are"),
        # a folder that does not exist
        (["--json", "nowhere/r.json"], "no such folder", "make the folder first"),
        # a table format that does not exist
        (["--flips", "flips.xlsx"], "not a table format", ".parquet"),
        # two reports on one stream
        (["--json", "-", "--html", "-"], "only one report", "give the others a file"),
        # a confidence that means nothing
        (["--confidence", "95"], "out of range", "0.95"),
        # an option for models
        (["--threshold", "0.7"], "--threshold is for models", "leave it out"),
    ],
)
def test_bad_usage_is_2_with_a_message_and_a_hint(command, flipped, arguments, message, hint):
    """What is wrong and how to mend it, on standard error; standard output stays empty."""
    done = command("compare", *flipped(right=9, broken=1), *arguments)
    assert done.status == 2
    assert message in done.err
    assert hint in done.err
    assert done.out == ""
    assert "Traceback" not in done.err


def test_an_output_that_is_an_input_is_refused(command, flipped):
    """A report never overwrites the predictions that it is made from."""
    old, new = flipped(right=9, broken=1)
    before = old.read_bytes()
    done = command("compare", old, new, "--markdown", old)
    assert done.status == 2
    assert "would be overwritten" in done.err
    assert old.read_bytes() == before


def test_an_error_writes_nothing(command, flipped, tmp_path):
    """A gate that cannot be judged leaves no half-written report."""
    done = command("compare", *flipped(right=9), "--html", tmp_path / "r.html", "--by", "nope")
    assert done.status == 2
    assert not (tmp_path / "r.html").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "old.csv"]


def test_a_crash_is_70_and_not_a_failed_gate(command, flipped, monkeypatch):
    """An internal error has a status of its own, one line, and a way to see more."""
    import flipcheck.api

    def broken(*_arguments, **_options):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(flipcheck.api, "compare", broken)
    done = command("compare", *flipped(right=9))
    assert done.status == 70
    assert "internal error: ZeroDivisionError: oh" in done.err
    assert "--traceback" in done.err


def test_an_interruption_is_130(command, flipped, monkeypatch):
    """Ctrl-C is neither a verdict nor a crash."""
    import flipcheck.api

    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(flipcheck.api, "compare", interrupted)
    assert command("compare", *flipped(right=9)).status == 130


def test_the_same_run_gives_the_same_bytes(command, sample):
    """Models, images, bootstrap and all: two runs print the same JSON."""
    arguments = (
        "compare",
        sample / "old.onnx",
        sample / "new.onnx",
        sample / "images",
        "--json",
        "-",
    )
    assert command(*arguments).out == command(*arguments).out


def test_hostile_names_reach_no_terminal(command, table):
    """Escape sequences in ids and answers are shown, not obeyed."""
    old = table("old.csv", "id,label,prediction", "\x1b[31mred,a,a", "::error::x,a,a")
    new = table("new.csv", "id,label,prediction", "\x1b[31mred,a,[bold]b", "::error::x,a,\x07")
    done = command("compare", old, new)
    assert "\x1b" not in done.out
    assert "\x07" not in done.out
    assert "[bold]b" in done.out
    assert not any(line.startswith("::") for line in done.out.splitlines())
