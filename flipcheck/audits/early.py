"""Deciding while models run: when the gates are settled, and what is said of them then.

Of alpha per side one fifth is spent on tests that hold at every look, and four fifths on the
exact look at the whole set (STATISTICS.md §5), so that the chance that either passes a gate at
its limit is at most alpha.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck.errors import UsageError
from flipcheck.gates import Gate, Judgement, Verdict, check_available, nothing_can_break
from flipcheck.metrics import METRICS
from flipcheck.outcomes import outcomes, tally
from flipcheck.report import EarlyStop
from flipcheck.stats.sequential import ANYTIME, TESTED, evidence, gate_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flipcheck.outcomes import Tally
    from flipcheck.pairing import Paired
    from flipcheck.report import Settings

FINAL_ONLY = "judged on the whole test set only, and the run stopped before its end"


def check_early(gates: Sequence[Gate], settings: Settings, beside: Sequence[str] = ()) -> None:
    """Raise UsageError where nothing could be decided early, or not by what is given `beside`."""
    if beside:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in beside)
        raise UsageError(
            f"--stop-early and {flags}: these are judged on the whole test set only",
            hint="leave one or the other out",
        )
    if settings.decide == "point":
        raise UsageError(
            "--stop-early stops on confidence bounds, and --decide point has none",
            hint="leave one of them out",
        )
    if not gates:
        raise UsageError(
            "--stop-early stops when the gates are decided, and there is none",
            hint="add one, as in --max-nfr 1%",
        )
    if not any(map(sequential, gates)):
        raise UsageError(
            "--stop-early: these gates are judged on the whole test set only",
            problems=[f"'{gate}'" for gate in gates],
            hint="gates by slices and on ratios of rates have no test that holds while models run; "
            "leave --stop-early out",
        )


def sequential(gate: Gate) -> bool:
    """Whether a gate has a test that holds while models run."""
    return gate.by is None and gate.where is None and gate.measures.kind in TESTED


def decided(gates: Sequence[Gate], settings: Settings) -> Callable[[Paired], bool]:
    """Whether the examples so far settle it: a gate fails, or all of them pass."""
    alpha = (1 - settings.confidence) * ANYTIME

    def enough(paired: Paired) -> bool:
        check_available(gates, answers=paired.same_answer is not None)
        total = tally(outcomes(paired.old_right, paired.new_right, paired.same_answer))
        verdicts = {_verdict(gate, total, alpha) for gate in gates}
        return Verdict.FAIL in verdicts or verdicts == {Verdict.PASS}

    return enough


def early_stop(examples: int, of: int, looks: int, settings: Settings) -> EarlyStop:
    """What the report tells of a run that could stop early."""
    alpha = 1 - settings.confidence
    return EarlyStop(examples < of, examples, of, looks, alpha * ANYTIME, alpha * (1 - ANYTIME))


def at_its_level(settings: Settings, early: EarlyStop | None) -> Settings:
    """The settings with the confidence that is left for how the run ended.

    The bootstrap knows nothing of stopping, and is left out where the run stopped early.
    """
    if early is None:
        return settings
    if early.stopped:
        return replace(settings, confidence=1 - early.anytime_alpha, resamples=0)
    return replace(settings, confidence=1 - early.final_alpha)


def stopped_judgement(gate: Gate, total: Tally, alpha: float) -> Judgement:
    """A gate's judgement on the examples of a run that stopped early."""
    metric, whole = METRICS[gate.metric], gate.by is None and gate.where is None
    value, verdict = metric.value(total) if whole else None, _verdict(gate, total, alpha)
    if not sequential(gate):
        return Judgement(gate, verdict, value, scope=gate.where, reason=FINAL_ONLY)
    if value is None:
        reason = f"{metric.title} is undefined here: its denominator is 0"
        return Judgement(gate, verdict, None, reason=reason)
    low, high = gate_bounds(metric, total, gate.limit, alpha)
    bound, opposite = (high, low) if gate.upper else (low, high)
    return Judgement(
        gate,
        verdict,
        value,
        bound if math.isfinite(bound) else None,
        opposite if math.isfinite(opposite) else None,
        int(metric.numerator(total)),
        int(metric.denominator(total)),
        reason="" if verdict is not Verdict.INCONCLUSIVE else "undecided when the run stopped",
    )


def _verdict(gate: Gate, total: Tally, alpha: float) -> Verdict:
    """A gate's verdict on the examples so far, which holds whenever they are looked at."""
    metric = METRICS[gate.metric]
    if not sequential(gate) or metric.value(total) is None:
        return Verdict.INCONCLUSIVE
    if nothing_can_break(gate, [total]):
        return Verdict.INCONCLUSIVE
    sides = evidence(metric, total, gate.limit)
    assert sides is not None  # noqa: S101  (every sequential gate has both)
    within, beyond = sides if gate.upper else sides[::-1]
    if within >= -math.log(alpha):
        return Verdict.PASS
    return Verdict.FAIL if beyond >= -math.log(alpha) else Verdict.INCONCLUSIVE
