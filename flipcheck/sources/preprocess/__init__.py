"""What is done to an image or array before a model sees it, and from where that is known."""

from __future__ import annotations

from pathlib import Path

from flipcheck.errors import InputError
from flipcheck.sources.files import beside, is_file
from flipcheck.sources.preprocess.huggingface import from_config
from flipcheck.sources.preprocess.inline import from_text
from flipcheck.sources.preprocess.steps import CONFIG, HINT, Preprocess, fitted, normalised

__all__ = ["Preprocess", "find_preprocess", "fitted", "from_config", "from_text", "normalised"]


def find_preprocess(given: str | None, model: Path) -> Preprocess:
    """What the user gave, else the configuration beside the model, else the default."""
    if given is not None:
        path = Path(given)
        for file in (path, path / CONFIG):
            if is_file(file):
                return from_config(file)
        if "=" not in given:
            raise InputError(f"{given}: no such preprocessing file", hint=HINT)
        return from_text(given)
    found = beside(model, CONFIG)
    return Preprocess() if found is None else from_config(found)
