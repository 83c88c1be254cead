"""`flipcheck init`: a configuration to begin with, of a first run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002  (typer reads the annotation when it runs)

from flipcheck.cli import options as o
from flipcheck.cli.config import compare_of
from flipcheck.cli.outputs import put
from flipcheck.errors import FlipcheckError, OutputError, plural

if TYPE_CHECKING:
    from flipcheck.report import Report

ENDS = {
    "pass": "passes its gates",
    "fail": "fails its gates",
    "inconclusive": "leaves its gates undecided",
}
"""What the first run made of gates that were typed."""
MOST_VALUES, MOST_COLUMNS = 30, 40


def init(
    context: typer.Context,
    out: o.ConfigOut = Path("flipcheck.toml"),
    force: o.Force = False,
) -> None:
    """Write a flipcheck.toml: OLD, NEW, DATA, and limits that this update is shown to keep.

    It takes the arguments and options of `compare`, runs it once, and writes
    them down with comments; without arguments it writes only the comments.

    Example:

        flipcheck init old.onnx new.onnx images/
    """
    from flipcheck.cli.configured import JUDGED, known
    from flipcheck.config.proposing import proposals
    from flipcheck.config.writing import FirstRun, new_config
    from flipcheck.reporters.writing import check_writable, write_text
    from flipcheck.sources.spec import CORRECT_NAMES

    if os.path.lexists(out) and not force:
        raise OutputError(f"{out}: there already", hint="--force writes it anew; -o FILE another")
    check_writable(out)
    given = _given(context) if context.args else {}
    run = None
    if given:
        new_config(given, known(), out.parent, None)  # says what cannot be written, before the run
        report = _audited(given)
        gated = any(given.get(name) for name in JUDGED)
        candidates = _candidates(given, report)
        verdict = next((name for name in CORRECT_NAMES if name in candidates), None)
        candidates.pop(verdict or "", None)
        run = FirstRun(report, [] if gated else proposals(report), candidates, verdict)
    write_text(out, new_config(given, known(), out.parent, run))
    told = ""
    if run is not None and run.proposed:
        kept = sum(each.kept for each in run.proposed)
        told = f" with {plural(len(run.proposed), 'proposed gate')}"
        told += "" if kept == len(run.proposed) else f", of which this update keeps {kept}"
    if run is not None and run.report.gates:
        told = f"; this update {ENDS[str(run.report.verdict)]}"
    put(f"{out} written{told}; `flipcheck compare` reads it, `flipcheck config` shows it\n")


def _given(context: typer.Context) -> dict[str, Any]:
    """What was typed of the options of `compare`, by parameter, converted."""
    compare = compare_of(context)
    inner = compare.make_context("compare", ["--no-config", *context.args], parent=context.parent)
    return {
        name: value
        for name, value in inner.params.items()
        if name != "no_config" and inner.get_parameter_source(name).name == "COMMANDLINE"
    }


def _audited(given: dict[str, Any]) -> Report:
    """The report of a first run, with a progress bar."""
    from flipcheck.api import compare
    from flipcheck.cli.compare import asked
    from flipcheck.cli.progress import progress

    options = asked(given)
    options.pop("stop_early", None)  # the first run measures, all of it
    sources = (given["old"], given["new"], given.get("data"))
    with progress(quiet=bool(given.get("quiet"))) as show:
        return compare(*sources, **options, progress=show)


def _candidates(given: dict[str, Any], report: Report) -> dict[str, str]:
    """The columns of a table that could be sliced by, and what there is to say of each."""
    from flipcheck.sources.tables import open_table

    used = {
        str(name)
        for side in (report.old, report.new)
        for name in dict(side.facts.get("columns") or {}).values()
    }
    used |= {str(given.get(name)) for name in ("cluster", "weight", "id_column", "label")}
    for source in (given["old"], given.get("data") or given["old"]):
        try:
            table = open_table(Path(source))
            names = [name for name in table.names if name not in used][:MOST_COLUMNS]
            found = {name: told for name in names if (told := _values(table, name))}
        except (FlipcheckError, TypeError):
            continue
        if found:
            return found
    return {}


def _values(table: Any, name: str) -> str:
    """How many values a column has; nothing where these are no groups."""
    import pyarrow as pa

    from flipcheck.labels import as_text, to_arrow

    try:
        texts = as_text(to_arrow(table.load([name])[name]))
        counts = texts.value_counts().field("counts").to_pylist()
    except (FlipcheckError, pa.ArrowException, TypeError, ValueError, KeyError):
        return ""
    if not 2 <= len(counts) <= MOST_VALUES or max(counts) < 2:
        return ""
    return f"{plural(len(counts), 'value')} of {min(counts):,} examples or more"
