"""What a report says of how it was made: the command, the options, the files, the versions."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from many_audits import AUDITS, RESAMPLES, SAVED, arguments

import flipcheck
from flipcheck.asked import Options
from flipcheck.errors import InputError, UsageError
from flipcheck.evidence.options import DEFAULTS, NO_MATTER
from flipcheck.report import Report, sealed
from flipcheck.reporters import REPORTERS

pytestmark = pytest.mark.xdist_group("evidence")

AGAIN = [name for name in AUDITS if name != "history"]
"""The audits that their options make again: what came before one is none of them."""


def digest(*paths):
    """The SHA-256 of files one after another, by a loop of our own."""
    found = hashlib.sha256()
    for path in paths:
        found.update(Path(path).read_bytes())
    return found.hexdigest()


def digest_by_name(root, paths):
    """The SHA-256 of names and contents, by a loop of our own."""
    found = hashlib.sha256()
    for path in sorted(paths, key=lambda each: each.relative_to(root).as_posix()):
        found.update(path.relative_to(root).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


@pytest.mark.parametrize("name", AGAIN)
def test_the_command_of_a_report_makes_it_again(command, written, tmp_path, name):
    """Pasted into a shell, the command gives the same bytes."""
    path = written(name)
    line = json.loads(path.read_text(encoding="utf-8"))["evidence"]["command"]
    words = shlex.split(line)
    assert words[:2] == ["flipcheck", "compare"]
    done = command(*words[1:], "--quiet", "--json", tmp_path / "again.json")
    assert done.status in {0, 1, 3}, done.err
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", AGAIN)
def test_the_options_of_a_report_make_it_again(report, name):
    """Given to the API, the options give the same report."""
    written = report(name)
    assert flipcheck.compare(**written["evidence"]["options"]).to_dict() == written


def test_the_same_audit_in_python_has_the_same_bytes(command, folder, tmp_path):
    """Lists, tuples, paths, gates and numbers are told as the command line has them."""
    done = command(
        "compare", "old.onnx", "new.onnx", "./images", "--max-nfr", "5%", "--by", "class",
        "--gate", "error_rate_change<=0", "--classes", ",".join(names := _classes(folder)),
        "--confidence", "0.9", "--provider", "cpu", "--abstain", "", "--resamples", "10",
        "--json", tmp_path / "cli.json",
    )  # fmt: skip
    assert done.status in {0, 1, 3}, done.err
    report = flipcheck.compare(
        Path("old.onnx"), Path("new.onnx"), Path("images"),
        gates=(flipcheck.Gate.parse("negative_flip_rate <= 5%"), "error_rate_change <= 0"),
        by="class", classes=tuple(names), confidence=np.float64(0.9), provider="cpu",
        abstain="", resamples=10, quantiles=4, cache=tmp_path / "cache", multilabel=False,
        pick=None, rerun=(), seed=np.int64(0).item(),
    )  # fmt: skip
    assert REPORTERS["json"](report) == (tmp_path / "cli.json").read_text(encoding="utf-8")


def _classes(folder):
    return (folder / "names.txt").read_text(encoding="utf-8").split()


IN_PYTHON = [
    ({"label_map": {"three": "3"}}, {"label_map": '{"three": "3"}'}),
    ({"score_range": (0, 1), "score": "ink"}, {"score_range": "0.0,1.0", "score": "ink"}),
    ({"label_noise": "2%"}, {"label_noise": 0.02}),
    ({"by": ["ink", "ink"]}, {"by": ["ink", "ink"]}),
    ({"classes": ["a,b", "c"]}, {"classes": '["a,b", "c"]'}),
    ({"classes": ["[a", "c"]}, {"classes": '["[a", "c"]'}),
    ({"classes": ["a", "b"]}, {"classes": "a,b"}),
    ({"features": ["f", "g"]}, {"features": "f,g"}),
    ({"input": {"training": False, "k": [1, 2]}}, {"input": ["training=false", "k=[1, 2]"]}),
    ({"old_pick": {"filter": "x"}}, {"old_pick": ["filter=x"]}),
    ({"normalise": ["case", "spaces"]}, {"normalise": "case,spaces"}),
    ({"rerun": "again.csv"}, {"rerun": ["again.csv"]}),
    ({"confidence": 0.95, "seed": 0, "listed": 100, "tolerance": 0}, {}),
    ({"threshold": 0.12345678901234567}, {"threshold": 0.12345678901234567}),
]
"""Values of options in Python, and how a report writes them."""


@pytest.mark.parametrize(("given", "written"), IN_PYTHON)
def test_how_values_of_python_are_written(given, written):
    """Each is written as the command line would have it; defaults are not written."""
    from flipcheck.evidence.options import written_options

    found, python_only = written_options(given)
    assert (found, python_only) == (written, ())
    assert written_options(found) == (written, ())  # and comes back the same
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    "given",
    [
        {"costs": {("a", "b"): 2.0}},
        {"critical": ["x"]},
        {"waivers": [{"id": "x"}]},
        {"rerun": [flipcheck.Predictions.from_arrays(["a"], ["a"])]},
        {"old": flipcheck.Predictions.from_arrays(["a"], ["a"])},
        {"features": ["a,b"]},
    ],
)
def test_what_only_python_can_hold_is_named(given):
    """No command line is made up for it."""
    from flipcheck.evidence.options import written_options

    assert written_options(given) == ({}, tuple(given))


def test_every_option_has_its_flag():
    """No option of the API is missing on the command line, nor told by another name."""
    from flipcheck.cli import app

    (found,) = (each for each in app.registered_commands if each.callback.__name__ == "compare")
    hints = found.callback.__annotations__
    from flipcheck.cli import options as o

    flags = set()
    for hint in hints.values():
        declared = eval(hint, {"o": o})  # noqa: S307  (our own annotation)
        for each in getattr(declared, "__metadata__", ()):
            flags |= set(getattr(each, "param_decls", None) or ())
            flags |= {getattr(each, "default", None)}
    for name in set(Options.__annotations__) - NO_MATTER - {"gates"}:
        assert f"--{name.replace('_', '-')}" in flags, name


def test_the_defaults_are_those_of_the_command_line():
    """What is left out because it is the default is the default there."""
    import inspect

    from flipcheck.cli.compare import compare

    there = {name: each.default for name, each in inspect.signature(compare).parameters.items()}
    assert {name: there[name] for name in DEFAULTS} == DEFAULTS
    plain = (None, False, inspect.Parameter.empty)
    decided = {name for name in there if not any(there[name] is each for each in plain)}
    assert decided - {"ci"} == set(DEFAULTS)  # which tells a server, and decides no report


@pytest.mark.parametrize(
    "name",
    ["a b.csv", "it's.csv", "-x.csv", "$(id).csv", "a;b&c.csv", "`x`.csv", "ä€.csv", "a\nb.csv",
     "--json.csv", '"q".csv', "a*b.csv"],
)  # fmt: skip
def test_hostile_names_in_the_command(command, table, tmp_path, monkeypatch, name):
    """A shell gives back every name as it is, and none becomes an option."""
    monkeypatch.chdir(tmp_path)
    table(name, "id,label,prediction", "1,a,a", "2,b,b")
    found = flipcheck.compare(tmp_path / name, Path(name), resamples=0).evidence
    assert found.options["new"] == str(Path(name))
    done = command(*shlex.split(found.command)[1:], "--quiet", "--json", "r.json")
    assert done.status == 0, done.err
    assert Report.load("r.json").evidence == found


@pytest.mark.skipif(sys.platform != "linux", reason="others have no such names")
def test_a_name_that_no_report_can_tell(command, table, tmp_path, monkeypatch):
    """A name that is not UTF-8 is refused before anything is read, and shown as ASCII."""
    monkeypatch.chdir(tmp_path)
    path = table("o.csv", "id,label,prediction", "1,a,a")
    shutil.copy(path, b"b\xff.csv")
    done = command("compare", "o.csv", "b\udcff.csv", "--json", "r.json")
    assert (done.status, done.out) == (2, "")
    assert "'b\\udcff.csv': a name that is not UTF-8" in done.err
    assert not Path("r.json").exists()


@pytest.mark.usefixtures("folder")
def test_gates_keep_their_order():
    """A short form would come before all others, and is used only where that changes nothing."""
    texts = ["error_rate_change <= 0", "negative_flip_rate <= 5%", "negative_flip_rate <= 9%"]
    found = flipcheck.compare(*SAVED, gates=texts, resamples=0).evidence
    assert found.options["gates"] == texts
    assert shlex.split(found.command)[4:] == [
        *("--max-error-increase", "0"),
        *("--gate", "negative_flip_rate <= 5%", "--gate", "negative_flip_rate <= 9%"),
        *RESAMPLES,
    ]


@pytest.mark.usefixtures("folder")
def test_gates_that_judge_a_report_anew_are_those_of_its_command(command, tmp_path):
    """A report under other gates tells the command of these, which slices by the same columns."""
    first = ["--gate", "negative_flip_rate <= 8% by region", "--by", "age", *RESAMPLES]
    command("compare", *SAVED, *first, "--json", tmp_path / "1.json")
    judged = ["--max-nfr", "1%", "--decide", "point", "--json", tmp_path / "2.json"]
    assert command("render", tmp_path / "1.json", *judged).status == 1
    told = Report.load(tmp_path / "2.json").evidence
    assert told.options["gates"] == ["negative_flip_rate <= 1%"]
    assert told.options["by"] == ["age", "region"]
    words = shlex.split(told.command)[1:]
    command(*words, "--json", tmp_path / "3.json")
    assert (tmp_path / "3.json").read_bytes() == (tmp_path / "2.json").read_bytes()
    assert Report.load(tmp_path / "1.json").evidence.files == told.files


# --- files ---------------------------------------------------------------------------------

ROLES = {
    "plain": {"old": "old.csv", "new": "new.csv"},
    "models": {"old": "old.onnx", "new": "new.onnx", "data": "images"},
    "early": {"old": "old.onnx", "new": "new.onnx", "data": "images"},
    "mixed": {"old": "old.csv", "new": "new.onnx", "data": "images"},
    "arrays": {"old": "old.onnx", "new": "new.onnx", "data": "test.npz"},
    "two data": {"old": "old.onnx", "new": "new.onnx", "old data": "images", "new data": "copy"},
    "labels": {"old": "old.csv", "new": "new.csv", "labels": "labels.csv"},
    "pictures": {"old": "old.csv", "new": "new.csv", "data": "images"},
    "names": {"old": "old.onnx", "new": "new.onnx", "data": "images", "classes": "names.txt",
              "label map": "map.json"},
    "shards": {"old": "old/*.parquet", "new": "new"},
    "costs": {"old": "old.csv", "new": "new.csv", "costs": "costs.csv"},
    "reruns": {"old": "old.csv", "new": "new.csv", "rerun": "again.csv"},
    "policy": {"old": "old.csv", "new": "new.csv", "critical": "never.txt",
               "waivers": "waivers.csv"},
    "log": {"old": AUDITS["log"][0], "new": AUDITS["log"][1]},
    "one log": {"old": "results.json", "new": "results.json"},
    "compressed": {"old": "old.csv.gz", "new": "new.csv"},
}  # fmt: skip


@pytest.mark.parametrize("name", ROLES)
def test_every_file_is_told_with_its_digest(folder, report, name):
    """Each file is there in its role, as it was given, with the digest and size of its bytes."""
    files = report(name)["evidence"]["files"]
    assert {each["role"]: each["path"] for each in files} == ROLES[name]
    for each in files:
        path = folder / each["path"]
        if each["kind"] == "images":
            inside = list(path.glob("*/*.png"))
            assert each["sha256"] == digest_by_name(path, inside)
        elif each["kind"] == "tables":
            root = folder / each["path"].split("/")[0]
            inside = list(root.iterdir())
            assert each["sha256"] == digest_by_name(root, inside)
        else:
            inside = [path]
            assert each["kind"] == ("model" if path.suffix == ".onnx" else "file")
            assert each["sha256"] == digest(path)
        assert each["files"] == len(inside)
        assert each["bytes"] == sum(one.stat().st_size for one in inside)


def test_the_digests_are_those_of_the_report_s_own_parts(report):
    """The same file has one digest, wherever a report tells it."""
    for name in ("models", "policy", "costs", "reruns", "labels", "shards", "log"):
        written = report(name)
        told = {each["role"]: each["sha256"] for each in written["evidence"]["files"]}
        assert told["old"] == written["old"]["sha256"]
        assert told["new"] == written["new"]["sha256"]
        for part in ("critical", "waivers", "costs"):
            assert told.get(part) == (written.get(part) or {}).get("sha256")
        assert (
            [told["rerun"]]
            if "rerun" in told
            else [each["sha256"] for each in written["reruns"]] == []
        )
        assert written["data"]["sha256"] == told.get("labels", told.get("data"))


def test_what_lies_beside_a_model_is_told(folder, tmp_path):
    """Class names and preprocessing that were found beside a model decided numbers."""
    for name in ("old.onnx", "new.onnx"):
        shutil.copy(folder / name, tmp_path)
    config = {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": False}
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps(config | {"do_resize": False}), encoding="utf-8"
    )
    models = tmp_path / "old.onnx", tmp_path / "new.onnx"
    for more in ({}, {"preprocess": str(tmp_path)}):
        found = flipcheck.compare(*models, folder / "images", resamples=0, **more).evidence.files
        near = [each for each in found if each.role == "preprocess"]
        assert [each.path for each in near] == [str(tmp_path / "preprocessor_config.json")]
        assert near[0].sha256 == digest(near[0].path)


def test_standard_input_is_said_to_be_that(folder, monkeypatch):
    """It has a digest and a size, no path, and comes after the command as `-`."""
    with (folder / "old.csv").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", type("Piped", (), {
            "buffer": file, "closed": False, "isatty": lambda _self: False,
        })())  # fmt: skip
        found = flipcheck.compare("-", "new.csv", resamples=0).evidence
    assert found.command == "flipcheck compare - new.csv --resamples 0"
    piped = found.files[0]
    assert (piped.role, piped.kind, piped.path) == ("old", "standard input", None)
    assert piped.sha256 == digest(folder / "old.csv")
    assert piped.bytes == (folder / "old.csv").stat().st_size


def test_values_of_python_are_said_to_be_those():
    """What was handed over is named, and there is no command that would not have it."""
    sides = [flipcheck.Predictions.from_arrays(["a", new], ["a", "a"]) for new in "ab"]
    report = flipcheck.compare(sides[0], sides[1], costs={("a", "b"): 2.0}, resamples=0)
    found = report.evidence
    assert found.command is None
    assert found.python_only == ("old", "new", "costs")
    assert [(each.role, each.kind) for each in found.files] == [
        ("old", "python"), ("new", "python"), ("costs", "python"),
    ]  # fmt: skip
    assert Report.from_dict(report.to_dict()).evidence == found
    assert "It was called in Python with" in REPORTERS["html"](report)


@pytest.mark.usefixtures("folder")
def test_no_large_file_is_hashed_again(monkeypatch):
    """Test sets and models are hashed once each, when they are read."""
    from flipcheck.evidence import files
    from flipcheck.sources import shards

    def refused(*_arguments):
        raise AssertionError("hashed again")

    for module in (files, shards):
        monkeypatch.setattr(module, "sha256", refused)
    monkeypatch.setattr(files, "sha256_by_name", refused)
    for name in ("models", "arrays", "mixed", "labels", "pictures", "plain", "log", "costs"):
        options = {"resamples": 0, "costs": "costs.csv"} if name == "costs" else {"resamples": 0}
        sources = [each for each in arguments(name)[:3] if not each.startswith("-")]
        labels = {"labels": "labels.csv"} if name == "labels" else {}
        pick = {"pick": "filter=strict-match"} if name == "log" else {}
        flipcheck.compare(*sources, **options, **labels, **pick)


# --- time and versions ---------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_the_time_of_a_build(monkeypatch):
    """SOURCE_DATE_EPOCH is the only time that a report ever tells."""
    report = flipcheck.compare(*SAVED, resamples=0)
    assert report.evidence.created is None
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    dated = flipcheck.compare(*SAVED, resamples=0)
    assert dated.evidence.created == "2023-11-14T22:13:20Z"
    assert "Made at 2023-11-14T22:13:20Z." in REPORTERS["markdown"](dated)
    assert "Made at 2023-11-14T22:13:20Z." in REPORTERS["html"](dated)
    undated = replace(dated, evidence=replace(dated.evidence, created=None))
    assert undated.to_dict() == report.to_dict()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("text", ["soon", "-1", "1.5", "1e9", "+5", " 5", "9" * 30, "²"])
def test_a_time_that_is_none(command, monkeypatch, text):
    """Anything but whole seconds since 1970 is an error, and nothing is written."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    done = command("compare", *SAVED, "--json", "dated.json", *RESAMPLES)
    assert (done.status, done.out) == (2, "")
    assert "SOURCE_DATE_EPOCH" in done.err
    assert not Path("dated.json").exists()


