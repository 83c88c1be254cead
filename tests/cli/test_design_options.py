"""`--cluster`, `--weight`, `--costs`, `--rerun` and `--bound` on the command line and in Python."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest

import flipcheck
from flipcheck.errors import FlipcheckError
from flipcheck.report import sealed

NAMES = ("cat", "dog", "eel")
HEADER = ("id", "label", "prediction", "user", "w", "region")


@pytest.fixture(scope="module")
def examples():
    """Three hundred examples of thirty users, some of whom the new model fails."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(30):
        for turn in range(10):
            truth, other = rng.choice(NAMES, 2, replace=False).tolist()
            old = truth if rng.random() < 0.9 else other
            new = other if user % 5 == 0 and rng.random() < 0.4 else old
            region = "EU" if user % 3 else "US"
            weight = round(float(rng.lognormal(0, 0.5)), 3)
            rows.append((f"q{turn}x{user}", truth, old, new, f"user{user}", weight, region))
    return rows


@pytest.fixture
def files(tmp_path, examples):
    """A function that writes the examples with these columns; `old` or `new` are predictions."""

    def write(name, *columns, side="old", change=lambda row: row):
        place = {"id": 0, "label": 1, "prediction": 3 if side == "new" else 2}
        place |= {"user": 4, "w": 5, "region": 6}
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in examples:
                changed = change(row)
                writer.writerow([changed[place[each]] for each in columns])
        return path

    return write


@pytest.fixture
def pair_of(files):
    """Old and new predictions that hold all columns."""
    return files("old.csv", *HEADER), files("new.csv", *HEADER, side="new")


@pytest.fixture
def bare(files):
    """Old and new predictions without further columns."""
    return files("old.csv", *HEADER[:3]), files("new.csv", *HEADER[:3], side="new")


def changing(at, place, value):
    """A change of the rows of these ids."""
    return lambda row: (*row[:place], value, *row[place + 1 :]) if row[0] in at else row


@pytest.mark.parametrize("where", ["old", "new", "labels", "data"])
def test_clusters_and_weights_from_any_source_are_the_same(command, files, where):
    """From either side's file, a file of labels or the data: one and the same report."""
    paths = [
        files(f"{side}.csv", *(HEADER if where == side else HEADER[:3]), side=side)
        for side in ("old", "new")
    ]
    if where in {"labels", "data"}:
        labels = files("labels.csv", "id", "label", "user", "w", "region")
        paths += ["--labels", labels] if where == "labels" else [labels]
    options = ["--cluster", "user", "--weight", "w", "--by", "region", "--max-nfr", "90%"]
    done = command("compare", *paths, *options, "--json", "-")
    written = json.loads(done.out)
    assert (written["data"]["clusters"], written["data"]["cluster"]) == (30, "user")
    assert (written["data"]["weighted"], written["data"]["weight"]) == (True, "w")
    own = flipcheck.compare(
        *(files(f"{side}_.csv", *HEADER, side=side) for side in ("old", "new")),
        cluster="user",
        weight="w",
        by="region",
        gates="negative_flip_rate <= 90%",
    ).to_dict()
    for part in ("metrics", "design", "slices", "tests"):
        assert written[part] == json.loads(json.dumps(own[part]))


def test_clusters_widen_intervals_and_say_so(command, pair_of):
    """The report says how the examples were drawn; the interval holds that of rows."""
    plain = flipcheck.compare(*pair_of).metrics["negative_flip_rate"]
    report = flipcheck.compare(*pair_of, cluster="user")
    clustered = report.metrics["negative_flip_rate"]
    assert clustered.interval.low < plain.interval.low < plain.interval.high
    assert plain.interval.high < clustered.interval.high
    assert clustered.design_effect > 2
    assert plain.design_effect is None
    out = command("compare", *pair_of, "--cluster", "user").out
    assert "in 30 clusters by user" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_wider_bound_is_asked_for_by_strict(pair_of):
    """`--bound strict` holds the default interval, and names itself."""
    one, two = (
        flipcheck.compare(*pair_of, cluster="user", weight="w", bound=bound)
        .metrics["negative_flip_rate"]
        .interval
        for bound in ("default", "strict")
    )
    assert one.high < two.high
    assert (one.method, two.method) == (
        "clopper-pearson at the effective size",
        "clopper-pearson at the effective size, strict",
    )
    with pytest.raises(FlipcheckError, match="bound is 'default' or 'strict'"):
        flipcheck.compare(*pair_of, bound="wide")


