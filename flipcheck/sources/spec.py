"""What a user says of one source: columns, classes, label map, and how to run a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ID_NAMES = ("id", "sample_id", "item_id", "example_id", "index", "filename", "image_id")
LABEL_NAMES = ("label", "y", "y_true", "target", "gold", "expected")
PREDICTION_NAMES = ("prediction", "pred", "y_pred", "predicted")
CORRECT_NAMES = ("correct",)
CONFIDENCE_NAMES = ("confidence",)
SCORE_PREFIXES = ("prob_", "proba_", "logit_", "score_")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; None means by the usual names."""

    id: str | None = None
    label: str | None = None
    prediction: str | None = None
    correct: str | None = None
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SideSpec:
    """How to read one side, old or new; what is not given is found or defaulted."""

    columns: Columns = field(default_factory=Columns)
    classes: tuple[str, ...] | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None
    threshold: float | None = None
    preprocess: str | None = None
    features: tuple[str, ...] | None = None
