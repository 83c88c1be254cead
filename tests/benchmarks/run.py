"""What flipcheck costs, each as a ratio to a named reference in the same run.

    python tests/benchmarks/run.py [bootstrap …]

What saved predictions cost, from start-up to ten million rows, is in bulk.py.

Machines are noisy and differ: only the ratios are to be read. Work and reference alternate, and
the median of the pairs' ratios is printed. CPU seconds are those of the whole process tree.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from flipcheck.audits.discovery import discover
from flipcheck.audits.measuring import Measured
from flipcheck.audits.slicing import Parts, slice_reports
from flipcheck.labels import Labels
from flipcheck.metrics import COUNTED
from flipcheck.outcomes import Outcome, Tally, tally
from flipcheck.report import Settings
from flipcheck.slices import Groups, Sliced, slices
from flipcheck.slices import values as grouped
from flipcheck.stats.bootstrap import Kinds, bca, percentile, replicates
from flipcheck.stats.units import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PAIRS = 5
FLIPCHECK = [sys.executable, "-m", "flipcheck"]
BARE = """
import sys, numpy as np, onnxruntime as ort
from concurrent.futures import ThreadPoolExecutor
pixels = np.load(sys.argv[3])["x"]
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
sessions = [ort.InferenceSession(path, options) for path in sys.argv[1:3]]
def work(at):
    return [each.run(None, {"x": pixels[at:at + 32]})[0].argmax(1) for each in sessions]
with ThreadPoolExecutor() as pool:
    list(pool.map(work, range(0, len(pixels), 32)))
"""
TWO_PASSES = """
import sys, pathlib, numpy as np, onnxruntime as ort
from PIL import Image
paths = sorted(pathlib.Path(sys.argv[3]).glob("*/*.jpg"))
for model in sys.argv[1:3]:
    session = ort.InferenceSession(model)
    for at in range(0, len(paths), 32):
        images = [Image.open(path).convert("RGB").resize((32, 32), 2) for path in paths[at:at + 32]]
        batch = np.stack([np.asarray(each, np.float32) / 255 for each in images])
        session.run(None, {"x": np.ascontiguousarray(batch.transpose(0, 3, 1, 2))})
"""


def small_cnn(path: Path, seed: int) -> None:
    """A convolutional network of three layers for 32x32 colour images and ten classes."""
    random = np.random.default_rng(seed)
    nodes, weights, value, depth = [], [], "x", 3
    for layer, width in enumerate((32, 64, 64)):
        kernel = random.normal(size=(width, depth, 3, 3)) / np.sqrt(9 * depth)
        weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"w{layer}"))
        stride = 2 if layer else 1
        nodes += [
            helper.make_node("Conv", [value, f"w{layer}"], [f"c{layer}"], pads=[1] * 4,
                             strides=[stride, stride]),
            helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]),
        ]  # fmt: skip
        value, depth = f"r{layer}", width
    last = random.normal(size=(depth, 10)).astype(np.float32)
    weights.append(numpy_helper.from_array(last, "last"))
    nodes += [
        helper.make_node("GlobalAveragePool", [value], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "last"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small_cnn",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def images(folder: Path, count: int) -> None:
    """JPEG files of 500x375 in ten class folders, smooth as photographs are."""
    random = np.random.default_rng(0)
    for number in range(count):
        place = folder / str(number % 10)
        place.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(random.integers(0, 255, (12, 16, 3), dtype=np.uint8))
        small.resize((500, 375), Image.Resampling.BICUBIC).save(place / f"{number}.jpg", quality=90)


def measured(command: list[str] | Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of a command, or of a call in this process."""
    if callable(command):
        start, used = time.perf_counter(), time.process_time()
        command()
        return time.process_time() - used, time.perf_counter() - start
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - start


def compared(
    name: str,
    work: list[str] | Callable[[], object],
    against: str,
    reference: list[str] | Callable[[], object],
) -> None:
    """Print the median ratios of CPU and wall time over alternating pairs."""
    cpu, wall = [], []
    for _ in range(PAIRS):
        one, two = measured(work), measured(reference)
        cpu.append(one[0] / two[0])
        wall.append(one[1] / two[1])
    print(f"| {name} | {against} | {statistics.median(cpu):.2f} | {statistics.median(wall):.2f} |")


def arrays(folder: Path) -> None:
    """Both models over arrays against the bare loop with the same threads and batch."""
    pixels = np.random.default_rng(0).normal(size=(20_000, 3, 32, 32)).astype(np.float32)
    np.savez(folder / "x.npz", x=pixels, y=np.arange(len(pixels)) % 10)
    paths = [str(folder / name) for name in ("old.onnx", "new.onnx", "x.npz")]
    compared(
        "two small CNNs over 20,000 arrays", [*FLIPCHECK, "compare", *paths],
        "bare session.run loop, same threads and batch", [sys.executable, "-c", BARE, *paths],
    )  # fmt: skip


def folder_of_images(folder: Path) -> None:
    """Both models over a folder of JPEG files against two full passes."""
    images(folder / "images", 1000)
    paths = [str(folder / name) for name in ("old.onnx", "new.onnx", "images")]
    compared(
        "two small CNNs over 1,000 JPEG files", [*FLIPCHECK, "compare", *paths],
        "two passes, decode then infer, runtime defaults",
        [sys.executable, "-c", TWO_PASSES, *paths],
    )  # fmt: skip


