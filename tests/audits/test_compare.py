"""The audit of one update: what the report says of paired answers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binomtest

from flipcheck.audits.compare import compare
from flipcheck.audits.flips import KINDS_LISTED
from flipcheck.errors import UsageError
from flipcheck.gates import Gate, Verdict
from flipcheck.labels import Labels
from flipcheck.metrics import COUNTED
from flipcheck.outcomes import Tally
from flipcheck.pairing import pair
from flipcheck.predictions import Predictions
from flipcheck.report import Data, Model, Report, Settings
from flipcheck.stats.tests import holm, more_than_the_rest

OLD = ["cat", "dog", "cat", "eel", "dog", "cat", "cat", "eel"]
NEW = ["cat", "eel", "dog", "eel", "eel", "", "cat", "dog"]
TRUE = ["cat", "dog", "dog", "cat", "dog", "cat", "cat", "eel"]
REGION = ["EU", "EU", "US", "US", "US", "EU", None, "EU"]
IDS = [10, 9, 8, 7, 6, 5, 4, 3]


def audited(
    old=OLD,
    new=NEW,
    true=TRUE,
    *,
    gates=(),
    by=(),
    confidence=None,
    columns=None,
    settings=None,
    ids=None,
    **asked,
) -> Report:
    """The report on lists of answers."""
    columns = {"region": Labels.of(REGION)} if columns is None else columns

    def side(answers, truth, sure=None):
        return Predictions(
            name="model.csv",
            ids=pa.array(IDS[: len(answers)] if ids is None else ids),
            answers=Labels.of(answers),
            truth=Labels.of(truth),
            confidence=None if sure is None else np.array(sure, dtype=np.float32),
            columns=columns,
        )

    model = Model("model", "model.csv")
    return compare(
        pair(side(old, true), side(new, true, confidence)),
        model,
        model,
        Data("model.csv", len(old)),
        settings or Settings(resamples=100),
        gates=[Gate.parse(text) for text in gates],
        by=by,
        **asked,
    )


def test_the_tally_counts_the_outcomes_of_the_examples():
    """Eight examples by hand: two right, four broken, one mended, one wrong the same way."""
    assert audited().tally == Tally(2, 4, 1, 1, 0)


def test_every_metric_has_its_value_counts_and_both_intervals():
    """The report tells each metric of the table, with the bootstrap beside the exact interval."""
    report = audited()
    assert list(report.metrics) == list(COUNTED)
    flips = report.metrics["negative_flip_rate"]
    assert (flips.value, flips.numerator, flips.denominator) == (0.5, 4, 8)
    assert (flips.interval.method, flips.bootstrap.method) == ("clopper-pearson", "percentile")
    assert report.metrics["error_rate_change"].interval.method == "tango"


def test_without_gates_there_is_no_verdict():
    """An audit that asks nothing decides nothing."""
    assert audited().verdict is None


def test_the_verdict_is_that_of_the_worst_gate():
    """One failing gate among passing ones fails the audit."""
    broken = {"old": ["a"] * 40, "new": ["b"] * 40, "true": ["a"] * 40, "columns": {}}
    gates = ["negative_flip_rate <= 5%", "positive_flip_rate <= 90%"]
    report = audited(**broken, gates=gates, ids=list(range(40)))
    assert [each.verdict for each in report.gates] == [Verdict.FAIL, Verdict.PASS]
    assert report.verdict is Verdict.FAIL


def test_a_gate_by_slices_has_one_judgement_for_each():
    """Every slice is judged under its own name, the class without being asked for."""
    report = audited(
        gates=["negative_flip_rate <= 5% by region", "negative_flip_rate <= 5% by class"],
        by=["region"],
    )
    scopes = [each.scope for each in report.gates]
    regions = [("region", "(missing)"), ("region", "EU"), ("region", "US")]
    assert scopes == [*regions, ("class", "cat"), ("class", "dog"), ("class", "eel")]


def test_a_gate_on_one_slice_judges_its_examples_only():
    """`where region=US` speaks of three examples."""
    (judged,) = audited(gates=["flips <= 5% where region=US"], by=["region"]).gates
    assert (judged.numerator, judged.denominator, judged.scope) == (2, 3, ("region", "US"))


@pytest.mark.parametrize(
    ("gate", "message", "hint"),
    [
        ("flips <= 5% by regoin", "no slices by 'regoin'", "did you mean 'region'?"),
        ("flips <= 5% where region=EUU", "no examples where region is 'EUU'", "did you mean 'EU'?"),
        ("flips <= 5% where regin=EU", "no slices by 'regin'", "did you mean 'region'?"),
    ],
)
def test_a_gate_on_what_is_not_there_names_the_nearest(gate, message, hint):
    """A slip never passes: it is an error that says what was probably meant."""
    with pytest.raises(UsageError, match=message) as caught:
        audited(gates=[gate], by=["region"])
    assert caught.value.hint.startswith(hint)


def test_slices_by_a_column_that_is_not_there_are_an_error():
    """A slice that was asked for is never left out in silence."""
    with pytest.raises(UsageError, match="no column 'regoin'") as caught:
        audited(by=["regoin"])
    assert caught.value.hint == "did you mean 'region'?"


def test_a_column_asked_for_twice_is_one_family_of_slices():
    """Repeating a column does not double the correction."""
    assert audited(by=["region", "region"]).slices == audited(by=["region"]).slices


def test_each_slice_has_its_tally_and_its_metrics():
    """The slice US: one broken, one mended, one wrong the same way."""
    report = audited(by=["region"])
    assert [part.value for part in report.slices] == ["(missing)", "EU", "US"]
    part = report.slices[2]
    assert part.tally == Tally(0, 1, 1, 1)
    assert part.metrics["negative_flip_rate"].value == pytest.approx(1 / 3)
    assert part.metrics["negative_flip_rate"].denominator == 3


def test_slices_of_all_columns_are_corrected_as_one_family():
    """Holm's correction counts every slice that was asked for, of whichever column."""
    columns = {"region": Labels.of(REGION), "parity": Labels.of(["0", "1"] * 4)}
    report = audited(by=["region", "parity"], columns=columns)
    p_values = []
    for name in ("region", "parity"):
        parts = [part.tally for part in report.slices if part.by == name]
        counts = [np.array([getattr(part, of) for part in parts])
                  for of in ("negative_flips", "examples")]  # fmt: skip
        p_values += more_than_the_rest(*counts).tolist()
    assert [part.p_value for part in report.slices] == pytest.approx(p_values, rel=1e-9)
    assert [part.p_adjusted for part in report.slices] == pytest.approx(holm(p_values), rel=1e-9)


