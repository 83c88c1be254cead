"""What a GitHub workflow is told: annotations, a summary and outputs, and nothing by mistake."""

from __future__ import annotations

import json
import os
import re

import pytest
import typer.rich_utils  # noqa: F401  (it reads GITHUB_ACTIONS once, for all tests of a process)

from flipcheck.cli.github import LIMIT, summary

FAILING, PASSING = {"right": 900, "broken": 100}, {"right": 995, "broken": 5}
GATE = ("--max-nfr", "2%")


@pytest.fixture
def workflow(monkeypatch, tmp_path):
    """The variables of a workflow's step; the files that they name, which are there and empty."""
    folder = tmp_path / "step"
    folder.mkdir()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name in ("summary", "output"):
        (folder / name).write_text("", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(folder / "output"))
    return folder


def values(path):
    """The outputs, by the runner's rules."""
    lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    found = {}
    while lines and lines[0]:
        name, end = lines.pop(0).split("<<", 1)
        at = lines.index(end)
        found[name] = "\n".join(lines[:at])
        del lines[: at + 1]
    return found


def annotations(text):
    """The lines that are commands."""
    return [line for line in text.splitlines() if line.lstrip().startswith("::")]


@pytest.mark.usefixtures("workflow")
@pytest.mark.parametrize(
    ("counts", "status", "kind"),
    [(PASSING, 0, "notice"), (FAILING, 1, "error"), ({"right": 97, "broken": 3}, 3, "warning")],
)
def test_a_step_is_told_of_its_gate(command, flipped, counts, status, kind):
    """An annotation on standard error, the report on standard output, and the verdict's status."""
    files = flipped(**counts)
    done = command("compare", *files, *GATE)
    assert done.status == status
    assert sum(line.startswith(f"::{kind} ") for line in annotations(done.err)) >= 1
    assert not annotations(done.out)
    assert done.out == command("compare", *files, *GATE, "--ci", "none").out


def test_the_summary_is_the_markdown_report(command, flipped, workflow):
    """It comes after what another command of the step has left there, on a line of its own."""
    (workflow / "summary").write_text("# before", encoding="utf-8")
    done = command("compare", *flipped(**FAILING), *GATE, "--markdown", workflow / "r.md")
    assert done.status == 1
    report = (workflow / "r.md").read_text(encoding="utf-8")
    assert (workflow / "summary").read_text(encoding="utf-8") == f"# before\n{report}"


def test_the_outputs_are_the_numbers_and_the_paths(command, flipped, workflow):
    """What later steps ask for: the rate as a plain fraction, and each file that was written."""
    command("compare", *flipped(**FAILING), *GATE, "--json", workflow / "r.json", "--junit", "-")
    assert values(workflow / "output") == {
        "verdict": "fail",
        "exit_status": "1",
        "negative_flip_rate": "0.1000000000",
        "negative_flips": "100",
        "json_path": str(workflow / "r.json"),
    }


def test_no_path_can_end_its_value(command, flipped, workflow):
    """A file name with lines that look like outputs is one value; ends are not to be guessed."""
    command("compare", *flipped(**FAILING), *GATE, "--json", workflow / "r.json")
    before = (workflow / "output").read_text(encoding="utf-8")
    ends = set(re.findall("<<(.*)", before))
    name = "\n".join(["x", *ends, "verdict<<EOF", "pass", "EOF", ".json"])
    (workflow / "output").write_text("", encoding="utf-8")
    command("compare", *flipped(**FAILING), *GATE, "--json", workflow / name)
    found = values(workflow / "output")
    assert found["verdict"] == "fail"
    assert found["json_path"] == str(workflow / name)
    assert len(ends) == 5
    assert all(len(each) > 30 for each in ends)


