"""The files of the cache: damage, hostile entries, other users, full disks, and where it lies."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
from cached_runs import SIZE, arrays, images, text

import flipcheck
from flipcheck.sources.cache import Cache, Entry, cache_folder, open_cache
from flipcheck.sources.cache.entry import (
    MAGIC,
    DamagedError,
    UnkeepableError,
    from_bytes,
    to_bytes,
)

# --- damage and hostility ---------------------------------------------------------------------


@pytest.fixture
def one(tmp_path):
    """A model, its data and the file of its whole entry."""
    given, _ = arrays(tmp_path)
    flipcheck.predict(given[0], given[2], cache=tmp_path / "kept")
    held = next(each for each in Cache(tmp_path / "kept").held() if each.total)
    return given[0], given[2], tmp_path / "kept" / held.key / "whole"


def places(size):
    """A byte of every part of an entry: magic, length, header, arrays and digest."""
    header = len(MAGIC) + 8
    return [0, 5, len(MAGIC), len(MAGIC) + 7, header, header + 40, size // 2, size - 33, size - 1]


@pytest.mark.parametrize("part", range(9))
@pytest.mark.parametrize("damage", ["flipped", "cut", "zeroed", "longer"])
def test_a_damaged_entry_is_made_again(tmp_path, one, rows, part, damage):
    """Whichever byte it is, the answers are those of a run, and the entry is sound again."""
    model, data, path = one
    plain, whole = flipcheck.predict(model, data, cache=False), path.read_bytes()
    place = places(len(whole))[part]
    changed = {
        "flipped": whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
        "cut": whole[:place],
        "zeroed": whole[:place] + bytes(len(whole) - place - 1) + b"\x01",
        "longer": whole[:place] + b"x" + whole[place:],
    }[damage]
    path.write_bytes(changed)
    rows.clear()
    found = flipcheck.predict(model, data, cache=tmp_path / "kept")
    assert rows["old"] >= SIZE
    assert found.answers.texts() == plain.answers.texts()
    assert path.read_bytes() == whole


def test_another_runs_entry_under_this_name_is_not_taken(tmp_path, one, rows):
    """An entry says which run it is of."""
    model, data, path = one
    flipcheck.predict(model, data, cache=tmp_path / "kept", preprocess="scale=-1")
    other = next(
        each
        for each in path.parents[1].glob("*/whole")
        if each != path and each.stat().st_size > 1000
    )
    path.write_bytes(other.read_bytes())
    plain = flipcheck.predict(model, data, cache=False)
    rows.clear()
    assert flipcheck.predict(model, data, cache=tmp_path / "kept").answers.texts() == (
        plain.answers.texts()
    )
    assert rows["old"] >= SIZE


def signed(header, body=b""):
    """An entry that somebody else has made, with a sound digest."""
    line = json.dumps(header).encode()
    whole = MAGIC + len(line).to_bytes(8, "little") + line + body
    return whole + hashlib.sha256(whole).digest()


def hostile(**changed):
    """A header as an attacker may write it."""
    header = {"key": "k", "first": 0, "total": 2, "count": 2, "told": {}, "meta": {}, "arrays": []}
    return {**header, **changed}


def array_of(kind="<i8", shape=(2,), size=16):
    """An array as a header tells of it."""
    return [{"kind": kind, "shape": list(shape), "bytes": size}]


@pytest.mark.parametrize(
    ("header", "body"),
    [
        pytest.param(hostile(arrays=array_of("|O")), bytes(16), id="objects, which are pickles"),
        pytest.param(hostile(arrays=array_of("V8")), bytes(16), id="raw memory"),
        pytest.param(hostile(arrays=array_of("M8[s]")), bytes(16), id="dates"),
        pytest.param(hostile(arrays=array_of("i8,i8")), bytes(16), id="records"),
        pytest.param(hostile(arrays=array_of("nonsense")), bytes(16), id="no kind"),
        pytest.param(hostile(arrays=array_of(shape=(1 << 40,))), bytes(16), id="a giant shape"),
        pytest.param(hostile(arrays=array_of(shape=(-1,))), bytes(16), id="a negative shape"),
        pytest.param(hostile(arrays=array_of(shape=())), bytes(16), id="no shape"),
        pytest.param(hostile(arrays=array_of(size=1 << 40)), bytes(16), id="bytes not there"),
        pytest.param(hostile(arrays=array_of(size=-1)), bytes(16), id="negative bytes"),
        pytest.param(hostile(arrays=array_of()), bytes(24), id="bytes too many"),
        pytest.param(hostile(arrays=array_of("text")), bytes(16), id="texts without ends"),
        pytest.param(
            hostile(arrays=array_of("text", (1 << 60,), 16)), bytes(16), id="texts without end"
        ),
        pytest.param(
            hostile(arrays=array_of("text", (1,), 18)),
            (1).to_bytes(8, "little") + (2).to_bytes(8, "little") + b"ab",
            id="texts that begin late",
        ),
        pytest.param(
            hostile(arrays=array_of("text", (1,), 17)),
            (0).to_bytes(8, "little") + (1).to_bytes(8, "little") + b"\xff",
            id="no UTF-8",
        ),
        pytest.param(hostile(first=-5, arrays=array_of()), bytes(16), id="a negative place"),
        pytest.param(hostile(total=1, arrays=array_of()), bytes(16), id="more than there are"),
        pytest.param(hostile(meta=[1]), b"", id="no meta"),
        pytest.param(hostile(told=3), b"", id="told nothing"),
        pytest.param(hostile(arrays=None), b"", id="no arrays"),
        pytest.param({}, b"", id="nothing"),
        pytest.param([1], b"", id="a list"),
        pytest.param(hostile(arrays=[*array_of(), *array_of(shape=(1,), size=8)]), bytes(24),
                     id="different lengths"),
    ],
)  # fmt: skip
def test_hostile_entries_are_none(header, body):
    """A sound digest makes no entry: every number is checked before it is used."""
    with pytest.raises(DamagedError):
        from_bytes(signed(header, body))


def test_a_deep_header_is_none():
    """JSON nested without end is damage, not a crash."""
    line = b"[" * 200_000
    whole = MAGIC + len(line).to_bytes(8, "little") + line
    with pytest.raises(DamagedError):
        from_bytes(whole + hashlib.sha256(whole).digest())


@pytest.mark.parametrize("codes", [[0, 3], [-1, 0], [0.0, 1.0]])
def test_codes_outside_of_the_names_are_none(tmp_path, one, codes, rows):
    """A signed entry whose answers no class has is not taken."""
    model, data, path = one
    cache = Cache(tmp_path / "kept")
    entry = cache.read(path.parent.name)
    values = np.resize(np.array(codes), SIZE)
    cache.write(replace(entry, arrays=(values, *entry.arrays[1:])))
    rows.clear()
    flipcheck.predict(model, data, cache=tmp_path / "kept")
    assert rows["old"] >= SIZE


@pytest.mark.parametrize(
    "array",
    [
        np.arange(5),
        np.arange(6, dtype=">i4").reshape(3, 2),
        np.array([True, False]),
        np.array([0.5, np.nan], np.float32),
        np.array([1.5], np.float16),
        np.array(["a", "", "ünï\ud800"], object),
        np.array(["a", "bcd"]),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
    ],
    ids=lambda each: f"{each.dtype}{list(each.shape)}",
)
def test_arrays_come_back_as_they_were(array):
    """Values, kinds and shapes; texts come back as objects."""
    entry = Entry("k", 2, 100, {"n": [1]}, {"model": "m"}, (array, array))
    found = from_bytes(b"".join(to_bytes(entry)))
    assert (found.key, found.first, found.total, found.stop) == ("k", 2, 100, 2 + len(array))
    for each in found.arrays:
        assert each.shape == array.shape
        assert each.tolist() == array.tolist() or each.tobytes() == array.tobytes()
        if array.dtype.kind != "U":
            assert each.dtype == array.dtype.newbyteorder("=")


@pytest.mark.parametrize(
    "entry",
    [
        Entry("k", arrays=(np.array([object()], object),)),
        Entry("k", arrays=(np.array([b"x"]),)),
        Entry("k", meta={"value": float("nan")}),
        Entry("k", meta={"value": object()}),
    ],
)
def test_what_has_no_form_is_not_kept(entry):
    """Objects, bytes and what is not JSON are refused rather than guessed."""
    with pytest.raises(UnkeepableError):
        to_bytes(entry)


posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file owners are POSIX's")


@posix
@pytest.mark.usefixtures("one")
def test_the_folder_is_the_users_alone(tmp_path):
    """Folders are made for the user only, and so are files."""
    for path in (tmp_path / "kept", *(tmp_path / "kept").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0


@posix
@pytest.mark.parametrize("what", ["link", "writable", "folder", "pipe", "owner"])
def test_files_that_are_not_the_users_own_are_not_read(tmp_path, one, rows, what, monkeypatch):
    """A link, a file that others may write to, another's, and what is no file."""
    model, data, path = one
    if what == "writable":
        path.chmod(0o666)
    elif what == "owner":
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid)
        stat = os.fstat

        def another(handle):
            found = stat(handle)
            fields = list(found)
            fields[4] += 1
            return os.stat_result(fields)

        monkeypatch.setattr("flipcheck.sources.cache.folder.os.fstat", another)
    else:
        path.rename(tmp_path / "away")
        {"link": lambda: path.symlink_to(tmp_path / "away"), "folder": path.mkdir,
         "pipe": lambda: os.mkfifo(path)}[what]()  # fmt: skip
    rows.clear()
    flipcheck.predict(model, data, cache=tmp_path / "kept")
    assert rows["old"] >= SIZE


