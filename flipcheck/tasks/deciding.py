"""`--per label`: each decision about one label of one example is judged by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError
from flipcheck.labels import Labels, to_arrow
from flipcheck.tasks.sets import labels_in, matrix_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.pairing import Paired

LABEL_NAME = "label_name"
"""The column that says which label a decision is about."""
EXAMPLE = "example"
"""The column that says of which example; decisions are drawn with it."""
MOST = 20_000_000
"""More decisions than this do not fit into an ordinary memory."""


def decisions(paired: Paired, separator: str, declared: Sequence[str] = ()) -> Paired:
    """Each (example, label) decision as an example of its own, example by example.

    The labels are those `declared` and all that some set has, in alphabetical order. Truth and
    answers say "cat: yes" or "cat: no"; a missing answer is missing for every label.
    Raises InputError where there is no label at all, or too many decisions.
    """
    import numpy as np

    sides = {"truth": paired.truth, "old": paired.old, "new": paired.new}
    used = {name for sets in sides.values() for name in labels_in(sets, separator)}
    labels = sorted({*declared, *used})
    size = len(paired) * len(labels)
    if not labels:
        raise InputError("no example has any label: there is nothing to decide")
    if size > MOST:
        raise InputError(
            f"{len(paired):,} examples of {len(labels):,} labels make {size:,} decisions, too many "
            "to be judged one by one",
            hint="judge whole sets with --per example",
        )
    names = tuple(f"{label}: {word}" for label in labels for word in ("no", "yes"))
    codes = {
        side: _decided(sets, labels, separator) for side, sets in sides.items() if sets is not None
    }
    examples = np.repeat(np.arange(len(paired)), len(labels))
    columns = {name: values.take(examples) for name, values in paired.columns.items()}
    _check_free(paired.columns)
    about = np.tile(np.arange(len(labels), dtype=np.int32), len(paired))
    told: dict[str, Any] = {side: Labels(each, names) for side, each in codes.items()}
    return replace(
        paired,
        ids=_ids(paired.ids, labels),
        old_right=codes["old"] == codes["truth"],
        new_right=codes["new"] == codes["truth"],
        same_answer=codes["old"] == codes["new"],
        **told,
        old_confidence=None,
        new_confidence=None,
        columns=columns
        | {LABEL_NAME: Labels(about, tuple(labels)), EXAMPLE: Labels.of(paired.ids).take(examples)},
        weights=None if paired.weights is None else paired.weights[examples],
        groups={},
    )


def _decided(sets: Labels, labels: Sequence[str], separator: str) -> NDArray[np.int32]:
    """The code of each decision: twice the label's place, and one more for yes."""
    import numpy as np

    chosen = matrix_of(sets, labels, separator)
    codes = 2 * np.arange(len(labels), dtype=np.int32) + chosen
    codes[sets.codes < 0] = -1
    return np.asarray(codes.reshape(-1), dtype=np.int32)


def _ids(ids: Any, labels: Sequence[str]) -> Any:
    """The id of each decision: "17 [cat]". Raises InputError where two would be the same."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = ids.cast(pa.string()).take(np.repeat(np.arange(len(ids)), len(labels)))
    places = np.tile(np.arange(len(labels)), len(ids))
    about = pa.array([f"[{label}]" for label in labels], pa.string()).take(places)
    joined = to_arrow(pc.binary_join_element_wise(texts, about, " "))
    if pc.count_distinct(joined).as_py() != len(joined):
        raise InputError(
            "ids and labels that cannot be told apart: an id ends like a label in brackets",
            hint="give ids without brackets",
        )
    return joined


def _check_free(columns: Any) -> None:
    taken = [name for name in (LABEL_NAME, EXAMPLE) if name in columns]
    if taken:
        raise UsageError(
            f"column {taken[0]!r} is what --per label calls its own",
            hint="rename the column in the data",
        )
