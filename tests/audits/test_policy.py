"""Critical examples, waivers and label noise in the audit of paired answers."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta, binom

from flipcheck.audits.compare import compare
from flipcheck.audits.judging import rejudge
from flipcheck.errors import InputError, UsageError
from flipcheck.gates import Gate, Verdict
from flipcheck.labels import Labels
from flipcheck.outcomes import Tally
from flipcheck.pairing import pair
from flipcheck.policy import CriticalExample, Listing, Policy, Waiver
from flipcheck.predictions import Predictions
from flipcheck.report import Data, Model, Report, Settings

KINDS = {
    "right": ("a", "a"),
    "broken": ("a", "b"),
    "mended": ("b", "a"),
    "wrong": ("b", "b"),
    "apart": ("b", "c"),
}


def named(*ids, reason="why"):
    """Critical examples of these ids."""
    entries = tuple(CriticalExample(str(each), reason) for each in ids)
    return Listing("crit.txt", entries, tuple(f"row {row + 1}" for row in range(len(ids))))


def waived(*ids):
    """Waivers of these ids."""
    entries = tuple(Waiver(str(each), "known", "ana", "2999-12-31") for each in ids)
    return Listing("w.csv", entries, tuple(f"row {row + 2}" for row in range(len(ids))))


def audited(
    kinds, *, ids=None, gates=(), sure=None, correct=None, region=None, listed=100, decide="bound",
    order=None, **policy,
) -> Report:  # fmt: skip
    """The report on examples of these kinds of outcomes; the label is always "a"."""
    order = list(range(len(kinds))) if order is None else order
    ids = list(range(1, len(kinds) + 1)) if ids is None else ids
    columns = {} if region is None else {"region": Labels.of([region[row] for row in order])}

    def side(place):
        return Predictions(
            name="x.csv",
            ids=pa.array([ids[row] for row in order]),
            answers=None if correct else Labels.of([KINDS[kinds[row]][place] for row in order]),
            truth=None if correct else Labels.of(["a"] * len(kinds)),
            correct=np.array([KINDS[kinds[row]][place] == "a" for row in order])
            if correct
            else None,
            confidence=None
            if sure is None
            else np.array([sure[row][place] for row in order], dtype=np.float32),
            columns=columns,
        )

    model = Model("x", "x.csv")
    return compare(
        pair(side(0), side(1)),
        model,
        model,
        Data("x.csv", len(kinds)),
        Settings(resamples=0, listed=listed, decide=decide),
        gates=[Gate.parse(text) for text in gates],
        by=list(columns),
        policy=Policy(**policy),
    )


MIXED = ["right", "broken", "right", "mended", "wrong", "broken", "apart"]


# --- what must never break -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "verdict", "counts"),
    [
        ([1, 3], Verdict.PASS, (0, 2)),  # both stay right
        ([1, 2], Verdict.FAIL, (1, 2)),  # one breaks
        ([2, 6, 5], Verdict.FAIL, (2, 2)),  # two break; the third was wrong already
        ([1, 4, 5, 7], Verdict.PASS, (0, 1)),  # what was wrong before can only get better
        ([4, 5], Verdict.INCONCLUSIVE, (0, 0)),  # nothing could break, so nothing is shown
    ],
)
def test_a_critical_flip_fails_whatever_the_rate(ids, verdict, counts):
    """The facts decide: flips among the critical examples that the old model got right."""
    report = audited(MIXED, critical=named(*ids))
    (judged,) = report.gates
    assert str(judged.gate) == "critical_negative_flips <= 0"
    assert (judged.verdict, report.verdict) == (verdict, verdict)
    assert (judged.value, judged.denominator) == counts
    assert report.critical.tally.examples == len(ids)
    assert len(report.critical.broken) == counts[0]


def test_a_rate_that_passes_does_not_save_a_critical_flip():
    """One flip in 2,000 keeps every rate, and fails the release."""
    kinds = ["right"] * 1999 + ["broken"]
    gates = ["negative_flip_rate <= 1%"]
    report = audited(kinds, gates=gates, critical=named(2000, reason="a key customer"))
    assert [each.verdict for each in report.gates] == [Verdict.FAIL, Verdict.PASS]
    assert report.verdict is Verdict.FAIL
    (broken,) = report.critical.broken
    assert (broken.id, broken.reason, broken.truth, broken.old, broken.new) == (
        "2000", "a key customer", "a", "a", "b",
    )  # fmt: skip


@pytest.mark.parametrize("ids", [[1, 2, 3], ["1", "2", "x/y.png"], [2**62, 5, 7]])
def test_ids_match_as_they_do_between_sources(ids):
    """Whole numbers in the data are met by their texts in a file."""
    report = audited(["right", "right", "broken"], ids=ids, critical=named(*ids))
    assert [each.id for each in report.critical.broken] == [str(ids[2])]


def test_an_id_that_is_not_compared_is_an_error_with_all_of_them():
    """Neither list passes because its examples are not there; both are told at once."""
    with pytest.raises(InputError) as caught:
        audited(MIXED, critical=named(1, *range(10, 17)), waivers=waived("02"))
    assert caught.value.message == "ids that are not among the 7 compared examples"
    first, second = caught.value.problems
    assert first.startswith("crit.txt: 7 ids of no example: '10' (row 2), '11' (row 3)")
    assert first.endswith("and 2 more")
    assert second == "w.csv: 1 id of no example: '02' (row 2)"


def test_a_gate_on_critical_examples_may_be_written_out():
    """It is the one that --critical judges anyway, once."""
    gates = ["critical_negative_flips <= 0"]
    report = audited(MIXED, gates=gates, critical=named(1, 2, 6))
    assert [str(each.gate) for each in report.gates] == gates


def test_a_gate_on_critical_examples_needs_some():
    """Without --critical there is nothing to count, and the error names the option."""
    with pytest.raises(UsageError, match="no critical examples") as caught:
        audited(MIXED, gates=["critical_negative_flips <= 0"])
    assert "--critical" in caught.value.hint


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("critical_negative_flips <= 1", "must never break"),
        ("critical_negative_flips <= 0%", "must never break"),
        ("critical_negative_flips <= 0 by region", "judged together"),
        ("critical_negative_flips <= 0 where region=EU", "judged together"),
        ("critical_negative_flips >= 0", "must never break"),
    ],
)
def test_a_gate_on_critical_examples_has_no_other_limit(gate, message):
    """None may break, and they are judged together."""
    with pytest.raises(UsageError, match=message):
        Gate.parse(gate)


# --- what was accepted ---------------------------------------------------------------------

MANY = ["right"] * 290 + ["broken"] * 2 + ["mended", "wrong", "apart", "right", "right"] * 2


@pytest.mark.parametrize("place", [290, 291])
def test_a_waived_flip_counts_as_right_for_gates_only(place):
    """The gate is judged on one flip fewer; the report's own numbers do not move."""
    report = audited(MANY, gates=["negative_flip_rate <= 1.58%"], waivers=waived(place + 1))
    plain = audited(MANY, gates=["negative_flip_rate <= 1.58%"])
    (judged,) = report.gates
    assert (judged.numerator, judged.denominator) == (1, len(MANY))
    assert judged.bound == pytest.approx(beta.ppf(0.95, 2, len(MANY) - 1), rel=1e-9)
    assert judged.reason == "1 of 2 negative flips waived"
    assert (report.verdict, report.waivers.verdict_without) == (
        Verdict.PASS, Verdict.INCONCLUSIVE,
    )  # fmt: skip
    assert (plain.verdict, plain.tally, plain.metrics, plain.negative_flips) == (
        Verdict.INCONCLUSIVE, report.tally, report.metrics, report.negative_flips,
    )  # fmt: skip


