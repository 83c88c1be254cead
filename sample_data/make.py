# mypy: disable-error-code="import-untyped"
"""Make the sample data of flipcheck: a labelled image test set and two real classifiers.

Run it with ``python sample_data/make.py``; it writes beside itself, and the same bytes each time
with the same library versions on the same machine:

* ``images/<class>/<nnnn>.png``: the held-out test set, the last 540 of the 1797 digits, as 8x8
  greyscale PNG files. The class is a word (zero ... nine), the number is the row in the data set.
* ``old.onnx`` and ``new.onnx``: image ``[batch, 1, 8, 8]`` (pixel / 255) to logits ``[batch, 10]``.
  The old model is a logistic regression on 250 rows. The new one has fixed edge filters and a
  small neural network, trained on 1257 rows and their copies shifted by one pixel. Their class
  orders differ (by value, by spelling); each file names its own order under ``classes``.
* ``old_predictions`` and ``new_predictions`` as ``.csv`` and ``.parquet``: the answers of the two
  models, with a slice column ``ink`` (the third of the test set that the mean pixel falls in). The
  rows of the new files are shuffled, because files are paired by id.

Both models are really trained and nothing is edited afterwards. No test image is used for
training, but the row counts and seeds were picked by looking at the test result, to get an
example with something to see, so the error rates say nothing about the methods in general.

Data: scikit-learn's ``load_digits``, the test part of "Optical Recognition of Handwritten Digits"
by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository (doi.org/10.24432/C50P49), licensed
CC BY 4.0. Changes: the pixel values 0 ... 16 became 0 ... 255, and each row became a PNG file.

It needs numpy, scikit-learn, onnx, onnxruntime, pillow and pyarrow.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Row = dict[str, Any]

HERE = Path(__file__).resolve().parent
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COLUMNS = ("id", "label", "prediction", "confidence", "ink")
FIRST_TEST_ROW = 1257
OLD_ROWS, OLD_SEED = 250, 0
NEW_HIDDEN, NEW_SEED = 32, 2
SHUFFLE_SEED = 7
SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))


@dataclass(frozen=True)
class Digits:
    """All the digits: 8-bit images of shape [n, 8, 8] and the word for each."""

    images: npt.NDArray[np.uint8]
    words: list[str]

    def file(self, row: int) -> str:
        """Return the path of a row's image inside the image folder, which is also its id."""
        return f"{self.words[row]}/{row:04d}.png"


@dataclass(frozen=True)
class Trained:
    """A trained model: the ONNX graph, its class order, and scikit-learn's own test answers."""

    model: onnx.ModelProto
    classes: list[str]
    expected: list[str]


def read_digits() -> Digits:
    """Load scikit-learn's digits as 8-bit images."""
    data = load_digits()
    images = np.rint(data.images * 255 / 16).astype(np.uint8)
    return Digits(images, [WORDS[int(value)] for value in data.target])


def as_input(images: npt.NDArray[np.uint8]) -> Floats:
    """Turn 8-bit images into the models' input."""
    return images[:, np.newaxis].astype(np.float32) / np.float32(255)


def remove_old_files(digits: Digits) -> None:
    """Remove the files that this script makes, and no others."""
    for row in range(len(digits.words)):
        (HERE / "images" / digits.file(row)).unlink(missing_ok=True)
    for side in ("old", "new"):
        for tail in (".onnx", "_predictions.csv", "_predictions.parquet"):
            (HERE / f"{side}{tail}").unlink(missing_ok=True)


def write_images(digits: Digits, rows: list[int]) -> None:
    """Write the test images as PNG files."""
    for row in rows:
        path = HERE / "images" / digits.file(row)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.images[row]).save(path, optimize=True)


def read_images(digits: Digits, rows: list[int]) -> npt.NDArray[np.uint8]:
    """Read the test images back from their files."""
    return np.stack([np.asarray(Image.open(HERE / "images" / digits.file(row))) for row in rows])


