"""`flipcheck init`: the file that it writes runs, and its gates say what was proposed."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from readme_files import write_all

CASES = Path(__file__).parents[3] / "shared" / "cases"


@pytest.fixture
def folder(tmp_path, monkeypatch, sample):
    """A folder with the sample models, predictions, and logs and answers of every task."""
    for side in ("old", "new"):
        shutil.copy(sample / f"{side}.onnx", tmp_path)
        shutil.copy(sample / f"{side}_predictions.csv", tmp_path / f"{side}.csv")
        shutil.copy(sample / f"{side}_predictions.parquet", tmp_path / f"{side}.parquet")
    write_all(tmp_path)
    (tmp_path / "images").symlink_to(sample / "images")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(done):
    """The JSON report on standard output."""
    return json.loads(done.out)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("old.csv new.csv", id="tables"),
        pytest.param("old.parquet new.csv --by ink", id="an option that is a list"),
        pytest.param("old.onnx new.onnx images/", id="models"),
        pytest.param("old.onnx new.onnx images/ --preprocess scale=1/255", id="preprocessing"),
        pytest.param("old.onnx new.csv images/ --allow-missing", id="a mixture, a flag"),
        pytest.param("old_run new_run --pick filter=strict-match", id="an evaluation log"),
        pytest.param(
            "results.json results.json --old-pick provider=gpt-4 --new-pick provider=gpt-4o",
            id="one log of both",
        ),
        pytest.param("old_tags.jsonl new_tags.jsonl --multilabel", id="several labels"),
        pytest.param(
            "old_answers.jsonl new_answers.jsonl --normalise squad --abstain idk", id="texts"
        ),
        pytest.param("old_rouge.csv new_rouge.csv --score rouge", id="graded answers"),
        pytest.param(
            "old_fraud.csv new_fraud.csv --probability fraud --threshold 0.5", id="probabilities"
        ),
        pytest.param("old.csv new.csv --cluster ink --confidence 0.9 --seed 5", id="statistics"),
    ],
)
def test_what_is_written_runs_and_gives_the_proposed_verdict(command, folder, arguments):
    """The same numbers as the typed command line, and gates that pass."""
    words = arguments.split()
    done = command("init", *words)
    assert done.status == 0, done.err
    text = (folder / "flipcheck.toml").read_text("utf-8")
    again = command("compare", "--json", "-")
    found, typed = report(again), report(command("compare", *words, "--json", "-", "--no-config"))
    for name in ("old", "new", "data", "tally", "metrics", "settings", "slices"):
        assert found[name] == typed[name]
    proposed = tomllib.loads(text).get("gates", [])
    assert [each["gate"] for each in found["gates"]] == proposed
    assert proposed
    told = "" if {each["verdict"] for each in found["gates"]} == {"pass"} else ", of which"
    assert f"{len(proposed)} proposed gate{'s' * (len(proposed) > 1)}{told}" in done.out
    assert again.status == (3 if told else 0)  # all from one question: nothing is decided


def test_the_limits_are_the_lowest_round_ones_that_are_kept(command, folder):
    """12 of 540 broken: the bound is 3.58 %, so 3 % is open and 5 % is kept."""
    command("init", "old.csv", "new.csv")
    text = (folder / "flipcheck.toml").read_text("utf-8")
    assert tomllib.loads(text)["gates"] == [
        "negative_flip_rate <= 5%",
        "error_rate_change <= 0%",
    ]
    assert '# "negative_flip_rate <= 3%",' in text
    told = "negative_flip_rate <= 3%: not decided here: about 1,360 examples would"
    assert told in text.replace("\n  # ", " ")
    assert "a rate of at most 0.55%" in text  # 1 - 0.05 ** (1 / 540)
    assert '# by = ["ink"]  # ink: 3 values' in text


def test_a_limit_that_is_not_kept_is_proposed_all_the_same(command, table, monkeypatch, tmp_path):
    """A configuration that gates nothing would pass everything: the widest limits are set."""
    rows = {
        side: [f"x{row},a,{answer}" for row in range(100)]
        for side, answer in (("old", "a"), ("new", "b"))
    }
    for side, lines in rows.items():
        table(f"{side}.csv", "id,label,prediction", *lines)
    monkeypatch.chdir(tmp_path)
    done = command("init", "old.csv", "new.csv")
    assert done.status == 0
    assert "2 proposed gates, of which this update keeps 0" in done.out
    text = Path("flipcheck.toml").read_text("utf-8")
    assert tomllib.loads(text)["gates"] == ["negative_flip_rate <= 20%", "error_rate_change <= 20%"]
    assert "# negative_flip_rate <= 20%: this update fails it" in text
    assert command("compare").status == 1


def test_the_alternatives_in_comments_are_right_too(command, folder):
    """Each line that is commented out is one that the file could have."""
    from flipcheck.cli.configured import known
    from flipcheck.config import config_for

    command("init", "old.csv", "new.csv")
    lines = (folder / "flipcheck.toml").read_text("utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("gates"))
    live = [
        line.removeprefix("# ") if line.startswith("# ") and " = " in line else line
        for line in lines[start:]
    ]
    gates = [line.strip().removeprefix("# ") for line in live if line.strip().startswith('# "')]
    (folder / "all.toml").write_text("\n".join([*lines[4:7], *live]), encoding="utf-8")
    assert len(config_for("all.toml", known()).values) > 12
    assert gates
    for gate in gates:
        (folder / "one.toml").write_text(f"gates = [\n{gate}\n]\n", encoding="utf-8")
        assert config_for("one.toml", known()).values["gate"]


def test_typed_gates_are_kept_and_nothing_is_proposed(command, folder):
    """Who has a limit needs no other."""
    done = command("init", "old.csv", "new.csv", "--gate", "churn <= 9%", "--max-nfr", "7%")
    assert done.status == 0
    found = tomllib.loads((folder / "flipcheck.toml").read_text("utf-8"))
    assert found["gates"] == ["churn <= 9%"]
    assert found["max-nfr"] == ["7%"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("limit", "told"), [("5%", "passes"), ("1%", "fails"), ("3%", "leaves its gates undecided")]
)
def test_what_becomes_of_typed_gates_is_told(command, limit, told):
    """12 of 540 broken: whoever writes a limit learns at once whether this update keeps it."""
    done = command("init", "old.csv", "new.csv", "--max-nfr", limit)
    assert f"flipcheck.toml written; this update {told}" in done.out


def test_an_existing_file_is_never_overwritten_unasked(command, folder):
    """Status 2 and the way out; nothing is run."""
    (folder / "flipcheck.toml").write_text("seed = 1\n", encoding="utf-8")
    done = command("init", "none.csv", "none.csv")
    assert done.status == 2
    assert "flipcheck.toml: there already" in done.err
    assert "--force" in done.err
    assert (folder / "flipcheck.toml").read_text("utf-8") == "seed = 1\n"
    assert command("init", "old.csv", "new.csv", "--force").status == 0
    assert "seed = 1" not in (folder / "flipcheck.toml").read_text("utf-8")


def test_a_run_that_fails_writes_nothing(command, folder):
    """The error is that of `compare`."""
    done = command("init", "old.csv", "none.csv")
    assert done.status == 2
    assert "none.csv: no such file" in done.err
    assert not (folder / "flipcheck.toml").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("arguments", [("old.csv",), ("old.csv", "new.csv", "--gatte", "x")])
def test_what_compare_would_refuse_is_refused(command, arguments):
    """A missing argument, an unknown option."""
    assert command("init", *arguments).status == 2
    assert not Path("flipcheck.toml").exists()


def test_without_arguments_it_writes_the_comments(command, folder):
    """A file to fill in, which says what it lacks."""
    assert command("init", "-o", "flipcheck.toml").status == 0
    assert tomllib.loads((folder / "flipcheck.toml").read_text("utf-8")).keys() <= {
        *("columns", "slices", "statistics", "reports")
    }
    done = command("compare")
    assert done.status == 2
    assert "nothing says what the old side is" in done.err


def test_a_file_in_another_folder_has_paths_from_there(command, folder):
    """As it will read them."""
    (folder / "conf").mkdir()
    (folder / "never.txt").write_text("eight/1271.png\n", encoding="utf-8")
    words = ("old.csv", "new.csv", "--critical", "never.txt", "--html", "r.html")
    assert command("init", *words, "-o", "conf/x.toml").status == 0
    found = tomllib.loads((folder / "conf/x.toml").read_text("utf-8"))
    assert (found["old"], found["critical"]) == ("../old.csv", "../never.txt")
    assert found["reports"]["html"] == "../r.html"
    assert not (folder / "r.html").exists()
    command("compare", "--config", "conf/x.toml")
    assert (folder / "r.html").exists()


def test_the_standard_input_is_refused(command, folder):
    """A later run could not read it again."""
    done = command("init", "-", "new.csv")
    assert done.status == 2
    assert not (folder / "flipcheck.toml").exists()


def test_hostile_names_stay_in_their_texts(command, table, monkeypatch, tmp_path):
    """A column, a value or a file name with quotes, line ends and controls makes no other key."""
    name = 'a"]\\nseed = 7 #\x7f\u2028'
    rows = [f"x{row},a,{'ab'[row == 3]},{'uv'[row % 2]}" for row in range(400)]
    header = f'id,label,prediction,"{name.replace(chr(34), chr(34) * 2)}"'
    for side in ("old", "new"):
        table(f"{side}'\"\u2028.csv", header, *rows)
    monkeypatch.chdir(tmp_path)
    done = command("init", "old'\"\u2028.csv", "new'\"\u2028.csv", "--by", name)
    assert done.status == 0, done.err
    found = tomllib.loads(Path("flipcheck.toml").read_text("utf-8"))
    assert found["slices"]["by"] == [name]
    assert "seed" not in found
    assert command("compare").status == 0


@pytest.mark.parametrize(
    ("case", "options"),
    [
        ("gsm8k_openai", ("--correct", "correct")),
        ("mmlu_pro_llama", ("--labels-from", "new", "--by", "category")),
        ("llmdrift_gpt4", ()),
        ("cifar10_chain", ()),
    ],
)
def test_real_updates_get_limits(command, case, options, tmp_path, monkeypatch):
    """On saved predictions of real models, of which some became worse."""
    place = CASES / case
    if not place.is_dir():
        pytest.skip("the cases of real updates are not beside this checkout")
    monkeypatch.chdir(tmp_path)
    files = (place / "old_predictions.parquet", place / "new_predictions.parquet")
    assert command("init", *files, *options).status == 0
    done = command("compare")
    assert done.out.startswith(" FAIL " if case == "llmdrift_gpt4" else " PASS ")


def test_a_column_of_verdicts_is_no_slice(command, table, monkeypatch, tmp_path):
    """It is offered as what it is: the data's own verdict on each answer."""
    monkeypatch.chdir(tmp_path)
    rows = [f"x{row},a,{'b' if row % 9 else 'a'},{int(not row % 9)},{row % 2}" for row in range(90)]
    for name in ("old.csv", "new.csv"):
        table(name, "id,label,prediction,correct,region", *rows)
    assert command("init", "old.csv", "new.csv").status == 0
    text = (tmp_path / "flipcheck.toml").read_text("utf-8")
    assert '# correct = "correct"  #' in text
    assert '# by = ["region"]  #' in text
    changed = text.replace("# correct =", "correct =")
    (tmp_path / "flipcheck.toml").write_text(changed, "utf-8")
    assert command("compare").status in {0, 3}
    told = command("init", "old.csv", "new.csv", "--correct", "correct", "--force")
    assert told.status == 0
    assert 'correct = "correct"\n' in (tmp_path / "flipcheck.toml").read_text("utf-8")