@posix
@pytest.mark.parametrize("what", ["writable", "file", "below a file", "owner"])
def test_a_folder_that_cannot_be_trusted_is_one_warning(tmp_path, what, caplog, monkeypatch):
    """The audit goes on without it, and its report is the same."""
    given, _ = arrays(tmp_path)
    plain = text(*given, cache=False)
    folder = tmp_path / "kept"
    if what == "writable":
        folder.mkdir()
        folder.chmod(0o777)
    elif what == "owner":
        folder.mkdir(0o700)
        monkeypatch.setattr(
            "flipcheck.sources.cache.folder.os.geteuid", lambda: folder.stat().st_uid + 1
        )
    else:
        folder.write_text("x")
        folder = folder / "deep" if what == "below a file" else folder
    assert text(*given, cache=folder) == plain
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "--no-cache" in caplog.text
    assert not list(tmp_path.glob("kept/*"))


def test_a_full_disk_is_one_warning(tmp_path, caplog, monkeypatch):
    """A write that fails half-way leaves nothing, and the audit goes on."""
    given, _ = arrays(tmp_path)
    plain = text(*given, cache=False)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flipcheck.sources.cache.folder.os.fsync", full)
    assert text(*given, cache=tmp_path / "kept") == plain
    assert len(caplog.records) == 1
    assert "No space left" in caplog.text
    assert not [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]


