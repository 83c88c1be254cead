"""Where the ids of one source stand in another, fast and exactly.

Whole numbers that lie close together are looked up in a table. All others are sorted by 64-bit
keys, of which the last bits make room for the row, and every match is compared whole: keys that
happen to be equal cost time and never pair a wrong row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.texts import Texts, whole_numbers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DENSE = 4
"""Whole numbers are looked up in a table of at most so many places for each of them."""
FACTORS = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
"""The odd factors by which a whole number becomes a key: no two share one before it is cut."""
BLOCK = 1 << 18
"""How many ids are looked up at a time."""


def positions(wanted: Any, ids: Any) -> NDArray[Any]:
    """Where each wanted id stands in `ids`; -1 where it does not. Both are pyarrow arrays.

    Of an id that `ids` hold more than once, any of its places.
    """
    import numpy as np

    if not len(wanted) or not len(ids):
        return np.full(len(wanted), -1)
    size = max(len(wanted), len(ids))
    return Index(ids, size).positions(Index(wanted, size))


class Index:
    """The ids of one source, to be looked up; sorted at most once, and only where that is needed.

    `size` is the number of rows of the longest source that is matched with others; `looked_in`
    says that other ids will be looked up among these.
    """

    def __init__(self, ids: Any, size: int, *, looked_in: bool = False) -> None:
        import numpy as np
        import pyarrow as pa

        self.ids, self.size, self.looked_in = ids, size, looked_in
        self.whole = bool(pa.types.is_integer(ids.type))
        self.values: Any = Numbers(whole_numbers(ids)) if self.whole else Texts(ids)
        self.mask = np.uint64((1 << max(1, (size - 1).bit_length())) - 1)
        self._sorted: NDArray[np.uint64] | None = None
        self._table: NDArray[Any] | None = None
        self._numbered: tuple[object, NDArray[Any] | None] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def numbers(self) -> NDArray[Any] | None:
        """The ids as whole numbers, where they differ in nothing else."""
        return self._read()[1]

    @property
    def around(self) -> object:
        """What stands around the numbers: where it is the same, equal numbers are equal ids."""
        return self._read()[0]

    def _read(self) -> tuple[object, NDArray[Any] | None]:
        if self._numbered is None:
            texts = None if self.whole else self.values.numbers() or (None, None)
            self._numbered = texts or (None, self.values.values)
        return self._numbered

    def distinct(self) -> bool:
        """Whether no id is there more than once."""
        import numpy as np
        import pyarrow.compute as pc

        if self._ascends():
            return True
        if self.looked_in and self._dense:
            return int(np.count_nonzero(self.table() >= 0)) == len(self)
        if self.numbers is not None and self._dense:
            low, seen = self.numbers.min(), np.zeros(_span(self.numbers), bool)
            for at in range(0, len(self), BLOCK):
                seen[self.numbers[at : at + BLOCK] - low] = True
            return int(np.count_nonzero(seen)) == len(self)
        keys = self.sorted()
        rows = (keys[_repeated(keys, self.mask)] & self.mask).astype(np.int64)
        return bool(pc.count_distinct(self.ids.take(rows)).as_py() == len(rows))

    def positions(self, wanted: Index) -> NDArray[Any]:
        """Where each wanted id stands among these; -1 where it does not."""
        import numpy as np
        import pyarrow as pa

        whole = wanted.whole and self.whole
        if wanted.ids.type != self.ids.type and not (whole and self._dense):
            kind = pa.int64() if whole else pa.large_string()
            return positions(wanted.ids.cast(kind), self.ids.cast(kind))
        if wanted.ids.equals(self.ids):
            return np.arange(len(self))
        if not len(wanted) or not len(self):
            return np.full(len(wanted), -1)
        alike = self.around == wanted.around
        if self.numbers is not None and wanted.numbers is not None and alike and self._dense:
            return _by_table(wanted.numbers, self.numbers.min(), self.table())
        return self._checked(wanted, self._by_keys(wanted))

    def table(self) -> NDArray[Any]:
        """The row of each whole number from the smallest id to the largest; -1 where none has it.

        Of an id that is there more than once, any of its rows.
        """
        import numpy as np

        numbers = self.numbers
        assert numbers is not None  # noqa: S101  (asked only where ids are numbers)
        if self._table is None:
            low, table = numbers.min(), np.full(_span(numbers), -1, _rows_kind(len(numbers)))
            for at in range(0, len(numbers), BLOCK):  # as large arrays cost their first touch
                some = numbers[at : at + BLOCK] - low
                table[some] = np.arange(at, at + len(some), dtype=table.dtype)
            self._table = table
        return self._table

    def sorted(self) -> NDArray[np.uint64]:
        """The keys of all ids in ascending order, with their row in the last bits."""
        import numpy as np

        if self._sorted is None:
            keys = self.values.keys()
            keys &= ~self.mask
            keys |= np.arange(len(keys), dtype=np.uint64)
            keys.sort()
            self._sorted = keys
        return self._sorted

    @property
    def _dense(self) -> bool:
        return self.numbers is not None and _span(self.numbers) <= DENSE * len(self.numbers)

    def _ascends(self) -> bool:
        """Whether the ids stand in strictly ascending order."""
        import pyarrow.compute as pc

        if self.numbers is not None:
            return bool((self.numbers[1:] > self.numbers[:-1]).all())
        for some in (self.ids.slice(0, 1000), self.ids):  # the first few tell most that do not
            if not pc.all(pc.less(some.slice(0, max(0, len(some) - 1)), some.slice(1))).as_py():
                return False
        return True

    def _by_keys(self, wanted: Index) -> NDArray[Any]:
        """The places by sorted keys; where keys repeat, by the ids themselves."""
        import numpy as np

        first, second = wanted.sorted(), self.sorted()
        unclear = _repeated(second, self.mask)
        alike = len(first) == len(second) and bool(((first ^ second) <= self.mask).all())
        place = np.full(len(wanted), -1, _rows_kind(self.size))
        doubtful = []
        for at in range(0, len(first), BLOCK):
            keys = first[at : at + BLOCK]
            rows, key = (keys & self.mask).astype(place.dtype), keys & ~self.mask
            if alike:
                there = np.arange(at, at + len(keys))
            else:  # the first key that is no smaller, whatever its row
                there = np.minimum(np.searchsorted(second, key), len(second) - 1)
            found = (second[there] & ~self.mask) == key
            clear = found & ~unclear[there]
            doubtful.append(rows[found & ~clear])
            place[rows[clear]] = (second[there[clear]] & self.mask).astype(place.dtype)
        asked = np.concatenate(doubtful)
        if len(asked):
            place[asked] = self._among(
                wanted, asked, (second[unclear] & self.mask).astype(np.int64)
            )
        return place

    def _among(
        self, wanted: Index, asked: NDArray[Any], rows: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The places of the wanted ids that are asked for, which are among some rows or nowhere."""
        import numpy as np
        import pyarrow.compute as pc

        ids = self.ids.take(rows)
        known = np.asarray(pc.index_in(wanted.ids.take(asked), value_set=ids).fill_null(-1))
        return np.where(known < 0, -1, rows[known])

    def _checked(self, wanted: Index, place: NDArray[Any]) -> NDArray[Any]:
        """The places of ids that are equal indeed; -1 for the others."""
        import numpy as np

        for at in range(0, len(place), BLOCK):
            some = place[at : at + BLOCK]
            rows = np.flatnonzero(some >= 0)
            equal = wanted.values.equal(rows + at, self.values, some[rows])
            if not equal.all():
                some[rows[~equal]] = -1
        return place


