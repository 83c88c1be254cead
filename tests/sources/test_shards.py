"""Several files as one source: folders and patterns of tables, archives and logs."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, feather, parquet

import flipcheck
from flipcheck.errors import InputError
from flipcheck.labels import Labels
from flipcheck.predictions import Predictions
from flipcheck.sources.datasets import open_dataset
from flipcheck.sources.saved import read_labels, read_predictions
from flipcheck.sources.saved.joined import concatenated
from flipcheck.sources.shards import is_image_folder
from flipcheck.sources.spec import Columns

ROWS = 60


@pytest.fixture
def frame():
    """A table of predictions, and one row for each example."""
    rng = np.random.default_rng(1)
    labels = rng.choice(["cat", "dog", "newt"], ROWS)
    wrong = rng.random(ROWS) < 0.3
    return pa.table(
        {
            "id": [f"x{row:03}" for row in range(ROWS)],
            "label": labels.tolist(),
            "prediction": np.where(wrong, "dog", labels).tolist(),
            "region": rng.choice(["EU", "US"], ROWS).tolist(),
        }
    )


def put(table, path):
    """Write a table in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writers = {
        ".csv": csv.write_csv,
        ".parquet": parquet.write_table,
        ".feather": feather.write_feather,
        ".npz": lambda table, path: np.savez(
            path, **{name: np.array(table[name].to_pylist()) for name in table.column_names}
        ),
        ".jsonl": lambda table, path: path.write_text(
            "".join(f"{flat(row)}\n" for row in table.to_pylist())
        ),
    }
    writers[path.suffix](table, path)
    return path


def flat(row):
    """A row as JSON."""
    import json

    return json.dumps(row)


