"""The calls of the Python API: paths or predictions in; a Report, Predictions or a Plan out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from flipcheck.audits.compare import compare as audit
from flipcheck.audits.measuring import Beside, Costs, Rerun
from flipcheck.contract import repeatability_from
from flipcheck.errors import UsageError, nearest
from flipcheck.gates import Gate, share
from flipcheck.policy import Policy
from flipcheck.predictions import Predictions
from flipcheck.report import Data, Model, Report, Scores, Settings
from flipcheck.slices import CLASS, column_names
from flipcheck.sources.shards import digest_of
from flipcheck.sources.sides import Again, Gathered, gather, rerun
from flipcheck.sources.spec import Columns, Given, Provider, SideSpec
from flipcheck.sources.standard_input import laid_down, path_of
from flipcheck.sources.told import judged_task, unused_abstentions
from flipcheck.tasks.task import Task, check_conflicts

if TYPE_CHECKING:
    from typing import Unpack

    from flipcheck.audits.plan import Plan
    from flipcheck.gates import Decide
    from flipcheck.predictions import Side
    from flipcheck.report import EarlyStop
    from flipcheck.sources.cache import Cache
    from flipcheck.sources.onnx.run import Progress
    from flipcheck.sources.policy import CriticalIds, WaiverRows
    from flipcheck.sources.repro import Repro
    from flipcheck.stats.discovery import Confirm
    from flipcheck.stats.effective import Bound
    from flipcheck.tasks import Per

PathText = str | PathLike[str]
Names = str | Sequence[str] | None
"""Class names: a file, names inline with commas, or a list."""
Translation = str | Mapping[str, str] | None
"""A label map: a file, a JSON object as text, or a mapping."""
Constants = str | Sequence[str] | Mapping[str, object] | None
"""Values by name: a mapping, or texts such as "training=false"."""

Chosen = str | Sequence[str] | Mapping[str, str] | None
"""What is taken of a log that holds several: KEY=VALUE, one or many, or a mapping."""


class Options(TypedDict, total=False):
    """What `compare` takes beside its sources; each is the command's option of that name."""

    gates: str | Gate | Sequence[Gate | str]
    critical: CriticalIds | None
    waivers: WaiverRows | None
    label_noise: str | float | None
    by: str | Sequence[str]
    quantiles: int
    min_slice: int
    discover: bool
    confirm: Confirm | None
    old_data: PathText | None
    new_data: PathText | None
    labels: PathText | None
    labels_from: Side | None
    allow_missing: bool
    id: str | None
    label: str | None
    prediction: str | None
    correct: str | None
    format: str | None
    old_format: str | None
    new_format: str | None
    pick: Chosen
    old_pick: Chosen
    new_pick: Chosen
    score: str | None
    old_score: str | None
    new_score: str | None
    tolerance: float
    score_range: str | tuple[float, float] | None
    classes: Names
    old_classes: Names
    new_classes: Names
    label_map: Translation
    old_label_map: Translation
    new_label_map: Translation
    output: str | None
    old_output: str | None
    new_output: str | None
    probability: str | None
    multilabel: bool
    per: Per | None
    separator: str | None
    top_k: int | None
    normalise: str | Sequence[str] | None
    abstain: str | Sequence[str] | None
    threshold: float | None
    old_threshold: float | None
    new_threshold: float | None
    preprocess: str | None
    old_preprocess: str | None
    new_preprocess: str | None
    features: Names
    text: Names
    input: Constants
    old_input: Constants
    new_input: Constants
    provider: str | None
    provider_option: Constants
    allow_fallback: bool
    cluster: str | None
    weight: str | None
    costs: PathText | Mapping[tuple[str, str], float] | None
    rerun: PathText | Predictions | Sequence[PathText | Predictions]
    bound: Bound
    confidence: float
    resamples: int
    seed: int
    decide: Decide
    stop_early: bool
    listed: int
    cache: PathText | bool
    progress: Progress


