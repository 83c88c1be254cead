"""Comparing two logs on the command line."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def compared(command, tmp_path):
    """Compare two sources on the command line; the JSON report of it."""

    def compare(old, new, *arguments):
        out = tmp_path / "report.json"
        run = command("compare", old, new, *arguments, "--json", out)
        assert run.status in {0, 1, 3}, run.err
        return json.loads(out.read_text(encoding="utf-8"))

    return compare


@pytest.fixture
def refused(command):
    """Compare two sources that cannot be; what the error says."""

    def compare(old, new, *arguments):
        run = command("compare", old, new, *arguments)
        assert run.status == 2, run.out
        return run.err

    return compare
