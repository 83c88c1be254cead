"""A folder of images by class: data/<class>/<file>."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError, listed, plural
from flipcheck.labels import Labels
from flipcheck.sources.datasets.base import BadExamplesError, Batch, Dataset, Reader
from flipcheck.sources.files import IMAGES, LEFT_BY_SYSTEMS, is_unicode, reason
from flipcheck.sources.preprocess import fitted
from flipcheck.sources.stamps import stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from flipcheck.sources.datasets.base import Needs
    from flipcheck.sources.preprocess import Preprocess

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""What Pillow may take a file for: nothing that runs a program, as PostScript would."""
LARGEST = 89_000_000
"""Pixels; a larger image is taken for a decompression bomb, as Pillow does."""
MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"}


@dataclass(frozen=True, slots=True)
class ImageReader(Reader):
    """Images, decoded one at a time and kept only as small as the models want them."""

    paths: tuple[Path, ...]

    def batches(self, needs: Needs, size: int) -> Iterator[Any]:
        """Batches of paths."""
        del needs
        for start in range(0, len(self.paths), size):
            yield self.paths[start : start + size]

    def picker(self, needs: Needs, folder: Path) -> Callable[[NDArray[np.int64]], Any]:
        """The paths of any rows."""
        del needs, folder
        return lambda rows: tuple(self.paths[row] for row in rows.tolist())

    def decoded(self, batch: Any, steps: Sequence[Preprocess]) -> list[Batch]:
        """Each model's images. Raises BadExamplesError with all that cannot be read."""
        images: list[list[Any]] = [[] for _ in steps]
        problems = []
        for path in batch:
            try:
                image = open_image(path)
                sized = {each: fitted(image, each) for each in dict.fromkeys(steps)}
            except Exception as error:  # noqa: BLE001  (hostile bytes make decoders raise anything)
                problems.append(f"{path}: {image_problem(error)}")
                continue
            for kept, each in zip(images, steps, strict=True):
                kept.append(sized[each])
        if problems:
            raise BadExamplesError("images that cannot be read", problems=problems)
        return [{"image": kept} for kept in images]


def open_image(path: Path) -> Image:
    """A decoded image. Raises ValueError for giants and for more than 8 bits a channel."""
    from PIL import Image

    with Image.open(path, formats=FORMATS) as image:
        if image.width * image.height > LARGEST:
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
    return reason(error)[:150] or type(error).__name__


def open_images(folder: Path) -> Dataset:
    """The test set of a folder; its first level of folders are the classes."""
    import pyarrow as pa

    files, others = class_files(folder)
    if not files:
        raise InputError(
            f"{folder}: no images in class folders",
            hint="lay the images out as data/<class>/<file>",
        )
    ids = [path.relative_to(folder).as_posix() for path in files]
    odd = [name for name in ids if not is_unicode(name)]
    if odd:
        raise InputError(
            f"{folder}: {plural(len(odd), 'file')} whose names are not UTF-8: "
            f"{listed((ascii(name) for name in odd[:SHOWN]), len(odd))}",
            hint="rename them",
        )
    notes: tuple[str, ...] = ()
    if others:
        left = listed(others[:SHOWN], len(others))
        kinds = "being no image in a class folder"
        notes = (f"{folder}: {plural(len(others), 'file')} left out, {kinds}: {left}",)
    seen = stamps(files, by_example=True)
    digest, complete = _digest(files, ids)
    return Dataset(
        kind="images",
        source=str(folder),
        ids=pa.array(ids),
        truth=Labels.of([name.split("/", 1)[0] for name in ids]),
        reader=ImageReader(tuple(files)),
        warnings=notes,
        sha256=digest,
        stamps=seen if complete else None,
    )


def _digest(files: list[Path], ids: list[str]) -> tuple[str, bool]:
    """The digest of every name and content, and whether every content could be read.

    It is there so that the report says what was compared.
    """
    digest, complete = hashlib.sha256(), True
    for path, name in zip(files, ids, strict=True):
        digest.update(name.encode("utf-8") + b"\0")
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            complete = False  # it is named, with all that cannot be read, when the models run
    return digest.hexdigest(), complete


def class_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Images below class folders, sorted by name, and the names of other files."""
    images, others, seen = [], [], set()
    for place, folders, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        here = Path(place)
        real = os.path.realpath(place)
        if real in seen:  # a link to a folder above, or to one that was read already
            others.append(ascii_safe(here.relative_to(folder).as_posix()) + "/ (read already)")
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = here / name
            if name.startswith(".") or name in LEFT_BY_SYSTEMS:
                continue
            if here != folder and path.suffix.lower() in IMAGES and path.is_file():
                images.append(path)
            else:
                others.append(ascii_safe(path.relative_to(folder).as_posix()))
    return sorted(images, key=lambda path: path.relative_to(folder).as_posix()), sorted(others)


def ascii_safe(name: str) -> str:
    """A file name that can be printed, whatever its bytes."""
    return name if is_unicode(name) else ascii(name)


def _unreadable(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be read: {reason(error)}") from error


@contextmanager
def quiet_decoder() -> Iterator[None]:
    """Silence Pillow's warnings: what matters of them is an error of our own.

    Not inside of the workers, because the filters of warnings belong to the whole process.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
