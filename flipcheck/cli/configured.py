"""What a command takes where its line is silent: the environment, then the file, then defaults."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.cli import options as o
from flipcheck.errors import UsageError, one_line, plural, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from flipcheck.config import Config, Option, Setting

JUDGED = ("gate", "max_nfr", "max_error_increase")
"""The options that gate: each place adds to them, so that none takes away what another asks."""
PLANNED = (*JUDGED, "decide", "confidence", "seed")
OPPOSITE = {"cache": "no_cache", "no_cache": "cache"}
SOURCES = ("old", "new", "data")
BARE = (
    "flipcheck compare OLD NEW [DATA] compares two; `flipcheck init OLD NEW [DATA]` writes the "
    "file; `flipcheck compare --help` has every option"
)
RUN_BY_SIDE = ("classes", "label_map", "output", "preprocess", "input", "threshold")
"""The options that a file may set for one side, and `predict` takes for its model."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the environment and the file set for one command, by parameter; the file, if any."""

    settings: Mapping[str, Setting]
    config: Config | None = None
    gates: Sequence[tuple[str, Setting]] = ()
    """Every setting that gates, of both places, by parameter."""
    unread: str = ""
    """A file that is too far above to be taken for this folder's."""
    misnamed: str = ""
    """What looks like a configuration, and is none."""


@functools.cache
def known() -> tuple[Option, ...]:
    """Every option that a configuration can set: those of `compare`."""
    from flipcheck.cli.compare import compare
    from flipcheck.config import options_of

    return options_of(compare, o.SECTIONS, o.ALSO_IN)


def configure(command: Any, context: Any, arguments: Sequence[str]) -> list[str]:
    """The arguments of a command, and in its context what it takes where they are silent.

    Raises FlipcheckError for a file or variables that cannot be used.
    """
    from flipcheck.config import remember

    remember(None)
    names = {each.name for each in command.params}
    typed = _typed(command, context, arguments)
    if "config" not in names or typed.get("help"):
        return list(arguments)
    found = settled(command.name or "compare", typed, names)
    silent = {name: each for name, each in found.settings.items() if typed.get(name) is None}
    remember(found.config, silent)
    context.default_map = {name: each.value for name, each in found.settings.items()}
    given = {name for name, value in typed.items() if value is not None}
    named = {"old", "new"} & (given | set(found.settings))
    if command.name == "compare" and found.config is None and not named:
        _tell(command, found, typed)
        raise UsageError("nothing to compare: no OLD and NEW, and no flipcheck.toml", hint=BARE)
    if not arguments and not _is_enough(command, found):
        return []
    _check_sources(command, found, given)
    added = [] if command.name == "plan" else _added(found, typed)
    _tell(command, found, typed)
    return [*added, *arguments] or ["--"]  # no arguments at all would be a wish for help


def settled(command: str, typed: Mapping[str, Any], names: Iterable[str]) -> Settled:
    """What the environment and the file set for a command's parameters of these names."""
    from flipcheck.config import config_for, from_environment
    from flipcheck.config.variables import is_on

    file = typed.get("config")
    unwanted = typed.get("no_config") or is_on("FLIPCHECK_NO_CONFIG", os.environ)
    if file == "":
        raise UsageError("--config: an empty path", hint="name the file, or leave --config out")
    if unwanted and file is not None:
        raise UsageError("--config and --no-config", hint="give one of them")
    if unwanted or (command == "render" and file is None):
        return Settled({})
    if command == "repro" and typed.get("report") is not None and file is None:
        return Settled({})
    config = config_for(file or os.environ.get("FLIPCHECK_CONFIG") or None, known())
    taken = [each for each in known() if each.name in names and _takes(command, each, typed)]
    environment = from_environment(taken, os.environ)
    in_file = {} if config is None else dict(config.settings)
    in_file = {each.name: in_file[each.name] for each in taken if each.name in in_file}
    if command == "predict":
        _check_one_side(config, {*environment, *_given(typed)})
    _check_critical(in_file, environment, typed)
    _leave_opposites(in_file, environment, typed)
    if command == "plan" and _given(typed) & set(JUDGED):
        for name in JUDGED:
            in_file.pop(name, None)
            environment.pop(name, None)
    return _settled(config, in_file, environment)


def _settled(
    config: Config | None, in_file: Mapping[str, Setting], environment: Mapping[str, Setting]
) -> Settled:
    """What two places set: the environment goes first, but takes no gate away."""
    from flipcheck.config import misnamed, unread_above

    gates = [
        (name, place[name]) for place in (in_file, environment) for name in JUDGED if name in place
    ]
    texts = {
        name: [text for each, one in gates if each == name for text in one.value]
        for name, _ in gates
    }
    both = {**in_file, **environment}
    judged = {
        name: replace(both[name], value=list(dict.fromkeys(each))) for name, each in texts.items()
    }
    elsewhere = ("", "") if config else (unread_above(), misnamed())
    return Settled(both | judged, config, gates, *elsewhere)


def typed_of(command: Any, arguments: Sequence[str]) -> dict[str, Any]:
    """What stands on a command's line, by parameter. Raises typer's error for what does not fit."""
    context = command.make_context(command.name, [], resilient_parsing=True)
    context.resilient_parsing = False
    return _typed(command, context, arguments)


def notes(found: Settled) -> list[str]:
    """What to warn of, before anything is done with what was found."""
    from flipcheck.config import unknown_variables

    said = [f"warning: {note}" for note in unknown_variables(known(), os.environ)]
    config = found.config
    if config is not None and config.passed_over:
        said.append(f"warning: {config.path} is read, and {config.passed_over} is not")
    if found.unread:
        said.append(
            f"warning: {found.unread} is not read, as it is not of this folder's repository: "
            "--config names it"
        )
    if found.misnamed:
        said.append(f"warning: {found.misnamed}")
    return [one_line(note) for note in said]


