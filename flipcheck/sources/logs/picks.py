"""Which of several filters, metrics, scorers, providers or prompts of one log is compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flipcheck.errors import SHOWN, InputError, UsageError, nearest
from flipcheck.sources.logs.values import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

FLAG = "--pick (--old-pick, --new-pick for one side)"


@dataclass(frozen=True, slots=True)
class Picks:
    """What the user picked, by kind; `used` are the choices that were made, for the report."""

    given: Mapping[str, str] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)

    def get(self, kind: str) -> str | None:
        """What was picked of this kind."""
        return self.given.get(kind)

    def check(self, path: Path, name: str, kinds: Sequence[str]) -> None:
        """Raise UsageError for a pick of what such a log does not have several of."""
        unknown = [kind for kind in self.given if kind not in kinds]
        if unknown:
            can = ", ".join(f"{kind}=NAME" for kind in kinds)
            raise UsageError(
                f"--pick {unknown[0]}: {path} is a log of {name}, which has no choice of that",
                hint=f"it takes --pick {can}" if kinds else "leave it out",
            )


def parse_picks(texts: Iterable[str]) -> dict[str, str]:
    """Picks written as KEY=VALUE. Raises UsageError for any that is not, or is given twice."""
    found: dict[str, str] = {}
    for text in texts:
        kind, sign, value = text.partition("=")
        kind = kind.strip()
        if not sign or not kind or not value:
            raise UsageError(
                f"--pick {text!r} is not KEY=VALUE", hint="as in --pick filter=strict-match"
            )
        if found.get(kind, value) != value:
            raise UsageError(f"--pick {kind} twice: {found[kind]!r} and {value!r}")
        found[kind] = value
    return found


def choose(
    path: Path, kind: str, there: Mapping[str, str], picks: Picks, asked: str | None = None
) -> str:
    """The one that was picked, or the only one there is; `there` tells what each holds.

    Raises InputError that lists them, with what each holds, where several could be meant.
    """
    asked = picks.get(kind) or asked
    if asked is not None and asked not in there:
        raise InputError(
            f"{path}: no {kind} {asked!r} (--pick)",
            problems=_listed(there),
            hint=nearest(asked, there),
        )
    if asked is None and len(there) > 1:
        raise InputError(
            f"{path}: {len(there)} {kind}s, and any could be meant",
            problems=_listed(there),
            hint=f"say which with {FLAG}, as in --pick '{kind}={next(iter(there))}'",
        )
    chosen = next(iter(there)) if asked is None else asked
    picks.used[kind] = short(chosen)
    return chosen


def _listed(there: Mapping[str, str]) -> list[str]:
    shown = [f"{name}: {told}" for name, told in there.items()]
    most = 4 * SHOWN
    return shown[:most] + ([f"and {len(shown) - most} more"] if len(shown) > most else [])
