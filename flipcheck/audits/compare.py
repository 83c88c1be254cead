"""The audit of one update: two models' answers to the same examples, as a Report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck._version import __version__
from flipcheck.audits.discovery import check_confirm
from flipcheck.audits.discovery import discover as discovered
from flipcheck.audits.flips import flip_table, negative_flips
from flipcheck.audits.grouping import grouped, single_columns
from flipcheck.audits.judging import judgements
from flipcheck.errors import UsageError
from flipcheck.gates import Gate, overall
from flipcheck.metrics import METRICS, SLICE_METRICS
from flipcheck.outcomes import NEGATIVE_FLIPS, Cells, Tally, outcomes, tally
from flipcheck.report import Estimate, Report, Slice
from flipcheck.slices import CLASS, Slices, slices, values
from flipcheck.stats.bootstrap import percentile, replicates
from flipcheck.stats.intervals import METHODS, Interval, bounds, interval, simultaneous
from flipcheck.stats.tests import benjamini_hochberg, holm, mcnemar, more_than_the_rest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.pairing import Paired
    from flipcheck.report import Data, Model, Settings
    from flipcheck.slices import Groups
    from flipcheck.stats.discovery import Confirm, Discovery


MOST_SLICES = 10_000
"""More slices than this are no subgroups but, most likely, the ids of users or documents."""


def compare(
    paired: Paired,
    old: Model,
    new: Model,
    data: Data,
    settings: Settings,
    *,
    gates: Sequence[Gate] = (),
    by: Sequence[str] = (),
    discover: bool = False,
    confirm: Confirm | None = None,
    warnings: Sequence[str] = (),
    run: Mapping[str, str] | None = None,
) -> Report:
    """Audit one update.

    Raises UsageError for a gate or slice that does not exist, or that the sources cannot support.
    """
    check_confirm(confirm, discover=discover)
    codes = outcomes(paired.old_right, paired.new_right, paired.same_answer)
    total = tally(codes)
    singles = single_columns(paired, by, settings.quantiles)
    columns = [slices(grouped(name, singles), codes) for name in dict.fromkeys(by)]
    for each in columns:
        _check_size(each)
    classes = [slices(values(CLASS, paired.truth), codes)] if paired.truth else []
    if classes and len(classes[0].values) > MOST_SLICES:
        warnings = [*warnings, f"{len(classes[0].values):,} true classes: too many to list each"]
        classes = []
    notes = [each.note for each in singles.values() if each.note]
    judged = judgements(
        gates, total, [*classes, *columns], settings, answers=paired.same_answer is not None
    )
    report = Report(
        verdict=overall(each.verdict for each in judged),
        old=old,
        new=new,
        data=data,
        settings=settings,
        tally=total,
        metrics=estimates(total, settings, answers=paired.same_answer is not None),
        mcnemar=mcnemar(total.negative_flips, total.positive_flips),
        slices=_slice_reports(columns, settings),
        classes=_slice_reports(classes, settings),
        discovery=_discovery(paired, singles, codes, settings, confirm) if discover else None,
        gates=judged,
        negative_flips=negative_flips(paired, codes, settings.listed),
        warnings=(*warnings, *paired.warnings, *notes),
        run=run or {},
        version=__version__,
        flips=flip_table(paired, codes),
    )
    return report.rounded()


def estimates(total: Tally, settings: Settings, *, answers: bool) -> dict[str, Estimate]:
    """Every metric of a tally with its default interval and the bootstrap's beside it.

    Without `answers` the sources know only right and wrong, and what needs more is not available.
    """
    import numpy as np

    drawn = replicates(total, settings.resamples, np.random.default_rng(settings.seed))
    found = {}
    for name, metric in METRICS.items():
        if metric.needs_split and not answers:
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


def _check_size(column: Slices) -> None:
    if len(column.values) > MOST_SLICES:
        raise UsageError(
            f"column {column.by!r} has {len(column.values):,} values, too many to slice by",
            hint=f"slice by a column of at most {MOST_SLICES:,} values",
        )


def _discovery(
    paired: Paired,
    columns: dict[str, Groups],
    codes: NDArray[np.uint8],
    settings: Settings,
    confirm: Confirm | None,
) -> Discovery:
    """Where negative flips concentrate, among the columns and the true class."""
    import numpy as np
    import pyarrow.compute as pc

    classes = {} if paired.truth is None else {CLASS: values(CLASS, paired.truth)}
    order = pc.array_sort_indices(paired.ids).to_numpy()
    searched = [replace(each, codes=each.codes[order]) for each in (columns | classes).values()]
    return discovered(searched, np.isin(codes[order], NEGATIVE_FLIPS), settings, confirm=confirm)


def _slice_reports(columns: Sequence[Slices], settings: Settings) -> tuple[Slice, ...]:
    """The slices of one kind (declared columns, or classes), corrected as one family."""
    if not columns:
        return ()
    family = _family([Cells.of(each.counts) for each in columns], settings)
    return tuple(
        Slice(column.by, value, part, metrics, *next(family))
        for column in columns
        for value, part, metrics in zip(
            column.values, column.tallies(), _slice_metrics(column, settings), strict=True
        )
    )


def _family(
    cells: Sequence[Cells], settings: Settings
) -> Iterator[tuple[float | None, float | None, float | None, Interval | None]]:
    """What is said of each slice as one of a family.

    That is its p-value, Holm's, the q-value of Benjamini and Hochberg, and the simultaneous
    interval. Slices that are too small are no part of the family, and have none of them.
    """
    import numpy as np

    flips, sizes = (
        np.concatenate([getattr(each, name) for each in cells])
        for name in ("negative_flips", "examples")
    )
    p_values = np.concatenate(
        [more_than_the_rest(each.negative_flips, each.examples) for each in cells]
    )
    judged = sizes >= settings.min_slice
    p_values = p_values[judged]
    ends = simultaneous(flips[judged], sizes[judged], settings.confidence, max(1, len(p_values)))
    corrected = (each.tolist() for each in (p_values, holm(p_values), benjamini_hochberg(p_values)))
    found = zip(*corrected, ends, strict=True)
    return iter([next(found) if large else (None, None, None, None) for large in judged.tolist()])


def _slice_metrics(column: Slices, settings: Settings) -> list[dict[str, Estimate]]:
    """The metrics of every slice of a column, all slices at once."""
    cells = Cells.of(column.counts)
    found: list[dict[str, Estimate]] = [{} for _ in column.values]
    for name in SLICE_METRICS:
        metric = METRICS[name]
        counts = metric.numerator(cells), metric.denominator(cells)
        numbers = (*bounds(metric, cells, settings.confidence), *counts)
        rows = zip(found, *(each.tolist() for each in numbers), strict=True)
        for part, low, high, top, bottom in rows:  # no slice is empty, and no denominator 0
            ends = Interval(low, high, settings.confidence, METHODS[metric.kind][0])
            part[name] = Estimate(top / bottom, top, bottom, ends)
    return found