PARITY = ["0", "1"] * 4
BOTH = {"region": Labels.of(REGION), "parity": Labels.of(PARITY)}


def test_crossed_columns_are_slices_and_gates_speak_of_them():
    """Each combination that occurs has its examples; --by and gates name it alike."""
    report = audited(
        columns=BOTH,
        by=["region,parity"],
        gates=["flips <= 5% by region,parity", "flips <= 5% where region,parity=US,1"],
    )
    found = {part.value: part.tally.examples for part in report.slices}
    assert found == {"(missing),0": 1, "EU,0": 1, "EU,1": 3, "US,0": 2, "US,1": 1}
    assert {part.by for part in report.slices} == {"region,parity"}
    assert [each.scope[1] for each in report.gates] == [*found, "US,1"]
    assert report.gates[-1].denominator == 1


def test_the_true_class_is_crossed_with_a_column():
    """By class,region: the examples of a class in a region."""
    report = audited(by=["class,region"])
    counts = {part.value: part.tally.negative_flips for part in report.slices}
    assert counts == {
        "cat,(missing)": 0, "cat,EU": 1, "cat,US": 0, "dog,EU": 1, "dog,US": 1, "eel,EU": 1,
    }  # fmt: skip


def test_a_column_whose_own_name_has_a_comma_is_that_column():
    """What exists under that very name is meant."""
    report = audited(columns=BOTH | {"region,parity": Labels.of(PARITY)}, by=["region,parity"])
    assert [part.value for part in report.slices] == ["0", "1"]


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("region,regoin", "no column 'regoin'"),  # one of two is not there
        ("region, parity", "no column ' parity'"),  # a space is part of a name
        ("region,", "no column ''"),
        ("region,region", "cross a column with itself"),
    ],
)
def test_what_cannot_be_crossed_is_an_error(by, message):
    """Nothing is sliced by less than what was asked for."""
    with pytest.raises(UsageError, match=message):
        audited(columns=BOTH, by=[by])


def numbered(count=400, **changed):
    """An audit of examples with their number as a column, the last ones broken."""
    ages = [str(row % 100) for row in range(count)]
    answers = ["a"] * count
    return audited(
        answers,
        answers[:-20] + ["b"] * 20,
        answers,
        columns={"age": Labels.of(ages)},
        by=["age"],
        ids=list(range(count)),
        **changed,
    )


