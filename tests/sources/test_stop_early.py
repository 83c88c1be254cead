"""`--stop-early`: which examples the models see, when a run stops, and what the report says."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from onnx import helper
from onnx_models import brightness, linear, port, save
from PIL import Image

import flipcheck
from flipcheck.errors import InputError, ModelError, PairingError, UsageError
from flipcheck.labels import Labels
from flipcheck.report import Report
from flipcheck.sources.onnx.model import Model

SIZE, WIDTH, CLASSES = 3000, 8, 4
GATE = ["negative_flip_rate <= 5%"]


@pytest.fixture(scope="module")
def examples():
    """Features and labels that the exact model gets right, always."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(SIZE, WIDTH)).astype(np.float32)
    weights = rng.normal(size=(WIDTH, CLASSES))
    return features, (features @ weights.astype(np.float32)).argmax(axis=1), weights


@pytest.fixture
def models(tmp_path, examples):
    """The exact model, one that is nearly it, and one that is far from it."""
    weights = examples[2]
    noise = np.random.default_rng(1).normal(size=weights.shape)
    named = {"old": 0, "good": 0.002, "bad": 0.5, "close": 0.06}
    return {
        name: linear(tmp_path / f"{name}.onnx", weights + size * noise)
        for name, size in named.items()
    }


@pytest.fixture
def seen(monkeypatch):
    """How many rows each model's session was given."""
    counts: dict[str, int] = {}
    run = Model.run

    def counted(self, feeds, names):
        rows = len(next(iter(feeds.values())))
        counts[self.path.stem] = counts.get(self.path.stem, 0) + rows
        return run(self, feeds, names)

    monkeypatch.setattr(Model, "run", counted)
    monkeypatch.setattr("flipcheck.sources.onnx.run.cores", lambda: 1)
    monkeypatch.setattr("flipcheck.sources.onnx.feeds.arrays.TABLE_ROWS", 32)
    monkeypatch.setattr("flipcheck.sources.onnx.feeds.tables.ROWS", 32)
    return counts


def archive(path, examples, order=None, **more):
    """The examples as an archive, in an order of the rows."""
    order = np.arange(SIZE) if order is None else order
    ids = np.array([f"e{row:04}" for row in range(SIZE)])
    arrays = {"x": examples[0], "y": examples[1], "id": ids, **more}
    np.savez(path, **{name: values[order] for name, values in arrays.items()})
    return path


def table(path, examples, order=None):
    """The examples as a CSV file."""
    order = range(SIZE) if order is None else order
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", *(f"f{number}" for number in range(WIDTH)), "label"])
        for row in order:
            values = [repr(float(value)) for value in examples[0][row]]
            out.writerow([f"e{row:04}", *values, examples[1][row]])
    return path


WRITERS = {"npz": archive, "csv": table}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(("new", "verdict"), [("good", "pass"), ("bad", "fail")])
def test_a_clear_verdict_takes_a_fraction(tmp_path, examples, models, seen, kind, new, verdict):
    """The full run and the early one agree, and the sessions see a fifth of the examples."""
    data = WRITERS[kind](tmp_path / f"d.{kind}", examples)
    full = flipcheck.compare(models["old"], models[new], data, gates=GATE)
    assert seen["old"] >= SIZE
    seen.clear()
    early = flipcheck.compare(models["old"], models[new], data, gates=GATE, stop_early=True)
    assert full.verdict == early.verdict == verdict
    assert full.early_stop is None
    assert early.early_stop.stopped
    assert early.early_stop.of == SIZE
    assert early.data.examples == early.early_stop.examples == early.tally.examples
    # The probe of the batch guard runs the first 32 examples five times.
    assert max(seen.values()) <= early.data.examples + 5 * 32 + 4 * 32
    assert max(seen.values()) <= SIZE / 5


@pytest.mark.parametrize("kind", WRITERS)
def test_the_same_examples_whatever_the_order_of_the_file(tmp_path, examples, models, kind):
    """Rows are drawn by id and seed; another seed draws others."""
    order = np.random.default_rng(5).permutation(SIZE)
    texts = []
    for folder, rows in (("one", None), ("two", order)):
        (tmp_path / folder).mkdir()
        data = WRITERS[kind](tmp_path / folder / f"d.{kind}", examples, rows)
        report = flipcheck.compare(
            models["old"], models["bad"], data, gates=GATE, stop_early=True, seed=3
        )
        written = report.to_dict()
        for told in ("data", "old", "new", "digest", "evidence"):  # which name the file
            del written[told]
        texts.append(written)
    assert texts[0] == texts[1]
    other = flipcheck.compare(
        models["old"], models["bad"], data, gates=GATE, stop_early=True, seed=4
    )
    assert [each.id for each in other.negative_flips.examples] != [
        each["id"] for each in texts[0]["negative_flips"]["examples"]
    ]