def edge_filters() -> Floats:
    """Return eight 3x3 Sobel filters, one for each compass direction."""
    ring = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    filters = np.zeros((8, 1, 3, 3), np.float32)
    for turn in range(8):
        for place, value in enumerate((1, 2, 1, 0, -1, -2, -1, 0)):
            y, x = ring[(place + turn) % 8]
            filters[turn, 0, y, x] = value / 4
    return filters


def edge_features(images: Floats) -> Floats:
    """Compute the new model's features: edges, cut off at zero, averaged over 2x2 pixels."""
    padded = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    edges = np.maximum(np.einsum("nyxab,kab->nkyx", windows, edge_filters()[:, 0]), 0)
    pooled = edges.reshape(len(images), 8, 4, 2, 4, 2).mean(axis=(3, 5))
    return np.asarray(pooled.reshape(len(images), -1), np.float32)


def shifted(images: Floats, down: int, right: int) -> Floats:
    """Shift images by at most one pixel, filling with black."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return padded[:, :, 1 - down : 9 - down, 1 - right : 9 - right]


def tensor(name: str, values: npt.NDArray[Any]) -> onnx.TensorProto:
    """Make a float32 ONNX tensor."""
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)


def build(
    nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto], classes: list[str]
) -> onnx.ModelProto:
    """Put a graph together into a checked ONNX model that names its classes."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(classes)])
    model = helper.make_model(
        helper.make_graph(nodes, "digits", [image], [logits], weights),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="flipcheck sample_data",
    )
    helper.set_model_props(model, {"classes": json.dumps(classes)})
    onnx.checker.check_model(model, full_check=True)
    return model


def old_graph(fitted: LogisticRegression, classes: list[str]) -> onnx.ModelProto:
    """Write a fitted logistic regression as ONNX."""
    nodes = [
        helper.make_node("Flatten", ["image"], ["pixels"]),
        helper.make_node("Gemm", ["pixels", "weight", "bias"], ["logits"], transB=1),
    ]
    weights = [tensor("weight", fitted.coef_), tensor("bias", fitted.intercept_)]
    return build(nodes, weights, classes)


def new_graph(fitted: MLPClassifier, classes: list[str]) -> onnx.ModelProto:
    """Write the edge filters and the fitted network behind them as ONNX."""
    nodes = [
        helper.make_node("Conv", ["image", "filters"], ["edges"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["edges"], ["edges_relu"]),
        helper.make_node(
            "AveragePool", ["edges_relu"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]
        ),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Gemm", ["features", "weight1", "bias1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["hidden_relu"]),
        helper.make_node("Gemm", ["hidden_relu", "weight2", "bias2"], ["logits"]),
    ]
    weights = [tensor("filters", edge_filters())]
    for layer in (1, 2):
        weights.append(tensor(f"weight{layer}", fitted.coefs_[layer - 1]))
        weights.append(tensor(f"bias{layer}", fitted.intercepts_[layer - 1]))
    return build(nodes, weights, classes)


def train_old(digits: Digits, test: Floats) -> Trained:
    """Train the old model on a few rows; its classes are in the order of their values."""
    rows = np.random.default_rng(OLD_SEED).permutation(FIRST_TEST_ROW)[:OLD_ROWS]
    values = [WORDS.index(digits.words[row]) for row in rows]
    fitted = LogisticRegression(C=1.0, max_iter=2000)
    fitted.fit(as_input(digits.images[rows]).reshape(len(rows), -1).astype(np.float64), values)
    answers = fitted.predict(test.reshape(len(test), -1).astype(np.float64))
    classes = [WORDS[value] for value in fitted.classes_]
    return Trained(old_graph(fitted, classes), classes, [WORDS[value] for value in answers])


def train_new(digits: Digits, test: Floats) -> Trained:
    """Train the new model on all training rows; its classes are in the order of their spelling."""
    images = as_input(digits.images[:FIRST_TEST_ROW])
    features = np.concatenate([edge_features(shifted(images, *shift)) for shift in SHIFTS])
    words = digits.words[:FIRST_TEST_ROW] * len(SHIFTS)
    fitted = MLPClassifier((NEW_HIDDEN,), alpha=0.01, max_iter=500, random_state=NEW_SEED)
    fitted.fit(features, words)
    classes = [str(word) for word in fitted.classes_]
    answers = [str(word) for word in fitted.predict(edge_features(test))]
    return Trained(new_graph(fitted, classes), classes, answers)


