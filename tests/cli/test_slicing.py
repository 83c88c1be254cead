"""Slices, quantiles and discovery on the command line, and how the reports tell of them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest


@pytest.fixture
def files(table):
    """Old and new predictions of 3,000 examples: what breaks is on tablets in the EU."""
    rng = np.random.default_rng(6)
    region, device = rng.choice(["EU", "US"], 3_000), rng.choice(["phone", "tablet", "tv"], 3_000)
    broken = rng.random(3_000) < np.where((region == "EU") & (device == "tablet"), 0.2, 0.01)
    ages = rng.integers(0, 90, 3_000)
    label = np.where(rng.random(3_000) < 0.5, "cat", "dog")
    other = np.where(label == "cat", "dog", "cat")
    paths = []
    for side, answers in (("old", label), ("new", np.where(broken, other, label))):
        columns = (np.arange(3_000), label, answers, region, device, ages)
        rows = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
        header = "id,label,prediction,region,device,age"
        paths.append(table(f"{side}.csv", header, *rows))
    return paths


DISCOVER = ("--by", "region,device", "--by", "age", "--discover")


@pytest.mark.parametrize("confirm", [(), ("--confirm", "split")])
def test_discovery_is_told_in_every_report(command, files, tmp_path, confirm):
    """The one place, how it compares, and what to look at next; the JSON renders the same."""
    paths = {name: tmp_path / f"r.{name}" for name in ("json", "html", "markdown")}
    outputs = [part for name, path in paths.items() for part in (f"--{name}", path)]
    done = command("compare", *files, *DISCOVER, *confirm, *outputs)
    assert done.status == 0, done.err
    found = json.loads(paths["json"].read_text("utf-8"))["discovery"]
    (first,) = found["found"]
    assert first["where"] == [
        {"by": "region", "value": "EU"},
        {"by": "device", "value": "tablet"},
    ]
    assert first["negative_flip_rate"] == pytest.approx(first["negative_flips"] / first["examples"])
    section = done.out.split("Where flips concentrate\n")[1].split("\n\n")[0]
    assert f"searched {found['candidates']} slices of 50 or more examples, by" in section
    assert "region = EU, device = tablet" in section
    assert ("confirmed by the other" in section) == bool(confirm)
    next_line = " ".join(done.out.split("Next  ")[1].split())
    assert next_line.startswith(
        "Negative flips concentrate where region is EU and device is tablet: look"
    )
    assert "| `region = EU`, `device = tablet` |" in paths["markdown"].read_text("utf-8")
    assert "<td>region = EU, device = tablet</td>" in paths["html"].read_text("utf-8")
    again = command("render", paths["json"]).out
    assert again.split("Next  ")[0] == done.out.split("Next  ")[0]  # which names the files


def test_a_search_that_finds_nothing_says_so(command, flipped, table):
    """No finding is not the same as no search."""
    rows = [f"{row},{'xy'[row % 2]},{'xy'[row % 2]}" for row in range(400)]
    old, new = (table(name, "id,label,prediction", *rows) for name in ("one.csv", "two.csv"))
    new.write_text(new.read_text().replace("\n7,y,y", "\n7,y,x").replace("\n8,x,x", "\n8,x,y"))
    done = command("compare", old, new, "--discover")
    assert "nothing found: flips concentrate nowhere" in done.out
    done = command("compare", *flipped(right=500, broken=3))
    assert "Where flips concentrate" not in done.out


def test_crossed_columns_are_read_from_files_and_judged(command, files):
    """--by, `by` and `where` read the columns between the commas, the class among them."""
    gates = ("--gate", "negative_flip_rate <= 9% by region,device",
             "--gate", "negative_flip_rate <= 9% where class,region=cat,US")  # fmt: skip
    done = command("compare", *files, *gates, "--json", "-")
    assert done.status == 1, done.err
    verdicts = {tuple(each["slice"].values()): each["verdict"]
                for each in json.loads(done.out)["gates"]}  # fmt: skip
    assert verdicts[("region,device", "EU,tablet")] == "fail"
    assert verdicts[("class,region", "cat,US")] == "pass"
    assert list(verdicts.values()).count("pass") == 6


def test_a_file_whose_column_has_a_comma_is_sliced_by_it(command, table):
    """The very name wins over the columns between its commas."""
    rows = [f'{row},a,a,{row % 2},"x{row % 3}"' for row in range(30)]
    path = table("p.csv", 'id,label,prediction,a,"a,b"', *rows)
    done = command("compare", path, path, "--by", "a,b", "--json", "-")
    assert [part["value"] for part in json.loads(done.out)["slices"]] == ["x0", "x1", "x2"]


def test_a_missing_one_of_crossed_columns_is_named(command, files):
    """The error is about the column that is not there, and names the nearest."""
    done = command("compare", *files, "--by", "region,devise")
    assert done.status == 2
    assert "no source has the column 'devise' (--by)" in done.err
    assert "did you mean 'device'?" in done.err


def test_predict_keeps_both_of_crossed_columns(command, sample, tmp_path):
    """What is saved is the columns, which compare crosses."""
    pixels = np.zeros((2, 1, 8, 8), np.float32)
    np.savez(tmp_path / "d.npz", image=pixels, y=["one", "two"], a=["x", "y"], b=["u", "v"])
    out = tmp_path / "p.csv"
    done = command("predict", sample / "old.onnx", tmp_path / "d.npz", "--by", "a,b", "-o", out)
    assert done.status == 0, done.err
    assert out.read_text("utf-8").splitlines()[0].replace('"', "").endswith("a,b,confidence")


def test_slices_too_small_to_judge_are_listed_as_such(command, files, tmp_path):
    """Neither waited for nor failed; each report counts them."""
    gate = ("--gate", "negative_flip_rate <= 30% by region,device", "--min-slice", "500")
    page = tmp_path / "r.html"
    done = command("compare", *files, *gate, "--markdown", tmp_path / "r.md", "--html", page)
    assert done.status == 0
    judged = len(re.findall("✓ pass", done.out))
    small = 6 - judged
    assert 0 < judged < 6
    assert f"passes the gate on {judged} of 6 slices" in done.out
    assert len(re.findall("– too small", done.out)) == small
    told = f"{small} slice{'s' if small > 1 else ''} of fewer than 500 examples: too small to judge"
    assert told in done.out
    assert told in (tmp_path / "r.md").read_text("utf-8")
    assert told in page.read_text("utf-8")
    assert command("compare", *files, *gate[:3], "1500").status == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--confirm", "split"], "--confirm judges what --discover finds"),
        (["--confirm", "half"], "'half' is not"),
        (["--quantiles", "1"], "quantiles is 1"),
        (["--min-slice", "-1"], "--min-slice"),
        (["--discover", "--confidence", "0.9999"], "cannot find anything"),
    ],
)
def test_options_that_cannot_be_are_refused(command, flipped, arguments, message):
    """One clear message, exit 2."""
    done = command("compare", *flipped(right=9, broken=1), *arguments)
    assert done.status == 2
    assert message in done.err


def test_discovery_without_columns_and_labels_is_an_error(command, table):
    """The data's own verdicts alone have nothing to search in."""
    path = table("p.csv", "id,correct", "1,1", "2,0")
    done = command("compare", path, path, "--correct", "correct", "--discover")
    assert done.status == 2
    assert "no column and no true class" in done.err
    assert "--by" in done.err


def test_a_search_of_nothing_does_not_say_that_nothing_was_found(command, flipped):
    """Where there is but one slice, or none is large enough, no search was made."""
    done = command("compare", *flipped(right=500, broken=5), "--discover")
    assert "nothing was searched: no slice of 50 or more examples beside others" in done.out
    assert "nothing found" not in done.out
