"""Audits that would pass because they decide nothing: no gate, or a file against itself."""

from __future__ import annotations

from os.path import abspath
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_two_sides(old: str, new: str, options: Mapping[str, Any]) -> None:
    """Raise UsageError for gates between a file and itself, where no option tells the sides apart.

    Each would pass, and nothing was compared. A copy of a file, or a link to it, is not refused:
    a release that changes nothing is one.
    """
    one = old != "-" and abspath(old) == abspath(new)  # noqa: PTH100  (links stay as they are)
    apart = any(value and name.startswith(("old_", "new_")) for name, value in options.items())
    if not one or apart or not options.get("gates"):
        return
    raise UsageError(
        f"OLD and NEW are one and the same, {new}: the gates would compare it with itself",
        hint="give the new side's own file, or what tells the sides apart, as --new-pick or "
        "--new-threshold",
    )


def check_gated(options: Mapping[str, Any]) -> None:
    """Raise UsageError where nothing would be decided: no gate, and no critical examples."""
    if options.get("gates") or options.get("critical"):
        return
    raise UsageError(
        "no gate, so nothing would be decided (--require-gate)",
        hint="give one, as in --max-nfr 1%, or gates in flipcheck.toml; `flipcheck config` shows "
        "what is read",
    )
