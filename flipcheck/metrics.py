"""The metrics of a model update: one table, each a named value over a tally.

Reports, gates, `flipcheck explain` and the documentation all read METRICS. Every metric is a
numerator over a denominator, both whole numbers on a tally; a denominator of 0 is undefined.
Names, formulas and sources are those of METRICS.md §1, with the cells a (both right),
b (negative flips), c (positive flips), d = d_same + d_diff (both wrong) and N = a + b + c + d.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from flipcheck.outcomes import Tally

Kind = Literal[
    "proportion",
    "difference",
    "error ratio",
    "flip ratio",
    "odds",
    "cost",
    "excess",
    "count",
    "score",
    "score change",
    "mean score",
]
"""What decides the interval: an exact one for a proportion, a score interval for a paired
difference, a hybrid score interval for the ratio of paired rates, log-delta for the ratio to
independent flips, exact odds for c/b; a cost and an excess over noise need more than counts, and
a count has no interval. Of scores, gamma intervals for what few examples may have, and for means,
and a hybrid of two for a change."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A value over a tally, what it means and where it was first defined."""

    name: str
    title: str
    abbreviation: str
    meaning: str
    formula: str
    source: str
    numerator: Callable[[Any], Any]
    denominator: Callable[[Any], Any]
    kind: Kind = "proportion"
    needs_split: bool = False
    needs: Literal["", "costs", "reruns", "scores"] = ""
    needs_right: bool = True
    better: Literal["lower", "higher", "neither"] = "lower"

    def value(self, tally: Tally) -> float | None:
        """The metric of a tally; None where it is undefined or not available."""
        denominator = self.denominator(tally)
        if not denominator or not self.available(tally):
            return None
        return float(self.numerator(tally) / denominator)

    def available(self, tally: Tally) -> bool:
        """Whether the source can support the metric at all."""
        defined = not (self.needs_right and tally.graded)
        return (tally.split or not self.needs_split) and not self.needs and defined


