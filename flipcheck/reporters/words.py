"""The words and numbers that every reporter shares, so that all say the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flipcheck.errors import plural
from flipcheck.gates import Judgement, Verdict
from flipcheck.metrics import METRICS, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flipcheck.report import Estimate, Example, Report, Slice
    from flipcheck.stats.intervals import Interval

UNKNOWN = "–"
COMMAND = re.compile(r"\s*::|.*##\[")
"""What a CI server may take for a command of its own."""
SIGNIFICANT = 0.05
"""Slices with an adjusted p-value up to this are marked."""

TITLES = {
    Verdict.PASS: "PASS",
    Verdict.FAIL: "FAIL",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
    None: "NO VERDICT",
}


def percent(value: float | None, *, signed: bool = False) -> str:
    """A rate as a percentage: "0%" only for a true 0, "100%" only for a true 1."""
    if value is None:
        return UNKNOWN
    size, sign = abs(value) * 100, "−" if value < 0 else "+" if signed and value > 0 else ""
    if size in {0, 100}:
        return f"{sign}{size:g}%"
    decimals = 2 if size >= 1 else 3 if size >= 0.1 else 4
    text = f"{size:.{decimals}f}"
    if float(text) == 0:
        return f"{sign}<0.0001%"
    if float(text) == 100 and size < 100:
        return f"{sign}>99.99%"
    return f"{sign}{text}%"


def number(metric: Metric, value: float | None) -> str:
    """A metric's value as its readers write it: a percentage, points, or a ratio."""
    if value is None:
        return UNKNOWN
    if metric.kind == "proportion":
        return percent(value)
    if metric.kind == "difference":
        return percent(value, signed=True).replace("%", " pp")
    return f"{value:.2f}" if value >= 0.01 or value == 0 else f"{value:.2g}"


def span(metric: Metric, interval: Interval | None) -> str:
    """An interval as "4.51 to 4.89%", its unit once; an end without a bound as "∞"."""
    if interval is None:
        return UNKNOWN
    low, high = (
        number(metric, end) if end is not None else "∞" for end in (interval.low, interval.high)
    )
    for unit in ("%", " pp"):
        if low.endswith(unit) and high.endswith(unit):
            low = low.removesuffix(unit)
    return f"{low} to {high}"


def counted(metric: Metric, estimate: Estimate, examples: int) -> str:
    """The counts behind a metric: "12 / 540", or against chance "12 / 25.7 exp."."""
    top, bottom = estimate.numerator, estimate.denominator
    if top is None or bottom is None:
        return UNKNOWN
    if metric.kind == "flip ratio":
        expected = bottom / examples
        return f"{top // examples:,} / {expected:,.{0 if expected >= 1000 else 1}f} exp."
    return f"{top:,} / {bottom:,}".replace("-", "−")


def share(level: float) -> str:
    """A confidence level: "95%"."""
    return f"{level * 100:.10g}%"


def clean(text: str | None) -> str:
    """Text from files without control and other unprintable characters; None as "(none)".

    What a CI server would take for a command (`::error::`, `##[group]`) is broken up too.
    """
    if text is None:
        return "(none)"
    shown = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)
    return (
        shown.replace("##[", "#\\u0023[").replace("::", ":\\u003a")
        if COMMAND.match(shown)
        else shown
    )


def decision(report: Report, quote: Callable[[str], str] = clean) -> str:
    """The verdict in one sentence: ship or not, and why. `quote` shows the names of slices."""
    judged = report.gates
    if report.verdict is None:
        return "No gate was given, so nothing was decided."
    if report.verdict is Verdict.PASS:
        by = " by the estimate alone" if report.settings.decide == "point" else ""
        what = "the gate" if len(judged) == 1 else f"all {len(judged):,} gates"
        return f"May replace the old model: it passes {what}{by}."
    decisive = [each for each in judged if each.verdict is report.verdict]
    rest = len(decisive) - 1
    if report.verdict is Verdict.FAIL:
        more = (
            f", and {plural(rest, 'more gate')} {'fails' if rest == 1 else 'fail'}" if rest else ""
        )
        return f"Do not ship: {_broken(decisive[0], quote)}{more}."
    more = f" {plural(rest, 'more gate')} {'is' if rest == 1 else 'are'} undecided." if rest else ""
    first = decisive[0]
    return f"Do not ship yet: {_limit(first, quote)} is undecided: {first.reason}.{more}"


def _limit(judged: Judgement, quote: Callable[[str], str]) -> str:
    """A gate in few words: "negative flip rate <= 2% where ink=heavy"."""
    gate = judged.gate
    return f"{METRICS[gate.metric].title} {gate.operator} {gate.limit_text}{_where(judged, quote)}"


def _where(judged: Judgement, quote: Callable[[str], str]) -> str:
    """The slice that a judgement is of: " where ink=heavy"."""
    return f" where {quote('='.join(judged.scope))}" if judged.scope else ""


