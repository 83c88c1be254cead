"""What commands take of a configuration and the environment, and what goes before what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LENIENT, STRICT = "negative_flip_rate <= 50%", "negative_flip_rate <= 0.01%"


@pytest.fixture
def here(tmp_path, monkeypatch, flipped):
    """A folder with old.csv and new.csv, of which 5 of 100 answers break; write its files."""
    flipped(right=95, broken=5)
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "flipcheck.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


BOTH = 'old = "old.csv"\nnew = "new.csv"\n'


def gates(done):
    """The gates of a report on standard output."""
    return [each["gate"] for each in json.loads(done.out)["gates"]]


def settings(done):
    """Its settings."""
    return json.loads(done.out)["settings"]


def test_a_bare_compare_does_what_the_file_says(command, here):
    """No arguments are needed, and the status is that of the file's gates."""
    here(f'{BOTH}gates = ["{LENIENT}"]\n')
    done = command("compare")
    assert done.status == 0
    assert done.out.startswith(" PASS ")
    assert done.err == "config: flipcheck.toml (1 gate)\n"
    done = command("compare", "--max-nfr", "60%")
    assert done.err == "config: flipcheck.toml (2 gates, 1 of them from the command line)\n"
    assert command("compare", "--quiet").err == ""
    here(f'{BOTH}gates = ["{STRICT}"]\n')
    assert command("compare").status == 1


def test_the_reports_are_the_bytes_of_the_same_command_line(command, here):
    """A value of the file is what the same words typed would be."""
    typed = command("compare", "old.csv", "new.csv", "--gate", LENIENT, "--by", "label", "--json=-")
    there = json.loads(typed.out)
    here(f'{BOTH}gates = ["{LENIENT}"]\n[slices]\nby = ["label"]\n[reports]\njson = "-"\n')
    found = json.loads(command("compare").out)
    assert found["evidence"].pop("command") == there["evidence"].pop("command").replace(
        "compare", "compare --no-config", 1
    )
    assert [each["role"] for each in found["evidence"].pop("files")][-1] == "config"
    for each in (found, there):
        each["evidence"].pop("files", None)
        del each["digest"]
    assert found == there


@pytest.mark.parametrize(
    ("line", "variable", "typed", "seed"),
    [
        ("", "", (), 0),
        ("seed = 1", "", (), 1),
        ("seed = 1", "2", (), 2),
        ("", "2", (), 2),
        ("seed = 1", "2", ("--seed", "3"), 3),
        ("seed = 1", "", ("--seed", "3"), 3),
        ("seed = 1", "2", ("--seed", "0"), 0),  # typed is typed, though it is the default
        ("seed = 1", "2", ("--no-config",), 0),
    ],
)
def test_the_nearest_place_has_the_say(command, here, monkeypatch, line, variable, typed, seed):
    """Command line, environment, file, default."""
    here(f"{line}\n")
    monkeypatch.setenv("FLIPCHECK_SEED", variable)
    done = command("compare", "old.csv", "new.csv", "--json", "-", *typed)
    assert settings(done)["seed"] == seed


@pytest.mark.parametrize(
    ("line", "variables", "typed", "expected"),
    [
        # each place alone
        (f'gates = ["{STRICT}"]', {}, (), [STRICT]),
        ("", {"FLIPCHECK_GATE": STRICT}, (), [STRICT]),
        # a typed gate does not take away the file's, of its own option or another
        (f'gates = ["{STRICT}"]', {}, ("--gate", LENIENT), [STRICT, LENIENT]),
        (f'gates = ["{STRICT}"]', {}, ("--max-nfr", "50%"), [LENIENT, STRICT]),
        ('max-nfr = "0.01%"', {}, ("--max-nfr", "50%"), [STRICT, LENIENT]),
        # nor does the environment's, which may have several lines and either name
        (f'gates = ["{STRICT}"]', {"FLIPCHECK_GATES": f"{LENIENT}\n"}, (), [STRICT, LENIENT]),
        (
            f'gates = ["{STRICT}"]',
            {"FLIPCHECK_GATES": f"{LENIENT}\n\nerror_rate_change <= 9%"},
            ("--gate", "churn <= 9%"),
            [STRICT, LENIENT, "error_rate_change <= 9%", "churn <= 9%"],
        ),
        # what two places say alike is judged once
        (f'gates = ["{STRICT}"]', {"FLIPCHECK_GATE": STRICT}, ("--gate", STRICT), [STRICT]),
        # only --no-config does
        (f'gates = ["{STRICT}"]', {"FLIPCHECK_GATE": STRICT}, ("--no-config",), []),
        (f'gates = ["{STRICT}"]', {"FLIPCHECK_NO_CONFIG": "1"}, (), []),
        (f'gates = ["{STRICT}"]', {"FLIPCHECK_NO_CONFIG": "0"}, (), [STRICT]),
    ],
)
def test_no_place_takes_a_gate_away(command, here, monkeypatch, line, variables, typed, expected):
    """Gates add up: what is looser beside a stricter one changes nothing."""
    here(f"{line}\n")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = command("compare", "old.csv", "new.csv", "--json", "-", *typed)
    assert gates(done) == expected
    assert done.status == (1 if STRICT in expected else 0)


