"""A report's parts as pandas DataFrames whose columns and types never depend on the data.

Texts are "string", rates and bounds "float64" (NaN where undefined), counts of examples "Int64",
and truth values "bool"; a frame without rows has all of its columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from flipcheck.errors import UsageError, nearest
from flipcheck.metrics import GRADED_SLICE_METRICS, SLICE_METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flipcheck.gates import Judgement
    from flipcheck.report import Report
    from flipcheck.report.parts import Estimate, Example, Slice
    from flipcheck.stats.intervals import Interval

Part = Literal["metrics", "slices", "classes", "gates", "flips"]
TEXT, RATE, COUNT, TRUTH = "string", "float64", "Int64", "bool"
ON_SLICES = tuple(dict.fromkeys((*SLICE_METRICS, *GRADED_SLICE_METRICS)))

METRIC_COLUMNS = {
    "value": RATE,
    "low": RATE,
    "high": RATE,
    "numerator": RATE,
    "denominator": RATE,
    "bootstrap_low": RATE,
    "bootstrap_high": RATE,
    "design_effect": RATE,
    "available": TRUTH,
}
SLICE_COLUMNS = {
    "by": TEXT,
    "value": TEXT,
    "examples": COUNT,
    "negative_flips": COUNT,
    "positive_flips": COUNT,
    **{f"{name}{end}": RATE for name in ON_SLICES for end in ("", "_low", "_high")},
    "p_value": RATE,
    "p_adjusted": RATE,
    "q_value": RATE,
    "simultaneous_low": RATE,
    "simultaneous_high": RATE,
    "too_small": TRUTH,
}
GATE_COLUMNS = {
    "gate": TEXT,
    "metric": TEXT,
    "by": TEXT,
    "slice": TEXT,
    "verdict": TEXT,
    "value": RATE,
    "bound": RATE,
    "opposite": RATE,
    "limit": RATE,
    "numerator": RATE,
    "denominator": RATE,
    "examples_needed": COUNT,
    "reason": TEXT,
}
FLIP_COLUMNS = {
    "id": TEXT,
    "outcome": TEXT,
    "truth": TEXT,
    "old": TEXT,
    "new": TEXT,
    "old_confidence": RATE,
    "new_confidence": RATE,
    "old_score": RATE,
    "new_score": RATE,
}


def frame(report: Report, what: str) -> Any:
    """A part of a report as a DataFrame. Raises UsageError for a part that there is not."""
    if what not in FRAMES:
        raise UsageError(f"no part {what!r}", hint=nearest(what, get_args(Part)))
    return FRAMES[what](report)


def _metrics(report: Report) -> Any:
    rows = [_metric(estimate) for estimate in report.metrics.values()]
    return _framed(rows, METRIC_COLUMNS).set_index(_texts(report.metrics, "metric"))


def _metric(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "numerator": estimate.numerator,
        "denominator": estimate.denominator,
        "design_effect": estimate.design_effect,
        "available": estimate.available,
        **_ends("", estimate.interval),
        **_ends("bootstrap_", estimate.bootstrap),
    }


def _slice(part: Slice) -> dict[str, Any]:
    row: dict[str, Any] = {
        "by": part.by,
        "value": part.value,
        "examples": int(part.tally.examples),
        "negative_flips": int(part.tally.negative_flips),
        "positive_flips": int(part.tally.positive_flips),
        "p_value": part.p_value,
        "p_adjusted": part.p_adjusted,
        "q_value": part.q_value,
        "too_small": part.too_small,
        **_ends("simultaneous_", part.simultaneous),
    }
    for name, estimate in part.metrics.items():
        row |= {name: estimate.value, **_ends(f"{name}_", estimate.interval)}
    return row


def _gate(judged: Judgement) -> dict[str, Any]:
    by, value = judged.scope or (judged.gate.by, None)
    return {
        "gate": str(judged.gate),
        "metric": judged.gate.metric,
        "by": by,
        "slice": value,
        "verdict": None if judged.verdict is None else str(judged.verdict),
        "value": judged.value,
        "bound": judged.bound,
        "opposite": judged.opposite,
        "limit": judged.gate.limit,
        "numerator": judged.numerator,
        "denominator": judged.denominator,
        "examples_needed": judged.needed,
        "reason": judged.reason,
    }


def _flips(report: Report) -> Any:
    """Every flip; of a report that was read from JSON the negative flips that it lists."""
    total = int(report.tally.negative_flips + report.tally.positive_flips)
    if report.flips is None:
        rows = [_listed(each) for each in report.negative_flips.examples]
        found = _framed(rows, FLIP_COLUMNS)
    else:
        table = report.flips.to_pandas()
        sliced = {name: TEXT for name in table.columns if name not in FLIP_COLUMNS}
        found = _framed(table, {**FLIP_COLUMNS, **sliced})
    found.attrs["complete"] = len(found) == total
    return found


def _listed(example: Example) -> dict[str, Any]:
    told = {name: getattr(example, name) for name in FLIP_COLUMNS if name != "outcome"}
    return {**told, "outcome": "negative_flip"}


def _ends(prefix: str, interval: Interval | None) -> dict[str, float | None]:
    ends = (None, None) if interval is None else (interval.low, interval.high)
    return dict(zip((f"{prefix}low", f"{prefix}high"), ends, strict=True))


def _framed(rows: Any, columns: Mapping[str, str]) -> Any:
    """A frame of just these columns, in their types."""
    import pandas as pd

    return pd.DataFrame(rows).reindex(columns=list(columns)).astype(columns)


def _texts(values: Iterable[str], name: str) -> Any:
    import pandas as pd

    return pd.Index(list(values), dtype=TEXT, name=name)


FRAMES: dict[str, Callable[[Report], Any]] = {
    "metrics": _metrics,
    "slices": lambda report: _framed(map(_slice, report.slices), SLICE_COLUMNS),
    "classes": lambda report: _framed(map(_slice, report.classes), SLICE_COLUMNS),
    "gates": lambda report: _framed(map(_gate, report.gates), GATE_COLUMNS),
    "flips": _flips,
}
