"""The search for subgroups in which negative flips concentrate, and a p-value that survives it.

The best of many candidates looks telling even where there is nothing (STATISTICS.md §3: in 100 %
of audits). So the smallest p-value is held against the smallest ones of permutations, in which
other examples flipped: Westfall & Young's single-step min-p method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.stats.tests import log_upper_tail

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.stats.intervals import Interval

Confirm = Literal["split"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A subgroup in which negative flips concentrate: `where` are its columns and their values.

    The counts, rates and the interval are those of the examples that it was judged on; the p-value
    holds for all candidates (or, with --confirm split, for all that were proposed). The interval
    is None where examples come in clusters.
    """

    where: tuple[tuple[str, str], ...]
    examples: int
    negative_flips: int
    rest_examples: int
    rest_negative_flips: int
    p_adjusted: float
    interval: Interval | None

    def __post_init__(self) -> None:
        pairs = (
            (self.negative_flips, self.examples),
            (self.rest_negative_flips, self.rest_examples),
        )
        if any(not 0 <= flips <= examples or not examples for flips, examples in pairs):
            raise ValueError("a finding has examples, and no more flips than these")
        if not 0 <= self.p_adjusted <= 1:
            raise ValueError("a p-value is from 0 to 1")

    @property
    def rate(self) -> float:
        """The negative flip rate of the subgroup."""
        return self.negative_flips / self.examples

    @property
    def rest_rate(self) -> float:
        """The negative flip rate of all other examples."""
        return self.rest_negative_flips / self.rest_examples


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was searched, and what was found: the most telling first.

    `candidates` are the conjunctions of the columns' values with at least `smallest` examples;
    `proposed` is how many of them one half put forward for the other, None without that.
    """

    columns: tuple[str, ...]
    candidates: int
    smallest: int
    permutations: int
    confirm: Confirm | None
    proposed: int | None
    found: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """The examples of a search: which flipped, where each stands, and what moves with what.

    `cells` has a row for each kind of example and a column for each set of columns that was
    crossed: the candidate that the kind belongs to there, or `candidates` for none. `kinds` has
    the kind of each example. `starts` are the first examples of the clusters, which are ordered
    by size, and `sizes` their sizes: without clusters each example is one.
    """

    flipped: NDArray[np.bool_]
    kinds: NDArray[Any]
    cells: NDArray[np.int32]
    candidates: int
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many of these rows are in each candidate."""
        import numpy as np

        kinds = np.bincount(self.kinds[rows], minlength=len(self.cells))
        there = np.flatnonzero(kinds)
        times = np.repeat(kinds[there], self.cells.shape[1])
        found = np.bincount(self.cells[there].ravel(), times, self.candidates + 1)
        return found[:-1].astype(np.int64)


def ordered(
    flipped: NDArray[np.bool_],
    kinds: NDArray[Any],
    cells: NDArray[np.int32],
    candidates: int,
    clusters: NDArray[Any] | None,
) -> Rows:
    """The rows of a search, cluster by cluster, the clusters by size.

    `clusters` has one whole number for each row, None where each row is a cluster. Equal sizes,
    and the rows of one cluster, stay in the order in which they came.
    """
    import numpy as np

    if clusters is None:
        every = np.arange(len(flipped))
        return Rows(flipped, kinds, cells, candidates, every, np.ones_like(every))
    _, first, cluster, size = np.unique(
        clusters, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first[cluster], size[cluster]))
    sizes = size[np.lexsort((first, size))]
    starts = np.cumsum(sizes) - sizes
    return Rows(flipped[order], kinds[order], cells, candidates, starts, sizes)


