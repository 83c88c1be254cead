"""CSV files of flips in the hands of a spreadsheet: text is text, whatever it begins with."""

from __future__ import annotations

import csv

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from flipcheck.cli.spreadsheet import disarmed, without_formulas

SIGNS = "=+-@＝＋－＠\t\r"
"""What OWASP says a cell must not begin with, and the wide forms of it."""

CELLS = [
    ("=HYPERLINK(1)", True),
    ("=1+1", True),
    ("+cmd|' /C calc'!A0", True),
    ("-2+3", True),
    ("@SUM(A1)", True),
    ("\tx", True),
    ("\rx", True),
    ("\nx", True),
    ("＝1", True),
    ("  =1", True),  # blanks before it are trimmed by some
    ("\ufeff=1", True),  # a mark that nobody sees
    ("\u202e=1", True),  # so is this one
    ("-", True),  # no number
    ("--1", True),
    ("-5", False),  # a number as text is what it says
    ("+3.25", False),
    ("-1e-7", False),
    (".5", False),
    ("a=1", False),
    ("1;=2", False),
    ("", False),
    (None, False),
    ("'=1", False),  # text already
    ("folder/-x.png", False),
]


@pytest.mark.parametrize(("text", "armed"), CELLS)
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
def test_formulas_get_an_apostrophe(text, armed, kind):
    """And nothing else is changed."""
    column = disarmed(pa.chunked_array([[text, "x"]], kind))
    assert column.type == kind
    assert column.to_pylist() == [f"'{text}" if armed else text, "x"]


@given(st.text(max_size=30), st.sampled_from(SIGNS), st.sampled_from(["", " ", "\u200b", "\x00"]))
def test_no_cell_begins_with_a_sign(text, sign, blank):
    """But for plain numbers, which Python reads as such."""
    cell = f"{blank if sign.strip() else ''}{sign}{text}"
    (found,) = disarmed(pa.array([cell])).to_pylist()
    assert found in {cell, f"'{cell}"}
    if found == cell:
        assert float(cell) == float(cell)


def test_numbers_stay_numbers():
    """Columns that are not text are not looked at; names of columns are text."""
    table = pa.table({"=id": [-1, 2], "x": pa.array([-0.5, None]), "": ["=1", "y"]})
    found = without_formulas(table)
    assert found.column_names == ["'=id", "x", ""]
    assert found.column(0).to_pylist() == [-1, 2]
    assert found.column(1).equals(table.column(1))
    assert found.column(2).to_pylist() == ["'=1", "y"]


EVIL = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def sides(tmp_path):
    """Two files whose ids, labels, answers and columns are formulas."""
    paths = []
    for side, answer in (("old", EVIL), ("new", "@SUM(1)")):
        path = tmp_path / f"{side}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            write = csv.writer(file)
            write.writerow(["id", "label", "prediction", "+kind"])
            write.writerows([[f"-{row}+1", EVIL, answer, "\tx"] for row in range(3)])
        paths.append(path)
    return paths


def test_a_table_of_flips_runs_nothing(sides, command, tmp_path):
    """No cell of the file, and no name of a column, begins a formula."""
    done = command("compare", *sides, "--by", "+kind", "--flips", tmp_path / "f.csv")
    assert done.status == 0
    with (tmp_path / "f.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 4
    assert [row[0] for row in rows] == ["id", "'-0+1", "'-1+1", "'-2+1"]
    assert f"'{EVIL}" in rows[1]
    for row in rows:
        for cell in row:
            assert cell[:1] not in set(SIGNS), row


def test_parquet_keeps_what_it_was_given(sides, command, tmp_path):
    """For joining by id there is a format that is no spreadsheet's."""
    done = command("compare", *sides, "--flips", tmp_path / "f.parquet")
    assert done.status == 0
    table = parquet.read_table(tmp_path / "f.parquet")
    assert table["id"].to_pylist() == ["-0+1", "-1+1", "-2+1"]
    assert set(table["old"].to_pylist()) == {EVIL}


def test_predictions_are_read_back_as_they_were(sample, command, tmp_path):
    """`predict -o` writes for flipcheck, which pairs by what is there: nothing is added."""
    images = tmp_path / "images" / "=one"
    images.mkdir(parents=True)
    first = min((sample / "images" / "one").iterdir())
    (images / "-x.png").write_bytes(first.read_bytes())
    other = tmp_path / "images" / "two"
    other.mkdir()
    (other / "a.png").write_bytes(first.read_bytes())
    classes = ",".join(["=one", "two", *(f"c{place}" for place in range(8))])
    arguments = ("--classes", classes, "-o", tmp_path / "p.csv", "--quiet")
    done = command("predict", sample / "old.onnx", tmp_path / "images", *arguments)
    assert done.status == 0, done.err
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        assert {row["id"] for row in csv.DictReader(file)} == {"=one/-x.png", "two/a.png"}
