"""Parquet, Feather and JSONL, whose values have types."""

from __future__ import annotations

import datetime as dt
import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from flipcheck.errors import InputError
from flipcheck.labels import Labels
from flipcheck.sources.saved import read_predictions
from flipcheck.sources.spec import Columns
from flipcheck.sources.tables import open_table


def texts(path, name: str = "label") -> list[str | None]:
    """The labels of a column."""
    return Labels.of(open_table(path).load([name])[name]).texts()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, 2, None]), ["1", "2", None]),  # whole numbers
        (pa.array([1.0, 2.5, None]), ["1", "2.5", None]),  # 1.0 is 1 in a numeric column
        (pa.array([1.0, float("nan")]), ["1", None]),  # NaN is no answer
        (pa.array([True, False]), ["True", "False"]),  # booleans
        (pa.array(["007", "", None]), ["007", None, None]),  # text, empty is no answer
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),  # pandas' categories
        (pa.array([3, 5, 3]).dictionary_encode(), ["3", "5", "3"]),  # categories of numbers
        (pa.nulls(2), [None, None]),  # a column of nothing
        (pa.array(["a"], pa.large_string()), ["a"]),  # polars' text
        (pa.array([2**63], pa.uint64()), ["9223372036854775808"]),  # more than a signed number
    ],
)
def test_parquet_columns_become_labels(parquet_file, values, expected):
    """A column is read by the type that its file declares."""
    assert texts(parquet_file(label=values)) == expected


def test_feather(tmp_path):
    """A Feather file is read as a Parquet file is."""
    feather.write_feather(pa.table({"label": ["a", "b"]}), tmp_path / "t.feather")
    assert texts(tmp_path / "t.feather") == ["a", "b"]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1], [2]]),  # lists
        pa.array([{"a": 1}, {"a": 2}]),  # structures
        pa.array([dt.date(2024, 1, 1)] * 2),  # dates
    ],
)
def test_columns_that_hold_no_labels_are_named(parquet_file, values):
    """The error names the file and the column."""
    path = parquet_file(id=[1, 2], prediction=values)
    with pytest.raises(InputError, match="column 'prediction'"):
        read_predictions(path, Columns())