def test_the_order_of_rows_changes_no_byte(command, pair_of, tmp_path):
    """Sums of weights are taken in the order of ids."""
    options = ["--cluster", "user", "--weight", "w", "--by", "region", "--json"]
    command("compare", *pair_of, *options, tmp_path / "one.json")
    for path in pair_of:
        header, *rows = path.read_text().splitlines()
        order = np.random.default_rng(1).permutation(len(rows))
        path.write_text("\n".join([header, *(rows[row] for row in order)]) + "\n")
    command("compare", *pair_of, *options, tmp_path / "two.json")
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one.json", "two.json"))
    for side in ("old", "new"):
        del one[side]["sha256"], two[side]["sha256"]
    for written in (one, two):
        del written["digest"], written["evidence"]  # which hold the files' own
    assert one == two


@pytest.mark.parametrize(
    ("place", "value", "flag", "told"),
    [
        (4, "", "--cluster user", "1 example without a cluster: 'q3x0'"),
        (5, "", "--weight w", "1 example with a missing, negative or endless weight"),
        (5, "-1", "--weight w", "1 example with a missing, negative or endless weight"),
        (5, "1e99", "--weight w", "1 example with a missing, negative or endless weight"),
        (5, "heavy", "--weight w", "'heavy' is no number"),
    ],
)
def test_what_is_no_cluster_and_no_weight_is_refused(command, files, place, value, flag, told):
    """One clear message, and status 2."""
    old = files("old.csv", *HEADER, change=changing({"q3x0"}, place, value))
    new = files("new.csv", *HEADER[:3], side="new")
    done = command("compare", old, new, *flag.split())
    assert (done.status, done.out) == (2, "")
    assert told in done.err


def test_weights_that_are_all_zero_are_refused(command, files):
    """Then nothing would be compared."""
    old = files("old.csv", *HEADER, change=lambda row: (*row[:5], 0, row[6]))
    done = command("compare", old, files("new.csv", *HEADER[:3], side="new"), "--weight", "w")
    assert done.status == 2
    assert "all weights are 0" in done.err


@pytest.mark.parametrize(
    ("place", "flag", "told"),
    [
        (4, "--cluster user", "column 'user' differs between the sources on 2 examples: 'q0x0'"),
        (5, "--weight w", "weigh 2 examples otherwise: 'q0x0', 'q1x0'"),
    ],
)
def test_sources_that_differ_are_refused(command, files, place, flag, told):
    """Clusters and weights that two files hold must be the same."""
    old = files("old.csv", *HEADER)
    new = files("new.csv", *HEADER, side="new", change=changing({"q0x0", "q1x0"}, place, "77"))
    done = command("compare", old, new, *flag.split())
    assert done.status == 2
    assert told in done.err


@pytest.mark.parametrize("flag", ["--cluster", "--weight"])
def test_a_column_that_is_nowhere_is_refused(command, pair_of, flag):
    """The nearest name is proposed."""
    done = command("compare", *pair_of, flag, "usr")
    assert done.status == 2
    assert f"no source has the column 'usr' ({flag})" in done.err
    assert "did you mean 'user'?" in done.err


