"""The flipped examples of an audit: which, of what kinds, and in what order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from flipcheck.outcomes import NEGATIVE_FLIPS, POSITIVE_FLIPS, among
from flipcheck.report import Example, Flips, Transition
from flipcheck.texts import arrow_numbers, whole_numbers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.pairing import Paired

KINDS_LISTED = 200
FEW_KINDS = 1 << 16
"""Up to so many kinds of flips are counted in a table of all, however few flips there are."""

FLIP_COLUMNS = ("id", "outcome")
"""The columns of the table of flips that no slice column of the same name may replace."""


def negative_flips(paired: Paired, codes: NDArray[np.uint8], listed: int) -> Flips:
    """The negative flips: their kinds, and the first `listed` examples, worst first."""
    import numpy as np

    rows = np.flatnonzero(among(codes, NEGATIVE_FLIPS))
    first = _most_confident(paired, rows, listed)
    sure = [confidences(each, first) for each in (paired.old_confidence, paired.new_confidence)]
    told = zip(answers_of(paired, first), *sure, strict=True)
    examples = tuple(
        Example(*texts, *rest, image=None, old_score=before, new_score=after)  # type: ignore[misc]
        for (texts, *rest), (before, after) in zip(told, _scores(paired, first), strict=True)
    )
    kinds = () if paired.grades is not None else _transitions(paired.old, paired.new, rows)
    return Flips(len(rows), kinds, examples)


def _scores(paired: Paired, rows: NDArray[np.int64]) -> list[tuple[float | None, float | None]]:
    """The old and the new score of each row; None where answers are not graded."""
    if paired.grades is None:
        return [(None, None)] * len(rows)
    old, new = paired.grades.old[rows], paired.grades.new[rows]
    return list(zip(old.tolist(), new.tolist(), strict=True))


def answers_of(paired: Paired, rows: NDArray[np.int64]) -> list[tuple[Any, ...]]:
    """The id, the truth, the old and the new answer of each row, as texts."""
    texts = (
        each.texts(rows) if each else [None] * len(rows)
        for each in (paired.truth, paired.old, paired.new)
    )
    return list(
        zip(map(str, paired.ids.take(arrow_numbers(rows)).to_pylist()), *texts, strict=True)
    )


def by_id(paired: Paired, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows in the order of their ids."""
    import pyarrow.compute as pc

    order: NDArray[np.int64] = rows[
        whole_numbers(pc.array_sort_indices(paired.ids.take(arrow_numbers(rows))))
    ]
    return order


def _most_confident(paired: Paired, rows: NDArray[np.int64], listed: int) -> NDArray[np.int64]:
    """The first rows by the new model's confidence in its wrong answer, then by id.

    So many as are listed, and never by file order. Graded answers come by how far their scores
    fall.
    """
    import numpy as np
    import pyarrow.compute as pc

    if paired.grades is not None:
        rows = by_id(paired, rows)
        return rows[np.argsort(paired.grades.change[rows], kind="stable")][:listed]
    if paired.new_confidence is None:
        first = pc.select_k_unstable(
            paired.ids.take(arrow_numbers(rows)), listed, [("", "ascending")]
        )
        found: NDArray[np.int64] = rows[whole_numbers(first)]
        return found
    sure = -paired.new_confidence[rows]
    if 0 < listed < len(rows):
        last = np.partition(sure, listed - 1)[listed - 1]
        rows = rows if np.isnan(last) else rows[sure <= last]
    rows = by_id(paired, rows)
    return rows[np.argsort(-paired.new_confidence[rows], kind="stable")][:listed]


def confidences(
    confidence: NDArray[np.float32] | None, rows: NDArray[np.int64]
) -> list[float | None]:
    """How sure the answers of these rows are; None where that is unknown."""
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
    names = [*old.names, None]  # both sides share their names; MISSING, -1, is the last
    rank = np.empty(len(names), np.int64)
    rank[sorted(range(len(names)), key=lambda code: names[code] or "")] = np.arange(len(names))
    joint = rank[old.codes[rows]] * len(names) + rank[new.codes[rows]]
    if len(names) ** 2 <= max(len(joint), FEW_KINDS):
        counts = np.bincount(joint)
        pairs = np.flatnonzero(counts)
        counts = counts[pairs]
    else:
        pairs, counts = np.unique(joint, return_counts=True)
    first = np.argsort(-counts, kind="stable")[:KINDS_LISTED]
    texts = [names[code] for code in np.argsort(rank).tolist()]
    return tuple(
        Transition(texts[before], texts[after], count)
        for before, after, count in zip(
            *(each.tolist() for each in np.divmod(pairs[first], len(names))),
            counts[first].tolist(),
            strict=True,
        )
    )


def flip_table(paired: Paired, codes: NDArray[np.uint8]) -> Any:
    """Every flipped example as a pyarrow table, negative flips first, then by id."""
    import numpy as np
    import pyarrow as pa

    kinds_of = (NEGATIVE_FLIPS, POSITIVE_FLIPS)
    found = [by_id(paired, np.flatnonzero(among(codes, kind))) for kind in kinds_of]
    rows, kinds = np.concatenate(found), ("negative_flip", "positive_flip")
    columns: dict[str, Any] = {
        "id": _wide(paired.ids.take(arrow_numbers(rows))),
        "outcome": pa.array(np.repeat(kinds, [len(part) for part in found]).tolist(), pa.string()),
    }
    answers = {"truth": paired.truth, "old": paired.old, "new": paired.new}
    sure = {"old_confidence": paired.old_confidence, "new_confidence": paired.new_confidence}
    for name, labels in {**paired.columns, **answers}.items():
        if labels is not None and name not in FLIP_COLUMNS:
            columns[name] = pa.array(labels.texts(rows), pa.string())
    if paired.grades is not None:
        columns["old_score"] = pa.array(paired.grades.old[rows])
        columns["new_score"] = pa.array(paired.grades.new[rows])
    for name, confidence in sure.items():
        if confidence is not None:
            columns[name] = pa.array(confidence[rows], from_pandas=True)
    return pa.table(columns)


def _wide(ids: Any) -> Any:
    """Ids as the table of flips has them: whole numbers in eight bytes."""
    import pyarrow as pa

    return ids.cast(pa.int64()) if pa.types.is_integer(ids.type) else ids