def compare(
    old: PathText | Predictions,
    new: PathText | Predictions,
    data: PathText | None = None,
    **options: Unpack[Options],
) -> Report:
    """Audit an update: which answers that the old model got right does the new one break?

    `old` and `new` are ONNX models or saved predictions, in any mixture; `data` is the labelled
    test set for models (a folder of images by class, .npz, .csv, .jsonl or .parquet). Raises
    FlipcheckError for bad input: what is wrong, where, and how to fix it.
    """
    _check_call({"old": old, "new": new}, options, "compare", Options.__annotations__)
    _check_score(options)
    settings = _settings(options)
    gates = _gates(options.get("gates", ()))
    given = _given(old, new, data, options, _columns_by(options, gates))
    costs = _costs(options.get("costs"))
    policy = _policy(options)
    with laid_down(given) as given:
        found, early = _found(given, gates, settings, options)
        data_read = _data(given, found)
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
        run=_run(found),
        early=early,
        scores=_scores(given, found, options),
        task=judged_task(given, found),
    )
    return _with_images(_with_contract(report, found), found)


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


def _score_range(value: str | tuple[float, float] | None) -> tuple[float, float] | None:
    """From where to where scores lie, as in "0,100" or (0, 100)."""
    if value is None:
        return None
    try:
        low, high = map(float, value.split(",") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise UsageError(
            f"cannot read the range of scores {value!r}",
            hint="write the least and the largest that a score can be, as in --score-range 0,1",
        )
    return low, high


def _tolerance(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise UsageError(
            f"a tolerance of {value!r}", hint="give a number from 0, in units of the score"
        )
    return float(value)


def _check_score(options: Options) -> None:
    """Raise UsageError for scores beside verdicts, or of one side only."""
    named = [name for name in ("score", "old_score", "new_score") if options.get(name)]
    flags = [f"--{name.replace('_', '-')}" for name in named]
    beside = [name for name in ("correct", "rerun") if options.get(name)]
    if named and beside:
        raise UsageError(
            f"{flags[0]} and --{beside[0]}: answers are graded, or right and wrong",
            hint="leave one of them out",
        )
    if named in (["old_score"], ["new_score"]):
        other = "--new-score" if named == ["old_score"] else "--old-score"
        raise UsageError(
            f"{flags[0]}: the other side has no column of scores",
            hint=f"name it with {other}, or both with --score",
        )


WHOLE_SET = (
    *("cluster", "weight", "costs", "rerun", "critical", "waivers", "label_noise", "discover"),
)
"""Options that speak of the whole test set, and so not of a run that may stop early."""


def _found(
    given: Given, gates: Sequence[Gate], settings: Settings, options: Options
) -> tuple[Gathered, EarlyStop | None]:
    """Both sides, paired; with --stop-early as far as the gates took, and how far that was."""
    progress = options.get("progress") or _silent
    if not options.get("stop_early"):
        return gather(given, progress), None
    from flipcheck.audits.early import check_early, decided, early_stop
    from flipcheck.sources.early import gather_early

    whole = [name for name in WHOLE_SET if options.get(name)]
    per_label = ["per"] if given.new_spec.task.by_label else []
    check_early(gates, settings, [*whole, *per_label])
    found, looks = gather_early(given, settings.seed, decided(gates, settings), progress)
    return found, early_stop(len(found.paired), found.of, looks, settings)


PREDICTED = (
    *("by", "id", "label", "features", "classes", "label_map", "output", "threshold"),
    *("preprocess", "text", "input", "provider", "provider_option", "allow_fallback"),
    *("multilabel", "separator", "top_k", "cache", "progress"),
)
"""The options of `compare` that say how one model is run, which `predict` takes."""


def _check_call(
    sources: Mapping[str, object], options: Mapping[str, Any], call: str, taken: Iterable[str]
) -> None:
    """Raise UsageError for a source or an option that a call does not take."""
    for name, source in sources.items():
        if not isinstance(source, (str, PathLike, Predictions)):
            raise UsageError(
                f"{name} is a {type(source).__name__}, neither a path nor predictions",
                hint="make predictions of arrays or columns with "
                "flipcheck.Predictions.from_arrays(answers, labels, ids=ids)",
            )
    unknown = sorted(set(options) - set(taken))
    if unknown:
        hint = nearest(unknown[0], taken)
        if unknown[0].startswith(("max_", "gate")):
            hint = 'give limits as gates=["negative_flip_rate <= 1%"]'
        raise UsageError(f"{call}() has no option {unknown[0]!r}", hint=hint)


def predict(model: PathText, data: PathText, **options: Unpack[Options]) -> Predictions:
    """Run a model once over a test set; `flipcheck predict` saves what comes back."""
    from flipcheck.sources.datasets import open_dataset
    from flipcheck.sources.files import file_kind
    from flipcheck.sources.onnx.model import open_model
    from flipcheck.sources.onnx.run import run

    _check_call({}, options, "predict", PREDICTED)
    path = Path(model)
    if file_kind(path) != "onnx":
        raise UsageError(f"{path}: not an ONNX model", hint="give a model to run")
    spec = _side("", options, _columns_by(options, ()))
    dataset = open_dataset(Path(data), spec.columns)
    cache = _cache(options, [data])
    found = run(
        [(open_model(path, spec, cache), spec)],
        dataset,
        progress=options.get("progress") or _silent,
        cache=cache,
    )[0]
    asked = [column_names(each, found.columns) for each in _columns_by(options, ())]
    for name in (name for names in asked for name in names):
        if name not in found.columns:
            raise UsageError(
                f"{data}: no column {name!r} (--by)", hint=nearest(name, found.available)
            )
    return replace(found, warnings=(*dataset.warnings, *found.warnings))


REPRODUCED = (
    *("old_data", "new_data", "labels", "labels_from", "id", "label", "prediction", "correct"),
    *("features", "classes", "old_classes", "new_classes", "label_map", "old_label_map"),
    *("new_label_map", "output", "old_output", "new_output", "threshold", "old_threshold"),
    *("new_threshold", "preprocess", "old_preprocess", "new_preprocess", "by", "cluster", "weight"),
)
"""The options of `compare` that decide an answer, which `repro` takes."""


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

    _check_call({}, options, "repro", REPRODUCED)
    kept = Report.load(Path(report)) if isinstance(report, (str, PathLike)) else report
    sources: dict[str, Any] = {"old": old, "new": new, "data": data, **options}
    if kept is not None:
        from flipcheck.sources.reported import check_judged_alike, sources_of

        check_judged_alike(kept)
        given = {name: each for name, each in sources.items() if each is not None}
        sources = {**sources, **sources_of(kept), **given}
    first, second, tests = (sources.pop(name) for name in ("old", "new", "data"))
    _check_call({"old": first, "new": second}, options, "repro", REPRODUCED)
    asked: Any = sources
    found, sides = traced(_given(first, second, tests, asked, _columns_by(asked, ())), str(example))
    if kept is not None:
        from flipcheck.sources.reported import check_same

        check_same(kept, sides, found)
    return found


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
    """
    from flipcheck.audits.plan import plan as planned
    from flipcheck.audits.sizes import Assumed

    assumed = Assumed(
        nfr=_rate("--nfr", nfr),
        pfr=_rate("--pfr", pfr),
        power=_rate("--power", power) or 0.0,
        examples=examples,
        cluster_size=cluster_size,
        icc=icc,
        audits=audits,
    )
    settings = Settings(confidence=confidence, seed=seed, decide=decide)
    report = pilot if isinstance(pilot, Report) or pilot is None else Report.load(Path(pilot))
    return planned(_gates(gates), settings, assumed, report)


def _gates(asked: str | Gate | Sequence[Gate | str]) -> list[Gate]:
    """Gates from texts or gates, one or many."""
    texts = [asked] if isinstance(asked, (str, Gate)) else asked
    return [gate if isinstance(gate, Gate) else Gate.parse(gate) for gate in texts]


def _rate(name: str, written: float | str | None) -> float | None:
    """A share from a number or a text such as "0.5%"."""
    return share(written, name) if isinstance(written, str) else written


def _silent(_done: int, _total: int) -> None:
    """No progress."""


def _settings(options: Options) -> Settings:
    names = {field.name for field in fields(Settings)}
    given: dict[str, Any] = {name: value for name, value in options.items() if name in names}
    return Settings(**given)


def _policy(options: Options) -> Policy:
    """What the release is held to beside its gates, read before any model runs."""
    names: tuple[Any, ...] = ("critical", "waivers", "label_noise", "id")
    given: list[Any] = [options.get(name) for name in names]
    if all(value is None for value in given[:-1]):
        return Policy()
    from flipcheck.sources.policy import read_policy

    return read_policy(*given)


def _columns_by(options: Options, gates: Sequence[Gate]) -> tuple[str, ...]:
    """The columns to slice by: those asked for, and those that gates speak of."""
    given = options.get("by", ())
    asked = [given] if isinstance(given, str) else list(given)
    for gate in gates:
        name = gate.by or (gate.where[0] if gate.where else None)
        if name is not None:
            asked.append(name)
    return tuple(dict.fromkeys(asked))


def _loaded(by: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that slices need: "A,B" is a column of that name, or the columns A and B."""
    return tuple(dict.fromkeys(name for each in by for name in (each, *each.split(","))))


def _given(
    old: PathText | Predictions,
    new: PathText | Predictions,
    data: PathText | None,
    options: Options,
    by: tuple[str, ...],
) -> Given:
    return Given(
        old=old if isinstance(old, Predictions) else path_of(old),
        new=new if isinstance(new, Predictions) else path_of(new),
        old_spec=_side("old_", options, by),
        new_spec=_side("new_", options, by),
        data=_path(data),
        old_data=_path(options.get("old_data")),
        new_data=_path(options.get("new_data")),
        labels=_path(options.get("labels")),
        classes=_names(options.get("classes")),
        label_map=_table(options.get("label_map")),
        labels_from=options.get("labels_from"),
        allow_missing=options.get("allow_missing", False),
        tolerance=_tolerance(options.get("tolerance", 0.0)),
        score_range=_score_range(options.get("score_range")),
        by=by,
        cluster=options.get("cluster"),
        weight=options.get("weight"),
        cache=_cache(options, [data, options.get("old_data"), options.get("new_data")]),
    )


def _cache(options: Options, data: Iterable[PathText | None]) -> Cache | None:
    """The cache that was asked for. Raises UsageError where it would lie in a test set."""
    from flipcheck.sources.cache import open_cache

    cache = open_cache(options.get("cache"))
    if cache is None:
        return None
    root = cache.root.resolve()
    for each in (Path(path).resolve() for path in data if path is not None):
        if each in {root, *root.parents}:
            raise UsageError(
                f"the cache {cache.root} would lie in the test set {each}",
                hint="name another folder with --cache, or say --no-cache",
            )
    return cache


def _costs(given: PathText | Mapping[tuple[str, str], float] | None) -> Costs | None:
    if given is None:
        return None
    if isinstance(given, Mapping):
        return Costs(dict(given), "costs")
    from flipcheck.sources.costs import read_costs

    table, digest = read_costs(Path(given))
    return Costs(table, str(given), digest)


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


def _path(value: PathText | None) -> Path | None:
    return None if value is None else path_of(value)


def _side(prefix: str, options: Mapping[str, Any], by: tuple[str, ...]) -> SideSpec:
    """One side's options: its own where given, else those for both."""

    def own(name: str) -> Any:
        mine = options.get(f"{prefix}{name}")
        return options.get(name) if mine is None else mine

    task = _asked(options, own("threshold"), _names(own("classes")))
    return SideSpec(
        task=task,
        columns=Columns(
            id=options.get("id"),
            label=options.get("label"),
            prediction=options.get("prediction"),
            correct=options.get("correct"),
            score=own("score"),
            by=_loaded(by),
            cluster=options.get("cluster"),
            weight=options.get("weight"),
            format=own("format"),
            pick=_picks(options, prefix),
            task=task,
        ),
        classes=_names(own("classes")),
        classes_are_own=not prefix or options.get(f"{prefix}classes") is not None,
        label_map=_table(own("label_map")),
        output=own("output"),
        threshold=own("threshold"),
        preprocess=own("preprocess"),
        features=_features(own("features")),
        text=_features(options.get("text")),
        inputs=_inputs(prefix, options),
        provider=_provider(options),
    )


def _inputs(prefix: str, options: Mapping[str, Any]) -> Mapping[str, str]:
    """The constant inputs of one side: those for both, overruled by its own."""
    from flipcheck.sources.onnx.constants import written

    own = written(f"--{prefix.replace('_', '-')}input", options.get(f"{prefix}input"))
    return {**written("--input", options.get("input")), **own}


def _provider(options: Mapping[str, Any]) -> Provider:
    from flipcheck.sources.onnx.constants import written

    more = written("--provider-option", options.get("provider_option"))
    name = options.get("provider")
    if name is None and (more or options.get("allow_fallback")):
        raise UsageError(
            "--provider-option and --allow-fallback need a --provider",
            hint="name it, as in --provider cuda",
        )
    return Provider(name, more, options.get("allow_fallback", False))


def _picks(options: Mapping[str, Any], prefix: str) -> tuple[tuple[str, str], ...]:
    """What one side takes of a log: what is picked for both, and over it what is its own."""
    from flipcheck.sources.logs.picks import parse_picks

    found: dict[str, str] = {}
    for name in dict.fromkeys(("pick", f"{prefix}pick")):
        given: Chosen = options.get(name)
        if isinstance(given, Mapping):
            found |= given
        elif given:
            found |= parse_picks([given] if isinstance(given, str) else given)
    return tuple(found.items())


def _asked(
    options: Mapping[str, Any], threshold: float | None, classes: tuple[str, ...] | None
) -> Task:
    """What one side is asked, and how its answers are judged."""
    from flipcheck.tasks.normalising import steps_of

    steps, declining = options.get("normalise"), options.get("abstain")
    task = Task(
        probability=options.get("probability"),
        threshold=threshold,
        classes=classes,
        multilabel=options.get("multilabel", False),
        per=options.get("per"),
        separator=options.get("separator"),
        top_k=options.get("top_k"),
        normalise=steps_of(steps) if isinstance(steps, str) else tuple(steps or ()),
        abstain=(declining,) if isinstance(declining, str) else tuple(declining or ()),
    )
    check_conflicts(task, prediction=options.get("prediction"), correct=options.get("correct"))
    return task


def _names(value: Names) -> tuple[str, ...] | None:
    if value is None:
        return None
    from flipcheck.sources.names import class_list, given_classes

    return class_list(value) if isinstance(value, str) else given_classes(value)


def _features(value: Names) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name.strip() for name in names)


def _table(value: Translation) -> Mapping[str, str]:
    if value is None:
        return {}
    from flipcheck.sources.names import label_map

    if isinstance(value, str):
        return label_map(value)
    return {str(name): str(other) for name, other in value.items()}


def _model(source: Predictions) -> Model:
    facts = dict(source.facts)
    for told_elsewhere in ("contract", "repeatability"):
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
    shown = found.images is not None and str(path) == found.images.source
    digest = found.images.sha256 if found.images is not None and shown else None
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
    """Versions of what decided the answers: the runtime and the decoder, where they were used."""
    used = {}
    if any(source.facts.get("kind") == "onnx" for source in (found.old, found.new)):
        import onnxruntime

        used["onnxruntime"] = str(onnxruntime.__version__)
        used["provider"] = ", ".join(
            dict.fromkeys(
                source.facts["provider"]
                for source in (found.old, found.new)
                if "provider" in source.facts
            )
        )
        if found.images is not None:
            import PIL

            used["pillow"] = PIL.__version__
    return used


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
    from flipcheck.sources.thumbnails import thumbnails

    ids = [example.id for example in report.negative_flips.examples]
    return report.with_images(thumbnails(found.images, ids))