def test_other_lists_are_replaced(command, here, monkeypatch):
    """As pytest and ruff do it: the nearest place has the whole say."""
    here(f'{BOTH}by = ["label"]\njson = "-"\n')
    assert {each["by"] for each in json.loads(command("compare").out)["slices"]} == {"label"}
    monkeypatch.setenv("FLIPCHECK_BY", "id")
    found = json.loads(command("compare", "--quantiles", "4").out)
    assert "label" not in {each["by"] for each in found["slices"]}


def test_a_flag_of_the_file_is_turned_off_by_the_environment(command, here, monkeypatch):
    """A command line has no word for no."""
    here(f'{BOTH}discover = true\nby = "label"\njson = "-"\n')
    assert json.loads(command("compare").out)["discovery"] is not None
    monkeypatch.setenv("FLIPCHECK_DISCOVER", "off")
    assert json.loads(command("compare").out).get("discovery") is None


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("FLIPCHECK_SEED", "x", "FLIPCHECK_SEED: 'x' is no whole number"),
        ("FLIPCHECK_SEED", "-1", "FLIPCHECK_SEED: -1 is less than 0"),
        ("FLIPCHECK_CONFIDENCE", "high", "FLIPCHECK_CONFIDENCE: 'high' is no number"),
        ("FLIPCHECK_DISCOVER", "maybe", "'maybe' is neither on nor off: write 1 or 0"),
        ("FLIPCHECK_DECIDE", "guess", "'guess' is not one of 'bound', 'point'"),
        ("FLIPCHECK_GATE", "nfr <= 1%", "FLIPCHECK_GATE: no metric 'nfr'"),
        ("FLIPCHECK_NO_CONFIG", "maybe", "FLIPCHECK_NO_CONFIG: 'maybe' is neither on nor off"),
        ("FLIPCHECK_CONFIG", "none.toml", "none.toml: no such file"),
    ],
)
def test_a_variable_that_cannot_be_read_is_an_error(
    command, here, monkeypatch, name, value, problem
):
    """It is named, and nothing runs."""
    here(BOTH)
    monkeypatch.setenv(name, value)
    done = command("compare")
    assert done.status == 2
    assert problem in done.err
    assert not done.out


def test_a_variable_that_is_no_option_is_warned_of(command, here, monkeypatch):
    """Other tools may have theirs; a slip is told with the nearest name."""
    here(BOTH)
    monkeypatch.setenv("FLIPCHECK_GATTE", STRICT)
    done = command("compare")
    assert done.status == 0
    assert "FLIPCHECK_GATTE sets no option; did you mean 'FLIPCHECK_GATE'?" in done.err


def test_two_names_of_one_variable_are_an_error(command, here, monkeypatch):
    """Neither is chosen."""
    here(BOTH)
    monkeypatch.setenv("FLIPCHECK_GATE", LENIENT)
    monkeypatch.setenv("FLIPCHECK_GATES", STRICT)
    done = command("compare")
    assert done.status == 2
    assert "FLIPCHECK_GATES and FLIPCHECK_GATE are one option" in done.err


@pytest.mark.usefixtures("here")
def test_the_environment_is_enough(command, monkeypatch):
    """No file and no arguments: a pipeline that sets variables."""
    monkeypatch.setenv("FLIPCHECK_OLD", "old.csv")
    monkeypatch.setenv("FLIPCHECK_NEW", "new.csv")
    assert command("compare").status == 0


