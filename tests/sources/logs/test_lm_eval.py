"""Samples of lm-evaluation-harness: filters, metrics, hashes, repeated documents, memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest
from log_files import choice_sample, jsonl, lm_sample

import flipcheck

NAME = "samples_gsm8k_2025-01-02T03-04-05.678901.jsonl"
LATER = "samples_gsm8k_2025-02-02T03-04-05.678901.jsonl"
STRICT, FLEXIBLE = "strict-match", "flexible-extract"


def question(number):
    """A document of the task."""
    return {"question": f"what is {number} and 1?", "answer": str(number + 1), "level": "easy"}


def generated(seed, size=40, filters=(STRICT, FLEXIBLE), **more):
    """Samples of a task that generates: one line for each document and filter."""
    dice, rows = random.Random(seed), []
    for number in range(size):
        for name in filters:
            answer = str(number + dice.choice([1, 1, 2]))
            right = float(answer == str(number + 1))
            rows.append(
                lm_sample(
                    number,
                    question(number),
                    number + 1,
                    [answer],
                    {"exact_match": right},
                    filter=name,
                    **more,
                )
            )
    return rows


def naive(old, new, name, metric="exact_match"):
    """Counts of one filter by a plain loop over documents: compared, old wrong, broken, mended."""
    right = [
        {row["doc_hash"]: row[metric] == 1.0 for row in rows if row["filter"] == name}
        for rows in (old, new)
    ]
    pairs = [(value, right[1][key]) for key, value in right[0].items()]
    return [
        len(pairs),
        sum(not one for one, _ in pairs),
        sum(one and not two for one, two in pairs),
        sum(two and not one for one, two in pairs),
    ]


def counted(report):
    """The same counts of a report."""
    tally = report.tally
    return [tally.examples, tally.old_wrong, tally.negative_flips, tally.positive_flips]


@pytest.mark.parametrize("name", [STRICT, FLEXIBLE])
def test_one_filter_is_counted_as_a_plain_loop_does(tmp_path, name):
    """The lines of the other filter do not double the examples, and rows may be shuffled."""
    old, new = generated(1), generated(2)
    random.Random(3).shuffle(new)
    report = flipcheck.compare(
        jsonl(tmp_path / NAME, old), jsonl(tmp_path / LATER, new), pick=f"filter={name}"
    )
    assert counted(report) == naive(old, new, name)
    assert report.old.facts["picked"] == {"filter": name, "metric": "exact_match"}


def test_two_filters_are_an_error_that_lists_them(tmp_path, refused):
    """Nothing is chosen for the user, and the counts of each are told."""
    said = refused(jsonl(tmp_path / NAME, generated(1)), jsonl(tmp_path / LATER, generated(2)))
    assert "2 filters" in said
    assert "strict-match: 40 samples" in said
    assert "--pick 'filter=strict-match'" in said


def test_the_sides_may_pick_otherwise(tmp_path):
    """Two filters of one file are two answers to the same documents."""
    path = jsonl(tmp_path / NAME, rows := generated(1))
    report = flipcheck.compare(
        path, path, old_pick=f"filter={STRICT}", new_pick={"filter": FLEXIBLE}
    )
    one = {row["doc_hash"]: row["exact_match"] for row in rows if row["filter"] == STRICT}
    two = {row["doc_hash"]: row["exact_match"] for row in rows if row["filter"] == FLEXIBLE}
    assert report.tally.negative_flips == sum(one[key] > two[key] for key in one)
    assert not any("same file" in note for note in report.warnings)


def test_the_same_filter_of_one_file_is_still_the_same(tmp_path):
    """A file against itself is warned of."""
    path = jsonl(tmp_path / NAME, generated(1))
    report = flipcheck.compare(path, path, pick=f"filter={STRICT}")
    assert any("same file" in note for note in report.warnings)


def choices(rows):
    """Samples of multiple choice: (scores, right place), judged as lm-eval does."""
    samples = []
    for number, (scores, target) in enumerate(rows):
        texts = ["a", "bb", "cccc"]
        best = max(range(3), key=scores.__getitem__)
        norm = max(range(3), key=lambda place: scores[place] / len(texts[place]))
        metrics = {"acc": float(best == target), "acc_norm": float(norm == target)}
        samples.append(choice_sample(number, question(number), target, scores, texts, metrics))
    return samples


SCORES = [([-1.0, -2.0, -3.0], 0), ([-3.0, -4.0, -4.4], 2), ([-1.0, -1.5, -9.0], 1)]


@pytest.mark.parametrize(
    ("metric", "answers", "sure"),
    [
        pytest.param("acc", ["0", "0", "0"], True, id="the largest log-probability"),
        pytest.param("acc_norm", ["2", "2", "1"], False, id="the largest by length of the choice"),
    ],
)
def test_multiple_choice_answers_by_the_rule_of_its_metric(tmp_path, metric, answers, sure):
    """The answer is a choice's place; only of the largest log-probability is the share known."""
    from flipcheck.sources.saved import read_predictions
    from flipcheck.sources.spec import Columns

    rows = [([-3.0, -4.0, -4.4], 2), ([-3.0, -4.0, -4.4], 2), ([-1.0, -1.5, -9.0], 1)]
    path = jsonl(tmp_path / NAME, choices(rows))
    found = read_predictions(path, Columns(pick=(("metric", metric),)))
    assert found.answers.texts() == answers
    assert found.truth.texts() == ["2", "2", "1"]
    assert (found.confidence is not None) == sure


