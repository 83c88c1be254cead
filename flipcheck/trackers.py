"""Reports in experiment trackers: metrics, tags and the report itself, in the run that is active.

MLflow (the extra `mlflow`) is loaded when it is asked for, with its usage telemetry off.
"""

from __future__ import annotations

import math
import os
import re
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flipcheck.errors import OutputError, UsageError
from flipcheck.report import Report
from flipcheck.reporters import REPORTERS
from flipcheck.reporters.words import clean

if TYPE_CHECKING:
    from flipcheck.report.parts import Model

NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true"}
RUN_ID = "MLFLOW_RUN_ID"
SECRET = re.compile(r"//[^/@\s]+@")
LONGEST = 500
"""How much of a text a tag or a run's name keeps."""
ARTIFACTS = {"report.html": "html", "report.json": "json"}


def log_mlflow(report: Report) -> str:
    """Log a report to the active MLflow run, or to a new one; the id of that run.

    The active run is `mlflow.active_run()`, else that of MLFLOW_RUN_ID; a new one is named after
    both models and lies where MLflow is configured to put it. Metrics are called as in METRICS,
    their interval's ends with _low and _high. A server that does not answer is asked as often as
    MLflow is told to (MLFLOW_HTTP_REQUEST_MAX_RETRIES, for minutes unless set). Raises UsageError
    without MLflow, and OutputError where it cannot log.
    """
    if not isinstance(report, Report):
        raise UsageError(
            f"log_mlflow() was given a {type(report).__name__}, and no report",
            hint="give what flipcheck.compare returned, or flipcheck.Report.load(path)",
        )
    mlflow = open_mlflow()
    try:
        active = mlflow.active_run()
        known = active.info.run_id if active else os.environ.get(RUN_ID)
        if known:
            _log(mlflow, known, report)
            return str(known)
        sides = f"{clean(report.old.name)} → {clean(report.new.name)}"
        with mlflow.start_run(run_name=sides[:LONGEST]) as run:
            _log(mlflow, run.info.run_id, report)
            return str(run.info.run_id)
    except Exception as error:  # whatever a server, its client or its proxy makes of it
        raise OutputError(
            f"MLflow: the report could not be logged: {_told(error)}",
            hint="check MLFLOW_TRACKING_URI and that its server answers",
        ) from error


def open_mlflow() -> Any:
    """MLflow, ready to log. Raises UsageError where it is missing or has nowhere to log to."""
    for name, value in NO_TELEMETRY.items():
        os.environ.setdefault(name, value)
    try:
        mlflow: Any = import_module("mlflow")
    except ImportError as error:
        raise UsageError(
            f"--mlflow needs MLflow, which cannot be loaded: {error}",
            hint="pip install 'flipcheck-audit[mlflow]'",
        ) from error
    try:
        mlflow.MlflowClient()
    except Exception as error:
        raise UsageError(
            f"MLflow cannot log to {_shown(str(mlflow.get_tracking_uri()))}: {_told(error)}",
            hint="name a server with MLFLOW_TRACKING_URI; a local database needs all of MLflow: "
            "pip install mlflow",
        ) from error
    return mlflow


def _log(mlflow: Any, run: str, report: Report) -> None:
    """Log all of a report to one run, as it stands: what is active before stays active."""
    entities = import_module("mlflow.entities")
    client, now = mlflow.MlflowClient(), int(time.time() * 1000)
    client.log_batch(
        run,
        metrics=[entities.Metric(name, value, now, 0) for name, value in metrics(report).items()],
        tags=[entities.RunTag(name, value[:LONGEST]) for name, value in tags(report).items()],
    )
    for file, reporter in ARTIFACTS.items():
        client.log_text(run, REPORTERS[reporter](report), file)


def metrics(report: Report) -> dict[str, float]:
    """Every number of a report that is defined, by its name; intervals by their ends."""
    tally = report.tally
    found: dict[str, float | None] = {
        "examples": tally.examples,
        "negative_flips": tally.negative_flips,
        "positive_flips": tally.positive_flips,
    }
    for name, each in report.metrics.items():
        found[name] = each.value
        if each.interval is not None:
            found |= {f"{name}_low": each.interval.low, f"{name}_high": each.interval.high}
    return {
        name: float(value)
        for name, value in found.items()
        if value is not None and math.isfinite(value)
    }


def tags(report: Report) -> dict[str, str]:
    """What a run is found by: the verdict, the sources and their digests, the gates."""
    told: dict[str, str | None] = {
        "verdict": str(report.verdict or "none"),
        "version": report.version,
        "gates": "; ".join(dict.fromkeys(str(each.gate) for each in report.gates)),
        "data": report.data.source,
        "data_sha256": report.data.sha256,
        **_side("old", report.old),
        **_side("new", report.new),
    }
    return {f"flipcheck.{name}": clean(value) for name, value in told.items() if value}


def _side(side: str, model: Model) -> dict[str, str | None]:
    return {side: model.source, f"{side}_sha256": model.sha256}


def _told(error: Exception) -> str:
    """The first line of an error of a library."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {_shown(lines[0])[:LONGEST]}"


def _shown(text: str) -> str:
    """A text without the user and password of an address in it, which would end in a log."""
    return clean(SECRET.sub("//…@", text))
