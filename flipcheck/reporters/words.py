"""The words and numbers that every reporter shares, so that all say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import one_line, plural
from flipcheck.gates import Judgement, Verdict
from flipcheck.metrics import METRICS, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flipcheck.report import Estimate, Example, Report, Scores, Slice, Transition
    from flipcheck.stats.discovery import Discovery, Finding
    from flipcheck.stats.intervals import Interval

UNKNOWN = "–"
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
    if metric.kind == "cost" or metric.needs == "scores":
        return score(value, signed=metric.kind == "score change")
    if metric.kind in {"difference", "excess"}:
        return percent(value, signed=True).replace("%", " pp")
    if metric.kind == "count":
        return f"{value:,}"
    return f"{value:.2f}" if value >= 0.01 or value == 0 else f"{value:.2g}"


def score(value: float | None, *, signed: bool = False) -> str:
    """A score, or a difference of two."""
    if value is None:
        return UNKNOWN
    sign = "−" if value < 0 else "+" if signed and value > 0 else ""
    return f"{sign}{abs(value):.4g}"


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
        return f"{int(top // examples):,} / {expected:,.{0 if expected >= 1000 else 1}f} exp."
    return f"{amount(top)} / {amount(bottom)}".replace("-", "−")


def amount(number: float) -> str:
    """A count, or a sum of weights: "1,234", "12.5"."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.5g}"


def drawn(report: Report) -> str:
    """How the examples were drawn, where that is not one by one."""
    data, parts = report.data, []
    if data.clusters is not None:
        parts.append(f"in {plural(data.clusters, 'cluster')} by {clean(data.cluster)}")
    if data.weighted:
        parts.append(f"weighted by {clean(data.weight)}")
    if data.effective_examples is not None:
        effect = report.metrics["negative_flip_rate"].design_effect
        told = "" if effect is None else f" (design effect {effect:.2f})"
        parts.append(f"as sure of the NFR as {data.effective_examples:,.0f} drawn singly{told}")
    return ", ".join(parts)


TESTS = {
    "mid-p": "McNemar mid-p",
    "clustered": "McNemar's test over units",
    "anytime-valid": "Anytime-valid p",
}
SIGN_TESTS = {"mid-p": "Sign test (mid-p)", "clustered": "Sign test over units"}


def mcnemar(report: Report) -> str:
    """The test of equal error rates, in one line."""
    name = TESTS[report.mcnemar.method]
    if report.scores is not None:
        name = SIGN_TESTS[report.mcnemar.method]
        return f"{name} that as many scores fall as rise: {p_text(report.mcnemar.p_value)}"
    return f"{name} of equal error rates: {p_text(report.mcnemar.p_value)}"


def gate_level(report: Report) -> str:
    """The confidence of the bounds that decided; what a run that may stop early spends on them."""
    early = report.early_stop
    if early is None:
        return share(report.settings.confidence)
    return share(1 - (early.anytime_alpha if early.stopped else early.final_alpha))


def counts_told(report: Report) -> str:
    """The heading over counts, which are those of examples though their shares are weighted."""
    return "counts, unweighted" if report.data.weighted else "counts"


def share(level: float) -> str:
    """A confidence level: "95%"."""
    return f"{level * 100:.10g}%"


def clean(text: str | None) -> str:
    """Text from files without control and other unprintable characters; None as "(none)".

    What a CI server would take for a command (`::error::`, `##[group]`) is broken up too.
    """
    return "(none)" if text is None else one_line(text)


def answer(text: str | None) -> str:
    """An answer or a label; the empty set, or a text of which nothing is left, as "(empty)"."""
    return clean(text) or "(empty)"


def decision(
    report: Report, quote: Callable[[str], str] = clean, say: Callable[[str], str] = clean
) -> str:
    """The verdict in one sentence: ship or not, and why; and what it hangs on, in another.

    `quote` shows the names of slices, and `say` why a gate is undecided.
    """
    return " ".join([_decided(report, quote, say), *_provisos(report)])


def _provisos(report: Report) -> list[str]:
    """What the verdict would not be without: waivers, and labels that are right."""
    found, waivers = [], report.waivers
    if waivers is not None and waivers.verdict_without is not report.verdict:
        verdict, without = TITLES[report.verdict], TITLES[waivers.verdict_without]
        found.append(f"{verdict} with {plural(waivers.used, 'waiver')}; without them {without}.")
    least = min(
        (each.wrong_labels for each in report.gates if each.wrong_labels is not None), default=None
    )
    if report.verdict is Verdict.PASS and report.label_noise is not None and least is not None:
        enough = plural(least + 1, f"wrong {report.label_noise.judged_by}")
        most = report.label_noise.labels
        found.append(f"But {enough} could undo that, and up to {most:,} may be wrong.")
    return found


