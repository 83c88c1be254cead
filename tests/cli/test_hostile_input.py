"""Comparisons that would mean nothing, files that must not be touched, text that must not act."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest


def rows(*answers, label="a"):
    """CSV rows x0, x1 … with a label and an answer each."""
    return [f"x{row},{label},{answer}" for row, answer in enumerate(answers)]


HEADER = "id,label,prediction"


def test_labels_that_are_other_labels_are_not_settled_by_a_flag(command, table):
    """Over half of the labels cannot be corrections: --labels-from would compare nonsense."""
    old = table("old.csv", HEADER, *(f"x{row},{row % 2},{row % 2}" for row in range(40)))
    new = table("new.csv", HEADER, *(f"x{row},n{row % 2},n{row % 2}" for row in range(40)))
    done = command("compare", old, new, "--labels-from", "new", "--max-nfr", "1%")
    assert done.status == 2
    assert "PASS" not in done.out


def test_rows_without_ids_in_another_order_are_told_as_such(command, table):
    """Labels that disagree row by row mean another order, and --labels-from is not the remedy."""
    truth = ["a", "b", "c"] * 10
    old = table("old.csv", "label,prediction", *(f"{each},{each}" for each in truth))
    turned = truth[1:] + truth[:1]
    new = table("new.csv", "label,prediction", *(f"{each},{each}" for each in turned))
    done = command("compare", old, new)
    assert done.status == 2
    assert "stand in another order" in done.err
    assert "--labels-from" not in done.err


def test_rows_without_ids_are_never_shifted(command, table):
    """One row less is an error that --allow-missing does not settle."""
    old = table("old.csv", "label,prediction", "a,a", "b,b", "c,c")
    new = table("new.csv", "label,prediction", "a,a", "c,c")
    done = command("compare", old, new, "--allow-missing")
    assert done.status == 2
    assert "no ids, and not as many rows" in done.err


def test_two_columns_that_could_be_the_id_are_asked_about(command, table):
    """A row number beside an image id would pair other rows."""
    old = table("old.csv", "index,image_id,label,prediction", "0,p,a,a", "1,q,b,b")
    new = table("new.csv", "index,image_id,label,prediction", "0,q,b,b", "1,p,a,a")
    done = command("compare", old, new)
    assert done.status == 2
    assert "'index' and 'image_id'" in done.err
    assert "--id" in done.err
    assert command("compare", old, new, "--id", "image_id").status == 0


def test_the_usual_names_may_be_written_large(command, table):
    """An ID column is the id: rows in another order are paired by it."""
    old = table("old.csv", "ID,Label,Prediction", "p,a,a", "q,b,b")
    new = table("new.csv", "ID,Label,Prediction", "q,b,b", "p,a,a")
    done = command("compare", old, new, "--json", "-")
    assert json.loads(done.out)["tally"]["both_right"] == 2


def test_an_old_model_that_is_never_right_passes_nothing(command, table):
    """There is nothing to break: a gate on negative flips is undecided, and says why."""
    new = table("new.csv", HEADER, *rows(*["b", "a"] * 200))
    labels = table("labels.csv", "id,label", *(f"x{row},{'ac'[row % 2]}" for row in range(400)))
    old = table("old.csv", HEADER, *rows(*["c", "a"] * 200))
    done = command("compare", old, new, "--labels", labels, "--max-nfr", "1%")
    assert done.status == 3
    assert "no right answer that could break" in done.out


def test_a_column_named_class_is_not_the_true_class(command, table):
    """Two meanings of one name are an error, not the one that we like."""
    lines = [f"{row},suv" for row in rows("a", "a")]
    old, new = (table(name, f"{HEADER},class", *lines) for name in ("old.csv", "new.csv"))
    done = command("compare", old, new, "--gate", "negative_flip_rate <= 5% by class")
    assert done.status == 2
    assert "rename the column" in done.err


def test_nan_in_json_lines_is_no_class(command, tmp_path):
    """A record without label and answer is not right about "nan"."""
    path = tmp_path / "p.jsonl"
    path.write_text('{"id": 0, "label": "a", "prediction": "a"}\n'
                    '{"id": 1, "label": NaN, "prediction": NaN}\n', encoding="utf-8")  # fmt: skip
    done = command("compare", path, path)
    assert done.status == 2
    assert "1 example without a label" in done.err


@pytest.mark.parametrize("flag", ["--label-map", "--classes"])
def test_no_file_that_is_read_is_overwritten(command, flipped, tmp_path, flag):
    """Neither a label map nor a class list is replaced by a report."""
    path = tmp_path / "names.json"
    path.write_text('{"a": "a"}' if flag == "--label-map" else '["a", "b"]', encoding="utf-8")
    before = path.read_bytes()
    done = command("compare", *flipped(right=9, broken=1), flag, path, "--json", path)
    assert done.status == 2
    assert path.read_bytes() == before


def test_nothing_is_written_into_the_test_set(command, sample):
    """A report beside the images would be an example of the next run."""
    place = sample / "images" / "one" / "report.md"
    done = command("compare", sample / "old.onnx", sample / "new.onnx", sample / "images",
                   "--markdown", place)  # fmt: skip
    assert done.status == 2
    assert not place.exists()


def test_two_names_of_one_file_are_seen(command, flipped, tmp_path):
    """A detour in the path does not hide that a report would be written twice."""
    (tmp_path / "sub").mkdir()
    done = command("compare", *flipped(right=9), "--json", tmp_path / "r.json", "--html",
                   tmp_path / "sub" / ".." / "r.json")  # fmt: skip
    assert done.status == 2
    assert "would be written twice" in done.err


def test_a_pipe_is_written_to_and_not_replaced(flipped, tmp_path):
    """What is no regular file stays what it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "flipcheck", "compare", *map(str, flipped(right=9)), "--json",
               str(pipe)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        text = pipe.read_text(encoding="utf-8")
    assert running.returncode == 0
    assert json.loads(text)["data"]["examples"] == 9
    assert pipe.is_fifo()


