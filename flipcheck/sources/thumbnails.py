"""Small pictures of flipped examples, as data URIs that a report can carry."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from flipcheck.matching import positions
from flipcheck.sources.datasets.images import open_image, quiet_decoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.sources.datasets import Dataset

EDGE, QUALITY = 96, 60  # ENGINEERING.md §2.1: about 1.7 kB each
MOST = 500
"""How many pictures a report may carry: about a megabyte."""
TINY = 32
"""An image up to this edge is enlarged without smoothing and kept lossless."""


def thumbnails(images: Dataset, ids: Sequence[str]) -> dict[str, str]:
    """A WebP data URI for each id that is a readable image of the dataset."""
    import pyarrow as pa

    rows = positions(pa.array(ids, pa.string()), images.ids)
    folder = Path(images.source)
    found = {}
    with quiet_decoder():
        for name, row in zip(ids, rows, strict=True):
            if row >= 0 and (uri := thumbnail(folder / name)):
                found[name] = uri
    return found


def thumbnail(path: Path) -> str:
    """One image as a data URI, no edge longer than EDGE; nothing where it cannot be read."""
    from PIL import Image

    try:
        image = open_image(path)
        image = image.convert("RGBA" if "A" in image.getbands() else "RGB")
        tiny = max(image.size) <= TINY
        if tiny:
            times = 2 * TINY // max(image.size)
            size = (image.width * times, image.height * times)
            image = image.resize(size, Image.Resampling.NEAREST)
        image.thumbnail((EDGE, EDGE))
        data = BytesIO()
        image.save(data, "WEBP", quality=QUALITY, lossless=tiny, method=4)
    except Exception:  # noqa: BLE001  (saved predictions are audited even if a picture is broken)
        return ""
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode("ascii")
