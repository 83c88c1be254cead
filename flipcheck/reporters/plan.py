"""The reports of a plan: text of 80 columns, the answer first; JSON and HTML."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from flipcheck.errors import plural
from flipcheck.gates import Verdict
from flipcheck.metrics import METRICS
from flipcheck.reporters import as_json, words
from flipcheck.reporters.layout import WIDTH, grid, heading, indented, printed
from flipcheck.stats.power import often

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flipcheck.audits.lint import Lint, Odds, Scenario
    from flipcheck.audits.plan import Plan
    from flipcheck.audits.sizes import Assumed, Chance, GatePlan, Need, Update

NOUNS = {
    "negative_flip_rate": "negative flips",
    "positive_flip_rate": "positive flips",
    "old_error_rate": "errors",
    "new_error_rate": "errors",
    "flips": "flips",
}
"""What the numerators of some metrics count."""
KEYS = "first: the fewest examples that reach it; stable: from there on it stays reached"


def render(plan: Plan, *, color: bool = False, width: int = WIDTH) -> str:
    """The plan as text of at most `width` columns, with ANSI colours or plain."""
    lines: list[Any] = [Text(answer(plan), "bold")]
    for each in plan.gates:
        lines += [*_needs(each), *_chances(each, plan)]
    if plan.lint is not None:
        lines += [*_findings(plan.lint), *_scenarios(plan.lint), *_gate_odds(plan.lint)]
    lines += [Text(""), Text("Assumed", "bold")]
    lines += [_bullet(each, "dim") for each in plan.assumptions]
    return printed(lines, color=color, width=width)


def _html(plan: Plan) -> str:
    from flipcheck.reporters.html.plan import render as page

    return page(plan)


PLAN_REPORTERS: dict[str, Callable[[Plan], str]] = {
    "terminal": render,
    "html": _html,
    "json": as_json,
}


def _bullet(text: str, style: str = "") -> Padding:
    return Padding(Text(f"- {words.clean(text)}", style), (0, 0, 0, 2))


def answer(plan: Plan) -> str:
    """What the plan says, in a sentence or two."""
    if plan.lint is not None:
        return words.clean(_lint_answer(plan.lint))
    if plan.assumed.examples is None:
        return words.clean(_size_answer(plan))
    said = [_decided(each, plan.assumed) for each in plan.gates if each.decides]
    if not plan.gates and plan.resolution is not None:
        said.append(
            f"With {plural(plan.assumed.examples, 'example')} of which none flips, a rate is at "
            f"most {words.percent(plan.resolution.unseen)}; one of "
            f"{words.percent(plan.resolution.seen)} or more shows a flip "
            f"{often(plan.assumed.power)} of the time."
        )
    rest = [each for each in plan.gates if not each.decides]
    said += [_passes(each, plan.assumed.examples) for each in rest]
    more = ["The other gates are below."] if len(said) > 2 else []
    return words.clean(" ".join([*said[:2], *more]))


def _lint_answer(lint: Lint) -> str:
    good, bad = lint.scenarios[1].together, lint.scenarios[2:]
    text = (
        f"With {plural(lint.examples, 'example')} {_these(lint)} {often(good.passed)} of "
        f"good updates, block {often(good.failed)} and leave "
        f"{often(good.undecided)} undecided"
    )
    if len(lint.gates) == 1:
        text = text.replace(" block ", " blocks ").replace(" leave ", " leaves ")
    if not bad:
        return f"{text}."
    worst = max(each.together.passed for each in bad)
    most = f"at most {often(worst)} pass" if worst else "none passes"
    return f"{text}; of bad ones {most}."


def _these(lint: Lint) -> str:
    count = len(lint.gates)
    return "the gate passes" if count == 1 else f"the {count:,} gates together pass"


def lead(each: GatePlan) -> Update:
    """The update that a gate's plan speaks of first: the given one, or half of the limit."""
    updates = list(dict.fromkeys(need.update for need in each.needs))
    usual = 3 if METRICS[each.gate.metric].kind == "proportion" else 1
    return updates[min(usual, len(updates) - 1)] if len(updates) > 1 else updates[0]