def test_one_report_that_cannot_be_written_leaves_none(command, flipped, tmp_path, monkeypatch):
    """All files take their places together, or none does."""
    from flipcheck.cli import outputs

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "put_table", full)
    done = command("compare", *flipped(right=9, broken=1), "--json", tmp_path / "r.json",
                   "--flips", tmp_path / "f.csv")  # fmt: skip
    assert done.status == 2
    assert "No space left" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "old.csv"]


def test_a_request_to_end_leaves_no_file_behind(tmp_path):
    """SIGTERM unwinds the run as Ctrl-C does."""
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nimport flipcheck.__main__ as entry\n"
        "from flipcheck.reporters.writing import replacing\n"
        "entry._clean_up_when_ended()\n"
        "with replacing(Path(sys.argv[1])):\n    os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "r.json")], check=False)
    assert done.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_slice_values_are_no_markdown(command, table):
    """What stands in the headline of a failed gate is a code span: no image, no mention."""
    evil = "![x](https://evil.example/t.png) @octo-org/team"
    old = table("old.csv", f"{HEADER},reg", *(f"{row},{evil}" for row in rows(*["a"] * 90)))
    new = table("new.csv", f"{HEADER},reg", *(f"{row},{evil}" for row in rows(*["b"] * 90)))
    done = command("compare", old, new, "--gate", "negative_flip_rate <= 5% by reg", "--markdown",
                   "-")  # fmt: skip
    headline = next(line for line in done.out.splitlines() if "Do not ship" in line)
    assert f"`reg={evil}`" in headline
    assert done.status == 1
    assert done.err.startswith("FAIL  ")


def test_names_are_no_commands_of_a_ci_server(command, table):
    """Neither an id nor a file name starts a workflow command, on either stream."""
    old = table("old.csv", HEADER, "::add-mask::x,a,a", "##[group]y,a,a")
    new = table("new.csv", HEADER, "::add-mask::x,a,b", "##[group]y,a,b")
    done = command("compare", old, new)
    assert "::add-mask" not in done.out
    assert "##[group]" not in done.out
    done = command("compare", old, "a\n::error::b.csv")
    assert done.status == 2
    assert not any(line.lstrip().startswith("::") for line in done.err.splitlines())


def test_a_column_with_a_value_for_each_example_is_no_slice(command, table):
    """Slices by a user id of a hundred thousand users are refused before they are made."""
    header = f"{HEADER},user"
    old = table("old.csv", header, *(f"x{row},a,a,u{row}" for row in range(10_001)))
    done = command("compare", old, old, "--by", "user")
    assert done.status == 2
    assert "10,001 values" in done.err


@pytest.mark.parametrize(
    "change",
    [
        {"old": {"name": 1, "source": 2}},  # numbers for names
        {"run": "x"},  # text for a mapping
        {"classes": [{"by": 1}]},  # a slice without its parts
        {"verdict": ""},  # no verdict
        {"tally": {"both_right": 12, "negative_flips": 0, "positive_flips": 0,
                   "both_wrong_same": 0, "both_wrong_different": 0}},  # another tally
    ],
)  # fmt: skip
def test_an_edited_report_is_damaged(command, flipped, tmp_path, change):
    """Whatever was changed by hand, the report is refused and nothing crashes."""
    path = tmp_path / "r.json"
    command("compare", *flipped(right=9, broken=1), "--json", path)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), encoding="utf-8")
    done = command("render", path)
    assert done.status == 2, done.out
    assert "damaged report" in done.err


