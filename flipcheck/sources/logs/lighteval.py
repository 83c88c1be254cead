"""lighteval: `details_<task>_<date>.parquet`, of nested columns; older versions had other names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, listed, plural
from flipcheck.sources.logs.choices import argmax
from flipcheck.sources.logs.problems import Problems
from flipcheck.sources.logs.rows import Rows, predictions
from flipcheck.sources.logs.values import digest
from flipcheck.sources.logs.wanted import end_of, plain_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flipcheck.predictions import Predictions
    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.logs.picks import Picks
    from flipcheck.sources.spec import Columns

PICKS = ("metric",)
BATCH = 256
"""Rows that are held at a time; prompts and responses may be long."""
HINT = "give the details_*.parquet that lighteval wrote with --save-details"


def fits(peek: Peek) -> bool:
    """Whether a file holds details of lighteval."""
    names = set(peek.columns)
    return peek.kind == "parquet" and (
        {"doc", "model_response", "metric"} <= names or {"metrics", "predictions", "gold"} <= names
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """Where one version of lighteval keeps what: a column, and what to take of it."""

    metric: str
    wanted: tuple[str, ...]


NEW = Shape(
    "metric",
    (
        *("doc.id", "doc.task_name", "doc.gold_index", "doc.choices", "doc.specific", "metric"),
        *("model_response.logprobs", "model_response.text"),
    ),
)
OLD = Shape(
    "metrics",
    ("metrics", "predictions", "gold", "gold_index", "choices", "example", "full_prompt"),
)


def read(peek: Peek, columns: Columns, picks: Picks) -> Predictions:
    """The samples of a task, judged by one metric."""
    shape = NEW if NEW.metric in peek.columns else OLD
    rows, seen, problems = Rows(peek.path, columns), dict[str, int](), Problems(peek.path)
    for number, sample in enumerate(_samples(peek, shape, columns), start=1):
        found = _of_new(sample) if shape is NEW else _of_old(sample, seen)
        if found.key is None:
            problems.add(f"row {number:,}: no {'doc.id' if shape is NEW else 'question'}")
        else:
            _add(rows, number, found.key, found)
    if not len(rows) and not problems.count:
        problems.add("no samples in it")
    problems.check(HINT)
    result = predictions(rows, picks, {"format": "lighteval"})
    return replace(result, warnings=(*result.warnings, *_notes(peek, seen, shape)))


def _notes(peek: Peek, seen: Mapping[str, int], shape: Shape) -> list[str]:
    notes = []
    if shape is OLD:
        told = "an older lighteval, without ids: paired by a hash of each question"
        notes.append(f"{peek.path}: {told}")
    again = sum(count - 1 for count in seen.values())
    if again:
        told = f"{plural(again, 'sample')} of a question that was there before"
        notes.append(f"{peek.path}: {told}: they are told apart by their order")
    return notes


def _samples(peek: Peek, shape: Shape, columns: Columns) -> Iterator[dict[str, Any]]:
    """Every row, with only the columns that are needed and are there."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(peek.path) as file:
            _check(peek, file.schema_arrow, shape)
            own = [f"doc.{name}" for name in columns.labels()] if shape is NEW else columns.labels()
            wanted = list(dict.fromkeys((*shape.wanted, *own, *_texts(shape, columns))))
            for batch in file.iter_batches(batch_size=BATCH, columns=wanted):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        first = next(iter(str(error).splitlines()), "")[:200]
        raise InputError(
            f"{peek.path}: not readable: {first}",
            hint="the file is damaged or cut short: write it again",
        ) from error


def _texts(shape: Shape, columns: Columns) -> list[str]:
    """The columns that only a second reading needs, for the texts of a few samples."""
    if columns.wanted is None:
        return []
    return ["doc.query", *(f"doc.{name}" for name in columns.wanted.names)] if shape is NEW else []


def _check(peek: Peek, schema: Any, shape: Shape) -> None:
    """Raise InputError where nested columns were saved as text."""
    import pyarrow as pa

    nested = ["metric", "doc"] if shape is NEW else ["metrics"]
    flat = [name for name in nested if name in schema.names]
    flat = [name for name in flat if not pa.types.is_struct(schema.field(name).type)]
    if flat:
        raise InputError(
            f"{peek.path}: {listed(flat)} is {schema.field(flat[0]).type}, not a nested column",
            hint="lighteval could not save this task's details as they are, and wrote text",
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of either version."""

    key: str | None
    question: str | None
    metrics: Mapping[str, Any]
    golds: list[int]
    choices: list[Any]
    scores: list[Any] | None
    texts: list[Any]
    fields: Mapping[str, Any]
    asks: str | None = None


def _of_new(row: Mapping[str, Any]) -> Sample:
    doc, response = row.get("doc") or {}, row.get("model_response") or {}
    task, named = doc.get("task_name"), doc.get("id")
    key = None if named in {None, ""} else f"{task}/{named}" if task else str(named)
    return Sample(
        key=key,
        question=key,
        metrics=row.get("metric") or {},
        golds=_integers(doc.get("gold_index")),
        choices=doc.get("choices") or [],
        scores=response.get("logprobs"),
        texts=response.get("text") or [],
        fields={**(doc.get("specific") or {}), **doc},
        asks=doc.get("query"),
    )


def _of_old(row: Mapping[str, Any], seen: dict[str, int]) -> Sample:
    asked = row.get("example") or row.get("full_prompt")
    question = digest(asked) if isinstance(asked, str) and asked else None
    count = 1
    if question is not None:
        count = seen[question] = seen.get(question, 0) + 1
    found = row.get("predictions") or []
    numbers = bool(found) and all(isinstance(each, float) for each in found)
    return Sample(
        key=question if count == 1 else f"{question}#{count}",
        question=question,
        metrics=row.get("metrics") or {},
        golds=_integers(row.get("gold_index")),
        choices=row.get("choices") or row.get("gold") or [],
        scores=found if numbers else None,
        texts=[] if numbers else found,
        fields=row,
        asks=asked,
    )


def _integers(value: Any) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, int) and not isinstance(each, bool)]


def _add(rows: Rows, number: int, key: str, sample: Sample) -> None:
    """One more sample."""
    truth = _truth(sample)
    several = sample.scores is not None and len(sample.scores) == len(sample.choices) > 1
    answer = str(sample.texts[0]) if len(sample.texts) == 1 else None
    texts = [str(choice) for choice in sample.choices]
    scores = _floats(sample.scores) if several else None
    place = str(sample.golds[0]) if len(sample.golds) == 1 else None
    given = rows.choices.add(scores, texts, place if several else truth, answer)
    rows.add(
        number,
        key,
        sample.metrics,
        question=sample.question,
        answer=given.answer,
        truth=given.target,
        confidence=given.confidence,
        fields=sample.fields,
        asks=lambda: end_of(plain_text(sample.asks)),
    )


def _truth(sample: Sample) -> Any:
    """The right choices' texts, or their places where there are no texts."""
    found = [
        sample.choices[gold] if 0 <= gold < len(sample.choices) else str(gold)
        for gold in sample.golds
    ]
    return found or None


def _floats(values: list[Any] | None) -> list[float] | None:
    found = [float(each) for each in values or () if isinstance(each, (int, float))]
    whole = values is not None and len(found) == len(values) and all(map(_finite, found))
    return found if whole and argmax(found) >= 0 else None


def _finite(value: float) -> bool:
    return abs(value) < float("inf")
