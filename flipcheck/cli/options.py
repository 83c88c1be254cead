"""Every option once: its flag, its help and its place in the help page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flipcheck.cli.completing import COMPLETIONS

ASSUMPTIONS, GATES, REPORTS, STATISTICS = "Assumptions", "Gates", "Reports", "Statistics"
SLICES, COLUMNS, CLASSES = "Slices", "Data and columns", "Classes"
LOGS, GRADED, TASK = "Evaluation logs", "Graded answers", "Binary, multi-label, ranked and text"
MODELS, RUNNING = "Models", "Running models"
SECTIONS = {
    "columns": (COLUMNS, CLASSES, GRADED),
    "slices": (SLICES,),
    "models": (MODELS, RUNNING),
    "task": (TASK,),
    "logs": (LOGS,),
    "statistics": (STATISTICS,),
    "reports": (REPORTS,),
}
"""The tables of a configuration, and the panels whose options may stand in each of them."""
ALSO_IN = {"columns": ("cluster", "weight", "probability", "text")}
"""The parameters that may stand in a table as well, where readers would look for them."""
FLAG = ""
"""What a switch takes: nothing, where the help would say that it is a bool."""


def _text(flag: str, help_text: str, panel: str, metavar: str) -> object:
    return typer.Option(
        flag,
        help=help_text,
        rich_help_panel=panel,
        metavar=metavar,
        show_default=False,
        autocompletion=COMPLETIONS.get(flag) or COMPLETIONS.get(metavar),
    )


Old = Annotated[
    str,
    typer.Argument(
        metavar="OLD",
        help="The model in use: .onnx, or its saved predictions (CSV, TSV, Parquet, JSONL, NPZ, "
        "or the log of an evaluation: see --format): a file, a folder, a quoted pattern, or - for "
        "standard input.",
    ),
]
New = Annotated[str, typer.Argument(metavar="NEW", help="The model that may replace it, likewise.")]
Data = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="The labelled test set for models: a folder of images by class, .npz, .csv, .jsonl "
        "or .parquet.",
        show_default=False,
    ),
]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="An ONNX model.")]
ModelData = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A folder of images by class, or features as .npz, .csv, .jsonl or .parquet.",
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
    list[str] | None,
    _text("--max-nfr", "Short for --gate 'negative_flip_rate <= LIMIT'.", GATES, "LIMIT"),
]
MaxErrorIncrease = Annotated[
    list[str] | None,
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

Critical = Annotated[
    str | None,
    _text(
        "--critical",
        "Examples that must never break: one id a line, or a table with ids (and reasons). One "
        "that flips fails the release, whatever the rate.",
        GATES,
        "FILE",
    ),
]
Waivers = Annotated[
    str | None,
    _text(
        "--waivers",
        "Negative flips that are accepted: a table of id, reason, owner and expires (the last "
        "day, as 2026-12-31). For gates they count as right; all numbers stay.",
        GATES,
        "FILE",
    ),
]
LabelNoise = Annotated[
    str | None,
    _text(
        "--label-noise",
        "How many labels may be wrong, as in 2%: bounds the negative flip rate, warns of gates "
        "that pass by less, and lists the labels to check first.",
        GATES,
        "SHARE",
    ),
]
RequireGate = Annotated[
    bool,
    typer.Option(
        "--require-gate",
        help="Refuse to run without a gate, or a file against itself, for pipelines: where the "
        "file of gates is gone, nothing would be decided and the audit would end in 0.",
        rich_help_panel=GATES,
        metavar=FLAG,
    ),
]

StopEarly = Annotated[
    bool,
    typer.Option(
        "--stop-early",
        help="Decide while the models run, on examples in random order (--seed): a clear pass or "
        "fail takes a fraction of the test set.",
        rich_help_panel=GATES,
        metavar=FLAG,
    ),
]

CachePath = Annotated[
    str | None,
    typer.Option(
        "--cache",
        help="Where models' answers are kept, so that the same model is not run twice over the "
        "same data; `flipcheck cache` shows it. FLIPCHECK_CACHE=off keeps none.",
        rich_help_panel=RUNNING,
        metavar="DIR",
        show_default="the user's cache folder",
    ),
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        help="Run every model again, and keep nothing.",
        rich_help_panel=RUNNING,
        show_default=False,
        metavar=FLAG,
    ),
]

Clear = Annotated[
    bool, typer.Option("--clear", help="Remove everything.", show_default=False, metavar=FLAG)
]
Prune = Annotated[
    str | None,
    typer.Option(
        "--prune",
        help="Remove what was not used for longest, down to this size, as in 500MB.",
        metavar="SIZE",
        show_default=False,
    ),
]
OlderThan = Annotated[
    str | None,
    typer.Option(
        "--older-than",
        help="Remove what was not used for so long, as in 30d, 12h or 4w.",
        metavar="AGE",
        show_default=False,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print it as JSON.", show_default=False, metavar=FLAG)
]

ConfigPath = Annotated[
    str | None,
    typer.Option(
        "--config",
        help="The file of defaults; else flipcheck.toml, or [tool.flipcheck] in pyproject.toml, of "
        "this folder, or of one above it in the same repository. Its gates are judged beside those "
        "given here.",
        metavar="FILE",
        show_default=False,
    ),
]
ConfigOut = Annotated[Path, typer.Option("--out", "-o", help="The file to write.", metavar="PATH")]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Replace the file that is there.", show_default=False, metavar=FLAG
    ),
]
EveryOption = Annotated[
    bool,
    typer.Option(
        "--all", help="Show what is left at its default too.", show_default=False, metavar=FLAG
    ),
]
RenderConfig = Annotated[
    str | None,
    typer.Option(
        "--config",
        help="Judge the gates of this file of defaults; none is looked for.",
        metavar="FILE",
        show_default=False,
    ),
]
NoConfig = Annotated[
    bool,
    typer.Option(
        "--no-config",
        help="Read no such file, and take no option from the environment.",
        show_default=False,
        metavar=FLAG,
    ),
]

OldData = Annotated[
    str | None,
    _text(
        "--old-data",
        "The old model's own features, of the same examples, where the two need different ones.",
        COLUMNS,
        "PATH",
    ),
]
NewData = Annotated[
    str | None, _text("--new-data", "The new model's own features, likewise.", COLUMNS, "PATH")
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
        metavar=FLAG,
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
Format = Annotated[
    str | None,
    _text(
        "--format",
        "The format of saved predictions, where it is not told by what they hold: lm-eval, "
        "inspect, promptfoo, evals, lighteval, timm, hf, wandb, table.",
        LOGS,
        "NAME",
    ),
]
OldFormat = Annotated[str | None, _text("--old-format", "The old side's own.", LOGS, "NAME")]
NewFormat = Annotated[str | None, _text("--new-format", "The new side's own.", LOGS, "NAME")]
Pick = Annotated[
    list[str] | None,
    _text(
        "--pick",
        "What to take of an evaluation log that holds several, as filter=strict-match, "
        "metric=exact_match, scorer=match or provider=openai:gpt-4o. Repeat for more.",
        LOGS,
        "KEY=VALUE",
    ),
]
OldPick = Annotated[list[str] | None, _text("--old-pick", "The old side's own.", LOGS, "KEY=VALUE")]
NewPick = Annotated[list[str] | None, _text("--new-pick", "The new side's own.", LOGS, "KEY=VALUE")]
ScoreColumn = Annotated[
    str | None,
    _text(
        "--score",
        "The column of scores of graded answers (F1, ROUGE, a rubric; higher is better), in place "
        "of right and wrong.",
        GRADED,
        "COLUMN",
    ),
]
OldScore = Annotated[str | None, _text("--old-score", "The old side's own.", GRADED, "COLUMN")]
NewScore = Annotated[str | None, _text("--new-score", "The new side's own.", GRADED, "COLUMN")]
Tolerance = Annotated[
    float,
    typer.Option(
        "--tolerance",
        help="By how much a score may fall or rise and count as unchanged, in its own units.",
        metavar="NUMBER",
        rich_help_panel=GRADED,
        min=0.0,
    ),
]
ScoreRange = Annotated[
    str | None,
    _text(
        "--score-range",
        "The least and the largest that a score can be, as in 0,1; else what both sides' scores "
        "span.",
        GRADED,
        "LOW,HIGH",
    ),
]
By = Annotated[
    list[str] | None,
    _text(
        "--by",
        "A column to slice by, or A,B for every combination of two. Repeat for more.",
        SLICES,
        "COLUMN",
    ),
]
Quantiles = Annotated[
    int,
    typer.Option(
        "--quantiles",
        help="Into how many slices a column of more than 30 numbers is cut; 0 cuts none.",
        metavar="N",
        rich_help_panel=SLICES,
        min=0,
        max=1000,
    ),
]
MinSlice = Annotated[
    int,
    typer.Option(
        "--min-slice",
        help="Slices with fewer examples are listed, but neither tested nor judged by gates.",
        metavar="N",
        rich_help_panel=SLICES,
        min=0,
    ),
]
Discover = Annotated[
    bool,
    typer.Option(
        "--discover",
        help="Search the columns of --by, the true class and their pairs for slices in which "
        "negative flips concentrate.",
        rich_help_panel=SLICES,
        metavar=FLAG,
    ),
]
Confirm = Annotated[
    Literal["split"] | None,
    typer.Option(
        "--confirm",
        help="Discover in one random half of the examples, and judge in the other.",
        rich_help_panel=SLICES,
        show_default=False,
    ),
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
OldClasses = Annotated[str | None, _text("--old-classes", "The old side's own.", CLASSES, "NAMES")]
NewClasses = Annotated[str | None, _text("--new-classes", "The new side's own.", CLASSES, "NAMES")]
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
OldOutput = Annotated[str | None, _text("--old-output", "The old side's own.", MODELS, "NAME")]
NewOutput = Annotated[str | None, _text("--new-output", "The new side's own.", MODELS, "NAME")]
Probability = Annotated[
    str | None,
    _text(
        "--probability",
        "The column of the probability or score of the second of two classes, cut at --threshold.",
        TASK,
        "COLUMN",
    ),
]


def _threshold(flag: str, help_text: str) -> object:
    return typer.Option(
        flag, help=help_text, rich_help_panel=TASK, metavar="SCORE", show_default=False
    )


Threshold = Annotated[
    float | None,
    _threshold(
        "--threshold",
        "From where on a probability means the second of two classes, or that a label applies "
        "(0.5).",
    ),
]
OldThreshold = Annotated[float | None, _threshold("--old-threshold", "The old side's own.")]
NewThreshold = Annotated[float | None, _threshold("--new-threshold", "The new side's own.")]
Multilabel = Annotated[
    bool,
    typer.Option(
        "--multilabel",
        help="Examples have several labels: cat|dog, lists, or one column a label.",
        rich_help_panel=TASK,
        metavar=FLAG,
    ),
]
PerUnit = Annotated[
    Literal["example", "label"] | None,
    typer.Option(
        "--per",
        help="With --multilabel: judge each example's whole set, or each label of each example "
        "(clustered by example; slice them with --by label_name).",
        rich_help_panel=TASK,
        show_default="example",
    ),
]
Separator = Annotated[
    str | None,
    _text("--separator", "With --multilabel: what stands between labels (|).", TASK, "TEXT"),
]
TopK = Annotated[
    int | None,
    typer.Option(
        "--top-k",
        help="Right is an answer with the truth among its K best: scores of every class, columns "
        "label_0, label_1, …, or a list of answers. Equal scores rank by the order of classes.",
        rich_help_panel=TASK,
        metavar="K",
        min=1,
        show_default=False,
    ),
]
Normalise = Annotated[
    str | None,
    typer.Option(
        "--normalise",
        "--normalize",
        help="Compare texts after these steps, in this order: strip, spaces, case, punctuation, "
        "articles, accents, unicode, number; or squad.",
        rich_help_panel=TASK,
        metavar="STEPS",
        autocompletion=COMPLETIONS["--normalise"],
        show_default=False,
    ),
]
Abstain = Annotated[
    list[str] | None,
    _text(
        "--abstain",
        "An answer that declines, which is never right and counted apart; '' for a missing "
        "answer. Repeat for more.",
        TASK,
        "VALUE",
    ),
]

Preprocess = Annotated[
    str | None,
    _text(
        "--preprocess",
        "What is done to images or arrays: a preprocessor_config.json, or any of scale=1/255, "
        "mean=0.5, std=0.5, resize=256, crop=224, layout=NHWC, channels=RGB, joined by commas "
        "without spaces.",
        MODELS,
        "STEPS",
    ),
]
OldPreprocess = Annotated[
    str | None, _text("--old-preprocess", "The old side's own.", MODELS, "STEPS")
]
NewPreprocess = Annotated[
    str | None, _text("--new-preprocess", "The new side's own.", MODELS, "STEPS")
]

TextColumns = Annotated[
    str | None,
    _text(
        "--text",
        "The column of text for a model of text, or A,B for pairs of texts.",
        MODELS,
        "COLUMN",
    ),
]
Inputs = Annotated[
    list[str] | None,
    _text(
        "--input",
        "The value of an input that is the same for every example, as in training=false. Repeat "
        "for more.",
        MODELS,
        "NAME=VALUE",
    ),
]
OldInputs = Annotated[
    list[str] | None, _text("--old-input", "The old side's own.", MODELS, "NAME=VALUE")
]
NewInputs = Annotated[
    list[str] | None, _text("--new-input", "The new side's own.", MODELS, "NAME=VALUE")
]
ProviderName = Annotated[
    str | None,
    _text(
        "--provider",
        "What runs the models: cpu, cuda, tensorrt, coreml, openvino, dml, or the full name of an "
        "execution provider.",
        RUNNING,
        "NAME",
    ),
]
ProviderOptions = Annotated[
    list[str] | None,
    _text("--provider-option", "One of its options. Repeat for more.", RUNNING, "KEY=VALUE"),
]
AllowFallback = Annotated[
    bool,
    typer.Option(
        "--allow-fallback",
        help="Run on the CPU, with a warning, where the provider cannot.",
        rich_help_panel=RUNNING,
        metavar=FLAG,
    ),
]

Cluster = Annotated[
    str | None,
    _text(
        "--cluster",
        "The column of what examples were drawn with: a user, patient, video or document. "
        "Intervals and gates then count clusters, not rows.",
        STATISTICS,
        "COLUMN",
    ),
]
Weight = Annotated[
    str | None,
    _text("--weight", "The column of how much each example counts.", STATISTICS, "COLUMN"),
]
Bound = Annotated[
    Literal["default", "strict"],
    typer.Option(
        "--bound",
        help="With clusters or weights: the default bound, or a wider one that holds even where "
        "a few huge clusters flip together.",
        rich_help_panel=STATISTICS,
    ),
]
CostsFile = Annotated[
    str | None,
    _text(
        "--costs",
        "What a flip costs: a CSV of old,new,cost (* is any answer), or a JSON object of objects. "
        "Gate it with 'expected_cost <= 0.05'.",
        GATES,
        "FILE",
    ),
]
Reruns = Annotated[
    list[str] | None,
    _text(
        "--rerun",
        "Predictions of the old model run or trained again: the flips that noise makes. Gate the "
        "rest with 'excess_negative_flip_rate <= 0.5%'. Repeat for more.",
        GATES,
        "PREDICTIONS",
    ),
]
Confidence = Annotated[
    float,
    typer.Option(
        "--confidence",
        help="The confidence level of intervals and gates.",
        metavar="LEVEL",
        rich_help_panel=STATISTICS,
    ),
]
Resamples = Annotated[
    int,
    typer.Option(
        "--resamples",
        help="Bootstrap resamples, the cross-check beside the intervals.",
        metavar="N",
        rich_help_panel=STATISTICS,
        min=0,
        max=1_000_000,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        help="The seed of all that is random.",
        metavar="N",
        rich_help_panel=STATISTICS,
        min=0,
    ),
]

FromReport = Annotated[
    str | None,
    _text(
        "--report",
        "Take the sources from this JSON report of `compare`.",
        REPORTS,
        "REPORT.json",
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
    _text(
        "--markdown",
        "Write the Markdown report, short enough for a comment on GitHub; - for standard output.",
        REPORTS,
        "PATH",
    ),
]
Junit = Annotated[
    str | None,
    _text(
        "--junit",
        "Write JUnit XML for a CI server, a test case for each gate; - for standard output.",
        REPORTS,
        "PATH",
    ),
]
MetricsPath = Annotated[
    str | None,
    _text(
        "--metrics",
        "Write OpenMetrics text, as GitLab's metrics reports read it; - for standard output.",
        REPORTS,
        "PATH",
    ),
]
Ci = Annotated[
    Literal["auto", "github", "none"],
    typer.Option(
        "--ci",
        help="What a CI server is told beside the report: auto tells GitHub what its variables "
        "ask for (GITHUB_ACTIONS annotations, GITHUB_STEP_SUMMARY, GITHUB_OUTPUT), github "
        "annotates in any case.",
        rich_help_panel=REPORTS,
    ),
]
History = Annotated[
    list[str] | None,
    _text(
        "--history",
        "JSON reports of earlier updates, to draw this one after: a file, a folder or a quoted "
        "pattern, in the natural order of their names. Repeat for more.",
        REPORTS,
        "PATH",
    ),
]
FlipsPath = Annotated[
    str | None,
    _text(
        "--flips",
        "Write every flipped example: .csv or .parquet. In .csv, text that a spreadsheet would "
        "run as a formula gets an apostrophe before it; .parquet keeps all as it is.",
        REPORTS,
        "PATH",
    ),
]
Mlflow = Annotated[
    bool,
    typer.Option(
        "--mlflow",
        help="Log the metrics, the verdict and the report to the active MLflow run, or to a new "
        "one (the extra mlflow). Where that fails a passing audit ends in 2.",
        rich_help_panel=REPORTS,
        metavar=FLAG,
    ),
]
Listed = Annotated[
    int,
    typer.Option(
        "--listed",
        help="How many negative flips, and labels to check, the reports list.",
        metavar="N",
        rich_help_panel=REPORTS,
        min=0,
        max=10_000,
    ),
]
Show = Annotated[
    list[str] | None,
    _text(
        "--show",
        "Columns to show beside each flipped example; repeat for more, '' for none. Without it: "
        "the text that models of text read, and the questions of evaluation logs.",
        REPORTS,
        "COLUMN[,COLUMN]",
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=REPORTS, metavar=FLAG)
]
PredictionsPath = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        help="Where to write the predictions: .parquet or .csv, texts as they are.",
        metavar="PATH",
    ),
]

Root = Annotated[
    str,
    typer.Option(
        "--root",
        help="The folder in which the report's relative paths lie.",
        metavar="FOLDER",
        show_default="the current folder",
    ),
]
Again = Annotated[
    bool,
    typer.Option(
        "--again",
        help="Run the audit again too, and check that every number comes out the same.",
        metavar=FLAG,
    ),
]

Nfr = Annotated[
    str | None,
    _text(
        "--nfr",
        "The true negative flip rate to suppose, as 0.5%; without it a table of several.",
        ASSUMPTIONS,
        "RATE",
    ),
]
Pfr = Annotated[
    str | None, _text("--pfr", "The true positive flip rate to suppose.", ASSUMPTIONS, "RATE")
]
Power = Annotated[
    str,
    typer.Option(
        "--power",
        help="How often the right verdict should be reached.",
        rich_help_panel=ASSUMPTIONS,
        metavar="SHARE",
    ),
]
Examples = Annotated[
    int | None,
    typer.Option(
        "--examples",
        help="The size of the test set, to see what it can decide; with --pilot the pilot's by "
        "default.",
        rich_help_panel=ASSUMPTIONS,
        metavar="N",
        show_default=False,
    ),
]
ClusterSize = Annotated[
    float | None,
    typer.Option(
        "--cluster-size",
        help="Examples in a cluster (a user, a document) where they come in clusters, with --icc; "
        "sum(m²)/sum(m) where their sizes m differ.",
        rich_help_panel=ASSUMPTIONS,
        metavar="M",
        show_default=False,
    ),
]
Icc = Annotated[
    float | None,
    typer.Option(
        "--icc",
        help="How alike the flips of a cluster are: their intraclass correlation, 0 to 1; with "
        "--cluster-size.",
        rich_help_panel=ASSUMPTIONS,
        metavar="ICC",
        show_default=False,
    ),
]
Pilot = Annotated[
    str | None,
    _text(
        "--pilot",
        "A JSON report of `compare`: simulates how often the gates would be wrong. Without a gate "
        "its own are taken.",
        ASSUMPTIONS,
        "REPORT.json",
    ),
]
Audits = Annotated[
    int | None,
    typer.Option(
        "--audits",
        help="How many audits are simulated of each update: 10,000, or fewer where there are many "
        "slices.",
        rich_help_panel=ASSUMPTIONS,
        metavar="N",
        show_default=False,
    ),
]
