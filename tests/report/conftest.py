"""A folder in which every audit of `many_audits` can be run, and its reports."""

from __future__ import annotations

import json

import pytest
from many_audits import arguments, outputs, write_files

from flipcheck.__main__ import main


@pytest.fixture(scope="session")
def audited(tmp_path_factory):
    """The folder of the files."""
    folder = tmp_path_factory.mktemp("audited")
    write_files(folder)
    return folder


@pytest.fixture
def folder(audited, monkeypatch):
    """The folder of the files as the current one, and no time that builds are told."""
    monkeypatch.chdir(audited)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return audited


@pytest.fixture
def written(folder, capfd, made):
    """A function that runs an audit by its name, once, and gives the path of its JSON.

    The other reports lie beside it.
    """

    def run(name):
        if name not in made:
            path = folder / "reports" / f"{name}.json"
            path.parent.mkdir(exist_ok=True)
            with pytest.raises(SystemExit) as ended:
                main(["compare", *arguments(name), *outputs(path)])
            assert ended.value.code in {0, 1, 3}, capfd.readouterr().err
            capfd.readouterr()
            made[name] = path
        return made[name]

    return run


@pytest.fixture(scope="session")
def made():
    """The paths of the reports that were made."""
    return {}


@pytest.fixture
def report(written):
    """A function from an audit's name to its report as JSON values."""
    return lambda name: json.loads(written(name).read_text(encoding="utf-8"))
