"""Which columns of a table, or arrays, belong to which inputs, and which hold the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flipcheck.errors import UsageError, listed
from flipcheck.sources.spec import TEXT_NAMES, TEXT_PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flipcheck.sources.datasets import Dataset
    from flipcheck.sources.spec import SideSpec


def by_name(inputs: Iterable[str], there: Sequence[str]) -> dict[str, str]:
    """The column of each input: of its name, or the only one of that name as exporters write it.

    They write what is no letter, digit or underscore as an underscore. Inputs without a column are
    left out.
    """
    alike: dict[str, list[str]] = {}
    for name in dict.fromkeys(there):
        alike.setdefault(_exported(name), []).append(name)
    known, found = set(there), {}
    for name in inputs:
        similar = alike.get(_exported(name), [])
        if name in known:
            found[name] = name
        elif len(similar) == 1:
            found[name] = similar[0]
    return found if len(set(found.values())) == len(found) else {n: n for n in found if n in known}


def _exported(name: str) -> str:
    """A name as exporters write it."""
    return re.sub(r"\W", "_", name).lstrip("_")


def text_columns(tests: Dataset, spec: SideSpec) -> tuple[str, ...]:
    """The columns of text: those asked for, else the one of a usual name; () where there is none.

    Raises UsageError for columns that are not there, and where more than one could be meant.
    """
    there = tests.columns_there
    if spec.text is not None:
        missing = [name for name in spec.text if name not in there]
        if missing or len(spec.text) > 2:
            raise UsageError(
                f"{tests.source}: no column {listed(missing)} (--text)"
                if missing
                else "--text takes one column, or two for pairs",
                hint=f"columns there: {', '.join(there)}",
            )
        return spec.text
    free = [name for name in there if name not in tests.reserved]
    usual = tuple(name for name in free if name.lower() in TEXT_NAMES)
    pairs = [pair for pair in TEXT_PAIRS if {*pair} <= {name.lower() for name in free}]
    if len(usual) + len(pairs) > 1 or pairs:
        could = [*usual, *(",".join(pair) for pair in pairs)]
        raise UsageError(
            f"{tests.source}: {' or '.join(map(repr, could))} could be the text",
            hint=f"say which with --text, as in --text {could[-1]}",
        )
    return usual