def _broken(judged: Judgement, quote: Callable[[str], str]) -> str:
    """How a failed gate was broken: what was measured, and the limit."""
    metric = METRICS[judged.gate.metric]
    side = "over" if judged.gate.upper else "under"
    measured = f"{metric.title} {number(metric, judged.value)}{_where(judged, quote)}"
    return f"{measured} is {side} the limit of {judged.gate.limit_text}"


def summary(report: Report) -> str:
    """What the update does, in one sentence."""
    total, change = report.tally, report.metrics["error_rate_change"].interval
    old, new = (
        percent(report.metrics[name].value) for name in ("old_error_rate", "new_error_rate")
    )
    better = "The new model is neither clearly better nor worse"
    if change is not None and change.high is not None and change.high < 0:
        better = "The new model is better on average"
    elif change is not None and change.low is not None and change.low > 0:
        better = "The new model is worse on average"
    broken, mended = total.negative_flips, total.positive_flips
    rate = percent(report.metrics["negative_flip_rate"].value)
    broke = (
        f"breaks {broken:,} of {plural(total.examples, 'answer')} ({rate})"
        if broken
        else (f"breaks none of {plural(total.examples, 'answer')}")
    )
    joint = "but" if better.endswith("average") and "better" in better and broken else "and"
    return f"{better} (error {old} → {new}), {joint} it {broke} and mends {mended:,}."


def stopping(report: Report) -> str:
    """How a run that could stop early ended, and what that makes of its intervals."""
    early = report.early_stop
    if early is None:
        return ""
    looked = f"{early.examples:,} of {early.of:,} examples in random order"
    while_running, at_end = share(early.anytime_alpha), share(early.final_alpha)
    if early.stopped:
        how = f"bounds and intervals hold at any time of stopping (mixtures at {while_running}"
        return f"Decided after {looked}: {how}; {at_end} was kept for the end)."
    how = f"exact look at {at_end}, after looks at {while_running} in all while the models ran"
    return f"Not decided early: {looked} and a final {how}."


def equal_errors(report: Report) -> str:
    """The test of equal error rates by its name: "McNemar mid-p"."""
    return "McNemar mid-p" if report.mcnemar.method == "mid-p" else "Anytime-valid p"


def bound_text(judged: Judgement) -> str:
    """What is known of the gated metric: the one-sided bound that decided, "at most 3.58%"."""
    metric = METRICS[judged.gate.metric]
    bound = judged.opposite if judged.verdict is Verdict.FAIL else judged.bound
    upper = judged.gate.upper != (judged.verdict is Verdict.FAIL)
    return (
        UNKNOWN
        if bound is None
        else f"{'at most' if upper else 'at least'} {number(metric, bound)}"
    )


def has_answers(report: Report) -> bool:
    """Whether the report knows what the models answered, and not only right or wrong."""
    return report.metrics["churn"].available or any(
        example.new is not None for example in report.negative_flips.examples
    )


def kind(old: str | None, new: str | None) -> str:
    """A flip as "cat → dog"."""
    return f"{clean(old)} → {clean(new)}"


def worst(slices: Sequence[Slice]) -> list[Slice]:
    """Slices with negative flips: the most surprising first, then the highest rate."""
    flipped = [each for each in slices if each.tally.negative_flips]
    return sorted(
        flipped, key=lambda each: (each.p_value, -each.tally.negative_flips, each.by, each.value)
    )


def next_step(report: Report) -> str:
    """What to look at or do next, in one or two sentences."""
    flips = report.negative_flips
    if not flips.total:
        return "No answer broke; the interval says how many might with other examples."
    top = flips.transitions[0] if flips.transitions else None
    if top is not None and top.count > 1 and top.count * 10 >= flips.total:
        what = (
            f"{top.count:,} of {plural(flips.total, 'negative flip')} are {kind(top.old, top.new)}"
        )
        return f"{what}; look at these first."
    marked = [
        each for each in worst((*report.slices, *report.classes)) if each.p_adjusted <= SIGNIFICANT
    ]
    if marked:
        first = marked[0]
        return (
            f"Negative flips concentrate where {clean(first.by)} is {clean(first.value)}; "
            "look there first."
        )
    return "The negative flips are spread out; read the examples."


def by_urgency(gates: Sequence[Judgement]) -> list[Judgement]:
    """Gates with the failed ones first, then the undecided; as they were given among these."""
    order = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}
    return sorted(gates, key=lambda each: order[each.verdict])


def tallied(gates: Sequence[Judgement]) -> str:
    """How many gates came to which verdict: "2 fail, 10 pass"."""
    counts = {
        verdict: sum(each.verdict is verdict for each in gates)
        for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
    }
    return ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items() if count)


def p_text(value: float) -> str:
    """A p-value; one too small for a float is not 0."""
    return f"{value:.3g}" if value > 0 else "<1e-300"


def confident(example: Example) -> str:
    """How sure the new model is of its wrong answer."""
    return UNKNOWN if example.new_confidence is None else f"{example.new_confidence:.2f}"
