"""A new flipcheck.toml: what was typed, what a first run suggests, and the rest as comments."""

from __future__ import annotations

import json
import os
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError, plural
from flipcheck.gates import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flipcheck.config.proposing import Proposal
    from flipcheck.config.vocabulary import Option
    from flipcheck.gates import Judgement
    from flipcheck.report import Report

WIDTH = 88
HEAD = """\
# What `flipcheck compare` takes where its command line is silent. Every option of
# `flipcheck compare --help` may stand here under its long name. Paths begin at the
# folder of this file. `flipcheck config` shows each value, and from where it is.
"""
SOURCES = {
    "old": ("old.onnx", "the model in use, or its saved predictions"),
    "new": ("new.onnx", "the model that may replace it, likewise"),
    "data": ("images/", "the labelled test set, for models"),
}
MEANING = {
    "negative_flip_rate": "Answers that were right and become wrong, as a share of all",
    "error_rate_change": "By how much the new model may err more often than the old one",
    "mean_regression": "What answers lose that become worse, for each of all examples",
}
POLICY = {
    "critical": ('"never.txt"', "ids that must never break, or a list of them here"),
    "waivers": ('"waivers.csv"', "flips that somebody answers for, until a day; or [[waivers]]"),
    "decide": ('"bound"', 'or "point", by the estimate alone, the old way'),
}
SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "columns": {
        "id": ('"id"', "what names an example on both sides"),
        "label": ('"label"', "the true label"),
        "prediction": ('"prediction"', "the answer"),
    },
    "slices": {
        "by": ('["region"]', "columns to slice by"),
        "min-slice": ("50", "gates leave slices out that have fewer examples"),
        "discover": ("true", "search for the slices in which flips concentrate"),
    },
    "models": {},
    "task": {},
    "logs": {},
    "statistics": {
        "cluster": ('"user"', "the column of what examples were drawn with"),
        "confidence": ("0.95", "the level of intervals and gates"),
        "seed": ("0", "of all that is random"),
    },
    "reports": {
        "html": ('"report.html"', "one file, for reading"),
        "json": ('"report.json"', "for other programs"),
        "markdown": ('"report.md"', "for a pull request"),
    },
}


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What an audit told, the limits that it suggests, and columns to slice by with their facts.

    `verdict` is a column of the data's own verdicts that was not asked for.
    """

    report: Report
    proposed: Sequence[Proposal] = ()
    candidates: Mapping[str, str] = field(default_factory=dict)
    verdict: str | None = None


def new_config(
    given: Mapping[str, Any], options: Sequence[Option], folder: Path, run: FirstRun | None
) -> str:
    """The text of a configuration, in a folder, of what was typed and what a first run told.

    `given` is what was typed, by parameter.
    """
    typed = [each for each in options if given.get(each.name) is not None]
    written = {each.key: _toml(_seen_from(folder, each, given[each.name])) for each in typed}
    homes = {each.key: (*each.sections, "")[0] for each in typed}
    top = [key for key, home in homes.items() if not home and key not in {*SOURCES, "gates"}]
    parts = [
        [HEAD],
        _sources(written),
        _gates(written, run),
        _entries({key: written[key] for key in top}, POLICY),
    ]
    for section, usual in SECTIONS.items():
        here = {key: written[key] for key, home in homes.items() if home == section}
        lines = _entries(here, usual | _found(section, run))
        parts.append([f"[{section}]", *lines] if here or usual else [])
    texts = ["\n".join(part).rstrip("\n") for part in parts]
    return "\n\n".join(filter(None, texts)) + "\n"


def _sources(written: Mapping[str, str]) -> Iterator[str]:
    for key, (example, meaning) in SOURCES.items():
        line = f"{key} = {written[key]}" if key in written else f"# {key} = {_toml(example)}"
        yield f"{line}  # {meaning}"


def _entries(written: Mapping[str, str], usual: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Lines of what was said, and comments of what is usual beside it."""
    for key, value in written.items():
        yield f"{key} = {value}"
    for key, (value, meaning) in usual.items():
        if key not in written:
            yield f"# {key} = {value}  # {meaning}"


def _found(section: str, run: FirstRun | None) -> dict[str, tuple[str, str]]:
    """What a run found out for a section, as its comments tell it."""
    if run is None:
        return {}
    if section == "slices" and run.candidates:
        told = "; ".join(f"{name}: {each}" for name, each in run.candidates.items())
        return {"by": (_toml(list(run.candidates)), _plain(told))}
    if section != "columns":
        return {}
    sides = (run.report.old, run.report.new)
    both: list[dict[str, Any]] = [dict(side.facts).get("columns") or {} for side in sides]
    found = {
        role: (_toml(name), "found by its name")
        for role, name in both[0].items()
        if isinstance(name, str) and both[1].get(role) == name and role in SECTIONS[section]
    }
    if run.verdict is not None:
        found["correct"] = (_toml(run.verdict), "to take this verdict, and not answer = label")
    return found


