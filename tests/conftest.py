"""What several tests need: the sample data, and the command line run in this process."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from flipcheck.__main__ import main

settings.register_profile("flipcheck", deadline=None, derandomize=True, database=None)
settings.load_profile("flipcheck")  # the same examples on every machine, however slow it is
for _name in [each for each in os.environ if each.startswith("FLIPCHECK_")]:
    if _name != "FLIPCHECK_APPROVE":
        del os.environ[_name]  # nor do options that its user has set
os.environ["FLIPCHECK_CACHE"] = "off"  # no test reads or writes the user's own cache
for _name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
    os.environ.pop(_name, None)  # nor tells the server that the suite itself may run on
pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_data"


@dataclass(frozen=True)
class Run:
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def sample() -> Path:
    """The folder of the sample models, images and predictions."""
    return SAMPLE


@pytest.fixture
def command(capfd):
    """Run the command line with these arguments and catch what it prints."""

    def run(*arguments: object) -> Run:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in arguments])
        out, err = capfd.readouterr()
        check_schema([str(each) for each in arguments])
        return Run(int(ended.value.code or 0), out, err)

    return run


LARGEST_CHECKED = 200_000
"""Bytes; larger reports are of the same kinds, and take seconds to check."""


def check_schema(arguments: list[str]) -> None:
    """Hold the JSON report that a command wrote to the published schema."""
    if arguments[:1] not in (["compare"], ["render"]) or "--json" not in arguments:
        return
    path = Path(arguments[arguments.index("--json") + 1])
    if not path.is_file() or path.stat().st_size > LARGEST_CHECKED:
        return
    written = path.read_text(encoding="utf-8")
    if not written.startswith('{\n  "format": "flipcheck.report/1"'):  # not one of ours
        return
    from report_schema import problems

    assert problems(json.loads(written)) == []


@pytest.fixture
def table(tmp_path):
    """Write a CSV file of rows under a header, and return its path."""

    def write(name: str, header: str, *rows: str) -> Path:
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def flipped(table):
    """A function that writes old and new predictions with these counts of outcomes."""

    def write(
        right: int = 0, broken: int = 0, mended: int = 0, wrong: int = 0
    ) -> tuple[Path, Path]:
        kinds = [("a", "a")] * right + [("a", "b")] * broken + [("b", "a")] * mended
        kinds += [("b", "b")] * wrong
        old = [f"x{row:05},a,{one}" for row, (one, _) in enumerate(kinds)]
        new = [f"x{row:05},a,{two}" for row, (_, two) in enumerate(kinds)]
        header = "id,label,prediction"
        return table("old.csv", header, *old), table("new.csv", header, *new)

    return write
