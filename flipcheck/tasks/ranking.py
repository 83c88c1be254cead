"""Ranked answers: right is an answer of which the truth is among the first k."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.labels import MISSING, Labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def best(what: str, scores: NDArray[Any], k: int) -> NDArray[np.int32]:
    """The places of the k largest scores of each row, best first; equal scores by their place.

    Raises InputError where there are fewer than k classes.
    """
    import numpy as np

    check_enough(what, k, scores.shape[1], "class")
    # Not negated: an integer's smallest value has no opposite, and -0.0 is 0.0.
    mirrored = scores[:, ::-1]
    order = np.argsort(mirrored, axis=1, kind="stable")[:, ::-1][:, :k]
    return np.asarray(scores.shape[1] - 1 - order, dtype=np.int32)


def check_enough(what: str, k: int, there: int, noun: str) -> None:
    """Raise InputError where k is more than there are."""
    if k > there:
        told = f"{there} {noun}{'' if there == 1 else 'es' if noun.endswith('s') else 's'}"
        raise InputError(
            f"{what}: --top-k {k}, and there are {told}",
            hint=f"give a smaller one: every answer is among the top {there} of {there}"
            if noun == "class"
            else "give a smaller one, or save more answers for each example",
        )


def ranked_lists(
    lists: Sequence[tuple[str, ...] | None], k: int
) -> tuple[Labels, NDArray[np.int32]]:
    """The first answer of each list, and the first k as codes of the same names."""
    import numpy as np

    place: dict[str, int] = {}
    codes = np.full((len(lists), k), MISSING, dtype=np.int32)
    for row, answers in enumerate(lists):
        for rank, name in enumerate((answers or ())[:k]):
            codes[row, rank] = place.setdefault(name, len(place)) if name else MISSING
    return Labels(codes[:, 0].copy(), tuple(place)), codes


def ranked_columns(columns: Sequence[Labels]) -> tuple[Labels, NDArray[np.int32]]:
    """The same from one column of answers for each rank."""
    import numpy as np

    from flipcheck.labels import shared_names

    names = shared_names(*columns)
    codes = np.stack([each.recoded(names) for each in columns], axis=1).astype(np.int32)
    return Labels(codes[:, 0].copy(), names), codes
