"""`flipcheck config`: what `compare` would take, and from where."""

from __future__ import annotations

import os
import textwrap
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002  (typer reads the annotation when it runs)

from flipcheck.cli import options as o
from flipcheck.cli.outputs import columns, put
from flipcheck.errors import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flipcheck.cli.configured import Settled

ELSEWHERE = {"allow_extra_args": True, "ignore_unknown_options": True}
"""The settings of a command that hands what it does not know on to `compare`."""
DEFAULT, TYPED = "default", "command line"
WIDEST_PLACE = 26
DECISIVE = {"gates", "max-nfr", "max-error-increase", "critical"}
"""The keys of what decides; without any of them an audit has no verdict."""


def config(context: typer.Context, every: o.EveryOption = False) -> None:
    """Show each value that `compare` would take, and where it comes from.

    The command line goes before the environment (FLIPCHECK_ and the name
    of an option), that before the file, and the file before the defaults;
    gates of all of them are judged. Arguments are those of `compare`.

    Example:

        flipcheck config --max-nfr 1%
    """
    from flipcheck.cli.configured import known, notes, settled, typed_of
    from flipcheck.reporters.words import clean

    compare = compare_of(context)
    typed = typed_of(compare, context.args)
    found = settled("compare", typed, {each.name for each in known()})
    say("\n".join(notes(found)))
    rows = [(key, clean(value), clean(place)) for key, value, place in _rows(found, typed, every)]
    path = None if found.config is None else found.config.path
    none = "No configuration; `flipcheck init OLD NEW` writes one."
    head = none if path is None else f"Configuration: {clean(path)}"
    lines = [head, *([""] if rows else []), *_table(rows, columns())]
    if found.config is not None and not {key for key, _, _ in rows} & DECISIVE:
        lines += ["", "No gate: `flipcheck compare` would decide nothing."]
    put("\n".join(lines) + "\n")


def compare_of(context: typer.Context) -> Any:
    """The command `compare`, of the same group as the command that asks."""
    root: Any = context.find_root().command
    return root.commands["compare"]


def _rows(found: Settled, typed: dict[str, Any], every: bool) -> Iterator[tuple[str, str, str]]:
    """Each option's key, value and place, one row for each gate of a list."""
    from flipcheck.cli.configured import JUDGED, known

    for option in known():
        places = [each for name, each in found.gates if name == option.name]
        rows = [(value, each.origin) for each in places for value in each.value]
        given = typed.get(option.name)
        if given is not None:
            values = given if isinstance(given, list) else [given]
            rows = [*(rows if option.name in JUDGED else []), *((each, TYPED) for each in values)]
        elif option.name in found.settings and not places:
            each = found.settings[option.name]
            rows = [(value, each.origin) for value in _values(each.value)]
        elif option.name == "cache" and os.environ.get("FLIPCHECK_CACHE"):
            rows = [(os.environ["FLIPCHECK_CACHE"], "FLIPCHECK_CACHE")]
        elif every and not rows:
            rows = [(option.default, DEFAULT)]
        for place, (value, origin) in enumerate(rows):
            yield "" if place else option.key, _text(value), origin


def _values(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    """A value in words: a dash for none."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    if isinstance(value, bool):
        return "on" if value else "off"
    return "–" if value is None else str(value)


def _table(rows: Sequence[tuple[str, str, str]], width: int) -> Iterable[str]:
    """Lines of three columns, of which the second and third are wrapped."""
    if not rows:
        return
    first = max(len(key) for key, _, _ in rows)
    last = min(WIDEST_PLACE, max(len(place) for _, _, place in rows))
    middle = min(width - first - last - 4, max(len(value) for _, value, _ in rows))
    for key, value, place in rows:
        lines = zip_longest(
            [key], textwrap.wrap(value, middle), textwrap.wrap(place, last), fillvalue=""
        )
        for one, two, three in lines:
            yield f"{one:<{first}}  {two:<{middle}}  {three}".rstrip()
