"""Gates: how they are written, which limits make sense, and what decides them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from flipcheck.errors import UsageError
from flipcheck.gates import (
    Gate,
    Verdict,
    check_available,
    examples_needed,
    judge,
    judge_slices,
    overall,
    rough,
    smallest_passing,
)
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Cells, Tally
from flipcheck.stats import intervals
from flipcheck.stats.intervals import bounds, tango

NFR = "negative_flip_rate"


@pytest.mark.parametrize(
    ("text", "operator", "limit"),
    [
        ("negative_flip_rate <= 1%", "<=", 0.01),  # as documented
        ("negative_flip_rate<=1%", "<=", 0.01),  # without spaces
        ("  negative_flip_rate  <=  0.01  ", "<=", 0.01),  # a share, with spaces
        ("negative_flip_rate ≤ 1 %", "<=", 0.01),  # as typed on some keyboards
        ("negative_flip_rate < 5e-3", "<", 0.005),  # an exponent
        ("negative_flip_rate <= 1e-1%", "<=", 0.001),  # and one in percent
        ("backward_trust_compatibility ≥ 99.5%", ">=", 0.995),  # a limit from below
        ("backward_trust_compatibility > .9", ">", 0.9),
        ("error_rate_change <= 0.2pp", "<=", 0.002),  # percentage points
        ("error_rate_change <= 0.2 pp", "<=", 0.002),
        ("error_rate_change <= -1%", "<=", -0.01),  # an improvement is asked for
        ("error_rate_change <= +1%", "<=", 0.01),
        ("win_loss_ratio >= 2", ">=", 2.0),  # a ratio may exceed 1
        ("relative_negative_flip_rate <= 50%", "<=", 0.5),
        ("negative_flip_rate <= 2.9%", "<=", 0.029),  # the nearest float to 0.029, not 2.9 / 100
        ("negative_flip_rate <= 0", "<=", 0.0),  # no flip at all
    ],
)
def test_a_gate_is_read_as_written(text, operator, limit):
    """Metric, operator and limit are those of the text."""
    gate = Gate.parse(text)
    assert (gate.operator, gate.limit, gate.by, gate.where) == (operator, limit, None, None)


@pytest.mark.parametrize(
    ("text", "by", "where"),
    [
        ("negative_flip_rate <= 1% by region", "region", None),
        ("negative_flip_rate <= 1% by age group ", "age group", None),  # a name with a space
        ("negative_flip_rate <= 1% where region=EU", None, ("region", "EU")),
        ("negative_flip_rate <= 1% where age group = 20 to 30", None, ("age group", "20 to 30")),
        ("negative_flip_rate <= 1% where url=a=b", None, ("url", "a=b")),  # the first = divides
        ("negative_flip_rate <= 0.01 where x=", None, ("x", "")),  # an empty value
    ],
)
def test_a_gate_may_speak_of_slices(text, by, where):
    """`by` is every slice of a column, `where` one of them."""
    gate = Gate.parse(text)
    assert (gate.by, gate.where) == (by, where)


@pytest.mark.parametrize(
    "text",
    [
        "negative_flip_rate <= 1%",
        "error_rate_change <= 0.2pp",
        "error_rate_change <= 0.2 pp by region",
        "negative_flip_rate <= 1% where region=EU",
        "negative_flip_rate ≤ .5 %  by age group",
    ],
)
def test_a_gate_printed_and_read_again_is_the_same(text):
    """A report keeps a gate as its text, so the text must say all of it."""
    gate = Gate.parse(text)
    assert Gate.parse(str(gate)) == gate


@pytest.mark.parametrize(
    "text",
    [
        "",  # nothing
        "negative_flip_rate",  # no limit
        "negative_flip_rate <=",
        "negative_flip_rate = 1%",  # not an operator
        "negative_flip_rate == 1%",
        "negative_flip_rate <= 1% 2%",  # two limits
        "negative_flip_rate <= one",  # no number
        "negative_flip_rate <= nan",  # no limit at all: nothing is above it
        "negative_flip_rate <= inf",
        "negative_flip_rate <= 1e999%",  # too large for a number
        "negative_flip_rate <= 1,5%",  # a decimal comma
        "negative_flip_rate <= 1% where region",  # no value
        "negative_flip_rate <= 1%%",
        "1% >= negative_flip_rate",  # turned around
    ],
)
def test_what_is_no_gate_is_refused_with_an_example(text):
    """The error quotes the text, and its hint shows how a gate is written."""
    with pytest.raises(UsageError, match="cannot read") as caught:
        Gate.parse(text)
    assert "negative_flip_rate <= 1%" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        ("negative_flip_rate <= 1", "can never be broken", "did you mean 1%?"),  # meant percent
        ("negative_flip_rate < 1", "can never be broken", "did you mean 1%?"),
        ("negative_flip_rate <= 5", "out of its range", "did you mean 5%?"),
        ("negative_flip_rate <= 100%", "can never be broken", "give a limit inside it"),
        ("negative_flip_rate <= 101%", "out of its range", "give a limit inside it"),
        ("negative_flip_rate <= -1%", "out of its range", "give a limit inside it"),
        ("negative_flip_rate < 0", "can never be kept", "give a limit inside it"),
        ("backward_trust_compatibility >= 0", "can never be broken", "give a limit inside it"),
        ("backward_trust_compatibility > 1", "can never be kept", "did you mean 1%?"),
        ("error_rate_change <= 1", "can never be broken", "did you mean 1%?"),  # −1 to 1
        ("error_rate_change < -100%", "can never be kept", "give a limit inside it"),
        ("win_loss_ratio >= 0", "can never be broken", "give a limit inside it"),
        ("relative_negative_flip_rate <= -1", "out of its range", "did you mean -1%?"),
    ],
)
def test_a_limit_that_says_nothing_is_refused(text, why, hint):
    """A limit that can never be broken, or never kept, is a slip: 1 is not 1 %."""
    with pytest.raises(UsageError) as caught:
        Gate.parse(text)
    assert why in caught.value.message
    assert caught.value.hint == hint


def test_a_gate_on_an_unknown_metric_names_the_nearest():
    """A slip in the name is answered with the name."""
    with pytest.raises(UsageError) as caught:
        Gate.parse("negative_flip_rates <= 1%")
    assert caught.value.hint == "did you mean 'negative_flip_rate'?"


@pytest.mark.parametrize(
    ("operator", "limit"),
    [
        ("==", 0.01),  # no such operator
        ("<=", math.nan),  # nothing is above NaN
        ("<=", math.inf),
    ],
)
def test_a_gate_made_by_hand_is_checked_too(operator, limit):
    """Wrong gates cannot be made, also without their text."""
    with pytest.raises(UsageError):
        Gate(NFR, operator, limit, str(limit))


def flipping(count: int, total: int) -> Tally:
    """A tally with so many negative flips among its examples."""
    return Tally(total - count, count)


@pytest.mark.parametrize("total", [100, 298, 299, 300, 1000, 5000])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_a_flip_gate_passes_exactly_where_the_binomial_says(total, confidence):
    """NFR ≤ 1 % passes if and only if so few flips have a chance ≤ α at 1 %; fails likewise."""
    gate, law, alpha = Gate.parse(f"{NFR} <= 1%"), stats.binom(total, 0.01), 1 - confidence
    for count in range(min(total, 90) + 1):
        if law.cdf(count) <= alpha:
            expected = Verdict.PASS
        elif law.sf(count - 1) < alpha:
            expected = Verdict.FAIL
        else:
            expected = Verdict.INCONCLUSIVE
        assert judge(gate, flipping(count, total), confidence=confidence).verdict is expected


@pytest.mark.parametrize(
    ("text", "tally", "verdict"),
    [
        (f"{NFR} <= 1%", Tally(9970, 30), Verdict.PASS),  # the estimate and its bound
        (f"{NFR} <= 1%", Tally(9910, 90), Verdict.INCONCLUSIVE),  # only the estimate
        (f"{NFR} <= 1%", Tally(9890, 110), Verdict.INCONCLUSIVE),  # beyond, but not surely
        (f"{NFR} <= 1%", Tally(9800, 200), Verdict.FAIL),  # surely beyond
        (f"{NFR} <= 0", Tally(100_000), Verdict.INCONCLUSIVE),  # zero cannot be shown
        (f"{NFR} <= 0", Tally(99_999, 1), Verdict.FAIL),  # one flip refutes it
        ("backward_trust_compatibility >= 99%", Tally(2000, 2), Verdict.PASS),
        ("backward_trust_compatibility >= 99%", Tally(1900, 100), Verdict.FAIL),
        ("backward_trust_compatibility >= 99%", Tally(99, 1), Verdict.INCONCLUSIVE),
        ("error_rate_change <= 0", Tally(900, 10, 60, 30), Verdict.PASS),
        ("error_rate_change <= 0", Tally(900, 60, 10, 30), Verdict.FAIL),
        ("error_rate_change <= 0", Tally(900, 30, 31, 39), Verdict.INCONCLUSIVE),
        ("error_rate_change <= 1%", Tally(100_000, 0, 0, 5), Verdict.PASS),  # no flips, many rows
        ("error_rate_change <= 1%", Tally(50, 0, 0, 5), Verdict.INCONCLUSIVE),  # and few
        ("relative_negative_flip_rate <= 50%", Tally(8000, 50, 100, 1850), Verdict.PASS),
        ("relative_negative_flip_rate <= 50%", Tally(6000, 1500, 0, 500), Verdict.FAIL),
        ("win_loss_ratio >= 1", Tally(900, 10, 60, 30), Verdict.PASS),
        ("win_loss_ratio >= 1", Tally(900, 60, 10, 30), Verdict.FAIL),
        ("win_loss_ratio >= 1", Tally(900, 6, 7, 30), Verdict.INCONCLUSIVE),
    ],
)
def test_a_gate_is_decided_by_its_bound(text, tally, verdict):
    """Within the limit by the bound passes, beyond by the opposite one fails, else neither."""
    assert judge(Gate.parse(text), tally).verdict is verdict


def test_a_strict_limit_is_not_kept_by_its_own_value():
    """`<` and `<=` differ on the limit itself."""
    assert Gate.parse(f"{NFR} <= 10%").within(0.1)
    assert not Gate.parse(f"{NFR} < 10%").within(0.1)
    assert Gate.parse("win_loss_ratio >= 2").within(2)
    assert not Gate.parse("win_loss_ratio > 2").within(2)


def test_the_printed_bounds_are_ends_of_the_two_sided_ninety_percent_interval():
    """One-sided 95 % bounds are those of scipy's exact 90 % interval."""
    found = judge(Gate.parse(f"{NFR} <= 1%"), flipping(7, 1000))
    exact = stats.binomtest(7, 1000).proportion_ci(0.9, method="exact")
    assert (found.opposite, found.bound) == pytest.approx((exact.low, exact.high), abs=1e-12)
    assert (found.numerator, found.denominator, found.value) == (7, 1000, 0.007)