def _size_answer(plan: Plan) -> str:
    """The number of examples with which every gate reaches the power."""
    goal = plan.assumed.power
    asked = [
        next(need for need in each.needs if need.update == lead(each) and need.power == goal)
        for each in plan.gates
    ]
    never = [each.gate for each, need in zip(plan.gates, asked, strict=True) if not need.stable]
    if never:
        return (
            f"No number of examples decides {never[0]} if the true value lies so near to its limit."
        )
    place = max(range(len(asked)), key=lambda place: asked[place].stable or 0)
    each, most = plan.gates[place], asked[place]
    does = "passes" if most.verdict is Verdict.PASS else "fails"
    then = (
        f"{each.gate} {does} {often(goal)} of the time if the true "
        f"{METRICS[each.gate.metric].title} is {update_text(each, most.update)}."
    )
    enough = f"{many(most.stable)} {each.counted} are enough"
    if len(asked) > 1:
        return f"Of the {len(asked):,} gates one needs most: {enough} that {then}"
    return f"{enough}: with them {then}"


def _decided(each: GatePlan, assumed: Assumed) -> str:
    """What a set of this size says of a proportion."""
    found, gate = each.decides, each.gate
    metric = METRICS[gate.metric]
    text = f"With {assumed.examples:,} {each.counted} {gate} "
    if found is None or found.passing_count is None:
        takes = "" if each.smallest is None else f": it takes {each.smallest:,} or more"
        return f"{text}can never pass{takes}."
    ends = ["at most", "at least"] if gate.upper else ["at least", "at most"]
    if assumed.effect > 1:
        ends = [f"{end} about" for end in ends]
    text += f"passes with {ends[0]} {found.passing_count:,} {NOUNS.get(metric.name, 'of them')}"
    if found.failing_count is None or found.failing_rate is None:
        return f"{text}, and can never fail."
    return (
        f"{text} and fails with {ends[1]} {found.failing_count:,}; in between it is undecided. The "
        f"{'smallest' if gate.upper else 'largest'} {metric.title} that it detects as beyond the "
        f"limit is {words.percent(found.failing_rate)}."
    )


def _passes(each: GatePlan, examples: int) -> str:
    """How often a set of this size passes the update that a plan speaks of first."""
    update = lead(each)
    found = next(chance for chance in each.chances if chance.update == update)
    return (
        f"With {examples:,} {each.counted} {each.gate} passes {often(found.passed)} of the "
        f"time and fails {often(found.failed)} if the true {METRICS[each.gate.metric].title} "
        f"is {update_text(each, update)}."
    )


def update_text(each: GatePlan, update: Update) -> str:
    """An assumed update: "0.5%", or "0 pp (1% broken, 1% mended)"."""
    value = f"{update.value * 100:.4g}"
    if METRICS[each.gate.metric].kind == "proportion":
        return f"{value}%"
    lost, won = update.negative_flip_rate or 0.0, update.positive_flip_rate or 0.0
    value = value if value.startswith(("-", "0")) and float(value) <= 0 else f"+{value}"
    return f"{value.replace('-', '−')} pp ({lost * 100:.4g}% broken, {won * 100:.4g}% mended)"


def need_rows(each: GatePlan) -> Iterator[tuple[Update, Verdict | None, list[Need]]]:
    """The rows of the table of needs: an update, its verdict, and a need for each power."""
    for update, needs in groupby(each.needs, key=lambda need: need.update):
        row = list(needs)
        yield update, row[0].verdict, row


def many(count: int | None) -> str:
    """A number of examples, or that none is enough."""
    return words.UNKNOWN if count is None else f"{count:,}"


def _needs(each: GatePlan) -> list[Any]:
    rows = list(need_rows(each))
    exact = METRICS[each.gate.metric].kind == "proportion"
    table = grid({}, {}, *({"justify": "right"} for _ in rows[0][2] * (1 + exact)))
    goals = [f"{often(need.power)} power" for need in rows[0][2]]
    heads = [text for goal in goals for text in ((goal, "") if exact else (goal,))]
    table.add_row(*(Text(name, "dim") for name in ("true value", "should", *heads)))
    if exact:
        kinds = ("first", "stable") * len(goals)
        table.add_row(*(Text(name, "dim") for name in ("", "", *kinds)))
    for update, verdict, needs in rows:
        counts = [
            many(count)
            for need in needs
            for count in ((need.first, need.stable) if exact else (need.stable,))
        ]
        table.add_row(update_text(each, update), verdict or words.UNKNOWN, *counts)
    lines = heading(words.clean(str(each.gate)), f"needs these {words.clean(each.counted)}")
    lines.append(indented(table))
    if each.smallest is not None:
        lines.append(_note(f"Even without any flip it takes {each.smallest:,}. {KEYS}."))
    return lines


