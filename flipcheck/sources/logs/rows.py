"""The rows of a log, collected one by one with no prompt or response kept, as Predictions."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError, listed, plural
from flipcheck.predictions import Predictions, checked_weights
from flipcheck.sources.files import sha256
from flipcheck.sources.logs.choices import Choices
from flipcheck.sources.logs.picks import choose
from flipcheck.sources.logs.values import NOT_SCORED, Column, as_label, as_score, scalar, short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.labels import Labels
    from flipcheck.sources.logs.picks import Picks
    from flipcheck.sources.spec import Columns

NAMES = 200
"""How many fields of the samples an error or hint may name."""


class Rows:
    """The samples of one file: ids, answers, targets, and the values of every metric."""

    def __init__(self, path: Path, columns: Columns) -> None:
        self.path, self.columns = path, columns
        self.ids: list[str] = []
        self.places = array("q")
        self.questions, self.answers, self.truths = Column(), Column(), Column()
        self.confidence = array("f")
        self.values: dict[str, array[float]] = {}
        self.unusable: dict[str, str] = {}
        self.by = {name: Column() for name in columns.labels()}
        self.weights: array[float] = array("d")
        self.available: dict[str, None] = {}
        self.choices = Choices()
        self.skipped = 0

    def __len__(self) -> int:
        return len(self.ids)

    def add(
        self,
        place: int,
        sample: str,
        metrics: Mapping[str, Any],
        *,
        question: str | None = None,
        answer: Any = None,
        truth: Any = None,
        confidence: float = math.nan,
        fields: Mapping[str, Any] | None = None,
        asks: Callable[[], str | None] | None = None,
    ) -> None:
        """One more sample: where it stands in the file, its id, and the values of its metrics.

        `asks` gives the text that it asks, which is kept only where it is wanted.
        """
        if self.columns.wanted is not None:
            self.columns.wanted.see(short(sample), fields or {}, asks)
        self.ids.append(short(sample))
        self.places.append(place)
        self.questions.add(question or sample)
        self.answers.add(as_label(answer))
        self.truths.add(as_label(truth))
        self.confidence.append(confidence)
        self._add_metrics(place, {short(name): value for name, value in metrics.items()})
        self._add_fields(fields or {})

    def _add_metrics(self, place: int, metrics: Mapping[str, Any]) -> None:
        for name, value in metrics.items():
            number = as_score(value)
            if isinstance(number, str):
                self.unusable.setdefault(name, f"row {place:,}: {number}")
                number = NOT_SCORED
            if name not in self.values:
                self.values[name] = array("d", [NOT_SCORED]) * (len(self) - 1)
            self.values[name].append(number)
        for values in self.values.values():
            if len(values) < len(self):
                values.append(NOT_SCORED)

    def _add_fields(self, fields: Mapping[str, Any]) -> None:
        if len(self.available) < NAMES:
            self.available |= dict.fromkeys(
                short(name) for name, each in fields.items() if scalar(each)
            )
        for name, column in self.by.items():
            value = fields.get(name)
            column.add(as_label(value) if scalar(value) else None)
        if self.columns.weight is not None:
            weight = as_score(fields.get(self.columns.weight))
            self.weights.append(NOT_SCORED if isinstance(weight, str) else weight)

    def counts(self) -> dict[str, str]:
        """Each metric and what it holds, as an error that asks for one of them tells it."""
        told = {}
        for name, values in self.values.items():
            scored = [value for value in values if value == value]  # noqa: PLR0124  (NaN)
            told[name] = plural(len(scored), "sample")
            if name in self.unusable:
                told[name] = "no numbers"
            elif all(value in {0.0, 1.0} for value in scored):
                told[name] += f", {int(sum(scored)):,} right"
            else:
                told[name] += ", graded"
        return told


def predictions(
    rows: Rows, picks: Picks, facts: Mapping[str, Any], *, kind: str = "metric", default: str = ""
) -> Predictions:
    """The rows as predictions, judged by one of their metrics, which log calls its `kind`.

    Samples that it did not score are left out, with a warning. Raises InputError where no metric
    or several could decide, and for a graded one where nobody asked for a score.
    """
    import numpy as np
    import pyarrow as pa

    metric = _metric(rows, picks, kind, default)
    values = np.array(rows.values[metric])
    kept = np.flatnonzero(~np.isnan(values))
    judge = picks.used.get("scorer", metric)
    notes = _left_out(rows, judge, len(rows) - len(kept))
    if not len(kept):
        raise InputError(
            f"{rows.path}: not one sample was scored by {judge!r}",
            hint="the evaluation failed or was cut short: run it again",
        )
    correct, scores = _verdicts(rows, metric, judge, values)
    answers, confidence, told = _answers(rows, values)
    found = Predictions(
        name=str(rows.path),
        ids=pa.array(rows.ids, pa.string()),
        answers=answers,
        truth=_given(rows.truths),
        correct=correct,
        confidence=confidence,
        scores=scores,
        repeats=rows.questions.labels(),
        columns={name: each.labels() for name, each in rows.by.items() if _any(each)},
        source=str(rows.path),
        available=tuple(rows.available),
        facts={
            "kind": "predictions",
            "sha256": sha256(rows.path),
            **facts,
            "picked": dict(picks.used),
        },
        warnings=(*notes, *told),
    ).take(kept)
    return found if rows.columns.weight not in rows.available else _weighed(found, rows, kept)


def _metric(rows: Rows, picks: Picks, kind: str, default: str) -> str:
    """The metric that decides: the one picked, the score asked for, the default, the only one."""
    usable = {name: told for name, told in rows.counts().items() if name not in rows.unusable}
    asked = picks.get(kind) or rows.columns.score
    if asked in picks.used.values():  # the scorer's own name, whose value this is
        asked = picks.get(kind)
    if asked in rows.unusable:
        raise InputError(
            f"{rows.path}: {kind} {asked!r} does not say right or wrong, nor grades",
            problems=[rows.unusable[asked]],
            hint=f"take another with --pick {kind}=NAME: {listed(usable) or 'there is none'}",
        )
    if not usable:
        raise InputError(
            f"{rows.path}: no {kind} says which samples are right",
            problems=[f"{name}: {why}" for name, why in rows.unusable.items()][:SHOWN],
            hint="write the log again with its scores",
        )
    if default in usable and asked is None:
        picks.used[kind] = default
        return default
    return choose(rows.path, kind, usable, picks, asked)


def _verdicts(
    rows: Rows, metric: str, judge: str, values: NDArray[np.float64]
) -> tuple[NDArray[np.bool_] | None, NDArray[np.float64] | None]:
    """Right or wrong where the values are 1 and 0; grades where they were asked for."""
    import numpy as np

    graded = np.flatnonzero(~np.isnan(values) & (values != 0) & (values != 1))
    asked = rows.columns.score is not None
    if not len(graded):
        return values == 1, values if asked else None
    if asked:
        return None, values
    first = int(graded[0])
    others = [name for name in rows.values if name != metric and name not in rows.unusable]
    raise InputError(
        f"{rows.path}: {judge!r} grades: {plural(len(graded), 'value')} neither 0 nor 1, "
        f"the first {values[first].item():g} in row {rows.places[first]:,}",
        hint=f"compare it as a score with --score {judge}; or take one that says right or wrong "
        f"with --pick: {listed(others) or 'this file has no other'}",
    )


def _answers(
    rows: Rows, values: NDArray[np.float64]
) -> tuple[Labels | None, NDArray[np.float32] | None, list[str]]:
    """The answers, how sure they were, and what is worth a warning.

    Answers of multiple choice are those of the rule that the metric judges by, if any is.
    """
    if not rows.choices.several:
        return _given(rows.answers), _confidence(rows), []
    rule = rows.choices.rule(values)
    if rule is None:
        told = f"{rows.path}: {plural(rows.choices.several, 'sample')} of multiple choice, whose "
        told += "largest log-probabilities are not what the metric judges: only right and wrong "
        return None, None, [f"{told}are compared"]
    return rule.labels(), _confidence(rows) if rule is rows.choices.plain else None, []


def _left_out(rows: Rows, judge: str, count: int) -> list[str]:
    count += rows.skipped
    if not count:
        return []
    return [f"{rows.path}: {plural(count, 'sample')} not scored by {judge!r}, and left out"]


def _given(column: Column) -> Labels | None:
    return column.labels() if _any(column) else None


def _any(column: Column) -> bool:
    return any(code >= 0 for code in column.codes)


def _confidence(rows: Rows) -> NDArray[np.float32] | None:
    import numpy as np

    values = np.array(rows.confidence, dtype=np.float32)
    return None if np.isnan(values).all() else values


def _weighed(found: Predictions, rows: Rows, kept: NDArray[np.int64]) -> Predictions:
    from dataclasses import replace

    import numpy as np

    what = f"{rows.path}: {rows.columns.weight!r}"
    return replace(found, weights=checked_weights(what, np.array(rows.weights)[kept]))