@pytest.mark.parametrize(
    ("text", "tally"),
    [
        ("backward_trust_compatibility >= 99%", Tally(0, 0, 5, 5)),  # nothing to keep
        ("win_loss_ratio >= 1", Tally(5, 0, 9, 0)),  # no loss to divide by
        ("relative_negative_flip_rate <= 50%", Tally(9, 0, 1, 0)),  # no error to blame
    ],
)
@pytest.mark.parametrize("decide", ["bound", "point"])
def test_an_undefined_metric_is_inconclusive_never_a_pass(text, tally, decide):
    """A denominator of 0 decides nothing, however one decides."""
    found = judge(Gate.parse(text), tally, decide=decide)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert (found.value, found.bound, found.opposite) == (None, None, None)
    assert "undefined" in found.reason


@pytest.mark.parametrize(
    ("text", "tally", "verdict"),
    [
        (f"{NFR} <= 1%", Tally(99, 1), Verdict.PASS),  # on the limit
        (f"{NFR} < 1%", Tally(99, 1), Verdict.FAIL),
        (f"{NFR} <= 1%", Tally(98, 2), Verdict.FAIL),
        (f"{NFR} <= 2.9%", Tally(971, 29), Verdict.PASS),  # 29/1000 is 2.9 % to the last bit
        (f"{NFR} <= 0", Tally(100), Verdict.PASS),  # the estimate may be zero
        ("error_rate_change <= 0", Tally(10, 5, 5), Verdict.PASS),
    ],
)
def test_the_point_decision_compares_the_estimate_and_says_so(text, tally, verdict):
    """--decide point takes the estimate, with a reason in the report."""
    found = judge(Gate.parse(text), tally, decide="point")
    assert found.verdict is verdict
    assert "not by its bound" in found.reason


