"""How often gates together would be wrong: simulated audits of updates whose truth is known.

A pilot's tally, and its slices, give the truth of an update: the share of each outcome. Audits
are drawn from it, all at once, and judged by the tests that the gates' bounds invert. The same
truth with fewer or more negative flips is a good update, or a bad one. Slices of one column are
drawn together with the whole; columns are independent of each other given the outcome, as a
report says no more of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.gates import NEED_OLD_RIGHT, OPERATORS
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Cells, Outcome
from flipcheck.stats.power import Worth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.gates import Gate, Scope
    from flipcheck.report import Settings
    from flipcheck.slices import Slices

    Lever = tuple[tuple[Outcome, ...], tuple[Outcome, ...]]

PASS, UNDECIDED, FAIL = 0, 1, 2
"""Severities: those of several gates together are the largest."""

RIGHT = (Outcome.BOTH_RIGHT, Outcome.BOTH_RIGHT_DIFFERENT)
WRONG = (Outcome.BOTH_WRONG_SAME, Outcome.BOTH_WRONG_DIFFERENT, Outcome.BOTH_WRONG_UNSPLIT)
LOST = (RIGHT, (Outcome.NEGATIVE_FLIP, Outcome.NEGATIVE_FLIP_SAME))
WON = (WRONG, (Outcome.POSITIVE_FLIP, Outcome.POSITIVE_FLIP_SAME))
"""The two ways in which an update differs from the old model: answers that it breaks, and mends."""

LEVERS: dict[str, Lever | None] = {
    "old_error_rate": None,
    "positive_flip_rate": WON,
    "positive_flip_impact": WON,
}
"""What moves a metric; the negative flips move all others."""


@dataclass(frozen=True, slots=True)
class Parts:
    """How the parts of a gate are judged: the whole, one slice, or each slice of a column.

    `judged`, shape (parts,), leaves out those that --min-slice does; `worth` says as how many
    examples drawn singly theirs count.
    """

    worth: Worth
    judged: NDArray[np.bool_]

    @classmethod
    def plain(cls, size: int) -> Parts:
        """So many parts of examples that are drawn singly, all of them judged."""
        import numpy as np

        return cls(Worth(np.ones(size), np.ones((size, 2))), np.ones(size, bool))

    @property
    def ends(self) -> NDArray[np.float64]:
        """By what drawn counts are multiplied to be judged at either end, shape (parts, 2)."""
        return self.worth.ends / self.worth.drawn[:, None]

    def thinned(
        self, rng: np.random.Generator, counts: NDArray[np.int64], most: float
    ) -> NDArray[np.int64]:
        """Counts (audits, parts, outcomes), drawn for the worth `most`, at that of each part."""
        if (self.worth.drawn == most).all():
            return counts
        return rng.binomial(counts, self.worth.drawn[:, None] / most)


BLOCK = 200_000
"""Slices times audits that are drawn at once: what bounds the memory."""


@dataclass(frozen=True, slots=True)
class Truth:
    """An update whose true rates are known.

    `total` is the expected count of each Outcome, `columns` those of each slice of a column,
    shape (slices, outcomes), and `values` are the slices' names.
    """

    total: NDArray[np.float64]
    columns: Mapping[str, NDArray[np.float64]]
    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, columns: Sequence[Slices], total: NDArray[Any]) -> Truth:
        """The truth if a pilot's counts, or weighted sums, were its expectation."""
        counts = {each.by: each.counts.astype(float) for each in columns}
        return cls(total.astype(float), counts, {each.by: each.values for each in columns})

    def with_flips(self, lever: Lever, share: float) -> Truth:
        """The same where this share of what can flip does, in every slice alike."""
        columns = {by: _flipped(each, lever, share) for by, each in self.columns.items()}
        return replace(self, total=_flipped(self.total[None], lever, share)[0], columns=columns)

    def with_slice(self, scope: Scope, lever: Lever, share: float) -> Truth:
        """The same where this share flips in one slice."""
        by, row = scope[0], self.values[scope[0]].index(scope[1])
        table = self.columns[by].copy()
        table[row] = _flipped(table[row][None], lever, share)[0]
        return replace(self, total=table.sum(axis=0), columns={**self.columns, by: table})

    def rate(self, metric: str) -> float:
        """The true value of a metric over all examples."""
        cells = Cells.of(self.total)
        value = METRICS[metric].numerator(cells) / METRICS[metric].denominator(cells)
        return round(float(value), 12) + 0.0  # neither the dust of sums nor a negative 0


