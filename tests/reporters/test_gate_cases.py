"""Gates of every kind as pipelines see them: a case each, in JUnit, OpenMetrics and annotations."""

from __future__ import annotations

import junitparser
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import flipcheck
from flipcheck.reporters import REPORTERS, actions
from flipcheck.reporters.cases import cases

ROWS = 400


@pytest.fixture
def sides(table):
    """Two sides with a user and a weight for each row; one answer in fifty breaks."""
    header = "id,label,prediction,user,traffic"
    old = [f"x{row},a,a,u{row % 90},{1 + row % 5}" for row in range(ROWS)]
    new = [f"x{row},a,{'b' if row % 50 == 0 else 'a'},u{row % 90},{1 + row % 5}"
           for row in range(ROWS)]  # fmt: skip
    return table("old.csv", header, *old), table("new.csv", header, *new)


@pytest.fixture
def files(sides, table):
    """The files that the kinds of gates need, by name."""
    named = {"costs": table("costs.csv", "old,new,cost", "a,b,5"), "rerun": [sides[0]]}
    named["critical"] = table("critical.csv", "id,reason", "x0,never", "x1,never")
    named["waivers"] = table("waivers.csv", "id,reason,owner,expires", "x50,old,Ann,9999-12-31")
    return named


@pytest.mark.parametrize(
    ("gate", "options", "told"),
    [
        ("negative_flip_rate <= 5%", {}, "2.00% (8 / 400), at most 3.58%"),
        ("negative_flip_rate <= 5%", {"decide": "point"}, "decided by the estimate"),
        ("negative_flip_rate <= 5%", {"weight": "traffic"}, "negative flip rate 0.667%, at most"),
        ("negative_flip_rate <= 5%", {"cluster": "user"}, "2.00% (8 / 400), at most"),
        ("negative_flip_rate <= 5%", {"waivers": True}, "1.75% (7 / 400)"),
        ("error_rate_change <= 5%", {}, "error rate change +2.00 pp, at most"),
        ("relative_negative_flip_rate <= 2", {}, "relative negative flip rate"),
        ("win_loss_ratio >= 1", {}, "win/loss ratio 0.00, at most"),
        ("negative_flip_impact <= 50%", {}, "negative flip impact 100% (8 / 8)"),
        ("expected_cost <= 1", {"costs": True}, "expected cost 0.1, at most"),
        ("error_rate_change <= 5%", {"critical": True}, "critical negative flips 1 of 2"),
    ],
)
def test_every_kind_of_gate_is_a_case(sides, files, gate, options, told):
    """What is told has the value and its bound; each report has the gates once."""
    given = {name: files[name] if value is True else value for name, value in options.items()}
    report = flipcheck.compare(*sides, gates=[gate], resamples=0, **given)
    found = cases(report)
    assert len(found) == len(report.gates) >= 1
    assert any(told in each.told for each in found), [each.told for each in found]
    suite = next(iter(junitparser.JUnitXml.fromstring(REPORTERS["junit"](report).encode())))
    assert [each.name for each in suite] == [each.name for each in found]
    families = text_string_to_metric_families(REPORTERS["metrics"](report))
    limits = [each for family in families for each in family.samples
              if each.name == "flipcheck_gate_limit"]  # fmt: skip
    assert len(limits) == len(found)
    lines = actions.render(report).splitlines()
    assert len(lines) == len(found) + len(report.warnings)


def test_an_undefined_metric_is_undecided_and_says_why(table):
    """Without errors of the new model its share of flips has no value, and no bound."""
    path = table("p.csv", "id,label,prediction", *(f"x{row},a,a" for row in range(99)))
    report = flipcheck.compare(path, path, gates=["negative_flip_impact <= 50%"], resamples=0)
    (case,) = cases(report)
    assert case.told.startswith("undecided: negative flip impact –; the limit is <= 50%; ")
    assert "its denominator is 0" in case.told
    assert "gate_value" not in REPORTERS["metrics"](report)


def test_the_slices_of_a_gate_stay_together(table):
    """In the order of the report; and a gate on one slice is named by its own text alone."""
    lines = [f"x{row},a,a,{'EU' if row % 2 else 'US'}" for row in range(40)]
    path = table("p.csv", "id,label,prediction,region", *lines)
    gates = ["negative_flip_rate <= 20% by region", "negative_flip_rate <= 30% where region=EU"]
    names = {each.name for each in cases(flipcheck.compare(path, path, gates=gates, resamples=0))}
    assert names == {f"{gates[0]} [region=EU]", f"{gates[0]} [region=US]", gates[1]}
