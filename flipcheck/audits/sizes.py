"""The examples that one gate needs, and what a set of a given size can decide of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError
from flipcheck.gates import Verdict, smallest_passing
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Tally
from flipcheck.stats import power
from flipcheck.stats.intervals import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.gates import Gate

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.5, 2.0)
"""The true rates that a table supposes, as parts of the limit; those beyond it are to fail."""
TURNOVERS = (1, 2, 5, 10)
"""The flips that a table supposes each way, as multiples of the allowed error increase."""
DRAWN = (0.25, 0.5, 0.75)
"""Which of SHARES are drawn as curves."""
POINTS, MOST_EXAMPLES = 400, 10**9
GOALS = (0.8, 0.9)
COUNTED = {
    "examples": "examples",
    "old_right": "right answers of the old model",
    "new_right": "right answers of the new model",
    "new_wrong": "errors of the new model",
}
"""What the denominators of the metrics count."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a plan supposes of the update and of the test set; None where nothing is."""

    nfr: float | None = None
    pfr: float | None = None
    power: float = 0.8
    examples: int | None = None
    cluster_size: float | None = None
    icc: float | None = None
    audits: int | None = None

    def __post_init__(self) -> None:
        sizes, audits = f"a whole number from 1 to {MOST_EXAMPLES:,}", "one from 1 to 1,000,000"
        checks = (
            ("--nfr", self.nfr, _within(self.nfr, 0, 1), "a share such as 0.5%, below 1"),
            ("--pfr", self.pfr, _within(self.pfr, 0, 1), "a share such as 0.5%, below 1"),
            ("--power", self.power, _within(self.power, 5e-324, 1), "a share between 0 and 1"),
            ("--examples", self.examples, _whole(self.examples, MOST_EXAMPLES), sizes),
            (
                "--cluster-size",
                self.cluster_size,
                _within(self.cluster_size, 1, power.MOST),
                f"1 example or more, below {power.MOST:,}",
            ),
            ("--icc", self.icc, _within(self.icc, 0, 1 + 1e-15), "a share from 0 to 1"),
            ("--audits", self.audits, _whole(self.audits, 1_000_000), f"a whole number, {audits}"),
        )
        problems = [
            f"{name} {value!r} is out of range: {wanted}"
            for name, value, right, wanted in checks
            if value is not None and not right
        ]
        if not problems and (self.nfr or 0) + (self.pfr or 0) > 1:
            problems.append(
                f"--nfr {self.nfr!r} and --pfr {self.pfr!r} are more than 100% together"
            )
        if (self.cluster_size is None) != (self.icc is None):
            problems.append("clusters are described by both: give --cluster-size and --icc")
        if problems:
            raise UsageError("a plan cannot be made", problems=problems)

    @property
    def effect(self) -> float:
        """The design effect: how many examples in clusters tell as much as one alone."""
        return power.design_effect(self.cluster_size or 1, self.icc or 0)


def _within(value: Any, low: float, high: float) -> bool:
    """Whether a value is a number from `low` to below `high`."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value < high


def _whole(value: Any, most: int) -> bool:
    """Whether a value is a whole number from 1 to `most`."""
    return isinstance(value, int) and _within(value, 1, most + 1)


@dataclass(frozen=True, slots=True)
class Update:
    """An assumed update: a true value of the gated metric, and the flips where they matter."""

    value: float
    negative_flip_rate: float | None = None
    positive_flip_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """The examples with which a truth gets its verdict with a power; None where none suffices.

    A truth on the limit has no verdict. The change of the error rate has one number for both.
    """

    update: Update
    verdict: Verdict | None
    power: float
    first: int | None
    stable: int | None


@dataclass(frozen=True, slots=True)
class Chance:
    """How often a set of the given size passes and fails an assumed truth."""

    update: Update
    passed: float
    failed: float


@dataclass(frozen=True, slots=True)
class Decides:
    """What a set of the given size can decide about a proportion; None where it cannot.

    Counts are of the metric's numerator, rates are true ones that pass or fail with the power.
    In clusters the counts are about right only.
    """

    passing_count: int | None
    passing_rate: float | None
    failing_count: int | None
    failing_rate: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The chance of a truth's verdict against the number of examples."""

    update: Update
    verdict: Verdict
    examples: tuple[int, ...]
    power: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GatePlan:
    """The plan of one gate."""

    gate: Gate
    method: str
    counted: str
    smallest: int | None
    needs: tuple[Need, ...]
    chances: tuple[Chance, ...]
    decides: Decides | None
    curves: tuple[Curve, ...]


