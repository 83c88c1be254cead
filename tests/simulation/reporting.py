"""What the simulation found, as the table of the README."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
from simulation.scenarios import SCENARIOS

if TYPE_CHECKING:
    from simulation.measuring import Result, Scenario

HEAD = (
    "by the estimate",
    "by the bootstrap",
    "as if independent",
    "**flipcheck**",
    "false fail",
    "95 % interval holds",
)


def measured(scenario: Scenario, test_sets: int, seed: int) -> Result:
    """The result of a scenario, whatever else is run: its dice are its own."""
    own = zlib.crc32(scenario.name.encode())
    return scenario.measure(np.random.default_rng([seed, own]), test_sets)


def table(found: dict[str, Result], *, every: bool = False) -> str:
    """The scenarios that are shown, or every one, as Markdown."""
    lines = [f"| test sets | {' | '.join(HEAD)} |", "|---|" + "---:|" * len(HEAD)]
    for scenario in SCENARIOS:
        if scenario.name in found and (scenario.shown or every):
            cells = " | ".join(_cells(found[scenario.name]))
            lines.append(f"| {scenario.name} | {cells} |")
    return "\n".join(lines)


def _cells(result: Result) -> list[str]:
    shares = (result.point, result.bootstrap, result.rows)
    ours = (result.false_pass, result.false_fail, result.covered)
    return [*map(percent, shares), f"**{percent(ours[0])}**", *map(percent, ours[1:])]


def percent(share: float | None) -> str:
    """A share with one decimal, as the table has it."""
    return "–" if share is None else f"{100 * share:.1f} %"


def readme(found: dict[str, Result], test_sets: int) -> None:
    """Write the table."""