def permuted(
    rows: Rows, permutations: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """The rows that flip in each permutation: clusters of one size exchange their flips whole.

    Without clusters that is a draw of as many rows as flipped. Which of its rows flipped, in their
    order, is what a cluster passes on, so that nothing is assumed about rows of one cluster. A
    cluster whose size no other one has keeps its flips: the permutations are then fewer, which
    costs power and never makes a p-value too small.
    """
    import numpy as np

    flips = np.flatnonzero(rows.flipped)
    cluster = np.searchsorted(rows.starts, flips, side="right") - 1
    hit, owner = np.unique(cluster, return_inverse=True)
    place = flips - rows.starts[cluster]
    size, begins = np.unique(rows.sizes[hit], return_index=True)
    pools = [
        (np.searchsorted(rows.sizes, [each, each + 1]), begin, end)
        for each, begin, end in zip(
            size.tolist(), begins.tolist(), [*begins[1:].tolist(), len(hit)], strict=True
        )
    ]
    for _ in range(permutations):
        target = np.empty_like(hit)
        for (low, high), begin, end in pools:
            target[begin:end] = low + rng.choice(int(high - low), end - begin, replace=False)
        yield rows.starts[target][owner] + place


@dataclass(frozen=True, slots=True)
class Search:
    """Each candidate's examples and flips, the logarithm of its p-value, and what survives.

    `adjusted` is the permutation p-value of the smallest over all candidates, `single` that of
    the candidate alone.
    """

    sizes: NDArray[np.int64]
    flips: NDArray[np.int64]
    log_p: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    single: NDArray[np.float64]


def search(rows: Rows, permutations: int, rng: np.random.Generator) -> Search:
    """Every candidate's one-sided hypergeometric p-value against the rest, and its permutations'.

    The p-value falls with the flips, so that of all candidates of one size only the one with the
    most flips can be the smallest of a permutation.
    """
    import numpy as np

    total, marked = len(rows.flipped), int(rows.flipped.sum())
    sizes = rows.counts(np.arange(total))
    flips = rows.counts(np.flatnonzero(rows.flipped))
    log_p = log_upper_tail(flips, sizes, marked, total)
    order = np.argsort(sizes, kind="stable")
    distinct, begins = np.unique(sizes[order], return_index=True)
    most = np.empty((permutations, len(distinct)), dtype=np.int64)
    reached = np.zeros(len(sizes), dtype=np.int64)
    for row, drawn in enumerate(permuted(rows, permutations, rng)):
        counts = rows.counts(drawn)
        reached += counts >= flips
        most[row] = np.maximum.reduceat(counts[order], begins)
    keys, place = np.unique(most + np.arange(len(distinct)) * (marked + 1), return_inverse=True)
    tails = log_upper_tail(keys % (marked + 1), distinct[keys // (marked + 1)], marked, total)
    least = np.sort(tails[place.reshape(most.shape)].min(axis=1))
    # Equal p-values may differ in their last digits, and must count as equal.
    smaller = np.searchsorted(least, log_p + 1e-6, side="right")
    return Search(
        sizes, flips, log_p, (1 + smaller) / (permutations + 1), (1 + reached) / (permutations + 1)
    )


def telling(
    masks: NDArray[np.bool_],
    sizes: NDArray[np.int64],
    flips: NDArray[np.int64],
    alpha: float,
    most: int,
) -> list[int]:
    """Which of the subgroups to list, the most telling being the first rows of `masks`.

    One is left out where it only echoes a row before it that is kept: where its flips concentrate
    neither among the examples outside of that one nor among those inside. `masks` has the shape
    (subgroups, kinds); `sizes` and `flips` are those of the kinds of examples.
    """
    import numpy as np

    log_alpha = float(np.log(alpha / max(1, len(masks))))

    def concentrates(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> bool:
        inside = part & whole
        count, drawn = int(flips[inside].sum()), int(sizes[inside].sum())
        marked, total = int(flips[whole].sum()), int(sizes[whole].sum())
        return bool(log_upper_tail(count, drawn, marked, total) <= log_alpha)

    kept: list[int] = []
    for row, mask in enumerate(masks):
        if len(kept) == most:
            break
        before = (masks[each] for each in kept)
        if all(concentrates(mask, other) or concentrates(mask, ~other) for other in before):
            kept.append(row)
    return kept
