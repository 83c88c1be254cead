"""Run every scenario and print what came out, or write it into the README.

python -m tests.simulation --replications 20000 --readme
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from simulation.reporting import measured, table, write
from simulation.scenarios import SCENARIOS


def main() -> None:
    """Measure all scenarios on every processor."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--replications", type=int, default=2000, help="test sets of a scenario")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--readme", action="store_true", help="write the table into README.md")
    options.add_argument("--only", default="", help="the scenarios with this in their name")
    given = options.parse_args()
    chosen = [each for each in SCENARIOS if given.only in each.name]
    size = len(chosen)
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(measured, chosen, [given.replications] * size, [given.seed] * size))
    found = {each.name: result for each, result in zip(chosen, results, strict=True)}
    sys.stdout.write(table(found, every=True) + "\n")
    if given.readme:
        write(found)


if __name__ == "__main__":
    main()
