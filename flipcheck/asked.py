"""What a call asks: its options as gates, settings, policies, and how both sides are read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from flipcheck.audits.measuring import Costs
from flipcheck.errors import UsageError, nearest
from flipcheck.gates import Gate, share
from flipcheck.policy import Policy
from flipcheck.predictions import Predictions
from flipcheck.report import Settings
from flipcheck.slices import CLASS, column_names
from flipcheck.sources.memory import named_columns
from flipcheck.sources.spec import Columns, Given, Provider, SideSpec
from flipcheck.sources.standard_input import path_of
from flipcheck.tasks.task import Task, check_conflicts

if TYPE_CHECKING:
    from flipcheck.gates import Decide
    from flipcheck.predictions import Side
    from flipcheck.report import Report
    from flipcheck.sources.cache import Cache
    from flipcheck.sources.onnx.run import Progress
    from flipcheck.sources.policy import CriticalIds, WaiverRows
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
    show: str | Sequence[str]
    history: PathText | Report | Sequence[PathText | Report]
    cache: PathText | bool
    progress: Progress


Values = Any
"""A column in memory: a list, an array or a Series, or a table of scores."""


class OptionsOfArrays(Options, total=False):
    """What `compare` takes beside columns: the same options, of which some may be columns."""

    by: str | Sequence[str] | Mapping[str, Values]  # type: ignore[misc]
    cluster: str | Values | None
    weight: str | Values | None
    id: str | Values | None
    classes: Names | Values
    old_classes: Names | Values
    new_classes: Names | Values


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


def check_score(options: Options) -> None:
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


PREDICTED = (
    *("by", "id", "label", "features", "classes", "label_map", "output", "threshold"),
    *("preprocess", "text", "input", "provider", "provider_option", "allow_fallback"),
    *("multilabel", "separator", "top_k", "cache", "progress"),
)
"""The options of `compare` that say how one model is run, which `predict` takes."""


def check_call(
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


NAMED = 'give it with its name: by={"region": column}'
OF_COLUMNS = (
    *("gates", "critical", "waivers", "label_noise", "by", "quantiles", "min_slice", "discover"),
    *("confirm", "allow_missing", "id", "classes", "old_classes", "new_classes", "label_map"),
    *("old_label_map", "new_label_map", "normalise", "abstain", "cluster", "weight", "costs"),
    *("rerun", "bound", "confidence", "resamples", "seed", "decide", "stop_early", "listed"),
    *("history", "cache", "progress"),
)
"""The options of `compare` that mean something for columns in memory."""


def check_columns(options: Mapping[str, Any]) -> None:
    """Raise UsageError for options that are of files or models, where columns are compared."""
    for name, value in options.items():
        of_files = name in Options.__annotations__ and name not in OF_COLUMNS
        if of_files and value is not None and value is not False:
            hint = "leave it out, or prepare the columns with it"
            if name == "labels":
                hint = "give them third: flipcheck.compare(old_answers, new_answers, labels)"
            raise UsageError(f"{name} is for files or models, and these are columns", hint=hint)
    _check_by(options)
    if isinstance(options.get("id"), str):
        raise UsageError("id names a column of a file", hint="give the ids themselves, as a column")
    if hasattr(options.get("rerun"), "dtype"):
        raise UsageError(
            "rerun is a column of answers",
            hint="give predictions: flipcheck.Predictions.from_arrays(answers, ids=ids)",
        )


def _check_by(options: Mapping[str, Any]) -> None:
    """Raise UsageError for slices by columns that are not there, or have no name."""
    by = named_columns(() if options.get("by") is None else options["by"])
    named = not isinstance(by, (list, tuple)) or all(isinstance(each, str) for each in by)
    if not named or hasattr(by, "dtype"):
        raise UsageError("by is a column without a name", hint=NAMED)
    there = {str(name) for name in by} if hasattr(by, "items") else set()
    for name in ("cluster", "weight"):
        value = options.get(name)
        if isinstance(value, str) and (name == "weight" or value not in there):
            raise UsageError(
                f"no column {value!r} was given ({name})", hint="give the column itself"
            )
    asked: Any = {} if there else {"by": by}
    for name in columns_by(asked, gates_of(options.get("gates", ()))):
        for each in column_names(name, there):
            if each not in {*there, CLASS}:
                raise UsageError(f"no column {each!r} to slice by was given", hint=NAMED)


REPRODUCED = (
    *("old_data", "new_data", "labels", "labels_from", "id", "label", "prediction", "correct"),
    *("features", "classes", "old_classes", "new_classes", "label_map", "old_label_map"),
    *("new_label_map", "output", "old_output", "new_output", "threshold", "old_threshold"),
    *("new_threshold", "preprocess", "old_preprocess", "new_preprocess", "by", "cluster", "weight"),
    *("text", "input", "old_input", "new_input", "provider", "provider_option", "allow_fallback"),
    *("format", "old_format", "new_format", "pick", "old_pick", "new_pick", "probability"),
    *("multilabel", "separator", "top_k", "normalise", "abstain"),
    *("score", "old_score", "new_score", "tolerance", "score_range"),
)
"""The options of `compare` that decide an answer, which `repro` takes."""


def gates_of(asked: str | Gate | Iterable[Gate | str] | None) -> list[Gate]:
    """Gates from texts or gates, none, one or many, each once; the wrong way round is an error."""
    texts: Iterable[Any] = () if asked is None else [asked]
    if not isinstance(asked, (str, Gate)) and isinstance(asked, Iterable):
        texts = list(asked)
    for each in texts:
        if not isinstance(each, (str, Gate)):
            raise UsageError(
                f"{each!r} is not a gate", hint="write it as 'negative_flip_rate <= 1%'"
            )
    found: dict[object, Gate] = {}
    for gate in (each if isinstance(each, Gate) else Gate.parse(each) for each in texts):
        _check_way(gate)
        found.setdefault((gate.metric, gate.operator, gate.limit, gate.by, gate.where), gate)
    return list(found.values())


EITHER_WAY = (
    *("old_error_rate", "new_error_rate", "old_mean_score", "new_mean_score"),
    *("positive_flip_rate", "positive_flip_impact", "mean_gain"),
)
"""What may be limited from its good side too: one model alone, and how much an update changes."""


def _check_way(gate: Gate) -> None:
    """Refuse a gate that an update passes by being bad."""
    way = {"lower": True, "higher": False}.get(gate.measures.better, gate.upper)
    if gate.upper is way or gate.metric in EITHER_WAY:
        return
    turned = gate.operator.translate(str.maketrans("<>", "><"))
    raise UsageError(
        f"gate '{gate}' asks for what is worse: of {gate.measures.title}, "
        f"{gate.measures.better} is better",
        hint=f"did you mean '{str(gate).replace(f' {gate.operator} ', f' {turned} ', 1)}'?",
    )


def rate_of(name: str, written: float | str | None) -> float | None:
    """A share from a number or a text such as "0.5%"."""
    return share(written, name) if isinstance(written, str) else written


def silent(_done: int, _total: int) -> None:
    """No progress."""


def settings_of(options: Options) -> Settings:
    """What the audit is told of levels, resamples and seeds."""
    names = {field.name for field in fields(Settings)}
    given: dict[str, Any] = {name: value for name, value in options.items() if name in names}
    return Settings(**given)


def policy_of(options: Options) -> Policy:
    """What the release is held to beside its gates, read before any model runs."""
    names: tuple[Any, ...] = ("critical", "waivers", "label_noise", "id")
    given: list[Any] = [options.get(name) for name in names]
    if all(value is None for value in given[:-1]):
        return Policy()
    from flipcheck.sources.policy import read_policy

    return read_policy(*given)


def shown_of(options: Options) -> Sequence[str] | None:
    """The columns to show beside flips; None where nobody said."""
    given = options.get("show")
    return [given] if isinstance(given, str) else given


def columns_by(options: Options, gates: Sequence[Gate]) -> tuple[str, ...]:
    """The columns to slice by: those asked for, and those that gates speak of."""
    given = options.get("by") or ()
    asked = [given] if isinstance(given, str) else list(given)
    for gate in gates:
        name = gate.by or (gate.where[0] if gate.where else None)
        if name is not None:
            asked.append(name)
    return tuple(dict.fromkeys(asked))


def _loaded(by: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that slices need: "A,B" is a column of that name, or the columns A and B."""
    return tuple(dict.fromkeys(name for each in by for name in (each, *each.split(","))))


