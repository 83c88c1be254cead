"""Reports in MLflow: what is logged is read back from a store of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

import flipcheck
from flipcheck import trackers
from flipcheck.errors import OutputError, UsageError

ROOT = Path(__file__).parents[1]
Y = ["cat", "dog"] * 50
NEW = ["dog", *Y[1:]]


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A client of an empty store in a folder, which is where MLflow logs."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    uri = (tmp_path / "runs").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(before)


@pytest.fixture
def report():
    """One flip in a hundred, with a gate that passes."""
    return flipcheck.compare(Y, NEW, Y, gates="negative_flip_rate <= 10%", resamples=0)


def runs(store):
    """Every run of the store."""
    return store.search_runs([each.experiment_id for each in store.search_experiments()])


def test_every_defined_number_is_logged(store, report):
    """Metrics by their names with the ends of their intervals, counts, and none undefined."""
    run = store.get_run(flipcheck.log_mlflow(report))
    logged = run.data.metrics
    for name, each in report.metrics.items():
        if each.value is None:
            assert name not in logged
        else:
            assert logged[name] == each.value
    assert logged["negative_flip_rate_high"] == report.metrics["negative_flip_rate"].interval.high
    assert (logged["examples"], logged["negative_flips"]) == (100, 1)
    assert run.data.tags["flipcheck.verdict"] == "pass"
    assert run.data.tags["flipcheck.gates"] == "negative_flip_rate <= 10%"
    assert (run.info.run_name, run.info.status) == ("old → new", "FINISHED")


def test_the_report_is_an_artifact(store, report, tmp_path):
    """The HTML, and the JSON that flipcheck reads again."""
    run = flipcheck.log_mlflow(report)
    assert {each.path for each in store.list_artifacts(run)} == {"report.html", "report.json"}
    path = mlflow.artifacts.download_artifacts(
        run_id=run, artifact_path="report.json", dst_path=str(tmp_path)
    )
    assert flipcheck.Report.load(path).tally == report.tally


def test_the_active_run_is_used_and_stays_active(store, report):
    """What a script has begun is added to, and is not ended."""
    with mlflow.start_run() as active:
        assert flipcheck.log_mlflow(report) == active.info.run_id
        assert mlflow.active_run().info.run_id == active.info.run_id
        assert store.get_run(active.info.run_id).info.status == "RUNNING"
        flipcheck.log_mlflow(report)  # twice is no conflict
    assert len(runs(store)) == 1


def test_a_run_of_the_environment_is_used(store, report, monkeypatch):
    """As MLflow's own projects name it; its status is left as it is."""
    with mlflow.start_run() as begun:
        pass
    monkeypatch.setenv("MLFLOW_RUN_ID", begun.info.run_id)
    assert flipcheck.log_mlflow(report) == begun.info.run_id
    assert store.get_run(begun.info.run_id).info.status == "FINISHED"
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    with pytest.raises(OutputError, match="could not be logged"):
        flipcheck.log_mlflow(report)


def test_hostile_names_are_plain_text(store):
    """Control characters of a file name reach no tag, and a long one is cut."""
    name = "\x1b[31m" + "x" * 9000
    made = [flipcheck.Predictions.from_arrays(each, Y, name=name) for each in (Y, NEW)]
    found = store.get_run(flipcheck.log_mlflow(flipcheck.compare(*made, resamples=0)))
    assert found.data.tags["flipcheck.old"].startswith("\\u001b[31mxxx")
    assert all(len(each) <= 500 for each in found.data.tags.values())