@pytest.mark.parametrize("name", ["summary", "output"])
@pytest.mark.parametrize("made", ["folder", "pipe", "nowhere"])
def test_a_file_that_cannot_be_written_changes_no_verdict(command, flipped, workflow, name, made):
    """It is a warning on standard error; the report, the status and the other file are there."""
    path = workflow / name
    path.unlink()
    if made == "folder":
        path.mkdir()
    elif made == "pipe":
        os.mkfifo(path)  # with no one to read it, opening it would wait for ever
    else:
        path.symlink_to(workflow / "no" / "such")
    done = command("compare", *flipped(**FAILING), *GATE)
    assert done.status == 1
    assert done.out.startswith(" FAIL ")
    assert "could not be written" in done.err
    assert any(line.startswith("::warning ") for line in annotations(done.err))
    other = workflow / ({"summary", "output"} - {name}).pop()
    assert other.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("filled", "added"),
    [
        (0, True),
        (LIMIT - 2_000, True),  # a part of it, between lines
        (LIMIT - 10, False),
        (LIMIT + 10, False),
    ],
)
def test_the_summary_never_grows_beyond_its_limit(command, flipped, workflow, filled, added):
    """GitHub drops all of one that is too large, with what others have written."""
    path = workflow / "summary"
    path.write_text("x" * filled, encoding="utf-8")
    done = command("compare", *flipped(**FAILING), *GATE)
    assert done.status == 1
    assert path.stat().st_size <= max(LIMIT, filled)
    assert (path.stat().st_size > filled) is added
    assert ("it is full" in done.err) is not added


def test_a_summary_keeps_to_its_room(flipped):
    """However little there is, the verdict is said, or nothing; what is out is named."""
    import flipcheck

    report = flipcheck.compare(*flipped(**FAILING), gates=["negative_flip_rate <= 2%"])
    whole = summary(report, LIMIT)
    for most in range(0, len(whole.encode()), 97):
        text = summary(report, most)
        assert len(text.encode()) <= most
        assert not text or ("flipcheck: FAIL" in text and ("eft out" in text or "more" in text))
    assert summary(report, len(whole.encode())) == whole


def test_none_tells_nothing(command, flipped, workflow):
    """--ci none: no annotation, and neither file is touched, in an error as well."""
    done = command("compare", *flipped(**FAILING), *GATE, "--ci", "none")
    assert done.status == 1
    assert not done.err
    assert not (workflow / "summary").read_text("utf-8") + (workflow / "output").read_text("utf-8")
    assert not annotations(command("compare", "no", "where", "--ci=none").err)


def test_a_configuration_may_turn_it_off(command, flipped, tmp_path, monkeypatch):
    """Also for a run that cannot be done, unless the command line asks for it."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    config = tmp_path / "flipcheck.toml"
    config.write_text('ci = "none"\n', encoding="utf-8")
    asked = ("compare", *flipped(right=9), "--config", config, "--gate", "no gate")
    assert "::error" not in command(*asked).err
    assert "::error" in command(*asked, "--ci", "auto").err


def test_github_annotates_anywhere(command, flipped):
    """--ci github needs no variable, as for servers that understand the same commands."""
    done = command("compare", *flipped(**FAILING), *GATE, "--ci", "github")
    assert sum(line.startswith("::error ") for line in annotations(done.err)) == 1
    assert annotations(command("compare", "no", "where", "--ci", "github").err)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("compare", "nowhere.csv", "nowhere.csv"), "no such file"),
        (("compare", "a\n::add-mask::b.csv", "c.csv"), "no such file"),
        (("compare", "a.csv"), "Missing argument"),
        (("compare", "a.csv", "b.csv", "--max-nrf", "1%"), "No such option"),
        (("compare", "a.csv", "b.csv", "--max-nfr", "x"), "cannot read the limit"),
        (("compare",), "nothing to compare"),
        (("render",), "nothing was asked for"),
        (("compere",), "No such command"),
    ],
)
def test_what_could_not_be_run_is_annotated(command, workflow, arguments, what):
    """Exactly one error, and it says what the message said; no output claims a verdict."""
    done = command(*arguments)
    assert done.status == 2
    (line,) = annotations(done.err)
    assert line.startswith("::error title=flipcheck could not run::error: ")
    assert what in line
    assert not (workflow / "output").read_text("utf-8")


@pytest.mark.usefixtures("workflow")
def test_an_internal_error_is_annotated(command, flipped, monkeypatch):
    """A crash is no failed gate, and tells so."""
    import flipcheck.api

    monkeypatch.setattr(flipcheck.api, "compare", lambda *_given, **_options: 1 / 0)
    done = command("compare", *flipped(right=9))
    assert done.status == 70
    (line,) = annotations(done.err)
    assert "internal error: ZeroDivisionError" in line


def test_render_tells_only_of_gates_of_its_own(command, flipped, workflow):
    """Without a gate it ends in 0, whatever the report's verdict: an error would contradict it."""
    path = workflow / "r.json"
    command("compare", *flipped(**FAILING), *GATE, "--json", path, "--ci", "none")
    done = command("render", path)
    assert done.status == 0
    assert not annotations(done.err)
    assert not (workflow / "summary").read_text("utf-8")
    done = command("render", path, "--max-nfr", "2%")
    assert done.status == 1
    assert sum(line.startswith("::error ") for line in annotations(done.err)) == 1
    assert values(workflow / "output")["exit_status"] == "1"
    assert annotations(command("render", path, "--ci", "github").err)


