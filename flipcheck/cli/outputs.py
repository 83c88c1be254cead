"""Where reports go: files that appear whole or not at all, and standard output."""

from __future__ import annotations

import contextlib
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import OutputError, UsageError, no_command, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flipcheck.audits.plan import Plan
    from flipcheck.gates import Verdict
    from flipcheck.report import Report

STANDARD_OUTPUT = "-"
TABLES = (".csv", ".parquet")
STATUS = {None: 0, "pass": 0, "fail": 1, "inconclusive": 3}
TEXTS = ("json", "html", "markdown", "junit", "metrics")
"""The reports that can be written: each an option, and a row of REPORTERS."""
TOLD = {"ci": "flipcheck.cli.github"}
"""What else is told of a report when all is written: an option, and the module whose `tell` takes
the report, the option's value and an `Ended`."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ends: its exit status, and the files that it wrote by their options."""

    status: int
    paths: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outputs:
    """The reports that were asked for, by their options, and what else is told of them."""

    texts: Mapping[str, str] = field(default_factory=dict)
    flips: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Outputs:
        """The outputs among the options of a command."""

        def named(names: Iterable[str]) -> dict[str, Any]:
            return {name: given[name] for name in names if given.get(name) is not None}

        return cls(named(TEXTS), given.get("flips"), named(TOLD))

    def check(self, inputs: Iterable[object] = ()) -> None:
        """Raise UsageError or OutputError for what cannot be written, before any work is done.

        `inputs` are what the command reads, beside its configuration: no output may be one of
        them, or lie in a folder of a test set.
        """
        from flipcheck.config import loaded
        from flipcheck.reporters.writing import check_writable

        if [*self.texts.values()].count(STANDARD_OUTPUT) > 1:
            raise UsageError(
                "only one report can go to standard output", hint="give the others a file"
            )
        paths = [Path(path) for path in self.paths.values()]
        config = loaded()
        sources = _existing([*inputs, config and config.path])
        for place, path in enumerate(paths):
            check_writable(path)
            target = path.resolve()
            if any(source in {target, *target.parent.parents} for source in sources):
                raise UsageError(f"{path} is read by this command, and would be overwritten")
            if target in [other.resolve() for other in paths[:place]] and not _is_device(target):
                raise UsageError(f"{path} would be written twice")
        if self.flips is not None:
            check_table(Path(self.flips))

    @property
    def paths(self) -> dict[str, str]:
        """The files to be written, by their options."""
        given = {**self.texts, **({} if self.flips is None else {"flips": self.flips})}
        return {name: path for name, path in given.items() if path != STANDARD_OUTPUT}

    def write(self, report: Report) -> None:
        """Write every report; the terminal's goes to standard output if no other does.

        No file takes its place before all are written.
        """
        from flipcheck.reporters import REPORTERS
        from flipcheck.reporters.words import TITLES, decision

        texts = {name: REPORTERS[name](report) for name in self.texts}
        shown = self._put(texts, None if self.flips is None else report.flips)
        if shown is not None:
            put(shown, encoding="utf-8")
            if report.verdict is not None:
                say(f"{TITLES[report.verdict]}  {decision(report)}")
        else:
            from flipcheck.reporters.terminal import render

            put(render(report, color=has_color(), width=columns(), written=self.paths))

    def tell(self, report: Report, status: int) -> None:
        """Tell whoever else is to know of a report that is written, and of the status to come."""
        for name, value in self.told.items():
            import_module(TOLD[name]).tell(report, value, Ended(status, self.paths))

    def write_plan(self, plan: Plan) -> None:
        """Write a plan, likewise."""
        from flipcheck.reporters.plan import PLAN_REPORTERS, answer, render

        texts = {name: PLAN_REPORTERS[name](plan) for name in self.texts}
        shown = self._put(texts)
        if shown is not None:
            put(shown, encoding="utf-8")
            say(answer(plan))
        else:
            put(render(plan, color=has_color(), width=columns()))

    def write_value(self, value: Mapping[str, Any]) -> None:
        """Write JSON-ready values as the JSON report."""
        from json import dumps

        text = no_command(dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
        shown = self._put({"json": f"{text}\n"})
        if shown is not None:
            put(shown, encoding="utf-8")

    def _put(self, texts: Mapping[str, str], flips: Any = None) -> str | None:
        """Put texts and flips into their files; what comes back is for standard output."""
        from flipcheck.cli.spreadsheet import without_formulas
        from flipcheck.reporters.writing import replacing

        with ExitStack() as files:
            for name, text in texts.items():
                if self.texts[name] != STANDARD_OUTPUT:
                    place = files.enter_context(replacing(Path(self.texts[name])))
                    fill(place, partial(put_text, text=text))
            if self.flips is not None:
                suffix = Path(self.flips).suffix.lower()
                place = files.enter_context(replacing(Path(self.flips)))
                shown = without_formulas(flips) if suffix == ".csv" else flips
                fill(place, partial(put_table, suffix=suffix, table=shown))
        printed = (text for name, text in texts.items() if self.texts[name] == STANDARD_OUTPUT)
        return next(printed, None)


def _existing(inputs: Iterable[object]) -> list[Path]:
    """The inputs that are files or folders, as they resolve, and the files of patterns."""
    from flipcheck.sources.files import is_pattern
    from flipcheck.sources.shards import matching

    found = []
    for each in inputs:
        with contextlib.suppress(OSError, ValueError):
            if not isinstance(each, (str, Path)):
                continue
            if Path(each).exists():
                found.append(Path(each).resolve())
            elif is_pattern(Path(each)):
                found += [path.resolve() for path in matching(Path(each))]
    return found


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file()


def check_table(path: Path) -> None:
    """Raise UsageError for a suffix that says no table format."""
    if path.suffix.lower() not in TABLES:
        raise UsageError(f"{path}: not a table format", hint=f"the suffixes: {', '.join(TABLES)}")


def write_table(path: Path, table: Any) -> None:
    """Write a pyarrow table as CSV or Parquet, whole or not at all."""
    from flipcheck.reporters.writing import replacing

    with replacing(path) as temporary:
        fill(temporary, partial(put_table, suffix=path.suffix.lower(), table=table))


def fill(place: Path, write: Callable[[Path], object]) -> None:
    """Write a file to the disk. Raises OutputError in place of pyarrow's and the system's errors.

    Several are all there before the first of them takes its place.
    """
    import pyarrow as pa

    from flipcheck.reporters.writing import settle

    try:
        write(place)
        settle(place)
    except (OSError, pa.ArrowException) as error:
        raise OutputError(
            f"{place.parent}: cannot be written to: {error}",
            hint="check the permissions and the free space",
        ) from error


def put_text(path: Path, text: str) -> None:
    """Put a text into a file, UTF-8."""
    path.write_text(text, encoding="utf-8", newline="\n")


def put_table(path: Path, suffix: str, table: Any) -> None:
    """Put a pyarrow table into a file, in the format of the suffix."""
    from pyarrow import csv, parquet

    if suffix == ".csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)


PLAIN = str.maketrans({"→": ">", "←": "<", "−": "-", "–": "-", "✓": "+", "✗": "x", "…": "~"})
"""What stands for our signs where standard output cannot write them."""


def put(text: str, encoding: str | None = None) -> None:
    """Text on standard output; a reader that has gone away is no error."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    encoding = encoding or sys.stdout.encoding or "utf-8"
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        data = text.translate(PLAIN).encode(encoding, "replace")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error


def has_color() -> bool:
    """Whether standard output takes colours: a terminal, unless the environment says otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """How wide the report may be: 80, or a terminal's width between 60 and 100."""
    if sys.stdout is None or not sys.stdout.isatty():
        return 80
    return max(60, min(100, os.get_terminal_size(sys.stdout.fileno()).columns))


def status(verdict: Verdict | None) -> int:
    """The exit status of a verdict (DESIGN.md §3)."""
    return STATUS[verdict]
