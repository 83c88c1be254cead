"""The calls of the Python API: paths or predictions in; a Report, Predictions or a Plan out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from flipcheck.audits.compare import compare as audit
from flipcheck.audits.measuring import Beside, Costs, Rerun
from flipcheck.errors import UsageError, nearest
from flipcheck.gates import Gate, share
from flipcheck.policy import Policy
from flipcheck.predictions import Predictions
from flipcheck.report import Data, Model, Report, Settings
from flipcheck.slices import CLASS, column_names
from flipcheck.sources.sides import Again, Gathered, gather, rerun
from flipcheck.sources.spec import Columns, Given, SideSpec
from flipcheck.sources.told import judged_task, unused_abstentions
from flipcheck.tasks.task import Task, check_conflicts

if TYPE_CHECKING:
    from typing import Unpack

    from flipcheck.audits.plan import Plan
    from flipcheck.gates import Decide
    from flipcheck.predictions import Side
    from flipcheck.report import EarlyStop
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
    progress: Progress


def compare(
    old: PathText | Predictions,
    new: PathText | Predictions,
    data: PathText | None = None,
    **options: Unpack[Options],
) -> Report:
    """Audit an update: which answers that the old model got right does the new one break?

    `old` and `new` are ONNX models or saved predictions, in any mixture; `data` is the labelled
    test set for models (a folder of images by class, .npz, .csv or .parquet). Raises
    FlipcheckError for bad input: what is wrong, where, and how to fix it.
    """
    _check_call({"old": old, "new": new}, options, "compare", Options.__annotations__)
    settings = _settings(options)
    gates = _gates(options.get("gates", ()))
    given = _given(old, new, data, options, _columns_by(options, gates))
    costs = _costs(options.get("costs"))
    policy = _policy(options)
    found, early = _found(given, gates, settings, options)
    reruns = _reruns(given, found, options)
    report = audit(
        found.paired,
        _model(found.old),
        _model(found.new),
        _data(given, found),
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
        task=judged_task(given, found),
    )
    return _with_images(report, found)


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
    *("preprocess", "progress", "multilabel", "separator", "top_k"),
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
    found = run(
        [(open_model(path, spec), spec)], dataset, progress=options.get("progress") or _silent
    )[0]
    asked = [column_names(each, found.columns) for each in _columns_by(options, ())]
    for name in (name for names in asked for name in names):
        if name not in found.columns:
            raise UsageError(
                f"{data}: no column {name!r} (--by)", hint=nearest(name, found.available)
            )
    return replace(found, warnings=(*dataset.warnings, *found.warnings))


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
        old=old if isinstance(old, Predictions) else Path(old),
        new=new if isinstance(new, Predictions) else Path(new),
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
        by=by,
        cluster=options.get("cluster"),
        weight=options.get("weight"),
    )


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
    return None if value is None else Path(value)


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
            by=_loaded(by),
            cluster=options.get("cluster"),
            weight=options.get("weight"),
            task=task,
        ),
        classes=_names(own("classes")),
        classes_are_own=not prefix or options.get(f"{prefix}classes") is not None,
        label_map=_table(own("label_map")),
        output=own("output"),
        threshold=own("threshold"),
        preprocess=own("preprocess"),
        features=_features(own("features")),
    )


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
    declared = facts.pop("declared", None)
    classes = facts.pop("classes", None) or declared
    return Model(
        name=Path(source.source or source.name).stem,
        source=source.source or source.name,
        sha256=facts.pop("sha256", None),
        classes=None if classes is None else len(classes),
        missing_answers=0 if source.answers is None else source.answers.missing,
        facts={name: value for name, value in facts.items() if value not in (None, "", {}, [])},
    )


def _data(given: Given, found: Gathered) -> Data:
    path = given.labels or given.data or given.new_data or given.old_data
    shown = found.images is not None and str(path) == found.images.source
    digest = found.images.sha256 if found.images is not None and shown else None
    if digest is None and path is not None and path.is_file():
        from flipcheck.sources.files import sha256

        digest = sha256(path)
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
        if found.images is not None:
            import PIL

            used["pillow"] = PIL.__version__
    return used


def _with_images(report: Report, found: Gathered) -> Report:
    if found.images is None:
        return report
    from flipcheck.sources.thumbnails import thumbnails

    ids = [example.id for example in report.negative_flips.examples]
    return report.with_images(thumbnails(found.images, ids))
