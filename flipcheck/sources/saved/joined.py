"""Predictions of several files as those of one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError, plural
from flipcheck.labels import Labels, shared_names
from flipcheck.predictions import Predictions
from flipcheck.sources.files import first_few

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.tables import Table

NUMBERED = "no ids, so that rows are numbered through all files, in the order of their names"


def in_files(table: Table, found: Predictions) -> Predictions:
    """The predictions of a table in several files, checked for what only several can have.

    Raises InputError for an id that is in two of them, with its rows.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = found.ids
    if not found.rows and found.repeats is None and pc.count_distinct(ids).as_py() < len(ids):
        counts = pc.value_counts(ids)
        values = counts.filter(pc.greater(counts.field("counts"), pa.scalar(1))).field("values")
        problems = []
        for value in values.slice(0, SHOWN):
            rows = table.lines(pc.indices_nonzero(pc.equal(ids, value)).to_pylist()[:2])
            problems.append(f"{value.as_py()!r} in row {rows[0]:,} and row {rows[1]:,}")
        rest = len(values) - SHOWN
        raise InputError(
            f"{table.path}: {plural(len(values), 'id')} more than once",
            problems=[*problems, *([f"and {rest:,} more"] if rest > 0 else [])],
            hint="every example is in one of the files, once; name the column with --id",
        )
    return numbered_on(found)


def numbered_on(found: Predictions) -> Predictions:
    """The same, with a warning where rows are numbered through several files."""
    notes = [f"{found.name}: {NUMBERED}"] if found.rows else []
    return replace(found, warnings=(*found.warnings, *notes))


PARTS = {
    "answers": "answers",
    "truth": "labels",
    "correct": "verdicts",
    "confidence": "confidences",
    "scores": "scores",
    "ranked": "ranked answers",
    "repeats": "repeated questions",
    "weights": "weights",
}
"""What predictions may have, and what an error calls it."""


def concatenated(parts: Sequence[Predictions], name: str, sha256: str) -> Predictions:
    """Predictions of several sources, one after another.

    Raises InputError where some have what others lack.
    """
    import numpy as np
    import pyarrow as pa

    first = parts[0]
    _check_alike(name, parts)
    rows = all(part.rows for part in parts)
    size = sum(map(len, parts))
    answers = _labels([part.answers for part in parts])
    arrays = {each: _arrays(parts, each) for each in ("correct", "confidence", "scores", "weights")}
    return Predictions(
        name=name,
        ids=pa.array(np.arange(1, size + 1)) if rows else _ids(parts),
        answers=answers,
        truth=_labels([part.truth for part in parts]),
        ranked=_ranked(parts, answers),
        repeats=_labels([part.repeats for part in parts]),
        accepted={name: each for part in parts for name, each in part.accepted.items()},
        separator=first.separator,
        columns=_columns([part.columns for part in parts], first.columns),
        groups=_columns(
            [part.groups for part in parts],
            [each for each in first.groups if all(each in part.groups for part in parts)],
        ),
        rows=rows,
        source=name,
        meant=tuple(dict.fromkeys(each for part in parts for each in part.meant)),
        available=tuple(dict.fromkeys(each for part in parts for each in part.available)),
        facts=_shared_facts(parts) | {"sha256": sha256},
        warnings=tuple(dict.fromkeys(each for part in parts for each in part.warnings)),
        **arrays,
    )


def _check_alike(name: str, parts: Sequence[Predictions]) -> None:
    """Raise InputError for what one file has and another lacks."""
    first, problems = parts[0], []
    for part in parts[1:]:
        problems += [
            f"{told} in {have.name}, and none in {lack.name}"
            for field, told in PARTS.items()
            for have, lack in ((first, part), (part, first))
            if getattr(have, field) is not None and getattr(lack, field) is None
        ]
        problems += _differences(first, part)
    if problems:
        raise InputError(
            f"{name}: files that are not alike",
            problems=first_few(problems),
            hint="every file has the same parts; name those that belong together with a pattern",
        )


def _differences(first: Predictions, part: Predictions) -> list[str]:
    """What differs between the ids, columns and roles of two files."""
    problems = []
    if first.rows != part.rows:
        with_ids, without = (part, first) if first.rows else (first, part)
        problems.append(f"ids in {with_ids.name}, and none in {without.name}")
    elif _kind(first) != _kind(part):
        problems.append(f"ids are {_kind(first)} in {first.name} and {_kind(part)} in {part.name}")
    if set(first.columns) != set(part.columns):
        odd = sorted(set(first.columns) ^ set(part.columns))
        have, lack = (first, part) if odd[0] in first.columns else (part, first)
        problems.append(f"column {odd[0]!r} in {have.name}, and none in {lack.name}")
    told = [each.facts.get("columns") for each in (first, part)]
    if told[0] != told[1]:
        problems.append(f"{first.name} is read as {told[0]}, and {part.name} as {told[1]}")
    if first.ranked is not None and part.ranked is not None:
        widths = [each.shape[1] for each in (first.ranked, part.ranked)]
        if widths[0] != widths[1]:
            problems.append(
                f"{widths[0]} ranked answers in {first.name}, {widths[1]} in {part.name}"
            )
    return problems


def _kind(part: Predictions) -> str:
    """What kind of ids a source has."""
    import pyarrow as pa

    return "whole numbers" if pa.types.is_integer(part.ids.type) else "text"


def _ids(parts: Sequence[Predictions]) -> Any:
    import pyarrow as pa

    from flipcheck.labels import to_arrow

    kinds = {part.ids.type for part in parts}
    kind = next(iter(kinds)) if len(kinds) == 1 else pa.large_string()
    return to_arrow(pa.chunked_array([part.ids.cast(kind) for part in parts], kind))


def _labels(parts: Sequence[Labels | None]) -> Labels | None:
    """Labels of several sources under the names that any of them has."""
    import numpy as np

    given = [part for part in parts if part is not None]
    if not given:
        return None
    names = shared_names(*given)
    return Labels(np.concatenate([part.recoded(names) for part in given]), names)


def _columns(parts: Sequence[Mapping[str, Labels]], names: Any) -> dict[str, Labels]:
    """The columns of these names."""
    found = {name: _labels([part[name] for part in parts]) for name in names}
    return {name: labels for name, labels in found.items() if labels is not None}


def _ranked(parts: Sequence[Predictions], answers: Labels | None) -> NDArray[np.int32] | None:
    """The best answers of several sources, as codes of all their answers."""
    import numpy as np

    if answers is None or parts[0].ranked is None:
        return None
    found = []
    for part in parts:
        assert part.answers is not None and part.ranked is not None  # noqa: S101, PT018
        codes = Labels(np.arange(len(part.answers.names), dtype=np.int32), part.answers.names)
        table = np.append(codes.recoded(answers.names), np.int32(-1))
        found.append(table[part.ranked].astype(np.int32))
    return np.concatenate(found)


def _arrays(parts: Sequence[Predictions], name: str) -> Any:
    import numpy as np

    values = [getattr(part, name) for part in parts]
    return None if values[0] is None else np.concatenate(values)


def _shared_facts(parts: Sequence[Predictions]) -> dict[str, Any]:
    """The facts in which all agree."""
    first, *others = [part.facts for part in parts]
    return {
        name: value
        for name, value in first.items()
        if all(name in each and each[name] == value for each in others)
    }
