"""`--history` on the command line: earlier updates in every report, and the same verdicts."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def reports(command, flipped, tmp_path):
    """A folder with the reports of three updates, each with more negative flips."""
    folder = tmp_path / "reports"
    folder.mkdir()
    for place, broken in ((1, 0), (2, 2), (10, 4)):
        sides = flipped(right=50, broken=broken, mended=5)
        command("compare", *sides, "--max-nfr", "3%", "--json", folder / f"v{place}.json")
    return folder


def names(path):
    """The earlier updates that a report tells of."""
    written = json.loads(path.read_text("utf-8"))
    return [each["name"] for each in written.get("history", ())]


@pytest.mark.parametrize("what", ["", "/v*.json"])
def test_earlier_updates_are_in_the_report(command, flipped, reports, tmp_path, what):
    """Of a folder and of a pattern, in natural order; and they change no exit status."""
    sides = flipped(right=50, broken=9)
    arguments = ("compare", *sides, "--max-nfr", "3%", "--json", tmp_path / "r.json")
    plain = command(*arguments)
    told = command(*arguments, "--history", f"{reports}{what}", "--html", tmp_path / "r.html")
    assert told.status == plain.status == 1
    assert told.out.splitlines()[0] == plain.out.splitlines()[0]
    assert names(tmp_path / "r.json") == ["v1", "v2", "v10"]
    assert "3 earlier updates, and this one" in (tmp_path / "r.html").read_text("utf-8")


def test_the_same_command_again_gives_the_same_bytes(command, flipped, reports):
    """A report that is written among the earlier ones is not its own past when made again."""
    sides, path = flipped(right=50, broken=1), reports / "v11.json"
    written = []
    for _ in range(2):
        done = command("compare", *sides, "--history", reports, "--json", path)
        assert done.status == 0, done.err
        written.append(path.read_bytes())
    assert written[0] == written[1]
    assert names(path) == ["v1", "v2", "v10"]


def test_render_makes_the_same_page_again(command, flipped, reports, tmp_path):
    """History is in the JSON: the HTML made of it is the same to the byte."""
    sides, path = flipped(right=50, broken=1), tmp_path / "r.json"
    pages = [tmp_path / "one.html", tmp_path / "two.html"]
    command("compare", *sides, "--history", reports, "--json", path, "--html", pages[0])
    command("render", path, "--html", pages[1])
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert b">History <small>" in pages[0].read_bytes()


def test_render_takes_a_history(command, reports, tmp_path):
    """A report of the folder is shown after those before and beside it, not after itself."""
    path = tmp_path / "again.json"
    done = command("render", reports / "v10.json", "--history", reports, "--json", path)
    assert done.status == 0, done.err
    assert names(path) == ["v1", "v2"]
    before = json.loads((reports / "v10.json").read_text("utf-8"))
    after = json.loads(path.read_text("utf-8"))
    for written in (before, after):
        written.pop("digest")
    after.pop("history")
    assert before == after


def test_a_bad_report_is_an_error_before_anything_runs(command, flipped, reports, tmp_path):
    """Exit 2 with the path, and no report is written."""
    (reports / "notes.json").write_text('{"format": "notes"}', encoding="utf-8")
    path = tmp_path / "r.json"
    done = command("compare", *flipped(right=9), "--history", reports, "--json", path)
    assert done.status == 2
    assert str(reports / "notes.json") in done.err.replace("\n", "").replace(" ", "")
    assert "Traceback" not in done.err
    assert not path.exists()


def test_a_report_that_is_read_is_not_overwritten(command, flipped, reports):
    """Where an earlier report is named by itself, no output may take its place."""
    path = reports / "v1.json"
    done = command("compare", *flipped(right=9), "--history", path, "--json", path)
    assert done.status == 2
    assert "would be overwritten" in done.err
