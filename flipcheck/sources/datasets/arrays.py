"""A test set of arrays: an NPZ archive with features, labels and ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.predictions import checked_weights
from flipcheck.sources.arrays import Archive, open_archive, plain
from flipcheck.sources.datasets.base import Dataset, Needs, Reader
from flipcheck.sources.files import sha256
from flipcheck.sources.saved.arrays import NPZ_IDS, find, find_label, flat
from flipcheck.sources.saved.judged_arrays import truth_sets
from flipcheck.sources.saved.values import as_ids, as_labels
from flipcheck.sources.stamps import stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.spec import Columns


@dataclass(frozen=True, slots=True)
class ArrayReader(Reader):
    """Arrays, read a batch of rows at a time."""

    archive: Archive

    def batches(self, needs: Needs, size: int) -> Iterator[Any]:
        """Batches of the arrays' rows."""
        path = self.archive.path
        for batch in self.archive.stream(list(needs), size):
            yield {name: plain(path, name, values) for name, values in batch.items()}

    def picker(self, needs: Needs, folder: Path) -> Callable[[NDArray[np.int64]], Any]:
        """Any rows of the arrays, which are laid down as files: an archive is read in order."""
        arrays, path = self.archive.spool(list(needs), folder), self.archive.path
        return lambda rows: {name: plain(path, name, arrays[name][rows]) for name in needs}


def open_arrays(path: Path, columns: Columns) -> Dataset:
    """The test set of an archive; what is not a label, an id or a slice is a feature."""
    import numpy as np
    import pyarrow as pa

    seen = stamps([path])
    archive = open_archive(path)
    ids = find(archive, columns.id, NPZ_IDS, "--id")
    label = find_label(archive, columns)
    by = [name for name in columns.labels() if name in archive.headers]
    weight = columns.weight if columns.weight in archive.headers else None
    reserved = dict.fromkeys(name for name in (ids, label, weight, *by) if name is not None)
    size = archive.require_rows(list(archive.headers))
    sets = columns.task.multilabel
    flats = [name for name in reserved if not sets or name != label]
    loaded = {name: flat(path, name, plain(path, name, archive.load(name))) for name in flats}
    truth = truth_sets(archive, columns).truth if sets else None
    if label is not None and not sets:
        truth = as_labels(f"{path}: {label!r}", loaded[label])
    return Dataset(
        kind="arrays",
        source=str(path),
        ids=pa.array(np.arange(1, size + 1))
        if ids is None
        else as_ids(f"{path}: {ids!r}", loaded[ids]),
        truth=truth,
        reader=ArrayReader(archive),
        columns={name: as_labels(f"{path}: {name!r}", loaded[name]) for name in by},
        weights=(
            None
            if weight is None
            else checked_weights(
                f"{path}: {weight!r}", loaded[weight].to_numpy(zero_copy_only=False)
            )
        ),
        rows=ids is None,
        shapes={
            name: (header.shape, header.dtype)
            for name, header in archive.headers.items()
            if name not in reserved
        },
        columns_there=tuple(archive.headers),
        sha256=sha256(path),
        stamps=seen,
    )
