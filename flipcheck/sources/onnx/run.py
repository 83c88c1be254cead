"""One pass over a test set for one model or two: answers and confidence of every example."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from flipcheck.engines.embedded import cores, ordered_map
from flipcheck.errors import (
    SHOWN,
    FlipcheckError,
    InputError,
    ModelError,
    UsageError,
    listed,
    plural,
)
from flipcheck.labels import Labels
from flipcheck.predictions import Predictions
from flipcheck.sources.datasets import BadExamples
from flipcheck.sources.onnx.feeds import Feeder, feeder
from flipcheck.sources.onnx.readings import Answers, NotFinite, Reading, choose_reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.datasets import Batch, Dataset
    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.spec import SideSpec

Progress = Callable[[int, int], None]
"""Called with how many examples are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A model bound to a dataset: what it needs, how it is fed, and how its outputs are read."""

    model: Model
    feeder: Feeder
    reading: Reading
    batch: int

    def answers(self, parts: Batch, start: int) -> Answers:
        """The answers to some examples, run in batches of the model's own size."""
        import numpy as np

        feeds = self.feeder.feeds(parts)
        size = len(next(iter(feeds.values())))
        found = [self._run(feeds, at, start) for at in range(0, size, self.batch)]
        return np.concatenate([each[0] for each in found]), np.concatenate(
            [each[1] for each in found]
        )

    def _run(self, feeds: dict[str, NDArray[Any]], at: int, start: int) -> Answers:
        part, rows = _padded(feeds, at, self.batch, self.model.fixed_batch)
        values = self.model.run(part, list(self.reading.outputs))
        try:
            codes, confidence = self.reading.answers(values)
        except NotFinite as error:
            error.rows[:] = [start + at + row for row in error.rows if row < rows]
            if not error.rows:  # only in the padding, which repeats an example of this batch
                raise ModelError(f"{self.model.path}: answers depend on the batch") from error
            raise
        if len(codes) != len(next(iter(part.values()))):
            raise ModelError(
                f"{self.model.path}: {len(codes)} answers for "
                f"{len(next(iter(part.values())))} examples",
                hint="the first axis of the output must be the batch",
            )
        return codes[:rows], confidence[:rows]


def _padded(
    feeds: dict[str, NDArray[Any]], at: int, size: int, fixed: int | None
) -> tuple[dict[str, NDArray[Any]], int]:
    """A slice of the feeds, filled up to a fixed batch by repeating its last example."""
    import numpy as np

    part = {name: values[at : at + size] for name, values in feeds.items()}
    rows = len(next(iter(part.values())))
    if fixed is None or rows == fixed:
        return part, rows
    fill = fixed - rows
    return {name: np.concatenate([values, np.repeat(values[-1:], fill, axis=0)])
            for name, values in part.items()}, rows  # fmt: skip


def run(
    models: Sequence[tuple[Model, SideSpec]],
    dataset: Dataset,
    *,
    progress: Progress = lambda _done, _total: None,
    workers: int | None = None,
) -> list[Predictions]:
    """What each model answers to every example, in one pass over the dataset.

    Raises ModelError where a model does not fit, and InputError with all examples that cannot be
    read.
    """
    feeders = [feeder(model, dataset, spec) for model, spec in models]
    size = max(each.batch for each in feeders)
    batches = dataset.reader.batches(_needs(feeders), size)
    first = next(batches)
    bound = (
        _bound(models, feeders, dataset.reader.decoded(first)) if _readable(dataset, first) else []
    )
    total, done = len(dataset), 0
    found: list[list[Answers]] = [[] for _ in models]
    problems: list[str] = []
    work = _Work(dataset, bound)
    starts = iter(range(0, total + size, size))
    everything = zip(starts, chain([first], batches), strict=False)
    for rows, answers, unreadable in ordered_map(work, everything, workers or cores()):
        for kept, each in zip(found, answers, strict=False):
            kept.append(each)
        problems += unreadable
        done += rows
        progress(min(done, total), total)
    if problems:
        raise InputError(
            f"{dataset.source}: {plural(len(problems), 'image')} that cannot be read",
            problems=[*problems[:SHOWN], *_more(problems)],
            hint="mend or remove these files",
        )
    _check_finite(work, dataset)
    return [_predictions(each, answers, dataset)
            for each, answers in zip(bound, found, strict=True)]  # fmt: skip


def _more(problems: list[str]) -> list[str]:
    return [f"and {len(problems) - SHOWN:,} more"] if len(problems) > SHOWN else []


def _needs(feeders: Sequence[Feeder]) -> dict[str, bool]:
    """What all models need. Raises UsageError for a column wanted as text and as a number."""
    needs: dict[str, bool] = {}
    for each in feeders:
        for name, text in each.needs.items():
            if needs.setdefault(name, text) != text:
                raise UsageError(
                    f"one model takes {name!r} as text and the other as a number",
                    hint="give each its own features with --old-data and --new-data",
                )
    return needs


