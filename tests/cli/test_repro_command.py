"""`flipcheck repro`: one example through both sides."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import flipcheck
from flipcheck.errors import FlipcheckError

FLIP = "three/1680.png"


@pytest.fixture
def models(sample):
    """The sample models and their images, as arguments."""
    return sample / "old.onnx", sample / "new.onnx", sample / "images"


def one(command, *arguments):
    """The JSON of one example."""
    done = command("repro", *arguments, "--json", "-")
    assert done.status == 0, done.err
    return json.loads(done.out)


def test_a_negative_flip_of_two_models(command, models):
    """Answers, truth and what became of it stand in the first lines, within 80 columns."""
    done = command("repro", FLIP, *models)
    assert done.status == 0
    assert done.out.startswith(" NEGATIVE FLIP   three/1680.png: the old model was right")
    assert max(map(len, done.out.splitlines())) <= 80
    for text in ("three  ✓ right", "two  ✗ wrong", "8 x 8 pixels", "What went in", "logits"):
        assert text in done.out


def test_the_numbers_are_the_runtimes(command, models):
    """Input, outputs, confidence and margin are what a loop of our own over onnxruntime finds."""
    import onnxruntime

    found = one(command, FLIP, *models)
    with Image.open(models[2] / FLIP) as image:
        pixels = np.asarray(image.convert("L"), np.float32)[None, None] / np.float32(255)
    for side, path in (("old", models[0]), ("new", models[1])):
        trace = found[side]["trace"]
        (fed,) = trace["inputs"]
        assert fed["shape"] == [1, 8, 8]
        assert fed["mean"] == pytest.approx(float(pixels.mean()), rel=1e-6)
        assert (fed["low"], fed["high"]) == (pixels.min(), pytest.approx(pixels.max()))
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (scores,) = session.run(None, {session.get_inputs()[0].name: pixels})
        best = np.sort(scores[0])[::-1]
        assert [score for _, score in trace["scores"]] == pytest.approx(best.tolist(), rel=1e-4)
        assert trace["margin"] == pytest.approx(float(best[0] - best[1]), rel=1e-3)
        shares = np.exp(best - best.max()) / np.exp(best - best.max()).sum()
        assert found[side]["confidence"] == pytest.approx(float(shares[0]), rel=1e-4)
        assert trace["scores"][0][0] == found[side]["answer"]


def test_every_outcome_is_that_of_compare(command, models, tmp_path):
    """Each flip of the report is the same flip here, and what did not flip is none."""
    command("compare", *models, "--flips", tmp_path / "f.csv")
    rows = [line.split(",") for line in (tmp_path / "f.csv").read_text().splitlines()]
    header = [name.strip('"') for name in rows[0]]
    flips = [dict(zip(header, (each.strip('"') for each in row), strict=True)) for row in rows[1:]]
    assert len(flips) == 56
    for flip in flips[::9]:
        found = flipcheck.repro(flip["id"], *models)
        assert (found.truth, found.old.answer, found.new.answer) == (
            flip["truth"],
            flip["old"],
            flip["new"],
        )
        assert found.outcome.endswith("flip")


@pytest.mark.parametrize(
    ("truth", "old", "new", "outcome"),
    [
        ("a", "a", "b", "negative flip"),
        ("a", "b", "a", "positive flip"),
        ("a", "a", "a", "both right"),
        ("a", "b", "b", "both wrong"),
        ("a", "b", "c", "both wrong"),
    ],
)
def test_the_outcome_of_saved_predictions(command, table, truth, old, new, outcome):
    """The outcome has its name, each row is shown, and the status is 0 whatever it is."""
    first = table("old.csv", "id,label,prediction,note", f"x,{truth},{old},hm", "y,b,c,", "z,c,b,")
    second = table("new.csv", "id,label,prediction", "z,c,b", "y,b,c", f"x,{truth},{new}")
    done = command("repro", "x", first, second)
    assert done.status == 0
    assert done.out.startswith(f" {outcome.upper()} ")
    found = one(command, "x", first, second)
    assert found["old"]["row"] == {"id": "x", "label": truth, "prediction": old, "note": "hm"}
    assert found["new"]["row"]["prediction"] == new
    assert found["old"]["trace"] is None
    if outcome == "both wrong":
        assert found["told"] == f"with {'the same answer' if old == new else 'different answers'}"


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("1680.png", FLIP),  # without its folder
        ("THREE/1680.PNG", FLIP),  # in capitals
        ("three/16800.png", FLIP),  # misspelt
        ("zzz", "'eight/"),  # nothing like any: the first
    ],
)
def test_an_unknown_id(command, models, asked, nearest):
    """Exit 2 with the nearest ids."""
    done = command("repro", asked, *models)
    assert (done.status, done.out) == (2, "")
    assert f"no example {asked!r}" in done.err
    assert nearest in done.err


def test_an_id_of_several_examples(command, table):
    """An id that is there twice is no example."""
    path = table("p.csv", "id,label,prediction", "x,a,a", "x,a,b")
    done = command("repro", "x", path, path)
    assert done.status == 2
    assert "2 examples have the id 'x'" in done.err


def test_an_id_on_one_side_only(command, table):
    """The side that lacks it is named."""
    old = table("old.csv", "id,label,prediction", "x,a,a", "y,a,b")
    new = table("new.csv", "id,label,prediction", "y,a,b")
    done = command("repro", "x", old, new)
    assert done.status == 2
    assert "new.csv: no example 'x'" in done.err
    assert command("repro", "y", old, new).status == 0


def test_rows_without_ids_go_by_their_number(command, table):
    """Where there are no ids the row number is one, as in the reports."""
    old = table("old.csv", "label,prediction", "a,a", "b,b")
    new = table("new.csv", "label,prediction", "a,a", "b,a")
    assert one(command, "2", old, new)["outcome"] == "negative flip"


def test_a_model_beside_saved_predictions(command, models, sample):
    """Each side shows what it has."""
    found = one(command, FLIP, models[0], sample / "new_predictions.csv", models[2])
    assert found["old"]["trace"] is not None
    assert found["new"]["trace"] is None
    assert found["new"]["row"]["prediction"] == found["new"]["answer"] == "two"
    assert found["outcome"] == "negative flip"


def test_the_same_numbers_or_not(command, models):
    """Whether both models saw the same numbers is said."""
    assert "the same numbers for both models" in command("repro", FLIP, *models).out
    done = command("repro", FLIP, *models, "--new-preprocess", "scale=1")
    assert "not the same numbers for both models" in done.out


@pytest.fixture
def report(command, models, tmp_path):
    """A JSON report of the sample models."""
    path = tmp_path / "report.json"
    command("compare", *models, "--json", path)
    return path


def test_sources_from_a_report(command, models, report):
    """A report is enough: the value is that of its sources."""
    assert one(command, FLIP, "--report", report) == one(command, FLIP, *models)
    value = flipcheck.Report.load(report)
    assert flipcheck.repro(FLIP, report=value).outcome == "negative flip"


def test_every_kind_of_source_from_a_report(command, sample, tmp_path, table):
    """Models with data of their own, saved predictions and labels of their own are found again."""
    models = sample / "old.onnx", sample / "new.onnx"
    both = tmp_path / "copy"
    shutil.copytree(sample / "images", both)
    labels = table(
        "l.csv", "id,label",
        *(f"{path.parent.name}/{path.name},{path.parent.name}"
          for path in sorted(both.glob("*/*.png"))),
    )  # fmt: skip
    saved = sample / "old_predictions.csv", sample / "new_predictions.parquet"
    calls = [
        (*models, "--old-data", sample / "images", "--new-data", both),
        saved,
        (*saved, "--labels", labels),
        (saved[0], models[1], both),
        (*models, both, "--labels", labels),
    ]
    for number, call in enumerate(calls):
        path = tmp_path / f"{number}.json"
        assert command("compare", *call, "--json", path).status == 0
        assert one(command, FLIP, "--report", path) == one(command, FLIP, *call)


def test_the_columns_of_a_report_are_known_from_it(command, sample, tmp_path):
    """What a report slices by is known from it."""
    path = tmp_path / "r.json"
    saved = sample / "old_predictions.csv", sample / "new_predictions.csv"
    command("compare", *saved, "--by", "ink", "--by", "class,ink", "--json", path)
    assert one(command, FLIP, "--report", path)["outcome"] == "negative flip"


def test_the_image_of_saved_predictions(command, sample):
    """A folder of images beside saved predictions says which file it is."""
    saved = sample / "old_predictions.csv", sample / "new_predictions.csv"
    found = one(command, FLIP, *saved, sample / "images")
    assert found["example"]["size"] == "8 x 8 pixels"


def test_a_broken_picture_of_saved_predictions(command, table, tmp_path):
    """A picture that cannot be read is said to be so: the predictions are there all the same."""
    (tmp_path / "images" / "a").mkdir(parents=True)
    (tmp_path / "images" / "a" / "0.png").write_bytes(b"broken")
    path = table("p.csv", "id,prediction", "a/0.png,a")
    found = one(command, "a/0.png", path, path, tmp_path / "images")
    assert found["example"]["problem"] == "not an image that Pillow knows"


@pytest.mark.parametrize("change", ["model", "data", "predictions"])
def test_sources_that_changed_since_the_report(command, sample, tmp_path, change):
    """Another file than the report's is refused: it would explain nothing."""
    for name in ("old.onnx", "new.onnx", "old_predictions.csv", "new_predictions.csv"):
        shutil.copy(sample / name, tmp_path / name)
    shutil.copytree(sample / "images", tmp_path / "images")
    kinds = {"predictions": ("old_predictions.csv", "new_predictions.csv")}
    names = kinds.get(change, ("old.onnx", "new.onnx", "images"))
    path = tmp_path / "r.json"
    command("compare", *(tmp_path / name for name in names), "--json", path)
    if change == "model":
        shutil.copy(sample / "old.onnx", tmp_path / "new.onnx")
    elif change == "data":
        (tmp_path / "images" / "one" / "extra.png").write_bytes(
            (tmp_path / "images" / FLIP).read_bytes()
        )
    else:
        with (tmp_path / "new_predictions.csv").open("a") as file:
            file.write("\n")
    done = command("repro", FLIP, "--report", path)
    assert done.status == 2
    assert "not those of the report any more" in done.err


