"""Planning: the examples that gates need, what a set of a size can decide, and gate lint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from flipcheck._version import __version__
from flipcheck.audits.judging import available, ground, judgements
from flipcheck.audits.lint import BEYOND, Lint, lint
from flipcheck.audits.simulate import column
from flipcheck.audits.sizes import Assumed, GatePlan, alone, gate_plan
from flipcheck.errors import UsageError
from flipcheck.metrics import METRICS
from flipcheck.report import significant
from flipcheck.stats.intervals import clopper_pearson
from flipcheck.stats.power import seen_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flipcheck.gates import Gate
    from flipcheck.report import Report, Settings

FORMAT = "flipcheck.plan/1"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a set of a size shows whatever the gate.

    `unseen` is the upper bound of a rate of which it shows no flip, `seen` the smallest true rate
    of which it shows at least one with the power.
    """

    unseen: float
    seen: float


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """The whole of a plan: its assumptions, and what follows for each gate or all of them."""

    settings: Settings
    assumed: Assumed
    gates: tuple[GatePlan, ...] = ()
    resolution: Resolution | None = None
    lint: Lint | None = None
    assumptions: tuple[str, ...] = ()
    version: str = __version__

    @property
    def effect(self) -> float:
        """The largest design effect that was used."""
        return max((self.assumed.effect, *(self.lint.design_effects if self.lint else ())))

    def __str__(self) -> str:
        """The plan as the terminal shows it."""
        from flipcheck.reporters.plan import PLAN_REPORTERS

        return PLAN_REPORTERS["terminal"](self)

    def __repr__(self) -> str:
        from flipcheck.reporters.plan import answer

        return f"<Plan: {answer(self)}>"

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-ready values."""
        keys = ("confidence", "decide", "seed")
        written = {
            "format": FORMAT,
            "version": self.version,
            "settings": {name: getattr(self.settings, name) for name in keys},
            "assumed": asdict(self.assumed) | {"design_effect": self.effect},
            "assumptions": self.assumptions,
            "gates": [asdict(each) | {"gate": str(each.gate)} for each in self.gates],
            "resolution": self.resolution and asdict(self.resolution),
            "lint": self.lint and asdict(self.lint),
        }
        return significant(written)  # type: ignore[no-any-return]


def plan(
    gates: Sequence[Gate], settings: Settings, assumed: Assumed, pilot: Report | None = None
) -> Plan:
    """The examples that gates need, what `assumed.examples` can decide, or, with a pilot, lint.

    With a pilot and no gates the pilot's own are taken. Raises UsageError for gates that cannot
    be planned, all of them at once.
    """
    if pilot is not None:
        return _linted(gates, settings, assumed, pilot)
    _check(gates, settings, assumed)
    _check_used(gates, assumed)
    resolution = None
    if assumed.examples is not None:
        size = alone(assumed.examples, assumed.effect)
        unseen = clopper_pearson(0, size, 2 * settings.confidence - 1)[1]
        resolution = Resolution(float(unseen), seen_rate(size, assumed.power))
    planned = tuple(gate_plan(gate, settings.confidence, assumed) for gate in gates)
    return Plan(settings, assumed, planned, resolution, assumptions=tuple(_said(gates, assumed)))


def _linted(gates: Sequence[Gate], settings: Settings, assumed: Assumed, pilot: Report) -> Plan:
    if pilot.scores is not None:
        raise UsageError(
            "a pilot of graded answers: how far scores may fall is not in its counts",
            hint="plan with --nfr in place of --pilot, for gates on the negative flip rate",
        )
    known = {str(each.gate): each.gate for each in pilot.gates}
    asked = list(gates) or [gate for gate in known.values() if not _counted_only(gate)]
    left = [gate for gate in known.values() if not gates and _counted_only(gate)]
    problems = [f"'{gate}'" for gate in asked if _counted_only(gate)]
    if problems:
        raise UsageError(
            "gates that no pilot can tell about: their examples, costs or reruns are not in it",
            problems=problems,
        )
    if not asked:
        raise UsageError(
            "no gate to look at: none is given, and the pilot has none that could be",
            hint="add --max-nfr 1% or --gate",
        )
    settings = replace(settings, min_slice=pilot.settings.min_slice)
    seen = ground(pilot)
    by_point = replace(settings, decide="point")
    judgements(asked, seen, by_point, **available(pilot))  # says what cannot be judged
    found = lint(
        asked,
        seen,
        settings,
        examples=assumed.examples or pilot.tally.examples,
        effect=assumed.effect,
        audits=assumed.audits,
        goal=assumed.power,
        nfr=assumed.nfr,
        pfr=assumed.pfr,
    )
    said = [
        *_said_of_lint(asked, assumed),
        *_said_of_pilot(pilot, asked, left, found, assumed),
        *_said((), assumed),
    ]
    return Plan(settings, assumed, lint=found, assumptions=tuple(said))


def _counted_only(gate: Gate) -> bool:
    """Whether a gate speaks of what a tally does not know."""
    return gate.measures.kind == "count" or bool(gate.measures.needs)


def _said_of_pilot(
    pilot: Report, asked: Sequence[Gate], left: Sequence[Gate], found: Lint, assumed: Assumed
) -> Iterator[str]:
    """What is taken over from a pilot in words, and what is not."""
    if left:
        names = ", ".join(str(gate) for gate in left)
        yield f"gates of the pilot that are left out, as its counts do not tell of them: {names}"
    if pilot.design is not None and not pilot.design.plain:
        yield (
            "a bound of each gate is as wide, for its examples, as the pilot's clusters, weights "
            f"and --bound {pilot.settings.bound} make it at the pilot's rates"
        )
        for gate, effect in zip(found.gates, found.design_effects, strict=True):
            yield f"{gate} asks for {effect:.3g} times the examples drawn singly"
        if assumed.effect > 1:
            yield "of that and --cluster-size with --icc the larger is taken, for each gate"
    if pilot.settings.min_slice and any(map(column, asked)):
        yield (
            f"slices of fewer than {pilot.settings.min_slice:,} expected examples (--min-slice) "
            "are left out"
        )
    if pilot.waivers is not None:
        yield "flips that the pilot waived count as the others do"


def _check(gates: Sequence[Gate], settings: Settings, assumed: Assumed) -> None:
    """Raise UsageError for what cannot be planned without a pilot."""
    if not gates and assumed.examples is None:
        raise UsageError(
            "nothing to plan: no gate and no number of examples",
            hint="as in `flipcheck plan --max-nfr 1%` or `flipcheck plan --examples 5000`",
        )
    if settings.decide == "point":
        raise UsageError(
            "an estimate alone decides with any number of examples, so there is none to plan",
            hint="leave --decide point away, or add --pilot to see how often it is wrong",
        )
    problems = [f"'{gate}': {why}" for gate in gates if (why := _unplannable(gate, assumed))]
    if problems:
        raise UsageError("gates that cannot be planned", problems=problems)


def _check_used(gates: Sequence[Gate], assumed: Assumed) -> None:
    """Raise UsageError for what is given and would change nothing without a pilot."""
    used = {gate.metric for gate in gates}
    flips = [
        f"{option}: no gate to plan is about {METRICS[name].title} or the error rate change"
        for option, value, name in (
            ("--nfr", assumed.nfr, "negative_flip_rate"),
            ("--pfr", assumed.pfr, "positive_flip_rate"),
        )
        if value is not None and not used & {name, "error_rate_change"}
    ]
    audits = ["--audits: only with a --pilot audits are simulated"]
    problems = [*flips, *(audits if assumed.audits is not None else ())]
    if problems:
        raise UsageError("options that would change nothing", problems=problems)


def _unplannable(gate: Gate, assumed: Assumed) -> str:
    """Why a gate cannot be planned, or nothing."""
    kind = gate.measures.kind
    if _counted_only(gate):
        return "it hangs on costs, reruns, scores or critical examples, which no plan knows"
    if kind == "proportion":
        return "" if 0 < gate.limit < 1 else "no number of examples could ever show that it holds"
    if kind != "difference":
        return "rates and the error rate change can be planned; for this, give a --pilot"
    if (assumed.nfr is None) != (assumed.pfr is None):
        return "it depends on both flips: give --nfr and --pfr, or neither"
    if assumed.nfr is None and (gate.limit <= 0 or not gate.upper):
        return "only an update that mends more than it breaks can pass: give --nfr and --pfr"
    return ""


def _said_of_lint(gates: Sequence[Gate], assumed: Assumed) -> Iterator[str]:
    """The assumptions of simulated audits in words."""
    yield "the pilot's counts are taken for the truth; they are an estimate"
    what = "half of the negative flips that the strictest limit allows"
    if assumed.nfr is not None:
        what = "the negative flip rate that was given"
    yield f"a good update has {what}, spread evenly"
    yield (
        f"a bad one is the good one with flips up to one gate's limit, or {BEYOND:g} times "
        "as many; for a gate by slices, in the largest slice"
    )
    if len({*map(column, gates)} - {None}) > 1:
        yield "given its outcome, an example's slices in different columns are independent"


def _said(gates: Sequence[Gate], assumed: Assumed) -> Iterator[str]:
    """The assumptions of a plan in words."""
    yield "examples are drawn at random from where the model will be used"
    if any(gate.measures.kind == "difference" for gate in gates):
        yield "the numbers for the error rate change are about right (Tango's score test)"
    if any(gate.by for gate in gates):
        yield "a gate by slices needs the examples in each slice; Holm's correction is not counted"
    if assumed.effect > 1:
        yield (
            f"clusters of {assumed.cluster_size:g} with an ICC of {assumed.icc:g} need "
            f"{assumed.effect:.3g} times the examples, and for their wider bound some more"
        )
