"""`predict`, `render`, `explain`, help and version."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from flipcheck import __version__
from flipcheck.metrics import METRICS


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_compare_reads_what_predict_writes(command, sample, tmp_path, suffix):
    """Saved predictions give the tally that the models give."""
    saved = {}
    for side in ("old", "new"):
        saved[side] = tmp_path / f"{side}.{suffix}"
        done = command("predict", sample / f"{side}.onnx", sample / "images", "-o", saved[side])
        assert done.status == 0, done.err
        assert done.out == f"540 predictions in {saved[side]}\n"
    from_files = command("compare", saved["old"], saved["new"], "--json", "-")
    mixed = command("compare", saved["old"], sample / "new.onnx", sample / "images", "--json", "-")
    from_models = command(
        "compare", sample / "old.onnx", sample / "new.onnx", sample / "images", "--json", "-"
    )
    tallies = [json.loads(done.out)["tally"] for done in (from_files, mixed, from_models)]
    assert tallies[0] == tallies[1] == tallies[2]


def test_the_sample_predictions_are_the_models(command, sample, tmp_path):
    """The CSV files of the sample data hold what flipcheck makes of the models."""
    from pyarrow import csv

    for side in ("old", "new"):
        command("predict", sample / f"{side}.onnx", sample / "images", "-o", tmp_path / "p.csv")
        made, shipped = (
            csv.read_csv(path).sort_by("id")
            for path in (tmp_path / "p.csv", sample / f"{side}_predictions.csv")
        )
        for column in ("id", "label", "prediction"):
            assert made[column].equals(shipped[column])


def test_predict_does_not_take_saved_predictions(command, sample, tmp_path):
    """A file of predictions is no model."""
    done = command(
        "predict", sample / "old_predictions.csv", sample / "images", "-o", tmp_path / "p.csv"
    )
    assert done.status == 2
    assert "not an ONNX model" in done.err


@pytest.fixture
def report(command, sample, tmp_path):
    """A JSON report with slices, classes, gates and images."""
    path = tmp_path / "report.json"
    command(
        "compare",
        sample / "old_predictions.csv",
        sample / "new_predictions.csv",
        sample / "images",
        "--by",
        "ink",
        "--max-nfr",
        "5%",
        "--json",
        path,
    )
    return path


def test_render_makes_the_same_reports_again(command, sample, report, tmp_path):
    """HTML, Markdown, terminal and JSON from the file are those of the run, byte for byte."""
    run = (
        "compare",
        sample / "old_predictions.csv",
        sample / "new_predictions.csv",
        sample / "images",
        "--by",
        "ink",
        "--max-nfr",
        "5%",
    )
    first = command(*run, "--html", tmp_path / "1.html", "--markdown", tmp_path / "1.md")
    again = command(
        "render",
        report,
        "--html",
        tmp_path / "2.html",
        "--markdown",
        tmp_path / "2.md",
        "--json",
        tmp_path / "2.json",
    )
    assert again.status == 0
    assert first.out == again.out.replace("2.html", "1.html")  # which the next step names
    for suffix in ("html", "md"):
        one, two = ((tmp_path / f"{run}.{suffix}").read_bytes() for run in (1, 2))
        assert one == two
    assert (tmp_path / "2.json").read_bytes() == report.read_bytes()


def test_render_judges_other_gates(command, report):
    """The tally is enough for a new verdict, for the whole and by slice."""
    assert command("render", report, "--max-nfr", "1%").status == 1
    assert command("render", report, "--gate", "negative_flip_rate <= 15% by ink").status == 0
    assert command("render", report, "--gate", "negative_flip_rate <= 3%").status == 3
    assert command("render", report).status == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a JSON report"),  # empty
        ("[1, 2]", "not a report"),  # other JSON
        ('{"format": "flipcheck.report/2"}', "flipcheck.report/2"),  # of the future
        ('{"format": "flipcheck.report/1"}', "damaged report"),  # cut short
    ],
)
def test_render_refuses_what_is_no_report(command, tmp_path, content, message):
    """One clear message, exit 2."""
    (tmp_path / "r.json").write_text(content, encoding="utf-8")
    done = command("render", tmp_path / "r.json")
    assert done.status == 2
    assert message in done.err


@pytest.mark.parametrize("name", METRICS)
def test_explain_tells_of_every_metric(command, name):
    """Meaning, formula and source come from the one table."""
    done = command("explain", name)
    assert done.status == 0
    assert METRICS[name].abbreviation in done.out
    assert METRICS[name].source.split(",")[0] in done.out


def test_explain_lists_all_metrics(command):
    """Without a name every metric stands there, within 80 columns."""
    done = command("explain")
    assert all(name in done.out for name in METRICS)
    assert max(map(len, done.out.splitlines())) <= 80


def test_explain_names_the_nearest_metric(command):
    """A misspelt name is an error with a hint."""
    done = command("explain", "negativ_flip_rate")
    assert done.status == 2
    assert "did you mean 'negative_flip_rate'?" in done.err


def test_version(command):
    """The version is the package's."""
    assert command("--version").out == f"flipcheck {__version__}\n"


@pytest.mark.parametrize("name", ["compare", "predict", "repro", "render", "plan", "explain"])
def test_every_command_has_help_with_an_example(command, name):
    """Each help page shows a line to copy; that it runs is tested with the README."""
    done = command(name, "--help")
    assert done.status == 0
    assert f"flipcheck {name} " in done.out.split("Example:")[1]


@pytest.mark.parametrize("name", ["compare", "predict", "repro", "render", "plan", "cache"])
def test_help_fits_80_columns(command, monkeypatch, name):
    """Nothing of an option's help is cut, and a switch is not said to take a value."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = command(name, "--help").out.splitlines()
    assert max(map(len, lines)) <= 80
    own = [line for line in lines if "--help" not in line]
    assert not [line for line in own if "<bool>" in line or line.rstrip(" │").endswith("…")]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["compare", "--help"], ["plan", "--help"], ["--version"]]
)
def test_help_loads_nothing_heavy(arguments):
    """Help needs no numpy, pandas, scipy, pyarrow or onnxruntime."""
    code = (
        "import sys\nfrom flipcheck.__main__ import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'pyarrow', 'onnxruntime', 'PIL', 'jinja2'}\n"
        "found = heavy & set(sys.modules)\nassert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_command_and_the_module_are_one():
    """`python -m flipcheck` is the same command."""
    done = subprocess.run(
        [sys.executable, "-m", "flipcheck", "--version"], check=True, capture_output=True, text=True
    )
    assert done.stdout == f"flipcheck {__version__}\n"
