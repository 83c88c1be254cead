"""A probability or score of the second of two classes, cut at a threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError, UsageError, listed, plural
from flipcheck.labels import FEW, Labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.predictions import Predictions

NUMBERED = ("0", "1")
SPELT = (NUMBERED, ("False", "True"), ("false", "true"), ("FALSE", "TRUE"))
"""How labels of two classes are written that need no names: the second is the positive one."""


def at_least(scores: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
    """Which scores reach a threshold, which one that equals it does.

    Both are compared as the scores are stored: a float32 0.7 reaches a threshold of 0.7.
    """
    over: NDArray[np.bool_] = scores >= scores.dtype.type(threshold)
    return over


def answers_at(
    what: str,
    scores: NDArray[Any],
    threshold: float | None,
    names: tuple[str, ...] | None,
    lines: Callable[[Iterable[int]], list[int]],
) -> tuple[Labels, NDArray[np.float32]]:
    """The class of each score, and how sure it is where the scores are probabilities.

    Without a threshold probabilities are cut at 0.5. Raises InputError for scores that are no
    numbers, and for scores outside of [0, 1] without a threshold.
    """
    import numpy as np

    check_scores(what, scores, lines, given=threshold is not None)
    shares = bool(((scores >= 0) & (scores <= 1)).all())
    over = at_least(scores, 0.5 if threshold is None else threshold)
    sure = np.where(over, scores, 1 - scores) if shares else np.full(len(over), np.nan)
    return Labels(over.astype(np.int32), names or NUMBERED), sure.astype(np.float32)


def check_shares(what: str, scores: NDArray[Any]) -> None:
    """Raise InputError where two scores an example are no probabilities of two classes."""
    import numpy as np

    within = bool(((scores >= 0) & (scores <= 1)).all())
    if not within or not np.allclose(scores.astype(np.float64).sum(axis=1), 1, atol=1e-3):
        raise InputError(
            f"{what}: --threshold needs probabilities of the two classes, and these scores do not "
            "lie in 0 to 1 or add up to 1",
            hint="leave the threshold out: the larger score is the answer then",
        )


def one_sided(what: str, answers: Labels, threshold: float) -> tuple[str, ...]:
    """A warning where a threshold gives every example the same answer."""
    used = answers.used()
    if len(answers) < FEW or len(used) != 1:
        return ()
    return (f"{what}: by the threshold {threshold:g} every answer is {used[0]!r}",)


def check_scores(
    what: str,
    scores: NDArray[Any],
    lines: Callable[[Iterable[int]], list[int]],
    *,
    given: bool,
) -> None:
    """Raise InputError for scores (of any shape) that cannot be cut; `given` is the threshold."""
    import numpy as np

    broken = ~np.isfinite(scores)
    outside = ~broken & ((scores < 0) | (scores > 1))
    if broken.any():
        rows = _rows(broken)
        raise InputError(
            f"{what}: {plural(len(rows), 'row')} with a missing, NaN or infinite score: "
            f"row {_first(rows, lines)}",
            hint="a broken model answers NaN; find out why before comparing",
        )
    if outside.any() and not given:
        rows = _rows(outside)
        odd = scores[outside].flat[0].item()
        raise InputError(
            f"{what}: {plural(len(rows), 'row')} with a score outside of 0 to 1, as {odd:g}: "
            f"row {_first(rows, lines)}",
            hint="logits and other scores need a threshold of their own, as in --threshold 0",
        )


def _rows(bad: NDArray[np.bool_]) -> list[int]:
    import numpy as np

    rows: list[int] = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1)).tolist()
    return rows


def _first(rows: Sequence[int], lines: Callable[[Iterable[int]], list[int]]) -> str:
    shown = ", ".join(f"{line:,}" for line in lines(rows[:SHOWN]))
    return f"{shown} and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else shown


def checked_classes(what: str, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The names of both classes. Raises UsageError where there are more or fewer."""
    if classes is not None and len(classes) != 2:
        raise UsageError(
            f"{what}: a probability is of one of two classes, and --classes names {len(classes)}",
            hint="name both, the negative one first: --classes no,yes",
        )
    return classes


def spelt_as_labels(source: Predictions, truth: Labels | None) -> Predictions:
    """The same with its two classes named as the labels write them: 0 and 1, false and true.

    Raises InputError for labels whose classes have to be named.
    """
    if truth is None or source.answers is None:
        return source
    used = truth.used()
    for names in SPELT:
        if set(used) <= set(names):
            answers = Labels(source.answers.codes, names)
            return replace(source, answers=answers, meant=(*source.meant, *names))
    raise InputError(
        f"{source.name}: a probability, and the labels are {listed(sorted(used))}: nothing says "
        "which of them is probable",
        hint="name both classes, the negative one first: --classes no,yes",
    )
