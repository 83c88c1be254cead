"""The critical examples, the waivers and the label noise of an audit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck.audits.flips import answers_of, by_id
from flipcheck.audits.noise import label_noise
from flipcheck.errors import SHOWN, InputError, listed, plural
from flipcheck.matching import positions
from flipcheck.outcomes import NEGATIVE_FLIPS, Outcome, among, tally
from flipcheck.policy import Broken, Critical, Waiver, Waivers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.audits.judging import Ground
    from flipcheck.gates import Verdict
    from flipcheck.pairing import Paired
    from flipcheck.policy import LabelNoise, Listing, Policy
    from flipcheck.report import Settings


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a policy makes of the examples.

    `accepted` is the outcome of each example as gates count it: a waived flip is both right.
    """

    accepted: NDArray[np.uint8]
    critical: Critical | None = None
    waived: tuple[Waiver, ...] = ()
    noise: LabelNoise | None = None
    warnings: tuple[str, ...] = ()


def ruling(policy: Policy, paired: Paired, codes: NDArray[np.uint8], settings: Settings) -> Ruling:
    """The policy applied to the examples. Raises InputError for ids that are not compared."""
    never, waivers = _rows(policy.critical, paired), _rows(policy.waivers, paired)
    _check_compared(policy, paired, never, waivers)
    right = Outcome.BOTH_RIGHT if paired.same_answer is None else Outcome.BOTH_RIGHT_DIFFERENT
    accepted = _accepted(codes, waivers, right)
    used = [each in NEGATIVE_FLIPS for each in codes[waivers].tolist()]
    waived = tuple(
        replace(each, used=each_used)
        for each, each_used in zip(_entries(policy.waivers), used, strict=True)
    )
    return Ruling(
        accepted,
        None if policy.critical is None else _critical(policy.critical, paired, codes, never),
        waived,
        None
        if policy.label_noise is None
        else label_noise(policy.label_noise, paired, codes, accepted, settings),
        _unneeded(policy.waivers, waived),
    )


def waivers_told(
    given: Listing[Waiver] | None,
    waived: tuple[Waiver, ...],
    real: Ground,
    accepted: Ground,
    without: Verdict | None,
) -> Waivers | None:
    """The waivers as the report tells them, with the tallies that they change."""
    if given is None:
        return None
    before = real.samples()
    changed = tuple(
        (scope, each)
        for scope, each in accepted.samples().items()
        if scope is not None and each != before[scope]
    )
    return Waivers(given.source, given.sha256, waived, accepted.total, changed, without)


def _entries(given: Listing[Any] | None) -> tuple[Any, ...]:
    return () if given is None else given.entries


def _rows(given: Listing[Any] | None, paired: Paired) -> NDArray[np.int64]:
    """Where each named example stands among the paired ones; -1 where it does not."""
    import numpy as np
    import pyarrow as pa

    if not _entries(given):
        return np.array([], np.int64)
    ids = pa.array([each.id for each in _entries(given)], pa.string())
    return positions(ids, paired.ids)


def _check_compared(policy: Policy, paired: Paired, *found: NDArray[np.int64]) -> None:
    """Raise InputError for ids that are not among the compared examples, all of them at once."""
    import numpy as np

    problems = []
    for given, rows in zip((policy.critical, policy.waivers), found, strict=True):
        absent = np.flatnonzero(rows < 0).tolist()
        if given is not None and absent:
            first = [f"{given.entries[row].id!r} ({given.places[row]})" for row in absent[:SHOWN]]
            rest = [f"and {len(absent) - SHOWN:,} more"] if len(absent) > SHOWN else []
            ids = ", ".join([*first, *rest])
            problems.append(f"{given.name}: {plural(len(absent), 'id')} of no example: {ids}")
    if problems:
        left = f"; {plural(paired.dropped, 'example')} left out by --allow-missing"
        raise InputError(
            f"ids that are not among the {plural(len(paired), 'compared example')}",
            problems=problems,
            hint="what is not compared cannot be shown to hold: write the ids as the test set "
            "does, one a line or in a column 'id'" + (left if paired.dropped else ""),
        )


# --- what must never break, and what was accepted ------------------------------------------


def _critical(
    given: Listing[Any], paired: Paired, codes: NDArray[np.uint8], rows: NDArray[np.int64]
) -> Critical:

    reasons = {each.id: each.reason for each in given.entries}
    flipped = by_id(paired, rows[among(codes[rows], NEGATIVE_FLIPS)])
    broken = tuple(
        Broken(name, reasons[name], *texts) for name, *texts in answers_of(paired, flipped)
    )
    return Critical(given.source, given.sha256, tally(codes[rows]), broken)


def _accepted(
    codes: NDArray[np.uint8], waived: NDArray[np.int64], right: Outcome
) -> NDArray[np.uint8]:
    """The outcomes with each waived negative flip as both right; other answers stay other ones.

    A graded answer counts as unchanged.
    """
    if not len(waived):
        return codes
    accepted = codes.copy()
    told = (right, Outcome.BOTH_RIGHT, Outcome.SCORE_UNCHANGED)
    for flip, instead in zip(NEGATIVE_FLIPS, told, strict=True):
        accepted[waived[codes[waived] == flip]] = instead
    return accepted


def _unneeded(given: Listing[Waiver] | None, waived: Sequence[Waiver]) -> tuple[str, ...]:
    idle = [each.id for each in waived if not each.used]
    if given is None or not idle:
        return ()
    count = plural(len(idle), "waiver")
    return (f"{given.name}: {count} no longer needed, as no such answer broke: {listed(idle)}",)
