"""Texts of a table as the tokens that a model takes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, UsageError, listed
from flipcheck.sources.onnx.feeds.base import Feeder, Feeds, whole
from flipcheck.sources.onnx.feeds.columns import text_columns
from flipcheck.sources.onnx.ports import Port, numeric
from flipcheck.sources.preprocess import Preprocess
from flipcheck.sources.tokenizer import LONGEST, Padding, Tokenizer, find_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from flipcheck.sources.datasets import Batch, Dataset
    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.spec import SideSpec

ROWS = 32
MORE = 8
"""By how many tokens texts are padded more, to see whether a model minds."""
PARTS = {
    "input_ids": "ids",
    "attention_mask": "mask",
    "input_mask": "mask",
    "token_type_ids": "kinds",
    "segment_ids": "kinds",
    "position_ids": "places",
}
"""What the inputs of exported models hold, by their names."""


def takes_tokens(model: Model, spec: SideSpec) -> bool:
    """Whether a model takes tokens: it says so, or its only input can be nothing else."""
    if any(_part(port) == "ids" for port in model.inputs):
        return True
    only = model.inputs[0]
    return spec.text is not None and len(model.inputs) == 1 and numeric(only).kind in "iu"


def text_feeder(model: Model, tests: Dataset, spec: SideSpec) -> Feeder:
    """How a table's text feeds a model through its tokenizer."""
    if spec.features is not None or spec.preprocess:
        raise UsageError(
            f"--features and --preprocess are not for a model of text, as {model.path} is",
            hint="name the column of text with --text",
        )
    columns = text_columns(tests, spec)
    if not columns:
        raise ModelError(
            f"{tests.source}: no column of text for {model.path}",
            hint="name it with --text, or two of them for pairs: --text A,B; columns there: "
            + ", ".join(tests.columns_there),
        )
    parts, length = _parts(model), _length(model)
    tokenizer = find_tokenizer(model.path, length)
    unknown = tokenizer.padding is None and "mask" not in parts.values()
    if unknown and length is not None:
        raise ModelError(
            f"{tokenizer.path}: it names no padding token, and {model.path} takes {length} tokens",
            hint="say which it is in the tokenizer_config.json beside it: pad_token",
        )
    padding = replace(tokenizer.padding or Padding(0), length=length or _asked(tokenizer))

    def feeds(batch: Batch, more: int = 0) -> Feeds:
        found = _tokens(tokenizer, batch, columns)
        most = tokenizer.max_length or LONGEST
        longest = min(most, more + max(len(each.ids) for each in found)) if more else 0
        wide = replace(padding, length=max(padding.length, longest))
        arrays = filled(found, wide, exact=length is not None)
        return {port.name: whole(model, port, arrays[part]) for port, part in parts.items()}

    told = {
        "input": ", ".join(map(str, parts)),
        "text": list(columns),
        "tokenizer": tokenizer.told(),
    }
    rows = 1 if unknown else ROWS
    needs = dict.fromkeys(columns, True)
    return Feeder(
        needs,
        feeds,
        rows,
        Preprocess(),
        told,
        longer=None if length is not None else lambda batch: feeds(batch, MORE),
        notes=lambda: _notes(model, tokenizer),
    )


def _notes(model: Model, tokenizer: Tokenizer) -> tuple[str, ...]:
    """A warning where texts were cut."""
    if not tokenizer.cut.is_set():
        return ()
    return (f"{model.path}: texts of more than {tokenizer.max_length} tokens were cut",)


def _part(port: Port) -> str | None:
    """What an input holds, by its name; TensorFlow adds to it."""
    return PARTS.get(re.sub(r"^serving_default_|:\d+$", "", port.name.lower()))


def _parts(model: Model) -> dict[Port, str]:
    """What each input holds. Raises ModelError for inputs that are no tokens."""
    parts = {port: _part(port) for port in model.inputs}
    if len(parts) == 1:
        parts = dict.fromkeys(parts, "ids")
    odd = [str(port) for port, part in parts.items() if part is None]
    odd += [str(port) for port in parts if len(port.shape) not in {0, 2} and str(port) not in odd]
    if odd:
        raise ModelError(
            f"{model.path}: inputs that a text does not fill: {listed(odd)}",
            hint="give an input that is the same for every text with --input NAME=VALUE, or all "
            "inputs as .npz, one array for each",
        )
    return {port: part for port, part in parts.items() if part is not None}


def _length(model: Model) -> int | None:
    """The only length that a model takes; None where it takes any."""
    lengths = {port.shape[1] for port in model.inputs if len(port.shape) == 2} - {None}
    if len(lengths) > 1:
        raise ModelError(
            f"{model.path}: inputs of different lengths: {listed(map(str, model.inputs))}",
            hint="export the model again, with one length or an open axis",
        )
    return next(iter(lengths), None)


def _asked(tokenizer: Tokenizer) -> int:
    return 0 if tokenizer.padding is None else tokenizer.padding.length


def _tokens(tokenizer: Tokenizer, batch: Batch, columns: Sequence[str]) -> list[Any]:
    """The tokens of a batch of texts, or of pairs of them."""
    texts = [[str(text) for text in batch[name]] for name in columns]
    return tokenizer.tokens(texts[0] if len(texts) == 1 else list(zip(*texts, strict=True)))


def filled(tokens: Sequence[Any], padding: Padding, *, exact: bool) -> dict[str, NDArray[Any]]:
    """Arrays (texts, length) of tokens, mask, kinds and places, with short texts filled up.

    The length is that of the longest text, or the padding's where that is more.
    """
    import numpy as np

    longest = max(1, padding.length, *(len(each.ids) for each in tokens))
    if not exact:
        longest = -(-longest // padding.multiple) * padding.multiple
    shape = (len(tokens), longest)
    ids = np.full(shape, padding.token, np.int64)
    mask, kinds = np.zeros(shape, np.int64), np.full(shape, padding.kind, np.int64)
    for row, each in enumerate(tokens):
        size = len(each.ids)
        at = slice(longest - size, longest) if padding.left else slice(0, size)
        ids[row, at], mask[row, at], kinds[row, at] = each.ids, each.attention_mask, each.type_ids
    places = np.maximum(mask.cumsum(axis=1) - 1, 0) if padding.left else np.arange(longest)
    return {
        "ids": ids,
        "mask": mask,
        "kinds": kinds,
        "places": np.broadcast_to(places, shape),
    }
