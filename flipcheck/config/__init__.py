"""flipcheck.toml and [tool.flipcheck]: the file that becomes the options' defaults.

What there is to set is declared once, as the options of `flipcheck compare`; this package finds
the file, reads it, checks each value as if it had been typed, and says where it came from.
"""

from __future__ import annotations

from contextvars import ContextVar

from flipcheck.config.keys import Setting
from flipcheck.config.reading import Config, config_for, unread_above
from flipcheck.config.variables import from_environment, unknown_variables
from flipcheck.config.vocabulary import Option, options_of
from flipcheck.config.written_out import Inline

__all__ = [
    "Config",
    "Inline",
    "Option",
    "Setting",
    "config_for",
    "from_environment",
    "loaded",
    "options_of",
    "remember",
    "unknown_variables",
    "unread_above",
]

_LOADED: ContextVar[Config | None] = ContextVar("config", default=None)


def loaded() -> Config | None:
    """The configuration of the command that runs; None where none was found or wanted."""
    return _LOADED.get()


def remember(config: Config | None) -> None:
    """Have `loaded` tell of a configuration, or of none."""
    _LOADED.set(config)
