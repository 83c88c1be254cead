"""The identities of METRICS.md §1, on any counts, in exact rational arithmetic."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flipcheck.audits.compare import compare
from flipcheck.gates import Gate
from flipcheck.labels import Labels
from flipcheck.metrics import COUNTED, METRICS
from flipcheck.outcomes import Outcome, Tally, outcomes, tally
from flipcheck.pairing import pair
from flipcheck.predictions import Predictions
from flipcheck.report import Data, Model, Report, Settings

count = st.integers(0, 10_000_000) | st.integers(0, 3)
tallies = st.builds(Tally, count, count, count, count, count)
unsplit = st.builds(Tally, count, count, count, both_wrong_unsplit=count)


def exact(name: str, of: Tally) -> Fraction | None:
    """A metric as a fraction; None where it is undefined."""
    metric = METRICS[name]
    bottom = metric.denominator(of)
    return Fraction(metric.numerator(of), bottom) if bottom else None


def swapped(of: Tally) -> Tally:
    """The tally with old and new exchanged."""
    return Tally(
        of.both_right,
        of.positive_flips,
        of.negative_flips,
        of.both_wrong_same,
        of.both_wrong_different,
        of.both_wrong_unsplit,
    )


@given(tallies)
def test_the_new_error_rate_is_the_old_one_less_positive_plus_negative_flips(of):
    """ER_new = ER_old − PFR + NFR, and the change is their difference."""
    if not of.examples:
        return
    old, new = exact("old_error_rate", of), exact("new_error_rate", of)
    won, lost = exact("positive_flip_rate", of), exact("negative_flip_rate", of)
    assert new == old - won + lost
    assert exact("error_rate_change", of) == new - old


@given(tallies)
def test_the_flip_rate_lies_between_its_bounds(of):
    """max(0, ER_new − ER_old) ≤ NFR ≤ min(1 − ER_old, ER_new)."""
    if not of.examples:
        return
    old, new = exact("old_error_rate", of), exact("new_error_rate", of)
    assert max(0, new - old) <= exact("negative_flip_rate", of) <= min(1 - old, new)


@given(tallies)
def test_trust_compatibility_is_one_less_the_share_of_right_answers_lost(of):
    """BTC = 1 − NFR / (1 − ER_old), undefined where the old model is never right."""
    if not of.old_right:
        assert exact("backward_trust_compatibility", of) is None
        return
    lost = exact("negative_flip_rate", of) / (1 - exact("old_error_rate", of))
    assert exact("backward_trust_compatibility", of) == 1 - lost


@given(tallies)
def test_error_compatibility_is_one_less_the_impact(of):
    """BEC = 1 − NFI = 1 − NFR / ER_new, over the new model's errors."""
    if not of.new_wrong:
        assert exact("backward_error_compatibility", of) is None
        return
    impact = exact("negative_flip_impact", of)
    assert impact == exact("negative_flip_rate", of) / exact("new_error_rate", of)
    assert exact("backward_error_compatibility", of) == 1 - impact


@given(tallies)
def test_the_relative_flip_rate_is_the_impact_over_the_old_accuracy(of):
    """Relative NFR = NFI / (1 − ER_old), undefined where either is."""
    if not (of.old_right and of.new_wrong):
        assert exact("relative_negative_flip_rate", of) is None
        return
    expected = exact("negative_flip_impact", of) / (1 - exact("old_error_rate", of))
    assert exact("relative_negative_flip_rate", of) == expected


@given(tallies)
def test_churn_is_flips_and_other_wrong_answers(of):
    """Churn = flips + d_diff / N, and flips = NFR + PFR."""
    if not of.examples:
        return
    other = Fraction(of.both_wrong_different, of.examples)
    assert exact("churn", of) == exact("flips", of) + other
    assert exact("inconsistent_flip_rate", of) == exact("negative_flip_rate", of) + other
    flips = exact("negative_flip_rate", of) + exact("positive_flip_rate", of)
    assert exact("flips", of) == flips


@given(tallies)
def test_the_impact_of_positive_flips_mirrors_that_of_negative_ones(of):
    """PFI is NFI's mirror: the share of new right answers that are won."""
    expected = Fraction(of.positive_flips, of.new_right) if of.new_right else None
    assert exact("positive_flip_impact", of) == expected


@given(tallies)
def test_wins_for_each_loss_are_the_ratio_of_the_rates(of):
    """win/loss = PFR / NFR = c / b."""
    if not of.negative_flips:
        assert exact("win_loss_ratio", of) is None
        return
    expected = exact("positive_flip_rate", of) / exact("negative_flip_rate", of)
    assert exact("win_loss_ratio", of) == expected


