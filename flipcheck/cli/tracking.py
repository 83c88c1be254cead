"""`--mlflow`: what is said of it, and how a command ends where the tracker fails."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from flipcheck.errors import FlipcheckError, one_line, safe_lines, say

if TYPE_CHECKING:
    from flipcheck.report import Report

PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
"""How long a server that does not answer is asked, unless the user says otherwise: MLflow's own
patience is minutes."""
NOT_LOGGED = 2


def check_tracker(asked: bool) -> None:
    """Raise UsageError where MLflow is asked for and cannot log, before any model runs."""
    if not asked:
        return
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    from flipcheck.trackers import open_mlflow

    with contextlib.redirect_stdout(sys.stderr):  # standard output is the report's
        open_mlflow()


def tracked(report: Report, asked: bool) -> int:
    """Log the report where that is asked for: 0, or 2 where it could not be logged.

    Its verdict and its files stand either way.
    """
    if not asked:
        return 0
    from flipcheck.trackers import log_mlflow

    try:
        with contextlib.redirect_stdout(sys.stderr):
            run = log_mlflow(report)
    except FlipcheckError as error:
        say(safe_lines(f"error: {error}"))
        return NOT_LOGGED
    say(f"logged to MLflow run {one_line(run)}")
    return 0
