"""Completion in the shells: what is offered, how it is quoted, and that it cannot do harm."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flipcheck.cli.completing import COMPLETIONS
from flipcheck.gates import Gate
from flipcheck.metrics import METRICS

ROOT = Path(__file__).parents[2]

BASH = shutil.which("bash")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Files with plain columns, and one of which the columns are commands of shells."""
    (tmp_path / "old.csv").write_text("id,label,prediction,region,user id\n1,a,a,EU,7\n")
    (tmp_path / "new.jsonl").write_text('{"id": 1, "label": "a", "prediction": "a", "age": 3}\n')
    (tmp_path / "bad.csv").write_text(
        'id,$(touch pwned),`touch pwned`,";touch pwned;",a\'b,--html,a:b,x)y,tab\there,\\\\,ré\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(shell, *words):
    """What a shell is told to offer for the last of these words."""
    line = [*words[:-1], shlex.quote(words[-1]) if " " in words[-1] else words[-1]]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "_FLIPCHECK_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "\n".join(["flipcheck", *line]),
        "COMP_CWORD": str(len(line)),
        "_TYPER_COMPLETE_ARGS": " ".join(["flipcheck", *line]),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = subprocess.run(
        [sys.executable, "-m", "flipcheck"], env=env, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout


def offered(*words):
    """What bash is offered, each as the text that it stands for."""
    return [" ".join(shlex.split(line)) for line in asked("bash", *words).splitlines() if line]


COMPARE = ("compare", "old.csv", "new.jsonl")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((*COMPARE, "--max-n"), ["--max-nfr"]),  # options
        ((*COMPARE, "--by", ""), ["id", "label", "prediction", "region", "age"]),  # of both files
        ((*COMPARE, "--by", "re"), ["region"]),
        ((*COMPARE, "--by", "region,a"), ["region,age"]),  # a second column
        ((*COMPARE, "--seed", "1", "--cluster", "a"), ["age"]),  # after other options
        (("compare", "gone.csv", "gone.onnx", "--by", ""), []),  # no such files
        ((*COMPARE, "--decide", ""), ["bound", "point"]),
        ((*COMPARE, "--provider", "c"), ["cpu", "cuda", "coreml"]),
        ((*COMPARE, "--normalise", "case,st"), ["case,strip"]),
        ((*COMPARE, "--format", "lm"), ["lm-eval"]),
        ((*COMPARE, "--max-nfr", "1"), ["1%"]),
        (("explain", "negative_flip_r"), ["negative_flip_rate"]),
        (("plan", "--gate", "churn"), ["churn <= 1%"]),
        ((*COMPARE, "--gate", "churn <= 5% by r"), ["churn <= 5% by region"]),
        ((*COMPARE, "--gate", "churn <= 5% where re"), ["churn <= 5% where region="]),
    ],
)
def test_what_is_offered(words, found):
    """Options, values and the columns of the files that are on the line already."""
    assert offered(*words) == found


def test_every_gate_that_is_offered_can_be_read():
    """One for each metric, with a limit that such a metric can have."""
    gates = offered("compare", "old.csv", "new.csv", "--gate", "")
    assert [Gate.parse(each).metric for each in gates] == list(METRICS)
    assert offered("explain", "")[: len(METRICS)] == list(METRICS)


def test_choices_are_those_that_there_are():
    """The lists that completion holds, so that it loads nothing, are those of the readers."""
    from flipcheck.sources.logs import FORMATS, TABLE
    from flipcheck.sources.onnx.providers import ALIASES
    from flipcheck.tasks.normalising import PRESETS, STEPS

    def every(flag):
        return [value for value, _ in COMPLETIONS[flag](None, "")]

    assert every("--provider") == list(ALIASES)
    assert every("--normalise") == [*STEPS, *PRESETS]
    assert every("--format") == [*FORMATS, TABLE]
    kinds = {f"{kind}=" for each in FORMATS.values() for kind in each.picks}
    assert {*every("--pick")} == kinds


