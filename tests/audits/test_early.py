"""Gates judged while models run: which have a test, and what a stopped run says of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from flipcheck.audits.compare import compare
from flipcheck.audits.early import (
    at_its_level,
    check_early,
    decided,
    early_stop,
    sequential,
    stopped_judgement,
)
from flipcheck.audits.judging import rejudge
from flipcheck.errors import InputError, UsageError
from flipcheck.gates import Gate, Verdict, judge
from flipcheck.metrics import COUNTED, METRICS
from flipcheck.outcomes import Tally
from flipcheck.pairing import pair
from flipcheck.predictions import Predictions
from flipcheck.report import Data, Model, Report, Settings
from flipcheck.stats.sequential import evidence

CLEAN = Tally(990, 2, 8)


def paired(right=0, broken=0, mended=0, wrong=0):
    """The pairing of as many examples of each outcome."""
    kinds = [("a", "a")] * right + [("a", "b")] * broken + [("b", "a")] * mended
    kinds += [("b", "b")] * wrong
    old, new = zip(*kinds, strict=True)
    sides = [Predictions.from_arrays(list(side), ["a"] * len(kinds)) for side in (old, new)]
    return pair(*sides)


@pytest.mark.parametrize("metric", COUNTED)
def test_every_metric_but_ratios_of_rates_has_a_test(metric):
    """Ratios of two rates, and gates by slices, are judged at the end only."""
    gate = Gate.parse(f"{metric} <= 0.5")
    assert sequential(gate) is (metric not in {"relative_negative_flip_rate", "error_ratio"})
    assert not sequential(replace(gate, by="region"))
    assert not sequential(replace(gate, where=("region", "EU")))


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("negative_flip_rate <= 2%", "pass"),
        ("negative_flip_rate <= 0.1%", "inconclusive"),
        ("positive_flip_rate <= 0.01%", "fail"),
        ("backward_trust_compatibility >= 98%", "pass"),
        ("backward_trust_compatibility >= 99.99%", "inconclusive"),
        ("backward_trust_compatibility >= 99.9%", "inconclusive"),
        ("positive_flip_rate >= 5%", "fail"),
        ("error_rate_change <= 1%", "pass"),
        ("error_rate_change <= -3%", "fail"),
        ("error_rate_change >= -3%", "pass"),
        ("win_loss_ratio >= 0.2", "pass"),
        ("win_loss_ratio >= 1", "inconclusive"),
        ("relative_negative_flip_rate <= 0.9", "inconclusive"),
        ("backward_error_compatibility >= 1%", "inconclusive"),  # 0 of 2
        ("negative_flip_rate <= 0%", "fail"),  # two flips where none is allowed
    ],
)
def test_a_stopped_judgement(text, verdict):
    """The bound lies within the limit where the gate passes, the opposite beyond where it fails."""
    gate = Gate.parse(text)
    found = stopped_judgement(gate, CLEAN, 0.01)
    assert found.verdict == verdict
    assert found.value == METRICS[gate.metric].value(CLEAN)
    if found.verdict is Verdict.PASS:
        assert gate.within(found.bound)
    if found.verdict is Verdict.FAIL:
        assert not gate.within(found.opposite)
        assert not gate.within(found.value)
    exact = judge(gate, CLEAN, confidence=0.99)
    if found.bound is not None and exact.bound is not None:  # a sequence pays for its freedom
        assert (found.bound >= exact.bound) is gate.upper or found.bound == exact.bound


def test_an_undefined_metric_never_decides():
    """A rate of nothing, and an old model that is never right, leave the gate open."""
    wrong = Tally(0, 0, 5, 995)
    for text in ("backward_trust_compatibility >= 10%", "negative_flip_rate <= 50%"):
        assert stopped_judgement(Gate.parse(text), wrong, 0.01).verdict == "inconclusive"


def test_enough_is_one_failure_or_all_passes():
    """It goes on while one gate is open and none has failed."""
    passing, failing, opened = (
        Gate.parse(f"negative_flip_rate <= {limit}") for limit in ("20%", "1%", "5%")
    )
    many = paired(right=950, broken=50)
    for gates, expected in (
        ([passing], True),
        ([failing], True),
        ([opened], False),
        ([passing, opened], False),
        ([failing, opened], True),
    ):
        assert decided(gates, Settings())(many) is expected


def test_a_gate_that_needs_answers_is_refused_at_the_first_look():
    """Verdicts alone know nothing of churn."""
    sides = [Predictions.from_arrays(correct=[1, 0, 1], name=name) for name in ("old", "new")]
    with pytest.raises(UsageError, match="needs both models' answers"):
        decided([Gate.parse("churn <= 5%")], Settings())(pair(*sides))


def test_alpha_is_spent_once():
    """One part for the looks, the rest for the end: together what the confidence leaves."""
    settings = Settings(confidence=0.9)
    stopped, finished = (early_stop(examples, 100, 3, settings) for examples in (40, 100))
    assert (stopped.stopped, finished.stopped) == (True, False)
    assert stopped.anytime_alpha + stopped.final_alpha == pytest.approx(0.1)
    assert at_its_level(settings, stopped).confidence == pytest.approx(0.98)
    assert at_its_level(settings, finished).confidence == pytest.approx(0.92)
    assert at_its_level(settings, None) is settings
    with pytest.raises(ValueError, match="left examples out"):
        replace(stopped, stopped=False)
    with pytest.raises(ValueError, match="out of range"):
        replace(stopped, anytime_alpha=0.3)


@pytest.fixture
def stopped():
    """The report of a run that stopped after 1,000 of 10,000 examples."""
    settings = Settings()
    sides = [Model(name, f"{name}.onnx") for name in ("old", "new")]
    return compare(
        paired(right=985, broken=5, mended=10),
        *sides,
        Data("d.npz", 1000),
        settings,
        gates=[Gate.parse("negative_flip_rate <= 3%")],
        early=early_stop(1000, 10_000, 17, settings),
    )


def test_a_stopped_report_is_judged_anew_by_its_sequence(stopped):
    """Another limit is tested at the same level; the estimate decides nothing."""
    assert stopped.verdict == "pass"
    for limit in np.linspace(0.002, 0.03, 15):
        gate = Gate.parse(f"negative_flip_rate <= {limit:.4f}")
        below, above = evidence(METRICS[gate.metric], stopped.tally, gate.limit)
        expected = Verdict.PASS if below >= np.log(100) else Verdict.INCONCLUSIVE
        assert rejudge(stopped, [gate], "bound").verdict == (
            Verdict.FAIL if above >= np.log(100) else expected
        )
    with pytest.raises(UsageError, match="could stop early"):
        rejudge(stopped, [Gate.parse("negative_flip_rate <= 3%")], "point")


def test_a_stopped_report_is_read_back(stopped):
    """Byte for byte; damage is found."""
    written = stopped.to_dict()
    assert Report.from_dict(written).to_dict() == written
    written["early_stop"] = {**stopped.to_dict()["early_stop"], "examples": 999}
    with pytest.raises(InputError, match="looked at differ"):
        Report.from_dict(written)


def test_what_could_never_stop_is_refused():
    """No gate, only gates of the whole set, and the estimate as judge."""
    gate = Gate.parse("negative_flip_rate <= 3%")
    check_early([gate], Settings())
    with pytest.raises(UsageError, match="there is none"):
        check_early([], Settings())
    with pytest.raises(UsageError, match="whole test set only"):
        check_early([Gate.parse("relative_negative_flip_rate <= 1")], Settings())
    with pytest.raises(UsageError, match="has none"):
        check_early([gate], Settings(decide="point"))
