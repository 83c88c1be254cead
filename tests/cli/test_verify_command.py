"""`flipcheck verify`: whether the files of a report are still what they were."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from many_audits import arguments, write_files

import flipcheck
from flipcheck.report import Report, sealed
from flipcheck.reporters import REPORTERS

pytestmark = pytest.mark.xdist_group("verified")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The files of many audits, which no test changes."""
    folder = tmp_path_factory.mktemp("original")
    write_files(folder)
    return folder


@pytest.fixture
def folder(original, tmp_path, monkeypatch):
    """A copy of the files as the current folder: links, of which each change makes a file."""
    shutil.copytree(original, tmp_path / "copy", copy_function=os.link)
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return tmp_path / "copy"


@pytest.fixture
def audited(folder, command):
    """A function that makes the report of an audit, and gives its path."""

    def run(name):
        done = command("compare", *arguments(name), "--json", folder / "r.json")
        assert done.status in {0, 1, 3}, done.err
        return folder / "r.json"

    return run


def states(command, report, *options):
    """The status of verify, and the state of each role."""
    done = command("verify", report, "--json", "-", *options)
    return done.status, {each["role"]: each["state"] for each in json.loads(done.out)["files"]}


def test_no_file_that_is_checked_is_overwritten(audited, folder, command):
    """What verify reads is no place for what it writes, wherever its paths begin."""
    report = audited("plain")
    before = (folder / "old.csv").read_bytes()
    for options in ((), ("--root", folder.parent / "copy")):
        done = command("verify", report, "--json", folder / "old.csv", *options)
        assert done.status == 2
        assert "would be overwritten" in done.err
    assert (folder / "old.csv").read_bytes() == before


@pytest.mark.parametrize(
    "name",
    ["plain", "models", "arrays", "mixed", "shards", "policy", "costs", "reruns", "names", "log",
     "labels", "pictures", "compressed", "early", "two data", "graded"],
)  # fmt: skip
def test_nothing_has_changed(command, audited, name):
    """Every file is the same, and the status is 0."""
    path = audited(name)
    status, found = states(command, path)
    assert status == 0
    assert set(found.values()) == {"same"}
    done = command("verify", path)
    assert done.out.startswith(f" SAME   all {len(found)} sources of the report")
    assert done.out.count("✓") == len(found)