def test_answers_that_no_rule_explains_are_left_out(tmp_path):
    """A metric that judges by yet another rule is compared as right and wrong only."""
    rows = choices(SCORES)
    for row in rows:
        row["metrics"], row["brier_ok"] = ["brier_ok"], 1.0
    path = jsonl(tmp_path / NAME, rows)
    report = flipcheck.compare(path, path, labels_from=None)
    assert report.tally.old_wrong == 0
    assert not report.metrics["churn"].available
    assert any("only right and wrong" in note for note in report.warnings)


def test_several_metrics_are_an_error_that_lists_them(tmp_path, refused):
    """Acc and acc_norm judge otherwise, and neither is taken for the other."""
    path = jsonl(tmp_path / NAME, choices(SCORES))
    said = refused(path, path)
    assert "acc: 3 samples, 1 right" in said
    assert "acc_norm" in said
    assert "--pick 'metric=acc'" in said


def older(rows):
    """The samples as versions up to 0.4.2 wrote them: no hashes, no filter, numbers as numbers."""
    for row in rows:
        for name in ("filter", "metrics", "doc_hash", "prompt_hash", "target_hash"):
            del row[name]
    return rows


def test_documents_without_a_hash_are_hashed_as_lm_eval_does(tmp_path):
    """An older file pairs with a newer one, whatever doc_id says, and a warning tells it."""
    old, new = generated(1, filters=("none",)), generated(2, filters=("none",))
    expected = naive(old, new, "none")
    for row in old:
        row["doc_id"] += 1000
    report = flipcheck.compare(jsonl(tmp_path / NAME, older(old)), jsonl(tmp_path / LATER, new))
    assert counted(report) == expected
    assert any("without a doc_hash" in note for note in report.warnings)


def test_the_lists_of_the_first_versions_are_read(tmp_path):
    """Up to 0.4.2 a file was one JSON list over many lines, whatever its suffix said."""
    from flipcheck.sources.logs import lm_eval
    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.logs.picks import Picks
    from flipcheck.sources.spec import Columns

    rows = older(choices(SCORES))
    for row in rows:
        row["filtered_resps"] = [[float(score), False] for score, _ in row["filtered_resps"]]
        row["arguments"] = list(map(list, zip(["q"] * 3, [" a", " bb", " cccc"], strict=True)))
    path = tmp_path / "model_arc.jsonl"
    path.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    peek = Peek(path, "jsonl")
    assert lm_eval.fits(peek)
    found = lm_eval.read(peek, Columns(), Picks({"metric": "acc"}))
    assert found.answers.texts() == ["0", "0", "0"]
    assert found.correct.tolist() == [True, False, False]


def test_a_list_of_other_objects_is_no_log(tmp_path):
    """And it is not read as a whole to find that out."""
    from flipcheck.sources.logs.peek import Peek

    path = tmp_path / "table.json"
    path.write_text('[\n{"id": 1},\n', encoding="utf-8")
    assert Peek(path, "jsonl").keys() == set()


def test_sides_that_are_judged_by_two_metrics_are_an_error(tmp_path, refused, compared):
    """Unless the user said that this is meant, which a warning repeats."""
    old, new = generated(1, filters=("none",)), generated(2, filters=("none",))
    for row in new:
        row["metrics"], row["quasi_match"] = ["quasi_match"], row.pop("exact_match")
    paths = jsonl(tmp_path / NAME, old), jsonl(tmp_path / LATER, new)
    assert "judged by metric 'exact_match', and" in refused(*paths)
    given = ["--old-pick", "metric=exact_match", "--new-pick", "metric=quasi_match"]
    assert any("is judged by metric" in note for note in compared(*paths, *given)["warnings"])


