"""One example through both sides: what went in, what came out, and what became of it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.report import significant
from flipcheck.sources.example import described, file_row, row_of
from flipcheck.sources.sides import (
    image_folder,
    matched,
    one_pass,
    open_models,
    open_test_sets,
    read_saved,
    reference,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flipcheck.labels import Labels
    from flipcheck.pairing import Paired
    from flipcheck.predictions import Predictions, Side
    from flipcheck.sources.datasets import Dataset
    from flipcheck.sources.onnx.single import Trace
    from flipcheck.sources.spec import Given

FORMAT = "flipcheck.repro/1"
OUTCOMES: dict[tuple[bool, bool], tuple[str, str]] = {
    (True, False): ("negative flip", "the old model was right, and the new one is wrong"),
    (False, True): ("positive flip", "the old model was wrong, and the new one is right"),
    (True, True): ("both right", "nothing flipped"),
    (False, False): ("both wrong", "nothing flipped"),
}
GRADED: dict[tuple[bool, bool], tuple[str, str]] = {
    (True, False): ("negative flip", "the score fell by more than the tolerance"),
    (False, True): ("positive flip", "the score rose by more than the tolerance"),
    (True, True): ("unchanged", "the score is the same, within the tolerance"),
}
UNANSWERED = ("no answer", "a model gave NaN or infinite scores")


@dataclass(frozen=True, slots=True)
class ReproSide:
    """What one side made of the example.

    `row` is the row of a file, `trace` how a model came to it, `score` a graded answer's grade;
    of a graded answer `right` is None.
    """

    name: str
    sha256: str | None
    answer: str | None
    right: bool | None
    confidence: float | None
    score: float | None = None
    row: Mapping[str, str] = field(default_factory=dict)
    trace: Trace | None = None

    @property
    def unanswered(self) -> bool:
        """Whether a model was run and gave no answer."""
        return self.trace is not None and self.answer is None


@dataclass(frozen=True, slots=True)
class Repro:
    """One example under both sides: `example` is what the test set says of it, by name.

    `data` are the test sets and files of labels, with the digest of each.
    """

    id: str
    truth: str | None
    outcome: str
    told: str
    old: ReproSide
    new: ReproSide
    example: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The value as JSON-ready values, keys in the order of the format."""
        return {"format": FORMAT, **significant(asdict(self))}

    def __str__(self) -> str:
        """The example as the terminal shows it."""
        from flipcheck.reporters.repro import render

        return render(self)


def repro(given: Given, example: str) -> tuple[Repro, dict[Side, Predictions]]:
    """One example through both sides, and the predictions that it came from.

    Raises FlipcheckError for all that does not fit, and InputError for an unknown id.
    """
    given = replace(given, allow_missing=True)  # what other examples lack is not asked here
    datasets = open_test_sets(given)
    sides: dict[Side, Predictions] = dict(read_saved(given, datasets))
    rows: dict[Side, int] = {side: row_of(each, example) for side, each in sides.items()}
    traces = _models(given, datasets, example, sides, rows)
    here = sides["old"].ids.take([rows["old"]])
    folder = image_folder(given)
    truth = reference(given, folder)
    found = matched(given, datasets, sides, truth, among=here)
    if not len(found.paired):
        raise InputError(
            f"{example!r} has no label, or is not on both sides",
            hint="give its label with --labels or --label",
        )
    outcome, told = _outcome(found.paired)
    graded = found.paired.grades is not None
    answers = {"old": found.paired.old, "new": found.paired.new}
    right = {"old": found.paired.old_right, "new": found.paired.new_right}
    made = {
        side: _side(
            each,
            rows[side],
            answers[side],
            traces.get(side),
            right=None if graded else bool(right[side][0]),
        )
        for side, each in sides.items()
    }
    if any(each.unanswered for each in made.values()):
        outcome, told = UNANSWERED
    value = Repro(
        id=example,
        truth=_text(found.paired.truth),
        outcome=outcome,
        told=told,
        old=made["old"],
        new=made["new"],
        example=described([*datasets.values(), folder], example),
        data=_data([*datasets.values()], truth),
        warnings=_warnings(sides, made),
    )
    return value, sides


def _warnings(sides: Mapping[Side, Predictions], made: Mapping[Side, ReproSide]) -> tuple[str, ...]:
    """What is worth a warning of either side."""
    broken = [
        f"{each.name}: NaN or infinite scores for this example: `flipcheck compare` ends in an "
        "error there, and counts nothing"
        for each in made.values()
        if each.unanswered
    ]
    notes = [note for source in sides.values() for note in source.warnings]
    return tuple(dict.fromkeys([*broken, *notes]))


def _models(
    given: Given,
    datasets: Mapping[Side, Dataset | None],
    example: str,
    sides: dict[Side, Predictions],
    rows: dict[Side, int],
) -> dict[Side, Trace]:
    """How each model came to its answer; its predictions and row are put to those of the sides."""
    models = open_models(given, datasets)
    if not models:
        return {}
    from flipcheck.sources.onnx.single import traced

    traces: dict[Side, Trace] = {}
    groups: list[list[Side]] = [list(models)] if one_pass(datasets) else [[side] for side in models]
    for group in groups:
        dataset = datasets[group[0]]
        assert dataset is not None  # noqa: S101  (every model has its test set)
        row = row_of(dataset, example)
        found = traced([models[side] for side in group], dataset, row)
        for side, (predictions, trace) in zip(group, found, strict=True):
            sides[side], rows[side], traces[side] = predictions, row, trace
    return traces


def _outcome(paired: Paired) -> tuple[str, str]:
    """What became of the example, by name and in words."""
    cell = bool(paired.old_right[0]), bool(paired.new_right[0])
    if paired.grades is not None:
        return GRADED[cell]
    name, told = OUTCOMES[cell]
    if name == "both wrong" and paired.same_answer is not None:
        told = f"with {'the same answer' if paired.same_answer[0] else 'different answers'}"
    return name, told


def _text(labels: Labels | None) -> str | None:
    return None if labels is None else labels.texts()[0]


def _side(
    source: Predictions,
    row: int,
    answers: Labels | None,
    trace: Trace | None,
    *,
    right: bool | None,
) -> ReproSide:
    sure = None if source.confidence is None else float(source.confidence[row])
    return ReproSide(
        name=source.source or source.name,
        sha256=source.facts.get("sha256"),
        answer=_text(answers),
        right=right,
        confidence=None if sure is None or math.isnan(sure) else sure,
        score=None if source.scores is None else float(source.scores[row]),
        row={} if trace is not None else file_row(source, row),
        trace=trace,
    )


def _data(datasets: Sequence[Dataset | None], truth: Predictions | None) -> dict[str, str | None]:
    """The test sets and the file of labels, with their digests."""
    found = {each.source: each.sha256 for each in datasets if each is not None}
    if truth is not None:
        found[truth.source or truth.name] = truth.facts.get("sha256")
    return found
