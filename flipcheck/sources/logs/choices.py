"""The answers of multiple choice: the choice of the largest log-probability.

Some metrics judge by other rules (`acc_norm` divides by length). Answers are told only where the
rule that gave them agrees with every verdict of the log.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.sources.logs.values import Column, as_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Given:
    """What one sample answers, what it should, and how sure it was."""

    answer: Any
    target: Any
    confidence: float = math.nan


class Choices:
    """Which choice each sample of multiple choice takes, under each rule."""

    def __init__(self) -> None:
        self.plain, self.by_length, self.targets = Column(), Column(), Column()
        self.several = 0

    def add(
        self, scores: Sequence[float] | None, texts: Sequence[str], target: Any, answer: Any
    ) -> Given:
        """One more sample: the log-probability of each choice, their texts, and which is right.

        Where there are no log-probabilities, `answer` is what was answered.
        """
        if scores is None:
            for column in (self.plain, self.by_length, self.targets):
                column.add(None)
            return Given(answer, target)
        self.several += 1
        place = _place(target, texts, len(scores))
        best = argmax(scores)
        norm = [score / max(1, len(text)) for score, text in zip(scores, texts, strict=True)]
        self.plain.add(str(best))
        self.by_length.add(str(argmax(norm)) if all(texts) else None)
        self.targets.add(place)
        return Given(str(best), place if place is not None else target, softmax_best(scores))

    def rule(self, values: NDArray[np.float64]) -> Column | None:
        """The first rule whose answers equal the targets exactly where a metric says right.

        `values` are the metric's, NaN where it scored nothing; None where no rule is the metric's.
        """
        import numpy as np

        scored, target = ~np.isnan(values), self.targets.labels()
        for rule in (self.plain, self.by_length):
            answers = rule.labels()
            names = tuple(dict.fromkeys((*answers.names, *target.names)))
            equal = answers.recoded(names) == target.recoded(names)
            known = (answers.codes >= 0) & (target.codes >= 0)
            if bool(known[scored].all()) and np.array_equal(equal[scored], values[scored] == 1):
                return rule
        return None


def log_probs(responses: Any) -> list[float] | None:
    """The log-probability of each choice: [[-1.2, False], …], as numbers or as lm-eval's texts."""
    if not isinstance(responses, list) or len(responses) < 2:
        return None
    found = []
    for each in responses:
        if not isinstance(each, (list, tuple)) or len(each) != 2 or not _greedy(each[1]):
            return None
        try:
            number = float(each[0])
        except (TypeError, ValueError, OverflowError):
            return None
        if math.isnan(number) or number == math.inf:
            return None
        found.append(number)
    return found


def _greedy(value: Any) -> bool:
    """Whether a value says if a choice was the greedy continuation."""
    return isinstance(value, bool) or str(value) in {"True", "False", "0", "1"}


def single(responses: Any) -> Any:
    """The one response that is left after filtering; None where there are several."""
    while isinstance(responses, list) and len(responses) == 1:
        responses = responses[0]
    return None if isinstance(responses, (list, dict)) else responses


def argmax(scores: Sequence[float]) -> int:
    """The place of the largest, the first where several are."""
    return max(range(len(scores)), key=lambda place: scores[place])


def softmax_best(scores: Sequence[float]) -> float:
    """The share of the largest among all choices."""
    best = max(scores)
    if math.isinf(best):
        return math.nan
    return 1 / sum(math.exp(score - best) for score in scores)


def continuations(arguments: Any, count: int) -> list[str]:
    """The text of each choice, as it was asked for; empty texts where the log has none."""
    if isinstance(arguments, dict):
        parts = [arguments.get(f"gen_args_{number}") for number in range(count)]
        texts = [each.get("arg_1") if isinstance(each, dict) else None for each in parts]
    elif isinstance(arguments, list) and len(arguments) == count:
        texts = [
            each[1] if isinstance(each, list) and len(each) > 1 else None for each in arguments
        ]
    else:
        texts = []
    if len(texts) != count or not all(isinstance(text, str) for text in texts):
        return [""] * count
    return [str(text).removeprefix(" ") for text in texts]


def _place(target: Any, texts: Sequence[str], count: int) -> str | None:
    """The place of the right choice: a number, a letter, or one of the choices' texts."""
    text = as_label(target)
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return str(int(text)) if int(text) < count else None
    if text in texts:
        return str(texts.index(text))
    letter = ord(text.upper()) - ord("A") if len(text) == 1 else -1
    return str(letter) if 0 <= letter < count else None
