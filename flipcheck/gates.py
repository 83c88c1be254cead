"""Gates: limits on metrics, decided by a one-sided confidence bound and never by the estimate.

A gate reads `METRIC <= LIMIT`, and may speak of one slice (`where region=EU`) or of every slice
of a column (`by region`). It passes when the bound is within the limit, fails when the opposite
bound is beyond it, and is inconclusive in between (DESIGN.md §4, STATISTICS.md §0).
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import UsageError, plural
from flipcheck.metrics import CRITICAL, GRADED, METRICS, Metric, metric
from flipcheck.stats.sampling import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from flipcheck.outcomes import Cells

Decide = Literal["bound", "point"]
Scope = tuple[str, str]
"""One slice: a column and a value of it."""


class Verdict(StrEnum):
    """What a gate says, and a whole audit."""

    PASS = "pass"  # noqa: S105  (a verdict, no password)
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


def overall(verdicts: Iterable[Verdict | None]) -> Verdict | None:
    """One verdict over many: any failure fails, then anything undecided; None without gates.

    Slices without a verdict (too small to judge) have no say; alone they decide nothing.
    """
    found = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS):
        if verdict in found:
            return verdict
    return Verdict.INCONCLUSIVE if found else None


OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}

GRAMMAR = re.compile(
    r"\s*(?P<metric>[\w/-]+)\s*(?P<operator><=|>=|<|>|≤|≥)\s*(?P<limit>[-+.\w]+?)\s*(?P<unit>%|pp)?"
    r"(?:\s+by\s+(?P<by>.+?)|\s+where\s+(?P<column>[^=]+?)\s*=\s*(?P<value>.*?))?\s*",
    re.DOTALL,
)
LIMIT = re.compile(r"(.+?)(%|pp)?")


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
        if self.operator not in OPERATORS:
            hint = f"there are: {', '.join(OPERATORS)}"
            raise UsageError(f"gate '{self}': no operator {self.operator!r}", hint=hint)
        if self.by is not None and self.where is not None:
            raise UsageError(f"gate '{self}': by every slice, or where one is, but not both")
        written = LIMIT.fullmatch(self.limit_text)
        if (
            not written
            or _number(written[1], str(self), "", percent=bool(written[2])) != self.limit
        ):
            raise UsageError(f"gate '{self}': its limit is {self.limit!r}, not as it is written")
        if self.measures is CRITICAL:
            _check_count(self)
        _check_limit(self.measures, self)

    @classmethod
    def parse(cls, text: str) -> Gate:
        """The gate of a text. Raises UsageError that says what is wrong with it.

        >>> gate = Gate.parse("negative_flip_rate <= 1% where region=EU")
        >>> gate.metric, gate.limit, gate.where
        ('negative_flip_rate', 0.01, ('region', 'EU'))
        """
        found = GRAMMAR.fullmatch(text)
        hint = "write METRIC <= LIMIT, as in 'negative_flip_rate <= 1%'; add 'by COLUMN' for "
        hint += "each slice or 'where COLUMN=VALUE' for one"
        if not found:
            raise UsageError(f"cannot read the gate {text!r}", hint=hint)
        unit = found["unit"] or ""
        limit = _number(found["limit"], text, hint, percent=bool(unit))
        column, value = found["column"], found["value"]
        sign: Any = found["operator"].replace("≤", "<=").replace("≥", ">=")
        return cls(
            metric=found["metric"],
            operator=sign,
            limit=limit,
            limit_text=found["limit"] + unit,
            by=found["by"],
            where=(column, value) if column else None,
        )

    def __str__(self) -> str:
        scope = f" by {self.by}" if self.by else ""
        scope += f" where {self.where[0]}={self.where[1]}" if self.where else ""
        return f"{self.metric} {self.operator} {self.limit_text}{scope}"

    @property
    def measures(self) -> Metric:
        """The metric that is limited."""
        return metric(self.metric)

    @property
    def upper(self) -> bool:
        """Whether the limit is from above."""
        return self.operator in {"<=", "<"}

    def within(self, value: float) -> bool:
        """Whether a value keeps the limit."""
        return OPERATORS[self.operator](value, self.limit)


def _number(text: str, gate: str, hint: str, *, percent: bool) -> float:
    """The number nearest to what is written: 2.9 % is 0.029, though 2.9 / 100 is less."""
    try:
        number = float(Decimal(text) / 100) if percent else float(text)
    except (ValueError, ArithmeticError):
        number = math.nan
    if not math.isfinite(number) or "_" in text:
        raise UsageError(f"cannot read the limit {text!r} of the gate {gate!r}", hint=hint)
    return number


def _check_count(gate: Gate) -> None:
    """Refuse any limit on critical examples but 0, and one on slices, which have none."""
    if gate.by is not None or gate.where is not None:
        raise UsageError(
            f"gate '{gate}': the critical examples are judged together",
            hint="leave 'by' and 'where' out",
        )
    if (gate.operator, gate.limit_text) != ("<=", "0"):
        raise UsageError(
            f"gate '{gate}': a critical example must never break",
            hint=f"--critical FILE judges '{CRITICAL.name} <= 0'; there is no other limit",
        )


def share(text: str, name: str) -> float:
    """The number that is written as "0.5%" or "0.005". Raises UsageError that names the option."""
    try:
        return _number(text.removesuffix("%").strip(), name, "", percent=text.endswith("%"))
    except UsageError as error:
        hint = "write it as 0.5% or 0.005"
        raise UsageError(f"cannot read the share {text!r} of {name}", hint=hint) from error


def _check_limit(measured: Metric, gate: Gate) -> None:
    """Refuse limits that a metric can never break, or never keep."""
    paired = (-1.0, 1.0)
    anywhere = (-math.inf, math.inf)
    low, high = {
        "proportion": (0.0, 1.0),
        "difference": paired,
        "excess": paired,
        "score change": anywhere,
        "mean score": anywhere,
    }.get(measured.kind, (0.0, math.inf))
    limit, bare = gate.limit, not gate.limit_text.endswith(("%", "pp"))
    strict, edge = gate.operator in {"<", ">"}, low if gate.upper else high
    if low < limit < high or (limit == edge and math.isfinite(limit) and not strict):
        return
    beyond = not low <= limit <= high
    why = "is out of its range" if beyond else "can never be broken"
    why = "can never be kept" if limit == edge else why
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
    examples would decide it, at the observed rate. `wrong_labels` is the most wrong labels with
    which it still passes, where there may be more. A slice that --min-slice leaves out of its gate
    has no verdict.
    """

    gate: Gate
    verdict: Verdict | None
    value: float | None
    bound: float | None = None
    opposite: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    scope: Scope | None = None
    needed: int | None = None
    reason: str = ""
    wrong_labels: int | None = None