def test_a_waived_flip_is_what_a_right_answer_would_have_been():
    """Every gate but churn's sees the tally of a data set in which that answer is right."""
    names = ("negative_flip_rate", "error_rate_change", "new_error_rate", "flips")
    gates = [f"{name} <= 1.7%" for name in names]
    gates += ["backward_trust_compatibility >= 99%", "relative_negative_flip_rate <= 0.5"]
    mended = [*MANY[:290], "right", *MANY[291:]]
    report, other = audited(MANY, gates=gates, waivers=waived(291)), audited(mended, gates=gates)
    for judged, expected in zip(report.gates, other.gates, strict=True):
        assert (judged.value, judged.bound, judged.verdict) == (
            expected.value, expected.bound, expected.verdict,
        )  # fmt: skip


def test_a_waived_flip_is_still_another_answer():
    """Churn is what users see, waived or not."""
    gates = ["churn <= 9%"]
    assert audited(MANY, gates=gates, waivers=waived(291)).gates[0].value == pytest.approx(
        audited(MANY, gates=gates).gates[0].value
    )


@pytest.mark.parametrize("correct", [False, True])
def test_waivers_count_in_the_slices_too(correct):
    """The slice of the waived flip is judged without it, the others as they are."""
    region = ["EU"] * 291 + ["US"] * 11
    gates = ["negative_flip_rate <= 2% by region"]
    report = audited(MANY, gates=gates, region=region, waivers=waived(291), correct=correct)
    assert [(each.scope[1], each.numerator, each.reason[:1]) for each in report.gates] == [
        ("EU", 0, "1"),
        ("US", 1, "t"),
    ]
    assert [scope for scope, _ in report.waivers.slices if scope[0] == "region"] == [
        ("region", "EU")
    ]
    assert [part.tally.negative_flips for part in report.slices] == [1, 1]