@pytest.mark.parametrize("part", ["id", "label", "prediction", "correct", "confidence", "region"])
def test_dates_are_refused_in_every_part(parquet_file, part):
    """No part of a table takes a value that it cannot hold."""
    dates = [dt.date(2024, 1, 1), dt.date(2024, 1, 2)]
    good = {"id": [1, 2], "label": ["a", "b"], "prediction": ["a", "b"]}
    columns = Columns(by=("region",), correct="correct" if part == "correct" else None)
    with pytest.raises(InputError, match=f"column '{part}'"):
        read_predictions(parquet_file(**{**good, part: pa.array(dates)}), columns)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_damaged_files_are_errors(tmp_path, kind):
    """A file that is cut short, or has bytes changed, is an error or reads; it never crashes."""
    whole = tmp_path / f"whole.{kind}"
    table = pa.table({"label": [f"c{row % 7}" for row in range(500)], "id": list(range(500))})
    if kind == "parquet":
        pa.parquet.write_table(table, whole)
    else:
        feather.write_feather(table, whole)
    data, dice, failed = whole.read_bytes(), random.Random(0), 0
    for number in range(60):
        bad = bytearray(data[: dice.randrange(8, len(data))] if number % 2 else data)
        for _ in range(0 if number % 2 else 8):
            bad[dice.randrange(8, len(bad))] = dice.randrange(256)
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(bad)
        try:
            read_predictions(path, Columns(prediction="label"))
        except InputError as error:
            failed += str(path) in error.message
    assert failed >= 30


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ('{"label": "a"}\n{"label": null}\n{}\n', ["a", None, None]),  # null and absent
        ('{"label": 1}\n{"label": 1.0}\n', ["1", "1"]),  # numbers throughout
        ('{"label": 1}\n{"label": "1.0"}\n', ["1", "1.0"]),  # mixed: text as it is written
        ('{"label": 1.0}\n{"label": "x"}\n', ["1", "x"]),  # a number, as a column of numbers has it
        ('{"label": 2.5}\n{"label": "x"}\n', ["2.5", "x"]),
        ('{"label": true}\n{"label": false}\n', ["True", "False"]),  # booleans throughout
        ('{"label": true}\n{"label": "x"}\n', ["True", "x"]),  # mixed
        ('{"label": "a"}\n\n{"label": "b"}', ["a", "b"]),  # a blank line, no end of the last
        ('\ufeff{"label": "a"}\n', ["a"]),  # a byte order mark
        ('{"label": 18446744073709551615}\n', ["18446744073709551615"]),  # beyond 64 bits
        (
            '{"label": 18446744073709551615}\n{"label": 18446744073709551614}\n',
            ["18446744073709551615", "18446744073709551614"],  # not rounded to one float
        ),
        ("{}\n" * 200 + '{"label": "late"}\n', [None] * 200 + ["late"]),  # a name that comes late
    ],
)
def test_jsonl_values(written, rows, expected):
    """JSON's own types say what a column holds; mixed types are text."""
    assert texts(written("t.jsonl", rows)) == expected


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ('{"label": "a"}\n{"label": "b"\n', "row 2: not JSON"),  # a broken line
        ('{"label": "a"}\n[1]\n', "row 2: not a JSON object"),  # a list
        ('{"label": {"a": 1}}\n', "row 1: 'label' is an object"),
        ('{"label": ["a"]}\n', "row 1: 'label' is a list"),
        ('{"label": "\\ud800"}\n', "row 1: 'label' is not Unicode"),  # half of a character
        ('{"label": ' + "[" * 100_000 + "\n", "row 1: not JSON"),  # nested to exhaust the stack
        ("{\n", "no JSON object"),
    ],
)
def test_bad_json_lines_are_named(written, rows, told):
    """The error says which line is wrong and how."""
    with pytest.raises(InputError) as error:
        texts(written("t.jsonl", rows))
    assert told in str(error.value)


def test_jsonl_that_is_not_utf8(written):
    """The row in another encoding is named."""
    with pytest.raises(InputError, match="row 2"):
        texts(written("t.jsonl", b'{"label": "a"}\n{"label": "caf\xe9"}\n'))


def test_pretty_printed_json_is_explained(written):
    """One JSON document over several lines is not JSONL, and the error says so."""
    with pytest.raises(InputError) as error:
        texts(written("t.json", '{\n  "label": "a"\n}\n'))
    assert "one JSON object a line" in str(error.value)


@pytest.mark.parametrize("gap", [None, 5, 250_000])
def test_large_files_are_read_as_they_are(tmp_path, gap):
    """Columns of many batches and row groups hold what pandas reads, wherever a value is missing.

    The values of the texts differ from one row group to the next, and numbers grow too large for
    four bytes.
    """
    rows = np.arange(300_000)
    frame = pd.DataFrame(
        {
            "id": [f"é{row:07}" if row % 3 else f"{row}" for row in rows.tolist()],
            "number": np.where(rows < 200_000, rows % 7, rows + 2**40),
            "name": [f"c{row // 60_000 + row % 5}" for row in rows.tolist()],
        }
    )
    if gap is not None:
        frame.loc[gap, "name"] = None
        frame.loc[gap, "id"] = None
    path = tmp_path / "large.parquet"
    frame.to_parquet(path, row_group_size=70_000)
    found = open_table(path).load(["id", "number", "name"], ["number", "name"])
    texts = {
        name: [None if pd.isna(each) else each for each in frame[name]] for name in ("id", "name")
    }
    assert found["id"].to_pylist() == texts["id"]
    assert found["number"].to_pylist() == frame["number"].tolist()
    assert found["name"].to_pylist() == texts["name"]
    labels = Labels.of(found["name"])
    assert labels.texts() == texts["name"]
    assert set(labels.used()) == set(labels.names) == set(frame["name"].dropna())
