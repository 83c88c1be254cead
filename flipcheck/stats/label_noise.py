"""What the negative flip rate may be where some labels are wrong.

An example is a negative flip under some label only where the two answers differ, and it is one
under just one label: the old answer. So k wrong labels make the negative flips at least b − k
and at most b + min(k, m), where m counts the other examples whose answers differ; both are
reached unless an old answer is missing. Two classes or more make no difference: a label that
leaves a flip turns it into something else, whatever that is. Where the data's own verdict
decides, two right answers may differ and one answer may be judged two ways, so that any example
may be a flip under another verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flipcheck.stats.intervals import Interval, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Callable

    from flipcheck.outcomes import Cells


def breakable(tally: Cells, judged_by: Literal["label", "verdict"]) -> int:
    """How many examples are no negative flip, and may be one under another label or verdict."""
    if judged_by == "verdict":
        return int(tally.examples - tally.negative_flips)
    return int(tally.different_answers - tally.negative_flips + tally.negative_flips_same)


def flips_between(flips: int, labels: int, other: int) -> tuple[int, int]:
    """The fewest and most negative flips with up to so many wrong labels; `other` may break."""
    return max(0, flips - labels), flips + min(labels, other)


def joint_interval(flips: tuple[int, int], examples: int, level: float) -> Interval:
    """From the low end at the fewest flips to the high end at the most (Clopper–Pearson).

    Both ends grow with the count, so that this holds every interval in between, the one of the
    true labels among them: it covers at the level whichever labels are wrong.
    """
    low, high = clopper_pearson(flips, examples, level)
    return Interval(float(low[0]), float(high[1]), level, "clopper-pearson")


def most_passing(passes: Callable[[int], bool], most: int) -> int:
    """The largest number from 0 to `most` that passes, where all up to some number do, 0 too."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if passes(middle) else (low, middle - 1)
    return low