def test_a_waiver_that_waives_nothing_is_told():
    """As an unused suppression is: a warning, and a mark in the report."""
    report = audited(MIXED, waivers=waived(1, 2, 4))
    assert [each.used for each in report.waivers.listed] == [False, True, False]
    told = "w.csv: 2 waivers no longer needed, as no such answer broke: '1', '4'"
    assert report.warnings[-1] == told


def test_one_answer_judged_two_ways_can_be_waived():
    """A flip without a change of the answer becomes right, and the same."""
    answers, ids = Labels.of(["x", "y"]), pa.array([1, 2])
    sides = [
        Predictions("x.csv", ids, answers=answers, correct=np.array(right))
        for right in ([True, True], [False, True])
    ]
    model = Model("x", "x.csv")
    report = compare(
        pair(*sides),
        model,
        model,
        Data("x.csv", 2),
        Settings(resamples=0),
        policy=Policy(waivers=waived(1)),
    )
    assert report.tally == Tally(1, 1, 0, 0, 0, negative_flips_same=1)
    assert report.waivers.total.cells == Tally(2, 0, 0, 0, 0)


def test_render_judges_anew_with_the_same_waivers():
    """A report from JSON gives the judgements of an audit under the other gates."""
    region = ["EU"] * 291 + ["US"] * 11
    gates = ["negative_flip_rate <= 1.58%", "negative_flip_rate <= 2% by region"]
    policy = {
        "waivers": waived(291), "critical": named(1, 292), "label_noise": 0.01, "region": region,
    }  # fmt: skip
    kept = Report.from_dict(audited(MANY, **policy).to_dict())
    for decide in ("bound", "point"):
        anew = rejudge(kept, [Gate.parse(each) for each in gates], decide)
        assert anew.rounded() == audited(MANY, gates=gates, decide=decide, **policy)


# --- label noise ---------------------------------------------------------------------------