def test_gates_on_what_the_sources_cannot_support_are_all_named():
    """Churn needs answers; both gates on it are in one error."""
    gates = [Gate.parse(f"churn <= {limit}%") for limit in (1, 2)] + [Gate.parse(f"{NFR} <= 1%")]
    with pytest.raises(UsageError) as caught:
        check_available(gates, answers=False)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("limit", "examples"),
    [
        ("0.1%", 2995),  # METRICS.md §2, sample sizes
        ("0.5%", 598),
        ("1%", 299),
        ("2%", 149),
        ("5%", 59),
    ],
)
def test_without_flips_the_published_number_of_examples_decides(limit, examples):
    """Zero flips pass with the published number of examples and not with one fewer."""
    gate = Gate.parse(f"{NFR} <= {limit}")
    assert smallest_passing(gate, 0.95) == examples
    assert examples_needed(gate, flipping(0, 10), 0.95) == examples
    assert judge(gate, flipping(0, examples)).verdict is Verdict.PASS
    assert judge(gate, flipping(0, examples - 1)).verdict is Verdict.INCONCLUSIVE


def test_a_lower_limit_needs_as_many_examples_as_its_mirror():
    """BTC ≥ 99 % with nothing lost is NFR ≤ 1 % with nothing lost."""
    gate = Gate.parse("backward_trust_compatibility >= 99%")
    assert smallest_passing(gate, 0.95) == 299
    assert judge(gate, Tally(299)).verdict is Verdict.PASS
    assert judge(gate, Tally(298)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("text", "tally"),
    [
        (f"{NFR} <= 1%", Tally(497, 3)),  # will pass
        (f"{NFR} <= 1%", Tally(492, 8)),  # will fail
        ("error_rate_change <= 0", Tally(900, 30, 34, 36)),
        ("error_rate_change <= 1%", Tally(900, 30, 31, 39)),
        ("relative_negative_flip_rate <= 50%", Tally(80, 4, 1, 15)),
        ("win_loss_ratio >= 1", Tally(900, 6, 9, 30)),
        ("backward_trust_compatibility >= 95%", Tally(98, 2, 1, 9)),
    ],
)
def test_the_number_of_examples_said_to_decide_does_decide(text, tally):
    """The intervals at that size exclude the limit, and at one percent fewer they do not."""
    gate = Gate.parse(text)
    needed = judge(gate, tally).needed
    assert needed > tally.examples
    assert decided(gate, tally, needed)
    assert not decided(gate, tally, 0.99 * needed - 1)


