"""The pairing of two models' answers by example id, against one truth.

Nothing is paired by position where there are ids; whatever does not fit is an error with counts
and the first few ids, all problems at once (FORMATS.md, the last section).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, PairingError, UsageError, listed, plural
from flipcheck.grades import Grades
from flipcheck.labels import FEW, MISSING, Labels, shared_names
from flipcheck.matching import Index
from flipcheck.tasks.judging import right_answers, vocabulary
from flipcheck.texts import gathered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.predictions import Predictions, Side

    Places = NDArray[Any] | None
    """The rows of a source that are paired, in order; None for all of them as they are."""


MOST_CORRECTED = 0.5
"""The largest share of labels that one file may have corrected; more are other labels, unless
they are few altogether."""


BLOCK = 1 << 18
"""How many labels are compared at a time."""


ROWS = (
    "ids",
    "old_right",
    "new_right",
    "same_answer",
    "truth",
    "old",
    "new",
    "old_confidence",
    "new_confidence",
    "weights",
    "grades",
)
"""What a pairing has one of for each example, beside its columns and groups."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The same examples under both models, in the order of the old source.

    `truth`, `old` and `new` share one list of names; `same_answer` is None where a source knows
    only right and wrong. `dropped` counts examples left out by --allow-missing. Where answers are
    graded there are `grades`, and "right" says no more than that a score did not rise (old) or
    did not fall (new).
    """

    ids: Any
    old_right: NDArray[np.bool_]
    new_right: NDArray[np.bool_]
    same_answer: NDArray[np.bool_] | None
    truth: Labels | None
    old: Labels | None
    new: Labels | None
    old_confidence: NDArray[np.float32] | None = None
    new_confidence: NDArray[np.float32] | None = None
    columns: Mapping[str, Labels] = field(default_factory=dict)
    weights: NDArray[np.float64] | None = None
    groups: Mapping[str, Labels] = field(default_factory=dict)
    dropped: int = 0
    label_disagreements: int = 0
    warnings: tuple[str, ...] = ()
    grades: Grades | None = None

    def __len__(self) -> int:
        return len(self.old_right)

    def take(self, rows: NDArray[np.int64]) -> Paired:
        """The same of these examples, in their order."""

        def cut(values: Any) -> Any:
            return values if values is None else values.take(rows)

        changed = {each: cut(getattr(self, each)) for each in ROWS}
        named: dict[str, Any] = {
            part: {name: cut(values) for name, values in getattr(self, part).items()}
            for part in ("columns", "groups")
        }
        return replace(self, **changed, **named)


def duplicates(source: Predictions, index: Index) -> list[str]:
    """A problem for a source whose ids repeat, with the first few of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if index.distinct():
        return []
    counts = pc.value_counts(source.ids)
    repeated = counts.filter(pc.greater(counts.field("counts"), pa.scalar(1))).field("values")
    ids = listed(repeated.slice(0, SHOWN).to_pylist(), len(repeated))
    return [f"{source.examples}: {plural(len(repeated), 'id')} more than once: {ids}"]


def pair(
    old: Predictions,
    new: Predictions,
    truth: Predictions | None = None,
    *,
    labels_from: Side | None = None,
    allow_missing: bool = False,
    checked: bool = False,
    agreeing: Sequence[str] = (),
    tolerance: float = 0.0,
    score_range: tuple[float, float] | None = None,
) -> Paired:
    """Both models' answers to the same examples, matched by id, against one truth.

    `truth` is a source of labels of its own (a test set, `--labels`); without it the files' own
    labels are the truth, and must agree unless `labels_from` settles it. The sources must also
    agree in the columns that are `agreeing`. `checked` says that `aligned` has found the ids of
    these sources in order. Where both sources have scores, these are compared, and no label is
    needed: a change of more than the `tolerance` is a flip.
    Raises PairingError with every problem found.
    """
    import numpy as np

    sources = [source for source in (old, new, truth) if source is not None]
    places, dropped = aligned(sources, allow_missing=allow_missing, checked=checked)
    rows = {id(source): place for source, place in zip(sources, places, strict=True)}
    graded = _check_graded(old, new)
    labels, disagreements = _truth(old, new, truth, rows, labels_from)
    judged = graded or _both_judged(old, new)  # and no label is needed
    if labels is not None and not judged and labels.missing:
        labelled = labels.codes != MISSING
        _check_unlabelled(taken(old.ids, places[0]), labelled, allow_missing=allow_missing)
        there = np.flatnonzero(labelled)
        rows = {key: there if rows is None else rows[there] for key, rows in rows.items()}
        labels = labels.take(there)
        dropped += int((~labelled).sum())
        _check_any(len(there))
    scores = None
    if graded:
        before, after = (taken(each.scores, rows[id(each)]) for each in (old, new))
        assert before is not None  # noqa: S101  (both are graded)
        assert after is not None  # noqa: S101
        scores = Grades.of(before, after, tolerance, score_range)
    return _paired(
        sources, labels, rows, agreeing, scores, dropped=dropped, disagreements=disagreements
    )


