"""Earlier updates, as their reports told them: what a chart of updates over time needs."""

from __future__ import annotations

import math
import string
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, listed
from flipcheck.report.parts import Estimate, check_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flipcheck.gates import Verdict
    from flipcheck.report import Report

KEPT = ("old_error_rate", "new_error_rate", "negative_flip_rate")
KEPT_GRADED = ("old_mean_score", "new_mean_score", "negative_flip_rate")
"""The metrics that are kept of an earlier update."""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier update: what its report said. `report` is its file, `digest` that report's own."""

    name: str
    report: str | None
    digest: str
    old: str
    new: str
    new_source: str
    old_sha256: str | None
    new_sha256: str | None
    data_sha256: str | None
    examples: int
    verdict: Verdict | None
    metrics: Mapping[str, Estimate]

    def __post_init__(self) -> None:
        texts = (self.report, self.old_sha256, self.new_sha256, self.data_sha256)
        check_texts(self.name, self.digest, self.old, self.new, self.new_source)
        check_texts(*(each for each in texts if each is not None))
        if len(self.digest) != 64 or not set(self.digest) <= set(string.hexdigits):
            raise ValueError("an earlier report has no digest")
        if tuple(self.metrics) not in {KEPT, KEPT_GRADED} or self.examples < 1:
            raise ValueError("an earlier update has other metrics than are kept")
        for each in self.metrics.values():
            ends = () if each.interval is None else (each.interval.low, each.interval.high)
            if not all(math.isfinite(end) for end in (each.value, *ends) if end is not None):
                raise ValueError("a rate of an earlier update is no number")

    @property
    def graded(self) -> bool:
        """Whether its answers were graded."""
        return "new_mean_score" in self.metrics

    def to_dict(self) -> dict[str, Any]:
        """The update as JSON-ready values."""
        kept = ("value", "numerator", "denominator", "interval")
        metrics = {
            name: {part: each for part, each in asdict(estimate).items() if part in kept}
            for name, estimate in self.metrics.items()
        }
        own = {name: getattr(self, name) for name in self.__slots__}
        return own | {"metrics": metrics}


def past_of(report: Report, name: str, path: str | None) -> Past:
    """A report as an earlier update."""
    names = KEPT if report.scores is None else KEPT_GRADED
    metrics = {each: _plain(report.metrics[each]) for each in names}
    return Past(
        name=name,
        report=path,
        digest=report.to_dict()["digest"],
        old=report.old.name,
        new=report.new.name,
        new_source=report.new.source,
        old_sha256=report.old.sha256,
        new_sha256=report.new.sha256,
        data_sha256=report.data.sha256,
        examples=report.tally.examples,
        verdict=report.verdict,
        metrics=metrics,
    )


def _plain(estimate: Estimate) -> Estimate:
    return Estimate(estimate.value, estimate.numerator, estimate.denominator, estimate.interval)


def check_history(history: Sequence[Past], *, graded: bool) -> None:
    """Raise ValueError for earlier updates that are told twice, or judged otherwise than this."""
    if len({each.digest for each in history}) < len(history):
        raise ValueError("its history tells an update twice")
    if any(each.graded is not graded for each in history):
        raise ValueError("its history is of answers that are judged otherwise")


def with_history(report: Report, history: Sequence[Past]) -> Report:
    """The same report after these earlier updates; none of its own numbers changes.

    A report is not its own past: where it is among them, it is left out. Raises InputError for
    updates that were judged otherwise.
    """
    graded = report.scores is not None
    others = [each.report or each.name for each in history if each.graded is not graded]
    if others:
        one, other = ("right or wrong", "graded") if graded else ("graded", "right or wrong")
        raise InputError(
            f"--history: answers are {one} in {listed(others)}, and {other} here",
            hint="give reports of updates that were judged as this one is",
        )
    own = report.to_dict()["digest"]
    return replace(report, history=tuple(each for each in history if each.digest != own))
