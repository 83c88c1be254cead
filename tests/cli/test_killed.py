"""Runs that are killed, interrupted or out of disk: old files or whole new ones, never halves."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the runs are forks"),
    pytest.mark.xdist_group("killed"),
]
DRIVER = Path(__file__).with_name("killing.py")
SAMPLE = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The sample images as an archive: many small batches."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("data")
    paths = sorted((SAMPLE / "images").glob("*/*.png"))[::3]
    pixels = np.stack([np.asarray(Image.open(path).convert("L"), np.float32) for path in paths])
    labels = np.array([path.parent.name for path in paths])
    np.savez(folder / "data.npz", x=pixels[:, None] / 255, label=labels)
    return folder / "data.npz"


@pytest.fixture(params=["compare", "predict"])
def trial(request, data, tmp_path):
    """A command with its folder and the files that it writes."""
    folder = tmp_path / "out"
    folder.mkdir()
    models = [str(SAMPLE / f"{side}.onnx") for side in ("old", "new")]
    if request.param == "compare":
        names = {"--json": "r.json", "--html": "r.html", "--flips": "f.parquet"}
        given = ["compare", *models, str(data), "--resamples", "50"]
    else:
        names = {"-o": "p.parquet"}
        given = ["predict", models[0], str(data)]
    files = [str(folder / name) for name in names.values()]
    for flag, path in zip(names, files, strict=True):
        given += [flag, path]
    given += ["--cache", str(folder / "cache")]
    return {"folder": str(folder), "files": files, "arguments": given}


@pytest.fixture(scope="module")
def ended():
    """How each of some trials ends, one after another."""
    driver = subprocess.Popen(
        [sys.executable, str(DRIVER), str(SAMPLE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(*trials):
        found = []
        for each in trials:
            driver.stdin.write(json.dumps(each) + "\n")
            driver.stdin.flush()
            found.append(json.loads(driver.stdout.readline()))
        return found

    yield run
    driver.communicate()


def forgotten(trial, name):
    """The same trial with a cache that nothing is in yet."""
    arguments = [*trial["arguments"][:-1], str(Path(trial["folder"]) / name)]
    return {**trial, "arguments": arguments}


OLD = b"old".hex()


def test_a_killed_run_leaves_old_files_or_whole_ones(ended, trial):
    """SIGKILL at moments at which a file is touched, and at any others; the next run is right."""
    whole = ended(forgotten(trial, "first"))[0]
    assert (whole["status"], whole["err"]) == (0, "")
    count = whole["moments"]
    assert count > 20
    moments = sorted({*range(1, count, count // 6), *range(count - 4, count + 1)})
    killed = [{**trial, "signal": "SIGKILL", "moment": moment} for moment in moments]
    rng = random.Random(5)
    killed += [{**trial, "signal": "SIGKILL", "after": rng.uniform(0, 0.2)} for _ in range(3)]
    plan = []
    for number, each in enumerate(killed):
        # Some caches are of several runs that were cut short, one after another.
        each["arguments"] = forgotten(trial, f"cache{number // 3}")["arguments"]
        plan += [each, {**trial, "arguments": each["arguments"]}] if number % 3 == 2 else [each]
    found = ended(*plan)
    for each, result in zip(plan, found, strict=True):
        for text, new in zip(result["files"], whole["files"], strict=True):
            assert text in {OLD, new}
        if "signal" not in each:
            assert (result["status"], result["files"], result["err"]) == (0, whole["files"], "")
    assert sum(result["status"] == -signal.SIGKILL for result in found) > len(moments) / 3


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_an_interrupted_run_cleans_up(ended, trial, name, status):
    """The exit status says so, and no half-written file stays; the next run is right."""
    whole = ended(forgotten(trial, "first"))[0]
    count = whole["moments"]
    moments = sorted({*range(1, count, count // 3), *range(count - 6, count + 1, 2)})
    plan = [
        {**forgotten(trial, f"cache{moment}"), "signal": name, "moment": moment}
        for moment in moments
    ]
    plan += [{**plan[4], "moment": None}]
    found = ended(*plan)
    for result in found[:-1]:
        assert (result["status"], result["err"], result["left"]) == (status, "interrupted\n", [])
        for text, new in zip(result["files"], whole["files"], strict=True):
            assert text in {OLD, new}
    assert (found[-1]["status"], found[-1]["files"]) == (0, whole["files"])


def test_a_full_disk_leaves_the_old_files(ended, trial):
    """One message, exit status 2, and none of several reports is replaced."""
    whole = ended(forgotten(trial, "first"))[0]
    largest = min(len(text) // 2 for text in whole["files"]) - 1
    sizes = [0, 100, largest]
    found = ended(*({**forgotten(trial, "none"), "largest": size} for size in sizes))
    for result in found:
        assert result["status"] == 2
        assert result["files"] == [OLD] * len(whole["files"])
        assert result["left"] == []
        assert result["err"].count("error: ") == 1
        assert result["err"].count("warning: ") <= 1
    again = ended(forgotten(trial, "none"))[0]
    assert again["files"] == whole["files"]


def test_a_cache_without_room_is_no_error(ended, tmp_path, data):
    """Where only the cache cannot be written, the audit is as it would be."""
    models = [str(SAMPLE / f"{side}.onnx") for side in ("old", "new")]
    given = ["compare", *models, str(data), "--cache", str(tmp_path / "cache"), "--resamples", "50"]
    trial = {"folder": str(tmp_path), "files": [], "arguments": given, "largest": 100}
    found = ended(trial)[0]
    assert (found["status"], found["left"]) == (0, [])
    assert found["err"].count("warning: the cache ") == found["err"].count("\n") == 1


def test_an_interruption_while_python_loads_is_130(tmp_path):
    """Extension modules turn it into errors of their own, which are then none."""
    code = (
        "import sys, os, signal, builtins; from flipcheck.__main__ import main\n"
        "real = builtins.__import__\n"
        "def loading(name, *rest, **more):\n"
        "    if name == 'onnxruntime':\n"
        "        try: os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(1)\n"
        "        except KeyboardInterrupt as e: raise ImportError('initialization failed') from e\n"
        "    return real(name, *rest, **more)\n"
        "builtins.__import__ = loading\n"
        "main()"
    )
    given = [str(SAMPLE / each) for each in ("old.onnx", "new.onnx", "images")]
    done = subprocess.run(
        [sys.executable, "-c", code, "compare", *given, "--json", str(tmp_path / "r.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert not (tmp_path / "r.json").exists()