def _both_judged(old: Predictions, new: Predictions) -> bool:
    return old.correct is not None and new.correct is not None


def _check_graded(old: Predictions, new: Predictions) -> bool:
    """Whether the answers are graded. Raises PairingError where only one side's are."""
    if (old.scores is None) != (new.scores is None):
        with_scores, without = (old, new) if new.scores is None else (new, old)
        raise PairingError(
            f"{with_scores.name} has scores, and {without.name} has none",
            hint="grade both sides alike: name the score of each with --old-score and --new-score",
        )
    return old.scores is not None


def aligned(
    sources: list[Predictions], *, allow_missing: bool = False, checked: bool = False
) -> tuple[list[Places], int]:
    """The rows of each source that hold the same examples, in the order of the first source.

    None stands for all rows as they are. With them, how many examples are left out. Raises
    PairingError with every problem of the ids.
    """
    import numpy as np

    longest = max(map(len, sources))
    indexes = [Index(each.ids, longest, looked_in=each is not sources[0]) for each in sources]
    first, *rest = indexes
    if not checked:
        _check_ids(sources, indexes)
    others = [None if same(first, index) else index.positions(first) for index in rest]
    del first, rest, indexes
    unmatched = [place < 0 for place in others if place is not None]
    everywhere = ~np.logical_or.reduce(unmatched) if unmatched else np.full(len(sources[0]), True)
    kept = None if everywhere.all() else np.flatnonzero(everywhere)
    dropped = _check_missing(sources, others, kept, allow_missing=allow_missing)
    _check_any(len(sources[0]) if kept is None else len(kept))
    if kept is None:
        return [None, *others], dropped
    return [kept, *(kept if place is None else place[kept] for place in others)], dropped


def same(one: Index, two: Index) -> bool:
    """Whether two sources hold the same ids in the same order."""
    return bool(one.ids.equals(two.ids))


def taken(values: Any, places: Places) -> Any:
    """The values of some rows, in their order; all of them as they are where no rows are given."""
    return values if values is None or places is None else values.take(places)


SOME_MISSING = "give the same test set to both, or leave these examples out with --allow-missing"
NONE_SHARED = (
    "no id is on both sides: these are other examples, or other names of the same ones; save the "
    "ids of one side with the other's answers, and name their column with --id"
)


def _check_any(examples: int) -> None:
    if not examples:
        raise PairingError(
            "no examples to compare", hint="the test set is empty, or no id is on both sides"
        )


def _check_ids(sources: list[Predictions], indexes: list[Index]) -> None:
    empty = list(
        dict.fromkeys(f"{source.examples}: no examples" for source in sources if not len(source))
    )
    first = indexes[0]  # where others hold the same ids, they repeat where the first does
    fine = [index is not first and same(first, index) and first.distinct() for index in indexes]
    found = (
        [] if known else duplicates(source, index)
        for source, index, known in zip(sources, indexes, fine, strict=True)
    )
    problems = empty + [problem for problems in found for problem in problems]
    with_ids = [source.examples for source in sources if not source.rows]
    without = [source.examples for source in sources if source.rows]
    if with_ids and without:
        problems.append(f"{' and '.join(without)}: no id column, but {with_ids[0]} has ids")
    counts = {len(source) for source in sources}
    if without and not with_ids and len(counts) > 1:
        told = ", ".join(f"{source.examples} has {len(source):,}" for source in sources)
        problems.append(f"no ids, and not as many rows: {told}")
    if problems:
        raise PairingError(
            "the examples cannot be paired",
            problems=problems,
            hint="write the empty file again"
            if empty
            else "every example needs one id, the same in every source; name the column with --id",
        )


