"""The audit of one update: two models' answers to the same examples, as a Report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from flipcheck._version import __version__
from flipcheck.errors import UsageError, nearest
from flipcheck.gates import Gate, Judgement, Scope, check_available, judge, judge_slices, overall
from flipcheck.metrics import METRICS, SLICE_METRICS
from flipcheck.outcomes import Cells, Outcome, Tally, outcomes, tally
from flipcheck.report import Estimate, Example, Flips, Report, Slice, Transition
from flipcheck.slices import Slices, slices
from flipcheck.stats.bootstrap import percentile, replicates
from flipcheck.stats.intervals import METHODS, Interval, bounds, interval
from flipcheck.stats.tests import holm, mcnemar, more_than_the_rest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.predictions import Paired
    from flipcheck.report import Data, Model, Settings

CLASS = "class"
"""The slices by true class, which every audit with labels has."""

KINDS_LISTED = 50

FLIP_COLUMNS = ("id", "outcome")
"""The columns of the table of flips that no slice column of the same name may replace."""


def compare(
    paired: Paired,
    old: Model,
    new: Model,
    data: Data,
    settings: Settings,
    *,
    gates: Sequence[Gate] = (),
    by: Sequence[str] = (),
    warnings: Sequence[str] = (),
    run: Mapping[str, str] | None = None,
) -> Report:
    """Audit one update.

    Raises UsageError for a gate or slice that does not exist, or that the sources cannot support.
    """
    codes = outcomes(paired.old_right, paired.new_right, paired.same_answer)
    total = tally(codes)
    columns = [slices(name, _slice_column(paired, name), codes) for name in dict.fromkeys(by)]
    classes = [slices(CLASS, paired.truth, codes)] if paired.truth else []
    judged = judgements(gates, total, [*classes, *columns], settings)
    return Report(
        verdict=overall(each.verdict for each in judged),
        old=old,
        new=new,
        data=data,
        settings=settings,
        tally=total,
        metrics=estimates(total, settings),
        mcnemar=mcnemar(total.negative_flips, total.positive_flips),
        slices=_slice_reports(columns, settings),
        classes=_slice_reports(classes, settings),
        gates=judged,
        negative_flips=_negative_flips(paired, codes, settings.listed),
        warnings=(*warnings, *paired.warnings),
        run=run or {},
        version=__version__,
        flips=_flip_table(paired, codes),
    )


def estimates(total: Tally, settings: Settings) -> dict[str, Estimate]:
    """Every metric of a tally with its default interval and the bootstrap's beside it."""
    import numpy as np

    drawn = replicates(total, settings.resamples, np.random.default_rng(settings.seed))
    found = {}
    for name, metric in METRICS.items():
        if not metric.available(total):
            found[name] = Estimate(None, None, None, None, available=False)
            continue
        found[name] = Estimate(
            metric.value(total),
            int(metric.numerator(total)),
            int(metric.denominator(total)),
            interval(metric, total, settings.confidence),
            percentile(metric, drawn, settings.confidence),
        )
    return found


def judgements(
    gates: Sequence[Gate], total: Tally, columns: Sequence[Slices], settings: Settings
) -> tuple[Judgement, ...]:
    """Every gate's judgement; a gate by slices has one for each slice.

    Raises UsageError for a gate that cannot be judged, naming the nearest that can.
    """
    check_available(gates, total)
    parts: dict[str, list[tuple[Scope, Tally]]] = {
        column.by: [
            ((column.by, value), each)
            for value, each in zip(column.values, column.tallies(), strict=True)
        ]
        for column in columns
    }
    judged: list[Judgement] = []
    for gate in gates:
        how: Any = {"confidence": settings.confidence, "decide": settings.decide}
        if gate.by is not None:
            judged += judge_slices(gate, _column(parts, gate.by, gate), **how)
        elif gate.where is not None:
            part = _one_slice(_column(parts, gate.where[0], gate), gate.where, gate)
            judged.append(judge(gate, part, scope=gate.where, **how))
        else:
            judged.append(judge(gate, total, **how))
    return tuple(judged)


def _column(
    parts: Mapping[str, list[tuple[Scope, Tally]]], name: str, gate: Gate
) -> list[tuple[Scope, Tally]]:
    if name not in parts:
        hint = f"{nearest(name, parts)}; a column is made a slice with --by {name}"
        raise UsageError(f"gate '{gate}': no slices by {name!r}", hint=hint)
    return parts[name]


def _one_slice(parts: Iterable[tuple[Scope, Tally]], scope: Scope, gate: Gate) -> Tally:
    known = dict(parts)
    if scope not in known:
        column, value = scope
        raise UsageError(
            f"gate '{gate}': no examples where {column} is {value!r}",
            hint=nearest(value, [each for _, each in known]),
        )
    return known[scope]


def _slice_column(paired: Paired, name: str) -> Labels:
    if name not in paired.columns:
        hint = nearest(name, paired.columns)
        raise UsageError(f"no column {name!r} to slice by", hint=hint)
    return paired.columns[name]


