"""Folders of images by class: what is found, and what cannot be read."""

from __future__ import annotations

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from flipcheck.errors import InputError
from flipcheck.sources.datasets import BadExamplesError, open_dataset, open_labels
from flipcheck.sources.datasets.images import quiet_decoder
from flipcheck.sources.preprocess import Preprocess
from flipcheck.sources.spec import Columns
from flipcheck.sources.thumbnails import thumbnails


def opened(folder):
    """The test set of a folder."""
    return open_dataset(folder, Columns())


def giant_png(width: int, height: int) -> bytes:
    """A PNG file of a few bytes that says it is that large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    )


def test_classes_are_the_names_of_folders(images):
    """An image's class is its folder, its id the path below the test set."""
    tests = opened(images(dog=[1], cat=[2, 3]))
    assert tests.ids.to_pylist() == ["cat/0.png", "cat/1.png", "dog/0.png"]
    assert tests.truth.texts() == ["cat", "cat", "dog"]
    assert not tests.warnings


def test_images_in_deeper_folders(images):
    """Below a class any folders may lie; the class is the first."""
    folder = images(cat=[1])
    (folder / "cat" / "tabby").mkdir()
    Image.new("L", (2, 2)).save(folder / "cat" / "tabby" / "x.PNG")
    tests = opened(folder)
    assert tests.ids.to_pylist() == ["cat/0.png", "cat/tabby/x.PNG"]
    assert tests.truth.texts() == ["cat", "cat"]


def test_other_files_are_told(images):
    """Files that are no images, and images without a class, are left out with a warning."""
    folder = images(cat=[1])
    (folder / "README.md").write_text("x")
    (folder / "cat" / "notes.txt").write_text("x")
    (folder / "cat" / ".hidden.png").write_text("x")
    (folder / "cat" / "Thumbs.db").write_text("x")
    (folder / "cat" / "gone.png").symlink_to("nowhere")
    Image.new("L", (2, 2)).save(folder / "top.png")
    tests = opened(folder)
    assert len(tests) == 1
    (warning,) = tests.warnings
    assert "4 files left out" in warning
    assert all(name in warning for name in ("README.md", "notes.txt", "gone.png", "top.png"))


@pytest.mark.parametrize("name", ["nothing", "only_at_the_top"])
def test_folders_without_images_by_class(tmp_path, name):
    """The error says how a test set is laid out."""
    (tmp_path / name).mkdir()
    Image.new("L", (2, 2)).save(tmp_path / name / "x.png")
    with pytest.raises(InputError, match="no images in class folders") as error:
        opened(tmp_path / name)
    assert "data/<class>/<file>" in error.value.hint


def test_links_in_a_circle(images):
    """A link to a folder above does not make the walk endless, or count an image twice."""
    folder = images(cat=[1], dog=[2])
    (folder / "cat" / "up").symlink_to(folder)
    assert len(opened(folder)) == 2


def test_names_that_are_not_utf8(images):
    """A file name in another encoding is an error that shows it."""
    folder = images(cat=[1])
    bad = os.fsencode(folder) + b"/cat/caf\xe9.png"
    try:
        os.link(folder / "cat" / "0.png", bad)
    except OSError:
        pytest.skip("this file system takes no such names")
    with pytest.raises(InputError, match=r"names are not UTF-8.*udce9"):
        opened(folder)


def test_the_digest_is_of_names_and_contents(images):
    """Another image, or another name, is another test set."""
    first = opened(images("a", cat=[1, 2])).sha256
    assert opened(images("b", cat=[1, 2])).sha256 == first
    assert opened(images("c", cat=[2, 1])).sha256 != first
    assert opened(images("d", dog=[1, 2])).sha256 != first


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not an image"),
        (b"GIF89a", "not an image"),
        (b"hello", "not an image"),
        (giant_png(30_000, 30_000), "taken for a bomb"),  # beyond Pillow's limit
        (giant_png(9_500, 9_500), "taken for a bomb"),  # beyond its warning
        (giant_png(20, 20), "truncated"),  # data that is not there
    ],
)
def test_images_that_cannot_be_read(images, content, told):
    """Each such image of a batch is named with why."""
    folder = images(cat=[1, 2])
    (folder / "cat" / "0.png").write_bytes(content)
    (folder / "cat" / "2.png").write_bytes(content)
    reader = opened(folder).reader
    (batch,) = reader.batches({}, 10)
    with quiet_decoder(), pytest.raises(BadExamplesError) as error:
        reader.decoded(batch, [Preprocess()])
    assert [problem.split(": ")[0][-9:] for problem in error.value.problems] == [
        "cat/0.png",
        "cat/2.png",
    ]
    assert all(told in problem for problem in error.value.problems), error.value.problems


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_images_of_more_than_8_bits_are_refused(images, mode):
    """A scale of 1/255 would be wrong for them, so nothing is guessed."""
    folder = images(cat=[1])
    array = np.zeros((3, 3), {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode])
    Image.fromarray(array).save(folder / "cat" / "deep.tiff")
    reader = opened(folder).reader
    (batch,) = reader.batches({}, 10)
    with pytest.raises(BadExamplesError) as error:
        reader.decoded(batch, [Preprocess()])
    assert "more than 8 bits" in error.value.problems[0]


def test_truncated_images_never_crash(images):
    """An image that is cut short anywhere is a problem that is told, or reads."""
    folder = images(cat=[1])
    path = folder / "cat" / "0.png"
    found = 0
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8))
    for suffix in ("png", "jpeg", "gif", "bmp", "webp", "tiff", "ppm"):
        noise.save(folder / f"x.{suffix}", format=suffix)
        data = (folder / f"x.{suffix}").read_bytes()
        for size in range(0, len(data), 7):
            path.write_bytes(data[:size])
            try:
                opened(folder).reader.decoded([path], [Preprocess(resize=(4, 4))])
            except BadExamplesError as error:
                found += str(path) in error.problems[0]
    assert found > 50


def test_each_model_gets_its_own_size(images):
    """One decoding serves models with different preprocessing."""
    tests = opened(images(size=(8, 6), cat=[100]))
    (batch,) = tests.reader.batches({}, 10)
    steps = [Preprocess(resize=(3, 5), channels="L"), Preprocess(resize=4), Preprocess()]
    found = [each["image"][0] for each in tests.reader.decoded(batch, steps)]
    assert [(image.size, image.mode) for image in found] == [
        ((5, 3), "L"),
        ((5, 4), "RGB"),
        ((8, 6), "RGB"),
    ]


def test_labels_of_a_folder(images):
    """A folder serves as labels for saved predictions."""
    found = open_labels(images(cat=[1], dog=[2]), Columns())
    assert found.truth.texts() == ["cat", "dog"]


def test_thumbnails(images):
    """Flipped examples come as pictures; what is no readable image is left out."""
    folder = images(cat=[1, 2])
    (folder / "cat" / "1.png").write_bytes(b"broken")
    found = thumbnails(opened(folder), ["cat/0.png", "cat/1.png", "nothing.png"])
    assert list(found) == ["cat/0.png"]
    assert found["cat/0.png"].startswith("data:image/webp;base64,")