_TABLE = (
    Metric(
        name="old_error_rate",
        title="old error rate",
        abbreviation="ER old",
        meaning="The share of examples that the old model answers wrong.",
        formula="(c + d) / N",
        source="standard",
        numerator=lambda t: t.old_wrong,
        denominator=lambda t: t.examples,
    ),
    Metric(
        name="new_error_rate",
        title="new error rate",
        abbreviation="ER new",
        meaning="The share of examples that the new model answers wrong.",
        formula="(b + d) / N",
        source="standard",
        numerator=lambda t: t.new_wrong,
        denominator=lambda t: t.examples,
    ),
    Metric(
        name="error_rate_change",
        title="error rate change",
        abbreviation="ΔER",
        meaning="How much the error rate grows (new − old); below 0 the new model is better.",
        formula="(b − c) / N",
        source="standard; score interval of Tango, Statistics in Medicine 1998",
        numerator=lambda t: t.negative_flips - t.positive_flips,
        denominator=lambda t: t.examples,
        kind="difference",
    ),
    Metric(
        name="error_ratio",
        title="error ratio",
        abbreviation="error ratio",
        meaning="The new model's errors for each error of the old one; below 1 it is better.",
        formula="(b + d) / (c + d) = ER_new / ER_old",
        source="standard; hybrid score interval of Bonett & Price, JEBS 2006",
        numerator=lambda t: t.new_wrong,
        denominator=lambda t: t.old_wrong,
        kind="error ratio",
    ),
    Metric(
        name="negative_flip_rate",
        title="negative flip rate",
        abbreviation="NFR",
        meaning="The share of all examples that the old model got right and the new one breaks.",
        formula="b / N",
        source="Yan et al., CVPR 2021, eq. 2",
        numerator=lambda t: t.negative_flips,
        denominator=lambda t: t.examples,
        needs_right=False,
    ),
    Metric(
        name="positive_flip_rate",
        title="positive flip rate",
        abbreviation="PFR",
        meaning="The share of all examples that the old model got wrong and the new one mends.",
        formula="c / N",
        source="Yan et al., CVPR 2021",
        numerator=lambda t: t.positive_flips,
        denominator=lambda t: t.examples,
        needs_right=False,
        better="higher",
    ),
    Metric(
        name="relative_negative_flip_rate",
        title="relative negative flip rate",
        abbreviation="relative NFR",
        meaning="Negative flips against what two models with independent errors would make: "
        "1 means that the new model keeps nothing of the old one's knowledge of what is right.",
        formula="NFR / ((1 − ER_old) · ER_new) = N·b / ((a + b)(b + d))",
        source="Yan et al., CVPR 2021, eq. 11",
        numerator=lambda t: t.negative_flips * t.examples,
        denominator=lambda t: t.old_right * t.new_wrong,
        kind="flip ratio",
    ),
    Metric(
        name="negative_flip_impact",
        title="negative flip impact",
        abbreviation="NFI",
        meaning="The share of the new model's errors that are negative flips.",
        formula="b / (b + d) = NFR / ER_new",
        source="Cai et al., NeurIPS 2022",
        numerator=lambda t: t.negative_flips,
        denominator=lambda t: t.new_wrong,
    ),
    Metric(
        name="positive_flip_impact",
        title="positive flip impact",
        abbreviation="PFI",
        meaning="The share of the new model's right answers that are positive flips.",
        formula="c / (a + c)",
        source="Cai et al., NeurIPS 2022",
        numerator=lambda t: t.positive_flips,
        denominator=lambda t: t.new_right,
        better="higher",
    ),
    Metric(
        name="backward_trust_compatibility",
        title="backward trust compatibility",
        abbreviation="BTC",
        meaning="The share of the old model's right answers that stay right.",
        formula="a / (a + b) = 1 − NFR / (1 − ER_old)",
        source="Bansal et al., AAAI 2019",
        numerator=lambda t: t.both_right,
        denominator=lambda t: t.old_right,
        better="higher",
    ),
    Metric(
        name="backward_error_compatibility",
        title="backward error compatibility",
        abbreviation="BEC",
        meaning="The share of the new model's errors that the old model made as well.",
        formula="d / (b + d) = 1 − NFI",
        source="Srivastava et al., KDD 2020",
        numerator=lambda t: t.both_wrong,
        denominator=lambda t: t.new_wrong,
        better="higher",
    ),
    Metric(
        name="churn",
        title="churn",
        abbreviation="churn",
        meaning="The share of examples on which the two models give different answers. Where the "
        "data's own verdict decides, that includes two right answers that differ.",
        formula="P(old answer ≠ new answer) = (b + c + d_diff) / N",
        source="Milani Fard et al., NeurIPS 2016",
        numerator=lambda t: t.different_answers,
        denominator=lambda t: t.examples,
        needs_split=True,
        better="neither",
    ),
    Metric(
        name="flips",
        title="flips",
        abbreviation="flips",
        meaning="The share of examples whose correctness changes, either way.",
        formula="(b + c) / N",
        source="Dutta et al., NeurIPS 2024",
        numerator=lambda t: t.negative_flips + t.positive_flips,
        denominator=lambda t: t.examples,
        needs_right=False,
        better="neither",
    ),
    Metric(
        name="inconsistent_flip_rate",
        title="inconsistent flip rate",
        abbreviation="NFR_mc",
        meaning="The share of examples where the new model is wrong and answers otherwise than "
        "the old one.",
        formula="(b + d_diff) / N",
        source="Echterhoff et al. (MUSCLE), Apple 2024",
        numerator=lambda t: t.negative_flips - t.negative_flips_same + t.both_wrong_different,
        denominator=lambda t: t.examples,
        needs_split=True,
    ),
    Metric(
        name="win_loss_ratio",
        title="win/loss ratio",
        abbreviation="wins/losses",
        meaning="Positive flips for each negative flip.",
        formula="c / b = PFR / NFR",
        source="standard; exact conditional odds given b + c",
        numerator=lambda t: t.positive_flips,
        denominator=lambda t: t.negative_flips,
        kind="odds",
        needs_right=False,
        better="higher",
    ),
    Metric(
        name="expected_cost",
        title="expected cost",
        abbreviation="cost",
        meaning="What the negative flips cost, for each example, by the cost matrix.",
        formula="Σ cost(right answer, new answer) over the negative flips / N",
        source="standard (decision theory); gamma interval of Fay & Feuer, Stat. Med. 1997",
        numerator=lambda t: t.cost,
        denominator=lambda t: t.examples,
        kind="cost",
        needs="costs",
    ),
    Metric(
        name="excess_negative_flip_rate",
        title="excess negative flip rate",
        abbreviation="excess NFR",
        meaning="Negative flips beyond those that running or training the old model again makes.",
        formula="NFR − mean NFR of the reruns of the old model",
        source="the noise floor of Milani Fard et al., NeurIPS 2016; interval of Tango 1998",
        numerator=lambda t: t.excess_flips - t.noise_flips,
        denominator=lambda t: t.examples,
        kind="excess",
        needs="reruns",
    ),
    Metric(
        name="old_mean_score",
        title="old mean score",
        abbreviation="score old",
        meaning="The mean score of the old model's answers.",
        formula="Σ S_old / N",
        source="standard; gamma interval of Fay & Feuer, Stat. Med. 1997",
        numerator=lambda t: t.old_score,
        denominator=lambda t: t.examples,
        kind="mean score",
        needs="scores",
        needs_right=False,
        better="higher",
    ),
    Metric(
        name="new_mean_score",
        title="new mean score",
        abbreviation="score new",
        meaning="The mean score of the new model's answers.",
        formula="Σ S_new / N",
        source="standard; gamma interval of Fay & Feuer, Stat. Med. 1997",
        numerator=lambda t: t.old_score + t.score_change,
        denominator=lambda t: t.examples,
        kind="mean score",
        needs="scores",
        needs_right=False,
        better="higher",
    ),
    Metric(
        name="mean_score_change",
        title="mean score change",
        abbreviation="Δscore",
        meaning="How much the mean score rises (new − old); below 0 the new model is worse.",
        formula="Σ D / N, D = S_new − S_old",
        source="standard; hybrid (MOVER) of two gamma intervals, Zou & Donner, Stat. Med. 2008",
        numerator=lambda t: t.score_change,
        denominator=lambda t: t.examples,
        kind="score change",
        needs="scores",
        needs_right=False,
        better="higher",
    ),
    Metric(
        name="mean_gain",
        title="mean gain",
        abbreviation="gain",
        meaning="What answers that became better by more than the tolerance T gained, for each "
        "of all examples.",
        formula="Σ D·[D > T] / N, D = S_new − S_old",
        source="Echterhoff et al. (MUSCLE), Apple 2024; gamma interval of Fay & Feuer 1997",
        numerator=lambda t: t.gain,
        denominator=lambda t: t.examples,
        kind="score",
        needs="scores",
        needs_right=False,
        better="higher",
    ),
    Metric(
        name="mean_regression",
        title="mean regression",
        abbreviation="regression",
        meaning="What answers that became worse by more than the tolerance T lost, for each of "
        "all examples.",
        formula="Σ −D·[D < −T] / N, D = S_new − S_old",
        source="Echterhoff et al. (MUSCLE), Apple 2024; gamma interval of Fay & Feuer 1997",
        numerator=lambda t: t.regression,
        denominator=lambda t: t.examples,
        kind="score",
        needs="scores",
        needs_right=False,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _TABLE}
"""Every metric by its name, in the order of reports."""

COUNTED = {name: metric for name, metric in METRICS.items() if not metric.needs}
"""The metrics that are functions of a tally alone."""
CRITICAL = Metric(
    name="critical_negative_flips",
    title="critical negative flips",
    abbreviation="critical",
    meaning="How many of the critical examples (--critical FILE) the new model breaks. It is "
    "counted, not estimated: --critical judges 'critical_negative_flips <= 0', whatever the rate.",
    formula="b among the critical examples, of the a + b that could break",
    source="flipcheck",
    numerator=lambda t: t.negative_flips,
    denominator=lambda t: t.old_right,
    kind="count",
)
"""What a gate on the critical examples counts; it is of their own tally, not of the audit's."""

SLICE_METRICS = (
    "old_error_rate",
    "new_error_rate",
    "error_rate_change",
    "negative_flip_rate",
    "positive_flip_rate",
)
"""What a report tells of each slice and class; its tally has the rest."""

GRADED_SLICE_METRICS = (
    *("negative_flip_rate", "positive_flip_rate"),
    *("mean_score_change", "mean_gain", "mean_regression"),
)
"""The same where answers are graded."""

GRADED = tuple(name for name, metric in METRICS.items() if not metric.needs_right)
"""The metrics that are defined where answers are graded."""


ACCURACY = ("accuracy", "acc", "new_accuracy", "old_accuracy", "accuracy_change")


def metric(name: str) -> Metric:
    """The metric of that name. Raises UsageError that names the nearest one."""
    if name in METRICS:
        return METRICS[name]
    if name == CRITICAL.name:
        return CRITICAL
    if name.lower() in ACCURACY:
        hint = "accuracy is 1 − the error rate: write 'new_error_rate <= 10%' for 90% accuracy, or "
        hint += "'error_rate_change <= 1%' for at most one point less"
        raise UsageError(f"no metric {name!r}", hint=hint)
    short = {each.abbreviation.lower(): each.name for each in _TABLE}
    if name.lower() in short:
        raise UsageError(f"no metric {name!r}", hint=f"its name is {short[name.lower()]!r}")
    raise UsageError(f"no metric {name!r}", hint=nearest(name, [*METRICS, CRITICAL.name]))
