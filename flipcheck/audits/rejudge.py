"""Other gates for an audit that is done: from its tallies, without touching a prediction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck.audits.compare import judgements
from flipcheck.gates import overall
from flipcheck.slices import Slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.gates import Decide, Gate
    from flipcheck.report import Report


def rejudge(report: Report, gates: Sequence[Gate], decide: Decide) -> Report:
    """The same report under other gates."""
    import numpy as np

    settings = replace(report.settings, decide=decide)
    parts = (*report.classes, *report.slices)
    columns = [
        Slices(
            by,
            tuple(each.value for each in parts if each.by == by),
            np.array([each.tally.counts() for each in parts if each.by == by]),
        )
        for by in dict.fromkeys(each.by for each in parts)
    ]
    judged = judgements(gates, report.tally, columns, settings)
    verdict = overall(each.verdict for each in judged)
    return replace(report, settings=settings, gates=judged, verdict=verdict)
