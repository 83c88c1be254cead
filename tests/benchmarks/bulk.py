"""What audits of saved predictions cost, from start-up to ten million rows.

    python tests/benchmarks/bulk.py [start_up small integers texts in_order csv slices logs rivals]

The rivals are other packages: RIVALS names a Python interpreter that has modeldiff-ml and
toolkit-eval-harness installed, and without it they are left out.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet
from timing import FLIPCHECK, Cost, against, cost, print_pairs, run_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS, RESAMPLES, SCALED = 10_000_000, 10_000, 200
DUCKDB = """
import sys, duckdb
old, new = sys.argv[1:]
duckdb.sql(f'''select
  count(*) filter (o.prediction = o.label and n.prediction = o.label),
  count(*) filter (o.prediction = o.label and n.prediction <> o.label),
  count(*) filter (o.prediction <> o.label and n.prediction = o.label),
  count(*) filter (o.prediction <> o.label and n.prediction <> o.label
                   and o.prediction = n.prediction),
  count(*) filter (o.prediction <> o.label and n.prediction <> o.label
                   and o.prediction <> n.prediction)
  from '{old}' o join '{new}' n using (id)''').fetchall()
"""
PYARROW = """
import sys
from pyarrow import parquet
for path in sys.argv[1:]:
    parquet.read_table(path, columns=["id", "label", "prediction"])
"""
PANDAS = """
import sys, numpy as np, pandas as pd
from scipy import stats
old, new = (pd.read_csv(path) for path in sys.argv[1:3])
both = old.merge(new, on="id", validate="1:1", suffixes=("_old", "_new"))
right = both["prediction_old"] == both["label_old"]
flipped = (right & (both["prediction_new"] != both["label_old"])).to_numpy()
if int(sys.argv[3]):
    stats.bootstrap((flipped,), np.mean, n_resamples=int(sys.argv[3]), batch=10, vectorized=True,
                    method="percentile", rng=np.random.default_rng(0))
"""


def answers(rows: int, classes: int) -> tuple[Any, Any, Any]:
    """The true class of each row, and what an old and a new model answer."""
    random = np.random.default_rng(3)
    truth = random.integers(0, classes, rows)
    old, new = (
        np.where(random.random(rows) < error, random.integers(0, classes, rows), truth)
        for error in (0.2, 0.17)
    )
    return truth, old, new


def tables(rows: int, *, texts: bool, shuffled: bool, classes: int = 100) -> list[pa.Table]:
    """The old and the new model's saved predictions, whose ids and labels may be texts."""
    random, found = np.random.default_rng(4), []
    truth, *sides = answers(rows, classes)
    names = pa.array([f"class_{number:04}" for number in range(classes)])
    for side in sides:
        order = random.permutation(rows) if shuffled else np.arange(rows)
        ids, labels, given = (pa.array(each) for each in (order, truth[order], side[order]))
        if texts:
            ids = pc.utf8_lpad(ids.cast(pa.string()), 8, "0")
            ids = pc.binary_join_element_wise("img", ids, "_")
            labels, given = names.take(labels), names.take(given)
        found.append(pa.table({"id": ids, "label": labels, "prediction": given}))
    return found


def saved(folder: Path, *made: pa.Table, suffix: str = "parquet") -> list[str]:
    """The paths of the tables, saved."""
    paths = [str(folder / f"{name}.{suffix}") for name in ("old", "new")]
    write = parquet.write_table if suffix == "parquet" else csv.write_csv
    for path, table in zip(paths, made, strict=True):
        write(table, path)
    return paths


def compare(*paths: str) -> list[str]:
    """The command that compares two files."""
    return [*FLIPCHECK, "compare", *paths]


def python(script: str, *given: str) -> list[str]:
    """The command that runs a script."""
    return [sys.executable, "-c", script, *given]


def start_up(_folder: Path) -> None:
    """Help against the import of pandas."""
    against("flipcheck --help", [*FLIPCHECK, "--help"], "import pandas", python("import pandas"))


