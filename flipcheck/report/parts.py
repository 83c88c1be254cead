"""What a report is made of: the models, the data, the settings, and what was found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flipcheck.gates import Decide
    from flipcheck.outcomes import Tally
    from flipcheck.stats.design import Design
    from flipcheck.stats.effective import Bound
    from flipcheck.stats.intervals import Interval

"""What reading a damaged report may raise."""
CLOSEST = 1e-7
"""How near to its ends a confidence level may come, for its bounds to keep their digits."""


def check_texts(*values: object) -> None:
    """Raise TypeError for what should be text and is not."""
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is no text")


@dataclass(frozen=True, slots=True)
class Model:
    """One of the two sides: where its answers come from."""

    name: str
    source: str
    sha256: str | None = None
    classes: int | None = None
    missing_answers: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_texts(self.name, self.source, *self.facts)


@dataclass(frozen=True, slots=True)
class Data:
    """The labelled examples that both models were judged on."""

    source: str | None
    examples: int
    sha256: str | None = None
    dropped: int = 0
    label_disagreements: int = 0
    clusters: int | None = None
    weighted: bool = False
    cluster: str | None = None
    weight: str | None = None
    effective_examples: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the numbers depend on beside the data."""

    confidence: float = 0.95
    resamples: int = 10_000
    seed: int = 0
    decide: Decide = "bound"
    bound: Bound = "default"
    listed: int = 100
    min_slice: int = 0
    quantiles: int = 4

    def __post_init__(self) -> None:
        if not isinstance(self.confidence, (int, float)):
            raise UsageError(f"confidence is {self.confidence!r}", hint="give a number, as 0.95")
        if not 0.5 + CLOSEST < self.confidence < 1 - CLOSEST:
            raise UsageError(
                f"a confidence of {self.confidence:g} is out of range",
                hint="give a level from 0.500001 to 0.999999, as in --confidence 0.95",
            )
        if self.decide not in {"bound", "point"}:
            raise UsageError(f"decide is 'bound' or 'point', not {self.decide!r}")
        if self.bound not in {"default", "strict"}:
            raise UsageError(f"bound is 'default' or 'strict', not {self.bound!r}")
        for name in ("resamples", "seed", "listed", "min_slice", "quantiles"):
            if not isinstance(getattr(self, name), int):
                raise UsageError(f"{name} is {getattr(self, name)!r}", hint="give a whole number")
            if getattr(self, name) < 0:
                raise UsageError(f"{name} is {getattr(self, name)}", hint="give 0 or more")
        if self.quantiles == 1:
            raise UsageError("quantiles is 1: one slice is no slice", hint="0 cuts no column")


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """How a run that could stop early ended: on how many of the examples, after how many looks.

    Where it stopped, bounds and intervals are anytime-valid and had `anytime_alpha` to spend;
    where it went through, they are those of a fixed set and had `final_alpha`.
    """

    stopped: bool
    examples: int
    of: int
    looks: int
    anytime_alpha: float
    final_alpha: float

    def __post_init__(self) -> None:
        if self.stopped is not (self.examples < self.of) or self.examples > self.of:
            raise ValueError("a run stopped early where it left examples out")
        if not 0 < self.anytime_alpha < self.final_alpha < 0.5:
            raise ValueError("its alphas are out of range")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's value with its counts and intervals; None where undefined or not available.

    With weights the value is the weighted one, and the counts are those of examples. The design
    effect is how many times clusters and weights multiply the variance; None where there are none.
    """

    value: float | None
    numerator: float | None
    denominator: float | None
    interval: Interval | None
    bootstrap: Interval | None = None
    bca: Interval | None = None
    design_effect: float | None = None
    available: bool = True


@dataclass(frozen=True, slots=True)
class Slice:
    """A subgroup: its tally, its metrics, and whether it flips more than the rest.

    The p-value is Fisher's one-sided one, over clusters and weights that of the linearised
    difference. Over all slices of the same kind, `p_adjusted` is that of Holm (the chance of any
    false claim), `q_value` that of Benjamini and Hochberg (the share of false ones, for an
    exploratory list), and `simultaneous` holds the negative flip rate of all of them at once. A
    slice smaller than --min-slice is not judged, and has none of these.
    """

    by: str
    value: str
    tally: Tally
    metrics: Mapping[str, Estimate]
    p_value: float | None
    p_adjusted: float | None
    q_value: float | None = None
    simultaneous: Interval | None = None
    design: Design | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_texts(self.by, self.value)
        for chance in (self.p_value, self.p_adjusted, self.q_value):
            if chance is not None and not 0 <= chance <= 1:
                raise ValueError("a p-value is from 0 to 1")

    @property
    def too_small(self) -> bool:
        """Whether --min-slice left it out of the tests."""
        return self.p_value is None


@dataclass(frozen=True, slots=True)
class Example:
    """A flipped example; `shown` are texts that say what it is, by the column they come from."""

    id: str
    truth: str | None
    old: str | None
    new: str | None
    old_confidence: float | None = None
    new_confidence: float | None = None
    image: str | None = None
    old_score: float | None = None
    new_score: float | None = None
    shown: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_texts(
            self.id, *(each for each in (self.truth, self.old, self.new) if each is not None)
        )
        check_texts(*self.shown, *self.shown.values())


@dataclass(frozen=True, slots=True)
class Transition:
    """A kind of negative flip: what the old model answered, what the new one does, how often."""

    old: str | None
    new: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Flips:
    """The negative flips: how many, which kinds, and the first examples (most confident first)."""

    total: int
    transitions: tuple[Transition, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class NoiseRun:
    """The old model run or trained again: the flips that noise alone makes against it."""

    name: str
    sha256: str | None
    negative_flips: int
    rate: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class CostMatrix:
    """Where the costs of flips come from, and the largest of them."""

    source: str
    sha256: str | None
    largest: float


class Once:
    """What a call returns, made when it is first asked for."""

    __slots__ = ("made", "make")

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make: Callable[[], Any] | None = make
        self.made: Any = None

    def value(self) -> Any:
        """The value; whatever it was made from is let go."""
        if self.make is not None:
            self.made, self.make = self.make(), None
        return self.made


@dataclass(frozen=True, slots=True)
class Scores:
    """How answers are graded: what the scores are called, and when one has changed.

    A score changes where it differs by more than the tolerance; scores lie from `low` to `high`,
    which was `given` or is what the scores of both models span.
    """

    old: str
    new: str
    tolerance: float
    low: float
    high: float
    given: bool = False

    def __post_init__(self) -> None:
        check_texts(self.old, self.new)
        if not (self.tolerance >= 0 and -math.inf < self.low <= self.high < math.inf):
            raise ValueError("its scores are out of range")
