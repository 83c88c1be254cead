"""--critical, --waivers and --label-noise on the command line: statuses, messages, reports."""

from __future__ import annotations

import json

import pytest

FUTURE = "2999-12-31"


@pytest.fixture
def lists(tmp_path):
    """Write a file of critical ids, or of waivers for ids, and return its path."""

    def write(kind, *ids):
        path = tmp_path / f"{kind}.csv"
        rows = {
            "critical": ["id", *ids],
            "waivers": ["id,reason,owner,expires", *(f"{each},known,ana,{FUTURE}" for each in ids)],
        }
        path.write_text("\n".join(rows[kind]) + "\n", encoding="utf-8")
        return path

    return write


def flip(number):
    """The id of an example that `flipped` writes."""
    return f"x{number:05}"


@pytest.mark.parametrize(
    ("ids", "status"),
    [([flip(0)], 0), ([flip(995)], 1), ([flip(0), flip(995)], 1), ([flip(999)], 3)],
)
def test_a_critical_flip_is_exit_status_1(command, flipped, lists, ids, status):
    """Without any other gate; 3 where the old model was right on none of them."""
    files = flipped(right=995, broken=2, wrong=3)
    assert command("compare", *files, "--critical", lists("critical", *ids)).status == status


def test_a_critical_example_that_is_left_out_is_an_error(command, table, lists):
    """--allow-missing leaves examples out; a critical one among them is no pass."""
    header = "id,label,prediction"
    old, new = table("old.csv", header, "1,a,a", "2,a,a"), table("new.csv", header, "1,a,a")
    done = command("compare", old, new, "--allow-missing", "--critical", lists("critical", "2"))
    assert done.status == 2
    assert "1 id of no example: '2' (row 2)" in done.err
    assert "1 example left out by --allow-missing" in done.err


def test_waivers_let_a_release_pass_and_say_so(command, flipped, lists):
    """The verdict, and beside it what it would be without them."""
    arguments = ["compare", *flipped(right=990, broken=10), "--max-nfr", "1.2%"]
    plain = command(*arguments)
    done = command(*arguments, "--waivers", lists("waivers", *map(flip, range(990, 998))))
    assert (plain.status, done.status) == (3, 0)
    first = " ".join(done.out.split("\n\n")[0].split())
    assert "PASS with 8 waivers; without them INCONCLUSIVE." in first
    assert "8 of 10 negative flips waived" in done.out
    assert "breaks 10 of 1,000 answers" in first


def test_waivers_that_change_nothing_are_shown_without_alarm(command, flipped, lists):
    """The report tells them; the verdict's sentence does not."""
    arguments = ["compare", *flipped(right=990, broken=10), "--max-nfr", "5%"]
    done = command(*arguments, "--waivers", lists("waivers", flip(990)))
    assert "without them" not in done.out
    assert "the verdict is the same without waivers" in done.out


