"""How a model's outputs are read as answers, by the rules of ENGINEERING.md §1.7.

The rules look at what the first batch really gives, because declared shapes lie and names are no
evidence. Where two readings are possible nothing is guessed: the error lists the outputs and the
flag that decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import ModelError, UsageError, listed, plural
from flipcheck.labels import is_whole
from flipcheck.sources.onnx.labels import LabelReading, read_label
from flipcheck.sources.onnx.scores import (
    Answers,
    NotFiniteError,
    Scores,
    cut,
    maps_of,
    scores_of,
    squeezed,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.spec import SideSpec


@dataclass(frozen=True, slots=True)
class Reading:
    """The outputs to ask for, how to read them, and the names of the class indices.

    `names` is None where the answers are names already; `classes` are all that can be answered,
    where that is known; `numbered` that they are only places among the scores. `told` is what
    the report says of it. What is `made` of the outputs are classes, or matrices: the best classes
    of each example, or the labels of its set as bits (`tasks.sets.packed`), joined by `separator`.
    """

    outputs: tuple[str, ...]
    answers: Callable[[list[Any]], Answers]
    names: tuple[str, ...] | None
    classes: tuple[str, ...] | None
    told: str
    by_threshold: bool = False
    numbered: bool = False
    threshold: float | None = None
    made: Literal["class", "ranks", "set"] = "class"
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """An output of the first batch and its kind; a map has the tensor that it is made of."""

    name: str
    kind: str
    value: Any
    about: str
    tensor: tuple[str, Any] | None = None


Tensors = Mapping[str, tuple[str, Any]]
"""Of outputs that are maps of scores: the name of the tensor of these scores, and its value."""


def choose_reading(
    model: Model,
    rows: int,
    spec: SideSpec,
    values: list[Any],
    tensors: Tensors = MappingProxyType({}),
) -> Reading:
    """The one reading of the outputs. Raises ModelError where there is none, or more than one."""
    task = spec.task
    own = spec.output is not None and task.top_k is None  # the user knows what these scores are
    if spec.threshold is not None and not own:
        check_probability(spec.threshold)
    outputs = [
        _output(port.name, value, rows, tensors.get(port.name))
        for port, value in zip(model.outputs, values, strict=True)
    ]
    if spec.output is not None:
        chosen = [output for output in outputs if output.name == spec.output]
        if not chosen:
            raise unreadable(model, outputs, f"no output {spec.output!r}")
        outputs = chosen
    if task.multilabel or task.top_k is not None:
        from flipcheck.sources.onnx.judged import by_rank, by_set

        reading = (by_set if task.multilabel else by_rank)(model, outputs, spec)
    else:
        reading = _by_label(model, outputs, spec) or _by_scores(model, outputs, spec)
    if spec.threshold is not None and not reading.by_threshold:
        raise ModelError(
            f"{model.path}: --threshold needs a probability of two classes; this model is read "
            f"by its {reading.told}",
            hint="leave the threshold out, or name both classes with --classes or the output "
            "with --output",
        )
    return reading


def check_probability(threshold: float) -> None:
    """Raise UsageError for a threshold that no probability reaches, or every one does."""
    if not 0 <= threshold <= 1:
        raise UsageError(
            f"--threshold {threshold:g} is no probability", hint="give one from 0 to 1"
        )


def _output(name: str, value: Any, rows: int, tensor: tuple[str, Any] | None = None) -> Output:
    """An output with its kind: label, scores, column, maps, or what makes it unreadable."""
    if not hasattr(value, "ndim"):
        return _no_array(name, value, rows, tensor)
    value = squeezed(value)
    about = f"{value.dtype} {list(value.shape)}"
    if value.ndim == 0 or value.shape[0] != rows:
        return Output(name, "other", value, f"{about}: not one row for each of {rows} examples")
    if value.ndim == 1:
        return Output(name, "column" if value.dtype.kind == "f" else "label", value, about)
    if value.ndim == 2 and value.dtype.kind == "f" and value.shape[1]:
        return Output(name, "scores", value, about)
    return Output(name, "other", value, f"{about}: {_many(value.shape)}")


def _no_array(name: str, value: Any, rows: int, tensor: tuple[str, Any] | None) -> Output:
    """A sequence or map; an optional value that is none; a sparse tensor."""
    if not isinstance(value, list):
        return Output(name, "other", value, f"a {type(value).__name__}, not an array")
    if len(value) == rows and all(isinstance(each, dict) and each for each in value):
        about = f"a map of scores for each example ({rows} rows)"
        return Output(name, "maps", value, about, tensor)
    return Output(name, "other", value, "a sequence that is not one map for each example")


def _many(shape: tuple[int, ...]) -> str:
    """What an output with more than one answer for each example may be."""
    if len(shape) == 2:
        return "several labels for each example"
    if len(shape) == 3:
        return f"{shape[1]} rows of values for each example: tokens or boxes, perhaps"
    return "a map of values for each example: a segmentation, perhaps"


# --- a label output ------------------------------------------------------------------------


def _by_label(model: Model, outputs: list[Output], spec: SideSpec) -> Reading | None:
    """The reading by a label output, which is preferred over scores where it exists."""
    import numpy as np

    labels = [output for output in outputs if output.kind == "label"]
    if not labels:
        return None
    if len(labels) > 1:
        raise unreadable(model, outputs, f"{len(labels)} outputs could be the label")
    label = labels[0]
    scores = _scores_beside(model, label, outputs)
    if spec.threshold is not None and scores is not None and scores.width == 2:
        names = class_names(model, scores)
        if names is not None:
            return _by_threshold(model, scores, names, spec.threshold)
    translate = read_label(model, label.value.dtype.kind, scores.keys if scores else None)
    _check_indices(model, label, scores, translate)

    def answers(values: list[Any]) -> Answers:
        codes = translate.answers(squeezed(values[0]))
        if scores is None:
            return codes, np.full(len(codes), np.nan, np.float32)
        return codes, scores.confidence(scores.read(values[1:]))

    names = (label.name, *(scores.outputs if scores else ()))
    return Reading(
        names, answers, translate.names, translate.classes, f"label output {label.name!r}"
    )


def _check_indices(
    model: Model, label: Output, scores: Scores | None, translate: LabelReading
) -> None:
    """Raise ModelError where labels are read as indices, but are not those of the scores."""
    if translate.names is None or translate.place is not None or scores is None:
        return
    best = scores.sample.argmax(axis=1)
    if (translate.answers(label.value) == best).mean() < 0.5:
        raise ModelError(
            f"{model.path}: the numbers of the label output {label.name!r} are not the places of "
            "its scores, so that the class list cannot name them",
            hint=f"take the scores, as in --output {scores.name}",
        )


def _scores_beside(model: Model, label: Output, outputs: list[Output]) -> Scores | None:
    """The scores that tell the confidence of a label; None where that is not certain."""
    maps, matrices, columns = (
        [output for output in outputs if output.kind == kind]
        for kind in ("maps", "scores", "column")
    )
    if len(maps) == 1:
        return maps_of(model.path, maps[0].name, maps[0].value, maps[0].tensor)
    if len(matrices) == 1 and not columns:
        return scores_of(model.path, (matrices[0].name,), "matrix", [matrices[0].value])
    if len(columns) > 1 and not matrices:
        names = tuple(output.name for output in columns)
        values = [output.value for output in columns]
        return scores_of(model.path, names, "columns", values, _column_keys(names, label))
    return None


def _column_keys(names: tuple[str, ...], label: Output) -> tuple[str, ...] | None:
    """The classes of ZipMap's columns: `i0`, `i1` for whole numbers, `scat`, `sdog` for text."""
    whole = label.value.dtype.kind in "iu"
    keys = tuple(name[1:] for name in names)
    if any(name[:1] != ("i" if whole else "s") for name in names):
        return None
    return None if whole and not all(map(is_whole, keys)) else keys


