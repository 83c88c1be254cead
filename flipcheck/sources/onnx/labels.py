"""How the values of a label output become class names, with or without a class list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, listed, plural
from flipcheck.labels import is_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from flipcheck.sources.onnx.model import Model


@dataclass(frozen=True, slots=True)
class LabelReading:
    """What label values mean.

    `names` is None where a value's text is its class; else `place` says of each value's text, or
    the value itself where it is None, which of the names it is. `classes` are all classes.
    """

    model: Model
    names: tuple[str, ...] | None
    place: Mapping[str, int] | None
    classes: tuple[str, ...] | None

    def answers(self, labels: NDArray[Any]) -> NDArray[Any]:
        """The labels of a batch as names, or as indices of names. Raises ModelError."""
        import numpy as np

        if self.names is None:
            self._check(labels)
            return labels
        if self.place is None:
            codes = labels.astype(np.int64)
        else:
            values, where = np.unique(labels, return_inverse=True)
            codes = np.array([self.place.get(str(value), -1) for value in values])[where]
        outside = (codes < 0) | (codes >= len(self.names))
        if outside.any():
            raise _strange(self.model, self.names, labels[outside][0])
        return codes

    def named(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """The class names of label values."""
        if self.names is None or self.place is None:
            return keys
        return tuple(self.names[self.place[key]] for key in keys)

    def _check(self, labels: NDArray[Any]) -> None:
        if self.classes is None:
            return
        known = set(self.classes)
        for label in set(labels.tolist()):
            if str(label) not in known:
                raise _strange(self.model, self.classes, label)


def read_label(model: Model, kind: str, keys: tuple[str, ...] | None) -> LabelReading:
    """What labels of a numpy kind mean, where the scores beside them have these keys, or none.

    Text is a name. Whole numbers are names where the class list is of numbers, or there is none;
    else they are the list's names, by their place among the keys or by themselves.
    """
    classes = model.classes
    if classes is None:
        return LabelReading(model, None, None, keys)
    if keys is not None and len(keys) != len(classes):
        raise ModelError(
            f"{model.path}: it has {plural(len(keys), 'class')}, but {model.classes_from} names "
            f"{len(classes)}: {listed(classes)}",
            hint="give the list that belongs to this model with --classes "
            "(--old-classes, --new-classes)",
        )
    if keys is not None and set(keys) == set(classes):
        return LabelReading(model, None, None, classes)
    if kind not in "iub":
        if keys is not None:
            raise _strange(model, classes, next(key for key in keys if key not in classes))
        return LabelReading(model, None, None, classes)
    if all(map(is_whole, classes)) and kind != "b":
        if keys is not None:
            raise _strange(model, classes, next(key for key in keys if key not in classes))
        return LabelReading(model, None, None, classes)
    place = None if keys is None else {key: code for code, key in enumerate(keys)}
    return LabelReading(model, classes, place, classes)


def _strange(model: Model, classes: tuple[str, ...], label: object) -> ModelError:
    return ModelError(
        f"{model.path}: it answers {str(label)!r}, which {model.classes_from} does not name "
        f"({plural(len(classes), 'class')}: {listed(classes)})",
        hint="give the list that belongs to this model with --classes "
        "(--old-classes, --new-classes)",
    )
