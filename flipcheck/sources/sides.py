"""Both sides of a comparison, in any mixture of models and saved files, ready to be paired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import UsageError, listed, nearest, plural
from flipcheck.labels import Labels, name_by_classes, translate
from flipcheck.predictions import Predictions, pair
from flipcheck.sources.datasets import Dataset, open_dataset, open_labels
from flipcheck.sources.files import file_kind
from flipcheck.sources.saved import read_predictions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.predictions import Paired, Side
    from flipcheck.sources.onnx.run import Progress
    from flipcheck.sources.spec import SideSpec

Source = Predictions | Path


@dataclass(frozen=True, slots=True)
class Given:
    """What the user gave: two sources, their test sets, and how to read them."""

    old: Source
    new: Source
    old_spec: SideSpec
    new_spec: SideSpec
    data: Path | None = None
    old_data: Path | None = None
    new_data: Path | None = None
    labels: Path | None = None
    classes: tuple[str, ...] | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)
    labels_from: Side | None = None
    allow_missing: bool = False
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """Both sides' predictions, their pairing, and the images that they were made from."""

    old: Predictions
    new: Predictions
    paired: Paired
    truth: Predictions | None
    images: Dataset | None
    warnings: tuple[str, ...]


def gather(given: Given, progress: Progress) -> Gathered:
    """Read or run both sides and pair them. Raises FlipcheckError for all that does not fit."""
    datasets = _datasets(given)
    old, new = _predictions(given, datasets, progress)
    reference = _reference(given)
    old, new, reference, notes = _in_one_language(given, old, new, reference)
    _check_columns(given, [source for source in (old, new, reference) if source])
    paired = pair(
        old, new, reference, labels_from=given.labels_from, allow_missing=given.allow_missing
    )
    images = next((each for each in datasets.values() if each and each.kind == "images"), None)
    if images is None and given.data is not None and given.data.is_dir():
        images = open_dataset(given.data, given.new_spec.columns)
    warnings = [
        *(note for each in datasets.values() if each for note in each.warnings),
        *old.warnings,
        *new.warnings,
        *notes,
        *_side_warnings(old, new, paired),
    ]
    if old.rows and new.rows and not _one_pass(datasets):
        warnings.append("neither source has ids: examples were paired by row number")
    return Gathered(old, new, paired, reference, images, tuple(dict.fromkeys(warnings)))


def _datasets(given: Given) -> dict[Side, Dataset | None]:
    """The test set of each side that is a model; one object where both share a path."""
    found: dict[Side, Dataset | None] = {"old": None, "new": None}
    opened: dict[Path, Dataset] = {}
    sides: tuple[tuple[Side, Source, Path | None, SideSpec], ...] = (
        ("old", given.old, given.old_data, given.old_spec),
        ("new", given.new, given.new_data, given.new_spec),
    )
    for side, source, own, spec in sides:
        if isinstance(source, Predictions) or file_kind(source) != "onnx":
            if own is not None:
                raise UsageError(f"--{side}-data is for a model, and {source} is saved predictions")
            continue
        path = own or given.data
        if path is None:
            raise UsageError(
                f"{source} is a model, and there is no data to run it on",
                hint="give a folder of images by class, or features as .npz, .csv or .parquet",
            )
        if path not in opened:
            opened[path] = open_dataset(path, spec.columns)
        found[side] = opened[path]
    return found


def _one_pass(datasets: Mapping[Side, Dataset | None]) -> bool:
    return datasets["old"] is not None and datasets["old"] is datasets["new"]