def _decided(report: Report, quote: Callable[[str], str], say: Callable[[str], str]) -> str:
    judged = report.gates
    if report.verdict is None:
        return "No gate was given, so nothing was decided."
    if report.verdict is Verdict.PASS:
        by = " by the estimate alone" if report.settings.decide == "point" else ""
        return f"May replace the old model: it passes {_passed(judged)}{by}."
    decisive = by_urgency([each for each in judged if each.verdict is report.verdict])
    rest = len(decisive) - 1
    if report.verdict is Verdict.FAIL:
        more = f", and {_more(decisive)} {'fails' if rest == 1 else 'fail'}" if rest else ""
        return f"Do not ship: {_broken(decisive[0], quote)}{more}."
    more = f" {_more(decisive)} {'is' if rest == 1 else 'are'} undecided." if rest else ""
    first = decisive[0]
    return f"Do not ship yet: {_limit(first, quote)} is undecided: {say(first.reason)}.{more}"


def _passed(judged: Sequence[Judgement]) -> str:
    """What was passed: "the gate", "both gates", "the gate on all 10 slices"."""
    passed = [each for each in judged if each.verdict is Verdict.PASS]
    gates = len({str(each.gate) for each in passed})
    what = {1: "the gate", 2: "both gates"}.get(gates, f"all {gates:,} gates")
    slices, small = sum(each.scope is not None for each in passed), len(judged) - len(passed)
    if gates == 1 and small:
        return f"{what} on {slices:,} of {slices + small:,} slices (the others too small to judge)"
    what += f" on all {slices:,} slices" if gates == 1 and slices > 1 else ""
    return f"{what} ({plural(small, 'slice')} too small to judge)" if small else what


MORE = {"gate": "gates", "slice": "slices", "gate or slice": "gates or slices"}


def _more(decisive: Sequence[Judgement]) -> str:
    """What judgements after the first are, and how many: "1 more gate", "9 more slices"."""
    rest, what = len(decisive) - 1, "gate"
    if len({str(each.gate) for each in decisive}) == 1:
        what = "slice"
    elif any(each.scope for each in decisive):
        what = "gate or slice"
    return f"{rest:,} more {what if rest == 1 else MORE[what]}"


def _limit(judged: Judgement, quote: Callable[[str], str]) -> str:
    """A gate in few words: "negative flip rate <= 2% where ink=heavy"."""
    gate = judged.gate
    return f"{gate.measures.title} {gate.operator} {gate.limit_text}{_where(judged, quote)}"


def _where(judged: Judgement, quote: Callable[[str], str]) -> str:
    """The slice that a judgement is of: " where ink=heavy"."""
    return f" where {quote('='.join(judged.scope))}" if judged.scope else ""


def _broken(judged: Judgement, quote: Callable[[str], str]) -> str:
    """How a failed gate was broken: what was measured, and the limit."""
    metric = judged.gate.measures
    if metric.kind == "count":
        return f"{plural(int(judged.numerator or 0), 'critical example')} broke"
    side = "over" if judged.gate.upper else "under"
    measured = f"{metric.title} {number(metric, judged.value)}{_where(judged, quote)}"
    return f"{measured} is {side} the limit of {judged.gate.limit_text}"


def summary(report: Report) -> str:
    """What the update does, in one sentence."""
    if report.scores is not None:
        return _graded_summary(report, report.scores)
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
    rate += " by weight" if report.data.weighted else ""
    broke = (
        f"breaks {broken:,} of {plural(total.examples, 'answer')} ({rate})"
        if broken
        else (f"breaks none of {plural(total.examples, 'answer')}")
    )
    joint = "but" if better.endswith("average") and "better" in better and broken else "and"
    return f"{better} (error {old} → {new}), {joint} it {broke} and mends {mended:,}."


