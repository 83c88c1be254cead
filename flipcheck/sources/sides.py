"""Both sides of a comparison, in any mixture of models and saved files, ready to be paired."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flipcheck.errors import (
    InputError,
    ModelError,
    PairingError,
    UsageError,
    listed,
    nearest,
    plural,
)
from flipcheck.labels import FEW
from flipcheck.matching import positions
from flipcheck.pairing import pair
from flipcheck.predictions import Predictions
from flipcheck.slices import CLASS, column_names
from flipcheck.sources.datasets import Dataset, open_dataset, open_labels
from flipcheck.sources.files import file_kind
from flipcheck.sources.judging import declared_labels, in_one_task, one_more
from flipcheck.sources.language import in_one_language
from flipcheck.sources.logs.alike import check_alike, check_used
from flipcheck.sources.onnx.differences import differences
from flipcheck.sources.repeats import by_question, check_repeats, for_repeats
from flipcheck.sources.saved import read_predictions
from flipcheck.sources.shards import is_image_folder
from flipcheck.sources.spec import Provider
from flipcheck.tasks.deciding import EXAMPLE, LABEL_NAME, decisions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.contract import Difference
    from flipcheck.labels import Labels
    from flipcheck.pairing import Paired
    from flipcheck.predictions import Side
    from flipcheck.sources.onnx.run import Progress
    from flipcheck.sources.spec import Given, SideSpec, Source


@dataclass(frozen=True, slots=True)
class Gathered:
    """Both sides' predictions, their pairing, and the images that they were made from.

    `of` is how many examples there are to pair, where the pairing has only some of them,
    `cluster` the column by which they are clustered, if any, `contract` what differs between
    two models, None where both sides are not models, and `accepted` the right answers of each
    true name that stands for several. `digests` are of the sources that were read, by path.
    """

    old: Predictions
    new: Predictions
    paired: Paired
    images: Dataset | None
    warnings: tuple[str, ...]
    of: int
    cluster: str | None = None
    contract: tuple[Difference, ...] | None = None
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


def gather(given: Given, progress: Progress) -> Gathered:
    """Read or run both sides and pair them. Raises FlipcheckError for all that does not fit."""
    datasets = open_test_sets(given)
    sides = _predictions(given, datasets, progress)
    folder = image_folder(given)
    return matched(given, datasets, sides, reference(given, folder), folder=folder)


def matched(
    given: Given,
    datasets: Mapping[Side, Dataset | None],
    sides: Mapping[Side, Predictions],
    truth: Predictions | None,
    *,
    folder: Dataset | None = None,
    among: Any = None,
) -> Gathered:
    """Both sides in one language, paired: all that they share, or only some of its ids.

    The ids of a pairing of only some of them were checked when these were chosen.
    """
    told = check_alike(given, sides["old"], sides["new"])
    digests = _digests([*datasets.values(), folder], truth)
    check_repeats(sides["old"], sides["new"])
    truth = truth and for_repeats(truth, sides["old"], sides["new"])
    old, new, truth, notes = in_one_task(given, sides["old"], sides["new"], truth)
    _check_columns(given, [each for each in (old, new, truth) if each is not None])
    paired = pair(
        old,
        new,
        truth,
        labels_from=given.labels_from,
        allow_missing=given.allow_missing,
        checked=among is not None,
        agreeing=() if given.cluster is None else (given.cluster,),
        tolerance=given.tolerance,
        score_range=given.score_range,
    )
    of = len(paired)
    if among is not None:
        import numpy as np

        paired = paired.take(np.flatnonzero(positions(paired.ids, among) >= 0))
    paired, cluster, clustered = by_question(given, old, new, paired)
    paired, cluster = _by_label(given, old, new, paired, cluster)
    opened = [each for each in (*datasets.values(), folder) if each is not None]
    images = next((each for each in opened if each.kind == "images"), None)
    warnings = [
        *(note for each in opened for note in each.warnings),
        *old.warnings,
        *new.warnings,
        *notes,
        *told,
        *clustered,
        *_side_warnings(old, new, paired, given.labels_from),
    ]
    if old.rows and new.rows and not one_pass(datasets):
        warnings.append("neither source has ids: examples were paired by row number")
    accepted = {
        name: each
        for source in (old, new, truth)
        if source is not None
        for name, each in source.accepted.items()
    }
    unique = tuple(dict.fromkeys(warnings))
    contract = _contract(given, old, new)
    return Gathered(old, new, paired, images, unique, of, cluster, contract, accepted, digests)


def _digests(datasets: Sequence[Dataset | None], truth: Predictions | None) -> dict[str, str]:
    """The digests of the test sets and of the file of labels, by path."""
    found = {each.source: each.sha256 for each in datasets if each is not None}
    if truth is not None:
        found[truth.source or truth.name] = truth.facts.get("sha256")
    return {path: digest for path, digest in found.items() if digest is not None}


def _contract(given: Given, old: Predictions, new: Predictions) -> tuple[Difference, ...] | None:
    """What differs between the two models, their classes in one language."""
    found = []
    for source, spec in ((old, given.old_spec), (new, given.new_spec)):
        told = source.facts.get("contract")
        if told is None:
            return None
        names = told["classes"]
        if names is not None:
            names = list(dict.fromkeys(spec.label_map.get(name, name) for name in names))
        found.append(told | {"classes": names})
    return differences(*found)


def _by_label(
    given: Given, old: Predictions, new: Predictions, paired: Paired, cluster: str | None
) -> tuple[Paired, str | None]:
    """The pairing, or with --per label its decisions, and the column that they are clustered by.

    Decisions about the labels of one example are drawn with it, where no other column is named.
    """
    task = given.new_spec.task
    if not task.by_label:
        return paired, cluster
    paired = decisions(paired, task.joined_by, declared_labels(old, new))
    return paired, cluster or EXAMPLE


@dataclass(frozen=True, slots=True)
class Again:
    """The old model run or trained again: which answers to the paired examples are right."""

    name: str
    sha256: str | None
    right: NDArray[np.bool_]
    warnings: tuple[str, ...]


def rerun(given: Given, found: Gathered, source: Source) -> Again:
    """The old model's answers to the paired examples, run or trained again.

    Raises FlipcheckError where it does not hold the same examples, or speaks of other classes.
    """
    if _is_model(source):
        raise UsageError(
            f"--rerun {source}: a model, where saved predictions should be",
            hint=f"run it first: flipcheck predict {source} DATA -o rerun.parquet",
        )
    columns, paired = (
        replace(given.old_spec.columns, by=(), cluster=None, weight=None),
        found.paired,
    )
    read = source if isinstance(source, Predictions) else read_predictions(source, columns)
    again = one_more(given, found.old, read, paired.truth)
    if (found.old.correct is None) != (again.correct is None):
        told = "says itself what is right, and the old side does not"
        if again.correct is None:
            told = "does not say itself what is right, as the old side does"
        raise UsageError(
            f"{again.name}: it {told}", hint="judge both alike: give both the same --correct column"
        )
    first = Predictions(
        name=found.old.name, ids=paired.ids, correct=paired.old_right, rows=found.old.rows
    )
    truth = Predictions(
        name="the labels",
        ids=paired.ids,
        truth=paired.truth,
        accepted=found.accepted,
        rows=found.old.rows,
    )
    labels = None if paired.truth is None else truth
    both = pair(first, again, labels, allow_missing=given.allow_missing)
    if len(both) < len(paired):
        raise PairingError(
            f"{again.name}: {plural(len(paired) - len(both), 'example')} of the audit not in it",
            hint="run the old model again on the same test set",
        )
    notes = [*again.warnings, *both.warnings, *_answer_warnings(again, both.new)]
    if both.label_disagreements:
        odd = plural(both.label_disagreements, "label")
        notes.append(f"{again.name}: it disagrees with the audit about {odd}")
    flips = int((paired.old_right != paired.new_right).sum())
    same = bool((both.new_right == paired.new_right).all()) and flips > FEW
    if same or _same_file(again, found.new):
        raise InputError(
            f"{again.name}: its answers are right and wrong where the new side's are",
            hint="a rerun is of the old model: the new one's would excuse all it breaks",
        )
    if _same_file(again, found.old):
        notes.append(f"{again.name}: the same file as the old side, so that it tells of no noise")
    return Again(again.name, again.facts.get("sha256"), both.new_right, tuple(notes))


def open_test_sets(given: Given) -> dict[Side, Dataset | None]:
    """The test set of each side that is a model; one object where both share a path."""
    found: dict[Side, Dataset | None] = {"old": None, "new": None}
    _check_data_used(given)
    check_used(
        given, [isinstance(each, Path) and not _is_model(each) for each in (given.old, given.new)]
    )
    probability = given.new_spec.task.probability
    if probability is not None and _is_model(given.old) and _is_model(given.new):
        raise UsageError(
            f"--probability {probability} is for saved predictions, and both sides are models",
            hint="name the output of the models with --output",
        )
    opened: dict[Path, Dataset] = {}
    sides: tuple[tuple[Side, Source, Path | None, SideSpec], ...] = (
        ("old", given.old, given.old_data, given.old_spec),
        ("new", given.new, given.new_data, given.new_spec),
    )
    for side, source, own, spec in sides:
        if _is_model(source) and spec.columns.score is not None:
            raise UsageError(
                f"{source} is a model, which answers and does not grade",
                hint="run it and grade its answers; --score names their column of scores",
            )
        if not _is_model(source):
            if own is not None:
                raise UsageError(f"--{side}-data is for a model, and {source} is saved predictions")
            continue
        path = own or given.data
        if path is None:
            raise UsageError(
                f"{source} is a model, and there is no data to run it on",
                hint="give a folder of images by class, or features as .npz, .csv, .jsonl or "
                ".parquet",
            )
        if path not in opened:
            opened[path] = open_dataset(path, spec.columns)
        found[side] = opened[path]
    return found


def _is_model(source: Source) -> bool:
    return isinstance(source, Path) and file_kind(source) == "onnx"


def _check_data_used(given: Given) -> None:
    """Raise UsageError for data that no side would look at."""
    if given.data is None:
        return
    sides = ((given.old, given.old_data), (given.new, given.new_data))
    models = [own for source, own in sides if _is_model(source)]
    for_models = any(own is None for own in models)
    for_labels = not models and (given.labels is None or is_image_folder(given.data))
    if not for_models and not for_labels:
        raise UsageError(
            f"{given.data} would not be used: "
            + ("every model has data of its own" if models else "the labels are given already"),
            hint="leave it out, or bring its labels with --labels",
        )


def one_pass(datasets: Mapping[Side, Dataset | None]) -> bool:
    """Whether both sides are models that share a test set."""
    return datasets["old"] is not None and datasets["old"] is datasets["new"]


def _predictions(
    given: Given, datasets: Mapping[Side, Dataset | None], progress: Progress
) -> dict[Side, Predictions]:
    """Both sides' predictions: models that share a test set are run in one pass over it."""
    saved = read_saved(given, datasets)
    models = open_models(given, datasets)
    if not models:
        return saved
    _check_labels(given, datasets, models, saved)
    from flipcheck.sources.onnx.run import run

    if len(models) == 2 and one_pass(datasets):
        dataset = datasets["old"]
        assert dataset is not None  # noqa: S101  (one pass means that there is one)
        old, new = run(list(models.values()), dataset, progress=progress, cache=given.cache)
        return {"old": old, "new": new}
    for side, model in models.items():
        dataset = datasets[side]
        assert dataset is not None  # noqa: S101  (every model has its test set)
        saved[side] = run([model], dataset, progress=progress, cache=given.cache)[0]
    return saved


