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
    Parts,
    Truth,
    column,
    lever,
    scoped,
    severities,
    share_at_limit,
    shares_at_limit,
)
from flipcheck.audits.sizes import MOST_EXAMPLES, counted
from flipcheck.gates import rough, smallest_passing
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Cells
from flipcheck.slices import Slices
from flipcheck.stats.power import Worth, counts_of, often

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.audits.judging import Ground
    from flipcheck.audits.simulate import Lever
    from flipcheck.gates import Gate, Scope
    from flipcheck.report import Settings
    from flipcheck.stats.sampling import Sample

BEYOND = 1.5
"""How many times the flips of the limit a clearly bad update has."""
FLIPS: dict[Lever, str] = {LOST: "negative flips", WON: "positive flips"}
AUDITS, LEAST_AUDITS, SLICE_AUDITS = 10_000, 200, 500_000


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
    """How often the gates together would be wrong, and what that means in plain words.

    `design_effects` are how many times the examples drawn singly each gate's bound asks for; by
    slices, in the worst of them.
    """

    gates: tuple[str, ...]
    design_effects: tuple[float, ...]
    examples: int
    audits: int
    scenarios: tuple[Scenario, ...]
    examples_for_good: int | None
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all scenarios share: the pilot's truth, the gates, and the size of the set.

    `samples` are the pilot's of the parts of each gate, out of `seen` examples, whose sums count
    by `counted_as`; `worths` say as how many examples drawn singly those of the set count.
    """

    gates: Sequence[Gate]
    pilot: Truth
    samples: Sequence[Sequence[Sample]]
    seen: float
    counted_as: float
    effect: float
    settings: Settings
    audits: int
    examples: int = 0
    worths: Sequence[Worth] = ()

    def sized(self, examples: int) -> Bench:
        """The same with sets of so many examples, clustered and weighted as the pilot's are."""
        worths = [
            Worth.of(
                [each.scaled(examples / self.seen) for each in samples],
                gate.measures,
                self.settings.confidence,
                self.counted_as,
            ).at_most(1 / self.effect)
            for gate, samples in zip(self.gates, self.samples, strict=True)
        ]
        return replace(self, examples=examples, worths=worths)

    def run(self, truth: Truth, place: int) -> NDArray[np.int8]:
        """The severities of the scenario at this place.

        A part of the pilot whose examples have no weight is undefined, and so never passes.
        """
        found = severities(
            truth,
            self.gates,
            self.examples,
            self.settings,
            audits=self.audits,
            seed=(self.settings.seed, place),
            parts_of=[Parts(worth, self._judged(gate)) for gate, worth in enumerate(self.worths)],
        )
        for gate, (_, parts) in enumerate(self.parts(truth)):
            if not all(part.counts.any() for part in parts):
                found[:, gate] = found[:, gate].clip(UNDECIDED)
        return found

    def parts(self, truth: Truth) -> Iterator[tuple[Gate, list[Part]]]:
        """Each gate, and its parts that are judged."""
        for place, gate in enumerate(self.gates):
            ends = self.worths[place].ends[:, int(gate.upper)]
            judged = self._judged(place)
            yield (
                gate,
                [
                    Part(scope, counts, float(end))
                    for (scope, counts), end, kept in zip(
                        scoped(gate, truth), ends, judged, strict=True
                    )
                    if kept
                ],
            )

    def _judged(self, gate: int) -> NDArray[np.bool_]:
        """Which parts of a gate --min-slice does not leave out of a set of this size."""
        import numpy as np

        sizes = np.array([float(each.cells.examples) for each in self.samples[gate]])
        sizes = np.round(sizes / self.seen * self.examples, 6)
        everything = column(self.gates[gate]) is None
        return np.asarray((sizes >= self.settings.min_slice) | everything)


