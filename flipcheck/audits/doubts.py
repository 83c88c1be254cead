"""What an audit warns of: decisions that rest on few clusters, and clusters nobody declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.audits.measuring import ANY, NO_ANSWER
from flipcheck.errors import listed, plural
from flipcheck.labels import Labels
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Weighed, tally
from flipcheck.stats.design import design
from flipcheck.stats.sampling import Sample
from flipcheck.stats.tests import mcnemar
from flipcheck.stats.units import WIDTH, Rows
from flipcheck.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.audits.measuring import Beside, Costs, Measured, Rerun
    from flipcheck.pairing import Paired
    from flipcheck.stats.design import Design

FEW_CLUSTERS = 10
"""With fewer clusters that hold a flip, an interval rests on too few of them (STATISTICS.md)."""
ALIKE, FEWEST_GROUPS = 1.5, 20
"""A design effect from which undeclared groups are worth a warning, and of how many groups."""
SURE = 4.0
"""How many standard errors a grouping must lie from chance, so that only true ones are told."""
NAMED_ALIKE, NAMED_SURE = 1.1, 3.0
"""The same of a column whose name says that it holds users, documents and the like."""
MEMBER = r"[0-9]+(\.[A-Za-z0-9]+)?$"
"""The number that an id may end in: what stands before it may name what it is part of."""
VAGUE, NUMBERED = ("", "cluster", "group", "subject"), 0.9
"""Under these names (or none) groups may be kinds, such as the subjects of an exam, unless this
share of their own names holds a digit."""
MANY = 5
"""Where groups tell the class, as folders do, they are clusters if there are so many times more."""
NO_NOISE = 1e-3
"""The p-value below which a rerun that is worse than the old model is no rerun of it."""


def doubts(paired: Paired, found: Measured, total: Sample, beside: Beside) -> Iterator[str]:
    """Warnings about how the examples were drawn, and what they are compared with."""
    rows = found.rows
    if beside.weight is not None and rows.weights is None:
        yield f"column {beside.weight!r}: every example weighs the same"
    if total.design is not None and total.design.clustered:
        yield from _few_clusters(total.design)
    elif beside.cluster is not None:
        yield f"column {beside.cluster!r}: every example is a cluster of its own"
    else:
        yield from _undeclared(paired, found)
    if beside.costs is not None:
        yield from _unused_costs(paired, beside.costs)
    for rerun in beside.reruns:
        yield from _no_rerun(paired, rerun)


def _few_clusters(drawn: Design) -> Iterator[str]:
    import numpy as np

    flips = np.asarray(Weighed.of(np.eye(WIDTH)).negative_flips) > 0
    units, holding = int(drawn.units), int(drawn.units_with(flips))
    if units < FEW_CLUSTERS:
        yield f"only {plural(units, 'cluster')}: intervals and gates rest on few of them"
    elif 0 < holding < FEW_CLUSTERS:
        yield (
            f"only {plural(holding, 'cluster')} of {units:,} hold negative flips: intervals and "
            "gates rest on few of them"
        )


def _unused_costs(paired: Paired, costs: Costs) -> Iterator[str]:
    """Names in the cost matrix that are nowhere, which may be misspelt."""
    known = {ANY, NO_ANSWER, *(paired.old.names if paired.old else ())}
    unused = sorted({name for pair in costs.table for name in pair} - known)
    if unused:
        yield f"{costs.source}: costs of {plural(len(unused), 'answer')} that nobody gives: " + (
            listed(unused)
        )


def _no_rerun(paired: Paired, rerun: Rerun) -> Iterator[str]:
    """A run that is clearly worse than the old model: what it breaks would pass for noise."""
    broken = int((paired.old_right & ~rerun.right).sum())
    mended = int((~paired.old_right & rerun.right).sum())
    if broken > mended and mcnemar(broken, mended).p_value < NO_NOISE:
        yield (
            f"{rerun.name}: worse than the old model's first run (it breaks {broken:,} answers and "
            f"mends {mended:,}), so that its flips are more than noise"
        )


def _undeclared(paired: Paired, found: Measured) -> Iterator[str]:
    """Groups in which answers go wrong together, and that were not declared as clusters."""
    for name, labels in _groupings(paired):
        if not _are_units(paired, name, labels):
            continue
        named = name.lower() not in VAGUE
        effect, groups = _effect(labels, found.codes, NAMED_SURE if named else SURE)
        if effect >= (NAMED_ALIKE if named else ALIKE):
            told = f"column {name!r}" if name else "the beginnings of the ids"
            how = f"--cluster {name}" if name else "a column of them and --cluster"
            yield (
                f"examples that share {told} go wrong together (design effect {effect:.2f} over "
                f"{plural(groups, 'group')}): as drawn one by one, intervals are too narrow; "
                f"declare it with {how}"
            )
            return


def _groupings(paired: Paired) -> Iterator[tuple[str, Labels]]:
    """What the examples may be clustered by: columns of telling names, and beginnings of ids."""
    import pyarrow as pa
    import pyarrow.compute as pc

    yield from sorted(paired.groups.items())
    # Ids that differ in one number alone have one beginning, or as many as there are of them.
    if not pa.types.is_integer(paired.ids.type) and Texts(paired.ids).numbers() is None:
        yield "", Labels.of(pc.replace_substring_regex(paired.ids, MEMBER, ""))


def _effect(labels: Labels, codes: NDArray[np.uint8], sure: float) -> tuple[float, int]:
    """The largest design effect that groups surely have on a rate, and how many groups they are.

    It is told where it lies so many standard errors from chance as `sure` says.

    Were the examples of a group no more alike than others, with counts of events by the binomial
    law, the effect would spread around 1 with the variance 2 Σm² / n² + (1 − 6pq) / npq.
    """
    import numpy as np

    sizes = np.bincount(labels.codes)
    count, total = int((sizes > 0).sum()), len(codes)
    squares = float((sizes.astype(float) ** 2).sum())
    if squares * FEWEST_GROUPS > total**2 or count > total / ALIKE:
        return 1.0, count
    sample = Sample(tally(codes), design(Rows(codes, clusters=labels.codes.astype(np.int64))))
    found = [1.0]
    for name in ("negative_flip_rate", "new_error_rate", "old_error_rate"):
        effect, rate = sample.design_effect(METRICS[name]), sample.value(METRICS[name])
        if effect is not None and rate:
            spread = rate * (1 - rate)
            variance = 2 * squares / total**2 + (1 - 6 * spread) / (total * spread)
            if effect - 1 >= sure * np.sqrt(variance):
                found.append(effect)
    return max(found), count


def _are_units(paired: Paired, name: str, labels: Labels) -> bool:
    """Whether groups may be what examples were drawn in, and are no kinds."""
    import numpy as np

    if labels.missing or len(labels.names) * ALIKE > len(labels):
        return False
    used = labels.used()
    numbered = sum(any(each.isdigit() for each in text) for text in used)
    if name.lower() in VAGUE and numbered < NUMBERED * len(used):
        return False
    if paired.truth is None:
        return True
    kinds = len(paired.truth.names) + 1
    pairs = np.unique(labels.codes.astype(np.int64) * kinds + paired.truth.codes)
    return len(pairs) > len(used) or len(used) >= MANY * len(paired.truth.used())