def test_arrays_and_archives_hold_clusters_and_weights(examples, tmp_path):
    """From NPZ files and from Python the report is that of tables."""
    table = pd.DataFrame(
        [(*row[:3], *row[4:], row[3]) for row in examples], columns=[*HEADER, "new"]
    )
    paths = []
    for side, answers in (("old", "prediction"), ("new", "new")):
        paths.append(tmp_path / f"{side}.npz")
        np.savez(
            paths[-1],
            ids=table["id"].to_numpy(str),
            labels=table["label"].to_numpy(str),
            predictions=table[answers].to_numpy(str),
            user=table["user"].to_numpy(str),
            w=table["w"].to_numpy(),
        )
    sides = [
        flipcheck.Predictions.from_arrays(
            table[answers], table["label"], ids=table["id"], columns={"user": table["user"]},
            weights=table["w"],
        )
        for answers in ("prediction", "new")
    ]  # fmt: skip
    one, two = (
        flipcheck.compare(*given, cluster="user", weight="w").to_dict() for given in (paths, sides)
    )
    assert one["design"] == two["design"]
    assert one["metrics"] == two["metrics"]
    assert one["data"]["effective_examples"] < 150


@pytest.mark.parametrize(
    "weights", [[1, -1], [1, float("nan")], [0, 0], ["a", "b"], [float("inf"), 1], [1e-99, 1e-99]]
)
def test_arrays_of_weights_are_checked(weights):
    """Wrong values cannot be made."""
    with pytest.raises(FlipcheckError, match="weight"):
        flipcheck.Predictions.from_arrays(["a", "b"], ["a", "b"], weights=weights)


# --- reasons -------------------------------------------------------------------------------------


def repeated(times, answers):
    """Predictions of users who answer alike, so many times as many of them."""
    ids = [f"{copy}-{row}" for copy in range(times) for row in range(len(answers))]
    users = [f"{copy}-{row // 5}" for copy in range(times) for row in range(len(answers))]
    weights = [1.0 + (row % 3) for _ in range(times) for row in range(len(answers))]
    return flipcheck.Predictions.from_arrays(
        list(answers) * times,
        ["a"] * len(ids),
        ids=ids,
        columns={"user": users},
        weights=weights,
    )


KINDS = {
    "clusters": {"cluster": "user"},
    "weights": {"weight": "w"},
    "both": {"cluster": "user", "weight": "w"},
    "neither": {},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "gate", ["negative_flip_rate <= {}%", "error_rate_change <= 10%", "error_ratio <= 3"]
)
def test_as_many_examples_as_are_said_decide_a_gate(kind, gate):
    """The test set repeated to the number told is decided; with a third less it is not."""
    old = ["a"] * 93 + ["b"] * 7
    new = (["b"] * 3 + ["a"] * 2) + ["a"] * 80 + ["b", "a", "a", "a", "a"] + ["b"] * 10

    gate = gate.format(17 if "cluster" in KINDS[kind] else 8)

    def judged(times):
        report = flipcheck.compare(
            repeated(times, old), repeated(times, new), gates=gate, resamples=0, **KINDS[kind]
        )
        return report.gates[0]

    first = judged(1)
    assert first.verdict == "inconclusive"
    unit = "clusters" if "cluster" in KINDS[kind] else "examples"
    assert f" {unit} would decide it" in first.reason
    times = first.needed / 100
    assert judged(int(np.ceil(times * 1.02))).verdict != "inconclusive"
    if times > 2:
        assert judged(int(times * 0.6)).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("clusters", "verdict", "told"),
    [
        (60, "inconclusive", "with the best of outcomes that takes 61 clusters"),
        (61, "pass", ""),
    ],
)
def test_as_many_clusters_as_are_said_can_pass(clusters, verdict, told):
    """Without a flip it is clusters that count, however many examples they hold."""
    ids = [f"{cluster}-{row}" for cluster in range(clusters) for row in range(20)]
    side = flipcheck.Predictions.from_arrays(
        ["a"] * len(ids),
        ["a"] * len(ids),
        ids=ids,
        columns={"user": [each.split("-")[0] for each in ids]},
    )
    report = flipcheck.compare(side, side, cluster="user", gates="negative_flip_rate <= 4.95%")
    assert report.gates[0].verdict == verdict
    assert told in report.gates[0].reason


# --- costs and reruns ----------------------------------------------------------------------------