def small(folder: Path) -> None:
    """A thousand rows against the import of pandas."""
    paths = saved(folder, *tables(1000, texts=True, shuffled=True, classes=10), suffix="csv")
    against("compare, 1,000 CSV rows", compare(*paths), "import pandas", python("import pandas"))


def integers(folder: Path) -> None:
    """Ten million rows with whole numbers as ids, in two orders."""
    paths = saved(folder, *tables(ROWS, texts=False, shuffled=True))
    against("compare, 10,000,000 rows, integer ids, two orders", compare(*paths),
            "DuckDB: the join and five counts", python(DUCKDB, *paths))  # fmt: skip


def texts(folder: Path) -> None:
    """Ten million rows with texts as ids, in two orders; other texts than numbered ones too."""
    made = tables(ROWS, texts=True, shuffled=True)
    paths = saved(folder, *made)
    against("the same, string ids (img_00001234)", compare(*paths),
            "DuckDB: the join and five counts", python(DUCKDB, *paths))  # fmt: skip
    for place, table in enumerate(made):
        ids = table["id"].combine_chunks()
        odd = pc.binary_join_element_wise(pc.utf8_reverse(ids), "img", "")
        made[place] = table.set_column(0, "id", odd)
    paths = saved(folder, *made)
    against("the same, ids of no common form", compare(*paths),
            "DuckDB: the join and five counts", python(DUCKDB, *paths))  # fmt: skip


def in_order(folder: Path) -> None:
    """Ten million rows in one order, integers and texts."""
    for told, text in (("integer", False), ("string", True)):
        paths = saved(folder, *tables(ROWS, texts=text, shuffled=False))
        against(f"compare, 10,000,000 rows in one order, {told} ids", compare(*paths),
                "pyarrow: reading the three columns", python(PYARROW, *paths))  # fmt: skip


def csv_files(folder: Path) -> None:
    """A million rows as CSV against pandas and scipy."""
    paths = saved(folder, *tables(1_000_000, texts=True, shuffled=True), suffix="csv")
    pairs = []
    for _ in range(3):
        work, read, some = (
            cost(each)
            for each in (
                compare(*paths),
                python(PANDAS, *paths, "0"),
                python(PANDAS, *paths, str(SCALED)),
            )
        )
        cpu, wall = (read[at] + (some[at] - read[at]) * RESAMPLES / SCALED for at in (0, 1))
        pairs.append((work, Cost(cpu, wall, some.peak)))
    told = f"pandas.merge and scipy.stats.bootstrap of the NFR, from {SCALED} replicates scaled up"
    print_pairs("compare, 1,000,000 CSV rows", told, pairs)


def slices(folder: Path) -> None:
    """A thousand slices and classes against two classes and no slices."""
    rows, by = 400_000, np.random.default_rng(0).integers(0, 1000, 400_000)
    commands = []
    for classes, more in ((1000, ["--by", "slice"]), (2, [])):
        place = folder / str(classes)
        place.mkdir()
        made = tables(rows, texts=False, shuffled=False, classes=classes)
        made = [each.append_column("slice", pa.array(by)) for each in made]
        commands.append([*compare(*saved(place, *made)), *more])
    against("compare, 400,000 rows, 1,000 slices and 1,000 classes", commands[0],
            "compare, two classes, no slices", commands[1])  # fmt: skip


def logs(folder: Path) -> None:
    """Fifty evaluation logs whose prompts and responses are twenty times as long."""
    for times in (1, 20):
        for side in ("old", "new"):
            place = folder / f"{side}{times}"
            place.mkdir()
            for task in range(50):
                lines = (json.dumps(_sample(row, times, side)) for row in range(200))
                (place / f"samples_task{task}_2026.jsonl").write_text("\n".join(lines) + "\n")
    long, short = (
        [*FLIPCHECK, "compare", str(folder / f"old{times}"), str(folder / f"new{times}")]
        for times in (20, 1)
    )
    against("compare, 50 logs of long prompts", long, "prompts a twentieth as long", short, pairs=3)


