"""One pass over a test set for one model or two: answers and confidence of every example."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flipcheck.contract import Repeatability
from flipcheck.engines.embedded import cores, ordered_map
from flipcheck.errors import SHOWN, InputError, ModelError, OutputError, UsageError, listed, plural
from flipcheck.predictions import Predictions
from flipcheck.sources.datasets import BadExamplesError
from flipcheck.sources.datasets.images import quiet_decoder
from flipcheck.sources.files import first_few, reason
from flipcheck.sources.onnx.constants import told
from flipcheck.sources.onnx.contract import contract
from flipcheck.sources.onnx.feeds import Feeder, feeder
from flipcheck.sources.onnx.judged import labelled
from flipcheck.sources.onnx.kept import Kept, keep, plain_fields, thawed
from flipcheck.sources.onnx.model import OVERRULED
from flipcheck.sources.onnx.readings import Reading, Tensors, choose_reading
from flipcheck.sources.onnx.repeat import repeated
from flipcheck.sources.onnx.repeat import warnings as doubts
from flipcheck.sources.onnx.scores import Answers, NotFiniteError
from flipcheck.typed import check_fields

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.cache import Cache
    from flipcheck.sources.datasets import Batch, Dataset
    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.preprocess import Preprocess
    from flipcheck.sources.spec import SideSpec

PROBE = 32
"""How many examples at least, where there are as many, show what kind of outputs a model has."""
Progress = Callable[[int, int], None]
"""Called with how many examples are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A model bound to a dataset: what it needs, how it is fed, and how its outputs are read."""

    model: Model
    feeder: Feeder
    reading: Reading
    batch: int
    repeat: Repeatability | None = None

    def answers(self, parts: Batch, start: int) -> Answers:
        """The answers to some examples, run in batches of the model's own size."""
        import numpy as np

        size = len(next(iter(parts.values())))
        starts = range(0, size, self.batch)
        if self.feeder.longer and self.batch < size:  # only as long as the model's own batch is
            found = [self.answers(_rows(parts, at, self.batch), start + at) for at in starts]
        else:
            feeds = self.feeder.feeds(parts)
            found = [self._run(feeds, at, start) for at in starts]
        return np.concatenate([each[0] for each in found]), np.concatenate(
            [each[1] for each in found]
        )

    def _run(self, feeds: dict[str, NDArray[Any]], at: int, start: int) -> Answers:
        part, rows = _padded(feeds, at, self.batch, self.model.fixed_batch)
        values = self.model.run(part, list(self.reading.outputs))
        try:
            codes, confidence = self.reading.answers(values)
        except NotFiniteError as error:
            error.rows[:] = [start + at + row for row in error.rows if row < rows]
            if not error.rows:  # only in the padding, which repeats an example of this batch
                raise ModelError(f"{self.model.path}: answers depend on the batch") from error
            raise
        fed = len(next(iter(part.values())))
        if len(codes) != fed:
            raise ModelError(
                f"{self.model.path}: {len(codes)} answers for {fed} examples",
                hint="the first axis of the output must be the batch",
            )
        return codes[:rows], confidence[:rows]


def _padded(
    feeds: dict[str, NDArray[Any]], at: int, size: int, fixed: int | None
) -> tuple[dict[str, NDArray[Any]], int]:
    """A slice of the feeds, filled up to a fixed batch by repeating its last example."""
    import numpy as np

    part = _rows(feeds, at, size)
    rows = len(next(iter(part.values())))
    if fixed is None or rows == fixed:
        return part, rows
    fill = fixed - rows
    part = {
        name: np.concatenate([values, np.repeat(values[-1:], fill, axis=0)])
        for name, values in part.items()
    }
    return part, rows


def run(
    models: Sequence[tuple[Model, SideSpec]],
    dataset: Dataset,
    *,
    progress: Progress = lambda _done, _total: None,
    workers: int | None = None,
    cache: Cache | None = None,
) -> list[Predictions]:
    """What each model answers to every example, in one pass over the dataset.

    What a cache knows is not run again. Raises ModelError where a model does not fit, and
    InputError with all examples that cannot be read.
    """
    passed = _passed(models, dataset, progress=progress, workers=workers, cache=cache)
    with contextlib.closing(passed) as found:
        return next(found)


