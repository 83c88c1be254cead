"""Texts of a table as the tokens that a model takes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, UsageError, listed
from flipcheck.sources.onnx.feeds.base import Feeder, Feeds
from flipcheck.sources.onnx.ports import Port, numeric
from flipcheck.sources.preprocess import Preprocess
from flipcheck.sources.spec import TEXT_NAMES, TEXT_PAIRS
from flipcheck.sources.tokenizer import Padding, Tokenizer, find_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from flipcheck.sources.datasets import Batch, Dataset
    from flipcheck.sources.onnx.model import Model
    from flipcheck.sources.spec import SideSpec

ROWS = 32
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

    def feeds(batch: Batch) -> Feeds:
        found = _tokens(tokenizer, batch, columns)
        arrays = filled(found, padding, exact=length is not None)
        return {port.name: arrays[part].astype(numeric(port)) for port, part in parts.items()}

    told = {
        "input": ", ".join(map(str, parts)),
        "text": list(columns),
        "tokenizer": tokenizer.told(),
    }
    rows = 1 if unknown else ROWS
    needs = dict.fromkeys(columns, True)
    return Feeder(needs, feeds, rows, Preprocess(), told, padded=length is None)


def text_columns(tests: Dataset, spec: SideSpec) -> tuple[str, ...]:
    """The columns of text: those asked for, else the one of a usual name; () where there is none.

    Raises UsageError for columns that are not there, and where more than one could be meant.
    """
    there = tests.columns_there
    if spec.text is not None:
        missing = [name for name in spec.text if name not in there]
        if missing or len(spec.text) > 2:
            raise UsageError(
                f"{tests.source}: no column {listed(missing)} (--text)"
                if missing
                else "--text takes one column, or two for pairs",
                hint=f"columns there: {', '.join(there)}",
            )
        return spec.text
    free = [name for name in there if name not in tests.reserved]
    usual = tuple(name for name in free if name.lower() in TEXT_NAMES)
    pairs = [pair for pair in TEXT_PAIRS if {*pair} <= {name.lower() for name in free}]
    if len(usual) + len(pairs) > 1 or pairs:
        could = [*usual, *(",".join(pair) for pair in pairs)]
        raise UsageError(
            f"{tests.source}: {' or '.join(map(repr, could))} could be the text",
            hint=f"say which with --text, as in --text {could[-1]}",
        )
    return usual


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
