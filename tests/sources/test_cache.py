"""The cache of answers: the same bytes with it and without, what is a hit, and what goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import onnx
import pytest
from cached_runs import (
    KINDS,
    LABELS,
    NAMED,
    SIZE,
    WEIGHTS,
    WIDTH,
    X,
    arrays,
    images,
    shares,
    table_of,
    text,
    with_external_data,
)
from onnx import helper
from onnx_models import echo, port, save
from PIL import Image

import flipcheck
from flipcheck.sources.cache import Cache
from flipcheck.sources.cache.entry import MAGIC
from flipcheck.sources.datasets import images as module
from flipcheck.sources.onnx import kept


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Batches of 32 rows, so that a run has many."""
    monkeypatch.setattr("flipcheck.sources.onnx.feeds.arrays.TABLE_ROWS", 32)
    monkeypatch.setattr("flipcheck.sources.onnx.feeds.tables.ROWS", 32)


@pytest.fixture
def no_sessions(monkeypatch):
    """A function after which no model can be loaded."""

    def forbid():
        def loaded(path):
            raise AssertionError(f"{path} was loaded")

        monkeypatch.setattr("flipcheck.sources.onnx.model._session", loaded)

    return forbid


@pytest.mark.parametrize("kind", KINDS)
def test_a_hit_is_the_same_report(tmp_path, kind, rows, no_sessions):
    """The same bytes without a cache, with an empty one and with a full one, which runs nothing."""
    given, options = KINDS[kind](tmp_path)
    plain = text(*given, cache=False, **options)
    folder = tmp_path / "kept"
    assert text(*given, cache=folder, **options) == plain
    rows.clear()
    no_sessions()
    assert text(*given, cache=folder, **options) == plain
    assert not rows


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_new_model_is_run(tmp_path, kind, rows):
    """With the old answers kept, another new model is all that runs, and the bytes are the same."""
    given, options = KINDS[kind](tmp_path)
    folder = tmp_path / "kept"
    text(*given, cache=folder, **options)
    third = tmp_path / "third.onnx"
    model = onnx.load(given[1])
    model.doc_string = "another model"
    onnx.save(model, third)
    plain = text(given[0], third, given[2], cache=False, **options)
    rows.clear()
    assert text(given[0], third, given[2], cache=folder, **options) == plain
    assert set(rows) == {"third"}


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_of_one_model_are_those_without_a_cache(tmp_path, kind):
    """What `predict` gives is the same: answers, confidence, facts and warnings."""
    (model, _, data), options = KINDS[kind](tmp_path)
    wanted = {name: value for name, value in options.items() if name in flipcheck.asked.PREDICTED}
    made = [
        flipcheck.predict(model, data, cache=cache, **wanted)
        for cache in (False, tmp_path / "kept", tmp_path / "kept")
    ]
    first = made[0]
    for each in made[1:]:
        assert each.answers.codes.tobytes() == first.answers.codes.tobytes()
        assert each.answers.names == first.answers.names
        assert (each.confidence is None) == (first.confidence is None)
        assert first.confidence is None or each.confidence.tobytes() == first.confidence.tobytes()
        assert (each.facts, each.warnings) == (first.facts, first.warnings)


def test_a_model_that_draws_random_numbers_is_run_again(tmp_path, rows):
    """Its answers are of one run only, and are not kept."""
    given, _ = arrays(tmp_path)
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["scores"]),
        helper.make_node("RandomNormalLike", ["scores"], ["noise"], seed=1.0),
        helper.make_node("Add", ["scores", "noise"], ["logits"]),
    ]
    ports = [port("x", np.float32, [None, WIDTH])], [port("logits", np.float32, [None, 3])]
    drawing = save(
        tmp_path / "dice.onnx", nodes, *ports, {"weights": WEIGHTS.astype(np.float32)}, NAMED
    )
    for _ in range(2):
        rows.clear()
        flipcheck.predict(drawing, given[2], cache=tmp_path / "kept")
        assert rows["dice"] >= SIZE


# --- what is the same run ---------------------------------------------------------------------


def touched_model(folder, _options, _monkeypatch):
    """The same model with other bytes."""
    model = onnx.load(folder / "old.onnx")
    model.doc_string = "touched"
    onnx.save(model, folder / "old.onnx")


def other_data(folder, _options, _monkeypatch):
    """The last example is another."""
    changed = X.copy()
    changed[-1] += 1
    np.savez(folder / "data.npz", x=changed, y=LABELS)


def other_runtime(_folder, _options, monkeypatch):
    """Another runtime, or processor."""
    monkeypatch.setattr(kept, "runtime", lambda: {"onnxruntime": "another"})