class Numbers:
    """Whole numbers as keys."""

    def __init__(self, values: NDArray[np.int64]) -> None:
        self.values = values

    def keys(self) -> NDArray[np.uint64]:
        """A key for each number."""
        import numpy as np

        found = self.values.astype(np.uint64)
        for factor in FACTORS:
            found *= np.uint64(factor)
            found ^= found >> np.uint64(32)
        return found

    def equal(self, rows: NDArray[Any], other: Numbers, others: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether the numbers of these rows are those of other rows of another column."""
        found: NDArray[np.bool_] = self.values[rows] == other.values[others]
        return found


def _rows_kind(size: int) -> type[np.signedinteger[Any]]:
    """The smallest kind of whole numbers that holds so many rows."""
    import numpy as np

    return np.int32 if size < 2**31 else np.int64


def _span(numbers: NDArray[Any]) -> int:
    """How many whole numbers there are from the smallest to the largest of these."""
    return int(numbers.max()) - int(numbers.min()) + 1 if len(numbers) else 0


def _by_table(wanted: NDArray[Any], low: Any, table: NDArray[Any]) -> NDArray[Any]:
    """The places of whole numbers by a table of all from the lowest id to the highest."""
    import numpy as np

    high = int(low) + len(table) - 1
    place = np.empty(len(wanted), table.dtype)
    for at in range(0, len(wanted), BLOCK):
        some = wanted[at : at + BLOCK]
        if some.min() >= low and some.max() <= high:
            table.take(some - low, mode="wrap", out=place[at : at + BLOCK])
        else:
            inside = np.flatnonzero((some >= low) & (some <= high))
            place[at : at + BLOCK] = -1
            place[at + inside] = table[some[inside] - low]
    return place


def _repeated(keys: NDArray[np.uint64], mask: np.uint64) -> NDArray[np.bool_]:
    """Which of the sorted keys are equal to one beside them."""
    import numpy as np

    found = np.zeros(len(keys), bool)
    same = (keys[1:] ^ keys[:-1]) <= mask
    found[1:] = same
    found[:-1] |= same
    return found
