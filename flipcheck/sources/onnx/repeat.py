"""Whether a model's answers are its own: the same again, and in any batch (ENGINEERING.md §1.5).

The first examples are run together, together once more, alone, and in another order in batches of
an odd size. What moves between these moves without any change of the model, and would be counted as
flips of an update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.contract import Repeatability
from flipcheck.errors import plural
from flipcheck.sources.onnx.scores import NotFiniteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.onnx.readings import Reading
    from flipcheck.sources.onnx.scores import Answers

    Feeds = dict[str, NDArray[Any]]
    Feed = Callable[[NDArray[np.int64]], Feeds]

ODD = 7
"""A batch size that divides no usual one."""
SHIFT = 0.01
"""A confidence that moves by more than this with the batch is no rounding: half precision moves
it by less, a quantised model by more."""
PADDED_SHIFT = 1e-4
"""The same where texts are padded to the longest of their batch, which a mask has to undo."""


def repeated(
    model: Model,
    reading: Reading,
    feed: Feed,
    rows: int,
    batch: int,
    *,
    first: Answers | None = None,
    more: Feeds | None = None,
) -> tuple[Repeatability, int]:
    """How the answers to the first `rows` examples move, and the batch size to run the model at.

    That is 1 where answers depend on the batch. `feed` gives the inputs of any of these rows;
    `first` are their answers where they are known. Inputs that are filled up to the longest of
    their batch are in `more` filled up by more, which must change nothing.
    Raises NotFiniteError for scores that are none.
    """
    import numpy as np

    everyone = np.arange(rows)
    if first is None:
        first = _answers(model, reading, feed, everyone, batch)
    again = _answers(model, reading, feed, everyone, batch)
    on_repeat = _moved(first, again)
    other, broke = _others(model, reading, feed, rows)
    if more is not None:
        other.append(reading.answers(model.run(more, list(reading.outputs))))
    moved = np.zeros(rows, bool)
    for each in other:
        moved |= _moved(first, each)
    shift = max((_shift(first, each) for each in (again, *other)), default=0.0)
    most = SHIFT if more is None else PADDED_SHIFT
    random = model.graph.random or bool(on_repeat.any())
    depends = model.graph.batch_dependent or (
        not random and (broke or bool(moved.any()) or (bool(other) and shift > most))
    )
    fixed = _declared(model)
    batch = (fixed or 1) if depends else batch
    known = not np.isnan(first[1]).all()
    return (
        Repeatability(
            examples=rows,
            moved_on_repeat=int(on_repeat.sum()),
            moved_by_batch=int(moved.sum()) if other else None,
            confidence_shift=float(f"{shift:.2g}") if known else None,
            depends_on_batch=depends,
            random=random,
            done=_done(batch, depends=depends),
        ),
        batch,
    )


def _declared(model: Model) -> int | None:
    """The batch size that a model's inputs declare; None where they take any."""
    sizes = {port.shape[0] for port in model.inputs if port.shape and port.shape[0]}
    return sizes.pop() if len(sizes) == 1 else None


def _splits(model: Model, rows: int) -> list[int]:
    """Other batch sizes that the model takes: alone and an odd one, or else only the declared."""
    fixed = _declared(model)
    if fixed is not None:
        return [fixed] if fixed > 1 < rows else []
    odd = ODD if rows > ODD + 1 else 1  # a batch of all but one is nearly the batch of them all
    return sorted({each for each in (1, odd) if each < rows})


def _others(model: Model, reading: Reading, feed: Feed, rows: int) -> tuple[list[Answers], bool]:
    """The answers in other batches, and whether scores are NaN in one of them only."""
    found = []
    for size in _splits(model, rows):
        try:
            found.append(_otherwise(model, reading, feed, rows, size))
        except NotFiniteError:
            return found, True
    return found, False


def _answers(
    model: Model, reading: Reading, feed: Feed, order: NDArray[np.int64], size: int
) -> Answers:
    """The answers to some rows, run in batches of this size; one declared is filled up."""
    import numpy as np

    fixed, parts = _declared(model), []
    for at in range(0, len(order), size):
        rows = order[at : at + size]
        filled = rows if fixed is None else np.pad(rows, (0, fixed - len(rows)), "edge")
        codes, confidence = reading.answers(model.run(feed(filled), list(reading.outputs)))
        parts.append((codes[: len(rows)], confidence[: len(rows)]))
    return np.concatenate([each[0] for each in parts]), np.concatenate([each[1] for each in parts])


def _otherwise(model: Model, reading: Reading, feed: Feed, rows: int, size: int) -> Answers:
    """The answers to the same examples in other company, in the order of the examples.

    They are run in reverse but for the first, so that batches of a size have other members.
    """
    import numpy as np

    order = np.roll(np.arange(rows)[::-1], 1)
    codes, confidence = _answers(model, reading, feed, order, size)
    back = np.argsort(order)
    return codes[back], confidence[back]


def _moved(one: Answers, two: Answers) -> NDArray[np.bool_]:
    """Which answers are others; where an example has several, whether any of them is."""
    import numpy as np

    moved = np.asarray(one[0] != two[0], dtype=bool)
    return moved if moved.ndim == 1 else np.asarray(moved.any(axis=1))


def _shift(one: Answers, two: Answers) -> float:
    """By how much a confidence moved at most; 0 where none is known."""
    import numpy as np

    apart = np.abs(one[1] - two[1])
    return 0.0 if np.isnan(apart).all() else float(np.nanmax(apart))


def _done(batch: int, *, depends: bool) -> str:
    if not depends:
        return f"run in batches of {batch:,}"
    return "run one example at a time" if batch == 1 else f"run {batch} examples at a time"


def warnings(model: Model, found: Repeatability) -> Iterator[str]:
    """What is worth a warning about a model that does not repeat itself."""
    first = f"the first {plural(found.examples, 'example')}"
    if found.random:
        named = model.graph.random
        why = "it draws random numbers, so that" if named else "it does not repeat itself:"
        yield (
            f"{model.path}: {why} its answers may change by run: {found.moved_on_repeat:,} of "
            f"{first} had another answer when asked again, which is counted as flips of the update"
        )
    if found.depends_on_batch:
        why = "dynamically quantised, so " if model.graph.batch_dependent else ""
        wants = ", as it wants" if _declared(model) else ""
        moved = f" ({found.moved_by_batch or 0:,} of {first} moved in other batches)"
        yield (
            f"{model.path}: {why}its answers depend on the batch; it was {found.done}{wants}"
            f"{moved if found.moved_by_batch else ''}"
        )
