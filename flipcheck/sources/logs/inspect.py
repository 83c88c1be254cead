"""inspect_ai: a log as one `.json` document, or as an `.eval` archive with a member a sample.

The archive has a short summary of every sample, in which long answers are cut; where that would
make two answers one, the samples themselves are read, one after another.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, plural
from flipcheck.sources.logs.archive import open_archive
from flipcheck.sources.logs.picks import choose
from flipcheck.sources.logs.problems import Problems
from flipcheck.sources.logs.rows import Rows, predictions
from flipcheck.sources.logs.values import short
from flipcheck.sources.logs.wanted import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flipcheck.predictions import Predictions
    from flipcheck.sources.logs.archive import Archive
    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.logs.picks import Picks
    from flipcheck.sources.spec import Columns

PICKS = ("scorer", "metric")
HEADERS = ("header.json", "_journal/start.json", "start.json")
SUMMARIES = ("summaries.json", "summary.json")
JOURNAL = re.compile(r"(_journal/)?summaries/(\d+)\.json")
SAMPLE = re.compile(r"samples/.+\.json")
WORDS = {
    "C": 1.0,
    "I": 0.0,
    "P": 0.5,
    "N": 0.0,
    "yes": 1.0,
    "no": 0.0,
    "true": 1.0,
    "false": 0.0,
}
"""What inspect takes the words of scorers for."""
CUT = 1000
"""Answers from this length on may have been cut in a summary."""
VALUE = "value"
"""What a scorer's value is called where it is a single one."""
HINT = "every sample has id, epoch, target and scores: write the log again with inspect"


def fits(peek: Peek) -> bool:
    """Whether a file is a log of inspect."""
    names = set(peek.members)
    if names:
        return any(name in names for name in HEADERS)
    value, keys = peek.value, peek.keys()
    if not isinstance(value, dict) or not keys >= {"version", "eval"}:
        return False
    return isinstance(value["eval"], dict) and bool(keys & {"status", "samples"})


def read(peek: Peek, columns: Columns, picks: Picks) -> Predictions:
    """The samples of every epoch, judged by one scorer."""
    path, log = peek.path, Log(peek.path, columns)
    if peek.members:
        with open_archive(path) as archive:
            header = _header(archive)
            for where, sample in _archived(archive):
                log.add(where, sample)
    else:
        header = peek.document()
        for number, sample in enumerate(_list(path, header.get("samples")), start=1):
            log.add(number, sample)
    log.problems.check(HINT)
    if not log.samples:
        raise InputError(
            f"{path}: no samples in it",
            hint="the evaluation did not start, or only its header was saved",
        )
    there = {name: plural(count, "sample") for name, count in log.scorers.items()}
    if not there:
        raise InputError(
            f"{path}: not one of {plural(log.samples, 'sample')} was scored",
            hint="score it with `inspect score`",
        )
    score = columns.score
    rows = log.rows[choose(path, "scorer", there, picks, score if score in there else None)]
    rows.skipped = log.samples - len(rows)
    found = predictions(rows, picks, {"format": "inspect", **_told(header)}, default=VALUE)
    status = header.get("status", "success")
    notes = [] if status == "success" else [f"{path}: the evaluation ended as {status!r}"]
    if header.get("invalidated"):
        notes.append(f"{path}: some of its samples were declared invalid, and are compared here")
    return replace(found, warnings=(*found.warnings, *notes))


def _told(header: Mapping[str, Any]) -> dict[str, Any]:
    """What the report says of the log: its task and model."""
    spec = header.get("eval")
    known = spec if isinstance(spec, dict) else {}
    told = {f"inspect_{name}": known.get(name) for name in ("task", "model")}
    return {name: short(value) for name, value in told.items() if isinstance(value, str)}