def slicing(_folder: Path) -> None:
    """A thousand slices of a million rows against pandas, from codes and from texts."""
    rng, values = np.random.default_rng(0), [f"slice {number:03}" for number in range(1000)]
    codes = rng.integers(0, 1000, 1_000_000).astype(np.int32)
    cells = rng.choice(5, size=len(codes), p=[0.8, 0.03, 0.07, 0.06, 0.04]).astype(np.uint8)
    column = Labels(codes, tuple(values))
    flags = {outcome.name: cells == outcome for outcome in list(Outcome)[:5]}
    frame = pd.DataFrame({"slice": codes, **flags})
    reference = "pandas groupby().sum() of the five cells as boolean columns"

    whole = Measured(cells, None, Rows(cells), "default")

    def tallies() -> Sliced:
        return slices(grouped("slice", column), cells)

    def told() -> None:
        slice_reports([Parts.of(tallies(), whole)], Settings())

    compared("1,000 slices of 1,000,000 rows: tallies", tallies, reference,
             lambda: frame.groupby("slice").sum())  # fmt: skip
    compared("the same, with tests and intervals", told,
             reference, lambda: frame.groupby("slice").sum())  # fmt: skip


def discovering(_folder: Path) -> None:
    """A search with 1,000 permutations against one pandas groupby of each pair of columns."""
    rng = np.random.default_rng(0)
    columns = [
        Groups(f"c{place}", tuple(map(str, range(width))), rng.integers(0, width, 1_000_000))
        for place, width in enumerate((4, 5, 10, 10, 20))
    ]
    flipped = rng.random(1_000_000) < 0.01
    frame = pd.DataFrame({each.by: each.codes for each in columns} | {"flipped": flipped})

    def pairs() -> None:
        for pair in combinations([each.by for each in columns], 2):
            frame.groupby(list(pair))["flipped"].agg(["sum", "size"])

    compared("discovery: five columns, 1,000,000 rows, 1,000 permutations",
             lambda: discover(columns, flipped, Settings()),
             "pandas groupby().agg() of the ten pairs, once", pairs)  # fmt: skip


RESAMPLES = 10_000
RESAMPLED = {10_000: RESAMPLES, 1_000_000: 20, 10_000_000: 2}
"""How many of the reference's replicates are timed for so many rows; the rest are scaled up."""


def bootstrap(_folder: Path) -> None:
    """All metrics from the tally against one metric by scipy over the rows, of the same size."""
    for rows, resamples in RESAMPLED.items():
        codes = np.random.default_rng(0).choice(5, rows, p=(0.85, 0.01, 0.02, 0.08, 0.04))
        codes = codes.astype(np.uint8)
        against = partial(by_rows, codes == Outcome.NEGATIVE_FLIP, resamples)
        told = "" if resamples == RESAMPLES else f", from {resamples} scaled up"
        for more, work in (
            ("from the tally", partial(resampled, tally(codes))),
            ("and the tally", partial(tallied, codes)),
        ):
            pairs = [(timed(work), timed(against)) for _ in range(PAIRS)]
            ratios = (
                statistics.median(two[at] / one[at] for one, two in pairs) * RESAMPLES / resamples
                for at in (0, 1)
            )
            name = f"{RESAMPLES:,} replicates of all metrics, {rows:,} rows, {more}"
            shown = " | ".join(f"1 : {each:,.0f}" for each in ratios)
            print(f"| {name} | scipy.stats.bootstrap of one metric{told} | {shown} |")


def by_rows(flipped: NDArray[np.bool_], resamples: int) -> None:
    """The percentile interval of the negative flip rate as scipy resamples it."""
    from scipy import stats

    stats.bootstrap(
        (flipped,), np.mean, n_resamples=resamples, batch=max(1, 10_000_000 // len(flipped)),
        vectorized=True, method="percentile", rng=np.random.default_rng(0),
    )  # fmt: skip


def tallied(codes: NDArray[np.uint8]) -> None:
    """The same from the outcomes of the rows."""
    resampled(tally(codes))


def resampled(counted: Tally) -> None:
    """Both bootstrap intervals of every metric, as an audit has them."""
    kinds = Kinds.of(counted)
    drawn = replicates(kinds, RESAMPLES, np.random.default_rng(0))
    for metric in COUNTED.values():
        percentile(metric, drawn, 0.95)
        bca(metric, drawn, kinds, 0.95)


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """CPU and wall seconds of some work in this process."""
    before, start = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - before, time.perf_counter() - start


BENCHMARKS: tuple[Callable[[Path], None], ...] = (
    bootstrap,
    slicing,
    discovering,
    arrays,
    folder_of_images,
)


def main() -> None:
    """Run every benchmark and print one table."""
    print(f"{os.cpu_count()} processors, {PAIRS} pairs each\n")
    print("| work | reference | CPU ratio | wall ratio |\n|---|---|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small_cnn(folder / "old.onnx", 0)
        small_cnn(folder / "new.onnx", 1)
        for benchmark in BENCHMARKS:
            if not sys.argv[1:] or benchmark.__name__ in sys.argv[1:]:
                benchmark(folder)


if __name__ == "__main__":
    main()
