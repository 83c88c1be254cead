"""Text as the numbers that a model was trained on: the tokenizer.json beside the model.

The file is of the Hugging Face `tokenizers` library, which reads it. Padding is done here: the
lengths that the file asks for are checked before any memory is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, UsageError
from flipcheck.sources.files import beside, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FILE, CONFIG = "tokenizer.json", "tokenizer_config.json"
LARGEST_FILE = 64 << 20
"""Bytes; the vocabularies of 2025 take up to about 35 million."""
LONGEST = 1 << 16
"""Tokens; a configuration that speaks of more means that there is no limit."""
PADS = ("[PAD]", "<pad>", "<|pad|>")
"""What padding tokens are called where no configuration says."""
BROKEN = "copy the tokenizer.json from where the model came, or save it again with save_pretrained"


@dataclass(frozen=True, slots=True)
class Padding:
    """With what short texts are filled up, on which side, and to which lengths."""

    token: int
    kind: int = 0
    left: bool = False
    length: int = 0
    multiple: int = 1


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer that was read. `padding` is None where no padding token is known."""

    path: Path
    sha256: str
    engine: Any
    padding: Padding | None
    max_length: int | None
    cut: Event = field(default_factory=Event)

    def tokens(self, texts: Sequence[Any]) -> list[Any]:
        """The tokens of texts, or of pairs of texts. Raises ModelError.

        `cut` is set where a text was too long.
        """
        found: list[Any] = _guarded(self.path, lambda: self.engine.encode_batch(list(texts)))
        longest = max((len(each.ids) for each in found), default=0)
        if self.max_length is not None and longest > self.max_length:  # it has to add as many
            raise ModelError(
                f"{self.path}: texts cannot be cut to {self.max_length} tokens",
                hint="look at truncation there, and at the length that the model takes",
            )
        if not self.cut.is_set() and any(each.overflowing for each in found):
            self.cut.set()
        return found

    def told(self) -> dict[str, Any]:
        """What the report says of it."""
        return {
            "file": str(self.path),
            "sha256": self.sha256,
            "max_length": self.max_length,
        }


def find_tokenizer(model: Path, length: int | None) -> Tokenizer:
    """The tokenizer beside a model, cut to the length that the model takes, if it says one.

    Raises ModelError where there is none, or none that can be used.
    """
    path = beside(model, FILE)
    if path is None:
        raise ModelError(
            f"{model}: it takes tokens of text, and there is no {FILE} beside it",
            hint=f"copy the model's {FILE} into {model.parent} (save_pretrained writes one), or "
            "give the tokens as .npz, one array for each input",
        )
    engine, digest = _engine(path)
    config = _config(path.with_name(CONFIG))
    given = engine.truncation or {}
    limits = [given.get("max_length") or _length(config.get("model_max_length")), length]
    limit = min((each for each in limits if each), default=None)
    padding = _padding(path, engine, config)
    _guarded(path, engine.no_padding)
    if limit is not None:
        ways = {name: given[name] for name in ("stride", "strategy", "direction") if name in given}
        side = {"direction": config["truncation_side"]} if "truncation_side" in config else {}
        _guarded(path, lambda: engine.enable_truncation(limit, **{**side, **ways}))
    _guarded(path, lambda: engine.encode("a"))  # one panic says as much as one for every text
    return Tokenizer(path, digest, engine, padding, limit)


def _engine(path: Path) -> tuple[Any, str]:
    """The library's tokenizer of a file, and the file's digest."""
    try:
        import tokenizers
    except ImportError as error:
        raise UsageError(
            f"{path}: reading it takes the tokenizers library, which is not installed",
            hint="pip install flipcheck-audit[text]",
        ) from error
    content = _content(path)
    engine = _guarded(path, lambda: tokenizers.Tokenizer.from_str(content.decode("utf-8")))
    return engine, hashlib.sha256(content).hexdigest()


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {reason(error)}") from error
    if len(content) > LARGEST_FILE:
        raise ModelError(f"{path}: larger than any tokenizer ({LARGEST_FILE >> 20} MB)")
    return content


def _guarded(path: Path, call: Callable[[], Any]) -> Any:
    """What a call into the library gives, its errors and panics as a ModelError."""
    try:
        return call()
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise  # an interrupt
        told = " ".join(reason(error).split())[:200] if isinstance(error, Exception) else "panic"
        raise ModelError(f"{path}: not a usable tokenizer: {told}", hint=BROKEN) from error


def _config(path: Path) -> dict[str, Any]:
    """The configuration beside a tokenizer; empty where there is none."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(_content(path))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not JSON: {error}", hint=BROKEN) from error
    if not isinstance(found, dict):
        raise ModelError(f"{path}: not a tokenizer's configuration", hint=BROKEN)
    sides = {name: found.get(name, "right") for name in ("truncation_side", "padding_side")}
    odd = [f"{name}={side!r}" for name, side in sides.items() if side not in {"left", "right"}]
    if odd:
        raise ModelError(f"{path}: {odd[0][:80]} is neither left nor right", hint=BROKEN)
    return found


def _length(value: Any) -> int | None:
    """A length that limits something; exporters write 1e30 for none."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if number and 0 < value <= LONGEST else None


def _padding(path: Path, engine: Any, config: dict[str, Any]) -> Padding | None:
    """How short texts are filled up: as the tokenizer says, else with its padding token."""
    given = engine.padding
    if given:
        length, multiple = given.get("length") or 0, given.get("pad_to_multiple_of") or 1
        if max(length, multiple) > LONGEST:
            raise ModelError(f"{path}: padding to {max(length, multiple):,} tokens", hint=BROKEN)
        left = given.get("direction") == "left"
        return Padding(given["pad_id"], given.get("pad_type_id") or 0, left, length, multiple)
    named = config.get("pad_token")
    named = named.get("content") if isinstance(named, dict) else named
    names = [named] if isinstance(named, str) else PADS
    places = (engine.token_to_id(name) for name in names)
    token = next((place for place in places if place is not None), None)
    left = config.get("padding_side") == "left"
    return None if token is None else Padding(token, left=left)