WORDS = "zero,one,two,three,four,five,six,seven,eight,nine"


def test_a_class_list_does_not_renumber_models_that_name_their_classes(command, sample):
    """--classes says what numbers in the data mean; the new model keeps its own order."""
    models = (sample / "old.onnx", sample / "new.onnx", sample / "images")
    done = command("compare", *models, "--classes", WORDS, "--json", "-")
    assert json.loads(done.out)["tally"]["negative_flips"] == 12
    assert command("compare", *models, "--classes", "a,b,c").status == 2


def test_a_class_list_for_one_side_overrules_its_model_and_says_so(command, sample):
    """--new-classes is obeyed, with a warning where the model says otherwise."""
    done = command("compare", sample / "old.onnx", sample / "new.onnx", sample / "images",
                   "--new-classes", WORDS, "--json", "-")  # fmt: skip
    written = json.loads(done.out)
    assert written["tally"]["negative_flips"] > 400
    assert "overruled" in written["warnings"][0]


def test_a_traceback_changes_no_exit_status(command, flipped, monkeypatch):
    """--traceback shows more of an error; it is no failed gate."""
    import flipcheck.api

    done = command("compare", "nowhere.csv", "nowhere.csv", "--traceback")
    assert done.status == 2
    assert "Traceback" in done.err
    monkeypatch.setattr(flipcheck.api, "compare", lambda *_given, **_options: 1 / 0)
    assert command("compare", *flipped(right=9), "--traceback").status == 70


def test_two_families_of_scores_are_asked_about(command, table):
    """prob_ and logit_ columns may answer otherwise; neither is taken in silence."""
    scores = table("s.csv", "id,label,prob_a,prob_b,logit_a,logit_b", "1,a,0.9,0.1,-1,1")
    done = command("compare", scores, scores)
    assert done.status == 2
    assert "could both hold the answers" in done.err


def test_two_truths_are_one_too_many(command, flipped, table):
    """--labels and --labels-from cannot both be true."""
    labels = table("labels.csv", "id,label", *(f"x{row:05},a" for row in range(9)))
    done = command("compare", *flipped(right=9), "--labels", labels, "--labels-from", "old")
    assert done.status == 2
    assert "only one can be true" in done.err


def test_a_slice_column_never_replaces_the_answers(command, sample, tmp_path):
    """Predict --by prediction would save the data's column as the model's answers."""
    import numpy as np

    pixels = np.zeros((2, 1, 8, 8), np.float32)
    np.savez(tmp_path / "d.npz", image=pixels, y=["one", "two"], prediction=["x", "y"])
    done = command("predict", sample / "old.onnx", tmp_path / "d.npz", "--by", "prediction", "-o",
                   tmp_path / "p.csv")  # fmt: skip
    assert done.status == 2
    assert "a column of that name already" in done.err


def test_the_confidence_level_reaches_intervals_and_gates(command, flipped):
    """At 99.9 % the same counts no longer pass, and every interval says its level."""
    files = flipped(right=990, broken=10)
    gate = ("--max-nfr", "2%")
    assert command("compare", *files, *gate).status == 0
    done = command("compare", *files, *gate, "--confidence", "0.999", "--json", "-")
    assert done.status == 3
    written = json.loads(done.out)
    assert written["metrics"]["negative_flip_rate"]["interval"]["level"] == 0.999
    assert written["gates"][0]["bound"] > 0.02


def test_the_short_form_of_an_error_increase_is_the_change(command, flipped):
    """--max-error-increase speaks of the change, and not of the new error rate."""
    done = command("compare", *flipped(right=500, broken=5, mended=200, wrong=300),
                   "--max-error-increase", "0.2%", "--json", "-")  # fmt: skip
    judged = json.loads(done.out)["gates"][0]
    assert judged["metric"] == "error_rate_change"
    assert judged["value"] == pytest.approx(-195 / 1005)
    assert done.status == 0


def test_examples_left_out_are_counted(command, table):
    """--allow-missing compares what both sides have, and the report says how many it dropped."""
    old = table("old.csv", HEADER, *rows("a", "a", "b"))
    new = table("new.csv", HEADER, *rows("a", "b"))
    done = command("compare", old, new, "--allow-missing", "--json", "-")
    written = json.loads(done.out)
    assert written["data"]["dropped"] == 1
    assert written["data"]["examples"] == 2
    assert "1 example left out" in written["warnings"][0]
