"""Small stand-ins for what runs pipelines: they do what the servers' manuals say, in bash."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "flipcheck" / "action.yml"
GITLAB = ROOT / ".gitlab" / "flipcheck.gitlab-ci.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
BASH = shutil.which("bash") or "/bin/bash"
KEPT = ("PATH", "HOME", "FLIPCHECK_CACHE", "LANG")


@dataclass(frozen=True)
class Done:
    """How a job ended: its status, its outputs, and what its log holds."""

    status: int
    outputs: dict[str, str]
    log: str


def loaded(path: Path) -> Any:
    """The content of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def script(path: Path, text: str) -> Path:
    """An executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def flipcheck_in(folder: Path) -> Path:
    """A folder for PATH with our command, and a pip that only notes what it is asked."""
    python = f'PYTHONPATH="{ROOT}" exec "{sys.executable}"'
    script(folder / "flipcheck", f'#!/bin/bash\n{python} -m flipcheck "$@"\n')
    note = f'printf "%s\\n" "$@" >> "{folder}/pip.log"'
    script(folder / "pip", f"#!/bin/bash\n{note}\n")
    pip = f'if [[ " $* " == *" -m pip "* ]]; then {note}; exit 0; fi'
    script(folder / "python", f'#!/bin/bash\n{pip}\nexec "{sys.executable}" "$@"\n')
    return folder


def bash(text: str, folder: Path, env: dict[str, str]) -> Done:
    """A step's script, run as GitHub does."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = folder.parent / "step.sh"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [BASH, "--noprofile", "--norc", "-eo", "pipefail", str(path)],
        cwd=folder,
        env={**kept, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Done(done.returncode, {}, done.stdout + done.stderr)


def written(path: Path) -> dict[str, str]:
    """The values of a step's output file, by the rules of GitHub's runner."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = {}
    while lines:
        line = lines.pop(0)
        equal, heredoc = line.find("="), line.find("<<")
        if equal >= 0 and (heredoc < 0 or equal < heredoc):
            found[line[:equal]] = line[equal + 1 :]
            continue
        assert heredoc > 0, f"invalid format: {line!r}"
        end = line[heredoc + 2 :]
        found[line[:heredoc]] = "\n".join(lines[: lines.index(end)])
        del lines[: lines.index(end) + 1]
    return found


def run_action(folder: Path, **given: str) -> Done:
    """Our action with these inputs, in a folder: every step, as a runner would."""
    action = loaded(ACTION)
    unknown = set(given) - set(action["inputs"])
    assert not unknown, f"no inputs of the action: {unknown}"
    temporary = folder.parent / "runner"
    temporary.mkdir(exist_ok=True)
    python = script(
        temporary / "base-python",
        '#!/bin/bash\n[[ "$1 $2 $3" == "-I -m venv" ]] || exit 9\nmkdir -p "$4"\n'
        f'cp -r "{flipcheck_in(temporary / "tools")}" "$4/bin"\n',
    )
    values = {f"inputs.{name}": each["default"] for name, each in action["inputs"].items()}
    values |= {f"inputs.{name}": value for name, value in given.items()}
    values |= {"github.action_path": str(ACTION.parent)}
    values |= {"steps.python.outputs.python-path": str(python)}
    status, log = 0, ""
    for number, step in enumerate(action["runs"]["steps"]):
        if "uses" in step:
            assert step["uses"].startswith("actions/setup-python@"), step
            continue
        assert step["shell"] == "bash"
        output = temporary / f"output-{number}"
        output.write_text("", encoding="utf-8")
        env = {
            name: EXPRESSION.sub(lambda m: values[m[1]], text) for name, text in step["env"].items()
        }
        env |= {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output)}
        env |= {"GITHUB_STEP_SUMMARY": str(temporary / "summary.md"), "RUNNER_TEMP": str(temporary)}
        done = bash(step["run"], folder, env)
        log += done.log
        for name, value in written(output).items():
            values[f"steps.{step.get('id')}.outputs.{name}"] = value
        if done.status:
            status = done.status
            break
    outputs = {
        name: EXPRESSION.sub(lambda m: values.get(m[1], ""), each["value"])
        for name, each in action["outputs"].items()
    }
    return Done(status, outputs, log)


def run_gitlab(folder: Path, job: dict[str, Any], shell: str = "bash") -> Done:
    """A job that extends one of our template's, by GitLab's rules of merging."""
    template = loaded(GITLAB)
    name = job["extends"]
    while name:
        base = template[name]
        variables = {**base.get("variables", {}), **job.get("variables", {})}
        job, name = {**base, **job, "variables": variables}, base.get("extends")
    tools = flipcheck_in(folder.parent / "tools")
    lines = "\n".join([*job["before_script"], *job["script"]])
    env = {**{key: str(value) for key, value in job["variables"].items()}}
    env |= {"PATH": f"{tools}:{os.environ['PATH']}"}
    path = folder.parent / "job.sh"
    path.write_text(lines, encoding="utf-8")
    done = bash(f'exec {shell} -e "{path}"', folder, env)
    return Done(done.status, {"allowed": json.dumps(job.get("allow_failure", False))}, done.log)


def run_hook(folder: Path, hook: dict[str, Any]) -> Done:
    """A hook of ours as pre-commit runs it: its entry and its arguments, without a shell."""
    known = {each["id"]: each for each in loaded(HOOKS)}[hook["id"]]
    tools = flipcheck_in(folder.parent / "tools")
    command = [*shlex.split(known["entry"]), *map(str, hook.get("args", []))]
    line = " ".join(shlex.quote(each) for each in command)
    return bash(line, folder, {"PATH": f"{tools}:{os.environ['PATH']}"})
