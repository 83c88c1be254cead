"""Reports of earlier updates: which files they are, in what order, and what is wrong with them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import flipcheck
from flipcheck.errors import InputError, UsageError
from flipcheck.report import Report, sealed
from flipcheck.report.past import with_history
from flipcheck.reporters.history import doubt
from flipcheck.sources.history import history_files, history_of


def predictions(answers, name, truth=None):
    """Predictions of "a"s where 1 and "b"s where 0, all to be "a"."""
    return flipcheck.Predictions.from_arrays(
        ["a" if right else "b" for right in answers], truth or ["a"] * len(answers), name=name
    )


def update(new, old=(1, 1, 1, 0), name="new", **options):
    """An audit of one update, small and quick."""
    sides = predictions(old, "old"), predictions(new, name)
    return flipcheck.compare(*sides, resamples=0, **options)


@pytest.fixture
def folder(tmp_path):
    """A folder with the reports of three updates, v2, v9 and v10, and a table beside them."""
    for name, new in (("v10", (0, 0, 1, 1)), ("v2", (0, 1, 1, 1)), ("v9", (1, 1, 1, 1))):
        update(new, name=name).save(tmp_path / f"{name}.json")
    (tmp_path / "notes.csv").write_text("id\n1\n", encoding="utf-8")
    return tmp_path


def test_a_folder_is_read_in_natural_order(folder):
    """Version 2 comes before 9, and 9 before 10; other files are left alone."""
    assert [each.name for each in history_of(folder)] == ["v2", "v9", "v10"]
    assert [each.name for each in history_of(str(folder / "v*.json"))] == ["v2", "v9", "v10"]


def test_reports_come_in_the_order_given(folder):
    """Files that are named one by one stay in that order; a report in memory is one as well."""
    given = [folder / "v9.json", update((1, 0, 1, 1), name="trial"), folder / "v2.json"]
    found = history_of(given)
    assert [each.name for each in found] == ["v9", "trial", "v2"]
    assert [each.report for each in found] == [str(given[0]), None, str(given[2])]


def test_what_an_update_was_is_kept(folder):
    """Its names, its numbers, its verdict and the digest of its report are those of the report."""
    report = Report.load(folder / "v10.json")
    past = history_of(folder)[-1]
    assert (past.old, past.new, past.new_source) == ("old", "v10", "v10")
    assert past.digest == json.loads((folder / "v10.json").read_text("utf-8"))["digest"]
    assert (past.examples, past.verdict) == (4, None)
    assert past.metrics["negative_flip_rate"].value == 0.5
    assert past.metrics["new_error_rate"].value == 0.5
    assert past.metrics["old_error_rate"].value == 0.25
    for name, estimate in past.metrics.items():
        assert estimate.interval == report.metrics[name].interval


def test_a_report_brings_its_own_history(folder):
    """The last report alone tells of all before it; what is told twice is there once."""
    last = update((1, 1, 0, 1), name="v11", history=folder)
    last.save(folder / "v11.json")
    names = ["v2", "v9", "v10", "v11"]
    assert [each.name for each in history_of(folder / "v11.json")] == names
    assert [each.name for each in history_of([folder / "v11.json", folder])] == names


def test_reports_of_one_name_are_told_apart_by_their_folders(tmp_path):
    """Each in the folder of its run: the folder is in its name."""
    for run, new in (("run-1", (0, 1, 1, 1)), ("run-2", (1, 1, 0, 0))):
        (tmp_path / run).mkdir()
        update(new).save(tmp_path / run / "report.json")
    assert [each.name for each in history_of(tmp_path)] == ["run-1/report", "run-2/report"]


def test_every_bad_report_is_named(folder):
    """All problems at once, each with its path: no JSON, an edited report, another format."""
    (folder / "a.json").write_text("{", encoding="utf-8")
    written = json.loads((folder / "v2.json").read_text("utf-8"))
    written["tally"]["negative_flips"] = 0
    (folder / "b.json").write_text(json.dumps(written), encoding="utf-8")
    (folder / "c.json").write_text('{"format": "other"}', encoding="utf-8")
    with pytest.raises(InputError, match="3 reports cannot be used") as caught:
        history_of(folder)
    assert len(caught.value.problems) == 3
    for name, problem in zip("abc", caught.value.problems, strict=True):
        assert str(folder / f"{name}.json") in problem


@pytest.mark.parametrize("name", ["missing.json", "missing/", "*.nothing", "a\0b"])
def test_nothing_there_is_an_error(tmp_path, name):
    """A file or folder that is not there, a pattern that matches none: most likely misspelled."""
    with pytest.raises(InputError, match=r"no file matches|cannot be used"):
        history_of(f"{tmp_path}/{name}")


def test_before_the_first_update_there_is_no_history(tmp_path):
    """A folder that is there and holds no report yet: a pipeline's first run."""
    assert history_of(tmp_path) == ()
    report = update((1, 1, 1, 1), history=tmp_path)
    assert "history" not in report.to_dict()


def test_other_values_are_refused():
    """What is neither a path nor a report is no history; nor is a variable that was not set."""
    with pytest.raises(UsageError, match="int is no report"):
        history_of([7])
    with pytest.raises(UsageError, match="names no path"):
        history_of([""])


