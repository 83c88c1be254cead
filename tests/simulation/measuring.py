"""How often the product is right about test sets from a population that is known.

Gates are judged at the worst true value that they may let pass, the limit itself. Verdicts of
thousands of test sets come from the product's bounds, all at once; those of the first few come
from `judge` and `judge_slices` as well, and must be the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from flipcheck.audits.early import stopped_judgement
from flipcheck.gates import Gate, Verdict, judge, judge_slices, overall
from flipcheck.metrics import METRICS
from flipcheck.outcomes import CELLS, Cells, Outcome, Tally
from flipcheck.sources.early import looks_at
from flipcheck.stats.bootstrap import percentile, replicates
from flipcheck.stats.sampling import Sample
from flipcheck.stats.sequential import ANYTIME, evidence
from simulation.populations import Drawn, Population, enumerated

if TYPE_CHECKING:
    from numpy.typing import NDArray

JUDGED = 20
"""So many of the test sets are judged one by one too."""
RESAMPLES, RESAMPLED = 1000, 1000
"""Replicates of the bootstrap, and the most test sets with a design that it is measured on."""
CONFIDENCE = 0.95
ONE_SIDED = 2 * CONFIDENCE - 1


@dataclass(frozen=True)
class Result:
    """The shares of test sets: where intervals hold the truth, and gates at the limit pass or fail.

    `above` and `below` are intervals that lie beyond the truth on that side. Beside the product's
    false pass stand that of its method for examples drawn each by itself (`rows`), of the
    percentile bootstrap and of the estimate (`point`), and beside the family's false fail that
    without Holm's correction (`alone`); None where that was not measured. `wider` is the median
    width against that of `rows`. `test_sets` is 0 where all possible ones were enumerated, and
    `resampled` are those that the bootstrap was measured on.
    """

    covered: float
    above: float
    below: float
    false_pass: float
    false_fail: float
    test_sets: int
    rows: float | None = None
    bootstrap: float | None = None
    point: float | None = None
    alone: float | None = None
    wider: float | None = None
    resampled: int = 0

    def error(self, share: float, test_sets: int | None = None) -> float:
        """The Monte Carlo standard error of a share; 0 where nothing was left to chance."""
        count = self.test_sets if test_sets is None else test_sets
        return float(np.sqrt(share * (1 - share) / count)) if count else 0.0


class Scenario(Protocol):
    """What the suite runs: anything that can be measured, with what its method promises."""

    name: str
    shown: bool
    covers: float
    passes: float
    fails: float

    def measure(self, rng: np.random.Generator, test_sets: int) -> Result:
        """The result over so many test sets."""


@dataclass(frozen=True)
class Limit:
    """A gate whose limit is the true value of its metric.

    `covers` is the least coverage, `passes` and `fails` are the most false verdicts that the
    method promises in this scenario. `exact` enumerates the test sets; `compared` also measures
    what the bootstrap would have passed.
    """

    name: str
    population: Population
    metric: str = "negative_flip_rate"
    operator: Any = "<="
    shown: bool = False
    compared: bool = False
    exact: bool = False
    covers: float = 0.94
    passes: float = 0.05
    fails: float = 0.05

    @property
    def gate(self) -> Gate:
        """The gate at the limit."""
        truth = float(f"{self.population.truth(self.metric):.12g}")
        return at_limit(self.metric, self.operator, truth)

    def measure(self, rng: np.random.Generator, test_sets: int) -> Result:
        """The result over so many test sets."""
        gate, population = self.gate, self.population
        drawn = population.draw(rng, test_sets)
        if self.exact:
            drawn = iter([enumerated(population.units, gate.limit)])
        tables: list[Any] = []
        most = resamplings(test_sets)
        for portion in drawn:
            _check(rng, gate, portion)
            left = most - sum(map(len, tables)) if self.compared else 0
            tables.append(self._portion(rng, portion, left))
        return _result(np.concatenate(tables), 0 if self.exact else test_sets)

    def _portion(self, rng: np.random.Generator, drawn: Drawn, resampled: int) -> Any:
        """One row for each test set: its chance, and what was found of it."""
        gate, sample, metric = self.gate, drawn.together, METRICS[self.metric]
        low, high = sample.bounds(metric, CONFIDENCE)
        passed, failed = verdicts(gate, sample)
        counts = Sample(Cells.of(drawn.counts))
        plain = metric.needs or drawn.design is None
        rows, narrow = (np.full(len(drawn), np.nan),) * 2
        if not plain:
            rows = verdicts(gate, counts)[0].astype(float)
            ends = counts.bounds(metric, CONFIDENCE)
            narrow = ends[1] - ends[0]
        cells = sample.weighed()
        with np.errstate(divide="ignore", invalid="ignore"):
            value = metric.numerator(cells) / metric.denominator(cells)
        point = value <= gate.limit if gate.upper else value >= gate.limit
        known = ~np.isnan(low)
        columns = (
            drawn.chances,
            known,
            known & (low > gate.limit),
            known & (high < gate.limit),
            passed,
            failed,
            rows,
            _resampled(rng, gate, drawn, resampled),
            point,
            high - low,
            narrow,
        )
        return np.stack([np.asarray(each, float) for each in columns], axis=1)


def resamplings(test_sets: int) -> int:
    """How many of the test sets with a design the bootstrap is measured on: it takes its time."""
    return min(RESAMPLED, test_sets // 4)


def at_limit(metric: str, operator: Any, limit: float) -> Gate:
    """A gate with a limit that is no round number."""
    return Gate(metric, operator, limit, repr(limit))


def verdicts(gate: Gate, sample: Sample) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of many test sets pass and fail, by the product's one-sided bounds."""
    low, high = sample.bounds(METRICS[gate.metric], ONE_SIDED)
    if gate.upper:
        return high <= gate.limit, low > gate.limit
    return low >= gate.limit, high < gate.limit


