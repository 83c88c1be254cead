"""Logs of inspect_ai: documents and archives, epochs, scorers, words, damage."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib

import pyarrow as pa
import pytest

import flipcheck

EVAL = {
    "run_id": "r",
    "created": "2025-01-02T03:04:05+00:00",
    "task": "arc",
    "task_id": "t",
    "model": "openai/gpt-4o",
    "dataset": {"name": "arc", "samples": 4},
    "config": {"epochs": 2},
}


def sample(named, epoch, value, answer="A", target="A", scorer="match", **more):
    """One sample as inspect writes it."""
    return {
        "id": named,
        "epoch": epoch,
        "input": "a question",
        "target": target,
        "messages": [{"role": "user", "content": "a question"}],
        "output": {"model": "m", "choices": []},
        "scores": {scorer: {"value": value, "answer": answer, "explanation": "because"}},
        "metadata": {"level": "easy"},
        "store": {},
        "events": [],
        **more,
    }


def document(path, samples, **header):
    """A log as one document; NaN stands in it as inspect writes it."""
    log = {"version": 2, "status": "success", "eval": EVAL, "plan": {}, "results": {}, "stats": {}}
    path.write_text(json.dumps({**log, **header, "samples": samples}, indent=2), encoding="utf-8")
    return path


def summary(each):
    """A sample without what makes it large, its answers cut."""
    kept = {key: each[key] for key in ("id", "epoch", "input", "target", "scores", "metadata")}
    kept["scores"] = {
        name: {**score, "answer": score["answer"] and score["answer"][:1024]}
        for name, score in (each.get("scores") or {}).items()
    }
    return {**kept, "error": each.get("error", {}).get("message"), "completed": True}


def members(samples, *, finished=True):
    """The members of an archive of these samples, by name."""
    found = {"_journal/start.json": {"version": 2, "eval": EVAL, "plan": {}}}
    for each in samples:
        found[f"samples/{each['id']}_epoch_{each['epoch']}.json"] = each
    found["_journal/summaries/1.json"] = [summary(each) for each in samples]
    if finished:
        found["summaries.json"] = [summary(each) for each in samples]
        found["reductions.json"] = []
        found["header.json"] = {"version": 2, "status": "success", "eval": EVAL, "plan": {}}
    return {name: json.dumps(value).encode() for name, value in found.items()}


def archive(path, samples, **more):
    """A log as an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members(samples, **more).items():
            file.writestr(name, data)
    return path


def zstd_archive(path, parts):
    """An archive whose members are compressed with zstd (method 93), written byte by byte.

    `parts` are (name, data); the central directory says what the members are.
    """
    codec, body, directory = pa.Codec("zstd"), b"", b""
    for name, data in parts:
        packed = codec.compress(data, asbytes=True)
        sizes = struct.pack("<III", zlib.crc32(data), len(packed), len(data))
        head = struct.pack("<HHHHH", 63, 0, 93, 0, 0x21) + sizes
        text = name.encode()
        directory += (
            b"PK\x01\x02\x3f\x00"
            + head
            + struct.pack("<HHHHHII", len(text), 0, 0, 0, 0, 0, len(body))
        ) + text
        body += b"PK\x03\x04" + head + struct.pack("<HH", len(text), 0) + text + packed
    count = len(list(parts))
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    path.write_bytes(body + directory + b"PK\x05\x06" + end)
    return path


OLD = [sample(f"q{n}", epoch, "CI"[(n + epoch) % 2]) for n in range(10) for epoch in (1, 2)]
NEW = [sample(f"q{n}", epoch, "CI"[n % 2]) for n in range(10) for epoch in (1, 2)]


def as_zstd(path, samples):
    """An archive compressed with zstd."""
    return zstd_archive(path, list(members(samples).items()))


def unfinished(path, samples):
    """An archive of a run that did not end."""
    return archive(path, samples, finished=False)