def _sample(row: int, times: int, side: str) -> dict[str, Any]:
    """One line of an lm-evaluation-harness log."""
    text = f"{row} is a number. " * 100 * times
    right = float((row * 7 + len(side)) % 10 > 1)
    return {
        "doc_id": row,
        "doc": {"question": text},
        "target": str(row),
        "resps": [[text]],
        "filtered_resps": [str(row)],
        "filter": "none",
        "doc_hash": f"{row:064x}",
        "prompt_hash": f"{row:064x}",
        "target_hash": f"{row:064x}",
        "metrics": ["exact_match"],
        "exact_match": right,
    }


def rivals(folder: Path) -> None:
    """A million rows against other packages that compare two models."""
    interpreter = os.environ.get("RIVALS")
    if interpreter is None:
        print("| the other packages | RIVALS names no interpreter that has them | | | | | |")
        return
    rows = int(os.environ.get("RIVALS_ROWS", "1000000"))
    made = tables(rows, texts=False, shuffled=False, classes=2)
    paths = saved(folder, *made)
    labels, old, new = (
        table[name]
        for table, name in zip((made[0], *made), ("label", "prediction", "prediction"), strict=True)
    )
    random = np.random.default_rng(0)
    both = {"label": labels, "old": old, "new": new, "x": random.random(rows),
            "y": random.random(rows)}  # fmt: skip
    csv.write_csv(pa.table(both), folder / "both.csv")
    modeldiff = [
        *(interpreter, "-m", "modeldiff.cli", "compare", "--data", str(folder / "both.csv")),
        *("--target", "label", "--baseline-pred", "old", "--candidate-pred", "new"),
        *("--task", "binary_classification", "--metric", "log_loss"),
    ]
    pairs = [(cost(compare(*paths)), cost(modeldiff))]
    print_pairs(f"compare, {rows:,} rows", "modeldiff-ml compare", pairs)
    fewer = tables(rows // 100, texts=False, shuffled=False, classes=2)
    pairs = [(cost(compare(*saved(folder, *fewer))), toolkit(interpreter, folder, fewer))]
    print_pairs(f"compare, {rows // 100:,} rows", "toolkit-eval run, run, compare", pairs)


def toolkit(interpreter: str, folder: Path, made: list[pa.Table]) -> Cost:
    """What toolkit-eval-harness takes for the same: two runs and a comparison of their reports."""
    suite = folder / "suite"
    suite.mkdir()
    (suite / "suite.json").write_text(
        json.dumps({"schema_version": 1, "name": "bulk", "description": "", "scoring":
                    {"scorers": ["exact"]}})
    )  # fmt: skip
    with (suite / "cases.jsonl").open("w") as file:
        columns = (made[0][name].to_pylist() for name in ("id", "label"))
        for row, label in zip(*columns, strict=True):
            file.write(json.dumps({"id": str(row), "input": "", "expected": label}) + "\n")
    reports, used = [], []
    command = [interpreter, "-m", "toolkit_eval_harness"]
    for side, table in zip(("old", "new"), made, strict=True):
        path, report = folder / f"{side}.jsonl", folder / f"{side}.json"
        with path.open("w") as file:
            columns = (table[name].to_pylist() for name in ("id", "prediction"))
            for row, answer in zip(*columns, strict=True):
                file.write(json.dumps({"id": str(row), "prediction": answer}) + "\n")
        run = [*command, "run", "--suite", str(suite), "--predictions", str(path)]
        used.append(cost([*run, "--out", str(report)], status=1))  # as some answers are wrong
        reports.append(str(report))
    last = [*command, "compare", "--baseline", reports[0], "--candidate", reports[1]]
    used.append(cost(last))
    return Cost(sum(u.cpu for u in used), sum(u.wall for u in used), max(u.peak for u in used))


BENCHMARKS: dict[str, Callable[[Path], None]] = {
    "start_up": start_up,
    "small": small,
    "integers": integers,
    "texts": texts,
    "in_order": in_order,
    "csv": csv_files,
    "slices": slices,
    "logs": logs,
    "rivals": rivals,
}


if __name__ == "__main__":
    run_all(BENCHMARKS)