def test_the_same_report_with_any_number_of_workers(tmp_path, examples, models, monkeypatch):
    """Looks come after fixed numbers of examples, however far workers have run ahead."""
    data, found = archive(tmp_path / "d.npz", examples), []
    for cores in (1, 5):
        monkeypatch.setattr("flipcheck.sources.onnx.run.cores", lambda cores=cores: cores)
        report = flipcheck.compare(models["old"], models["bad"], data, gates=GATE, stop_early=True)
        found.append(report.to_dict())
    assert found[0] == found[1]


def test_the_answers_are_those_of_the_full_run(tmp_path, examples, models):
    """Every flip that an early run lists is a flip of the full run, with the same answers."""
    data = archive(tmp_path / "d.npz", examples)
    gates = ["negative_flip_rate <= 5%"]
    full = flipcheck.compare(models["old"], models["bad"], data, gates=gates)
    early = flipcheck.compare(models["old"], models["bad"], data, gates=gates, stop_early=True)
    flips = {row["id"]: row for row in full.flips.to_pylist()}
    assert early.flips.num_rows > 5
    assert all(flips[row["id"]] == row for row in early.flips.to_pylist())


def test_an_open_gate_gets_its_final_look(tmp_path, examples, models):
    """Near the limit all examples are looked at, and the exact bound has four fifths of alpha."""
    data = archive(tmp_path / "d.npz", examples)
    full = flipcheck.compare(models["old"], models["close"], data)
    limit = full.metrics["negative_flip_rate"].value
    gates = [f"negative_flip_rate <= {limit + 0.001}"]
    report = flipcheck.compare(models["old"], models["close"], data, gates=gates, stop_early=True)
    assert not report.early_stop.stopped
    assert report.tally == full.tally
    at_its_level = flipcheck.compare(
        models["old"], models["close"], data, gates=gates, confidence=0.96
    )
    assert report.gates[0].bound == at_its_level.gates[0].bound
    interval = report.metrics["negative_flip_rate"].interval
    assert (interval.method, interval.level) == ("clopper-pearson", 0.96)
    assert "Not decided early" in str(report)


def test_a_stopped_report_says_what_its_numbers_are(tmp_path, examples, models):
    """Intervals are sequences, the bootstrap is left out, and every reporter tells of it."""
    data = archive(tmp_path / "d.npz", examples)
    gates = ["negative_flip_rate <= 20%", "error_rate_change <= 20%"]
    report = flipcheck.compare(models["old"], models["good"], data, gates=gates, stop_early=True)
    methods = {
        name: each.interval and each.interval.method for name, each in report.metrics.items()
    }
    assert methods["negative_flip_rate"] == methods["churn"] == "beta-mixture"
    assert methods["error_rate_change"] == "betting-mixture"
    assert methods["relative_negative_flip_rate"] is None
    assert all(each.bootstrap is None for each in report.metrics.values())
    assert {part.metrics["old_error_rate"].interval.method for part in report.classes} == {
        "beta-mixture"
    }
    for part in report.gates:
        assert part.value < part.bound <= 0.2
    assert report.mcnemar.method == "anytime-valid"
    looked = f"{report.tally.examples:,} of {SIZE:,} examples in random order"
    for name in ("r.html", "r.md", "r.txt", "r.json"):
        report.save(tmp_path / name)
    for name in ("r.html", "r.md", "r.txt"):
        assert looked in " ".join((tmp_path / name).read_text("utf-8").split())
    again = Report.load(tmp_path / "r.json")
    assert again.early_stop == report.early_stop
    assert json.loads((tmp_path / "r.json").read_text("utf-8")) == again.to_dict()


def test_images_by_folder(tmp_path, seen):
    """A folder of images is decoded only as far as it takes; what is unseen may be broken."""
    folder = tmp_path / "images"
    for label, pixel in (("dark", 10), ("light", 240)):
        (folder / label).mkdir(parents=True)
        for number in range(500):
            Image.new("L", (7, 5), pixel).save(folder / label / f"{number}.png")
    model = brightness(tmp_path / "m.onnx", [None, 1, 5, 7])

    def early(**options):
        return flipcheck.compare(
            model, model, folder, gates=["negative_flip_rate <= 5%"], stop_early=True, **options
        )

    report = early()
    assert (report.verdict, report.early_stop.stopped) == ("pass", True)
    assert seen["m"] <= 2 * (report.tally.examples + 5 * 32 + 4 * 32) < 2 * 600
    names = [f"{label}/{number}.png" for label in ("dark", "light") for number in range(500)]
    broken = set()
    for name in names[::25]:  # forty of a thousand
        broken.add(name)
        (folder / name).write_bytes(b"no image")
    with pytest.raises(InputError, match="cannot be used"):
        early()
    for name in broken:
        Image.new("L", (7, 5), 10 if name.startswith("dark") else 240).save(folder / name)
    last = max(set(names) - _looked_at(names, report.tally.examples))
    (folder / last).write_bytes(b"no image")
    again = early()
    assert again.tally == report.tally
    with pytest.raises(InputError, match="1 image that cannot be used"):
        flipcheck.compare(model, model, folder)