def flip_byte(path, place=100):
    """Change one bit of one byte of a file, whose size and times stay."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1
    path.unlink()  # it is a link
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


FIRST = "images/three/1680.png"
CHANGES = [
    ("models", "new", lambda here: flip_byte(here / "new.onnx"), "changed"),
    ("models", "old", lambda here: (here / "old.onnx").unlink(), "missing"),
    ("models", "data", lambda here: flip_byte(here / FIRST), "changed"),
    ("models", "data", lambda here: (here / FIRST).unlink(), "changed"),
    ("models", "data", lambda here: (here / FIRST).rename(here / "images/three/x.png"), "changed"),
    ("models", "data", lambda here: (here / FIRST).rename(here / "images/two/1680.png"), "changed"),
    ("models", "data", lambda here: shutil.copy(here / FIRST, here / "images/two/n.png"),
     "changed"),
    ("models", "data", lambda here: shutil.rmtree(here / "images"), "missing"),
    ("arrays", "data", lambda here: flip_byte(here / "test.npz"), "changed"),
    ("plain", "old", lambda here: flip_byte(here / "old.csv", -2), "changed"),
    ("plain", "new", lambda here: _drop_row(here / "new.csv"), "changed"),
    ("compressed", "old", lambda here: flip_byte(here / "old.csv.gz", 4), "changed"),
    ("shards", "old", lambda here: flip_byte(here / "old/part-0.parquet"), "changed"),
    ("shards", "old", lambda here: (here / "old/part-0.parquet").rename(here / "old/p.parquet"),
     "changed"),
    ("shards", "new", lambda here: shutil.copy(here / "new.csv", here / "new/more.csv"), "changed"),
    ("shards", "old", lambda here: (here / "old/part-0.parquet").unlink(), "missing"),
    ("labels", "labels", lambda here: flip_byte(here / "labels.csv"), "changed"),
    ("policy", "waivers", lambda here: flip_byte(here / "waivers.csv"), "changed"),
    ("policy", "critical", lambda here: flip_byte(here / "never.txt"), "changed"),
    ("costs", "costs", lambda here: flip_byte(here / "costs.csv", 18), "changed"),
    ("reruns", "rerun", lambda here: flip_byte(here / "again.csv"), "changed"),
    ("names", "classes", lambda here: flip_byte(here / "names.txt", 1), "changed"),
    ("names", "label map", lambda here: (here / "map.json").unlink(), "missing"),
    ("pictures", "data", lambda here: flip_byte(here / FIRST), "changed"),
]  # fmt: skip
"""An audit, a change of its files, the role of what was changed, and what is said of it."""


def _drop_row(path):
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.unlink()
    path.write_text("".join(lines[:-1]), encoding="utf-8")


@pytest.mark.parametrize(("name", "role", "change", "state"), CHANGES)
def test_a_change_is_found(command, audited, folder, name, role, change, state):
    """One byte, row, name or file is enough; all else is the same, and the status is 1."""
    path = audited(name)
    change(folder)
    status, found = states(command, path)
    assert status == 1
    assert found.pop(role) == state
    assert set(found.values()) <= {"same"}
    done = command("verify", path)
    assert done.status == 1
    assert done.out.startswith(f" {state.upper()} ")
    assert done.out.count("✗") == 1


@pytest.mark.usefixtures("folder")
def test_external_data_of_a_model(command):
    """A byte of the weights beside a model is a change of the model; without them it is missing."""
    import numpy as np
    import onnx

    rng = np.random.default_rng(0)
    for side in ("old", "new"):
        inputs = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 4])
        output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, 3])
        weights = onnx.numpy_helper.from_array(rng.normal(size=(4, 3)).astype(np.float32), "w")
        node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
        graph = onnx.helper.make_graph([node], "g", [inputs], [output], [weights])
        opset = onnx.helper.make_opsetid("", 17)
        model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9)
        onnx.save_model(
            model, f"{side}2.onnx", save_as_external_data=True, location=f"{side}.data",
            size_threshold=0,
        )  # fmt: skip
    np.savez("x.npz", x=rng.normal(size=(40, 4)).astype(np.float32), y=rng.integers(0, 3, 40))
    report = flipcheck.compare("old2.onnx", "new2.onnx", "x.npz", resamples=0)
    report.save("r.json")
    told = report.evidence.files[1]
    assert (told.parts, told.files) == (("new.data",), 2)
    assert told.bytes == sum(Path(each).stat().st_size for each in ("new2.onnx", "new.data"))
    assert states(command, "r.json") == (0, {"old": "same", "new": "same", "data": "same"})
    flip_byte(Path("new.data"), 5)
    assert states(command, "r.json") == (1, {"old": "same", "new": "changed", "data": "same"})
    Path("new.data").unlink()
    assert states(command, "r.json") == (1, {"old": "same", "new": "missing", "data": "same"})
    assert "new.data: no such file" in command("verify", "r.json").out


@pytest.mark.usefixtures("folder")
def test_a_tokenizer_beside_a_model(command):
    """The tokenizer and its configuration decide what goes in, and are checked too."""
    tokenizers = pytest.importorskip("tokenizers")
    import numpy as np
    import onnx

    words = {"[UNK]": 0, "[PAD]": 1, "good": 2, "bad": 3}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))  # noqa: S106
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save("tokenizer.json")
    Path("tokenizer_config.json").write_text('{"model_max_length": 8}')
    ids = onnx.helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, [None, None])
    logits = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [None, 2])
    table = onnx.numpy_helper.from_array(np.float32([[0, 0], [0, 0], [1, 0], [0, 1]]), "table")
    nodes = [
        onnx.helper.make_node("Gather", ["table", "input_ids"], ["found"]),
        onnx.helper.make_node("ReduceMean", ["found"], ["logits"], axes=[1], keepdims=0),
    ]
    graph = onnx.helper.make_graph(nodes, "g", [ids], [logits], [table])
    opset = onnx.helper.make_opsetid("", 13)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), "m.onnx")
    rows = ["text,label", *(["good,0", "bad,1"] * 10)]
    Path("t.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    report = flipcheck.compare("m.onnx", "m.onnx", "t.csv", text="text", resamples=0)
    report.save("r.json")
    assert "tokenizers" in report.run
    near = [each.path for each in report.evidence.files if each.role == "tokenizer"]
    assert near == ["tokenizer.json", "tokenizer_config.json"]
    assert command("verify", "r.json").status == 0
    assert flipcheck.repro("1", report=report).old.answer == "0"  # --text is known from it
    for name in near:
        before = Path(name).read_bytes()
        flip_byte(Path(name))
        assert command("verify", "r.json").status == 1
        Path(name).write_bytes(before)


@pytest.mark.usefixtures("folder")
def test_a_configuration_file(command):
    """The file that options were taken from is told and checked as the others are."""
    from flipcheck.evidence import with_configs

    Path("flipcheck.toml").write_text("max_nfr = '5%'\n", encoding="utf-8")
    report = flipcheck.compare("old.csv", "new.csv", resamples=0)
    with_configs(report, [Path("flipcheck.toml")]).save("r.json")
    expected = {"old": "same", "new": "same", "config": "same"}
    assert states(command, "r.json") == (0, expected)
    flip_byte(Path("flipcheck.toml"))
    assert states(command, "r.json") == (1, expected | {"config": "changed"})


# --- where files lie -----------------------------------------------------------------------


def test_a_report_that_is_looked_at_elsewhere(command, audited, folder, tmp_path, monkeypatch):
    """Relative paths are those of the current folder, or of --root."""
    path = audited("models")
    monkeypatch.chdir(tmp_path)
    done = command("verify", path)
    assert done.status == 1
    assert "--root" in done.out
    assert states(command, path)[1] == dict.fromkeys(("old", "new", "data"), "missing")
    assert command("verify", path, "--root", folder).status == 0
    assert command("verify", path, "--root", "copy").status == 0
    assert command("verify", path, "--root", "copy", "--again").status == 0
    assert Path.cwd() == tmp_path
    done = command("verify", path, "--root", "nowhere")
    assert (done.status, done.out) == (2, "")


def test_a_pattern_below_the_root(command, audited, folder, tmp_path, monkeypatch):
    """A pattern is one there too."""
    path = audited("shards")
    monkeypatch.chdir(tmp_path)
    assert command("verify", path, "--root", folder).status == 0


# --- what cannot be checked ----------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_an_older_report_cannot_be_checked(command):
    """Without evidence nothing is checked, and that is an error: never 0."""
    report = replace(flipcheck.compare("old.csv", "new.csv", resamples=0), evidence=None)
    report.save("r.json")
    done = command("verify", "r.json")
    assert (done.status, done.out) == (2, "")
    assert "nothing can be checked" in done.err


@pytest.mark.usefixtures("folder")
def test_values_of_python_cannot_be_checked(command):
    """What is no file is said to be unchecked; the status is 3, and 1 where a file changed."""
    new = flipcheck.Predictions.from_arrays(
        [each.split(",")[2].strip('"') for each in Path("old.csv").read_text().splitlines()[1:]],
        ids=[
            each.split(",")[0].strip('"') for each in Path("old.csv").read_text().splitlines()[1:]
        ],
    )
    flipcheck.compare("old.csv", new, resamples=0).save("r.json")
    assert states(command, "r.json") == (3, {"old": "same", "new": "unchecked"})
    assert command("verify", "r.json").out.startswith(" NOT CHECKED ")
    done = command("verify", "r.json", "--again")
    assert (done.status, done.out) == (2, "")
    assert "new: handed over in Python" in done.err
    flip_byte(Path("old.csv"))
    assert states(command, "r.json") == (1, {"old": "changed", "new": "unchecked"})


@pytest.mark.usefixtures("folder")
def test_a_report_of_no_file_is_not_the_same(command):
    """Nothing that was compared is no proof that all is the same."""
    report = flipcheck.compare("old.csv", "new.csv", resamples=0)
    replace(report, evidence=replace(report.evidence, files=())).save("r.json")
    assert command("verify", "r.json").status == 2


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "edit",
    [
        lambda files: files.pop(),  # so that only one side would be looked at
        lambda files: files.append(files[0]),
        lambda files: files[0].update(path="new.csv", sha256=files[1]["sha256"]),
        lambda files: (files[0].update(role="new"), files[1].update(role="old")),
    ],
    ids=["one side", "a side twice", "the other side's file", "sides in each other's place"],
)
def test_a_forged_report_of_other_sides_is_refused(command, edit):
    """Files that are the same say nothing where they are not those that the report tells of."""
    written = flipcheck.compare("old.csv", "new.csv", resamples=0).to_dict()
    edit(written["evidence"]["files"])
    Path("r.json").write_text(json.dumps(sealed(written)), encoding="utf-8")
    done = command("verify", "r.json")
    assert (done.status, done.out) == (2, "")
    assert "its evidence" in done.err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("path", ["/**/*", "/proc/self/root/**", "/", "/dev"])
@pytest.mark.parametrize("kind", ["tables", "images"])
def test_a_whole_system_is_not_read(command, path, kind):
    """A report from anywhere cannot have all files of a machine read."""
    assert command("verify", forged(Path(), path=path, kind=kind)).status == 1
    done = command("verify", "r.json")
    assert "no folder of a test set" in done.out or "not there" in done.out


@pytest.mark.parametrize(
    "edit",
    [
        lambda told: told["evidence"]["files"].pop(),
        lambda told: told["evidence"]["files"][0].update(sha256="0" * 64),
        lambda told: told.update(verdict="pass"),
        lambda told: told["tally"].update(negative_flips=0),
    ],
)
def test_an_edited_report_is_refused(command, audited, edit):
    """A report whose digest is not its own is not checked, but refused."""
    path = audited("gates")
    written = json.loads(path.read_text(encoding="utf-8"))
    edit(written)
    path.write_text(json.dumps(written), encoding="utf-8")
    done = command("verify", path)
    assert (done.status, done.out) == (2, "")
    assert "damaged report" in done.err


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"format": "flipcheck.report/1"}'])
def test_what_is_no_report(command, tmp_path, text):
    """Exit 2 with what is wrong."""
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    done = command("verify", tmp_path / "r.json")
    assert (done.status, done.out) == (2, "")


# --- hostile reports -----------------------------------------------------------------------


def forged(folder, **changes):
    """A report, sealed, whose old side is said to be another file."""
    written = flipcheck.compare("old.csv", "new.csv", resamples=0).to_dict()
    written["evidence"]["files"][0].update(changes)
    written["old"]["source"] = changes.get("path") or written["old"]["source"]
    (folder / "r.json").write_text(json.dumps(sealed(written)), encoding="utf-8")
    return folder / "r.json"


@pytest.mark.parametrize("kind", ["file", "model", "tables", "images"])
@pytest.mark.parametrize("place", ["/dev/zero", "/dev/stdin", "pipe", "images", "/dev/full"])
def test_devices_and_pipes_are_not_read(command, folder, place, kind):
    """What never ends, or waits for a writer, is refused at once."""
    if hasattr(os, "mkfifo"):
        os.mkfifo("pipe")
        os.mkfifo("images/three/pipe.png")
        os.mkfifo("old/pipe.csv")
    status, found = states(command, forged(folder, path=place, kind=kind))
    assert status == 1
    assert found["old"] in {"changed", "missing"}
    assert found["new"] == "same"


@pytest.mark.usefixtures("folder")
def test_a_pipe_among_shards_is_not_read(command, audited):
    """A pipe that came into a folder of tables is a change of it."""
    path = audited("shards")
    os.mkfifo("new/pipe.csv")
    assert states(command, path) == (1, {"old": "same", "new": "changed"})


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../../../../etc/passwd", "x\0y", "a" * 5000, "", "~", "[", "**"],
)
def test_paths_that_point_anywhere(command, folder, path):
    """They are hashed or refused; nothing of a file is ever shown."""
    report = forged(folder, path=path)
    done = command("verify", report)
    assert done.status == 1
    assert "root:" not in done.out + done.err
    for kind in ("tables", "images", "model"):
        assert command("verify", forged(folder, path=path, kind=kind)).status == 1


def test_hostile_text_is_shown_as_text(command, folder):
    """No terminal code and no command of a CI server leaves a report."""
    done = command("verify", forged(folder, path="\x1b[31m::error::x\n::error::y"))
    assert done.status == 1
    assert "\x1b" not in done.out
    assert not any(line.startswith("::") for line in done.out.splitlines())


def test_parts_that_lead_out_of_the_folder(command, folder):
    """Parts of a model are only hashed with it."""
    assert states(command, forged(folder, kind="model", parts=["../../etc/passwd"]))[0] == 1
    assert states(command, forged(folder, kind="model", parts=["/dev/zero"]))[0] == 1


# --- versions, and the audit again ---------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_other_versions_are_a_note(command):
    """They fail nothing by themselves: the files are the same."""
    report = flipcheck.compare("old.csv", "new.csv", resamples=0)
    replace(report, run={**report.run, "numpy": "1.0.0", "onnxruntime": "0.1"}).save("r.json")
    done = command("verify", "r.json")
    assert done.status == 0
    assert "numpy: 1.0.0 then, " in done.out
    assert command("verify", "r.json").out.count("onnxruntime: 0.1 then") == 1


@pytest.mark.parametrize("name", ["plain", "models", "early", "policy", "texts", "shards"])
def test_the_audit_again(command, audited, name):
    """With --again every number comes out the same."""
    done = command("verify", audited(name), "--again")
    assert done.status == 0, done.out
    assert "every number is the same" in done.out


@pytest.mark.usefixtures("folder")
def test_numbers_that_come_out_otherwise(command):
    """Numbers that are not those of the files are found out, whoever sealed the report."""
    report = flipcheck.compare("old.csv", "new.csv", resamples=0)
    flips = replace(report.negative_flips, total=report.negative_flips.total, examples=())
    forged = replace(report, negative_flips=flips, warnings=("all is well",))
    forged.save("r.json")
    assert command("verify", "r.json").status == 0
    done = command("verify", "r.json", "--again")
    assert done.status == 1
    assert "came out otherwise: negative_flips, warnings" in done.out
    assert done.out.startswith(" CHANGED   the files are the same, and the numbers are not")


def test_options_that_would_write_files_are_not_taken(command, folder):
    """Options of an execution provider say where files go: a report does not decide that."""
    report = flipcheck.compare("old.onnx", "new.onnx", "images", provider="cpu", resamples=0)
    options = {**report.evidence.options, "provider_option": ["trt_engine_cache_path=/"]}
    forged = replace(report, evidence=replace(report.evidence, options=options))
    (folder / "r.json").write_text(REPORTERS["json"](forged), encoding="utf-8")
    for call in (
        ("verify", "r.json", "--again"),
        ("repro", "three/1680.png", "--report", "r.json"),
    ):
        done = command(*call)
        assert (done.status, done.out) == (2, "")
        assert "may write files" in done.err


@pytest.mark.usefixtures("folder")
def test_in_python():
    """The call takes a path or a report, and gives a value."""
    report = flipcheck.compare("old.csv", "new.csv", resamples=0)
    report.save("r.json")
    for given in (report, "r.json", Path("r.json"), Report.load("r.json")):
        found = flipcheck.verify(given)
        assert found.verdict == "same"
        assert [each.file.role for each in found.files] == ["old", "new"]
    assert flipcheck.verify(report, again=True).differences == ()
    assert found
    Path("new.csv").unlink()
    assert not flipcheck.verify(report)  # so that `assert flipcheck.verify(report)` means it
    y = ["cat", "dog"]
    assert not flipcheck.verify(flipcheck.compare(y, y, y))  # which nobody can check
