"""`flipcheck explain`: what a number means, its formula and source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flipcheck.cli.completing import COMPLETIONS, usual_limit
from flipcheck.cli.outputs import columns, has_color, put

if TYPE_CHECKING:
    from rich.console import RenderableType

    from flipcheck.metrics import Metric

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="METRIC",
        help="A metric's name or abbreviation.",
        show_default=False,
        autocompletion=COMPLETIONS["METRIC"],
    ),
]

CELLS = (
    ("a", "both models right"),
    ("b", "negative flip: old right, new wrong"),
    ("c", "positive flip: old wrong, new right"),
    ("d", "both wrong: d_same the same answer, d_diff another one"),
    ("N", "a + b + c + d, all examples"),
    ("D", "new less old score, where answers are graded: b falls, c rises by more than T"),
)

GATES = (
    ("negative_flip_rate <= 1%", "of all examples; <, <=, > and >=; 1%, 0.01 or 0.2pp"),
    ("churn <= 5% by region", "in every slice of a column, or by A,B for pairs of two"),
    ("churn <= 5% where region=EU", "in one slice; class is the true label"),
)

NEEDS = {
    "": "",
    "answers": "; needs both models' answers",
    "costs": "; needs a cost matrix (--costs)",
    "reruns": "; needs answers of the old model run again (--rerun)",
    "scores": "; needs graded answers (--score)",
}


def explain(metric: Name = None) -> None:
    """Explain a metric, or list them all and how gates are written.

    Example:

        flipcheck explain negative_flip_rate
    """
    from flipcheck.metrics import CRITICAL, METRICS
    from flipcheck.metrics import metric as find

    known = {**METRICS, CRITICAL.name: CRITICAL}
    if metric is None:
        put(_printed(_overview(known)))
        return
    short = {each.abbreviation.lower(): each for each in known.values()}
    put(_printed(_details(short.get(metric.lower()) or find(metric))))


def _printed(parts: list[RenderableType]) -> str:
    from io import StringIO

    from rich.console import Console

    out, color = StringIO(), has_color()
    console = Console(
        file=out, width=columns(), force_terminal=color, no_color=not color, highlight=False
    )
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def _overview(metrics: dict[str, Metric]) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    for each in metrics.values():
        table.add_row(Text(each.name, "bold"), Text(each.formula))
    cells = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for name, meaning in CELLS:
        cells.add_row(Text(name, "bold"), Text(meaning))
    gates = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for gate, meaning in GATES:
        gates.add_row(Text(gate, "bold"), Text(meaning))
    gap, more = Text(""), Text("flipcheck explain METRIC tells more of one.")
    return [
        table,
        gap,
        cells,
        gap,
        Text("A gate is a limit on one of them (--gate):"),
        gates,
        gap,
        more,
    ]


def _details(metric: Metric) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from flipcheck.stats.intervals import METHODS

    method = "none: it is a count" if metric.kind == "count" else METHODS[metric.kind][0]
    better = {
        "lower": "lower is better",
        "higher": "higher is better",
        "neither": "neither way is better by itself",
    }[metric.better]
    sign, limit = usual_limit(metric)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    rows = [
        ("formula", metric.formula),
        ("read", better + NEEDS[metric.needs or ("answers" if metric.needs_split else "")]),
        ("interval", method),
        ("source", metric.source),
        ("gate", f"--gate '{metric.name} {sign} {limit}'"),
    ]
    for name, text in rows:
        table.add_row(name, Text(text))
    title = Text.assemble((metric.name, "bold"), f"  ({metric.abbreviation})")
    return [title, Text(metric.meaning), Text(""), table]