def test_the_cache_leaves_room_on_the_disk(tmp_path, caplog, monkeypatch):
    """On a disk that is nearly full nothing is kept."""
    given, _ = arrays(tmp_path)
    monkeypatch.setattr("flipcheck.sources.cache.folder.FREE", 1 << 62)
    text(*given, cache=tmp_path / "kept")
    assert "nearly full" in caplog.text
    assert not list((tmp_path / "kept").rglob("whole"))


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    """The cache stays below its limit by itself."""
    cache = Cache(tmp_path / "kept", limit=4000)
    keys = [hashlib.sha256(bytes([number])).hexdigest() for number in range(5)]
    for number, key in enumerate(keys):
        each = Cache(tmp_path / "kept", limit=4000)
        assert each.write(Entry(key, 0, 100, {}, {"model": str(number)}, (np.arange(100),)))
        os.utime(tmp_path / "kept" / key / "whole", (number, number))
        each.finish(key)
    assert [each.model for each in cache.held()] == ["4", "3", "2"]
    assert cache.read(keys[2]) is not None  # a use
    Cache(tmp_path / "kept").prune(2500)
    assert {each.model for each in cache.held()} == {"4", "2"}


def test_what_a_killed_process_left_beside_an_entry_goes(tmp_path, one):
    """Its blocks, and half-written files that are too old to be anybody's still."""
    model, data, path = one
    block, half, young = (path.with_name(name) for name in (
        "000000000000-000000000032", ".new-abc", ".new-def"
    ))  # fmt: skip
    for each in (block, half, young):
        each.write_bytes(b"x")
    os.utime(half, (0, 0))
    flipcheck.predict(model, data, cache=tmp_path / "kept")
    assert {each.name for each in path.parent.iterdir()} == {"whole", ".new-def"}


def test_a_run_larger_than_the_limit_is_not_kept(tmp_path):
    """One that would fill the cache several times over does not begin to."""
    cache = Cache(tmp_path / "kept", limit=500)
    assert not cache.write(Entry("0" * 64, 0, 100, {}, {}, (np.arange(100),)))
    assert cache.held() == []


# --- where it lies ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "environment", "place"),
    [
        ("linux", {}, ".cache/flipcheck"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/flipcheck"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, ".cache/flipcheck"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, "Library/Caches/flipcheck"),
        ("win32", {}, "AppData/Local/flipcheck"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/flipcheck"),
        ("linux", {"FLIPCHECK_CACHE": "/mine", "XDG_CACHE_HOME": "/x"}, "/mine"),
        ("linux", {"FLIPCHECK_CACHE": "~/mine"}, "mine"),
    ],
)
def test_the_usual_folder(tmp_path, monkeypatch, platform, environment, place):
    """Each system's folder for what can be made again, unless the environment names one."""
    for name in ("FLIPCHECK_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == tmp_path / place


def test_the_environment_turns_it_off(monkeypatch, tmp_path):
    """FLIPCHECK_CACHE=off is none; a folder that was given is that folder all the same."""
    monkeypatch.setenv("FLIPCHECK_CACHE", "off")
    assert cache_folder() is None
    assert open_cache(True) is None
    assert open_cache(False) is None
    assert cache_folder(tmp_path) == tmp_path


def test_a_cache_in_the_test_set_is_refused(tmp_path):
    """Its files would be part of the data."""
    given, options = images(tmp_path)
    with pytest.raises(flipcheck.FlipcheckError, match="would lie in the test set"):
        flipcheck.compare(*given, cache=given[2] / "kept", **options)


def test_nothing_is_made_for_saved_predictions(tmp_path, flipped):
    """A comparison without models makes no folder."""
    flipcheck.compare(*flipped(right=9, broken=1), cache=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