def _check_missing(
    sources: list[Predictions],
    others: Sequence[Places],
    kept: Places,
    *,
    allow_missing: bool,
) -> int:
    """How many examples are not in every source. Raises PairingError unless that is allowed."""
    import numpy as np

    old, problems, beside = sources[0], [], set[str]()
    for source, place in zip(sources[1:], others, strict=True):
        if place is None or (kept is None and len(source) == len(old)):
            continue  # both hold the same ids
        absent = np.flatnonzero(place < 0)
        unknown = np.ones(len(source), dtype=bool)
        unknown[place[place >= 0]] = False
        extra = np.flatnonzero(unknown)
        problems += _absences(old, source, absent) + _absences(source, old, extra)
        beside.update(map(str, source.ids.take(extra).to_pylist()))
    if problems and not allow_missing:
        raise PairingError(
            "the sources do not hold the same examples",
            problems=problems,
            hint=SOME_MISSING if kept is None or len(kept) else NONE_SHARED,
        )
    return (0 if kept is None else len(old) - len(kept)) + len(beside)


def _absences(here: Predictions, there: Predictions, rows: NDArray[np.int64]) -> list[str]:
    if not len(rows):
        return []
    ids = listed(here.ids.take(rows[:SHOWN]).to_pylist(), len(rows))
    return [f"{plural(len(rows), 'example')} of {here.examples} not in {there.examples}: {ids}"]


def _check_unlabelled(ids: Any, labelled: NDArray[np.bool_], *, allow_missing: bool) -> None:
    import numpy as np

    if allow_missing:
        return
    rows = np.flatnonzero(~labelled)
    first = ids.take(rows[:SHOWN]).to_pylist()
    raise PairingError(
        f"{plural(len(rows), 'example')} without a label: {listed(first, len(rows))}",
        hint="label them, or leave them out with --allow-missing",
    )


def _truth(
    old: Predictions,
    new: Predictions,
    truth: Predictions | None,
    rows: Mapping[int, Places],
    labels_from: Side | None,
) -> tuple[Labels | None, int]:
    """The true labels of the paired rows, and on how many of them the sources disagree.

    Where the files' own labels are the truth, one that a file lacks is taken from the other.
    """
    import numpy as np

    labelled = [each for each in (truth, old, new) if each is not None and each.truth is not None]
    chosen = _truth_source(old, new, truth, labels_from)
    if chosen is None or chosen.truth is None:
        return None, 0
    names = shared_names(*(source.truth for source in labelled))
    first = taken(chosen.truth, rows[id(chosen)]).recoded(names)
    others = ((each.truth, rows[id(each)]) for each in labelled if each is not chosen)
    if all(_same_labels(Labels(first, names), *other) for other in others):
        return Labels(first, names), 0
    given = {id(source): taken(source.truth, rows[id(source)]) for source in labelled}
    codes = {key: labels.recoded(names) for key, labels in given.items()}
    reference = codes[id(chosen)]
    differs = np.zeros(len(reference), dtype=bool)
    for other in codes.values():
        if other is not reference and (odd := other != reference).any():
            differs |= odd & (other != MISSING) & (reference != MISSING)
    disagreements = int(differs.sum())
    if chosen is truth:
        return Labels(reference, names), disagreements
    few = disagreements <= MOST_CORRECTED * len(reference)
    if disagreements and not (labels_from is not None and (few or disagreements <= FEW)):
        first = np.flatnonzero(differs)[:SHOWN]
        ids = taken(old.ids, rows[id(old)]).take(first).to_pylist()
        raise PairingError(
            f"{old.examples} and {new.examples} disagree about the label of "
            f"{plural(disagreements, 'example')}: {listed(ids, disagreements)}",
            problems=_label_examples(given[id(old)], given[id(new)], first, ids),
            hint=_settling(few=few, by_row=old.rows),
        )
    if disagreements:
        return Labels(reference, names), disagreements
    for other in codes.values():
        if (unknown := reference == MISSING).any():
            reference = np.where(unknown, other, reference)
    return Labels(reference, names), 0


