"""Small pictures of flipped examples, as data URIs that a report can carry."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from flipcheck.predictions import positions
from flipcheck.sources.datasets import open_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.sources.datasets import Dataset

EDGE, QUALITY = 96, 60  # ENGINEERING.md §2.1: about 1.7 kB each
TINY = 32
"""An image up to this edge is enlarged without smoothing and kept lossless."""


def thumbnails(images: Dataset, ids: Sequence[str]) -> dict[str, str]:
    """A WebP data URI for each id that is an image of the dataset."""
    import pyarrow as pa

    rows = positions(pa.array(ids, pa.string()), images.ids)
    folder = Path(images.source)
    return {name: thumbnail(folder / name) for name, row in zip(ids, rows, strict=True) if row >= 0}


def thumbnail(path: Path) -> str:
    """One image as a data URI, no edge longer than EDGE."""
    from PIL import Image

    image = open_image(path)
    image = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    tiny = max(image.size) <= TINY
    if tiny:
        times = 2 * TINY // max(image.size)
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    image.thumbnail((EDGE, EDGE))
    data = BytesIO()
    image.save(data, "WEBP", quality=QUALITY, lossless=tiny, method=4)
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode("ascii")
