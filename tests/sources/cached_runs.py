"""Models and data of every kind whose answers are kept, and all bytes of an audit of them."""

from __future__ import annotations

import csv

import numpy as np
import onnx
import pyarrow as pa
from onnx import helper
from onnx_models import brightness, echo, echo_data, linear, port, save
from PIL import Image
from pyarrow import parquet

import flipcheck
from flipcheck.reporters import REPORTERS

RNG = np.random.default_rng(0)
SIZE, WIDTH = 300, 4
X = RNG.normal(size=(SIZE, WIDTH)).astype(np.float32)
WEIGHTS = RNG.normal(size=(WIDTH, 3))
LABELS = np.array(["a", "b", "c"])[(X @ WEIGHTS.astype(np.float32)).argmax(axis=1)]
NAMED = {"classes": "a,b,c"}


def text(old, new, data, **options):
    """All bytes of an audit: its report, and its table of flips."""
    report = flipcheck.compare(old, new, data, resamples=50, **options)
    return REPORTERS["json"](report) + str(report.flips.to_pylist())


def arrays(folder):
    """Arrays and models of logits."""
    data = folder / "data.npz"
    np.savez(data, x=X, y=LABELS, id=[f"e{row}" for row in range(SIZE)])
    noise = RNG.normal(size=WEIGHTS.shape)
    models = [linear(folder / f"{name}.onnx", WEIGHTS + size * noise, classes="abc")
              for name, size in (("old", 0), ("new", 0.5))]  # fmt: skip
    return (*models, data), {}


def table_of(folder, suffix):
    """A table of features, of numbers as text or as they are."""
    columns = {f"f{number}": X[:, number] for number in range(WIDTH)}
    columns |= {"label": LABELS, "region": np.array(["EU", "US"])[RNG.integers(0, 2, SIZE)]}
    path = folder / f"data.{suffix}"
    if suffix == "parquet":
        parquet.write_table(pa.table(columns), path)
    else:
        with path.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(columns)
            out.writerows(zip(*(each.tolist() for each in columns.values()), strict=True))
    models, _ = arrays(folder)
    return (*models[:2], path), {"by": ["region"]}


def images(folder):
    """A folder of images, of which one class has three suffixes."""
    for label, pixels in (("dark", range(0, 120, 3)), ("light", range(100, 250, 4))):
        (folder / "images" / label).mkdir(parents=True)
        for number, pixel in enumerate(pixels):
            suffix = ("png", "jpg", "bmp")[number % 3]
            Image.new("RGB", (7, 5), (pixel,) * 3).save(
                folder / "images" / label / f"{number}.{suffix}"
            )
    old = brightness(folder / "old.onnx", [None, 3, 5, 7])
    new = brightness(folder / "new.onnx", [4, 3, 5, 7])
    return (old, new, folder / "images"), {"new_preprocess": "scale=1/300"}


def outputs(folder, given, zipmap=None, **options):
    """Models that give back what the data holds."""
    data = echo_data(folder / "data.npz", given, y=LABELS)
    models = [echo(folder / f"{name}.onnx", given, zipmap) for name in ("old", "new")]
    return (*models, data), options


def shares(folder):
    """Probabilities of two classes, cut at a threshold."""
    one = RNG.random(SIZE).astype(np.float32)
    found = outputs(folder, {"p": np.stack([one, 1 - one], axis=1)}, threshold=0.3)
    np.savez(folder / "data.npz", p_in=np.stack([one, 1 - one], axis=1), y=(one < 0.5).astype(int))
    return found[0], {"threshold": 0.3, "classes": ["0", "1"]}


def quantised(folder):
    """A model whose answers depend on the batch, and one that only moves with it."""
    arrays(folder)
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["top"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["x", "top"], ["moved"]),
        helper.make_node("MatMul", ["moved", "weights"], ["logits"]),
    ]
    ports = [port("x", np.float32, [None, WIDTH])], [port("logits", np.float32, [None, 3])]
    constants = {"weights": WEIGHTS.astype(np.float32)}
    moving = save(folder / "new.onnx", nodes, *ports, constants, NAMED)
    return (folder / "old.onnx", moving, folder / "data.npz"), {}


def with_external_data(folder):
    """A model whose weights lie in a file beside it."""
    given, options = arrays(folder)
    model = onnx.load(folder / "new.onnx")
    onnx.save_model(
        model, folder / "new.onnx", save_as_external_data=True, location="w.data", size_threshold=0
    )
    return given, options


TEXTS = np.array(["ä", "bb", "ccc"])
KINDS = {
    "arrays": arrays,
    "csv": lambda folder: table_of(folder, "csv"),
    "parquet": lambda folder: table_of(folder, "parquet"),
    "images": images,
    "text labels": lambda folder: outputs(folder, {"label": LABELS}),
    "label numbers": lambda folder: outputs(
        folder, {"label": np.arange(SIZE) % 3}, label_map={"0": "a", "1": "b", "2": "c"}
    ),
    "true and false": lambda folder: outputs(
        folder, {"label": np.arange(SIZE) % 3 == 0}, label_map={"True": "a", "False": "b"}
    ),
    "labels beside maps": lambda folder: outputs(
        folder,
        {"label": LABELS, "scores": RNG.dirichlet([1, 1, 1], SIZE).astype(np.float32)},
        {"scores": ["a", "b", "c"]},
    ),
    "a threshold": shares,
    "moved by the batch": quantised,
    "external data": with_external_data,
}