def test_without_mlflow_the_error_comes_before_any_model(command, monkeypatch):
    """It says what to install, though the models are not even there."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    done = command("compare", "gone.onnx", "gone.onnx", "gone/", "--mlflow")
    assert done.status == 2
    assert "pip install 'flipcheck-audit[mlflow]'" in done.err
    assert "gone" not in done.err


def test_a_place_that_cannot_be_is_refused_before_any_model(command, monkeypatch):
    """A tracking address of no known kind."""
    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "gopher://me:secret@x")
    mlflow.set_tracking_uri("gopher://me:secret@x")
    try:
        done = command("compare", "gone.onnx", "gone.onnx", "gone/", "--mlflow")
    finally:
        mlflow.set_tracking_uri(before)
    assert done.status == 2
    assert "MLflow cannot log to gopher://…@x" in done.err
    assert "secret" not in done.err


def test_the_command_logs_and_says_where(command, store, flipped):
    """The run is named on standard error; standard output stays the report's."""
    old, new = flipped(right=95, broken=5)
    done = command("compare", old, new, "--mlflow", "--json", "-")
    assert done.status == 0
    run = runs(store)[0]
    assert f"logged to MLflow run {run.info.run_id}" in done.err
    assert json.loads(done.out)["tally"]["negative_flips"] == 5
    assert run.data.tags["flipcheck.old"] == str(old)
    assert len(run.data.tags["flipcheck.old_sha256"]) == 64


@pytest.mark.parametrize(
    ("limit", "status"),
    [("50%", 2), ("0.1%", 1), ("5.5%", 3)],  # a pass that was not logged is no 0
)
def test_a_tracker_that_fails_changes_no_verdict(
    command, store, flipped, tmp_path, monkeypatch, limit, status
):
    """The report is written all the same, and the error is told."""
    monkeypatch.setattr(trackers, "_log", lambda *_: 1 / 0)
    old, new = flipped(right=95, broken=5)
    at = tmp_path / "report.json"
    done = command("compare", old, new, "--mlflow", "--max-nfr", limit, "--json", at)
    assert done.status == status
    assert "MLflow: the report could not be logged: ZeroDivisionError" in done.err
    verdicts = {2: "pass", 1: "fail", 3: "inconclusive"}
    assert json.loads(at.read_text())["verdict"] == verdicts[status]
    assert [each.info.status for each in runs(store)] == ["FAILED"]


def test_a_server_that_is_not_there_is_an_error(monkeypatch, report):
    """Nothing listens at the address."""
    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    try:
        with pytest.raises(OutputError, match="could not be logged"):
            flipcheck.log_mlflow(report)
    finally:
        mlflow.set_tracking_uri(before)


GUARDED = """
import os, socket, sys
for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "CI", "PYTEST_CURRENT_TEST"):
    os.environ.pop(name, None)
asked = []
def refuse(*given, **more):
    asked.append(given)
    raise OSError("no network")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import flipcheck
y = ["a", "b"] * 20
flipcheck.log_mlflow(flipcheck.compare(y, y, y, resamples=0))
from mlflow.telemetry import get_telemetry_client
import time
time.sleep(0.5)
sys.exit(bool(asked) or get_telemetry_client() is not None)
"""


def test_nothing_is_sent_to_anyone(tmp_path):
    """MLflow's own telemetry is off: logging to a folder opens no connection."""
    env = {
        **os.environ,
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_TRACKING_URI": (tmp_path / "runs").as_uri(),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", GUARDED], env=env, cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_mlflow_is_loaded_only_when_asked_for():
    """An audit without it does not touch it."""
    audit = "flipcheck.compare(*[['a', 'b']] * 3)"
    code = f"import sys, flipcheck; {audit}; print('mlflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_an_unknown_part_of_mlflow_is_no_crash(monkeypatch, report):
    """An installation that is broken is told as that."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(UsageError, match="cannot be loaded"):
        flipcheck.log_mlflow(report)


@pytest.mark.parametrize("given", ["report.json", None, {"verdict": "pass"}])
def test_what_is_no_report_is_not_the_servers_fault(given):
    """The error says what to give, and nothing of addresses."""
    with pytest.raises(UsageError, match="no report") as caught:
        flipcheck.log_mlflow(given)
    assert "Report.load" in caught.value.hint
