"""Class lists and label maps, as files or inline."""

from __future__ import annotations

import ast
import csv
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, UsageError, listed, plural
from flipcheck.sources.files import beside, is_file, reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CLASS_KEYS = ("classes", "class_names", "names", "labels", "id2label")
"""Where exporters keep class names in a model's metadata, in order of preference."""

BESIDE = ("labels.txt", "classes.txt")
HINT = "give a JSON list, a file with one name a line, or names inline: --classes cat,dog"


def class_list(text: str) -> tuple[str, ...]:
    """The class names of `--classes`: a file, or names inline. Raises UsageError or InputError."""
    path = Path(text)
    if is_file(path):
        return _checked(_parsed(_read(path), str(path)), str(path))
    if text.lstrip()[:1] in {"[", "{"}:
        return _checked(_parsed(text, "--classes"), "--classes")
    if path.suffix in {".json", ".txt"} or ("/" in text and "," not in text):
        raise InputError(f"{text}: no such file of class names", hint=HINT)
    return _checked([name.strip() for name in text.split(",")], "--classes")


def given_classes(names: Iterable[object]) -> tuple[str, ...]:
    """The class names of a list in Python. Raises UsageError or InputError."""
    return _checked([str(name) for name in names], "classes")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8", hint="save the file as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from error


def _parsed(text: str, what: str) -> list[str]:
    if text.lstrip()[:1] in {"[", "{"}:
        try:
            return _names(json.loads(text), what)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{what}: not JSON: {error}", hint=HINT) from error
    names = [line.strip() for line in text.rstrip().split("\n")]
    gaps = [number for number, name in enumerate(names, start=1) if not name]
    if gaps and any(names):
        raise InputError(
            f"{what}: no name in row {listed(gaps)}, so that the classes after it have no place",
            hint=HINT,
        )
    return names


def _names(value: Any, what: str) -> list[str]:
    """Names from a list, or from a mapping of index to name."""
    if isinstance(value, dict):
        value = _by_index(value, what)
    if not isinstance(value, (list, tuple)):
        raise InputError(f"{what}: not a list of names", hint=HINT)
    if not all(isinstance(name, (str, int)) and not isinstance(name, bool) for name in value):
        raise InputError(f"{what}: not a list of names", hint=HINT)
    return [str(name) for name in value]


def _by_index(table: dict[Any, Any], what: str) -> list[Any]:
    try:
        by_index = {int(str(key)): name for key, name in table.items()}
    except ValueError as error:
        raise InputError(f"{what}: the keys of a class mapping are indices", hint=HINT) from error
    if sorted(by_index) != list(range(len(table))):
        raise InputError(f"{what}: the indices of the classes have gaps", hint=HINT)
    return [by_index[index] for index in range(len(table))]


def _checked(names: list[str], what: str) -> tuple[str, ...]:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated and any(names):
        raise InputError(
            f"{what}: class names that occur twice: {listed(repeated)}",
            hint="give every class a name of its own with --classes",
        )
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
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            if "," in text:
                return _checked([name.strip() for name in text.split(",")], where)
    return None


def classes_beside(model: Path) -> tuple[tuple[str, ...], str] | None:
    """The class names in a file that lies beside a model, and that file's name."""
    config = beside(model, "config.json")
    if config is not None:
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
    hint = "give a JSON object or a CSV file of two columns: old name, new name"
    if text.lstrip().startswith("{"):
        content, what = text, "--label-map"
    elif is_file(Path(text)):
        content, what = _read(Path(text)), text
    else:
        raise InputError(f"{text}: no such label map", hint=hint)
    try:
        rows = _map_rows(content)
    except (ValueError, RecursionError, csv.Error) as error:
        raise InputError(f"{what}: not a label map: {error}", hint=hint) from error
    return _pairs(rows, what, hint)


def _map_rows(content: str) -> list[list[Any]]:
    """The rows of a map: pairs, if all is well."""
    if content.lstrip().startswith("{"):
        return [list(pair) for pair in json.loads(content, object_pairs_hook=list)]
    return [row for row in csv.reader(content.splitlines()) if row]


def _pairs(rows: list[list[Any]], what: str, hint: str) -> dict[str, str]:
    if not rows:
        raise InputError(f"{what}: an empty label map", hint=hint)
    wrong = [number for number, row in enumerate(rows, start=1) if not _is_pair(row)]
    if wrong:
        raise InputError(
            f"{what}: {plural(len(wrong), 'row')} without two names: row {listed(wrong)}", hint=hint
        )
    table: dict[str, str] = {}
    for name, other in rows:
        if table.setdefault(name, str(other)) != str(other):
            raise InputError(f"{what}: {name!r} is mapped to two names", hint=hint)
    return table


def _is_pair(row: list[Any]) -> bool:
    """Whether a row is a name and the name, or whole number, that it becomes."""
    if len(row) != 2 or not row[0]:
        return False
    other = row[1]
    return isinstance(other, (str, int)) and not isinstance(other, bool) and other != ""
