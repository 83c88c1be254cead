"""The texts of a few samples, taken on a second reading of a log: none of the others is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.sources.files import is_unicode
from flipcheck.sources.logs.values import as_label, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

QUESTION = "question"
"""What the text that a sample asks is called, whatever its log calls it."""
QUESTION_NAMES = (
    *("question", "query", "problem", "goal", "prompt", "input", "instruction", "sentence"),
    *("text", "ctx", "premise", "statement"),
)
"""Fields of a sample that hold what it asks, in order of preference."""
LONGEST = 300
"""More characters of a text are not shown."""


class FoundAllError(Exception):
    """Every sample that was wanted has been read: the rest of the file need not be."""


class Wanted:
    """The samples whose texts are wanted, and the texts that were found, by sample and column."""

    def __init__(self, samples: Collection[str], names: Collection[str]) -> None:
        self.samples, self.names = frozenset(samples), tuple(names)
        self.found: dict[str, dict[str, str]] = {}

    def see(
        self, sample: str, fields: Mapping[str, Any], asks: Callable[[], str | None] | None
    ) -> None:
        """Take what is wanted of a sample. Raises FoundAllError once nothing more is wanted."""
        if len(self.found) == len(self.samples):
            raise FoundAllError
        if sample not in self.samples or sample in self.found:
            return
        texts = {name: _text(fields.get(name)) for name in self.names if name in fields}
        if QUESTION in self.names and not texts.get(QUESTION):
            texts[QUESTION] = (asks() if asks is not None else None) or question_in(fields)
        self.found[sample] = {name: cut(text) for name, text in texts.items() if text}


def _text(value: Any) -> str | None:
    return as_label(value) if scalar(value) else plain_text(value)


def question_in(fields: Mapping[str, Any]) -> str | None:
    """What a sample asks, by the usual names of fields."""
    small = {str(name).lower(): value for name, value in fields.items()}
    found = (plain_text(small[name]) for name in QUESTION_NAMES if name in small)
    return next((text for text in found if text), None)


def plain_text(value: Any, depth: int = 4) -> str | None:
    """The text of a message, of the last message of a user, or of the parts of one."""
    if isinstance(value, str):
        return value or None
    if depth and isinstance(value, dict):
        return plain_text(value.get("content", value.get("text")), depth - 1)
    if depth and isinstance(value, list):
        users = [each for each in value if isinstance(each, dict) and each.get("role") == "user"]
        if users:
            return plain_text(users[-1], depth - 1)
        parts = [plain_text(each, depth - 1) for each in value[-10:]]
        return "\n".join(part for part in parts if part) or None
    return None


def cut(text: str) -> str:
    """The beginning of a text that can be written, with "…" where there is more."""
    text = text[: LONGEST + 1]
    if not is_unicode(text):
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def end_of(text: str | None) -> str | None:
    """The end of a prompt, whose examples come first and whose question comes last."""
    if text is None or len(text) <= LONGEST:
        return text
    return f"…{text[1 - LONGEST :]}"