@pytest.mark.usefixtures("folder")
def test_each_shell_gets_a_gate_as_one_word():
    """Bash needs its signs escaped, but not in quotes; zsh and fish escape by themselves."""
    words = ("compare", "old.csv", "new.jsonl", "--gate")
    assert asked("bash", *words, "chu").strip() == r"churn\ \<\=\ 1%"
    assert asked("bash", *words, "'chu").strip() == "churn <= 1%"
    assert asked("fish", *words, "chu").splitlines() == ["churn <= 1%\tchurn"]
    assert '(("churn <= 1%":"churn"))' in asked("zsh", *words, "chu")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_columns_that_a_shell_could_run_are_not_offered(folder, shell):
    """Only names that are text to every shell."""
    shown = asked(shell, "compare", "bad.csv", "bad.csv", "--by", "")
    assert "ré" in shown
    assert not {*"$`;)\\"} & {*shown.removesuffix("))'\n").replace("_arguments '*: :((", "")}
    assert "touch" not in shown
    assert not list(folder.glob("pwned*"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"\xff\xfe\x00\x00" * 100),  # not UTF-8
        ("a.csv", b""),
        ("a.csv", b'"' * 100_000),  # no end of a field
        ("a.jsonl", b"[" * 60_000),  # deeper than Python reads
        ("a.jsonl", b"{"),
        ("a.parquet", b"PAR1" + b"\xff" * 64 + b"PAR1"),
        ("a.onnx", b"\x00" * 64),
    ],
)
def test_damaged_files_offer_nothing_and_fail_nothing(folder, name, content):
    """No error reaches the line that is being typed."""
    (folder / name).write_bytes(content)
    assert asked("bash", "compare", name, name, "--by", "zzz").strip() == ""


def test_columns_of_parquet_files_are_offered(folder):
    """The schema of the file has them."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"id": [1], "city": ["x"]}), folder / "a.parquet")
    assert offered("compare", "a.parquet", "a.parquet", "--by", "c") == ["city"]


@pytest.mark.usefixtures("folder")
def test_completion_loads_nothing_heavy():
    """No numpy or pandas for a column of a CSV file, nor for a gate."""
    code = (
        "import sys, atexit\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'scipy', 'onnxruntime', 'jinja2'}\n"
        "atexit.register(lambda: print(heavy & set(sys.modules), file=sys.stderr))\n"
        "from flipcheck.__main__ import main\nmain()"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "_FLIPCHECK_COMPLETE": "complete_bash"}
    for words in ("--by r", "--gate c"):
        line = f"flipcheck compare old.csv new.jsonl {words}"
        env |= {"COMP_WORDS": line, "COMP_CWORD": "5"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
        )
        assert done.stderr == "set()\n"
        assert done.stdout.strip()


@pytest.mark.skipif(BASH is None, reason="no bash here")
def test_bash_completes_with_the_script_that_is_shown(folder):
    """The function of `--show-completion`, run by a real bash, gives words that it reads back."""
    program = folder / "bin" / "flipcheck"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m flipcheck "$@"\n')
    program.chmod(0o755)
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
    }
    script = subprocess.run(
        [str(program)],
        env={**env, "_FLIPCHECK_COMPLETE": "source_bash"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    asking = (
        "COMP_WORDS=(flipcheck compare old.csv new.jsonl --gate churn) COMP_CWORD=5\n"
        "_flipcheck_completion flipcheck\n"
        'for each in "${COMPREPLY[@]}"; do eval "set -- $each"; echo "$# $1"; done\n'
    )
    done = subprocess.run(
        [str(BASH), "--norc", "-c", f"{script}\n{asking}"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1 churn <= 1%\n"
    assert {each.name for each in folder.iterdir()} == {"old.csv", "new.jsonl", "bad.csv", "bin"}
