"""The questions of logs, beside the flips that ask them."""

from __future__ import annotations

import pytest
from log_files import jsonl, lm_sample
from test_evals import NEW as EVALS_NEW
from test_evals import OLD as EVALS_OLD
from test_evals import event
from test_evals import log as evals_log
from test_inspect import document, sample
from test_lighteval import details, rows_of
from test_promptfoo import NEW, OLD, both, results

import flipcheck
from flipcheck.sources.logs import lm_eval
from flipcheck.sources.logs.wanted import LONGEST, plain_text


def shown(report):
    """The texts of the listed flips, by id."""
    return {each.id: dict(each.shown) for each in report.negative_flips.examples}


def lm_log(path, rights, doc=lambda number: {"question": f"what is {number}?"}, **more):
    """Samples of lm-eval, each right or wrong."""
    return jsonl(
        path,
        [
            lm_sample(
                number, doc(number), "x", ["x" if right else "y"], {"acc": float(right)}, **more
            )
            for number, right in enumerate(rights)
        ],
    )


BEFORE, AFTER = [True] * 6, [True, False, True, False, True, False]


def test_lm_eval(tmp_path):
    """The document's question, of the sample whose hash is the id."""
    old = lm_log(tmp_path / "old.jsonl", BEFORE)
    report = flipcheck.compare(old, lm_log(tmp_path / "new.jsonl", AFTER))
    texts = sorted(each["question"] for each in shown(report).values())
    assert texts == ["what is 1?", "what is 3?", "what is 5?"]


def test_the_end_of_a_prompt_stands_for_its_question(tmp_path):
    """The examples of a prompt come first; a document of unusual fields is of no help."""
    more = {"arguments": {"gen_args_0": {"arg_0": "shot " * 200 + "What?", "arg_1": {}}}}
    sides = [
        lm_log(tmp_path / f"{name}.jsonl", rights, lambda number: {"n": number}, **more)
        for name, rights in (("old", BEFORE), ("new", AFTER))
    ]
    for texts in shown(flipcheck.compare(*sides)).values():
        assert texts["question"].endswith("shot What?")
        assert texts["question"].startswith("…")
        assert len(texts["question"]) == LONGEST


def test_inspect(tmp_path):
    """The input, which may be a list of messages of which the user's last one is shown."""
    chat = [
        {"role": "system", "content": "be short"},
        {"role": "user", "content": [{"type": "text", "text": "why 1?"}, {"type": "image"}]},
    ]
    for name, rights in (("old", BEFORE), ("new", AFTER)):
        rows = [
            sample(number, 1, "C" if right else "I", input=chat if number == 1 else f"q{number}")
            for number, right in enumerate(rights)
        ]
        document(tmp_path / f"{name}.json", rows)
    report = flipcheck.compare(tmp_path / "old.json", tmp_path / "new.json")
    asked = {"1/1": "why 1?", "3/1": "q3", "5/1": "q5"}
    assert shown(report) == {name: {"question": text} for name, text in asked.items()}


def test_promptfoo(tmp_path):
    """The variable of a usual name; others by --show."""
    path = results(tmp_path / "results.json", both())
    picked = {"old_pick": f"provider={OLD}", "new_pick": f"provider={NEW}"}
    report = flipcheck.compare(path, path, **picked)
    for name, texts in shown(report).items():
        assert texts == {"question": f"q{name.split()[0]}"}
    for name, texts in shown(flipcheck.compare(path, path, **picked, show="topic")).items():
        assert texts == {"topic": "a" if int(name.split()[0]) % 2 else "b"}


def test_evals(tmp_path):
    """The prompt of the sampling event, which is not the event that judges."""
    more = [event(90, "arc.dev.3", "sampling", prompt="again", sampled=["A"])]
    report = flipcheck.compare(
        evals_log(tmp_path / "old.jsonl", EVALS_OLD),
        evals_log(tmp_path / "new.jsonl", EVALS_NEW, more=more),
    )
    assert report.negative_flips.total
    assert all(each == {"question": "p" * 50} for each in shown(report).values())


def test_lighteval(tmp_path):
    """The query of the document, a column that is read for this only."""
    old = details(tmp_path / "old.parquet", rows_of(BEFORE))
    report = flipcheck.compare(old, details(tmp_path / "new.parquet", rows_of(AFTER)[::-1]))
    asked = {f"lighteval|arc|0/{row}": {"question": f"question {row}"} for row in (1, 3, 5)}
    assert shown(report) == asked


def test_a_question_that_cannot_be_written(tmp_path):
    """Half a character is shown as its code, so that the report can be saved."""
    for name, rights in (("old", BEFORE), ("new", AFTER)):
        rows = [
            sample(number, 1, "C" if right else "I", input=f"{number}\ud800")
            for number, right in enumerate(rights)
        ]
        document(tmp_path / f"{name}.json", rows)
    report = flipcheck.compare(tmp_path / "old.json", tmp_path / "new.json")
    assert shown(report)["1/1"] == {"question": "1\\ud800"}
    report.save(tmp_path / "r.json")
    report.to_frame("flips")


def test_several_logs(tmp_path):
    """Each sample's question is in one of the files."""
    for side, rights in (("old", BEFORE), ("new", AFTER)):
        for part in range(2):
            path = tmp_path / side / f"samples_t{part}_2025-01-01T00-00-00.jsonl"
            lm_log(path, rights, lambda number, part=part: {"question": f"{part}: {number}?"})
    report = flipcheck.compare(tmp_path / "old", tmp_path / "new")
    assert report.negative_flips.total == 6
    texts = {name: each["question"] for name, each in shown(report).items()}
    assert all(name.startswith(f"t{text[0]}/") for name, text in texts.items())
    assert sorted(texts.values()) == [f"{part}: {row}?" for part in (0, 1) for row in (1, 3, 5)]


def test_nothing_is_shown_where_it_was_not_wanted(tmp_path, monkeypatch):
    """An empty name reads no log twice."""
    sides = [
        lm_log(tmp_path / f"{name}.jsonl", rights)
        for name, rights in (("old", BEFORE), ("new", AFTER))
    ]
    reads = []
    read = lm_eval.read
    format_ = flipcheck.sources.logs.FORMATS["lm-eval"]
    counted = lambda *each: reads.append(each) or read(*each)  # noqa: E731
    monkeypatch.setitem(
        flipcheck.sources.logs.FORMATS,
        "lm-eval",
        type(format_)(format_.told, format_.fits, counted, format_.picks),
    )
    assert not any(shown(flipcheck.compare(*sides, show="")).values())
    assert len(reads) == 2
    assert all(shown(flipcheck.compare(*sides)).values())
    assert len(reads) == 5


def test_a_log_without_flips_is_not_read_again(tmp_path):
    """There is nothing to show."""
    path = lm_log(tmp_path / "old.jsonl", BEFORE)
    other = lm_log(tmp_path / "new.jsonl", BEFORE, temperature=1)
    assert flipcheck.compare(path, other).negative_flips.examples == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", None),
        (7, None),  # no text at all
        ([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], "b"),  # the last
        ([{"role": "assistant", "content": "a"}], "a"),  # no user: what there is
        ({"content": {"content": {"content": {"content": {"content": "deep"}}}}}, None),  # no end
        ([["a"], ["b"]], "a\nb"),
        ({"text": ["x", {"type": "image"}]}, "x"),
    ],
)
def test_the_text_of_messages(value, text):
    """Of whatever a log holds for a prompt."""
    assert plain_text(value) == text
