"""What the file system says of files before and after a run."""

from __future__ import annotations

import os

import pytest

from flipcheck.sources.stamps import stamps


@pytest.fixture
def files(tmp_path):
    """Three files of the same size."""
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text(path.name)
    return paths


def test_files_that_are_left_alone(files):
    """Reading changes nothing that counts."""
    seen = stamps(files)
    files[0].read_text()
    assert seen.unchanged()


@pytest.mark.parametrize("change", ["written", "times put back", "replaced", "gone", "longer"])
def test_every_change_shows(files, change):
    """Also one that keeps the size, or puts the times back."""
    seen, path = stamps(files), files[1]
    before = path.stat()
    if change in {"written", "times put back"}:
        path.write_text("x")
        if change == "times put back":
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "replaced":
        (path.parent / "new").write_text("b")
        (path.parent / "new").replace(path)
    elif change == "gone":
        path.unlink()
    else:
        path.write_text("bb")
    assert not seen.unchanged()


def test_of_files_that_are_examples_only_some_are_looked_at(files):
    """A file that belongs to another example does not count; of one archive the whole does."""
    seen, together = stamps(files, by_example=True), stamps(files)
    files[2].write_text("x")
    assert seen.unchanged(0, 2)
    assert not seen.unchanged(1, 3)
    assert not seen.unchanged()
    assert not together.unchanged(0, 2)


def test_of_what_is_no_file_nothing_can_be_said(tmp_path):
    """A folder's own times say nothing of the files in it."""
    assert not stamps([tmp_path]).unchanged()
    assert not stamps([tmp_path / "none"]).unchanged()
