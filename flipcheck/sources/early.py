"""Both sides looked at while the models run, on examples in random order, until it is enough."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError
from flipcheck.matching import positions
from flipcheck.pairing import aligned, taken
from flipcheck.predictions import Predictions
from flipcheck.sources.sides import (
    matched,
    one_pass,
    open_models,
    open_test_sets,
    read_saved,
    reference,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from flipcheck.pairing import Paired
    from flipcheck.predictions import Side
    from flipcheck.sources.datasets import Dataset
    from flipcheck.sources.onnx.run import Progress
    from flipcheck.sources.sides import Gathered
    from flipcheck.sources.spec import Given

FIRST, GROWTH = 64, 1.15
"""The examples of the first look; and how many times as many the next one has, or FIRST more."""


def gather_early(
    given: Given, seed: int, enough: Callable[[Paired], bool], progress: Progress
) -> tuple[Gathered, int]:
    """Both sides paired as far as it took, and how many looks that were.

    Everything but the answers is known of all examples from the start: ids, labels and class
    names are checked and read as without stopping. Raises FlipcheckError for what does not fit.
    """
    datasets = open_test_sets(given)
    if not any(datasets.values()):
        raise UsageError(
            "--stop-early is for models, and both sides are saved predictions",
            hint="there is nothing left to save: leave --stop-early out",
        )
    saved = read_saved(given, datasets)
    truth = reference(given, None)
    sides = {
        side: saved[side] if each is None else _unanswered(given, side, each)
        for side, each in datasets.items()
    }
    sources = [source for source in (sides["old"], sides["new"], truth) if source is not None]
    _check_drawn_alone(sources)
    ids = _random_order(sources, given, seed)
    stops = [*looks_at(len(ids)), len(ids)]
    with closing(_answered(given, datasets, ids, stops, progress)) as answered:
        for looks, (count, models) in enumerate(zip(stops, answered, strict=True), 1):
            found = matched(given, datasets, saved | models, truth, among=ids.slice(0, count))
            if count == len(ids) or enough(found.paired):
                return _looked_at(found), looks
    raise AssertionError("the last look is enough")


def looks_at(total: int) -> Iterator[int]:
    """After how many examples the run is looked at before its end."""
    count = FIRST
    while count < total:
        yield count
        count = max(count + FIRST, int(count * GROWTH))


def _check_drawn_alone(sources: Sequence[Predictions]) -> None:
    """Raise UsageError for examples that are not drawn one by one, each counting alike."""
    for each in sources:
        asks_again = each.repeats is not None and len(each.repeats.used()) < len(each)
        if asks_again or each.weights is not None:
            why = "some here ask one question again" if asks_again else f"{each.name} has weights"
            raise UsageError(
                f"--stop-early is for examples drawn one by one, and {why}",
                hint="leave --stop-early out",
            )


def _unanswered(given: Given, side: Side, dataset: Dataset) -> Predictions:
    """The examples of a model that has not been run."""
    name = str(given.old if side == "old" else given.new)
    return Predictions(name, dataset.ids, rows=dataset.rows, facts={"data": dataset.source})


def _random_order(sources: list[Predictions], given: Given, seed: int) -> Any:
    """The ids of the examples that all sources hold, shuffled from their sorted order."""
    import numpy as np
    import pyarrow.compute as pc

    places, _ = aligned(sources, allow_missing=given.allow_missing)
    ids = taken(sources[0].ids, places[0])
    shuffled = np.random.default_rng(seed).spawn(1)[0].permutation(len(ids))
    return ids.take(pc.array_sort_indices(ids).take(shuffled))


def _answered(
    given: Given,
    datasets: Mapping[Side, Dataset | None],
    ids: Any,
    stops: Sequence[int],
    progress: Progress,
) -> Generator[dict[Side, Predictions], None, None]:
    """The models' predictions at every stop; models that share a test set run in one pass."""
    from flipcheck.sources.onnx.run import looks

    models = open_models(given, datasets)
    groups: list[list[Side]] = [list(models)] if one_pass(datasets) else [[side] for side in models]
    with ExitStack() as stack:
        runs = []
        for group in groups:
            dataset = datasets[group[0]]
            assert dataset is not None  # noqa: S101  (every model has its test set)
            each = [models[side] for side in group]
            order = positions(ids, dataset.ids)
            run = looks(each, dataset, order, stops, progress=progress, cache=given.cache)
            runs.append(stack.enter_context(closing(run)))
        for found in zip(*runs, strict=True):
            yield {
                side: answers
                for group, predictions in zip(groups, found, strict=True)
                for side, answers in zip(group, predictions, strict=True)
            }


def _looked_at(found: Gathered) -> Gathered:
    """The same, with the predictions of only those examples that were looked at."""
    old, new = (side.take(positions(found.paired.ids, side.ids)) for side in (found.old, found.new))
    return replace(found, old=old, new=new)
