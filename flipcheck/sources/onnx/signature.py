"""Models whose inputs no test set can fill: what they are, and what to give instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flipcheck.errors import ModelError, listed
from flipcheck.sources.onnx.ports import DTYPES

if TYPE_CHECKING:
    from pathlib import Path

    from flipcheck.sources.onnx.ports import Port

CACHE = re.compile(
    r"past_key_values|past_key|past_value|^past(_|\.|$)|cache_key|key_cache|kv_cache"
)
SAVE = "save the model's answers (CSV, JSONL, Parquet: id, label, prediction) and compare those"


def check_signature(path: Path, inputs: tuple[Port, ...]) -> None:
    """Raise ModelError where a model's inputs are of a kind that no test set fills."""
    if not inputs:
        raise ModelError(f"{path}: the model has no inputs", hint="it answers the same to all")
    caches = [port.name for port in inputs if len(port.shape) > 3 and CACHE.search(port.name)]
    if caches:
        raise ModelError(
            f"{path}: a decoder that is handed its own past ({listed(caches)}): it writes a text "
            "token by token, and gives no answer in one pass",
            hint=SAVE,
        )
    odd = [str(port) for port in inputs if port.type not in DTYPES]
    if odd:
        raise ModelError(f"{path}: inputs of a kind that cannot be fed: {listed(odd)}", hint=SAVE)
    sizes = {port.shape[0] for port in inputs if port.shape} - {None}
    if len(sizes) > 1:
        raise ModelError(
            f"{path}: its inputs want different numbers of examples at a time: "
            + listed(map(str, inputs)),
            hint="an input that is the same for every example is given with --input NAME=VALUE",
        )
