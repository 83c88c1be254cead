"""The README's pipelines: every YAML block is run, by the stand-in for its server."""

from __future__ import annotations

import os
from typing import Any

import pytest
import test_readme
import yaml
from servers import ACTION, ROOT, bash, flipcheck_in, run_action, run_gitlab, run_hook, script

newcomer = test_readme.newcomer
OURS = f"/{ACTION.parent.relative_to(ROOT).as_posix()}"
OTHERS = ("actions/checkout@", "actions/upload-artifact@")
"""The actions of others that a block may use, which only their server can run."""
ENDS = {0, 1, 3}
"""The exit statuses of an audit that could be done."""


def run_workflow(folder, block) -> list[int]:
    """Every step of a GitHub workflow: ours, and scripts, with a gh that only notes its use."""
    ended = []
    tools = flipcheck_in(folder.parent / "tools")
    script(tools / "gh", f'#!/bin/bash\necho "$@" >> "{tools}/gh.log"\n')
    for job in block["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            if "run" in step:
                ended.append(run_script(folder, step, tools))
            elif step["uses"].split("@")[0].endswith(OURS):
                given = {name: str(value) for name, value in step["with"].items()}
                ended.append(run_action(folder, **given).status)
            else:
                assert step["uses"].startswith(OTHERS), f"nothing runs {step['uses']}"
    return ended


def run_script(folder, step: dict[str, Any], tools) -> int:
    """A step's own script; what it knows of the server is in its variables."""
    assert "${{" not in step["run"], "an expression in a script is code"
    env = dict.fromkeys(step.get("env", {}), "1") | {"GITHUB_REPOSITORY": "you/model"}
    env |= {"PATH": f"{tools}:{os.environ['PATH']}"}
    return bash(step["run"], folder, env).status


def run_jobs(folder, block) -> list[int]:
    """Every job of a GitLab pipeline that extends ours."""
    jobs = {name: job for name, job in block.items() if name not in {"include", "stages"}}
    return [run_gitlab(folder, job).status for job in jobs.values()]


def run_hooks(folder, block) -> list[int]:
    """Every hook of a configuration of pre-commit."""
    return [run_hook(folder, hook).status for repo in block["repos"] for hook in repo["hooks"]]


KINDS = {"jobs": run_workflow, "include": run_jobs, "repos": run_hooks}
"""What runs a block, by a key that only its kind has."""


def run_block(folder, text: str) -> list[int]:
    """How everything in a block ended. A block of no known kind is an error, never skipped."""
    block = yaml.safe_load(text)
    kind = next((kind for kind in KINDS if kind in block), None)
    assert kind, f"nothing runs this block:\n{text}"
    ended = KINDS[kind](folder, block)
    assert ended, f"nothing in this block runs:\n{text}"
    return ended


@pytest.fixture
def checkout_folder(newcomer, tmp_path_factory, monkeypatch):
    """The newcomer's folder, beside which a runner has room of its own."""
    folder = tmp_path_factory.mktemp("runner") / "checkout"
    newcomer.rename(folder)
    monkeypatch.chdir(folder)
    yield folder
    folder.rename(newcomer)


def test_the_readme_shows_every_pipeline():
    """GitHub, GitLab and pre-commit each have a block, which the next test runs."""
    assert len(test_readme.blocks("yaml")) >= 3


@pytest.mark.parametrize("text", test_readme.blocks("yaml"))
def test_every_yaml_block_of_the_readme_runs(checkout_folder, text):
    """Each audit in it could be done, and every other script ends well."""
    assert set(run_block(checkout_folder, text)) <= ENDS


WORKFLOW = """
jobs:
  audit:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: you/flipcheck/.github/actions/flipcheck@v1
        with: {old: old.csv, new: new.csv, args: --max-nfr 1%}
      - run: flipcheck compare old.csv new.csv --max-nfr 5%
"""
PIPELINE = """
include: {project: you/flipcheck, file: .gitlab/flipcheck.gitlab-ci.yml}
flipcheck:
  extends: .flipcheck
  variables: {AUDIT_OLD: old.csv, AUDIT_NEW: new.csv, AUDIT_ARGS: --max-nfr 5%}
"""
HOOK = "repos: [{hooks: [{id: flipcheck, args: [old.csv, new.csv, --max-nfr, 5%]}]}]"


@pytest.mark.parametrize(("text", "ended"), [(WORKFLOW, [1, 0]), (PIPELINE, [0]), (HOOK, [0])])
def test_a_block_is_really_run(checkout_folder, text, ended):
    """The sample's 12 flips in 540 keep 5 % and break 1 %."""
    assert run_block(checkout_folder, text) == ended


@pytest.mark.parametrize("text", ["a: 1", "jobs: {}", "repos: []"])
def test_a_block_that_runs_nothing_is_an_error(checkout_folder, text):
    """None is skipped in silence."""
    with pytest.raises(AssertionError, match="nothing"):
        run_block(checkout_folder, text)