def looks(
    models: Sequence[tuple[Model, SideSpec]],
    dataset: Dataset,
    order: NDArray[np.int64],
    stops: Sequence[int],
    *,
    progress: Progress = lambda _done, _total: None,
    cache: Cache | None = None,
) -> Generator[list[Predictions], None, None]:
    """What each model answers to the first rows of an order: after each stop, and to them all.

    The other examples have no answer yet. Raises as `run`, for the examples up to that stop only.
    """
    return _passed(models, dataset, order, stops, progress=progress, cache=cache)


def _passed(
    models: Sequence[tuple[Model, SideSpec]],
    dataset: Dataset,
    order: NDArray[np.int64] | None = None,
    stops: Sequence[int] = (),
    *,
    progress: Progress,
    workers: int | None = None,
    cache: Cache | None = None,
) -> Generator[list[Predictions], None, None]:
    """One pass over the dataset, as it lies or in an order: the predictions at every stop.

    Models whose answers are all known take no part in it.
    """
    feeders = [feeder(model, dataset, spec) for model, spec in models]
    _needs(feeders)  # what they cannot share is an error, whether they run or not
    size = min(each.batch for each in feeders)
    size = max(size, *(model.fixed_batch or 1 for model, _ in models))
    total, in_order = len(dataset) if order is None else len(order), order is None
    ends = [*(stop for stop in stops if stop < total), total]
    sides = [
        _side(*each, fed, keep(cache, each[0], fed, dataset, each[1], size=size, in_order=in_order))
        for each, fed in zip(models, feeders, strict=True)
    ]
    left = [each for each in sides if each.runner is None]
    if not left:
        progress(total, total)
    with contextlib.closing(
        _ran(left, dataset, size, order, ends, progress=progress, workers=workers or cores())
    ) as ran:
        for stop in ends:
            rest = iter(next(ran) if left else [])
            found = [
                next(rest) if each.runner is None else (each.runner, each.kept.taken(order, stop))
                for each in sides
            ]
            yield [_predictions(runner, made, dataset, order) for runner, made in found]


@dataclass(frozen=True, slots=True)
class _Side:
    """A model with what feeds it and what is known of its answers; its runner, if that is all."""

    model: Model
    spec: SideSpec
    feeder: Feeder
    kept: Kept
    runner: Runner | None


KEPT: dict[str, type] = {"Repeatability": Repeatability}
"""The dataclasses that are fields of a runner or of a reading, by name."""


def _side(model: Model, spec: SideSpec, fed: Feeder, kept: Kept) -> _Side:
    """A model that need not run, where all of its answers are known and can be read, or must."""
    if not kept.whole:
        return _Side(model, spec, fed, kept, None)
    try:
        meta = {name: dict(kept.meta[name]) for name in ("reading", "runner")}
        reading, runner = (
            {name: thawed(value, KEPT) for name, value in part.items()} for part in meta.values()
        )
        said: dict[str, Any] = {"notes": kept.notes} if "notes" in kept.meta else {}
        found = Runner(model, replace(fed, **said), Reading(answers=_never, **reading), **runner)
        _check_kept(found)
    except (LookupError, TypeError, ValueError):
        kept.forget()
        return _Side(model, spec, fed, kept, None)
    if found.repeat is not None and found.repeat.depends_on_batch and not kept.in_order:
        kept.forget()  # in an order of its own it has other batches
        return _Side(model, spec, fed, kept, None)
    return _Side(model, spec, fed, kept, found)


def _check_kept(runner: Runner) -> None:
    """Raise ValueError or TypeError where what was kept of a run is not what a run makes."""
    check_fields(runner.reading)
    check_fields(runner.repeat)
    repeats = isinstance(runner.repeat, Repeatability | None)
    if not repeats or type(runner.batch) is not int:
        raise TypeError("a batch is a number, and how it repeats itself is known")


def _never(_values: list[Any]) -> Answers:
    raise AssertionError("a model whose answers are known is not run")