def decided(gate: Gate, tally: Tally, examples: float) -> bool:
    """Whether so many examples, at the tally's rates, have an interval without the limit."""
    cells = Cells.of(tally.counts() * (examples / tally.examples))
    low, high = bounds(METRICS[gate.metric], cells, 0.9)
    return not low < gate.limit < high


def test_an_estimate_on_the_limit_is_decided_by_no_number():
    """Observed exactly at the limit, more of the same decides nothing, and the report says so."""
    found = judge(Gate.parse(f"{NFR} <= 1%"), flipping(10, 1000))
    assert found.needed is None
    assert "no number of examples" in found.reason


def test_a_test_set_too_small_ever_to_pass_is_told_what_it_needs():
    """Even without a flip 100 examples cannot show 1 %."""
    found = judge(Gate.parse(f"{NFR} <= 1%"), flipping(0, 100))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "too small ever to pass" in found.reason
    assert "299" in found.reason


def test_too_small_speaks_of_the_examples_that_the_metric_counts():
    """BTC counts what the old model got right, so the whole test set is not what is too small."""
    found = judge(Gate.parse("backward_trust_compatibility >= 99%"), Tally(100, 0, 0, 900))
    assert "299 examples in its denominator, and there are 100" in found.reason


@pytest.mark.parametrize(
    ("number", "shown"),
    [(7, 7), (299, 299), (1234, 1240), (1240, 1240), (99_950, 100_000), (58_480, 58_500)],
)
def test_a_rough_number_has_three_leading_digits_and_is_never_too_small(number, shown):
    """What is said to suffice is rounded up."""
    assert rough(number) == shown


def parts(*tallies: Tally):
    """Slices of a column with these tallies."""
    return [(("region", str(row)), each) for row, each in enumerate(tallies)]


GATE = Gate.parse(f"{NFR} <= 1% by region")


def test_every_slice_passes_at_its_own_level():
    """Passing needs no correction: each slice must pass by itself."""
    judged = judge_slices(GATE, parts(*[flipping(0, 299)] * 50))
    assert {each.verdict for each in judged} == {Verdict.PASS}


def test_a_slice_that_surely_regressed_fails_among_many():
    """A strong failure survives Holm's correction, and the others keep their verdicts."""
    judged = judge_slices(GATE, parts(flipping(100, 1000), *[flipping(0, 1000)] * 99))
    assert [each.verdict for each in judged] == [Verdict.FAIL] + [Verdict.PASS] * 99


def test_a_weak_failure_does_not_survive_many_questions():
    """One in twenty slices is beyond its limit by chance: that is not called a failure."""
    weak = flipping(16, 1000)  # p = 0.047 by itself
    assert judge_slices(GATE, parts(weak))[0].verdict is Verdict.FAIL
    judged = judge_slices(GATE, parts(weak, *[flipping(0, 1000)] * 20))
    assert judged[0].verdict is Verdict.INCONCLUSIVE
    assert "after correction over 21 slices" in judged[0].reason


