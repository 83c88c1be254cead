"""The GitLab template: its script is run in the shells that images have, on real files."""

from __future__ import annotations

import json
import shutil

import junitparser
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from servers import GITLAB, loaded, run_gitlab

SIDES = {"AUDIT_OLD": "old.csv", "AUDIT_NEW": "new.csv", "AUDIT_ARGS": "--max-nfr 2%"}
PASSING, FAILING = {"right": 995, "broken": 5}, {"right": 900, "broken": 100}
OPEN = {"right": 97, "broken": 3}
SHELLS = [each for each in ("bash", "sh", "dash", "busybox sh") if shutil.which(each.split()[0])]


@pytest.mark.parametrize(
    ("counts", "status", "shell"),
    [(PASSING, 0, "bash"), (OPEN, 3, "bash"), *((FAILING, 1, shell) for shell in SHELLS)],
)
def test_the_job_ends_as_the_audit_does(checkout, counts, status, shell):
    """And leaves every file that the template declares, with the verdict in each."""
    folder = checkout(**counts)
    done = run_gitlab(folder, {"extends": ".flipcheck", "variables": SIDES}, shell)
    assert done.status == status, done.log
    artifacts = loaded(GITLAB)[".flipcheck"]["artifacts"]
    assert artifacts["when"] == "always"
    for path in [*artifacts["paths"], *artifacts["reports"].values()]:
        assert (folder / path).is_file(), path
    found = junitparser.JUnitXml.fromfile(str(folder / artifacts["reports"]["junit"]))
    assert found.failures == int(status > 0)
    text = (folder / artifacts["reports"]["metrics"]).read_text(encoding="utf-8")
    assert list(text_string_to_metric_families(text))


def test_only_the_undecided_may_be_let_through():
    """No job allows a failed gate, or an audit that could not be done."""
    jobs = {name: job for name, job in loaded(GITLAB).items() if name.startswith(".")}
    assert "allow_failure" not in jobs[".flipcheck"]
    assert jobs[".flipcheck-lenient"]["allow_failure"] == {"exit_codes": [3]}


@pytest.mark.parametrize("left_out", [("AUDIT_OLD",), ("AUDIT_NEW",), ("AUDIT_OLD", "AUDIT_ARGS")])
def test_no_side_takes_the_place_of_another(checkout, left_out):
    """Without the old side the new one is not compared with the test set."""
    variables = {name: value for name, value in SIDES.items() if name not in left_out}
    job = {"extends": ".flipcheck", "variables": {**variables, "AUDIT_DATA": "new.csv"}}
    done = run_gitlab(checkout(**PASSING), job)
    assert done.status == 2
    assert "give both" in done.log


def test_patterns_are_not_files(checkout):
    """A * in the arguments stays one, and names with spaces stay whole."""
    folder = checkout(**PASSING)
    (folder / "old.csv").rename(folder / "o l d.csv")
    variables = {**SIDES, "AUDIT_OLD": "o l d.csv", "AUDIT_ARGS": "--gate churn<=5% --label-map *"}
    done = run_gitlab(folder, {"extends": ".flipcheck", "variables": variables})
    assert done.status == 2
    assert "*" in done.log
    variables["AUDIT_ARGS"] = "--gate churn<=5%"
    done = run_gitlab(folder, {"extends": ".flipcheck-lenient", "variables": variables})
    assert done.status == 0, done.log
    assert json.loads((folder / "flipcheck.json").read_text("utf-8"))["verdict"] == "pass"


def test_a_job_without_gates_fails(checkout):
    """Where nothing is decided, nothing passes: neither with sides alone nor leniently."""
    variables = {name: value for name, value in SIDES.items() if name != "AUDIT_ARGS"}
    for job in (".flipcheck", ".flipcheck-lenient"):
        done = run_gitlab(checkout(**PASSING), {"extends": job, "variables": variables})
        assert done.status == 2
        assert "no gate" in done.log
