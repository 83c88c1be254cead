"""Questions that are asked again and again: epochs, seeds, trials.

Each answer is an example of its own, but those to one question were not drawn by themselves, so
that they are clustered by it unless the user named another cluster.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck.errors import SHOWN, PairingError, listed, plural
from flipcheck.labels import Labels, shared_names
from flipcheck.matching import positions

if TYPE_CHECKING:
    from flipcheck.pairing import Paired
    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Given

QUESTION = "question"
"""What the column of questions is called in the report."""


def check_repeats(old: Predictions, new: Predictions) -> None:
    """Raise PairingError where one side asks its questions several times, and the other once."""
    sides = ((old, new), (new, old))
    for several, once in sides:
        if not _again(several) or _again(once) or _shared(old, new):
            continue
        asks = len(several.repeats.names) if several.repeats else 0
        raise PairingError(
            f"{several.name} asks {plural(asks, 'question')} {len(several):,} times, and "
            f"{once.name} asks each once",
            hint="ask as often on both sides, or compare one epoch (seed, trial) of each",
        )


def _again(source: Predictions) -> bool:
    """Whether a source asks some question more than once."""
    return source.repeats is not None and len(source.repeats.used()) < len(source)


def _shared(old: Predictions, new: Predictions) -> bool:
    return bool((positions(old.ids, new.ids) >= 0).any())


def for_repeats(truth: Predictions, old: Predictions, new: Predictions) -> Predictions:
    """Labels by question as labels of every sample that asks it, where samples are repeated."""
    side = next((each for each in (new, old) if _again(each)), None)
    if side is None or side.repeats is None or truth.repeats is not None:
        return truth
    if truth.rows or (positions(side.ids, truth.ids) >= 0).any():
        return truth
    import numpy as np
    import pyarrow as pa

    place = positions(pa.array(side.repeats.texts(), pa.string()), truth.ids)
    known = np.flatnonzero(place >= 0)
    if not len(known):
        return truth
    return replace(truth.take(place[known]), ids=side.ids.take(pa.array(known)))


def by_question(
    given: Given, old: Predictions, new: Predictions, paired: Paired
) -> tuple[Paired, str | None, list[str]]:
    """The pairing with its column of questions, the cluster, and what is worth a note.

    Raises PairingError where the sides do not say alike which samples ask one question.
    """
    if given.cluster is not None or (old.repeats is None and new.repeats is None):
        return paired, given.cluster, []
    questions = _questions(old, new, paired)
    count = len(questions.used())
    if count == len(paired):
        return paired, None, []
    taken = {*paired.columns, *paired.groups}
    name = next(
        each for each in (QUESTION, f"repeated {QUESTION}", "(question)") if each not in taken
    )
    told = f"{plural(len(paired), 'sample')} ask {plural(count, 'question')} again and again: "
    columns = {**paired.columns, name: questions}
    return replace(paired, columns=columns), name, [f"{told}clustered by question"]


def _questions(old: Predictions, new: Predictions, paired: Paired) -> Labels:
    """Which question each pair asks, as the sides say it."""
    import numpy as np

    found = [
        source.repeats.take(positions(paired.ids, source.ids))
        for source in (new, old)
        if source.repeats is not None
    ]
    if len(found) == 2:
        names = shared_names(*found)
        odd = np.flatnonzero(found[0].recoded(names) != found[1].recoded(names))
        if len(odd):
            ids = paired.ids.take(odd[:SHOWN]).to_pylist()
            raise PairingError(
                f"{old.name} and {new.name} disagree about which question "
                f"{plural(len(odd), 'sample')} ask: {listed(ids, len(odd))}",
                hint="write both with the same version of the tool, or name a --cluster column",
            )
    return found[0]
