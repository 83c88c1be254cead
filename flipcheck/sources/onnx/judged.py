"""How a model's outputs are read as sets of labels, or as its best answers in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError
from flipcheck.labels import Labels
from flipcheck.sources.onnx.readings import Reading, check_probability, class_names, unreadable
from flipcheck.sources.onnx.scores import Answers, scores_of, squeezed, within
from flipcheck.tasks import ranking
from flipcheck.tasks.binary import at_least
from flipcheck.tasks.sets import check_joinable, packed, sets_of_packed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.onnx.readings import Output
    from flipcheck.sources.onnx.scores import Scores
    from flipcheck.sources.spec import SideSpec


def by_rank(model: Model, outputs: list[Output], spec: SideSpec) -> Reading:
    """The best classes of each example, best first. Raises ModelError where there are no scores."""
    import numpy as np

    task, k = spec.task, spec.task.top_k or 1
    usable = [each for each in outputs if each.kind in {"scores", "maps"}]
    if len(usable) != 1 or task.threshold is not None:
        why = f"--top-k {k} needs the scores of every class"
        if task.threshold is not None:
            why = "--threshold cuts, and --top-k ranks: only one can be"
        raise unreadable(model, outputs, why)
    output = usable[0]
    kind: Any = "maps" if output.kind == "maps" else "matrix"
    scores = scores_of(model.path, (output.name,), kind, [output.value])
    named = class_names(model, scores)
    ranking.check_enough(str(model.path), k, scores.width, "class")
    names = named or tuple(map(str, range(scores.width)))

    def answers(values: list[Any]) -> Answers:
        found = scores.read(values)
        return np.asarray(ranking.best(str(model.path), found, k)), scores.confidence(found)

    told = f"the {k} largest scores of {output.name!r}"
    return Reading(
        (output.name,), answers, names, names, told, numbered=named is None, made="ranks"
    )


def by_set(model: Model, outputs: list[Output], spec: SideSpec) -> Reading:
    """The labels of each example: of 0/1 decisions, or of probabilities at the threshold.

    Raises ModelError where no output holds one number a label, or more than one does.
    """
    threshold = spec.threshold
    decided = [each for each in outputs if _is_decided(each)]
    if len(decided) == 1 and threshold is None:
        return _reading(model, decided[0], spec, None)
    usable = [each for each in outputs if each.kind == "scores"]
    if len(usable) != 1:
        raise unreadable(
            model, outputs, f"{len(usable)} outputs could hold one probability for each label"
        )
    output = usable[0]
    if not within(output.value) and not (threshold is not None and spec.output is not None):
        odd = output.value.flat[abs(output.value - 0.5).argmax()].item()
        raise ModelError(
            f"{model.path}: {output.name!r} holds no probabilities: {odd:g}",
            hint="logits need a sigmoid at the model's end, or a threshold of their own: "
            f"--output {output.name} --threshold 0",
        )
    if threshold is not None and within(output.value):
        check_probability(threshold)
    return _reading(model, output, spec, 0.5 if threshold is None else threshold)


def _is_decided(output: Output) -> bool:
    """Whether an output is a matrix of 0 and 1, one column a label."""
    import numpy as np

    value = output.value
    if output.kind != "other" or not hasattr(value, "dtype") or value.ndim != 2:
        return False
    return value.dtype.kind in "biu" and bool(np.isin(value, (0, 1)).all())


def _reading(model: Model, output: Output, spec: SideSpec, threshold: float | None) -> Reading:
    """The reading of one matrix of decisions, or of scores with a threshold."""
    scores = scores_of(model.path, (output.name,), "matrix", [output.value])
    joined_by = spec.task.joined_by
    names = class_names(model, scores) or tuple(map(str, range(scores.width)))
    check_joinable(str(model.path), names, joined_by)

    def answers(values: list[Any]) -> Answers:
        import numpy as np

        if threshold is None:
            chosen = squeezed(values[0]).astype(bool)
        else:
            chosen = at_least(_checked(model, output, scores, values, spec), threshold)
        return packed(chosen, names), np.full(len(chosen), np.nan, np.float32)

    cut = "" if threshold is None else f"threshold {threshold:g} on "
    return Reading(
        (output.name,),
        answers,
        names,
        names,
        f"{cut}labels of {output.name!r}",
        by_threshold=threshold is not None,
        threshold=threshold,
        made="set",
        separator=joined_by,
    )


def _checked(
    model: Model, output: Output, scores: Scores, values: list[Any], spec: SideSpec
) -> NDArray[Any]:
    """The scores of a batch. Raises ModelError where they were to be probabilities and are not."""
    import numpy as np

    from flipcheck.sources.onnx.scores import NotFiniteError

    found = scores.read(values)
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        raise NotFiniteError(model.path, np.flatnonzero(bad).tolist())
    if not within(found) and (spec.threshold is None or spec.output is None):
        raise ModelError(
            f"{model.path}: {output.name!r} holds no probabilities for every example",
            hint=f"logits need a threshold of their own: --output {output.name} --threshold 0",
        )
    return found


def labelled(
    reading: Reading, codes: NDArray[Any], place: NDArray[np.int64] | None
) -> tuple[Labels, NDArray[np.int32] | None]:
    """The answers and, of ranks, the best of each example; rows in another order by `place`.

    A place of -1 is of an example without an answer.
    """
    import numpy as np

    names, ranked = reading.names, None
    if reading.made == "set" and names is not None:
        labels = sets_of_packed(codes, names, reading.separator)
    elif reading.made == "ranks" and names is not None:
        labels, ranked = Labels(codes[:, 0].astype(np.int32), names), codes.astype(np.int32)
    else:
        labels = Labels.of(codes) if names is None else Labels(codes.astype(np.int32), names)
    if place is not None:
        labels = labels.take(place)
        if ranked is not None:
            ranked = np.append(ranked, np.full((1, ranked.shape[1]), -1, np.int32), axis=0)[place]
    return labels, ranked
