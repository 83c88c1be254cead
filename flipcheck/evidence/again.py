"""The options that a report keeps, for calling again with them.

Anyone may have written a report: its options are taken where they are what we write, and not where
they would have anything written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.asked import REPRODUCED
from flipcheck.errors import FlipcheckError, InputError, UsageError
from flipcheck.evidence.options import SOURCES, written_options
from flipcheck.sources.reported import columns_sliced, sources_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from flipcheck.report import Report
    from flipcheck.report.evidence import Evidence

NOT_TAKEN = {
    "cache": "no option of a report",
    "progress": "no option of a report",
    "provider_option": "an execution provider may write files where these say so",
}
"""The options that a report does not decide."""


def evidence_in(report: Report) -> Evidence:
    """The evidence of a report. Raises InputError for a report that has none."""
    if report.evidence is None:
        raise InputError(
            "this report does not tell which files it was made of, so that nothing can be checked",
            hint="it is of an older flipcheck: write it again with `flipcheck compare … --json`",
        )
    return report.evidence


def audit_options(report: Report) -> dict[str, Any]:
    """The sources and options of the audit that a report is of.

    Raises InputError where the report does not keep them all.
    """
    evidence = evidence_in(report)
    lost = _lost(evidence)
    if lost:
        raise InputError(
            "this audit cannot be run again from its report alone",
            problems=[f"{name}: {why}" for name, why in lost.items()],
            hint="leave --again out: it is checked all the same whether the files changed",
        )
    return checked_options(evidence)


def example_options(report: Report, given: Collection[str] = ()) -> dict[str, Any]:
    """The sources and options with which one example of a report is shown.

    `given` are the names of those that the caller brings. Raises UsageError where others are not
    kept, and for an audit of which no example is shown by itself.
    """
    evidence = report.evidence
    if evidence is None:
        return sources_of(report)
    if report.task is not None and report.task.per == "label":
        raise UsageError(
            "an example of this report is not shown by itself, as each of its labels was judged",
            hint="the report lists the labels that flipped; `flipcheck repro` with OLD, NEW and "
            "--multilabel, in the place of --report, shows an example's whole set",
        )
    wanted = {*SOURCES, *REPRODUCED}
    lost = [
        f"{name}: {why}" for name, why in _lost(evidence).items() if name in wanted - set(given)
    ]
    if lost:
        raise UsageError(
            "the report does not keep all that one example needs",
            problems=lost,
            hint="give these beside --report: OLD, NEW and DATA, or the options of those names",
        )
    options = {name: each for name, each in checked_options(evidence).items() if name in wanted}
    by = tuple(dict.fromkeys((*options.get("by", ()), *columns_sliced(report))))
    return {name: each for name, each in options.items() if name not in NOT_TAKEN} | (
        {"by": list(by)} if by else {}
    )


def _lost(evidence: Evidence) -> dict[str, str]:
    """The sources and options that a report does not keep, and why."""
    piped = (each.role for each in evidence.files if each.kind == "standard input")
    return {
        **dict.fromkeys(evidence.python_only, "handed over in Python"),
        **dict.fromkeys(piped, "came on standard input"),
        **{name: why for name, why in NOT_TAKEN.items() if name in evidence.options},
    }


def checked_options(evidence: Evidence) -> dict[str, Any]:
    """The options, where they are as we write them. Raises InputError."""
    options = dict(evidence.options)
    try:
        sound = written_options(options) == (options, ()) and {"old", "new"} <= {
            *options,
            *evidence.python_only,
        }
    except (FlipcheckError, TypeError, ValueError, AttributeError, ArithmeticError):
        sound = False
    if not sound:
        raise InputError(
            "a damaged report: its options are not those of an audit",
            hint="write it again with `flipcheck compare … --json`",
        )
    return options
