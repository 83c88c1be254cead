"""The same audit gives the same bytes: again, from its JSON, from a cache, in another order."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from many_audits import AUDITS, MODELS, arguments, outputs

from flipcheck.report import sealed

pytestmark = pytest.mark.xdist_group("audited")
SUFFIXES = (".json", ".html", ".md")


def texts(path):
    """The bytes of every report beside a JSON report, by suffix."""
    return {suffix: path.with_suffix(suffix).read_bytes() for suffix in SUFFIXES}


@pytest.mark.parametrize("name", AUDITS)
def test_rendered_again_a_report_has_the_same_bytes(command, written, tmp_path, name):
    """What `render` makes of the JSON is what `compare` wrote beside it, thumbnails and all."""
    path = written(name)
    done = command("render", path, *outputs(tmp_path / "again.json"))
    assert done.status == 0, done.err
    assert texts(tmp_path / "again.json") == texts(path)


def test_pictures_are_among_those_bytes(report):
    """Of two audits of images, models and saved predictions, the reports have pictures."""
    for name in ("models", "pictures"):
        examples = report(name)["negative_flips"]["examples"]
        assert examples
        assert all(each["image"].startswith("data:image/") for each in examples)


@pytest.mark.parametrize("name", ["gates", "models", "early", "policy", "compressed", "pictures"])
def test_run_again_an_audit_has_the_same_bytes(command, written, tmp_path, name):
    """No clock, no order of hashing and no place of the reports is in them."""
    first = texts(written(name))
    done = command("compare", *arguments(name), *outputs(tmp_path / "again.json"))
    assert done.status in {0, 1, 3}
    assert texts(tmp_path / "again.json") == first


@pytest.mark.parametrize("name", ["models", "arrays", "ranked", "mixed"])
def test_kept_answers_change_no_byte(command, written, tmp_path, name):
    """With a cache, empty and then full, the reports are those of no cache."""
    first = texts(written(name))
    for run in ("fills", "reads"):
        path = tmp_path / f"{run}.json"
        command("compare", *arguments(name), "--cache", tmp_path / "cache", *outputs(path))
        assert texts(path) == first
    assert any((tmp_path / "cache").rglob("*"))


def test_the_order_in_which_files_were_made_changes_no_byte(command, folder, written, tmp_path):
    """Folders and shards are read by name, whatever the order of the directory."""
    first = texts(written("models"))
    paths = sorted((folder / "images").glob("*/*.png"), reverse=True)
    other = tmp_path / "other"
    for path in paths:
        target = other / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for name in MODELS[:2]:
        shutil.copy(folder / name, other)
    here = Path.cwd()
    os.chdir(other)
    try:
        command("compare", *arguments("models"), *outputs(tmp_path / "again.json"))
    finally:
        os.chdir(here)
    assert texts(tmp_path / "again.json") == first


@pytest.mark.parametrize(
    "name",
    [
        "flipcheck.report/2",  # a later one
        "flipcheck.report/10",
        "flipcheck.report/1.1",
        "flipcheck.report/01",
        "flipcheck.report",
        "flipcheck.plan/1",  # of another command
        "",
        1,
        None,
        ["flipcheck.report/1"],
    ],
)
@pytest.mark.parametrize("call", ["render", "verify"])
def test_another_format_is_refused(command, report, tmp_path, call, name):
    """A report of a format that this version does not know is not read, whoever sealed it."""
    path = tmp_path / "r.json"
    path.write_text(json.dumps(sealed(report("plain") | {"format": name})), encoding="utf-8")
    done = command(call, path)
    assert (done.status, done.out) == (2, "")
    assert f"its format is {name!r}" in done.err
    assert "this version reads 'flipcheck.report/1'" in done.err


def test_a_report_without_a_format_is_refused(command, report, tmp_path):
    """A JSON object that says no format is no report."""
    written = report("plain")
    del written["format"]
    path = tmp_path / "r.json"
    path.write_text(json.dumps(sealed(written)), encoding="utf-8")
    done = command("render", path)
    assert (done.status, done.out) == (2, "")
    assert "its format is None" in done.err


OLDER = Path(__file__).parent / "old_reports" / "before_evidence.json"


def test_an_older_report_is_still_read(command, tmp_path):
    """A report that was written before evidence was kept is rendered, its JSON byte for byte."""
    done = command("render", OLDER, *outputs(tmp_path / "again.json"))
    assert done.status == 0, done.err
    assert (tmp_path / "again.json").read_bytes() == OLDER.read_bytes()
    assert "How to run this audit again" not in (tmp_path / "again.md").read_text(encoding="utf-8")


def test_gates_judge_an_older_report(command):
    """Its tally is judged anew by another gate."""
    assert command("render", OLDER, "--max-nfr", "0.5%").status == 1
