"""Results of promptfoo: providers, prompts, errors, tests that moved."""

from __future__ import annotations

import json

import pytest

import flipcheck

OLD, NEW = "openai:gpt-4", "openai:gpt-4o"
PROVIDERS = (OLD, NEW)


def result(test, column, provider, success, **more):
    """One result as version 3 writes it; `column` counts providers and prompts."""
    variables = {"question": f"q{test}", "topic": "a" if test % 2 else "b"}
    return {
        "id": f"{test}-{column}",
        "promptIdx": column,
        "testIdx": test,
        "testCase": {"vars": variables, "assert": [{"type": "contains", "value": "x"}]},
        "promptId": f"digest-{more.get('prompt', 'plain')}",
        "provider": {"id": provider, "label": ""},
        "prompt": {"raw": f"Answer: q{test}", "label": more.pop("prompt", "plain")},
        "vars": variables,
        "response": {"output": f"answer {success}"},
        "failureReason": 0 if success else 1,
        "success": success,
        "score": 1 if success else 0,
        "latencyMs": 10,
        "namedScores": {"tone": 0.5},
        **more,
    }


def results(path, rows, version=3):
    """A results file, as `promptfoo eval -o results.json` writes it."""
    summary = {"version": version, "timestamp": "2025", "prompts": [], "results": rows, "stats": {}}
    log = {"evalId": "eval-1", "results": summary, "config": {}, "shareableUrl": None}
    path.write_text(json.dumps(log, indent=2), encoding="utf-8")
    return path


def both(size=12):
    """Two providers on the same tests: the new one breaks every third."""
    return [
        result(test, column, provider, success=provider == OLD or test % 3 != 0)
        for test in range(size)
        for column, provider in enumerate(PROVIDERS)
    ]


def test_two_providers_of_one_file_are_compared(tmp_path):
    """PromptIdx differs between them, and they pair by test all the same."""
    path = results(tmp_path / "results.json", both())
    report = flipcheck.compare(path, path, old_pick=f"provider={OLD}", new_pick=f"provider={NEW}")
    assert report.tally.examples == 12
    assert report.tally.negative_flips == 4
    assert report.tally.old_wrong == 0
    assert not any("same file" in note for note in report.warnings)


def test_the_rerun_is_the_old_sides_provider(tmp_path):
    """A file that is both sides may be the rerun: of the old provider, which is told."""
    path = results(tmp_path / "results.json", both())
    report = flipcheck.compare(
        path, path, old_pick=f"provider={OLD}", new_pick=f"provider={NEW}", rerun=path
    )
    assert any("same file as the old side" in note for note in report.warnings)


def test_two_providers_are_an_error_that_lists_them(tmp_path, refused):
    """Which is meant is not guessed."""
    path = results(tmp_path / "results.json", both())
    said = refused(path, path)
    assert f"{OLD}: 12 results" in said
    assert f"{NEW}: 12 results" in said


def test_two_prompts_are_an_error_that_lists_them(tmp_path, refused):
    """An update of the prompt is compared by picking one on each side."""
    rows = [
        result(test, column, OLD, success=name == "short" or test != 2, prompt=name)
        for test in range(5)
        for column, name in enumerate(("short", "long"))
    ]
    path = results(tmp_path / "results.json", rows)
    assert "short: 5 results" in refused(path, path)
    picks = {"old_pick": "prompt=short", "new_pick": "prompt=digest-long"}
    assert flipcheck.compare(path, path, **picks).tally.negative_flips == 1


def test_labels_tell_providers_of_one_id_apart(tmp_path, refused):
    """Two settings of one model are two providers."""
    rows = both(4)
    for row in rows:
        row["provider"] = {"id": OLD, "label": "hot" if row["promptIdx"] else "cold"}
    path = results(tmp_path / "results.json", rows)
    assert "2 providers: 'cold', 'hot'" in refused(path, path, "--pick", f"provider={OLD}")
    report = flipcheck.compare(path, path, old_pick="provider=cold", new_pick="provider=hot")
    assert report.tally.examples == 4


