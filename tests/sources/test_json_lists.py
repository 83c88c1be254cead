"""A JSON list of objects: its members as rows."""

from __future__ import annotations

import json

import pytest

from flipcheck.errors import InputError
from flipcheck.sources.tables import jsonlist, open_table

ROWS = [{"id": 1, "prediction": "cat"}, {"id": 2, "prediction": "d]o,g"}, {"id": 3}]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),  # pandas' to_json(orient="records")
        json.dumps(ROWS, indent=2),
        "\ufeff" + json.dumps(ROWS),
        " \n\t" + json.dumps(ROWS) + "\n\n",
        json.dumps(ROWS).replace("}, {", "}\r\n,\r\n{"),
    ],
)
@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t"])
def test_members_are_rows(written, name, text):
    """A list is read however it is laid out, by content where the name says nothing."""
    table = open_table(written(name, text))
    assert table.names == ("id", "prediction")
    found = table.load(["id", "prediction"])
    assert found["id"].to_pylist() == [1, 2, 3]
    assert found["prediction"].to_pylist() == ["cat", "d]o,g", None]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "no JSON object"),
        ("[\n]", "no JSON object"),
        ("[", "row 1: not JSON"),
        ('[{"id": 1}', "row 1: not JSON: the list is never closed"),
        ('[{"id": 1},\n{"id": 2},\n]', "row 3: not JSON"),
        ('[{"id": 1}\n{"id": 2}]', "row 2: not JSON: no comma"),
        ('[{"id": 1}]\n[]', "row 2: not JSON: text after the end"),
        ('[{"id": 1},\n3]', "row 2: not a JSON object"),
        ('[{"id": 1},\n{"id": {}}]', "row 2: 'id' is an object"),
        ("[" * 100_000, "not JSON"),
        (b'[{"id": "caf\xe9"}]', "not UTF-8"),
    ],
)
def test_what_is_wrong_with_a_list(written, text, told):
    """A list that is cut or holds something else says where, by the line."""
    with pytest.raises(InputError) as error:
        open_table(written("t.json", text)).load(["id"])
    assert told in str(error.value)


def test_a_list_that_is_too_long(written, monkeypatch):
    """A list has to be in memory as a whole, and there is an end to that."""
    monkeypatch.setattr(jsonlist, "LIST_BYTES", 20)
    with pytest.raises(InputError, match="JSONL") as error:
        open_table(written("t.json", json.dumps(ROWS)))
    assert "MiB" in error.value.message


def test_rows_are_lines(written):
    """Where a member begins is its row, as an editor shows it."""
    table = open_table(written("t.json", json.dumps(ROWS, indent=1)))
    assert table.lines([0, 1, 2]) == [2, 6, 10]