def _graded_summary(report: Report, scores: Scores) -> str:
    """What the update does to the scores, in one sentence."""
    total, change = report.tally, report.metrics["mean_score_change"].interval
    old, new = (score(report.metrics[name].value) for name in ("old_mean_score", "new_mean_score"))
    better = "neither clearly better nor worse"
    if change is not None and change.low is not None and change.low > 0:
        better = "better on average"
    elif change is not None and change.high is not None and change.high < 0:
        better = "worse on average"
    fell, rose = total.negative_flips, total.positive_flips
    rate = percent(report.metrics["negative_flip_rate"].value)
    rate += " by weight" if report.data.weighted else ""
    answers = plural(total.examples, "answer")
    worse = f"{fell:,} of {answers} worse ({rate})" if fell else f"none of {answers} worse"
    by = f", by more than {scores.tolerance:g}" if scores.tolerance else ""
    joint = "but" if better.startswith("better") and fell else "and"
    return (
        f"The new model is {better} (mean score {old} → {new}), {joint} it makes {worse} and "
        f"{rose:,} better{by}."
    )


def graded(report: Report) -> str:
    """What the scores are, and when one counts as changed."""
    scores = report.scores
    if scores is None:
        return ""
    name = clean(scores.new)
    if scores.old != scores.new:
        name = f"{clean(scores.old)} → {clean(scores.new)}"
    counts = f"up to {scores.tolerance:g} is no change" if scores.tolerance else "any change counts"
    seen = "" if scores.given or (scores.low, scores.high) == (0, 1) else " as seen"
    return f"{name}, from {scores.low:g} to {scores.high:g}{seen}; {counts}"


def undefined(report: Report) -> str:
    """The metrics that graded answers do not have; nothing where answers are right or wrong."""
    if report.scores is None:
        return ""
    return "Graded answers are not right or wrong: there are no error rates and no churn."


def defined(report: Report) -> dict[str, Estimate]:
    """The metrics that reports show: of graded answers only those that there are."""
    shown = report.metrics.items()
    return {name: each for name, each in shown if each.available or report.scores is None}


def fall(example: Example) -> str:
    """How far a score fell: "0.82 → 0.31"."""
    return f"{score(example.old_score)} → {score(example.new_score)}"


def change(example: Example) -> str:
    """By how much a score changed: "−0.51"."""
    if example.old_score is None or example.new_score is None:
        return UNKNOWN
    return score(example.new_score - example.old_score, signed=True)


def task(report: Report) -> str:
    """What was asked, and when an answer was right; nothing for one class an example."""
    found = report.task
    if found is None:
        return ""
    cuts = found.threshold or ()
    told = [f"{TASKS[found.kind]}; right: {found.right}"]
    if cuts:
        old, new = ("uncut" if each is None else f"{each:g}" for each in cuts)
        told.append(f"threshold {old}" if old == new else f"threshold {old} (old), {new} (new)")
    return "; ".join(told)


TASKS = {
    "classes": "one class an example",
    "binary": "one of two classes, by a score",
    "multilabel": "several labels an example",
    "ranked": "ranked answers",
    "text": "text answers",
}


def declined(report: Report) -> str:
    """How many answers each side leaves open, and how many flips that makes."""
    found = report.task and report.task.abstentions
    if not found:
        return ""
    old, new = (percent(side.coverage) for side in (found.old, found.new))
    wrong, wrong_now = (percent(side.error) for side in (found.old, found.new))
    lost, flips = found.flips_by_abstention, report.tally.negative_flips
    return (
        f"Abstentions {found.old.abstained:,} → {found.new.abstained:,} (answered {old} → {new}; "
        f"error among the answered {wrong} → {wrong_now}). Of {plural(flips, 'negative flip')} "
        f"{lost:,} decline and {found.flips_by_wrong_answer:,} answer wrongly; all of them count."
    )


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


def bound_text(judged: Judgement, scores: Scores | None = None) -> str:
    """What is known of the gated metric: the one-sided bound that decided, "at most 3.58%"."""
    metric = judged.gate.measures
    if metric.kind == "count":
        before = "that could fall" if scores else "right before"
        return f"of {judged.denominator or 0:,} {before}"
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
    return f"{answer(old)} → {answer(new)}"


def kinds(report: Report) -> tuple[Transition, ...]:
    """The kinds of negative flips; none where the first answers do not say what broke."""
    return () if is_ranked(report) else report.negative_flips.transitions


def is_ranked(report: Report) -> bool:
    """Whether an answer that is not the first can be right."""
    return report.task is not None and (report.task.top_k or 1) > 1


def answer_titles(report: Report) -> tuple[str, str]:
    """What the columns of both sides' answers are called."""
    return ("old first", "new first") if is_ranked(report) else ("old answer", "new answer")


