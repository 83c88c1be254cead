"""Columns as they lie in memory: whole numbers, and texts as words of eight bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

WORD = 8
BLOCK = 1 << 17
"""How many texts are looked at together: as many as stay in the processor's cache."""
FACTOR, START = 0x9FB21C651E98DF25, 0x9E3779B97F4A7C15


def whole_numbers(values: Any) -> NDArray[Any]:
    """A pyarrow array of whole numbers without nulls as it lies in memory.

    Other ways from pyarrow to numpy import pandas, which takes longer than a small audit.
    """
    import numpy as np

    found: NDArray[Any] = np.from_dlpack(values)
    return found


def arrow_numbers(values: NDArray[Any]) -> Any:
    """Whole numbers as a pyarrow array that shares their memory, likewise without pandas."""
    import numpy as np
    import pyarrow as pa

    held = pa.py_buffer(memoryview(np.ascontiguousarray(values)))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, held])


class Texts:
    """The texts of a pyarrow array without nulls, where they lie in memory."""

    def __init__(self, values: Any) -> None:
        import numpy as np
        import pyarrow as pa

        kind = "<i8" if pa.types.is_large_string(values.type) else "<i4"
        _, offsets, data = values.buffers()
        ends = np.frombuffer(offsets, kind)[values.offset : values.offset + len(values) + 1]
        self.begins, self.ends = ends[:-1], ends[1:]
        self.size = 0 if data is None else data.size
        held = data if self.size >= WORD else bytes(data or b"").ljust(WORD, b"\0")
        count = max(self.size, WORD) - WORD + 1
        # A word from every byte on, wherever it lies; the last ones end with the data.
        self.words: NDArray[np.uint64] = np.ndarray(count, "<u8", buffer=held, strides=(1,))

    def keys(self) -> NDArray[np.uint64]:
        """A key for each text; few that differ share one."""
        import numpy as np

        found = np.empty(len(self.begins), np.uint64)
        for at in range(0, len(found), BLOCK):
            rows = slice(at, at + BLOCK)
            lengths = self.ends[rows] - self.begins[rows]
            keys = lengths.astype(np.uint64) * np.uint64(START)
            for some, words in self._words(self.begins[rows], lengths):
                mixed = (keys if some is None else keys[some]) ^ words
                mixed *= np.uint64(FACTOR)
                mixed ^= mixed >> np.uint64(32)
                if some is None:
                    keys = mixed
                else:
                    keys[some] = mixed
            found[rows] = keys * np.uint64(START)
        return found

    def equal(self, rows: NDArray[Any], other: Texts, others: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether the texts of these rows are those of other rows of another column."""
        import numpy as np

        found = np.empty(len(rows), bool)
        for at in range(0, len(rows), BLOCK):
            here, there = rows[at : at + BLOCK], others[at : at + BLOCK]
            begins, starts = self.begins[here], other.begins[there]
            lengths = self.ends[here] - begins
            same = lengths == other.ends[there] - starts
            lengths = np.where(same, lengths, 0)
            pairs = zip(self._words(begins, lengths), other._words(starts, lengths), strict=True)
            for (some, one), (_, two) in pairs:
                if some is None:
                    same &= one == two
                else:
                    same[some] &= one == two
            found[at : at + BLOCK] = same
        return found

    def _words(
        self, begins: NDArray[Any], lengths: NDArray[Any]
    ) -> Iterator[tuple[NDArray[Any] | None, NDArray[np.uint64]]]:
        """The first word of each text, the second …: of which of them (None: all), and the word.

        What is beyond the end of a text is 0.
        """
        import numpy as np

        last = len(self.words) - 1
        begins = begins.astype(np.int64)
        some = None
        for done in range(0, int(lengths.max(initial=0)), WORD):
            longer = lengths > done
            if not longer.all():
                some = np.flatnonzero(longer)
            start = (begins if some is None else begins[some]) + done
            rest = (lengths if some is None else lengths[some]) - done
            inside = np.minimum(start, last)
            words = self.words[inside]
            words >>= ((start - inside) * 8).astype(np.uint64)
            short = rest < WORD
            if short.any():
                empty = (WORD - np.minimum(rest, WORD)).astype(np.uint64) * np.uint64(8)
                words = (words << empty) >> empty
            yield some, words