# --- scores --------------------------------------------------------------------------------


def _by_scores(model: Model, outputs: list[Output], spec: SideSpec) -> Reading:
    usable = [output for output in outputs if output.kind in {"scores", "maps", "column"}]
    if len(usable) != 1:
        why = f"{len(usable)} outputs could hold the answer" if usable else "no output is readable"
        raise unreadable(model, outputs, why)
    output = usable[0]
    if output.kind == "column":
        return _binary(model, output, spec)
    if output.kind == "maps":
        scores = maps_of(model.path, output.name, output.value, output.tensor)
    else:
        scores = scores_of(model.path, (output.name,), "matrix", [output.value])
    if (
        output.kind == "scores"
        and spec.output is None
        and within(output.value)
        and not scores.shares
    ):
        raise unreadable(
            model,
            outputs,
            f"the scores of {output.name!r} lie in [0, 1] but do not add up to 1: several labels "
            "for each example, perhaps",
            f"if the largest score is the answer, say so with --output {output.name}; if each "
            "label has a probability of its own, judge sets of labels with --multilabel",
        )
    named = class_names(model, scores)
    names = named or tuple(map(str, range(scores.width)))
    if spec.threshold is not None and len(names) == 2:
        return _by_threshold(model, scores, names, spec.threshold)

    def largest(values: list[Any]) -> Answers:
        found = scores.read(values)
        return found.argmax(axis=1), scores.confidence(found)

    told = f"largest score of {output.name!r}"
    return Reading(scores.outputs, largest, names, names, told, numbered=named is None)