@given(tallies)
def test_swapping_the_models_swaps_what_belongs_to_them(of):
    """Old and new exchanged: error rates and flip rates change places, the rest stays."""
    turned = swapped(of)
    assert exact("old_error_rate", turned) == exact("new_error_rate", of)
    assert exact("negative_flip_rate", turned) == exact("positive_flip_rate", of)
    assert exact("churn", turned) == exact("churn", of)
    assert exact("flips", turned) == exact("flips", of)


@given(st.lists(tallies | unsplit, max_size=6))
def test_tallies_of_shards_add_up_to_the_tally_of_the_whole(shards):
    """The sum of tallies has the sum of their counts, in any order."""
    whole = sum(shards, Tally())
    assert (
        whole.counts().tolist()
        == sum((each.counts() for each in shards), np.zeros(len(Outcome))).tolist()
    )
    assert sum(reversed(shards), Tally()) == whole


@given(tallies)
def test_the_float_of_a_metric_is_the_nearest_to_its_fraction(of):
    """No metric loses a digit on its way to a float, and undefined is None: never 0, never NaN."""
    for name, metric in COUNTED.items():
        value = exact(name, of)
        assert metric.value(of) == (None if value is None else float(value))


@given(unsplit.filter(lambda of: of.both_wrong_unsplit))
def test_what_needs_the_split_is_not_available_without_it(of):
    """A source that knows only right and wrong gives no churn, rather than a guess."""
    hidden = {name for name, metric in COUNTED.items() if not metric.available(of)}
    assert hidden == {"churn", "inconsistent_flip_rate"}
    assert all(METRICS[name].value(of) is None for name in hidden)


rights = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=40)


@given(rights, st.integers(0, 40))
def test_the_tally_of_the_examples_is_the_sum_over_any_cut(examples, cut):
    """Counting two parts of the examples and adding is counting them all."""
    columns = np.array(examples, dtype=bool).reshape(-1, 3)

    def count_of(part):
        return tally(outcomes(*part.T))

    assert count_of(columns[:cut]) + count_of(columns[cut:]) == count_of(columns)


names = st.sampled_from(["cat", "dog", "7", ""])
regions = st.sampled_from(["EU", "US", "10", "9", ""])
example = st.tuples(st.sampled_from(["cat", "dog", "7"]), names, names, regions)
examples = st.lists(example, min_size=1, max_size=30)

shuffled = examples.flatmap(
    lambda rows: st.tuples(st.just(rows), *[st.permutations(range(len(rows)))] * 2)
)


def audited(rows, old_order, new_order) -> Report:
    """The report on the examples, each side in an order of its own."""

    def predictions(column, order):
        found = Predictions.from_arrays(
            [rows[row][column] for row in order],
            [rows[row][0] for row in order],
            ids=[f"id-{row}" for row in order],
        )
        by = {"region": Labels.of([rows[row][3] for row in order])}
        sure = np.array([(row % 3) / 2 for row in order], dtype=np.float32)
        return Predictions(
            name=found.name,
            ids=found.ids,
            answers=found.answers,
            truth=found.truth,
            confidence=sure,
            columns=by,
        )

    paired = pair(predictions(1, old_order), predictions(2, new_order))
    model = Model("model", "model.csv")
    gates = [
        Gate.parse(text)
        for text in (
            "negative_flip_rate <= 5% by region",
            "error_rate_change <= 0 by class",
            "win_loss_ratio >= 1",
        )
    ]
    data = Data("model.csv", len(paired))
    return compare(paired, model, model, data, Settings(resamples=50), gates=gates, by=["region"])


@settings(max_examples=40)
@given(shuffled)
def test_the_order_of_rows_changes_nothing(drawn):
    """However both files are ordered, the report has the same bytes."""
    rows, old_order, new_order = drawn
    plain = range(len(rows))
    expected = json.dumps(audited(rows, plain, plain).to_dict())
    assert json.dumps(audited(rows, old_order, new_order).to_dict()) == expected


@settings(max_examples=40)
@given(examples)
def test_a_report_holds_no_number_that_json_has_not(rows):
    """NaN and infinity never reach a report: what is undefined is null."""
    report = audited(rows, range(len(rows)), range(len(rows)))
    written = json.dumps(report.to_dict(), allow_nan=False)
    assert Report.from_dict(json.loads(written)).to_dict() == report.to_dict()


@settings(max_examples=40)
@given(examples)
def test_the_slices_of_a_column_add_up_to_the_whole(rows):
    """Every example is in one slice of each kind, also one without a value."""
    report = audited(rows, range(len(rows)), range(len(rows)))
    for parts in (report.slices, report.classes):
        assert sum((part.tally for part in parts), Tally()) == report.tally


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_no_examples_is_undefined(name):
    """The empty tally has no rate at all."""
    assert METRICS[name].value(Tally()) is None