def test_costs_decide_a_gate(command, bare, tmp_path):
    """The expected cost is the mean cost of all examples, and its gate is judged."""
    costs = tmp_path / "costs.json"
    costs.write_text('{"cat": {"dog": 5}, "*": {"*": 1}}')
    done = command(
        "compare", *bare, "--costs", costs, "--gate", "expected_cost <= 2", "--json", "-"
    )
    written = json.loads(done.out)
    old, new = (pd.read_csv(path) for path in bare)
    flips = (old["prediction"] == old["label"]) & (new["prediction"] != new["label"])
    dear = flips & (old["prediction"] == "cat") & (new["prediction"] == "dog")
    assert done.status == 0
    assert written["metrics"]["expected_cost"]["value"] == pytest.approx(
        (flips.sum() + 4 * dear.sum()) / len(old)
    )
    assert written["costs"]["largest"] == 5
    assert written["metrics"]["negative_flip_rate"]["interval"]["method"] == "clopper-pearson"


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("expected_cost <= 1", "bring a cost matrix with --costs"),
        ("excess_negative_flip_rate <= 1%", "bring them with --rerun"),
    ],
)
def test_gates_on_what_was_not_brought_are_refused(command, bare, gate, told):
    """A gate that cannot be judged never passes."""
    done = command("compare", *bare, "--gate", gate)
    assert done.status == 2
    assert told in done.err


def test_costs_need_answers_and_every_pair(command, bare, table):
    """Where sources tell only right from wrong, or a pair has no cost, nothing is guessed."""
    costs = table("costs.csv", "old,new,cost", "cat,dog,5")
    done = command("compare", *bare, "--costs", costs)
    assert done.status == 2
    assert "no cost for" in done.err
    verdicts = table("v.csv", "id,correct", "1,1", "2,0")
    done = command("compare", verdicts, verdicts, "--costs", costs)
    assert done.status == 2
    assert "needs both models' answers" in done.err


def test_one_rerun_is_the_difference_of_two_flip_rates(command, bare, files):
    """The excess is NFR less the rerun's, and the report tells of the rerun."""
    again = files("again.csv", *HEADER[:3], change=changing({"q0x1", "q1x1", "q2x1"}, 2, "cow"))
    done = command(
        "compare", *bare, "--rerun", again,
        "--gate", "excess_negative_flip_rate <= 50%", "--json", "-",
    )  # fmt: skip
    written = json.loads(done.out)
    assert done.status == 0
    value = written["metrics"]["negative_flip_rate"]["value"] - written["reruns"][0]["rate"]
    assert written["metrics"]["excess_negative_flip_rate"]["value"] == pytest.approx(value)
    assert written["reruns"][0]["negative_flips"] in {2, 3}
    assert written["metrics"]["excess_negative_flip_rate"]["interval"]["method"] == "tango"


def test_reruns_speak_the_old_sides_language(command, files):
    """The old side's label map and classes are those of its reruns."""

    def upper(row):
        return (row[0], row[1], row[2].upper(), *row[3:])

    old = files("old.csv", "id", "prediction", change=upper)
    again = files("again.csv", "id", "prediction", change=upper)
    new = files("new.csv", *HEADER[:3], side="new")
    names = json.dumps({name.upper(): name for name in NAMES})
    done = command("compare", old, new, "--rerun", again, "--old-label-map", names, "--json", "-")
    assert json.loads(done.out)["reruns"][0]["negative_flips"] == 0
    assert "the same file as the old side" in done.out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("other examples", "300 examples of"),
        ("numbers", "and the labels are"),
        ("a model", "a model, where saved predictions should be"),
        ("twice", "one and the same run"),
        ("nothing", "no such file"),
    ],
)
def test_what_is_no_rerun_is_refused(command, bare, files, tmp_path, content, told):
    """Its flips would pass for noise."""
    path = tmp_path / "rerun.csv"
    if content == "other examples":
        files("rerun.csv", *HEADER[:3], change=lambda row: (f"z{row[0]}", *row[1:]))
    elif content == "numbers":
        files(
            "rerun.csv", "id", "prediction",
            change=lambda row: (*row[:2], NAMES.index(row[2]), *row[3:]),
        )  # fmt: skip
    elif content == "a model":
        path = tmp_path / "old.onnx"
        path.write_bytes(b"")
    elif content == "twice":
        files("rerun.csv", *HEADER[:3])
    more = ["--rerun", path] if content == "twice" else []
    done = command("compare", *bare, "--rerun", path, *more)
    assert done.status == 2
    assert told in done.err