def other_reading(_folder, _options, monkeypatch):
    """Flipcheck feeds or reads models in another way."""
    monkeypatch.setattr(kept, "READING_VERSION", kept.READING_VERSION + 1)


def other_version(_folder, _options, monkeypatch):
    """Another flipcheck."""
    monkeypatch.setattr(kept, "__version__", "0.0.0")


def other_batch(_folder, _options, monkeypatch):
    """Smaller batches."""
    monkeypatch.setattr("flipcheck.sources.onnx.feeds.arrays.TABLE_ROWS", 16)


def other_format(_folder, _options, monkeypatch):
    """Entries of another format."""
    monkeypatch.setattr(
        "flipcheck.sources.cache.entry.MAGIC", MAGIC.replace(b"cache 1", b"cache 2")
    )


def another(**changed):
    """A change of options."""

    def change(_folder, options, _monkeypatch):
        options.update(changed)

    return change


CHANGES = {
    "model": touched_model,
    "data": other_data,
    "runtime": other_runtime,
    "version": other_version,
    "reading version": other_reading,
    "entry format": other_format,
    "batch": other_batch,
    "preprocess": another(preprocess="scale=2"),
    "mean": another(preprocess="mean=0.25"),
    "output": another(output="logits"),
    "classes": another(classes=["c", "b", "a"]),
}


@pytest.mark.parametrize("part", CHANGES)
def test_a_change_of_any_part_is_a_miss(tmp_path, part, rows, monkeypatch):
    """The model runs again, and its answers are those without a cache."""
    (model, _, data), options = arrays(tmp_path)
    flipcheck.predict(model, data, cache=tmp_path / "kept", **options)
    CHANGES[part](tmp_path, options, monkeypatch)
    plain = flipcheck.predict(model, data, cache=False, **options)
    rows.clear()
    found = flipcheck.predict(model, data, cache=tmp_path / "kept", **options)
    assert rows["old"] >= SIZE
    assert found.answers.texts() == plain.answers.texts()
    assert found.facts == plain.facts


def test_a_change_of_the_threshold_is_a_miss(tmp_path, rows):
    """The same scores are other answers."""
    (model, _, data), options = shares(tmp_path)
    found = []
    for threshold in (0.3, 0.6):
        rows.clear()
        options["threshold"] = threshold
        found.append(flipcheck.predict(model, data, cache=tmp_path / "kept", **options))
        assert rows["old"] >= SIZE
    assert found[0].answers.texts() != found[1].answers.texts()


def test_a_change_of_the_features_is_a_miss(tmp_path, rows):
    """Columns in another order are another input."""
    (model, _, data), _ = table_of(tmp_path, "csv")
    for features in ("f0,f1,f2,f3", "f1,f0,f2,f3", "f0,f0,f1,f2"):
        rows.clear()
        flipcheck.predict(model, data, cache=tmp_path / "kept", features=features)
        assert rows["old"] >= SIZE


def test_a_change_of_external_data_is_a_miss(tmp_path, rows):
    """The weights beside a model are part of it."""
    (_, model, data), _ = with_external_data(tmp_path)
    flipcheck.predict(model, data, cache=tmp_path / "kept")
    weights = bytearray((tmp_path / "w.data").read_bytes())
    weights[3] ^= 0x80
    (tmp_path / "w.data").write_bytes(weights)
    rows.clear()
    flipcheck.predict(model, data, cache=tmp_path / "kept")
    assert rows["new"] >= SIZE


def test_bytes_that_move_from_a_model_to_its_data_are_a_miss(tmp_path):
    """Two models whose files are one text when read after each other are two models."""
    (_, model, data), _ = with_external_data(tmp_path)
    spec = flipcheck.asked.side_of("", {}, ())
    opened = flipcheck.sources.onnx.model.open_model(model, spec)
    dataset = flipcheck.sources.datasets.open_dataset(data, spec.columns)
    fed = flipcheck.sources.onnx.feeds.feeder(opened, dataset, spec)
    sizes = opened.stamps.states.copy()
    sizes[:, 0] += [1, -1]
    moved = replace(opened, stamps=replace(opened.stamps, states=sizes))
    keys = {kept.key_of(kept.run_parts(each, fed, dataset, spec, 32)) for each in (opened, moved)}
    assert len(keys) == 2