def gate_plan(gate: Gate, confidence: float, assumed: Assumed) -> GatePlan:
    """The plan of a gate on a proportion or on the change of the error rate."""
    metric = METRICS[gate.metric]
    exact = metric.kind == "proportion"
    updates = tuple(_rates(gate, assumed) if exact else _turnovers(gate, assumed))
    goals = sorted({*GOALS, assumed.power})
    needs = tuple(
        _need(gate, each, goal, confidence, assumed.effect) for each in updates for goal in goals
    )
    chances: tuple[Chance, ...] = ()
    if assumed.examples is not None:
        size = alone(assumed.examples, assumed.effect)
        chances = tuple(
            Chance(
                each,
                float(chance(gate, each, Verdict.PASS, size, confidence)),
                float(chance(gate, each, Verdict.FAIL, size, confidence)),
            )
            for each in updates
        )
    return GatePlan(
        gate,
        METHODS[metric.kind][0],
        counted(gate.metric) + _where(gate),
        _times(smallest_passing(gate, confidence), assumed.effect),
        needs,
        chances,
        _decides(gate, confidence, assumed) if exact else None,
        tuple(_curves(gate, updates, confidence, assumed)),
    )


def alone(examples: int, effect: float) -> int:
    """How many examples without clusters tell as much as these do with a design effect."""
    return max(1, int(examples / effect))


def _times(examples: int | None, effect: float) -> int | None:
    """How many examples with a design effect tell as much as these do alone."""
    return None if examples is None else math.ceil(examples * effect)


def _rare(gate: Gate, rate: float) -> float:
    """What a limit keeps rare: the rate itself, or what a limit from below leaves of it."""
    return rate if gate.upper else 1 - rate


def counted(metric: str) -> str:
    """What the denominator of a metric counts."""
    probe = Tally(1, 2, 4, 8, 16)
    bottom = METRICS[metric].denominator(probe)
    return next(words for name, words in COUNTED.items() if getattr(probe, name) == bottom)


def _where(gate: Gate) -> str:
    """The part of the examples that a gate is about."""
    if gate.where is not None:
        return f" where {'='.join(gate.where)}"
    return f" in each slice by {gate.by}" if gate.by else ""


def _rates(gate: Gate, assumed: Assumed) -> Iterator[Update]:
    """The supposed true rates: the given one where it is of this metric, or a range of them."""
    given = {
        "negative_flip_rate": assumed.nfr,
        "positive_flip_rate": assumed.pfr,
    }.get(gate.metric)
    if given is not None:
        yield Update(given)
        return
    for part in SHARES:
        rare = part * _rare(gate, gate.limit)
        if rare < 1:
            yield Update(_rare(gate, rare))


def _turnovers(gate: Gate, assumed: Assumed) -> Iterator[Update]:
    """The supposed flips: the given ones, or as many each way, so that no error is added."""
    if assumed.nfr is not None and assumed.pfr is not None:
        yield Update(assumed.nfr - assumed.pfr, assumed.nfr, assumed.pfr)
        return
    for rate in dict.fromkeys(min(times * gate.limit, 0.5) for times in TURNOVERS):
        yield Update(0.0, rate, rate)


def _verdict(gate: Gate, update: Update) -> Verdict | None:
    """What an update deserves; None exactly at the limit."""
    if update.value == gate.limit:
        return None
    return Verdict.PASS if (update.value < gate.limit) == gate.upper else Verdict.FAIL