def _check(rng: np.random.Generator, gate: Gate, drawn: Drawn) -> None:
    """The verdicts of `judge`, one test set at a time, are those of the bounds at once."""
    passed, failed = verdicts(gate, drawn.together)
    chances = drawn.chances / drawn.chances.sum()
    for place in rng.choice(len(drawn), JUDGED, p=chances).tolist():
        verdict = judge(gate, drawn.one(place)).verdict
        expected = (verdict is Verdict.PASS, verdict is Verdict.FAIL)
        assert expected == (bool(passed[place]), bool(failed[place])), (gate, drawn.counts[place])


def _resampled(
    rng: np.random.Generator, gate: Gate, drawn: Drawn, most: int
) -> NDArray[np.float64]:
    """Which test sets the percentile bootstrap would pass, of as many as asked; else NaN."""
    found, metric = np.full(len(drawn), np.nan), METRICS[gate.metric]
    every = drawn.design is None and most > 0
    for place in range(len(drawn) if every else max(0, min(len(drawn), most))):
        interval = percentile(metric, replicates(drawn.kinds(place), RESAMPLES, rng), ONE_SIDED)
        end = None if interval is None else interval.high if gate.upper else interval.low
        found[place] = end is not None and gate.within(end)
    return found


def _result(table: NDArray[np.float64], test_sets: int) -> Result:
    chance, known, above, below, passed, failed, rows, drawn, point, width, narrow = table.T

    def share(marks: NDArray[np.float64], among: NDArray[np.float64]) -> float:
        return float((marks * among * chance).sum() / (among * chance).sum())

    every, resampled = np.ones(len(table)), ~np.isnan(drawn)
    designed = not np.isnan(rows).any()
    missed = share(above, known), share(below, known)
    return Result(
        covered=1 - sum(missed),
        above=missed[0],
        below=missed[1],
        false_pass=share(passed, every),
        false_fail=share(failed, every),
        test_sets=test_sets,
        rows=share(rows, every) if designed else None,
        bootstrap=share(np.nan_to_num(drawn), resampled) if resampled.any() else None,
        point=share(point, every),
        wider=float(np.nanmedian(width) / np.nanmedian(narrow)) if designed else None,
        resampled=test_sets if resampled.all() else int(resampled.sum()),
    )