def cut(table, folder, suffix, pieces=3):
    """Write a table in pieces into a folder."""
    size = -(-len(table) // pieces)
    for number in range(pieces):
        put(table.slice(number * size, size), folder / f"part-{number}{suffix}")
    return folder


def values(found: Predictions):
    """What predictions say, as plain lists."""
    return (
        found.ids.to_pylist(),
        found.answers.texts(),
        found.truth.texts(),
        {name: labels.texts() for name, labels in found.columns.items()},
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather", ".jsonl", ".npz"])
@pytest.mark.parametrize("pattern", [False, True])
def test_pieces_are_the_whole(frame, tmp_path, suffix, pattern):
    """A table cut into files is read as the table in one file is."""
    folder = cut(frame, tmp_path / "cut", suffix)
    given = folder / f"*{suffix}" if pattern else folder
    whole = read_predictions(put(frame, tmp_path / f"whole{suffix}"), Columns(by=("region",)))
    assert values(read_predictions(given, Columns(by=("region",)))) == values(whole)


def test_labels_in_pieces(frame, tmp_path):
    """A folder of labels is labels."""
    folder = cut(frame.drop(["prediction"]), tmp_path / "labels", ".csv")
    assert read_labels(folder, Columns()).truth.texts() == frame["label"].to_pylist()


def test_features_in_pieces(frame, tmp_path):
    """A folder of features is a test set, its rows in the order of the files."""
    numbers = frame.append_column("x", pa.array(range(ROWS), pa.float64()))
    for suffix in (".csv", ".parquet"):
        tests = open_dataset(cut(numbers, tmp_path / suffix, suffix), Columns())
        batches = [batch["x"] for batch in tests.reader.batches({"x": False}, 7)]
        assert np.concatenate(batches).tolist() == list(range(ROWS))
        assert [len(batch) for batch in batches] == [7] * 8 + [4]
        assert tests.ids.to_pylist() == frame["id"].to_pylist()


def test_partitions_are_columns(frame, tmp_path):
    """Folders such as region=EU are a column of text, whose values may be escaped."""
    for number, value in enumerate(["EU", "US%2FCA", "__HIVE_DEFAULT_PARTITION__"]):
        part = frame.drop(["region"]).slice(number * 20, 20)
        put(part, tmp_path / "t" / f"region={value}" / "part-0.parquet")
    found = read_predictions(tmp_path / "t", Columns(by=("region",)))
    by = dict(zip(found.ids.to_pylist(), found.columns["region"].texts(), strict=True))
    assert [by[f"x{row:03}"] for row in (0, 20, 40)] == ["EU", "US/CA", None]
    assert values(read_predictions(tmp_path / "t" / "**" / "*.parquet", Columns(by=("region",))))


@pytest.mark.parametrize(
    "name",
    [
        "_SUCCESS",  # of Spark
        "_metadata",  # of Dask
        ".part-0.csv.crc",  # of Hadoop
        ".hidden.csv",
        "part-0.csv.crc",
        "Thumbs.db",
        "desktop.ini",
        ".ipynb_checkpoints/part-0-checkpoint.csv",
    ],
)
def test_what_is_left_beside_is_passed_over(frame, tmp_path, name):
    """What systems and writers leave beside tables is no table."""
    folder = cut(frame, tmp_path / "t", ".csv")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"\0\1\2")
    assert len(read_predictions(folder, Columns())) == ROWS


def test_the_order_is_that_of_names(frame, tmp_path):
    """Files are read by name, whatever order they were written in, and folders among them."""
    for number, name in enumerate(["b/2.csv", "a.csv", "b/1.csv"]):
        put(frame.slice(number, 1), tmp_path / "t" / name)
    ids = read_predictions(tmp_path / "t", Columns()).ids.to_pylist()
    assert ids == ["x001", "x002", "x000"]
    assert read_predictions(tmp_path / "t" / "**", Columns()).ids.to_pylist() == ids


def test_the_digest_is_of_names_and_contents(frame, tmp_path):
    """A folder and a pattern of the same files have one digest; another name is another."""
    folder = cut(frame, tmp_path / "t", ".csv")
    other = cut(frame, tmp_path / "u", ".csv")

    def digest(path):
        return read_predictions(path, Columns()).facts["sha256"]

    assert digest(folder) == digest(folder / "*.csv") == digest(other)
    (other / "part-0.csv").rename(other / "part-00.csv")
    assert digest(other) != digest(folder)


def refused(path, columns=None):
    """The error for a path."""
    with pytest.raises(InputError) as error:
        read_predictions(path, columns or Columns())
    return str(error.value)


def test_files_of_other_columns_are_named(frame, tmp_path):
    """Every column that one file lacks or adds is named, with the file."""
    folder = cut(frame, tmp_path / "t", ".parquet")
    put(frame.rename_columns(["id", "label", "prediction", "area"]), folder / "part-9.parquet")
    told = refused(folder)
    assert "part-9.parquet: no column 'region'" in told
    assert "part-9.parquet: column 'area', which" in told
    assert "part-0.parquet does not have" in told


def test_columns_in_another_order_are_the_same(frame, tmp_path):
    """Columns are found by name in every file."""
    put(frame.slice(0, 30), tmp_path / "t" / "0.csv")
    put(frame.slice(30).select(["region", "prediction", "label", "id"]), tmp_path / "t" / "1.csv")
    found = read_predictions(tmp_path / "t", Columns())
    assert found.ids.to_pylist() == frame["id"].to_pylist()
    assert found.answers.texts() == frame["prediction"].to_pylist()


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (pa.array([1, 2]), pa.array(["1", "2"]), ["int64", "string"]),  # a guess would be one class
        (pa.array([1, 2]), pa.array([1.0, None]), ["int64", "double"]),  # a gap in pandas
        (pa.array([True, False]), pa.array([1, 0]), ["bool", "int64"]),
    ],
)
def test_files_of_other_types_are_named(tmp_path, first, second, told):
    """A column of two types is an error with the column, both files and both types."""
    for name, answers in (("0", first), ("1", second)):
        table = pa.table({"id": [f"{name}a", f"{name}b"], "prediction": answers})
        put(table, tmp_path / "t" / f"{name}.parquet")
    error = refused(tmp_path / "t")
    assert all(each in error for each in ["'prediction'", "0.parquet", "1.parquet", *told]), error


@pytest.mark.parametrize(
    "second",
    [
        pa.array(["cat", "dog"], pa.large_string()),
        pa.array(["cat", "dog"]).dictionary_encode(),
        pa.array(["cat", "dog"], pa.string_view()),
        pa.nulls(2),  # as pandas writes a column without any value
        pa.array([None, None], pa.float64()),  # which may be of any type
    ],
)
def test_text_is_text(tmp_path, second):
    """Text may be stored in one way in one file and in another in the next, or be missing."""
    for name, answers in (("0", pa.array(["cat", "newt"])), ("1", second)):
        table = pa.table({"id": [f"{name}a", f"{name}b"], "prediction": answers})
        put(table, tmp_path / "t" / f"{name}.parquet")
    found = read_predictions(tmp_path / "t", Columns()).answers.texts()
    assert found == ["cat", "newt", *second.to_pylist()]


