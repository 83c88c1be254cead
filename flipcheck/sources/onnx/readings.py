"""How a model's outputs are read as answers, by the rules of ENGINEERING.md §1.7.

The rules look at what the first batch really gives, because declared shapes lie and names are no
evidence. Where two readings are possible nothing is guessed: the error lists the outputs and the
flag that decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, listed, plural

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.spec import SideSpec

Answers = tuple["NDArray[Any]", "NDArray[np.float32]"]
"""Of one batch: class indices (int) or class names (text), and the confidence (NaN: unknown)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The outputs to ask for, how to read them, and the names of the class indices.

    `names` is None where the answers are names already. `told` is what the report says of it.
    """

    outputs: tuple[str, ...]
    answers: Callable[[list[Any]], Answers]
    names: tuple[str, ...] | None
    told: str


@dataclass(frozen=True, slots=True)
class Output:
    """An output of the first batch and its kind."""

    name: str
    kind: str
    value: Any
    about: str


def choose_reading(model: Model, values: list[Any], rows: int, spec: SideSpec) -> Reading:
    """The one reading of the outputs. Raises ModelError where there is none, or more than one."""
    outputs = [_output(port.name, value, rows)
               for port, value in zip(model.outputs, values, strict=True)]  # fmt: skip
    if spec.output is not None:
        chosen = [output for output in outputs if output.name == spec.output]
        if not chosen:
            raise _unreadable(model, outputs, f"no output {spec.output!r}")
        outputs = chosen
    reading = _by_label(model, outputs, spec) or _by_scores(model, outputs, spec)
    if spec.threshold is not None and "threshold" not in reading.told:
        raise ModelError(
            f"{model.path}: --threshold needs a probability of two classes; this model is read "
            f"by its {reading.told}",
            hint="leave the threshold out, or name the output with --output",
        )
    return reading


def _output(name: str, value: Any, rows: int) -> Output:
    """An output with its kind: label, scores, column, maps, or what makes it unreadable."""
    if isinstance(value, list):
        if value and all(isinstance(each, dict) for each in value) and len(value) == rows:
            return Output(name, "maps", value, f"a map of scores for each example ({rows} rows)")
        return Output(name, "other", value, "a sequence that is not one map for each example")
    value = squeezed(value)
    about = f"{value.dtype} {list(value.shape)}"
    if value.ndim == 0 or value.shape[0] != rows:
        return Output(name, "other", value, f"{about}: not one row for each of {rows} examples")
    if value.ndim == 1:
        kind = "column" if value.dtype.kind == "f" else "label"
        return Output(name, kind, value, about)
    if value.ndim == 2 and value.dtype.kind == "f":
        return Output(name, "scores", value, about)
    many = "several labels for each example" if value.ndim == 2 else "a sequence or a map"
    return Output(name, "other", value, f"{about}: {many}")


def squeezed(value: NDArray[Any]) -> NDArray[Any]:
    """The array without trailing axes of length 1, but never without its first."""
    while value.ndim > 1 and value.shape[-1] == 1:
        value = value[..., 0]
    return value


def _by_label(model: Model, outputs: list[Output], spec: SideSpec) -> Reading | None:
    """The reading by a label output, which is preferred over scores where it exists."""
    labels = [output for output in outputs if output.kind == "label"]
    if not labels:
        return None
    if len(labels) > 1:
        raise _unreadable(model, outputs, f"{len(labels)} outputs could be the label")
    label, rest = labels[0], [output for output in outputs if output.kind != "label"]
    maps = [output for output in rest if output.kind == "maps"]
    scores = [output for output in rest if output.kind == "scores"]
    columns = [output for output in rest if output.kind == "column"]
    if len(maps) == 1:
        keys = tuple(str(key) for key in maps[0].value[0])
        return _label_and_scores(model, label, (maps[0].name,), keys, _map_scores(maps[0]), spec)
    if len(scores) == 1 and not columns:
        known = model.classes if _fits(model, scores[0].value.shape[1]) else None
        return _label_and_scores(model, label, (scores[0].name,), known, _matrix, spec)
    if len(columns) > 1 and not scores:
        names = tuple(output.name for output in columns)
        keys = _column_keys(names, label)
        return _label_and_scores(model, label, names, keys, _columns, spec)
    return _label_and_scores(model, label, (), None, None, spec)


def _fits(model: Model, width: int) -> bool:
    return model.classes is not None and len(model.classes) == width


def _column_keys(names: tuple[str, ...], label: Output) -> tuple[str, ...] | None:
    """The classes of ZipMap's columns: `i0`, `i1` for whole numbers, `scat`, `sdog` for text."""
    prefix = "i" if label.value.dtype.kind in "iu" else "s"
    if all(name.startswith(prefix) for name in names):
        return tuple(name.removeprefix(prefix) for name in names)
    return None


