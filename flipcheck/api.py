"""The calls of the Python API: paths or predictions in; a Report, Predictions or a Plan out."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from flipcheck.asked import (
    PREDICTED,
    REPRODUCED,
    WHOLE_SET,
    Options,
    PathText,
    cache_of,
    check_call,
    check_columns,
    check_score,
    columns_by,
    costs_of,
    gates_of,
    given_of,
    policy_of,
    rate_of,
    settings_of,
    shown_of,
    side_of,
    silent,
)
from flipcheck.audits.compare import compare as audit
from flipcheck.audits.measuring import Beside, Rerun
from flipcheck.contract import repeatability_from
from flipcheck.errors import UsageError, nearest
from flipcheck.evidence import evidence_of, source_files, versions_of
from flipcheck.predictions import Predictions
from flipcheck.report import Data, Model, Report, Scores, Settings
from flipcheck.report.past import Past, with_history
from flipcheck.slices import CLASS, column_names
from flipcheck.sources.memory import in_memory, is_in_memory, no_column
from flipcheck.sources.shards import digest_of
from flipcheck.sources.shown import check_shown, shown, with_texts
from flipcheck.sources.sides import Again, Gathered, gather, rerun
from flipcheck.sources.standard_input import laid_down
from flipcheck.sources.told import judged_task, unused_abstentions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from flipcheck.asked import OptionsOfArrays, Values
    from flipcheck.audits.plan import Plan
    from flipcheck.evidence.checking import Verification
    from flipcheck.gates import Decide, Gate
    from flipcheck.report import EarlyStop
    from flipcheck.sources.repro import Repro
    from flipcheck.sources.spec import Given


@overload
def compare(
    old: PathText | Predictions,
    new: PathText | Predictions,
    data: PathText | None = None,
    **options: Unpack[Options],
) -> Report: ...
@overload
def compare(
    old: Values, new: Values, data: Values, **options: Unpack[OptionsOfArrays]
) -> Report: ...
def compare(old: Any, new: Any, data: Any = None, **options: Any) -> Report:
    """Audit an update: which answers that the old model got right does the new one break?

    `old` and `new` are ONNX models or saved predictions, in any mixture; `data` is the labelled
    test set for models (a folder of images by class, .npz, .csv, .jsonl or .parquet). Raises
    FlipcheckError for bad input: what is wrong, where, and how to fix it.

    Or all three are columns: answers, answers and labels, as lists, arrays or Series, or for the
    answers a table with a score for each class (`classes` names its columns). Those with an index
    of their own are aligned by it, all others row by row. The ids of examples are that index, or
    `id`; without both they are row numbers from 1. `by` is then a mapping of names to columns, a
    DataFrame or a named Series, and `cluster`, `weight` and `id` may be columns.

    Every other option is that of the command, whose help tells more (`flipcheck compare --help`;
    messages write allow_missing as --allow-missing). One that starts with old_ or new_ is one
    side's own.

    Other Parameters
    ----------------
    gates
        Limits, one or many: "negative_flip_rate <= 1%", "… by region", "… where region=EU".
        `flipcheck.METRICS` has what can be limited.
    decide, confidence, bound, resamples, seed
        What decides a gate ("bound", or the estimate alone: "point"), at which level (0.95), the
        bound of clustered and weighted examples, bootstrap resamples, and the seed of all dice.
    critical, waivers, label_noise, costs, rerun
        Ids that must never break; flips that are accepted; the share of labels that may be wrong;
        what a flip costs, as {(old, new): cost}; predictions of the old model run again.
    by, quantiles, min_slice, discover, confirm
        Columns to slice by ("A,B" for both together); into how many slices a column of numbers is
        cut; the least examples of a slice that is judged; search for slices; how it is confirmed.
    cluster, weight
        The column of what was drawn together (users, videos), which makes intervals wider; the
        column of how much each example counts.
    id, label, prediction, correct, features, text
        The columns of a file: ids, true labels, answers, verdicts, what models are given.
    old_data, new_data, labels, labels_from, allow_missing
        One side's own features; a file of labels; whose labels are true ("old" or "new"); leave
        out examples that are not on both sides.
    format, old_format, new_format, pick, old_pick, new_pick
        The format of saved predictions, and what is taken of a log that holds several.
    classes, old_classes, new_classes, label_map, old_label_map, new_label_map
        Class names in index order; labels and answers translated.
    score, old_score, new_score, tolerance, score_range
        Columns of graded answers, in place of right and wrong.
    probability, threshold, old_threshold, new_threshold
        The column of the second class's probability, and from where on it is that class.
    multilabel, per, separator, top_k, normalise, abstain
        How answers are judged: sets of labels, the best k, texts after steps such as "strip,case",
        and answers that decline.
    output, old_output, new_output, input, old_input, new_input
        The output of a model to read; inputs that are the same for all examples.
    preprocess, old_preprocess, new_preprocess, provider, provider_option, allow_fallback
        What is done to images or arrays; the execution provider of ONNX Runtime.
    stop_early, cache, progress
        Stop when the gates are decided; a folder for results, or False; a function that is called
        with how many examples are done, and of how many.
    listed, show, history
        How many flips a report lists; columns it shows beside them; earlier reports in order.

    Examples
    --------
    >>> import flipcheck
    >>> labels = ["cat", "dog", "dog"]
    >>> report = flipcheck.compare(["cat", "dog", "cat"], ["dog", "dog", "dog"], labels)
    >>> report.tally.negative_flips, report.tally.positive_flips
    (1, 1)
    >>> by = {"region": ["EU", "EU", "US"]}
    >>> gated = flipcheck.compare(
    ...     labels, labels, labels, gates="negative_flip_rate <= 80% by region", by=by
    ... )
    >>> print(gated.verdict)
    inconclusive
    """
    for name in ("gates", "by"):
        if hasattr(options.get(name), "__next__"):  # what can be read only once
            options[name] = list(options[name])
    if is_in_memory(old) and is_in_memory(new):
        check_columns(options)
        found = in_memory(old, new, data, options)
        return _audited(found.old, found.new, None, found.options)
    if is_in_memory(data):
        raise no_column("new", new) if is_in_memory(old) else no_column("old", old)
    return _audited(old, new, data, options)


def _audited(
    old: PathText | Predictions, new: PathText | Predictions, data: PathText | None, options: Any
) -> Report:
    check_call({"old": old, "new": new}, options, "compare", Options.__annotations__)
    check_score(options)
    settings = settings_of(options)
    gates = gates_of(options.get("gates", ()))
    given = given_of(old, new, data, options, columns_by(options, gates))
    costs = costs_of(options.get("costs"))
    policy = policy_of(options)
    check_shown(given, shown_of(options))
    history = _history(options)
    with laid_down(given) as given:
        found, early = _found(given, gates, settings, options)
        data_read = _data(given, found)
        files = source_files(given, found)
    reruns = _reruns(given, found, options)
    report = audit(
        found.paired,
        _model(found.old),
        _model(found.new),
        data_read,
        settings,
        gates=gates,
        by=[name for name in given.by if name != CLASS],
        beside=Beside(
            found.cluster,
            given.weight or ("weights" if found.paired.weights is not None else None),
            costs,
            [Rerun(each.name, each.right, each.sha256) for each in reruns],
        ),
        policy=policy,
        discover=options.get("discover", False),
        confirm=options.get("confirm"),
        warnings=(
            *found.warnings,
            *unused_abstentions(given, found),
            *(note for each in reruns for note in each.warnings),
        ),
        early=early,
        scores=_scores(given, found, options),
        task=judged_task(given, found),
    )
    asked = {"old": old, "new": new, "data": data, **options}
    told = evidence_of(asked, report, files)
    report = replace(report, evidence=told, run=_run(found))  # all that was used is loaded by now
    texts = shown(given, found, shown_of(options))
    report = with_texts(_with_images(_with_contract(report, found), found), texts)
    return with_history(report, history) if history else report


def _history(options: Options) -> tuple[Past, ...]:
    """The earlier updates that were asked for, read before any model runs."""
    if not (given := options.get("history")):
        return ()
    from flipcheck.sources.history import history_of

    return history_of(given)


def _scores(given: Given, found: Gathered, options: Options) -> Scores | None:
    """What the scores are called. Raises UsageError for a tolerance of nothing."""
    if found.paired.grades is None:
        asked = ("score", "old_score", "new_score", "tolerance", "score_range")
        flags = [f"--{name.replace('_', '-')}" for name in asked if options.get(name)]
        if flags:
            raise UsageError(
                f"{' and '.join(flags)}: no side has graded answers",
                hint="name the column of scores of two files with --score, or give both "
                "predictions their scores",
            )
        return None
    old, new = (
        each.columns.score or "score"  # of predictions that bring their scores
        for each in (given.old_spec, given.new_spec)
    )
    return Scores(old, new, 0.0, 0.0, 0.0, given=given.score_range is not None)


def _found(
    given: Given, gates: Sequence[Gate], settings: Settings, options: Options
) -> tuple[Gathered, EarlyStop | None]:
    """Both sides, paired; with --stop-early as far as the gates took, and how far that was."""
    progress = options.get("progress") or silent
    if not options.get("stop_early"):
        return gather(given, progress), None
    from flipcheck.audits.early import check_early, decided, early_stop
    from flipcheck.sources.early import gather_early

    whole = [name for name in WHOLE_SET if options.get(name)]
    per_label = ["per"] if given.new_spec.task.by_label else []
    check_early(gates, settings, [*whole, *per_label])
    found, looks = gather_early(given, settings.seed, decided(gates, settings), progress)
    return found, early_stop(len(found.paired), found.of, looks, settings)


def predict(model: PathText, data: PathText, **options: Unpack[Options]) -> Predictions:
    """Run a model once over a test set; `flipcheck predict` saves what comes back.

    The options are those of `compare` that say how one model is run: classes, output, threshold,
    preprocess, features, text, input, provider, by, id, label ….
    """
    from flipcheck.sources.datasets import open_dataset
    from flipcheck.sources.files import file_kind
    from flipcheck.sources.onnx.model import open_model
    from flipcheck.sources.onnx.run import run

    check_call({}, options, "predict", PREDICTED)
    path = Path(model)
    if file_kind(path) != "onnx":
        raise UsageError(f"{path}: not an ONNX model", hint="give a model to run")
    spec = side_of("", options, columns_by(options, ()))
    dataset = open_dataset(Path(data), spec.columns)
    cache = cache_of(options, [data])
    found = run(
        [(open_model(path, spec, cache), spec)],
        dataset,
        progress=options.get("progress") or silent,
        cache=cache,
    )[0]
    asked = [column_names(each, found.columns) for each in columns_by(options, ())]
    for name in (name for names in asked for name in names):
        if name not in found.columns:
            raise UsageError(
                f"{data}: no column {name!r} (--by)", hint=nearest(name, found.available)
            )
    return replace(found, warnings=(*dataset.warnings, *found.warnings))


def repro(
    example: str | int,
    old: PathText | Predictions | None = None,
    new: PathText | Predictions | None = None,
    data: PathText | None = None,
    *,
    report: PathText | Report | None = None,
    **options: Unpack[Options],
) -> Repro:
    """One example through both sides: what went in, what came out, and what became of it.

    The sources are those of a call of `compare`, or those of its report, whose files must be the
    same still. Raises FlipcheckError for an unknown id, with the nearest ones.
    """
    from flipcheck.sources.repro import repro as traced

    check_call({}, options, "repro", REPRODUCED)
    kept = Report.load(Path(report)) if isinstance(report, (str, PathLike)) else report
    sources: dict[str, Any] = {"old": old, "new": new, "data": data, **options}
    if kept is not None:
        from flipcheck.evidence.again import example_options

        given = {name: each for name, each in sources.items() if each is not None}
        sources = {**sources, **example_options(kept, given), **given}
    first, second, tests = (sources.pop(name) for name in ("old", "new", "data"))
    check_call({"old": first, "new": second}, options, "repro", REPRODUCED)
    asked: Any = sources
    found, sides = traced(
        given_of(first, second, tests, asked, columns_by(asked, ())), str(example)
    )
    if kept is not None:
        from flipcheck.sources.reported import check_same

        check_same(kept, sides, found)
    return found


def verify(report: PathText | Report, root: PathText = ".", *, again: bool = False) -> Verification:
    """Whether the files that a report was made of are still what they were, each by its digest.

    What comes back is true where all are, so that `assert verify(report)` says so; its `verdict`
    is "same", "changed", "missing" or "unchecked", its `files` tell of each.

    Relative paths are those of the folder `root`. With `again` the audit is run again from the
    report's options where all files are the same, and its numbers are compared. Raises
    FlipcheckError for a report that was edited, and for one that does not tell its files.
    """
    from contextlib import chdir

    from flipcheck.evidence.again import audit_options
    from flipcheck.evidence.checking import differences, verified

    kept = report if isinstance(report, Report) else Report.load(Path(report))
    if not Path(root).is_dir():
        raise UsageError(f"{root}: no such folder (--root)", hint="check the path")
    options = audit_options(kept) if again else {}
    found = verified(kept, Path(root))
    if not again or found.verdict != "same":
        return found
    with chdir(root):
        return replace(found, differences=differences(kept, compare(**options, cache=False)))


def plan(
    gates: str | Gate | Sequence[Gate | str] = (),
    *,
    nfr: float | str | None = None,
    pfr: float | str | None = None,
    power: float | str = 0.8,
    examples: int | None = None,
    cluster_size: float | None = None,
    icc: float | None = None,
    pilot: PathText | Report | None = None,
    audits: int | None = None,
    confidence: float = 0.95,
    decide: Decide = "bound",
    seed: int = 0,
) -> Plan:
    """Plan a test set: the examples that gates need, or what `examples` of them can decide.

    With a pilot (a report of `compare`, or its JSON file) it is gate lint: how often the gates
    together would pass a bad update, block a good one, or stay undecided. Rates are shares
    (0.005) or texts ("0.5%"). Raises FlipcheckError for what cannot be planned.

    `nfr` and `pfr` are the rates that are expected, `power` how often the right verdict should be
    reached; `cluster_size` and `icc` tell of examples that come in clusters, and `audits` how many
    are simulated of each update.

    >>> import flipcheck
    >>> plan = flipcheck.plan("negative_flip_rate <= 1%", nfr="0.3%")
    >>> plan.gates[0].needs[0].stable  # examples, from there on with a power of 80%
    1049
    """
    from flipcheck.audits.plan import plan as planned
    from flipcheck.audits.sizes import Assumed

    assumed = Assumed(
        nfr=rate_of("--nfr", nfr),
        pfr=rate_of("--pfr", pfr),
        power=rate_of("--power", power) or 0.0,
        examples=examples,
        cluster_size=cluster_size,
        icc=icc,
        audits=audits,
    )
    settings = Settings(confidence=confidence, seed=seed, decide=decide)
    report = pilot if isinstance(pilot, Report) or pilot is None else Report.load(Path(pilot))
    return planned(gates_of(gates), settings, assumed, report)


def _reruns(given: Given, found: Gathered, options: Options) -> list[Again]:
    asked = options.get("rerun") or ()
    sources = [asked] if isinstance(asked, (str, PathLike, Predictions)) else asked
    if sources and found.paired.grades is not None:
        raise UsageError(
            "--rerun: noise is that of right and wrong answers, and these are graded",
            hint="leave it out; --tolerance says from when on a change counts",
        )
    runs = [
        rerun(given, found, each if isinstance(each, Predictions) else Path(each))
        for each in sources
    ]
    seen: dict[str, str] = {}
    for each in runs:
        if each.sha256 is not None and each.sha256 in seen:
            raise UsageError(
                f"--rerun {seen[each.sha256]} and {each.name}: one and the same run",
                hint="give each run once: twice the same noise is no more known",
            )
        seen[each.sha256 or ""] = each.name
    return runs


def _model(source: Predictions) -> Model:
    facts = dict(source.facts)
    for told_elsewhere in ("contract", "repeatability", "parts"):
        facts.pop(told_elsewhere, None)
    declared = facts.pop("declared", None)
    classes = facts.pop("classes", None) or declared
    return Model(
        name=_short(source.source or source.name),
        source=source.source or source.name,
        sha256=facts.pop("sha256", None),
        classes=None if classes is None else len(classes),
        missing_answers=0 if source.answers is None else source.answers.missing,
        facts={name: value for name, value in facts.items() if value not in (None, "", {}, [])},
    )


def _short(source: str) -> str:
    """The name of a file, without its folder and suffix; a pattern stays as it is."""
    stem = Path(source).stem
    return source if any(sign in stem for sign in "*?[") else stem


def _data(given: Given, found: Gathered) -> Data:
    path = given.labels or given.data or given.new_data or given.old_data
    digest = found.digests.get(str(path))
    if digest is None and path is not None:
        digest = digest_of(path)
    return Data(
        source=None if path is None else str(path),
        examples=len(found.paired),
        sha256=digest,
        dropped=found.paired.dropped,
        label_disagreements=found.paired.label_disagreements,
    )


def _run(found: Gathered) -> dict[str, str]:
    """Versions of what decided the answers and the numbers."""
    sides = (found.old.facts, found.new.facts)
    return versions_of(sides, images=found.images is not None)


def _with_contract(report: Report, found: Gathered) -> Report:
    """The report with what differs between the models, and how each repeats itself."""
    sides = {"old": found.old, "new": found.new}
    told = {side: each.facts.get("repeatability") for side, each in sides.items()}
    return replace(
        report,
        contract=found.contract,
        repeatability=repeatability_from({side: each for side, each in told.items() if each}),
    )


def _with_images(report: Report, found: Gathered) -> Report:
    if found.images is None:
        return report
    from flipcheck.sources.thumbnails import MOST, thumbnails

    ids = [example.id for example in report.negative_flips.examples[:MOST]]
    return report.with_images(thumbnails(found.images, ids))
