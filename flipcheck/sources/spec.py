"""What a user says: of one source, and of both sides of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flipcheck.predictions import Predictions
from flipcheck.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flipcheck.predictions import Side
    from flipcheck.sources.cache import Cache
    from flipcheck.sources.logs.wanted import Wanted

ID_NAMES = ("id", "sample_id", "item_id", "example_id", "index", "filename", "image_id", "uuid")
LABEL_NAMES = ("label", "y", "y_true", "target", "gold", "expected")
PREDICTION_NAMES = ("prediction", "pred", "y_pred", "predicted")
CORRECT_NAMES = ("correct",)
CONFIDENCE_NAMES = ("confidence",)
CLUSTER_NAMES = tuple(
    f"{name}{suffix}"
    for name in (
        "cluster", "conversation", "doc", "document", "group", "patient", "question", "session",
        "speaker", "subject", "user", "video",
    )
    for suffix in ("", "_id")
)  # fmt: skip
"""Columns that look as if their examples were drawn together, which is then checked."""
TEXT_NAMES = ("text", "sentence", "content", "review", "body", "message", "tweet", "comment")
TEXT_PAIRS = (("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2"))
SCORE_PREFIXES = ("prob_", "proba_", "logit_", "score_")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; None means by the usual names.

    `format` is that of the file where it was said, and `pick` what is taken of a log that holds
    several (filters, metrics, scorers, providers …), by kind. `wanted` are the samples of which a
    second reading of a log takes the texts.
    """

    id: str | None = None
    label: str | None = None
    prediction: str | None = None
    correct: str | None = None
    score: str | None = None
    by: tuple[str, ...] = ()
    cluster: str | None = None
    weight: str | None = None
    format: str | None = None
    pick: tuple[tuple[str, str], ...] = ()
    task: Task = field(default_factory=Task)
    wanted: Wanted | None = field(default=None, compare=False, repr=False)

    def labels(self) -> tuple[str, ...]:
        """The columns to slice or to cluster by."""
        return tuple(dict.fromkeys((*self.by, *([] if self.cluster is None else [self.cluster]))))


@dataclass(frozen=True, slots=True)
class Provider:
    """What runs the models, as the user names it, and whether the CPU may stand in for it."""

    name: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    allow_fallback: bool = False


@dataclass(frozen=True, slots=True)
class SideSpec:
    """How to read one side, old or new; what is not given is found or defaulted.

    `classes_are_own` says that the class list was given for this side, and overrules its model's.
    `inputs` are the values, written as JSON or text, of inputs that are the same for every example.
    `task` is that of its columns: models, whose columns decide no answer, are read by it too.
    """

    columns: Columns = field(default_factory=Columns)
    task: Task = field(default_factory=Task)
    classes: tuple[str, ...] | None = None
    classes_are_own: bool = False
    label_map: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None
    threshold: float | None = None
    preprocess: str | None = None
    features: tuple[str, ...] | None = None
    text: tuple[str, ...] | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    provider: Provider = field(default_factory=Provider)


Source = Predictions | Path


@dataclass(frozen=True, slots=True)
class Given:
    """What the user gave: two sources, their test sets, and how to read them."""

    old: Source
    new: Source
    old_spec: SideSpec
    new_spec: SideSpec
    data: Path | None = None
    old_data: Path | None = None
    new_data: Path | None = None
    labels: Path | None = None
    classes: tuple[str, ...] | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)
    labels_from: Side | None = None
    allow_missing: bool = False
    tolerance: float = 0.0
    score_range: tuple[float, float] | None = None
    by: tuple[str, ...] = ()
    cluster: str | None = None
    weight: str | None = None
    cache: Cache | None = None
