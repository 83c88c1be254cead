"""The report of an audit: a frozen value, and its JSON form (format 1, DESIGN.md §5).

Reporters are functions from this value to text; nothing is computed after it is made, so no two
reports of one run can disagree.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.contract import (
    Difference,
    Repeatability,
    differences_from,
    repeatability_from,
)
from flipcheck.contract import written as contract_dict
from flipcheck.errors import FlipcheckError, InputError, UsageError
from flipcheck.gates import Gate, Judgement, Verdict, overall
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Tally
from flipcheck.policy import PARTS, Critical, LabelNoise, Waivers, check_parts, parts_from
from flipcheck.stats.design import Design
from flipcheck.stats.discovery import Discovery, Finding
from flipcheck.stats.intervals import Interval
from flipcheck.stats.sampling import Sample
from flipcheck.stats.tests import Significance
from flipcheck.tasks.told import Judged
from flipcheck.typed import check_fields

if TYPE_CHECKING:
    from collections.abc import Callable
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
    min_slice: int = 0
    quantiles: int = 4

    def __post_init__(self) -> None:
        if not isinstance(self.confidence, (int, float)):
            raise UsageError(f"confidence is {self.confidence!r}", hint="give a number, as 0.95")
        if not 0.5 + CLOSEST < self.confidence < 1 - CLOSEST:
            raise UsageError(
                f"a confidence of {self.confidence:g} is out of range",
                hint="give a level from 0.500001 to 0.999999, as in --confidence 0.95",
            )
        if self.decide not in {"bound", "point"}:
            raise UsageError(f"decide is 'bound' or 'point', not {self.decide!r}")
        if self.bound not in {"default", "strict"}:
            raise UsageError(f"bound is 'default' or 'strict', not {self.bound!r}")
        for name in ("resamples", "seed", "listed", "min_slice", "quantiles"):
            if not isinstance(getattr(self, name), int):
                raise UsageError(f"{name} is {getattr(self, name)!r}", hint="give a whole number")
            if getattr(self, name) < 0:
                raise UsageError(f"{name} is {getattr(self, name)}", hint="give 0 or more")
        if self.quantiles == 1:
            raise UsageError("quantiles is 1: one slice is no slice", hint="0 cuts no column")


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """How a run that could stop early ended: on how many of the examples, after how many looks.

    Where it stopped, bounds and intervals are anytime-valid and had `anytime_alpha` to spend;
    where it went through, they are those of a fixed set and had `final_alpha`.
    """

    stopped: bool
    examples: int
    of: int
    looks: int
    anytime_alpha: float
    final_alpha: float

    def __post_init__(self) -> None:
        if self.stopped is not (self.examples < self.of) or self.examples > self.of:
            raise ValueError("a run stopped early where it left examples out")
        if not 0 < self.anytime_alpha < self.final_alpha < 0.5:
            raise ValueError("its alphas are out of range")


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
    difference. Over all slices of the same kind, `p_adjusted` is that of Holm (the chance of any
    false claim), `q_value` that of Benjamini and Hochberg (the share of false ones, for an
    exploratory list), and `simultaneous` holds the negative flip rate of all of them at once. A
    slice smaller than --min-slice is not judged, and has none of these.
    """

    by: str
    value: str
    tally: Tally
    metrics: Mapping[str, Estimate]
    p_value: float | None
    p_adjusted: float | None
    q_value: float | None = None
    simultaneous: Interval | None = None
    design: Design | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_texts(self.by, self.value)
        for chance in (self.p_value, self.p_adjusted, self.q_value):
            if chance is not None and not 0 <= chance <= 1:
                raise ValueError("a p-value is from 0 to 1")

    @property
    def too_small(self) -> bool:
        """Whether --min-slice left it out of the tests."""
        return self.p_value is None


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
    old_score: float | None = None
    new_score: float | None = None

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


class Once:
    """What a call returns, made when it is first asked for."""

    __slots__ = ("made", "make")

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make: Callable[[], Any] | None = make
        self.made: Any = None

    def value(self) -> Any:
        """The value; whatever it was made from is let go."""
        if self.make is not None:
            self.made, self.make = self.make(), None
        return self.made


