"""Reports of earlier updates: files, the JSON files of a folder, or those of a pattern."""

from __future__ import annotations

import re
from collections import Counter
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError, plural
from flipcheck.report import Report
from flipcheck.report.past import Past, past_of
from flipcheck.sources.files import first_few, is_pattern, is_unicode
from flipcheck.sources.shards import files_below, matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PathText = str | PathLike[str]
Earlier = PathText | Report
HINT = "give JSON reports of earlier updates, as written by `flipcheck compare … --json`"


def history_of(given: Earlier | Sequence[Earlier] | None) -> tuple[Past, ...]:
    """The earlier updates of these reports, in their order, each after those it tells of itself.

    The files of a folder or pattern come in the natural order of their names (2 before 10); what
    is told twice is there once. Raises InputError with every report that cannot be used.
    """
    several = [given] if isinstance(given, (str, PathLike, Report)) else list(given or ())
    found: dict[str, Past] = {}
    problems: list[str] = []
    for report, path, name in _named(several, problems):
        for past in (*report.history, past_of(report, name, path)):
            found.setdefault(past.digest, past)
    if problems:
        raise InputError(
            f"--history: {plural(len(problems), 'report')} cannot be used",
            problems=first_few(problems),
            hint=HINT,
        )
    return tuple(found.values())


def history_files(given: Iterable[PathText], but: PathText | None = None) -> list[Path]:
    """The files that are named, and those of folders and patterns but for the one to be written."""
    found = []
    for each in given:
        if not str(each):
            raise UsageError("--history names no path", hint=HINT)
        path = Path(each)
        files = _files(path)
        if but is not None and files != [path]:
            files = [file for file in files if file.resolve() != Path(but).resolve()]
        found += files
    return found


def natural(path: Path) -> list[Any]:
    """The key that puts v2 before v10."""
    parts = re.split(r"([0-9]+)", path.as_posix())
    return [(int(each), "") if place % 2 else (0, each) for place, each in enumerate(parts)]


def _files(path: Path) -> list[Path]:
    """The files of a path; none of a folder without reports, as before the first update."""
    if path.is_dir():
        found = [each for each in files_below(path) if each.suffix.lower() == ".json"]
    elif not is_pattern(path):
        return [path]
    elif not (found := matching(path)):
        raise InputError(f"--history {path}: no file matches this pattern", hint=HINT)
    return sorted(found, key=natural)


def _named(
    given: Sequence[Earlier], problems: list[str]
) -> Iterator[tuple[Report, str | None, str]]:
    """Each report with its file and name; what cannot be read is told among the problems."""
    for each in given:
        if not isinstance(each, (str, PathLike, Report)):
            raise UsageError(f"history: {type(each).__name__} is no report and no path", hint=HINT)
    places: list[Report | Path] = []
    for each in given:
        places += [each] if isinstance(each, Report) else history_files([each])
    files = {each.absolute() for each in places if isinstance(each, Path)}
    stems = Counter(each.stem for each in files)
    for place in places:
        if isinstance(place, Report):
            yield place, None, place.new.name
            continue
        if not is_unicode(str(place)):
            problems.append(f"{str(place)!a}: its name is no Unicode")
            continue
        try:
            found = Report.load(place)
        except InputError as error:
            told = error.message
            problems.append(told if str(place) in told else f"{place}: {told}")
            continue
        alone = stems[place.stem] == 1
        yield found, str(place), place.stem if alone else f"{place.parent.name}/{place.stem}"
