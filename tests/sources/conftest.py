"""Files that several tests of sources write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from onnx_models import echo, echo_data
from PIL import Image
from pyarrow import parquet

from flipcheck.sources.datasets import open_dataset
from flipcheck.sources.onnx.model import Model, open_model
from flipcheck.sources.onnx.run import run
from flipcheck.sources.spec import Columns, SideSpec

if TYPE_CHECKING:
    from pathlib import Path

    from flipcheck.predictions import Predictions


@pytest.fixture
def written(tmp_path):
    """Write text or bytes into a file, and return its path."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def parquet_file(tmp_path):
    """Write columns into a Parquet file, and return its path."""

    def write(name: str = "table.parquet", **columns: Any) -> Path:
        path = tmp_path / name
        parquet.write_table(pa.table(columns), path)
        return path

    return write


@pytest.fixture
def archive(tmp_path):
    """Write arrays into an NPZ archive, and return its path."""

    def write(name: str = "data.npz", **arrays: Any) -> Path:
        path = tmp_path / name
        np.savez(path, **arrays)
        return path

    return write


@pytest.fixture
def images(tmp_path):
    """Write grey images by class (name -> mean pixel of each), and return the folder."""

    def write(name: str = "images", size: tuple[int, int] = (7, 5), **classes: list[int]) -> Path:
        folder = tmp_path / name
        for label, pixels in classes.items():
            (folder / label).mkdir(parents=True, exist_ok=True)
            for number, pixel in enumerate(pixels):
                Image.new("RGB", size, (pixel,) * 3).save(folder / label / f"{number}.png")
        return folder

    return write


@pytest.fixture
def answered():
    """Run a model over a test set, and return its predictions."""

    def answer(model: Path, data: Path, workers: int | None = None, **spec: Any) -> Predictions:
        side = SideSpec(columns=Columns(by=spec.pop("by", ())), **spec)
        dataset = open_dataset(data, side.columns)
        return run([(open_model(model, side), side)], dataset, workers=workers)[0]

    return answer


@pytest.fixture
def read_as(tmp_path, answered):
    """Let a model give these outputs, and return what flipcheck takes for its answers."""

    def read(
        outputs: dict[str, Any], zipmap: Any = None, metadata: Any = None, **spec: Any
    ) -> Predictions:
        model = echo(tmp_path / "model.onnx", outputs, zipmap, metadata)
        return answered(model, echo_data(tmp_path / "echo.npz", outputs), **spec)

    return read


@pytest.fixture
def rows(monkeypatch):
    """How many rows each model's session was given."""
    counts: dict[str, int] = {}
    run = Model.run

    def counted(self, feeds, names):
        many = len(next(iter(feeds.values())))
        counts[self.path.stem] = counts.get(self.path.stem, 0) + many
        return run(self, feeds, names)

    monkeypatch.setattr(Model, "run", counted)
    return counts