# --- sources -------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_without_a_configuration_a_bare_compare_says_what_it_wants(command):
    """Status 2 and three lines, where the help would hide in 300 that the file is not there."""
    for options in ((), ("--no-config", "--max-nfr", "5%"), ("--require-gate", "--junit", "a.xml")):
        done = command("compare", *options)
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith(
            "error: nothing to compare: no OLD and NEW, and no flipcheck.toml"
        )
        assert "flipcheck init OLD NEW" in done.err


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (".flipcheck.toml", "", ".flipcheck.toml is not read; did you mean flipcheck.toml?"),
        ("flipchek.toml", "", "flipchek.toml is not read; did you mean flipcheck.toml?"),
        (
            *("pyproject.toml", "[tool.flipchek]\nmax-nfr = '1%'\n"),
            "[tool.flipchek] in pyproject.toml is not read; did you mean [tool.flipcheck]?",
        ),
        (
            *("pyproject.toml", "[flipcheck]\nmax-nfr = '1%'\n"),
            "[flipcheck] in pyproject.toml is not read; did you mean [tool.flipcheck]?",
        ),
    ],
)
def test_a_slip_in_the_name_of_the_file_is_told(command, here, name, text, told):
    """Its gates would be judged by nobody, and an audit without gates ends in 0."""
    here(text, name)
    for arguments in (("compare",), ("compare", "old.csv", "new.csv"), ("config",)):
        assert f"warning: {told}\n" in command(*arguments).err


@pytest.mark.parametrize("text", ["[tool.ruff]\n", "[tool.spellcheck]\n", "[tool", "\0"])
def test_other_tables_of_a_project_are_none_of_our_business(command, here, text):
    """Nothing is told of them, nor of a file that is not even TOML."""
    here(text, "pyproject.toml")
    assert command("compare", "old.csv", "new.csv").err == ""


@pytest.mark.parametrize(
    ("text", "side"), [("", "old"), ('old = "old.csv"\n', "new"), ('new = "new.csv"\n', "old")]
)
def test_a_file_without_a_source_says_which_and_where_to_put_it(command, here, text, side):
    """Half a comparison is none."""
    here(text)
    done = command("compare", "--max-nfr", "1%")
    assert done.status == 2
    assert f"flipcheck.toml: nothing says what the {side} side is" in done.err
    assert f'add {side} = "{side}.onnx"' in done.err


def test_one_typed_source_is_not_paired_with_one_of_the_file(command, here, monkeypatch):
    """Which side it is would be a guess; FLIPCHECK_NEW says so."""
    here(BOTH)
    here(BOTH, "FLIPCHECK_ci.toml")
    for arguments in ((), ("--config", "FLIPCHECK_ci.toml")):
        done = command("compare", "new.csv", *arguments)
        assert done.status == 2
        assert "OLD without NEW, which would be that of" in done.err
    monkeypatch.setenv("FLIPCHECK_NEW", "old.csv")
    done = command("compare", "--json", "-")
    assert json.loads(done.out)["tally"]["negative_flips"] == 0


def test_typed_sources_keep_the_gates_of_the_file(command, here):
    """A candidate is held to the project's limits."""
    here(f'old = "x"\nnew = "y"\ngates = ["{STRICT}"]\n')
    assert command("compare", "old.csv", "new.csv").status == 1


