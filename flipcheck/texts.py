"""Columns as they lie in memory: whole numbers, and texts as words of eight bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

WORD = 8
BLOCK = 1 << 14
"""How many texts are looked at together: as many as stay in the processor's cache."""
GATHERED = 1 << 16
"""How many values are gathered together."""
NUMBERED = re.compile(rb"(.*?)([0-9]{1,8})([^0-9]*)", re.DOTALL)
"""A text around the last number in it."""
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

    held = pa.py_buffer(np.ascontiguousarray(values).data)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, held])


def gathered(values: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """The values of these rows; a row of -1 is the last.

    In blocks, as numpy would make a copy of all rows in eight bytes each, and memory that is
    touched for the first time costs more than what is done with it. Where numpy may wrap rows
    around it takes less than half of the time; so they are looked at before.
    """
    import numpy as np

    found = np.empty(len(rows), values.dtype)
    for at in range(0, len(rows), GATHERED):
        some = rows[at : at + GATHERED]
        if some.min() < -len(values) or some.max() >= len(values):
            raise IndexError(f"a row beyond the {len(values):,} there are")
        values.take(some, mode="wrap", out=found[at : at + GATHERED])
    return found


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
        self.data = np.frombuffer(data, np.uint8) if self.size else np.empty(0, np.uint8)
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

    def numbers(self) -> tuple[tuple[bytes, int, bytes], NDArray[np.int32]] | None:
        """The numbers in texts that differ in nothing else, and what stands around them.

        That is the text before, how many digits there are (up to eight), and the text behind, as
        in img_00001234.jpg. None for other texts.
        """
        import numpy as np

        if not len(self.begins):
            return None
        first = self.data[int(self.begins[0]) : int(self.ends[0])].tobytes()
        found = NUMBERED.fullmatch(first)
        if found is None:
            return None
        before, digits, behind = found.groups()
        numbers = np.empty(len(self.begins), np.int32)
        known = _padded(before + b"\0" * len(digits) + behind)
        masks = _padded(b"\xff" * len(before) + b"\0" * len(digits) + b"\xff" * len(behind))
        for at in range(0, len(numbers), BLOCK):
            some, size = numbers[at : at + BLOCK], len(first)
            if ((self.ends[at : at + BLOCK] - self.begins[at : at + BLOCK]) != size).any():
                return None
            begin = int(self.begins[at])
            for place, (mask, text) in enumerate(zip(masks, known, strict=True)):
                if (
                    mask
                    and (self._every(begin + place * WORD, size, len(some)) & mask != text).any()
                ):
                    return None
            written = self._every(begin + len(before), size, len(some))
            if not _parsed(written, len(digits), some):
                return None
        return (before, len(digits), behind), numbers

    def _every(self, begin: int, step: int, count: int) -> NDArray[np.uint64]:
        """So many words that begin so many bytes apart; what is beyond the end of all is 0."""
        import numpy as np

        last = begin + step * (count - 1)
        if last < len(self.words):
            return self.words[begin : last + 1 : step]
        return self._at(begin + step * np.arange(count))

    def _at(self, starts: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The words that begin there; what is beyond the end of all texts is 0."""
        import numpy as np

        last = len(self.words) - 1
        if not len(starts) or starts.max() <= last:
            return self.words[starts]
        inside = np.minimum(starts, last)
        found: NDArray[np.uint64] = self.words[inside]
        found >>= ((starts - inside) * 8).astype(np.uint64)
        return found

    def _words(
        self, begins: NDArray[Any], lengths: NDArray[Any]
    ) -> Iterator[tuple[NDArray[Any] | None, NDArray[np.uint64]]]:
        """The first word of each text, the second …: of which of them (None: all), and the word.

        What is beyond the end of a text is 0.
        """
        import numpy as np

        longest = int(lengths.max(initial=0))
        alike = longest == lengths.min(initial=longest)
        begins, some = begins.astype(np.int64), None
        for done in range(0, longest, WORD):
            if not alike and (longer := lengths > done).any() and not longer.all():
                some = np.flatnonzero(longer)
            words = self._at((begins if some is None else begins[some]) + done)
            if alike:
                if (empty := WORD - (longest - done)) > 0:
                    words = words & np.uint64((1 << 8 * (WORD - empty)) - 1)
                yield None, words
                continue
            rest = (lengths if some is None else lengths[some]) - done
            shift = (WORD - np.minimum(rest, WORD)).astype(np.uint64) * np.uint64(8)
            yield some, (words << shift) >> shift


def _padded(text: bytes) -> list[np.uint64]:
    """A text as words, with 0 behind it."""
    import numpy as np

    whole = text.ljust(-(-len(text) // WORD) * WORD, b"\0")
    return list(np.frombuffer(whole, "<u8"))


def _parsed(words: NDArray[np.uint64], digits: int, numbers: NDArray[np.int32]) -> bool:
    """Put the numbers that so many digits write into `numbers`; whether they are digits at all."""
    import numpy as np

    nibbles = np.uint64(0xF0F0F0F0F0F0F0F0)
    zeros = np.uint64(0x3030303030303030)
    if digits < WORD:  # zeros stand before them, in the lower bytes
        shift = 8 * (WORD - digits)
        words = (words << np.uint64(shift)) | (zeros >> np.uint64(64 - shift))
    for each in (words, words + np.uint64(0x0606060606060606)):
        if not (each & nibbles == zeros).all():
            return False
    pairs = ((words & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(2561)) >> np.uint64(8)
    fours = ((pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> np.uint64(16)
    numbers[:] = ((fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> np.uint64(
        32
    )
    return True
