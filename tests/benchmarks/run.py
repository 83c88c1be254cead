"""What flipcheck costs, each as a ratio to a named reference in the same run.

    python tests/benchmarks/run.py [bootstrap …]

What saved predictions cost, from start-up to ten million rows, is in bulk.py, and what running
the models does in inference.py.

Machines are noisy and differ: only the ratios are to be read. Work and reference alternate, and
the median of the pairs' ratios is printed.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flipcheck.audits.discovery import discover
from flipcheck.audits.measuring import Measured
from flipcheck.audits.slicing import Parts, slice_reports
from flipcheck.labels import Labels
from flipcheck.metrics import COUNTED
from flipcheck.outcomes import Outcome, Tally, tally
from flipcheck.report import Settings
from flipcheck.slices import Groups, Sliced, slices
from flipcheck.slices import values as grouped
from flipcheck.stats.bootstrap import Kinds, bca, percentile, replicates
from flipcheck.stats.units import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PAIRS = 5


def compared(
    name: str,
    work: Callable[[], object],
    against: str,
    reference: Callable[[], object],
) -> None:
    """Print the median ratios of CPU and wall time over alternating pairs."""
    cpu, wall = [], []
    for _ in range(PAIRS):
        one, two = timed(work), timed(reference)
        cpu.append(one[0] / two[0])
        wall.append(one[1] / two[1])
    print(f"| {name} | {against} | {statistics.median(cpu):.2f} | {statistics.median(wall):.2f} |")


def slicing(_folder: Path) -> None:
    """A thousand slices of a million rows against pandas, from codes and from texts."""
    rng, values = np.random.default_rng(0), [f"slice {number:03}" for number in range(1000)]
    codes = rng.integers(0, 1000, 1_000_000).astype(np.int32)
    cells = rng.choice(5, size=len(codes), p=[0.8, 0.03, 0.07, 0.06, 0.04]).astype(np.uint8)
    column = Labels(codes, tuple(values))
    flags = {outcome.name: cells == outcome for outcome in list(Outcome)[:5]}
    frame = pd.DataFrame({"slice": codes, **flags})
    reference = "pandas groupby().sum() of the five cells as boolean columns"

    whole = Measured(cells, None, Rows(cells), "default")

    def tallies() -> Sliced:
        return slices(grouped("slice", column), cells)

    def told() -> None:
        slice_reports([Parts.of(tallies(), whole)], Settings())

    compared("1,000 slices of 1,000,000 rows: tallies", tallies, reference,
             lambda: frame.groupby("slice").sum())  # fmt: skip
    compared("the same, with tests and intervals", told,
             reference, lambda: frame.groupby("slice").sum())  # fmt: skip


def discovering(_folder: Path) -> None:
    """A search with 1,000 permutations against one pandas groupby of each pair of columns."""
    rng = np.random.default_rng(0)
    columns = [
        Groups(f"c{place}", tuple(map(str, range(width))), rng.integers(0, width, 1_000_000))
        for place, width in enumerate((4, 5, 10, 10, 20))
    ]
    flipped = rng.random(1_000_000) < 0.01
    frame = pd.DataFrame({each.by: each.codes for each in columns} | {"flipped": flipped})

    def pairs() -> None:
        for pair in combinations([each.by for each in columns], 2):
            frame.groupby(list(pair))["flipped"].agg(["sum", "size"])

    compared("discovery: five columns, 1,000,000 rows, 1,000 permutations",
             lambda: discover(columns, flipped, Settings()),
             "pandas groupby().agg() of the ten pairs, once", pairs)  # fmt: skip


RESAMPLES = 10_000
RESAMPLED = {10_000: RESAMPLES, 1_000_000: 20, 10_000_000: 2}
"""How many of the reference's replicates are timed for so many rows; the rest are scaled up."""


def bootstrap(_folder: Path) -> None:
    """All metrics from the tally against one metric by scipy over the rows, of the same size."""
    for rows, resamples in RESAMPLED.items():
        codes = np.random.default_rng(0).choice(5, rows, p=(0.85, 0.01, 0.02, 0.08, 0.04))
        codes = codes.astype(np.uint8)
        against = partial(by_rows, codes == Outcome.NEGATIVE_FLIP, resamples)
        told = "" if resamples == RESAMPLES else f", from {resamples} scaled up"
        for more, work in (
            ("from the tally", partial(resampled, tally(codes))),
            ("and the tally", partial(tallied, codes)),
        ):
            pairs = [(timed(work), timed(against)) for _ in range(PAIRS)]
            ratios = (
                statistics.median(two[at] / one[at] for one, two in pairs) * RESAMPLES / resamples
                for at in (0, 1)
            )
            name = f"{RESAMPLES:,} replicates of all metrics, {rows:,} rows, {more}"
            shown = " | ".join(f"1 : {each:,.0f}" for each in ratios)
            print(f"| {name} | scipy.stats.bootstrap of one metric{told} | {shown} |")


def by_rows(flipped: NDArray[np.bool_], resamples: int) -> None:
    """The percentile interval of the negative flip rate as scipy resamples it."""
    from scipy import stats

    stats.bootstrap(
        (flipped,), np.mean, n_resamples=resamples, batch=max(1, 10_000_000 // len(flipped)),
        vectorized=True, method="percentile", rng=np.random.default_rng(0),
    )  # fmt: skip


def tallied(codes: NDArray[np.uint8]) -> None:
    """The same from the outcomes of the rows."""
    resampled(tally(codes))


def resampled(counted: Tally) -> None:
    """Both bootstrap intervals of every metric, as an audit has them."""
    kinds = Kinds.of(counted)
    drawn = replicates(kinds, RESAMPLES, np.random.default_rng(0))
    for metric in COUNTED.values():
        percentile(metric, drawn, 0.95)
        bca(metric, drawn, kinds, 0.95)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of some work in this process."""
    before, start = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - before, time.perf_counter() - start


BENCHMARKS: tuple[Callable[[Path], None], ...] = (
    bootstrap,
    slicing,
    discovering,
)


def main() -> None:
    """Run every benchmark and print one table."""
    print(f"{os.cpu_count()} processors, {PAIRS} pairs each\n")
    print("| work | reference | CPU ratio | wall ratio |\n|---|---|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for benchmark in BENCHMARKS:
            if not sys.argv[1:] or benchmark.__name__ in sys.argv[1:]:
                benchmark(folder)


if __name__ == "__main__":
    main()
