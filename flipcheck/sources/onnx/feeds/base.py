"""What feeds a model, and how large its batches are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, UsageError
from flipcheck.sources.onnx.model import numeric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from flipcheck.sources.datasets import Batch, Needs
    from flipcheck.sources.onnx.model import Model, Port
    from flipcheck.sources.preprocess import Preprocess

Feeds = dict[str, "NDArray[Any]"]

CONSTANT = "an input that is the same for every example is given with --input NAME=VALUE"

BATCH_BYTES = 4 << 20
"""About this much a batch of images may hold (ENGINEERING.md §0)."""


@dataclass(frozen=True, slots=True)
class Feeder:
    """The parts of a test set that a model needs, and what makes its inputs of them.

    Where an example's inputs are filled up to the longest of their batch, `longer` fills them up by
    more. `notes` says what is only known when all examples were fed.
    """

    needs: Needs
    feeds: Callable[[Batch], Feeds]
    batch: int
    steps: Preprocess
    told: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    longer: Callable[[Batch], Feeds] | None = None
    notes: Callable[[], tuple[str, ...]] = tuple


def batch_of(row_bytes: int) -> int:
    """How many examples of this size make a batch of images: a power of two up to 32."""
    return int(2 ** max(0, min(32, BATCH_BYTES // max(1, row_bytes)).bit_length() - 1))


def check_fractions(model: Model, port: Port, steps: Preprocess) -> None:
    """Raise UsageError where preprocessing would make fractions for whole numbers."""
    if steps.changes_values and numeric(port).kind != "f":
        raise UsageError(
            f"{model.path}: the input {port} takes no fractions, so nothing can be scaled for it "
            f"({steps.origin})",
            hint="leave scale, mean and std out; where they are in a file beside the model, "
            "--preprocess scale=1 passes over it",
        )


def whole(model: Model, port: Port, values: NDArray[Any]) -> NDArray[Any]:
    """Numbers as the type of an input. Raises ModelError where they would become others."""
    import numpy as np

    wanted = numeric(port)
    if wanted.kind == "b" and not np.isin(values, (0, 1)).all():
        raise ModelError(f"{model.path}: the input {port} takes 0 and 1, or true and false")
    if wanted.kind in "iu" and not np.can_cast(values.dtype, wanted, "safe"):
        if values.dtype.kind == "f" and (values != np.rint(values)).any():
            raise ModelError(
                f"{model.path}: fractions or missing values for the input {port}, which takes "
                "whole numbers",
                hint="round or fill them as the model was trained on them",
            )
        limits = np.iinfo(wanted)
        if values.size and (values.min() < limits.min or values.max() > limits.max):
            raise ModelError(
                f"{model.path}: numbers from {values.min()} to {values.max()} do not fit the "
                f"input {port}",
                hint=f"it takes {limits.min} to {limits.max}",
            )
    return narrowed(model, port, values)


def narrowed(model: Model, port: Port, values: NDArray[Any]) -> NDArray[Any]:
    """Numbers as the type of an input. Raises ModelError where they would become infinite."""
    import numpy as np

    wanted = numeric(port)
    if values.dtype == wanted:
        return values
    with np.errstate(over="ignore"):
        made = values.astype(wanted)
    if wanted.kind == "f" and np.isinf(made).any() and not np.isinf(values).any():
        raise ModelError(
            f"{model.path}: numbers up to {np.nanmax(np.abs(values)).item():g} do not fit the "
            f"input {port}",
            hint=f"it takes up to {np.finfo(wanted).max:g}: scale them as the model was trained",
        )
    return made