def test_json_lines_need_only_what_is_asked_for(tmp_path, written):
    """In JSON lines each row names its columns; one that plays no part may be in one file only."""
    written("t/0.jsonl", '{"id": 1, "prediction": "a"}\n')
    written("t/1.jsonl", '{"id": 2, "prediction": "b", "note": "late"}\n')
    assert read_predictions(tmp_path / "t", Columns()).answers.texts() == ["a", "b"]
    written("t/2.jsonl", '{"id": 3, "answer": "b"}\n')
    assert "2.jsonl: no column 'prediction'" in refused(tmp_path / "t")


def test_rows_are_named_with_their_file(tmp_path, written):
    """A row of several files is told with its number in its own file."""
    written("t/a.csv", "id,label,correct\n1,x,1\n2,x,0\n")
    written("t/b.csv", "id,label,correct\n3,x,1\n4,x,\n")
    assert "row 3 of b.csv" in refused(tmp_path / "t", Columns(correct="correct"))


def test_all_broken_files_are_named(tmp_path, written):
    """Two files that cannot be read are one error that names both."""
    written("t/a.csv", "id,prediction\n1,x,1\n")
    written("t/b.csv", "id,prediction\n1,x\n")
    written("t/c.csv", "id,prediction\n1\n")
    told = refused(tmp_path / "t")
    assert "2 of 3 files" in told
    assert all(each in told for each in ("a.csv", "c.csv", "row 2: 3 values", "row 2: 1 value"))


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "a folder without tables"),
        ({"x.bin7": b"\0\1"}, "a folder without tables"),
        ({"a.csv": b"id,prediction\n1,x\n", "b.jsonl": b'{"id": 1}\n'}, "different kinds"),
        ({"a.csv": b"id,prediction\n1,x\n", "b.csv": b""}, "b.csv: the file is empty"),
        ({"a.csv": b"id,prediction\n1,x\n", "c/b.png": b"x"}, "a folder without tables"),
        ({"a.csv": b"id,prediction\n1,x\n", "m.onnx": b"\x08"}, "is a model, among several files"),
        ({"k=1/a.csv": b"id,prediction\n1,x\n", "b.csv": b"id,prediction\n2,x\n"}, "same columns"),
        ({"id=1/a.csv": b"id,prediction\n1,x\n"}, "is in the file, and named by its folder"),
        ({"a.csv": b"id,prediction\n1,x\n", "b.pkl": b"\x80"}, "pickles"),
    ],
)
def test_folders_that_are_no_source(written, tmp_path, files, told):
    """A folder of nothing, or of different things, is an error that says so."""
    import re

    (tmp_path / "t").mkdir()
    for name, content in files.items():
        written(f"t/{name}", content)
    assert re.search(told, refused(tmp_path / "t"))


def test_a_plot_beside_tables(written, tmp_path):
    """An image that is in no class folder does not make a folder of tables one of images."""
    written("t/a.csv", "id,prediction\n1,x\n")
    written("t/b.csv", "id,prediction\n2,x\n")
    written("t/curve.png", "no image at all")
    assert len(read_predictions(tmp_path / "t", Columns())) == 2


def test_a_table_beside_class_folders(written, tmp_path):
    """A folder of images by class is one, whatever table tells of them."""
    written("t/metadata.csv", "file_name,split\n1.png,test\n")
    written("t/cat/1.png", "an image")
    assert is_image_folder(tmp_path / "t")


def test_a_pattern_without_a_match(tmp_path):
    """A pattern that no file matches is an error."""
    assert "no file matches" in refused(tmp_path / "*.csv")


def test_a_name_with_signs_of_a_pattern(written):
    """A file of that very name is no pattern."""
    path = written("part[1].csv", "id,prediction\n1,x\n")
    assert len(read_predictions(path, Columns())) == 1


def test_ids_in_two_files_are_told(frame, tmp_path):
    """The same example in two files is an error that names the source."""
    folder = cut(frame, tmp_path / "old", ".csv")
    put(frame.slice(0, 2), folder / "part-9.csv")
    with pytest.raises(InputError, match="2 ids more than once") as error:
        flipcheck.compare(folder, put(frame, tmp_path / "new.csv"))
    assert "'x001' in row 3 of part-0.csv and row 3 of part-9.csv" in str(error.value)


def test_rows_without_ids_are_told(frame, tmp_path):
    """Rows that are numbered through several files are a warning, as a name may move them."""
    folder = cut(frame.drop(["id"]), tmp_path / "old", ".csv")
    assert "no ids" in read_predictions(folder, Columns()).warnings[0]