@pytest.mark.parametrize("waivers", [None, waived(1)])
def test_a_pass_that_wrong_labels_could_undo_says_how_many(waivers):
    """Against a naive loop over the binomial tail, for limits near and far."""
    kinds = ["broken"] * 8 + ["apart"] * 6 + ["mended"] * 5 + ["right"] * 981
    for limit in ("1.4%", "1.6%", "2%", "2.5%", "4%"):
        report = audited(
            kinds, gates=[f"negative_flip_rate <= {limit}"], label_noise=0.02, waivers=waivers
        )
        (judged,) = report.gates
        flips, share = 8 - (waivers is not None), float(limit[:-1]) / 100
        passing = [
            wrong for wrong in range(21) if binom.cdf(flips + min(wrong, 11), 1000, share) <= 0.05
        ]
        if not passing:
            assert (judged.verdict, judged.wrong_labels) == (Verdict.INCONCLUSIVE, None)
        elif max(passing) == 20:
            assert (judged.verdict, judged.wrong_labels) == (Verdict.PASS, None)
            assert "undo" not in judged.reason
        else:
            assert judged.wrong_labels == max(passing)
            assert f"{max(passing) + 1} wrong label" in judged.reason


def test_slices_are_bounded_by_their_own_examples_and_classes_not_at_all():
    """All wrong labels may be in one slice; a true class is no fixed set of examples."""
    kinds = ["broken"] * 3 + ["mended"] * 2 + ["right"] * 995
    region = ["EU"] * 500 + ["US"] * 500
    gates = ["negative_flip_rate <= 1.6% by region", "negative_flip_rate <= 3% where class=a"]
    eu, us, a = audited(kinds, region=region, gates=gates, label_noise=0.01).gates
    assert [each.verdict for each in (eu, us, a)] == [Verdict.PASS] * 3
    passing = [wrong for wrong in range(3) if binom.cdf(3 + wrong, 500, 0.016) <= 0.05]
    assert (eu.wrong_labels, us.wrong_labels) == (max(passing), None)
    assert (a.wrong_labels, a.reason) == (
        None,
        "wrong labels, which move examples between classes, are not reckoned with",
    )


def test_label_noise_bounds_the_rate_that_is_told():
    """8 flips, 11 more whose answers differ, 20 wrong labels of 1,000."""
    kinds = ["broken"] * 8 + ["apart"] * 6 + ["mended"] * 5 + ["wrong"] * 9 + ["right"] * 972
    noise = audited(kinds, label_noise=0.02).label_noise
    assert (noise.labels, noise.judged_by, noise.flips) == (20, "label", (0, 19))
    assert noise.rates == (0, 0.019)
    assert (noise.interval.low, noise.interval.level) == (0, 0.95)
    assert audited(kinds, label_noise=0.005).label_noise.flips == (3, 13)


def test_verdicts_without_answers_bound_less():
    """Where only right and wrong are known, every other example may break under other verdicts."""
    noise = audited(MIXED, correct=True, label_noise=0.9).label_noise
    assert (noise.judged_by, noise.labels, noise.flips) == ("verdict", 6, (0, 7))


def test_a_verdict_column_that_says_what_the_labels_say_is_about_labels():
    """What decides is found in the data: equality of answer and label on every row, or not."""
    labels, ids = Labels.of(["a", "a"]), pa.array([1, 2])
    model = Model("x", "x.csv")
    found = []
    for right in ([True, True], [True, False]):
        side = Predictions("x.csv", ids, answers=labels, truth=labels, correct=np.array(right))
        report = compare(
            pair(side, side), model, model, Data("x.csv", 2), Settings(resamples=0),
            policy=Policy(label_noise=0.5),
        )  # fmt: skip
        found.append(report.label_noise.judged_by)
    assert found == ["label", "verdict"]