def _check_labels(
    given: Given,
    datasets: Mapping[Side, Dataset | None],
    models: Mapping[Side, Any],
    saved: Mapping[Side, Predictions],
) -> None:
    """Raise UsageError for labels that no model can answer, before either runs."""
    if given.new_spec.task.multilabel:  # what a label is, is said by the answers as well
        return
    sides = dict(saved)
    for side, (model, _) in models.items():
        dataset = datasets[side]
        assert dataset is not None  # noqa: S101  (every model has its test set)
        facts = {"kind": "onnx", "classes": model.classes, "data": dataset.source}
        sides[side] = Predictions(str(model.path), dataset.ids, truth=dataset.truth, facts=facts)
    in_one_language(given, sides["old"], sides["new"], None)


def read_saved(given: Given, datasets: Mapping[Side, Dataset | None]) -> dict[Side, Predictions]:
    """The predictions of each side that is no model."""
    sides: dict[Side, tuple[Source, SideSpec]] = {
        "old": (given.old, given.old_spec),
        "new": (given.new, given.new_spec),
    }
    return {side: _saved(*each) for side, each in sides.items() if datasets[side] is None}


def _saved(source: Source, spec: SideSpec) -> Predictions:
    options: dict[str, object] = {
        "--output": spec.output,
        "--preprocess": spec.preprocess,
        "--input": spec.inputs or None,
    }
    name = source.name if isinstance(source, Predictions) else source
    for flag, value in options.items():
        if value is not None:
            raise UsageError(
                f"{flag} is for models, and {name} is saved predictions",
                hint=f"name the side of the model, as in --new{flag[1:]}, or leave it out",
            )
    if not isinstance(source, Predictions):
        return read_predictions(source, spec.columns)
    task = spec.task
    for flag, value in {"--threshold": task.threshold, "--probability": task.probability}.items():
        if value is not None:
            raise UsageError(
                f"{flag} is for models and files, and {name} has its answers already",
                hint="name the side, as in --new-threshold, or leave it out",
            )
    return source


