"""Text answers compared after stated steps: `--normalise case,punctuation,articles,spaces`.

Steps are applied in the order in which they are given, to the truths and the answers of both
sides, again and again until nothing changes: so what is normalised stays as it is. Ids and columns
are never touched.
"""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck.errors import InputError, UsageError, listed, plural
from flipcheck.tasks.accepting import accepted_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flipcheck.labels import Labels
    from flipcheck.predictions import Predictions

NUMBER = re.compile(
    r"(?<![\w.,])([+-]?)([1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.(\d+))?(?!\w|[.,]\d)", re.ASCII
)
"""A decimal number that stands alone: "3,000", "+1.50", not the parts of "1.2.3" or "v2"."""
ARTICLES = re.compile(r"\b(?:a|an|the)\b\s*", re.IGNORECASE)
ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
ROUNDS = 100
"""More rounds than any text takes to settle."""


def _punctuation(text: str) -> str:
    """A text without the marks of ASCII and of Unicode's punctuation."""
    bare = text.translate(ASCII_PUNCTUATION)
    if bare.isascii():
        return bare
    return "".join(each for each in bare if not unicodedata.category(each).startswith("P"))


def _accents(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    kept = "".join(each for each in parts if unicodedata.category(each) != "Mn")
    return unicodedata.normalize("NFC", kept)


def _number(text: str) -> str:
    return NUMBER.sub(_plain_number, text)


def _plain_number(found: re.Match[str]) -> str:
    """A number as few digits as it takes: "3,000" is "3000", "1.0" is "1", "-0" is "0"."""
    sign, whole, rest = found.groups()
    whole = whole.replace(",", "").lstrip("0") or "0"
    rest = (rest or "").rstrip("0")
    zero = whole == "0" and not rest
    return f"{'-' if sign == '-' and not zero else ''}{whole}{f'.{rest}' if rest else ''}"


STEPS: Mapping[str, Callable[[str], str]] = {
    "strip": str.strip,
    "spaces": lambda text: " ".join(text.split()),
    "case": str.casefold,
    "punctuation": _punctuation,
    "articles": lambda text: ARTICLES.sub("", text),
    "accents": _accents,
    "unicode": lambda text: unicodedata.normalize("NFKC", text),
    "number": _number,
}
"""What can be done to a text before it is compared."""


def _squad(text: str) -> str:
    """What SQuAD's own script does: lower case, ASCII punctuation, articles, spaces."""
    bare = text.lower().translate(ASCII_PUNCTUATION)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


PRESETS: Mapping[str, Callable[[str], str]] = {"squad": _squad}
"""Normalisations that others have published, letter for letter."""


def steps_of(written: str) -> tuple[str, ...]:
    """The steps of `--normalise`. Raises UsageError where none is named."""
    steps = tuple(step.strip() for step in written.split(","))
    if not all(steps):
        raise UsageError(
            f"--normalise {written!r}: a step without a name",
            hint=f"steps: {', '.join((*STEPS, *PRESETS))}",
        )
    return steps


def normal(text: str, steps: tuple[str, ...]) -> str:
    """A text after these steps, which change nothing more when they are done again."""
    functions = [PRESETS.get(step) or STEPS[step] for step in steps]
    for _ in range(ROUNDS):
        before = text
        for function in functions:
            text = function(text)
        if text == before:
            break
    return text


def normalised(source: Predictions, steps: tuple[str, ...]) -> Predictions:
    """The same with answers and truths normalised; answers without text are counted in a warning.

    Such an answer is the empty name, which is no truth's. Raises InputError for truths of which
    nothing is left.
    """
    if not steps:
        return source
    truth, accepted, warnings = source.truth, source.accepted, source.warnings
    if truth is not None:
        names = [_left(accepted.get(name, (name,)), steps) for name in truth.names]
        _check_truths(source, truth, names, steps)
        if accepted:
            truth = truth.renamed([accepted_name(each) for each in names])
            accepted = {accepted_name(each): each for each in names}
        else:  # a truth that begins like a list is a text like others
            truth = truth.renamed(["".join(each) for each in names])
    answers = source.answers
    if answers is not None:
        answers = answers.renamed([normal(name, steps) for name in answers.names])
        blank = _count(answers, {code for code, name in enumerate(answers.names) if not name})
        if blank:
            told = f"{plural(blank, 'answer')} without text after --normalise, counted as wrong"
            warnings = (*warnings, f"{source.name}: {told}")
    return replace(source, truth=truth, accepted=accepted, answers=answers, warnings=warnings)


def _left(accepted: tuple[str, ...], steps: tuple[str, ...]) -> tuple[str, ...]:
    """What is left of the accepted answers to one example."""
    return tuple(sorted({text for each in accepted if (text := normal(each, steps))}))


def _count(labels: Labels, codes: set[int]) -> int:
    import numpy as np

    return int(np.isin(labels.codes, list(codes)).sum())


def _check_truths(
    source: Predictions, truth: Labels, left: list[tuple[str, ...]], steps: tuple[str, ...]
) -> None:
    """Raise InputError for truths of which nothing is left."""
    gone = {code for code, each in enumerate(left) if not each}
    count = _count(truth, gone)
    if count:
        names = [truth.names[code] for code in sorted(gone)]
        raise InputError(
            f"{source.examples}: {plural(count, 'label')} of which --normalise leaves nothing: "
            f"{listed(names)}",
            hint=f"leave a step out ({', '.join(steps)}): to such a label no answer is right",
        )