def test_answers_that_a_rerun_lacks_are_told(command, bare, files):
    """A gap counts as wrong, and so as noise."""
    again = files("again.csv", *HEADER[:3], change=changing({"q0x1", "q1x1"}, 2, ""))
    out = command("compare", *bare, "--rerun", again).out
    assert "2 examples without an answer, counted as wrong" in " ".join(out.split())


# --- reports -------------------------------------------------------------------------------------


@pytest.fixture
def everything(pair_of, files, tmp_path):
    """The options of an audit with all that this file is about."""
    costs = tmp_path / "costs.json"
    costs.write_text('{"cat": {"dog": 5}, "*": {"*": 1}}')
    again = files("again.csv", *HEADER[:3], change=changing({"q0x1", "q1x1", "q2x1"}, 2, "eel"))
    options = ["--cluster", "user", "--weight", "w", "--by", "region", "--costs", costs]
    return [*pair_of, *options, "--rerun", again]


GATES = [
    "negative_flip_rate <= 20%",
    "expected_cost <= 0.6",
    "excess_negative_flip_rate <= 20% by region",
    "error_rate_change <= 12% by region",
    "win_loss_ratio >= 0.001",
    "backward_trust_compatibility >= 90% where region=EU",
    "error_ratio <= 4",
]


@pytest.mark.parametrize("bound", ["default", "strict"])
def test_gates_judged_again_are_the_same_bytes(command, everything, tmp_path, bound):
    """`render` with the same gates gives the JSON and the HTML of `compare`."""
    gates = [part for gate in GATES for part in ("--gate", gate)]
    one, two, three = (tmp_path / f"{name}.json" for name in "123")
    pages = [tmp_path / "1.html", tmp_path / "2.html"]
    whole = ["--bound", bound, "--json", one, "--html", pages[0]]
    first = command("compare", *everything, *gates, *whole)
    again = command("render", one, *gates, "--json", two, "--html", pages[1])
    assert first.status == again.status
    assert one.read_bytes() == two.read_bytes()
    assert pages[0].read_bytes() == pages[1].read_bytes()
    command("compare", *everything, "--bound", bound, "--json", three)  # and without gates at first
    command("render", three, *gates, "--json", two)
    assert one.read_bytes() == two.read_bytes()


def test_every_report_tells_how_the_examples_were_drawn(command, everything, tmp_path):
    """In the terminal within 80 columns, in Markdown and in HTML; no NaN in JSON."""
    paths = {name: tmp_path / f"r.{name}" for name in ("json", "html", "markdown")}
    out = command(
        "compare", *everything, *(part for name in paths for part in (f"--{name}", paths[name]))
    ).out
    assert max(map(len, out.splitlines())) <= 80
    for text in (out, paths["html"].read_text(), paths["markdown"].read_text()):
        told = " ".join(text.split())
        for part in ("30 clusters by user", "weighted by w", "expected cost", "again.csv"):
            assert part in told
    assert "NaN" not in paths["json"].read_text()
    frame = flipcheck.Report.load(paths["json"]).to_frame()
    assert frame.loc["expected_cost", "value"] > 0
    assert frame.loc["excess_negative_flip_rate", "low"] < 1


