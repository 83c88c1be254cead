"""Logs of openai/evals: events of which some say what was right."""

from __future__ import annotations

import pytest
from log_files import jsonl

import flipcheck
from flipcheck.errors import UsageError

SPEC = {"spec": {"completion_fns": ["gpt-4"], "eval_name": "arc.dev.v0", "run_id": "r"}}
REPORT = {"final_report": {"accuracy": 0.5}}


def event(number, sample, kind, **data):
    """One event as LocalRecorder writes it."""
    return {
        "run_id": "r",
        "event_id": number,
        "sample_id": sample,
        "type": kind,
        "data": data,
        "created_by": "",
        "created_at": "2025-01-02 03:04:05+00:00",
    }


def log(path, verdicts, *, report=True, more=()):
    """A log: a sampling and a match for each sample, in the order in which threads ended."""
    rows = [SPEC]
    for sample, correct in verdicts.items():
        rows.append(event(len(rows), sample, "sampling", prompt="p" * 50, sampled=["A"]))
        picked = "A" if correct else "B"
        rows.append(event(len(rows), sample, "match", correct=correct, expected="A", picked=picked))
    return jsonl(path, [*rows, *more, *([REPORT] if report else [])])


OLD = {f"arc.dev.{n}": n % 4 != 0 for n in range(20)}
NEW = {f"arc.dev.{n}": n % 3 != 0 for n in reversed(range(20))}


def test_matches_are_counted_as_a_plain_loop_does(tmp_path):
    """By sample_id, whatever the order, and other events are no samples."""
    report = flipcheck.compare(log(tmp_path / "old.jsonl", OLD), log(tmp_path / "new.jsonl", NEW))
    assert report.tally.examples == 20
    assert report.tally.old_wrong == sum(not right for right in OLD.values())
    assert report.tally.negative_flips == sum(OLD[each] and not NEW[each] for each in OLD)
    assert report.metrics["churn"].available
    assert not report.warnings


def test_a_run_that_was_cut_short_is_told(tmp_path, compared):
    """Samples that were answered and not judged are missing, and there is no final report."""
    more = [event(99, "arc.dev.77", "sampling", prompt="p", sampled=["A"])]
    old, new = (
        log(tmp_path / "old.jsonl", OLD),
        log(tmp_path / "n.jsonl", NEW, report=False, more=more),
    )
    notes = compared(old, new)["warnings"]
    assert any("no final report" in note for note in notes)
    assert any("arc.dev.77" in note for note in notes)


def test_metrics_judge_where_there_is_no_match(tmp_path, refused):
    """One is picked where there are several; a graded one is no verdict."""
    rows = [
        event(n, f"s.{n}", "metrics", choice="Y", score=float(n % 2), rouge=0.5) for n in range(6)
    ]
    path = jsonl(tmp_path / "log.jsonl", [SPEC, *rows, REPORT])
    said = refused(path, path)
    assert "score: 6 samples, 3 right" in said
    assert "rouge: 6 samples, graded" in said
    assert flipcheck.compare(path, path, pick="metric=score").tally.old_wrong == 3
    assert "--score rouge" in refused(path, path, "--pick", "metric=rouge")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        pytest.param(
            [event(9, "arc.dev.1", "match", correct=True)],
            "row 42: sample 'arc.dev.1' was judged by 'match' in row 5 already",
            id="judged twice",
        ),
        pytest.param([event(9, None, "match", correct=True)], "row 42: 'sample_id'", id="no id"),
        pytest.param([event(9, "x", "match", correct=1)], "neither true nor false", id="a number"),
        pytest.param([event(9, "x", "match")], "neither true nor false", id="no verdict"),
        pytest.param([event(9, "x", "match") | {"data": None}], "no JSON object", id="no data"),
        pytest.param([event(9, "x", ["match"])], "'type' is not text", id="a list of types"),
        pytest.param(["text"], "row 42: not a JSON object", id="a text"),
    ],
)
def test_what_is_wrong_with_events_is_said(tmp_path, refused, more, told):
    """The row, and what was expected."""
    path = log(tmp_path / "new.jsonl", OLD, more=more)
    said = refused(log(tmp_path / "old.jsonl", OLD), path)
    assert told in said
    assert "hint:" in said


def test_a_log_without_verdicts_is_an_error(tmp_path, refused):
    """Nothing says what was right."""
    path = jsonl(tmp_path / "log.jsonl", [SPEC, event(0, "a", "sampling", prompt="p"), REPORT])
    assert "no event of type 'match' or 'metrics'" in refused(path, path)


def test_a_table_with_a_column_of_that_name_is_no_log(tmp_path, compared):
    """Only a first line of nothing but a specification begins a log."""
    rows = [{"spec": "a", "id": n, "label": "x", "prediction": "x"} for n in range(3)]
    path = jsonl(tmp_path / "table.jsonl", rows)
    assert compared(path, path)["data"]["examples"] == 3


def test_long_prompts_in_events_are_not_kept(tmp_path):
    """What a match brings beside its verdict may be as long as it likes."""
    import tracemalloc

    from flipcheck.sources.saved import read_predictions
    from flipcheck.sources.spec import Columns

    more = [
        event(
            n, f"x.{n}", "match", correct=True, expected="a", picked="p" * 10**5, prompt="p" * 10**6
        )
        for n in range(40)
    ]
    path = log(tmp_path / "log.jsonl", OLD, more=more)
    read_predictions(path, Columns())
    tracemalloc.start()
    try:
        read_predictions(path, Columns())
        assert tracemalloc.get_traced_memory()[1] < 12_000_000  # the file has 44 MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("option", [{"threshold": 0.5}, {"probability": "p"}])
def test_a_log_is_not_cut(tmp_path, option):
    """A threshold that would cut nothing is an error, and not passed over."""
    path = log(tmp_path / "a.jsonl", OLD)
    with pytest.raises(UsageError, match="is a log of openai/evals"):
        flipcheck.compare(path, path, **option)
