"""Scores of classes: taken from the outputs, checked, and turned into answers and confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Answers = tuple["NDArray[Any]", "NDArray[np.float32]"]
"""Of one batch: class indices (int) or class names (text), and the confidence (NaN: unknown)."""

ROUNDING = 1e-5
"""By how much an average of probabilities may leave [0, 1]."""


class NotFiniteError(ModelError):
    """Rows of a batch whose scores are NaN or infinite."""

    def __init__(self, path: object, rows: list[int]) -> None:
        super().__init__(f"{path}: NaN or infinite scores")
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Scores:
    """Where the scores of a model are, and what the first batch showed them to be.

    `keys` are the classes as the outputs name them; None where they do not. `sample` are the
    scores of the first batch, and `name` is the output that a user knows them by.
    """

    path: object
    outputs: tuple[str, ...]
    kind: Literal["matrix", "maps", "columns"]
    keys: tuple[str, ...] | None
    sample: NDArray[Any]
    name: str

    @property
    def width(self) -> int:
        """How many classes there are."""
        return int(self.sample.shape[1])

    @property
    def shares(self) -> bool:
        """Whether they are probabilities."""
        return are_shares(self.sample)

    def read(self, values: list[Any]) -> NDArray[Any]:
        """The scores of a batch, (examples, classes). Raises NotFiniteError: NaN is no answer."""
        import numpy as np

        found = raw_scores(self.path, self.kind, values)
        if found.shape[1:] != self.sample.shape[1:]:
            raise ModelError(
                f"{self.path}: scores of the shape {list(found.shape)}, where the first batch had "
                f"{list(self.sample.shape)}",
                hint="a label for each token or pixel is no answer to an example: save the "
                "model's predictions and compare those",
            )
        bad = np.isnan(found).any(axis=1) | np.isposinf(found).any(axis=1)
        bad |= np.isneginf(found).all(axis=1)
        if bad.any():
            raise NotFiniteError(self.path, np.flatnonzero(bad).tolist())
        return found

    def confidence(self, found: NDArray[Any]) -> NDArray[np.float32]:
        """Each row's largest score: itself where scores lie in [0, 1], else its softmax."""
        import numpy as np

        found = found.astype(np.float32)
        top: NDArray[np.float32] = found.max(axis=1)
        if within(self.sample):
            return top
        return np.asarray(1 / np.exp(found - top[:, None]).sum(axis=1), dtype=np.float32)


def scores_of(
    path: object,
    names: tuple[str, ...],
    kind: Literal["matrix", "columns"],
    values: list[Any],
    keys: tuple[str, ...] | None = None,
) -> Scores:
    """Scores in these outputs of the first batch."""
    return Scores(path, names, kind, keys, raw_scores(path, kind, values), names[-1])


def maps_of(path: object, name: str, maps: Any, tensor: tuple[str, Any] | None) -> Scores:
    """Scores that the first batch gives as maps.

    Where the tensor that the maps are made of is at hand and holds just these scores, they are
    read from there.
    """
    import numpy as np

    keys = tuple(map(str, maps[0]))
    sample = raw_scores(path, "maps", [maps])
    if tensor is not None and np.array_equal(sample, tensor[1], equal_nan=True):
        return Scores(path, (tensor[0],), "matrix", keys, sample, name)
    return Scores(path, (name,), "maps", keys, sample, name)


def raw_scores(path: object, kind: str, values: list[Any]) -> NDArray[Any]:
    """The scores of a batch as one array, whatever they are; maps by the order of their keys."""
    import numpy as np

    if kind == "matrix":
        return squeezed(values[0])
    if kind == "columns":
        return np.stack([squeezed(value) for value in values], axis=1)
    keys = list(values[0][0])
    try:
        return np.array([[row[key] for key in keys] for row in values[0]], np.float32)
    except KeyError as error:
        raise ModelError(f"{path}: a map of scores without the class {error}") from error


def squeezed(value: NDArray[Any]) -> NDArray[Any]:
    """The array without axes of length 1, but never without its first."""
    return value.reshape([*value.shape[:1], *(axis for axis in value.shape[1:] if axis != 1)])


def are_shares(found: NDArray[Any]) -> bool:
    """Whether rows of scores are probabilities of classes of which one is right."""
    import numpy as np

    sums = found.astype(np.float64).sum(axis=1)
    return within(found) and bool(np.allclose(sums, 1, atol=1e-3))


def within(found: NDArray[Any]) -> bool:
    """Whether all scores lie in [0, 1]."""
    return bool(((found >= -ROUNDING) & (found <= 1 + ROUNDING)).all())


def cut(second: NDArray[Any], threshold: float) -> Answers:
    """Answers by the probability of the second of two classes."""
    import numpy as np

    over = second >= threshold
    return over.astype(np.int64), np.where(over, second, 1 - second).astype(np.float32)