def _looked_at(names, count):
    """The images of the batches of 32 with the first so many examples, by the documented order."""
    count += -count % 32
    shuffled = np.random.default_rng(0).spawn(1)[0].permutation(len(names))
    return {sorted(names)[row] for row in shuffled[:count]}


@pytest.mark.parametrize("side", ["old", "new"])
def test_one_side_saved(tmp_path, examples, models, seen, side):
    """A saved side stands beside a model that is run on a fraction."""
    data = archive(tmp_path / "d.npz", examples)
    saved = tmp_path / "saved.csv"
    rows = np.random.default_rng(8).permutation(SIZE)
    lines = [f"e{row:04},{examples[1][row]},{examples[1][row]}" for row in rows]
    saved.write_text("\n".join(["id,label,prediction", *lines]) + "\n")
    pair = (saved, models["good"]) if side == "old" else (models["old"], saved)
    report = flipcheck.compare(*pair, data, gates=GATE, stop_early=True)
    assert (report.verdict, report.early_stop.stopped) == ("pass", True)
    assert sum(seen.values()) < SIZE / 5
    assert getattr(report, side).missing_answers == 0
    assert not [note for note in report.warnings if "without an answer" in note]


def test_a_test_set_for_each_model(tmp_path, examples, models, seen):
    """Models with test sets of their own are run over the same examples, whatever their order."""
    one = archive(tmp_path / "one.npz", examples)
    two = archive(tmp_path / "two.npz", examples, np.arange(SIZE)[::-1])
    report = flipcheck.compare(
        models["old"], models["good"], old_data=one, new_data=two, gates=GATE, stop_early=True
    )
    joint = flipcheck.compare(models["old"], models["good"], one, gates=GATE, stop_early=True)
    assert report.tally == joint.tally
    assert max(seen.values()) < SIZE / 2


def test_the_pairing_is_checked_as_ever(tmp_path, examples, models, seen):
    """Ids that repeat or are missing are errors before a model runs; some may be left out."""
    saved = tmp_path / "saved.csv"
    lines = [f"e{row:04},{examples[1][row]},{examples[1][row]}" for row in range(SIZE - 10)]
    saved.write_text("\n".join(["id,label,prediction", *lines]) + "\n")
    data = archive(tmp_path / "d.npz", examples)
    with pytest.raises(PairingError, match="do not hold the same examples"):
        flipcheck.compare(saved, models["good"], data, gates=GATE, stop_early=True)
    assert not seen
    report = flipcheck.compare(
        saved, models["good"], data, gates=GATE, stop_early=True, allow_missing=True
    )
    assert report.data.dropped == 10
    assert report.early_stop.of == SIZE - 10
    saved.write_text("id,label,prediction\nother,0,0\n")
    with pytest.raises(PairingError, match="no examples to compare"):
        flipcheck.compare(
            saved, models["good"], data, gates=GATE, stop_early=True, allow_missing=True
        )
    saved.write_text("id,label,prediction\n")
    with pytest.raises(PairingError, match=r"saved\.csv: no examples"):
        flipcheck.compare(saved, models["good"], data, gates=GATE, stop_early=True)
    saved.write_text("\n".join(["id,label,prediction", *lines, lines[0]]) + "\n")
    with pytest.raises(PairingError, match="more than once"):
        flipcheck.compare(saved, models["good"], data, gates=GATE, stop_early=True)


def test_labels_are_checked_in_the_unseen_part_too(tmp_path, examples):
    """A label that no class has is an error, wherever it stands."""
    named = linear(tmp_path / "n.onnx", examples[2], classes=["a", "b", "c", "d"])
    labels = np.array(list("abcd")).astype("U9")[examples[1]]
    labels[-1] = "zebra"
    data = archive(tmp_path / "d.npz", examples, y=labels)
    with pytest.raises(InputError, match="zebra"):
        flipcheck.compare(named, named, data, gates=GATE, stop_early=True)


def test_a_model_whose_answers_depend_on_the_batch(tmp_path, examples):
    """The guard stays on: it is run one example at a time, and the report says so."""
    x, y = port("x", np.float32, [None, WIDTH]), port("y", np.float32, [None, WIDTH])
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    path = save(tmp_path / "m.onnx", nodes, [x], [y])
    data = archive(
        tmp_path / "d.npz", (examples[0] + 3 * np.eye(WIDTH)[0].astype("f4"), examples[1] * 0)
    )
    report = flipcheck.compare(path, path, data, gates=GATE, stop_early=True)
    assert report.tally.both_right == report.tally.examples < SIZE
    assert any("one example at a time" in note for note in report.warnings)


