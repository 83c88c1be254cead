"""A table of bad inputs: status 2, what is wrong and how to fix it, and nothing else."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import feather, parquet

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "id,label,prediction\n" + "".join(f"x{row},a,{'ab'[row % 5 == 0]}\n" for row in range(20))
REPORTS = ("out.json", "out.html", "out.md", "out.csv")


def packed(write: Any) -> bytes:
    """The bytes that a function writes into a file."""
    out = io.BytesIO()
    write(out)
    return out.getvalue()


def parquet_of(**columns: Any) -> bytes:
    """A Parquet file's bytes."""
    return packed(lambda out: parquet.write_table(pa.table(columns), out))


def npz_of(**arrays: Any) -> bytes:
    """An NPZ archive's bytes."""
    return packed(lambda out: np.savez(out, **arrays))


def zip_of(**members: bytes) -> bytes:
    """A ZIP archive's bytes."""

    def write(out: io.BytesIO) -> None:
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return packed(write)


PNG = packed(lambda out: Image.new("RGB", (4, 4)).save(out, "PNG"))
FEATHER = packed(lambda out: feather.write_feather(pa.table({"id": ["x0"], "x": [1]}), out))
PARQUET = parquet_of(id=["x0"], label=["a"], prediction=["a"])

# what is wrong: (files, arguments; {d} is their folder, good.csv is always there, message, hint)
BAD: dict[str, tuple[dict[str, str | bytes], str, str, str]] = {
    # --- paths
    "no such file": ({}, "{d}/none.csv {d}/good.csv", "none.csv: no such file", "check the path"),
    "an empty file": ({"t.csv": ""}, "{d}/t.csv {d}/good.csv", "the file is empty", "again"),
    "a pattern of nothing": (
        {},
        "{d}/*.parquet {d}/good.csv",
        "no file matches",
        "quote a pattern",
    ),
    "a device": ({}, "/dev/null {d}/good.csv", "neither a file nor a folder", "regular file"),
    "both from a pipe": ({}, "- -", "- for both OLD and NEW", "save one of them"),
    "a test set from a pipe": ({}, "{d}/good.csv {d}/good.csv -", "read more than once", "save it"),
    # --- text tables
    "ragged rows": (
        {"t.csv": "id,prediction\n1,a,b\n"},
        "{d}/t.csv {d}/good.csv",
        "row 2: 3",
        "quote",
    ),
    "an open quote": (
        {"t.csv": 'id,prediction\n1,"a\n'},
        "{d}/t.csv {d}/good.csv",
        "row 2 is never",
        "close it",
    ),
    "Latin-1": (
        {"t.csv": b"id,prediction\n1,\xe9\n"},
        "{d}/t.csv {d}/good.csv",
        "0xE9 in row 2",
        "UTF-8",
    ),
    "UTF-16": ({"t.csv": GOOD.encode("utf-16")}, "{d}/t.csv {d}/good.csv", "UTF-16", "UTF-8"),
    "NUL bytes": (
        {"t.csv": b"id,prediction\n1,\0\n"},
        "{d}/t.csv {d}/good.csv",
        "unknown kind",
        "CSV",
    ),
    "columns of one name": (
        {"t.csv": "id,prediction,prediction\n1,a,b\n"},
        "{d}/t.csv {d}/good.csv",
        "'prediction' and 'prediction' could both",
        "--prediction",
    ),
    "two truths": (
        {"t.csv": "id,label,y,prediction\n1,a,a,b\n"},
        "{d}/t.csv {d}/good.csv",
        "'label' and 'y'",
        "--label",
    ),
    "only a header": (
        {"t.csv": "id,label,prediction\n"},
        "{d}/t.csv {d}/good.csv",
        "no examples",
        "again",
    ),
    "no header": (
        {"t.csv": ",,\n1,2,3\n"},
        "{d}/t.csv {d}/good.csv",
        "no header line",
        "first line",
    ),
    "one column": (
        {"t.csv": "x\n1\n"},
        "{d}/t.csv {d}/good.csv",
        "no prediction column",
        "--prediction",
    ),
    "an id missing": (
        {"t.csv": "id,prediction\n,a\n"},
        "{d}/t.csv {d}/good.csv",
        "without an id",
        "--id",
    ),
    "an id twice": (
        {"t.csv": GOOD + "x0,a,a\n"},
        "{d}/t.csv {d}/good.csv",
        "1 id more than once: 'x0'",
        "--id",
    ),
    "other ids": (
        {"t.csv": GOOD.replace("x", "z")},
        "{d}/t.csv {d}/good.csv",
        "not",
        "no id is on both sides",
    ),
    "other labels": (
        {"t.csv": GOOD.replace(",a,", ",b,")},
        "{d}/t.csv {d}/good.csv",
        "disagree",
        "label",
    ),
    "no label": ({"t.csv": "id,prediction\n1,a\n"}, "{d}/t.csv {d}/t.csv", "label", "--label"),
    # --- compressed
    "gzip cut short": (
        {"t.csv.gz": gzip.compress(GOOD.encode())[:-9]},
        "{d}/t.csv.gz {d}/good.csv",
        "not a readable gzip",
        "compress it again",
    ),
    "gzip of nothing": (
        {"t.csv.gz": gzip.compress(b"")},
        "{d}/t.csv.gz {d}/good.csv",
        "empty",
        "again",
    ),
    "zstd of noise": (
        {"t.csv.zst": b"\x28\xb5\x2f\xfdnoise"},
        "{d}/t.csv.zst {d}/good.csv",
        "not a readable zstd",
        "compress it again",
    ),
    "Parquet in gzip": (
        {"t.parquet.gz": gzip.compress(PARQUET)},
        "{d}/t.parquet.gz {d}/good.csv",
        "a Parquet file inside of gzip",
        "decompress",
    ),
    "bzip2": (
        {"t.csv.bz2": b"BZh91AY"},
        "{d}/t.csv.bz2 {d}/good.csv",
        "compressed with bzip2",
        "gzip",
    ),
    # --- JSON
    "no JSON": (
        {"t.jsonl": '{"id": 1}\n{"id"'},
        "{d}/t.jsonl {d}/good.csv",
        "no prediction column",
        "--prediction",
    ),
    "a broken line": (
        {"t.jsonl": '{"id": 1, "prediction": "a"}\n{"id"'},
        "{d}/t.jsonl {d}/good.csv",
        "row 2: not JSON",
        "one JSON object",
    ),
    "an object for an answer": (
        {"t.jsonl": '{"id": 1, "prediction": {}}'},
        "{d}/t.jsonl {d}/good.csv",
        "is an object",
        "text or numbers",
    ),
    "a list of numbers": (
        {"t.json": "[1, 2]"},
        "{d}/t.json {d}/good.csv",
        "no JSON object",
        "JSON object a line",
    ),
    "a list cut short": (
        {"t.json": '[{"id": 1, "prediction": "a"},'},
        "{d}/t.json {d}/good.csv",
        "row 1: not JSON",
        "one JSON object",
    ),
    # --- Parquet, Feather
    "Parquet cut short": (
        {"t.parquet": PARQUET[:-20]},
        "{d}/t.parquet {d}/good.csv",
        "not a readable Parquet",
        "write it again",
    ),
    "Parquet by name": (
        {"t.parquet": b"PAR1"},
        "{d}/t.parquet {d}/good.csv",
        "not a readable Parquet",
        "write it again",
    ),
    "Feather cut short": (
        {"t.feather": FEATHER[:-20]},
        "{d}/t.feather {d}/good.csv",
        "not a readable Feather",
        "write it again",
    ),
    "lists for answers": (
        {"t.parquet": parquet_of(id=["x0"], prediction=[["a"]])},
        "{d}/t.parquet {d}/good.csv",
        "holds no labels",
        "text or whole numbers",
    ),
    "scores that are NaN": (
        {"t.parquet": parquet_of(id=["x0"], prob_a=[float("nan")], prob_b=[1.0])},
        "{d}/t.parquet {d}/good.csv",
        "NaN or infinite scores",
        "broken model",
    ),
    # --- NPZ
    "no ZIP": (
        {"t.npz": b"PK\x03\x04noise"},
        "{d}/t.npz {d}/good.csv",
        "not a readable NPZ",
        "numpy.savez",
    ),
    "a ZIP without arrays": (
        {"t.npz": zip_of(a=b"x")},
        "{d}/t.npz {d}/good.csv",
        "without arrays",
        "numpy.savez",
    ),
    "an object array": (
        {"t.npz": npz_of(predictions=np.array(["a", None], object))},
        "{d}/t.npz {d}/good.csv",
        "never unpickles",
        "text or numbers",
    ),
    "arrays of two lengths": (
        {"t.npz": npz_of(ids=np.arange(3), predictions=np.arange(2))},
        "{d}/t.npz {d}/good.csv",
        "different length",
        "one row for each",
    ),
    "no predictions": (
        {"t.npz": npz_of(x=np.arange(3))},
        "{d}/t.npz {d}/good.csv",
        "no array of predictions",
        "--prediction",
    ),
    "a cube": (
        {"t.npz": npz_of(probs=np.zeros((2, 2, 2)))},
        "{d}/t.npz {d}/good.csv",
        "shape",
        "save",
    ),
    "a bare array": (
        {"t.npy": b"\x93NUMPY"},
        "{d}/t.npy {d}/good.csv",
        "pickles or bare arrays",
        "NPZ",
    ),
    # --- folders
    "an empty folder": ({"t/.keep": ""}, "{d}/t {d}/good.csv", "a folder without tables", "CSV"),
    "images where predictions should be": (
        {"t/a.csv": GOOD, "t/a/1.png": PNG},
        "{d}/t {d}/good.csv",
        "a folder without tables",
        "CSV",
    ),
    "tables of two kinds": (
        {"t/a.csv": GOOD, "t/b.parquet": PARQUET},
        "{d}/t {d}/good.csv",
        "different kinds",
        "pattern",
    ),
    "tables of other columns": (
        {"t/a.csv": GOOD, "t/b.csv": "id,prediction\n1,a\n"},
        "{d}/t {d}/good.csv",
        "b.csv: no column 'label'",
        "same columns",
    ),
    "tables of other types": (
        {
            "t/a.parquet": parquet_of(id=["y"], prediction=[1]),
            "t/b.parquet": PARQUET[:0] + parquet_of(id=["z"], prediction=["a"]),
        },
        "{d}/t {d}/good.csv",
        "'prediction' is int64 in",
        "same types",
    ),
    "an id in two tables": (
        {"t/a.csv": GOOD, "t/b.csv": "id,label,prediction\nx3,a,a\n"},
        "{d}/t {d}/good.csv",
        "row 5 of a.csv and row 2 of b.csv",
        "once",
    ),
    "an empty table among others": (
        {"t/a.csv": GOOD, "t/b.csv": ""},
        "{d}/t {d}/good.csv",
        "b.csv: the file is empty",
        "again",
    ),
    "a model among tables": (
        {"t/a.csv": GOOD, "t/m.onnx": b"\x08"},
        "{d}/t {d}/good.csv",
        "m.onnx",
        "CSV",
    ),
    "images for predictions": (
        {"t/a/1.png": PNG},
        "{d}/t {d}/good.csv",
        "where predictions or labels",
        "CSV",
    ),
    # --- models and other files
    "a pickle": ({"m.pkl": b"\x80\x04"}, "{d}/m.pkl {d}/good.csv", "never loads pickles", "ONNX"),
    "a PyTorch file": (
        {"m.pt": zip_of(data=b"x")},
        "{d}/m.pt {d}/good.csv",
        "never loads pickles",
        "ONNX",
    ),
    "a Keras file": ({"m.h5": b"\x89HDF"}, "{d}/m.h5 {d}/good.csv", "not a model format", "ONNX"),
    "a spreadsheet": (
        {"t.xlsx": zip_of(a=b"x")},
        "{d}/t.xlsx {d}/good.csv",
        "a spreadsheet",
        "CSV UTF-8",
    ),
    "a model of noise": (
        {"m.onnx": b"\x08noise"},
        "{d}/m.onnx {d}/good.csv {d}/good.csv",
        "m.onnx",
        "",
    ),
    "a model without data": (
        {"m.onnx": b"\x08"},
        "{d}/m.onnx {d}/good.csv",
        "no data to run it on",
        "folder of images",
    ),
    "an unknown binary": ({"t.bin7": b"\0\1\2"}, "{d}/t.bin7 {d}/good.csv", "unknown kind", "ONNX"),
    # --- options
    "no such id column": (
        {},
        "{d}/good.csv {d}/good.csv --id key",
        "no column 'key' (--id)",
        "columns there",
    ),
    "no such label column": ({}, "{d}/good.csv {d}/good.csv --label truth", "'truth'", ""),
    "no such slice": (
        {},
        "{d}/good.csv {d}/good.csv --by region",
        "'region' (--by)",
        "columns there",
    ),
    "no such gate": ({}, "{d}/good.csv {d}/good.csv --gate nfr<1", "nfr", ""),
    "a limit that is none": ({}, "{d}/good.csv {d}/good.csv --max-nfr x", "x", ""),
    "a threshold for a table": (
        {},
        "{d}/good.csv {d}/good.csv --threshold 0.5",
        "--threshold is for models",
        "leave it out",
    ),
    "data for a table": (
        {},
        "{d}/good.csv {d}/good.csv --old-data {d}/good.csv",
        "--old-data is for a model",
        "",
    ),
    "a verdict that is none": (
        {"t.csv": "id,correct\nx0,maybe\n"},
        "{d}/t.csv {d}/t.csv --correct correct",
        "neither 0/1 nor true/false",
        "0 or 1",
    ),
    "weights that are none": (
        {
            "t.csv": GOOD.replace("prediction", "prediction,w")
            .replace("\n", ",-1\n")
            .replace("w,-1", "w")
        },
        "{d}/t.csv {d}/t.csv --weight w",
        "negative",
        "a weight is",
    ),
    "labels that are no table": (
        {"l.npz": b"PK\x03\x04"},
        "{d}/good.csv {d}/good.csv --labels {d}/l.npz",
        "not a readable NPZ",
        "numpy.savez",
    ),
    "a map that is none": (
        {"m.csv": "a\n"},
        "{d}/good.csv {d}/good.csv --label-map {d}/m.csv",
        "without two names",
        "two columns",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(command, tmp_path: Path, name):
    """What is wrong and how to fix it, on standard error, with status 2; no report is written."""
    files, arguments, told, hint = BAD[name]
    (tmp_path / "good.csv").write_text(GOOD)
    for each, content in files.items():
        path = tmp_path / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    there = sorted(tmp_path.rglob("*"))
    json, html, markdown, flips = (tmp_path / each for each in REPORTS)
    reports = ("--json", json, "--html", html, "--markdown", markdown, "--flips", flips)
    given = [each.format(d=tmp_path) for each in arguments.split()]
    run = command("compare", *given, *reports)
    assert (run.status, run.out) == (2, "")
    message, _, hinted = run.err.partition("hint:")
    assert told in message
    assert hint in hinted
    assert "Traceback" not in run.err
    assert "internal error" not in run.err
    assert sorted(tmp_path.rglob("*")) == there


def test_the_table_is_long():
    """Every kind of input has its rows."""
    assert len(BAD) >= 60
