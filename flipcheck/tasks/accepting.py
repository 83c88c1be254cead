"""Several accepted answers to one example: right is an answer that is any of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.labels import MISSING, Labels, as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def accepted_name(accepted: Sequence[str]) -> str:
    """The one name of several accepted answers; different answers have different names."""
    if len(accepted) == 1 and not accepted[0].startswith("["):
        return accepted[0]
    return json.dumps(list(accepted), ensure_ascii=False)


def lists_of(what: str, column: Any) -> list[tuple[str, ...] | None]:
    """The texts of each list of a pyarrow column; None where there is no list.

    Raises InputError for lists of anything but text or numbers, and for gaps in a list.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not is_list(column):
        texts = as_text(column).to_pylist()
        return [None if each is None else (each,) for each in texts]
    inner = pc.list_flatten(column)
    if isinstance(inner, pa.ChunkedArray):
        inner = inner.combine_chunks()
    if inner.null_count:
        raise InputError(f"{what}: a list with a gap (null)", hint="write every value of a list")
    try:
        texts = as_text(inner).to_pylist()
    except InputError as error:
        raise InputError(f"{what}: its lists: {error.message}", hint=error.hint) from error
    lengths = pc.list_value_length(column).to_pylist()
    found: list[tuple[str, ...] | None] = []
    at = 0
    for length in lengths:
        found.append(None if length is None else tuple(texts[at : at + length]))
        at += length or 0
    return found


def is_list(column: Any) -> bool:
    """Whether a pyarrow column holds lists."""
    import pyarrow as pa

    kind = column.type
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def accepted_labels(what: str, column: Any) -> tuple[Labels, Mapping[str, tuple[str, ...]]]:
    """Truths from a column of lists of accepted answers, and what each of their names accepts.

    An empty list is no label. Raises InputError for lists that hold no texts.
    """
    lists = [
        None if not each else tuple(sorted({text for text in each if text}))
        for each in lists_of(what, column)
    ]
    names = [accepted_name(each) if each else None for each in lists]
    accepted = {name: each for name, each in zip(names, lists, strict=True) if name and each}
    return coded(names), accepted


def coded(names: Iterable[str | None]) -> Labels:
    """Labels from names, of which the empty one is a name too; None is missing."""
    import numpy as np

    place: dict[str, int] = {}
    codes = [MISSING if name is None else place.setdefault(name, len(place)) for name in names]
    return Labels(np.array(codes, dtype=np.int32), tuple(place))
