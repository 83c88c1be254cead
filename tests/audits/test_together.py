"""Options of an audit together: each reaches every number, in `compare` and in `render --gate`."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

import flipcheck
from flipcheck.audits.early import decided
from flipcheck.audits.judging import rejudge
from flipcheck.errors import UsageError
from flipcheck.gates import Gate, Verdict
from flipcheck.metrics import METRICS
from flipcheck.outcomes import Tally
from flipcheck.pairing import pair
from flipcheck.predictions import Predictions
from flipcheck.report import Report, Settings
from flipcheck.stats.sequential import evidence

COSTS = {("a", "b"): 1.0, ("a", "c"): 3.0, ("*", "*"): 10.0}
GATES = (
    "negative_flip_rate <= 10%",
    "error_rate_change <= 1pp",
    "backward_trust_compatibility >= 80%",
    "relative_negative_flip_rate <= 1",
    "negative_flip_rate <= 15% by region",
    "error_rate_change <= 2pp by region",
    "negative_flip_impact <= 0.5 by region",
    "negative_flip_rate <= 12% where region=EU",
    "negative_flip_rate <= 50% where region=XS",
)
NEEDING = {
    "costs": ("expected_cost <= 0.2", "expected_cost <= 0.3 by region"),
    "rerun": ("excess_negative_flip_rate <= 8%", "excess_negative_flip_rate <= 8% by region"),
}
"""The gates that need an option."""
SWITCHES = ("waivers", "cluster", "weight", "costs", "rerun", "strict")
TABLE = [{name for name in each if name} for each in product(*(("", name) for name in SWITCHES))]
TABLE = [on for on in TABLE if "strict" not in on or on & {"cluster", "weight"}]
TABLE += [{*SWITCHES, "min_slice"}, {*SWITCHES, "min_slice", "discover"} - {"weight"}]


def waivers(ids) -> list[dict[str, str]]:
    """Waivers of these ids."""
    said = {"reason": "known", "owner": "ana", "expires": "2999-12-31"}
    return [{"id": str(each), **said} for each in ids]


class Made:
    """600 examples in 60 users whose flips come together, of three regions, one of them small."""

    size = 600

    def __init__(self, seed=0):
        """Draw them; ids are in no order, and nine rows that flip are waived."""
        rng = np.random.default_rng(seed)
        self.user = np.arange(self.size) // 10
        self.region = np.where(self.user < 35, "EU", np.where(self.user < 59, "US", "XS"))
        self.ids = rng.permutation(self.size) + 1000
        self.weights = rng.uniform(0.5, 3, self.size).round(3)
        self.truth = rng.choice(["a", "b"], self.size)
        old_right = rng.random(self.size) < 0.85
        breaks = rng.random(self.size) < rng.beta(0.2, 2, 60)[self.user]
        new_right = np.where(old_right, ~breaks, rng.random(self.size) < 0.5)
        self.old = np.where(old_right, self.truth, "c")
        self.new = np.where(new_right, self.truth, np.where(rng.random(self.size) < 0.5, "c", "d"))
        self.again = np.where(rng.random(self.size) < 0.05, "d", self.old)
        self.flips = np.flatnonzero(old_right & ~new_right)
        self.again[self.flips[:4]] = "d"  # rows that are waived, and that noise breaks as well
        self.waived = self.flips[:9]

    def side(self, answers, on=()):
        """The predictions of a model, with weights where these are on."""
        return Predictions.from_arrays(
            answers,
            self.truth,
            ids=self.ids,
            columns={"user": self.user, "region": self.region},
            weights=self.weights if "weight" in on else None,
        )

    def audited(self, on, *, new=None, again=None, **more) -> Report:
        """The report with these switches on."""
        given = {
            "waivers": waivers(self.ids[self.waived]),
            "cluster": "user",
            "weight": "w",
            "costs": COSTS,
            "rerun": [self.side(self.again if again is None else again, on)],
            "min_slice": 20,
            "discover": True,
        }
        chosen = {name: given[name] for name in given if name in on} | {
            "bound": "strict" if "strict" in on else "default",
            "by": ["region"],
            "gates": gates(on),
            "resamples": 0,
        }
        sides = [self.side(each, on) for each in (self.old, self.new if new is None else new)]
        return flipcheck.compare(*sides, **chosen | more)

    def healed(self, answers):
        """The answers with those of the waived rows right."""
        right = np.isin(np.arange(self.size), self.waived)
        return np.where(right, self.truth, answers)


MADE = Made()


def written(report: Report) -> str:
    """A report as its JSON."""
    return json.dumps(report.to_dict())


def numbers(report: Report) -> list[tuple]:
    """What each judgement says in numbers."""
    parts = ("verdict", "value", "bound", "opposite", "numerator", "denominator", "needed", "scope")
    return [(str(each.gate), *(getattr(each, part) for part in parts)) for each in report.gates]


def gates(on) -> list[str]:
    """The gates of an audit with these switches on."""
    return [*GATES, *(gate for name in NEEDING if name in on for gate in NEEDING[name])]


def named(on) -> str:
    """A combination of switches, as the tests tell it."""
    return "+".join(sorted(on)) or "nothing"


@pytest.mark.parametrize("on", TABLE, ids=named)
def test_judgements_are_the_same_bytes_after_json_and_anew(on):
    """The report comes back as it was, and its gates judged again by `render` are the same."""
    report = MADE.audited(on)
    back = Report.from_dict(json.loads(written(report)))
    assert written(back) == written(report)
    again = rejudge(back, [Gate.parse(text) for text in gates(on)], "bound")
    assert written(again) == written(report)


@pytest.mark.parametrize("on", [on for on in TABLE if "waivers" in on], ids=named)
def test_a_waived_flip_is_as_one_that_was_right_from_the_beginning(on):
    """Every gate's numbers are those of an audit where the waived rows are right in every run."""
    report, plain = MADE.audited(on), MADE.audited(on - {"waivers"})
    new, again = MADE.healed(MADE.new), MADE.healed(MADE.again)
    right = MADE.audited(on - {"waivers"}, new=new, again=again)
    assert numbers(report) == numbers(right)
    assert numbers(report) != numbers(plain)
    assert report.waivers.verdict_without == plain.verdict


