"""The pytest plugin, run by pytest as an installation declares it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from junitparser import JUnitXml

import flipcheck
from flipcheck.pytest_plugin import file_name

ROOT = Path(__file__).parents[1]
AUDIT = """
def test_update(flipcheck):
    flipcheck("old.csv", "new.csv").must("{gate}"{more})
"""


@pytest.fixture(scope="module", autouse=True)
def _loaded(tmp_path_factory):
    """What an audit loads, for good: pytester forgets modules, and numpy cannot be loaded twice."""
    path = tmp_path_factory.mktemp("once") / "report.html"
    sides = (ROOT / "sample_data" / f"{side}_predictions.csv" for side in ("old", "new"))
    flipcheck.compare(*sides, gates="churn <= 50%").save(path)


@pytest.fixture
def project(pytester, monkeypatch):
    """A folder of predictions with 5 flips in 1,000, and the plugin as pyproject declares it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    points = declared["project"]["entry-points"]["pytest11"]
    installed = pytester.mkdir("installed")
    folder = installed / "flipcheck_audit_under_test-0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: flipcheck-under-test\nVersion: 0\n"
    )
    lines = [f"{name} = {value}" for name, value in points.items()]
    (folder / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines, ""]))
    pytester.syspathinsert(installed)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(installed), str(ROOT)]))  # of workers
    rows = [f"x{row:04},{'EU' if row < 500 else 'US'},cat" for row in range(1000)]
    for side, flips in (("old", 0), ("new", 5)):
        answers = [",dog" if row < flips else ",cat" for row in range(1000)]
        body = [row + answer for row, answer in zip(rows, answers, strict=True)]
        text = "\n".join(["id,region,label,prediction", *body]) + "\n"
        (pytester.path / f"{side}.csv").write_text(text, encoding="utf-8")
    pytester.makeini("[pytest]\naddopts = -n 0 -W error")
    return pytester


def ran(project, gate="negative_flip_rate <= 1%", more="", *arguments):
    """How a test of one audit ends."""
    project.makepyfile(AUDIT.format(gate=gate, more=more))
    return project.runpytest_inprocess(*arguments)


@pytest.mark.parametrize(
    ("gate", "more", "outcome"),
    [
        ("negative_flip_rate <= 2%", "", "passed"),  # the bound is within
        ("negative_flip_rate <= 0.1%", "", "failed"),  # both bounds are beyond
        ("negative_flip_rate <= 0.6%", "", "failed"),  # undecided: never a silent pass
        ("negative_flip_rate <= 0.6%", ", inconclusive='skip'", "skipped"),
        ("negative_flip_rate <= 0.6%", ", inconclusive='xfail'", "xfailed"),
        ("negative_flip_rate <= 0.1%", ", inconclusive='skip'", "failed"),  # a failure stays one
        ("negative_flip_rate <= 3% by region", "", "passed"),  # whose column is read for it
        ("negative_flip_rate <= 0.1% where region=EU", "", "failed"),
    ],
)
def test_the_verdict_ends_the_test(project, gate, more, outcome):
    """A pass passes, a failure fails, and what is undecided is what was asked for."""
    ran(project, gate, more).assert_outcomes(**{outcome: 1})


def test_a_failure_says_what_broke_and_nothing_of_the_plugin(project):
    """The gate, what was measured, the bound, the flips; no frame of ours, no traceback."""
    shown = ran(project, "negative_flip_rate <= 0.1%").stdout
    shown.fnmatch_lines(
        [
            ">*flipcheck(*must(*",
            "E*Do not ship: negative flip rate 0.500% is over the limit of 0.1%.",
            "E*fail: negative_flip_rate <= 0.1%",
            "E*0.500% (5 / 1,000), at least 0.*% at 95%",
            "E*5 negative flips: 5 cat*dog",
            "E*x0000, x0001, x0002, x0003, x0004",
            "*Captured flipcheck call*",
            "*FAIL*",
        ]
    )
    shown.no_fnmatch_line("*pytest_plugin.py*")
    shown.no_fnmatch_line("*Traceback*")


def test_an_undecided_gate_says_how_many_examples_would_decide(project):
    """Too few examples are told as that."""
    shown = ran(project, "negative_flip_rate <= 0.6%").stdout
    shown.fnmatch_lines(["E*Do not ship yet*", "E*about * examples would decide it*"])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("flipcheck('gone.csv', 'new.csv').must('churn <= 5%')", "*gone.csv*no such file*"),
        ("flipcheck('gone.csv', 'new.csv').must('churn <= 5%')", "*paths start at /*"),
        ("flipcheck('old.csv', 'new.csv').must('chrn <= 5%')", "*did you mean 'churn'*"),
        ("flipcheck('old.csv', 'new.csv', max_nfr=1).must('churn <= 5%')", "*no option 'max_nfr'*"),
        ("flipcheck('old.csv', 'new.csv').must()", "*must() without a gate*"),
        (
            "flipcheck('old.csv', 'new.csv').must('churn <= 5%', inconclusive='pass')",
            "*fail, skip*",
        ),
        ("flipcheck('old.csv', 'new.csv').must('churn <= 5% by city')", "*city*"),
        ("flipcheck('old.csv', 'new.csv').must(5)", "*5 is not a gate*"),
        ("flipcheck('old.csv', 'new.csv')", "*never judged*"),
        ("flipcheck('old.csv', 'new.csv', gates='churn <= 5%').report", "*never judged*"),
        ("flipcheck('old.csv', 'new.csv', critical=['x0000']).report", "*never judged*"),  # a gate
        ("[flipcheck(*each).must('churn <= 5%') for each in ()]", "*nothing was audited*"),
    ],
)
def test_what_cannot_be_audited_fails_with_a_plain_error(project, body, told):
    """Bad input, and an audit that was forgotten, fail the test without a wall of text."""
    project.makepyfile(f"def test_it(flipcheck):\n    {body}\n")
    done = project.runpytest_inprocess("--show-capture=no")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines([told])
    done.stdout.no_fnmatch_line("*site-packages*")
    assert len(done.outlines) < 45


