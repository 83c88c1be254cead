"""Tables that ask a question several times: a column tells its epochs, seeds or trials apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck.errors import InputError, listed
from flipcheck.labels import Labels
from flipcheck.sources.saved.values import as_labels

if TYPE_CHECKING:
    from flipcheck.predictions import Predictions
    from flipcheck.sources.tables import Table

REPEAT_NAMES = ("epoch", "seed", "repeat", "repetition", "trial", "attempt", "sample")
"""Columns that tell apart the samples of one question."""


def with_repeats(table: Table, found: Predictions, used: list[str]) -> Predictions:
    """The predictions, an id and its epoch (seed, trial) being the id where ids repeat.

    Raises InputError where two columns could tell the samples of a question apart.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    names = [name for name in table.those(REPEAT_NAMES) if name not in used]
    if found.rows or not names or pc.count_distinct(found.ids).as_py() == len(found):
        return found
    if len(names) > 1:
        raise InputError(
            f"{table.path}: ids are there more than once, and the columns {listed(names)} could "
            "each tell their samples apart",
            hint="leave one of them, or write both into one column",
        )
    which = as_labels(f"{table.path}: column {names[0]!r}", table.load(names)[names[0]])
    if which.missing:
        raise InputError(
            f"{table.path}: ids are there more than once, and column {names[0]!r} is empty in "
            "some rows",
            hint="say of every row which sample of its question it is",
        )
    texts = found.ids.cast(pa.string()).to_pylist()
    pairs = [f"{one}/{other}" for one, other in zip(texts, which.texts(), strict=True)]
    return replace(found, ids=pa.array(pairs, pa.string()), repeats=Labels.of(texts))
