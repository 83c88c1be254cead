"""The groups of examples that an audit slices by, from the paired columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import UsageError, nearest
from flipcheck.slices import CLASS, Groups, column_names, crossed, quantiles, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flipcheck.pairing import Paired


def single_columns(paired: Paired, by: Sequence[str], number: int) -> dict[str, Groups]:
    """The groups of every column that is sliced by, alone or crossed with others.

    Columns of many numbers are cut into `number` quantiles; 0 cuts none. Raises UsageError for a
    column that is not there.
    """
    names = dict.fromkeys(name for each in by for name in column_names(each, paired.columns))
    return {name: _single(paired, name, number) for name in names}


def _single(paired: Paired, name: str, number: int) -> Groups:
    if name == CLASS and paired.truth is not None:
        return values(CLASS, paired.truth)
    if name not in paired.columns:
        hint = nearest(name, paired.columns)
        raise UsageError(f"no column {name!r} to slice by", hint=hint)
    column = paired.columns[name]
    return (quantiles(name, column, number) if number else None) or values(name, column)


def grouped(by: str, columns: Mapping[str, Groups]) -> Groups:
    """The groups by a column, or by the combinations of several. Raises UsageError as `crossed`."""
    names = column_names(by, columns)
    if len(set(names)) < len(names):
        raise UsageError(f"slices by {by!r} cross a column with itself", hint="name it once")
    parts = [columns[name] for name in names]
    return parts[0] if len(parts) == 1 else crossed(by, parts)
