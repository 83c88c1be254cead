"""How the examples of a test set become the inputs of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import UsageError
from flipcheck.sources.onnx.feeds.arrays import array_feeder
from flipcheck.sources.onnx.feeds.base import Feeder
from flipcheck.sources.onnx.feeds.images import image_feeder
from flipcheck.sources.onnx.feeds.tables import table_feeder
from flipcheck.sources.onnx.feeds.texts import takes_tokens, text_feeder

if TYPE_CHECKING:
    from flipcheck.sources.datasets import Dataset
    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.spec import SideSpec

__all__ = ["Feeder", "feeder"]


def feeder(model: Model, tests: Dataset, spec: SideSpec) -> Feeder:
    """How this test set feeds this model. Raises ModelError or UsageError where it cannot."""
    if spec.text is not None and tests.kind != "table":
        raise UsageError(
            f"--text names a column of a table, and {tests.source} is none",
            hint="give the texts as .csv, .jsonl or .parquet",
        )
    if tests.kind == "images":
        return image_feeder(model, spec)
    if tests.kind == "arrays":
        return array_feeder(model, tests, spec)
    if takes_tokens(model, spec):
        return text_feeder(model, tests, spec)
    return table_feeder(model, tests, spec)
