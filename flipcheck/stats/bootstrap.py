"""The bootstrap from the tally alone: its cost does not grow with the test set.

Drawing n examples with replacement and counting their outcomes is one multinomial draw over the
cells, so that no row is ever touched again; clusters are drawn by their distinct sums
(STATISTICS.md §1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.outcomes import CELLS, Cells, Outcome, Weighed
from flipcheck.stats.design import FIRST_EXTRAS, WRITTEN
from flipcheck.stats.intervals import Interval
from flipcheck.stats.units import WIDTH, Units, compact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.metrics import Metric
    from flipcheck.outcomes import Tally
    from flipcheck.stats.units import Rows

MOST_KINDS = 500
"""With more distinct units than this they are drawn by which of their sums are not 0."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """The distinct sampling units: the sums of one of each kind, and how many there are.

    `sums` has the shape (kinds, CELLS), or with weights and extras (kinds, WIDTH). Units with the
    same sums are exchangeable. Where they are too many, units with the same outcomes and extras are
    one kind: `sums` is then their mean, and `spread` (kinds, WIDTH, WIDTH) their covariance.
    """

    sums: NDArray[Any]
    counts: NDArray[np.int64]
    spread: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, tally: Tally) -> Kinds:
        """The examples of a tally, each drawn by itself: one kind for each Outcome that occurs."""
        import numpy as np

        counts = tally.counts()
        return cls(np.eye(CELLS, dtype=np.int64)[counts > 0], counts[counts > 0])

    @classmethod
    def of_rows(cls, rows: Rows) -> Kinds:
        """The clusters of some rows, or the rows themselves where they differ in weight."""
        import numpy as np

        units = Units.of(rows)
        kinds = np.zeros(len(units.owners), np.int64)
        for values in units.sums.values():
            found, place = np.unique(values, return_inverse=True)
            found, kinds = np.unique(kinds * len(found) + place, return_inverse=True)
            if len(found) > MOST_KINDS:
                return cls._by_mask(units)
        counts = np.bincount(kinds)
        largest = units.totals(kinds, len(counts))[-1]  # of a kind all units have the same sums
        return cls(largest[:, :-1], counts)

    @classmethod
    def _by_mask(cls, units: Units) -> Kinds:
        import numpy as np

        masks, kinds = compact(units.masks(), 2**WIDTH)
        counts = np.bincount(kinds)
        sums, products, _ = units.totals(kinds, len(masks))
        mean = sums / counts[:, None]
        spread = products / counts[:, None, None] - mean[:, :, None] * mean[:, None, :]
        return cls(mean, counts, spread)

    @property
    def total(self) -> NDArray[Any]:
        """The sums of all units."""
        import numpy as np

        return np.asarray(self.counts @ self.sums)


def replicates(kinds: Kinds, resamples: int, rng: np.random.Generator) -> NDArray[Any]:
    """The sums of resampled test sets, shape (resamples, CELLS or WIDTH)."""
    import numpy as np

    units = int(kinds.counts.sum())
    drawn = rng.multinomial(units, kinds.counts / units, size=resamples)
    sums = np.asarray(drawn @ kinds.sums)
    if kinds.spread is None:
        return sums
    used = _drawn(kinds)
    for kind, spread in enumerate(kinds.spread):
        values, vectors = np.linalg.eigh(spread[np.ix_(used, used)])
        root = vectors * np.sqrt(np.maximum(values, 0))
        noise = rng.standard_normal((resamples, len(values))) @ root.T
        sums[:, used] += noise * np.sqrt(drawn[:, kind])[:, None]
    return np.asarray(np.maximum(sums, 0))


def _drawn(kinds: Kinds) -> NDArray[np.int64]:
    """The sums that vary: without graded answers as ever, so that the draws are as ever too."""
    import numpy as np

    places = np.array(WRITTEN)
    first = Outcome.SCORE_UNCHANGED + FIRST_EXTRAS
    return places if kinds.sums[:, places[first:]].any() else places[:first]


def percentile(metric: Metric, drawn: NDArray[Any], level: float) -> Interval | None:
    """The percentile interval of a metric; None where some replicate leaves it undefined."""
    import numpy as np

    values = _values(metric, drawn)
    if values is None:
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, "percentile")


def bca(metric: Metric, drawn: NDArray[Any], kinds: Kinds, level: float) -> Interval | None:
    """The bias-corrected and accelerated interval (Efron 1987), its jackknife over the kinds.

    None where a replicate leaves the metric undefined, where leaving out a unit does, or where
    units are too many for a jackknife of each kind.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    values, without = _values(metric, drawn), _values(metric, kinds.total - kinds.sums)
    whole = _values(metric, kinds.total[None, :])
    if values is None or without is None or whole is None or kinds.spread is not None:
        return None
    below = np.mean(values < whole[0]) + np.mean(values == whole[0]) / 2
    shift = ndtri(below)
    gap = (kinds.counts @ without) / kinds.counts.sum() - without
    cubes, squares = kinds.counts @ gap**3, kinds.counts @ gap**2
    acceleration = cubes / (6 * squares**1.5) if squares > 0 else 0.0
    if not np.isfinite(shift):
        return None
    z = shift + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(values, ndtr(shift + z / (1 - acceleration * z)))
    return Interval(float(low), float(high), level, "bca")


def _values(metric: Metric, sums: NDArray[Any]) -> NDArray[np.float64] | None:
    """The metric of each row of sums; None where one is undefined."""
    import numpy as np

    kind = Weighed if sums.shape[1] > CELLS else Cells
    cells = kind.of(sums.astype(float))
    bottom = np.asarray(metric.denominator(cells))
    if not len(sums) or not (bottom > 0).all():
        return None
    return np.asarray(metric.numerator(cells) / bottom, dtype=float)