def test_the_file_to_be_written_is_not_its_own_past(folder):
    """In a folder or a pattern the report to be written is left out; by its own name it stays."""
    for given in (folder, folder / "v*.json"):
        names = [each.stem for each in history_files([given], but=folder / "v9.json")]
        assert names == ["v2", "v10"]
    assert history_files([folder / "v9.json"], but=folder / "v9.json") == [folder / "v9.json"]


def test_graded_updates_are_no_history_of_right_and_wrong(folder):
    """Scores and errors are other numbers: an error names the reports."""
    sides = [flipcheck.Predictions.from_arrays(scores=[0.1, 0.5], name=name) for name in "on"]
    graded = flipcheck.compare(*sides, resamples=0)
    with pytest.raises(InputError, match=r"graded in 'n', and right or wrong here"):
        update((1, 1, 1, 1), history=graded)
    with pytest.raises(InputError, match=r"right or wrong in .*v2.json', .*, and graded here"):
        flipcheck.compare(*sides, resamples=0, history=folder)
    again = flipcheck.compare(*sides, tolerance=0.1, resamples=0, history=graded)
    assert [each.name for each in again.history] == ["n"]
    assert list(again.history[0].metrics)[1] == "new_mean_score"
    assert Report.from_dict(again.to_dict()).history == again.history


def test_history_changes_no_number(folder):
    """Without it the report is the same to the byte."""
    gates = ["negative_flip_rate <= 60%", "new_error_rate <= 1%"]
    plain = update((0, 1, 1, 1), gates=gates)
    told = update((0, 1, 1, 1), gates=gates, history=folder)
    assert len(told.history) == 3
    assert replace(told, history=()).to_dict() == plain.to_dict()
    assert "history" not in plain.to_dict()


def test_a_report_is_not_its_own_past(folder):
    """Among the reports of a folder the one that is shown is not told of as an earlier one."""
    report = Report.load(folder / "v9.json")
    found = with_history(report, history_of(folder))
    assert [each.name for each in found.history] == ["v2", "v10"]


def test_history_goes_through_json(folder):
    """And comes back as it was, in a report of the same bytes."""
    report = update((0, 1, 1, 1), history=folder)
    again = Report.from_dict(json.loads(json.dumps(report.to_dict())))
    assert again.history == report.history
    assert again.to_dict() == report.to_dict()


DAMAGE = {
    "a digest that is none": lambda h: h[0].update(digest="x"),
    "told twice": lambda h: h.append(h[0]),
    "a metric too few": lambda h: h[0]["metrics"].pop("old_error_rate"),
    "a rate as text": lambda h: h[0]["metrics"]["old_error_rate"].update(value="1"),
    "an endless rate": lambda h: h[0]["metrics"]["old_error_rate"].update(value=1e999),
    "another verdict": lambda h: h[0].update(verdict="fine"),
    "a name as a number": lambda h: h[0].update(name=1),
    "examples as text": lambda h: h[0].update(examples="4"),
    "no examples": lambda h: h[0].update(examples=0),
    "more than is kept": lambda h: h[0].update(note="x"),
    "graded": lambda h: h[0].update(
        metrics=dict.fromkeys(GRADED, h[0]["metrics"]["old_error_rate"])
    ),
}
GRADED = ("old_mean_score", "new_mean_score", "negative_flip_rate")


@pytest.mark.parametrize("change", DAMAGE)
def test_a_damaged_history_is_refused(folder, change):
    """Whatever is no earlier update, even under a digest made again."""
    written = update((0, 1, 1, 1), history=folder).to_dict()
    DAMAGE[change](written["history"])
    try:
        forged = sealed(written)
    except ValueError:  # what JSON cannot hold has no digest
        forged = written
    with pytest.raises(InputError, match="damaged report"):
        Report.from_dict(forged)


CHAIN = Path(__file__).parents[3] / "shared" / "cases" / "cifar10_chain"


@pytest.mark.skipif(not CHAIN.is_dir(), reason="the cases of real updates are not here")
def test_a_real_chain_of_updates_has_the_reference_counts(tmp_path):
    """Four updates of CIFAR-10 models: each past as it was counted elsewhere, and all compare."""
    known = json.loads((CHAIN / "reference.json").read_text(encoding="utf-8"))["pairs"]
    ends = [("v1", "v2"), ("v2", "v3"), ("v3", "v4"), ("v4", "v5")]
    named = {(each["old_file"][:2], each["new_file"][:2]): each for each in known}
    steps = [named[pair] for pair in ends]
    for step in steps:
        sides = CHAIN / step["old_file"], CHAIN / step["new_file"]
        report = flipcheck.compare(*sides, resamples=0, history=tmp_path)
        report.save(tmp_path / f"{step['new_file'][:2]}.json")
    assert [each.name for each in report.history] == ["v2", "v3", "v4"]
    for past, step in zip(report.history, steps, strict=False):
        assert past.examples == step["n"]
        assert past.metrics["negative_flip_rate"].numerator == step["nf_count"]
        assert past.metrics["new_error_rate"].numerator == step["wrong_new"]
    assert doubt(report) == ""