def test_paths_begin_at_the_folder_of_the_file(command, here, monkeypatch, tmp_path):
    """From anywhere in the repository the same files are compared."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "inner").mkdir()
    here(f'{BOTH}gates = ["{LENIENT}"]\n[reports]\njson = "r.json"\n')
    monkeypatch.chdir(tmp_path / "inner")
    done = command("compare")
    assert done.status == 0
    assert "config: ../flipcheck.toml" in done.err
    assert (tmp_path / "r.json").exists()


def test_a_report_never_overwrites_the_configuration(command, here):
    """It is read by the command as its sources are."""
    here(f'{BOTH}html = "flipcheck.toml"\n')
    done = command("compare")
    assert done.status == 2
    assert "is read by this command, and would be overwritten" in done.err


def test_both_files_in_one_folder_are_warned_of(command, here):
    """Gates of the one that is not read would be missed."""
    here(BOTH)
    here(f'[tool.flipcheck]\ngates = ["{STRICT}"]\n', "pyproject.toml")
    done = command("compare")
    assert (
        "warning: flipcheck.toml is read, and [tool.flipcheck] in pyproject.toml is not" in done.err
    )


def test_an_error_about_an_option_says_where_it_was_set(command, here, monkeypatch):
    """The flag that a message names was not typed: it is a line of the file, or a variable."""
    here(f'{BOTH}[preprocess]\nscale = 2\n[columns]\nlabel = "lable"\n')
    assert "--preprocess is set by flipcheck.toml:3" in command("compare").err
    monkeypatch.setenv("FLIPCHECK_PREPROCESS", "scale=1")
    assert "--preprocess is set by FLIPCHECK_PREPROCESS" in command("compare").err
    assert "is set by" not in command("compare", "--preprocess", "scale=3", "--label", "x").err
    here(f"{BOTH}[statistics]\nresamples = 5\nconfidence = 2\n")
    done = command("compare", "--no-config", "old.csv", "new.csv", "--preprocess", "scale=2")
    assert "is set by" not in done.err


def test_a_file_that_is_too_far_above_is_told(command, here, tmp_path, monkeypatch):
    """A checkout without its .git: the gates above do not go missing in silence."""
    path = here(f'gates = ["{STRICT}"]\n')
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    done = command("compare", "../old.csv", "../new.csv")
    assert done.status == 0
    assert "warning: ../flipcheck.toml is not read" in done.err
    assert command("compare", "../old.csv", "../new.csv", "--no-config").err == ""
    (tmp_path / ".git").mkdir()
    assert command("compare", "../old.csv", "../new.csv").status == 1
    path.unlink()
    assert command("compare", "../old.csv", "../new.csv").err == ""


@pytest.mark.parametrize("arguments", [(), ("old.csv", "new.csv"), ("--max-nfr", "50%")])
def test_a_configuration_with_a_mistake_stops_every_run(command, here, arguments):
    """What it would gate is not known, so nothing passes."""
    here(f'{BOTH}gats = ["{STRICT}"]\n')
    done = command("compare", *arguments)
    assert done.status == 2
    assert "flipcheck.toml: 1 problem\n  - line 3: gats: no such option" in done.err
    assert not done.out


@pytest.mark.parametrize("arguments", [("--config", "x.toml", "--no-config"), ("--config", "no")])
def test_a_file_that_was_asked_for_is_read_or_an_error(command, here, arguments):
    """Never passed over."""
    here(BOTH)
    here(BOTH, "x.toml")
    assert command("compare", *arguments).status == 2


def test_another_file_can_be_named(command, here, monkeypatch):
    """By --config, or FLIPCHECK_CONFIG, which goes after it."""
    here(BOTH)
    here(f'{BOTH}gates = ["{STRICT}"]\n', "strict.toml")
    here(f"[tool.flipcheck]\n{BOTH}", "pyproject.toml")
    assert command("compare", "--config", "strict.toml").status == 1
    assert command("compare", "--config", "pyproject.toml").status == 0
    monkeypatch.setenv("FLIPCHECK_CONFIG", "strict.toml")
    assert command("compare").status == 1
    assert command("compare", "--config", "flipcheck.toml").status == 0


def test_a_folder_that_is_gone_has_no_configuration(command, here, tmp_path, monkeypatch):
    """Whole paths are compared from there as from anywhere."""
    here(f'gates = ["{STRICT}"]\n')
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert command("compare", tmp_path / "old.csv", tmp_path / "new.csv").status == 0


# --- critical examples and waivers ----------------------------------------------------------

BROKEN = "x00099"


def test_examples_listed_in_the_file_are_judged(command, here):
    """A critical one that breaks fails, one that is waived does not count."""
    here(f'{BOTH}critical = ["{BROKEN}"]\n')
    assert command("compare").status == 1
    waived = "".join(
        f'[[waivers]]\nid = "x{row:05}"\nreason = "r"\nowner = "o"\nexpires = 9999-12-31\n'
        for row in range(95, 100)
    )
    here(f'{BOTH}max-nfr = "4%"\n{waived}')
    assert command("compare").status == 0
    here(f'{BOTH}max-nfr = "4%"\n{waived.replace("9999", "2001")}')
    done = command("compare")
    assert done.status == 2
    assert "expired on 2001-12-31" in done.err


def test_critical_examples_of_two_places_are_refused(command, here):
    """Those of the file would go unchecked."""
    here(f'{BOTH}critical = ["{BROKEN}"]\n')
    Path("other.txt").write_text("x00001\n")
    done = command("compare", "--critical", "other.txt")
    assert done.status == 2
    assert "critical examples here, and in flipcheck.toml:3 others" in done.err


def test_critical_examples_of_a_variable_are_not_left_out(command, here, monkeypatch):
    """Those of the environment would go unchecked in the same way."""
    here(BOTH)
    Path("all.txt").write_text(f"{BROKEN}\n")
    Path("other.txt").write_text("x00001\n")
    monkeypatch.setenv("FLIPCHECK_CRITICAL", "all.txt")
    assert command("compare").status == 1
    done = command("compare", "--critical", "other.txt")
    assert done.status == 2
    assert "critical examples here, and in FLIPCHECK_CRITICAL others" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("render", "r.json", "--config", "flipcheck.toml"),
        ("plan", "--nfr", "1%"),  # which finds it by itself
        ("compare",),
    ],
)
def test_the_file_is_not_overwritten(command, here, arguments):
    """No report takes the place of the gates that it was judged by."""
    here(f'{BOTH}max-nfr = "50%"\n')
    assert command("compare", "--json", "r.json").status == 0
    before = Path("flipcheck.toml").read_bytes()
    done = command(*arguments, "--json", "flipcheck.toml")
    assert done.status == 2
    assert "flipcheck.toml is read by this command" in done.err
    assert Path("flipcheck.toml").read_bytes() == before


def test_no_cache_goes_before_the_cache_of_the_file(command, here, monkeypatch):
    """An opposite that is nearer is no contradiction; FLIPCHECK_CACHE is nearer too."""
    here(f'{BOTH}cache = "kept"\n')
    assert command("compare", "--no-cache").status == 0
    monkeypatch.setenv("FLIPCHECK_NO_CACHE", "1")
    assert command("compare", "--cache", "typed").status == 0
    assert command("compare").status == 0
    monkeypatch.delenv("FLIPCHECK_NO_CACHE")
    monkeypatch.setenv("FLIPCHECK_CACHE", "off")
    assert command("compare").status == 0
    assert not Path("kept").exists()


# --- the other commands ---------------------------------------------------------------------


def test_a_plan_takes_the_configured_gates_unless_others_are_typed(command, here):
    """How often would the configured gate be wrong?"""
    here(f'{BOTH}gates = ["negative_flip_rate <= 7%"]\njson = "taken.json"\n')
    assert "7%" in command("plan").out
    typed = command("plan", "--max-nfr", "3%").out
    assert "3%" in typed
    assert typed == command("plan", "--max-nfr", "3%", "--no-config").out
    assert not Path("taken.json").exists()  # a report of `compare`, and not of this


def test_render_judges_the_gates_of_a_file_that_is_named(command, here):
    """None is looked for: without a gate it ends in 0."""
    command("compare", "old.csv", "new.csv", "--json", "r.json")
    here(f'{BOTH}gates = ["{STRICT}"]\nhtml = "taken.html"\n')
    assert command("render", "r.json").status == 0
    assert command("render", "r.json", "--config", "flipcheck.toml").status == 1
    assert not Path("taken.html").exists()


def test_repro_takes_sources_and_columns_and_writes_no_report(command, here):
    """An example of the configured update needs only its id."""
    here(f'{BOTH}json = "taken.json"\n[columns]\nid = "id"\n')
    done = command("repro", BROKEN)
    assert done.status == 0
    assert BROKEN in done.out
    assert not Path("taken.json").exists()


def test_repro_of_a_report_is_not_mixed_with_a_configuration(command, here):
    """Its sources are the report's own."""
    command("compare", "old.csv", "new.csv", "--json", "r.json")
    here('old = "x"\nnew = "y"\n')
    assert command("repro", BROKEN, "--report", "r.json").status == 0


