"""Ids are matched as a dictionary matches them, whatever they look like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flipcheck import matching
from flipcheck.matching import Index, positions
from flipcheck.texts import Texts

HUGE = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.one_of(
    st.lists(st.integers(-20, 20)),
    st.lists(st.one_of(st.integers(2**62, 2**62 + 9), HUGE)),
)
NUMBERED = st.builds(
    lambda before, numbers, behind, width, odd: [
        *(f"{before}{number:0{width}}{behind}" for number in numbers),
        *odd,
    ],
    st.sampled_from(["", "img_", "a long folder/of images/"]),
    st.lists(st.integers(0, 300)),
    st.sampled_from(["", ".jpg", "/a picture"]),
    st.integers(1, 10),
    st.lists(
        st.sampled_from(["img_0000003:", "img_00000001", "1", "0x", "img_0000/001"]), max_size=1
    ),
)
"""Ids that hold numbers of one width, and perhaps one that is none of them."""
TEXTS = NUMBERED | st.lists(
    st.one_of(st.text(max_size=3), st.text("ab\0", max_size=20), st.text("é漢😀", max_size=9))
)


def by_dictionary(wanted: list[Any], ids: list[Any]) -> list[int]:
    """The places that a dictionary finds; -1 where it finds none."""
    places = {each: place for place, each in enumerate(ids)}
    return [places.get(each, -1) for each in wanted]


def check(wanted: list[Any], ids: list[Any], kind: Any) -> None:
    """Check places and repetitions against a dictionary and a set."""
    arrays = [pa.array(each, kind) for each in (wanted, ids)]
    for values, array in zip((wanted, ids), arrays, strict=True):
        assert Index(array, 50).distinct() == (len(set(values)) == len(values))
    once = list(dict.fromkeys(ids))
    found = positions(arrays[0], pa.array(once, kind)).tolist()
    assert found == by_dictionary(wanted, once)
    among = positions(*arrays).tolist()
    assert [None if at < 0 else ids[at] for at in among] == [
        each if each in ids else None for each in wanted
    ]


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_numbers(wanted: list[int], ids: list[int]) -> None:
    """Negative, huge, dense and sparse whole numbers are found where they stand."""
    check(wanted, ids, pa.int64())


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_texts(wanted: list[str], ids: list[str]) -> None:
    """Texts of any length and script are found where they stand."""
    check(wanted, ids, pa.string())


@settings(deadline=None)
@given(st.data())
def test_shuffled(data: st.DataObject) -> None:
    """Ids in another order, with a few that only one side has, are found where they stand."""
    kind, values = data.draw(
        st.sampled_from([(pa.int64(), HUGE), (pa.string(), st.text(max_size=12))])
    )
    ids: list[Any] = data.draw(st.lists(values, unique=True, max_size=40))
    others: list[Any] = data.draw(st.lists(values, max_size=2))
    check(data.draw(st.permutations(ids)) + others, ids, kind)


@pytest.mark.parametrize("bits", [0, 1, 3])
@settings(deadline=None)
@given(data=st.data())
def test_equal_keys(bits: int, data: st.DataObject) -> None:
    """Ids that differ and share a key are never taken for each other."""
    kind, values = data.draw(st.sampled_from([(pa.int64(), NUMBERS), (pa.string(), TEXTS)]))
    ids: list[Any] = data.draw(values)
    wanted: list[Any] = data.draw(st.one_of(values, st.permutations(ids)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "DENSE", 0)  # so that numbers are sorted by their keys too
        for part in (Texts, matching.Numbers):
            keys = part.keys

            def few(self: Any, keys: Any = keys) -> Any:
                """Keys of which only the first few bits differ."""
                return keys(self) & ~np.uint64((1 << (64 - bits)) - 1)

            patch.setattr(part, "keys", few)
        check(wanted, ids, kind)


@settings(deadline=None)
@given(TEXTS, st.integers(0, 3), st.integers(0, 3))
def test_slices(texts: list[str], before: int, after: int) -> None:
    """A slice of a longer array has the keys of its own texts, however they are stored."""
    whole = pa.array(["x" * 9] * before + texts + ["y"] * after, pa.large_string())
    found = Texts(whole.slice(before, len(texts))).keys()
    assert found.tolist() == Texts(pa.array(texts, pa.string())).keys().tolist()


def test_keys_differ() -> None:
    """Keys of ids as they are common hardly ever collide, even in the bits that are sorted by."""
    texts = pa.array([f"img_{number:08}" for number in range(100_000)])
    numbers = np.arange(100_000, dtype=np.int64) << 20
    for values in (Texts(texts), matching.Numbers(numbers)):
        keys = values.keys() >> np.uint64(24)
        assert len(np.unique(keys)) > 99_990


def test_numbers_and_texts() -> None:
    """Ids that are numbers on one side and texts on the other meet as texts."""
    found = positions(pa.array(["3", "03", "x"]), pa.array([1, 3]))
    assert found.tolist() == [1, -1, -1]


def test_numbers_of_two_widths() -> None:
    """Numbers in four and in eight bytes meet, however far apart they lie."""
    for ids in ([7, -1, 3], [7, -(2**31), 3]):
        found = positions(pa.array([3, 7, 2**40], pa.int64()), pa.array(ids, pa.int32()))
        assert found.tolist() == [2, 0, -1]
        found = positions(pa.array(ids, pa.int32()), pa.array([2**40, 3, 7], pa.int64()))
        assert found.tolist() == [2, -1, 1]