def test_a_seen_nan_is_an_error(tmp_path, examples, models):
    """Scores that are no numbers stop the run where they are met, by id."""
    features = examples[0].copy()
    features[::50] = np.nan
    data = archive(tmp_path / "d.npz", examples, x=features)
    with pytest.raises(ModelError, match=r"NaN or infinite scores for .* 'e[0-9]{2}[05]0'"):
        flipcheck.compare(models["old"], models["good"], data, gates=GATE, stop_early=True)


def test_nothing_is_left_on_the_disk(tmp_path, examples, models, monkeypatch):
    """What was laid down for random access is removed, also after an error."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    data = archive(tmp_path / "d.npz", examples)
    flipcheck.compare(models["old"], models["good"], data, gates=GATE, stop_early=True)
    with pytest.raises(UsageError):
        flipcheck.compare(
            models["old"], models["good"], data, gates=GATE, stop_early=True, by="nowhere"
        )
    assert not list(place.iterdir())


def test_what_is_judged_at_the_end_only(tmp_path, examples, models):
    """Gates by slices wait for the end: no early pass, and no verdict where another gate fails."""
    region = np.array(["EU", "US"])[np.arange(SIZE) % 2]
    data = archive(tmp_path / "d.npz", examples, region=region)
    slices = "negative_flip_rate <= 30% by region"
    good = flipcheck.compare(
        models["old"], models["good"], data, gates=[*GATE, slices], stop_early=True
    )
    assert (good.verdict, good.early_stop.stopped) == ("pass", False)
    bad = flipcheck.compare(
        models["old"], models["bad"], data, gates=[*GATE, slices], stop_early=True
    )
    assert (bad.verdict, bad.early_stop.stopped) == ("fail", True)
    assert [each.verdict for each in bad.gates] == ["fail", "inconclusive"]
    assert "whole test set only" in bad.gates[1].reason
    with pytest.raises(UsageError, match="judged on the whole test set only"):
        flipcheck.compare(models["old"], models["good"], data, gates=[slices], stop_early=True)


def test_what_stop_early_does_not_go_with(tmp_path, examples, models, sample):
    """No gate, the estimate as judge, and two saved files are errors that say why."""
    data = archive(tmp_path / "d.npz", examples)
    pair = (models["old"], models["good"], data)
    with pytest.raises(UsageError, match="there is none"):
        flipcheck.compare(*pair, stop_early=True)
    with pytest.raises(UsageError, match="--decide point has none"):
        flipcheck.compare(*pair, gates=GATE, decide="point", stop_early=True)
    saved = [sample / f"{name}_predictions.csv" for name in ("old", "new")]
    with pytest.raises(UsageError, match="both sides are saved predictions"):
        flipcheck.compare(*saved, gates=GATE, stop_early=True)


def test_the_command_and_what_render_makes_of_it(tmp_path, examples, models, command):
    """The option is the command's too; render judges a stopped report by its sequence."""
    data, out = archive(tmp_path / "d.npz", examples), tmp_path / "r.json"
    done = command(
        "compare", models["old"], models["good"], data, "--max-nfr", "5%", "--stop-early",
        "--json", out,
    )  # fmt: skip
    assert done.status == 0
    assert "Decided after" in done.out
    report = Report.load(out)
    bound = report.gates[0].bound
    exact = flipcheck.gates.judge(report.gates[0].gate, report.tally).bound
    assert exact < bound
    between = f"{(exact + bound) / 2:.6f}"
    assert command("render", out, "--max-nfr", between).status == 3
    assert command("render", out, "--max-nfr", "5%").status == 0
    done = command("render", out, "--max-nfr", "5%", "--decide", "point")
    assert done.status == 2
    assert "could stop early" in done.err


@pytest.mark.parametrize("what", ["weights", "repeats"])
def test_saved_answers_that_count_otherwise_are_refused(tmp_path, models, examples, what):
    """Nothing that a look counts may be weighed, or ask one question again."""
    truth = [str(each) for each in examples[1]]
    saved = flipcheck.Predictions.from_arrays(truth, truth, ids=[str(n + 1) for n in range(SIZE)])
    more = {
        "weights": np.ones(SIZE),
        "repeats": Labels(np.arange(SIZE, dtype=np.int32) // 2, tuple(map(str, range(SIZE // 2)))),
    }
    with pytest.raises(UsageError, match="drawn one by one"):
        flipcheck.compare(
            replace(saved, **{what: more[what]}),
            models["good"],
            archive(tmp_path / "d.npz", examples),
            gates=GATE,
            stop_early=True,
        )
