"""What a model answered to the examples of a test set."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import SHOWN, InputError, UsageError, listed, plural
from flipcheck.labels import Labels, to_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

Side = Literal["old", "new"]
LARGEST = 1e60
"""The largest weight or cost, so that no sum of their squares is too large for a number."""


@dataclass(frozen=True, slots=True, repr=False)
class Predictions:
    """One source's examples: ids, and what it knows of answers, truth and right or wrong.

    `ids` is a pyarrow array (text, int32 or int64) of shape (examples,); every other field that is
    given has one entry for each example. `columns` are
    what to slice or cluster by, `groups` others that look as if they should be clustered by, and
    `rows` says that the ids are only row numbers.
    `scores` grade the answers, higher is better; `ranked` are the best answers of each example,
    shape (examples, k), as codes of `answers`, best first; `repeats` says which question each
    example asks, where some ask the same one again (epochs, seeds).
    `accepted` are the right answers of each true name that stands for several; with a
    `separator` answers and truths are sets of labels, whose names it joins.
    `meant` are answers that are classes even where no label is; `available` are the columns that
    the source has beside those it was read for; `facts` are what the report tells of it (digest,
    classes, preprocessing …).
    """

    name: str
    ids: Any
    answers: Labels | None = None
    truth: Labels | None = None
    correct: NDArray[np.bool_] | None = None
    confidence: NDArray[np.float32] | None = None
    scores: NDArray[np.float64] | None = None
    ranked: NDArray[np.int32] | None = None
    repeats: Labels | None = None
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    separator: str = ""
    columns: Mapping[str, Labels] = field(default_factory=dict)
    weights: NDArray[np.float64] | None = None
    groups: Mapping[str, Labels] = field(default_factory=dict)
    rows: bool = False
    source: str = ""
    meant: tuple[str, ...] = ()
    available: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parts = {
            "answers": self.answers,
            "truth": self.truth,
            "correct": self.correct,
            "confidence": self.confidence,
            "scores": self.scores,
            "ranked answers": self.ranked,
            "repeated questions": self.repeats,
            "weights": self.weights,
        } | {f"values of column {name!r}": values for name, values in self.columns.items()}
        for part, values in parts.items():
            if values is not None and len(values) != len(self.ids):
                message = f"{self.name}: {len(values):,} {part} for {len(self.ids):,} ids"
                raise InputError(message, hint="give one for each example")

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<Predictions {self.name!r}: {plural(len(self), 'example')}>"

    def take(self, rows: NDArray[np.int64]) -> Predictions:
        """The same of these rows, in their order."""
        parts = (
            *("ids", "answers", "truth", "correct", "confidence"),
            *("scores", "ranked", "repeats", "weights"),
        )
        given = {name: getattr(self, name) for name in parts}
        taken: dict[str, Any] = {
            name: values if values is None else _rows(values, rows)
            for name, values in given.items()
        }
        named: dict[str, Any] = {
            part: {name: values.take(rows) for name, values in getattr(self, part).items()}
            for part in ("columns", "groups")
        }
        return replace(self, **taken, **named)

    @property
    def examples(self) -> str:
        """What ids and labels come from: the data that a model was run on, or the file itself."""
        return str(self.facts.get("data") or self.name)

    @classmethod
    def from_arrays(
        cls,
        answers: Any = None,
        truth: Any = None,
        *,
        ids: Any = None,
        correct: Any = None,
        confidence: Any = None,
        scores: Any = None,
        columns: Mapping[str, Any] | None = None,
        weights: Any = None,
        name: str = "predictions",
    ) -> Predictions:
        """Predictions from arrays, Series or lists; without ids the row number, from 1, is the id.

        `correct` is the data's own verdict on each answer, `columns` are what to slice or cluster
        by, and `weights` say how much each example counts. `scores` grade the answers, higher is
        better: where both sides have them, they are compared in place of right and wrong.

        >>> Predictions.from_arrays(["cat", "dog"], ["cat", "cat"], ids=["a", "b"], name="old")
        <Predictions 'old': 2 examples>
        """
        import numpy as np

        given = [each for each in (answers, correct, scores) if each is not None]
        if not given:
            raise UsageError("predictions have answers, verdicts in `correct`, or `scores`")
        verdicts = None if correct is None else np.asarray(correct)
        if verdicts is not None and not np.isin(verdicts, (0, 1)).all():
            raise UsageError(f"{name}: a verdict in `correct` is 0 or 1, true or false")
        return cls(
            name=name,
            ids=_numbered(len(given[0])) if ids is None else _own(ids, id_array(ids, name)),
            answers=None if answers is None else Labels.of(answers),
            truth=None if truth is None else Labels.of(truth),
            correct=None if verdicts is None else verdicts.astype(bool),
            confidence=None if confidence is None else np.array(confidence, dtype=np.float32),
            scores=None if scores is None else checked_scores(name, np.array(scores)),
            columns={each: Labels.of(values) for each, values in (columns or {}).items()},
            weights=None if weights is None else checked_weights(name, np.asarray(weights)),
            rows=ids is None,
            source=name,
        )


def _numbered(size: int) -> Any:
    """Row numbers from 1, as ids."""
    import numpy as np
    import pyarrow as pa

    return pa.array(np.arange(1, size + 1))


def _own(given: Any, ids: Any) -> Any:
    """Ids that share nothing with what they were made of, which may be written to later."""
    import numpy as np
    import pyarrow as pa

    shared = pa.types.is_integer(ids.type) and not isinstance(given, (pa.Array, pa.ChunkedArray))
    return pa.array(np.array(ids)) if shared else ids


def _rows(values: Any, rows: NDArray[np.int64]) -> Any:
    """These rows of an array, or of labels."""
    return values.take(rows, axis=0) if getattr(values, "ndim", 1) > 1 else values.take(rows)


def checked_weights(what: str, values: NDArray[Any]) -> NDArray[np.float64]:
    """Weights as float64. Raises InputError for what is no weight."""
    import numpy as np

    try:
        weights = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: weights are numbers", hint=str(error)) from error
    bad = np.flatnonzero(~(weights >= 0) | (weights > LARGEST))
    if len(bad):
        shown = ", ".join(f"{row + 1:,}" for row in bad[:SHOWN].tolist())
        rest = f" and {len(bad) - SHOWN:,} more" if len(bad) > SHOWN else ""
        raise InputError(
            f"{what}: {plural(len(bad), 'example')} with a missing, negative or endless weight: "
            f"number {shown}{rest}, counted from 1",
            hint=f"a weight is a number from 0 to {LARGEST:g} for every example",
        )
    if not (weights > 1 / LARGEST).any():
        raise InputError(
            f"{what}: all weights are 0, or nearly so", hint="then nothing would be compared"
        )
    return weights


def checked_scores(
    what: str, values: NDArray[Any], lines: Callable[[list[int]], list[int]] | None = None
) -> NDArray[np.float64]:
    """Scores as float64. Raises InputError for rows without one: a missing score is not 0.

    `lines` says where rows stand in their file; without it they are counted from 1.
    """
    import numpy as np

    try:
        scores = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: scores are numbers", hint=str(error)) from error
    if scores.ndim != 1:
        raise InputError(
            f"{what}: one score for each example, not an array of shape {scores.shape}",
            hint="scores of classes are answers: their largest is the prediction",
        )
    bad = np.flatnonzero(~(np.abs(scores) <= LARGEST))
    if len(bad):
        first = bad[:SHOWN].tolist()
        rows = [row + 1 for row in first] if lines is None else lines(first)
        raise InputError(
            f"{what}: {plural(len(bad), 'example')} with a missing or endless score: row "
            + ", ".join(f"{row:,}" for row in rows)
            + (f" and {len(bad) - SHOWN:,} more" if len(bad) > SHOWN else ""),
            hint="a missing score is not 0: score these answers, or leave the examples out of "
            "both files",
        )
    return scores


def id_array(values: Any, name: str) -> Any:
    """Ids as a pyarrow array of int32, int64 or text. Raises InputError where one is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from flipcheck.labels import as_text

    ids = to_arrow(values)
    # A 64-bit hash without a sign may not fit int64; as text it pairs all the same.
    whole = pa.types.is_integer(ids.type) and not pa.types.is_uint64(ids.type)
    if not whole:
        ids = as_text(ids)
    elif ids.type not in {pa.int32(), pa.int64()}:
        ids = ids.cast(pa.int64())
    shortest = 1 if whole else pc.min(pc.binary_length(ids)).as_py()
    if ids.null_count or shortest == 0:
        blank = pc.is_null(ids) if whole else pc.equal(ids.fill_null(""), pa.scalar("", ids.type))
        missing = pc.indices_nonzero(blank).to_pylist()
        rows = listed((row + 1 for row in missing[:SHOWN]), len(missing))
        raise InputError(
            f"{name}: {plural(len(missing), 'example')} without an id (example {rows})",
            hint="every example needs an id; name another column with --id",
        )
    return ids
