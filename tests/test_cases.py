"""Real model updates with independent reference counts: every number must match exactly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import flipcheck

CASES = Path(__file__).parents[2] / "shared" / "cases"
pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="the cases of real updates are not beside this checkout"
)

OPTIONS = {
    "gsm8k_openai": {"correct": "correct"},  # the data's own grader decides
    "mmlu_pro_llama": {"labels_from": "new"},  # three labels were corrected between the files
}
SLICES = {"llmdrift_gpt4": "task", "mmlu_pro_llama": "category"}


def reference(case):
    """The reference counts of a case."""
    return json.loads((CASES / case / "reference.json").read_text(encoding="utf-8"))


def pairs():
    """Every pair of files that a reference has counts for."""
    for case in sorted(path.name for path in CASES.glob("*/")) if CASES.is_dir() else ():
        known = reference(case)
        yield case, "old_predictions.csv", "new_predictions.csv", known
        yield case, "old_predictions.parquet", "new_predictions.parquet", known
        for pair in known.get("pairs", ()):
            yield case, pair["old_file"], pair["new_file"], pair


def matches(report, known):
    """Counts of right and wrong, and the exact interval."""
    tally = report.tally
    assert tally.examples == known["n"]
    assert tally.old_wrong == known["wrong_old"]
    assert tally.new_wrong == known["wrong_new"]
    assert tally.negative_flips == known["nf_count"]
    assert tally.positive_flips == known["pf_count"]
    interval = report.metrics["negative_flip_rate"].interval
    low, high = known["nfr_clopper_pearson_95"]
    assert abs(interval.low - low) < 1e-9
    assert abs(interval.high - high) < 1e-9
    written = report.to_dict()["metrics"]["negative_flip_rate"]["interval"]
    assert abs(written["low"] - low) < 1e-9
    assert abs(written["high"] - high) < 1e-9


def matches_answers(report, known):
    """Counts that need both models' answers."""
    assert report.tally.both_wrong_different == known["both_wrong_different_count"]
    assert report.metrics["churn"].numerator == known["churn_count"]


@pytest.mark.parametrize(
    ("case", "old", "new", "known"),
    [pytest.param(*row, id=f"{row[0]}-{row[1]}-{row[2]}") for row in pairs()],
)
def test_every_pair_has_the_reference_counts(case, old, new, known):
    """Counts, churn and the Clopper–Pearson interval of each saved pair."""
    report = flipcheck.compare(CASES / case / old, CASES / case / new, **OPTIONS.get(case, {}))
    matches(report, known)
    matches_answers(report, known)
    exact = report.mcnemar.exact_p_value
    assert exact == pytest.approx(known["mcnemar_exact_p"], rel=1e-9)


@pytest.mark.parametrize("case", SLICES)
def test_slices_have_the_reference_counts(case):
    """Each slice's negative flips and errors."""
    by, known = SLICES[case], reference(case)["per_slice"]
    files = (CASES / case / f"{side}_predictions.csv" for side in ("old", "new"))
    report = flipcheck.compare(*files, by=[by], **OPTIONS.get(case, {}))
    counts = {part.value: part.tally for part in report.slices}
    slices = known.get(by, known)
    assert set(counts) == set(slices)
    for value, expected in slices.items():
        assert counts[value].examples == expected["n"]
        assert counts[value].negative_flips == expected["nf_count"]


def test_null_answers_of_evaluation_samples_are_wrong_and_counted():
    """The JSONL form of a case has nulls where the CSV has the text None; the counts agree."""
    case = CASES / "mmlu_pro_llama"
    report = flipcheck.compare(
        case / "old_samples.jsonl",
        case / "new_samples.jsonl",
        id="question_id",
        label="answer",
        prediction="pred",
        labels_from="new",
    )
    known = reference("mmlu_pro_llama")
    matches(report, known)
    matches_answers(report, known)
    assert report.old.missing_answers > 1000
    assert report.data.label_disagreements == 3


def test_labels_that_disagree_stop_the_audit():
    """Without --labels-from the three corrected labels are an error that names the flag."""
    case = CASES / "mmlu_pro_llama"
    with pytest.raises(flipcheck.FlipcheckError, match="disagree about the label") as caught:
        flipcheck.compare(case / "old_predictions.csv", case / "new_predictions.csv")
    assert "3 examples" in str(caught.value)
    assert "--labels-from new" in str(caught.value)


def test_right_and_wrong_alone_give_flips_but_no_churn():
    """Files with nothing but ids and 0/1 support NFR; churn is not available, never a guess."""
    case = CASES / "gsm8k_openai"
    report = flipcheck.compare(
        case / "correct_only_6b_finetuning.csv", case / "correct_only_175b_verification.csv"
    )
    matches(report, reference("gsm8k_openai"))
    assert report.metrics["churn"].value is None
    assert not report.metrics["churn"].available
    assert report.to_dict()["tally"]["both_wrong_different"] is None


def test_a_verdict_column_that_disagrees_with_equality_is_warned_of():
    """gsm8k's grader and text equality differ in two old rows and five new ones."""
    case = CASES / "gsm8k_openai"
    report = flipcheck.compare(
        case / "old_predictions.csv", case / "new_predictions.csv", correct="correct"
    )
    warnings = " ".join(report.warnings)
    assert "disagree on 2 rows" in warnings
    assert "disagree on 5 rows" in warnings


@pytest.mark.parametrize(
    ("case", "limit", "verdict"),
    [
        ("llmdrift_gpt4", "5%", "fail"),  # half of the answers broke
        ("mmlu_pro_llama", "5%", "fail"),  # 8.5 % did
        ("mmlu_pro_llama", "9%", "pass"),  # the bound is 8.9 %
        ("imagenet_r50_r101", "5%", "pass"),  # 4.7 %, with 50,000 examples
        ("imagenet_r50_r101", "4.7%", "inconclusive"),  # on the limit
        ("cifar10_chain", "3%", "inconclusive"),  # 3.2 %: beyond, but not surely
        ("gsm8k_openai", "5%", "pass"),  # 3.3 % of 1,319
    ],
)
def test_gates_on_real_updates(case, limit, verdict):
    """The verdict of a limit on each update."""
    files = (CASES / case / f"{side}_predictions.parquet" for side in ("old", "new"))
    gate = f"negative_flip_rate <= {limit}"
    report = flipcheck.compare(*files, gates=[gate], **OPTIONS.get(case, {}))
    assert report.verdict == verdict
