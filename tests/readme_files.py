"""Files under the names that the README uses, each small and in the shape that its tool writes."""

from __future__ import annotations

import gzip
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 120
SIDES = {"old": 0.2, "new": 0.15}
"""Each side and how often it errs."""


def write_all(folder: Path) -> None:
    """Shards, evaluation logs, and answers of every task."""
    for write in (_shards, _samples, _results, _tags, _answers, _rouge, _probabilities):
        write(folder)


def _errs(side: str) -> list[bool]:
    """Which answers of a side are wrong."""
    return list(np.random.default_rng(len(side) + ord(side[0])).random(SIZE) < SIDES[side])


def _jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _shards(folder: Path) -> None:
    for side in SIDES:
        whole = (folder / f"{side}.csv").read_text(encoding="utf-8")
        (folder / f"{side}.csv.gz").write_bytes(gzip.compress(whole.encode(), mtime=0))
        (folder / side).mkdir()
        shutil.copy(folder / f"{side}.parquet", folder / side / "part-0.parquet")


def _samples(folder: Path) -> None:
    """Samples of lm-evaluation-harness with two filters."""
    for side in SIDES:
        rows = [
            {
                "doc_id": number,
                "doc": {"question": f"q{number}", "answer": str(number)},
                "target": str(number),
                "resps": [[f"it is {number}"]],
                "filtered_resps": [str(number + wrong)],
                "filter": name,
                "metrics": ["exact_match"],
                "doc_hash": f"{number:064x}",
                "exact_match": float(not wrong),
            }
            for number, wrong in enumerate(_errs(side))
            for name in ("strict-match", "flexible-extract")
        ]
        _jsonl(folder / f"{side}_run" / "samples_gsm8k_2026-01-01.jsonl", rows)


def _results(folder: Path) -> None:
    """One file of promptfoo with two providers."""
    rows = [
        {
            "testIdx": test,
            "promptIdx": column,
            "provider": {"id": provider, "label": ""},
            "prompt": {"raw": f"q{test}", "label": "plain"},
            "testCase": {"assert": [{"type": "contains", "value": "x"}]},
            "response": {"output": "x"},
            "failureReason": int(wrong),
            "success": not wrong,
            "score": int(not wrong),
        }
        for column, (provider, side) in enumerate({"gpt-4": "old", "gpt-4o": "new"}.items())
        for test, wrong in enumerate(_errs(side))
    ]
    log = {"evalId": "eval-1", "results": {"version": 3, "results": rows}}
    (folder / "results.json").write_text(json.dumps(log), encoding="utf-8")


def _tags(folder: Path) -> None:
    for side in SIDES:
        rows = [
            {
                "id": number,
                "label": ["news", "sport"][: 1 + number % 2],
                "prediction": ["news"] if wrong else ["news", "sport"][: 1 + number % 2],
            }
            for number, wrong in enumerate(_errs(side))
        ]
        _jsonl(folder / f"{side}_tags.jsonl", rows)


def _answers(folder: Path) -> None:
    for side in SIDES:
        rows = [
            {
                "id": number,
                "label": f"the {number} Apples",
                "prediction": "I don't know" if wrong else f"{number} apples.",
            }
            for number, wrong in enumerate(_errs(side))
        ]
        _jsonl(folder / f"{side}_answers.jsonl", rows)


def _rouge(folder: Path) -> None:
    for side in SIDES:
        rows = [f"{number},{0.4 if wrong else 0.8}" for number, wrong in enumerate(_errs(side))]
        text = "\n".join(["id,rouge", *rows]) + "\n"
        (folder / f"{side}_rouge.csv").write_text(text, encoding="utf-8")


def _probabilities(folder: Path) -> None:
    for side in SIDES:
        rows = [
            f"{number},{number % 2},{abs(number % 2 - (0.6 if wrong else 0.1)):.2f}"
            for number, wrong in enumerate(_errs(side))
        ]
        text = "\n".join(["id,label,fraud", *rows]) + "\n"
        (folder / f"{side}_fraud.csv").write_text(text, encoding="utf-8")
