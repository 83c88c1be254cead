"""What must never break, what was accepted, and what wrong labels could do to a verdict.

The values of `--critical`, `--waivers` and `--label-noise`: as they are given (`Policy`), and as
the report tells of them (`Critical`, `Waivers`, `LabelNoise`), to and from JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from flipcheck.errors import UsageError
from flipcheck.gates import Scope, Verdict
from flipcheck.outcomes import Tally
from flipcheck.stats.intervals import Interval
from flipcheck.stats.sampling import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JudgedBy = Literal["label", "verdict"]
"""What says which answers are right: the label that they equal, or the data's own verdict."""


@dataclass(frozen=True, slots=True)
class CriticalExample:
    """An example that must never break, and why, where that was said."""

    id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A negative flip that somebody answers for, until a day (ISO date, the last one).

    `used` says that the example is a negative flip, so that there is something to waive.
    """

    id: str
    reason: str
    owner: str
    expires: str
    used: bool = False


Entry = TypeVar("Entry", CriticalExample, Waiver)


@dataclass(frozen=True, slots=True)
class Listing(Generic[Entry]):
    """Examples that were named, and the place of each, as errors tell it ("row 3")."""

    name: str
    entries: tuple[Entry, ...]
    places: tuple[str, ...]
    source: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a release is held to beside its gates; `label_noise` is a share of the labels."""

    critical: Listing[CriticalExample] | None = None
    waivers: Listing[Waiver] | None = None
    label_noise: float | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A critical example that the new model breaks."""

    id: str
    reason: str
    truth: str | None
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Critical:
    """The critical examples: their tally, and those that broke, by id."""

    source: str | None
    sha256: str | None
    tally: Tally
    broken: tuple[Broken, ...] = ()

    def __post_init__(self) -> None:
        if self.tally.negative_flips != len(self.broken):
            raise ValueError("the critical examples' tally and their list of flips differ")

    def to_dict(self) -> dict[str, Any]:
        """The critical examples as the JSON report writes them."""
        return {
            "source": self.source,
            "sha256": self.sha256,
            "examples": self.tally.examples,
            "right_before": self.tally.could_break,
            "tally": self.tally.to_dict(),
            "broken": [asdict(each) for each in self.broken],
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Critical:
        """The critical examples that `to_dict` wrote."""
        broken = tuple(Broken(**each) for each in written["broken"])
        tally = Tally.from_dict(written["tally"])
        return cls(written["source"], written["sha256"], tally, broken)


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers, and the samples that gates are judged on: a waived flip counts as both right.

    `slices` has the slices that a waiver touches; all others are the report's own.
    """

    source: str | None
    sha256: str | None
    listed: tuple[Waiver, ...]
    total: Sample
    slices: tuple[tuple[Scope, Sample], ...] = ()
    verdict_without: Verdict | None = None

    @property
    def used(self) -> int:
        """How many negative flips are waived."""
        return sum(each.used for each in self.listed)

    def to_dict(self) -> dict[str, Any]:
        """The waivers as the JSON report writes them."""
        return {
            "source": self.source,
            "sha256": self.sha256,
            "waived": self.used,
            "verdict_without_waivers": self.verdict_without,
            "waivers": [asdict(each) for each in self.listed],
            "judged": {
                **self.total.to_dict(),
                "slices": [
                    {"by": by, "value": value, **sample.to_dict()}
                    for (by, value), sample in self.slices
                ],
            },
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Waivers:
        """The waivers that `to_dict` wrote."""
        without, judged = written["verdict_without_waivers"], written["judged"]
        return cls(
            source=written["source"],
            sha256=written["sha256"],
            listed=tuple(Waiver(**each) for each in written["waivers"]),
            total=Sample.from_dict(judged),
            slices=tuple(
                ((each["by"], each["value"]), Sample.from_dict(each)) for each in judged["slices"]
            ),
            verdict_without=without and Verdict(without),
        )


@dataclass(frozen=True, slots=True)
class Suspect:
    """An example whose label is worth a second look, and why."""

    id: str
    truth: str | None
    old: str | None
    new: str | None
    old_confidence: float | None
    new_confidence: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """What the negative flip rate may be if up to `labels` of the labels are wrong.

    `flips` and `rates` are the fewest and the most; `interval` joins their confidence intervals.
    `suspects` is how many examples some model's answer speaks against; `relabel` are the first.
    """

    share: float
    labels: int
    judged_by: JudgedBy
    flips: tuple[int, int]
    rates: tuple[float, float]
    interval: Interval
    suspects: int = 0
    relabel: tuple[Suspect, ...] = ()

    def __post_init__(self) -> None:
        ends = (0, *self.rates, 1)
        if sorted(ends) != [*ends] or not 0 <= self.flips[0] <= self.flips[1]:
            raise ValueError("the bounds under label noise are out of order")
        if self.judged_by not in {"label", "verdict"} or self.labels < 0:
            raise ValueError("label noise of an unknown kind")

    def to_dict(self) -> dict[str, Any]:
        """The bounds and the list as the JSON report writes them."""
        low, high = self.rates
        return {
            "share": self.share,
            "labels": self.labels,
            "judged_by": self.judged_by,
            "low": low,
            "high": high,
            "negative_flips": {"low": self.flips[0], "high": self.flips[1]},
            "interval": asdict(self.interval),
            "relabel": {
                "total": self.suspects,
                "listed": len(self.relabel),
                "examples": [asdict(each) for each in self.relabel],
            },
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> LabelNoise:
        """The bounds that `to_dict` wrote."""
        flips, relabel = written["negative_flips"], written["relabel"]
        return cls(
            share=written["share"],
            labels=written["labels"],
            judged_by=written["judged_by"],
            flips=(flips["low"], flips["high"]),
            rates=(written["low"], written["high"]),
            interval=Interval(**written["interval"]),
            suspects=relabel["total"],
            relabel=tuple(Suspect(**each) for each in relabel["examples"]),
        )


PARTS: dict[str, Any] = {"critical": Critical, "waivers": Waivers, "label_noise": LabelNoise}
"""The parts of a report that only these options make, by their keys."""


def parts_from(written: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that a JSON report has."""
    return {name: kind.from_dict(written[name]) for name, kind in PARTS.items() if name in written}


def check_parts(tally: Tally, slices: Sequence[tuple[Scope, Tally]], parts: Sequence[Any]) -> None:
    """Raise ValueError for parts that do not belong to a report of these tallies."""
    known = dict(slices)
    for part in parts:
        if isinstance(part, Waivers):
            judged = part.total.cells
            pairs = [(tally, judged), *((known[at], each.cells) for at, each in part.slices)]
            if any(real.examples != accepted.examples for real, accepted in pairs):
                raise ValueError("its waivers are of other examples")
            if tally.negative_flips - judged.negative_flips != part.used:
                raise ValueError("its tally and its waivers differ")
        elif isinstance(part, LabelNoise):
            if not part.flips[0] <= tally.negative_flips <= part.flips[1] <= tally.examples:
                raise ValueError("its tally and its label noise differ")
        elif isinstance(part, Critical) and part.tally.negative_flips > tally.negative_flips:
            raise ValueError("its tally and its critical examples differ")


def noise_share(given: str | float) -> float:
    """The share of labels that may be wrong: 0.02, "0.02" or "2%". Raises UsageError."""
    text = str(given).strip()
    try:
        number = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        known = 0 < number < 1
    except ArithmeticError:  # no number at all, or NaN, which is not compared
        number, known = Decimal(0), False
    if not known:
        mistaken = 1 <= number < 100 and not text.endswith("%")
        raise UsageError(
            f"a label noise of {text!r} is no share of the labels between 0 and 1",
            hint=f"did you mean {text}%?" if mistaken else "give a share, as in --label-noise 2%",
        )
    return float(number)


def wrong_labels(share: float, examples: int) -> int:
    """The most labels that are wrong: the whole ones in that share, in decimal arithmetic."""
    return int(Decimal(str(share)) * examples)