@dataclass(frozen=True, slots=True)
class Scores:
    """How answers are graded: what the scores are called, and when one has changed.

    A score changes where it differs by more than the tolerance; scores lie from `low` to `high`,
    which was `given` or is what the scores of both models span.
    """

    old: str
    new: str
    tolerance: float
    low: float
    high: float
    given: bool = False

    def __post_init__(self) -> None:
        _check_texts(self.old, self.new)
        if not (self.tolerance >= 0 and -math.inf < self.low <= self.high < math.inf):
            raise ValueError("its scores are out of range")


@dataclass(frozen=True, slots=True)
class Report:
    """The whole of an audit. `flip_table` makes `flips`, and is not kept in JSON.

    `contract` is what differs between two models, None where both sides are not models;
    `repeatability` is how each model that was run repeats itself.
    """

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
    critical: Critical | None = None
    waivers: Waivers | None = None
    label_noise: LabelNoise | None = None
    warnings: tuple[str, ...] = ()
    run: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    reruns: tuple[NoiseRun, ...] = ()
    costs: CostMatrix | None = None
    design: Design | None = field(default=None, compare=False, repr=False)
    discovery: Discovery | None = None
    early_stop: EarlyStop | None = None
    contract: tuple[Difference, ...] | None = None
    repeatability: Mapping[str, Repeatability] = field(default_factory=dict)
    scores: Scores | None = None
    task: Judged | None = None
    flip_table: Once | None = field(default=None, compare=False, repr=False)

    @property
    def flips(self) -> Any:
        """Every flipped example as a pyarrow table; None for a report that was read from JSON."""
        return None if self.flip_table is None else self.flip_table.value()

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
            "early_stop": self.early_stop and asdict(self.early_stop),
            "tally": self.tally.to_dict(),
            "metrics": {name: asdict(estimate) for name, estimate in self.metrics.items()},
            "tests": {"mcnemar": asdict(self.mcnemar)},
            "slices": [_slice_dict(part) for part in self.slices],
            "classes": [_slice_dict(part) for part in self.classes],
            "discovery": self.discovery and _discovery_dict(self.discovery),
            "gates": [_gate_dict(judged) for judged in self.gates],
            "negative_flips": {
                "total": self.negative_flips.total,
                "listed": len(self.negative_flips.examples),
                "transitions": [asdict(kind) for kind in self.negative_flips.transitions],
                "examples": [_example_dict(each) for each in self.negative_flips.examples],
            },
            "reruns": [asdict(run) for run in self.reruns],
            "costs": self.costs and asdict(self.costs),
            **{name: part.to_dict() for name, part in self.parts.items()},
            "warnings": list(self.warnings),
            "run": dict(self.run),
        }
        if self.contract is not None:
            written["contract"] = contract_dict(self.contract)
        if self.repeatability:
            written["repeatability"] = {
                side: asdict(each) for side, each in self.repeatability.items()
            }
        if self.scores is not None:
            written["scores"] = asdict(self.scores)
        if self.task is not None:
            written["task"] = self.task.to_dict()
        if self.design is not None:
            written["design"] = self.design.to_dict()
        return sealed(significant(written))

    @property
    def parts(self) -> dict[str, Any]:
        """What only --critical, --waivers and --label-noise make, where they were given."""
        named = {name: getattr(self, name) for name in PARTS}
        return {name: part for name, part in named.items() if part is not None}

    def rounded(self) -> Report:
        """The same report with the digits that its JSON keeps, so that both give the same text."""
        _check_consistent(self)
        report: Report = _kept(self)
        return report

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
            check_fields(report)
            _check_words(report)
            _check_consistent(report)
            if written.get("digest") != sealed(written)["digest"]:
                raise ValueError("it was edited, or is cut: its digest is that of other contents")
        except DAMAGE as error:
            plain = str(error) if type(error) is ValueError else f"{type(error).__name__} {error}"
            what = getattr(error, "message", plain)
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
                "p_value": part.p_value,
                "p_adjusted": part.p_adjusted,
                "q_value": part.q_value,
                "simultaneous_low": part.simultaneous and part.simultaneous.low,
                "simultaneous_high": part.simultaneous and part.simultaneous.high,
                "too_small": part.too_small,
            }
            for part in parts
        )

    def with_images(self, images: Mapping[str, str]) -> Report:
        """The same report with thumbnails (data URIs by id) for the listed flips."""
        flips = self.negative_flips
        examples = (replace(each, image=images.get(each.id)) for each in flips.examples)
        return replace(self, negative_flips=replace(flips, examples=tuple(examples)))


