"""The report's parts on critical examples, waivers and label noise: to JSON, back, and damaged."""

from __future__ import annotations

import json

import pytest

import flipcheck
from flipcheck.errors import InputError
from flipcheck.report import Report
from flipcheck.reporters import REPORTERS

WAIVER = {"reason": "known", "owner": "ana", "expires": "2999-12-31"}


@pytest.fixture
def report(flipped):
    """Ten flips of 1,000: one critical, two waived; one percent of the labels may be wrong."""
    return flipcheck.compare(
        *flipped(right=985, broken=10, mended=5),
        critical=["x00000", "x00985"],
        waivers=[WAIVER | {"id": each} for each in ("x00986", "x00987", "x00001")],
        label_noise="1%",
        gates=["negative_flip_rate <= 1.5%", "negative_flip_rate <= 2% by class"],
        resamples=0,
    )


def test_a_report_is_read_as_it_was_written(report):
    """Byte for byte, in every reporter."""
    written = json.dumps(report.to_dict())
    again = Report.from_dict(json.loads(written))
    assert json.dumps(again.to_dict()) == written
    assert again == report
    for name, reporter in REPORTERS.items():
        assert reporter(again) == reporter(report), name


def _set(*path):
    """A change of one value of the JSON."""

    def change(written):
        *places, last, value = path
        for place in places:
            written = written[place]
        written[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("critical", "broken", []), "list of flips differ"),
        (_set("critical", "tally", "negative_flips", "x"), "no text|whole numbers"),
        (_set("waivers", "judged", "tally", "negative_flips", 7), "other examples"),
        (_set("waivers", "waivers", 0, "used", False), "its waivers differ"),
        (_set("waivers", "judged", "slices", 0, "value", "z"), "damaged"),
        (_set("waivers", "verdict_without_waivers", "maybe"), "maybe"),
        (_set("label_noise", "negative_flips", {"low": 11, "high": 12}), "label noise differ"),
        (_set("label_noise", "negative_flips", {"low": 9, "high": 3}), "out of order"),
        (_set("label_noise", "low", 0.5), "out of order"),
        (_set("label_noise", "judged_by", "vote"), "unknown kind"),
        (_set("label_noise", "interval", None), "damaged"),
    ],
)
def test_a_report_whose_parts_do_not_fit_is_refused(report, change, message):
    """A changed count is a damaged report, never another verdict."""
    written = report.to_dict()
    change(written)
    with pytest.raises(InputError, match=message):
        Report.from_dict(written)


def test_every_reporter_tells_of_all_three(report):
    """The broken critical example, each waiver, and the bounds, in every format that has prose."""
    for name in ("terminal", "html", "markdown", "json"):
        reporter = REPORTERS[name]
        text = " ".join(reporter(report).split())
        for told in ("x00985", "x00986", "x00987", "x00001", "ana", "2999-12-31", "known"):
            assert told in text, (name, told)
        if name != "json":
            assert "breaks 1 of them" in text, name
            assert "2 of 10 negative flips are waived" in text, name
            assert "If up to 1% of the labels (10) are wrong" in text, name
            assert "2 of 10 negative flips waived" in text, name
            assert "no longer needed" in text, name


def test_names_in_the_lists_are_hostile_text(table):
    """Reasons and owners from a file act neither in a terminal, nor in Markdown, nor in HTML."""
    evil = "\x1b[31m<script>alert(1)</script>|`x`"
    header = "id,label,prediction"
    report = flipcheck.compare(
        table("old.csv", header, "::error::a,<b>,<b>", "b,<b>,<b>"),
        table("new.csv", header, "::error::a,<b>,c", "b,<b>,c"),
        critical=["::error::a"],
        waivers=[{"id": "b", "reason": evil, "owner": evil, "expires": "2999-12-31"}],
        label_noise=0.5,
        resamples=0,
    )
    for name in ("terminal", "markdown", "html"):
        text = REPORTERS[name](report)
        assert "\x1b" not in text, name
        assert not any(line.startswith("::") for line in text.splitlines()), name
    assert "<script>alert" not in REPORTERS["html"](report)
    assert "``" in REPORTERS["markdown"](report)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_terminal_keeps_to_its_width(report, width):
    """Long sentences wrap, and none is cut."""
    from flipcheck.reporters.terminal import render

    text = render(report, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "with 95% confidence 0 to 2.46%" in " ".join(text.split())


def test_an_audit_without_gates_tells_of_waivers_too(flipped):
    """Nothing was decided, with or without them."""
    waivers = [WAIVER | {"id": "x00009"}]
    report = flipcheck.compare(*flipped(right=9, broken=1), waivers=waivers, resamples=0)
    assert (report.verdict, report.waivers.verdict_without) == (None, None)
    assert "1 of 1 negative flip is waived; there are no gates." in " ".join(str(report).split())


def test_critical_examples_that_never_were_right_are_told(flipped):
    """The sentence says why nothing is shown."""
    report = flipcheck.compare(*flipped(right=9, wrong=1), critical=["x00009"], resamples=0)
    assert "gets none right: nothing could break" in " ".join(str(report).split())
    assert report.verdict == "inconclusive"
