"""openai/evals: JSON lines of events, of which the first is the run's specification."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from flipcheck.errors import listed
from flipcheck.sources.logs.peek import objects
from flipcheck.sources.logs.problems import Problems
from flipcheck.sources.logs.rows import Rows, predictions
from flipcheck.sources.logs.values import as_label, short
from flipcheck.sources.logs.wanted import end_of, plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flipcheck.predictions import Predictions
    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.logs.picks import Picks
    from flipcheck.sources.spec import Columns

PICKS = ("metric",)
MATCH = "match"
EVENTS = {"match", "metrics"}
"""The events that judge a sample."""
SAMPLING = "sampling"
"""The event that has what was put to the model."""
HINT = "an event has sample_id, type and data: give the file that `oaieval` wrote"


def fits(peek: Peek) -> bool:
    """Whether a file is a log of openai/evals."""
    return peek.keys() == {"spec"} and not peek.whole


def read(peek: Peek, columns: Columns, picks: Picks) -> Predictions:
    """The samples that were judged: by their match, or by a metric."""
    problems, log = Problems(peek.path), Log(Rows(peek.path, columns))
    for line, event, wrong in objects(peek.path):
        if wrong:
            problems.add(wrong)
        elif event.get("type") is not None:
            problem = log.add(line, event)
            if problem:
                problems.add(f"row {line:,}: {problem}")
        elif "final_report" in event:
            log.finished = True
    log.close()
    if not problems.count and not len(log.rows):
        problems.add("no event of type 'match' or 'metrics', which would say what was right")
    problems.check(HINT)
    lost = log.others - set(log.rows.ids)
    log.rows.skipped = len(lost)
    found = predictions(log.rows, picks, {"format": "evals"}, default=MATCH)
    notes = [] if log.finished else [f"{peek.path}: no final report: the run was cut short"]
    if lost:
        notes.append(f"{peek.path}: samples without a verdict: {listed(sorted(lost))}")
    return replace(found, warnings=(*found.warnings, *notes))


class Log:
    """The samples of one run, each of one or more events, in the order of their first verdicts."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.finished = False
        self.others: set[str] = set()
        self.prompts: dict[str, str] = {}
        self._open: dict[str, tuple[int, dict[str, Any], str | None, str | None]] = {}

    def add(self, line: int, event: Mapping[str, Any]) -> str:
        """One more event; what is wrong with it."""
        sample, kind, data = event.get("sample_id"), event["type"], event.get("data")
        if isinstance(sample, bool) or not isinstance(sample, (str, int)) or sample == "":
            return "'sample_id' is neither text nor a number"
        name = str(sample)
        if not isinstance(kind, str):
            return "'type' is not text"
        if kind not in EVENTS:
            self.others.add(name)
            self._take(name, kind, data)
            return ""
        if not isinstance(data, dict) or (
            kind == MATCH and not isinstance(data.get("correct"), bool)
        ):
            return f"'data' of a {kind} is no JSON object, or 'correct' neither true nor false"
        return self._judge(name, line, {MATCH: data["correct"]} if kind == MATCH else data, data)

    def _take(self, name: str, kind: str, data: object) -> None:
        """Keep the prompt of a sample, where it is wanted."""
        wanted = self.rows.columns.wanted
        if wanted is not None and name in wanted.samples and isinstance(data, dict):
            text = end_of(plain_text(data.get("prompt")))
            if kind == SAMPLING and text:
                self.prompts.setdefault(name, text)

    def _judge(
        self, name: str, line: int, metrics: Mapping[str, Any], data: Mapping[str, Any]
    ) -> str:
        """One more verdict on a sample; what is wrong with it."""
        first, known, picked, expected = self._open.get(name, (line, {}, None, None))
        twice = sorted(set(known) & set(metrics))
        if twice:
            return f"sample {name!r} was judged by {twice[0]!r} in row {first:,} already"
        picked = _text(data.get("picked")) if picked is None else picked
        expected = _text(data.get("expected")) if expected is None else expected
        kept = {
            key: value if value is None or isinstance(value, (bool, int, float)) else _text(value)
            for key, value in metrics.items()
        }
        self._open[name] = first, {**known, **kept}, picked, expected
        return ""

    def close(self) -> None:
        """Every sample as a row."""
        for name, (line, metrics, picked, expected) in self._open.items():
            asks = partial(self.prompts.get, name)
            self.rows.add(line, name, metrics, answer=picked, truth=expected, asks=asks)
        self._open.clear()


def _text(value: Any) -> str | None:
    """A value as a label that is not long: an event may repeat its prompt."""
    label = as_label(value)
    return None if label is None else short(label)
