"""Intervals hold the truth and gates at the limit keep their word, in every scenario."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from flipcheck.metrics import METRICS
from flipcheck.outcomes import CELLS
from flipcheck.stats import sampling
from simulation.measuring import Family, Limit, Result
from simulation.populations import Kind, Population
from simulation.reporting import BEGIN, README, figures, measured, percent, printed
from simulation.scenarios import FAMILIES, SCENARIOS, clusters, rows, shares, strata

TEST_SETS, ROWS = 2000, 4_000_000
"""As many test sets of a scenario, or of examples, are drawn in its test."""
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
MARGIN = 3.0
"""A share is off when it is so many standard errors from what was promised."""

pytestmark = pytest.mark.slow


@cache
def result(name: str) -> Result:
    """What a scenario came to, at a size that fits a test."""
    scenario = BY_NAME[name]
    most = TEST_SETS
    if isinstance(scenario, Limit) and not scenario.population.plain:
        most = min(most, ROWS // scenario.population.examples)
    if isinstance(scenario, Family):
        most = 1000
    return measured(scenario, most, seed=7)


def at_most(share: float, promised: float, found: Result) -> bool:
    """Whether a share is no more than promised, but for chance."""
    return share <= promised + MARGIN * found.error(promised)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_scenario_keeps_its_promises(name):
    """Coverage, false passes and false failures at the limit are what the method promises."""
    scenario, found = BY_NAME[name], result(name)
    assert at_most(1 - found.covered, 1 - scenario.covers, found), percent(found.covered)
    assert at_most(found.false_pass, scenario.passes, found), percent(found.false_pass)
    assert at_most(found.false_fail, scenario.fails, found), percent(found.false_fail)


SHOWN = [scenario.name for scenario in SCENARIOS if scenario.shown]


def test_the_readme_has_the_scenarios_of_the_suite():
    """Neither more nor fewer, in their order."""
    assert BEGIN in README.read_text(encoding="utf-8")
    assert list(printed()) == SHOWN


@pytest.mark.parametrize("name", SHOWN)
def test_the_readme_has_what_is_measured(name):
    """Each figure of the README lies within the Monte Carlo error of a smaller run of its own."""
    found = result(name)
    for place, (written, share) in enumerate(zip(printed()[name], figures(found), strict=True)):
        if written is None or share is None:
            assert written is share
            continue
        count = found.resampled if place == 1 else found.test_sets
        count = count or 100_000  # enumerated: nothing but rounding
        error = np.sqrt(max(written * (1 - written), 1 / count) / count)
        assert abs(written - share) <= 4 * error + 0.001, (place, written, share)


@pytest.mark.parametrize(
    ("population", "wrong"),
    [
        (clusters(200, 0.3), "rows"),  # clusters taken for independent examples
        (strata(2000, 0.1, 0.4, 4), "rows"),  # weights left out
        (rows(1000, shares(0.001)), "bootstrap"),  # nothing seen, nothing doubted
        (rows(1000, shares(0.01)), "point"),  # the estimate alone
    ],
)
def test_a_wrong_method_would_be_found(population, wrong):
    """What others do breaks the promise that the suite asserts."""
    found = measured(Limit("wrong", population, compared=True), 1000, seed=7)
    assert at_most(found.false_pass, 0.05, found)
    assert not at_most(getattr(found, wrong), 0.05, found)


def test_failures_without_holms_correction_would_be_found():
    """Fifty slices at the limit: some one of them fails by itself in most releases."""
    found = measured(FAMILIES[1], 500, seed=7)
    assert not at_most(found.alone, 0.05, found)


def test_an_interval_that_is_too_short_would_be_found(monkeypatch):
    """Were the 95 % interval that of 85 %, coverage would be seen to miss."""
    true = sampling.Sample.bounds
    monkeypatch.setattr(sampling.Sample, "bounds", lambda *given: true(*given[:2], given[2] - 0.1))
    found = measured(Limit("wrong", rows(5000, shares(0.02)), "error_ratio"), 1000, seed=7)
    assert not at_most(1 - found.covered, 0.06, found)
    assert not at_most(found.false_pass, 0.05, found)


@pytest.mark.parametrize(
    "name",
    [
        "negative_flip_rate",
        "backward_trust_compatibility",  # over a part of the examples
        "relative_negative_flip_rate",  # no mean of anything
        "expected_cost",
        "excess_negative_flip_rate",
    ],
)
def test_the_truth_of_a_population_is_its_mean(name):
    """What a gate is held against is what very many test sets together come to."""
    kinds = (
        Kind(shares(0.1), 0.3, size=4, weight=2.0),
        Kind(shares(0.05, 0.01, 0.3), 0.7, size=9, weight=0.5),
    )
    population = Population(
        200_000, kinds, clustered=True, icc=0.2, costs=((1, 0.8), (7, 0.2)), reruns=2,
        noise=(0.02, 0.4),
    )  # fmt: skip
    (drawn,) = population.draw(np.random.default_rng(3), 1)
    assert drawn.counts.shape == (1, CELLS)
    found = drawn.one(0).value(METRICS[name])
    assert found == pytest.approx(population.truth(name), rel=0.02)


def test_the_command_prints_the_table():
    """`python -m tests.simulation` has a line for each scenario that it is asked for."""
    command = [sys.executable, "-m", "tests.simulation", "--replications", "50", "--only", "BTC"]
    done = subprocess.run(
        command, cwd=README.parent, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    names = [line.split(" | ")[0].strip("| ") for line in done.stdout.splitlines()[2:]]
    assert names == [name for name in BY_NAME if "BTC" in name]