def _typed(command: Any, context: Any, arguments: Sequence[str]) -> dict[str, Any]:
    """What stands on the command line, by parameter."""
    found: dict[str, Any] = command.make_parser(context).parse_args(args=list(arguments))[0]
    return found


def _given(typed: Mapping[str, Any]) -> set[str]:
    return {name for name, value in typed.items() if value is not None}


def _takes(command: str, option: Option, typed: Mapping[str, Any]) -> bool:
    """Whether a command takes a default for an option: a report is written by `compare` only."""
    if command in {"plan", "render"}:
        return option.name in PLANNED
    if command in {"predict", "repro"}:
        of_report = command == "repro" and typed.get("report") is not None
        return option.panel not in {o.REPORTS, o.GATES} and not (
            of_report and option.name in SOURCES
        )
    return True


def _check_one_side(config: Config | None, given: set[str]) -> None:
    """Refuse to run one model by what the file sets for both where it sets something for one."""
    settings = {} if config is None else config.settings
    for name in RUN_BY_SIDE:
        own = [settings[side] for side in (f"old_{name}", f"new_{name}") if side in settings]
        if own and name not in given:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(
                f"{own[0].origin} sets {own[0].key!r} for one side, and this may be either",
                hint=f"say which it is with {flag}, or leave the file out with --no-config",
            )


def _check_critical(
    in_file: Mapping[str, Setting], environment: Mapping[str, Setting], typed: Mapping[str, Any]
) -> None:
    """Refuse critical examples in two places, of which one would go unchecked."""
    places = (in_file.get("critical"), environment.get("critical"))
    found = [each for each in places if each is not None]
    critical = next(iter(found), None)
    others = [*(each.value for each in found[1:]), typed.get("critical")]
    if critical is not None and any(other and other != critical.value for other in others):
        raise UsageError(
            f"critical examples here, and in {critical.origin} others, which would not be checked",
            hint="name all of them in one file, or leave the configuration out with --no-config",
        )


def _leave_opposites(
    in_file: dict[str, Setting], environment: dict[str, Setting], typed: Mapping[str, Any]
) -> None:
    """Take from each place what a nearer one has said the opposite of."""
    for name, opposite in OPPOSITE.items():
        if typed.get(opposite) is not None:
            environment.pop(name, None)
            in_file.pop(name, None)
        elif opposite in environment:
            in_file.pop(name, None)
    if os.environ.get("FLIPCHECK_CACHE"):
        in_file.pop("cache", None)


def _is_enough(command: Any, found: Settled) -> bool:
    """Whether a command that is given no arguments could do something all the same."""
    needed = {each.name for each in command.params if each.required} - {"old", "new"}
    if command.name == "plan":
        return bool(found.gates)
    return not needed and (found.config is not None or {"old", "new"} <= set(found.settings))


def _check_sources(command: Any, found: Settled, given: set[str]) -> None:
    """Refuse a source from the line with one from the file, and a source that nobody names."""
    config, names = found.config, {each.name for each in command.params}
    if config is None or not {"old", "new"} <= names or "report" in given:
        return
    has = given | set(found.settings)
    for name in ("old", "new"):
        if name not in has:
            raise UsageError(
                f"{config.path}: nothing says what the {name} side is",
                hint=f'add {name} = "{name}.onnx", or predictions, at the top of the file, or '
                "give OLD and NEW on the command line",
            )
    own = config.settings.get("new")
    if len({"old", "new"} & given) == 1 and own is not None and found.settings["new"] is own:
        raise UsageError(
            f"OLD without NEW, which would be that of {config.path}",
            hint="give both; FLIPCHECK_NEW=PATH changes only the new side",
        )


def _added(found: Settled, typed: Mapping[str, Any]) -> list[str]:
    """What the places gate, as arguments, where the line gates by the same option."""
    flags = {each.name: each.keys[-1] for each in known()}
    return [
        f"--{flags[name]}={text}"
        for name, each in found.gates
        if typed.get(name) is not None
        for text in each.value
        if text not in typed[name]
    ]


def _tell(command: Any, found: Settled, typed: Mapping[str, Any]) -> None:
    """Say on standard error which file was read, and which gates came from where."""
    said, config = notes(found), found.config
    quiet = typed.get("quiet") or ("quiet" in found.settings and found.settings["quiet"].value)
    if config is not None and not quiet:
        said.append(one_line(f"config: {config.path}{_gates_told(command, found, typed)}"))
    say("\n".join(said))


def _gates_told(command: Any, found: Settled, typed: Mapping[str, Any]) -> str:
    """How many gates there are, each counted once, and how many of them are not the file's."""
    from flipcheck.cli.compare import gate_texts

    if not {"gate"} <= {each.name for each in command.params}:
        return ""
    own = {} if found.config is None else found.config.settings
    in_file = [(name, each.value) for name, each in found.gates if each is own.get(name)]
    around = [(name, each.value) for name, each in found.gates if each is not own.get(name)]
    line = [(name, typed.get(name)) for name in JUDGED]
    places = (("", in_file), ("the environment", around), ("the command line", line))
    seen: set[str] = set()
    told = []
    for place, settings in places:
        texts = [text for name, value in settings for text in _spelled(gate_texts, name, value)]
        added = set(texts) - seen
        seen |= added
        if place and added:
            told.append(f", {len(added):,} of them from {place}")
    return f" ({plural(len(seen), 'gate')}{''.join(told)})" if seen else " (no gate)"


def _spelled(gate_texts: Callable[..., list[str]], name: str, value: Any) -> list[str]:
    """The gates of one option, as texts."""
    return gate_texts(*(value if each == name else None for each in JUDGED))
