"""Audits of graded answers: what is defined, what is refused, and what gates make of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import flipcheck
from flipcheck.errors import InputError, PairingError, UsageError
from flipcheck.gates import Verdict
from flipcheck.metrics import GRADED, METRICS
from flipcheck.outcomes import Outcome, Tally, graded_outcomes, tally
from flipcheck.report import Report

IDS = [f"q{place}" for place in range(8)]
OLD = [0.9, 0.5, 0.5, 0.2, 0.7, 0.7, 1.0, 0.0]
NEW = [0.1, 0.5, 0.9, 0.2, 0.65, 0.5, 1.0, 0.3]  # by more than 0.1: falls q0, q5; rises q2, q7


def side(scores, **more):
    """Predictions with these scores."""
    return flipcheck.Predictions.from_arrays(scores=scores, ids=IDS[: len(scores)], **more)


def compare(old=OLD, new=NEW, tolerance=0.1, columns=None, **options):
    """An audit of these scores."""
    options.setdefault("resamples", 50)
    options["tolerance"] = tolerance
    return flipcheck.compare(side(old, columns=columns), side(new), **options)


def many(size=2000, lost=0.0):
    """Predictions of many answers of which a share falls by a half."""
    fallen = np.arange(size) < lost * size
    old = np.full(size, 0.8)
    return [
        flipcheck.Predictions.from_arrays(scores=scores, ids=range(size))
        for scores in (old, np.where(fallen, 0.3, 0.8))
    ]


def test_scores_have_outcomes_of_their_own():
    """Within the tolerance an answer is neither both right nor both wrong."""
    report = compare()
    assert report.tally == Tally(0, 2, 2, scores_unchanged=4, scores_fallen=2, scores_risen=2)
    assert report.tally.examples == 8
    assert report.tally.both_right == report.tally.both_wrong == 0


def test_what_needs_right_and_wrong_is_not_available():
    """No error rate, no BTC, no churn: null, and never 0."""
    report = compare()
    for name, estimate in report.metrics.items():
        assert estimate.available is (name in GRADED), name
        assert (estimate.value is None) is (name not in GRADED), name
    assert {name for name in METRICS if not METRICS[name].needs} - set(GRADED)


def test_json_has_nulls_for_what_there_is_not():
    """The tally of graded answers has three counts, and metrics that are null."""
    written = json.loads(json.dumps(compare().to_dict()))
    assert written["tally"] == {
        "both_right": None,
        "negative_flips": 2,
        "positive_flips": 2,
        "both_wrong_same": None,
        "both_wrong_different": None,
        "unchanged": 4,
    }
    assert written["metrics"]["new_error_rate"]["value"] is None
    assert written["metrics"]["mean_gain"]["value"] == pytest.approx((0.4 + 0.3) / 8)
    scores = {"old": "score", "new": "score", "tolerance": 0.1, "low": 0, "high": 1, "given": False}
    assert written["scores"] == scores


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"columns": {"who": list("aabbccdd"), "w": list("12312312")}, "by": ["w"]},
        {"columns": {"who": list("aabbccdd"), "w": list("12312312")}, "cluster": "who"},
    ],
    ids=["plain", "slices", "clusters"],
)
def test_a_report_is_read_as_it_was_written(how):
    """With its designs, slices and gates, which are judged the same again."""
    gates = ["mean_regression <= 0.2", "mean_score_change >= -0.3", "negative_flip_rate <= 50%"]
    report = compare(gates=gates, **how)
    again = Report.from_dict(json.loads(json.dumps(report.to_dict())))
    assert again == report
    assert again.to_dict() == report.to_dict()
    from flipcheck.audits.judging import rejudge

    judged = rejudge(again, [each.gate for each in report.gates], "bound")
    assert [each.verdict for each in judged.gates] == [each.verdict for each in report.gates]
    assert [each.bound for each in judged.rounded().gates] == [each.bound for each in report.gates]


def test_ungraded_reports_have_no_word_of_scores():
    """Neither a key nor a metric of theirs."""
    sides = [
        flipcheck.Predictions.from_arrays(answers, list("abab"), ids=IDS[:4])
        for answers in (list("abab"), list("abba"))
    ]
    text = json.dumps(flipcheck.compare(*sides, resamples=0).to_dict())
    assert "score" not in text
    assert "unchanged" not in text


def test_the_worst_falls_come_first():
    """Listed by how far scores fall, with both scores, and so in the table of flips."""
    report = compare()
    listed = [(each.id, each.old_score, each.new_score) for each in report.negative_flips.examples]
    assert listed == [("q0", 0.9, 0.1), ("q5", 0.7, 0.5)]
    assert report.flips.column("new_score").to_pylist() == [0.1, 0.5, 0.9, 0.3]
    assert report.flips.column("old_score").to_pylist() == [0.9, 0.7, 0.5, 0.0]
    assert report.negative_flips.transitions == ()


@pytest.mark.parametrize(
    ("gate", "lost", "verdict"),
    [
        ("mean_regression <= 0.01", 0.0, Verdict.PASS),
        ("mean_regression <= 0.01", 0.01, Verdict.PASS),  # 0.005 with 20 falls of a half
        ("mean_regression <= 0.01", 0.05, Verdict.FAIL),
        ("mean_regression <= 1%", 0.02, Verdict.INCONCLUSIVE),  # on the limit
        ("mean_score_change >= -0.01", 0.0, Verdict.PASS),
        ("mean_score_change >= -0.01", 0.05, Verdict.FAIL),
        ("negative_flip_rate <= 3%", 0.01, Verdict.PASS),
        ("negative_flip_rate <= 3%", 0.06, Verdict.FAIL),
        ("new_mean_score >= 0.75", 0.0, Verdict.PASS),
        ("new_mean_score >= 0.75", 0.2, Verdict.FAIL),
        ("mean_gain >= 0.1", 0.0, Verdict.FAIL),
    ],
)
def test_gates_are_decided_by_bounds(gate, lost, verdict):
    """In units of the score; of 2,000 answers."""
    report = flipcheck.compare(*many(lost=lost), gates=[gate], resamples=0)
    assert report.gates[0].verdict is verdict


@pytest.mark.parametrize(
    "gate",
    [
        "new_error_rate <= 5%",
        "error_rate_change <= 0",
        "churn <= 5%",
        "backward_trust_compatibility >= 90%",
        "relative_negative_flip_rate <= 0.5",
        "expected_cost <= 1",
    ],
)
def test_a_gate_on_what_is_not_defined_is_refused(gate):
    """With the names of what can be gated instead."""
    with pytest.raises(UsageError) as caught:
        compare(gates=[gate])
    assert "mean_regression" in caught.value.hint


@pytest.mark.parametrize(
    ("gate", "how"),
    [
        ("mean_regression <= 1", "broken"),  # scores cannot fall by more on average
        ("mean_regression <= 5", "broken"),
        ("mean_score_change >= -1", "broken"),
        ("mean_score_change >= 2", "kept"),
        ("mean_gain >= 1.5", "kept"),
        ("new_mean_score >= 0", "broken"),
        ("old_mean_score >= 1.5", "kept"),
    ],
)
def test_a_limit_that_scores_cannot_reach_is_refused(gate, how):
    """It would pass, or fail, whatever the new model does."""
    with pytest.raises(UsageError, match=f"can never be {how}"):
        compare(gates=[gate])


def test_a_limit_beyond_the_scores_that_were_seen_is_judged():
    """A mean of a rubric may lie below all scores that were seen; a mean of shares not below 0."""
    report = compare([4.0, 5, 5, 4], [4.0, 5, 5, 5], gates=["new_mean_score >= 2"])
    assert report.gates[0].verdict is Verdict.PASS
    assert "from 4 to 5 as seen" in str(report)


def test_where_no_score_could_fall_no_gate_passes():
    """The old model has the least score everywhere: nothing is shown."""
    report = compare([0.0] * 8, NEW, gates=[
        "negative_flip_rate <= 90%", "mean_regression <= 0.9", "mean_score_change >= -0.9",
    ])  # fmt: skip
    assert {each.verdict for each in report.gates} == {Verdict.INCONCLUSIVE}
    assert "none could fall" in report.gates[0].reason


@pytest.mark.parametrize("metric", ["negative_flip_rate", "mean_regression"])
def test_where_the_tolerance_excuses_every_fall_no_gate_is_judged(metric):
    """Old scores up to 0.08 cannot fall by more than 0.1: a pass would mean nothing."""
    old = [0.08, 0.02, 0, 0, 0.05, 0, 0, 0]
    with pytest.raises(UsageError, match="none could fall by more"):
        compare(old, [0.0] * 8, gates=[f"{metric} <= 90%"])
    assert compare(old, [0.0] * 8).verdict is None  # and without a gate it is told as it is


def test_a_gate_on_the_score_metrics_without_scores_is_refused():
    """Naming the option that brings them."""
    sides = [flipcheck.Predictions.from_arrays(list("abab"), list("abab"), ids=IDS[:4])] * 2
    with pytest.raises(UsageError) as caught:
        flipcheck.compare(*sides, gates=["mean_regression <= 0.1"])
    assert "--score" in str(caught.value.problems)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"costs": {("*", "*"): 1.0}}, "--costs"),
        ({"label_noise": 0.02}, "--label-noise"),
        ({"rerun": side(OLD)}, "--rerun"),
    ],
)
def test_what_is_of_right_and_wrong_is_refused(options, told):
    """A cost matrix and wrong labels say nothing of scores."""
    with pytest.raises(UsageError) as caught:
        compare(**options)
    assert told in str(caught.value)


def test_one_side_without_scores_is_refused():
    """It would be compared with nothing."""
    other = flipcheck.Predictions.from_arrays(list("abababab"), list("abababab"), ids=IDS)
    with pytest.raises(PairingError, match="has none"):
        flipcheck.compare(side(OLD), other)


@pytest.mark.parametrize("option", [{"tolerance": 0.1}, {"score_range": "0,1"}, {"score": "f1"}])
def test_an_option_of_scores_without_scores_is_refused(option):
    """It would not do what it says."""
    sides = [flipcheck.Predictions.from_arrays(list("abab"), list("abab"), ids=IDS[:4])] * 2
    with pytest.raises(UsageError, match="no side has graded answers"):
        flipcheck.compare(*sides, **option)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "0.1", True])
def test_a_tolerance_is_a_number_from_0(value):
    """Anything else is refused, not guessed at."""
    with pytest.raises(UsageError, match="tolerance"):
        compare(tolerance=value)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), None])
def test_a_missing_score_is_an_error(bad):
    """It is not 0."""
    with pytest.raises(InputError, match="row 3"):
        side([0.5, 0.5, bad, 0.5])


def test_a_critical_example_must_not_fall():
    """Whether it falls by more than the tolerance, and not whether it was right."""
    held = compare(critical=["q1", "q2"])  # one stayed, one rose
    broke = compare(critical=["q1", "q5"])
    assert held.gates[0].verdict is Verdict.PASS
    assert broke.gates[0].verdict is Verdict.FAIL
    assert held.critical.tally == Tally(0, 0, 1, scores_unchanged=1, scores_risen=1)


def test_a_waived_fall_counts_as_unchanged_for_gates():
    """The report keeps its numbers; the gate is judged without it."""
    waiver = [{"id": "q0", "reason": "wrong key", "owner": "me", "expires": "2999-01-01"}]
    plain = compare(gates=["mean_regression <= 0.9"])
    waived = compare(gates=["mean_regression <= 0.9"], waivers=waiver)
    assert plain.metrics == waived.metrics
    assert plain.gates[0].value == pytest.approx((0.8 + 0.2) / 8)
    assert waived.gates[0].value == pytest.approx(0.2 / 8)
    assert "1 of 2 negative flips waived" in waived.gates[0].reason


def test_slices_tell_of_scores():
    """Their own means, and tallies that add up to the whole."""
    report = compare(columns={"lang": list("aaaabbbb")}, by=["lang"])
    a, b = report.slices
    assert a.metrics["mean_regression"].value == pytest.approx(0.8 / 4)
    assert b.metrics["mean_gain"].value == pytest.approx(0.3 / 4)
    assert a.metrics["mean_score_change"].value == pytest.approx((-0.8 + 0.4) / 4)
    assert a.tally + b.tally == report.tally
    assert list(a.metrics) == list(b.metrics)
    assert "new_error_rate" not in a.metrics


def test_a_tally_is_never_of_graded_and_other_answers():
    """What could not come from one audit cannot be added up."""
    graded = tally(graded_outcomes(np.array([True, False]), np.array([False, False])))
    assert graded.graded == 2
    with pytest.raises(ValueError, match="never of both"):
        graded + Tally(both_right=1)
    assert graded + Tally() == graded


def test_the_sign_test_is_of_falls_and_rises():
    """The same numbers as McNemar's, of scores that change."""
    from flipcheck.stats.tests import mcnemar

    report = compare()
    assert report.mcnemar == mcnemar(2, 2)
    assert report.mcnemar.discordant == 4


def test_the_outcomes_of_graded_answers_are_flips():
    """Falls are negative flips and rises positive ones, wherever flips are looked for."""
    from flipcheck.outcomes import NEGATIVE_FLIPS, POSITIVE_FLIPS

    assert Outcome.SCORE_FELL in NEGATIVE_FLIPS
    assert Outcome.SCORE_ROSE in POSITIVE_FLIPS
