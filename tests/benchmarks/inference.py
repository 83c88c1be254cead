"""What running the models through flipcheck costs beside the runtime alone.

    python tests/benchmarks/inference.py [arrays folder_of_images tables]

The references are scripts of their own, so that both sides are whole processes. Nothing is kept
in the cache of predictions, or it would be read instead.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
from networks import resnet50, small_cnn
from PIL import Image
from timing import FLIPCHECK, against, run_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BARE = """
import sys, numpy as np, onnxruntime as ort
from concurrent.futures import ThreadPoolExecutor
rows, size = np.load(sys.argv[3])["x"], int(sys.argv[4])
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 4
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
sessions = [ort.InferenceSession(path, options) for path in sys.argv[1:3]]
names = [session.get_inputs()[0].name for session in sessions]
def work(at):
    part = rows[at:at + size]
    for session, name in zip(sessions, names):
        session.run(None, {name: part})
with ThreadPoolExecutor(2) as pool:
    list(pool.map(work, range(0, len(rows), size)))
"""
TWO_PASSES = """
import sys, pathlib, numpy as np, onnxruntime as ort
from PIL import Image
paths, edge, size = sorted(pathlib.Path(sys.argv[3]).glob("*/*.jpg")), *map(int, sys.argv[4:6])
for model in sys.argv[1:3]:
    session = ort.InferenceSession(model)
    for at in range(0, len(paths), size):
        images = [Image.open(path).convert("RGB").resize((edge, edge), 2)
                  for path in paths[at:at + size]]
        batch = np.stack([np.asarray(each, np.float32) / 255 for each in images])
        session.run(None, {"x": np.ascontiguousarray(batch.transpose(0, 3, 1, 2))})
"""
ROWS = 1_000_000
"""Rows of a table that a model of trees or a linear one answers."""


def compare(paths: list[str]) -> list[str]:
    """The command that runs both models anew."""
    return [*FLIPCHECK, "compare", *paths, "--no-cache"]


def pair(folder: Path, name: str, make: Callable[[Path, int], None]) -> list[str]:
    """The paths of an old and a new model."""
    paths = [folder / f"{name}{seed}.onnx" for seed in (0, 1)]
    for seed, path in enumerate(paths):
        make(path, seed)
    return list(map(str, paths))


def arrays(folder: Path) -> None:
    """Both models over arrays against the bare loop with the same threads and batch."""
    random = np.random.default_rng(0)
    for name, make, edge, count, size in (
        ("small CNN", small_cnn, 32, 60_000, 32),
        ("ResNet-50", resnet50, 224, 768, 8),
    ):
        pixels = random.normal(size=(count, 3, edge, edge)).astype(np.float32)
        np.savez(folder / "x.npz", x=pixels, y=np.arange(count) % 10)
        paths = [*pair(folder, name, make), str(folder / "x.npz")]
        against(
            f"two of {name} over {count:,} arrays", compare(paths),
            f"bare session.run loop, batch {size}", [sys.executable, "-c", BARE, *paths, str(size)],
        )  # fmt: skip


def images(folder: Path, count: int) -> None:
    """JPEG files of 500x375 in ten class folders, smooth as photographs are."""
    random = np.random.default_rng(0)
    for number in range(count):
        place = folder / str(number % 10)
        place.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(random.integers(0, 255, (12, 16, 3), dtype=np.uint8))
        small.resize((500, 375), Image.Resampling.BICUBIC).save(place / f"{number}.jpg", quality=90)


def folder_of_images(folder: Path) -> None:
    """Both models over a folder of JPEG files against two full passes."""
    for name, make, edge, count, size in (
        ("small CNN", small_cnn, 32, 4_000, 32),
        ("ResNet-50", resnet50, 224, 128, 8),
    ):
        images(folder / name, count)
        paths = [*pair(folder, name, make), str(folder / name)]
        against(
            f"two of {name} over {count:,} JPEG files",
            compare(paths),
            "two passes, decode then infer, runtime defaults",
            [sys.executable, "-c", TWO_PASSES, *paths, str(edge), str(size)],
        )


def tables(folder: Path) -> None:
    """Both models with ZipMap over a table of numbers against the bare loop."""
    import lightgbm
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType
    from skl2onnx import to_onnx
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    x, y = make_classification(ROWS, 20, n_informative=12, n_classes=10, random_state=0)
    x = x.astype(np.float32)
    np.savez(folder / "x.npz", x=x, y=y)

    def converted(model: object) -> object:
        if isinstance(model, lightgbm.LGBMClassifier):
            return convert_lightgbm(model, initial_types=[("x", FloatTensorType([None, 20]))])
        return to_onnx(model, x[:1])

    for name, make in {
        "logistic regressions": lambda seed: LogisticRegression(max_iter=200 + seed),
        "random forests": lambda seed: RandomForestClassifier(50, max_depth=8, random_state=seed),
        "LightGBM models": lambda seed: lightgbm.LGBMClassifier(
            n_estimators=30, random_state=seed, verbose=-1
        ),
    }.items():

        def export(path: Path, seed: int, make: Callable[[int], object] = make) -> None:
            model = make(seed).fit(x[:5000], y[:5000])  # type: ignore[attr-defined]
            path.write_bytes(converted(model).SerializeToString())  # type: ignore[attr-defined]

        paths = [*pair(folder, name, export), str(folder / "x.npz")]
        against(
            f"two {name} over {ROWS:,} rows", compare(paths),
            "bare session.run loop, batch 1,024", [sys.executable, "-c", BARE, *paths, "1024"],
        )  # fmt: skip


BENCHMARKS: dict[str, Callable[[Path], None]] = {
    "arrays": arrays,
    "folder_of_images": folder_of_images,
    "tables": tables,
}


if __name__ == "__main__":
    run_all(BENCHMARKS)
