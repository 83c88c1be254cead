"""The report as OpenMetrics text, which GitLab's `artifacts:reports:metrics` reads.

Servers compare these numbers as text, so each has the same decimals whatever its size. All are
gauges, which older readers of the Prometheus format take as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flipcheck.gates import Verdict
from flipcheck.metrics import METRICS
from flipcheck.reporters import words
from flipcheck.reporters.cases import cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flipcheck.report import Report
    from flipcheck.stats.intervals import Interval

PREFIX = "flipcheck_"
VERDICTS = (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, None)


@dataclass(frozen=True, slots=True)
class Family:
    """A metric of the file: its name, what it is, and its values by their labels."""

    name: str
    help: str
    values: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def lines(self) -> Iterable[str]:
        """Its lines; none where it has no value."""
        if not self.values:
            return
        yield f"# HELP {PREFIX}{self.name} {_escaped(self.help)}"
        yield f"# TYPE {PREFIX}{self.name} gauge"
        for labels, value in self.values:
            told = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            number = str(value) if isinstance(value, int) else f"{value:.10f}"
            yield f"{PREFIX}{self.name}{f'{{{told}}}' if told else ''} {number}"


def render(report: Report) -> str:
    """The report as OpenMetrics text; what is undefined is left out."""
    families = [*_counts(report), *_metrics(report), *_gates(report)]
    lines = [line for family in families for line in family.lines()]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _escaped(text: str) -> str:
    """Text as a label or a help line may hold it."""
    shown = words.clean(text)
    return shown.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _counts(report: Report) -> list[Family]:
    tally = report.tally
    found = [
        Family("examples", "The labelled examples.", [({}, tally.examples)]),
        Family(
            "negative_flips", "Answers that the new model breaks.", [({}, tally.negative_flips)]
        ),
        Family("positive_flips", "Answers that the new model mends.", [({}, tally.positive_flips)]),
    ]
    states = _states("verdict", report.verdict, "none")
    return [Family("verdict", "1 for the verdict of all gates.", states), *found]


def _states(
    label: str, verdict: Verdict | None, without: str
) -> list[tuple[Mapping[str, str], float]]:
    """1 for the verdict that was reached, and 0 for each other one."""
    return [({label: each or without}, int(each is verdict)) for each in VERDICTS]


def _metrics(report: Report) -> list[Family]:
    found = []
    level = words.share(report.settings.confidence)
    for name, estimate in report.metrics.items():
        if estimate.value is None:
            continue
        found.append(Family(name, METRICS[name].meaning, [({}, float(estimate.value))]))
        for side, end in _ends(estimate.interval):
            told = f"The {side} end of its {level} interval."
            found.append(Family(f"{name}_{side}", told, [({}, end)]))
    return found


def _ends(interval: Interval | None) -> list[tuple[str, float]]:
    """The ends of an interval that are bounds."""
    ends = {"lower": interval.low, "upper": interval.high} if interval else {}
    return [(side, float(end)) for side, end in ends.items() if end is not None]


def _gates(report: Report) -> list[Family]:
    verdicts = Family("gate_verdict", "1 for the verdict of a gate, or of one slice of it.")
    values = Family("gate_value", "What a gate's metric was measured to be.")
    bounds = Family("gate_bound", "The one-sided bound that a gate's limit must hold.")
    limits = Family("gate_limit", "The limit of a gate.")
    needed = Family("gate_examples_needed", "About how many examples would decide a gate.")
    for each in cases(report):
        labels, judged = {"gate": each.name}, each.judged
        states = _states("verdict", judged.verdict, words.judged(None))
        verdicts.values.extend(({**labels, **state}, value) for state, value in states)
        limits.values.append((labels, float(judged.gate.limit)))
        for family, value in ((values, judged.value), (bounds, judged.bound)):
            if value is not None:
                family.values.append((labels, float(value)))
        if judged.needed is not None:
            needed.values.append((labels, judged.needed))
    return [verdicts, values, bounds, limits, needed]
