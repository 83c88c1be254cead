"""Runs commands in forks of one warm process, each of which is killed at a chosen moment.

`python killing.py SAMPLE_DATA`: for each trial, a line of JSON, a line with how it ended.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import onnxruntime  # noqa: F401  (what every run needs is loaded once)
import pyarrow.parquet  # noqa: F401

import flipcheck
import flipcheck.sources.onnx.run
from flipcheck.__main__ import main
from flipcheck.reporters import REPORTERS
from flipcheck.sources.onnx import kept
from flipcheck.sources.onnx.feeds import arrays

EVENTS = {"open", "os.rename", "os.remove", "os.chmod", "os.mkdir", "os.rmdir", "tempfile.mkstemp"}
"""What Python tells of before it touches a file."""


def watched(trial: dict[str, Any]) -> list[int]:
    """Count what touches the trial's folder, and end the process at the moment that is asked."""
    count = [0]
    folder = trial["folder"]

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event in EVENTS and str(given[0]).startswith(folder):
            count[0] += 1
            if count[0] == trial.get("moment"):
                os.kill(os.getpid(), getattr(signal, trial["signal"]))

    sys.addaudithook(hook)
    return count


def child(trial: dict[str, Any], told: int) -> None:
    """One command, to its end or to its moment."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(told, 2)
    kept.BLOCK, kept.OFTEN, arrays.TABLE_ROWS = 1, -1.0, 64
    count = watched(trial)
    if "largest" in trial:
        resource.setrlimit(resource.RLIMIT_FSIZE, (trial["largest"],) * 2)
    try:
        main(trial["arguments"])
    except SystemExit as ended:
        os.write(told, f"\0{count[0]}".encode())
        os._exit(int(ended.code or 0))


def outcome(trial: dict[str, Any]) -> dict[str, Any]:
    """How a trial ended, and what the files that it writes are then."""
    for name in trial["files"]:
        Path(name).write_text("old")
    heard, told = os.pipe()
    number = os.fork()
    if number == 0:
        child(trial, told)
        os._exit(99)
    os.close(told)
    if "after" in trial:
        time.sleep(trial["after"])
        os.kill(number, getattr(signal, trial["signal"]))
    _, status = os.waitpid(number, 0)
    texts = [Path(name).read_bytes() for name in trial["files"]]
    with os.fdopen(heard, "rb") as file:
        err, _, count = file.read().decode().partition("\0")
    return {
        "status": os.waitstatus_to_exitcode(status),
        "files": [text.hex() for text in texts],
        "left": sorted(
            path.name for path in Path(trial["folder"]).rglob("*") if path.name.startswith(".")
        ),
        "err": err,
        "moments": int(count or 0),
    }


def warm(sample: Path) -> None:
    """Load whatever a report takes, but no model, whose threads no fork would have."""
    sides = [sample / f"{side}_predictions.csv" for side in ("old", "new")]
    report = flipcheck.compare(*sides, resamples=50)
    for reporter in REPORTERS.values():
        reporter(report)


if __name__ == "__main__":
    warm(Path(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(outcome(json.loads(line))), flush=True)  # noqa: T201
