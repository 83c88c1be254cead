"""Slices of a column: which there are, in which order, and what they count."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flipcheck.errors import UsageError
from flipcheck.labels import Labels
from flipcheck.outcomes import Tally
from flipcheck.slices import _readable, crossed, natural, paired_codes, quantiles, slices, values


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


def by_row(groups):
    """The value of each example's group."""
    return [groups.values[code] for code in groups.codes]


def cross(**columns):
    """The groups by the combinations of columns of values."""
    parts = [values(name, Labels.of(column)) for name, column in columns.items()]
    return crossed(",".join(columns), parts)


def test_crossed_columns_have_a_slice_for_each_combination_that_occurs():
    """Three of four combinations, in the order of the columns' own values; gaps count."""
    found = slices(
        cross(a=["2", "10", "2", None], b=["x", "x", "y", "x"]), np.arange(4, dtype="u1")
    )
    assert found.by == "a,b"
    assert found.values == ("2,x", "2,y", "10,x", "(missing),x")
    assert [tally.examples for tally in found.tallies()] == [1, 1, 1, 1]


def test_three_columns_cross_as_two():
    """Every example is in the slice of its own three values."""
    columns = {name: [f"{name}{row // size % 2}" for row in range(8)]
               for name, size in (("a", 1), ("b", 2), ("c", 4))}  # fmt: skip
    expected = [",".join(each) for each in zip(*columns.values(), strict=True)]
    assert by_row(cross(**columns)) == expected


def test_combinations_that_would_be_written_alike_are_an_error():
    """Two slices never become one because a value has a comma."""
    with pytest.raises(UsageError, match="would both be called 'x,y,z'"):
        cross(a=["x,y", "x"], b=["z", "y,z"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), min_size=1, max_size=60))
def test_pairs_of_codes_are_those_of_a_dictionary(pairs):
    """Few or many possible pairs, the codes are the ranks of the pairs that occur."""
    first, second = np.array(pairs, dtype=np.int32).T
    rank = {pair: place for place, pair in enumerate(sorted(set(pairs)))}
    for size in (91, 100_000):
        codes, found = paired_codes(first, second, 91, size)
        assert codes.tolist() == [rank[pair] for pair in pairs]
        assert [tuple(pair) for pair in found.tolist()] == sorted(set(pairs))


numbers = st.lists(
    st.integers(-60, 60) | st.floats(-5, 5, allow_subnormal=False).map(lambda x: round(x, 3)),
    min_size=40,
    max_size=200,
)


@settings(deadline=None)
@given(numbers, st.integers(2, 7))
def test_quantiles_are_those_of_numpy(column, number):
    """Each value is above as many quantiles (inverted distribution function) as its group says."""
    found = quantiles("x", Labels.of([str(each) for each in column]), number)
    if len({float(each) for each in column}) <= 30:
        assert found is None
        return
    shares = [Fraction(step, number) for step in range(1, number)]
    ordered = sorted(float(each) for each in column)
    edges = [ordered[math.ceil(share * len(ordered)) - 1] for share in shares]
    if number in {2, 4}:  # where the shares are floats without an error
        by_numpy = np.quantile(ordered, [float(each) for each in shares], method="inverted_cdf")
        assert edges == by_numpy.tolist()
    above = [sum(float(each) > edge for edge in edges) for each in column]
    rank = {group: place for place, group in enumerate(sorted(set(above)))}
    assert found.codes.tolist() == [rank[group] for group in above]


def test_quantiles_are_written_as_ranges_of_the_columns_own_numbers():
    """Four groups of ten, in ascending order, gaps apart, whatever the order of the rows."""
    column = [str(row - 5) for row in range(40)] + [None]
    for order in (column, column[::-1]):
        found = quantiles("age", Labels.of(order), 4)
        assert found.values == ("-5 to 4", "5 to 14", "15 to 24", "25 to 34", "(missing)")
        assert sorted(Counter(by_row(found)).values()) == [1, 10, 10, 10, 10]
    assert found.note == "column 'age' holds 40 numbers: cut into 4 quantiles"


@pytest.mark.parametrize(
    ("ends", "written"),
    [
        (["18", "25", "26", "90"], ["18", "25", "26", "90"]),  # as the data has them
        (["0.12345678901", "2.5", "3", "1234567.8901"], ["0.123457", "2.5", "3", "1.23457e+06"]),
        (["0.123456781", "0.123456789"], ["0.12345678", "0.12345679"]),  # what tells them apart
        (["0.123456741", "0.12345678"], ["0.1234567", "0.12345678"]),  # never out of order
        (["1234567890.25", "1234567890.25"], ["1.23457e+09"] * 2),  # one number
    ],
)
def test_the_ends_of_ranges_have_the_digits_that_a_reader_needs(ends, written):
    """Long numbers are cut, and still ascend and differ."""
    assert _readable(ends) == written


def test_a_number_that_most_examples_have_is_in_one_slice():
    """Ties stay together: zeros, written in two ways, are one slice of a single number."""
    column = ["0"] * 40 + ["0.0"] * 40 + [f"{row}.5" for row in range(40)]
    found = quantiles("x", Labels.of(column), 4)
    assert found.values[:3] == ("0", "0.5 to 9.5", "10.5 to 39.5")
    assert Counter(by_row(found))["0"] == 80


@pytest.mark.parametrize(
    "column",
    [
        [str(row) for row in range(30)],  # few enough to be values of their own
        [*map(str, range(40)), "x"],  # a text among numbers
        [*map(str, range(40)), "nan"],  # what is no number
        [*map(str, range(40)), "inf"],
        [*map(str, range(40)), "1_0"],  # Python reads it, nobody writes it
        [None] * 9,  # nothing
    ],
)
def test_other_columns_are_not_cut(column):
    """Texts, and few numbers, are slices by their values."""
    assert quantiles("x", Labels.of(column), 4) is None