def _predictions(
    given: Given, datasets: Mapping[Side, Dataset | None], progress: Progress
) -> tuple[Predictions, Predictions]:
    """Both sides' predictions: models that share a test set are run in one pass over it."""
    saved = {
        side: _saved(source, spec)
        for side, source, spec in (("old", given.old, given.old_spec),
                                   ("new", given.new, given.new_spec))
        if datasets[side] is None  # type: ignore[index]
    }  # fmt: skip
    models = _models(given, datasets)
    if not models:
        return saved["old"], saved["new"]
    from flipcheck.sources.onnx.run import run

    if len(models) == 2 and _one_pass(datasets):
        dataset = datasets["old"]
        assert dataset is not None  # noqa: S101  (one pass means that there is one)
        old, new = run(list(models.values()), dataset, progress=progress)
        return old, new
    for side, model in models.items():
        dataset = datasets[side]
        assert dataset is not None  # noqa: S101  (every model has its test set)
        saved[side] = run([model], dataset, progress=progress)[0]
    return saved["old"], saved["new"]


def _saved(source: Source, spec: SideSpec) -> Predictions:
    if isinstance(source, Predictions):
        return source
    for flag, value in (("--output", spec.output), ("--threshold", spec.threshold),
                        ("--preprocess", spec.preprocess), ("--features", spec.features)):  # fmt: skip
        if value is not None:
            raise UsageError(f"{flag} is for models, and {source} is saved predictions",
                             hint="name the side, as in --new-threshold, or leave it out")  # fmt: skip
    return read_predictions(source, spec.columns)


def _models(given: Given, datasets: Mapping[Side, Dataset | None]) -> dict[Side, Any]:
    if not any(datasets.values()):
        return {}
    from flipcheck.sources.onnx.model import open_model

    sides: dict[Side, tuple[Source, SideSpec]] = {
        "old": (given.old, given.old_spec),
        "new": (given.new, given.new_spec),
    }
    return {
        side: (open_model(source, spec), spec)
        for side, (source, spec) in sides.items()
        if datasets[side] is not None and isinstance(source, Path)
    }


def _reference(given: Given) -> Predictions | None:
    """The labels of a file of their own, or of the data where both sides are saved."""
    columns = given.new_spec.columns
    if given.labels is not None:
        return open_labels(given.labels, columns)
    both_saved = all(
        isinstance(source, Predictions) or file_kind(source) != "onnx"
        for source in (given.old, given.new)
    )
    if given.data is not None and both_saved:
        return open_labels(given.data, columns)
    return None


# --- classes and taxonomies ----------------------------------------------------------------


def _in_one_language(
    given: Given, old: Predictions, new: Predictions, reference: Predictions | None
) -> tuple[Predictions, Predictions, Predictions | None, list[str]]:
    """All answers and truths as names of classes, under one taxonomy."""
    notes: list[str] = []
    shared = _shared_classes(given, old, new)
    named = [
        _named(side, spec, given, shared, notes)
        for side, spec in ((old, given.old_spec), (new, given.new_spec))
    ]
    if reference is not None and reference.truth is not None:
        truth = _truth(reference.truth, reference.name, shared, given.label_map, notes)
        reference = replace(reference, truth=truth)
    known = _known_classes(given, old, new)
    for source in (*named, reference):
        if known and source is not None and source.truth is not None:
            _check_truth(source, known)
    return named[0], named[1], reference, notes


def _classes(source: Predictions) -> tuple[str, ...] | None:
    return source.facts.get("classes")


def _shared_classes(given: Given, old: Predictions, new: Predictions) -> tuple[str, ...] | None:
    """The class list that numbers in the data mean: `--classes`, or the models' if they agree."""
    if given.classes is not None:
        return given.classes
    lists = {_classes(source) for source in (old, new) if source.facts.get("kind") == "onnx"}
    return lists.pop() if len(lists) == 1 else None


def _named(
    source: Predictions,
    spec: SideSpec,
    given: Given,
    shared: tuple[str, ...] | None,
    notes: list[str],
) -> Predictions:
    is_model = source.facts.get("kind") == "onnx"
    answers = source.answers
    if answers is not None:
        if not is_model and spec.classes is not None:
            answers = name_by_classes(answers, spec.classes, source.name, spec.label_map)
        answers = _translated(answers, spec.label_map, source.name, notes, source.truth)
    truth = source.truth
    if truth is not None:
        classes = shared if is_model else spec.classes
        table = given.label_map if is_model else spec.label_map
        truth = _truth(truth, source.name, classes, table, notes)
    return replace(source, answers=answers, truth=truth)