# --- gates ---------------------------------------------------------------------------------


def _gates(written: Mapping[str, str], run: FirstRun | None) -> Iterator[str]:
    yield from _comment(
        "Gates. Each is decided by its confidence bound, and not by the estimate: pass (exit 0), "
        "fail (1), or inconclusive (3), where the test set is too small to tell."
    )
    if run is None or not run.proposed:
        yield (
            f"gates = {written['gates']}"
            if "gates" in written
            else ('# gates = ["negative_flip_rate <= 1%", "error_rate_change <= 0.2%"]')
        )
        yield '# "negative_flip_rate <= 3% by region" judges every slice, "… where region=EU" one.'
        return
    yield from _comment(_told_of(run))
    yield "gates = ["
    yield from (f"  {line}" for each in run.proposed for line in _limit(each))
    example = f"{run.proposed[0].judged.gate} by COLUMN"
    yield f'  # "{example}",  # every slice; "… where COLUMN=VALUE" is one'
    yield "]"


def _told_of(run: FirstRun) -> str:
    """What the limits are, and the least that a test set of its size can show."""
    report = run.report
    count = plural(report.tally.examples, "example")
    told = f"Proposed are the lowest round limits that this update is shown to keep on {count}, "
    told += "and the widest where it keeps none. They are yours to choose: what would be noticed?"
    if report.scores is None and (report.design is None or report.design.plain):
        from flipcheck.api import plan

        size = plan(examples=report.tally.examples, confidence=report.settings.confidence)
        if size.resolution is not None:
            told += (
                f" Without a single flip so many would show a rate of at most "
                f"{size.resolution.unseen:.2%}; no lower limit can be decided on them."
            )
    return told


def _limit(proposal: Proposal) -> Iterator[str]:
    """The lines of one gate: what was measured, the limit, and what a lower one would take."""
    judged, lower = proposal.judged, proposal.stricter
    yield from _comment(f"{MEANING[proposal.metric]}{_measured(judged)}.")
    if not proposal.kept:
        yield from _comment(_fate(judged))
    yield f'"{judged.gate}",'
    if not judged.gate.limit:
        yield f'# "{proposal.metric} <= 1%",  # lets pass what is a little worse, too'
    if lower is not None:
        yield from _comment(_fate(lower))
        yield f'# "{lower.gate}",'


def _fate(judged: Judgement) -> str:
    told = "this update fails it" if judged.verdict is Verdict.FAIL else "not decided here"
    return f"{judged.gate}: {told}" + (f": {judged.reason}" if judged.reason else "")


def _measured(judged: Judgement) -> str:
    unit = judged.gate.limit_text.endswith("%")
    if judged.value is None:
        return ""
    points = judged.gate.measures.kind == "difference"

    def shown(value: float) -> str:
        if points:
            return f"{100 * value:+.2f} points"
        return f"{value:.2%}" if unit else f"{value:.3g}"

    bound = "" if judged.bound is None else f", surely at most {shown(judged.bound)}"
    return f": {shown(judged.value)}{bound}"


# --- TOML ----------------------------------------------------------------------------------


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(_plain(text), WIDTH - 4)]


def _plain(text: str) -> str:
    """Text of a file that stays in its comment."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _toml(value: Any) -> str:
    """A value in TOML. Raises UsageError for a text that no file can hold."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if not isinstance(value, str):
        return str(value)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"{value!r} cannot be written into a file", hint="rename it") from error
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _seen_from(folder: Path, option: Option, value: Any) -> Any:
    """A typed value as a file in the folder has to write it."""
    if isinstance(value, (list, tuple)):
        return [_seen_from(folder, option, each) for each in value]
    if value == "-" and option.name in {*SOURCES, "old_data", "new_data"}:
        raise UsageError(
            f"standard input as {option.key}: a configuration could not read it again",
            hint="name a file",
        )
    is_file = option.is_path or (isinstance(value, str) and os.path.isfile(value))  # noqa: PTH113
    if not is_file or value == "-" or folder.resolve() == Path.cwd():
        return value
    path = os.path.relpath(value, folder)
    return value if os.path.isabs(value) else path  # noqa: PTH117
