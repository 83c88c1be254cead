"""The files that decided an audit's numbers, with the digests that its reading took already."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.predictions import Predictions
from flipcheck.report.evidence import SourceFile
from flipcheck.sources.datasets.images import class_files
from flipcheck.sources.files import beside, is_file, is_pattern, sha256, sha256_by_name
from flipcheck.sources.names import BESIDE
from flipcheck.sources.preprocess.steps import CONFIG as PREPROCESS_CONFIG
from flipcheck.sources.shards import is_image_folder, named_files
from flipcheck.sources.standard_input import LaidDown
from flipcheck.sources.tokenizer import CONFIG as TOKENIZER_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flipcheck.predictions import Side
    from flipcheck.report import Report
    from flipcheck.sources.sides import Gathered
    from flipcheck.sources.spec import Given

DATA = {"data": "data", "old_data": "old data", "new_data": "new data", "labels": "labels"}
NAMED = {"classes": "classes", "label_map": "label map", "preprocess": "preprocess"}
"""The options that may name a file, for each side and for both, and the role of that file."""


def source_files(given: Given, found: Gathered) -> list[SourceFile]:
    """The sides, the test sets and the labels, while what came on standard input is still there."""
    files = []
    sides: tuple[tuple[Side, Any, Predictions], ...] = (
        ("old", given.old, found.old),
        ("new", given.new, found.new),
    )
    for side, source, read in sides:
        if isinstance(source, Predictions):
            files.append(SourceFile(side, "python", None, None))
        elif read.facts.get("kind") == "onnx":
            files.append(_model(side, source, read.facts))
        else:
            files.append(_file(side, source, read.facts.get("sha256"), found))
    named = ((role, getattr(given, name)) for name, role in DATA.items())
    tests = [_file(role, path, None, found) for role, path in named if path is not None]
    near = [each for side in (found.old, found.new) for each in _near(side)]
    return [*files, *tests, *near]


def option_files(options: Mapping[str, Any], report: Report) -> Iterator[SourceFile]:
    """The files that options name, with the digests that the report has of them."""
    for name, role in NAMED.items():
        for prefix in ("", "old_", "new_"):
            given = options.get(f"{prefix}{name}")
            path = Path(given) if isinstance(given, (str, PathLike)) else None
            config = None if path is None else path / PREPROCESS_CONFIG
            for each in (path, config if name == "preprocess" else None):
                if each is not None and is_file(each):
                    yield plain_file(role, each)
    for name in ("costs", "critical", "waivers"):
        given, part = options.get(name), getattr(report, name)
        if isinstance(given, (str, PathLike)) and part is not None:
            yield plain_file(name, Path(given), part.sha256)
        elif given is not None and part is not None:
            yield SourceFile(name, "python", None, None)
    yield from _reruns(options.get("rerun"), report)


def _reruns(given: Any, report: Report) -> Iterator[SourceFile]:
    asked = given or ()
    sources = [asked] if isinstance(asked, (str, PathLike, Predictions)) else asked
    for source, run in zip(sources, report.reruns, strict=True):
        if isinstance(source, Predictions):
            yield SourceFile("rerun", "python", None, None)
        else:
            yield _file("rerun", Path(source), run.sha256, None)


def _near(side: Predictions) -> Iterator[SourceFile]:
    """What lies beside a model and says how its inputs are made and what its outputs mean."""
    facts = side.facts
    if facts.get("kind") != "onnx":
        return
    model = Path(side.source)
    classes = facts.get("classes_from")
    place = {"config.json": beside(model, "config.json")}
    place |= {name: model.with_name(name) for name in BESIDE}
    origin = (facts.get("preprocess") or {}).get("origin")
    preprocess = beside(model, PREPROCESS_CONFIG)
    tokenizer = facts.get("tokenizer") or {}
    if (names := place.get(classes or "")) is not None:
        yield plain_file("classes", names)
    if preprocess is not None and origin == str(preprocess):
        yield plain_file("preprocess", preprocess)
    if tokenizer:
        path = Path(tokenizer["file"])
        yield plain_file("tokenizer", path, tokenizer["sha256"])
        config = path.with_name(TOKENIZER_CONFIG)
        if config.is_file():
            yield plain_file("tokenizer", config)


def _model(role: str, path: Path, facts: Mapping[str, Any]) -> SourceFile:
    parts = tuple(facts.get("parts") or ())
    size = sum(each.stat().st_size for each in (path, *(path.parent / part for part in parts)))
    return SourceFile(role, "model", str(path), facts["sha256"], size, 1 + len(parts), parts)


def plain_file(role: str, path: Path, digest: str | None = None) -> SourceFile:
    """One small file."""
    return SourceFile(role, "file", str(path), digest or sha256(path), path.stat().st_size, 1)


def _file(role: str, path: Path, digest: str | None, found: Gathered | None) -> SourceFile:
    """A file, a folder or a pattern, by the digest of whatever read it."""
    digest = digest or (found.digests.get(str(path)) if found else None)
    if isinstance(path, LaidDown):
        return SourceFile(role, "standard input", None, digest, path.stat().st_size, 1)
    if not (path.is_dir() or is_pattern(path)):
        return plain_file(role, path, digest)
    images = found.images if found else None
    if images is not None and images.source == str(path) and images.stamps is not None:
        sizes = images.stamps.states[:, 0]
        total = int(sizes.sum())
        return SourceFile(role, "images", str(path), digest or images.sha256, total, len(sizes))
    if path.is_dir() and is_image_folder(path):
        return folder_of_images(role, path, digest)
    named = named_files(path)
    size = sum(each.stat().st_size for _, each in named)
    digest = digest or sha256_by_name(named)
    return SourceFile(role, "tables", str(path), digest, size, len(named))


def folder_of_images(role: str, path: Path, digest: str | None) -> SourceFile:
    """A folder of images by class, which no side was run on."""
    named = image_files(path)
    size = sum(each.stat().st_size for _, each in named)
    return SourceFile(role, "images", str(path), digest or sha256_by_name(named), size, len(named))


def image_files(folder: Path) -> list[tuple[str, Path]]:
    """The images that the digest of a folder goes over."""
    return [(each.relative_to(folder).as_posix(), each) for each in class_files(folder)[0]]


def once(files: Iterable[SourceFile]) -> tuple[SourceFile, ...]:
    """The files, each once in a role."""
    first: dict[Any, SourceFile] = {}
    for place, each in enumerate(files):
        key = (each.role, place if each.role == "rerun" else each.path)
        first.setdefault(key, each)
    return tuple(first.values())