@dataclass(frozen=True)
class Family:
    """A limit on the negative flip rate of every slice, which `limited` slices lie at.

    A release of which all slices do tells of false failures, and of the coverage of all intervals
    together at Bonferroni's level. The one that is most easily passed has a single such slice,
    and all others are drawn from `clean`.
    """

    name: str
    slices: int
    limited: Population
    clean: Population
    shown: bool = False
    covers: float = 0.94
    passes: float = 0.05
    fails: float = 0.05

    def measure(self, rng: np.random.Generator, test_sets: int) -> Result:
        """The result over so many releases."""
        every = self._slices(rng, self.limited, test_sets, self.slices)
        above, below, passed, failed, stands = every
        others = self._slices(rng, self.clean, test_sets, self.slices - 1)[2]
        return Result(
            covered=float((~above & ~below).all(axis=1).mean()),
            above=float(above.any(axis=1).mean()),
            below=float(below.any(axis=1).mean()),
            false_pass=float((passed[:, 0] & others.all(axis=1)).mean()),
            false_fail=float(stands.any(axis=1).mean()),
            test_sets=test_sets,
            alone=float(failed.any(axis=1).mean()),
        )

    def _slices(
        self, rng: np.random.Generator, population: Population, releases: int, slices: int
    ) -> NDArray[np.bool_]:
        """What becomes of each slice of each release, shape (5, releases, slices)."""
        name = "negative_flip_rate"
        gate, tail = at_limit(name, "<=", self.limited.truth(name)), (1 - CONFIDENCE) / self.slices
        tables = []
        for drawn in population.draw(rng, releases * slices, distinct=False):
            sample, metric = drawn.together, METRICS[name]
            low, high = sample.bounds(metric, 1 - tail)
            surely = sample.bounds(metric, 1 - 2 * tail)[0]  # Holm's first step
            passed, failed = verdicts(gate, sample)
            found = (low > gate.limit, high < gate.limit, passed, failed, surely > gate.limit)
            tables.append(np.stack(found))
            if slices == self.slices and len(tables) == 1:
                _check_slices(gate, drawn, tables[0], slices)
        return np.concatenate(tables, axis=1).reshape(-1, releases, slices)


