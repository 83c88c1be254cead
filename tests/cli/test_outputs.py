"""Where reports go: files that appear together or not at all, and one for standard output."""

from __future__ import annotations

import re
import typing

import pytest

from flipcheck.cli import compare, render
from flipcheck.cli.outputs import TEXTS, TOLD, Outputs
from flipcheck.reporters import REPORTERS

GATE = ("--max-nfr", "2%")


def test_every_row_is_an_option_and_a_reporter():
    """A report that can be written has a reporter, and both commands that write it the option."""
    assert set(TEXTS) <= set(REPORTERS)
    for command in (compare, render):
        assert {*TEXTS, *TOLD} <= set(typing.get_type_hints(command))


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_holds_what_standard_output_would(command, flipped, tmp_path, name):
    """And `render` makes the same bytes of the JSON."""
    files = flipped(right=97, broken=3, mended=5)
    path = tmp_path / "report.out"
    done = command("compare", *files, *GATE, f"--{name}", path, "--flips", tmp_path / "f.csv")
    assert done.out.startswith(" INCONCLUSIVE ")
    shown = command("compare", *files, *GATE, f"--{name}", "-")
    assert shown.out == path.read_text(encoding="utf-8")
    assert shown.status == done.status == 3
    assert shown.err.startswith("INCONCLUSIVE  ")
    command("compare", *files, *GATE, "--json", tmp_path / "r.json")
    assert command("render", tmp_path / "r.json", f"--{name}", "-").out == shown.out


@pytest.mark.parametrize("pair", [("--junit", "--metrics"), ("--metrics", "--json")])
def test_only_one_report_goes_to_standard_output(command, flipped, pair):
    """Two in one stream could not be told apart."""
    done = command("compare", *flipped(right=9), pair[0], "-", pair[1], "-")
    assert done.status == 2
    assert "only one report" in done.err


@pytest.mark.parametrize("flag", ["--junit", "--metrics"])
def test_no_input_is_overwritten(command, flipped, flag):
    """A report in the place of a source is refused before any work."""
    old, new = flipped(right=9)
    before = old.read_bytes()
    done = command("compare", old, new, flag, old)
    assert done.status == 2
    assert "would be overwritten" in done.err
    assert old.read_bytes() == before


def test_the_paths_are_those_of_files():
    """What is on standard output has none."""
    given = {"json": "a.json", "junit": "-", "flips": "f.csv", "html": None, "by": ["x"]}
    assert Outputs.of(given).paths == {"json": "a.json", "flips": "f.csv"}


def test_what_is_not_asked_for_is_not_there():
    """Without options there is no output but the terminal's."""
    assert Outputs.of({"json": None}) == Outputs()


@pytest.mark.parametrize("name", ["junit", "metrics", "ci"])
def test_the_help_names_the_option(command, name):
    """In both commands."""
    for each in ("compare", "render"):
        assert re.search(rf"--{name}\b", command(each, "--help").out)
