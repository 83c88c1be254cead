"""The row bootstrap from the tally alone: its cost does not grow with the test set.

Drawing n rows with replacement and counting their outcomes is one multinomial draw over the
cells (STATISTICS.md §1), so that no row is ever touched again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.outcomes import Cells
from flipcheck.stats.intervals import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.metrics import Metric
    from flipcheck.outcomes import Tally


def replicates(tally: Tally, resamples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The counts of each Outcome in resampled test sets, shape (resamples, 9)."""
    import numpy as np

    counts = tally.counts()
    occupied = counts > 0  # no draw may fall, by rounding, into a cell that is empty
    drawn = np.zeros((resamples, len(counts)), dtype=np.int64)
    drawn[:, occupied] = rng.multinomial(
        counts.sum(), counts[occupied] / counts.sum(), size=resamples
    )
    return drawn


def percentile(metric: Metric, drawn: NDArray[np.int64], level: float) -> Interval | None:
    """The percentile interval of a metric; None where some replicate leaves it undefined."""
    import numpy as np

    cells = Cells.of(drawn.astype(float))
    denominator = np.asarray(metric.denominator(cells))
    if not len(drawn) or (denominator == 0).any():
        return None
    values = np.asarray(metric.numerator(cells)) / denominator
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, "percentile")
