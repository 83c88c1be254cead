"""What the file system says of files, so that a change during a run does not go unseen."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

LARGEST = (1 << 63) - 1
NONE = (-1, -1, -1, -1)
"""The state of what is no file."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """Files with the size, times and number that each had; `by_example` where each is one example.

    They are taken before a digest is, so that what changed while it was taken shows.
    """

    paths: tuple[Path, ...]
    states: NDArray[np.int64]
    by_example: bool = False

    def unchanged(self, start: int = 0, stop: int | None = None) -> bool:
        """Whether the files of these examples, or the files of them all, are what they were.

        Of what is no file, a folder or a pipe, that cannot be said.
        """
        import numpy as np

        part = slice(start, stop) if self.by_example else slice(None)
        seen = self.states[part]
        return bool((seen >= 0).all() and np.array_equal(_states(self.paths[part]), seen))


def stamps(paths: Iterable[Path], *, by_example: bool = False) -> Stamps:
    """The stamps of files as they are now."""
    given = tuple(paths)
    return Stamps(given, _states(given), by_example)


def _states(paths: tuple[Path, ...]) -> NDArray[np.int64]:
    import numpy as np

    return np.array([_state(path) for path in paths], np.int64).reshape(len(paths), 4)


def _state(path: Path) -> tuple[int, int, int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return NONE
    if not stat.S_ISREG(found.st_mode):
        return NONE
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino & LARGEST
