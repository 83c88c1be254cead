"""Class lists and label maps, as files or inline."""

from __future__ import annotations

import ast
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError, listed, plural

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASS_KEYS = ("classes", "class_names", "names", "labels", "id2label")
"""Where exporters keep class names in a model's metadata, in order of preference."""

BESIDE = ("labels.txt", "classes.txt")
HINT = "give a JSON list, a file with one name a line, or names inline: --classes cat,dog"


def class_list(text: str) -> tuple[str, ...]:
    """The class names of `--classes`: a file, or names inline. Raises UsageError or InputError."""
    path = Path(text)
    if path.is_file():
        return _checked(_parsed(_read(path), str(path)), str(path))
    if path.suffix in {".json", ".txt"} or "/" in text:
        raise InputError(f"{text}: no such file of class names", hint=HINT)
    if text.lstrip().startswith("["):
        return _checked(_parsed(text, text), "--classes")
    return _checked([name.strip() for name in text.split(",")], "--classes")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8", hint="save the file as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _parsed(text: str, what: str) -> list[str]:
    if text.lstrip()[:1] in {"[", "{"}:
        try:
            return _names(json.loads(text), what)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{what}: not JSON: {error}", hint=HINT) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _names(value: Any, what: str) -> list[str]:
    """Names from a list, or from a mapping of index to name."""
    if isinstance(value, dict):
        try:
            by_index = {int(key): name for key, name in value.items()}
        except (TypeError, ValueError) as error:
            raise InputError(f"{what}: the keys of a class mapping are indices", hint=HINT) from error
        if sorted(by_index) != list(range(len(by_index))):
            raise InputError(f"{what}: the indices of the classes have gaps", hint=HINT)
        value = [by_index[index] for index in range(len(by_index))]
    if not isinstance(value, list) or not all(isinstance(name, (str, int)) for name in value):
        raise InputError(f"{what}: not a list of names", hint=HINT)
    return [str(name) for name in value]


def _checked(names: list[str], what: str) -> tuple[str, ...]:
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise InputError(f"{what}: class names that occur twice: {listed(repeated)}", hint=HINT)
    if len(names) < 2 or not all(names):
        raise UsageError(f"{what}: a class list has two names or more", hint=HINT)
    return tuple(names)


def metadata_classes(metadata: Mapping[str, str], what: str) -> tuple[str, ...] | None:
    """The class names in a model's metadata: JSON, a Python literal, or names with commas."""
    for key in CLASS_KEYS:
        text = metadata.get(key, "").strip()
        if not text:
            continue
        where = f"{what}: metadata {key!r}"
        try:
            return _checked(_names(json.loads(text), where), where)
        except (ValueError, RecursionError):
            pass
        try:
            return _checked(_names(ast.literal_eval(text), where), where)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            if "," in text:
                return _checked([name.strip() for name in text.split(",")], where)
    return None


def classes_beside(model: Path) -> tuple[tuple[str, ...], str] | None:
    """The class names in a file that lies beside a model, and that file's name."""
    config = model.with_name("config.json")
    if config.is_file():
        try:
            found = json.loads(_read(config))
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and found.get("id2label"):
            return _checked(_names(found["id2label"], str(config)), str(config)), config.name
    for name in BESIDE:
        path = model.with_name(name)
        if path.is_file():
            return _checked(_parsed(_read(path), str(path)), str(path)), name
    return None


def label_map(text: str) -> dict[str, str]:
    """The translation of `--label-map`: a JSON object or a two-column CSV file."""
    path = Path(text)
    hint = "give a JSON object or a CSV file of two columns: old name, new name"
    if not path.is_file() and not text.lstrip().startswith("{"):
        raise InputError(f"{text}: no such label map", hint=hint)
    content = text if text.lstrip().startswith("{") else _read(path)
    if content.lstrip().startswith("{"):
        try:
            pairs = json.loads(content, object_pairs_hook=list)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{text}: not JSON: {error}", hint=hint) from error
        rows = [[str(key), value if value is None else str(value)] for key, value in pairs]
    else:
        rows = [row for row in csv.reader(content.splitlines()) if row]
    return _pairs(rows, text, hint)


def _pairs(rows: list[list[str]], what: str, hint: str) -> dict[str, str]:
    wrong = [number for number, row in enumerate(rows, start=1) if len(row) != 2 or None in row]
    if wrong or not rows:
        raise InputError(
            f"{what}: {plural(len(wrong), 'row')} without two names: row {listed(wrong)}"
            if rows
            else f"{what}: an empty label map",
            hint=hint,
        )
    table: dict[str, str] = {}
    for name, other in rows:
        if table.setdefault(name, other) != other:
            raise InputError(f"{what}: {name!r} is mapped to two names", hint=hint)
    return table
