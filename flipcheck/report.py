"""The report of an audit: a frozen value, and its JSON form (format 1, DESIGN.md §5).

Reporters are functions from this value to text; nothing is computed after it is made, so no two
reports of one run can disagree.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import FlipcheckError, InputError, UsageError
from flipcheck.gates import Gate, Judgement, Verdict, overall
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Tally
from flipcheck.stats.design import Design
from flipcheck.stats.intervals import Interval
from flipcheck.stats.sampling import Sample
from flipcheck.stats.tests import Significance

if TYPE_CHECKING:
    from pathlib import Path

    from flipcheck.gates import Decide
    from flipcheck.stats.effective import Bound

FORMAT_VERSION = 1
FORMAT = f"flipcheck.report/{FORMAT_VERSION}"
DAMAGE = (FlipcheckError, KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What reading a damaged report may raise."""
CLOSEST = 1e-7
"""How near to its ends a confidence level may come, for its bounds to keep their digits."""


def _check_texts(*values: object) -> None:
    """Raise TypeError for what should be text and is not."""
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is no text")


@dataclass(frozen=True, slots=True)
class Model:
    """One of the two sides: where its answers come from."""

    name: str
    source: str
    sha256: str | None = None
    classes: int | None = None
    missing_answers: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_texts(self.name, self.source, *self.facts)


@dataclass(frozen=True, slots=True)
class Data:
    """The labelled examples that both models were judged on."""

    source: str | None
    examples: int
    sha256: str | None = None
    dropped: int = 0
    label_disagreements: int = 0
    clusters: int | None = None
    weighted: bool = False
    cluster: str | None = None
    weight: str | None = None
    effective_examples: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the numbers depend on beside the data."""

    confidence: float = 0.95
    resamples: int = 10_000
    seed: int = 0
    decide: Decide = "bound"
    bound: Bound = "default"
    listed: int = 100

    def __post_init__(self) -> None:
        if not 0.5 + CLOSEST < self.confidence < 1 - CLOSEST:
            raise UsageError(
                f"a confidence of {self.confidence:g} is out of range",
                hint="give a level from 0.500001 to 0.999999, as in --confidence 0.95",
            )
        if self.decide not in {"bound", "point"}:
            raise UsageError(f"decide is 'bound' or 'point', not {self.decide!r}")
        if self.bound not in {"default", "strict"}:
            raise UsageError(f"bound is 'default' or 'strict', not {self.bound!r}")
        for name in ("resamples", "seed", "listed"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} is {getattr(self, name)}", hint="give 0 or more")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's value with its counts and intervals; None where undefined or not available.

    With weights the value is the weighted one, and the counts are those of examples. The design
    effect is how many times clusters and weights multiply the variance; None where there are none.
    """

    value: float | None
    numerator: float | None
    denominator: float | None
    interval: Interval | None
    bootstrap: Interval | None = None
    bca: Interval | None = None
    design_effect: float | None = None
    available: bool = True


@dataclass(frozen=True, slots=True)
class Slice:
    """A subgroup: its tally, its metrics, and whether it flips more than the rest.

    The p-value is Fisher's one-sided one, over clusters and weights that of the linearised
    difference, adjusted by Holm over all slices of the same kind.
    """

    by: str
    value: str
    tally: Tally
    metrics: Mapping[str, Estimate]
    p_value: float
    p_adjusted: float
    design: Design | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_texts(self.by, self.value)
        if not 0 <= self.p_value <= 1 or not 0 <= self.p_adjusted <= 1:
            raise ValueError("a p-value is from 0 to 1")