def _note(text: str) -> Padding:
    return Padding(Text(words.clean(text), "dim"), (0, 0, 0, 2))


def open_share(chance: Chance) -> float:
    """How often a set leaves an update undecided."""
    return max(0.0, 1.0 - float(chance.passed) - float(chance.failed))


def _chances(each: GatePlan, plan: Plan) -> list[Any]:
    if not each.chances:
        return []
    table = grid({}, *({"justify": "right"} for _ in range(3)))
    table.add_row(*(Text(name, "dim") for name in ("true value", "passes", "undecided", "fails")))
    for chance in each.chances:
        shares = (chance.passed, open_share(chance), chance.failed)
        table.add_row(update_text(each, chance.update), *map(often, shares))
    title = f"With {plan.assumed.examples or 0:,} {words.clean(each.counted)}"
    lines = [*heading(title), indented(table)]
    if each.decides is not None and each.decides.passing_rate is not None:
        side = "up to" if each.gate.upper else "from"
        lines.append(
            _note(
                f"It passes true values {side} {words.percent(each.decides.passing_rate)} with "
                f"{often(plan.assumed.power)} power."
            )
        )
    return lines


def _findings(lint: Lint) -> list[Any]:
    if not lint.findings:
        return []
    return [*heading("What to know"), *(_bullet(each) for each in lint.findings)]


def _shares(odds: Odds) -> list[str]:
    return [often(share) for share in (odds.passed, odds.undecided, odds.failed)]


def scenario_text(each: Scenario) -> str:
    """A scenario and its flips: "a good update (NFR 0.500%, error rate change −0.30 pp)"."""
    change = words.number(METRICS["error_rate_change"], each.error_rate_change)
    rate = words.percent(each.negative_flip_rate)
    return f"{words.clean(each.title)} (NFR {rate}, error rate change {change})"


def precision(lint: Lint) -> str:
    """How far simulation may be off: two standard errors of a share of one half."""
    return (
        f"{lint.audits:,} simulated audits of {lint.examples:,} examples each: shares are right to "
        f"about ±{100 / lint.audits**0.5:.2g} pp"
    )


def _scenarios(lint: Lint) -> list[Any]:
    table = grid({"no_wrap": False, "ratio": 1}, *({"justify": "right"} for _ in range(3)))
    table.add_row("", *(Text(name, "dim") for name in ("passes", "undecided", "fails")))
    for each in lint.scenarios:
        table.add_row(scenario_text(each), *_shares(each.together))
    return [*heading("The gates together"), indented(table), _note(precision(lint))]


def gate_odds(lint: Lint) -> Iterator[tuple[str, list[tuple[str, Odds]]]]:
    """Each gate by itself: with the pilot, a good update, and updates at its own limit."""
    titles = {"pilot": "the pilot's update", "good": "a good update", "limit": "at its limit"}
    for place, gate in enumerate(lint.gates):
        rows = [
            (titles.get(each.kind, "beyond its limit"), each.gates[place])
            for each in lint.scenarios
            if each.gate in {None, gate}
        ]
        yield gate, rows


def _gate_odds(lint: Lint) -> list[Any]:
    if len(lint.gates) < 2:
        return []
    lines = heading("Each gate by itself")
    table = grid({"no_wrap": False, "ratio": 1}, *({"justify": "right"} for _ in range(3)))
    table.add_row("", *(Text(name, "dim") for name in ("passes", "undecided", "fails")))
    for gate, rows in gate_odds(lint):
        table.add_row(Text(words.clean(gate), "bold"), "", "", "")
        for title, odds in rows:
            table.add_row(f"  {title}", *_shares(odds))
    return [*lines, indented(table)]