@pytest.mark.parametrize("at", ["costs.json", "again.csv"])
def test_inputs_are_not_overwritten(command, everything, tmp_path, at):
    """No report takes the place of a cost matrix or a rerun."""
    before = (tmp_path / at).read_bytes()
    done = command("compare", *everything, "--json", tmp_path / at)
    assert done.status == 2
    assert (tmp_path / at).read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a", "a"),  # one example
        ("a", "b"),  # one flip
        ("b", "a"),
        ("aaaaaa", "bbbbbb"),  # all flip
        ("aaaaaa", "aaaaaa"),  # none does
        ("bbbbbb", "bbbbbb"),  # no right answer
        ("aaaaab", "aaaaaa"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_undefined_metrics_are_null(old, new, kind):
    """None in Python and null in JSON, never NaN, whatever the design; and no warning."""
    count = len(old)
    sides = [
        flipcheck.Predictions.from_arrays(
            list(answers),
            ["a"] * count,
            columns={"user": [row // 2 for row in range(count)]},
            weights=[1.0 + row % 2 for row in range(count)],
        )
        for answers in (old, new)
    ]
    report = flipcheck.compare(
        *sides, costs={("*", "*"): 1.0}, rerun=sides[0], resamples=50, by=(),
        gates=["negative_flip_rate <= 1%", "expected_cost <= 0.1", "error_ratio <= 1"],
        **KINDS[kind],
    )  # fmt: skip
    text = json.dumps(report.to_dict(), allow_nan=False)
    assert flipcheck.Report.from_dict(json.loads(text)).to_dict() == report.to_dict()
    for estimate in report.metrics.values():
        if estimate.available:
            assert (estimate.value is None) == (estimate.interval is None)
    assert all(each.verdict != "pass" for each in report.gates[:2])


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.update(used=[99]),
        lambda d: d.update(used=[0, 0]),
        lambda d: d.update(used=["a"]),
        lambda d: d["sums"].pop(),
        lambda d: d.update(sums=[-1.0] * len(d["sums"])),
        lambda d: d.update(sums=[2 * each for each in d["sums"]]),
        lambda d: d["products"].pop(),
        lambda d: d.update(products="many"),
        lambda d: d["squares"].append(1.0),
        lambda d: d.update(supports=[[1, 0.5]]),
        lambda d: d.update(supports=[[1 << 40, 1]]),
        lambda d: d.update(supports=[[-1, 1]]),
        lambda d: d.update(supports=[1, 2, 3]),
        lambda d: d.update(supports=[]),  # sums over no unit at all
        lambda d: d.pop("largest"),
        lambda d: d.update(ceiling=None),
        lambda d: d.update(ceiling=10**400),
    ],
)
def test_a_damaged_design_is_an_input_error(pair_of, damage):
    """No damage gives a report with wrong numbers, or a traceback."""
    written = flipcheck.compare(*pair_of, cluster="user", resamples=0).to_dict()
    damage(written["design"])
    with pytest.raises(FlipcheckError, match="a damaged report"):
        flipcheck.Report.from_dict(sealed(written))


def test_a_slice_without_weight_is_undefined_and_passes_no_gate():
    """Examples that count for nothing show nothing."""
    sides = [
        flipcheck.Predictions.from_arrays(
            answers,
            ["a"] * 60,
            columns={"part": ["x"] * 30 + ["y"] * 30, "user": [row // 3 for row in range(60)]},
            weights=[0.0] * 30 + [1.0, 2.0, 1.0] * 10,
        )
        for answers in (["a"] * 60, ["a"] * 29 + ["b"] + ["a"] * 30)
    ]
    for kind in ({"weight": "w"}, {"weight": "w", "cluster": "user"}):
        report = flipcheck.compare(*sides, gates="negative_flip_rate <= 40% by part", **kind)
        assert [each.verdict for each in report.gates] == ["inconclusive", "pass"]
        assert report.slices[0].metrics["negative_flip_rate"].value is None
        assert report.slices[0].metrics["negative_flip_rate"].interval is None
        assert report.metrics["negative_flip_rate"].value == 0  # the only flip weighs nothing
        again = flipcheck.Report.from_dict(
            json.loads(json.dumps(report.to_dict(), allow_nan=False))
        )
        assert again == report
