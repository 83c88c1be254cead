"""A standard error that nobody reads changes no exit status: a lost log is no failed gate."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CLOSED = pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "gone"])


def run(arguments, closed, **env):
    """How the command ends with its standard error closed, full, or a pipe without a reader."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        line = f'exec "{sys.executable}" -m flipcheck "$@" {"" if closed == "gone" else closed}'
        return subprocess.run(
            ["/bin/sh", "-c", line, "sh", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=writer,
            env={**os.environ, **env},
            text=True,
            check=False,
        )
    finally:
        os.close(writer)


@CLOSED
@pytest.mark.parametrize(
    ("limit", "status", "env"),
    [("20%", 0, {}), ("2%", 1, {"GITHUB_ACTIONS": "true"}), ("10%", 3, {"GITHUB_ACTIONS": "true"})],
)
def test_the_status_is_the_verdict(flipped, closed, limit, status, env):
    """With annotations and without them."""
    done = run(["compare", *flipped(right=450, broken=50), "--max-nfr", limit], closed, **env)
    assert done.returncode == status
    assert "negative flips" in done.stdout


@CLOSED
@pytest.mark.parametrize(
    "arguments", [("compare", "no.csv", "no.csv"), ("compare", "--max-nrf"), ("compere",)]
)
def test_what_cannot_be_run_is_no_failed_gate(closed, arguments):
    """Its message is lost; its status is never 1, and nothing of it is on standard output."""
    done = run(arguments, closed)
    assert done.returncode in {2, 70}
    assert "error" not in done.stdout


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize("config", ["", "quiet = false\n"])
def test_nothing_for_it_ends_up_in_a_report(flipped, tmp_path, closed, config):
    """JSON on standard output is only JSON, also where a configuration is told of."""
    (tmp_path / "other.toml").write_text(config, encoding="utf-8")
    told = [f"--config={tmp_path / 'other.toml'}"] if config else ["--no-config"]
    done = run(["compare", *flipped(right=9), "--max-nfr", "2%", "--json", "-", *told], closed)
    assert done.returncode == 3
    assert done.stdout.startswith("{")
    assert done.stdout.endswith("}\n")
