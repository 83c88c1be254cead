"""The README's commands and code are run as a newcomer would."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from readme_files import write_all
from typer.main import get_command

import flipcheck
from flipcheck.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
FLIPCHECK = str(Path(sys.executable).parent / "flipcheck")


def blocks(language):
    """The README's code blocks in a language."""
    return [text.strip() for name, text in BLOCKS if name == language]


def console_lines():
    """The command lines of its console blocks."""
    lines = [line for text in blocks("console") for line in text.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@pytest.fixture
def newcomer(tmp_path, monkeypatch):
    """A folder with the sample data, and with files under the names that the README uses."""
    import numpy as np
    from PIL import Image
    from pyarrow import csv, parquet

    sample = ROOT / "sample_data"
    (tmp_path / "sample_data").symlink_to(sample)
    (tmp_path / "images").symlink_to(sample / "images")
    for side in ("old", "new"):
        shutil.copy(sample / f"{side}.onnx", tmp_path)
        table = csv.read_csv(sample / f"{side}_predictions.csv")
        table = table.append_column(
            "region", [["EU" if row.endswith("2.png") else "US" for row in table["id"].to_pylist()]]
        )
        places = [int("".join(filter(str.isdigit, row))) for row in table["id"].to_pylist()]
        table = table.append_column("user", [[f"u{place % 180}" for place in places]])
        table = table.append_column("traffic", [[1 + place % 7 for place in places]])
        table = table.append_column("age", [[18 + place * 7 % 60 for place in places]])
        csv.write_csv(table, tmp_path / f"{side}.csv")
        parquet.write_table(table, tmp_path / f"{side}.parquet")
    ids = table["id"].to_pylist()
    shutil.copy(tmp_path / "old.csv", tmp_path / "again.csv")
    (tmp_path / "costs.csv").write_text("old,new,cost\nthree,two,5\n*,*,1\n")
    (tmp_path / "never.txt").write_text(f"{ids[0]}\n{ids[1]}\n")
    waiver = f"{ids[2]},the label is wrong,Ann,9999-12-31"
    (tmp_path / "waivers.csv").write_text(f"id,reason,owner,expires\n{waiver}\n")
    pilot = flipcheck.compare(tmp_path / "old.csv", tmp_path / "new.csv", resamples=0)
    pilot.save(tmp_path / "report.json")
    paths = sorted((sample / "images").glob("*/*.png"))
    pixels = np.stack([np.asarray(Image.open(path), np.float32)[None] / 255 for path in paths])
    np.savez(
        tmp_path / "test.npz",
        image=pixels,
        y=[path.parent.name for path in paths],
        id=[path.name for path in paths],
    )
    write_all(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_first_two_bash_blocks_are_one_command_line_each():
    """The main job and the tests, each on a machine with only Python and pip."""
    first, second = blocks("bash")[:2]
    assert len(first.splitlines()) == len(second.splitlines()) == 1
    assert first.startswith("python3 -m venv")
    assert "pytest" in second


def test_the_first_command_does_the_main_job(newcomer):
    """What stands behind the installation passes its gate and writes the HTML report."""
    command = blocks("bash")[0].split(" && ")[-1]
    assert command.startswith(".venv/bin/flipcheck ")
    done = subprocess.run(
        [FLIPCHECK, *shlex.split(command)[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = next(text for name, text in BLOCKS if name == "text").split("…")
    for part in shown:
        assert part.strip() in done.stdout
    assert "<!doctype html>" in (newcomer / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("newcomer")
def test_the_stricter_limit_fails_as_the_readme_says():
    """With --max-nfr 1% the same command exits with 1."""
    command = blocks("bash")[0].split(" && ")[-1].replace("5%", "1%")
    done = subprocess.run(
        [FLIPCHECK, *shlex.split(command)[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.startswith(" FAIL ")


@pytest.mark.usefixtures("newcomer")
@pytest.mark.parametrize("line", console_lines())
def test_every_console_line_runs(command, line):
    """Each ends in a verdict, none in an error."""
    done = command(*shlex.split(line, comments=True)[1:])
    assert done.status in {0, 1, 3}, done.err
    assert done.out


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_code_runs(newcomer, code):
    """The API example prints a verdict and writes a report."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=newcomer, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "pass" in done.stdout
    assert (newcomer / "report.html").exists()


@pytest.mark.parametrize("text", blocks("toml"))
def test_the_configuration_runs(command, newcomer, text):
    """What is to be written into flipcheck.toml is all that the command needs."""
    (newcomer / "flipcheck.toml").write_text(text, encoding="utf-8")
    done = command("compare")
    assert done.status in {0, 1, 3}, done.err
    assert "waiver" in done.out
    assert (newcomer / "report.html").exists()


@pytest.mark.parametrize("code", blocks("py"))
def test_the_tests_that_it_shows_pass(newcomer, code):
    """What stands there for pytest is run by pytest, with the plugin as it is installed."""
    (newcomer / "test_update.py").write_text(code + "\n", encoding="utf-8")
    installed = entry_points(group="pytest11", name="flipcheck")
    plugin = [] if installed else ["-p", "flipcheck.pytest_plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugin, "test_update.py"],
        cwd=newcomer,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "PASS  old" in done.stdout


COMMANDS = sorted(get_command(app).commands)


def help_page(name):
    """What a command's help shows in a terminal of 80 columns."""
    return subprocess.run(
        [FLIPCHECK, name, "--help"],
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def help_example(name):
    """The line that a command's help gives to copy."""
    after = help_page(name).split("Example:")[1].splitlines()
    return next(line.strip() for line in after if line.strip().startswith("flipcheck "))


@pytest.mark.usefixtures("newcomer")
@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_every_help_page_runs(command, name):
    """What the help says to copy ends in a verdict or an answer, and not in an error."""
    done = command(*shlex.split(help_example(name))[1:])
    assert done.status in {0, 1, 3}, done.err
    assert done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_page_fits_a_terminal(name):
    """80 columns are enough, no option is cut, and no switch is said to take a bool."""
    shown = help_page(name)
    assert max(map(len, shown.splitlines())) <= 80
    assert "<bool>" not in shown
    options = get_command(app).commands[name].params
    assert all(flag in shown for each in options for flag in each.opts if flag.startswith("-"))
