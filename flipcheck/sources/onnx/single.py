"""One example through models that are bound to a test set as for a whole run."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from flipcheck.errors import InputError, ModelError
from flipcheck.labels import MISSING
from flipcheck.sources.datasets.images import quiet_decoder
from flipcheck.sources.onnx.feeds import feeder
from flipcheck.sources.onnx.run import Runner, _bound, _needs, _padded, _predictions
from flipcheck.sources.onnx.scores import NotFiniteError, raw_scores, squeezed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from flipcheck.predictions import Predictions
    from flipcheck.sources.datasets import Batch, Dataset
    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.onnx.readings import Reading
    from flipcheck.sources.spec import SideSpec

SHOWN = 12
"""How many numbers of an input or output are kept to be shown."""


@dataclass(frozen=True, slots=True)
class Values:
    """What went into or came out of a model for one example.

    `shape` is without the batch; `low`, `mean` and `high` are None for text and for gaps; `digest`
    is the beginning of the SHA-256 of all its bytes, and `first` are its first values.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    low: float | None
    mean: float | None
    high: float | None
    digest: str
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Whether the answer is another one alone than beside the neighbours of a batch.

    `together` is None where the neighbours cannot be run, or the model takes one at a time only;
    `shift` is by how much the confidence moves, None where there is none.
    """

    size: int
    alone: str
    together: str | None
    shift: float | None

    @property
    def moved(self) -> bool:
        """Whether the answer depends on the batch."""
        return self.together is not None and self.together != self.alone


@dataclass(frozen=True, slots=True)
class Trace:
    """One example through one model.

    `scores` are those of the classes, best first, by name; `margin` is between the best two, and
    `distance` from the threshold to the score that it cuts, where there is one.
    """

    inputs: tuple[Values, ...]
    outputs: tuple[Values, ...]
    scores: tuple[tuple[str, float], ...]
    margin: float | None
    threshold: float | None
    distance: float | None
    read_by: str
    neighbours: Neighbours


def traced(
    models: Sequence[tuple[Model, SideSpec]], dataset: Dataset, row: int
) -> list[tuple[Predictions, Trace]]:
    """One row of a test set through each model: predictions of only that row, and how they came.

    The models are bound to the test set as a run over all of it would bind them.
    """
    feeders = [feeder(model, dataset, spec) for model, spec in models]
    size = min(each.batch for each in feeders)
    size = max(size, *(model.fixed_batch or 1 for model, _ in models))
    needs, steps = _needs(feeders), [each.steps for each in feeders]
    start = row // size * size
    with quiet_decoder():
        first = next(dataset.reader.batches(needs, size))
        runners = _bound(models, feeders, dataset, first, dataset.ids)
        if not runners:
            dataset.reader.decoded(first, steps)  # raises with all that cannot be read
        here = next(islice(dataset.reader.batches(needs, size), row // size, None), None)
        if here is None:
            raise InputError(f"{dataset.source}: the example is not in it any more")
        parts = dataset.reader.decoded(here, steps)
    order = np.array([row])
    found = []
    for runner, part, (_, spec) in zip(runners, parts, models, strict=True):
        answers, trace = _traced(runner, spec, part, start, row - start)
        found.append((_predictions(runner, answers, dataset, order), trace))
    return found


def _traced(runner: Runner, spec: SideSpec, parts: Batch, start: int, place: int) -> Any:
    """The answer that a whole run gives to one example of a batch, and how it came."""
    model, reading = runner.model, runner.reading
    one = {name: values[place : place + 1] for name, values in parts.items()}
    feeds = runner.feeder.feeds(one)
    padded, _ = _padded(feeds, 0, 1, model.fixed_batch)
    names = [port.name for port in model.outputs]
    values = dict(zip(names, model.run(padded, names), strict=True))
    beside = [name for name in reading.outputs if name not in values]  # of maps, their tensors
    read = {**values, **dict(zip(beside, model.run(padded, beside) if beside else [], strict=True))}
    try:
        alone = runner.answers(one, start + place)
    except NotFiniteError:
        alone = _no_answer(reading)
    crowd = _crowd(runner, parts, place)
    asked = crowd if runner.batch > 1 and crowd is not None else alone
    scores = _scores(reading, model.path, [read[name] for name in reading.outputs])
    if not all(math.isfinite(score) for _, score in scores):
        scores = []
    threshold = _threshold(reading, spec)
    ranked = sorted(scores, key=lambda each: -each[1])
    trace = Trace(
        inputs=tuple(_values(name, each[0]) for name, each in feeds.items()),
        outputs=tuple(_values(name, _first(each)) for name, each in values.items()),
        scores=tuple(ranked),
        margin=ranked[0][1] - ranked[1][1] if len(ranked) > 1 else None,
        threshold=threshold,
        distance=scores[1][1] - threshold if threshold is not None and len(scores) == 2 else None,
        read_by=reading.told,
        neighbours=_neighbours(reading, alone, crowd, _size(runner, parts)),
    )
    return asked, trace


def _no_answer(reading: Reading) -> Any:
    """What stands for the answer where the scores are NaN or infinite."""
    codes: Any = np.array([None], object) if reading.names is None else np.array([MISSING])
    return codes, np.array([np.nan], np.float32)


def _threshold(reading: Reading, spec: SideSpec) -> float | None:
    if not reading.by_threshold:
        return None
    return 0.5 if spec.threshold is None else spec.threshold


def _size(runner: Runner, parts: Batch) -> int:
    """How many examples there are in the batch of an example."""
    rows = len(next(iter(parts.values())))
    return rows if runner.batch == 1 else min(rows, runner.batch)


def _crowd(runner: Runner, parts: Batch, place: int) -> Any:
    """The answer to one example of a batch that is run whole; None where that cannot be."""
    model, reading = runner.model, runner.reading
    try:
        if runner.batch > 1:
            codes, confidence = runner.answers(parts, 0)
        else:
            feeds = runner.feeder.feeds(parts)
            codes, confidence = reading.answers(model.run(feeds, list(reading.outputs)))
    except (NotFiniteError, ModelError):  # a neighbour, or a model of one example at a time
        return None
    return codes[place : place + 1], confidence[place : place + 1]


def _neighbours(reading: Reading, alone: Any, crowd: Any, size: int) -> Neighbours:
    name = _name(reading, alone[0][0])
    if crowd is None or size < 2:
        return Neighbours(size, name, None, None)
    shift = abs(float(alone[1][0]) - float(crowd[1][0]))
    together = _name(reading, crowd[0][0])
    return Neighbours(size, name, together, None if math.isnan(shift) else shift)


def _name(reading: Reading, code: Any) -> str:
    """An answer as the name of its class."""
    if code is None or (reading.names is not None and code == MISSING):
        return "none: NaN or infinite scores"
    return str(code) if reading.names is None else reading.names[int(code)]


def _scores(reading: Reading, path: object, values: list[Any]) -> list[tuple[str, float]]:
    """The score of each class by name, in the order of the outputs; none where there are none."""
    columns = []
    for value in values:
        if isinstance(value, list):
            found = raw_scores(path, "maps", [value])[0]
            return _named(reading, found, list(map(str, value[0])))
        if value.dtype.kind != "f" or not value.ndim:
            continue
        row = squeezed(value)[:1]
        if row.ndim == 2:
            return _named(reading, row[0], None)
        if row.ndim == 1:
            columns.append(float(row[0]))
    if reading.by_threshold and len(columns) == 1 and reading.names is not None:
        return _named(reading, np.array([1 - columns[0], columns[0]]), None)
    return _named(reading, np.array(columns), list(reading.outputs[-len(columns) :]))


def _named(
    reading: Reading, scores: NDArray[Any], keys: list[str] | None
) -> list[tuple[str, float]]:
    names = reading.names if keys is None or reading.names is not None else keys
    names = names or reading.classes
    if names is None or len(names) != len(scores):
        names = keys or [str(place) for place in range(len(scores))]
    return [(name, float(score)) for name, score in zip(names, scores, strict=True)]


def _first(value: Any) -> Any:
    """What an output gives for the first example."""
    if isinstance(value, list):
        return np.array([f"{key}: {score:.6g}" for key, score in value[0].items()], object)
    return value[0] if value.ndim else value


def _values(name: str, value: Any) -> Values:
    """An array of one example in few words and numbers."""
    array = np.asarray(value)
    numbers = array.dtype.kind in "biuf" and array.size
    wide = array.astype(np.float64) if numbers else None
    ends = [None] * 3 if wide is None else [wide.min(), wide.mean(), wide.max()]
    low, mean, high = (None if end is None or not np.isfinite(end) else float(end) for end in ends)
    flat = array.reshape(-1)
    data = array.tobytes() if array.dtype.kind != "O" else "\0".join(map(str, flat)).encode()
    first = tuple(f"{each:.6g}" if array.dtype.kind == "f" else str(each) for each in flat[:SHOWN])
    return Values(
        name=name,
        dtype="text" if array.dtype.kind in "OUS" else str(array.dtype),
        shape=tuple(array.shape),
        low=low,
        mean=mean,
        high=high,
        digest=hashlib.sha256(data).hexdigest()[:16],
        first=first,
    )