NEEDS = {
    "costs": "what flips cost; bring a cost matrix with --costs",
    "reruns": "answers of the old model run again; bring them with --rerun",
    "scores": "graded answers; name their column with --score",
}


def check_available(gates: Sequence[Gate], *, answers: bool, given: Sequence[str] = ()) -> None:
    """Raise UsageError for gates on metrics that need what the sources do not have.

    `given` are those of "costs", "reruns" and "scores" that were brought.
    """
    problems = []
    graded = "scores" in given
    for gate in gates:
        measured = METRICS[gate.metric]
        if graded and measured.needs_right:
            problems.append(f"'{gate}': graded answers have no {measured.title}")
        elif measured.needs_split and not answers:
            problems.append(f"'{gate}': {measured.title} needs both models' answers")
        if measured.needs and measured.needs not in given:
            problems.append(f"'{gate}': {measured.title} needs {NEEDS[measured.needs]}")
    if problems and graded:
        raise UsageError(
            "gates that cannot be judged, as scores rise and fall and are not right or wrong",
            problems=problems,
            hint=f"gate one of {', '.join(GRADED)}",
        )
    if problems:
        raise UsageError(
            "gates that cannot be judged",
            problems=problems,
            hint="give what they need, or leave them out; a source that tells only right from "
            "wrong has answers in a column of their own (--prediction)",
        )