@pytest.mark.parametrize(
    "error",
    [
        pytest.param({"failureReason": 2, "error": "429", "response": None}, id="version 3"),
        pytest.param({"failureReason": None, "error": "429", "response": None}, id="older"),
    ],
)
def test_errors_are_missing_and_not_wrong(tmp_path, refused, compared, error):
    """A rate limit says nothing of the model."""
    old = [result(test, 0, OLD, success=True) for test in range(6)]
    new = [dict(row) for row in old]
    new[3] |= {"success": False, **error}
    if error["failureReason"] is None:
        del new[3]["failureReason"]
    paths = results(tmp_path / "old.json", old), results(tmp_path / "new.json", new)
    assert "1 example of" in refused(*paths)
    report = compared(*paths, "--allow-missing")
    assert report["data"]["dropped"] == 1
    assert report["tally"]["negative_flips"] == 0


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        pytest.param({"gradingResult": {"pass": True, "componentResults": []}}, 1, id="no result"),
        pytest.param({"gradingResult": None}, 1, id="no grading"),
        pytest.param(
            {"gradingResult": {"pass": True, "componentResults": [{"pass": True}]}}, 0, id="graded"
        ),
        pytest.param(
            {"gradingResult": {"pass": False, "metadata": {"graderError": True}}, "success": False},
            1,
            id="the grader failed",
        ),
    ],
)
def test_tests_that_assert_nothing_say_nothing(tmp_path, compared, change, missing):
    """Promptfoo passes whatever a test without assertions is answered."""
    rows = [result(test, 0, OLD, success=True) for test in range(6)]
    new = [dict(row) for row in rows]
    new[2] |= {**change, "testCase": {"vars": new[2]["vars"], "assert": []}}
    paths = results(tmp_path / "old.json", rows), results(tmp_path / "new.json", new)
    report = compared(*paths, "--allow-missing")
    assert report["data"]["dropped"] == missing


def test_a_file_of_tests_that_assert_nothing_is_an_error(tmp_path, refused):
    """Nothing was compared, so that nothing passes."""
    rows = [result(test, 0, OLD, success=True, gradingResult=None) for test in range(3)]
    for row in rows:
        row["testCase"]["assert"] = []
    path = results(tmp_path / "results.json", rows)
    assert "not one sample was scored" in refused(path, path)


def test_a_test_that_moved_is_not_paired_with_another(tmp_path, refused):
    """The place of a test is no name for it: its variables are part of it."""
    rows = [result(test, 0, OLD, success=True) for test in range(6)]
    moved = [row | {"testIdx": (row["testIdx"] + 1) % 6} for row in rows]
    paths = results(tmp_path / "old.json", rows), results(tmp_path / "new.json", moved)
    assert "do not hold the same examples" in refused(*paths)


def test_tests_that_only_their_metadata_tell_apart_are_not_one(tmp_path):
    """Where a provider takes its input from elsewhere, tests have no variables."""
    rows = [result(test, 0, OLD, success=True) for test in range(6)]
    for row in rows:
        row["vars"] = {}
        row["testCase"] |= {"vars": {}, "metadata": {"case": row["testIdx"]}}
    path = results(tmp_path / "results.json", rows)
    assert flipcheck.compare(path, path).data.clusters is None


def test_repeated_tests_are_clustered(tmp_path):
    """With --repeat every test is there again under another number."""
    rows = [result(test, 0, OLD, success=True) for test in range(6)]
    again = [row | {"testIdx": row["testIdx"] + 6} for row in rows]
    path = results(tmp_path / "results.json", rows + again)
    assert flipcheck.compare(path, path).data.clusters == 6


def test_variables_are_columns_to_slice_by(tmp_path, compared):
    """A variable of the tests."""
    path = results(tmp_path / "results.json", both()[::2])
    report = compared(path, path, "--by", "topic")
    assert {part["value"] for part in report["slices"]} == {"a", "b"}


def test_named_scores_grade(tmp_path, refused):
    """A named score between 0 and 1 is no verdict."""
    path = results(tmp_path / "results.json", both()[::2])
    assert "--score tone" in refused(path, path, "--pick", "metric=tone")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"success": "yes"}, "result 2: 'success' is neither", id="success"),
        pytest.param({"provider": None}, "result 2: no provider", id="provider"),
    ],
)
def test_what_is_wrong_with_results_is_said(tmp_path, refused, change, told):
    """Which result, and what it should have."""
    rows = both()[::2]
    rows[1] |= change
    path = results(tmp_path / "results.json", rows)
    assert told in refused(path, path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param({"results": {"version": 3, "results": []}}, "no results in it", id="none"),
        pytest.param({"results": {"version": 3, "results": {}}}, "is not a list", id="no list"),
        pytest.param({"results": {"version": 3, "results": [1]}}, "no JSON object", id="number"),
    ],
)
def test_files_without_results_are_errors(tmp_path, refused, content, told):
    """Nothing to compare is an error."""
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert told in refused(path, path)


def test_a_file_that_was_cut_short_is_an_error(tmp_path, refused):
    """A document without its end."""
    path = results(tmp_path / "results.json", both())
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    assert "cut short" in refused(path, path)


def test_a_document_that_is_too_large_is_refused(tmp_path, refused, monkeypatch):
    """It would have to be held in memory as a whole."""
    from flipcheck.sources.logs import peek

    monkeypatch.setattr(peek, "DOCUMENT_BYTES", 1000)
    path = results(tmp_path / "results.json", both())
    assert "one JSON document of more than" in refused(path, path)