def _sides(gate: Gate, update: Update, verdict: Verdict) -> tuple[float, float, float]:
    """The margin that a change must stay below for the verdict, and the flips for and against."""
    lost, won = update.negative_flip_rate or 0.0, update.positive_flip_rate or 0.0
    if gate.upper == (verdict is Verdict.PASS):
        return gate.limit, lost, won
    return -gate.limit, won, lost


def chance(
    gate: Gate, update: Update, verdict: Verdict, size: Any, confidence: float
) -> NDArray[np.float64]:
    """How often this many examples give the verdict to an update."""
    if METRICS[gate.metric].kind == "difference":
        return power.change_power(size, *_sides(gate, update, verdict), confidence)
    return power.power(size, *_pass_side(gate, update, verdict), confidence)


def _pass_side(gate: Gate, update: Update, verdict: Verdict) -> tuple[float, float]:
    """Limit and rate such that the verdict is a pass of a limit from above."""
    limit, rate = _rare(gate, gate.limit), _rare(gate, update.value)
    return (limit, rate) if verdict is Verdict.PASS else (1 - limit, 1 - rate)


def _need(gate: Gate, update: Update, goal: float, confidence: float, effect: float) -> Need:
    """The examples with which an update gets the verdict that it deserves."""
    verdict = _verdict(gate, update)
    if verdict is None:
        return Need(update, None, goal, None, None)
    if METRICS[gate.metric].kind == "difference":
        about = power.change_examples(*_sides(gate, update, verdict), goal, confidence)
        found: power.Needed | None = power.Needed(about, about)
    else:
        found = power.examples_needed(*_pass_side(gate, update, verdict), goal, confidence)
    first, stable = (found.first, found.stable) if found else (None, None)
    return Need(update, verdict, goal, _times(first, effect), _times(stable, effect))


def _decides(gate: Gate, confidence: float, assumed: Assumed) -> Decides | None:
    """What a set of the given size can decide about a proportion."""
    if assumed.examples is None:
        return None
    total, size = assumed.examples, alone(assumed.examples, assumed.effect)
    limit = _rare(gate, gate.limit)
    most = int(power.largest_passing(size, limit, confidence))
    fewest = power.smallest_failing(size, limit, confidence)
    rates = (
        power.passing_rate(size, limit, assumed.power, confidence),
        power.failing_rate(size, limit, assumed.power, confidence),
    )
    counts = (None if most < 0 else most, None if fewest > size else fewest)
    passing, failing = (
        None if each is None else each if size == total else round(each * total / size)
        for each in counts
    )
    if not gate.upper:
        passing, failing = (None if each is None else total - each for each in (passing, failing))
    kept, broken = (None if each is None else _rare(gate, each) for each in rates)
    return Decides(passing, kept, failing, broken)


def _curves(
    gate: Gate, updates: tuple[Update, ...], confidence: float, assumed: Assumed
) -> Iterator[Curve]:
    """The power against the number of examples, for the given update or a few of a table."""
    import numpy as np

    drawn = updates
    if len(updates) > len(TURNOVERS):
        drawn = tuple(each for part, each in zip(SHARES, updates, strict=False) if part in DRAWN)
    needs = [_need(gate, each, assumed.power, confidence, assumed.effect) for each in drawn]
    last = max([need.stable for need in needs if need.stable], default=0)
    end = max(last, assumed.examples or 0) * 1.25
    examples = np.unique(np.maximum(1, np.round(end * np.arange(1, POINTS + 1) / POINTS)))
    sizes = np.maximum(1, examples / assumed.effect).astype(np.int64)
    for need in needs:
        if need.verdict is not None and need.stable is not None:
            chances = chance(gate, need.update, need.verdict, sizes, confidence)
            yield Curve(
                need.update,
                need.verdict,
                tuple(examples.astype(np.int64).tolist()),
                tuple(chances.tolist()),
            )
