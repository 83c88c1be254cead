"""`flipcheck plan`: what it answers, as text, JSON and HTML, and what it refuses."""

from __future__ import annotations

import json

import pytest

import flipcheck
from flipcheck.errors import UsageError


def test_the_examples_that_a_gate_needs(command):
    """The answer is the first sentence: the stable number for the power."""
    done = command("plan", "--max-nfr", "1%", "--nfr", "0.5%")
    assert done.status == 0
    assert done.out.startswith("2,185 examples are enough: with them negative_flip_rate <= 1%")
    assert "1,941   2,185      2,546   2,784" in done.out
    assert "Even without any flip it takes 299." in done.out


def test_without_an_assumed_rate_there_is_a_table(command):
    """Rates below the limit are to pass, rates beyond it to fail."""
    done = command("plan", "--max-nfr", "1%")
    rows = [line.split() for line in done.out.splitlines()]
    assert ["0.25%", "pass", "773", "773", "913", "1,049"] in rows
    assert ["2%", "fail", "905", "1,015", "1,235", "1,349"] in rows


def test_another_power_is_a_column_of_its_own(command):
    """Beside 80% and 90%; the answer is the one asked for."""
    done = command("plan", "--max-nfr", "1%", "--nfr", "0.1%", "--power", "95%")
    assert "95% power" in done.out
    assert "passes 95% of the" in done.out


def test_what_a_set_can_decide(command):
    """With 5,000 examples: counts, the smallest detectable rate, and chances."""
    done = command("plan", "--max-nfr", "1%", "--examples", "5000")
    text = " ".join(done.out.split())
    assert "passes with at most 38 negative flips and fails with at least 63" in text
    assert "smallest negative flip rate that it detects as beyond the limit is 1.39%" in text
    assert "It passes true values up to 0.674% with 80% power." in text
    assert "0.75% 57.5% 42.5% <0.1%" in text


def test_a_set_that_can_decide_nothing(command):
    """With 298 examples a limit of 1% can never pass; with one more it can."""
    few = command("plan", "--max-nfr", "1%", "--examples", "298")
    assert "can never pass: it takes 299 or more" in " ".join(few.out.split())
    more = command("plan", "--max-nfr", "1%", "--examples", "299")
    assert "passes with at most 0 negative flips" in " ".join(more.out.split())


def test_a_set_alone(command):
    """Without a gate: what no flip shows, and which rate shows one."""
    done = command("plan", "--examples", "3000", "--power", "95%")
    assert "a rate is at most 0.0998%" in " ".join(done.out.split())


def test_limits_from_below(command):
    """`BTC >= 98%` counts the right answers of the old model, and mirrors `<= 2%` of the rest."""
    done = command("plan", "--gate", "backward_trust_compatibility >= 98%", "--examples", "5000")
    text = " ".join(done.out.split())
    assert "With 5,000 right answers of the old model" in text
    mirrored = command("plan", "--max-nfr", "2%", "--examples", "5000").out
    counts = [line.split()[2:] for line in mirrored.splitlines() if " pass " in line]
    assert counts == [line.split()[2:] for line in done.out.splitlines() if " pass " in line]
    assert "passes with at least 4,917" in text


def test_the_error_rate_change(command):
    """Tango's sizes, for given flips and for a table of them."""
    given = command("plan", "--max-error-increase", "0.5%", "--nfr", "1%", "--pfr", "1%")
    assert given.out.startswith("5,131 examples are enough")
    assert "7,068" in given.out
    table = command("plan", "--max-error-increase", "0.5%")
    assert "0 pp (1% broken, 1% mended)" in table.out
    assert "(50% broken, 50% mended)" in command("plan", "--max-error-increase", "60%").out
    better = command("plan", "--max-error-increase", "0", "--nfr", "1%", "--pfr", "3%")
    assert "−2 pp (1% broken, 3% mended)" in better.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--max-nfr", "1%", "--nfr", "1%"), "No number of examples decides"),  # at the limit
        (("--max-nfr", "1e-300"), "No number of examples decides"),  # a limit like none
        (("--max-nfr", "1e-300", "--examples", "5"), "can never pass."),
        (("--max-nfr", "99.9%"), "1 1 1 1"),  # one example is enough
        (("--max-nfr", "1%", "--examples", "1000000000"), "passes with at most 9,99"),
        (("--max-error-increase", "1%", "--nfr", "3%", "--pfr", "1%"), "fails 80% of the"),
    ],
)
def test_the_ends_of_what_can_be_asked(command, arguments, text):
    """Each is answered in a sentence."""
    done = command("plan", *arguments)
    assert done.status == 0, done.err
    assert text in " ".join(done.out.split())


