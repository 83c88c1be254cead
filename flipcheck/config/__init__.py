"""flipcheck.toml and [tool.flipcheck]: the file that becomes the options' defaults.

What there is to set is declared once, as the options of `flipcheck compare`; this package finds
the file, reads it, checks each value as if it had been typed, and says where it came from.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from flipcheck.config.keys import Setting
from flipcheck.config.reading import Config, config_for, misnamed, unread_above
from flipcheck.config.variables import from_environment, unknown_variables
from flipcheck.config.vocabulary import Option, options_of
from flipcheck.config.written_out import Inline

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Config",
    "Inline",
    "Option",
    "Setting",
    "config_for",
    "from_environment",
    "loaded",
    "misnamed",
    "options_of",
    "origins_in",
    "remember",
    "unknown_variables",
    "unread_above",
    "untyped",
]

_LOADED: ContextVar[Config | None] = ContextVar("config", default=None)
_SILENT: ContextVar[Mapping[str, Setting]] = ContextVar("settings", default=MappingProxyType({}))


def loaded() -> Config | None:
    """The configuration of the command that runs; None where none was found or wanted."""
    return _LOADED.get()


def remember(config: Config | None, settings: Mapping[str, Setting] | None = None) -> None:
    """Have `loaded` tell of a configuration, or of none, and `origins_in` of what was not typed."""
    _LOADED.set(config)
    _SILENT.set(settings or {})


def untyped(name: str) -> Any:
    """What was set for an option of the command that runs, if not on its line; None if nothing."""
    setting = _SILENT.get().get(name)
    return setting and setting.value


def origins_in(message: str) -> list[str]:
    """Where the flags that a message names were set, one text each, if not on the command line."""
    return [
        f"--{each.key} is set by {each.origin}"
        for each in _SILENT.get().values()
        if re.search(rf"--{re.escape(each.key)}(?![\w-])", message)
    ]
