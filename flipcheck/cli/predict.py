"""`flipcheck predict`: run a model once and keep its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from flipcheck.cli import options as o
from flipcheck.cli.cache import choice
from flipcheck.cli.outputs import Outputs, put, write_table
from flipcheck.cli.progress import progress
from flipcheck.errors import UsageError, plural, say
from flipcheck.labels import Labels

if TYPE_CHECKING:
    from flipcheck.predictions import Predictions


WRITTEN = {"id", "label", "prediction", "confidence"}


def predict(
    model: o.Model,
    data: o.ModelData,
    out: o.PredictionsPath,
    by: o.By = None,
    id_column: o.IdColumn = None,
    label: o.LabelColumn = None,
    features: o.Features = None,
    classes: o.Classes = None,
    label_map: o.LabelMap = None,
    output: o.Output = None,
    multilabel: o.Multilabel = False,
    separator: o.Separator = None,
    top_k: o.TopK = None,
    threshold: o.Threshold = None,
    preprocess: o.Preprocess = None,
    text: o.TextColumns = None,
    input: o.Inputs = None,  # noqa: A002  (the option's name)
    provider: o.ProviderName = None,
    provider_option: o.ProviderOptions = None,
    allow_fallback: o.AllowFallback = False,
    cache: o.CachePath = None,
    no_cache: o.NoCache = False,
    quiet: o.Quiet = False,
    config: o.ConfigPath = None,
    no_config: o.NoConfig = False,
) -> None:
    """Run a model over a test set and save its predictions, which `compare` reads back.

    Example:

        flipcheck predict old.onnx images/ -o old.parquet
    """
    del config, no_config  # which the command has read before this
    from flipcheck.api import predict as run
    from flipcheck.reporters.words import clean

    Outputs(flips=str(out)).check((model, data, classes, label_map, preprocess))
    with progress(quiet=quiet) as show:
        found = run(
            model,
            data,
            by=by or [],
            id=id_column,
            label=label,
            features=features,
            classes=classes,
            label_map=label_map,
            output=output,
            multilabel=multilabel,
            separator=separator,
            top_k=top_k,
            threshold=threshold,
            preprocess=preprocess,
            text=text,
            input=input,
            provider=provider,
            provider_option=provider_option,
            allow_fallback=allow_fallback,
            cache=choice(cache, no_cache),
            progress=show,
        )
    write_table(out, predictions_table(found))
    say("\n".join(f"warning: {clean(note)}" for note in found.warnings))
    put(f"{plural(len(found), 'prediction')} in {out}\n")
    raise typer.Exit


def predictions_table(found: Predictions) -> Any:
    """Predictions as a pyarrow table with the columns that `compare` looks for.

    Row numbers are no ids, and are not written as such.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {} if found.rows else {"id": found.ids}
    taken = [name for name in found.columns if name in WRITTEN]
    if taken:
        raise UsageError(
            f"--by {taken[0]}: the file of predictions has a column of that name already",
            hint="rename the column in the data",
        )
    parts = {"label": found.truth, "prediction": found.answers, **found.columns}
    for name, labels in parts.items():
        if labels is not None:
            columns[name] = pa.array(labels.texts(), pa.string())
    if found.ranked is not None and found.answers is not None:
        for rank, codes in enumerate(found.ranked.T):
            texts = Labels(codes, found.answers.names).texts()
            columns[f"label_{rank}"] = pa.array(texts, pa.string())
    if found.confidence is not None:
        columns["confidence"] = pa.array(found.confidence, from_pandas=True)
    return pa.table(columns)
