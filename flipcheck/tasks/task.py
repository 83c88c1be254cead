"""What the user says about the task, checked when it is said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from flipcheck.errors import UsageError, listed, nearest

Per = Literal["example", "label"]
DEFAULT_SEPARATOR = "|"
PROBABILITY_CUT = 0.5
"""Where a probability is cut when nothing is said."""

FLAGS = {
    "probability": "--probability",
    "multilabel": "--multilabel",
    "top_k": "--top-k",
    "normalise": "--normalise",
    "abstain": "--abstain",
    "prediction": "--prediction",
    "correct": "--correct",
    "threshold": "--threshold",
}
CONFLICTS = (
    ("probability", "multilabel"),
    ("probability", "top_k"),
    ("probability", "normalise"),
    ("probability", "abstain"),
    ("probability", "prediction"),
    ("probability", "correct"),
    ("multilabel", "top_k"),
    ("multilabel", "normalise"),
    ("multilabel", "abstain"),
    ("multilabel", "correct"),
    ("top_k", "normalise"),
    ("top_k", "abstain"),
    ("top_k", "correct"),
    ("top_k", "threshold"),
    ("normalise", "correct"),
)
"""Options of which only one can say when an answer is right."""


@dataclass(frozen=True, slots=True)
class Task:
    """How one side's answers are read and judged; the default is one class for each example.

    `threshold` and `classes` are this side's own, `separator` stands between the labels of a set
    in text.
    """

    probability: str | None = None
    threshold: float | None = None
    classes: tuple[str, ...] | None = None
    multilabel: bool = False
    per: Per | None = None
    separator: str | None = None
    top_k: int | None = None
    normalise: tuple[str, ...] = ()
    abstain: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.per not in {None, "example", "label"}:
            raise UsageError(f"--per {self.per}: example or label", hint="--per label")
        needing = {"--per": self.per, "--separator": self.separator}
        idle = [flag for flag, value in needing.items() if value is not None]
        if idle and not self.multilabel:
            raise UsageError(
                f"{idle[0]} is for several labels an example, and there is no --multilabel",
                hint="add --multilabel, or leave it out",
            )
        if self.separator == "":
            raise UsageError(
                "--separator is empty: it stands between labels", hint="as in --separator ';'"
            )
        if self.top_k is not None and (isinstance(self.top_k, bool) or self.top_k < 1):
            raise UsageError(f"--top-k {self.top_k}: at least 1", hint="as in --top-k 5")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise UsageError(
                f"--threshold {self.threshold:g} is no probability and no score",
                hint="give a finite number",
            )
        _check_steps(self.normalise)

    @property
    def joined_by(self) -> str:
        """What stands between the labels of a set."""
        return DEFAULT_SEPARATOR if self.separator is None else self.separator

    @property
    def by_label(self) -> bool:
        """Whether each (example, label) decision is judged by itself."""
        return self.multilabel and self.per == "label"

    @property
    def cut(self) -> float:
        """The threshold, or the default."""
        return PROBABILITY_CUT if self.threshold is None else self.threshold


def check_conflicts(task: Task, *, prediction: object = None, correct: object = None) -> None:
    """Raise UsageError where two options would both say when an answer is right."""
    said = {
        "probability": task.probability,
        "multilabel": task.multilabel,
        "top_k": task.top_k,
        "normalise": task.normalise,
        "abstain": task.abstain,
        "prediction": prediction,
        "correct": correct,
        "threshold": task.threshold is not None,
    }
    both = [f"{FLAGS[one]} and {FLAGS[two]}" for one, two in CONFLICTS if said[one] and said[two]]
    if both:
        raise UsageError(
            f"{both[0]}: only one can say which answers are right",
            problems=[f"{each}: only one of the two" for each in both[1:]],
            hint="leave one of them out",
        )


def _check_steps(steps: tuple[str, ...]) -> None:
    """Raise UsageError for a step of normalisation that there is not."""
    from flipcheck.tasks.normalising import PRESETS, STEPS

    known = [*STEPS, *PRESETS]
    unknown = [step for step in steps if step not in known]
    if unknown:
        hint = nearest(unknown[0], known)
        steps_there = f"steps: {', '.join(known)}"
        raise UsageError(
            f"--normalise: no step {listed(unknown)}",
            hint=steps_there if hint.startswith("there are") else f"{hint} ({steps_there})",
        )
