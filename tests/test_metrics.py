"""The table of metrics: values on one tally, and how a name is found."""

from __future__ import annotations

import pytest

from flipcheck.errors import UsageError
from flipcheck.metrics import COUNTED, METRICS, SLICE_METRICS, metric
from flipcheck.outcomes import Tally

TALLY = Tally(600, 50, 100, 150, 100)  # N = 1000, d = 250

VALUES = {
    # by hand, from the formulas of METRICS.md §1
    "old_error_rate": 0.35,
    "new_error_rate": 0.30,
    "error_rate_change": -0.05,
    "error_ratio": 300 / 350,
    "negative_flip_rate": 0.05,
    "positive_flip_rate": 0.10,
    "relative_negative_flip_rate": 0.05 / (0.65 * 0.30),
    "negative_flip_impact": 50 / 300,
    "positive_flip_impact": 100 / 700,
    "backward_trust_compatibility": 600 / 650,
    "backward_error_compatibility": 250 / 300,
    "churn": 0.25,
    "flips": 0.15,
    "inconsistent_flip_rate": 0.15,
    "win_loss_ratio": 2.0,
}


def test_every_metric_of_the_table_is_checked_by_hand():
    """No metric is without a value computed by hand."""
    assert list(VALUES) == list(COUNTED)


@pytest.mark.parametrize(("name", "value"), VALUES.items())
def test_a_metric_has_the_value_of_its_formula(name, value):
    """The value on one tally is the one computed by hand."""
    assert METRICS[name].value(TALLY) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "undefined_on"),
    [
        ("backward_trust_compatibility", Tally(0, 0, 5, 5)),  # the old model is never right
        ("backward_error_compatibility", Tally(5, 0, 5, 0)),  # the new model is never wrong
        ("negative_flip_impact", Tally(5, 0, 5, 0)),
        ("positive_flip_impact", Tally(0, 5, 0, 5)),  # the new model is never right
        ("relative_negative_flip_rate", Tally(0, 0, 5, 5)),
        ("error_ratio", Tally(5, 5, 0, 0)),  # the old model is never wrong
        ("expected_cost", Tally(5, 5, 5, 5)),  # a tally knows no costs
        ("excess_negative_flip_rate", Tally(5, 5, 5, 5)),  # and no reruns
        ("win_loss_ratio", Tally(5, 0, 5, 5)),  # no loss to divide by
        ("negative_flip_rate", Tally()),  # no examples
    ],
)
def test_a_denominator_of_zero_is_undefined(name, undefined_on):
    """Undefined is None, never 0 and never NaN."""
    assert METRICS[name].value(undefined_on) is None


def test_error_compatibility_divides_by_the_new_models_errors():
    """The published trap: dividing by the old model's errors would give another number."""
    assert METRICS["backward_error_compatibility"].value(Tally(5, 1, 3, 1)) == 0.5


def test_a_source_without_answers_supports_no_churn():
    """What needs same and different wrong answers is not available without them."""
    unsplit = Tally(5, 1, 1, both_wrong_unsplit=3)
    assert METRICS["churn"].value(unsplit) is None
    assert METRICS["negative_flip_rate"].value(unsplit) == 0.1


def test_the_metrics_of_slices_are_metrics():
    """What a report tells of slices is in the table."""
    assert set(SLICE_METRICS) <= set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_found_by_its_name(name):
    """Names are the keys of the table."""
    assert metric(name) is METRICS[name]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("negative_flip_rat", "did you mean 'negative_flip_rate'?"),  # a slip
        ("negative-flip-rate", "did you mean 'negative_flip_rate'?"),  # another spelling
        ("NFR", "its name is 'negative_flip_rate'"),  # an abbreviation of the papers
        ("bec", "its name is 'backward_error_compatibility'"),  # in lower case
        ("zzz", "there are: old_error_rate, new_error_rate"),  # nothing near: all of them
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, hint):
    """The error's hint names what was probably meant."""
    with pytest.raises(UsageError) as caught:
        metric(name)
    assert caught.value.hint.startswith(hint)
