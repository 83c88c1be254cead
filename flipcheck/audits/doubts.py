"""What an audit warns of: decisions that rest on few clusters, and clusters nobody declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.audits.measuring import ranked
from flipcheck.errors import plural
from flipcheck.labels import Labels
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Cells, Outcome, Weighed
from flipcheck.stats.design import design
from flipcheck.stats.sampling import Sample
from flipcheck.stats.units import WIDTH, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.audits.measuring import Beside, Measured
    from flipcheck.pairing import Paired

FEW_CLUSTERS = 10
"""With fewer clusters that hold a flip, an interval rests on too few of them (STATISTICS.md)."""
ALIKE, FEWEST_GROUPS = 1.5, 20
"""A design effect from which undeclared groups are worth a warning, and of how many groups."""
SURE = 4.0
"""How many standard errors a grouping must lie from chance, so that only true ones are told."""
MEMBER = r"[0-9]+(\.[A-Za-z0-9]+)?$"
"""The number that an id may end in: what stands before it may name what it is part of."""
MANY = 5
"""Where beginnings of ids tell the class, as folders do, they are groups if so many times more."""


def doubts(paired: Paired, found: Measured, total: Sample, beside: Beside) -> Iterator[str]:
    """Warnings about how the examples were drawn."""
    if total.design is not None and total.design.clustered:
        yield from _few_clusters(total)
    elif len(paired) >= 2 * FEWEST_GROUPS:
        yield from _undeclared(paired, found)
    if beside.weight is not None and total.design is not None and total.design.alike:
        yield f"column {beside.weight!r}: every example weighs the same"


def _few_clusters(total: Sample) -> Iterator[str]:
    import numpy as np

    assert total.design is not None  # noqa: S101  (who calls has clusters)
    flips = np.asarray(Weighed.of(np.eye(WIDTH)).negative_flips) > 0
    units, holding = int(total.design.units), int(total.design.units_with(flips))
    if units < FEW_CLUSTERS:
        yield f"only {plural(units, 'cluster')}: intervals and gates rest on few of them"
    elif 0 < holding < FEW_CLUSTERS:
        yield (
            f"only {plural(holding, 'cluster')} of {units:,} hold negative flips: intervals and "
            "gates rest on few of them"
        )


def _undeclared(paired: Paired, found: Measured) -> Iterator[str]:
    """Groups in which answers go wrong together, and that were not declared as clusters."""
    for name, labels in _groupings(paired):
        groups = ranked(labels)
        effect, errors = _effect(groups, found.codes)
        if effect >= ALIKE and errors >= SURE:
            told = f"column {name!r}" if name else "the beginnings of the ids"
            how = f"--cluster {name}" if name else "a column of them and --cluster"
            yield (
                f"examples that share {told} go wrong together (design effect {effect:.1f} over "
                f"{plural(len(set(groups.tolist())), 'group')}): as drawn one by one, intervals "
                f"are too narrow; declare it with {how}"
            )
            return


def _groupings(paired: Paired) -> Iterator[tuple[str, Labels]]:
    """What the examples may be clustered by: columns of telling names, and beginnings of ids."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, labels in sorted(paired.groups.items()):
        if not labels.missing:
            yield name, labels
    if pa.types.is_integer(paired.ids.type):
        return
    beginnings = Labels.of(pc.replace_substring_regex(paired.ids, MEMBER, ""))
    if beginnings.missing:  # ids that are only numbers
        return
    if paired.truth is not None:
        size = len(paired.truth.names) + 1
        pairs = np.unique(beginnings.codes.astype(np.int64) * size + paired.truth.codes)
        if len(pairs) == len(beginnings.names) < MANY * len(paired.truth.used()):
            return
    yield "", beginnings


def _effect(groups: NDArray[np.int64], codes: NDArray[np.uint8]) -> tuple[float, float]:
    """The largest design effect that groups have on a rate, and how far beyond chance it is.

    Were the examples of a group no more alike than others, the effect would spread around 1 with
    a variance of about (2 + 1 / expected events of a group) / groups.
    """
    import numpy as np

    sizes = np.bincount(groups)
    count = int((sizes > 0).sum())
    if not FEWEST_GROUPS <= count <= len(codes) / 1.5:
        return 1.0, 0.0
    drawn = design(Rows(codes, clusters=groups))
    sample = Sample(Cells.of(np.bincount(codes, minlength=len(Outcome))), drawn)
    found = []
    for name in ("negative_flip_rate", "new_error_rate", "old_error_rate"):
        effect, rate = sample.design_effect(METRICS[name]), sample.value(METRICS[name])
        if effect is not None and rate:
            events = min(rate, 1 - rate) * len(codes) / count
            found.append((effect, (effect - 1) / np.sqrt((2 + 1 / events) / count)))
    return max(found, key=lambda each: each[1], default=(1.0, 0.0))