def _same_labels(labels: Labels, others: Labels | None, rows: Places) -> bool:
    """Whether the labels are those of some rows of others, a block at a time.

    The names of the labels hold those of the others.
    """
    assert others is not None  # noqa: S101  (only sources with labels are asked)
    for at in range(0, len(labels), BLOCK):
        here = slice(at, at + BLOCK)
        there = others.codes[here] if rows is None else gathered(others.codes, rows[here])
        if (Labels(there, others.names).recoded(labels.names) != labels.codes[here]).any():
            return False
    return True


def _settling(*, few: bool, by_row: bool) -> str:
    """How to settle labels that disagree: corrections, other names, or other examples."""
    if few:
        return (
            "say whose labels are right with --labels-from old or --labels-from new, or give the "
            "labels in a file of their own with --labels"
        )
    if by_row:
        return (
            "the rows have no ids and stand in another order, it seems: add ids, or name their "
            "column with --id"
        )
    return (
        "too many to be corrections, which --labels-from settles: give both files the same class "
        "names with --old-classes, --new-classes or --label-map, or name the right id and label "
        "columns with --id and --label"
    )


def _label_examples(
    old: Labels, new: Labels, rows: NDArray[np.int64], ids: list[object]
) -> list[str]:
    texts = zip(ids, old.texts(rows.tolist()), new.texts(rows.tolist()), strict=True)
    return [f"{example!r}: {one!r} in the old, {two!r} in the new" for example, one, two in texts]


def _truth_source(
    old: Predictions, new: Predictions, truth: Predictions | None, labels_from: Side | None
) -> Predictions | None:
    """The source whose labels are the truth; None where both files bring their own verdicts."""
    if labels_from not in {None, "old", "new"}:
        raise UsageError(f"labels_from is 'old' or 'new', not {labels_from!r}")
    if labels_from is not None and truth is not None:
        raise UsageError(
            f"--labels-from {labels_from} and the labels of {truth.name}: only one can be true",
            hint="leave one of them out",
        )
    if labels_from is not None:
        side = old if labels_from == "old" else new
        if side.truth is None:
            raise UsageError(
                f"--labels-from {labels_from}: {side.name} has no labels",
                hint="name its label column with --label",
            )
        return side
    for source in (truth, old, new):
        if source is not None and source.truth is not None:
            return source
    if _both_judged(old, new) or old.scores is not None:
        return None
    there = dict.fromkeys(name for source in (old, new) for name in source.available)
    raise PairingError(
        "no labels: nothing says which answers are right",
        hint="name the label column with --label, bring the labels with --labels FILE, or take "
        "the data's own verdict with --correct COLUMN"
        + (f"; columns there: {', '.join(there)}" if there else ""),
    )


def _paired(
    sources: list[Predictions],
    labels: Labels | None,
    rows: Mapping[int, Places],
    agreeing: Sequence[str],
    grades: Grades | None,
    *,
    dropped: int,
    disagreements: int,
) -> Paired:
    old, new = sources[:2]
    answers = {id(source): taken(source.answers, rows[id(source)]) for source in (old, new)}
    names = shared_names(labels, *answers.values())

    def recode(given: Labels | None) -> Labels | None:
        return given and Labels(given.recoded(names), names)

    truth, before, after = recode(labels), recode(answers[id(old)]), recode(answers[id(new)])
    notes: list[str] = []
    accepted = {name: each for source in sources for name, each in source.accepted.items()}
    if grades is None:
        old_right, old_notes = _right(old, before, truth, rows[id(old)], accepted)
        new_right, new_notes = _right(new, after, truth, rows[id(new)], accepted)
        for source, given, right in ((old, before, old_right), (new, after, new_right)):
            if source.correct is None and given and truth:
                known = (*source.meant, *(source.facts.get("classes") or ()))
                more: Any = {"accepted": accepted, "meant": known, "old": source is old}
                notes += vocabulary(source, given, truth, right, **more)
        _check_judged_alike(old, old_notes, new, new_notes)
    else:
        old_right, new_right = ~grades.rose, ~grades.fell
        old_notes, new_notes = list(grades.doubts()), []
    columns, column_notes = _columns(sources, rows, agreeing)
    return Paired(
        ids=taken(old.ids, rows[id(old)]),
        old_right=old_right,
        new_right=new_right,
        same_answer=before.codes == after.codes if before and after and grades is None else None,
        truth=truth,
        old=before,
        new=after,
        old_confidence=taken(old.confidence, rows[id(old)]),
        new_confidence=taken(new.confidence, rows[id(new)]),
        columns=columns,
        weights=_weights(sources, rows),
        groups={
            name: taken(values, rows[id(source)])
            for source in sources
            for name, values in source.groups.items()
        },
        dropped=dropped,
        label_disagreements=disagreements,
        warnings=(*notes, *old_notes, *new_notes, *column_notes),
        grades=grades,
    )


