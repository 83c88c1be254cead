"""Commands whose options are taken as they are where nothing is to be converted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = (str, list[str])


class Command(TyperCommand):
    """A command that has typer convert only what is no plain text and not left at its default.

    For each other option typer makes a validator, with a package of validators that takes longer
    to load than all else that a command needs before it begins.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """The options, --help among them."""
        return _convert_less(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What is left of the arguments; where they are silent a configuration may speak."""
        if not ctx.resilient_parsing:
            from flipcheck.cli.configured import configure

            args = configure(self, ctx, args)
        return super().parse_args(ctx, args)


class Group(TyperGroup):
    """Several such commands, and what they share."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options, --help among them."""
        return _convert_less(super().get_params(ctx))


def _convert_less(options: list[Any]) -> list[Any]:
    for option in options:
        if "process_value" not in vars(option):
            option.process_value = partial(_converted, option, option.process_value)
        if getattr(option, "is_flag", False) and option.metavar is None:
            option.metavar = ""  # typer's own switches, of which its help would say <bool>
    return options


def _converted(option: Any, convert: Callable[..., Any], context: Any, value: Any) -> Any:
    """The value of an option, by `convert` unless that would give back the value itself."""
    if isinstance(value, list) and type(value) is not list:  # what a configuration writes out
        return value
    if value is None and option.required:
        return convert(context, value)
    texts = value if isinstance(value, (list, tuple)) else (value,)
    described = getattr(option, "type_descriptor", None)  # which another typer may not have
    plain = getattr(described, "annotation", None) in TEXTS and all(map(_is_plain, texts))
    if not plain and value is not option.default:
        return convert(context, value)
    return option.callback(context, option, value) if option.callback else value


def _is_plain(value: object) -> bool:
    """Whether a value is a text that no way of reading bytes could have made another."""
    return isinstance(value, str) and value.isascii()