def _readable(dataset: Dataset, batch: Any) -> bool:
    try:
        dataset.reader.decoded(batch)
    except BadExamples:
        return False
    return True


def _bound(
    models: Sequence[tuple[Model, SideSpec]], feeders: Sequence[Feeder], parts: Batch
) -> list[Runner]:
    """Every model with its reading, chosen by what it gives for the first batch."""
    return [_bind(model, each, parts, spec)
            for (model, spec), each in zip(models, feeders, strict=True)]  # fmt: skip


def _bind(model: Model, found: Feeder, parts: Batch, spec: SideSpec) -> Runner:
    batch = model.fixed_batch or found.batch
    feeds, rows = _padded(found.feeds(parts), 0, batch, model.fixed_batch)
    values = model.run(feeds, [port.name for port in model.outputs])
    try:
        reading = choose_reading(model, values, len(next(iter(feeds.values()))), spec)
    except NotFinite as error:
        raise _not_finite(model, [row for row in error.rows if row < rows], None) from error
    return Runner(model, found, reading, batch)


class _Work:
    """What a worker does with a batch; after the first unreadable example it only decodes."""

    def __init__(self, dataset: Dataset, runners: list[Runner]) -> None:
        self.dataset = dataset
        self.runners = runners
        self.only_decode = threading.Event()
        self.not_finite: dict[int, list[int]] = {}

    def __call__(self, item: tuple[int, Any]) -> tuple[int, list[Answers], list[str]]:
        start, batch = item
        try:
            parts = self.dataset.reader.decoded(batch)
        except BadExamples as error:
            self.only_decode.set()
            return 0, [], list(error.problems)
        rows = len(next(iter(parts.values())))
        if self.only_decode.is_set() or not self.runners:
            return rows, [], []
        answers = [self._answers(number, runner, parts, start)
                   for number, runner in enumerate(self.runners)]  # fmt: skip
        return rows, answers, []

    def _answers(self, number: int, runner: Runner, parts: Batch, start: int) -> Answers:
        import numpy as np

        try:
            return runner.answers(parts, start)
        except NotFinite as error:
            self.not_finite.setdefault(number, []).extend(error.rows)
            return np.empty(0, np.int64), np.empty(0, np.float32)


def _check_finite(work: _Work, dataset: Dataset) -> None:
    for number, rows in sorted(work.not_finite.items()):
        raise _not_finite(work.runners[number].model, sorted(rows), dataset)


def _not_finite(model: Model, rows: list[int], dataset: Dataset | None) -> FlipcheckError:
    shown: list[Any] = [row + 1 for row in rows[:SHOWN]]
    if dataset is not None:
        shown = dataset.ids.take(rows[:SHOWN]).to_pylist()
    return ModelError(
        f"{model.path}: NaN or infinite scores for {plural(len(rows), 'example')} or more: "
        f"{listed(shown, len(rows))}",
        hint="a broken model must not count as answering class 0; look for NaN or missing values "
        "in its input, or at its export",
    )


def _predictions(runner: Runner, answers: list[Answers], dataset: Dataset) -> Predictions:
    import numpy as np

    codes = np.concatenate([each[0] for each in answers])
    confidence = np.concatenate([each[1] for each in answers])
    names = runner.reading.names
    labels = Labels.of(codes) if names is None else Labels(codes.astype(np.int32), names)
    model = runner.model
    return Predictions(
        name=str(model.path),
        ids=dataset.ids,
        answers=labels,
        truth=dataset.truth,
        confidence=None if np.isnan(confidence).all() else confidence,
        columns=dataset.columns,
        rows=dataset.rows,
        source=str(model.path),
        available=dataset.columns_there,
        facts=_facts(runner),
        warnings=(*runner.feeder.warnings, *_warnings(model)),
    )


def _facts(runner: Runner) -> dict[str, Any]:
    model = runner.model
    return {
        "kind": "onnx",
        "sha256": model.sha256,
        "classes": model.classes or runner.reading.names,
        "classes_from": model.classes_from or ("the outputs" if runner.reading.names else ""),
        "output": runner.reading.told,
        "opset": model.graph.opset,
        "batch": runner.batch,
        **runner.feeder.told,
    }


def _warnings(model: Model) -> Iterator[str]:
    if model.graph.batch_dependent:
        yield (f"{model.path}: dynamically quantised, so its answers depend on the batch; it was "
               "run one example at a time")  # fmt: skip
    if model.graph.random:
        yield f"{model.path}: it draws random numbers, so that its answers may change by run"