def test_predict_takes_how_a_model_is_run(command, here, sample):
    """Its data and preprocessing; what is said of one side has to be said again."""
    here(f'data = "{sample / "images"}"\nhtml = "taken.html"\n[models]\npreprocess = "scale=1"\n')
    model = sample / "old.onnx"
    assert command("predict", model, "-o", "a.csv").status == 0
    typed = command("predict", model, "-o", "b.csv", "--preprocess", "scale=1")
    assert typed.status == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    command("predict", model, "-o", "c.csv", "--no-config", sample / "images")
    assert Path("a.csv").read_bytes() != Path("c.csv").read_bytes()
    here(f'data = "{sample / "images"}"\nold-preprocess = "scale=1"\n')
    done = command("predict", model, "-o", "d.csv")
    assert done.status == 2
    assert "sets 'old-preprocess' for one side, and this may be either" in done.err


def test_a_command_of_another_kind_reads_no_configuration(command, here):
    """A mistake in it does not stop `explain`."""
    here("broken\n")
    assert command("explain", "churn").status == 0


# --- flipcheck config -----------------------------------------------------------------------


def test_config_shows_each_value_and_its_place(command, here, monkeypatch):
    """The file and line, the variable, or the command line."""
    here(f'{BOTH}\ngates = ["{STRICT}"]\n[slices]\nby = ["label"]\n')
    monkeypatch.setenv("FLIPCHECK_CACHE", "")
    monkeypatch.setenv("FLIPCHECK_SEED", "3")
    done = command("config", "--max-nfr", "50%", "--discover", "--gate", "churn <= 9%")
    assert done.status == 0
    rows = [[cell.strip() for cell in line.split("  ") if cell] for line in done.out.splitlines()]
    assert rows == [
        ["Configuration: flipcheck.toml"],
        [],
        ["old", "old.csv", "flipcheck.toml:1"],
        ["new", "new.csv", "flipcheck.toml:2"],
        ["gates", STRICT, "flipcheck.toml:4"],
        ["churn <= 9%", "command line"],
        ["max-nfr", "50%", "command line"],
        ["by", "label", "flipcheck.toml:6"],
        ["discover", "on", "command line"],
        ["seed", "3", "FLIPCHECK_SEED"],
    ]


