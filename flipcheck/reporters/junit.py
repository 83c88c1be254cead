"""The report for a CI server: JUnit XML with a test case for each gate, and for each slice of one.

A gate that is undecided is a failure of its own type, `inconclusive`: to a server that knows
passed, failed and skipped, nothing else would stop a release. What was not judged is skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from flipcheck.gates import Verdict
from flipcheck.reporters import words
from flipcheck.reporters.cases import NO_GATE, Case, cases

if TYPE_CHECKING:
    from flipcheck.report import Report

SUITE = "flipcheck"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def render(report: Report) -> str:
    """The report as JUnit XML. Times are 0, as the same audit gives the same bytes."""
    found = cases(report)
    failed = sum(each.judged.verdict in _TYPES for each in found)
    skipped = sum(each.judged.verdict is None for each in found) or int(not found)
    counts = {
        "tests": str(max(1, len(found))),
        "failures": str(failed),
        "errors": "0",
        "skipped": str(skipped),
        "time": "0",
    }
    suites = ET.Element("testsuites", {"name": SUITE, **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": SUITE, **counts})
    properties = ET.SubElement(suite, "properties")
    for name, value in _facts(report).items():
        ET.SubElement(properties, "property", {"name": name, "value": value})
    for each in found:
        _add(suite, each)
    if not found:
        case = ET.SubElement(suite, "testcase", _named("gates", "gates"))
        ET.SubElement(case, "skipped", {"message": NO_GATE})
    ET.SubElement(suite, "system-out").text = words.clean(words.summary(report))
    if report.warnings:
        ET.SubElement(suite, "system-err").text = "\n".join(map(words.clean, report.warnings))
    ET.indent(suites)
    return f"{HEAD}{ET.tostring(suites, encoding='unicode')}\n"


_TYPES = {Verdict.FAIL: "fail", Verdict.INCONCLUSIVE: "inconclusive"}
"""The verdicts that are failures to a CI server, and of which type."""


def _named(kind: str, name: str) -> dict[str, str]:
    return {"classname": f"{SUITE}.{kind}", "name": name, "time": "0"}


def _add(suite: ET.Element, each: Case) -> None:
    """Add a test case, with what became of its gate."""
    case = ET.SubElement(suite, "testcase", _named(each.judged.gate.metric, each.name))
    verdict = each.judged.verdict
    if verdict is None:
        ET.SubElement(case, "skipped", {"message": each.told})
    elif verdict in _TYPES:
        how = {"type": _TYPES[verdict], "message": each.told}
        ET.SubElement(case, "failure", how).text = each.told
    else:
        ET.SubElement(case, "system-out").text = each.told


def _facts(report: Report) -> dict[str, str]:
    """The verdict and the numbers, as the JSON report writes them; undefined ones are left out."""
    found = {
        "verdict": report.verdict or "none",
        "decision": words.decision(report),
        "old": words.clean(report.old.source),
        "new": words.clean(report.new.source),
        "examples": str(report.tally.examples),
        "negative_flips": str(report.tally.negative_flips),
        "positive_flips": str(report.tally.positive_flips),
    }
    for name, estimate in report.metrics.items():
        if estimate.value is not None:
            found[name] = f"{estimate.value:.10g}"
    return found
