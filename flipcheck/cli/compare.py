"""`flipcheck compare`: audit one update."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flipcheck.cli import options as o
from flipcheck.cli.cache import choice
from flipcheck.cli.decisive import check_gated, check_two_sides
from flipcheck.cli.outputs import Outputs, status
from flipcheck.cli.progress import progress
from flipcheck.cli.tracking import check_tracker, tracked

if TYPE_CHECKING:
    from collections.abc import Mapping

READ = {
    "old",
    "new",
    "data",
    "old_data",
    "new_data",
    "labels",
    "classes",
    "old_classes",
    "new_classes",
    "label_map",
    "old_label_map",
    "new_label_map",
    "preprocess",
    "old_preprocess",
    "new_preprocess",
    "costs",
    "critical",
    "waivers",
}
"""The options that may name a file, which no report may overwrite."""


def compare(
    old: o.Old,
    new: o.New,
    data: o.Data = None,
    gate: o.GateTexts = None,
    max_nfr: o.MaxNfr = None,
    max_error_increase: o.MaxErrorIncrease = None,
    require_gate: o.RequireGate = False,
    decide: o.Decide = "bound",
    stop_early: o.StopEarly = False,
    critical: o.Critical = None,
    waivers: o.Waivers = None,
    label_noise: o.LabelNoise = None,
    costs: o.CostsFile = None,
    rerun: o.Reruns = None,
    by: o.By = None,
    quantiles: o.Quantiles = 4,
    min_slice: o.MinSlice = 0,
    discover: o.Discover = False,
    confirm: o.Confirm = None,
    old_data: o.OldData = None,
    new_data: o.NewData = None,
    labels: o.LabelsFile = None,
    labels_from: o.LabelsFrom = None,
    allow_missing: o.AllowMissing = False,
    id_column: o.IdColumn = None,
    label: o.LabelColumn = None,
    prediction: o.PredictionColumn = None,
    correct: o.CorrectColumn = None,
    features: o.Features = None,
    file_format: o.Format = None,
    old_format: o.OldFormat = None,
    new_format: o.NewFormat = None,
    pick: o.Pick = None,
    old_pick: o.OldPick = None,
    new_pick: o.NewPick = None,
    score: o.ScoreColumn = None,
    old_score: o.OldScore = None,
    new_score: o.NewScore = None,
    tolerance: o.Tolerance = 0.0,
    score_range: o.ScoreRange = None,
    probability: o.Probability = None,
    multilabel: o.Multilabel = False,
    per: o.PerUnit = None,
    separator: o.Separator = None,
    top_k: o.TopK = None,
    normalise: o.Normalise = None,
    abstain: o.Abstain = None,
    threshold: o.Threshold = None,
    old_threshold: o.OldThreshold = None,
    new_threshold: o.NewThreshold = None,
    classes: o.Classes = None,
    old_classes: o.OldClasses = None,
    new_classes: o.NewClasses = None,
    label_map: o.LabelMap = None,
    old_label_map: o.OldLabelMap = None,
    new_label_map: o.NewLabelMap = None,
    output: o.Output = None,
    old_output: o.OldOutput = None,
    new_output: o.NewOutput = None,
    preprocess: o.Preprocess = None,
    old_preprocess: o.OldPreprocess = None,
    new_preprocess: o.NewPreprocess = None,
    text: o.TextColumns = None,
    input: o.Inputs = None,  # noqa: A002  (the option's name)
    old_input: o.OldInputs = None,
    new_input: o.NewInputs = None,
    provider: o.ProviderName = None,
    provider_option: o.ProviderOptions = None,
    allow_fallback: o.AllowFallback = False,
    cache: o.CachePath = None,
    no_cache: o.NoCache = False,
    cluster: o.Cluster = None,
    weight: o.Weight = None,
    bound: o.Bound = "default",
    confidence: o.Confidence = 0.95,
    resamples: o.Resamples = 10_000,
    seed: o.Seed = 0,
    listed: o.Listed = 100,
    show: o.Show = None,
    json: o.Json = None,
    html: o.Html = None,
    markdown: o.Markdown = None,
    junit: o.Junit = None,
    metrics: o.MetricsPath = None,
    ci: o.Ci = "auto",
    flips: o.FlipsPath = None,
    history: o.History = None,
    mlflow: o.Mlflow = False,
    quiet: o.Quiet = False,
    config: o.ConfigPath = None,
    no_config: o.NoConfig = False,
) -> None:
    """Audit an update: which answers that the old model got right does the new one break?

    Example:

        flipcheck compare old.onnx new.onnx images/ --max-nfr 1% --html report.html
    """
    given: dict[str, Any] = dict(locals())
    from flipcheck.config import loaded

    used, earlier = loaded(), _earlier(history, json)
    given["history"] = earlier
    reports = Outputs.of(given)
    read = [*(given[name] for name in READ), *(rerun or []), *earlier]
    reports.check([*read, used and used.path])
    check_tracker(mlflow)
    from flipcheck.api import compare as audit
    from flipcheck.evidence import with_configs

    options = asked(given)
    if require_gate:
        check_two_sides(old, new, options)
        check_gated(options)
    with progress(quiet=quiet) as bar:
        report = audit(old, new, data, **options, progress=bar)
    report = with_configs(report, [Path(used.path)] if used else [])
    reports.write(report)
    not_logged = tracked(report, mlflow)
    ended = status(report.verdict) or not_logged
    reports.tell(report, ended)
    raise typer.Exit(ended)


def _earlier(history: list[str] | None, but: str | None) -> list[Path]:
    """The reports of earlier updates, without the one that is to be written."""
    if not history:
        return []
    from flipcheck.sources.history import history_files

    return history_files(history, but=but)


def asked(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the parameters of this command ask of the call, by the names that it has for them."""
    from flipcheck.asked import Options

    gates = [given.get(name) for name in ("gate", "max_nfr", "max_error_increase")]
    named = {
        **given,
        "gates": gate_texts(*gates),
        "by": given.get("by") or [],
        "rerun": given.get("rerun") or [],
        "id": given.get("id_column"),
        "cache": choice(given.get("cache"), given.get("no_cache", False)),
        "format": given.get("file_format"),
    }
    return {name: named[name] for name in Options.__annotations__ if name in named}


def gate_texts(
    gates: list[str] | None, max_nfr: list[str] | None, max_error_increase: list[str] | None
) -> list[str]:
    """All gates as texts, the short forms spelled out."""
    short = (("negative_flip_rate", max_nfr), ("error_rate_change", max_error_increase))
    return [
        *(f"{metric} <= {limit}" for metric, limits in short for limit in limits or []),
        *(gates or []),
    ]
