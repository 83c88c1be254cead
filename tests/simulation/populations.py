"""Populations whose every metric is known, and test sets drawn from them.

Thousands of test sets are drawn at once: they are the groups of one Design, so that the product's
own code computes all of their intervals together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from flipcheck.metrics import METRICS
from flipcheck.outcomes import CELLS, EXTRAS, Cells, Outcome, Tally, Weighed
from flipcheck.stats.bootstrap import Kinds
from flipcheck.stats.design import Design, design
from flipcheck.stats.sampling import Sample
from flipcheck.stats.units import WIDTH, Rows

if TYPE_CHECKING:
    from flipcheck.stats.effective import Bound

Sizes = Callable[[np.random.Generator, int], NDArray[np.int64]]
Shares = tuple[float, float, float, float]
"""The chances of: both right, negative flip, positive flip, both wrong."""

GRADED = np.array(
    [
        *(Outcome.SCORE_UNCHANGED, Outcome.SCORE_FELL),
        *(Outcome.SCORE_ROSE, Outcome.SCORE_UNCHANGED),
    ],
    np.uint8,
)
"""What becomes of these where answers are graded."""

MOST_ROWS = 2_000_000
"""As many examples are drawn at a time."""


@dataclass(frozen=True)
class Drawn:
    """Test sets, how likely each is, and where counts do not suffice their designs and examples.

    `counts` has the count of each Outcome in each test set, and `chances` add up to 1; `groups`
    holds the test set of each of the `rows`, in order.
    """

    counts: NDArray[np.int64]
    chances: NDArray[np.float64]
    design: Design | None = None
    rows: Rows | None = None
    groups: NDArray[np.int64] | None = None
    bound: Bound = "default"

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def together(self) -> Sample:
        """All test sets at once: every count is an array."""
        return Sample(Cells.of(self.counts), self.design, self.bound)

    def one(self, place: int) -> Sample:
        """One of the test sets, as an audit has it."""
        own = None if self.design is None else self.design.group(place)
        return Sample(Tally.of_counts(self.counts[place].tolist()), own, self.bound)

    def kinds(self, place: int) -> Kinds:
        """The sampling units of one of them, for the bootstrap."""
        if self.rows is None or self.groups is None:
            return Kinds.of(Tally.of_counts(self.counts[place].tolist()))
        mine = slice(*np.searchsorted(self.groups, [place, place + 1]))
        parts = (self.rows.weights, self.rows.clusters, self.rows.extras)
        own = (None if part is None else part[mine] for part in parts)
        return Kinds.of_rows(Rows(self.rows.codes[mine], *own, self.rows.ceiling))


@dataclass(frozen=True)
class Kind:
    """One kind of sampling unit: its share among the units drawn, its outcomes, size and weight.

    A unit is a cluster or, with the size 1, an example. Sizes that vary may do so only where
    outcomes do not depend on them: then the population's metrics do not, either.
    """

    shares: Shares
    share: float = 1.0
    size: int | Sizes = 1
    weight: float = 1.0

    def expected(self) -> NDArray[np.float64]:
        """The weight that it adds to each of the four outcomes, for one unit drawn."""
        size = self.size if isinstance(self.size, int) else 1
        return self.share * size * self.weight * np.asarray(self.shares)


@dataclass(frozen=True)
class Population:
    """Sampling units of some kinds, and how the test set is drawn and measured.

    `icc` is the correlation of outcomes within a cluster (their chances follow a Dirichlet law),
    `spread` the standard deviation of the logarithm of the examples' weights. A flip has each of
    the `costs` (cost, chance). `reruns` of the old model break a right answer with the chance
    `noise[0]` where the new model keeps it and `noise[1]` where the new model breaks it too.
    """

    units: int
    kinds: tuple[Kind, ...]
    clustered: bool = False
    icc: float = 0.0
    spread: float = 0.0
    costs: tuple[tuple[float, float], ...] = ()
    falls: tuple[tuple[float, float], ...] = ()
    rises: tuple[tuple[float, float], ...] = ((0.1, 1.0),)
    reruns: int = 0
    noise: tuple[float, float] = (0.0, 0.0)
    bound: Bound = "default"

    def __post_init__(self) -> None:
        assert len(self.kinds) == 1 or all(isinstance(kind.size, int) for kind in self.kinds)
        assert np.isclose(sum(kind.share for kind in self.kinds), 1)

    @property
    def plain(self) -> bool:
        """Whether counts say all there is to know."""
        weighted = self.spread > 0 or len({kind.weight for kind in self.kinds}) > 1
        return not (self.clustered or weighted or self.costs or self.falls or self.reruns)

    @property
    def examples(self) -> int:
        """About how many a test set has."""
        sizes = (kind.size if isinstance(kind.size, int) else 10 for kind in self.kinds)
        return round(
            self.units
            * sum(kind.share * size for kind, size in zip(self.kinds, sizes, strict=True))
        )

    def truth(self, name: str) -> float:
        """A metric of the population."""
        right, broken, *_ = cells = sum(kind.expected() for kind in self.kinds)
        sums = np.zeros(WIDTH)
        sums[:4] = cells
        extras = (
            broken * sum(cost * chance for cost, chance in self.costs),
            broken,
            right * self.noise[0] + broken * self.noise[1],
            cells[2] * sum(size * chance for size, chance in self.rises),
            broken * sum(size * chance for size, chance in self.falls),
        )
        sums[CELLS : CELLS + len(extras)] = extras
        metric, known = METRICS[name], Weighed.of(sums)
        return float(metric.numerator(known) / metric.denominator(known))

    def draw(
        self, rng: np.random.Generator, count: int, *, distinct: bool = True
    ) -> Iterator[Drawn]:
        """`count` test sets, in portions that fit into memory; `distinct` tallies come once."""
        if self.plain:
            yield self._tallies(rng, count, distinct=distinct)
            return
        most = max(1, MOST_ROWS // self.examples)
        sizes = [most] * (count // most) + [count % most] * (count % most > 0)
        for size in sizes:
            yield replace(self._rows(rng, size), chances=np.full(size, 1 / count))

    def _tallies(self, rng: np.random.Generator, count: int, *, distinct: bool) -> Drawn:
        """Test sets of examples drawn by themselves."""
        counts = np.zeros((count, CELLS), np.int64)
        shares = sum(kind.expected() for kind in self.kinds)
        counts[:, :4] = rng.multinomial(self.units, shares, size=count)
        if not distinct:
            return Drawn(counts, np.full(count, 1 / count))
        found, times = np.unique(counts, axis=0, return_counts=True)
        return Drawn(found, times / count)

    def _rows(self, rng: np.random.Generator, count: int) -> Drawn:
        units = count * self.units
        kind = rng.choice(len(self.kinds), units, p=[each.share for each in self.kinds])
        outcomes = np.empty((units, 4), np.int64)
        for place, each in enumerate(self.kinds):
            chosen = np.flatnonzero(kind == place)
            outcomes[chosen] = _outcomes(rng, each, self.icc, len(chosen))
        codes = np.repeat(np.tile(np.arange(4, dtype=np.uint8), units), outcomes.ravel())
        unit = np.repeat(np.arange(units), outcomes.sum(axis=1))
        groups = unit // self.units
        rows = Rows(
            GRADED[codes] if self.falls else codes,
            self._weights(rng, kind[unit]),
            unit % self.units if self.clustered else None,
            self._extras(rng, codes),
            1.0 if self.falls else max((cost for cost, _ in self.costs), default=0.0),
        )
        found = design(rows, groups, count)
        assert found is not None
        return Drawn(found.rows, np.full(count, 1 / count), found, rows, groups, self.bound)

    def _weights(self, rng: np.random.Generator, kind: Any) -> NDArray[np.float64] | None:
        heavy = np.array([each.weight for each in self.kinds])
        if not self.spread and (heavy == heavy[0]).all():
            return None
        return np.asarray(heavy[kind] * np.exp(self.spread * rng.standard_normal(len(kind))))

    def _extras(self, rng: np.random.Generator, codes: Any) -> NDArray[np.float64] | None:
        if not self.costs and not self.reruns and not self.falls:
            return None
        extras, broken = np.zeros((len(codes), len(EXTRAS))), codes == 1
        if self.costs:
            costs, chances = zip(*self.costs, strict=True)
            extras[broken, 0] = rng.choice(costs, int(broken.sum()), p=chances)
        if self.falls:
            for places, changes, name in ((1, self.falls, "regression"), (2, self.rises, "gain")):
                sizes, chances = zip(*changes, strict=True)
                here = codes == places
                drawn = rng.choice(sizes, int(here.sum()), p=chances)
                extras[here, EXTRAS.index(name)] = drawn
            extras[:, EXTRAS.index("old_above")] = 1.0
        if self.reruns:
            chance = np.array([self.noise[0], self.noise[1], 0.0, 0.0])[codes]
            excess = broken - rng.binomial(self.reruns, chance) / self.reruns
            extras[:, 1], extras[:, 2] = np.maximum(excess, 0), np.maximum(-excess, 0)
        return extras


def _outcomes(rng: np.random.Generator, kind: Kind, icc: float, count: int) -> NDArray[np.int64]:
    """The outcomes of some units of one kind, shape (units, 4)."""
    size = kind.size if isinstance(kind.size, int) else kind.size(rng, count)
    if not icc:
        return np.asarray(rng.multinomial(size, kind.shares, size=count))
    drawn = rng.standard_gamma(np.asarray(kind.shares) * (1 / icc - 1), size=(count, 4))
    return np.asarray(rng.multinomial(size, drawn / drawn.sum(axis=1, keepdims=True)))


def enumerated(examples: int, rate: float) -> Drawn:
    """Every test set of examples of which each flips with the same chance: no dice at all."""
    flips = np.arange(examples + 1)
    chances = stats.binom.pmf(flips, examples, rate)
    likely = chances > 1e-9
    counts = np.zeros((int(likely.sum()), CELLS), np.int64)
    counts[:, 1], counts[:, 0] = flips[likely], examples - flips[likely]
    return Drawn(counts, chances[likely])