def test_labels_are_ranked_by_reason_then_by_confidence():
    """Flips that the new model is sure of, then what both deny, then the rest."""
    kinds = ["broken", "broken", "broken", "wrong", "wrong", "apart", "mended", "mended", "right"]
    sure = [
        (0.9, 0.5), (0.5, 0.9), (0.2, 0.9), (0.6, 0.6), (0.9, 0.9), (0.9, 0.9), (0.9, 0.5),
        (0.3, 0.5), (1, 1),
    ]  # fmt: skip
    noise = audited(kinds, sure=sure, label_noise=0.5).label_noise
    assert [(each.id, each.reason) for each in noise.relabel] == [
        ("3", "new answer differs, no less sure"),  # 0.7 surer
        ("2", "new answer differs, no less sure"),  # 0.4 surer
        ("5", "both give the same other answer"),  # 1.8 together
        ("4", "both give the same other answer"),
        ("6", "neither model gives the label"),
        ("7", "old answer differs, no less sure"),
        ("8", "the less sure answer differs"),  # 0.2 less
        ("1", "the less sure answer differs"),  # 0.4 less
    ]
    assert noise.suspects == 8


def test_labels_without_confidences_are_ranked_by_what_is_known():
    """Kinds in their order, ids within; the reason compares nothing that is not known."""
    noise = audited(["mended", "wrong", "broken", "apart", "broken"], label_noise=0.5).label_noise
    assert [(each.id, each.reason) for each in noise.relabel] == [
        ("3", "new answer differs"),
        ("5", "new answer differs"),
        ("2", "both give the same other answer"),
        ("4", "neither model gives the label"),
        ("1", "old answer differs"),
    ]


def test_a_confidence_on_one_side_only_compares_nothing():
    """A sure new answer ranks first among flips, and no reason says that it is surer."""
    nan = float("nan")
    sure = [(nan, 0.3), (nan, 0.9)]
    noise = audited(["broken", "broken"], sure=sure, label_noise=0.5).label_noise
    assert [(each.id, each.reason) for each in noise.relabel] == [
        ("2", "new answer differs"),
        ("1", "new answer differs"),
    ]


def test_a_missing_answer_speaks_against_no_label(monkeypatch):
    """A model that says nothing is no reason to doubt the label."""
    monkeypatch.setitem(KINDS, "silent", ("a", None))
    monkeypatch.setitem(KINDS, "mute", (None, None))
    monkeypatch.setitem(KINDS, "half", (None, "b"))
    noise = audited(["silent", "mute", "half", "broken"], label_noise=0.5).label_noise
    assert [each.id for each in noise.relabel] == ["4", "3"]


def test_one_answer_judged_two_ways_comes_first():
    """Where verdicts contradict each other, one of them is wrong for certain."""
    ids = pa.array([1, 2])
    model = Model("x", "x.csv")
    sides = [
        Predictions("x.csv", ids, answers=Labels.of(answers), correct=np.array(right))
        for answers, right in ((["x", "y"], [True, True]), (["z", "y"], [False, False]))
    ]
    report = compare(
        pair(*sides), model, model, Data("x.csv", 2), Settings(resamples=0),
        policy=Policy(label_noise=0.5),
    )  # fmt: skip
    assert [(each.id, each.reason) for each in report.label_noise.relabel] == [
        ("2", "one answer, judged two ways"),
        ("1", "new answer differs"),
    ]


def test_what_was_waived_needs_no_other_label():
    """Somebody answers for it already; the bounds stay those of all flips."""
    noise = audited(MIXED, label_noise=0.3, waivers=waived(2)).label_noise
    assert [each.id for each in noise.relabel][:1] == ["6"]
    assert noise.flips == (0, 4)


def test_no_more_labels_are_listed_than_asked_for():
    """--listed caps them, the total is told."""
    noise = audited(MIXED, label_noise=0.3, listed=2).label_noise
    assert (len(noise.relabel), noise.suspects) == (2, 5)


def test_the_order_of_rows_changes_nothing():
    """Every order of the examples gives the same report, ties and all."""
    kinds = ["broken", "broken", "wrong", "right"]
    policy = {"critical": named(1, 2), "waivers": waived(4), "label_noise": 0.3}
    gates = ["negative_flip_rate <= 90%"]
    reports = {
        str(audited(kinds, sure=[(0.5, 0.5)] * 4, gates=gates, order=order, **policy).to_dict())
        for order in permutations(range(4))
    }
    assert len(reports) == 1