def test_clusters_multiply(command):
    """Clusters of 10 with an ICC of .3 need 3.7 times the examples."""
    done = command(
        "plan", "--max-nfr", "1%", "--nfr", "0.5%", "--cluster-size", "10", "--icc", "0.3"
    )
    assert done.out.startswith("8,085 examples are enough")  # 2,185 · 3.7
    assert "need 3.7 times the examples" in " ".join(done.out.split())


def test_json_is_a_format_of_its_own(command):
    """The same numbers, and the answer on standard error."""
    done = command("plan", "--max-nfr", "1%", "--examples", "5000", "--json", "-")
    written = json.loads(done.out)
    assert written["format"] == "flipcheck.plan/1"
    gate = written["gates"][0]
    assert gate["gate"] == "negative_flip_rate <= 1%"
    assert gate["decides"]["passing_count"] == 38
    assert gate["decides"]["failing_count"] == 63
    need = next(
        each for each in gate["needs"] if each["update"]["value"] == 0.005 and each["power"] == 0.8
    )
    assert (need["first"], need["stable"]) == (1941, 2185)
    assert written["settings"]["confidence"] == 0.95
    assert done.err.startswith("With 5,000 examples negative_flip_rate <= 1%")


@pytest.fixture
def pilot(command, sample, tmp_path):
    """The JSON report of the sample's update, by ink."""
    path = tmp_path / "pilot.json"
    sides = (sample / f"{side}_predictions.csv" for side in ("old", "new"))
    command("compare", *sides, "--by", "ink", "--json", path)
    return path


def test_gate_lint(command, pilot, tmp_path):
    """Gates together, each of them, findings; the same bytes again, in all three forms."""
    asked = (
        "plan",
        "--pilot",
        pilot,
        "--max-nfr",
        "5%",
        "--gate",
        "negative_flip_rate <= 8% by ink",
    )
    asked += ("--audits", 2000)
    files = [tmp_path / name for name in ("1.json", "2.json", "1.html", "2.html")]
    one = command(*asked, "--json", files[0], "--html", files[2])
    two = command(*asked, "--json", files[1], "--html", files[3])
    assert one.status == 0, one.err
    assert one.out.startswith("With 540 examples the 2 gates together pass ")
    assert "exactly at the limit of negative_flip_rate <= 5%" in " ".join(one.out.split())
    assert one.out == two.out
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[2].read_bytes() == files[3].read_bytes()
    written = json.loads(files[0].read_text("utf-8"))["lint"]
    for each in written["scenarios"]:
        for odds in (each["together"], *each["gates"]):
            assert odds["passed"] + odds["undecided"] + odds["failed"] == pytest.approx(1)
    assert max(map(len, one.out.splitlines())) <= 80


