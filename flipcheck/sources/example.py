"""The example of an id: its row, what its file or test set says of it, and the nearest ids."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError, listed
from flipcheck.sources.files import file_kind, is_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.predictions import Predictions
    from flipcheck.sources.datasets import Dataset
    from flipcheck.sources.tables import Table

SEARCHED = 20_000
"""Among how many ids the nearest to an unknown one are looked for."""


def row_of(source: Predictions | Dataset, example: str) -> int:
    """The row of an id. Raises InputError with the nearest ids where there is none, or several."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    name = getattr(source, "examples", None) or source.source
    ids = source.ids.cast(pa.string())
    rows = np.flatnonzero(pc.equal(ids, pa.scalar(example)).to_numpy(zero_copy_only=False))
    if len(rows) > 1:
        raise InputError(
            f"{name}: {len(rows):,} examples have the id {example!r}",
            hint="every example needs one id; name the column with --id",
        )
    if not len(rows):
        raise InputError(f"{name}: no example {example!r}", hint=_nearest(ids, example))
    return int(rows[0])


def _nearest(ids: Any, example: str) -> str:
    """The ids that are most like an unknown one."""
    import pyarrow.compute as pc

    close: list[str] = []
    for part in dict.fromkeys((example, example.rsplit("/", 1)[-1])):
        if part and not close:
            holding = pc.match_substring(ids, part, ignore_case=True)
            close = ids.filter(holding).slice(0, SHOWN).to_pylist()
    if not close:
        close = get_close_matches(example, ids.slice(0, SEARCHED).to_pylist(), n=SHOWN, cutoff=0.5)
    if close:
        return f"the nearest: {listed(close)}"
    return f"the first ids: {listed(ids.slice(0, SHOWN).to_pylist(), len(ids))}"


def file_row(source: Predictions, row: int) -> dict[str, str]:
    """All columns of a row of saved predictions, where they are a table; as text."""
    path = Path(source.source or source.name)
    known = source.facts.get("columns", {})
    if not known or not is_file(path) or file_kind(path) not in TABLES:
        return {}
    from flipcheck.sources.tables import open_table

    columns = _columns(open_table(path))
    found = {name: str(values[row].as_py()) for name, values in columns.items()}
    named = known.get("id")
    same = named is None or found.get(named) == str(source.ids[row].as_py())
    return found if same else {}


def _columns(table: Table) -> dict[str, Any]:
    """The columns of a table that can be shown; one that holds objects cannot, and is left out."""
    names = [name for name in table.names if table.names.count(name) == 1]
    listing = replace(table, lists=tuple(names))
    try:
        return listing.load(names)
    except InputError:
        found: dict[str, Any] = {}
        for name in names:
            with contextlib.suppress(InputError):
                found |= listing.load([name])
        return found


TABLES = {"text", "parquet", "feather", "jsonl"}
"""Kinds of files whose rows are those of the predictions."""


def described(datasets: Sequence[Dataset | None], example: str) -> dict[str, str]:
    """What a test set says of the example: an image's file, size and mode; a table's columns."""
    dataset = next((each for each in datasets if each is not None), None)
    return {} if dataset is None else EXAMPLES[dataset.kind](dataset, row_of(dataset, example))


def _image(dataset: Dataset, row: int) -> dict[str, str]:
    from PIL import Image

    from flipcheck.sources.datasets.images import FORMATS, image_problem, quiet_decoder

    path = Path(dataset.source) / dataset.ids[row].as_py()
    try:
        with quiet_decoder(), Image.open(path, formats=FORMATS) as image:
            size = f"{image.width} x {image.height} pixels"
            kind = str(image.format)
            return {"file": str(path), "size": size, "mode": image.mode, "format": kind}
    except Exception as error:  # noqa: BLE001  (saved predictions may be of a broken picture)
        return {"file": str(path), "problem": image_problem(error)}


def _table(dataset: Dataset, row: int) -> dict[str, str]:
    from flipcheck.sources.tables import open_table

    table = open_table(Path(dataset.source))
    columns = table.load([name for name in table.names if table.names.count(name) == 1])
    return {name: str(values[row].as_py()) for name, values in columns.items()}


def _array(dataset: Dataset, row: int) -> dict[str, str]:
    return {"file": dataset.source, "row": f"{row + 1:,}"}


EXAMPLES = {"images": _image, "table": _table, "arrays": _array}
