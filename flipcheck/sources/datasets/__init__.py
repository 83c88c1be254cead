"""Labelled test sets that models are run over: a folder of images, arrays, or a table.

A test set knows its ids, truth and slice columns; its features are read in batches, so that
memory does not grow with the size of an example times their number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import InputError
from flipcheck.sources.datasets.arrays import open_arrays
from flipcheck.sources.datasets.base import BadExamplesError, Batch, Dataset, Needs
from flipcheck.sources.datasets.images import open_images
from flipcheck.sources.datasets.tables import open_features
from flipcheck.sources.files import file_kind
from flipcheck.sources.saved import read_labels
from flipcheck.sources.shards import Shards, is_image_folder, shards
from flipcheck.sources.tables import open_shards, open_table

if TYPE_CHECKING:
    from pathlib import Path

    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns

__all__ = ["BadExamplesError", "Batch", "Dataset", "Needs", "open_dataset", "open_labels"]


def open_dataset(path: Path, columns: Columns) -> Dataset:
    """The test set of a path. Raises InputError where it is none, or is empty."""
    several = shards(path)
    tests = _one(path, columns) if several is None else _several(several, columns)
    if not len(tests):
        raise InputError(f"{path}: the test set is empty", hint="there is nothing to compare")
    return tests


def _one(path: Path, columns: Columns) -> Dataset:
    """The test set of a file, or of a folder of images."""
    kind = file_kind(path)
    if kind == "folder":
        return open_images(path)
    if kind == "npz":
        return open_arrays(path, columns)
    if kind in {"text", "parquet", "jsonl"}:
        return open_features(open_table(path, kind), columns)
    raise InputError(
        f"{path}: not a test set",
        hint="give a folder of images by class, or features as .npz, .csv, .jsonl or .parquet",
    )


def _several(several: Shards, columns: Columns) -> Dataset:
    """The test set of several tables of features."""
    odd = [shard for shard in several.files if shard.kind not in {"text", "parquet", "jsonl"}]
    if odd:
        raise InputError(
            f"{several.path}: not a test set: {odd[0].name} is no table of features",
            hint="a test set in several files is .csv, .jsonl or .parquet; arrays are in one .npz",
        )
    return open_features(open_shards(several), columns)


def open_labels(path: Path, columns: Columns) -> Predictions:
    """Ids, truth and slices of a path that needs no features: a test set, or a file of labels."""
    if is_image_folder(path):
        return open_images(path).labels()
    return read_labels(path, columns)
