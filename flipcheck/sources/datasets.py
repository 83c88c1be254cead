"""Labelled test sets that models are run over: a folder of images, arrays, or a table.

A test set knows its ids, truth and slice columns; its features are read in batches, so that
memory does not grow with the size of an example times their number.
"""

from __future__ import annotations

import hashlib
import os
import warnings as python_warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import SHOWN, InputError, listed, plural
from flipcheck.labels import Labels
from flipcheck.predictions import Predictions, id_array
from flipcheck.sources.arrays import Archive, open_archive
from flipcheck.sources.files import file_kind, sha256
from flipcheck.sources.saved import (
    NPZ_IDS,
    NPZ_LABELS,
    label_roles,
    one_dimension,
    plain,
    read_labels,
)
from flipcheck.sources.tables import Table, open_table

if TYPE_CHECKING:
    import numpy as np

    from flipcheck.sources.spec import Columns

Needs = Mapping[str, bool]
"""The parts of a dataset that models need, each with whether it is needed as text."""

Batch = Mapping[str, Any]
"""Some examples in a row: for each part of the test set its values, first axis the example."""

IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
LARGEST_IMAGE = 100_000_000
"""Pixels; a larger image is taken for a decompression bomb."""
MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"}


class BadExamples(InputError):
    """Examples of a batch that cannot be read: one problem each."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled examples. `reader` gives the features; see the three `open_…` functions.

    `shapes` are the feature arrays' shapes and types, `columns_there` the columns of a table,
    `reserved` those that are no features.
    """

    kind: Literal["images", "arrays", "table"]
    source: str
    ids: Any
    truth: Labels | None
    reader: Reader
    columns: Mapping[str, Labels] = field(default_factory=dict)
    rows: bool = False
    shapes: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]] = field(default_factory=dict)
    columns_there: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sha256: str | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def labels(self) -> Predictions:
        """The test set's truth and slice columns, as a source to pair with."""
        return Predictions(self.source, self.ids, truth=self.truth, columns=self.columns,
                           rows=self.rows, source=self.source, available=self.columns_there,
                           facts={"sha256": self.sha256})  # fmt: skip


class Reader:
    """Where the features of a test set come from."""

    def batches(self, needs: Needs, size: int) -> Iterator[Any]:
        """Batches in order, as cheap as can be: what is costly is left to `decoded`."""
        raise NotImplementedError

    def decoded(self, batch: Any) -> Batch:
        """A batch ready for models; called by the workers."""
        return batch  # type: ignore[no-any-return]


def open_dataset(path: Path, columns: Columns) -> Dataset:
    """The test set of a path. Raises InputError where it is none, or is empty."""
    kind = file_kind(path)
    if kind == "folder":
        tests = _open_images(path)
    elif kind == "npz":
        tests = _open_arrays(path, columns)
    elif kind in {"text", "parquet"}:
        tests = _open_table(path, open_table(path, kind), columns)
    else:
        raise InputError(
            f"{path}: not a test set",
            hint="give a folder of images by class, or features as .npz, .csv or .parquet",
        )
    if not len(tests):
        raise InputError(f"{path}: the test set is empty", hint="there is nothing to compare")
    return tests


def open_labels(path: Path, columns: Columns) -> Predictions:
    """Ids, truth and slices of a path that needs no features: a test set, or a file of labels."""
    if file_kind(path) == "folder":
        return _open_images(path).labels()
    return read_labels(path, columns)


# --- folders of images ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _ImageReader(Reader):
    paths: tuple[Path, ...]

    def batches(self, needs: Needs, size: int) -> Iterator[Any]:
        del needs
        for start in range(0, len(self.paths), size):
            yield self.paths[start : start + size]

    def decoded(self, batch: Any) -> Batch:
        images, problems = [], []
        for path in batch:
            try:
                images.append(open_image(path))
            except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError) as error:
                problems.append(f"{path}: {image_problem(error)}")
        if problems:
            raise BadExamples("images that cannot be read", problems=problems)
        return {"image": images}


def open_image(path: Path) -> Any:
    """A decoded image. Raises ValueError for giants and for more than 8 bits a channel."""
    from PIL import Image

    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        with Image.open(path) as image:
            if image.width * image.height > LARGEST_IMAGE:
                raise ValueError(f"{image.width:,} x {image.height:,} pixels: taken for a bomb")
            if image.mode not in MODES:
                raise ValueError(f"more than 8 bits a channel (mode {image.mode})")
            image.load()
            return image