def _label_and_scores(
    model: Model,
    label: Output,
    names: tuple[str, ...],
    keys: tuple[str, ...] | None,
    scores: Callable[[list[Any]], NDArray[Any]] | None,
    spec: SideSpec,
) -> Reading:
    """A label output, its scores for the confidence, or for a threshold of one's own."""
    import numpy as np

    whole = label.value.dtype.kind in "iub"

    def by_label(values: list[Any]) -> Answers:
        answers = squeezed(values[0])
        if scores is None:
            return answers, np.full(len(answers), np.nan, np.float32)
        found = _finite(model, scores(values[1:]))
        return answers, shares(found)

    outputs = (label.name, *names)
    told = f"label output {label.name!r}"
    if spec.threshold is not None and keys is not None and len(keys) == 2 and scores is not None:

        def by_threshold(values: list[Any]) -> Answers:
            found = _finite(model, scores(values[1:]))
            return _cut(found[:, 1], spec.threshold or 0.0)

        return Reading(outputs, by_threshold, _named(model, keys),
                       f"threshold {spec.threshold:g} on {names[-1]!r}")  # fmt: skip
    if whole and model.classes is not None:
        return _label_by_index(model, Reading(outputs, by_label, None, told), keys)
    return Reading(outputs, by_label, None, told)


def _label_by_index(model: Model, reading: Reading, keys: tuple[str, ...] | None) -> Reading:
    """A reading of whole-number labels as the names of a class list, by their place in it."""
    import numpy as np

    names = model.classes or ()
    place = {key: code for code, key in enumerate(keys)} if keys else {}
    if keys and len(keys) != len(names):
        raise _count_error(model, len(keys))
    if keys and set(keys) == set(names):  # the list names the same numbers: nothing to translate
        return reading

    def answers(values: list[Any]) -> Answers:
        labels, confidence = reading.answers(values)
        if place:
            codes = np.array([place.get(str(label), -1) for label in labels.tolist()])
        else:
            codes = labels.astype(np.int64)
        if ((codes < 0) | (codes >= len(names))).any():
            odd = labels[(codes < 0) | (codes >= len(names))]
            raise ModelError(
                f"{model.path}: it answers {odd[0]}, but {model.classes_from} names "
                f"{plural(len(names), 'class')}",
                hint="give the list that belongs to this model with --classes",
            )
        return codes, confidence

    return Reading(reading.outputs, answers, names, reading.told)