def test_documents_that_are_there_twice_are_one_question(tmp_path):
    """Equal documents pair in their order and are clustered."""
    rows = generated(1, size=20, filters=("none",))
    again = [dict(row, doc_id=row["doc_id"] + 20) for row in rows]
    path = jsonl(tmp_path / NAME, rows + again)
    report = flipcheck.compare(path, path)
    assert report.tally.examples == 40
    assert report.data.clusters == 20
    assert any("clustered by question" in note for note in report.warnings)


def test_a_task_in_the_file_name_is_in_the_ids(tmp_path):
    """So that samples of several tasks can stand in one table."""
    path = jsonl(tmp_path / NAME, generated(1, size=3, filters=("none",)))
    from flipcheck.sources.saved import read_predictions
    from flipcheck.sources.spec import Columns

    assert all(
        each.startswith("gsm8k/") for each in read_predictions(path, Columns()).ids.to_pylist()
    )


def test_a_renamed_file_can_be_told_its_task(tmp_path, refused, compared):
    """Samples of a task do not pair with samples of none, and the hint says how they would."""
    rows = generated(1, filters=("none",))
    old, new = jsonl(tmp_path / NAME, rows), jsonl(tmp_path / "new.jsonl", rows)
    assert "--new-pick task=NAME" in refused(old, new)
    assert compared(old, new, "--new-pick", "task=gsm8k")["data"]["examples"] == 40


def test_fields_of_documents_are_columns_to_slice_by(tmp_path, compared):
    """A key of the document, with or without `doc.` before it."""
    path = jsonl(tmp_path / NAME, generated(1, filters=("none",)))
    report = compared(path, path, "--by", "level", "--by", "doc.level")
    assert {part["by"] for part in report["slices"]} == {"level", "doc.level"}


def test_a_graded_metric_is_never_cut_to_right_and_wrong(tmp_path, refused):
    """F1 between 0 and 1 is an error with both ways out."""
    rows = generated(1, filters=("none",))
    for row in rows:
        row["metrics"] = ["f1", "exact_match"]
        row["f1"] = 0.25
    path = jsonl(tmp_path / NAME, rows)
    said = refused(path, path, "--pick", "metric=f1")
    assert "40 values neither 0 nor 1, the first 0.25 in row 1" in said
    assert "--score f1" in said
    assert "exact_match" in said


def test_a_score_that_was_asked_for_is_given_as_it_is(tmp_path):
    """Grades are kept, unscored samples left out, and nothing is called right."""
    from flipcheck.sources.saved import read_predictions
    from flipcheck.sources.spec import Columns

    rows = generated(1, size=4, filters=("none",))
    for row, value in zip(rows, [0.25, 1.0, None, 0.5], strict=True):
        row["metrics"], row["f1"] = ["f1", "exact_match"], value
    found = read_predictions(jsonl(tmp_path / NAME, rows), Columns(score="f1"))
    assert found.scores.tolist() == [0.25, 1.0, 0.5]
    assert found.correct is None


