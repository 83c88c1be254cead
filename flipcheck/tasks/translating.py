"""Sets, ranks and accepted answers translated label by label: what class lists and maps mean."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.labels import Labels
from flipcheck.tasks.accepting import accepted_name
from flipcheck.tasks.sets import check_joinable, members, set_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.predictions import Predictions


def is_composite(source: Predictions) -> bool:
    """Whether its names are made of several labels, or more is made of them than answers."""
    return bool(source.separator or source.accepted or source.ranked is not None)


def in_labels(source: Predictions) -> Predictions:
    """A source of the single labels of which the names of another are made, each of them once."""
    import numpy as np
    import pyarrow as pa

    answers, truth = _single(source, source.answers), _single_truths(source)
    size = max(len(answers or ()), len(truth or ()))

    def labels(names: Sequence[str] | None) -> Labels | None:
        if names is None:
            return None
        codes = np.full(size, -1, dtype=np.int32)
        codes[: len(names)] = np.arange(len(names))
        return Labels(codes, tuple(names))

    return replace(
        source,
        ids=pa.array(np.arange(size)),
        answers=labels(answers),
        truth=labels(truth),
        correct=None,
        confidence=None,
        scores=None,
        ranked=None,
        repeats=None,
        weights=None,
        columns={},
    )


def of_labels(source: Predictions, single: Predictions) -> Predictions:
    """A source with its names made of what its single labels have become."""
    answers, truth, accepted = source.answers, source.truth, source.accepted
    ranked, table = source.ranked, dict[str, str]()
    if answers is not None:
        before, table = answers.names, _table(_single(source, answers), single.answers)
        answers = answers.renamed([_joined(source, name, table) for name in before])
        ranked = None if ranked is None else _recoded(ranked, before, answers.names, table)
    if truth is not None:
        true = _table(_single_truths(source), single.truth)
        table = table or true
        if accepted:
            lists = [_each(accepted.get(name, (name,)), true) for name in truth.names]
            truth = truth.renamed([accepted_name(each) for each in lists])
            accepted = {accepted_name(each): each for each in lists}
        else:
            truth = truth.renamed([_joined(source, name, true) for name in truth.names])
    if source.separator:
        check_joinable("the names of labels", tuple(table.values()), source.separator)
    facts = source.facts
    if "declared" in facts:
        named = (table.get(name, name) for name in facts["declared"])
        facts = {**facts, "declared": tuple(dict.fromkeys(named))}
    made: dict[str, Any] = {
        "answers": answers,
        "truth": truth,
        "accepted": accepted,
        "ranked": ranked,
    }
    return replace(source, **made, facts=facts, meant=single.meant)


def _recoded(
    ranked: NDArray[np.int32],
    before: Sequence[str],
    names: Sequence[str],
    table: Mapping[str, str],
) -> NDArray[np.int32]:
    """Ranked answers as codes of other names."""
    import numpy as np

    place = {name: code for code, name in enumerate(names)}
    codes = np.array([place[table.get(name, name)] for name in before] + [-1], dtype=np.int32)
    return codes[ranked]


def _single(source: Predictions, labels: Labels | None) -> list[str] | None:
    """The labels of which names are made, each once."""
    if labels is None:
        return None
    if source.ranked is not None and labels is source.answers:
        return list(labels.names)
    found = (each for name in labels.used() for each in _parts(source, name))
    declares = labels is source.answers or source.answers is None
    declared = source.facts.get("declared", ()) if declares else ()
    return list(dict.fromkeys((*found, *declared)))


def _single_truths(source: Predictions) -> list[str] | None:
    if source.truth is None or not source.accepted:
        return _single(source, source.truth)
    names = (source.accepted.get(name, (name,)) for name in source.truth.used())
    return list(dict.fromkeys(each for accepted in names for each in accepted))


def _parts(source: Predictions, name: str) -> tuple[str, ...]:
    return members(name, source.separator) if source.separator else (name,)


def _table(before: Sequence[str] | None, after: Labels | None) -> dict[str, str]:
    """What each label has become."""
    if before is None or after is None:
        return {}
    return {old: new for old, new in zip(before, after.texts(), strict=False) if new is not None}


def _joined(source: Predictions, name: str, table: Mapping[str, str]) -> str:
    if not source.separator:
        return table.get(name, name)
    return set_name(_each(members(name, source.separator), table), source.separator)


def _each(names: Sequence[str], table: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted({table.get(name, name) for name in names}))