def _flipped(table: NDArray[np.float64], lever: Lever, share: Any) -> NDArray[np.float64]:
    """Counts (slices, outcomes) of which a share of what a lever can flip is flipped.

    One share for all slices, or one for each, shape (slices, 1).

    The kinds of an outcome (same or different answers) keep their proportions.
    """
    kept, flips = (list(each) for each in lever)
    movable = table[:, kept + flips].sum(axis=1, keepdims=True)
    changed = table.copy()
    changed[:, kept] = movable * (1 - share) * _mix(table[:, kept])
    changed[:, flips] = movable * share * _mix(table[:, flips])
    return changed


def _mix(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The proportions in each row; where it is empty those of all rows, or the first kind alone."""
    import numpy as np

    first = np.eye(1, counts.shape[1])
    whole = counts.sum(axis=0, keepdims=True)
    usual = whole / whole.sum() if whole.sum() else first
    sums = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.where(sums > 0, counts / np.where(sums > 0, sums, 1), usual))


def share_at_limit(
    gate: Gate, counts: NDArray[np.float64], lever: Lever
) -> tuple[float, bool] | None:
    """The share of flips that puts a metric at the gate's limit, and whether more would break it.

    None where no share does: the limit is kept, or broken, by all of them.
    """
    import numpy as np

    shares, breaks = shares_at_limit(gate, counts[None], lever)
    return None if np.isnan(shares[0]) else (float(shares[0]), bool(breaks[0]))


def shares_at_limit(
    gate: Gate, table: NDArray[np.float64], lever: Lever
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The same for each row of counts (slices, outcomes); NaN where no share does."""
    import numpy as np

    metric = METRICS[gate.metric]

    def over(share: NDArray[np.float64]) -> NDArray[np.bool_]:
        cells = Cells.of(_flipped(table, lever, share[:, None]))
        return np.asarray(metric.numerator(cells) > gate.limit * metric.denominator(cells))

    low, high = np.zeros(len(table)), np.ones(len(table))
    start, end = over(low), over(high)
    for _ in range(60):
        middle = (low + high) / 2
        before = over(middle) == start
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return np.where(start == end, np.nan, high), end == gate.upper


def severities(
    truth: Truth,
    gates: Sequence[Gate],
    examples: int,
    settings: Settings,
    *,
    audits: int,
    seed: Sequence[int],
    parts_of: Sequence[Parts] | None = None,
) -> NDArray[np.int8]:
    """What each gate says of simulated audits of so many examples, shape (audits, gates).

    `parts_of` says for each gate how its parts are judged; by default all are, as they are.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    judged = parts_of or [Parts.plain(len(scoped(gate, truth))) for gate in gates]
    most = max(float(each.worth.drawn.max()) for each in judged)
    size = max(1, int(examples * most))
    by = [name for name in truth.columns if name in map(column, gates)]
    widest = max([len(truth.columns[name]) for name in by], default=1)
    step, found = max(1, BLOCK // widest), []
    for begin in range(0, audits, step):
        drawn = _multinomial(rng, np.full(min(step, audits - begin), size), truth.total)
        split = {name: _split(rng, drawn, truth.columns[name]) for name in by}
        each = [
            _of_gate(
                gate,
                parts.thinned(rng, _counts(gate, drawn, split, truth.values), most),
                settings,
                parts,
            )
            for gate, parts in zip(gates, judged, strict=True)
        ]
        found.append(np.stack(each, axis=1))
    return np.concatenate(found)


def _counts(
    gate: Gate,
    drawn: NDArray[np.int64],
    split: Mapping[str, NDArray[np.int64]],
    values: Mapping[str, tuple[str, ...]],
) -> NDArray[np.int64]:
    """The outcomes of the parts that a gate judges, shape (audits, parts, outcomes)."""
    if gate.by is not None:
        return split[gate.by]
    if gate.where is not None:
        by, value = gate.where
        return split[by][:, values[by].index(value), None]
    return drawn[:, None]


def column(gate: Gate) -> str | None:
    """The column whose slices a gate is about."""
    return gate.by or (gate.where[0] if gate.where else None)


def _multinomial(
    rng: np.random.Generator, totals: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Totals dealt out by weights, shape (totals, weights); an empty cell stays empty."""
    import numpy as np

    dealt = np.zeros((len(totals), len(weights)), np.int64)
    occupied = weights > 0
    if occupied.any():
        shares = weights[occupied] / weights[occupied].sum()
        dealt[:, occupied] = rng.multinomial(totals, shares)
    return dealt


def _split(
    rng: np.random.Generator, drawn: NDArray[np.int64], table: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Audits' outcomes dealt out among the slices, shape (audits, slices, outcomes)."""
    import numpy as np

    dealt = [_multinomial(rng, drawn[:, cell], table[:, cell]) for cell in range(table.shape[1])]
    return np.stack(dealt, axis=2)


def _of_gate(
    gate: Gate, counts: NDArray[np.int64], settings: Settings, parts: Parts
) -> NDArray[np.int8]:
    """The gate's severity in each audit, as `judge` and `judge_slices` would have it."""
    import numpy as np

    counts, ends = counts[:, parts.judged], parts.ends[parts.judged]
    if not counts.shape[1]:
        return np.full(len(counts), UNDECIDED, np.int8)
    each, chances = _judged(gate, counts, settings, ends)
    if gate.metric in NEED_OLD_RIGHT:  # where the old model is never right, nothing can break
        each[~(Cells.of(counts).old_right > 0).any(axis=1)] = UNDECIDED
    if gate.by is None:
        return each[:, 0]
    present = counts.sum(axis=2) > 0
    if settings.decide == "bound":
        chances = np.where(each == FAIL, chances, 1.0)
        stands = _holm(chances, present.sum(axis=1)) <= 1 - settings.confidence
        each[(each == FAIL) & ~stands] = UNDECIDED
    return np.asarray(np.where(present, each, PASS).max(axis=1))


def _judged(
    gate: Gate, counts: NDArray[np.int64], settings: Settings, ends: NDArray[np.float64]
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """The severity of each tally, and the chance of what was seen were it at the limit."""
    import numpy as np

    metric, cells = METRICS[gate.metric], Cells.of(counts)
    bottom = np.asarray(metric.denominator(cells))
    above, below = _tails(gate, counts, ends)
    breaks, keeps = (above, below) if gate.upper else (below, above)
    if settings.decide == "point":
        value = metric.numerator(cells) / np.maximum(bottom, 1)
        found = np.where(OPERATORS[gate.operator](value, gate.limit), PASS, FAIL)
    else:
        alpha = 1 - settings.confidence
        found = np.where(keeps <= alpha, PASS, np.where(breaks < alpha, FAIL, UNDECIDED))
    return np.where(bottom > 0, found, UNDECIDED).astype(np.int8), breaks


def _tails(
    gate: Gate, counts: NDArray[np.int64], ends: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The chances at the limit of at least, and of at most, what was seen, each at its end."""
    from flipcheck.stats.intervals import tails

    metric = METRICS[gate.metric]
    if (ends == 1).all():
        return tails(metric, Cells.of(counts), gate.limit)
    low, high = (
        tails(metric, Cells.of(counts * ends[:, end, None]), gate.limit)[end] for end in (0, 1)
    )
    return low, high


def _holm(p_values: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Holm's adjustment in each row, over as many claims as `sizes` says; the others are 1."""
    import numpy as np

    order = np.argsort(p_values, axis=1, kind="stable")
    left = np.maximum(sizes[:, None] - np.arange(p_values.shape[1]), 1)
    steps = np.maximum.accumulate(np.take_along_axis(p_values, order, axis=1) * left, axis=1)
    adjusted = np.empty_like(steps)
    np.put_along_axis(adjusted, order, steps, axis=1)
    return adjusted


def scoped(gate: Gate, truth: Truth) -> list[tuple[Scope | None, NDArray[np.float64]]]:
    """The parts that a gate judges: the whole, one slice, or every slice, and their counts."""
    if gate.by is not None:
        pairs = zip(truth.values[gate.by], truth.columns[gate.by], strict=True)
        return [((gate.by, value), row) for value, row in pairs]
    if gate.where is not None:
        by, value = gate.where
        return [(gate.where, truth.columns[by][truth.values[by].index(value)])]
    return [(None, truth.total)]


def lever(gate: Gate) -> Lever | None:
    """What moves the gate's metric: LOST, WON, or None where no update does."""
    return LEVERS.get(gate.metric, LOST)
