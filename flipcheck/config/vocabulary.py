"""What can be set: the options of a command, as its own signature declares them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Kind = Literal["text", "list", "flag", "choice", "integer", "number"]
PLURALS = {"gate": "gates"}
"""What a list is called in a file, beside the name of the option that is repeated."""
NOT_SET = ("config", "no_config")
"""The options that say which file is read, and so are not read from it."""
KINDS: dict[Any, Kind] = {bool: "flag", int: "integer", float: "number"}
PLACES = {"OLD", "NEW", "DATA", "FILE", "PATH", "DIR", "PREDICTIONS"}
"""The metavariables of what is a path, and nothing else."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: the names it goes by in a file, and which values it takes.

    `name` is that of the parameter; `sections` are the tables in which it may stand, beside the
    top of the file.
    """

    name: str
    keys: tuple[str, ...]
    kind: Kind
    default: Any = None
    panel: str = ""
    sections: tuple[str, ...] = ()
    metavar: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def key(self) -> str:
        """The name that files and messages have for it."""
        return self.keys[0]

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the environment that set it."""
        return tuple(f"FLIPCHECK_{key.upper().replace('-', '_')}" for key in self.keys)

    @property
    def is_path(self) -> bool:
        """Whether its value is a path, whatever it is."""
        return self.metavar in PLACES


def options_of(
    command: Callable[..., Any],
    sections: Mapping[str, Sequence[str]],
    also: Mapping[str, Sequence[str]],
) -> tuple[Option, ...]:
    """The options of a command.

    `sections` names the help panels whose options stand in each table of a file, and `also` the
    parameters that may stand there beside them.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters = inspect.signature(command).parameters
    return tuple(
        _option(name, hints[name], each.default, sections, also)
        for name, each in parameters.items()
        if name not in NOT_SET
    )


def _option(
    name: str,
    hint: Any,
    default: Any,
    sections: Mapping[str, Sequence[str]],
    also: Mapping[str, Sequence[str]],
) -> Option:
    annotation, info = get_args(hint)[:2]
    said = (getattr(info, "default", None), *(info.param_decls or ()))
    flags = [
        each.split("/")[0][2:]  # a switch may have a word for no after it
        for each in said
        if isinstance(each, str) and each.startswith("--")
    ]
    plain = next((each for each in get_args(annotation) if each is not type(None)), annotation)
    plain = annotation if get_origin(annotation) in {list, Literal} else plain
    panel = info.rich_help_panel or ""
    homes = [
        section
        for section, panels in sections.items()
        if panel in panels or name in also.get(section, ())
    ]
    keys = flags or [name]
    return Option(
        name=name,
        keys=(*(PLURALS[key] for key in keys if key in PLURALS), *keys),
        kind=_kind(plain),
        default=None if default is inspect.Parameter.empty else default,
        panel=panel,
        sections=tuple(homes),
        metavar=info.metavar or "",
        choices=tuple(get_args(plain)) if get_origin(plain) is Literal else (),
        low=info.min,
        high=info.max,
    )


def _kind(annotation: Any) -> Kind:
    if get_origin(annotation) is Literal:
        return "choice"
    return "list" if get_origin(annotation) is list else KINDS.get(annotation, "text")
