"""Gates: limits on metrics, decided by a one-sided confidence bound and never by the estimate.

A gate reads `METRIC <= LIMIT`, and may speak of one slice (`where region=EU`) or of every slice
of a column (`by region`). It passes when the bound is within the limit, fails when the opposite
bound is beyond it, and is inconclusive in between (DESIGN.md §4, STATISTICS.md §0).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import UsageError
from flipcheck.metrics import METRICS, Metric, metric
from flipcheck.outcomes import Cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flipcheck.outcomes import Tally

Decide = Literal["bound", "point"]
Scope = tuple[str, str]
"""One slice: a column and a value of it."""


class Verdict(StrEnum):
    """What a gate says, and a whole audit."""

    PASS = "pass"  # noqa: S105  (a verdict, no password)
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


def overall(verdicts: Iterable[Verdict]) -> Verdict | None:
    """One verdict over many: any failure fails, then anything undecided; None without gates."""
    found = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS):
        if verdict in found:
            return verdict
    return None


GRAMMAR = re.compile(
    r"\s*(?P<metric>[\w/-]+)\s*(?P<operator><=|>=|<|>|≤|≥)\s*(?P<limit>[-+.\w]+)\s*(?P<unit>%|pp)?"
    r"(?:\s+by\s+(?P<by>.+?)|\s+where\s+(?P<column>[^=]+?)\s*=\s*(?P<value>.*?))?\s*"
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit on a metric: of the whole, of one slice (`where`) or of every slice (`by`)."""

    metric: str
    operator: Literal["<=", "<", ">=", ">"]
    limit: float
    limit_text: str
    by: str | None = None
    where: Scope | None = None

    def __post_init__(self) -> None:
        _check_limit(metric(self.metric), self)

    @classmethod
    def parse(cls, text: str) -> Gate:
        """The gate of a text. Raises UsageError that says what is wrong with it."""
        found = GRAMMAR.fullmatch(text)
        hint = "write METRIC <= LIMIT, as in 'negative_flip_rate <= 1%'; add 'by COLUMN' for "
        hint += "each slice or 'where COLUMN=VALUE' for one"
        if not found:
            raise UsageError(f"cannot read the gate {text!r}", hint=hint)
        limit, unit = _number(found["limit"], text, hint), found["unit"] or ""
        column, value = found["column"], found["value"]
        operator: Any = found["operator"].replace("≤", "<=").replace("≥", ">=")
        return cls(
            metric=found["metric"],
            operator=operator,
            limit=limit / 100 if unit else limit,
            limit_text=found["limit"] + unit,
            by=found["by"],
            where=(column, value) if column else None,
        )

    def __str__(self) -> str:
        scope = f" by {self.by}" if self.by else ""
        scope += f" where {self.where[0]}={self.where[1]}" if self.where else ""
        return f"{self.metric} {self.operator} {self.limit_text}{scope}"

    @property
    def upper(self) -> bool:
        """Whether the limit is from above."""
        return self.operator in {"<=", "<"}

    def within(self, value: float) -> bool:
        """Whether a value keeps the limit."""
        if self.operator == "<=":
            return value <= self.limit
        if self.operator == "<":
            return value < self.limit
        return value >= self.limit if self.operator == ">=" else value > self.limit


def _number(text: str, gate: str, hint: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"cannot read the limit {text!r} of the gate {gate!r}", hint=hint)
    return number