@pytest.mark.parametrize("write", [document, archive, as_zstd, unfinished])
def test_every_form_has_the_counts_of_a_plain_loop(tmp_path, write):
    """Epochs are samples of one question; the question is the cluster."""
    suffix = ".json" if write is document else ".eval"
    paths = (write(tmp_path / f"{side}{suffix}", rows) for side, rows in (("o", OLD), ("n", NEW)))
    report = flipcheck.compare(*paths)
    before = {(each["id"], each["epoch"]): each["scores"]["match"]["value"] for each in OLD}
    broken = sum(
        before[each["id"], each["epoch"]] == "C" and each["scores"]["match"]["value"] == "I"
        for each in NEW
    )
    assert report.tally.examples == 20
    assert report.tally.negative_flips == broken > 0
    assert report.data.cluster == "question"
    assert report.data.clusters == 10
    assert any("20 samples ask 10 questions" in note for note in report.warnings)
    assert any("ended as 'started'" in note for note in report.warnings) == (write is unfinished)


def test_one_epoch_has_no_clusters(tmp_path):
    """Where every question is asked once, examples count one by one."""
    path = document(tmp_path / "log.json", [each for each in OLD if each["epoch"] == 1])
    assert flipcheck.compare(path, path).data.clusters is None


def test_more_epochs_than_the_other_side_are_an_error(tmp_path, refused):
    """Epochs that one side lacks are examples that it lacks."""
    once = document(tmp_path / "once.json", [each for each in OLD if each["epoch"] == 1])
    assert "10 examples of" in refused(document(tmp_path / "twice.json", OLD), once)


@pytest.mark.parametrize("write", [document, archive])
def test_what_was_not_scored_is_missing_and_not_wrong(tmp_path, refused, compared, write):
    """NaN, null, an error without scores: three samples fewer, and no flip."""
    old = [sample(n, 1, "C") for n in range(10)]
    new = [sample(n, 1, "C") for n in range(10)]
    new[0]["scores"]["match"]["value"] = float("nan")
    new[1]["scores"]["match"]["value"] = None
    new[2] |= {"scores": None, "error": {"message": "rate limit", "traceback": ""}}
    suffix = ".json" if write is document else ".eval"
    paths = write(tmp_path / f"old{suffix}", old), write(tmp_path / f"new{suffix}", new)
    assert "3 examples of" in refused(*paths)
    report = compared(*paths, "--allow-missing")
    assert report["data"]["dropped"] == 3
    assert report["tally"]["negative_flips"] == 0
    assert any("3 samples not scored by 'match'" in note for note in report["warnings"])


@pytest.mark.parametrize(
    ("value", "right"),
    [
        *(("C", 1), ("I", 0), ("N", 0), (1, 1), (0, 0), (1.0, 1), (True, 1), (False, 0)),
        *(("yes", 1), ("No", 0), ("TRUE", 1), ("false", 0), ("1.0", 1), ("0", 0)),
    ],
)
def test_words_and_numbers_of_scorers(tmp_path, value, right):
    """What inspect takes a value for."""
    path = document(tmp_path / "log.json", [sample("a", 1, value)])
    assert flipcheck.compare(path, path).tally.old_wrong == 1 - right


@pytest.mark.parametrize("value", ["P", 0.3])
def test_partial_answers_are_never_cut_to_right_or_wrong(tmp_path, refused, value):
    """P is half right: an error that names the score."""
    path = document(tmp_path / "log.json", [sample("a", 1, "C"), sample("b", 1, value)])
    said = refused(path, path)
    assert "'match' grades: 1 value" in said
    assert "--score match" in said


def test_several_scorers_are_an_error_that_lists_them(tmp_path, refused):
    """One is picked, and values of several metrics are picked from likewise."""
    both = {"match": {"value": "C"}, "judge": {"value": {"tone": 1, "facts": 0}}}
    path = document(tmp_path / "log.json", [sample("a", 1, "C") | {"scores": both}])
    assert "match: 1 sample" in refused(path, path)
    assert "facts: 1 sample, 0 right" in refused(path, path, "--pick", "scorer=judge")
    picked = {"pick": ["scorer=judge", "metric=facts"]}
    assert flipcheck.compare(path, path, **picked).tally.old_wrong == 1


def test_answers_that_a_summary_cut_are_read_from_the_samples(tmp_path):
    """Two long answers that differ at their ends are two answers."""
    text = "x" * 2000
    old = [sample(n, 1, "I", answer=f"{text}a") for n in range(4)]
    new = [sample(n, 1, "I", answer=f"{text}{'ab'[n % 2]}") for n in range(4)]
    paths = (archive(tmp_path / f"{side}.eval", rows) for side, rows in (("o", old), ("n", new)))
    assert flipcheck.compare(*paths).metrics["churn"].numerator == 2


