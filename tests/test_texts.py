"""Values gathered by row, against numpy's own way."""

from __future__ import annotations

import numpy as np
import pytest

from flipcheck.texts import GATHERED, gathered


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8])
def test_values_are_gathered_as_numpy_indexes(kind):
    """Also over several blocks, and with rows counted from the end."""
    random = np.random.default_rng(0)
    values = random.integers(0, 100, 200).astype(np.int32)
    lowest = 0 if kind is np.uint8 else -200
    rows = random.integers(lowest, 200, 2 * GATHERED + 7).astype(kind)
    np.testing.assert_array_equal(gathered(values, rows), values[rows])
    assert len(gathered(values, rows[:0])) == 0


@pytest.mark.parametrize("row", [-4, 3])
def test_rows_that_are_not_there_raise(row):
    """They are never another row's values."""
    with pytest.raises(IndexError, match="beyond the 3"):
        gathered(np.arange(3), np.array([0, row]))
