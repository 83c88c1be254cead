"""CSV, TSV and their like."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flipcheck.errors import InputError
from flipcheck.sources.tables import open_table


def columns(path, *names: str) -> dict[str, list[object]]:
    """The named columns of a table as lists."""
    return {name: each.to_pylist() for name, each in open_table(path).load(names).items()}


@pytest.mark.parametrize(
    "text",
    [
        "2e34",  # a number in scientific notation
        "007",  # leading zeros
        "no",  # a boolean to YAML
        "None",  # a missing value to some readers
        "NA",  # a missing value to R and pandas
        "nan",  # a number to Python
        "true",  # a boolean to JSON
        "1.0",  # a number
        " cat ",  # spaces around it
        "-",  # a missing value in some spreadsheets
        "12345678901234567890",  # more than 64 bits
    ],
)
def test_text_stays_as_it_is_written(written, text):
    """No value of a text file becomes a number, a boolean or a null."""
    path = written("t.csv", f"id,label\na,{text}\nb,x\n")
    assert columns(path, "label") == {"label": [text, "x"]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "id,label\na,cat\n"),  # commas
        ("t.tsv", "id\tlabel\na\tcat\n"),  # tabs, by suffix
        ("t.txt", "id\tlabel\na\tcat\n"),  # tabs, by content
        ("t.csv", "id;label\na;cat\n"),  # semicolons, as spreadsheets write in half of Europe
        ("t.csv", "id|label\na|cat\n"),  # bars
        ("t.csv", 'id;label;"a, b, and c"\na;cat;x\n'),  # commas in a quoted name are no delimiter
        ("t.csv", "\ufeffid,label\na,cat\n"),  # a byte order mark
        ("t.csv", "id,label\r\na,cat\r\n"),  # Windows
        ("t.csv", "id,label\ra,cat\r"),  # an old Macintosh
        ("t.csv", "\n\nid,label\n\na,cat\n\n"),  # blank lines
        ("t.csv", "id,label\na,cat"),  # no end of the last line
        ("t.csv", '"id","label"\n"a","cat"\n'),  # quotes around everything
        ("t.csv", "x,id,x,label,x\n1,a,2,cat,3\n"),  # names that repeat, of columns not asked for
    ],
)
def test_delimiters_and_line_ends(written, name, content):
    """A table is read whatever its delimiter, line ends and quotes."""
    assert columns(written(name, content), "id", "label") == {"id": ["a"], "label": ["cat"]}


def test_quoted_delimiters_and_line_breaks(written):
    """A quoted value may hold the delimiter, a line break and doubled quotes."""
    path = written("t.csv", 'id,label\n1,"a,b"\n2,"a\nb"\n3,"a""b"\n')
    assert columns(path, "label")["label"] == ["a,b", "a\nb", 'a"b']


@pytest.mark.parametrize(
    "content",
    [
        "id,label",  # without the end of the line
        "id,label\n",  # with it
    ],
)
def test_header_only(written, content):
    """A header without rows is a table without examples."""
    assert columns(written("t.csv", content), "id", "label") == {"id": [], "label": []}


def test_long_values(written):
    """A row longer than Python's and pyarrow's usual limits is read."""
    assert len(columns(written("t.csv", f"id,label\n1,{'x' * 3_000_000}\n"), "label")["label"][0])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id,label\n1,cat\n2,dog,x\n3\n", ["row 3: 3 values", "row 4: 1 value"]),  # ragged rows
        ('id,label\n1,"a\nb"\n2,dog,x\n', ["row 4: 3 values"]),  # the row as an editor shows it
        ('id,label\n1,cat\n2,"dog\n3,cat\n', ["a quote in row 3 is never closed"]),
        ('id,label\n1,cat\n2,"dog', ["a quote in row 3 is never closed"]),  # nor the line
        (b"id,label\n1,cat\n2,caf\xe9\n", ["not UTF-8", "0xE9", "row 3"]),  # Latin-1
        ("id,label\n1,cat\n".encode("utf-16"), ["UTF-16"]),  # an old spreadsheet's export
        ("id,label,label\n1,cat,dog\n", ["more than one column named 'label'"]),
        ("id,labels\n1,cat\n", ["no column 'label'", "did you mean 'labels'?", "id, labels"]),
        ("a,b\n1,cat\n", ["no column 'label'", "a, b"]),  # nothing near: all that are there
        ("", ["empty"]),
        ("\n\n", ["no header line"]),
        (",,\n1,2,3\n", ["no header line"]),
    ],
)
def test_what_is_wrong_with_a_table_is_said(written, content, told):
    """Every problem names the file, and the row or the columns."""
    path = written("t.csv", content)
    with pytest.raises(InputError) as error:
        open_table(path).load(["label"])
    assert str(path) in error.value.message
    assert all(each in str(error.value) for each in told), str(error.value)


def test_only_the_first_problems_are_listed(written):
    """A thousand ragged rows make a short message with a count."""
    path = written("t.csv", "id,label\n" + "1,2,3\n" * 1000)
    with pytest.raises(InputError) as error:
        open_table(path).load(["label"])
    assert error.value.problems[-1] == "and 995 more"


def test_bad_bytes_far_into_the_file(written):
    """A file that stops being UTF-8 after its first megabyte is refused all the same."""
    rows = b"".join(b"%d,cat\n" % row for row in range(150_000))
    path = written("t.csv", b"id,label\n" + rows + b"150000,caf\xe9\n")
    with pytest.raises(InputError, match="row 150,002"):
        open_table(path).load(["label"])


def test_character_on_the_edge_of_the_header_block(written):
    """A character that the first megabyte cuts in two is no error."""
    start = b"id,label\n1,"
    path = written("t.csv", start + b"x" * ((1 << 20) - len(start) - 1) + "é\n".encode())
    assert open_table(path).names == ("id", "label")


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=6), delimiter=st.sampled_from(",;\t|"))
def test_what_was_written_is_read(written, rows, delimiter):
    """Whatever text a table is written with, the same text is read."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "label", "x"), *rows])
    path = written("t.csv", out.getvalue())
    found = columns(path, "id", "label", "x")
    assert list(zip(*found.values(), strict=True)) == rows