def test_lint_says_how_many_examples_to_draw(command, pilot):
    """--examples plans a set of another size than the pilot's."""
    done = command(
        "plan", "--pilot", pilot, "--max-nfr", "5%", "--examples", "20000", "--audits", "500"
    )
    assert done.out.startswith("With 20,000 examples the gate passes 100% of good updates")


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        ((), ["flipcheck plan"]),  # nothing: help
        (("--power", "80%"), ["nothing to plan"]),
        (("--max-nfr", "1%", "--nfr", "one"), ["cannot read the share 'one' of --nfr"]),
        (
            ("--max-nfr", "1%", "--nfr", "150%", "--icc", "2", "--examples", "0"),
            [
                "--nfr 1.5 is",
                "--icc 2.0 is",
                "--examples 0 is",
                "give --cluster-size and --icc",
            ],  # all at once
        ),
        (("--max-nfr", "1%", "--power", "100%"), ["--power 1.0 is out of range"]),
        (("--max-nfr", "1%", "--confidence", "2"), ["a confidence of 2"]),
        (("--max-nfr", "0"), ["no number of examples could ever show that it holds"]),
        (("--max-error-increase", "0"), ["give --nfr and --pfr"]),
        (("--max-error-increase", "1%", "--nfr", "1%"), ["or neither"]),
        (("--gate", "relative_negative_flip_rate <= 0.5"), ["give a --pilot"]),
        (("--max-nfr", "1%", "--decide", "point"), ["an estimate alone decides"]),
        (("--max-nfr", "1%", "--icc", "0.1"), ["give --cluster-size and --icc"]),
        (("--max-nfr", "1%", "--cluster-size", "9"), ["give --cluster-size and --icc"]),
        (("--max-nfr", "1%", "--audits", "500"), ["--audits: only with a --pilot"]),
        (("--max-nfr", "1%", "--audits", "0"), ["--audits 0 is", "from 1 to 1,000,000"]),
        (("--max-nfr", "1%", "--pfr", "1%"), ["--pfr: no gate to plan is about positive"]),
        (("--examples", "500", "--nfr", "1%"), ["--nfr: no gate to plan is about negative"]),
        (("--examples", "-5"), ["--examples -5 is", "from 1 to 1,000,000,000"]),
        (("--gate", "expected_cost <= 0.1"), ["which no plan knows"]),
        (("--pilot", "no.json", "--max-nfr", "1%"), ["no.json: no such file"]),
        (("--gate", "negativ_flip_rate <= 1%"), ["did you mean 'negative_flip_rate'?"]),
    ],
)
def test_what_cannot_be_planned_is_one_message(command, arguments, messages):
    """Exit 2, and nothing on standard output but help."""
    done = command("plan", *arguments)
    if not arguments:
        assert messages[0] in done.out + done.err
        return
    assert done.status == 2
    assert done.err.startswith("error: ")
    for message in messages:
        assert message in done.err
    assert not done.out


def test_a_pilot_without_gates_wants_one(command, pilot):
    """Neither given nor in the report."""
    done = command("plan", "--pilot", pilot)
    assert done.status == 2
    assert "no gate to look at" in done.err


def test_no_output_replaces_the_pilot(command, pilot):
    """The report that is read is not overwritten."""
    done = command("plan", "--pilot", pilot, "--max-nfr", "5%", "--json", pilot)
    assert done.status == 2
    assert "would be overwritten" in done.err


def test_python_has_the_same_plan(command):
    """`flipcheck.plan` returns what the command writes."""
    found = flipcheck.plan("negative_flip_rate <= 1%", nfr="0.5%", power=0.8)
    done = command("plan", "--max-nfr", "1%", "--nfr", "0.5%", "--json", "-")
    assert json.loads(done.out) == json.loads(json.dumps(found.to_dict()))
    assert found.gates[0].needs[0].stable == 2185
    with pytest.raises(UsageError, match="nothing to plan"):
        flipcheck.plan()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"examples": 100.5}, "--examples 100.5 is out of range: a whole number"),
        ({"examples": True}, "--examples True"),
        ({"icc": float("nan"), "cluster_size": 2}, "--icc nan"),
        ({"icc": "0.1", "cluster_size": 2}, "--icc '0.1'"),
        ({"audits": 1.5}, "--audits 1.5"),
        ({"cluster_size": 3}, "give --cluster-size and --icc"),
        ({"power": None}, "--power"),
        ({"nfr": 0.7, "pfr": 0.7}, "more than 100% together"),
    ],
)
def test_python_refuses_what_the_command_does(given, message):
    """No number of another kind is taken for one that it is not."""
    with pytest.raises(UsageError) as caught:
        flipcheck.plan("negative_flip_rate <= 1%", **given)
    assert message in " ".join((caught.value.message, *caught.value.problems))