def judge(
    gate: Gate,
    measured_on: Sample | Cells,
    *,
    confidence: float = 0.95,
    decide: Decide = "bound",
    scope: Scope | None = None,
) -> Judgement:
    """The gate's verdict on one sample; an undefined metric is inconclusive, never a pass."""
    measured, sample = METRICS[gate.metric], Sample.of(measured_on)
    value = sample.value(measured)
    if value is None:
        reason = f"{measured.title} is undefined here: its denominator is 0"
        if measured.needs_right and sample.cells.graded:
            reason = f"graded answers have no {measured.title}"
        return Judgement(gate, Verdict.INCONCLUSIVE, None, scope=scope, reason=reason)
    if gate.by is None and nothing_can_break(gate, [sample]):
        return _unbreakable(gate, sample, scope)
    bound, opposite = _one_sided(gate, sample, confidence)
    judged = Judgement(
        gate,
        _verdict(gate, bound, opposite),
        value,
        _finite(bound),
        _finite(opposite),
        *sample.counted(measured),
        scope,
    )
    if decide == "point":
        kept = Verdict.PASS if gate.within(value) else Verdict.FAIL
        return replace(judged, verdict=kept, reason="decided by the estimate, not by its bound")
    if judged.verdict is Verdict.INCONCLUSIVE:
        needed = examples_needed(gate, sample, confidence)
        return replace(judged, needed=needed, reason=_why_open(judged, sample, needed, confidence))
    return judged


NEED_OLD_RIGHT = (
    *("negative_flip_rate", "expected_cost", "excess_negative_flip_rate"),
    *("mean_regression", "mean_score_change"),
)
"""What an old model that is never right would pass, however the new one answers."""


def nothing_can_break(gate: Gate, samples: Iterable[Sample | Cells]) -> bool:
    """Whether a gate on what breaks is of samples in none of which anything could."""
    return gate.metric in NEED_OLD_RIGHT and not any(
        Sample.of(each).could_break for each in samples
    )


def _unbreakable(gate: Gate, sample: Sample, scope: Scope | None) -> Judgement:
    reason = "the old model has no right answer that could break"
    if sample.cells.graded:
        reason = "the old model has the least score on every example: none could fall"
    value = sample.value(METRICS[gate.metric])
    return Judgement(gate, Verdict.INCONCLUSIVE, value, scope=scope, reason=reason)


def judge_critical(gate: Gate, critical: Cells) -> Judgement:
    """The verdict on the tally of the critical examples: by the facts, without any statistics.

    Where the old model is right on none of them nothing could break, and nothing is shown.
    """
    flips, could = critical.negative_flips, critical.could_break
    verdict = Verdict.PASS if gate.within(flips) else Verdict.FAIL
    reason = ""
    if not could:
        verdict = Verdict.INCONCLUSIVE
        reason = "the old model is right on no critical example: nothing could break"
    return Judgement(gate, verdict, flips, numerator=flips, denominator=could, reason=reason)


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _one_sided(gate: Gate, sample: Sample, confidence: float) -> tuple[float, float]:
    """The bound that must keep the limit, and the opposite one."""
    low, high = (float(end) for end in sample.bounds(METRICS[gate.metric], 2 * confidence - 1))
    return (high, low) if gate.upper else (low, high)


def _verdict(gate: Gate, bound: float, opposite: float) -> Verdict:
    if math.isnan(bound):
        return Verdict.INCONCLUSIVE
    if gate.within(bound):
        return Verdict.PASS
    return Verdict.INCONCLUSIVE if gate.within(opposite) else Verdict.FAIL


def examples_needed(gate: Gate, measured_on: Sample | Cells, confidence: float) -> int | None:
    """About how many examples would decide the gate if the observed rates stayed as they are.

    None where no number would: the observed value lies on the limit.
    """
    sample, measured = Sample.of(measured_on), METRICS[gate.metric]
    total = int(sample.cells.examples)

    def decided(examples: int) -> bool:
        larger = sample.scaled(examples / total)
        if measured.needs == "scores":  # whose chances are found by asking just this, often
            return larger.decides(measured, gate.limit, 2 * confidence - 1)
        return min(larger.chances(measured, gate.limit, 2 * confidence - 1)) <= 1 - confidence

    low = high = total
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


def _why_open(judged: Judgement, sample: Sample, needed: int | None, confidence: float) -> str:
    """Why a gate is undecided, and about how many examples or clusters would decide it."""
    of = " of this slice" if judged.scope else ""
    what, there, needed = _units(sample, needed)
    if (smallest := _smallest(judged.gate, sample, confidence)) is not None:
        fewest, counted, which = smallest
        return (
            f"too small ever to pass: with the best of outcomes that takes {fewest:,} "
            f"{what}{of}{which}, and there are {counted:,}"
        )
    if needed is None:
        return f"the observed value lies on the limit: no number of {what} would decide it"
    return f"about {rough(needed):,} {what}{of} would decide it at these rates; there are {there:,}"