def _named(model: Model, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The class names of scores whose own keys are known."""
    if model.classes is None:
        return keys
    if len(model.classes) != len(keys):
        raise _count_error(model, len(keys))
    whole = all(key.lstrip("-").isdigit() for key in keys)
    return model.classes if whole and set(keys) != set(model.classes) else keys


def _by_scores(model: Model, outputs: list[Output], spec: SideSpec) -> Reading:
    usable = [output for output in outputs if output.kind in {"scores", "maps", "column"}]
    if len(usable) != 1:
        why = f"{len(usable)} outputs could hold the answer" if usable else "no output is readable"
        raise _unreadable(model, outputs, why)
    output = usable[0]
    if output.kind == "maps":
        keys = _named(model, tuple(str(key) for key in output.value[0]))
        return _scores_reading(model, output, keys, _map_scores(output), spec)
    if output.kind == "column":
        return _binary(model, output, spec)
    width = output.value.shape[1]
    if spec.output is None and _many_labels(output.value):
        raise _unreadable(
            model, outputs,
            f"the scores of {output.name!r} lie in [0, 1] but do not add up to 1: several labels "
            "for each example, perhaps",
            f"if the largest score is the answer, say so with --output {output.name}",
        )  # fmt: skip
    if model.classes is not None and len(model.classes) != width:
        raise _count_error(model, width)
    names = model.classes or tuple(map(str, range(width)))
    return _scores_reading(model, output, names, _matrix, spec)


def _scores_reading(
    model: Model,
    output: Output,
    names: tuple[str, ...],
    scores: Callable[[list[Any]], NDArray[Any]],
    spec: SideSpec,
) -> Reading:
    def largest(values: list[Any]) -> Answers:
        found = _finite(model, scores(values))
        return found.argmax(axis=1), shares(found)

    def cut(values: list[Any]) -> Answers:
        return _cut(_finite(model, scores(values))[:, 1], spec.threshold or 0.0)

    if spec.threshold is not None and len(names) == 2:
        if not _are_shares(scores([output.value])):
            raise ModelError(
                f"{model.path}: --threshold needs probabilities, and {output.name!r} holds other "
                "scores",
                hint="end the model in a softmax, or leave the threshold out",
            )
        return Reading((output.name,), cut, names,
                       f"threshold {spec.threshold:g} on {output.name!r}")  # fmt: skip
    return Reading((output.name,), largest, names, f"largest score of {output.name!r}")


def _binary(model: Model, output: Output, spec: SideSpec) -> Reading:
    """One column in [0, 1] with two class names: the probability of the second."""
    if model.classes is None or len(model.classes) != 2:
        raise ModelError(
            f"{model.path}: one number for each example ({output.name!r}): a probability of one "
            "of two classes, or a regression; flipcheck audits classifiers",
            hint="for a probability, name both classes, the negative one first: --classes no,yes",
        )
    threshold = 0.5 if spec.threshold is None else spec.threshold

    def answers(values: list[Any]) -> Answers:
        scores = _finite(model, squeezed(values[0])[:, None])[:, 0]
        if ((scores < 0) | (scores > 1)).any():
            odd = scores[(scores < 0) | (scores > 1)][0].item()
            raise ModelError(
                f"{model.path}: {output.name!r} is no probability: it holds {odd:g}",
                hint="a regression cannot be audited; a logit needs a sigmoid at the model's end",
            )
        return _cut(scores, threshold)

    answers([output.value])
    return Reading((output.name,), answers, model.classes,
                   f"threshold {threshold:g} on {output.name!r}")  # fmt: skip


def _cut(scores: NDArray[Any], threshold: float) -> Answers:
    import numpy as np

    second = scores >= threshold
    return second.astype(np.int64), np.where(second, scores, 1 - scores).astype(np.float32)


def _matrix(values: list[Any]) -> NDArray[Any]:
    return squeezed(values[0])


def _columns(values: list[Any]) -> NDArray[Any]:
    import numpy as np

    return np.stack([squeezed(value) for value in values], axis=1)


def _map_scores(output: Output) -> Callable[[list[Any]], NDArray[Any]]:
    """Scores of maps, in the order of the first map's keys."""
    import numpy as np

    keys = list(output.value[0])
    return lambda values: np.array([[row[key] for key in keys] for row in values[0]], np.float32)


def _are_shares(scores: NDArray[Any]) -> bool:
    import numpy as np

    inside = bool(((scores >= 0) & (scores <= 1)).all())
    return inside and bool(np.allclose(scores.sum(axis=1), 1, atol=1e-3))


def _many_labels(scores: NDArray[Any]) -> bool:
    inside = bool(((scores >= 0) & (scores <= 1)).all())
    return inside and not _are_shares(scores)


def shares(scores: NDArray[Any]) -> NDArray[np.float32]:
    """The confidence of each row's largest score: itself for probabilities, else its softmax."""
    import numpy as np

    scores = scores.astype(np.float32)
    top = scores.max(axis=1)
    if _are_shares(scores):
        return top
    return np.asarray(1 / np.exp(scores - top[:, None]).sum(axis=1), dtype=np.float32)


class NotFinite(ModelError):
    """Rows of a batch whose scores are NaN or infinite."""

    def __init__(self, path: object, rows: list[int]) -> None:
        super().__init__(f"{path}: NaN or infinite scores")
        self.rows = rows


def _finite(model: Model, scores: NDArray[Any]) -> NDArray[Any]:
    """The scores. Raises NotFinite for rows without a largest one: NaN is never class 0."""
    import numpy as np

    bad = np.isnan(scores).any(axis=1) | np.isposinf(scores).any(axis=1)
    bad |= np.isneginf(scores).all(axis=1)
    if bad.any():
        raise NotFinite(model.path, np.flatnonzero(bad).tolist())
    return scores


def _count_error(model: Model, width: int) -> ModelError:
    return ModelError(
        f"{model.path}: it has {plural(width, 'class')}, but {model.classes_from} names "
        f"{len(model.classes or ())}: {listed(model.classes or ())}",
        hint="give the list that belongs to this model with --classes "
        "(--old-classes, --new-classes)",
    )


def _unreadable(model: Model, outputs: list[Output], why: str, hint: str = "") -> ModelError:
    return ModelError(
        f"{model.path}: {why}",
        problems=[f"output {output.name!r}: {output.about}" for output in outputs],
        hint=hint
        or "name the one that answers with --output (--old-output, --new-output), or "
        "save the model's predictions and compare those",
    )
