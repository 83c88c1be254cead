"""An audit of every kind, as the arguments of `flipcheck compare` in one folder of files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from readme_files import write_all

import flipcheck

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE = Path(__file__).parents[1] / "sample_data"
SAVED = ("old.csv", "new.csv")
MODELS = ("old.onnx", "new.onnx", "images")
RUNS = tuple(f"{side}_run/samples_gsm8k_2026-01-01.jsonl" for side in ("old", "new"))

AUDITS: dict[str, Sequence[str]] = {
    "plain": SAVED,
    "gates": (*SAVED, "--max-nfr", "5%", "--max-error-increase", "0", "--by", "region",
              "--gate", "negative_flip_rate <= 8% by region", "--gate", "flips <= 30%"),
    "slices": (*SAVED, "--by", "age", "--by", "class,region", "--min-slice", "30",
               "--quantiles", "3", "--gate", "negative_flip_rate <= 20% by age"),
    "discovery": (*SAVED, "--by", "region", "--by", "age", "--discover"),
    "confirmed": (*SAVED, "--by", "region", "--by", "age", "--discover", "--confirm", "split"),
    "clusters": (*SAVED, "--cluster", "user", "--by", "region", "--bound", "strict"),
    "weights": (*SAVED, "--weight", "traffic", "--max-nfr", "9%"),
    "costs": (*SAVED, "--costs", "costs.csv", "--gate", "expected_cost <= 0.1"),
    "reruns": (*SAVED, "--rerun", "again.csv", "--gate", "excess_negative_flip_rate <= 3%"),
    "policy": (*SAVED, "--critical", "never.txt", "--waivers", "waivers.csv", "--max-nfr", "5%"),
    "waived clusters": (*SAVED, "--waivers", "waivers.csv", "--cluster", "user", "--by", "region"),
    "label noise": (*SAVED, "--label-noise", "2%", "--max-nfr", "4.5%", "--listed", "3"),
    "verdicts": ("old_marks.csv", "new_marks.csv", "--correct", "right", "--max-nfr", "50%"),
    "models": (*MODELS, "--by", "class", "--max-nfr", "5%", "--seed", "3"),
    "early": (*MODELS, "--max-nfr", "20%", "--stop-early"),
    "mixed": ("old.csv", "new.onnx", "images", "--decide", "point", "--max-nfr", "9%"),
    "arrays": ("old.onnx", "new.onnx", "test.npz", "--new-preprocess", "scale=1"),
    "two data": ("old.onnx", "new.onnx", "--old-data", "images", "--new-data", "copy"),
    "labels": (*SAVED, "--labels", "labels.csv", "--id", "id", "--prediction", "prediction"),
    "pictures": (*SAVED, "images", "--listed", "5"),
    "names": (*MODELS, "--classes", "names.txt", "--label-map", "map.json"),
    "ranked": (*MODELS, "--top-k", "2"),
    "shards": ("old/*.parquet", "new", "--confidence", "0.9"),
    "compressed": ("old.csv.gz", "new.csv", "--resamples", "50"),
    "log": (*RUNS, "--pick", "filter=strict-match"),
    "one log": ("results.json", "results.json", "--old-pick", "provider=gpt-4",
                "--new-pick", "provider=gpt-4o"),
    "graded": ("old_rouge.csv", "new_rouge.csv", "--score", "rouge", "--tolerance", "0.05",
               "--score-range", "0,1", "--gate", "mean_regression <= 0.1"),
    "history": (*SAVED, "--history", "report.json"),
    "shown": (*SAVED, "--show", "region,age"),
    "binary": ("old_fraud.csv", "new_fraud.csv", "--probability", "fraud",
               "--new-threshold", "0.62"),
    "label by label": ("old_tags.jsonl", "new_tags.jsonl", "--multilabel", "--per", "label",
                       "--by", "label_name"),
    "sets": ("old_tags.jsonl", "new_tags.jsonl", "--multilabel"),
    "texts": ("old_answers.jsonl", "new_answers.jsonl", "--normalise", "squad",
              "--abstain", "I don't know"),
}  # fmt: skip
"""Small ones with no bootstrap, but for one: what `arguments` gives."""
RESAMPLES = ("--resamples", "0")


def arguments(name: str) -> list[str]:
    """The arguments of an audit."""
    given = [*AUDITS[name], "--quiet"]
    return given if "--resamples" in given else [*given, *RESAMPLES]


def outputs(path: Path) -> list[str]:
    """The options that write every kind of report beside a JSON report."""
    named = {
        "--json": ".json",
        "--html": ".html",
        "--markdown": ".md",
        "--junit": ".xml",
        "--metrics": ".txt",
    }
    return [
        word for flag, suffix in named.items() for word in (flag, str(path.with_suffix(suffix)))
    ]


def write_files(folder: Path) -> None:
    """The files that the audits read."""
    from pyarrow import csv, parquet

    shutil.copytree(SAMPLE / "images", folder / "images")
    shutil.copytree(SAMPLE / "images", folder / "copy")
    for side in ("old", "new"):
        shutil.copy(SAMPLE / f"{side}.onnx", folder)
        table = csv.read_csv(SAMPLE / f"{side}_predictions.csv")
        ids = table["id"].to_pylist()
        places = [int("".join(filter(str.isdigit, each))) for each in ids]
        added = {
            "region": ["EU" if each.endswith("2.png") else "US" for each in ids],
            "user": [f"u{place % 180}" for place in places],
            "traffic": [1 + place % 7 for place in places],
            "age": [18 + place * 7 % 60 for place in places],
        }
        for column, values in added.items():
            table = table.append_column(column, [values])
        csv.write_csv(table, folder / f"{side}.csv")
        parquet.write_table(table, folder / f"{side}.parquet")
    shutil.copy(folder / "old.csv", folder / "again.csv")
    before = flipcheck.compare(folder / "old.csv", folder / "again.csv", resamples=0)
    before.save(folder / "report.json")
    _small_files(folder, ids)
    _arrays(folder)
    write_all(folder)


def _small_files(folder: Path, ids: list[str]) -> None:
    labels = "\n".join(f"{each},{each.split('/')[0]}" for each in ids)
    numbers = sorted({each.split("/")[0] for each in ids})
    texts = {
        "costs.csv": "old,new,cost\nthree,two,5\n*,*,1\n",
        "never.txt": f"{ids[0]}\n{ids[1]}\n",
        "waivers.csv": f"id,reason,owner,expires\n{ids[2]},the label is wrong,Ann,9999-12-31\n",
        "labels.csv": f"id,label\n{labels}\n",
        "names.txt": "\n".join(_model_classes(folder)) + "\n",
        "old_marks.csv": "id,right\n"
        + "".join(f"m{each},{each % 3 and 1}\n" for each in range(90)),
        "new_marks.csv": "id,right\n"
        + "".join(f"m{each},{each % 4 and 1}\n" for each in range(90)),
        "map.json": "{" + ", ".join(f'"{each}": "{each.upper()}"' for each in numbers) + "}\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _model_classes(folder: Path) -> list[str]:
    """The class names in the metadata of the sample model."""
    import json

    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "old.onnx", providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    names = next(iter(json.loads(text) for text in told.values() if text[:1] in "[{"))
    return names if isinstance(names, list) else list(names.values())


def _arrays(folder: Path) -> None:
    import numpy as np
    from PIL import Image

    paths = sorted((folder / "images").glob("*/*.png"))
    pixels = np.stack([np.asarray(Image.open(path), np.float32)[None] / 255 for path in paths])
    names = [path.parent.name for path in paths]
    ids = [path.name for path in paths]
    np.savez(folder / "test.npz", image=pixels, y=names, id=ids)