def test_an_audit_has_all_that_its_report_has(project):
    """Gates chain, metrics and tally are there, and the report alone is an audit too."""
    project.makepyfile(
        """
        def test_chain(flipcheck):
            audit = flipcheck("old.csv", "new.csv").must("negative_flip_rate <= 2%")
            audit.must("churn <= 2%").must("negative_flip_rate <= 4% by region")
            assert [str(each.gate) for each in audit.gates] == [
                "negative_flip_rate <= 2%", "churn <= 2%",
                *["negative_flip_rate <= 4% by region"] * 2,
            ]
            assert audit.metrics["negative_flip_rate"].value == 0.005
            assert {part.value for part in audit.slices} == {"EU", "US"}

        def test_report(flipcheck):
            assert flipcheck("old.csv", "new.csv").report.tally.negative_flips == 5
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=2)


def test_gates_are_judged_as_compare_judges_them(project):
    """A verdict of `must` after another is that of one call with both gates."""
    project.makepyfile(
        """
        from flipcheck import compare
        FIRST, THEN = "negative_flip_rate <= 2%", "churn <= 1.2% by region"

        def test_same(flipcheck):
            audit = flipcheck("old.csv", "new.csv", by="region").must(FIRST)
            try:
                audit.must(THEN)
            except BaseException:
                pass
            assert audit.gates == compare("old.csv", "new.csv", gates=[FIRST, THEN]).gates
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_the_summary_has_a_line_for_each_audit(project):
    """The verdict, the rate and the test, whether it passed or not."""
    done = ran(project, "negative_flip_rate <= 2%")
    done.stdout.fnmatch_lines(
        ["*= flipcheck =*", "PASS  old*new: NFR 0.500%; 1 pass  (*test_update)"]
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_it_works_under_xdist(project, workers):
    """What workers audit is told by the process that prints."""
    project.makepyfile(
        "import pytest\n@pytest.mark.parametrize('n', range(3))\ndef test_it(flipcheck, n):\n"
        "    flipcheck('old.csv', 'new.csv').must('churn <= 2%')\n"
    )
    done = project.runpytest_subprocess("-n", str(workers), "--flipcheck-report", "kept")
    done.assert_outcomes(passed=3)
    assert sum(line.startswith("PASS") for line in done.outlines) == 3
    assert len(list((project.path / "kept").iterdir())) == 6


def test_reports_are_written_for_every_audit(project):
    """HTML and JSON, under safe names, of passing and failing tests."""
    project.makepyfile(
        "import pytest\n@pytest.mark.parametrize('p', ['../../etc', 'é<b>/', 'x' * 300])\n"
        "def test_it(flipcheck, p):\n"
        "    flipcheck('old.csv', 'new.csv').must('churn <= 2%')\n"
        "    flipcheck('old.csv', 'new.csv').must('churn <= 0.1%')\n"
    )
    done = project.runpytest_inprocess("--flipcheck-report", "a/kept")
    done.assert_outcomes(failed=3)
    written = sorted((project.path / "a" / "kept").iterdir())
    assert len(written) == 12
    assert not list(project.path.parent.glob("etc*"))
    verdicts = [
        json.loads(each.read_text())["verdict"] for each in written if each.suffix == ".json"
    ]
    assert sorted(verdicts) == ["fail"] * 3 + ["pass"] * 3


def test_a_report_tells_all_the_gates_that_it_was_judged_by(project):
    """Its command line is that of the last verdict, not of the first."""
    project.makepyfile(
        """
        def test_it(flipcheck):
            flipcheck("old.csv", "new.csv").must("churn <= 2%").must("negative_flip_rate <= 4%")
        """
    )
    project.runpytest_inprocess("--flipcheck-report", "kept").assert_outcomes(passed=1)
    (written,) = (project.path / "kept").glob("*.json")
    evidence = json.loads(written.read_text())["evidence"]
    assert evidence["options"]["gates"] == ["churn <= 2%", "negative_flip_rate <= 4%"]


def test_reports_stay_where_they_were_asked_for(project):
    """A test that changes the folder does not take its reports along."""
    project.makepyfile(
        """
        def test_it(flipcheck, monkeypatch, tmp_path):
            audit = flipcheck("old.csv", "new.csv").must("churn <= 2%")
            monkeypatch.chdir(tmp_path)
        """
    )
    project.runpytest_inprocess("--flipcheck-report", "kept").assert_outcomes(passed=1)
    assert len(list((project.path / "kept").iterdir())) == 2


def test_an_asserted_verdict_is_a_judgement(project):
    """Who writes `assert audit.verdict == "pass"` did not forget the gates."""
    project.makepyfile(
        """
        def test_it(flipcheck):
            assert flipcheck("old.csv", "new.csv", gates="churn <= 2%").verdict == "pass"
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_an_audit_in_a_fixture_is_told_too(project):
    """A test that ends before it is called has its line and its report, and where that is."""
    project.makepyfile(
        """
        import pytest

        @pytest.fixture
        def audit(flipcheck):
            return flipcheck("old.csv", "new.csv").must("churn <= 0.1%")

        def test_it(audit):
            pass
        """
    )
    done = project.runpytest_inprocess("--flipcheck-report", "kept", "--show-capture=no")
    done.assert_outcomes(errors=1)
    (page,) = (project.path / "kept").glob("*.html")
    done.stdout.fnmatch_lines(["FAIL*(*::test_it)", f"  {page}"])
    assert sum(line.startswith("FAIL ") for line in done.outlines) == 1


def test_a_gate_that_cannot_be_judged_leaves_no_earlier_verdict(project):
    """Neither the summary nor a property says PASS of a test that ended in an error."""
    project.makepyfile(
        """
        def test_it(flipcheck):
            flipcheck("old.csv", "new.csv").must("churn <= 2%").must("churn <= 2% by city")
        """
    )
    done = project.runpytest_inprocess("--show-capture=no")
    done.assert_outcomes(failed=1)
    done.stdout.no_fnmatch_line("PASS*")


def test_names_of_reports_are_safe_and_differ():
    """Letters, digits and dashes; two tests that are told apart by a sign alone share none."""
    names = [
        file_name(test, 1) for test in ("t.py::a[/]", "t.py::a[.]", "t.py::a[\ud800]", "x" * 999)
    ]
    assert len(set(names)) == 4
    assert all(name.replace("-", "").isalnum() and len(name) < 120 for name in names)


def test_a_file_in_place_of_the_folder_is_refused(project):
    """The error comes before any test."""
    done = ran(project, "churn <= 2%", "", "--flipcheck-report", "old.csv")
    assert done.ret == pytest.ExitCode.USAGE_ERROR


def test_reports_that_cannot_be_written_fail_the_test(project):
    """What was asked for is not left out in silence, though the gate passes."""
    done = ran(project, "churn <= 2%", "", "--flipcheck-report", "old.csv/kept")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*--flipcheck-report: *old.csv*"])


def test_a_junit_file_tells_of_the_audit(project):
    """Its verdict and rate are properties of the test case, as a reader of such files has them."""
    ran(project, "negative_flip_rate <= 2%", "", "--junitxml", "junit.xml")
    case = next(iter(next(iter(JUnitXml.fromfile(str(project.path / "junit.xml"))))))
    told = {each.get("name"): each.get("value") for each in case._elem.iter("property")}
    assert told["flipcheck_verdict"] == "pass"
    assert float(told["flipcheck_negative_flip_rate"]) == 0.005


def test_the_options_are_in_the_help(project):
    """`pytest --help` has a group of them, and `--fixtures` the fixture."""
    done = project.runpytest_inprocess("--help")
    done.stdout.fnmatch_lines(["*audits of model updates*", "*--flipcheck-report=DIR*"])
    project.runpytest_inprocess("--fixtures").stdout.fnmatch_lines(["flipcheck*pytest_plugin*"])


def test_undecided_gates_skip_where_the_run_says_so(project):
    """`--flipcheck-inconclusive skip` holds for all tests that do not say it themselves."""
    done = ran(project, "negative_flip_rate <= 0.6%", "", "--flipcheck-inconclusive", "skip")
    done.assert_outcomes(skipped=1)


def test_it_can_be_left_out(project):
    """`-p no:flipcheck` leaves no fixture."""
    done = ran(project, "churn <= 2%", "", "-p", "no:flipcheck")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*fixture 'flipcheck' not found*"])


def test_it_costs_nothing_before_it_is_used(project):
    """Nothing but the plugin itself is loaded with pytest, and pytest not with flipcheck."""
    project.makepyfile("import sys\ndef test_it():\n    assert not HEAVY & set(sys.modules)\n")
    heavy = "{'numpy', 'pandas', 'pyarrow', 'flipcheck.api', 'flipcheck.gates', 'flipcheck.errors'}"
    test = project.path / "test_it_costs_nothing_before_it_is_used.py"
    test.write_text(test.read_text().replace("HEAVY", heavy))
    project.runpytest_subprocess("-p", "no:xdist", "-c", "/dev/null").assert_outcomes(passed=1)
    code = "import sys, flipcheck as f; f.compare; f.Report; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