def open_models(given: Given, datasets: Mapping[Side, Dataset | None]) -> dict[Side, Any]:
    """Each model, opened, with how it is read."""
    if not any(datasets.values()):
        _check_unused(given)
        return {}
    from flipcheck.sources.onnx.feeds import feeder
    from flipcheck.sources.onnx.model import open_model

    sides: dict[Side, tuple[Source, SideSpec]] = {
        "old": (given.old, given.old_spec),
        "new": (given.new, given.new_spec),
    }
    models = {
        side: (open_model(source, spec, given.cache), spec)
        for side, (source, spec) in sides.items()
        if datasets[side] is not None and isinstance(source, Path)
    }
    for side, (model, spec) in models.items():
        dataset = datasets[side]
        assert dataset is not None  # noqa: S101  (every model has its test set)
        feeder(model, dataset, spec)  # what does not fit is told before either model runs
    ran_on = dict.fromkeys(model.provider for model, _ in models.values())
    if len(ran_on) > 1:
        raise ModelError(
            f"the two models would run on different providers: {listed(ran_on)}",
            hint="their rounding would show as flips: run both on one, as with --provider cpu",
        )
    return models


def _check_unused(given: Given) -> None:
    """Raise UsageError for options of models where there is none."""
    spec = given.new_spec
    options = {
        "--features": spec.features is not None,
        "--text": spec.text,
        "--provider": spec.provider != Provider(),
    }
    for flag, used in options.items():
        if used:
            raise UsageError(
                f"{flag} is for models, and both sides are saved predictions", hint="leave it out"
            )


