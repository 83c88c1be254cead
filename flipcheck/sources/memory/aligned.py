"""Columns in one order: by their index where they have one, else row by row.

A default index (0, 1, 2 …) says nothing beside others that have none of its values; where there is
no other, its numbers are the ids. Where an index and a mere position could both be meant, nothing
is guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import PairingError, listed, plural
from flipcheck.sources.memory.columns import is_pandas

if TYPE_CHECKING:
    from collections.abc import Mapping

BY_POSITION = (
    "give .to_numpy() of each where they are in one order already, or the same index to all"
)


def aligned(columns: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The columns in one order, and their index as ids; None where none has an index.

    Raises PairingError for different lengths, different or doubled indexes, and unclear orders.
    """
    _check_lengths(columns)
    indexes = {name: values.index for name, values in columns.items() if is_pandas(values)}
    own = {name: index for name, index in indexes.items() if not is_default(index)}
    if not own:
        return dict(columns), next(iter(indexes.values()), None)
    first, index = next(iter(own.items()))
    _check_index(first, index)
    order = {name: _order(first, index, name, each) for name, each in own.items()}
    moved = [name for name, places in order.items() if places is not None]
    bare = [name for name in columns if name not in own]
    doubtful = [name for name in bare if name in indexes and index.isin(indexes[name]).any()]
    if doubtful:
        raise PairingError(
            f"{first} has an index of its own, and {doubtful[0]} has 0, 1, 2 …, which is partly "
            "the same: by index or row by row could be meant",
            hint=BY_POSITION,
        )
    if moved and bare:
        raise PairingError(
            f"{first} and {moved[0]} have one index in different orders, and {bare[0]} has none: "
            "which row is which could be meant in two ways",
            hint=BY_POSITION,
        )
    rows = {
        name: values if order.get(name) is None else values.iloc[order[name]]
        for name, values in columns.items()
    }
    return rows, _ids(index)


def _check_lengths(columns: Mapping[str, Any]) -> None:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
        raise PairingError(
            f"columns of different length: {told}", hint="give one value for each example in all"
        )


def is_default(index: Any) -> bool:
    """Whether an index is 0, 1, 2 …"""
    import pandas as pd

    return bool(index.equals(pd.RangeIndex(len(index))))


def _check_index(name: str, index: Any) -> None:
    """Raise PairingError for an index that cannot name examples."""
    if getattr(index, "nlevels", 1) > 1:
        raise PairingError(
            f"{name}: an index of several levels", hint="name the examples with id=, or reset_index"
        )
    if index.hasnans:
        raise PairingError(f"{name}: an index with missing values", hint=BY_POSITION)
    doubled = index[index.duplicated()]
    if len(doubled):
        raise PairingError(
            f"{name}: an index with {plural(len(doubled), 'doubled value')}: "
            f"{listed(dict.fromkeys(doubled.tolist()))}",
            hint="every example needs an index of its own, or .reset_index(drop=True) on all",
        )


def _order(first: str, index: Any, name: str, other: Any) -> Any:
    """Where the rows of one index are in another; None where both are in one order."""
    if other is index or other.equals(index):
        return None
    _check_index(name, other)
    if not _same_set(index, other):
        only = [each for each in other if each not in index]
        lacking = [each for each in index if each not in other]
        raise PairingError(
            f"the indexes of {first} and {name} differ: {plural(len(lacking), 'value')} only in "
            f"{first} ({listed(lacking)}), {plural(len(only), 'value')} only in {name} "
            f"({listed(only)})",
            hint=BY_POSITION,
        )
    return other.get_indexer(index)


def _same_set(one: Any, other: Any) -> bool:
    """Whether two indexes without doubled values hold the same."""
    return len(one) == len(other) and bool(one.isin(other).all())


def _ids(index: Any) -> Any:
    """An index as ids: whole numbers and texts as they are, all else as text."""
    plain = index.dtype.kind in "iu" or all(isinstance(each, str) for each in index)
    return index if plain else [str(each) for each in index]
