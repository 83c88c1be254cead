"""What a command costs: CPU seconds of its process tree, wall seconds, and its peak memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAIRS = int(os.environ.get("PAIRS", "5"))
FLIPCHECK = [sys.executable, "-m", "flipcheck"]
LAUNCHER = """
import json, os, sys, time
start, quiet = time.perf_counter(), os.open(os.devnull, os.O_WRONLY)
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ,
                        file_actions=[(os.POSIX_SPAWN_DUP2, quiet, 1)])
_, status, used = os.wait4(child, 0)
print(json.dumps([used.ru_utime + used.ru_stime, time.perf_counter() - start,
                  used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)]))
"""
"""A process of its own starts each command, as a child's peak begins with its parent's size."""


class Cost(NamedTuple):
    """CPU and wall seconds, and the peak in MB."""

    cpu: float
    wall: float
    peak: float


def cost(command: list[str], *, status: int = 0) -> Cost:
    """What a command costs, which must end with a status; its output is thrown away."""
    compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    told = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *command],
        check=True,
        capture_output=True,
        env=compiled,
    )
    *used, ended = json.loads(told.stdout)
    if ended != status:
        raise SystemExit(f"{' '.join(command)}: status {ended}\n{told.stderr.decode()[-2000:]}")
    return Cost(*used)


def against(
    name: str,
    work: list[str],
    told: str,
    reference: list[str],
    *,
    pairs: int = PAIRS,
) -> None:
    """Print the medians of alternating pairs: ratios, and each side's peak memory."""
    cost(work)  # a first run compiles what is not compiled yet
    print_pairs(name, told, [(cost(work), cost(reference)) for _ in range(pairs)])


def print_pairs(name: str, told: str, pairs: list[tuple[Cost, Cost]]) -> None:
    """Print the medians of pairs that were measured."""
    cpu, wall = (statistics.median(one[at] / two[at] for one, two in pairs) for at in (0, 1))
    one, two = (
        [statistics.median(getattr(pair[side], each) for pair in pairs) for each in Cost._fields]
        for side in (0, 1)
    )
    print(
        f"| {name} | {told} | {cpu:.2f} | {wall:.2f} | {one[0]:.2f} : {two[0]:.2f} s | "
        f"{one[1]:.2f} : {two[1]:.2f} s | {one[2]:,.0f} : {two[2]:,.0f} MB |",
        flush=True,
    )


def run_all(benchmarks: Mapping[str, Callable[[Path], None]]) -> None:
    """Run every benchmark, or those named on the command line, and print one table."""
    print(f"{os.cpu_count()} processors, medians of {PAIRS} alternating pairs\n")
    print("| work | reference | CPU ratio | wall ratio | CPU | wall | peak |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name in sys.argv[1:] or benchmarks:
        with tempfile.TemporaryDirectory() as folder:
            benchmarks[name](Path(folder))