def test_the_failing_slices_are_those_that_survive_holm_on_exact_p_values():
    """Which slices fail is what statsmodels' Holm says of scipy's binomial p-values."""
    counts = [2, 9, 15, 16, 18, 19, 21, 23, 30, 10]
    p_values = stats.binom(1000, 0.01).sf(np.array(counts) - 1)
    rejected = multipletests(p_values, alpha=0.05, method="holm")[0]
    judged = judge_slices(GATE, parts(*(flipping(each, 1000) for each in counts)))
    assert [each.verdict is Verdict.FAIL for each in judged] == rejected.tolist()
    assert 0 < sum(rejected) < len(counts)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("error_rate_change <= 1% by region", Tally(900, 80, 5, 15)),  # Tango
        ("relative_negative_flip_rate <= 50% by region", Tally(600, 150, 0, 50)),  # binomial
        ("win_loss_ratio >= 1 by region", Tally(900, 80, 5, 15)),  # odds
        ("backward_trust_compatibility >= 99% by region", Tally(900, 80, 5, 15)),  # from below
    ],
)
def test_every_kind_of_gate_can_fail_among_slices(text, broken):
    """Holm's correction works for each kind of metric and either direction."""
    judged = judge_slices(Gate.parse(text), parts(broken, *[Tally(90, 2, 2, 6)] * 9))
    assert judged[0].verdict is Verdict.FAIL


def test_slices_decided_by_the_estimate_are_not_corrected():
    """--decide point compares each slice's estimate, whatever their number."""
    judged = judge_slices(GATE, parts(flipping(2, 100), flipping(0, 5)), decide="point")
    assert [each.verdict for each in judged] == [Verdict.FAIL, Verdict.PASS]


def test_an_empty_list_of_slices_has_no_judgement():
    """No slices, nothing judged, nothing passed."""
    assert judge_slices(GATE, []) == []


def test_each_slice_searches_for_its_bounds_only_once(monkeypatch):
    """What a slice needs, and its p-value, come without more searches: 1000 classes are quick."""
    searches = []

    def counted(*arguments):
        searches.append(arguments)
        return tango(*arguments)

    monkeypatch.setattr(intervals, "tango", counted)
    gate = Gate.parse("error_rate_change <= 1% by class")
    judge_slices(gate, parts(Tally(40, 30, 0, 5), Tally(40, 2, 1, 5), Tally(900, 0, 0, 9)))
    assert len(searches) == 3


def test_slices_too_small_to_judge_have_no_say():
    """A tiny slice that broke altogether neither fails its gate, nor counts in its correction."""
    weak = flipping(16, 1000)  # p = 0.047 by itself: it fails alone, and not among several
    tallies = parts(flipping(9, 9), weak, *[flipping(0, 9)] * 20)
    judged = judge_slices(GATE, tallies, smallest=10)
    assert [each.verdict for each in judged] == [Verdict.FAIL] + [None] * 21
    assert judged[1].scope == ("region", "0")
    assert (judged[1].numerator, judged[1].denominator, judged[1].bound) == (9, 9, None)
    assert judged[1].reason == "too small to judge (--min-slice 10): 9 examples"
    assert overall(each.verdict for each in judged) is Verdict.FAIL


@pytest.mark.parametrize("decide", ["bound", "point"])
def test_a_gate_of_slices_too_small_to_judge_never_passes(decide):
    """Where nothing was judged, nothing is decided."""
    judged = judge_slices(GATE, parts(*[flipping(0, 400)] * 3), smallest=401, decide=decide)
    assert {each.verdict for each in judged} == {Verdict.INCONCLUSIVE}
    assert judge_slices(GATE, parts(flipping(0, 400)), smallest=400)[0].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        (["pass", None], Verdict.PASS),  # a slice too small to judge has no say
        ([None, None], Verdict.INCONCLUSIVE),  # and none of them makes a pass
        (["pass", "pass"], Verdict.PASS),
        (["pass", "inconclusive"], Verdict.INCONCLUSIVE),  # anything undecided
        (["inconclusive", "fail", "pass"], Verdict.FAIL),  # any failure
        ([], None),  # without gates there is no verdict
    ],
)
def test_an_audit_is_as_good_as_its_worst_gate(verdicts, verdict):
    """A failure outweighs doubt, and doubt outweighs a pass."""
    assert overall(each and Verdict(each) for each in verdicts) is verdict