@dataclass(frozen=True, slots=True)
class Part:
    """A part that a gate judges: its expected counts, and what they are worth at its limit."""

    scope: Scope | None
    counts: NDArray[np.float64]
    worth: float


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario before it is simulated."""

    kind: str
    title: str
    truth: Truth
    gate: str | None = None


def lint(
    gates: Sequence[Gate],
    seen: Ground,
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
    allow. Without `audits` there are 10,000, and fewer where there are many slices. Where the
    pilot's clusters, weights or --bound ask for more examples than `effect`, that is taken.
    """
    counted_as, pilot = _truth(seen)
    bench = Bench(
        gates,
        pilot,
        samples=[[each for _, each in _samples(gate, seen)] for gate in gates],
        seen=float(seen.total.cells.examples),
        counted_as=counted_as,
        effect=effect,
        settings=settings,
        audits=audits or max(LEAST_AUDITS, min(AUDITS, SLICE_AUDITS // _widest(gates, pilot))),
    ).sized(examples)
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
    effects = tuple(
        1 / min([part.worth for part in parts], default=1.0) for _, parts in bench.parts(pilot)
    )
    texts = tuple(map(str, gates))
    result = Lint(texts, effects, examples, bench.audits, scenarios, enough, findings=())
    return replace(result, findings=tuple(_findings(bench, result, good, goal, found)))


def _truth(seen: Ground) -> tuple[float, Truth]:
    """By what a pilot's sums count as its examples, and its truth in such counts."""
    import numpy as np

    total = counts_of(seen.total)
    counted_as = float(seen.total.cells.examples) / float(total.sum())
    columns = [
        Slices(
            by,
            tuple(value for (_, value), _ in parts),
            np.array([counts_of(each) * counted_as for _, each in parts]),
        )
        for by, parts in seen.parts.items()
    ]
    return counted_as, Truth.of(columns, total * counted_as)


def _samples(gate: Gate, seen: Ground) -> Sequence[tuple[Scope | None, Sample]]:
    """The samples that a gate judges, in the order of `scoped`."""
    if gate.by is not None:
        return seen.parts[gate.by]
    return [(gate.where, seen.samples()[gate.where])]


def _widest(gates: Sequence[Gate], truth: Truth) -> int:
    """The slices of the column that has the most, of those that are drawn."""
    return max([len(truth.values[by]) for gate in gates if (by := column(gate))], default=1)


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
    import numpy as np

    above, below = [], []
    for gate, parts in bench.parts(truth):
        if lever(gate) is which and parts:
            table = np.array([part.counts for part in parts])
            shares, breaks = shares_at_limit(gate, table, which)
            known = ~np.isnan(shares)
            above += shares[known & breaks].tolist()
            below += shares[known & ~breaks].tolist()
    if above:
        return float(min(above)) / 2
    return min(1.0, 2 * max(below)) if below else None


def _bad(bench: Bench, good: Truth) -> Iterator[Case]:
    """Updates at a gate's limit and beyond it, one gate at a time; by slices, in the largest."""
    for gate, parts in bench.parts(good):
        way = lever(gate)
        if way is None or not parts:
            continue
        largest = max(parts, key=lambda part: float(part.counts.sum()))
        scope = largest.scope
        found = share_at_limit(gate, largest.counts, way)
        if found is None:
            continue
        share, breaks = found
        further = min(1.0, share * BEYOND) if breaks else share / BEYOND
        where = f" where {'='.join(scope)}" if scope and gate.by else ""
        flips = f"{further / share:.3g} times the {FLIPS[way]}"
        for kind, title, each in (
            ("limit", f"exactly at the limit of {gate}{where}", share),
            ("beyond", f"with {flips} at the limit of {gate}{where}", further),
        ):
            truth = good.with_slice(scope, way, each) if scope else good.with_flips(way, each)
            yield Case(kind, title, truth, str(gate))


def _examples_for(bench: Bench, good: Truth, goal: float) -> int | None:
    """About the examples with which a good update passes often enough; None if none would do."""
    trial = replace(bench, audits=max(LEAST_AUDITS // 2, bench.audits // 10))

    def enough(examples: int) -> bool:
        found = trial.sized(examples).run(good, 1).max(axis=1)
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
    for gate, parts in bench.parts(good):
        fewest = smallest_passing(gate, bench.settings.confidence)
        if fewest is None or bench.settings.decide == "point":
            continue
        small = [
            (size, needed, part.scope)
            for part in parts
            for size, needed in [
                (_size(gate, part.counts, bench, good), math.ceil(fewest / part.worth))
            ]
            if size < needed
        ]
        if not small:
            continue
        size, needed, scope = min(small, key=lambda each: each[0])
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
    for gate, parts in bench.parts(good):
        way = lever(gate)
        if way is None:
            yield f"{gate} says nothing of the update: the old model alone decides it"
        elif not parts:
            yield f"{gate} judges nothing: every slice is smaller than --min-slice"
        elif all(share_at_limit(gate, part.counts, way) is None for part in parts):
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