def predict(path: Path, trained: Trained, test: Floats) -> tuple[list[str], list[float]]:
    """Run a written model with onnxruntime and check its answers against scikit-learn's."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    logits = np.asarray(session.run(["logits"], {"image": test})[0], np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    confidence = powers.max(axis=1) / powers.sum(axis=1)
    answers = [trained.classes[int(place)] for place in logits.argmax(axis=1)]
    if answers != trained.expected:
        raise SystemExit(f"{path.name}: onnxruntime and scikit-learn do not give the same answers")
    return answers, [round(float(value), 6) for value in confidence]


def ink_levels(images: npt.NDArray[np.uint8]) -> list[str]:
    """Name the third of the test set that each image's mean pixel falls in."""
    means = images.mean(axis=(1, 2))
    places = np.searchsorted(np.quantile(means, [1 / 3, 2 / 3]), means)
    return [("light", "medium", "heavy")[int(place)] for place in places]


def write_predictions(name: str, rows: list[Row]) -> None:
    """Write one model's answers as CSV and as Parquet."""
    with (HERE / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            cells = {**row, "confidence": f"{row['confidence']:.6f}"}
            writer.writerow([cells[column] for column in COLUMNS])
    numbers = {"confidence": pa.float64()}
    kinds = [(column, numbers.get(column, pa.string())) for column in COLUMNS]
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(kinds)), HERE / f"{name}.parquet")


def report(truth: list[str], old: list[str], new: list[str]) -> None:
    """Print how the two models differ."""
    triples = list(zip(truth, old, new, strict=True))
    lost = Counter(f"{t} -> {n}" for t, o, n in triples if o == t != n)
    counts = {
        "n": len(triples),
        "both right": sum(o == t == n for t, o, n in triples),
        "negative flips": lost.total(),
        "positive flips": sum(o != t == n for t, o, n in triples),
        "both wrong, same": sum(o == n != t for t, o, n in triples),
        "both wrong, different": sum(o != t != n and o != n for t, o, n in triples),
    }
    for name, count in counts.items():
        print(f"{name}: {count}")
    for name, answers in (("old", old), ("new", new)):
        wrong = sum(a != t for a, t in zip(answers, truth, strict=True))
        print(f"{name} error: {wrong} ({wrong / len(truth):.2%})")
    print("kinds:", ", ".join(f"{kind} x{count}" for kind, count in lost.most_common()))


def main() -> None:
    """Make all files and print a summary."""
    digits = read_digits()
    test_rows = sorted(range(FIRST_TEST_ROW, len(digits.words)), key=digits.file)
    remove_old_files(digits)
    write_images(digits, test_rows)
    images = read_images(digits, test_rows)
    test, ink = as_input(images), ink_levels(images)
    ids, truth = [digits.file(row) for row in test_rows], [digits.words[row] for row in test_rows]
    answers: dict[str, list[str]] = {}
    for name, trained in (("old", train_old(digits, test)), ("new", train_new(digits, test))):
        onnx.save(trained.model, HERE / f"{name}.onnx")
        answers[name], confidence = predict(HERE / f"{name}.onnx", trained, test)
        columns = zip(ids, truth, answers[name], confidence, ink, strict=True)
        rows = [dict(zip(COLUMNS, cells, strict=True)) for cells in columns]
        if name == "new":
            order = np.random.default_rng(SHUFFLE_SEED).permutation(len(rows))
            rows = [rows[int(place)] for place in order]
        write_predictions(f"{name}_predictions", rows)
    report(truth, answers["old"], answers["new"])


if __name__ == "__main__":
    with threadpool_limits(1):  # one thread, so that sums are always taken in the same order
        main()
