"""What an audit measures on: the outcome of each example, and how the examples were drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError, UsageError, listed, plural
from flipcheck.labels import MISSING
from flipcheck.outcomes import (
    EXTRAS,
    NEGATIVE_FLIPS,
    Cells,
    Outcome,
    Tally,
    among,
    graded_outcomes,
    outcomes,
    tally,
)
from flipcheck.predictions import LARGEST
from flipcheck.stats.bootstrap import Kinds
from flipcheck.stats.design import design, design_of
from flipcheck.stats.sampling import Sample
from flipcheck.stats.tests import more_than_the_rest, more_than_the_rest_by_unit
from flipcheck.stats.units import Rows, Units

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.grades import Grades
    from flipcheck.labels import Labels
    from flipcheck.pairing import Paired
    from flipcheck.stats.design import Design
    from flipcheck.stats.effective import Bound

ANY = "*"
"""In a cost matrix: whatever the answer."""
NO_ANSWER = "(none)"
"""In a cost matrix: that no answer was given."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a negative flip costs: by the right answer of the old model and the new answer.

    A pair that is not there is looked up with ANY in place of the new answer, then of the old
    one, then of both. Costs are finite numbers from 0.
    """

    table: Mapping[tuple[str, str], float]
    source: str
    sha256: str | None = None

    def __post_init__(self) -> None:
        bad = [f"{pair}: {cost}" for pair, cost in self.table.items() if not _is_cost(pair, cost)]
        if bad or max(self.table.values(), default=0) < 1 / LARGEST:
            raise InputError(
                f"{self.source}: a cost is a number from 0 for an old and a new answer, and some "
                "cost is above 0",
                problems=bad[:SHOWN],
                hint="give at least one flip a cost",
            )

    def of(self, old: str, new: str) -> float | None:
        """The cost of one pair of answers; None where the matrix has none."""
        for pair in ((old, new), (old, ANY), (ANY, new), (ANY, ANY)):
            if pair in self.table:
                return self.table[pair]
        return 0.0 if old == new else None


def _is_cost(pair: object, cost: object) -> bool:
    """Whether these are two answers, and a number."""
    answers = isinstance(pair, tuple) and list(map(type, pair)) == [str, str]
    number = isinstance(cost, (int, float)) and not isinstance(cost, bool)
    return answers and number and 0 <= float(cost) <= LARGEST  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Rerun:
    """The old model, run or trained again: which of its answers to the same examples are right."""

    name: str
    right: NDArray[np.bool_]
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What an audit takes beside the two models' answers; see the options of `compare`."""

    cluster: str | None = None
    weight: str | None = None
    costs: Costs | None = None
    reruns: Sequence[Rerun] = field(default_factory=tuple)

    @property
    def given(self) -> tuple[str, ...]:
        """Which of the metrics' needs are met."""
        needs = (("costs", self.costs), ("reruns", self.reruns))
        return tuple(name for name, there in needs if there)


@dataclass(frozen=True, slots=True)
class Measured:
    """The examples in a canonical order: by id, so that no sum depends on the order of a file.

    `order` are the paired rows in that order, `codes` the outcomes in the order of pairing, and
    `tally` their counts.
    """

    codes: NDArray[np.uint8]
    order: NDArray[np.int64] | None
    rows: Rows
    bound: Bound
    anytime: bool = False
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tally", tally(self.codes))

    def sample(self) -> Sample:
        """The whole test set."""
        return Sample(self.tally, design(self.rows), self.bound, self.anytime)

    def kinds(self) -> Kinds:
        """The distinct sampling units, for the bootstrap."""
        return Kinds.of(self.tally) if self.rows.plain else Kinds.of_rows(self.rows)

    def parts(
        self, groups: NDArray[Any], counts: NDArray[np.int64]
    ) -> tuple[Design | None, NDArray[np.float64]]:
        """The design of each group of examples, and a p-value of flipping more than the rest.

        `groups` are in the order of pairing, and `counts` their outcomes.
        """
        cells = Cells.of(counts)
        by_count = more_than_the_rest(cells.negative_flips, cells.examples)
        if self.order is None:
            return None, by_count
        ordered = groups[self.order]
        units = Units.of(self.rows, ordered)
        found = design_of(units, self.rows, ordered, len(counts))
        if found.plain:
            return found, by_count
        return found, more_than_the_rest_by_unit(units, len(counts))


def measured(
    paired: Paired,
    beside: Beside,
    bound: Bound,
    *,
    anytime: bool = False,
    accepted: NDArray[np.uint8] | None = None,
) -> Measured:
    """The outcomes of an audit, or those `accepted` in their place, and how examples were drawn.

    `anytime` says that the run stopped early. Raises FlipcheckError for clusters, weights and
    costs that are not there for every example.
    """
    import numpy as np
    import pyarrow.compute as pc

    codes = accepted
    grades = paired.grades
    if codes is None and grades is not None:
        codes = graded_outcomes(grades.fell, grades.rose)
    elif codes is None:
        codes = outcomes(paired.old_right, paired.new_right, paired.same_answer)
    rows = Rows(
        codes,
        paired.weights if beside.weight is not None else None,
        None if beside.cluster is None else _clusters(paired, beside.cluster),
        _extras(paired, codes, beside),
        _ceiling(paired, beside),
        0.0 if grades is None else grades.low,
    ).simplified()
    if rows.plain:
        return Measured(codes, None, rows, bound, anytime)
    order = np.asarray(pc.array_sort_indices(paired.ids), dtype=np.int64)
    return Measured(codes, order, rows.sorted(order), bound, anytime)


