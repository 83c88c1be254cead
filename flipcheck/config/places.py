"""Paths of a file: they begin at its folder, as they do for whoever reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.config.written_out import Inline

if TYPE_CHECKING:
    from flipcheck.config.vocabulary import Option

LISTS_OR_FILES = ("classes", "old_classes", "new_classes")
MAPS_OR_FILES = ("label_map", "old_label_map", "new_label_map")
STEPS_OR_FILES = ("preprocess", "old_preprocess", "new_preprocess")


def placed(option: Option, value: Any, base: str) -> Any:
    """A value whose paths begin at the file's folder, as they do for its reader."""
    if base == "." or isinstance(value, Inline):
        return value
    if option.is_path and isinstance(value, list):
        return [_path_from(base, each) for each in value]
    names_file = option.is_path or _names_file(option, value, base)
    return _path_from(base, value) if names_file and isinstance(value, str) else value


def _names_file(option: Option, value: Any, base: str) -> bool:
    """Whether a value that may be written inline is a file's path instead."""
    if option.name in LISTS_OR_FILES:
        inline = "," in value or value.lstrip()[:1] in {"[", "{"}
        return not inline or Path(base, value).is_file()
    if option.name in MAPS_OR_FILES:
        return not value.lstrip().startswith("{")
    return option.name in STEPS_OR_FILES and "=" not in value


def _path_from(base: str, path: str) -> str:
    return path if path == "-" else os.path.join(base, path)  # noqa: PTH118  (keeps a last slash)
