"""What every kind of test set offers to the models that run over it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import InputError
from flipcheck.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.sources.preprocess import Preprocess
    from flipcheck.sources.stamps import Stamps

Needs = Mapping[str, bool]
"""The parts of a dataset that models need, each with whether it is needed as text."""

Batch = Mapping[str, Any]
"""Some examples in a row: for each part of the test set its values, first axis the example."""


class BadExamplesError(InputError):
    """Examples of a batch that cannot be read: one problem each."""


class Reader(ABC):
    """Where the features of a test set come from."""

    @abstractmethod
    def batches(self, needs: Needs, size: int) -> Iterator[Any]:
        """Batches in order, as cheap as can be: what is costly is left to `decoded`."""

    @abstractmethod
    def picker(self, needs: Needs, folder: Path) -> Callable[[NDArray[np.int64]], Any]:
        """What gives the batch of any rows; `folder` is there for what has to be laid down."""

    def decoded(self, batch: Any, steps: Sequence[Preprocess]) -> list[Batch]:
        """A batch ready for each model, by its preprocessing; called by the workers."""
        return [batch] * len(steps)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled examples. `reader` gives the features.

    `shapes` are the feature arrays' shapes and types, `columns_there` the columns of a table,
    `reserved` those that are no features. `stamps` are of the files that `sha256` is of, taken
    before it; without them nothing that a model answers is kept for later runs.
    """

    kind: Literal["images", "arrays", "table"]
    source: str
    ids: Any
    truth: Labels | None
    reader: Reader
    columns: Mapping[str, Labels] = field(default_factory=dict)
    weights: NDArray[np.float64] | None = None
    groups: Mapping[str, Labels] = field(default_factory=dict)
    rows: bool = False
    shapes: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]] = field(default_factory=dict)
    columns_there: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sha256: str | None = None
    stamps: Stamps | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def labels(self) -> Predictions:
        """The test set's truth and slice columns, as a source to pair with."""
        return Predictions(
            self.source,
            self.ids,
            truth=self.truth,
            columns=self.columns,
            weights=self.weights,
            groups=self.groups,
            rows=self.rows,
            source=self.source,
            available=self.columns_there,
            facts={"sha256": self.sha256},
        )