def image_folder(given: Given) -> Dataset | None:
    """The folder of images that both sides' saved predictions are of."""
    if given.data is None or not is_image_folder(given.data) or not _both_saved(given):
        return None
    return open_dataset(given.data, given.new_spec.columns)


def reference(given: Given, folder: Dataset | None) -> Predictions | None:
    """The labels of a file of their own, or of the data where both sides are saved."""
    columns = replace(given.new_spec.columns, score=None)  # of labels
    if given.labels is not None:
        return open_labels(given.labels, columns)
    if folder is not None:
        return folder.labels()
    if given.data is not None and _both_saved(given):
        return open_labels(given.data, columns)
    return None


def _both_saved(given: Given) -> bool:
    return not _is_model(given.old) and not _is_model(given.new)


# --- checks and warnings -------------------------------------------------------------------


def _check_columns(given: Given, sources: Sequence[Predictions]) -> None:
    """Raise UsageError for a column that was asked for and is nowhere."""
    there = list(dict.fromkeys(name for source in sources for name in source.available))
    label = given.new_spec.columns.label
    if label is not None and not any(source.truth is not None for source in sources):
        raise UsageError(f"no source has the label column {label!r}", hint=nearest(label, there))
    if given.weight is not None and not any(source.weights is not None for source in sources):
        raise UsageError(
            f"no source has the column {given.weight!r} (--weight)",
            hint=f"{nearest(given.weight, there)} (columns there: {', '.join(there) or 'none'})",
        )
    known = {name for source in sources for name in source.columns}
    if given.new_spec.task.by_label:
        known.add(LABEL_NAME)
    wanted = {name: "--by" for by in given.by for name in column_names(by, known)}
    wanted |= {} if given.cluster is None else {given.cluster: "--cluster"}
    for name, flag in wanted.items():
        if name == CLASS and flag == "--by":
            _check_class_column(sources)
        elif name not in known and name == LABEL_NAME and given.new_spec.task.multilabel:
            raise UsageError(
                f"whole sets of labels are judged, and {LABEL_NAME} is of single ones ({flag})",
                hint="judge each label by itself with --per label",
            )
        elif name not in known:
            raise UsageError(
                f"no source has the column {name!r} ({flag})",
                hint=f"{nearest(name, there)} (columns there: {', '.join(there) or 'none'})",
            )


