"""The same numbers everywhere: every output of every kind of audit is read back by another reader.

What they are compared with is the JSON; none of the functions that wrote a text is used to read it.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from many_audits import AUDITS
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from shown_numbers import (
    check,
    check_counts,
    check_span,
    markdown_tables,
    shown,
    terminal_rows,
    unit_of,
)

import flipcheck
from flipcheck.metrics import METRICS, metric
from flipcheck.reporters import REPORTERS, actions

pytestmark = pytest.mark.xdist_group("audited")
NAMES = {each.title: name for name, each in METRICS.items()}
VERDICTS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE", None: "NO VERDICT"}
KINDS = {"fail": "error", "inconclusive": "warning", "pass": "notice"}


@pytest.fixture(params=AUDITS)
def both(request, report, written):
    """An audit's JSON, and a function that gives another output of it as a text."""
    path = written(request.param)
    suffixes = {"markdown": ".md", "junit": ".xml", "metrics": ".txt"}

    def text(kind):
        if kind in suffixes:
            return path.with_suffix(suffixes[kind]).read_text(encoding="utf-8")
        made = flipcheck.Report.load(path)
        return actions.render(made) if kind == "annotations" else REPORTERS[kind](made)

    return report(request.param), text


def name_of(judged):
    """A gate, and the slice that it was judged on."""
    part = judged["slice"]
    scope = f" [{part['by']}={part['value']}]" if part and " where " not in judged["gate"] else ""
    return f"{judged['gate']}{scope}"


def check_metrics(rows, metrics):
    """Assert that rows of title, value, interval and counts are those of the JSON, all of them."""
    found = {NAMES[row[0]]: row[1:] for row in rows if row[0] in NAMES}
    wanted = {name for name, each in metrics.items() if each["available"]}
    assert wanted <= set(found) | {name for name in wanted if metrics[name]["value"] is None}
    for name, (value, span, counts) in (
        (each, row) for each, row in found.items() if each in wanted
    ):
        told = metrics[name]
        check(value, told["value"])
        check_span(span, told["interval"], unit_of(value))
        if "exp." not in counts:
            check_counts(counts, told["numerator"], told["denominator"])


def test_the_terminal_shows_the_metrics_and_the_verdict(both):
    """Its first word, and each row of its metrics."""
    written, text = both
    told = text("terminal")
    assert told.startswith(f" {VERDICTS[written['verdict']]}  ")
    check_metrics(terminal_rows(told, "Metrics"), written["metrics"])


def test_the_terminal_shows_the_outcomes(both):
    """Four counts of right and wrong, or three of scores."""
    written, text = both
    heading = "Scores" if "scores" in written else "Answers"
    rows, tally = terminal_rows(text("terminal"), heading), written["tally"]
    numbers = [int(cell.replace(",", "")) for row in rows for cell in row if cell[:1].isdigit()]
    assert {tally["negative_flips"], tally["positive_flips"]} <= set(numbers)
    assert sum(numbers[:4]) == written["data"]["examples"]


def test_markdown_shows_the_metrics_and_the_verdict(both):
    """Its title, and each row of its metrics."""
    written, text = both
    told = text("markdown")
    assert re.search(rf"^## \S+ flipcheck: {VERDICTS[written['verdict']]}$", told, re.MULTILINE)
    rows = [row for table in markdown_tables(told) if table[0][0] == "metric" for row in table[1:]]
    check_metrics(rows, written["metrics"])


def test_markdown_shows_each_gate(both):
    """Once, with its verdict, what was measured and the bound that decided."""
    written, text = both
    tables = [each for each in markdown_tables(text("markdown")) if each[0][0] == "verdict"]
    rows = {row[1].strip("`"): row for table in tables for row in table[1:]}
    assert set(rows) == {name_of(each) for each in written["gates"]}
    for judged in written["gates"]:
        row = rows[name_of(judged)]
        assert row[0].endswith(judged["verdict"] or "too small")
        check(row[2], judged["value"])
        check_bound(row[3], judged)


def check_bound(text, judged):
    """Assert that "at most 3.58%" is the bound that decided; counts have none."""
    side = re.fullmatch(r"at (?:most|least) (.*)", text)
    bound = judged["opposite_bound"] if judged["verdict"] == "fail" else judged["bound"]
    if side:
        check(side[1], bound)
    else:
        assert bound is None, text


def test_markdown_shows_each_slice(both):
    """Its rate, its interval and its counts, of columns and of true classes."""
    written, text = both
    parts = {
        each["value"] if each["by"] == "class" else f"{each['by']} = {each['value']}": each
        for each in (*written["slices"], *written["classes"])
    }
    tables = [each for each in markdown_tables(text("markdown")) if each[0][-1] == "adjusted p"]
    for name, value, span, counts, _ in (row for table in tables for row in table[1:]):
        told = parts[name.strip("`")]["metrics"]["negative_flip_rate"]
        check(value, told["value"])
        check_span(span, told["interval"], "%")
        check_counts(counts, told["numerator"], told["denominator"])