def _check_slices(gate: Gate, drawn: Drawn, table: NDArray[np.bool_], slices: int) -> None:
    """The verdicts of `judge_slices` on some releases are those of the bounds."""
    for first in range(0, slices * max(1, 10 * JUDGED // slices), slices):
        places = range(first, min(first + slices, len(drawn)))
        parts = [(("slice", str(place)), drawn.one(place)) for place in places]
        verdict = overall(each.verdict for each in judge_slices(gate, parts))
        passed, stands = table[2, places].all(), table[4, places].any()
        if len(places) == slices:
            assert (verdict is Verdict.PASS, verdict is Verdict.FAIL) == (passed, stands)


FOUR = (
    Outcome.BOTH_RIGHT,
    Outcome.NEGATIVE_FLIP,
    Outcome.POSITIVE_FLIP,
    Outcome.BOTH_WRONG_DIFFERENT,
)


@dataclass(frozen=True)
class Stopped:
    """A gate at its limit on runs that may stop early, looked at as the product looks at them."""

    name: str
    population: Population
    metric: str = "negative_flip_rate"
    operator: Any = "<="
    shown: bool = False
    covers: float = 0.94
    passes: float = 0.05
    fails: float = 0.05

    def measure(self, rng: np.random.Generator, test_sets: int) -> Result:
        """The result over so many runs."""
        truth = float(f"{self.population.truth(self.metric):.12g}")
        gate, metric = at_limit(self.metric, self.operator, truth), METRICS[self.metric]
        early, final = (1 - CONFIDENCE) * ANYTIME, (1 - CONFIDENCE) * (1 - ANYTIME)
        counts = self._runs(rng, test_sets)
        below, above = self._evidence(gate, counts)
        within, beyond = (below, above) if gate.upper else (above, below)
        settled = (np.maximum(within, beyond) >= -np.log(early))[:, :-1]  # the end is no look
        stop = np.where(settled.any(axis=1), settled.argmax(axis=1), counts.shape[1] - 1)
        every, stopped = np.arange(test_sets), settled.any(axis=1)
        seen, whole = Cells.of(counts[every, stop]), Cells.of(counts[:, -1])
        low, high = Sample(whole).bounds(metric, 1 - 2 * final)
        ends = (high <= gate.limit, low > gate.limit)
        ends = ends if gate.upper else (low >= gate.limit, high < gate.limit)
        passed = np.where(stopped, (within > beyond)[every, stop], ends[0])
        failed = np.where(stopped, (beyond > within)[every, stop], ends[1])
        self._check(gate, counts, stop, passed)
        kinds = (
            Sample(seen, anytime=True).bounds(metric, 1 - early),
            Sample(whole).bounds(metric, 1 - final),
        )
        low, high = (np.where(stopped, one, two) for one, two in zip(*kinds, strict=True))
        value = metric.numerator(whole) / metric.denominator(whole)
        return Result(
            covered=float(((low <= truth) & (truth <= high)).mean()),
            above=float((low > truth).mean()),
            below=float((high < truth).mean()),
            false_pass=float(passed.mean()),
            false_fail=float(failed.mean()),
            test_sets=test_sets,
            point=float((value <= truth if gate.upper else value >= truth).mean()),
        )

    def _runs(self, rng: np.random.Generator, test_sets: int) -> NDArray[np.int64]:
        """The counts of each Outcome at every look and at the end, shape (runs, looks, 9)."""
        size = self.population.units
        steps = np.diff([0, *looks_at(size), size])
        (kind,) = self.population.kinds
        drawn = [rng.multinomial(step, kind.shares, size=test_sets) for step in steps]
        counts = np.zeros((test_sets, len(steps), CELLS), dtype=np.int64)
        counts[..., list(FOUR)] = np.stack(drawn, axis=1).cumsum(axis=1)
        return counts

    def _evidence(self, gate: Gate, counts: NDArray[np.int64]) -> Any:
        """The log evidence on either side of the limit, of each distinct table once."""
        cells = Cells.of(counts)
        metric = METRICS[gate.metric]
        parts = [np.asarray(metric.numerator(cells)), np.asarray(metric.denominator(cells))]
        if metric.kind == "difference":
            parts = [cells.negative_flips, cells.positive_flips, cells.examples]
        keys = np.stack([each.ravel() for each in parts], axis=1)
        _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        tables = counts.reshape(-1, CELLS)[first]
        sides = evidence(metric, Cells.of(tables), gate.limit)
        assert sides is not None
        return tuple(np.asarray(side)[place].reshape(counts.shape[:2]) for side in sides)

    def _check(
        self, gate: Gate, counts: NDArray[np.int64], stop: Any, passed: NDArray[np.bool_]
    ) -> None:
        """What the product says of some runs where they stop, or at their end, is the same."""
        early, final = (1 - CONFIDENCE) * ANYTIME, (1 - CONFIDENCE) * (1 - ANYTIME)
        for run in range(min(JUDGED, len(counts))):
            tally = Tally.of_counts(counts[run, stop[run]].tolist())
            if stop[run] < counts.shape[1] - 1:
                verdict = stopped_judgement(gate, tally, early).verdict
            else:
                verdict = judge(gate, tally, confidence=1 - final).verdict
            assert (verdict is Verdict.PASS) == bool(passed[run]), (gate, tally)