def test_options_are_those_of_the_report(command, models, tmp_path):
    """What was asked for need not be asked for again; what is asked otherwise is an error."""
    path = tmp_path / "r.json"
    command("compare", *models, "--new-preprocess", "scale=1", "--json", path)
    direct = one(command, FLIP, *models, "--new-preprocess", "scale=1")
    assert one(command, FLIP, "--report", path) == direct
    done = command("repro", FLIP, "--report", path, "--new-preprocess", "scale=2")
    assert done.status == 2
    assert "made with other options" in done.err
    assert "new preprocess" in done.err


def test_an_answer_that_is_another_than_the_reports(command, table, tmp_path):
    """Labels that decide otherwise than in the report are found out."""
    old, new = (table(f"{name}.csv", "id,label,prediction", "x,a,a", f"y,b,{answer}")
                for name, answer in (("old", "b"), ("new", "a")))  # fmt: skip
    labels = table("l.csv", "id,label", "x,a", "y,a")
    path = tmp_path / "r.json"
    command("compare", old, new, "--json", path)
    assert command("repro", "y", "--report", path).status == 0
    done = command("repro", "y", "--report", path, "--labels", labels)
    assert done.status == 2
    assert "is a negative flip 'b' → 'a' in the report" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x"], "an example of what?"),
        (["x", "old.onnx"], "an example of what?"),
        (["x", "nowhere.csv", "nowhere.csv"], "no such file"),
        (["x", "--report", "nowhere.json"], "no such file"),
    ],
)
def test_what_is_missing(command, arguments, message):
    """Exit 2 with what to give."""
    done = command("repro", *arguments)
    assert done.status == 2
    assert message in done.err