def test_junit_has_the_numbers_of_the_json(both):
    """The properties of the suite, and a case for each gate with what became of it."""
    written, text = both
    (suite,) = ET.fromstring(text("junit"))  # noqa: S314  (our own)
    told = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert told["verdict"] == (written["verdict"] or "none")
    assert int(told["examples"]) == written["data"]["examples"]
    for name in ("negative_flips", "positive_flips"):
        assert int(told[name]) == written["tally"][name]
    for name, each in written["metrics"].items():
        value = None if each["value"] is None else pytest.approx(each["value"], rel=1e-9)
        assert (float(told[name]) if name in told else None) == value
    cases = list(suite.iter("testcase"))
    if not written["gates"]:
        assert [each.find("skipped") is not None for each in cases] == [True]
        return
    for case, judged in zip(cases, written["gates"], strict=True):
        check_case(case, judged)


def check_case(case, judged):
    """Assert that a case has the name, the verdict and the numbers of a gate."""
    assert case.get("name") == name_of(judged)
    failure, skipped = case.find("failure"), case.find("skipped")
    assert (None if failure is None else failure.get("type")) == (
        judged["verdict"] if judged["verdict"] in {"fail", "inconclusive"} else None
    )
    assert (skipped is not None) == (judged["verdict"] is None)
    text = next(filter(None, (each.text or each.get("message") for each in case)))
    check_told(text, judged)


def check_told(text, judged):
    """Assert that a gate's one line has its value, its counts and its bound."""
    line = text.removeprefix("undecided: ")
    found = re.match(
        rf"{re.escape(title_of(judged))} (\S+(?: pp)?)(?: \((\S+ / \S+)\))?"
        r"(?:, at (?:most|least) (\S+(?: pp)?) \()?",
        line,
    )
    assert found, line
    value, counts, bound = found.groups()
    check(value.rstrip(",;"), judged["value"])
    if counts:
        check_counts(counts, judged["numerator"], judged["denominator"])
    if bound:
        check_bound(f"at most {bound}", judged)


def title_of(judged):
    """The title of what a gate limits."""
    return metric(judged["metric"]).title


def test_open_metrics_have_the_numbers_of_the_json(both):
    """To ten decimals, as another reader reads them, and nothing that is undefined."""
    written, text = both
    samples = {}
    for family in text_string_to_metric_families(text("metrics")):
        for each in family.samples:
            samples.setdefault(each.name.removeprefix("flipcheck_"), []).append(each)
    verdicts = {each.labels["verdict"]: each.value for each in samples["verdict"]}
    assert {name for name, value in verdicts.items() if value} == {written["verdict"] or "none"}
    assert samples["examples"][0].value == written["data"]["examples"]
    for name, each in written["metrics"].items():
        interval = each["interval"] or {}
        ends = {"": each["value"], "_lower": interval.get("low"), "_upper": interval.get("high")}
        for suffix, value in ends.items():
            found = samples.get(f"{name}{suffix}")
            assert (found[0].value if found else None) == close(
                None if each["value"] is None else value
            )
    check_gates(samples, written["gates"])


def close(value):
    """A number to ten decimals, or none."""
    return None if value is None else pytest.approx(value, rel=1e-9, abs=6e-11)


def check_gates(samples, gates):
    """Assert that the samples of gates are those of the JSON, gate by gate."""
    told = {"value": "value", "bound": "bound", "limit": "limit", "examples_needed": None}
    for kind, key in told.items():
        found = {each.labels["gate"]: each.value for each in samples.get(f"gate_{kind}", [])}
        wanted = {name_of(each): each[key or "examples_needed"] for each in gates}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        assert found == {name: close(value) for name, value in wanted.items()}
    verdicts = {
        each.labels["gate"]: each.labels["verdict"]
        for each in samples.get("gate_verdict", [])
        if each.value
    }
    assert verdicts == {name_of(each): each["verdict"] or "too small" for each in gates}


def test_annotations_have_the_numbers_of_the_json(both):
    """One for each gate of a kind, as far as a step may have them, in the words of its verdict."""
    written, text = both
    gates = {name_of(each): each for each in written["gates"]}
    seen = []
    for line in text("annotations").splitlines():
        kind, title, message = re.fullmatch(r"::(\w+) title=(.*?)::(.*)", line).groups()
        told, message = unescaped(title), unescaped(message)
        if told == "flipcheck":
            continue
        verdict, name = told.split(" ", 1)
        assert (kind, verdict) == (KINDS[gates[name]["verdict"]], VERDICTS[gates[name]["verdict"]])
        check_told(message, gates[name])
        seen.append(name)
    for verdict in KINDS:
        judged = [name for name, each in gates.items() if each["verdict"] == verdict]
        assert len(set(judged) & set(seen)) == (len(judged) if len(judged) <= 8 else 9)
    assert len(seen) == len(set(seen))


def unescaped(text):
    """A workflow command's text as GitHub reads it."""
    signs = {"%0A": "\n", "%0D": "\r", "%3A": ":", "%2C": ",", "%25": "%"}
    return re.sub("|".join(signs), lambda found: signs[found[0]], text)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("3.19%", 0.03185, 0.03195),
        ("−3.98 pp", -0.03985, -0.03975),
        ("<0.0001%", 0, 1e-6),  # above 0, and no more is told
        ("1,234", 1233.5, 1234.5),
        ("5.9e-36", 5.85e-36, 5.95e-36),
    ],
)
def test_what_a_text_can_stand_for(text, low, high):
    """The reader of these tests is no wider than the digits that it reads."""
    found = shown(text)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert not found.holds(high + (high - low))
