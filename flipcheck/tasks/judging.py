"""Which answers are right: equal to the truth, among the accepted, or with it among the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import InputError, listed, plural
from flipcheck.labels import FEW, MISSING, Labels, check_vocabulary
from flipcheck.tasks.sets import labels_in, members
from flipcheck.tasks.task import DEFAULT_SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.predictions import Predictions


def right_answers(
    source: Predictions,
    answers: Labels,
    truth: Labels,
    rows: NDArray[np.int64] | None,
    accepted: Mapping[str, tuple[str, ...]],
) -> NDArray[np.bool_]:
    """Which answers to the paired rows are right; both share one list of names.

    None stands for all rows as they are.
    """
    if source.ranked is not None and source.answers is not None:
        import numpy as np

        place = {name: code for code, name in enumerate(truth.names)}
        table = np.array([place[name] for name in source.answers.names] + [MISSING], np.int32)
        ranked = table[source.ranked if rows is None else source.ranked[rows]]
        first = (Labels(codes, truth.names) for codes in ranked.T)
        hits = [_equal(each, truth, accepted) & (each.codes != MISSING) for each in first]
        return np.asarray(np.logical_or.reduce(hits))
    return _equal(answers, truth, accepted)


def _equal(
    answers: Labels, truth: Labels, accepted: Mapping[str, tuple[str, ...]]
) -> NDArray[np.bool_]:
    """Which answers are the truth, or any of those that it accepts."""
    if accepted:
        return _accepted(answers, truth, accepted)
    equal: NDArray[np.bool_] = answers.codes == truth.codes
    return equal


def _accepted(
    answers: Labels, truth: Labels, accepted: Mapping[str, tuple[str, ...]]
) -> NDArray[np.bool_]:
    """Which answers are any of those accepted; a truth of one answer accepts that."""
    import numpy as np

    place = {name: code for code, name in enumerate(answers.names)}
    pairs = {
        code * len(answers.names) + place[each]
        for code, name in enumerate(truth.names)
        for each in accepted.get(name, (name,))
        if each in place
    }
    asked = truth.codes.astype(np.int64) * len(answers.names) + answers.codes
    known = (truth.codes != MISSING) & (answers.codes != MISSING)
    return np.asarray(np.isin(asked, np.fromiter(pairs, np.int64, len(pairs))) & known)


def vocabulary(
    source: Predictions,
    answers: Labels,
    truth: Labels,
    right: NDArray[np.bool_],
    *,
    accepted: Mapping[str, tuple[str, ...]],
    meant: Collection[str] = (),
    old: bool = False,
) -> list[str]:
    """Warnings for answers that no example has as its label. Raises where they cannot be meant.

    See `check_vocabulary`, which speaks of one label for each example.
    """
    if source.separator:
        return _set_vocabulary(source, answers, truth, right, meant, old=old)
    if not accepted:
        later = source.ranked is not None and bool(right.any())  # not by the first answers
        notes = check_vocabulary(source.name, answers, truth, meant=meant, old=old and not later)
        return [*_reordered(source.name, answers, truth), *notes]
    if old and len(truth) >= FEW and not right.any():
        raise _never(source.name, answers.used(), sorted(truth.used()))
    return []


def _reordered(what: str, answers: Labels, truth: Labels) -> list[str]:
    """A warning for answers that are wrong by nothing but the order of labels between bars."""
    import numpy as np

    if not any(DEFAULT_SEPARATOR in name for name in answers.used()):
        return []
    sets: dict[tuple[str, ...], int] = {}
    texts: dict[str, int] = {}

    def places(labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        parts = [
            tuple(sorted(each.strip() for each in name.split(DEFAULT_SEPARATOR)))
            for name in labels.names
        ]
        by_set = [sets.setdefault(each, len(sets)) for each in parts]
        by_text = [texts.setdefault(name, len(texts)) for name in labels.names]
        none = MISSING  # the last place, which the code of no label takes
        return np.array([*by_set, none])[labels.codes], np.array([*by_text, none])[labels.codes]

    (answered, written), (meant, label) = places(answers), places(truth)
    rows = np.flatnonzero((answered == meant) & (written != label) & (label != MISSING))
    if not len(rows):
        return []
    answer, right = (each.names[each.codes[rows[0]]] for each in (answers, truth))
    told = (
        f"{what}: {plural(len(rows), 'answer')} like {answer!r} for the label {right!r}, counted "
    )
    hint = "as wrong: where these are several labels, --multilabel compares them as sets"
    return [told + hint]


def _set_vocabulary(
    source: Predictions,
    answers: Labels,
    truth: Labels,
    right: NDArray[np.bool_],
    meant: Collection[str],
    *,
    old: bool,
) -> list[str]:
    answered, labels = (labels_in(each, source.separator) for each in (answers, truth))
    strange = [name for name in answered if name not in labels and name not in meant]
    if not strange:
        return []
    shared = set(answered) & set(labels)
    if not shared and (old or not right.any()) and len(truth) >= FEW:
        raise _never(source.name, answered, labels)
    count = sum(
        len({*members(name, source.separator)}.intersection(strange)) > 0
        for name in answers.texts()
        if name is not None
    )
    told = plural(count, "answer")
    return [f"{source.name}: {told} with labels that no example has: {listed(strange)}"]


def _never(name: str, answers: Collection[str], labels: Collection[str]) -> InputError:
    return InputError(
        f"{name}: not one of its answers is any of the labels: it answers {listed(answers)}, and "
        f"the labels are {listed(labels)}",
        hint="an old model that is never right can break nothing, so that any update would pass: "
        "name the right columns, or translate with --label-map or --old-classes",
    )