def _ran(
    sides: Sequence[_Side],
    dataset: Dataset,
    size: int,
    order: NDArray[np.int64] | None,
    ends: Sequence[int],
    *,
    progress: Progress,
    workers: int,
) -> Generator[list[tuple[Runner, Answers]], None, None]:
    """The models that have to be run, with their answers at every end; each example is read once.

    What is known of all of them is passed over, and what is made is kept, whatever ends the run.
    """
    feeders, kept = [each.feeder for each in sides], [each.kept for each in sides]
    with contextlib.ExitStack() as stack:
        stack.enter_context(quiet_decoder())
        batches = _batches(dataset, _needs(feeders), size, order, stack)
        first = next(batches, None)
        if first is None:
            raise _other_length(dataset, 0)
        ids = dataset.ids if order is None else dataset.ids.take(order)
        models = [(each.model, each.spec) for each in sides]
        bound = _bound(models, feeders, dataset, first, ids)
        for each, runner in zip(kept, bound, strict=False):
            each.agree(_meta(runner), repeats=runner.repeat is None or not runner.repeat.random)
            stack.callback(each.close)
        work = _Work(dataset, bound, [each.steps for each in feeders], ids, kept)
        items = zip(range(0, len(dataset) + size, size), chain([first], batches), strict=False)
        left = islice(items, work.begin // size, None)
        answered = _all_answers(work, left, ends, progress, workers)
        stack.enter_context(contextlib.closing(answered))
        for found in answered:
            yield list(zip(bound, found, strict=True))


def _meta(runner: Runner) -> dict[str, dict[str, Any]]:
    """What is kept of how a model was run and read, beside its answers."""
    return {
        "reading": plain_fields(runner.reading),
        "runner": plain_fields(runner, ("model", "feeder", "reading")),
    }


def _batches(
    dataset: Dataset,
    needs: dict[str, bool],
    size: int,
    order: NDArray[np.int64] | None,
    stack: contextlib.ExitStack,
) -> Iterator[Any]:
    """Batches of the dataset as it lies, or of its rows in an order."""
    if order is None:
        return dataset.reader.batches(needs, size)
    try:
        made = TemporaryDirectory(prefix="flipcheck-", ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputError(
            f"no folder for temporary files: {reason(error)}",
            hint="set TMPDIR to a folder on a disk with room",
        ) from error
    folder = stack.enter_context(made)
    pick = dataset.reader.picker(needs, Path(folder))
    return (pick(order[at : at + size]) for at in range(0, len(order), size))


def _needs(feeders: Sequence[Feeder]) -> dict[str, bool]:
    """What all models need. Raises UsageError for a column wanted as text and as a number."""
    needs: dict[str, bool] = {}
    for each in feeders:
        for name, text in each.needs.items():
            if needs.setdefault(name, text) != text:
                raise UsageError(
                    f"one model takes {name!r} as text and the other as a number",
                    hint="give each its own file of features with --old-data and --new-data",
                )
    return needs


def _bound(
    models: Sequence[tuple[Model, SideSpec]],
    feeders: Sequence[Feeder],
    dataset: Dataset,
    first: Any,
    ids: Any,
) -> list[Runner]:
    """Every model with its reading, chosen by what it gives for the first batch.

    None where that batch cannot be read: all that is left then is to find what else cannot.
    """
    try:
        parts = dataset.reader.decoded(first, [each.steps for each in feeders])
    except BadExamplesError:
        return []
    sides = list(zip(models, feeders, parts, strict=True))

    def bound(number: int) -> Runner:
        (model, spec), each, part = sides[number]
        return _bind(model, each, part, spec, ids)

    return list(ordered_map(bound, range(len(sides)), len(sides)))


def _bind(model: Model, found: Feeder, parts: Batch, spec: SideSpec, ids: Any) -> Runner:
    feeds = found.feeds(parts)
    batch = model.fixed_batch or found.batch
    rows = min(max(PROBE, batch), len(next(iter(feeds.values()))))
    names = [*(port.name for port in model.outputs), *dict.fromkeys(model.tensors.values())]
    pieces = []
    for at in range(0, rows, batch):
        part, _ = _padded(feeds, at, batch, model.fixed_batch)
        pieces.append(model.run(part, names))
    fed = len(pieces) * batch if model.fixed_batch else rows
    values = _joined(pieces)
    try:
        reading = choose_reading(model, fed, spec, *_told_apart(model, names, values))
    except NotFiniteError as error:
        raise _not_finite(model, [row for row in error.rows if row < rows], ids) from error
    first, repeat = None, None

    def feed(some: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return found.feeds(_taken(parts, some)) if found.longer else _taken(feeds, some)

    more = None
    if found.longer is not None and model.fixed_batch is None:
        everyone = _rows(parts, 0, min(rows, PROBE))
        more = _fitting(model, found.longer(everyone), found.feeds(everyone))
    with contextlib.suppress(NotFiniteError):  # the whole run names every such example
        if rows <= PROBE:  # answers of a longer batch are none in a batch of their own
            some = [values[names.index(name)] for name in reading.outputs]
            first = _cut(reading.answers(some), rows)
        repeat, batch = repeated(
            model, reading, feed, min(rows, PROBE), batch, first=first, more=more
        )
    return Runner(model, found, reading, batch, repeat)


def _cut(answers: Answers, count: int) -> Answers:
    """The first so many answers."""
    return answers[0][:count], answers[1][:count]


def _taken(parts: Mapping[str, Any], rows: NDArray[np.int64]) -> dict[str, Any]:
    """These rows of every part of a batch."""
    return {name: values[rows] for name, values in parts.items()}


def _fitting(model: Model, *feeds: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The first of these that the model can run; a text may be too long for it."""
    for each in feeds[:-1]:
        with contextlib.suppress(ModelError):
            model.run(each, [model.outputs[0].name])
            return each
    return feeds[-1]


def _rows(parts: Mapping[str, Any], at: int, size: int) -> dict[str, Any]:
    """Some rows of every part of a batch."""
    return {name: values[at : at + size] for name, values in parts.items()}


def _told_apart(model: Model, names: list[str], values: list[Any]) -> tuple[list[Any], Tensors]:
    """The values of the outputs, and those of the tensors that some outputs are made of."""
    given = dict(zip(names, values, strict=True))
    tensors = {output: (name, given[name]) for output, name in model.tensors.items()}
    return values[: len(model.outputs)], tensors


def _joined(pieces: list[list[Any]]) -> list[Any]:
    """The outputs of several small batches as those of one."""
    import numpy as np

    if len(pieces) == 1:
        return pieces[0]
    joined: list[Any] = []
    for values in zip(*pieces, strict=True):
        if isinstance(values[0], list):
            joined.append([row for value in values for row in value])
        else:
            alike = (
                getattr(values[0], "ndim", 0) and len({value.shape[1:] for value in values}) == 1
            )
            joined.append(np.concatenate(values) if alike else values[0])
    return joined


class _Work:
    """What a worker does with a batch; after the first unreadable example it only decodes.

    `ids` are those of the examples in the order of the work, `kept` is what is known of each
    model's answers, and `begin` the first example that one of them has to answer.
    """

    def __init__(
        self,
        dataset: Dataset,
        runners: list[Runner],
        steps: Sequence[Preprocess],
        ids: Any,
        kept: Sequence[Kept],
    ) -> None:
        self.dataset = dataset
        self.ids = ids
        self.runners = runners
        self.steps = steps
        self.kept = kept
        self.begin = min(each.prefix for each in kept) if runners else 0
        self.only_decode = threading.Event()
        self.not_finite: dict[int, list[int]] = {}

    def __call__(self, item: tuple[int, Any]) -> tuple[int, list[Answers], list[str]]:
        start, batch = item
        try:
            parts = self.dataset.reader.decoded(batch, self.steps)
        except BadExamplesError as error:
            return 0, [], list(error.problems)
        if self.only_decode.is_set() or not self.runners:
            return 0, [], []
        rows = len(next(iter(parts[0].values())))
        answers = [
            self.kept[number].answers(start, rows) or self._answers(number, runner, part, start)
            for number, (runner, part) in enumerate(zip(self.runners, parts, strict=True))
        ]
        return rows, answers, []

    def _answers(self, number: int, runner: Runner, parts: Batch, start: int) -> Answers:
        import numpy as np

        try:
            return runner.answers(parts, start)
        except NotFiniteError as error:
            self.not_finite.setdefault(number, []).extend(error.rows)
            return np.empty(0, np.int64), np.empty(0, np.float32)


def _all_answers(
    work: _Work,
    items: Iterator[tuple[int, Any]],
    ends: Sequence[int],
    progress: Progress,
    workers: int,
) -> Generator[list[Answers], None, None]:
    """Each model's answers up to every end, where those before the work's begin are known.

    Raises what is wrong with any of the examples up to there.
    """
    total, done = len(work.ids), work.begin
    found = [[each.answers(0, done)] if done else [] for each in work.kept]
    problems: list[str] = []
    ahead = deque(ends[:-1])
    for rows, answers, unreadable in ordered_map(work, items, workers):
        for parts, kept, each in zip(found, work.kept, answers, strict=False):
            parts.append(each)
            if not problems:  # after them, what workers had begun stands at another place
                kept.add(done, each, rows)
        if unreadable:
            work.only_decode.set()
            problems += unreadable
        done += rows
        progress(done, total)
        while ahead and (done >= ahead[0] or problems):
            _check(work, problems, done)
            stop = ahead.popleft()
            yield [_first(parts, stop) for parts in found]
    _check(work, problems, total)
    if done != total:
        raise _other_length(work.dataset, done)
    whole = [_first(parts, total) for parts in found]
    for kept, each in zip(work.kept, whole, strict=True):
        kept.finish(each)
    yield whole


def _check(work: _Work, problems: Sequence[str], done: int) -> None:
    """Raise what is wrong with the examples so far, beyond which workers may have run ahead."""
    if problems:
        raise InputError(
            f"{work.dataset.source}: {plural(len(problems), 'image')} that cannot be used",
            problems=first_few(problems),
            hint="mend or remove these files, or give other steps with --preprocess",
        )
    for number, bad in sorted(work.not_finite.items()):
        if rows := sorted(row for row in bad if row < done):
            raise _not_finite(work.runners[number].model, rows, work.ids)


def _first(parts: list[Answers], count: int) -> Answers:
    """The first so many answers of several parts; the parts become one."""
    import numpy as np

    codes, confidence = (np.concatenate([each[at] for each in parts]) for at in (0, 1))
    parts[:] = [(codes, confidence)]
    return codes[:count], confidence[:count]


def _other_length(dataset: Dataset, done: int) -> InputError:
    return InputError(
        f"{dataset.source}: {done:,} rows of features for {len(dataset):,} examples",
        hint="the file changed while it was read, or is damaged",
    )


def _not_finite(model: Model, rows: list[int], ids: Any) -> ModelError:
    shown = ids.take(rows[:SHOWN]).to_pylist()
    return ModelError(
        f"{model.path}: NaN or infinite scores for {plural(len(rows), 'example')} or more: "
        f"{listed(shown, len(rows))}",
        hint="a broken model must not count as answering class 0; look for NaN or missing values "
        "in its input, or at its export",
    )


def _predictions(
    runner: Runner, answers: Answers, dataset: Dataset, order: NDArray[np.int64] | None
) -> Predictions:
    """A model's predictions; where an order was run, only its first rows have an answer."""
    import numpy as np

    codes, confidence = answers
    place = None
    if order is not None:
        place = np.full(len(dataset), -1)
        place[order[: len(codes)]] = np.arange(len(codes))
        confidence = np.append(confidence, np.float32(np.nan))[place]
    labels, ranked = labelled(runner.reading, codes, place)
    model = runner.model
    return Predictions(
        name=str(model.path),
        ids=dataset.ids,
        answers=labels,
        truth=dataset.truth,
        ranked=ranked,
        confidence=None if np.isnan(confidence).all() else confidence,
        columns=dataset.columns,
        weights=dataset.weights,
        groups=dataset.groups,
        rows=dataset.rows,
        source=str(model.path),
        available=dataset.columns_there,
        facts=_facts(runner, dataset),
        warnings=(
            *model.warnings,
            *runner.feeder.warnings,
            *_notes(runner, order),
            *_warnings(runner, dataset),
        ),
    )


def _notes(runner: Runner, order: NDArray[np.int64] | None) -> tuple[str, ...]:
    """What was seen of all examples; of some only, it would depend on how far workers ran ahead."""
    return runner.feeder.notes() if order is None else ()


def _parts(model: Model) -> list[str]:
    """The files of external data, named from the model's folder."""
    folder = model.path.parent.resolve()
    return [each.relative_to(folder).as_posix() for each in model.graph.external]


def _facts(runner: Runner, dataset: Dataset) -> dict[str, Any]:
    model, classes = runner.model, runner.reading.classes
    declared = {"declared": classes} if runner.reading.made == "set" else {}
    return {
        **declared,
        "kind": "onnx",
        "data": dataset.source,
        "sha256": model.sha256,
        "parts": _parts(model),
        "classes": classes,
        "classes_from": model.classes_from or ("the outputs" if classes else ""),
        "output": runner.reading.told,
        "threshold": runner.reading.threshold,
        "opset": model.graph.opset,
        "batch": runner.batch,
        "contract": contract(model, runner.feeder, runner.reading, runner.batch),
        "repeatability": None if runner.repeat is None else asdict(runner.repeat),
        "provider": model.provider,
        "constants": told(model.constants),
        **runner.feeder.told,
    }


def _warnings(runner: Runner, dataset: Dataset) -> Iterator[str]:
    model = runner.model
    if model.classes_from == OVERRULED:
        yield f"{model.path}: its own class names were overruled by the flag"
    if model.classes is None and runner.reading.numbered and dataset.kind == "images":
        yield (
            f"{model.path}: it does not name its classes, so that the folder '0' was "
            "taken for its first, and so on; say which they are with --classes"
        )
    if runner.repeat is not None:
        yield from doubts(model, runner.repeat)