def first_line(text: str) -> str:
    """The first line of a text that is not empty, cleaned; with "…" where there is more."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "" if not lines else clean(lines[0]) + (" …" if len(lines) > 1 else "")


def shown_columns(report: Report) -> list[str]:
    """The columns that are shown beside each listed flip, in their order."""
    return list(
        dict.fromkeys(name for each in report.negative_flips.examples for name in each.shown)
    )


def worst(slices: Sequence[Slice]) -> list[Slice]:
    """Judged slices with negative flips: the most surprising first, then those of most flips."""
    return [each for each in ranked(slices) if each.tally.negative_flips and not each.too_small]


def ranked(slices: Sequence[Slice]) -> list[Slice]:
    """Slices with the most surprising first, and those too small to judge last."""

    def key(each: Slice) -> tuple[float, int, str, str]:
        chance = 2 if each.p_value is None else each.p_value
        return chance, -each.tally.negative_flips, each.by, each.value

    return sorted(slices, key=key)


def is_marked(part: Slice) -> bool:
    """Whether a slice flips more than the rest, after Holm's correction."""
    return part.p_adjusted is not None and part.p_adjusted <= SIGNIFICANT


def family(part: Slice) -> str:
    """What is known of a slice as one of all that were looked at."""
    at_once = span(METRICS["negative_flip_rate"], part.simultaneous)
    return f"q {p_text(part.q_value)} (Benjamini–Hochberg); {at_once} with all slices at once"


def unjudged(slices: Sequence[Slice], report: Report) -> str:
    """How many slices --min-slice leaves out of the tests; nothing where none is."""
    count, least = sum(each.too_small for each in slices), report.settings.min_slice
    if not count:
        return ""
    return f"{plural(count, 'slice')} of fewer than {least:,} examples: too small to judge"


def searched(found: Discovery) -> str:
    """What a discovery looked at: "510 slices of 50 or more examples, by ink, class …"."""
    columns = ", ".join(clean(each) for each in found.columns)
    few = f"{plural(found.candidates, 'slice')} of {found.smallest:,} or more examples"
    return f"{few}, by {columns}" + (" and pairs of these" if len(found.columns) > 1 else "")


def outcome(found: Discovery) -> str:
    """What a discovery came to, and what its p-values hold for."""
    if not found.candidates:
        return (
            f"nothing was searched: no slice of {found.smallest:,} or more examples beside others"
        )
    if found.confirm is None:
        if not found.found:
            return "nothing found: flips concentrate nowhere more than chance would have it"
        ends = "p and intervals hold" if found.found[0].interval else "p holds"
        return f"{ends} for all searched ({found.permutations:,} permutations)"
    proposed = f"{found.proposed:,} proposed by one half of the examples"
    if not found.found:
        return f"nothing found: {proposed}, none confirmed by the other"
    return f"{proposed}, {len(found.found):,} confirmed by the other, whose numbers these are"


def conjunction(found: Finding, quote: Callable[[str], str] = clean) -> str:
    """A subgroup as "ink = heavy, class = three"."""
    return ", ".join(quote(f"{by} = {value}") for by, value in found.where)


def by_urgency(gates: Sequence[Judgement]) -> list[Judgement]:
    """Gates with the failed ones first, then the undecided; the slices of one from the worst."""
    order = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2, None: 3}
    place = {gate: at for at, gate in enumerate(dict.fromkeys(each.gate for each in gates))}

    def urgency(each: Judgement) -> tuple[int, int, float]:
        beyond = 0.0 if each.value is None else each.value - each.gate.limit
        return order[each.verdict], place[each.gate], -beyond if each.gate.upper else beyond

    return sorted(gates, key=urgency)


def tallied(gates: Sequence[Judgement]) -> str:
    """How many gates came to which verdict: "2 fail, 10 pass"."""
    counts = {
        verdict: sum(each.verdict is verdict for each in gates)
        for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, None)
    }
    return ", ".join(f"{count:,} {judged(verdict)}" for verdict, count in counts.items() if count)


def judged(verdict: Verdict | None) -> str:
    """The word for what became of one gate or slice of it."""
    return verdict or "too small"


def p_text(value: float | None) -> str:
    """A p-value; one too small for a float is not 0."""
    if value is None:
        return UNKNOWN
    return f"{value:.3g}" if value > 0 else "<1e-300"


def confident(example: Example) -> str:
    """How sure the new model is of its wrong answer."""
    return sure(example.new_confidence)


def sure(confidence: float | None) -> str:
    """A model's confidence in its answer."""
    return UNKNOWN if confidence is None else f"{confidence:.2f}"
