"""Every option once: its flag, its help and its place in the help page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

GATES, COLUMNS, CLASSES, MODELS, STATISTICS, REPORTS = (
    "Gates",
    "Data and columns",
    "Classes",
    "Models",
    "Statistics",
    "Reports",
)


def _text(flag: str, help_text: str, panel: str, metavar: str) -> object:
    return typer.Option(
        flag, help=help_text, rich_help_panel=panel, metavar=metavar, show_default=False
    )


Old = Annotated[
    str,
    typer.Argument(
        metavar="OLD",
        help="The model in use: .onnx, or its saved predictions (CSV, TSV, Parquet, JSONL, NPZ).",
    ),
]
New = Annotated[str, typer.Argument(metavar="NEW", help="The model that may replace it, likewise.")]
Data = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="The labelled test set for models: a folder of images by class, .npz, .csv or "
        ".parquet.",
        show_default=False,
    ),
]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="An ONNX model.")]
ModelData = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="A folder of images by class, or features as .npz, .csv or .parquet."
    ),
]

GateTexts = Annotated[
    list[str] | None,
    _text(
        "--gate",
        "A limit, as in 'negative_flip_rate <= 1%'; add 'by COLUMN' for every slice "
        "or 'where COLUMN=VALUE' for one. Repeat for more.",
        GATES,
        "GATE",
    ),
]
MaxNfr = Annotated[
    str | None,
    _text("--max-nfr", "Short for --gate 'negative_flip_rate <= LIMIT'.", GATES, "LIMIT"),
]
MaxErrorIncrease = Annotated[
    str | None,
    _text("--max-error-increase", "Short for --gate 'error_rate_change <= LIMIT'.", GATES, "LIMIT"),
]
Decide = Annotated[
    Literal["bound", "point"],
    typer.Option(
        "--decide",
        help="What decides a gate: the confidence bound, or the estimate alone (the old way: it "
        "lets half of the updates at the limit pass).",
        rich_help_panel=GATES,
    ),
]

StopEarly = Annotated[
    bool,
    typer.Option(
        "--stop-early",
        help="Decide while the models run, on examples in random order (--seed): a clear pass or "
        "fail takes a fraction of the test set.",
        rich_help_panel=GATES,
    ),
]

OldData = Annotated[
    str | None,
    _text("--old-data", "The old model's own features of the same examples.", COLUMNS, "PATH"),
]
NewData = Annotated[
    str | None, _text("--new-data", "The new model's own features.", COLUMNS, "PATH")
]
LabelsFile = Annotated[
    str | None, _text("--labels", "A file with the true labels, by id.", COLUMNS, "FILE")
]
LabelsFrom = Annotated[
    Literal["old", "new"] | None,
    typer.Option(
        "--labels-from",
        help="Whose labels are true where two prediction files disagree.",
        rich_help_panel=COLUMNS,
        show_default=False,
    ),
]
AllowMissing = Annotated[
    bool,
    typer.Option(
        "--allow-missing",
        help="Leave out examples that are not on both sides or have "
        "no label; the report counts them.",
        rich_help_panel=COLUMNS,
    ),
]
IdColumn = Annotated[str | None, _text("--id", "The column of ids.", COLUMNS, "COLUMN")]
LabelColumn = Annotated[
    str | None, _text("--label", "The column of true labels.", COLUMNS, "COLUMN")
]
PredictionColumn = Annotated[
    str | None, _text("--prediction", "The column of answers.", COLUMNS, "COLUMN")
]
CorrectColumn = Annotated[
    str | None,
    _text(
        "--correct",
        "The column of the data's own verdict (0/1, true/false), in place of answer = label.",
        COLUMNS,
        "COLUMN",
    ),
]
By = Annotated[
    list[str] | None, _text("--by", "A column to slice by. Repeat for more.", COLUMNS, "COLUMN")
]
Features = Annotated[
    str | None,
    _text("--features", "The feature columns of a table, in the model's order.", COLUMNS, "A,B,…"),
]

Classes = Annotated[
    str | None,
    _text(
        "--classes",
        "The class names in index order: a JSON list, a file with one name a line, or cat,dog.",
        CLASSES,
        "NAMES",
    ),
]
OldClasses = Annotated[
    str | None, _text("--old-classes", "The old side's, where they differ.", CLASSES, "NAMES")
]
NewClasses = Annotated[
    str | None, _text("--new-classes", "The new side's, where they differ.", CLASSES, "NAMES")
]
LabelMap = Annotated[
    str | None,
    _text(
        "--label-map",
        "Translate labels and answers: a JSON object or a two-column CSV.",
        CLASSES,
        "FILE",
    ),
]
OldLabelMap = Annotated[
    str | None, _text("--old-label-map", "The old side's own.", CLASSES, "FILE")
]
NewLabelMap = Annotated[
    str | None, _text("--new-label-map", "The new side's own.", CLASSES, "FILE")
]

Output = Annotated[str | None, _text("--output", "The model output to read.", MODELS, "NAME")]
OldOutput = Annotated[str | None, _text("--old-output", "The old model's.", MODELS, "NAME")]
NewOutput = Annotated[str | None, _text("--new-output", "The new model's.", MODELS, "NAME")]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        help="Where a probability of the second of two classes is cut (0.5).",
        rich_help_panel=MODELS,
        min=0,
        max=1,
        show_default=False,
    ),
]
OldThreshold = Annotated[
    float | None,
    typer.Option(
        "--old-threshold",
        help="The old model's.",
        rich_help_panel=MODELS,
        min=0,
        max=1,
        show_default=False,
    ),
]
NewThreshold = Annotated[
    float | None,
    typer.Option(
        "--new-threshold",
        help="The new model's.",
        rich_help_panel=MODELS,
        min=0,
        max=1,
        show_default=False,
    ),
]
Preprocess = Annotated[
    str | None,
    _text(
        "--preprocess",
        "What is done to images or arrays: a preprocessor_config.json, or "
        "scale=1/255,mean=0.5,std=0.5,resize=256,crop=224,layout=NHWC,channels=RGB.",
        MODELS,
        "STEPS",
    ),
]
OldPreprocess = Annotated[
    str | None, _text("--old-preprocess", "The old model's.", MODELS, "STEPS")
]
NewPreprocess = Annotated[
    str | None, _text("--new-preprocess", "The new model's.", MODELS, "STEPS")
]

Confidence = Annotated[
    float,
    typer.Option(
        "--confidence",
        help="The confidence level of intervals and gates.",
        rich_help_panel=STATISTICS,
    ),
]
Resamples = Annotated[
    int,
    typer.Option(
        "--resamples",
        help="Bootstrap resamples, the cross-check beside the intervals.",
        rich_help_panel=STATISTICS,
        min=0,
        max=1_000_000,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", help="The seed of all that is random.", rich_help_panel=STATISTICS, min=0
    ),
]

Json = Annotated[
    str | None, _text("--json", "Write the JSON report; - for standard output.", REPORTS, "PATH")
]
Html = Annotated[
    str | None,
    _text("--html", "Write the HTML report, one file; - for standard output.", REPORTS, "PATH"),
]
Markdown = Annotated[
    str | None,
    _text("--markdown", "Write the Markdown report; - for standard output.", REPORTS, "PATH"),
]
FlipsPath = Annotated[
    str | None, _text("--flips", "Write every flipped example: .csv or .parquet.", REPORTS, "PATH")
]
Listed = Annotated[
    int,
    typer.Option(
        "--listed",
        help="How many negative flips the reports list.",
        rich_help_panel=REPORTS,
        min=0,
        max=10_000,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=REPORTS)]
PredictionsPath = Annotated[
    Path,
    typer.Option(
        "--out", "-o", help="Where to write the predictions: .parquet or .csv.", metavar="PATH"
    ),
]