def sealed(written: dict[str, Any]) -> dict[str, Any]:
    """A report in JSON-ready values with the digest of all that it says, as its last key.

    It shows a damaged or edited report for what it is; it is no signature.
    """
    said = {name: each for name, each in written.items() if name != "digest"}
    text = json.dumps(said, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return {**said, "digest": hashlib.sha256(text.encode()).hexdigest()}


def _check_words(report: Report) -> None:
    """Raise ValueError for words that a report writes by itself, and that are none of its own."""
    digests = [each.sha256 or "" for each in (report.old, report.new, report.data)]
    images = [each.image or "" for each in report.negative_flips.examples]
    if report.mcnemar.method not in {"mid-p", "clustered", "anytime-valid"}:
        raise ValueError(f"no test is called {report.mcnemar.method!r}")
    if not all(each.isprintable() for each in (report.version, *digests, *images)):
        raise ValueError("a version, digest or picture that cannot be printed")


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
    metrics = {
        name: {
            "value": each.value,
            "numerator": each.numerator,
            "denominator": each.denominator,
            "interval": _interval_dict(each.interval),
        }
        for name, each in part.metrics.items()
    }
    design = {} if part.design is None else {"design": part.design.to_dict()}
    return {
        "by": part.by,
        "value": part.value,
        "tally": part.tally.to_dict(),
        "metrics": metrics,
        "p_value": part.p_value,
        "p_adjusted": part.p_adjusted,
        "q_value": part.q_value,
        "simultaneous": _interval_dict(part.simultaneous),
        **design,
    }


def _example_dict(example: Example) -> dict[str, Any]:
    """A flipped example, with its scores only where answers are graded."""
    written = asdict(example)
    if example.old_score is None:
        del written["old_score"], written["new_score"]
    return written


def _interval_dict(ends: Interval | None) -> dict[str, Any] | None:
    if ends is None:
        return None
    return {"low": ends.low, "high": ends.high, "level": ends.level, "method": ends.method}


def _discovery_dict(found: Discovery) -> dict[str, Any]:
    findings = [
        asdict(each)
        | {
            "where": [{"by": by, "value": value} for by, value in each.where],
            "negative_flip_rate": each.rate,
            "rest_negative_flip_rate": each.rest_rate,
        }
        for each in found.found
    ]
    return asdict(found) | {"found": findings}


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
        **({} if judged.wrong_labels is None else {"wrong_labels": judged.wrong_labels}),
    }