EVIL = ["::add-mask::FAIL", " ::error::x", "##[stop-commands]x", "a ##vso[task.complete]x",
        "\n::error::x", "\r::error::x", "\u2028::error::x", f"{'wide ' * 14}::error::x",
        *(f"{'y' * length} ::error::x" for length in range(10, 78, 3))]  # fmt: skip


def is_command(line):
    """Whether a runner of GitHub or Azure takes a line for a command."""
    return line.strip().startswith("::") or re.search(r"##\w*\[", line) is not None


@pytest.fixture
def hostile(table):
    """Two sides whose ids, answers, columns and slices are commands, with many flips."""

    def rows(right):
        for at, name in enumerate(EVIL * 3):
            answer = name if right else EVIL[(at + 1) % len(EVIL)]
            yield {"id": f"{name}{at}", "label": name, "prediction": answer, "##[error]by": name}

    paths = []
    for side, right in (("old", True), ("new", False)):
        path = table(f"{side}.jsonl", "")
        path.write_text("".join(json.dumps(row) + "\n" for row in rows(right)), encoding="utf-8")
        paths.append(path)
    return paths


@pytest.mark.usefixtures("workflow")
@pytest.mark.parametrize(
    "shown",
    [(), *((f"--{name}", "-") for name in ("json", "html", "markdown", "junit", "metrics"))],
)
def test_no_line_of_a_log_is_a_command(command, hostile, shown):
    """Whatever files hold, only our own annotations act, whichever report is on standard output."""
    gates = ("--gate", "negative_flip_rate <= 5% by ##[error]by", "--by", "##[error]by")
    done = command("compare", *hostile, *gates, "--min-slice", "2", *shown)
    assert done.status == 1, done.err
    assert [line for line in re.split(r"[\r\n]", done.out) if is_command(line)] == []
    own = re.compile(r"::(error|warning|notice) title=")
    assert [line for line in done.err.split("\n") if is_command(line) and not own.match(line)] == []
    assert all("##[" not in line for line in done.err.split("\n"))


@pytest.mark.usefixtures("workflow")
def test_no_line_in_colours_is_a_command(command, hostile, monkeypatch):
    """As workflows ask for colours in their logs."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    gates = ("--gate", "negative_flip_rate <= 5% by ##[error]by", "--by", "##[error]by")
    done = command("compare", *hostile, *gates)
    assert "\x1b[" in done.out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.out)  # to be sure, as if the server took them out
    for text in (done.out, plain):
        assert [line for line in re.split(r"[\r\n]", text) if is_command(line)] == []


@pytest.mark.usefixtures("workflow")
def test_no_error_is_a_command(command, hostile, table):
    """Nor is a line of an error, which quotes names and ids."""
    other = table("other.csv", "id,label,prediction", "a,b,c")
    done = command("compare", hostile[0], other)
    assert done.status == 2
    lines = [line for line in done.err.split("\n") if is_command(line)]
    assert len(lines) == 1
    assert lines[0].startswith("::error title=flipcheck could not run::")
    done = command("compare", "##[error]x.csv", "y.csv", "--ci", "none")
    assert not any(map(is_command, done.err.split("\n")))


@pytest.mark.parametrize("shown", [(), ("--json", "-")])
@pytest.mark.parametrize("place", range(len(EVIL)))
def test_no_line_of_one_example_is_a_command(command, hostile, place, shown):
    """`repro` quotes the same names."""
    done = command("repro", f"{EVIL[place]}{place}", *hostile, "--by", "##[error]by", *shown)
    assert done.status == 0, done.err
    assert [line for line in re.split(r"[\r\n]", done.out) if is_command(line)] == []


def test_json_keeps_its_values(command, hostile):
    """What is escaped in the text of a report is the same value to whoever reads it."""
    done = command("compare", *hostile, "--json", "-")
    found = {each["id"] for each in json.loads(done.out)["negative_flips"]["examples"]}
    assert found == {f"{name}{at}" for at, name in enumerate(EVIL * 3)}