def test_versions_are_told_of_what_was_used(report):
    """Of saved predictions the libraries, of models the runtime and the machine too."""
    from importlib.metadata import version

    saved, models, arrays = (report(name)["run"] for name in ("plain", "models", "arrays"))
    libraries = {name: version(name) for name in ("numpy", "scipy", "pyarrow")}
    assert saved == {"python": sys.version.split()[0], **libraries}
    assert set(models) - set(saved) == {"pillow", "onnxruntime", "provider", "threads", "machine"}
    assert "pillow" not in arrays


# --- as JSON -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [
        lambda told: told.update(command=3),
        lambda told: told.update(options=[]),
        lambda told: told.update(files=None),
        lambda told: told.update(python_only=[1]),
        lambda told: told.update(more=1),
        lambda told: told.pop("options"),
        lambda told: told["files"][0].update(sha256="x" * 64),
        lambda told: told["files"][0].update(sha256=None),
        lambda told: told["files"][0].update(kind="device"),
        lambda told: told["files"][0].update(path=None),
        lambda told: told["files"][0].update(bytes=-1),
        lambda told: told["files"][0].update(files=1.5),
        lambda told: told["files"][0].update(parts="abc.data"),
        lambda told: told["files"][0].update(role=1),
        lambda told: told["files"][0].update(role="<b>|x"),
        lambda told: told.update(created="<b>now</b>"),
        lambda told: told.update(python_only=["<b>"]),
        lambda told: told.update(options={"a b": 1}),
        lambda told: told["files"][0].pop("parts"),
    ],
)
def test_evidence_that_cannot_be(report, edit):
    """A report whose evidence is of another shape is refused, even where it was sealed again."""
    written = report("plain")
    edit(written["evidence"])
    with pytest.raises(InputError, match="damaged report"):
        Report.from_dict(sealed(written))


@pytest.mark.parametrize(
    "options",
    [
        {"old": 5, "new": "new.csv"},
        {"old": "old.csv"},
        {"old": "old.csv", "new": "new.csv", "classes": 5},
        {"old": "old.csv", "new": "new.csv", "by": {"a": 1}},
        {"old": "old.csv", "new": "new.csv", "unknown": 1},
        {"old": "old.csv", "new": "new.csv", "gates": ["nonsense"]},
        {"old": "old.csv", "new": "new.csv", "seed": "a"},
    ],
)
def test_options_that_are_none_of_ours_are_not_taken(report, options):
    """Options of a report that no audit writes end in an error, and never in a crash."""
    found = Report.from_dict(report("plain"))
    forged = replace(found, evidence=replace(found.evidence, options=options))
    with pytest.raises((InputError, UsageError)):
        flipcheck.repro("three/1680.png", report=forged)
    with pytest.raises((InputError, UsageError)):
        flipcheck.verify(forged, again=True)