@pytest.mark.parametrize("change", ["bytes", "name", "less"])
def test_a_change_of_one_image_is_a_miss(tmp_path, rows, change):
    """So are another name and one image less."""
    (model, _, data), _ = images(tmp_path)
    flipcheck.predict(model, data, cache=tmp_path / "kept")
    path = data / "dark" / "0.png"
    if change == "bytes":
        Image.new("RGB", (7, 5), (9, 9, 9)).save(path)
    elif change == "name":
        path.rename(data / "light" / "999.png")
    else:
        path.unlink()
    rows.clear()
    flipcheck.predict(model, data, cache=tmp_path / "kept")
    assert rows["old"] > 60


def test_preprocessing_beside_a_model_is_part_of_the_run(tmp_path, rows):
    """A configuration that appears beside the model is another run, as the report says."""
    (model, _, data), _ = images(tmp_path)
    flipcheck.predict(model, data, cache=tmp_path / "kept")
    config = {"do_normalize": False, "do_rescale": True, "rescale_factor": 0.001}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
    rows.clear()
    found = flipcheck.predict(model, data, cache=tmp_path / "kept")
    assert rows["old"] > 60
    assert set(found.answers.texts()) == {"dark"}


def test_a_tokenizer_beside_a_model_is_part_of_the_run(tmp_path, rows):
    """Whatever its file says, another one is another run."""
    (model, _, data), _ = arrays(tmp_path)
    for text_of in ("{}", '{"truncation_side": "left"}'):
        rows.clear()
        (tmp_path / "tokenizer_config.json").write_text(text_of)
        flipcheck.predict(model, data, cache=tmp_path / "kept")
        assert rows["old"] >= SIZE


def test_another_place_of_the_same_files_is_a_hit(tmp_path, no_sessions):
    """What counts is what is in them; the report names them as they are now."""
    (tmp_path / "one").mkdir()
    (model, _, data), _ = arrays(tmp_path / "one")
    flipcheck.predict(model, data, cache=tmp_path / "kept")
    shutil.move(tmp_path / "one", tmp_path / "two")
    no_sessions()
    two = tmp_path / "two"
    found = flipcheck.predict(two / "old.onnx", two / "data.npz", cache=tmp_path / "kept")
    assert found.source == str(two / "old.onnx")
    assert found.facts["data"] == str(two / "data.npz")


def test_other_slices_and_label_maps_are_a_hit(tmp_path, no_sessions):
    """What changes no answer of a model does not run it again."""
    given, _ = table_of(tmp_path, "csv")
    features = "f0,f1,f2,f3"
    text(*given, cache=tmp_path / "kept", features=features)
    changed = {"by": ["region"], "label_map": {"a": "b"}, "seed": 3, "features": features}
    no_sessions()
    assert text(*given, cache=tmp_path / "kept", **changed)


# --- stopping early ---------------------------------------------------------------------------


def test_stopping_early_takes_what_is_whole(tmp_path, rows):
    """The kept answers of the old model serve a run in random order, and none are added."""
    given, _ = arrays(tmp_path)
    options = {"gates": ["negative_flip_rate <= 90%"], "stop_early": True}
    plain = text(*given, cache=False, **options)
    folder = tmp_path / "kept"
    flipcheck.predict(given[0], given[2], cache=folder)
    rows.clear()
    assert text(*given, cache=folder, **options) == plain
    assert set(rows) == {"new"}
    rows.clear()
    assert text(*given, cache=folder, **options) == plain
    assert set(rows) == {"new"}


# --- runs that were cut short -----------------------------------------------------------------


@pytest.fixture
def eager(monkeypatch):
    """Blocks are written after every batch."""
    monkeypatch.setattr(kept, "BLOCK", 1)
    monkeypatch.setattr(kept, "OFTEN", -1.0)