def _units(sample: Sample, needed: int | None) -> tuple[str, int, int | None]:
    """What a test set grows by, how many there are, and as how many the examples needed come."""
    examples, design = int(sample.cells.examples), sample.design
    if design is None or not design.clustered:
        return "examples", examples, needed
    units = int(design.units)
    return "clusters", units, needed and math.ceil(needed / examples * units)


def _smallest(gate: Gate, sample: Sample, confidence: float) -> tuple[int, int, str] | None:
    """The fewest examples or clusters that could ever pass, and how many there are.

    None where there are enough, or where no number is known. At last what is counted, where that
    is only a part of them.
    """
    measured, fewest = METRICS[gate.metric], smallest_passing(gate, confidence)
    if fewest is None:
        return None
    counted, effective = int(measured.denominator(sample.cells)), sample.effective(measured)
    which = "" if counted == sample.cells.examples else " in its denominator"
    if effective is not None:
        scale = effective.scale_to_pass(
            gate.limit if gate.upper else 1 - gate.limit, 1 - confidence
        )
        counted = int(effective.units()) if effective.design.clustered else counted
        fewest = math.ceil(scale * counted)
    return (fewest, counted, which) if counted < fewest else None


def rough(number: int) -> int:
    """A number to three leading digits, rounded up, for "about"; small ones stay as they are."""
    scale: int = 10 ** max(0, len(str(number)) - 3)
    return -(-number // scale) * scale


def judge_slices(
    gate: Gate,
    samples: Sequence[tuple[Scope, Sample | Cells]],
    *,
    confidence: float = 0.95,
    decide: Decide = "bound",
    smallest: int = 0,
) -> list[Judgement]:
    """A gate over many slices: each passes at its own level, failures stand after Holm.

    Passing needs no correction (all must pass: intersection–union); a slice is named as failed
    only when its p-value survives Holm's correction over all slices of the gate. Slices of fewer
    than `smallest` examples are not judged: they come last, without a verdict. Where that is all
    of them, the gate is inconclusive.
    """
    if nothing_can_break(gate, (sample for _, sample in samples)):
        return [_unbreakable(gate, Sample.of(sample), scope) for scope, sample in samples]
    large = [each for each in samples if Sample.of(each[1]).cells.examples >= smallest]
    unjudged = [
        too_small(gate, sample, scope, smallest, verdict=None if large else Verdict.INCONCLUSIVE)
        for scope, sample in samples
        if Sample.of(sample).cells.examples < smallest
    ]
    return [*_judge_family(gate, large, confidence, decide), *unjudged]


def too_small(
    gate: Gate, measured_on: Sample | Cells, scope: Scope, smallest: int, *, verdict: Verdict | None
) -> Judgement:
    """What is said of a slice that has fewer examples than --min-slice asks for."""
    measured, sample = METRICS[gate.metric], Sample.of(measured_on)
    examples = plural(int(sample.cells.examples), "example")
    reason = f"too small to judge (--min-slice {smallest:,}): {examples}"
    top, bottom = sample.counted(measured)
    return Judgement(
        gate,
        verdict,
        sample.value(measured),
        numerator=top,
        denominator=bottom,
        scope=scope,
        reason=reason,
    )


def _judge_family(
    gate: Gate, samples: Sequence[tuple[Scope, Sample | Cells]], confidence: float, decide: Decide
) -> list[Judgement]:
    """The slices of a gate, its failures corrected over all of them."""
    from flipcheck.stats.tests import holm

    judged = [
        judge(gate, sample, confidence=confidence, decide=decide, scope=scope)
        for scope, sample in samples
    ]
    if decide == "point":
        return judged
    p_values = [
        Sample.of(sample).tail(METRICS[gate.metric], gate.limit, 0 if gate.upper else 1)
        if each.verdict is Verdict.FAIL
        else 1.0
        for each, (_, sample) in zip(judged, samples, strict=True)
    ]
    adjusted = holm(p_values)
    reason = f"beyond the limit by itself, but not after correction over {len(judged):,} slices"
    return [
        replace(each, verdict=Verdict.INCONCLUSIVE, reason=reason)
        if each.verdict is Verdict.FAIL and p > 1 - confidence
        else each
        for each, p in zip(judged, adjusted.tolist(), strict=True)
    ]
