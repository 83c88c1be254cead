"""The commands: each parses, calls one audit, writes reports and exits.

Nothing heavy is imported before a command runs, so that help is instant.
"""

from __future__ import annotations

from typing import Annotated

import typer

from flipcheck._version import __version__
from flipcheck.cli.cache import cache
from flipcheck.cli.command import Command, Group
from flipcheck.cli.compare import compare
from flipcheck.cli.config import ELSEWHERE, config
from flipcheck.cli.explain import explain
from flipcheck.cli.init import init
from flipcheck.cli.options import FLAG
from flipcheck.cli.plan import plan
from flipcheck.cli.predict import predict
from flipcheck.cli.render import render
from flipcheck.cli.repro import repro
from flipcheck.cli.schema import schema
from flipcheck.cli.verify import verify

EPILOG = (
    "Exit status: 0 every gate passed, 1 a gate failed, 2 could not run, 3 inconclusive (the test "
    "set is too small to decide)."
)

OF_COMPARE = "[OLD NEW [DATA]] [OPTIONS, also those of compare]"

app = typer.Typer(
    name="flipcheck",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"flipcheck {__version__}")
        raise typer.Exit


@app.callback()
def flipcheck(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, metavar=FLAG, help="Show the version."
        ),
    ] = False,
    traceback: Annotated[
        bool,
        typer.Option(
            "--traceback", metavar=FLAG, help="Show where an error was raised, for reporting it."
        ),
    ] = False,
) -> None:
    """May the new model replace the old one?

    flipcheck shows which answers that used to be right are now wrong, how
    sure that is and where it concentrates, and stops a release that breaks
    its limits.
    """


app.command(cls=Command, no_args_is_help=True)(compare)
app.command(cls=Command, no_args_is_help=True)(predict)
app.command(cls=Command, no_args_is_help=True)(repro)
app.command(cls=Command, no_args_is_help=True)(render)
app.command(cls=Command, no_args_is_help=True)(verify)
app.command(cls=Command, no_args_is_help=True)(plan)
app.command(cls=Command)(explain)
app.command(cls=Command)(schema)
app.command(cls=Command)(cache)
app.command(cls=Command, context_settings=ELSEWHERE, options_metavar=OF_COMPARE)(init)
app.command(cls=Command, context_settings=ELSEWHERE, options_metavar=OF_COMPARE)(config)