def _check_class_column(sources: Sequence[Predictions]) -> None:
    """Raise UsageError where "class" could be the true class, or a column that is not the label."""
    for source in sources:
        label = source.facts.get("columns", {}).get("label")
        if CLASS in source.available and label != CLASS:
            raise UsageError(
                f"{source.name} has a column {CLASS!r} that is not the label, and {CLASS!r} is "
                "also what slices by the true label are called",
                hint="rename the column to slice by it",
            )


def _side_warnings(
    old: Predictions, new: Predictions, paired: Paired, labels_from: Side | None
) -> list[str]:
    warnings = _answer_warnings(old, paired.old) + _answer_warnings(new, paired.new)
    if old.facts.get("kind") == "predictions" and _same_file(old, new):
        warnings.append("old and new are the same file: nothing can flip")
    if old.facts.get("kind") == "onnx" and _same_model(old, new):
        warnings.append("old and new are the same model: only how each is run can flip an answer")
    warnings += _class_warnings(old, new)
    if paired.dropped:
        warnings.append(f"{plural(paired.dropped, 'example')} left out (--allow-missing)")
    if paired.label_disagreements:
        told = f"the sources disagree about {plural(paired.label_disagreements, 'label')}"
        side = {"old": old, "new": new}.get(labels_from or "")
        warnings.append(told + (f": those of {side.name} are taken" if side else ""))
    return warnings


def _same_model(one: Predictions, other: Predictions) -> bool:
    """Whether two models are the same bytes, external data among them."""
    same = all(one.facts.get(name) == other.facts.get(name) for name in ("sha256", "parts"))
    return same and one.facts.get("sha256") is not None


def _same_file(one: Predictions, other: Predictions) -> bool:
    """Whether two sources are one file, and the same was taken of it."""
    taken = ("sha256", "picked", "threshold", "columns")
    same = all(one.facts.get(name) == other.facts.get(name) for name in taken)
    return same and one.facts.get("sha256") is not None


def _answer_warnings(source: Predictions, answers: Labels | None) -> list[str]:
    """A warning for examples without an answer."""
    if answers is None or not answers.missing:
        return []
    told = "" if source.correct is not None else ", counted as wrong"
    return [f"{source.name}: {plural(answers.missing, 'example')} without an answer{told}"]


def _class_warnings(old: Predictions, new: Predictions) -> list[str]:
    """Which classes one side can answer and the other cannot."""
    before, after = old.facts.get("classes"), new.facts.get("classes")
    if not before or not after:
        return []
    return [
        f"the {name} model lacks {plural(len(lacks), 'class')} that the other has: "
        f"{listed(sorted(lacks))}"
        for name, lacks in (("old", set(after) - set(before)), ("new", set(before) - set(after)))
        if lacks
    ]
