"""Standard input in place of a file: `-`."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from flipcheck import Predictions
from flipcheck.sources.standard_input import LaidDown


@pytest.fixture
def piped(monkeypatch, tmp_path):
    """Put bytes on standard input, and temporary files into a folder that is returned."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    def pipe(data: bytes) -> Path:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        return folder

    return pipe


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_side_from_standard_input(command, flipped, piped, side, pack):
    """What comes on standard input is read as the file is, and no file of it stays."""
    old, new = flipped(right=20, broken=3, mended=2, wrong=1)
    plain = json.loads(command("compare", old, new, "--json", "-").out)
    folder = piped(pack((old if side == "old" else new).read_bytes()))
    run = command("compare", *(("-", new) if side == "old" else (old, "-")), "--json", "-")
    found = json.loads(run.out)
    assert found["tally"] == plain["tally"]
    assert found[side]["source"] == "standard input"
    assert str(folder) not in run.out + run.err
    assert list(folder.iterdir()) == []


def test_columns_of_standard_input_cannot_be_shown(command, table, piped):
    """It is gone once it was read; the columns of the other side are there."""
    rows = {"old": ["1,a,a,one", "2,a,a,two"], "new": ["1,a,a,x", "2,a,b,y"]}
    old = table("old.csv", "id,label,prediction,note", *rows["old"])
    new = table("new.csv", "id,label,prediction,there", *rows["new"])
    piped(new.read_bytes())
    done = command("compare", old, "-", "--show", "note")
    assert done.status == 0
    assert "note: two" in done.out
    piped(new.read_bytes())
    done = command("compare", old, "-", "--show", "there")
    assert done.status == 2
    assert "no source has the column 'there' (--show)" in done.err
    assert "save it to a file" in " ".join(done.err.split())


def test_labels_from_standard_input(command, table, piped):
    """--labels takes standard input as well."""
    old = table("old.csv", "id,prediction", "1,a", "2,b")
    new = table("new.csv", "id,prediction", "1,a", "2,a")
    piped(b"id,label\n1,a\n2,b\n")
    run = command("compare", old, new, "--labels", "-", "--json", "-")
    assert json.loads(run.out)["tally"]["negative_flips"] == 1


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "standard input is empty"),
        (b"id,label\n1,a\n", "standard input: no prediction column"),
        (b"id,label,prediction\n1,a\n", "standard input: not a table"),
        (b"\x80\x04", "standard input: flipcheck never loads pickles"),
        (b"\x1f\x8b\x08", "standard input: not a readable gzip file"),
        (b"PAR1", "standard input: not a readable Parquet file"),
        (b"PK\x05\x06" + b"\0" * 18, "standard input: a ZIP file without arrays"),
        (b"\x08\x07\x12\0", "standard input is a model"),
    ],
)
def test_what_is_wrong_with_standard_input(command, flipped, piped, data, told):
    """Errors call it standard input, and no file of it stays."""
    old, _ = flipped(right=3)
    folder = piped(data)
    run = command("compare", old, "-")
    assert run.status == 2
    assert told in run.err
    assert not run.out
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-", "-"), "- for both OLD and NEW"),
        (("-", "{old}", "--labels", "-"), "- for both OLD and --labels"),
        (("{old}", "{old}", "-"), "a test set is read more than once"),
    ],
)
def test_one_standard_input(command, flipped, piped, arguments, told):
    """Standard input is there once, and is no test set."""
    old, _ = flipped(right=3)
    piped(b"id,label\n")
    run = command("compare", *(each.format(old=old) for each in arguments))
    assert (run.status, run.out) == (2, "")
    assert told in run.err


def test_a_terminal_gives_nothing(command, flipped, monkeypatch):
    """Who forgets the pipe is told what to do, in place of waiting for ever."""
    old, _ = flipped(right=3)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True, closed=False))
    run = command("compare", old, "-")
    assert run.status == 2
    assert "a terminal" in run.err
    assert "zcat" in run.err


def test_a_closed_standard_input(command, flipped, monkeypatch):
    """A closed standard input is an error."""
    old, _ = flipped(right=3)
    monkeypatch.setattr(sys, "stdin", None)
    assert "is closed" in command("compare", old, "-").err


def test_a_full_disk(command, flipped, piped, monkeypatch):
    """Where standard input does not fit, that is said, with the place."""
    old, _ = flipped(right=3)
    folder = piped(b"id")
    # what is copied to is a disk without room

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    run = command("compare", old, "-")
    assert f"standard input does not fit into {folder}: No space left" in run.err
    assert "TMPDIR" in run.err
    assert list(folder.iterdir()) == []


def test_a_file_of_that_name(command, flipped, tmp_path, monkeypatch):
    """A file that is called - is read as ./-."""
    old, new = flipped(right=5, broken=1)
    (tmp_path / "-").write_bytes(new.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", None)
    run = command("compare", old, f"{tmp_path}/./-", "--json", "-")
    assert json.loads(run.out)["tally"]["negative_flips"] == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_request_to_end_leaves_no_file(flipped, tmp_path):
    """A process that is told to end while it waits for standard input leaves nothing."""
    old, _ = flipped(right=3)
    place = tmp_path / "temporary"
    place.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "flipcheck", "compare", str(old), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(place)},
    ) as process:
        for _ in range(600):
            if list(place.iterdir()):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    assert list(place.iterdir()) == []


def test_the_path_and_its_name(tmp_path):
    """The path of standard input opens as a file, and is printed by its name."""
    path = LaidDown(tmp_path, "standard input")
    path.write_text("x")
    assert f"{path}" == str(path) == "standard input"
    assert Path(os.fspath(path)).read_text() == "x"
    assert str(path.with_suffix(".csv")) != "standard input"
    assert Predictions.from_arrays(["a"], name=str(path)).name == "standard input"
