"""lm-evaluation-harness: `samples_<task>_<date>.jsonl`, one line for each document and filter.

`doc_id` is a place in one run and not stable; a document is known by its hash. Up to version
0.4.2 the files were one JSON list, without hashes and without the filter's name.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from flipcheck.errors import plural
from flipcheck.sources.logs.choices import Given, continuations, log_probs, single
from flipcheck.sources.logs.peek import objects
from flipcheck.sources.logs.picks import choose
from flipcheck.sources.logs.problems import Problems
from flipcheck.sources.logs.rows import Rows, predictions
from flipcheck.sources.logs.wanted import end_of, question_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from flipcheck.predictions import Predictions
    from flipcheck.sources.logs.choices import Choices
    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.logs.picks import Picks
    from flipcheck.sources.spec import Columns

PICKS = ("filter", "metric", "task")
NEEDED = {"doc_id", "doc", "filtered_resps"}
OWN = NEEDED | {
    *("target", "arguments", "resps", "filter", "metrics", "doc_hash", "prompt_hash"),
    *("target_hash", "task", "task_name"),
}
"""The keys of a sample that are no metric."""
UNNAMED = "none"
"""The filter of a sample that names none, as lm-eval calls it."""
NAMED = re.compile(r"samples_(?P<task>.+?)(_\d{4}-\d\d-\d\dT[0-9.:-]+)?\.jsonl?")
HINT = "a sample has doc, target, filtered_resps and its metrics: write it with --log_samples"


def fits(peek: Peek) -> bool:
    """Whether a file holds samples of lm-eval."""
    return peek.keys() >= NEEDED


def task_of(path: Path) -> str:
    """The task that a file name tells; empty where it tells none."""
    found = NAMED.match(path.name)
    return found["task"] if found else ""


def read(peek: Peek, columns: Columns, picks: Picks) -> Predictions:
    """The samples of one filter, judged by one metric."""
    path, problems = peek.path, Problems(peek.path)
    task = picks.get("task") or task_of(path)
    log = Log(path, columns, task)
    for line, sample, wrong in _samples(peek):
        if wrong:
            problems.add(wrong)
        else:
            log.add(line, sample, problems)
    if not log.filters and not problems.count:
        problems.add("no sample in it")
    problems.check(HINT)
    there = {name: plural(len(each), "sample") for name, each in log.filters.items()}
    chosen = log.filters[choose(path, "filter", there, picks)]
    found = predictions(chosen, picks, {"format": "lm-eval", "task": task})
    return replace(found, warnings=(*found.warnings, *log.notes()))


def _samples(peek: Peek) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Each sample, where it stands from 1, and what is wrong with it."""
    found: Iterable[tuple[int, dict[str, Any], str]] = objects(peek.path)
    if isinstance(peek.value, list):
        found = [
            (row, each, "") if isinstance(each, dict) else (row, {}, f"row {row:,}: no JSON object")
            for row, each in enumerate(peek.value, start=1)
        ]
    for row, sample, wrong in found:
        yield row, sample, wrong or _wrong(row, sample)


def _wrong(line: int, sample: Mapping[str, Any]) -> str:
    lacks = sorted(NEEDED - set(sample))
    if lacks:
        return f"row {line:,}: no {', '.join(map(repr, lacks))}"
    if not isinstance(sample.get("filter", UNNAMED), str):
        return f"row {line:,}: 'filter' is not text"
    return ""


class Log:
    """The samples of one file, by filter."""

    def __init__(self, path: Path, columns: Columns, task: str) -> None:
        self.path, self.columns, self.task = path, columns, task
        self.filters: dict[str, Rows] = {}
        self.lines: dict[tuple[str, str, object], int] = {}
        self.seen: dict[tuple[str, str], int] = {}
        self.unhashed = self.repeated = 0

    def add(self, line: int, sample: Mapping[str, Any], problems: Problems) -> None:
        """One more sample."""
        name = sample.get("filter", UNNAMED)
        document = self._document(sample)
        first = self.lines.setdefault((name, document, _key(sample["doc_id"])), line)
        if first != line:
            problems.add(f"row {line:,}: the same sample as row {first:,}, of filter {name!r}")
            return
        count = self.seen[name, document] = self.seen.get((name, document), 0) + 1
        self.repeated += count > 1
        question = f"{self.task}/{document}" if self.task else document
        rows = self.filters.setdefault(name, Rows(self.path, self.columns))
        given = _given(rows.choices, sample)
        doc = sample["doc"] if isinstance(sample["doc"], dict) else {}
        rows.add(
            line,
            question if count == 1 else f"{question}#{count}",
            _metrics(sample),
            question=question,
            answer=given.answer,
            truth=given.target,
            confidence=given.confidence,
            fields=doc | {f"doc.{each}": value for each, value in doc.items()},
            asks=lambda: question_in(doc) or end_of(_prompt(sample.get("arguments"))),
        )

    def _document(self, sample: Mapping[str, Any]) -> str:
        """What a document is known by: the hash that lm-eval wrote, or the same made here."""
        found = sample.get("doc_hash")
        if isinstance(found, str) and found:
            return found[:HASH]
        self.unhashed += 1
        text = json.dumps(sample["doc"], indent=2, ensure_ascii=False)
        return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:HASH]

    def notes(self) -> list[str]:
        """What is worth a warning."""
        notes = []
        if self.unhashed:
            notes.append(
                f"{self.path}: {plural(self.unhashed, 'sample')} without a doc_hash (an older "
                "lm-eval): paired by a hash of the document made here"
            )
        if self.repeated:
            notes.append(
                f"{self.path}: {plural(self.repeated, 'sample')} of a document that was there "
                "before: they are told apart by their order"
            )
        return notes


HASH = 24
"""How many digits of a document's hash are its id: enough for all there are, and readable."""


def _given(choices: Choices, sample: Mapping[str, Any]) -> Given:
    """What a sample answers and should answer."""
    responses = sample["filtered_resps"]
    scores = log_probs(responses)
    texts = continuations(sample.get("arguments"), len(scores or ()))
    return choices.add(scores, texts, sample.get("target"), single(responses))


def _prompt(arguments: Any) -> str | None:
    """What was put to the model: the first argument of the first request."""
    for _ in range(3):
        if isinstance(arguments, dict):
            arguments = list(arguments.values())
        if isinstance(arguments, list) and arguments:
            arguments = arguments[0]
    return arguments if isinstance(arguments, str) else None


def _key(value: object) -> object:
    return value if isinstance(value, (str, int, float)) else repr(value)


def _metrics(sample: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics of a sample: those that it names, or every key that is not lm-eval's own."""
    named: Iterable[Any] = sample["metrics"] if isinstance(sample.get("metrics"), list) else ()
    names = [name for name in named if isinstance(name, str) and name in sample]
    return {name: sample[name] for name in names or [each for each in sample if each not in OWN]}