def _extras(paired: Paired, codes: NDArray[np.uint8], beside: Beside) -> NDArray[np.float64] | None:
    """What each example carries beside its outcome, shape (examples, extras); None for nothing."""
    import numpy as np

    if paired.grades is not None:
        return _changes(paired.grades, codes)
    if not beside.given:
        return None
    extras = np.zeros((len(codes), len(EXTRAS)))
    if beside.costs is not None:
        extras[:, EXTRAS.index("cost")] = _costs(paired, codes, beside.costs)
    if beside.reruns:
        excess = _excess(paired, codes, beside.reruns)
        extras[:, EXTRAS.index("excess_flips")] = np.maximum(excess, 0)
        extras[:, EXTRAS.index("noise_flips")] = np.maximum(-excess, 0)
    return extras


def _ceiling(paired: Paired, beside: Beside) -> float:
    """The most that an example can cost, or that its score can rise or fall."""
    if paired.grades is not None:
        return paired.grades.high - paired.grades.low
    return 0.0 if beside.costs is None else float(max(beside.costs.table.values()))


def _changes(grades: Grades, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How much each score rises and falls, and what it was, shape (examples, extras).

    A fall that was waived is no longer one in `codes`: such a score counts as one that stayed.
    """
    import numpy as np

    extras = np.zeros((len(codes), len(EXTRAS)))
    change, stayed = grades.change, codes == Outcome.SCORE_UNCHANGED
    change[stayed & grades.fell] = 0.0
    for sign, large, small in ((1, "gain", "small_gain"), (-1, "regression", "small_regression")):
        part = np.maximum(sign * change, 0.0)
        extras[:, EXTRAS.index(large)] = np.where(stayed, 0.0, part)
        extras[:, EXTRAS.index(small)] = np.where(stayed, part, 0.0)
    extras[:, EXTRAS.index("old_above")] = np.maximum(grades.old, 0.0)
    extras[:, EXTRAS.index("old_below")] = np.maximum(-grades.old, 0.0)
    return extras


def _clusters(paired: Paired, name: str) -> NDArray[np.int64]:
    """The cluster of each example, as its place among all clusters by name."""
    import numpy as np

    if name not in paired.columns:
        raise UsageError(f"no column {name!r} to cluster by")
    labels = paired.columns[name]
    if labels.missing:
        missing = np.flatnonzero(labels.codes == MISSING)
        ids = listed(paired.ids.take(missing[:SHOWN]).to_pylist(), len(missing))
        raise InputError(
            f"column {name!r}: {plural(labels.missing, 'example')} without a cluster: {ids}",
            hint="an example drawn by itself is a cluster of its own: give it a name of its own",
        )
    return _ranked(labels)


def _ranked(labels: Labels) -> NDArray[np.int64]:
    """Each label as the rank of its name, whatever the order in which names appeared."""
    import numpy as np

    rank = np.empty(len(labels.names), dtype=np.int64)
    rank[sorted(range(len(rank)), key=labels.names.__getitem__)] = np.arange(len(rank))
    return rank[labels.codes]


def _costs(paired: Paired, codes: NDArray[np.uint8], costs: Costs) -> NDArray[np.float64]:
    """What each example's flip costs. Raises InputError for pairs of answers without a cost."""
    import numpy as np

    found = np.zeros(len(codes))
    flipped = np.flatnonzero(among(codes, NEGATIVE_FLIPS))
    if paired.old is None or paired.new is None:
        raise UsageError(
            "a cost matrix needs both models' answers",
            hint="a source tells only right from wrong; give the answers with --prediction",
        )
    pairs, place = np.unique(
        np.stack([paired.old.codes[flipped], paired.new.codes[flipped]]),
        axis=1,
        return_inverse=True,
    )
    names = [*paired.old.names, NO_ANSWER]
    kinds = [(names[old], names[new]) for old, new in pairs.T.tolist()]
    known = [costs.of(*kind) for kind in kinds]
    unknown = [kind for kind, cost in zip(kinds, known, strict=True) if cost is None]
    if unknown:
        raise InputError(
            f"{costs.source}: no cost for {plural(len(unknown), 'kind')} of negative flip",
            problems=[f"{old!r} → {new!r}" for old, new in sorted(unknown)[:SHOWN]],
            hint="add them; * stands for any answer, so that *,*,1 is the cost of all others",
        )
    found[flipped] = np.array(known, dtype=float)[place.ravel()] if kinds else 0.0
    return found


def _excess(
    paired: Paired, codes: NDArray[np.uint8], reruns: Sequence[Rerun]
) -> NDArray[np.float64]:
    """Whether each example flips, less the share of the reruns under which it does.

    A flip that was waived is no longer one in `codes`, and its noise counts no more than it does.
    """
    import numpy as np

    noise = np.zeros(len(codes))
    for rerun in reruns:
        noise += paired.old_right & ~rerun.right
    flips = among(codes, NEGATIVE_FLIPS)
    waived = paired.old_right & ~paired.new_right & ~flips
    return np.where(waived, 0.0, flips - noise / len(reruns))