def _list(path: Path, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(f"{path}: 'samples' is not a list", hint=HINT)
    return value


def _header(archive: Archive) -> dict[str, Any]:
    name = next((each for each in HEADERS if each in archive.infos), None)
    value = archive.json(name) if name else {}
    if not isinstance(value, dict):
        raise InputError(f"{archive.path}: {name} is no JSON object", hint=HINT)
    if name is not None and name != HEADERS[0] and "status" not in value:
        value["status"] = "started"
    if "results.json" in archive.infos:  # as the first versions had it
        results = archive.json("results.json")
        value |= results if isinstance(results, dict) else {}
    return value


def _archived(archive: Archive) -> Iterator[tuple[int, Any]]:
    """Every sample of an archive and its number from 1: summaries where these tell enough."""
    summaries = _summaries(archive)
    members = [name for name in archive.infos if SAMPLE.fullmatch(name)]
    if summaries and len(members) > len(summaries):
        summaries = []  # the summaries of the last samples were not written
    if 0 < len(members) < len(summaries):
        raise InputError(
            f"{archive.path}: summaries of {plural(len(summaries), 'sample')}, and "
            f"{len(members):,} of the samples",
            hint="the file is damaged: write it again",
        )
    if not summaries or (members and _cut(archive, summaries, members)):
        for number, name in enumerate(members, start=1):
            yield number, archive.json(name)
        return
    yield from enumerate(summaries, start=1)


def _summaries(archive: Archive) -> list[Any]:
    for name in SUMMARIES:
        if name in archive.infos:
            return _list(archive.path, archive.json(name))
    journal = [(found[2], name) for name in archive.infos if (found := JOURNAL.fullmatch(name))]
    parts = [name for _, name in sorted(journal, key=lambda each: int(each[0][:18]))]
    return [sample for name in parts for sample in _list(archive.path, archive.json(name))]


def _cut(archive: Archive, summaries: list[Any], members: list[str]) -> bool:
    """Whether summaries lack answers that the samples have, or have only their beginnings."""
    answers = [_answers(each) for each in summaries]
    if any(len(text) >= CUT for each in answers for text in each):
        return True
    return not any(answers) and bool(_answers(archive.json(members[0])))


def _answers(sample: Any) -> list[str]:
    scores = sample.get("scores") if isinstance(sample, dict) else None
    found = scores.values() if isinstance(scores, dict) else ()
    answers = (each.get("answer") for each in found if isinstance(each, dict))
    return [answer for answer in answers if isinstance(answer, str)]


class Log:
    """The samples of one log, by scorer."""

    def __init__(self, path: Path, columns: Columns) -> None:
        self.path, self.columns, self.problems = path, columns, Problems(path)
        self.rows: dict[str, Rows] = {}
        self.scorers: dict[str, int] = {}
        self.samples = 0

    def add(self, number: int, sample: Any) -> None:
        """One more sample."""
        wrong = _wrong(sample)
        if wrong:
            self.problems.add(f"sample {number:,}: {wrong}")
            return
        self.samples += 1
        scores = sample.get("scores") or {}
        if "score" in sample and not scores:  # as the first versions had it
            scores = {"score": sample["score"]}
        for name, score in scores.items():
            if not isinstance(score, dict) or "value" not in score:
                self.problems.add(f"sample {number:,}: the score {name!r} has no value")
                continue
            self._add(number, sample, name, score)

    def _add(self, number: int, sample: Mapping[str, Any], name: str, score: Any) -> None:
        self.scorers[name] = self.scorers.get(name, 0) + 1
        rows = self.rows.setdefault(name, Rows(self.path, self.columns))
        metadata = sample.get("metadata")
        known = metadata if isinstance(metadata, dict) else {}
        rows.add(
            number,
            f"{sample['id']}/{sample['epoch']}",
            _values(score["value"]),
            question=str(sample["id"]),
            answer=score.get("answer"),
            truth=sample.get("target"),
            fields=known | {"epoch": sample["epoch"]},
            asks=lambda: plain_text(sample.get("input")),
        )


def _wrong(sample: Any) -> str:
    if not isinstance(sample, dict):
        return "no JSON object"
    named, epoch = sample.get("id"), sample.get("epoch")
    if isinstance(named, bool) or not isinstance(named, (str, int)) or named == "":
        return "'id' is neither text nor a whole number"
    if isinstance(epoch, bool) or not isinstance(epoch, int):
        return "'epoch' is not a whole number"
    if not isinstance(sample.get("scores") or {}, dict):
        return "'scores' is no JSON object"
    return ""


def _values(value: Any) -> dict[str, Any]:
    """A score as numbers by name: words as inspect takes them, several values each by its key."""
    if isinstance(value, dict):
        return {str(name): _number(each) for name, each in value.items()}
    return {VALUE: _number(value)}


def _number(value: Any) -> Any:
    """A value as a number where it is one of the words of scorers, or a number as text."""
    if not isinstance(value, str):
        return value
    if value in WORDS:
        return WORDS[value]
    if value.lower() in WORDS and len(value) > 1:
        return WORDS[value.lower()]
    try:
        number = float(value)
    except ValueError:
        return value
    return math.nan if math.isnan(number) else number
