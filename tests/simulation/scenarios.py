"""Which populations are judged by which gates; each line has its reason.

Where a default is known to miss what it aims at, the scenario is here all the same, with the
share that it was measured to reach (STATISTICS.md §2.4).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation.measuring import Family, Limit, Scenario, Stopped
from simulation.populations import Kind, Population, Shares, Sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

TANGO = {"passes": 0.055, "fails": 0.055}
CHANGE, RATIO, RELATIVE, ODDS, TRUST, COST, EXCESS = (
    "error_rate_change",
    "error_ratio",
    "relative_negative_flip_rate",
    "win_loss_ratio",
    "backward_trust_compatibility",
    "expected_cost",
    "excess_negative_flip_rate",
)
SLIPPED = ((1.0, 0.7), (5.0, 0.25), (20.0, 0.05))
"""Costs of a flip: most are cheap, one in twenty costs twenty times as much."""


def shares(broken: float, mended: float = 0.02, wrong: float = 0.08) -> Shares:
    """The chances of the four outcomes."""
    return (1 - broken - mended - wrong, broken, mended, wrong)


def geometric(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Cluster sizes with a mean of 10."""
    return rng.geometric(0.1, count)


def lognormal(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Cluster sizes of which some are very large."""
    return np.maximum(1, np.rint(rng.lognormal(1.5, 1.2, count))).astype(np.int64)


def rows(units: int, cells: Shares, **more: Any) -> Population:
    """Examples, each drawn by itself."""
    return Population(units, (Kind(cells),), **more)


def clusters(
    units: int, icc: float, size: int | Sizes = 10, cells: Shares | None = None, **more: Any
) -> Population:
    """Clusters of one kind."""
    kind = Kind(cells or shares(0.01), size=size)
    return Population(units, (kind,), clustered=True, icc=icc, **more)


def worse_when_large(
    units: int, share: float, size: int, times: float, icc: float, **more: Any
) -> Population:
    """Clusters of 10, and a share of larger ones that flip so many times as much: 1 % in all."""
    small = 0.01 * ((1 - share) * 10 + share * size) / ((1 - share) * 10 + share * size * times)
    kinds = (Kind(shares(small), 1 - share, 10), Kind(shares(times * small), share, size))
    return Population(units, kinds, clustered=True, icc=icc, **more)


def strata(units: int, sampled: float, share: float, times: float, **more: Any) -> Population:
    """Two strata, one of them sampled more or less than its share, flipping times as much."""
    rest = 0.01 / (1 - share + share * times)
    kinds = (
        Kind(shares(times * rest), sampled, weight=share / sampled),
        Kind(shares(rest), 1 - sampled, weight=(1 - share) / (1 - sampled)),
    )
    return Population(units, kinds, **more)


HUGE = worse_when_large(2000, 0.02, 100, 5, 0.3)

INDEPENDENT: list[Scenario] = [
    # The headline: one flip in a thousand is allowed, and one may be expected.
    Limit("1,000 rows, NFR 0.1 %", rows(1000, shares(0.001)),
          exact=True, compared=True, shown=True),
    Limit("1,000 rows, NFR 1 %", rows(1000, shares(0.01)), exact=True, compared=True, shown=True),
    Limit("300 rows, NFR 1 %", rows(300, shares(0.01)), exact=True),  # just enough ever to pass
    Limit("200 rows, NFR 5 %", rows(200, shares(0.05)), exact=True),
    Limit("5,000 rows, NFR 1 %", rows(5000, shares(0.01)), exact=True),
    Limit("1,000 rows, new error 10 %", rows(1000, shares(0.02)), "new_error_rate"),
    Limit("1,000 rows, BTC", rows(1000, shares(0.01)), TRUST, ">=", compared=True, shown=True),
    Limit("200 rows, BTC", rows(200, shares(0.05)), TRUST, ">="),
    # The paired difference, with many flips and few. The score test's other side is a little
    # bolder where one cell is empty: a release at the limit fails up to 7 %.
    Limit("200 rows, ΔER +0.5 %", rows(200, shares(0.015, 0.01)), CHANGE,
          passes=0.055, fails=0.065),
    Limit("1,000 rows, ΔER +0.5 %", rows(1000, shares(0.025, 0.02)), CHANGE,
          compared=True, shown=True, **TANGO),
    Limit("1,000 rows, ΔER, none mended", rows(1000, shares(0.005, 0)), CHANGE,
          passes=0.055, fails=0.075),
    Limit("1,000 rows, ΔER 0", rows(1000, shares(0.002, 0.002)), CHANGE, **TANGO),
    Limit("5,000 rows, ΔER 0", rows(5000, shares(0.02, 0.02)), CHANGE, **TANGO),
    Limit("200 rows, error ratio", rows(200, shares(0.05, 0.04)), RATIO),
    Limit("1,000 rows, error ratio", rows(1000, shares(0.025, 0.02)), RATIO,
          compared=True, shown=True),
    Limit("5,000 rows, error ratio", rows(5000, shares(0.01, 0.03)), RATIO, fails=0.055),
    Limit("200 rows, relative NFR", rows(200, shares(0.05, 0.04)), RELATIVE),
    Limit("1,000 rows, relative NFR", rows(1000, shares(0.01)), RELATIVE,
          compared=True, shown=True),
    Limit("5,000 rows, relative NFR", rows(5000, shares(0.02)), RELATIVE),
    Limit("1,000 rows, wins/losses", rows(1000, shares(0.01)), ODDS, ">=",
          compared=True, shown=True),
    Limit("5,000 rows, wins/losses", rows(5000, shares(0.02, 0.02)), ODDS, ">="),
    # Costs of several levels have no exact interval; reruns make fractions of flips.
    Limit("1,000 rows, cost", rows(1000, shares(0.01), costs=SLIPPED), COST),
    Limit("5,000 rows, cost", rows(5000, shares(0.01), costs=SLIPPED), COST,
          compared=True, shown=True),
    Limit("2,000 rows, one cost", rows(2000, shares(0.01), costs=((3.0, 1.0),)), COST),
    Limit("1,000 rows, excess, 1 rerun",
          rows(1000, shares(0.02), reruns=1, noise=(0.005, 0.5)), EXCESS, **TANGO),
    Limit("2,000 rows, excess, 3 reruns",
          rows(2000, shares(0.02), reruns=3, noise=(0.005, 0.5)), EXCESS,
          compared=True, shown=True, **TANGO),
]  # fmt: skip

CLUSTERED: list[Scenario] = [
    Limit("50 clusters of 10, ICC .3", clusters(50, 0.3)),
    Limit("200 clusters of 10, ICC .3", clusters(200, 0.3), compared=True, shown=True),
    Limit("1,000 clusters of 10, ICC .3", clusters(1000, 0.3), compared=True, shown=True),
    Limit("200 clusters of 10, ICC 0", clusters(200, 0.0)),  # independent after all: the price
    Limit("300 clusters of 10, ICC .05", clusters(300, 0.05)),
    Limit("300 clusters of 10, ICC .8", clusters(300, 0.8)),
    Limit("300 clusters, NFR 5 %", clusters(300, 0.3, cells=shares(0.05))),
    Limit("300 clusters, geometric sizes", clusters(300, 0.3, geometric)),
    Limit("300 clusters, lognormal sizes", clusters(300, 0.3, lognormal)),
    Limit("1,000 clusters, lognormal sizes", clusters(1000, 0.3, lognormal), shown=True),
    Limit("300 clusters, 10 % of 50 flip 3×", worse_when_large(300, 0.1, 50, 3, 0.3)),
    Limit("300 clusters, 2 % of 100 flip 5×, ICC .1", worse_when_large(300, 0.02, 100, 5, 0.1)),
    # The extreme family of STATISTICS.md §2.4, at its worst size.
    Limit("2,000 clusters, 2 % of 100 flip 5×, ICC .3", HUGE,
          compared=True, shown=True, covers=0.92, passes=0.10),
    Limit("these clusters, --bound strict", replace(HUGE, bound="strict"), shown=True),
    Limit("300 clusters, ΔER", clusters(300, 0.3, cells=shares(0.03, 0.02)), CHANGE,
          compared=True, shown=True, **TANGO),
    Limit("300 clusters, ΔER, few mended",
          clusters(300, 0.3, cells=shares(0.01, 0.001)), CHANGE, **TANGO),
    Limit("300 clusters, BTC", clusters(300, 0.3), TRUST, ">="),
    # Few clusters lend most of the variance, and the sum is skewed: neither kind of flips may be
    # bounded closer than by itself.
    Limit("300 clusters, error ratio", clusters(300, 0.3, cells=shares(0.03, 0.02)), RATIO,
          passes=0.055),
    Limit("300 clusters, error ratio, few mended",
          clusters(300, 0.3, cells=shares(0.01, 0.001, 0.02)), RATIO,
          compared=True, shown=True, passes=0.06),
    Limit("300 clusters, relative NFR", clusters(300, 0.3), RELATIVE),
    Limit("300 clusters, wins/losses", clusters(300, 0.3), ODDS, ">="),
    Limit("300 clusters, cost", clusters(300, 0.3, costs=SLIPPED), COST),
    Limit("300 clusters, excess, 3 reruns",
          clusters(300, 0.3, cells=shares(0.02), reruns=3, noise=(0.005, 0.5)), EXCESS,
          compared=True, shown=True, **TANGO),
]  # fmt: skip

WEIGHTED: list[Scenario] = [
    Limit("2,000 rows, lognormal(.5) weights", rows(2000, shares(0.01), spread=0.5)),
    Limit("2,000 rows, lognormal(1) weights", rows(2000, shares(0.01), spread=1.0),
          compared=True, shown=True),
    Limit("2,000 rows, a stratum oversampled", strata(2000, 0.5, 0.1, 3)),
    Limit("2,000 rows, a heavy stratum flips 4×", strata(2000, 0.1, 0.4, 4),
          compared=True, shown=True),
    Limit("2,000 rows, lognormal(1), ΔER",
          rows(2000, shares(0.025, 0.02), spread=1.0), CHANGE, **TANGO),
    Limit("2,000 rows, a heavy stratum, ΔER", strata(2000, 0.1, 0.4, 4), CHANGE,
          shown=True, passes=0.065),
    Limit("the same, --bound strict", strata(2000, 0.1, 0.4, 4, bound="strict"), CHANGE,
          shown=True),
    Limit("2,000 rows, lognormal(1), error ratio",
          rows(2000, shares(0.025, 0.02), spread=1.0), RATIO),
    Limit("2,000 rows, lognormal(1), relative NFR",
          rows(2000, shares(0.02), spread=1.0), RELATIVE),
    Limit("2,000 rows, lognormal(1), wins/losses",
          rows(2000, shares(0.02), spread=1.0), ODDS, ">="),
    Limit("2,000 rows, lognormal(1), cost",
          rows(2000, shares(0.01), spread=1.0, costs=SLIPPED), COST),
    Limit("400 clusters of 5, lognormal(1) weights", clusters(400, 0.3, 5, spread=1.0),
          shown=True),
]  # fmt: skip

FAMILIES: list[Scenario] = [
    Family("10 slices of 5,000 rows", 10, rows(5000, shares(0.01)), rows(5000, shares(0.001)),
           shown=True),
    Family("50 slices of 1,000 rows", 50, rows(1000, shares(0.01)), rows(1000, shares(0.001)),
           shown=True),
    Family("200 slices of 50 rows", 200, rows(50, shares(0.05)), rows(50, shares(0.005))),
    Family("10 slices of 60 clusters of 5, ICC .3", 10,
           clusters(60, 0.3, 5, shares(0.05)), clusters(60, 0.3, 5, shares(0.005)), shown=True),
]  # fmt: skip

SEQUENTIAL: list[Scenario] = [
    Stopped("10,000 rows, NFR 1 %, --stop-early", rows(10_000, shares(0.01)), shown=True),
    Stopped("2,000 rows, NFR 1 %, --stop-early", rows(2000, shares(0.01))),
    Stopped("20,000 rows, NFR 0.1 %, --stop-early", rows(20_000, shares(0.001))),
    Stopped("5,000 rows, BTC, --stop-early", rows(5000, shares(0.01)), TRUST, ">="),
    Stopped("5,000 rows, ΔER +0.5 %, --stop-early", rows(5000, shares(0.015, 0.01)), CHANGE,
            shown=True, **TANGO),
    Stopped("5,000 rows, wins/losses, --stop-early", rows(5000, shares(0.02, 0.02)), ODDS, ">="),
]  # fmt: skip
"""Gates that may stop early."""

RARE = ((1.0, 1.0),)
SKEWED = ((0.02, 0.9), (0.3, 0.08), (1.0, 0.02))
LOST, SCORE = "mean_regression", "mean_score_change"
GRADED: list[Scenario] = [
    Limit("300 graded, 1 % fall to 0, mean regression", rows(300, shares(0.01), falls=RARE), LOST),
    Limit("1,000 graded, 1 % fall to 0, mean regression",
          rows(1000, shares(0.01), falls=RARE), LOST),
    Limit("1,000 graded, 20 % fall, few far, mean regression",
          rows(1000, shares(0.2), falls=SKEWED), LOST),
    Limit("5,000 graded, 20 % fall, few far, mean regression",
          rows(5000, shares(0.2), falls=SKEWED), LOST),
    Limit("300 graded, 1 % fall to 0, mean score change",
          rows(300, shares(0.01, 0.1), falls=RARE), SCORE, ">="),
    Limit("1,000 graded, 20 % fall, few far, mean score change",
          rows(1000, shares(0.2, 0.2), falls=SKEWED), SCORE, ">="),
    Limit("300 clusters, graded, mean regression",
          clusters(300, 0.3, falls=SKEWED, cells=shares(0.05)), LOST),
    Limit("300 clusters, graded, mean score change",
          clusters(300, 0.3, falls=SKEWED, cells=shares(0.05, 0.05)), SCORE, ">="),
    Limit("2,000 graded, lognormal(1) weights, mean regression",
          rows(2000, shares(0.05), spread=1.0, falls=SKEWED), LOST),
]  # fmt: skip
"""Graded answers: few scores fall far, and what was not seen to fall may yet."""

SCENARIOS = [*INDEPENDENT, *CLUSTERED, *WEIGHTED, *FAMILIES, *SEQUENTIAL, *GRADED]
"""Everything that is simulated, in the order of the README's table."""
