"""What commands take of their options, against what typer's own commands take."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import wraps

import pytest
import typer
from typer.core import TyperCommand
from typer.main import get_command

from flipcheck.cli.command import Command
from flipcheck.cli.compare import compare
from flipcheck.cli.plan import plan
from flipcheck.cli.predict import predict


def taken(cls, call, arguments):
    """The options that a command of a class takes of arguments, as its call gets them."""
    app, found = typer.Typer(), {}
    app.command(cls=cls)(wraps(call)(lambda **given: found.update(given)))
    try:
        get_command(app).main(list(arguments), standalone_mode=False)
    except Exception as error:  # noqa: BLE001  (whatever typer raises is what is compared)
        return str(error)
    return found


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        pytest.param(compare, ["a", "b"], id="only what is needed"),
        pytest.param(compare, ["a"], id="an argument is missing"),
        pytest.param(compare, ["a", "b", "c", "d"], id="an argument too many"),
        pytest.param(compare, ["a", "b", "--gate", "x", "--gate", "y"], id="an option twice"),
        pytest.param(compare, ["a", "b", "--label", "x", "--label", "y"], id="the last one counts"),
        pytest.param(compare, ["ä", "b", "--gate", "é"], id="texts that are not ASCII"),
        pytest.param(compare, ["a\udcff", "b"], id="bytes that are no text"),
        pytest.param(compare, ["", "b", "--by", ""], id="empty texts"),
        pytest.param(compare, ["a", "b", "--quiet", "--discover"], id="flags"),
        pytest.param(compare, ["a", "b", "--seed", "7", "--confidence", "0.9"], id="numbers"),
        pytest.param(compare, ["a", "b", "--seed", "-7"], id="a number too small"),
        pytest.param(compare, ["a", "b", "--seed", "x"], id="no number"),
        pytest.param(compare, ["a", "b", "--decide", "point"], id="a choice"),
        pytest.param(compare, ["a", "b", "--decide", "guess"], id="no such choice"),
        pytest.param(predict, ["a", "b", "--out", "c.csv"], id="a path"),
        pytest.param(plan, ["--examples", "10"], id="no arguments"),
    ],
)
def test_commands_take_what_typer_takes(call, arguments):
    """Options that are taken as they are have the value, and refusals the words, of typer."""
    assert taken(Command, call, arguments) == taken(TyperCommand, call, arguments)


def test_an_ordinary_audit_loads_no_validators(flipped):
    """Nothing is to be converted where only texts and flags are given."""
    arguments = ["compare", *map(str, flipped(10, 1)), "--by", "label", "--quiet"]
    code = (
        "import sys\nfrom flipcheck.__main__ import main\n"
        f"try: main({arguments!r})\nexcept SystemExit as ended: assert not ended.code\n"
        "found = {'pydantic', 'pandas', 'onnxruntime', 'PIL'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("name", "value"), [("OPENBLAS_NUM_THREADS", "1"), ("NUMPY_MADVISE_HUGEPAGE", "0")]
)
def test_numpy_is_loaded_alike_everywhere(name, value):
    """How many processors there are changes no digit; what the user asks for is kept."""
    code = (
        "import os\nfrom flipcheck.__main__ import main\n"
        f"try: main(['--version'])\nexcept SystemExit: print(os.environ['{name}'])\n"
    )
    for given, kept in (({}, value), ({name: "3"}, "3")):
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=given
        )
        assert done.stdout.split()[-1] == kept


@pytest.mark.parametrize("value", ["x", "-1", "9" * 20])
def test_a_time_that_is_none_is_told_before_anything_is_loaded(value):
    """The import of numpy breaks on one, which would look like an error of ours."""
    done = subprocess.run(
        [sys.executable, "-m", "flipcheck", "explain"],
        env={**os.environ, "SOURCE_DATE_EPOCH": value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: SOURCE_DATE_EPOCH is ")