def test_a_thousand_files(frame, tmp_path):
    """A thousand files of one row are read."""
    table = pa.concat_tables([frame] * 17).slice(0, 1000)
    table = table.set_column(0, "id", pa.array(range(1000)))
    cut(table, tmp_path / "t", ".parquet", pieces=1000)
    assert sorted(read_predictions(tmp_path / "t", Columns()).ids.to_pylist()) == list(range(1000))


# --- predictions that are no tables ----------------------------------------------------------


def one(name="a", **given):
    """Predictions of two examples."""
    return Predictions.from_arrays(
        **{"answers": ["x", "y"], "ids": [f"{name}1", f"{name}2"], **given}, name=name
    )


def test_labels_meet_by_name():
    """Codes of two files become codes of all their names."""
    found = concatenated(
        [one("a", truth=["x", "x"]), one("b", answers=["z", "x"], truth=["y", "z"])], "ab", "0"
    )
    assert found.answers.texts() == ["x", "y", "z", "x"]
    assert found.truth.texts() == ["x", "x", "y", "z"]
    assert found.ids.to_pylist() == ["a1", "a2", "b1", "b2"]
    assert found.facts["sha256"] == "0"


def test_ranked_answers_meet_by_name():
    """Ranked answers are codes of the joined names, and what is missing stays so."""
    from dataclasses import replace

    first = replace(one("a"), ranked=np.array([[0, 1], [1, -1]], np.int32))
    second = replace(one("b", answers=["z", "x"]), ranked=np.array([[1, 0], [0, 1]], np.int32))
    found = concatenated([first, second], "ab", "0")
    names = (*found.answers.names, None)
    assert [[names[code] for code in row] for row in found.ranked.tolist()] == [
        ["x", "y"], ["y", None], ["x", "z"], ["z", "x"],
    ]  # fmt: skip


def test_rows_without_ids_are_numbered_on():
    """Files without ids are rows of one table, in order."""
    found = concatenated([one("a", ids=None), one("b", ids=None)], "ab", "0")
    assert found.rows
    assert found.ids.to_pylist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"truth": ["x", "y"]}, "labels in b, and none in a"),
        ({"confidence": [0.5, 0.5]}, "confidences in b, and none in a"),
        ({"ids": None}, "ids in a, and none in b"),
        ({"ids": [1, 2]}, "ids are text in a and whole numbers in b"),
        ({"columns": {"region": ["EU", "US"]}}, "column 'region' in b, and none in a"),
        ({"weights": [1, 1]}, "weights in b, and none in a"),
        ({"answers": None, "correct": [1, 0]}, "answers in a, and none in b"),
    ],
)
def test_what_only_some_files_have(second, told):
    """What one file has and another lacks is an error, not a gap."""
    with pytest.raises(InputError) as error:
        concatenated([one("a"), one("b", **second)], "ab", "0")
    assert told in str(error.value)


@pytest.mark.parametrize(
    "options", [{"multilabel": True}, {"top_k": 2}, {}], ids=["sets", "ranks", "accepted"]
)
def test_lists_in_pieces(tmp_path, options):
    """Columns of lists are those of the whole file, also where one file has only empty ones."""
    lists = [["a", "b"], ["b"], ["a"], ["b", "a"]]
    answers = lists if options else ["a", "b", "b", "a"]
    rows = [
        {"id": n, "label": "a" if "top_k" in options else lists[n % 4], "prediction": each}
        for n, each in enumerate(answers * 3)
    ]
    if "multilabel" in options:
        rows += [{"id": n, "label": [], "prediction": []} for n in (12, 13)]
    folder = tmp_path / "pieces"
    folder.mkdir()
    for name, some in (("a", rows[:5]), ("b", rows[5:12]), ("c", rows[12:])):
        if some:
            (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, some)) + "\n")
    whole = tmp_path / "whole.jsonl"
    whole.write_text("\n".join(map(json.dumps, rows)) + "\n")
    one = flipcheck.compare(whole, whole, **options)
    several = flipcheck.compare(folder, folder, **options)
    assert several.tally == one.tally
    assert several.tally.both_right
    assert several.task == one.task


def test_what_pieces_have_of_a_task_is_kept():
    """The separator of sets and the accepted answers come from all parts."""
    parts = [
        Predictions(
            name=name,
            ids=pa.array([place]),
            answers=Labels.of([f"{name};x"]),
            accepted={name: (name, "x")},
            separator=";",
        )
        for place, name in enumerate("ab")
    ]
    found = concatenated(parts, "both", "0")
    assert (found.separator, found.accepted) == (";", {"a": ("a", "x"), "b": ("b", "x")})
