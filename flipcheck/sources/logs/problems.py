"""All that is wrong with a file, collected while it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.errors import SHOWN, InputError, plural

if TYPE_CHECKING:
    from pathlib import Path


class Problems:
    """What is wrong with a file: all of it is counted, and the first few are kept."""

    def __init__(self, path: Path) -> None:
        self.path, self.count, self._first = path, 0, list[str]()

    def add(self, problem: str) -> None:
        """One more problem."""
        self.count += 1
        if len(self._first) < SHOWN:
            self._first.append(problem)

    def check(self, hint: str) -> None:
        """Raise InputError where there is a problem."""
        if not self.count:
            return
        more = self.count - len(self._first)
        raise InputError(
            f"{self.path}: {plural(self.count, 'problem')}",
            problems=[*self._first, *([f"and {more:,} more"] if more else [])],
            hint=hint,
        )
