"""`flipcheck cache`, and --cache and --no-cache of the commands that run models."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from flipcheck.cli.cache import age, size
from flipcheck.errors import UsageError


@pytest.fixture
def filled(command, sample, tmp_path):
    """A cache that knows both sample models over a few of the sample images."""
    data = tmp_path / "images"
    for label in ("one", "two"):
        (data / label).mkdir(parents=True)
        for path in sorted((sample / "images" / label).iterdir())[:20]:
            shutil.copy(path, data / label)
    models = [sample / f"{side}.onnx" for side in ("old", "new")]
    done = command("compare", *models, data, "--cache", tmp_path / "kept", "--json", "-")
    assert done.status == 0, done.err
    return [*models, data], tmp_path / "kept", done.out


def test_the_report_is_the_same_with_and_without(command, filled, monkeypatch):
    """Byte for byte; a second run loads no model."""
    given, folder, first = filled
    assert command("compare", *given, "--no-cache", "--json", "-").out == first

    def loaded(path):
        raise AssertionError(f"{path} was loaded")

    monkeypatch.setattr("flipcheck.sources.onnx.model._session", loaded)
    again = command("compare", *given, "--cache", folder, "--json", "-")
    assert (again.out, again.err.count("warning")) == (first, 0)
    monkeypatch.setenv("FLIPCHECK_CACHE", str(folder))
    assert command("compare", *given, "--json", "-").out == first


def test_predict_uses_what_compare_kept(command, filled, tmp_path, monkeypatch):
    """A model that was compared need not run to be saved."""
    (_, new, data), folder, _ = filled
    command("predict", new, data, "-o", tmp_path / "plain.csv", "--no-cache")
    monkeypatch.setattr("flipcheck.sources.onnx.model._session", None)
    done = command("predict", new, data, "-o", tmp_path / "kept.csv", "--cache", folder)
    assert done.status == 0, done.err
    assert (tmp_path / "kept.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()


def test_it_shows_where_it_lies_and_what_it_holds(command, filled):
    """A line for each model and data set."""
    (old, new, data), folder, _ = filled
    done = command("cache", "--cache", folder)
    assert done.status == 0
    assert done.out.startswith(f"{folder}: ")
    rows = [line for line in done.out.splitlines() if str(data) in line]
    assert len(rows) == 2
    assert {line.split()[0] for line in rows} == {str(old), str(new)}
    assert all(" 40 " in line and "just now" in line for line in rows)


def test_as_json(command, filled):
    """The same for scripts."""
    given, folder, _ = filled
    told = json.loads(command("cache", "--cache", folder, "--json").out)
    assert told["folder"] == str(folder)
    assert told["removed"] == []
    assert {each["model"] for each in told["entries"]} == {str(each) for each in given[:2]}
    assert all(each["examples"] == each["of"] == 40 for each in told["entries"])
    on_disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert told["bytes"] == on_disk


def test_clear_removes_its_own_files_only(command, filled, sample):
    """Somebody else's file in the folder stays, and so does what a link points to."""
    _, folder, _ = filled
    (folder / "notes.txt").write_text("mine")
    (folder / ("0" * 64)).symlink_to(sample)
    done = command("cache", "--cache", folder, "--clear")
    assert done.out.startswith("removed 2 entries")
    assert {path.name for path in folder.iterdir()} == {"notes.txt", "0" * 64}
    assert (sample / "old.onnx").exists()
    assert "0 B of" in command("cache", "--cache", folder).out


def test_old_entries_go(command, filled):
    """By when they were last used, not by when they were made."""
    given, folder, _ = filled
    for path in folder.glob("*/whole"):
        then = time.time() - 40 * 86_400
        os.utime(path, (then, then))
    assert "40 days ago" in command("cache", "--cache", folder).out
    command("predict", given[0], given[2], "-o", folder.parent / "p.csv", "--cache", folder)
    done = command("cache", "--cache", folder, "--older-than", "30d", "--json")
    told = json.loads(done.out)
    assert [each["model"] for each in told["entries"]] == [str(given[0])]
    assert [each["model"] for each in told["removed"]] == [str(given[1])]


def test_prune_to_a_size(command, filled):
    """Down to a size, and no further."""
    _, folder, _ = filled
    assert "removed" not in command("cache", "--cache", folder, "--prune", "1GB").out
    told = json.loads(command("cache", "--cache", folder, "--prune", "1500", "--json").out)
    assert 0 < told["bytes"] <= 1500
    assert told["removed"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--prune", "much"], "no size"),
        (["--prune", "-1GB"], "no size"),
        (["--older-than", "30"], "no age"),
        (["--older-than", "30 years"], "no age"),
        (["--clear", "--prune", "1GB"], "--clear"),
        (["--cache", ""], "--cache without a folder"),
    ],
)
def test_what_makes_no_sense_is_refused(command, arguments, told):
    """With what to write instead, and nothing removed."""
    done = command("cache", *arguments)
    assert done.status == 2
    assert told in done.err
    assert "hint:" in done.err


def test_both_flags_are_a_contradiction(command, filled):
    """A folder, and none."""
    given, folder, _ = filled
    done = command("compare", *given, "--cache", folder, "--no-cache")
    assert done.status == 2
    assert "--no-cache" in done.err


def test_an_empty_cache_and_none(command, tmp_path, monkeypatch):
    """Neither is an error, and neither makes a folder."""
    done = command("cache", "--cache", tmp_path / "none")
    assert (done.status, done.out) == (0, f"{tmp_path / 'none'}: 0 B of at most 1.0 GB\n")
    assert not (tmp_path / "none").exists()
    monkeypatch.setenv("FLIPCHECK_CACHE", "off")
    assert "off" in command("cache").out
    assert json.loads(command("cache", "--json").out)["folder"] is None


def test_names_cannot_act_on_the_terminal(command, filled):
    """A model whose name holds an escape code is shown, not obeyed."""
    given, folder, _ = filled
    bad = folder.parent / "\x1b[31mred.onnx"
    shutil.copy(given[0], bad)
    other = folder.parent / "others"
    command("predict", bad, given[2], "-o", folder.parent / "p.csv", "--cache", other)
    assert "\x1b" not in command("cache", "--cache", other).out


def test_a_folder_that_cannot_be_used_is_one_line_on_standard_error(filled, tmp_path):
    """The report is the same, and the exit status is."""
    given, _, first = filled
    (tmp_path / "file").write_text("")
    command = [sys.executable, "-m", "flipcheck", "compare", *map(str, given), "--json", "-"]
    done = subprocess.run(
        [*command, "--cache", str(tmp_path / "file")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, first)
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"warning: the cache {tmp_path / 'file'} is not used: ")


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("1500", 1500), ("1kB", 1000), ("1.5 MB", 1_500_000), ("2GiB", 2 << 30)],
)
def test_sizes(text, count):
    """With and without a unit, decimal and binary."""
    assert size(text) == count


@pytest.mark.parametrize(
    ("text", "seconds"), [("12h", 43_200), ("30d", 2_592_000), ("1.5w", 907_200), ("5m", 300)]
)
def test_ages(text, seconds):
    """Minutes, hours, days and weeks."""
    assert age(text) == seconds


@pytest.mark.parametrize("text", ["", "d", "nan", "1e3d", "inf"])
def test_no_ages(text):
    """A bare number has no meaning, and a word has none."""
    with pytest.raises(UsageError):
        age(text)