def _check_judged_alike(
    old: Predictions, old_notes: list[str], new: Predictions, new_notes: list[str]
) -> None:
    """Raise PairingError where one side has verdicts of its own, and they are not the labels'.

    The other side would be held to the letter of the label, and wrong answers cannot flip.
    """
    sides = ((old, old_notes, new), (new, new_notes, old))
    for source, notes, other in sides:
        if source.correct is not None and other.correct is None and notes:
            raise PairingError(
                f"{source.name} is judged by its own verdicts and {other.name} by its labels, and "
                f"the two are not the same: {notes[0]}",
                hint="give both sides a verdict (--correct), or neither",
            )


def _right(
    source: Predictions,
    answers: Labels | None,
    truth: Labels | None,
    rows: Places,
    accepted: Mapping[str, tuple[str, ...]],
) -> tuple[NDArray[np.bool_], list[str]]:
    """Which answers are right, and what is worth a warning about it."""
    equal = right_answers(source, answers, truth, rows, accepted) if answers and truth else None
    if source.correct is None:
        if equal is None:
            raise PairingError(f"{source.name}: no answers and no verdicts")
        return equal, []
    verdict = taken(source.correct, rows)
    if equal is None or (odd := int((equal != verdict).sum())) == 0:
        return verdict, []
    note = "the verdict column and the equality of answer and label disagree on"
    return verdict, [f"{source.name}: {note} {plural(odd, 'row')}; the verdict column decides"]


def _weights(sources: list[Predictions], rows: Mapping[int, Places]) -> NDArray[np.float64] | None:
    """The weights of the paired rows. Raises PairingError where two sources weigh otherwise."""
    import numpy as np

    given = [
        (source, taken(source.weights, rows[id(source)]))
        for source in reversed(sources)
        if source.weights is not None
    ]
    if not given:
        return None
    (first, weights), *others = given
    for source, other in others:
        odd = np.flatnonzero(other != weights)
        if len(odd):
            ids = taken(source.ids, rows[id(source)]).take(odd[:SHOWN]).to_pylist()
            raise PairingError(
                f"{first.name} and {source.name} weigh {plural(len(odd), 'example')} otherwise: "
                f"{listed(ids, len(odd))}",
                hint="bring the weights in one file, as with --labels",
            )
    if not weights.any():
        raise PairingError("all weights are 0", hint="then nothing would be compared")
    found: NDArray[np.float64] = weights
    return found


def _columns(
    sources: list[Predictions], rows: Mapping[int, Places], agreeing: Sequence[str]
) -> tuple[dict[str, Labels], list[str]]:
    """The slice columns of the paired rows: the truth's, else the new source's, else the old's.

    Raises PairingError where sources differ in a column in which they must agree.
    """
    import numpy as np

    columns: dict[str, Labels] = {}
    warnings = []
    for source in reversed(sources):
        for name, values in source.columns.items():
            found = taken(values, rows[id(source)])
            if name not in columns:
                columns[name] = found
                continue
            names = shared_names(found, columns[name])
            odd = np.flatnonzero(found.recoded(names) != columns[name].recoded(names))
            if not len(odd):
                continue
            told = f"column {name!r} differs between the sources on {plural(len(odd), 'example')}"
            if name in agreeing:
                ids = taken(source.ids, rows[id(source)]).take(odd[:SHOWN]).to_pylist()
                raise PairingError(
                    f"{told}: {listed(ids, len(odd))}",
                    hint="bring the clusters in one file, as with --labels",
                )
            warnings.append(told)
    return columns, warnings