def image_problem(error: Exception) -> str:
    """Why an image could not be read, in few words."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image that Pillow knows"
    if isinstance(error, Image.DecompressionBombError):
        return "a giant image: taken for a bomb"
    return str(error)[:150] or type(error).__name__


def _open_images(folder: Path) -> Dataset:
    import pyarrow as pa

    files, others = _class_files(folder)
    if not files:
        raise InputError(
            f"{folder}: no images in class folders",
            hint="lay the images out as data/<class>/<file>",
        )
    ids = [path.relative_to(folder).as_posix() for path in files]
    notes = ()
    if others:
        notes = (f"{folder}: {plural(len(others), 'file')} left out, being no image in a class "
                 f"folder: {listed(others[:SHOWN], len(others))}",)  # fmt: skip
    return Dataset(
        kind="images",
        source=str(folder),
        ids=pa.array(ids),
        truth=Labels.of([name.split("/", 1)[0] for name in ids]),
        reader=_ImageReader(tuple(files)),
        warnings=notes,
        sha256=_folder_digest(files, ids),
    )


def _folder_digest(files: list[Path], ids: list[str]) -> str:
    """The digest of every name and content, so that the report says what was compared."""
    digest = hashlib.sha256()
    for path, name in zip(files, ids, strict=True):
        digest.update(name.encode("utf-8", "surrogatepass") + b"\0" + bytes.fromhex(sha256(path)))
    return digest.hexdigest()


def _class_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Images below class folders, sorted by name, and the names of other files."""
    images, others, seen = [], [], set()
    for place, folders, names in os.walk(folder, followlinks=True):
        here = Path(place)
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = here / name
            if name.startswith(".") or name in {"Thumbs.db", "desktop.ini"}:
                continue
            if here != folder and path.suffix.lower() in IMAGES and path.is_file():
                images.append(path)
            else:
                others.append(path.relative_to(folder).as_posix())
    return sorted(images, key=lambda path: path.relative_to(folder).as_posix()), others


# --- arrays --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _ArrayReader(Reader):
    archive: Archive

    def batches(self, needs: Needs, size: int) -> Iterator[Any]:
        for batch in self.archive.stream(list(needs), size):
            yield {name: plain(values) for name, values in batch.items()}


def _open_arrays(path: Path, columns: Columns) -> Dataset:
    import pyarrow as pa

    archive = open_archive(path)

    def find(given: str | None, usual: Sequence[str], flag: str) -> str | None:
        if given is not None and given in archive.headers:
            return given
        found = [name for name in usual if name in archive.headers]
        if len(found) > 1:
            raise InputError(f"{path}: arrays {' and '.join(map(repr, found))} could both be meant",
                             hint=f"say which with {flag}")  # fmt: skip
        return found[0] if found else None

    ids = find(columns.id, NPZ_IDS, "--id")
    label = find(columns.label, NPZ_LABELS, "--label")
    by = [name for name in columns.by if name in archive.headers]
    reserved = {name for name in (ids, label, *by) if name is not None}
    shapes = {name: (header.shape, header.dtype) for name, header in archive.headers.items()
              if name not in reserved}  # fmt: skip
    size = archive.require_rows(list(archive.headers))
    flat = {name: one_dimension(path, name, plain(archive.load(name))) for name in reserved}
    return Dataset(
        kind="arrays",
        source=str(path),
        ids=pa.array(range(size)) if ids is None else id_array(flat[ids], str(path)),
        truth=None if label is None else Labels.of(flat[label]),
        reader=_ArrayReader(archive),
        columns={name: Labels.of(flat[name]) for name in by},
        rows=ids is None,
        shapes=shapes,
        columns_there=tuple(archive.headers),
        sha256=sha256(path),
    )


# --- tables --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _TableReader(Reader):
    table: Table

    def batches(self, needs: Needs, size: int) -> Iterator[Any]:
        import pyarrow as pa

        kept: list[Any] = []
        for batch in self.table.stream(needs):
            kept.append(batch)
            whole = pa.Table.from_batches(kept)
            while whole.num_rows >= size:
                yield _features(self.table, whole.slice(0, size))
                whole = whole.slice(size)
            kept = whole.to_batches()
        if kept:
            yield _features(self.table, pa.Table.from_batches(kept))


def _features(table: Table, rows: Any) -> dict[str, Any]:
    """The columns of some rows as numpy arrays: numbers where they are, else text."""
    return {name: _feature(table, name, rows[name].combine_chunks()) for name in rows.column_names}


def _feature(table: Table, name: str, column: Any) -> Any:
    import pyarrow as pa

    from flipcheck.labels import to_arrow

    column = to_arrow(column)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_boolean(kind):
        return column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    if pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_string(kind)
              or pa.types.is_large_string(kind)):  # fmt: skip
        raise InputError(
            f"{table.path}: column {name!r} of type {kind} cannot be a feature",
            hint="name the features with --features",
        )
    return column.to_numpy(zero_copy_only=False)


def _open_table(path: Path, table: Table, columns: Columns) -> Dataset:
    roles = label_roles(table, columns)
    source = read_labels(path, columns) if roles.label else None
    if source is None:
        source = _unlabelled(table, columns)
    return Dataset(
        kind="table",
        source=str(path),
        ids=source.ids,
        truth=source.truth,
        reader=_TableReader(table),
        columns=source.columns,
        rows=source.rows,
        columns_there=table.names,
        reserved=tuple(name for name in (roles.id, roles.label) if name is not None),
        sha256=sha256(path),
    )


def _unlabelled(table: Table, columns: Columns) -> Predictions:
    """A table without labels: its ids, or row numbers."""
    import pyarrow as pa

    roles = label_roles(table, columns)
    kept = [*roles.by, *([roles.id] if roles.id else table.names[:1])]
    loaded = table.load(kept)
    size = len(loaded[kept[-1]])
    ids = id_array(loaded[roles.id], str(table.path)) if roles.id else pa.array(range(size))
    by = {name: Labels.of(loaded[name]) for name in roles.by}
    return Predictions(str(table.path), ids, columns=by, rows=roles.id is None,
                       source=str(table.path))  # fmt: skip