def test_metadata_are_columns_to_slice_by(tmp_path, compared):
    """A key of the samples' metadata."""
    path = archive(tmp_path / "log.eval", OLD)
    assert {part["value"] for part in compared(path, path, "--by", "level")["slices"]} == {"easy"}


def no_value(each):
    """A sample whose score has no value."""
    return each | {"scores": {"match": {"answer": "A"}}}


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        pytest.param([], "no samples in it", id="none"),
        pytest.param("nothing", "'samples' is not a list", id="text"),
        pytest.param([sample("a", "1", "C")], "'epoch' is not a whole number", id="epoch"),
        pytest.param([sample(None, 1, "C")], "'id' is neither text", id="id"),
        pytest.param([sample(True, 1, "C")], "'id' is neither text", id="a boolean id"),
        pytest.param([3], "sample 1: no JSON object", id="a number"),
        pytest.param([no_value(sample("a", 1, 1))], "'match' has no value", id="value"),
        pytest.param([sample("a", 1, "maybe")], "'maybe' is no number", id="a word"),
        pytest.param([sample("a", 1, [1, 0])], "a list is no number", id="a list"),
        pytest.param([sample("a", 1, float("inf"))], "an infinite score", id="infinity"),
        pytest.param([sample("a", 1, "C"), sample("a", 1, "C")], "more than once", id="twice"),
        pytest.param([sample("a", 1, "C", scores={})], "was scored", id="unscored"),
    ],
)
def test_what_is_wrong_with_a_log_is_said(tmp_path, refused, samples, told):
    """Which sample, and what it should have."""
    path = document(tmp_path / "log.json", samples)
    said = refused(path, path)
    assert told in said
    assert "hint:" in said


def rewritten(path, change):
    """An archive with its bytes changed."""
    path.write_bytes(change(path.read_bytes()))
    return path


def test_damaged_archives_are_errors(tmp_path, refused):
    """Cut short, or with a byte changed in what was compressed."""
    whole = as_zstd(tmp_path / "whole.eval", OLD)
    data = whole.read_bytes()
    place = data.index(b"summaries.json", data.index(b"_journal/summaries") + 40) + 60
    flipped = data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]
    for name, content in (("cut.eval", data[:-30]), ("flipped.eval", flipped)):
        path = tmp_path / name
        path.write_bytes(content)
        assert "hint:" in refused(path, whole)


def test_a_member_that_lies_about_its_size_is_refused(tmp_path, refused):
    """A bomb says that it is small, or is far smaller than what it expands to."""
    data = b"[" + b" " * (100 << 20) + b"]"
    path = zstd_archive(tmp_path / "bomb.eval", [("header.json", b"{}"), ("summaries.json", data)])
    assert "decompression bomb" in refused(path, path)
    small = struct.pack("<I", len(data))
    rewritten(path, lambda content: content.replace(small, struct.pack("<I", 1000)))
    assert "summaries.json" in refused(path, path)


def test_members_that_are_there_twice_are_refused(tmp_path, refused):
    """Which of them is meant cannot be known."""
    path = archive(tmp_path / "log.eval", OLD)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("summaries.json", "[]")
    assert "there twice: 'summaries.json'" in refused(path, path)


def test_endless_nesting_is_an_error(tmp_path, refused):
    """Brackets a hundred thousand deep."""
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("header.json", "{}")
        file.writestr("summaries.json", "[" * 100_000 + "]" * 100_000)
    assert "nested without end" in refused(path, path)


def test_summaries_of_samples_that_are_gone_are_refused(tmp_path, refused):
    """An archive that has lost members is damaged."""
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members(OLD).items():
            if not name.startswith("samples/q1"):
                file.writestr(name, data)
    assert "damaged" in refused(path, path)


def test_samples_that_were_declared_invalid_are_told(tmp_path):
    """Inspect marks them, and counts them all the same."""
    path = document(tmp_path / "log.json", OLD, invalidated=True)
    assert any("declared invalid" in note for note in flipcheck.compare(path, path).warnings)


def test_a_table_with_columns_of_these_names_is_no_log(tmp_path, compared):
    """A log's `eval` is an object."""
    rows = [{"id": 1, "version": 2, "eval": "x", "status": "ok", "label": "a", "prediction": "a"}]
    path = tmp_path / "table.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert compared(path, path)["data"]["examples"] == 1