def test_config_shows_every_option_when_asked_and_fits_a_terminal(command, here):
    """80 columns, however long a path is."""
    from flipcheck.cli.configured import known

    here(f'{BOTH}labels = "{"long/" * 40}x.csv"\n')
    done = command("config", "--all")
    keys = [line.split()[0] for line in done.out.splitlines()[2:] if line[:1] not in {"", " "}]
    assert keys == [option.key for option in known()]
    assert max(map(len, done.out.splitlines())) <= 80
    assert "default" in done.out


def test_config_checks_the_file(command, here):
    """Every mistake at once, and status 2."""
    here("gats = 1\nseed = 'x'\n")
    done = command("config")
    assert done.status == 2
    assert "flipcheck.toml: 2 problems" in done.err


@pytest.mark.usefixtures("here")
def test_config_without_a_file_says_how_to_get_one(command):
    """Nothing is set, and that is no error."""
    done = command("config", "--no-config")
    assert done.status == 0
    assert "flipcheck init" in done.out


def test_config_refuses_what_compare_would(command, here):
    """An option that there is not."""
    here(BOTH)
    assert command("config", "--gates", "x").status == 2


def test_hostile_values_cannot_act_in_what_is_shown(command, here):
    """Control characters of a file are shown, and do nothing."""
    here('old = "\\u001b[2J\\nx"\nnew = "b"\n')
    done = command("config")
    assert "\x1b" not in done.out
    assert "\\u001b[2J\\u000ax" in done.out


@pytest.mark.parametrize(
    ("line", "none"),
    [("", True), ('max-nfr = "5%"\n', False), (f'gates = ["{LENIENT}"]\n', False),
     ('critical = ["x00001"]\n', False)],
)  # fmt: skip
def test_a_configuration_without_a_gate_is_told(command, here, line, none):
    """Whoever looks what a pipeline is held to sees that it is held to nothing."""
    here(line + BOTH)
    assert ("No gate: " in command("config").out) is none
    assert "No gate: " not in command("config", "--max-nfr", "5%").out


@pytest.mark.parametrize("name", ["MAX_NFR", "GATES", "GATE", "MAX_ERROR_INCREASE", "CRITICAL"])
@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_variable_that_gates_is_refused(command, here, monkeypatch, name, text):
    """A pipeline's variable was not set, and its gate would be judged by nobody."""
    here(BOTH)
    monkeypatch.setenv(f"FLIPCHECK_{name}", text)
    done = command("compare")
    assert done.status == 2
    assert f"FLIPCHECK_{name}: empty, and decides nothing; unset it" in done.err
    assert command("compare", "--no-config").status == 2  # and there nothing is to be compared
    assert command("compare", "old.csv", "new.csv", "--no-config").status == 0


def test_an_empty_path_of_a_configuration_is_refused(command, here):
    """`--config "$FILE"` with a variable that is not set names no file."""
    here(BOTH)
    done = command("compare", "--config", "")
    assert (done.status, "--config: an empty path" in done.err) == (2, True)