def _check_limit(measured: Metric, gate: Gate) -> None:
    """Refuse limits that a metric can never break, or never keep."""
    low, high = {"proportion": (0.0, 1.0), "difference": (-1.0, 1.0)}.get(
        measured.kind, (0.0, math.inf)
    )
    limit, bare = gate.limit, not gate.limit_text.endswith(("%", "pp"))
    if low < limit < high or limit == (low if gate.upper else high):
        return
    beyond = limit < low or limit > high
    why = "is out of its range" if beyond else "can never be broken"
    percent = f"{gate.limit_text}%"
    hint = f"did you mean {percent}?" if bare and abs(limit) >= 1 else "give a limit inside it"
    raise UsageError(
        f"gate '{gate}': {measured.title} lies between {low:g} and {high:g}, so the limit "
        f"{gate.limit_text} {why}",
        hint=hint,
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """A gate and what became of it.

    `bound` is the one-sided bound that must keep the limit, `opposite` the one that must break
    it for a failure; both are None where the metric is undefined. `needed` is about how many
    examples would decide it, at the observed rate.
    """

    gate: Gate
    verdict: Verdict
    value: float | None
    bound: float | None = None
    opposite: float | None = None
    numerator: int | None = None
    denominator: int | None = None
    scope: Scope | None = None
    needed: int | None = None
    reason: str = ""


def check_available(gates: Sequence[Gate], tally: Tally) -> None:
    """Raise UsageError for gates on metrics that the sources cannot support."""
    problems = [
        f"'{gate}': {METRICS[gate.metric].title} needs both models' answers"
        for gate in gates
        if not METRICS[gate.metric].available(tally)
    ]
    if problems:
        raise UsageError(
            "gates that cannot be judged",
            problems=problems,
            hint="a source tells only right from wrong; give the answers with --prediction",
        )


def judge(
    gate: Gate,
    tally: Tally,
    *,
    confidence: float = 0.95,
    decide: Decide = "bound",
    scope: Scope | None = None,
) -> Judgement:
    """The gate's verdict on one tally; an undefined metric is inconclusive, never a pass."""
    measured = METRICS[gate.metric]
    value = measured.value(tally)
    if value is None:
        reason = f"{measured.title} is undefined here: its denominator is 0"
        return Judgement(gate, Verdict.INCONCLUSIVE, None, scope=scope, reason=reason)
    bound, opposite = _one_sided(gate, tally, confidence)
    judged = Judgement(
        gate,
        _verdict(gate, bound, opposite),
        value,
        _finite(bound),
        _finite(opposite),
        int(measured.numerator(tally)),
        int(measured.denominator(tally)),
        scope,
    )
    if decide == "point":
        kept = Verdict.PASS if gate.within(value) else Verdict.FAIL
        return replace(judged, verdict=kept, reason="decided by the estimate, not by its bound")
    if judged.verdict is Verdict.INCONCLUSIVE:
        needed = examples_needed(gate, tally, confidence)
        return replace(judged, needed=needed, reason=_why_open(gate, tally, needed, confidence))
    return judged


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _one_sided(gate: Gate, cells: Cells, confidence: float) -> tuple[float, float]:
    """The bound that must keep the limit, and the opposite one."""
    from flipcheck.stats.intervals import bounds

    low, high = (float(end) for end in bounds(METRICS[gate.metric], cells, 2 * confidence - 1))
    return (high, low) if gate.upper else (low, high)


def _verdict(gate: Gate, bound: float, opposite: float) -> Verdict:
    if math.isnan(bound):
        return Verdict.INCONCLUSIVE
    if gate.within(bound):
        return Verdict.PASS
    return Verdict.INCONCLUSIVE if gate.within(opposite) else Verdict.FAIL


def examples_needed(gate: Gate, tally: Tally, confidence: float) -> int | None:
    """About how many examples would decide the gate if the observed rates stayed as they are.

    None where no number would: the observed value lies on the limit.
    """
    counts = tally.counts().astype(float)

    def decided(examples: int) -> bool:
        cells = Cells.of(counts * (examples / tally.examples))
        return _verdict(gate, *_one_sided(gate, cells, confidence)) is not Verdict.INCONCLUSIVE

    low = high = tally.examples
    while not decided(high):
        low, high = high, high * 2
        if high > 10**12:
            return None
    while high - low > max(1, low // 1000):
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high


def smallest_passing(gate: Gate, confidence: float) -> int | None:
    """The fewest examples with which a limit on a proportion could ever be shown to hold."""
    if METRICS[gate.metric].kind != "proportion":
        return None
    share = 1 - gate.limit if gate.upper else gate.limit
    return math.ceil(math.log(1 - confidence) / math.log(share)) if 0 < share < 1 else None


def _why_open(gate: Gate, tally: Tally, needed: int | None, confidence: float) -> str:
    smallest = smallest_passing(gate, confidence)
    if smallest is not None and METRICS[gate.metric].denominator(tally) < smallest:
        return f"too small ever to pass: that needs at least {smallest:,} examples"
    if needed is None:
        return "the observed value lies on the limit: no number of examples would decide it"
    return f"about {rough(needed):,} examples would decide it at these rates"


def rough(number: int) -> int:
    """A number to two leading digits, rounded up, for "about"; small ones stay as they are."""
    scale = 10 ** max(0, len(str(number)) - 3)
    return -(-number // scale) * scale


def judge_slices(
    gate: Gate,
    tallies: Sequence[tuple[Scope, Tally]],
    *,
    confidence: float = 0.95,
    decide: Decide = "bound",
) -> list[Judgement]:
    """A gate over many slices: each passes at its own level, failures stand after Holm.

    Passing needs no correction (all must pass: intersection–union); a slice is named as failed
    only when its p-value survives Holm's correction over all slices of the gate.
    """
    from flipcheck.stats.tests import holm

    judged = [
        judge(gate, tally, confidence=confidence, decide=decide, scope=scope)
        for scope, tally in tallies
    ]
    if decide == "point":
        return judged
    p_values = [
        _p_beyond(gate, tally) if each.verdict is Verdict.FAIL else 1.0
        for each, (_, tally) in zip(judged, tallies, strict=True)
    ]
    adjusted = holm(p_values)
    reason = f"beyond the limit by itself, but not after correction over {len(judged):,} slices"
    return [
        replace(each, verdict=Verdict.INCONCLUSIVE, reason=reason)
        if each.verdict is Verdict.FAIL and p > 1 - confidence
        else each
        for each, p in zip(judged, adjusted.tolist(), strict=True)
    ]


def _p_beyond(gate: Gate, tally: Tally) -> float:
    """The smallest one-sided level at which the limit is broken, by bisection of its logarithm."""
    low, high = math.log(1e-300), math.log(0.5)
    for _ in range(40):
        middle = (low + high) / 2
        opposite = _one_sided(gate, tally, 1 - math.exp(middle))[1]
        low, high = (low, middle) if not gate.within(opposite) else (middle, high)
    return math.exp(high)