def test_a_slice_of_an_audit_of_clusters_has_the_p_value_of_its_clusters():
    """The difference to the rest over its linearised error, from one number for each cluster."""
    report = MADE.audited({"cluster", "weight"})
    flipped = np.isin(np.arange(MADE.size), MADE.flips)
    shown = {each.value: each.p_value for each in report.slices}
    for name in ("EU", "US"):
        inside = MADE.region == name
        shares = [
            np.where(each, MADE.weights, 0) / MADE.weights[each].sum() for each in (inside, ~inside)
        ]
        rates = [(each * flipped).sum() for each in shares]
        lines = [each * (flipped - rate) for each, rate in zip(shares, rates, strict=True)]
        units = np.bincount(MADE.user, lines[0] - lines[1])
        error = np.sqrt(60 / 59 * (units**2).sum())
        holding = len(set(MADE.user[flipped & inside]))
        expected = stats.t.sf((rates[0] - rates[1]) / error, holding - 1)
        assert shown[name] == pytest.approx(expected, rel=1e-8)


def test_the_noise_of_a_rerun_is_bounded_as_an_update_to_it_would_be():
    """A rerun's interval has the clusters and weights of an audit of the rerun as the new model."""
    on = {"cluster", "weight", "strict"}
    (run,) = MADE.audited({*on, "rerun"}).reruns
    flips = MADE.audited(on, new=MADE.again).metrics["negative_flip_rate"]
    assert (run.rate, run.interval) == (flips.value, flips.interval)
    for switch in on:
        assert MADE.audited({*on, "rerun"} - {switch}).reruns[0].interval != run.interval


