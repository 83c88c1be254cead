"""Both sides and their labels as one task has them: named, translated and normalised alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck.errors import InputError, PairingError, UsageError, listed, plural
from flipcheck.sources.language import in_one_language, other_side
from flipcheck.tasks.binary import spelt_as_labels
from flipcheck.tasks.normalising import normal, normalised
from flipcheck.tasks.ranking import check_enough
from flipcheck.tasks.sets import labels_in, resplit
from flipcheck.tasks.translating import in_labels, is_composite, of_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flipcheck.labels import Labels
    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Given
    from flipcheck.tasks import Task


def in_one_task(
    given: Given, old: Predictions, new: Predictions, reference: Predictions | None
) -> tuple[Predictions, Predictions, Predictions | None, list[str]]:
    """Both sides and the labels with names that mean the same, and what is worth a warning.

    Raises FlipcheckError for a side that the task cannot judge, and for all that
    `in_one_language` refuses.
    """
    task = given.new_spec.task
    _check_answers_decide(given, old, new)
    truth = next((each.truth for each in (reference, old, new) if each and each.truth), None)
    old, new = (_as_asked(each, task, truth) for each in (old, new))
    _check_alike(old, new)
    if reference is not None:
        reference = _as_sets(reference, task)
    old, new, reference, notes = _translated(given, old, new, reference)
    if task.multilabel:
        check_declared([each for each in (old, new, reference) if each is not None])
    old, new = (_normal(each, task) for each in (old, new))
    return old, new, reference and normalised(reference, task.normalise), notes


def _translated(
    given: Given, old: Predictions, new: Predictions, reference: Predictions | None
) -> tuple[Predictions, Predictions, Predictions | None, list[str]]:
    """All names translated; those that are made of several labels, label by label."""
    if not any(each is not None and is_composite(each) for each in (old, new, reference)):
        return in_one_language(given, old, new, reference)
    single = None if reference is None else in_labels(reference)
    before, after, single, notes = in_one_language(given, in_labels(old), in_labels(new), single)
    if reference is not None and single is not None:
        reference = of_labels(reference, single)
    return of_labels(old, before), of_labels(new, after), reference, notes


def one_more(
    given: Given, old: Predictions, rerun: Predictions, truth: Labels | None
) -> Predictions:
    """A rerun of the old model as the same task has it."""
    task = given.old_spec.task
    if task.by_label:
        raise UsageError(
            "--rerun and --per label: a rerun is compared example by example",
            hint="judge whole sets with --per example",
        )
    again = _as_asked(rerun, task, rerun.truth or truth)
    if not is_composite(again):
        return _normal(other_side(given, old, again, truth), task)
    single = other_side(given, in_labels(old), in_labels(again), None)
    return _normal(of_labels(again, single), task)


def abstained(task: Task) -> tuple[str, ...]:
    """The values of --abstain as answers are written after normalisation.

    Raises UsageError for one of which that leaves nothing, which would mean a missing answer.
    """
    values = tuple(normal(value, task.normalise) for value in task.abstain)
    gone = [value for value, left in zip(task.abstain, values, strict=True) if value and not left]
    if gone:
        raise UsageError(
            f"--abstain {listed(gone)}: --normalise leaves nothing of it",
            hint="leave a step out; an answer without text counts as wrong anyway",
        )
    return values


def _normal(source: Predictions, task: Task) -> Predictions:
    found = normalised(source, task.normalise)
    return replace(found, meant=(*found.meant, *(each for each in abstained(task) if each)))


def _as_asked(source: Predictions, task: Task, truth: Labels | None) -> Predictions:
    """One side as the task has it, before its names are translated."""
    if task.top_k is not None and source.ranked is None:
        raise UsageError(
            f"--top-k {task.top_k} needs scores or ranked answers, and {source.name} has only the "
            "first",
            hint="save the scores of every class",
        )
    source = _as_sets(_as_deep(source, task.top_k), task)
    if "probability" in source.facts and "classes" not in source.facts:
        return spelt_as_labels(source, truth)
    return source


def _as_deep(source: Predictions, k: int | None) -> Predictions:
    """The first k ranked answers; none where nobody asked for them, so that the first one counts.

    Raises InputError where a source has fewer.
    """
    if source.ranked is None:
        return source
    if k is not None:
        check_enough(source.name, k, source.ranked.shape[1], "answer")
    return replace(source, ranked=None if k is None else source.ranked[:, :k])


def _as_sets(source: Predictions, task: Task) -> Predictions:
    """A source whose names are sets, wherever it comes from."""
    if not task.multilabel or source.separator:
        return source

    def made(labels: Labels | None) -> Labels | None:
        return None if labels is None else resplit(source.name, labels, task.joined_by)

    if source.answers is None and source.correct is not None:
        raise UsageError(f"{source.name}: only verdicts, and --multilabel judges sets of labels")
    return replace(
        source,
        answers=made(source.answers),
        truth=made(source.truth),
        separator=task.joined_by,
    )


def _check_answers_decide(given: Given, old: Predictions, new: Predictions) -> None:
    """Raise UsageError for options that judge answers, of a side that is not judged by these.

    They would change nothing, and the report would say that they decided.
    """
    problems, seen = [], set[str]()
    for source, spec in ((old, given.old_spec), (new, given.new_spec)):
        if source.correct is None and source.scores is None:
            continue
        graded = source.scores is not None
        told = "grades its answers" if graded else "says itself which answers are right"
        flags = [flag for flag, asked in _deciding(spec.task, graded=graded).items() if asked]
        problems += [f"{source.name} {told}, and {flag} judges them" for flag in flags]
        seen.update(flags)
    if problems:
        raise UsageError(
            f"{' and '.join(sorted(seen))}: answers do not decide here",
            problems=problems,
            hint="leave it out; or have equality with the label decide, by saved predictions with "
            "columns of answers and labels and none of verdicts or scores",
        )


def _deciding(task: Task, *, graded: bool) -> dict[str, object]:
    """The options that say when an answer is right, and whether they were given."""
    return {
        "--probability": task.probability,
        "--threshold": task.threshold is not None,
        "--multilabel": task.multilabel,
        "--top-k": task.top_k,
        "--normalise": task.normalise,
        "--abstain": graded and task.abstain,
    }


def _check_alike(old: Predictions, new: Predictions) -> None:
    """Raise PairingError where the two sides are not ranked alike."""
    ranks = {None if each.ranked is None else each.ranked.shape[1] for each in (old, new)}
    if len(ranks) > 1:
        raise PairingError(
            f"{old.name} and {new.name}: only one of them is ranked, or not as deep",
            hint="give the scores of every class on both sides",
        )


def declared_labels(*sources: Predictions) -> tuple[str, ...]:
    """The labels that columns declare, whether or not an example has them."""
    found = (_declared(source) for source in sources)
    return tuple(dict.fromkeys(name for names in found for name in names or ()))


def _declared(source: Predictions) -> Sequence[str] | None:
    """The labels that a source has a column for."""
    names: Sequence[str] | None = source.facts.get("declared")
    return names


def check_declared(sources: Iterable[Predictions]) -> None:
    """Raise InputError for labels that a source of one column a label has no column for."""
    sources = list(sources)
    problems = []
    for source in sources:
        declared = _declared(source)
        if declared is None or source.facts.get("kind") == "onnx":
            continue  # what a model lacks, `in_one_language` weighs
        for other in sources:
            there = set(_declared(other) or ()) | {
                *labels_in(other.truth, other.separator),
                *labels_in(other.answers, other.separator),
            }
            lacks = sorted(there - set(declared))
            if lacks:
                whose = "its own" if other is source else other.examples
                few = f"{plural(len(lacks), 'label')} of {whose}: {listed(lacks)}"
                problems.append(f"{source.name} has no column for {few}")
    if problems:
        raise InputError(
            "the sources do not speak of the same labels",
            problems=list(dict.fromkeys(problems)),
            hint="write a column for each label on both sides; labels that are only numbered are "
            "named with --classes",
        )
