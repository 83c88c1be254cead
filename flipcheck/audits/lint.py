"""Gate lint: would these gates, on a test set of this size, tell good updates from bad ones?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flipcheck.audits.simulate import (
    FAIL,
    LOST,
    PASS,
    UNDECIDED,
    WON,
    Truth,
    column,
    lever,
    scoped,
    severities,
    share_at_limit,
)
from flipcheck.audits.sizes import MOST_EXAMPLES, counted
from flipcheck.gates import rough, smallest_passing
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Cells
from flipcheck.reporters.words import often

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.audits.simulate import Lever
    from flipcheck.gates import Gate
    from flipcheck.report import Settings
    from flipcheck.slices import Slices

BEYOND = 1.5
"""How many times the flips of the limit a clearly bad update has."""
AUDITS, LEAST_AUDITS, SLICE_AUDITS = 10_000, 1_000, 1_000_000
SEARCH_AUDITS = 1_000


@dataclass(frozen=True, slots=True)
class Odds:
    """How often simulated audits pass, stay undecided, and fail."""

    passed: float
    undecided: float
    failed: float

    @classmethod
    def of(cls, found: NDArray[np.int8]) -> Odds:
        """The shares among these severities."""
        return cls(*(float((found == each).mean()) for each in (PASS, UNDECIDED, FAIL)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """An update whose truth is assumed, and what the gates say of it, together and each."""

    kind: str
    title: str
    gate: str | None
    negative_flip_rate: float
    positive_flip_rate: float
    error_rate_change: float
    together: Odds
    gates: tuple[Odds, ...]


@dataclass(frozen=True, slots=True)
class Lint:
    """How often the gates together would be wrong, and what that means in plain words."""

    gates: tuple[str, ...]
    examples: int
    audits: int
    scenarios: tuple[Scenario, ...]
    examples_for_good: int | None
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all scenarios share: the pilot's truth, the gates, and the size of the set."""

    gates: Sequence[Gate]
    pilot: Truth
    examples: int
    effect: float
    settings: Settings
    audits: int

    def run(self, truth: Truth, place: int) -> NDArray[np.int8]:
        """The severities of the scenario at this place."""
        judged_as = max(1, int(self.examples / self.effect))
        seed = (self.settings.seed, place)
        return severities(
            truth, self.gates, judged_as, self.settings, audits=self.audits, seed=seed
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario before it is simulated."""

    kind: str
    title: str
    truth: Truth
    gate: str | None = None


def lint(
    gates: Sequence[Gate],
    total: NDArray[np.int64],
    columns: Sequence[Slices],
    settings: Settings,
    *,
    examples: int,
    effect: float,
    audits: int | None,
    goal: float,
    nfr: float | None,
    pfr: float | None,
) -> Lint:
    """The gates on sets of `examples`, drawn from a pilot's counts and from updates made of it.

    `effect` is the design effect of clusters, `goal` how often a good update should pass; `nfr`
    and `pfr` say what a good update is, else it has half of the negative flips that the limits
    allow. Without `audits` there are 10,000, and fewer where there are many slices.
    """
    pilot = Truth.of(columns, total)
    widest = max([len(each.values) for each in columns if each.by in map(column, gates)], default=1)
    audits = audits or max(LEAST_AUDITS, min(AUDITS, SLICE_AUDITS // widest))
    bench = Bench(gates, pilot, examples, effect, settings, audits)
    good = _good(bench, nfr, pfr)
    cases = [
        Case("pilot", "the update as the pilot saw it", pilot),
        Case("good", "a good update", good),
        *_bad(bench, good),
    ]
    found = [bench.run(each.truth, place) for place, each in enumerate(cases)]
    scenarios = tuple(_scenario(case, each) for case, each in zip(cases, found, strict=True))
    enough = None
    if scenarios[1].together.passed < goal:
        needed = _examples_for(bench, good, goal)
        enough = None if needed is None else rough(needed)
    result = Lint(tuple(map(str, gates)), examples, audits, scenarios, enough, findings=())
    return replace(result, findings=tuple(_findings(bench, result, good, goal, found)))


def _scenario(case: Case, found: NDArray[np.int8]) -> Scenario:
    return Scenario(
        case.kind,
        case.title,
        case.gate,
        case.truth.rate("negative_flip_rate"),
        case.truth.rate("positive_flip_rate"),
        case.truth.rate("error_rate_change"),
        Odds.of(found.max(axis=1)),
        tuple(Odds.of(each) for each in found.T),
    )


def _good(bench: Bench, nfr: float | None, pfr: float | None) -> Truth:
    """The good update: flips spread evenly over what can flip, half of what every limit allows."""
    cells = Cells.of(bench.pilot.total)
    truth = bench.pilot
    for each, rate, movable in ((WON, pfr, cells.old_wrong), (LOST, nfr, cells.old_right)):
        share = _good_share(bench, truth, each)
        if rate is not None:
            share = min(1.0, rate * float(cells.examples) / float(movable)) if movable else 0.0
        if share is not None:
            truth = truth.with_flips(each, share)
    return truth


def _good_share(bench: Bench, truth: Truth, which: Lever) -> float | None:
    """Half of the fewest flips at a limit from above, or twice the most at one from below."""
    limits = [
        found
        for gate in bench.gates
        if lever(gate) is which
        for _, counts in scoped(gate, truth)
        if (found := share_at_limit(gate, counts, which)) is not None
    ]
    above = [share for share, breaks in limits if breaks]
    below = [share for share, breaks in limits if not breaks]
    if above:
        return min(above) / 2
    return min(1.0, 2 * max(below)) if below else None


def _bad(bench: Bench, good: Truth) -> Iterator[Case]:
    """Updates at a gate's limit and beyond it, one gate at a time; by slices, in the largest."""
    for gate in bench.gates:
        way = lever(gate)
        if way is None:
            continue
        parts = scoped(gate, good)
        row = max(range(len(parts)), key=lambda place: float(parts[place][1].sum()))
        scope, counts = parts[row]
        found = share_at_limit(gate, counts, way)
        if found is None:
            continue
        share, breaks = found
        further = min(1.0, share * BEYOND) if breaks else share / BEYOND
        where = f" where {'='.join(scope)}" if scope and gate.by else ""
        for kind, title, each in (
            ("limit", f"exactly at the limit of {gate}{where}", share),
            ("beyond", f"{BEYOND:g} times beyond {gate}{where}", further),
        ):
            truth = good.with_slice(scope, way, each) if scope else good.with_flips(way, each)
            yield Case(kind, title, truth, str(gate))


def _examples_for(bench: Bench, good: Truth, goal: float) -> int | None:
    """About the examples with which a good update passes often enough; None if none would do."""
    trial = replace(bench, audits=min(bench.audits, SEARCH_AUDITS))

    def enough(examples: int) -> bool:
        found = replace(trial, examples=examples).run(good, 1).max(axis=1)
        return bool((found == PASS).mean() >= goal)

    low = high = bench.examples
    while not enough(high):
        low, high = high, high * 2
        if high > min(MOST_EXAMPLES, 1024 * bench.examples):
            return None
    while high - low > max(1, low // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _findings(
    bench: Bench, lint: Lint, good: Truth, goal: float, found: Sequence[NDArray[np.int8]]
) -> Iterator[str]:
    """What the numbers mean, in plain words, the most important first."""
    yield from _powerless(bench, good)
    yield from _about_good(lint, goal)
    yield from _about_bad(bench, lint)
    yield from _unmoved(bench, good)
    yield from _superfluous(lint, found)


def _powerless(bench: Bench, good: Truth) -> Iterator[str]:
    """Gates that a set of this size can never, or hardly ever, pass."""
    for gate in bench.gates:
        fewest = smallest_passing(gate, bench.settings.confidence)
        if fewest is None or bench.settings.decide == "point":
            continue
        needed = math.ceil(fewest * bench.effect)
        parts = [(scope, _size(gate, counts, bench, good)) for scope, counts in scoped(gate, good)]
        small = [(size, scope) for scope, size in parts if size < needed]
        if not small:
            continue
        size, scope = min(small, key=lambda each: each[0])
        takes = f"even without a flip it takes {needed:,}"
        if scope is None:
            yield f"{gate} can never pass with {_some(gate, size)}: {takes}"
        elif len(parts) == 1:
            yield f"{gate} can hardly ever pass with {_some(gate, size)}: {takes}"
        else:
            yield (
                f"{gate} can hardly ever pass: {len(small):,} of {len(parts):,} slices are too "
                f"small, '{'='.join(scope)}' with {_some(gate, size)}; {takes}"
            )


def _size(gate: Gate, counts: NDArray[np.float64], bench: Bench, good: Truth) -> float:
    """How many examples of the set are in a gate's denominator."""
    part = float(METRICS[gate.metric].denominator(Cells.of(counts)))
    return part * bench.examples / float(good.total.sum())


def _some(gate: Gate, size: float) -> str:
    return f"about {round(size):,} {counted(gate.metric)}"


def _about_good(lint: Lint, goal: float) -> Iterator[str]:
    odds = lint.scenarios[1].together
    if odds.passed >= goal:
        return
    if lint.examples_for_good is None:
        rest = f"no number of examples brings that to {often(1 - goal)}"
    else:
        rest = f"about {lint.examples_for_good:,} examples would bring that to {often(1 - goal)}"
    lost = often(odds.failed + odds.undecided)
    yield f"a good update is blocked or left undecided {lost} of the time; {rest}"


def _about_bad(bench: Bench, lint: Lint) -> Iterator[str]:
    """Bad updates that pass more often than the confidence says, or that are seldom blocked."""
    alpha = 1 - bench.settings.confidence
    noise = 3 * (alpha * (1 - alpha) / lint.audits) ** 0.5
    for each in lint.scenarios[2:]:
        odds = each.together
        if odds.passed > alpha + noise:
            yield f"an update {each.title} passes {often(odds.passed)} of the time"
        elif each.kind == "beyond" and odds.failed < 0.5:
            yield (
                f"an update {each.title} is blocked only {often(odds.failed)} of the time, "
                f"and left undecided {often(odds.undecided)}"
            )


def _unmoved(bench: Bench, good: Truth) -> Iterator[str]:
    """Gates that no update breaks, or that none keeps."""
    for gate in bench.gates:
        way = lever(gate)
        if way is None:
            yield f"{gate} says nothing of the update: the old model alone decides it"
        elif all(share_at_limit(gate, counts, way) is None for _, counts in scoped(gate, good)):
            yield f"{gate}: no share of flips reaches its limit here, so it tells nothing apart"


def _superfluous(lint: Lint, found: Sequence[NDArray[np.int8]]) -> Iterator[str]:
    """Gates that in no simulated audit are stricter than one other gate."""
    import numpy as np

    everything = np.concatenate(found)
    gone: set[int] = set()
    for one, name in enumerate(lint.gates):
        stricter = [
            other
            for other in range(len(lint.gates))
            if other not in {one, *gone} and (everything[:, one] <= everything[:, other]).all()
        ]
        if stricter:
            gone.add(one)
            yield (
                f"{name} never decides anything that {lint.gates[stricter[0]]} does not: in "
                f"{len(everything):,} simulated audits it was never the stricter one"
            )