def significant(value: Any) -> Any:
    """The value with every float at 10 significant digits, tuples as lists.

    The sums of a design keep all their digits: gates are judged on them again.
    """
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {key: each if key == "design" else significant(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [significant(each) for each in value]
    return value


def _kept(value: Any) -> Any:
    """A value of a report as it is when it comes back from JSON."""
    kind: Any = type(value)
    if kind in {Gate, Tally, Design}:  # limits as they were written, and what is not shown
        return value
    if values := _values(kind):
        return kind(*map(_kept, values(value)))
    if kind is tuple:
        return tuple(map(_kept, value))
    if kind is dict and any(map(is_dataclass, value.values())):
        return {name: _kept(each) for name, each in value.items()}
    return significant(value)


@cache
def _values(kind: Any) -> Callable[[Any], tuple[Any, ...]] | None:
    """The function from a dataclass to the values of its fields, in order; None for others."""
    return attrgetter(*(each.name for each in fields(kind))) if is_dataclass(kind) else None


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
    if report.early_stop and report.early_stop.examples != tally.examples:
        raise ValueError("its tally and the number of examples that were looked at differ")
    if bool(tally.graded) is not (report.scores is not None):
        raise ValueError("its answers are graded, or not, and its tally is of the other kind")
    if tally.negative_flips != report.negative_flips.total:
        raise ValueError("its tally and its list of negative flips differ")
    _check_values(report)
    _check_task(report)
    for parts in (report.slices, report.classes):
        for by in {part.by for part in parts}:
            if sum((part.tally for part in parts if part.by == by), Tally()) != tally:
                raise ValueError(f"the slices by {by} do not add up to its tally")
    slices = [((part.by, part.value), part.tally) for part in (*report.slices, *report.classes)]
    check_parts(tally, slices, [*report.parts.values()])
    if report.discovery and not report.discovery.confirm:
        _check_discovery(report.discovery, tally)
    if report.verdict is not overall(judged.verdict for judged in report.gates):
        raise ValueError("its verdict is not that of its gates")


def _check_task(report: Report) -> None:
    """Raise ValueError for abstentions that are not those of the examples."""
    declined, tally = report.task and report.task.abstentions, report.tally
    if not declined:
        return
    for side, wrong in ((declined.old, tally.old_wrong), (declined.new, tally.new_wrong)):
        if (side.abstained + side.answered, side.abstained + side.wrong) != (tally.examples, wrong):
            raise ValueError("its tally and its abstentions differ")
    if declined.flips_by_abstention + declined.flips_by_wrong_answer != tally.negative_flips:
        raise ValueError("its tally and its flips by abstention differ")


def _check_discovery(discovery: Discovery, tally: Tally) -> None:
    for each in discovery.found:
        whole = each.rest_examples + each.examples, each.rest_negative_flips + each.negative_flips
        if whole != (tally.examples, tally.negative_flips):
            raise ValueError("its tally and what was discovered differ")


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
        early_stop=EarlyStop(**written["early_stop"]) if written["early_stop"] else None,
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
        **parts_from(written),
        warnings=tuple(written["warnings"]),
        run=dict(written["run"]),
        version=written["version"],
        reruns=tuple(
            NoiseRun(**{**each, "interval": Interval(**each["interval"])})
            for each in written["reruns"]
        ),
        costs=written["costs"] and CostMatrix(**written["costs"]),
        scores=Scores(**written["scores"]) if "scores" in written else None,
        design=_read_design(written, tally),
        task=Judged.from_dict(written["task"]) if "task" in written else None,
        discovery=written["discovery"] and _read_discovery(written["discovery"]),
        contract=differences_from(written.get("contract")),
        repeatability=repeatability_from(written.get("repeatability")),
    )


def _read_design(written: dict[str, Any], tally: Tally) -> Design | None:
    kept = written.get("design")
    return None if kept is None else Design.from_dict(kept, tally.counts())


ENDS = ("interval", "bootstrap", "bca")


def _estimate(written: dict[str, Any]) -> Estimate:
    ends = {name: _interval(written[name]) for name in ENDS if written.get(name)}
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
    read = {"tally": tally, "metrics": metrics, "design": _read_design(written, tally)}
    return Slice(**written | read | {"simultaneous": _interval(written["simultaneous"])})


def _interval(written: dict[str, Any] | None) -> Interval | None:
    return None if written is None else Interval(**_numbers(written, "low", "high"))


def _read_discovery(written: dict[str, Any]) -> Discovery:
    found = []
    for each in written["found"]:
        finding = dict(each)
        for derived in ("negative_flip_rate", "rest_negative_flip_rate"):
            del finding[derived]
        finding["where"] = tuple((part["by"], part["value"]) for part in each["where"])
        _check_texts(*(text for part in finding["where"] for text in part))
        found.append(Finding(**finding | {"interval": _interval(each["interval"])}))
    return Discovery(**written | {"columns": tuple(written["columns"]), "found": tuple(found)})


def _read_gate(written: dict[str, Any]) -> Judgement:
    part = written["slice"]
    _numbers(written, "value", "bound", "opposite_bound", "examples_needed")
    return Judgement(
        gate=Gate.parse(written["gate"]),
        verdict=written["verdict"] and Verdict(written["verdict"]),
        value=written["value"],
        bound=written["bound"],
        opposite=written["opposite_bound"],
        numerator=written["numerator"],
        denominator=written["denominator"],
        scope=part and (part["by"], part["value"]),
        needed=written["examples_needed"],
        reason=written["reason"],
        wrong_labels=written.get("wrong_labels"),
    )