def cut_short(given, cache, after, **options):
    """A run that is interrupted when so many examples are done."""

    def stop(done, _total):
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flipcheck.compare(*given, cache=cache, progress=stop, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blocks", ["many", "one"])
def test_an_interrupted_run_goes_on(tmp_path, kind, blocks, rows, monkeypatch):
    """What was answered is not run again, and the report is that of one run."""
    if blocks == "many":
        monkeypatch.setattr(kept, "BLOCK", 1)
        monkeypatch.setattr(kept, "OFTEN", -1.0)
    given, options = KINDS[kind](tmp_path)
    plain = text(*given, cache=False, **options)
    full = dict(rows)
    folder = tmp_path / "kept"
    cut_short(given, folder, 64, **options)
    names = {path.name for path in folder.glob("*/*-*")}
    halves = {"000000000000-000000000032", "000000000032-000000000064"}
    assert names == (halves if blocks == "many" else {"000000000000-000000000064"})
    rows.clear()
    assert text(*given, cache=folder, **options) == plain
    assert rows == {name: count - 64 for name, count in full.items()}
    assert not list(folder.glob("*/*-*"))
    rows.clear()
    assert text(*given, cache=folder, **options) == plain
    assert not rows


@pytest.mark.usefixtures("eager")
def test_each_image_is_read_once_where_both_are_known_in_part(tmp_path, monkeypatch):
    """One model's kept answers end before the other's: one pass, from where the first ends."""
    given, options = images(tmp_path)
    plain = text(*given, cache=False, **options)
    folder = tmp_path / "kept"
    cut_short(given, folder, 64, **options)
    held = {each.model: each.key for each in Cache(folder).held() if each.total}
    (folder / held[str(given[1])] / "000000000032-000000000064").unlink()
    opened = []
    original = module.open_image
    monkeypatch.setattr(module, "open_image", lambda path: opened.append(path) or original(path))
    assert text(*given, cache=folder, **options) == plain
    first = [path for path in opened if opened.count(path) > 1]
    assert not first  # the batch that shows how the outputs are read is not run again
    assert len(opened) == 32 + (78 - 32)


@pytest.mark.usefixtures("eager")
def test_a_bad_image_is_named_again(tmp_path):
    """A run that failed keeps what came before, and fails in the same words."""
    given, options = images(tmp_path)
    (given[2] / "light" / "0.png").write_bytes(b"no image")
    (given[2] / "light" / "9.png").write_bytes(b"no image")
    errors = []
    for cache in (False, tmp_path / "kept", tmp_path / "kept"):
        with pytest.raises(flipcheck.FlipcheckError) as caught:
            flipcheck.compare(*given, cache=cache, **options)
        errors.append(str(caught.value))
    assert errors[0] == errors[1] == errors[2]
    assert "2 images" in errors[0]


@pytest.mark.usefixtures("eager")
def test_scores_that_are_not_finite_are_named_again(tmp_path):
    """So does one whose model gives NaN."""
    given, _ = arrays(tmp_path)
    broken = X.copy()
    broken[200] = np.nan
    np.savez(given[2], x=broken, y=LABELS)
    errors = []
    for cache in (False, tmp_path / "kept", tmp_path / "kept"):
        with pytest.raises(flipcheck.FlipcheckError) as caught:
            flipcheck.compare(*given, cache=cache)
        errors.append(str(caught.value))
    assert errors[0] == errors[1] == errors[2]
    assert "NaN" in errors[0]


@pytest.mark.parametrize("lost", [0, 1, 2])
@pytest.mark.usefixtures("eager")
def test_a_gap_between_blocks_ends_what_is_known(tmp_path, lost, rows):
    """A block that is lost or damaged, and all that follow it, are made again."""
    given, _ = arrays(tmp_path)
    plain = text(*given, cache=False)
    full = rows["old"]
    folder = tmp_path / "kept"
    cut_short(given, folder, 128)
    for path in folder.glob(f"*/{lost * 32:012}-*"):
        path.write_bytes(path.read_bytes()[:-1])
    rows.clear()
    assert text(*given, cache=folder) == plain
    assert rows["old"] == full - 32 * lost


@pytest.mark.usefixtures("eager")
def test_blocks_of_another_reading_are_not_taken(tmp_path, rows):
    """Where the first batch is read otherwise now, nothing that is known is used."""
    given, _ = arrays(tmp_path)
    plain = text(*given, cache=False)
    folder = tmp_path / "kept"
    cut_short(given, folder, 64)
    cache = Cache(folder)
    for held in cache.held():
        for name in cache.blocks(held.key):
            entry = cache.read(held.key, name)
            reading = {**entry.meta["reading"], "told": "another way"}
            cache.write(replace(entry, meta={**entry.meta, "reading": reading}), name)
    rows.clear()
    assert text(*given, cache=folder) == plain
    assert min(rows.values()) >= SIZE


def test_two_processes_share_a_cache(tmp_path):
    """Runs at the same time over the same files give the same report, and a sound cache."""
    given, _ = arrays(tmp_path)
    folder = tmp_path / "kept"
    code = (
        "import sys; from flipcheck.sources.onnx import kept; kept.BLOCK, kept.OFTEN = 1, -1;"
        "from flipcheck.sources.onnx.feeds import arrays; arrays.TABLE_ROWS = 8;"
        "from flipcheck.__main__ import main; main()"
    )
    command = [sys.executable, "-c", code, "compare", *map(str, given), "--json", "-"]
    command += ["--cache", str(folder)]
    running = [subprocess.Popen(command, stdout=-1, stderr=-1) for _ in range(3)]
    done = [each.communicate() for each in running]
    assert {each.returncode for each in running} == {0}
    assert len({out for out, _ in done}) == 1
    assert not any(b"cache" in err for _, err in done)
    cache = Cache(folder)
    for held in cache.held():
        assert cache.read(held.key) is not None
    assert not list(folder.glob("*/.new-*"))


# --- data that changes while it is read -------------------------------------------------------


@pytest.mark.parametrize("kind", ["arrays", "csv", "images", "model"])
@pytest.mark.usefixtures("eager")
def test_a_file_that_changes_during_the_run_keeps_nothing(tmp_path, kind):
    """Answers to bytes that the digest is not of are never kept, whatever their size."""
    given, options = KINDS["arrays" if kind == "model" else kind](tmp_path)
    changed = given[0] if kind == "model" else given[2]
    changed = changed / "light" / "9.png" if kind == "images" else changed

    def change(_done, _total):
        again = tmp_path / "again"  # whole at once: a worker may be reading it
        again.write_bytes(changed.read_bytes())
        again.replace(changed)

    flipcheck.compare(*given, cache=tmp_path / "kept", progress=change, **options)
    held = [each for each in Cache(tmp_path / "kept").held() if each.total]
    whole = [each.model for each in held if each.examples == each.total]
    assert whole == ([str(given[1])] if kind == "model" else [])


@pytest.mark.usefixtures("eager")
def test_an_image_that_changes_before_it_is_read_is_in_no_block(tmp_path, monkeypatch):
    """Blocks before it are kept, its own is not."""
    (model, _, data), _ = images(tmp_path)
    last = data / "light" / "9.png"

    def change(done, _total):
        if done <= 32:
            Image.new("RGB", (7, 5), (3, 3, 3)).save(last)

    monkeypatch.setattr("flipcheck.sources.onnx.run.cores", lambda: 1)
    flipcheck.predict(model, data, cache=tmp_path / "kept", progress=change)
    held = [each for each in Cache(tmp_path / "kept").held() if each.total]
    assert [each.examples for each in held] == [64]


def test_an_image_that_its_digest_is_not_of_keeps_nothing(tmp_path, monkeypatch):
    """A file that could be read only after the digest was taken is part of no key."""
    (model, _, data), _ = images(tmp_path)
    original, failed = hashlib.file_digest, []

    def once(file, name):
        if not failed:
            failed.append(file)
            raise OSError("not now")
        return original(file, name)

    monkeypatch.setattr(hashlib, "file_digest", once)
    flipcheck.predict(model, data, cache=tmp_path / "kept")
    assert failed
    assert not [each for each in Cache(tmp_path / "kept").held() if each.total]


def test_models_that_want_a_column_differently_do_not_fit_with_a_cache_either(tmp_path):
    """That one of them need not run changes nothing about the error."""
    (model, _, data), _ = table_of(tmp_path, "csv")
    texts = echo(tmp_path / "new.onnx", {"label": np.array(["a"])})
    renamed = onnx.load(texts)
    renamed.graph.input[0].name = renamed.graph.node[0].input[0] = "f0"
    onnx.save(renamed, texts)
    errors = []
    for cache in (False, tmp_path / "kept", tmp_path / "kept"):
        if cache:
            flipcheck.predict(model, data, cache=cache, by=["region"])
        with pytest.raises(flipcheck.FlipcheckError, match="as text and the other") as caught:
            flipcheck.compare(model, texts, data, cache=cache, by=["region"])
        errors.append(str(caught.value))
    assert len(set(errors)) == 1


@pytest.mark.usefixtures("eager")
def test_answers_after_a_bad_image_are_not_kept_in_its_place(tmp_path, monkeypatch):
    """Workers that ran ahead of an image that could not be read once put nothing amiss."""
    given, options = images(tmp_path)
    for number in range(40):
        Image.new("RGB", (7, 5), (5 * number,) * 3).save(given[2] / "light" / f"z{number}.png")
    plain = text(*given, cache=False, **options)
    original, failed = module.open_image, []

    def slow_and_bad(path):
        if path.match("dark/5.bmp") and not failed:  # in the second batch of four
            failed.append(path)
            time.sleep(0.3)  # the batches after it are answered by now
            raise OSError("not now")
        return original(path)

    monkeypatch.setattr(module, "open_image", slow_and_bad)
    monkeypatch.setattr("flipcheck.sources.onnx.run.cores", lambda: 4)
    with pytest.raises(flipcheck.FlipcheckError, match="not now"):
        flipcheck.compare(*given, cache=tmp_path / "kept", **options)
    monkeypatch.undo()
    assert text(*given, cache=tmp_path / "kept", **options) == plain
