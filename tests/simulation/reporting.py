"""What the simulation found, as the README has it."""

from __future__ import annotations

import textwrap
import zlib
from pathlib import Path

import numpy as np

from simulation.measuring import Result, Scenario, resamplings
from simulation.scenarios import SCENARIOS

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- proof:begin -->", "<!-- proof:end -->"
HEAD = (
    "test sets, and what is limited",
    "estimate",
    "bootstrap",
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
    lines = [f"| {' | '.join(HEAD)} |", "|---|" + "---:|" * (len(HEAD) - 1)]
    for scenario in SCENARIOS:
        if scenario.name in found and (scenario.shown or every):
            cells = [percent(each) for each in figures(found[scenario.name])]
            cells[3] = f"**{cells[3]}**"
            lines.append(f"| {scenario.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def figures(result: Result) -> tuple[float | None, ...]:
    """The shares that the table tells of a scenario."""
    passed = (result.point, result.bootstrap, result.rows, result.false_pass)
    return (*passed, result.false_fail, result.covered)


def percent(share: float | None) -> str:
    """A share with one decimal, as the table has it."""
    return "–" if share is None else f"{100 * share:.1f} %"


def notes(found: dict[str, Result]) -> str:
    """What stands below the table: how sure its figures are, and what Holm's correction saves."""
    largest = max(found.values(), key=lambda each: each.test_sets)
    family = next(name for name, each in found.items() if each.alone is not None)
    error, few = percent(largest.error(0.05)), resamplings(largest.test_sets)
    exact = sum(not each.test_sets for each in found.values())
    text = (
        f"Each line is {largest.test_sets:,} simulated test sets (of the first {exact} all are "
        f"enumerated, without chance): the standard error of 5 % is {error}, and of the bootstrap "
        f"of clusters and weights, over {few:,} of them, {percent(largest.error(0.05, few))}. "
        f"Without Holm's correction {percent(found[family].alone)} of the releases with "
        f"{family}, all at the limit, would fail."
    )
    return textwrap.fill(text, 100)


def write(found: dict[str, Result]) -> None:
    """Write the table between its marks in the README."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    shown = {each.name: found[each.name] for each in SCENARIOS if each.shown}
    block = f"{BEGIN}\n{table(shown)}\n\n{notes(shown)}\n{END}"
    README.write_text(before + block + after, encoding="utf-8")


def printed() -> dict[str, list[float | None]]:
    """The figures of each scenario that the README has."""
    text = README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {
        name: [None if each == "–" else float(each.strip("* %")) / 100 for each in cells]
        for name, *cells in rows[1:]
    }
