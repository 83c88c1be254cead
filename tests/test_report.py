"""The report as a value, and its JSON form: the same bytes there and back, or an error."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from flipcheck.audits.compare import compare
from flipcheck.errors import InputError, UsageError
from flipcheck.gates import Gate, Verdict
from flipcheck.labels import Labels
from flipcheck.outcomes import Tally
from flipcheck.pairing import pair
from flipcheck.predictions import Predictions
from flipcheck.report import Data, Estimate, Model, Report, Settings, sealed
from flipcheck.stats.discovery import Finding
from flipcheck.stats.intervals import Interval

GATES = (
    "negative_flip_rate <= 1%",
    "error_rate_change <= 0.2pp",
    "negative_flip_rate <= 50 % by region",
    "new_error_rate <= .9 where region=EU",
)


def image_ids(count: int):
    """Ids of so many images."""
    return pa.array([f"image {row}" for row in range(count)])


@pytest.fixture(scope="module")
def report() -> Report:
    """A report with everything: slices, gates, flips, undefined metrics, warnings."""
    old = Predictions(
        name="old.csv",
        ids=image_ids(6),
        answers=Labels.of(["cat", "dog", "cat", "eel", "", "dog"]),
        truth=Labels.of(["cat", "dog", "dog", "eel", "cat", "dog"]),
        columns={"region": Labels.of(["EU", "US", "EU", "EU", None, "US"])},
    )
    new = replace(old, name="new.csv", answers=Labels.of(["cat", "eel", "dog", "cat", "", "dog"]))
    return compare(
        pair(old, new),
        Model("old", "old.csv", sha256="0" * 64, classes=3, facts={"threshold": 1 / 3}),
        Model("new", "new.csv", missing_answers=1),
        Data("old.csv", 6),
        Settings(resamples=100, seed=7, min_slice=2),
        gates=[Gate.parse(text) for text in GATES],
        by=["region", "region,class"],
        discover=True,
        warnings=["a warning"],
        run={"onnxruntime": "1.20.0"},
    )


FINDING = Finding((("region", "EU"), ("class", "cat")), 4, 2, 2, 0, 1 / 3, None)


def text_of(report: Report) -> str:
    """The JSON of a report, as it is written."""
    return json.dumps(report.to_dict(), allow_nan=False)


def test_a_report_read_from_json_is_written_with_the_same_bytes(report):
    """Nothing is lost or reformatted on the way through a file."""
    written = text_of(report)
    assert text_of(Report.from_dict(json.loads(written))) == written


def test_a_report_has_the_digits_of_its_json(report):
    """What is reported at once, and what is read again, are equal."""
    found = replace(
        report.discovery, found=(replace(FINDING, interval=Interval(0, 0.9, 0.95, "")),)
    )
    exact = replace(report, discovery=found, old=replace(report.old, facts={"size": (1 / 3, 2)}))
    assert exact.rounded() == Report.from_dict(exact.to_dict())
    assert exact.rounded().discovery.found[0].p_adjusted == 0.3333333333
    assert exact.rounded() != exact


def test_what_was_discovered_survives_json(report):
    """Findings come back with their columns, counts and interval, or none."""
    for found in ((), (FINDING,), (replace(FINDING, interval=Interval(0.1, 0.9, 0.95, "x")),)):
        exact = replace(report, discovery=replace(report.discovery, found=found)).rounded()
        again = Report.from_dict(json.loads(text_of(exact)))
        assert again.discovery == exact.discovery
        assert text_of(again) == text_of(exact)


@pytest.mark.parametrize(
    "edit",
    [
        lambda written: written["settings"].update(confidence=0.51),
        lambda written: written["gates"][0].update(reason="all is well"),
        lambda written: written["slices"][0].update(value="elsewhere"),
        lambda written: written.update(warnings=[]),
        lambda written: written.update(version="0.0.1"),
        lambda written: written.pop("digest"),
        lambda written: written.pop("run"),
        lambda written: written.update(note="approved"),
    ],
)
def test_an_edited_report_is_refused(report, edit):
    """Whatever was changed, dropped or added: its digest is of other contents."""
    written = report.to_dict()
    assert Report.from_dict(written).to_dict() == written
    edit(written)
    with pytest.raises(InputError, match="damaged report"):
        Report.from_dict(written)


def test_a_report_in_a_file_is_loaded_again(report, tmp_path):
    """`load` reads what was written, also under a path given as text."""
    path = tmp_path / "report.json"
    path.write_text(text_of(report), encoding="utf-8")
    loaded = Report.load(str(path))
    assert loaded.tally == report.tally
    assert [each.gate for each in loaded.gates] == [each.gate for each in report.gates]
    assert loaded.verdict is report.verdict


def test_a_report_of_verdicts_alone_survives_json():
    """A tally that is not split, with metrics that are not available, comes back the same."""
    sides = [
        Predictions(name=name, ids=image_ids(4), correct=np.array(right))
        for name, right in (
            ("old", [True, False, True, False]),
            ("new", [False, False, True, True]),
        )
    ]
    found = compare(
        pair(*sides), Model("old", "old"), Model("new", "new"), Data(None, 4), Settings(resamples=0)
    )
    again = Report.from_dict(json.loads(text_of(found)))
    assert text_of(again) == text_of(found)
    assert again.tally == Tally(1, 1, 1, both_wrong_unsplit=1)
    assert again.metrics["churn"] == Estimate(None, None, None, None, available=False)
    assert again.classes == ()


def test_rates_have_ten_significant_digits(report):
    """JSON holds fractions with 10 digits, not the noise of the last bits."""
    written = report.to_dict()
    assert written["metrics"]["negative_flip_rate"]["value"] == 0.3333333333
    assert written["old"]["facts"]["threshold"] == 0.3333333333


def test_the_format_has_its_documented_keys(report):
    """The keys of format 1 are stable, in their order."""
    assert list(report.to_dict()) == [
        "format",
        "version",
        "verdict",
        "old",
        "new",
        "data",
        "settings",
        "early_stop",
        "tally",
        "metrics",
        "tests",
        "slices",
        "classes",
        "discovery",
        "gates",
        "negative_flips",
        "reruns",
        "costs",
        "warnings",
        "run",
        "digest",
    ]


def test_undefined_is_null(report):
    """A metric without a denominator is null with its counts, and has no interval."""
    only_right = replace(report, metrics={"win_loss_ratio": Estimate(None, 3, 0, None)})
    written = only_right.to_dict()["metrics"]["win_loss_ratio"]
    assert (written["value"], written["interval"], written["denominator"]) == (None, None, 0)


@pytest.mark.parametrize(
    "written",
    [
        {},  # no format
        [],  # no object
        None,
        "report",
        {"format": "flipcheck.report/2"},  # of a later version
        {"format": "flipcheck.report/10"},  # not a prefix match
        {"format": ["flipcheck.report/1"]},  # of another type
    ],
)
def test_another_format_is_refused_with_what_is_read(written):
    """A newer or foreign file says which format this version reads."""
    with pytest.raises(InputError, match="not a report that flipcheck can read") as caught:
        Report.from_dict(written)
    assert "flipcheck.report/1" in caught.value.hint


OTHER = {
    "where": [{"by": "region", "value": "EU"}],
    "examples": 3,  # and 4 would be right
    "negative_flips": 2,
    "rest_examples": 2,
    "rest_negative_flips": 0,
    "p_adjusted": 0.01,
    "interval": None,
    "negative_flip_rate": 0.5,
    "rest_negative_flip_rate": 0,
}
DAMAGES = {
    # what is damaged: how
    "a part is gone": lambda w: w.pop("tally"),
    "a part is of another type": lambda w: w.update(metrics=[1]),
    "a count is gone": lambda w: w["tally"].pop("both_right"),
    "a count is negative": lambda w: w["tally"].update(both_right=-1),
    "a count is a share": lambda w: w["tally"].update(both_right=0.5),
    "a verdict that is none": lambda w: w.update(verdict="maybe"),
    "a gate that is none": lambda w: w["gates"][0].update(gate="nfr < lots"),
    "a gate on no metric": lambda w: w["gates"][0].update(gate="nothing <= 1%"),
    "a gate's bound as text": lambda w: w["gates"][0].update(bound="0.1"),
    "a confidence out of range": lambda w: w["settings"].update(confidence=2),
    "a key of another version": lambda w: w["old"].update(colour="red"),
    "a value as text": lambda w: w["metrics"]["flips"].update(value="0.1"),
    "a value as a verdict": lambda w: w["metrics"]["flips"].update(value=True),
    "an interval without an end": lambda w: w["metrics"]["flips"]["interval"].pop("low"),
    "a slice without its tally": lambda w: w["slices"][0].pop("tally"),
    "a q-value that is none": lambda w: w["slices"][1].update(q_value=2),
    "a simultaneous end as text": lambda w: w["slices"][1]["simultaneous"].update(low="0"),
    "a discovery without its findings": lambda w: w["discovery"].pop("found"),
    "a finding of other examples": lambda w: w["discovery"].update(found=[OTHER]),
    "a finding of no examples": lambda w: w["discovery"].update(found=[OTHER | {"examples": 0}]),
    "a finding's column as a number": lambda w: w["discovery"].update(
        found=[OTHER | {"examples": 4, "where": [{"by": 1, "value": "EU"}]}]
    ),
    "flips that are none": lambda w: w.update(negative_flips=None),
    "a discovery that is a number": lambda w: w.update(discovery=0),
    "costs that are a list": lambda w: w.update(costs=[]),
    "a verdict that is empty": lambda w: w["gates"][0].update(verdict=""),
}


TYPES = {
    "facts as text": lambda w: w["new"].update(facts="x"),
    "effective examples as text": lambda w: w["data"].update(effective_examples="x"),
    "a column as a number": lambda w: w["data"].update(cluster=1),
    "a confidence as a list": lambda w: w["negative_flips"]["examples"][0].update(
        old_confidence=[]
    ),
    "a count as text": lambda w: w["negative_flips"]["transitions"][0].update(count="x"),
    "a confidence beyond all numbers": lambda w: w["negative_flips"]["examples"][0].update(
        new_confidence=10**400
    ),
    "a limit beyond all numbers": lambda w: w["gates"][0].update(bound=10**400),
    "an end beyond all numbers": lambda w: w["metrics"]["flips"]["interval"].update(high=10**400),
    "a version as a list": lambda w: w["run"].update(scipy=[]),
}


@pytest.mark.parametrize("change", TYPES)
def test_a_forged_report_of_other_types_is_an_input_error(report, change):
    """Whoever makes its digest again gets no report that cannot be shown."""
    written = json.loads(text_of(report))
    TYPES[change](written)
    with pytest.raises(InputError, match=r"a damaged report: \w+ is .*, not \w+"):
        Report.from_dict(sealed(written))


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w["tests"]["mcnemar"].update(method="x"),
        lambda w: w.update(version="\x1b[31m"),
        lambda w: w["new"].update(sha256="\x1b[31m"),
        lambda w: w["negative_flips"]["examples"][0].update(image="\x1b[31m"),
        lambda w: w["negative_flips"]["examples"][0].update(image="https://example.org/seen.png"),
        lambda w: w["negative_flips"]["examples"][0].update(image="data:image/svg+xml,<svg/>"),
        lambda w: w["negative_flips"]["examples"][0].update(image=""),
        lambda w: w["slices"][0]["metrics"].pop("error_rate_change"),
        lambda w: w["metrics"].pop("negative_flip_rate"),
        lambda w: w["negative_flips"]["transitions"].append({"old": "a", "new": "b", "count": 0}),
        lambda w: w["new"].update(name="half \ud800"),
        lambda w: w["run"].update(scipy="half \ud800"),
    ],
    ids=[
        *("a test that is none", "a version", "a digest", "a picture", "a picture elsewhere"),
        *("a drawing", "no picture", "a slice without a metric", "no rate", "a kind of no flips"),
        *("half a character", "half a character in a version"),
    ],
)
def test_a_forged_report_of_other_words_is_an_input_error(report, change):
    """What is written as it is holds no escapes, and what is looked up is there."""
    written = json.loads(text_of(report))
    change(written)
    with pytest.raises(InputError, match="a damaged report"):
        Report.from_dict(sealed(written))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_report_is_an_input_error(report, damage):
    """No damage gives a report with wrong numbers, or a traceback."""
    written = json.loads(text_of(report))
    DAMAGES[damage](written)
    with pytest.raises(InputError, match="a damaged report"):
        Report.from_dict(written)


@pytest.mark.parametrize(
    "content",
    [
        b"",  # an empty file
        b"{",  # cut short
        b"\xff\xfe\x00",  # not text
        b"[" * 100_000,  # deeper than Python reads
        b'{"format": NaN}',  # what JSON has not
        b'{"format": Infinity}',
    ],
)
def test_a_file_that_is_no_json_is_an_input_error(content, tmp_path):
    """The error names the file."""
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"report\.json: not a JSON report"):
        Report.load(path)


def test_a_report_that_is_not_there_is_an_input_error(tmp_path):
    """A wrong path is the user's, not a crash."""
    with pytest.raises(InputError, match=r"none\.json"):
        Report.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    "settings",
    [
        {"confidence": 0.5},  # a one-sided bound would be no bound
        {"confidence": 1.0},
        {"confidence": 95},  # meant percent
        {"confidence": float("nan")},
        {"resamples": -1},
        {"seed": -1},
        {"listed": -1},
        {"min_slice": -1},
        {"quantiles": -1},
        {"quantiles": 1},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    """Wrong settings cannot be made."""
    with pytest.raises(UsageError):
        Settings(**settings)


def test_the_metrics_are_a_table_for_pandas(report):
    """One row a metric, with its value, ends and counts."""
    frame = report.to_frame()
    row = frame.loc["negative_flip_rate"]
    estimate = report.metrics["negative_flip_rate"]
    assert (row["value"], row["low"]) == (estimate.value, estimate.interval.low)
    assert (row["numerator"], row["denominator"]) == (2, 6)


def test_images_join_the_listed_flips_by_id(report):
    """A thumbnail belongs to its example; one without stays without."""
    last = report.negative_flips.examples[-1].id
    pictured = report.with_images({last: "data:image/png;base64,AA"})
    found = [each.image for each in pictured.negative_flips.examples]
    assert found == [None, "data:image/png;base64,AA"]


def test_the_verdict_is_written_as_its_word(report):
    """JSON has the word of the verdict, not the name of an enumeration."""
    assert report.verdict is Verdict.FAIL
    assert '"verdict": "fail"' in text_of(report)


def test_a_report_that_cannot_be_read_is_named(tmp_path):
    """Of several files a reader wants to know which one."""
    path = tmp_path / "of_june.json"
    for text in ("{}", '{"format": "flipcheck.report/1"}', "[", "7"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"of_june\.json: "):
            Report.load(path)
