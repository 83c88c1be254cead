"""Compressed text tables: gzip and Zstandard, told by their content, within bounds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma

import pyarrow as pa
import pytest
from pyarrow import parquet

from flipcheck.errors import InputError
from flipcheck.sources import compressed
from flipcheck.sources.compressed import opened
from flipcheck.sources.datasets import open_dataset
from flipcheck.sources.saved import read_predictions
from flipcheck.sources.spec import Columns
from flipcheck.sources.tables import open_table

TEXT = b"id,label,prediction\n" + b"".join(b"x%05d,cat,dog\n" % row for row in range(20_000))


def zstd(data: bytes) -> bytes:
    """One frame of Zstandard."""
    return pa.Codec("zstd").compress(data, asbytes=True)


PACKERS = {"gzip": gzip.compress, "zstd": zstd}
packed_in_both = pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)


@packed_in_both
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv.gz", b"id,prediction\n1,cat\n2,dog\n"),
        ("t.csv", b"id,prediction\n1,cat\n2,dog\n"),  # by content, whatever the name says
        ("t.tsv.zst", b"id\tprediction\n1\tcat\n2\tdog\n"),
        ("t.tsv.gz", b"id,x\tprediction,y,z\n1\tcat\n2\tdog\n"),  # the inner suffix says tabs
        ("t.jsonl.gz", b'{"id": 1, "prediction": "cat"}\n{"id": 2, "prediction": "dog"}\n'),
        ("t.json.gz", b'[{"id": 1, "prediction": "cat"},\n {"id": 2, "prediction": "dog"}]'),
        ("t.csv.gz", b"\xef\xbb\xbfid,prediction\r\n1,cat\r\n2,dog\r\n"),  # a byte order mark
    ],
)
def test_compressed_text(written, pack, name, content):
    """A compressed table is read as the text in it is."""
    table = open_table(written(name, pack(content)))
    assert [each.to_pylist() for each in table.load(table.names).values()][1] == ["cat", "dog"]


@packed_in_both
def test_members_and_frames_one_after_another(written, pack):
    """What `cat a.gz b.gz` makes is legal, and read to its end."""
    path = written("t.csv.gz", pack(TEXT[:5000]) + pack(b"") + pack(TEXT[5000:]))
    assert len(read_predictions(path, Columns())) == 20_000


@packed_in_both
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],  # cut by a byte
        lambda data: data[:-3000],
        lambda data: data[: len(data) // 2],
        lambda data: data[:5],
        lambda data: data + b"trailing",
        lambda data: data + data[:20],  # a second member that is cut
        lambda data: data[:9000] + b"XXXX" + data[9004:],  # a sum that is wrong
    ],
)
def test_damage_is_told(written, pack, damage):
    """What is cut short or damaged is an error, however much of it could be read."""
    path = written("t.csv.gz", damage(pack(TEXT)))
    with pytest.raises(InputError, match="not a readable") as error:
        read_predictions(path, Columns())
    assert str(path) in error.value.message


@packed_in_both
def test_bombs_are_refused(written, pack, monkeypatch):
    """What expands beyond reason is refused before it is held."""
    monkeypatch.setattr(compressed, "BOMB_BYTES", 1 << 20)
    path = written("t.csv.gz", pack(b"id,prediction\n" + b"x,y\n" * 3_000_000))
    with pytest.raises(InputError, match="decompression bomb"):
        read_predictions(path, Columns())


@packed_in_both
def test_nothing_compressed_is_too_large(written, pack, monkeypatch):
    """What is larger than any table is refused, however well it is compressed."""
    monkeypatch.setattr(compressed, "LARGEST_BYTES", 1 << 17)
    with pytest.raises(InputError, match="decompression bomb"):
        read_predictions(written("t.csv.gz", pack(TEXT)), Columns())


def parquet_bytes() -> bytes:
    """A Parquet file's bytes."""
    out = io.BytesIO()
    parquet.write_table(pa.table({"id": [1]}), out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("t.parquet.gz", gzip.compress(parquet_bytes()), "a Parquet file inside of gzip"),
        ("t.npz.gz", gzip.compress(b"PK\x03\x04"), "an NPZ archive inside of gzip"),
        ("t.feather.zst", zstd(b"ARROW1\0\0"), "a Feather file inside of zstd"),
        ("m.onnx.gz", gzip.compress(b"\x08\x07\x12\x00"), "an ONNX model inside of gzip"),
        ("t.csv.gz.gz", gzip.compress(gzip.compress(TEXT)), "another layer inside of gzip"),
        ("t.gz", gzip.compress(zstd(TEXT)), "another layer inside of gzip"),
        ("t.pkl.gz", gzip.compress(b"x"), "pickles"),
        ("t.csv.gz", gzip.compress(b""), "the file is empty"),
        ("t.csv.bz2", bz2.compress(TEXT), "compressed with bzip2"),
        ("t.csv.xz", lzma.compress(TEXT), "compressed with xz"),
        ("t.csv.gz", gzip.compress("id,x\n".encode("utf-16")), "UTF-16"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_is_not_read_compressed(written, name, content, told):
    """Only text is read compressed, in one layer; the rest says what to do."""
    with pytest.raises(InputError) as error:
        read_predictions(written(name, content), Columns())
    assert told in error.value.message
    assert error.value.hint


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"id,prediction\n1,cat\n2,dog,x\n", "row 3: 3 values"),
        (b"id,prediction\n1,cat\n2,caf\xe9\n", "row 3"),
        (b'id,prediction\n1,cat\n2,"dog\n', "a quote in row 3 is never closed"),
        (b'{"id": 1, "prediction": "a"}\n{"id": \n', "row 2: not JSON"),
    ],
)
def test_rows_are_those_of_the_text(written, content, told):
    """The rows in errors are counted in the text, not in the file."""
    with pytest.raises(InputError) as error:
        read_predictions(written("t.gz", gzip.compress(content)), Columns())
    assert told in str(error.value)


def test_compressed_features(written):
    """A compressed table of features is a test set."""
    tests = open_dataset(
        written("t.csv.gz", gzip.compress(b"x,z,label\n1,2,a\n3,4,b\n")), Columns()
    )
    batches = list(tests.reader.batches({"x": False, "z": False}, 10))
    assert [batch["z"].tolist() for batch in batches] == [[2.0, 4.0]]


def test_a_plain_file_is_given_as_it_is(written):
    """A file that is not compressed is its bytes."""
    with opened(written("t.csv", TEXT)) as file:
        assert file.read() == TEXT
