"""How formats are told from one another, and what --format and --pick do."""

from __future__ import annotations

import gzip
import json

import pytest
from log_files import jsonl, lm_sample

from flipcheck.errors import FlipcheckError, UsageError
from flipcheck.sources.logs import FORMATS
from flipcheck.sources.logs.picks import parse_picks
from flipcheck.sources.saved import read_predictions
from flipcheck.sources.spec import Columns


def plain(table, name="old.csv"):
    """A plain table."""
    return table(name, "id,label,prediction", "1,a,a", "2,b,b")


def test_an_unknown_format_lists_the_known_ones(table, refused):
    """Every name that there is."""
    said = refused(plain(table), plain(table), "--format", "zzz")
    assert all(name in said for name in (*FORMATS, "table"))


def test_help_names_every_format(command):
    """The option's help and the table of formats agree."""
    told = " ".join(command("compare", "--help").out.split())
    assert all(name in told for name in FORMATS)


def test_two_formats_that_fit_are_an_error_that_names_both(tmp_path, refused, compared):
    """A table of W&B that could be timm's: neither is guessed."""
    path = tmp_path / "old.table.json"
    rows = [["a.jpg", "cat", 0.5], ["b.jpg", "dog", 0.5]]
    log = {"columns": ["filename", "label", "prob"], "data": rows}
    path.write_text(json.dumps(log, indent=1), encoding="utf-8")
    said = refused(path, path)
    assert "timm or wandb" in said
    assert "--format timm" in said
    truth = tmp_path / "truth.csv"
    truth.write_text("filename,label\na.jpg,cat\nb.jpg,cat\n", encoding="utf-8")
    assert compared(path, path, "--format", "timm", "--labels", truth)["data"]["examples"] == 2


def test_the_format_of_one_side(refused, table):
    """--old-format is for the old side only."""
    said = refused(plain(table), plain(table, "new.csv"), "--old-format", "evals")
    assert "old.csv" in said
    assert "new.csv" not in said


def test_a_log_can_be_read_as_a_table(tmp_path, compared):
    """--format table takes its keys as columns."""
    rows = [lm_sample(n, {"q": n}, "a", ["a"], {"acc": 1.0}) for n in range(4)]
    path = jsonl(tmp_path / "log.jsonl", rows)
    given = ["--format", "table", "--id", "doc_id", "--label", "target", "--correct", "acc"]
    assert compared(path, path, *given)["data"]["examples"] == 4


def test_picks_are_not_for_tables(table, refused):
    """Nothing that was asked for is ignored."""
    said = refused(plain(table), plain(table), "--pick", "filter=x")
    assert "which has no choice of that" in said


def test_names_of_columns_that_a_log_has_no_use_for_are_told(tmp_path, compared):
    """--id is for the other side, or for nothing: a warning."""
    path = jsonl(tmp_path / "a.jsonl", [lm_sample(1, {"q": 1}, "a", ["a"], {"acc": 1.0})])
    notes = compared(path, path, "--id", "name")["warnings"]
    assert any("--id was not needed" in note for note in notes)


def test_formats_and_picks_are_not_for_models(sample, refused):
    """Where no side is saved predictions, they would be ignored."""
    models = sample / "old.onnx", sample / "new.onnx"
    assert "--format is for saved" in refused(*models, sample / "images", "--format", "lm-eval")
    assert "--old-pick is for" in refused(*models, sample / "images", "--old-pick", "filter=a")


def test_a_mixture_of_a_log_and_a_table_pairs_by_id(tmp_path, table, compared):
    """The ids of a log are those of its questions."""
    rows = [lm_sample(n, {"q": n}, "a", ["a"], {"acc": float(n > 0)}) for n in range(4)]
    path = jsonl(tmp_path / "log.jsonl", rows)
    lines = [f"{row['doc_hash'][:24]},1" for row in rows]
    report = compared(table("old.csv", "id,correct", *lines), path)
    assert report["metrics"]["negative_flip_rate"]["numerator"] == 1


@pytest.mark.parametrize("text", ["", "=", "a=", "=b", "filter"])
def test_a_pick_is_a_key_and_a_value(text):
    """Anything else is an error."""
    with pytest.raises(UsageError, match="KEY=VALUE"):
        parse_picks([text])


def test_a_pick_may_hold_signs():
    """Names of providers hold colons and equals signs."""
    assert parse_picks(["provider=openai:chat:a=b"]) == {"provider": "openai:chat:a=b"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param('{"doc_id": 1, "doc"', id="cut short"),
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param('{"a": ' * 100_000, id="nested objects"),
        pytest.param('{"results": {"version": 3, "results": null}}', id="null"),
        pytest.param('{"spec": null}', id="only a specification"),
        pytest.param('{"version": 2, "eval": {}, "status": "success"}', id="no samples"),
        pytest.param('{"columns": {}, "data": 3, "_type": "table"}', id="no table"),
        pytest.param('{"a": 1' + "0" * 5000 + "}", id="a huge number"),
        pytest.param('{"\\ud800": 1}', id="half a surrogate pair"),
        pytest.param("\x00", id="a NUL"),
        pytest.param("{}", id="an empty object"),
        pytest.param("\ufeff{}", id="a byte order mark"),
    ],
)
@pytest.mark.parametrize("name", ["log.table.json", "samples_a.jsonl"])
def test_hostile_text_is_an_error_in_every_format(tmp_path, refused, content, name):
    """No traceback, no numbers: an error with status 2, and an error when a reader is forced.

    The readers are called one by one, which takes less time than as many commands.
    """
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    said = refused(path, path)
    assert said.startswith("error:")
    assert "Traceback" not in said
    for form in FORMATS:
        with pytest.raises(FlipcheckError):
            read_predictions(path, Columns(format=form))


def test_compressed_logs(tmp_path, compared):
    """A log that was compressed is told by what it holds, as a plain one is."""
    rows = [lm_sample(n, {"q": n}, "a", ["a"], {"acc": n % 2}) for n in range(4)]
    old = jsonl(tmp_path / "samples_quiz.jsonl", rows)
    new = tmp_path / "new" / "samples_quiz.jsonl.gz"
    new.parent.mkdir()
    new.write_bytes(gzip.compress(old.read_bytes()))
    report = compared(old, new)
    assert report["data"]["examples"] == 4
    assert report["metrics"]["new_error_rate"]["value"] == 0.5
