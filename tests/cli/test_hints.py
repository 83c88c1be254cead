"""Held wrong, in ways that a new user holds it: what is said names the option that is meant."""

from __future__ import annotations

import pytest

ROWS = {
    "plain.csv": ("id,label,prediction", "1,a,a", "2,b,a"),
    "other.csv": ("id,label,prediction", "quiz/1,a,a", "quiz/2,b,a"),
    "fraud.csv": ("id,label,fraud_prob", "1,0,0.2", "2,1,0.7"),
    "sets.csv": ("id,label,prediction", "1,a|b,a", "2,b,a"),
    "gold.csv": ("id,correct_choice,prediction", "1,a,a", "2,b,a"),
    "log.jsonl": (
        '{"spec": {"eval_name": "quiz"}}',
        '{"sample_id": "1", "type": "match", "data": {"correct": true, "expected": "a"}}',
    ),
}


def export(folder):
    """A model as exporters save it: beside its configuration."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"no model is read")
    (folder / "config.json").write_text('{"id2label": {"0": "a"}}', encoding="utf-8")
    (folder / "tokenizer.json").write_text('{\n "version": "1.0"\n}', encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("fraud.csv", "fraud.csv"), ("--probability", "--score", "--correct", "fraud_prob")),
        (("plain.csv", "other.csv"), ("no id is on both sides", "--id")),
        (("sets.csv", "sets.csv", "--multilabel", "--by", "label_name"), ("--per label",)),
        (("plain.csv", "plain.csv", "--pick", "filter=none"), ("--old-pick", "--new-pick")),
        (("gold.csv", "gold.csv"), ("--label,", "--labels", "columns there", "correct_choice")),
        (("exported", "exported"), ("exported/model.onnx",)),
        (
            ("log.jsonl", "log.jsonl", "--format", "inspect"),
            ("--format inspect", "is of format evals"),
        ),
    ],
    ids=[
        "a score for an answer",
        "other ids",
        "single labels",
        "a log and a table",
        "no label",
        "a folder of a model",
        "format",
    ],
)
def test_the_option_that_is_meant(command, table, arguments, named, tmp_path, monkeypatch):
    """The error says what to add, change or leave out."""
    monkeypatch.chdir(tmp_path)
    export(tmp_path / "exported")
    for name, lines in ROWS.items():
        table(name, *lines)
    done = command("compare", *arguments)
    assert done.status == 2, done.out
    told = " ".join(done.err.split())
    assert all(each in told for each in named), told


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("compare", "plian.csv", "other.csv"), "did you mean 'plain.csv'?"),
        (("compare", "plain.csv", "other.cvs"), "did you mean 'other.csv'?"),
        (("render", "reprot.json"), "did you mean 'report.json'?"),
        (("compare", "plain.csv", "nowhere/other.csv"), "check the path"),
        (("compare", "plain.csv", "model.onnx"), "check the path"),  # nothing is near
    ],
)
def test_a_slip_in_a_path_is_told(command, tmp_path, monkeypatch, arguments, hint):
    """What lies beside it under nearly that name is the hint."""
    for name, lines in ROWS.items():
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "report.json").touch()
    monkeypatch.chdir(tmp_path)
    done = command(*arguments)
    assert done.status == 2
    assert done.err.endswith(f"  hint: {hint}\n")


@pytest.mark.parametrize("name", ["accuracy", "Accuracy", "acc"])
def test_accuracy_is_told_by_its_error_rate(command, name):
    """The first gate that a newcomer writes; the hint has the gates that there are."""
    for arguments in (("explain", name), ("plan", "--gate", f"{name} >= 90%")):
        done = command(*arguments)
        assert done.status == 2
        assert "'new_error_rate <= 10%'" in done.err


def test_an_empty_file_on_both_sides_is_told_once(command, tmp_path):
    """One sentence for one mistake."""
    path = tmp_path / "empty.csv"
    path.write_text("id,label,prediction\n", encoding="utf-8")
    done = command("compare", path, path)
    assert done.status == 2
    assert done.err.count("no examples") == 1
