"""A report as JSON-ready values, and with the digits that its JSON keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from flipcheck.contract import written as differences_dicts
from flipcheck.gates import Gate
from flipcheck.outcomes import Tally
from flipcheck.report.evidence import Evidence
from flipcheck.stats.design import Design

if TYPE_CHECKING:
    from collections.abc import Callable

    from flipcheck.gates import Judgement
    from flipcheck.report import Report
    from flipcheck.report.parts import Example, Slice
    from flipcheck.stats.discovery import Discovery
    from flipcheck.stats.intervals import Interval

FORMAT_VERSION = 1
FORMAT = f"flipcheck.report/{FORMAT_VERSION}"
AS_WRITTEN = {Gate, Tally, Design, Evidence}
"""What keeps all its digits: limits as they were written, counts, and what is not shown."""


def report_dict(report: Report) -> dict[str, Any]:
    """The report as JSON-ready values, keys in the order of the format."""
    written = {
        "format": FORMAT,
        "version": report.version,
        "verdict": report.verdict,
        "old": asdict(report.old),
        "new": asdict(report.new),
        "data": asdict(report.data),
        "settings": asdict(report.settings),
        "early_stop": report.early_stop and asdict(report.early_stop),
        "tally": report.tally.to_dict(),
        "metrics": {name: asdict(estimate) for name, estimate in report.metrics.items()},
        "tests": {"mcnemar": asdict(report.mcnemar)},
        "slices": [_slice_dict(part) for part in report.slices],
        "classes": [_slice_dict(part) for part in report.classes],
        "discovery": report.discovery and _discovery_dict(report.discovery),
        "gates": [_gate_dict(judged) for judged in report.gates],
        "negative_flips": {
            "total": report.negative_flips.total,
            "listed": len(report.negative_flips.examples),
            "transitions": [asdict(kind) for kind in report.negative_flips.transitions],
            "examples": [_example_dict(each) for each in report.negative_flips.examples],
        },
        "reruns": [asdict(run) for run in report.reruns],
        "costs": report.costs and asdict(report.costs),
        **{name: part.to_dict() for name, part in report.parts.items()},
        "warnings": list(report.warnings),
        "run": dict(report.run),
    }
    if report.contract is not None:
        written["contract"] = differences_dicts(report.contract)
    if report.repeatability:
        written["repeatability"] = {
            side: asdict(each) for side, each in report.repeatability.items()
        }
    if report.scores is not None:
        written["scores"] = asdict(report.scores)
    if report.task is not None:
        written["task"] = report.task.to_dict()
    if report.confidences is not None:
        written["confidences"] = report.confidences.to_dict()
    if report.history:
        written["history"] = [each.to_dict() for each in report.history]
    if report.design is not None:
        written["design"] = report.design.to_dict()
    return sealed(significant(written) | _evidence(report))


def _evidence(report: Report) -> dict[str, Any]:
    """What the report was made of, with all digits of its options."""
    return {} if report.evidence is None else {"evidence": report.evidence.to_dict()}


def sealed(written: dict[str, Any]) -> dict[str, Any]:
    """A report in JSON-ready values with the digest of all that it says, as its last key.

    It shows a damaged or edited report for what it is; it is no signature.
    """
    said = {name: each for name, each in written.items() if name != "digest"}
    text = json.dumps(said, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return {**said, "digest": hashlib.sha256(text.encode()).hexdigest()}


def _slice_dict(part: Slice) -> dict[str, Any]:
    metrics = {
        name: {
            "value": each.value,
            "numerator": each.numerator,
            "denominator": each.denominator,
            "interval": _interval_dict(each.interval),
        }
        for name, each in part.metrics.items()
    }
    design = {} if part.design is None else {"design": part.design.to_dict()}
    return {
        "by": part.by,
        "value": part.value,
        "tally": part.tally.to_dict(),
        "metrics": metrics,
        "p_value": part.p_value,
        "p_adjusted": part.p_adjusted,
        "q_value": part.q_value,
        "simultaneous": _interval_dict(part.simultaneous),
        **design,
    }


def _example_dict(example: Example) -> dict[str, Any]:
    """A flipped example, with its scores only where answers are graded, and texts where shown."""
    written = asdict(example)
    if not example.shown:
        del written["shown"]
    if example.old_score is None:
        del written["old_score"], written["new_score"]
    return written


def _interval_dict(ends: Interval | None) -> dict[str, Any] | None:
    if ends is None:
        return None
    return {"low": ends.low, "high": ends.high, "level": ends.level, "method": ends.method}


def _discovery_dict(found: Discovery) -> dict[str, Any]:
    findings = [
        asdict(each)
        | {
            "where": [{"by": by, "value": value} for by, value in each.where],
            "negative_flip_rate": each.rate,
            "rest_negative_flip_rate": each.rest_rate,
        }
        for each in found.found
    ]
    return asdict(found) | {"found": findings}


def _gate_dict(judged: Judgement) -> dict[str, Any]:
    return {
        "gate": str(judged.gate),
        "metric": judged.gate.metric,
        "slice": judged.scope and {"by": judged.scope[0], "value": judged.scope[1]},
        "limit": judged.gate.limit,
        "value": judged.value,
        "numerator": judged.numerator,
        "denominator": judged.denominator,
        "bound": judged.bound,
        "opposite_bound": judged.opposite,
        "verdict": judged.verdict,
        "examples_needed": judged.needed,
        "reason": judged.reason,
        **({} if judged.wrong_labels is None else {"wrong_labels": judged.wrong_labels}),
    }


def significant(value: Any) -> Any:
    """The value with every float at 10 significant digits, tuples as lists.

    The sums of a design keep all their digits: gates are judged on them again.
    """
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {key: each if key == "design" else significant(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [significant(each) for each in value]
    return value


def kept(value: Any) -> Any:
    """A value of a report as it is when it comes back from JSON."""
    kind: Any = type(value)
    if kind in AS_WRITTEN:
        return value
    if values := _values(kind):
        return kind(*map(kept, values(value)))
    if kind is tuple:
        return tuple(map(kept, value))
    if kind is dict and any(map(is_dataclass, value.values())):
        return {name: kept(each) for name, each in value.items()}
    return significant(value)


@cache
def _values(kind: Any) -> Callable[[Any], tuple[Any, ...]] | None:
    """The function from a dataclass to the values of its fields, in order; None for others."""
    return attrgetter(*(each.name for each in fields(kind))) if is_dataclass(kind) else None