@dataclass(frozen=True, slots=True)
class Example:
    """A flipped example."""

    id: str
    truth: str | None
    old: str | None
    new: str | None
    old_confidence: float | None = None
    new_confidence: float | None = None
    image: str | None = None

    def __post_init__(self) -> None:
        _check_texts(
            self.id, *(each for each in (self.truth, self.old, self.new) if each is not None)
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """A kind of negative flip: what the old model answered, what the new one does, how often."""

    old: str | None
    new: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Flips:
    """The negative flips: how many, which kinds, and the first examples (most confident first)."""

    total: int
    transitions: tuple[Transition, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class NoiseRun:
    """The old model run or trained again: the flips that noise alone makes against it."""

    name: str
    sha256: str | None
    negative_flips: int
    rate: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class CostMatrix:
    """Where the costs of flips come from, and the largest of them."""

    source: str
    sha256: str | None
    largest: float


@dataclass(frozen=True, slots=True)
class Report:
    """The whole of an audit. `flips` is a pyarrow table of every flip, not kept in JSON."""

    verdict: Verdict | None
    old: Model
    new: Model
    data: Data
    settings: Settings
    tally: Tally
    metrics: Mapping[str, Estimate]
    mcnemar: Significance
    slices: tuple[Slice, ...]
    classes: tuple[Slice, ...]
    gates: tuple[Judgement, ...]
    negative_flips: Flips
    warnings: tuple[str, ...] = ()
    run: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    reruns: tuple[NoiseRun, ...] = ()
    costs: CostMatrix | None = None
    design: Design | None = field(default=None, compare=False, repr=False)
    flips: Any = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values, keys in the order of the format."""
        written = {
            "format": FORMAT,
            "version": self.version,
            "verdict": self.verdict,
            "old": asdict(self.old),
            "new": asdict(self.new),
            "data": asdict(self.data),
            "settings": asdict(self.settings),
            "tally": self.tally.to_dict(),
            "metrics": {name: asdict(estimate) for name, estimate in self.metrics.items()},
            "tests": {"mcnemar": asdict(self.mcnemar)},
            "slices": [_slice_dict(part) for part in self.slices],
            "classes": [_slice_dict(part) for part in self.classes],
            "gates": [_gate_dict(judged) for judged in self.gates],
            "negative_flips": {
                "total": self.negative_flips.total,
                "listed": len(self.negative_flips.examples),
                "transitions": [asdict(kind) for kind in self.negative_flips.transitions],
                "examples": [asdict(example) for example in self.negative_flips.examples],
            },
            "reruns": [asdict(run) for run in self.reruns],
            "costs": self.costs and asdict(self.costs),
            "warnings": list(self.warnings),
            "run": dict(self.run),
        }
        if self.design is not None:
            written["design"] = self.design.to_dict()
        return _rounded(written)  # type: ignore[no-any-return]

    def rounded(self) -> Report:
        """The same report with the digits that its JSON keeps, so that both give the same text."""
        return replace(Report.from_dict(self.to_dict()), flips=self.flips)

    @classmethod
    def from_dict(cls, written: Any) -> Report:
        """The report that `to_dict` wrote. Raises InputError for anything else."""
        name = written.get("format") if isinstance(written, dict) else None
        if name != FORMAT:
            raise InputError(
                f"not a report that flipcheck can read: its format is {name!r}",
                hint=f"this version reads {FORMAT!r}; a newer report needs a newer flipcheck",
            )
        try:
            report = _read(cls, written)
            _check_consistent(report)
        except DAMAGE as error:
            what = getattr(error, "message", f"{type(error).__name__} {error}")
            raise InputError(
                f"a damaged report: {what}",
                hint="write it again with `flipcheck compare … --json`",
            ) from error
        return report

    @classmethod
    def load(cls, path: str | Path) -> Report:
        """The report in a JSON file. Raises InputError where it cannot be read."""
        from pathlib import Path

        if not Path(path).is_file():
            raise InputError(f"{path}: no such file", hint="check the path")
        try:
            text = Path(path).read_text(encoding="utf-8")
            written = json.loads(text, parse_constant=_refused)
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path}: not a JSON report: {error}") from error
        return cls.from_dict(written)

    def save(self, path: str | Path) -> None:
        """Write the report in the format of the path's suffix (.html, .json, .md, .txt)."""
        from flipcheck.reporters import save

        save(self, path)

    def __str__(self) -> str:
        """The report as the terminal shows it."""
        from flipcheck.reporters import REPORTERS

        return REPORTERS["terminal"](self)

    def to_frame(self, what: Literal["metrics", "slices", "classes", "flips"] = "metrics") -> Any:
        """A part of the report as a pandas DataFrame.

        The metrics have a row each, indexed by name; slices and classes a row for each of them
        and its metrics; flips a row for each flipped example (empty for a report from JSON).
        """
        import pandas as pd

        if what == "metrics":
            rows = {name: _frame_row(estimate) for name, estimate in self.metrics.items()}
            return pd.DataFrame.from_dict(rows, orient="index")
        if what == "flips":
            return pd.DataFrame() if self.flips is None else self.flips.to_pandas()
        if what not in {"slices", "classes"}:
            raise UsageError(f"no part {what!r}", hint="metrics, slices, classes or flips")
        parts = self.slices if what == "slices" else self.classes
        return pd.DataFrame(
            {
                "by": part.by,
                "value": part.value,
                "examples": part.tally.examples,
                "negative_flips": part.tally.negative_flips,
                **{name: estimate.value for name, estimate in part.metrics.items()},
                "p_adjusted": part.p_adjusted,
            }
            for part in parts
        )

    def with_images(self, images: Mapping[str, str]) -> Report:
        """The same report with thumbnails (data URIs by id) for the listed flips."""
        flips = self.negative_flips
        examples = (replace(each, image=images.get(each.id)) for each in flips.examples)
        return replace(self, negative_flips=replace(flips, examples=tuple(examples)))


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no number in JSON")


def _frame_row(estimate: Estimate) -> dict[str, Any]:
    ends = estimate.interval
    return {
        "value": estimate.value,
        "low": ends and ends.low,
        "high": ends and ends.high,
        "numerator": estimate.numerator,
        "denominator": estimate.denominator,
    }


def _slice_dict(part: Slice) -> dict[str, Any]:
    metrics = {name: asdict(estimate) for name, estimate in part.metrics.items()}
    for estimate in metrics.values():
        del estimate["bootstrap"], estimate["bca"], estimate["available"]
    design = {} if part.design is None else {"design": part.design.to_dict()}
    return {
        "by": part.by,
        "value": part.value,
        "tally": part.tally.to_dict(),
        "metrics": metrics,
        "p_value": part.p_value,
        "p_adjusted": part.p_adjusted,
        **design,
    }


def _gate_dict(judged: Judgement) -> dict[str, Any]:
    return {
        "gate": str(judged.gate),
        "metric": judged.gate.metric,
        "slice": judged.scope and {"by": judged.scope[0], "value": judged.scope[1]},
        "limit": judged.gate.limit,
        "value": judged.value,
        "numerator": judged.numerator,
        "denominator": judged.denominator,
        "bound": judged.bound,
        "opposite_bound": judged.opposite,
        "verdict": judged.verdict,
        "examples_needed": judged.needed,
        "reason": judged.reason,
    }


def _rounded(value: Any) -> Any:
    """The value with every float at 10 significant digits, tuples as lists.

    The sums of a design keep all their digits: gates are judged on them again.
    """
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, Mapping):
        return {key: each if key == "design" else _rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(each) for each in value]
    return value


def _same(one: float | None, two: float | None) -> bool:
    """Whether two values are the same in all but the last digits."""
    if one is None or two is None:
        return one is two
    return math.isclose(one, two, rel_tol=1e-8)


def _check_consistent(report: Report) -> None:
    """Raise ValueError for a report whose parts do not belong together."""
    tally = report.tally
    if tally.examples != report.data.examples:
        raise ValueError("its tally and its number of examples differ")
    if tally.negative_flips != report.negative_flips.total:
        raise ValueError("its tally and its list of negative flips differ")
    _check_values(report)
    for parts in (report.slices, report.classes):
        for by in {part.by for part in parts}:
            if sum((part.tally for part in parts if part.by == by), Tally()) != tally:
                raise ValueError(f"the slices by {by} do not add up to its tally")
    if report.verdict is not overall(judged.verdict for judged in report.gates):
        raise ValueError("its verdict is not that of its gates")


def _check_values(report: Report) -> None:
    """Raise ValueError for metrics that are not those of the examples."""
    tally, whole = report.tally, Sample(report.tally, report.design)
    for name, estimate in report.metrics.items():
        if not estimate.available:
            continue
        measured = METRICS[name]
        if not _same(whole.value(measured), estimate.value):
            raise ValueError(f"its {measured.title} is not that of its examples")
        if measured.needs:
            continue
        counts = (measured.numerator(tally), measured.denominator(tally))
        if (estimate.numerator, estimate.denominator) != counts:
            raise ValueError(f"its tally and its {measured.title} differ")


def _read(cls: type[Report], written: dict[str, Any]) -> Report:
    flips, tally = written["negative_flips"], Tally.from_dict(written["tally"])
    return cls(
        verdict=written["verdict"] and Verdict(written["verdict"]),
        old=Model(**written["old"]),
        new=Model(**written["new"]),
        data=Data(**written["data"]),
        settings=Settings(**written["settings"]),
        tally=tally,
        metrics={name: _estimate(each) for name, each in written["metrics"].items()},
        mcnemar=Significance(**written["tests"]["mcnemar"]),
        slices=tuple(_read_slice(part) for part in written["slices"]),
        classes=tuple(_read_slice(part) for part in written["classes"]),
        gates=tuple(_read_gate(each) for each in written["gates"]),
        negative_flips=Flips(
            flips["total"],
            tuple(Transition(**each) for each in flips["transitions"]),
            tuple(Example(**each) for each in flips["examples"]),
        ),
        warnings=tuple(written["warnings"]),
        run=dict(written["run"]),
        version=written["version"],
        reruns=tuple(
            NoiseRun(**{**each, "interval": Interval(**each["interval"])})
            for each in written["reruns"]
        ),
        costs=written["costs"] and CostMatrix(**written["costs"]),
        design=_read_design(written, tally),
    )


def _read_design(written: dict[str, Any], tally: Tally) -> Design | None:
    kept = written.get("design")
    return None if kept is None else Design.from_dict(kept, tally.counts())


ENDS = ("interval", "bootstrap", "bca")


def _estimate(written: dict[str, Any]) -> Estimate:
    ends = {
        name: Interval(**_numbers(written[name], "low", "high"))
        for name in ENDS
        if written.get(name)
    }
    rest = {name: each for name, each in written.items() if name not in ENDS}
    _numbers(rest, "value", "numerator", "denominator")
    return Estimate(**{"interval": None, **rest, **ends})


def _numbers(written: dict[str, Any], *names: str) -> dict[str, Any]:
    """The same values, once these are known to be numbers or null."""
    for name in names:
        value = written[name]
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise ValueError(f"{name} is {value!r}")
    return written


def _read_slice(written: dict[str, Any]) -> Slice:
    metrics = {name: _estimate(each) for name, each in written["metrics"].items()}
    tally = Tally.from_dict(written["tally"])
    design = _read_design(written, tally)
    return Slice(**written | {"tally": tally, "metrics": metrics, "design": design})


def _read_gate(written: dict[str, Any]) -> Judgement:
    part = written["slice"]
    _numbers(written, "value", "bound", "opposite_bound", "examples_needed")
    return Judgement(
        gate=Gate.parse(written["gate"]),
        verdict=Verdict(written["verdict"]),
        value=written["value"],
        bound=written["bound"],
        opposite=written["opposite_bound"],
        numerator=written["numerator"],
        denominator=written["denominator"],
        scope=part and (part["by"], part["value"]),
        needed=written["examples_needed"],
        reason=written["reason"],
    )