def test_an_expired_waiver_is_exit_status_2(command, flipped, lists, monkeypatch):
    """Who owns it and since when, before anything is compared."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "32535216000")  # 3001
    done = command("compare", *flipped(right=9, broken=1), "--waivers", lists("waivers", flip(9)))
    assert done.status == 2
    assert f"row 2: the waiver of '{flip(9)}' expired on {FUTURE} (owner: ana" in done.err
    assert done.out == ""


def test_an_old_report_with_expired_waivers_can_be_rendered(
    command, flipped, lists, tmp_path, monkeypatch
):
    """The dates are shown; they were judged when the audit was made."""
    kept = tmp_path / "r.json"
    arguments = ["--waivers", lists("waivers", flip(990)), "--json", kept, "--max-nfr", "2%"]
    command("compare", *flipped(right=990, broken=10), *arguments)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "32535216000")
    done = command("render", kept, "--max-nfr", "1.6%")
    assert done.status == 0
    assert f"until {FUTURE}, ana" in done.out
    assert "PASS with 1 waiver; without them INCONCLUSIVE" in " ".join(done.out.split())


def test_a_critical_example_cannot_be_waived(command, flipped, lists):
    """One of the two lists is wrong, and nobody guesses which."""
    both = ["--critical", lists("critical", flip(9)), "--waivers", lists("waivers", flip(9))]
    done = command("compare", *flipped(right=9, broken=1), *both)
    assert done.status == 2
    assert f"'{flip(9)}' is a critical example, which nobody can waive" in done.err


def test_label_noise_warns_beside_the_verdict(command, flipped):
    """4 flips pass at 1%; the fifth does not, and ten labels may be wrong."""
    arguments = ["compare", *flipped(right=980, broken=4, mended=16), "--max-nfr", "1%"]
    done = command(*arguments, "--label-noise", "1%")
    assert done.status == 0
    first = " ".join(done.out.split("\n\n")[0].split())
    assert "But 1 wrong label could undo that, and up to 10 may be wrong." in first
    assert "the negative flip rate is 0 to 1.40% (0 to 14 flips)" not in first
    assert "(0 to 14 flips)" in done.out
    assert "Labels to check first" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--label-noise", "2"], "no share of the labels", "did you mean 2%?"),
        (["--critical", "nowhere.txt"], "no such file", "check the path"),
        (["--waivers", "nowhere.csv"], "no such file", "check the path"),
        (["--gate", "critical_negative_flips <= 0"], "no critical examples", "--critical FILE"),
        (["--gate", "critical_negative_flip <= 2"], "no metric", "'critical_negative_flips'"),
    ],
)
def test_bad_usage_is_2_with_a_message_and_a_hint(command, flipped, arguments, message, hint):
    """What is wrong and how to mend it, on standard error; standard output stays empty."""
    done = command("compare", *flipped(right=9, broken=1), *arguments)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert hint in done.err


@pytest.mark.parametrize("kind", ["critical", "waivers"])
def test_no_report_overwrites_what_it_is_judged_by(command, flipped, lists, kind):
    """The lists are inputs as the predictions are."""
    path = lists(kind, flip(9))
    before = path.read_bytes()
    done = command("compare", *flipped(right=9, broken=1), f"--{kind}", path, "--json", path)
    assert done.status == 2
    assert "would be overwritten" in done.err
    assert path.read_bytes() == before


def test_json_has_all_three_and_nothing_without_them(command, flipped, lists):
    """The keys are there where they were asked for, and only there."""
    arguments = ["compare", *flipped(right=990, broken=10), "--json", "-", "--max-nfr", "2%"]
    names = {"critical", "waivers", "label_noise"}
    assert not names & set(json.loads(command(*arguments).out))
    lists_given = ["--critical", lists("critical", flip(0), flip(991))]
    lists_given += ["--waivers", lists("waivers", flip(990), flip(1)), "--label-noise", "1%"]
    done = command(*arguments, *lists_given)
    written = json.loads(done.out)
    assert names <= set(written)
    assert (written["critical"]["examples"], written["critical"]["right_before"]) == (2, 2)
    assert [each["id"] for each in written["critical"]["broken"]] == [flip(991)]
    assert (written["waivers"]["waived"], written["waivers"]["verdict_without_waivers"]) == (
        1, "fail",
    )  # fmt: skip
    assert written["tally"]["negative_flips"] == 10
    assert written["waivers"]["judged"]["tally"]["negative_flips"] == 9
    assert written["label_noise"]["negative_flips"] == {"low": 0, "high": 10}
    assert "FAIL  Do not ship: 1 critical example broke" in done.err


def test_explain_tells_of_the_count(command):
    """The name that gates show can be looked up like any metric's."""
    done = command("explain", "critical_negative_flips")
    assert done.status == 0
    assert "--critical FILE" in done.out
    assert "it is a count" in done.out
    assert "critical_negative_flips" in command("explain").out
