"""NPZ archives: predictions in arrays, and archives that lie."""

from __future__ import annotations

import io
import random
import warnings
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

from flipcheck.errors import InputError
from flipcheck.sources import arrays
from flipcheck.sources.arrays import open_archive
from flipcheck.sources.saved import read_labels, read_predictions
from flipcheck.sources.spec import Columns

SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])


def member(header: dict[str, object], data: bytes) -> bytes:
    """The bytes of an .npy file with this header."""
    out = io.BytesIO()
    npy.write_array_header_1_0(out, header)
    return out.getvalue() + data


def zipped(path, **members: bytes):
    """Write an archive of raw members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"predictions": np.array(["cat", "dog", "cat"])}, ["cat", "dog", "cat"]),  # text
        ({"predictions": np.array([b"cat", b"dog", b"cat"])}, ["cat", "dog", "cat"]),  # bytes
        ({"preds": np.array([3, 5, 3])}, ["3", "5", "3"]),  # numbers
        ({"preds": np.array([3, 5, 3], ">i8")}, ["3", "5", "3"]),  # another machine's byte order
        ({"preds": np.array([3.0, 5.0, np.nan])}, ["3", "5", None]),  # NaN is no answer
        ({"preds": np.array([[3], [5], [3]])}, ["3", "5", "3"]),  # one column
        ({"preds": np.array([True, False, True])}, ["True", "False", "True"]),
        ({"probs": SCORES}, ["0", "1", "0"]),  # a matrix of scores
        ({"logits": SCORES.astype(np.float16)}, ["0", "1", "0"]),  # small floats
        ({"logits": SCORES.astype(">f4")}, ["0", "1", "0"]),
        ({"scores": np.asfortranarray(SCORES)}, ["0", "1", "0"]),  # as pandas' to_numpy gives it
    ],
)
def test_answers_in_arrays(archive, parts, expected):
    """Answers are an array of them, or the largest of each row of scores."""
    assert read_predictions(archive(**parts), Columns()).answers.texts() == expected


def test_parts_of_an_archive(archive):
    """Ids, labels, verdicts and slices have arrays of their own."""
    path = archive(
        predictions=["a", "b"], labels=["a", "a"], ids=[7, 8], correct=[1, 0], region=["EU", "US"]
    )
    found = read_predictions(path, Columns(correct="correct", by=("region",)))
    assert (found.ids.to_pylist(), found.truth.texts()) == ([7, 8], ["a", "a"])
    assert (found.correct.tolist(), found.columns["region"].texts()) == (
        [True, False],
        ["EU", "US"],
    )


def test_only_verdicts(archive):
    """An archive of ids and verdicts needs no answers."""
    found = read_predictions(archive(ids=[1, 2], correct=[True, False]), Columns())
    assert (found.answers, found.correct.tolist()) == (None, [True, False])


def test_labels_only(archive):
    """Labels are read without the answers beside them, which may have another length."""
    found = read_labels(archive(labels=["a", "b"], predictions=["a"]), Columns())
    assert (found.truth.texts(), found.rows) == (["a", "b"], True)


@pytest.mark.parametrize(
    ("parts", "given", "told"),
    [
        ({"a": [1]}, {}, "no array of predictions"),
        ({"preds": [1], "labels": [1], "y": [1]}, {}, "'labels' and 'y' could both be meant"),
        ({"preds": [1], "predictions": [1]}, {}, "'predictions' and 'preds' could both be meant"),
        ({"preds": [1]}, {"id": "ids"}, "no array 'ids' (--id)"),
        ({"preds": [1]}, {"prediction": "p"}, "no array 'p' (--prediction)"),
        ({"preds": [1, 2], "labels": [1]}, {}, "'labels' has 1, 'preds' has 2 rows"),
        ({"preds": 3}, {}, "a single number"),
        ({"preds": np.zeros((2, 2), int)}, {}, "a table of int64, not of scores"),
        ({"preds": np.zeros((2, 2, 2))}, {}, "not one value for each example"),
        ({"logits": np.array([0.2, 0.7])}, {}, "one score for each example"),  # cut where?
        ({"logits": np.array([[0.2], [0.7]])}, {}, "one score for each example"),
        ({"probs": np.array([[0.5, np.nan], [0, 1]])}, {}, "NaN or infinite scores: row 1"),
        ({"probs": np.array([[0.5, 0], [0, np.inf]])}, {}, "NaN or infinite scores: row 2"),
        ({"preds": np.array([1 + 2j])}, {}, "no number and no text"),  # complex
        ({"preds": np.array(["2024-01-01"], "M8[D]")}, {}, "no number and no text"),  # dates
        ({"preds": np.zeros(2, [("a", int)])}, {}, "no number and no text"),  # structures
        ({"preds": np.array([b"\xe9"])}, {}, "not UTF-8"),
        ({"preds": np.array(["\ud800"])}, {}, "surrogates not allowed"),  # half of a character
        ({"preds": np.zeros((3, 0))}, {}, "no values in its rows"),
        ({"preds": np.zeros(3, "V4")}, {}, "no number and no text"),
        ({"preds": [1], "labels": np.array([1, "a"], object)}, {}, "an object array"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_archive_is_said(archive, parts, given, told):
    """Every problem names the file and the array."""
    path = archive(**parts)
    with pytest.raises(InputError) as error:
        read_predictions(path, Columns(**given))
    assert told in str(error.value)
    assert str(path) in error.value.message


@pytest.mark.parametrize(
    "header",
    [
        {"descr": "<i8", "fortran_order": False, "shape": (1 << 40,)},  # more than is there
        {"descr": "<i8", "fortran_order": False, "shape": (1,)},  # less than is there
        {"descr": "<i8", "fortran_order": False, "shape": (-2,)},  # a negative length
        {"descr": "<i8", "fortran_order": False, "shape": (-2, -1)},  # two of them
        {"descr": "<U0", "fortran_order": False, "shape": (1 << 40,)},  # endless empty texts
        {"descr": "<i8", "fortran_order": False, "shape": (1 << 40, 0)},  # endless empty rows
        {"descr": "<i8", "fortran_order": False, "shape": (1 << 62, 1 << 62)},  # overflow
        {"descr": "|O", "fortran_order": False, "shape": (2,)},  # a pickle
        {"descr": [("a", "|O")], "fortran_order": False, "shape": (2,)},  # a pickle inside
    ],
)
def test_lying_headers_are_refused(tmp_path, header):
    """A header that promises other than what follows is refused before a byte is read."""
    data = b"" if "0" in str(header["shape"]) or "U0" in str(header["descr"]) else b"\0" * 16
    with pytest.raises(InputError):
        read_predictions(zipped(tmp_path / "a.npz", preds=member(header, data)), Columns())


@pytest.mark.parametrize(
    "header",
    [
        b"\x93NUMPY\x01\x00\x10\x00{'descr': (((((((",  # not Python
        b"\x93NUMPY\x01\x00\x04\x00'''a",  # a string that does not end
        b"\x93NUMPY\x09\x00\x10\x00",  # a version of the future
        b"\x93NUMPY\x01\x00\xff\xff{",  # shorter than it says
        b"not an array",
        b"",
        b"\x93NUMPY\x01\x00\x0a\x00" + b"__import__"[:10],  # code
    ],
)
def test_headers_that_are_none(tmp_path, header):
    """A member that is no array is an error."""
    with warnings.catch_warnings(), pytest.raises(InputError):
        read_predictions(zipped(tmp_path / "a.npz", preds=header), Columns())


def test_bombs_are_refused_before_they_expand(tmp_path):
    """An array that expands a thousandfold to a quarter of a gigabyte is refused."""
    path = tmp_path / "bomb.npz"
    header = {"descr": "|u1", "fortran_order": False, "shape": (300 << 20,)}
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("preds.npy", "w", force_zip64=True) as out,
    ):
        out.write(member(header, b""))
        for _ in range(300):
            out.write(b"\0" * (1 << 20))
    with pytest.raises(InputError, match="decompression bomb"):
        read_predictions(path, Columns())


def test_large_arrays_that_are_stored_by_column_cannot_be_streamed(archive, monkeypatch):
    """Features in Fortran order would have to be held as a whole: the error says what to do."""
    monkeypatch.setattr(arrays, "HELD_BYTES", 40)
    tests = open_archive(archive(x=np.asfortranarray(SCORES)))
    with pytest.raises(InputError, match="column by column") as error:
        next(tests.stream(["x"], 2))
    assert "ascontiguousarray" in error.value.hint


@pytest.mark.parametrize("order", ["C", "F"])
def test_streamed_batches_are_the_array(archive, order):
    """Batches of any size are the rows in their order, however the array is stored."""
    array = np.asarray(np.arange(35, dtype=np.float32).reshape(7, 5), order=order)
    tests = open_archive(archive(x=array))
    for size in (1, 3, 7, 100):
        parts = [batch["x"] for batch in tests.stream(["x"], size)]
        assert np.array_equal(np.concatenate(parts), array)


def test_damaged_archives_are_errors(archive, tmp_path):
    """An archive cut short, or with bytes changed, is an error or reads; it never crashes."""
    good = archive(preds=np.arange(300) % 5, labels=np.array(["a", "b"] * 150), ids=np.arange(300))
    data, dice, failed = good.read_bytes(), random.Random(0), 0
    for number in range(150):
        bad = bytearray(data[: dice.randrange(5, len(data))] if number % 3 == 0 else data)
        for _ in range(0 if number % 3 == 0 else 12):
            bad[dice.randrange(4, len(bad))] = dice.randrange(256)
        path = tmp_path / "bad.npz"
        path.write_bytes(bad)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numpy warns of headers that Python 2 wrote
                read_predictions(path, Columns())
        except InputError:
            failed += 1
    assert failed >= 100


def test_spooled_arrays_are_the_arrays(tmp_path):
    """Any row is at hand, whatever the type, the byte order and the way it was stored."""
    arrays = {
        "plain": np.arange(30.0).reshape(10, 3),
        "columns": np.asfortranarray(np.arange(30).reshape(10, 3)),
        "swapped": np.arange(10, dtype=">i4"),
        "text": np.array([f"é{row}" for row in range(10)]),
        "bytes": np.array([b"x", b"yy"] * 5),
        "flags": np.arange(10) % 2 == 0,
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    (tmp_path / "spool").mkdir()
    spooled = open_archive(tmp_path / "a.npz").spool(list(arrays), tmp_path / "spool")
    for name, values in arrays.items():
        assert (spooled[name][[7, 0, 7]] == values[[7, 0, 7]]).all()


def test_a_full_disk_is_an_error_that_says_so(tmp_path):
    """Where arrays do not fit beside the archive, the message names the place and TMPDIR."""
    np.savez(tmp_path / "a.npz", x=np.arange(10))
    archive = open_archive(tmp_path / "a.npz")
    with pytest.raises(InputError, match="do not fit into") as raised:
        archive.spool(["x"], tmp_path / "missing" / "folder")
    assert "TMPDIR" in raised.value.hint