def test_a_file_of_json(command, models, tmp_path):
    """--json PATH writes the file beside the text, and never one of the sources."""
    done = command("repro", FLIP, *models, "--json", tmp_path / "one.json")
    assert done.out.startswith(" NEGATIVE FLIP ")
    assert json.loads((tmp_path / "one.json").read_text())["format"] == "flipcheck.repro/1"
    command("compare", *models, "--json", tmp_path / "r.json")
    for sources in (models, ("--report", tmp_path / "r.json")):
        before = models[0].read_bytes()
        done = command("repro", FLIP, *sources, "--json", models[0])
        assert done.status == 2
        assert "would be overwritten" in done.err
        assert models[0].read_bytes() == before


def test_hostile_names_and_values_are_shown_as_text(command, table):
    """No control character, markup or command of a file reaches the terminal."""
    rows = ['"::error::[red]x\x1b[31m",a,b,"\x07|"']
    path = table("p.csv", "id,label,prediction,note", *rows)
    done = command("repro", "::error::[red]x\x1b[31m", path, path)
    assert done.status == 0
    assert "\x1b" not in done.out
    assert "\x07" not in done.out
    assert not any(line.startswith("::") for line in done.out.splitlines())


def test_the_call_refuses_what_decides_no_answer(sample):
    """Options of gates and statistics say nothing about one example."""
    with pytest.raises(FlipcheckError, match="no option 'resamples'"):
        flipcheck.repro("x", sample / "old.onnx", sample / "new.onnx", resamples=3)
