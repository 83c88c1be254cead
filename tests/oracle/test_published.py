"""Positive-congruent training (Yan et al., CVPR 2021) replayed from files to report.

This checks the arithmetic of the published table; it does not repeat the experiment.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

import flipcheck

N = 50_000
TRUTH, OTHER, THIRD = "0", "1", "2"

TABLE = {
    # row: ER_old, ER_new, NFR, relative NFR, PFR (implied), in percent; METRICS.md §2
    "R18→R18 none": (30.24, 30.29, 6.44, 30.48, 6.39),
    "R18→R18 naive distillation": (30.24, 29.34, 5.72, 27.95, 6.62),
    "R18→R18 BCT": (30.24, 29.66, 6.39, 30.88, 6.97),
    "R18→R18 focal distillation KL": (30.24, 30.63, 2.50, 11.70, 2.11),
    "R18→R18 focal distillation LM": (30.24, 30.47, 2.35, 11.06, 2.12),
    "R18→R18 ensemble ×16": (26.07, 25.98, 1.70, 8.85, 1.79),
    "R18→R50 none": (30.24, 25.85, 4.89, 27.12, 9.28),
    "R18→R50 naive distillation": (30.24, 24.41, 3.78, 22.20, 9.61),
    "R18→R50 focal distillation KL": (30.24, 26.32, 2.90, 15.79, 6.82),
    "R18→R50 ensemble": (26.07, 22.20, 1.64, 9.99, 5.51),
    "R18→DN161 none": (30.24, 22.86, 4.03, 25.24, 11.41),
}
FULL = "R18→R50 none"


def counts(row: str) -> tuple[int, int, int, int]:
    """The cells a, b, c, d of a row: those nearest to its rates that round to all of it.

    Two decimals of a percent leave five possible counts at N = 50,000. All rows but one are met
    by the middle ones; "R18→DN161 none" was rounded from a lower NFR than it prints.
    """
    middle = [round(N * percent / 100) for percent in TABLE[row][:3]]
    steps = sorted(product(range(-2, 3), repeat=3), key=lambda step: sum(map(abs, step)))
    for step in steps:
        old_wrong, new_wrong, b = (count + more for count, more in zip(middle, step, strict=True))
        d = new_wrong - b
        relative, won = b * N / ((N - old_wrong) * new_wrong), (old_wrong - d) / N
        if (round(100 * relative, 2), round(100 * won, 2)) == TABLE[row][3:]:
            return N - old_wrong - b, b, old_wrong - d, d
    raise AssertionError(f"no counts round to the row {row}")


def replayed(row: str, folder) -> flipcheck.Report:
    """The audit of two prediction files with the cells of a row, in shuffled order."""
    cells = counts(row)
    old = np.repeat([TRUTH, TRUTH, OTHER, OTHER], cells)
    new = np.repeat([TRUTH, OTHER, TRUTH, THIRD], cells)
    ids = np.array([f"val_{number:05d}" for number in range(N)])
    paths = []
    for side, answers in (("old", old), ("new", new)):
        order = np.random.default_rng(len(paths)).permutation(N)
        table = {"id": ids[order], "label": np.full(N, TRUTH), "prediction": answers[order]}
        paths.append(folder / f"{side}.csv")
        csv.write_csv(pa.table(table), paths[-1])
    return flipcheck.compare(*paths)


@pytest.mark.parametrize("row", TABLE)
def test_a_published_row_is_reproduced_from_prediction_files(row, tmp_path):
    """Both error rates, NFR, relative NFR and PFR come out as published, to two decimals."""
    metrics = replayed(row, tmp_path).metrics
    names = (
        "old_error_rate",
        "new_error_rate",
        "negative_flip_rate",
        "relative_negative_flip_rate",
        "positive_flip_rate",
    )
    found = [round(100 * metrics[name].value, 2) for name in names]
    assert found == list(TABLE[row])


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """The report of the row whose every number is published."""
    return replayed(FULL, tmp_path_factory.mktemp("full"))


def test_the_cells_of_the_full_row_are_the_published_ones(full):
    """The tally is the stated one."""
    tally = full.tally
    cells = (tally.both_right, tally.negative_flips, tally.positive_flips, tally.both_wrong)
    assert cells == (32_435, 2_445, 4_640, 10_480)


@pytest.mark.parametrize(
    ("name", "low", "high", "digits"),
    [
        ("negative_flip_rate", 4.703, 5.083, 3),  # Clopper–Pearson
        ("error_rate_change", -4.72, -4.06, 2),  # Tango
    ],
)
def test_the_intervals_of_the_full_row_are_the_published_ones(full, name, low, high, digits):
    """The 95 % intervals are the stated ones, in percent."""
    found = full.metrics[name].interval
    assert (round(100 * found.low, digits), round(100 * found.high, digits)) == (low, high)


@pytest.mark.parametrize(
    ("name", "percent"),
    [
        ("backward_trust_compatibility", 92.99),
        ("backward_error_compatibility", 81.08),  # over the new model's errors, not the old one's
        ("negative_flip_impact", 18.92),
        ("flips", 14.17),
    ],
)
def test_the_values_of_the_full_row_are_the_published_ones(full, name, percent):
    """The other metrics are the stated ones, in percent."""
    assert round(100 * full.metrics[name].value, 2) == percent