def class_names(model: Model, scores: Scores) -> tuple[str, ...] | None:
    """The names of the classes that scores are of, in the scores' order; None if not known."""
    if model.classes is None:
        return scores.keys
    if len(model.classes) != scores.width:
        raise ModelError(
            f"{model.path}: it has {plural(scores.width, 'class')}, but {model.classes_from} names "
            f"{len(model.classes)}: {listed(model.classes)}",
            hint="give the list that belongs to this model with --classes "
            "(--old-classes, --new-classes)",
        )
    if scores.keys is None:
        return model.classes
    return read_label(model, "i" if all(map(is_whole, scores.keys)) else "O", scores.keys).named(
        scores.keys
    )


def _by_threshold(
    model: Model, scores: Scores, names: tuple[str, ...], threshold: float
) -> Reading:
    check_probability(threshold)
    if not scores.shares:
        raise ModelError(
            f"{model.path}: --threshold needs probabilities, and {scores.name!r} holds other "
            "scores",
            hint="end the model in a softmax, or leave the threshold out",
        )

    def answers(values: list[Any]) -> Answers:
        return cut(scores.read(values)[:, 1], threshold)

    told = f"threshold {threshold:g} on {scores.name!r}"
    return Reading(
        scores.outputs, answers, names, names, told, by_threshold=True, threshold=threshold
    )


def _binary(model: Model, output: Output, spec: SideSpec) -> Reading:
    """One column in [0, 1] with two class names: the probability of the second."""
    import numpy as np

    if model.classes is None or len(model.classes) != 2:
        raise ModelError(
            f"{model.path}: one number for each example ({output.name!r}): a probability of one "
            "of two classes, or a regression; flipcheck audits classifiers",
            hint="for a probability, name both classes, the negative one first: --classes no,yes",
        )
    threshold = 0.5 if spec.threshold is None else spec.threshold
    own = spec.threshold is not None and spec.output is not None
    logits = own and not within(output.value)  # the user says what these scores mean
    if not logits:
        check_probability(threshold)

    def answers(values: list[Any]) -> Answers:
        scores = squeezed(values[0])
        bad = np.flatnonzero(~np.isfinite(scores))
        if len(bad):
            raise NotFiniteError(model.path, bad.tolist())
        if logits:
            return cut(scores, threshold)[0], np.full(len(scores), np.nan, np.float32)
        if not within(scores):
            odd = scores[np.abs(scores - 0.5).argmax()].item()
            raise ModelError(
                f"{model.path}: {output.name!r} is no probability: it holds {odd:g}",
                hint="a regression cannot be audited; a logit needs a sigmoid at the model's end, "
                f"or a threshold of its own: --output {output.name} --threshold 0",
            )
        return cut(scores, threshold)

    answers([output.value])
    told, names = f"threshold {threshold:g} on {output.name!r}", model.classes
    return Reading(
        (output.name,), answers, names, names, told, by_threshold=True, threshold=threshold
    )


def unreadable(model: Model, outputs: list[Output], why: str, hint: str = "") -> ModelError:
    """The error for outputs that cannot be read, with all of them."""
    return ModelError(
        f"{model.path}: {why}",
        problems=[f"output {output.name!r}: {output.about}" for output in outputs],
        hint=hint
        or "name the one that answers with --output (--old-output, --new-output), or save the "
        "model's predictions and compare those",
    )