def _truth(
    truth: Labels,
    name: str,
    classes: tuple[str, ...] | None,
    table: Mapping[str, str],
    notes: list[str],
) -> Labels:
    if classes is not None and not set(truth.used()) <= {*classes, *table, *table.values()}:
        truth = name_by_classes(truth, classes, name, {*table, *table.values()})
    del notes
    return translate(truth, table)


def _translated(
    answers: Labels,
    table: Mapping[str, str],
    name: str,
    notes: list[str],
    truth: Labels | None,
) -> Labels:
    known = {*answers.names, *(truth.names if truth else ())}
    unused = [key for key in table if key not in known]
    if unused:
        notes.append(f"label map: {plural(len(unused), 'name')} that {name} does not have: "
                     f"{listed(unused)}")  # fmt: skip
    return translate(answers, table)


def _known_classes(given: Given, old: Predictions, new: Predictions) -> set[str] | None:
    """Every class that some side can answer; None where a side's classes are not known."""
    known: set[str] = set()
    for source, spec in ((old, given.old_spec), (new, given.new_spec)):
        classes = _classes(source) or spec.classes
        if classes is None:
            return None
        known |= {spec.label_map.get(name, name) for name in classes}
    return known


def _check_truth(source: Predictions, known: set[str]) -> None:
    """Raise InputError for true labels that no model can ever answer."""
    assert source.truth is not None  # noqa: S101  (only called where there is one)
    strange = [name for name in source.truth.used() if name not in known]
    if not strange:
        return
    whole = all(name.isdigit() for name in strange)
    hint = f"the classes: {listed(sorted(known))}; "
    hint += (
        "the labels are numbers, and the models do not number their classes alike: say what the "
        "numbers mean with --classes"
        if whole
        else "give the class names with --classes (--old-classes, --new-classes), or translate "
        "with --label-map"
    )
    raise UsageError(
        f"{source.name}: {plural(len(strange), 'label')} that no class has: {listed(strange)}",
        hint=hint,
    )


# --- checks and warnings -------------------------------------------------------------------


def _check_columns(given: Given, sources: Sequence[Predictions]) -> None:
    """Raise UsageError for a column that was asked for and is nowhere."""
    there = list(dict.fromkeys(name for source in sources for name in source.available))
    label = given.new_spec.columns.label
    if label is not None and not any(source.truth for source in sources):
        raise UsageError(f"no source has the label column {label!r}", hint=nearest(label, there))
    for name in given.by:
        if not any(name in source.columns for source in sources):
            raise UsageError(
                f"no source has the column {name!r} (--by)",
                hint=f"{nearest(name, there)} (columns there: {', '.join(there) or 'none'})",
            )


def _side_warnings(old: Predictions, new: Predictions, paired: Paired) -> list[str]:
    warnings = []
    for source, answers in ((old, paired.old), (new, paired.new)):
        if answers is not None and answers.missing:
            warnings.append(f"{source.name}: {plural(answers.missing, 'example')} without an "
                            "answer, counted as wrong")  # fmt: skip
    before, after = _classes(old), _classes(new)
    if before and after and set(before) != set(after):
        for name, lacks in (("old", set(after) - set(before)), ("new", set(before) - set(after))):
            if lacks:
                warnings.append(f"the {name} model lacks {plural(len(lacks), 'class')} that the "
                                f"other has: {listed(sorted(lacks))}")  # fmt: skip
    if old.facts.get("preprocess") != new.facts.get("preprocess") and _both_models(old, new):
        warnings.append("the two models see their inputs through different preprocessing")
    if paired.dropped:
        warnings.append(f"{plural(paired.dropped, 'example')} left out (--allow-missing)")
    if paired.label_disagreements:
        warnings.append(f"the sources disagree about {plural(paired.label_disagreements, 'label')}")
    return warnings


def _both_models(old: Predictions, new: Predictions) -> bool:
    return all(source.facts.get("kind") == "onnx" for source in (old, new))