def given_of(
    old: PathText | Predictions,
    new: PathText | Predictions,
    data: PathText | None,
    options: Options,
    by: tuple[str, ...],
) -> Given:
    """Both sides, their data, and how each is read."""
    return Given(
        old=old if isinstance(old, Predictions) else path_of(old),
        new=new if isinstance(new, Predictions) else path_of(new),
        old_spec=side_of("old_", options, by),
        new_spec=side_of("new_", options, by),
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
        cache=cache_of(options, [data, options.get("old_data"), options.get("new_data")]),
    )


def cache_of(options: Options, data: Iterable[PathText | None]) -> Cache | None:
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


def costs_of(given: PathText | Mapping[tuple[str, str], float] | None) -> Costs | None:
    """The cost matrix that was given, of a file or as a mapping."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        return Costs(dict(given), "costs")
    from flipcheck.sources.costs import read_costs

    table, digest = read_costs(Path(given))
    return Costs(table, str(given), digest)


def _path(value: PathText | None) -> Path | None:
    return None if value is None else path_of(value)


def side_of(prefix: str, options: Mapping[str, Any], by: tuple[str, ...]) -> SideSpec:
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
    options: Mapping[str, Any],
    threshold: float | None,
    classes: tuple[str, ...] | None,
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
    said = {name: options.get(name) for name in ("prediction", "correct")}
    check_conflicts(task, **said)
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
