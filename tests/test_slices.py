"""Slices of a column: which there are, in which order, and what they count."""

from __future__ import annotations

import numpy as np
import pytest

from flipcheck.labels import Labels
from flipcheck.outcomes import Tally
from flipcheck.slices import natural, slices, values


def sliced(column, codes):
    """The slices of a column of values over outcomes."""
    return slices(values("column", Labels.of(column)), np.array(codes, dtype=np.uint8))


def test_each_value_has_the_tally_of_its_examples():
    """A slice counts the outcomes of its examples and no others."""
    found = sliced(["EU", "US", "EU", "EU"], [0, 1, 1, 4])
    assert found.values == ("EU", "US")
    assert found.tallies() == [Tally(1, 1, 0, 0, 1), Tally(0, 1)]


def test_examples_without_a_value_are_a_slice_of_their_own():
    """A gap in the column is not left out."""
    found = sliced(["EU", None, ""], [0, 1, 1])
    assert found.values == ("(missing)", "EU")
    assert found.tallies()[0] == Tally(0, 2)


def test_a_value_that_reads_missing_is_not_a_second_slice():
    """No two slices have one name."""
    found = sliced(["(missing)", None], [0, 1])
    assert found.values == ("(missing)",)
    assert found.tallies() == [Tally(1, 1)]


def test_a_value_that_no_example_has_is_no_slice():
    """Names without examples are left out."""
    column = Labels(np.array([1], dtype=np.int32), ("EU", "US"))
    assert slices(values("region", column), np.array([0], dtype=np.uint8)).values == ("US",)


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["10", "9", "1"], ("1", "9", "10")),  # whole numbers by their size
        (["b", "10", "a", "9"], ("9", "10", "a", "b")),  # before other text
        (["7", "007"], ("007", "7")),  # equal numbers by their text
        (["-1", "1"], ("1", "-1")),  # a sign makes it text
        (["²", "3"], ("3", "²")),  # a digit to Unicode, not to int()
        (["9" * 5000, "5"], ("5", "9" * 5000)),  # more digits than Python reads
    ],
)
def test_slices_are_in_the_order_a_reader_expects(values, order):
    """Whole numbers are in their own order, then text."""
    assert sliced(values, [0] * len(values)).values == order


def test_different_texts_have_different_sort_keys():
    """No two values tie, so the order of rows cannot show."""
    texts = ["7", "07", "007", "a", "A", "", "7 "]
    assert len({natural(text) for text in texts}) == len(texts)
