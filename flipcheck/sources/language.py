"""How the answers of two sides and their labels come to be names of classes, in one taxonomy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck.errors import UsageError, listed, plural
from flipcheck.labels import Labels, is_whole, name_by_classes, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Given, SideSpec

HINT = (
    "give the class names with --classes (--old-classes, --new-classes), or translate with "
    "--label-map"
)
FLOATS = (
    "the whole numbers were written as floats (a gap in a pandas column does that): save "
    "them as integers, or as Parquet"
)


def in_one_language(
    given: Given, old: Predictions, new: Predictions, reference: Predictions | None
) -> tuple[Predictions, Predictions, Predictions | None, list[str]]:
    """All answers and labels as names of classes, and what is worth a warning.

    Raises FlipcheckError for labels that no class has, and for numbers where others have names.
    """
    notes = _unused_keys(given, [old, new, *([reference] if reference else [])])
    shared = _shared_classes(given, old, new)
    known = _known_classes(given, old, new)
    old = _named(old, given.old_spec, given, shared)
    new = _named(new, given.new_spec, given, shared)
    if reference is not None and reference.truth is not None:
        truth = _truth(reference.truth, reference.name, shared, given.label_map)
        reference = replace(reference, truth=truth)
    for source in (old, new, reference):
        if known and source is not None and source.truth is not None:
            _check_truth(source.examples, source.truth, known)
    settled = {"old": old, "new": new}.get(given.labels_from or "")
    for source, other in ((old, new), (new, old)):
        order = (settled, reference, source, other)
        truths = (each.truth for each in order if each is not None)
        _check_numbers(source, next((truth for truth in truths if truth is not None), None))
    return old, new, reference, notes


def other_side(
    given: Given, old: Predictions, rerun: Predictions, truth: Labels | None
) -> Predictions:
    """A rerun of the old model, its answers and labels as names of the same classes.

    Raises UsageError for numbers where the labels of the audit are names, or the other way round.
    """
    named = _named(rerun, given.old_spec, given, _shared_classes(given, old, rerun))
    _check_numbers(named, truth)
    return named


def _classes(source: Predictions) -> tuple[str, ...] | None:
    return source.facts.get("classes")


def _shared_classes(given: Given, old: Predictions, new: Predictions) -> tuple[str, ...] | None:
    """The class list that numbers in the data mean: `--classes`, or the models' if they agree."""
    if given.classes is not None:
        return given.classes
    lists = {_classes(source) for source in (old, new) if source.facts.get("kind") == "onnx"}
    return lists.pop() if len(lists) == 1 else None


def _known_classes(given: Given, old: Predictions, new: Predictions) -> set[str] | None:
    """Every class that some side can answer; None where a side's classes are not known."""
    known: set[str] = set()
    for source, spec in ((old, given.old_spec), (new, given.new_spec)):
        classes = _classes(source) or spec.classes
        if classes is None:
            return None
        known |= {spec.label_map.get(name, name) for name in classes}
    return known


def _named(
    source: Predictions, spec: SideSpec, given: Given, shared: tuple[str, ...] | None
) -> Predictions:
    """One side's answers and labels as names of classes."""
    is_model = source.facts.get("kind") == "onnx"
    answers = source.answers
    if answers is not None:
        if not is_model and spec.classes is not None:
            answers = _by_classes(answers, spec.classes, source.name, spec.label_map)
        answers = translate(answers, spec.label_map)
    truth = source.truth
    if truth is not None:
        classes = shared if is_model else spec.classes
        table = given.label_map if is_model else spec.label_map
        truth = _truth(truth, source.examples, classes, table)
    meant = (*spec.label_map.values(), *(spec.classes or ()))
    return replace(source, answers=answers, truth=truth, meant=meant)


def _truth(
    truth: Labels, name: str, classes: tuple[str, ...] | None, table: Mapping[str, str]
) -> Labels:
    also = {*table, *table.values()}
    if classes is not None and not set(truth.used()) <= {*classes, *also}:
        truth = _by_classes(truth, classes, name, also)
    return translate(truth, table)


def _by_classes(labels: Labels, classes: Sequence[str], what: str, also: Iterable[str]) -> Labels:
    """Labels that may be indices as class names; where the names are numbers, they are no indices.

    Of classes 3, 5 and 9, a label 1 may be the second, or none of them: that is not guessed.
    """
    if not _whole(classes):
        return name_by_classes(labels, classes, what, also)
    _check_truth(what, labels, {*classes, *also})
    return labels


def _whole(names: Iterable[str]) -> bool:
    """Whether all names are whole numbers."""
    return all(map(is_whole, names))


def _check_truth(what: str, labels: Labels, known: set[str]) -> None:
    """Raise UsageError for labels that no class has."""
    strange = [name for name in labels.used() if name not in known]
    if not strange:
        return
    hint = HINT
    if _whole(strange) and not _whole(known):
        hint = (
            "the labels are numbers, and the models do not number their classes alike: say what "
            "the numbers mean with --classes"
        )
    raise UsageError(
        f"{what}: {plural(len(strange), 'label')} that no class has: {listed(strange)}",
        hint=f"the classes: {listed(sorted(known))}; {hint}",
    )


def _check_numbers(source: Predictions, truth: Labels | None) -> None:
    """Raise UsageError where answers are numbers and labels names, or the other way round."""
    if source.answers is None or source.correct is not None or truth is None:
        return
    answers, labels = source.answers.used(), truth.used()
    if not answers or not labels or {*answers} & {*labels}:
        return
    floats = _floats(answers) or _floats(labels)
    for numbers, names in ((answers, labels), (labels, answers)):
        if _whole(numbers) and not any(map(is_whole, names)):
            raise UsageError(
                f"{source.name}: it answers {listed(answers)}, and the labels are {listed(labels)}",
                hint=f"no answer could be right: {FLOATS if floats else HINT}",
            )


def _floats(names: Iterable[str]) -> bool:
    """Whether names are whole numbers that were written as floats: "1.0"."""
    return all(name.endswith(".0") for name in names)


def _unused_keys(given: Given, sources: Sequence[Predictions]) -> list[str]:
    """A warning for keys of label maps that are nowhere."""
    specs = (given.old_spec, given.new_spec)
    keys = dict.fromkeys(
        key for table in (given.label_map, *(spec.label_map for spec in specs)) for key in table
    )
    known = {name for spec in specs for name in spec.classes or ()} | {*(given.classes or ())}
    for source in sources:
        known |= {*(_classes(source) or ())}
        known |= {
            name for labels in (source.answers, source.truth) if labels for name in labels.names
        }
    unused = [key for key in keys if key not in known]
    if not unused:
        return []
    names = plural(len(unused), "name")
    return [f"label map: {names} that neither a side nor the labels have: {listed(unused)}"]