def broken(change):
    """Samples of which the third is changed."""
    rows = generated(1, size=5, filters=("none",))
    rows[2] = change(rows[2])
    return rows


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param(
            broken(lambda row: {k: v for k, v in row.items() if k != "doc"}),
            ["row 3: no 'doc'"],
            id="a sample without its document",
        ),
        pytest.param(
            broken(lambda row: row | {"filter": 3}), ["row 3: 'filter' is not text"], id="filter"
        ),
        pytest.param(broken(lambda _: [1]), ["row 3: not a JSON object"], id="a list in a line"),
        pytest.param(
            broken(lambda row: row | {"exact_match": float("inf")}),
            ["row 3: an infinite score"],
            id="an infinite metric",
        ),
        pytest.param(
            broken(lambda row: row | {"exact_match": "1.0"}),
            ["row 3: '1.0' is no number"],
            id="text is no number",
        ),
        pytest.param(
            broken(lambda row: row | {"exact_match": 10**400}),
            ["too large"],
            id="a huge whole number",
        ),
        pytest.param(
            [*broken(lambda row: row), broken(lambda row: row)[1]],
            ["row 6: the same sample as row 2", "of filter 'none'"],
            id="written twice, as lm-eval appends to a file",
        ),
        pytest.param(
            [row | {"exact_match": None} for row in broken(lambda row: row)],
            ["not one sample was scored"],
            id="nothing scored",
        ),
        pytest.param(
            [dict(row, metrics=[], exact_match=[1, 2]) for row in broken(lambda row: row)],
            ["no metric says which samples are right", "row 1: a list is no number"],
            id="only values that are aggregated",
        ),
    ],
)
def test_what_is_wrong_with_samples_is_said(tmp_path, refused, rows, told):
    """Row, key and what was expected; nothing is compared."""
    good = jsonl(tmp_path / NAME, generated(1, size=5, filters=("none",)))
    said = refused(good, jsonl(tmp_path / LATER, rows))
    assert all(each in said for each in told), said
    assert "hint:" in said


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--pick", "filter=lenient"], "no filter 'lenient'"),
        (["--pick", "filter=strict-match", "--pick", "metric=acc"], "no metric 'acc'"),
        (["--pick", "provider=x"], "has no choice of that"),
        (["--pick", "filter"], "is not KEY=VALUE"),
        (["--pick", "filter=a", "--pick", "filter=b"], "twice"),
        (["--format", "lm_eval"], "did you mean 'lm-eval'?"),
        (["--format", "evals"], "is of format lm-eval"),
    ],
)
def test_picks_and_formats_that_cannot_be(tmp_path, refused, given, told):
    """What there is to choose from is listed, and nothing is taken in its place."""
    path = jsonl(tmp_path / NAME, generated(1))
    said = refused(path, path, *given)
    assert told in said
    assert "hint:" in said or "twice" in said


@pytest.mark.parametrize("depth", [300, 700, 950, 5_000])
@pytest.mark.parametrize("key", ["doc", "target", "filtered_resps"])
def test_values_that_are_nested_deeply_are_no_internal_error(tmp_path, command, depth, key):
    """What can be parsed may still be too deep to be written."""
    row = {**lm_sample(1, question(1), "a", ["a"], {"acc": 1.0}), key: "HERE"}
    del row["doc_hash"]
    text = json.dumps(row).replace('"HERE"', '{"a":' * depth + "[1, 2]" + "}" * depth)
    path = tmp_path / NAME
    path.write_text(text + "\n", encoding="utf-8")
    assert command("compare", path, path).status in {0, 2}


def test_unscored_samples_are_missing_and_not_wrong(tmp_path, refused, compared):
    """A null metric takes the sample out of its side, which pairing then tells of."""
    old = generated(1, filters=("none",))
    new = [row | ({"exact_match": None} if row["doc_id"] < 3 else {}) for row in old]
    paths = jsonl(tmp_path / NAME, old), jsonl(tmp_path / LATER, new)
    assert "3 examples of" in refused(*paths)
    report = compared(*paths, "--allow-missing")
    assert report["data"]["dropped"] == 3
    assert report["tally"]["negative_flips"] == 0
    assert any("3 samples not scored" in note for note in report["warnings"])


def test_odd_text_is_kept_apart(tmp_path):
    """Half a surrogate pair, a NUL and long answers are answers, each of its own."""
    odd = ["\ud83d", "\ud83e", "a\x00b", "x" * 5000, "x" * 5000 + "y", "1", "1.0"]
    rows = [
        lm_sample(number, question(number), "t", [text], {"exact_match": 0.0})
        for number, text in enumerate(odd)
    ]
    path = tmp_path / NAME
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="ascii")
    from flipcheck.sources.saved import read_predictions
    from flipcheck.sources.spec import Columns

    found = read_predictions(path, Columns())
    assert len(set(found.answers.texts())) == len(odd)
    assert max(map(len, found.answers.texts())) < 400
    assert found.answers.texts()[5:] == ["1", "1.0"]


def test_memory_does_not_grow_with_prompts_and_responses(tmp_path):
    """A hundred times longer prompts and responses take no more memory at the peak."""
    peaks = []
    for size in (1_000, 100_000):
        rows = (
            lm_sample(n, {"question": f"{n} " + "p" * size}, "t", ["r" * size], {"acc": 1.0})
            for n in range(100)
        )
        path = jsonl(tmp_path / f"{size}" / NAME, rows)
        code = (
            "import sys, tracemalloc; from pathlib import Path\n"
            "from flipcheck.sources.saved import read_predictions\n"
            "from flipcheck.sources.spec import Columns\n"
            "import pyarrow, numpy, flipcheck.sources.logs\n"
            "tracemalloc.start(); read_predictions(Path(sys.argv[1]), Columns())\n"
            "print(tracemalloc.get_traced_memory()[1])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, check=True, text=True
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 4_000_000  # one line and its parts; all lines are 40 MB