@pytest.mark.parametrize("greatest", [4.0, 50.0, 5_000.0])
def test_the_bound_of_a_cost_reckons_with_the_greatest_that_a_flip_could_have(greatest):
    """As many flips of the greatest cost, bounded exactly, or the gamma bound of Fay and Feuer."""
    kinds = {("a", "c"): 1.0, ("a", "d"): 2.0, ("b", "c"): 3.0, ("b", "d"): 4.0}
    report = MADE.audited({"costs"}, costs={**kinds, ("z", "z"): greatest})
    (judged,) = (each for each in report.gates if str(each.gate) == NEEDING["costs"][0])
    costs = np.array([kinds[MADE.truth[row], MADE.new[row]] for row in MADE.flips])
    whole, total, spread = costs.sum() / greatest, costs.sum() + greatest, (costs**2).sum()
    exact = greatest * stats.beta.ppf(0.95, whole + 1, MADE.size - whole)
    scale = (spread + greatest**2) / total
    gamma = stats.gamma.ppf(0.95, total / scale, scale=scale) / MADE.size
    assert judged.bound == pytest.approx(max(exact, gamma), rel=1e-8)


def clustered_null(drawn, **asked) -> Report:
    """An audit of 200 users of ten, whose flips come together wherever they are."""
    rng = np.random.default_rng(drawn)
    rates = rng.beta(0.03 * 7 / 3, 0.97 * 7 / 3, 200).repeat(10)
    columns = {name: rng.integers(0, 4, 200).repeat(10) for name in ("one", "two")}
    columns["user"] = np.arange(200).repeat(10)
    answers = (["a"] * 2000, np.where(rng.random(2000) < rates, "b", "a"))
    order = rng.permutation(2000)
    cut = {name: values[order] for name, values in columns.items()}
    sides = [
        Predictions.from_arrays(np.array(each)[order], ["a"] * 2000, ids=order, columns=cut)
        for each in answers
    ]
    return flipcheck.compare(*sides, by=["one", "two"], discover=True, **{"resamples": 0} | asked)


def test_flips_that_come_together_by_user_are_no_subgroup():
    """Of ten audits where nothing is, two at most find it told of users; untold, most do."""
    clustered = [bool(clustered_null(seed, cluster="user").discovery.found) for seed in range(10)]
    plain = [bool(clustered_null(seed).discovery.found) for seed in range(10)]
    assert sum(clustered) <= 2
    assert sum(plain) >= 6


@pytest.mark.parametrize("part", ["metrics", "discovery"])
def test_a_seed_settles_what_is_random_and_another_draws_anew(part):
    """The bootstrap and the search agree with themselves under one seed, and differ under two."""
    one, same, two = (clustered_null(3, seed=seed, resamples=200) for seed in (1, 1, 2))
    assert written(one) == written(same)
    assert one.discovery.found
    assert getattr(one, part) != getattr(two, part)


@pytest.mark.parametrize(("total", "stops"), [(200, False), (600, True)])
def test_a_run_stops_only_on_the_evidence_that_its_looks_may_spend(total, stops):
    """Of alpha 5 % one fifth is for the looks: evidence of 20 to 100 to one is not enough."""
    metric, settings = METRICS["negative_flip_rate"], Settings()
    gate = Gate.parse("negative_flip_rate <= 2%")
    within, _ = evidence(metric, Tally(both_right=total), gate.limit)
    assert within >= math.log(20)
    assert bool(within >= math.log(100)) is stops
    one = Predictions.from_arrays(["a"] * total, ["a"] * total)
    assert decided([gate], settings)(pair(one, one)) is stops


WHOLE = {
    "cluster": "user",
    "weight": "w",
    "costs": COSTS,
    "rerun": [MADE.side(MADE.again)],
    "critical": [str(MADE.ids[0])],
    "waivers": waivers(MADE.ids[:1]),
    "label_noise": "2%",
    "discover": True,
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_speaks_of_the_whole_test_set_cannot_stop_early(name):
    """Each option is refused by its name together with --stop-early."""
    refused = f"--stop-early and --{name.replace('_', '-')}: "
    with pytest.raises(UsageError, match=refused):
        MADE.audited(set(), stop_early=True, **{name: WHOLE[name]})


@pytest.mark.parametrize(
    "name", ["negative_flip_rate", "expected_cost", "excess_negative_flip_rate"]
)
def test_nothing_that_could_break_is_no_pass(name):
    """Where the old model is never right, a gate on what breaks is inconclusive."""
    never = MADE.side(np.where(MADE.truth == "a", "b", "a"))
    report = flipcheck.compare(
        never, MADE.side(MADE.new), gates=f"{name} <= 20%", costs=COSTS, rerun=never, resamples=0
    )
    (judged,) = report.gates
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "no right answer that could break" in judged.reason
