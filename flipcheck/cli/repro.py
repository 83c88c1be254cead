"""`flipcheck repro`: one example through both sides."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flipcheck.cli import options as o
from flipcheck.cli.compare import READ
from flipcheck.cli.outputs import Outputs, columns, has_color, put
from flipcheck.errors import UsageError

Example = Annotated[str, typer.Argument(metavar="ID", help="The example, as the reports name it.")]
Old = Annotated[
    str | None,
    typer.Argument(metavar="OLD", help="The old side, as for `compare`."),
]
New = Annotated[
    str | None,
    typer.Argument(metavar="NEW", help="The new side. With --report leave OLD, NEW and DATA out."),
]


def repro(
    example: Example,
    old: Old = None,
    new: New = None,
    data: o.Data = None,
    report: o.FromReport = None,
    old_data: o.OldData = None,
    new_data: o.NewData = None,
    labels: o.LabelsFile = None,
    labels_from: o.LabelsFrom = None,
    id_column: o.IdColumn = None,
    label: o.LabelColumn = None,
    prediction: o.PredictionColumn = None,
    correct: o.CorrectColumn = None,
    features: o.Features = None,
    classes: o.Classes = None,
    old_classes: o.OldClasses = None,
    new_classes: o.NewClasses = None,
    label_map: o.LabelMap = None,
    old_label_map: o.OldLabelMap = None,
    new_label_map: o.NewLabelMap = None,
    output: o.Output = None,
    old_output: o.OldOutput = None,
    new_output: o.NewOutput = None,
    threshold: o.Threshold = None,
    old_threshold: o.OldThreshold = None,
    new_threshold: o.NewThreshold = None,
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
    file_format: o.Format = None,
    old_format: o.OldFormat = None,
    new_format: o.NewFormat = None,
    pick: o.Pick = None,
    old_pick: o.OldPick = None,
    new_pick: o.NewPick = None,
    probability: o.Probability = None,
    multilabel: o.Multilabel = False,
    separator: o.Separator = None,
    top_k: o.TopK = None,
    normalise: o.Normalise = None,
    abstain: o.Abstain = None,
    by: o.By = None,
    cluster: o.Cluster = None,
    weight: o.Weight = None,
    json: o.Json = None,
    config: o.ConfigPath = None,
    no_config: o.NoConfig = False,
) -> None:
    """Show one example: what went into both models, what came out, and what became of it.

    Ends in 0 whatever that is. With --report the sources are those of a
    JSON report of `compare`, and must not have changed since.

    Example:

        flipcheck repro three/1680.png old.onnx new.onnx images/
    """
    given: dict[str, Any] = dict(locals()) | {"id": id_column, "format": file_format}
    if report is None and (old is None or new is None):
        raise UsageError("an example of what?", hint="give OLD and NEW, or --report report.json")
    out = Outputs.of({"json": json})
    read = [*(given[name] for name in READ if name in given), report]
    out.check(read)
    from flipcheck.api import repro as one
    from flipcheck.asked import REPRODUCED

    kept = None
    if report is not None:
        from flipcheck.report import Report

        kept = Report.load(report)
    said = {name: given.get(name) for name in REPRODUCED}
    asked = {name: each for name, each in said.items() if each is not None and each is not False}
    if kept is not None:
        from flipcheck.evidence.again import example_options

        named = [name for name in ("old", "new", "data") if given[name] is not None]
        out.check([*read, *example_options(kept, [*asked, *named]).values()])
    found = one(example, old, new, data, report=kept, **asked)
    if json is not None:
        out.write_value(found.to_dict())
    if json != "-":
        from flipcheck.reporters.repro import render

        put(render(found, color=has_color(), width=columns()))
    raise typer.Exit