def _slice_reports(columns: Sequence[Slices], settings: Settings) -> tuple[Slice, ...]:
    """The slices of one kind (declared columns, or classes), corrected as one family."""
    import numpy as np

    if not columns:
        return ()
    flips = Outcome.NEGATIVE_FLIP
    p_values = np.concatenate(
        [more_than_the_rest(each.counts[:, flips], each.counts.sum(axis=1)) for each in columns]
    )
    adjusted = iter(zip(p_values.tolist(), holm(p_values).tolist(), strict=True))
    return tuple(
        Slice(column.by, value, part, metrics, *next(adjusted))
        for column in columns
        for value, part, metrics in zip(
            column.values, column.tallies(), _slice_metrics(column, settings), strict=True
        )
    )


def _slice_metrics(column: Slices, settings: Settings) -> list[dict[str, Estimate]]:
    """The metrics of every slice of a column, all slices at once."""
    cells, tallies = Cells.of(column.counts), column.tallies()
    found: list[dict[str, Estimate]] = [{} for _ in tallies]
    for name in SLICE_METRICS:
        metric = METRICS[name]
        low, high = bounds(metric, cells, settings.confidence)
        method = METHODS[metric.kind][0]
        for row, part in enumerate(tallies):
            ends = Interval(float(low[row]), float(high[row]), settings.confidence, method)
            top, bottom = int(metric.numerator(part)), int(metric.denominator(part))
            found[row][name] = Estimate(metric.value(part), top, bottom, ends)
    return found


def _negative_flips(paired: Paired, codes: NDArray[np.uint8], listed: int) -> Flips:
    import numpy as np

    rows = np.flatnonzero(codes == Outcome.NEGATIVE_FLIP)
    first = _most_confident(paired, rows)[:listed]
    texts = [
        each.texts(first.tolist()) if each else [None] * len(first)
        for each in (paired.truth, paired.old, paired.new)
    ]
    sure = [_confidences(each, first) for each in (paired.old_confidence, paired.new_confidence)]
    ids = [str(each) for each in paired.ids.take(first).to_pylist()]
    examples = tuple(Example(*row) for row in zip(ids, *texts, *sure, strict=True))
    return Flips(len(rows), _transitions(paired.old, paired.new, rows), examples)


def _most_confident(paired: Paired, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows by the new model's confidence in its wrong answer, then by id: never by file order."""
    import numpy as np
    import pyarrow.compute as pc

    rank = np.empty(len(rows), dtype=np.int64)
    rank[pc.array_sort_indices(paired.ids.take(rows)).to_numpy()] = np.arange(len(rows))
    if paired.new_confidence is None:
        return rows[np.argsort(rank)]
    return rows[np.lexsort((rank, -paired.new_confidence[rows]))]


def _confidences(
    confidence: NDArray[np.float32] | None, rows: NDArray[np.int64]
) -> list[float | None]:
    if confidence is None:
        return [None] * len(rows)
    found = confidence[rows].tolist()
    return [round(each, 6) if math.isfinite(each) else None for each in found]


def _transitions(
    old: Labels | None, new: Labels | None, rows: NDArray[np.int64]
) -> tuple[Transition, ...]:
    """The kinds of negative flips, most frequent first, ties by name."""
    import numpy as np

    if old is None or new is None:
        return ()
    pairs, counts = np.unique(
        np.stack([old.codes[rows], new.codes[rows]]), axis=1, return_counts=True
    )
    names = [*old.names, None]  # both sides share their names; MISSING, -1, is the last
    kinds = [
        Transition(names[before], names[after], count)
        for (before, after), count in zip(pairs.T.tolist(), counts.tolist(), strict=True)
    ]
    kinds.sort(key=lambda kind: (-kind.count, kind.old or "", kind.new or ""))
    return tuple(kinds[:KINDS_LISTED])


def _flip_table(paired: Paired, codes: NDArray[np.uint8]) -> Any:
    """Every flipped example as a pyarrow table, negative flips first, then by id."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    flipped = (codes == Outcome.NEGATIVE_FLIP) | (codes == Outcome.POSITIVE_FLIP)
    rows = np.flatnonzero(flipped)
    ids = paired.ids.take(rows)
    by_id = pc.array_sort_indices(ids).to_numpy()
    order = by_id[np.argsort(codes[rows][by_id], kind="stable")]
    rows = rows[order]
    kinds = {
        int(Outcome.NEGATIVE_FLIP): "negative_flip",
        int(Outcome.POSITIVE_FLIP): "positive_flip",
    }
    columns: dict[str, Any] = {
        "id": paired.ids.take(rows),
        "outcome": pa.array([kinds[code] for code in codes[rows].tolist()], pa.string()),
    }
    answers = {"truth": paired.truth, "old": paired.old, "new": paired.new}
    sure = {"old_confidence": paired.old_confidence, "new_confidence": paired.new_confidence}
    for name, labels in {**paired.columns, **answers}.items():
        if labels is not None and name not in FLIP_COLUMNS:
            columns[name] = pa.array(labels.texts(rows.tolist()), pa.string())
    for name, confidence in sure.items():
        if confidence is not None:
            columns[name] = pa.array(confidence[rows], from_pandas=True)
    return pa.table(columns)
