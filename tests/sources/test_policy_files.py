"""Critical examples and waivers from files and Python sequences, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from flipcheck.errors import InputError, UsageError
from flipcheck.policy import CriticalExample, Waiver
from flipcheck.sources.policy import read_policy, today

GOOD = {"id": "a", "reason": "known", "owner": "ana", "expires": "2999-12-31"}


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    """It is the 22nd of November 2026, until midnight in UTC."""
    stamp = int(datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC).timestamp())
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(stamp))


def critical(given, id_column=None):
    """The critical examples that are read."""
    return read_policy(given, None, None, id_column).critical


def waivers(given, never=None, id_column=None):
    """The waivers that are read."""
    return read_policy(never, given, None, id_column).waivers


# --- what must never break -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "ids", "places"),
    [
        ("a\nb\n", ["a", "b"], ["row 1", "row 2"]),
        ("a\r\n\r\nb", ["a", "b"], ["row 1", "row 3"]),  # Windows' lines, a gap, no end
        ("\ufeffcat/1.png\n", ["cat/1.png"], ["row 1"]),  # a byte order mark
        ("x,1\ny;2\n", ["x,1", "y;2"], ["row 1", "row 2"]),  # ids with delimiters
        (" a\n007\n", [" a", "007"], ["row 1", "row 2"]),  # ids are text, to the letter
        ('"a"\n', ['"a"'], ["row 1"]),  # quotes too
        ("id\na\n", ["a"], ["row 2"]),  # a table of one column
        ("why,id\nx,a\ny,b\n", ["a", "b"], ["row 2", "row 3"]),  # a table of more
        ('{"id": 7}\n{"id": 8, "reason": "x"}\n', ["7", "8"], ["row 1", "row 2"]),  # JSONL
    ],
)
def test_ids_one_a_line_or_in_a_table(tmp_path, content, ids, places):
    """A file that has no column of ids is a list of them."""
    path = tmp_path / "critical"
    path.write_bytes(content.encode())
    found = critical(path)
    assert [each.id for each in found.entries] == ids
    assert list(found.places) == places
    assert (found.source, len(found.sha256)) == (str(path), 64)


def test_a_table_may_have_reasons(table):
    """Why an example is critical is kept for the report; most need no reason."""
    path = table("c.csv", "id,reason", "a,a key customer", "b,")
    assert critical(path).entries == (CriticalExample("a", "a key customer"), CriticalExample("b"))


def test_the_column_of_ids_may_be_named(table):
    """--id names it where the table has it; else the usual names do."""
    path = table("c.csv", "id,image", "1,x", "2,y")
    assert [each.id for each in critical(path, "image").entries] == ["x", "y"]
    assert [each.id for each in critical(path, "other").entries] == ["1", "2"]


@pytest.mark.parametrize("write", [parquet.write_table, feather.write_feather])
def test_typed_tables_of_ids(tmp_path, write):
    """Whole numbers are told as their texts, which is how ids of two types meet."""
    write(pa.table({"id": [1, 2**40]}), tmp_path / "c")
    assert [each.id for each in critical(tmp_path / "c").entries] == ["1", str(2**40)]


@pytest.mark.parametrize(
    "given",
    [["1", "2"], (1, 2), np.array([1, 2]), pd.Series([1, 2]), {"1": 0, "2": 0}.keys()],
)
def test_ids_from_python(given):
    """Any sequence of ids will do; no file stands behind them."""
    found = critical(given)
    assert [each.id for each in found.entries] == ["1", "2"]
    assert (found.source, found.places) == (None, ("entry 1", "entry 2"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no ids in it"),
        ("\n\n", "no ids in it"),
        ("id,reason\n", "no ids in it"),
        ("a\nb\na\n", "1 problem"),
        ("id,reason\n,x\n", "1 problem"),
        ('{"name": "a"}\n', "no column 'id'"),
        ("item_id,uuid\n1,2\n", "could both be the id"),
    ],
)
def test_a_list_that_would_check_nothing_is_an_error(tmp_path, content, message):
    """No ids, an id twice, a row without one: nothing passes because of a slip."""
    path = tmp_path / "critical.txt"
    path.write_text(content, "utf-8")
    with pytest.raises(InputError, match=message) as caught:
        critical(path)
    assert caught.value.message.startswith(str(path))
    assert caught.value.hint


def test_a_file_in_another_encoding_is_an_error(tmp_path):
    """The row of the first bad byte is told."""
    path = tmp_path / "critical.txt"
    path.write_bytes(b"a\nb\xe9\n")
    with pytest.raises(InputError, match="byte 0xE9 in row 2"):
        critical(path)


@pytest.mark.parametrize("name", ["images", "old.onnx"])
def test_what_is_no_table_is_refused(sample, name):
    """A model or a folder holds no ids."""
    with pytest.raises(InputError, match="no table"):
        critical(sample / name)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], InputError, "critical: no ids"),
        (7, UsageError, "critical is a int"),
        ({"a": "why"}, UsageError, "critical is a dict"),
        (["a", None], InputError, "critical: 1 problem"),
        (["a", 1], InputError, "not one column"),
    ],
)
def test_ids_from_python_that_are_none(given, error, message):
    """What is wrong, by its name in the call."""
    with pytest.raises(error, match=message):
        critical(given)


# --- what was accepted ---------------------------------------------------------------------


def test_waivers_from_a_text_table(table):
    """The columns may stand in any order, with others beside them."""
    path = table("w.csv", "owner,expires,id,note,reason", 'ana,2027-01-31,a,x,"one, two"')
    assert waivers(path).entries == (Waiver("a", "one, two", "ana", "2027-01-31"),)
    assert waivers(path).places == ("row 2",)


@pytest.mark.parametrize(
    "expires",
    [
        ["2027-01-31"],
        [date(2027, 1, 31)],
        pa.array([datetime(2027, 1, 31)], pa.timestamp("us")),  # noqa: DTZ001  (no zone on purpose)
    ],
)
def test_waivers_from_a_typed_table(tmp_path, expires):
    """A day may be text, a date, or the timestamp that pandas makes of it."""
    columns = {"id": [7], "reason": ["known"], "owner": ["ana"], "expires": expires}
    parquet.write_table(pa.table(columns), tmp_path / "w.parquet")
    assert waivers(tmp_path / "w.parquet").entries == (Waiver("7", "known", "ana", "2027-01-31"),)


def test_waivers_from_python():
    """Mappings; the day may be a date."""
    found = waivers([GOOD, GOOD | {"id": 7, "expires": date(2026, 11, 22)}])
    assert [each.id for each in found.entries] == ["a", "7"]
    assert found.entries[1].expires == "2026-11-22"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"reason": ""}, "no reason"),
        ({"reason": None}, "no reason"),
        ({"reason": float("nan")}, "no reason"),
        ({"owner": " "}, "no owner"),
        ({"expires": ""}, "no day in 'expires'"),
        ({"expires": "never"}, "'never' in 'expires' is no day: write it as 2026-12-31"),
        ({"expires": "31/12/2026"}, "is no day"),
        ({"expires": "20261231"}, "is no day"),  # ISO too, but not as it is asked for
        ({"expires": "2027-02-29"}, "is no day"),  # not in that year
        ({"expires": "2026-11-21"}, "'a' expired on 2026-11-21 (owner: ana; now 2026-11-22)"),
        ({"id": ""}, "no id"),
        ({"id": "z"}, "'z' is a critical example"),
    ],
)
def test_a_waiver_that_does_not_hold_is_an_error(change, problem):
    """Nobody answers for it, or nobody does any more."""
    with pytest.raises(InputError) as caught:
        waivers([GOOD | change], never=["z"])
    (found,) = caught.value.problems
    assert found.startswith("entry 1: ")
    assert problem in found


def test_all_that_is_wrong_is_told_at_once_by_row(table):
    """Four rows, four problems, in the order of the rows."""
    rows = ["a,,ana,2999-01-01", "b,x,,2999-01-01", "a,x,ana,2999-01-01", "c,x,ana,2020-01-01"]
    with pytest.raises(InputError) as caught:
        waivers(table("w.csv", "id,reason,owner,expires", *rows))
    starts = [problem.split(":")[0] for problem in caught.value.problems]
    assert starts == ["row 2", "row 3", "row 4", "row 5"]
    assert caught.value.problems[2] == "row 4: 'a' once more"


def test_missing_columns_are_named_together(table):
    """With the columns that are there."""
    with pytest.raises(InputError, match="no column 'owner', 'expires'") as caught:
        waivers(table("w.csv", "id,reason", "a,x"))
    assert caught.value.hint == "columns there: id, reason"


@pytest.mark.parametrize("rows", [[], None])
def test_no_waivers_are_an_error(table, tmp_path, rows):
    """An empty file is a slip, not a release without waivers."""
    path = tmp_path / "empty"
    path.touch()
    given = rows if rows == [] else path
    with pytest.raises(InputError, match="no waivers in it"):
        waivers(given)
    with pytest.raises(InputError, match="no waivers in it"):
        waivers(table("w.csv", "id,reason,owner,expires"))


@pytest.mark.parametrize("given", [["a"], GOOD, 3])
def test_waivers_from_python_that_are_none(given):
    """A list of mappings is asked for."""
    with pytest.raises(UsageError, match="waivers"):
        waivers(given)


# --- the day, and the share ----------------------------------------------------------------


def test_the_day_is_that_of_a_repeated_run(monkeypatch):
    """SOURCE_DATE_EPOCH sets it; without it, it is today's in UTC."""
    assert today() == date(2026, 11, 22)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert abs((today() - datetime.now(UTC).date()).days) <= 1


@pytest.mark.parametrize("text", ["soon", "1e9", "9" * 30])
def test_a_time_that_is_none_is_an_error(monkeypatch, text):
    """A typo there does not make an expired waiver hold."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        today()


@pytest.mark.parametrize(("given", "share"), [("2%", 0.02), ("0.02", 0.02), (0.29, 0.29)])
def test_the_share_of_wrong_labels(given, share):
    """As a percentage or a fraction."""
    assert read_policy(None, None, given, None).label_noise == share


@pytest.mark.parametrize("given", ["2", "0", "100%", "-1%", "few", "nan", "inf", "", 1])
def test_a_share_that_is_none_is_an_error(given):
    """From 0 to 1, without its ends."""
    with pytest.raises(UsageError, match="no share of the labels") as caught:
        read_policy(None, None, given, None)
    assert ("did you mean" in caught.value.hint) == (given in {"2", 1})