def test_many_numbers_are_cut_into_quantiles_and_a_note_says_so():
    """Four slices of a column of a hundred numbers, in ascending order."""
    report = numbered(gates=["flips <= 50% where age=75 to 99"])
    assert [part.value for part in report.slices] == ["0 to 24", "25 to 49", "50 to 74", "75 to 99"]
    assert report.slices[3].tally == Tally(80, 20)
    assert report.warnings[-1] == "column 'age' holds 100 numbers: cut into 4 quantiles"
    assert report.verdict is Verdict.PASS
    assert len(numbered(settings=Settings(resamples=0, quantiles=10)).slices) == 10


def test_no_quantiles_leave_each_number_a_slice():
    """--quantiles 0 slices by the values, as for text."""
    report = numbered(settings=Settings(resamples=0, quantiles=0))
    assert len(report.slices) == 100
    assert not any("quantiles" in note for note in report.warnings)


def test_slices_too_small_to_judge_are_told_and_not_tested():
    """They keep their tally and metrics, and are no part of the family that is corrected."""
    report = audited(by=["region"], settings=Settings(resamples=0, min_slice=3))
    small, *judged = report.slices
    assert (small.value, small.tally.examples, small.too_small) == ("(missing)", 1, True)
    assert (small.p_value, small.p_adjusted, small.q_value, small.simultaneous) == (None,) * 4
    p_values = more_than_the_rest(np.array([0, 3, 1]), np.array([1, 4, 3]))[1:]
    assert [part.p_value for part in judged] == pytest.approx(p_values.tolist(), rel=1e-9)
    assert [part.p_adjusted for part in judged] == pytest.approx(holm(p_values), rel=1e-9)
    low, high = binomtest(3, 4).proportion_ci(1 - 0.05 / 2)
    assert (judged[0].simultaneous.low, judged[0].simultaneous.high) == pytest.approx((low, high))


