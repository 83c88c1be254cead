"""Whether the parts of a report belong together."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from flipcheck.gates import overall
from flipcheck.metrics import GRADED_SLICE_METRICS, METRICS, SLICE_METRICS
from flipcheck.outcomes import Tally
from flipcheck.policy import check_parts
from flipcheck.report.past import KEPT_GRADED
from flipcheck.stats.sampling import Sample

if TYPE_CHECKING:
    from flipcheck.report import Report
    from flipcheck.report.parts import Flips
    from flipcheck.stats.discovery import Discovery

PICTURE = re.compile(r"data:image/(?:webp|png|jpeg|gif);base64,[A-Za-z0-9+/]+=*")
"""What an example's picture may be: the picture itself, with no address and nothing that runs."""


def _same(one: float | None, two: float | None) -> bool:
    """Whether two values are the same in all but the last digits."""
    if one is None or two is None:
        return one is two
    return math.isclose(one, two, rel_tol=1e-8)


def check_consistent(report: Report) -> None:
    """Raise ValueError for a report whose parts do not belong together."""
    tally = report.tally
    if tally.examples != report.data.examples:
        raise ValueError("its tally and its number of examples differ")
    if report.early_stop and report.early_stop.examples != tally.examples:
        raise ValueError("its tally and the number of examples that were looked at differ")
    if bool(tally.graded) is not (report.scores is not None):
        raise ValueError("its answers are graded, or not, and its tally is of the other kind")
    _check_flips(report.negative_flips, tally)
    _check_values(report)
    _check_slices(report)
    _check_task(report)
    _check_evidence(report)
    for parts in (report.slices, report.classes):
        for by in {part.by for part in parts}:
            if sum((part.tally for part in parts if part.by == by), Tally()) != tally:
                raise ValueError(f"the slices by {by} do not add up to its tally")
    slices = [((part.by, part.value), part.tally) for part in (*report.slices, *report.classes)]
    check_parts(tally, slices, [*report.parts.values()])
    if report.discovery and not report.discovery.confirm:
        _check_discovery(report.discovery, tally)
    if report.verdict is not overall(judged.verdict for judged in report.gates):
        raise ValueError("its verdict is not that of its gates")


def _check_flips(flips: Flips, tally: Tally) -> None:
    """Raise ValueError for negative flips, or more flips of listed kinds, than there are."""
    if tally.negative_flips != flips.total:
        raise ValueError("its tally and its list of negative flips differ")
    counts = [kind.count for kind in flips.transitions]
    if sum(counts) > flips.total or min(counts, default=1) < 1:
        raise ValueError("its tally and its kinds of negative flips differ")


def _check_slices(report: Report) -> None:
    """Raise ValueError for examples or slices without the metrics that all have."""
    names = {*(SLICE_METRICS if report.scores is None else GRADED_SLICE_METRICS)}
    wanted = names | {"churn"} | (set() if report.scores is None else {*KEPT_GRADED})
    if not wanted <= {*report.metrics}:
        raise ValueError("it lacks metrics that reports have")
    if any(not names <= {*part.metrics} for part in (*report.slices, *report.classes)):
        raise ValueError("a slice lacks metrics that slices have")


def _check_task(report: Report) -> None:
    """Raise ValueError for abstentions that are not those of the examples."""
    declined, tally = report.task and report.task.abstentions, report.tally
    if not declined:
        return
    for side, wrong in ((declined.old, tally.old_wrong), (declined.new, tally.new_wrong)):
        if (side.abstained + side.answered, side.abstained + side.wrong) != (tally.examples, wrong):
            raise ValueError("its tally and its abstentions differ")
    if declined.flips_by_abstention + declined.flips_by_wrong_answer != tally.negative_flips:
        raise ValueError("its tally and its flips by abstention differ")


def _check_evidence(report: Report) -> None:
    """Raise ValueError for evidence that is not of the sides that the report tells of."""
    if report.evidence is None:
        return
    for role, side in (("old", report.old), ("new", report.new)):
        files = [each for each in report.evidence.files if each.role == role]
        if len(files) != 1:
            raise ValueError(f"its evidence has {len(files)} files of the {role} side, and not one")
        told = (files[0].path or side.source, files[0].sha256 or side.sha256)
        if told != (side.source, side.sha256):
            raise ValueError(f"its evidence is of another {role} side than it tells of")


def _check_discovery(discovery: Discovery, tally: Tally) -> None:
    for each in discovery.found:
        whole = each.rest_examples + each.examples, each.rest_negative_flips + each.negative_flips
        if whole != (tally.examples, tally.negative_flips):
            raise ValueError("its tally and what was discovered differ")


def _check_values(report: Report) -> None:
    """Raise ValueError for metrics that are not those of the examples."""
    tally, whole = report.tally, Sample(report.tally, report.design)
    for name, estimate in report.metrics.items():
        if not estimate.available:
            continue
        measured = METRICS[name]
        if not _same(whole.value(measured), estimate.value):
            raise ValueError(f"its {measured.title} is not that of its examples")
        if measured.needs:
            continue
        counts = (measured.numerator(tally), measured.denominator(tally))
        if (estimate.numerator, estimate.denominator) != counts:
            raise ValueError(f"its tally and its {measured.title} differ")


def check_words(report: Report) -> None:
    """Raise ValueError for words that a report writes by itself, and that are none of its own."""
    digests = [each.sha256 or "" for each in (report.old, report.new, report.data)]
    images = [each.image for each in report.negative_flips.examples if each.image is not None]
    if not all(map(PICTURE.fullmatch, images)):
        raise ValueError("a picture that is none")
    if report.mcnemar.method not in {"mid-p", "clustered", "anytime-valid"}:
        raise ValueError(f"no test is called {report.mcnemar.method!r}")
    if not all(each.isprintable() for each in (report.version, *digests)):
        raise ValueError("a version or digest that cannot be printed")
