"""Where the cache lies."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flipcheck.errors import UsageError
from flipcheck.sources.cache.folder import Cache, warn

if TYPE_CHECKING:
    from os import PathLike

VARIABLE = "FLIPCHECK_CACHE"
OFF = "off"


def cache_folder(given: str | PathLike[str] | None = None) -> Path | None:
    """The folder that was given, else the environment's, else the system's; None for `off`."""
    place = os.environ.get(VARIABLE, "") if given is None else os.fspath(given)
    if place:
        return None if place == OFF and given is None else Path(place).expanduser()
    if given is not None:
        raise UsageError("--cache without a folder", hint="name one, or say --no-cache")
    return _usual()


def open_cache(given: str | PathLike[str] | bool | None = None) -> Cache | None:
    """The cache in a folder, which is made when it is first written to; None without one."""
    if given is False:
        return None
    try:
        root = cache_folder(None if given is True else given)
        return None if root is None else Cache(root.absolute())
    except (OSError, ValueError, RuntimeError) as error:  # no home, or no path at all
        warn("", str(error))
        return None


def _usual() -> Path:
    """The system's folder for what can be made again."""
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "flipcheck"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "flipcheck"
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if given.startswith("/") else home / ".cache") / "flipcheck"