def test_a_gate_on_a_slice_too_small_to_judge_is_inconclusive():
    """Under `where`, it is all that the gate has."""
    report = audited(
        by=["region"],
        gates=["flips <= 99% where region=US"],
        settings=Settings(resamples=0, min_slice=4),
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "too small to judge (--min-slice 4): 3 examples" in report.gates[0].reason


def test_discovery_searches_the_columns_and_the_true_class():
    """Whatever --by and gates name, once each; nothing is searched unasked."""
    settings = Settings(resamples=0, min_slice=2)
    report = audited(columns=BOTH, by=["region,parity", "region"], discover=True, settings=settings)
    assert report.discovery.columns == ("region", "parity", "class")
    assert report.discovery.smallest == 2
    assert audited(by=["region"]).discovery is None


def test_the_order_of_rows_does_not_show_in_a_discovery():
    """Another order of the same examples gives the same bytes."""
    rng = np.random.default_rng(0)
    truth = rng.choice(["cat", "dog"], 3_000)
    region = rng.choice(["EU", "US", "ASIA"], 3_000)
    new = np.where(rng.random(3_000) < np.where(region == "US", 0.03, 0.01), "eel", truth)
    written = []
    for order in (np.arange(3_000), rng.permutation(3_000)):
        for confirm in (None, "split"):
            report = audited(
                truth[order], new[order], truth[order], ids=order, discover=True, confirm=confirm,
                columns={"region": Labels.of(region[order])}, by=["region"],
            )  # fmt: skip
            written.append(report.to_dict()["discovery"])
    assert written[:2] == written[2:]
    assert written[0]["found"][0]["where"] == [{"by": "region", "value": "US"}]


def test_confirming_without_discovering_is_an_error():
    """So is a way to confirm that there is not."""
    with pytest.raises(UsageError, match="--confirm judges what --discover finds"):
        audited(confirm="split")
    with pytest.raises(UsageError, match="'split' or nothing"):
        audited(discover=True, confirm="half")


def test_flips_are_listed_by_confidence_then_id():
    """The surest wrong answers come first; equal and unknown confidences are ordered by id."""
    sure = [0.1, 0.5, 0.1, 0.1, 0.5, float("nan"), 0.1, 0.9]
    found = audited(confidence=sure).negative_flips
    assert [each.id for each in found.examples] == ["3", "6", "9", "5"]
    assert [each.new_confidence for each in found.examples] == [0.9, 0.5, 0.5, None]


def test_flips_without_confidences_are_listed_by_id():
    """Numbers are ordered as numbers, whatever the order in the file."""
    found = audited().negative_flips
    assert [each.id for each in found.examples] == ["3", "5", "6", "9"]
    assert (found.examples[1].truth, found.examples[1].old, found.examples[1].new) == (
        "cat",
        "cat",
        None,
    )


def test_an_infinite_confidence_is_unknown_in_the_report():
    """JSON has no infinity, so a score that is none is null."""
    found = audited(confidence=[float("inf")] * 8).negative_flips
    assert {each.new_confidence for each in found.examples} == {None}


def test_no_more_flips_are_listed_than_asked_for():
    """The list is cut, the total is not."""
    found = audited(settings=Settings(resamples=0, listed=1)).negative_flips
    assert (found.total, len(found.examples)) == (4, 1)


def test_kinds_of_flips_are_counted_most_frequent_first():
    """What the old model answered, what the new one does, how often; ties by name."""
    kinds = [(kind.old, kind.new, kind.count) for kind in audited().negative_flips.transitions]
    assert kinds == [("dog", "eel", 2), ("cat", None, 1), ("eel", "dog", 1)]


def test_only_so_many_kinds_of_flips_are_listed():
    """A model with a thousand classes does not make a report of a million lines."""
    classes = [f"class {row}" for row in range(KINDS_LISTED + 9)]
    report = audited(
        classes, ["other"] * len(classes), classes, columns={}, ids=list(range(len(classes)))
    )
    assert len(report.negative_flips.transitions) == KINDS_LISTED
    assert report.negative_flips.total == KINDS_LISTED + 9


def test_an_update_without_flips_has_a_report_too():
    """Zero flips: an upper bound above 0, no kinds, no examples, an empty table."""
    report = audited(TRUE, TRUE, TRUE)
    flips = report.metrics["negative_flip_rate"]
    assert (flips.value, flips.interval.low) == (0.0, 0.0)
    assert flips.interval.high > 0.3
    assert report.negative_flips.transitions == ()
    assert report.flips.num_rows == 0
    assert report.mcnemar.p_value == 1.0


def test_the_table_of_flips_has_every_flip_with_its_slices():
    """Negative flips first, then positive ones, each by id, with all that is known of them."""
    flips = audited(by=["region"]).flips
    assert flips["id"].to_pylist() == [3, 5, 6, 9, 8]
    assert flips["outcome"].to_pylist() == ["negative_flip"] * 4 + ["positive_flip"]
    assert flips["region"].to_pylist() == ["EU", "EU", "US", "EU", "US"]
    assert flips["new"].to_pylist() == ["dog", None, "eel", "eel", "dog"]


def test_a_slice_column_does_not_replace_the_tables_own():
    """A column that is called outcome leaves the table's outcome alone."""
    flips = audited(by=["outcome"], columns={"outcome": Labels.of(REGION)}).flips
    assert flips["outcome"].to_pylist()[0] == "negative_flip"


def test_one_example_is_enough_for_a_report():
    """The smallest test set has wide intervals and no error."""
    report = audited(["cat"], ["dog"], ["cat"], columns={})
    assert report.metrics["negative_flip_rate"].interval.low == pytest.approx(0.025)
    assert report.metrics["negative_flip_rate"].interval.high == 1.0


def test_the_seed_makes_the_bootstrap_and_nothing_else():
    """Another seed moves percentile ends; exact intervals stay."""
    one, two = (audited(settings=Settings(resamples=30, seed=seed)) for seed in (1, 2))
    assert one.metrics["flips"].interval == two.metrics["flips"].interval
    assert one.to_dict() != two.to_dict()
    assert audited(settings=Settings(resamples=30, seed=1)).to_dict() == one.to_dict()


def test_warnings_of_the_pairing_follow_those_of_the_sources():
    """The report keeps what was worth a warning, in order."""
    side = Predictions(
        name="x.csv",
        ids=pa.array([1]),
        answers=Labels.of(["a"]),
        truth=Labels.of(["a"]),
        correct=np.array([False]),
    )
    model = Model("x", "x.csv")
    report = compare(
        pair(side, side), model, model, Data("x.csv", 1), Settings(resamples=0), warnings=["first"]
    )
    assert report.warnings[0] == "first"
    assert "the verdict column decides" in report.warnings[1]
