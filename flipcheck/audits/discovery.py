"""Where negative flips concentrate: every value of every column, and every pair of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Cells
from flipcheck.slices import paired_codes
from flipcheck.stats.discovery import Discovery, Finding, Rows, ordered, search, telling
from flipcheck.stats.sampling import Sample
from flipcheck.stats.tests import holm, log_upper_tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.report import Settings
    from flipcheck.slices import Groups
    from flipcheck.stats.discovery import Confirm, Search
    from flipcheck.stats.intervals import Interval

PERMUTATIONS = 1_000
JOINED = 2
"""Up to this many columns make a conjunction."""
SMALLEST = 50
"""Fewer examples than this are no candidate, unless --min-slice says otherwise."""
MOST_CELLS = 100_000_000
"""Kinds of examples times sets of columns beyond this would take gigabytes."""
LISTED, CONSIDERED, PROPOSED = 20, 100, 5
"""How many subgroups are listed, looked at for it, and put forward for the other half."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the examples: which flipped, their kinds, and the clusters that they are in.

    A kind is a combination of all columns' values; `kinds` is how many kinds there are.
    """

    flipped: NDArray[np.bool_]
    codes: NDArray[Any]
    kinds: int
    clusters: NDArray[Any] | None

    def counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many examples, and how many flips, there are of each kind."""
        import numpy as np

        flips = np.bincount(self.codes[self.flipped], minlength=self.kinds)
        return np.bincount(self.codes, minlength=self.kinds), flips

    def halves(self, rng: np.random.Generator) -> tuple[Part, Part]:
        """Two random halves; a cluster is in one of them, whole."""
        import numpy as np

        units = np.arange(len(self.codes))
        if self.clusters is not None:
            _, first, units = np.unique(self.clusters, return_index=True, return_inverse=True)
            units = np.argsort(np.argsort(first))[units]  # by first row: whatever their numbers
        chosen = np.zeros(int(units.max()) + 1, dtype=bool)
        chosen[rng.permutation(len(chosen))[: len(chosen) // 2]] = True
        return self._where(chosen[units]), self._where(~chosen[units])

    def _where(self, rows: NDArray[np.bool_]) -> Part:
        clusters = None if self.clusters is None else self.clusters[rows]
        return Part(self.flipped[rows], self.codes[rows], self.kinds, clusters)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The conjunctions that are searched: the places of their columns and of the values there.

    `cells` says which of them each kind is in, a column for each set of columns that was crossed;
    their number stands for none. `views` is the column of cells that each candidate is in.
    """

    where: list[tuple[tuple[int, int], ...]]
    views: list[int]
    cells: NDArray[np.int32]

    def masks(self, chosen: Sequence[int]) -> NDArray[np.bool_]:
        """Which kinds are in these candidates, shape (candidates, kinds)."""
        import numpy as np

        found = [self.cells[:, self.views[each]] == each for each in chosen]
        return np.reshape(found, (len(found), len(self.cells)))

    def rows(self, part: Part) -> Rows:
        """A part of the examples, ready to be searched."""
        return ordered(part.flipped, part.codes, self.cells, len(self.where), part.clusters)


def discover(
    columns: Sequence[Groups],
    flipped: NDArray[np.bool_],
    settings: Settings,
    *,
    confirm: Confirm | None = None,
    clusters: NDArray[Any] | None = None,
) -> Discovery:
    """The conjunctions of the columns' values in which negative flips concentrate.

    Examples are in an order that no file can change (by id). `clusters` has a whole number for
    each: examples of one cluster flip together, so they are permuted together and are in one
    half, and no interval is told, as that of single examples would be too narrow.
    Raises UsageError where there is no column, or a confidence that no permutation reaches.
    """
    import numpy as np

    _check(columns, settings)
    rng, alpha = np.random.default_rng([settings.seed, 1]), 1 - settings.confidence
    codes, table = _kinds(columns)
    whole = Part(flipped, codes, len(table), clusters)
    searched, judged = (whole, whole) if confirm is None else whole.halves(rng)
    smallest = settings.min_slice or SMALLEST
    candidates = _candidates(columns, table, searched, smallest)
    nothing = Discovery(
        columns=tuple(each.by for each in columns),
        candidates=len(candidates.where),
        smallest=smallest,
        permutations=PERMUTATIONS,
        confirm=confirm,
        proposed=None if confirm is None else 0,
        found=(),
    )
    if not candidates.where or not searched.flipped.any():
        return nothing
    result = search(candidates.rows(searched), PERMUTATIONS, rng)
    chance = result.adjusted if confirm is None else np.exp(result.log_p)
    most = LISTED if confirm is None else PROPOSED
    chosen = _chosen(candidates, result, chance, searched, alpha=alpha, most=most)
    if confirm is None:
        p_values, family = result.adjusted[chosen], len(candidates.where)
    else:
        p_values, family = _confirmed(candidates, chosen, judged, rng), 1
    intervals = _intervals(candidates.masks(chosen), judged, settings.confidence, family)
    counts = _against_the_rest(candidates.masks(chosen), judged).tolist()
    findings = (
        Finding(
            _names(columns, candidates.where[each]),
            *(size, flips, others, other_flips),
            p_adjusted=float(p_value),
            interval=interval,
        )
        for each, (size, flips, others, other_flips), p_value, interval in zip(
            chosen, counts, p_values, intervals, strict=True
        )
        if p_value <= alpha
    )
    proposed = None if confirm is None else len(chosen)
    return replace(nothing, proposed=proposed, found=tuple(findings))


def check_confirm(confirm: Confirm | None, *, discover: bool) -> None:
    """Raise UsageError for a way to confirm that there is not, or that has nothing to confirm."""
    if confirm not in {None, "split"}:
        raise UsageError(f"confirm is 'split' or nothing, not {confirm!r}")
    if confirm is not None and not discover:
        raise UsageError("--confirm judges what --discover finds", hint="add --discover")


def _check(columns: Sequence[Groups], settings: Settings) -> None:
    if not columns:
        raise UsageError(
            "nothing to search for negative flips in: no column and no true class",
            hint="name columns with --by",
        )
    if (1 - settings.confidence) * (PERMUTATIONS + 1) < 1 - 1e-9:
        raise UsageError(
            f"{PERMUTATIONS:,} permutations cannot find anything with a confidence of "
            f"{settings.confidence:g}",
            hint="--discover takes a --confidence of at most 0.999",
        )


def _kinds(columns: Sequence[Groups]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The kind of each example, and the code in each column of each kind."""
    import numpy as np

    codes = columns[0].codes
    table = np.arange(len(columns[0].values))[:, np.newaxis]
    for column in columns[1:]:
        codes, pairs = paired_codes(codes, column.codes, len(table), len(column.values))
        table = np.column_stack([table[pairs[:, 0]], pairs[:, 1]])
    return codes, table


def _candidates(
    columns: Sequence[Groups], table: NDArray[np.int64], part: Part, smallest: int
) -> Candidates:
    """Every conjunction of up to two columns with enough examples, and some beside them.

    A pair that has the very examples of one of its two values says nothing that the value does
    not, and is none.
    """
    import numpy as np

    sizes, _ = part.counts()
    total, joins = (
        int(sizes.sum()),
        [
            places
            for joined in range(1, JOINED + 1)
            for places in combinations(range(len(columns)), joined)
        ],
    )
    if len(table) * len(joins) > MOST_CELLS:
        raise UsageError(
            f"--discover over {len(columns):,} columns: {len(table):,} kinds of examples in "
            f"{len(joins):,} columns and pairs of them are too many to search",
            hint="name fewer columns with --by, or columns of fewer values",
        )
    cells = np.empty((len(table), len(joins)), dtype=np.int32)
    where, views = list[tuple[tuple[int, int], ...]](), list[int]()
    alone: dict[tuple[int, int], int] = {}
    for view, places in enumerate(joins):
        codes, found = _crossed(table, places, [len(columns[at].values) for at in places])
        counts = np.bincount(codes, sizes, len(found)).astype(np.int64)
        numbers = np.full(len(found), -1, dtype=np.int32)
        for row in np.flatnonzero(counts >= smallest).tolist():
            literals, size = tuple(zip(places, found[row].tolist(), strict=True)), counts[row]
            if len(places) == 1:
                alone[literals[0]] = size
            if size < total and (
                len(places) == 1 or size not in {alone[each] for each in literals}
            ):
                numbers[row] = len(where)
                where.append(literals)
                views.append(view)
        cells[:, view] = numbers[codes]
    cells[cells < 0] = len(where)
    return Candidates(where, views, cells)


def _crossed(
    table: NDArray[np.int64], places: tuple[int, ...], widths: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each kind's combination of the codes in some columns, and the combinations in order."""
    import numpy as np

    joint = np.ravel_multi_index(tuple(table[:, at] for at in places), widths)
    found, codes = np.unique(joint, return_inverse=True)
    return codes, np.stack(np.unravel_index(found, widths), axis=1)


def _chosen(
    candidates: Candidates,
    result: Search,
    chance: NDArray[np.float64],
    part: Part,
    *,
    alpha: float,
    most: int,
) -> list[int]:
    """The candidates to tell of, the most telling first, without mere echoes of others."""
    import numpy as np

    ranked = sorted(
        np.flatnonzero(chance <= alpha).tolist(),
        key=lambda each: (round(float(result.log_p[each]), 6), candidates.where[each]),
    )[:CONSIDERED]
    kept = telling(candidates.masks(ranked), *part.counts(), alpha, most)
    return [ranked[place] for place in kept]


def _confirmed(
    candidates: Candidates, chosen: list[int], part: Part, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The p-values of the proposed on the other half, corrected for their number by Holm."""
    import numpy as np

    sizes, flips = part.counts()
    masks = candidates.masks(chosen)
    if part.clusters is None:
        logs = log_upper_tail(masks @ flips, masks @ sizes, int(flips.sum()), int(sizes.sum()))
        return holm(np.exp(logs))
    if not chosen or not flips.any():
        return np.ones(len(chosen))
    cells = np.where(masks.T, np.arange(len(chosen)), len(chosen)).astype(np.int32)
    where = [candidates.where[each] for each in chosen]
    proposed = Candidates(where, list(range(len(chosen))), cells)
    return holm(search(proposed.rows(part), PERMUTATIONS, rng).single)


def _intervals(
    masks: NDArray[np.bool_], part: Part, level: float, family: int
) -> Sequence[Interval | None]:
    """The interval of each subgroup's rate, that holds for all of a family of so many at once."""
    sizes, flips = part.counts()
    if part.clusters is not None:
        return [None] * len(masks)
    flipped, rest = masks @ flips, masks @ (sizes - flips)
    sample = Sample(Cells(rest, flipped, *(flipped * 0 for _ in range(4))))
    return sample.simultaneous(METRICS["negative_flip_rate"], level, family)


def _against_the_rest(masks: NDArray[np.bool_], part: Part) -> NDArray[np.int64]:
    """The examples and flips of each subgroup and of all other examples, shape (subgroups, 4)."""
    import numpy as np

    kinds = np.stack(part.counts(), axis=1)
    inside = masks @ kinds
    return np.hstack([inside, kinds.sum(axis=0) - inside])


def _names(
    columns: Sequence[Groups], where: tuple[tuple[int, int], ...]
) -> tuple[tuple[str, str], ...]:
    return tuple((columns[at].by, columns[at].values[code]) for at, code in where)
