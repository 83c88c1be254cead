"""What every reporter says of critical examples, waivers and label noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import plural
from flipcheck.metrics import METRICS
from flipcheck.reporters import words

if TYPE_CHECKING:
    from flipcheck.policy import Critical, LabelNoise, Waiver, Waivers
    from flipcheck.report import Report


def critical(part: Critical) -> str:
    """How many critical examples broke, in one sentence."""
    could, examples = part.tally.could_break, plural(part.tally.examples, "critical example")
    if part.tally.graded:
        falls = f"{len(part.broken):,}" if part.broken else "none"
        return f"Of {examples} the new model makes {falls} worse."
    if not could:
        return f"Of {examples} the old model gets none right: nothing could break."
    breaks = f"{len(part.broken):,}" if part.broken else "none"
    return f"Of {examples} the old model gets {could:,} right; the new one breaks {breaks} of them."


def waivers(part: Waivers, report: Report) -> str:
    """How many negative flips are waived, and what that changes, in one sentence."""
    flips = plural(report.negative_flips.total, "negative flip")
    told = f"{part.used:,} of {flips} {'is' if part.used == 1 else 'are'} waived"
    if report.verdict is None:
        return f"{told}; there are no gates."
    if part.verdict_without is report.verdict:
        return f"{told}; the verdict is the same without waivers."
    return f"{told}; without waivers the verdict is {words.TITLES[part.verdict_without]}."


def by_use(part: Waivers) -> list[Waiver]:
    """The waivers by id, those that waive a flip before those that are no longer needed."""
    return sorted(part.listed, key=lambda each: (not each.used, each.id))


def label_noise(part: LabelNoise) -> str:
    """Between which rates the negative flip rate lies, in one sentence."""
    metric = METRICS["negative_flip_rate"]
    low, high = (words.number(metric, rate) for rate in part.rates)
    between = f"{low.removesuffix('%')} to {high}" if low != high else low
    return (
        f"If up to {words.share(part.share)} of the {part.judged_by}s ({part.labels:,}) are wrong, "
        f"the negative flip rate is {between} ({part.flips[0]:,} to {part.flips[1]:,} flips), and "
        f"with {words.share(part.interval.level)} confidence {words.span(metric, part.interval)}."
    )
