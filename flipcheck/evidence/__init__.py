"""What a report was made of, and whether that is still what it was.

`evidence_of` tells the command, its options and the files of an audit; `verified` reads the files
that a report tells of again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.asked import columns_by
from flipcheck.evidence.again import checked_options
from flipcheck.evidence.command import command_line
from flipcheck.evidence.files import once, option_files, plain_file, source_files
from flipcheck.evidence.options import written_options
from flipcheck.evidence.versions import versions_of
from flipcheck.gates import Gate
from flipcheck.report.evidence import Evidence
from flipcheck.sources.clock import told_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from flipcheck.gates import Decide
    from flipcheck.report import Report
    from flipcheck.report.evidence import SourceFile

__all__ = ["evidence_of", "judged_by", "source_files", "versions_of", "with_configs"]


def evidence_of(
    asked: Mapping[str, Any],
    report: Report,
    sources: Iterable[SourceFile],
) -> Evidence:
    """The evidence of a report: `asked` are its sources and options as they were given.

    `sources` are the files of `source_files`.
    """
    options, python_only = written_options(asked)
    moment = told_time()
    return Evidence(
        command=None if python_only else command_line(options),
        options=options,
        files=once([*sources, *option_files(asked, report)]),
        python_only=python_only,
        created=None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def with_configs(report: Report, paths: Iterable[Path]) -> Report:
    """The same report, which tells the configuration files that its options were taken from.

    All that these say stands in its command, which reads none: where it is pasted, another may lie.
    """
    evidence = report.evidence
    configs = [plain_file("config", path) for path in paths]
    if evidence is None or not configs:
        return report
    files = once([*evidence.files, *configs])
    command = None if evidence.command is None else _command(evidence.options, files)
    return replace(report, evidence=replace(evidence, files=files, command=command))


def _command(options: Mapping[str, Any], files: Iterable[SourceFile]) -> str:
    """The command of an audit, which reads no configuration where the audit took one in."""
    return command_line(options, alone=any(each.role == "config" for each in files))


def judged_by(report: Report, gates: Sequence[Gate], decide: Decide) -> Report:
    """The same report, whose evidence is that of an audit under other gates.

    It slices by the same columns, also where only the gates before spoke of them.
    """
    evidence = report.evidence
    if evidence is None:
        return report
    before: Any = checked_options(evidence)
    columns = columns_by(before, [Gate.parse(each) for each in before.get("gates", ())])
    by = before.get("by", ())
    if columns_by(before, gates) != columns:
        by = columns
    options, _ = written_options({**before, "gates": gates, "decide": decide, "by": by})
    command = None if evidence.python_only else _command(options, evidence.files)
    return replace(report, evidence=replace(evidence, options=options, command=command))
