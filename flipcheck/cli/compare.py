"""`flipcheck compare`: audit one update."""

from __future__ import annotations

from typing import Any

import typer

from flipcheck.cli import options as o
from flipcheck.cli.cache import choice
from flipcheck.cli.outputs import Outputs, status
from flipcheck.cli.progress import progress

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
    json: o.Json = None,
    html: o.Html = None,
    markdown: o.Markdown = None,
    flips: o.FlipsPath = None,
    history: o.History = None,
    quiet: o.Quiet = False,
) -> None:
    """Audit an update: which answers that the old model got right does the new one break?

    Example:

        flipcheck compare old.onnx new.onnx images/ --max-nfr 1% --html report.html
    """
    given: dict[str, Any] = dict(locals())
    from flipcheck.sources.history import history_files

    reports = Outputs(json, html, markdown, flips)
    earlier = history_files(history or [], but=json)
    reports.check([*(given[name] for name in READ), *(rerun or []), *earlier])
    given |= {
        "gates": gate_texts(gate, max_nfr, max_error_increase),
        "by": by or [],
        "rerun": rerun or [],
        "history": earlier,
        "id": id_column,
        "cache": choice(cache, no_cache),
        "format": file_format,
    }
    from flipcheck.api import compare as audit
    from flipcheck.asked import Options

    asked = {name: given[name] for name in Options.__annotations__ if name in given}
    with progress(quiet=quiet) as show:
        report = audit(old, new, data, **asked, progress=show)
    reports.write(report)
    raise typer.Exit(status(report.verdict))


def gate_texts(
    gates: list[str] | None, max_nfr: list[str] | None, max_error_increase: list[str] | None
) -> list[str]:
    """All gates as texts, the short forms spelled out."""
    short = (("negative_flip_rate", max_nfr), ("error_rate_change", max_error_increase))
    return [
        *(f"{metric} <= {limit}" for metric, limits in short for limit in limits or []),
        *(gates or []),
    ]
