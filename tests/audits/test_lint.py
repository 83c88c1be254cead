"""Gate lint against a slow loop over the gates themselves, and what it finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import flipcheck
from flipcheck.audits.judging import ground
from flipcheck.audits.simulate import (
    FAIL,
    LOST,
    PASS,
    UNDECIDED,
    WON,
    Parts,
    Truth,
    _counts,
    _of_gate,
    lever,
    severities,
    share_at_limit,
)
from flipcheck.errors import UsageError
from flipcheck.gates import Gate, Verdict, judge, judge_slices, overall
from flipcheck.metrics import COUNTED, METRICS
from flipcheck.outcomes import Cells, Tally
from flipcheck.report import Settings
from flipcheck.slices import Slices
from flipcheck.stats.power import Worth, power

SEVERITY = {Verdict.PASS: PASS, Verdict.INCONCLUSIVE: UNDECIDED, Verdict.FAIL: FAIL}
VALUES = {"region": ("EU", "US", "AS")}
LIMITS = {"difference": ("-2%", "0", "3%"), "flip ratio": ("0.3", "1"), "odds": ("0.5", "2")}


def audits(rng, count):
    """Random small audits by three regions, many of them with empty cells and empty regions."""
    rates = rng.dirichlet(np.full(27, 0.2), count)
    sizes = rng.choice([1, 2, 10, 60, 400, 3000], count)
    parts = np.stack([rng.multinomial(n, p) for n, p in zip(sizes, rates, strict=True)])
    parts = parts.reshape(count, 3, 9)
    return parts.sum(axis=1), parts


def slow(gate, total, parts, settings):
    """The gate's severity by `judge` and `judge_slices`, one audit at a time."""
    how = {"confidence": settings.confidence, "decide": settings.decide}
    tallies = [
        (("region", value), Tally.of_counts(row.tolist()))
        for value, row in zip(VALUES["region"], parts, strict=True)
    ]
    if gate.by:
        present = [each for each in tallies if each[1].examples]
        return SEVERITY[overall(each.verdict for each in judge_slices(gate, present, **how))]
    if gate.where:
        return SEVERITY[judge(gate, dict(tallies)[gate.where], scope=gate.where, **how).verdict]
    return SEVERITY[judge(gate, Tally.of_counts(total.tolist()), **how).verdict]


@pytest.mark.parametrize("decide", ["bound", "point"])
@pytest.mark.parametrize("scope", ["", " by region", " where region=US"])
@pytest.mark.parametrize("name", COUNTED)
def test_simulated_audits_are_judged_as_compare_judges(name, scope, decide):
    """Every metric, limit from above and below, whole and slices: no verdict differs."""
    count = 20 if COUNTED[name].kind == "difference" else 60  # `judge` takes long over these
    total, parts = audits(np.random.default_rng(len(name)), count)
    if COUNTED[name].needs_split:  # where answers are known no wrong answer is unsplit
        for each in (total, parts):
            each[..., 4] += each[..., 5]
            each[..., 5] = 0
    settings = Settings(confidence=0.9, decide=decide)
    for limit in LIMITS.get(COUNTED[name].kind, ("0.5%", "10%", "60%")):
        for sign in ("<=", ">="):
            gate = Gate.parse(f"{name} {sign} {limit}{scope}")
            counts = _counts(gate, total, {"region": parts}, VALUES)
            found = _of_gate(gate, counts, settings, Parts.plain(counts.shape[1]))
            expected = [slow(gate, *audit, settings) for audit in zip(total, parts, strict=True)]
            assert found.tolist() == expected


@pytest.fixture
def pilot():
    """A pilot of 900 examples in three regions, and its rows."""
    counts = np.array(
        [
            [380, 6, 20, 30, 14, 0, 0, 0, 0],
            [250, 9, 10, 20, 11, 0, 0, 0, 0],
            [140, 0, 5, 3, 2, 0, 0, 0, 0],
        ]
    )
    return Truth.of([Slices("region", VALUES["region"], counts)], counts.sum(axis=0))


def test_audits_are_drawn_as_rows_are(pilot):
    """The verdicts of two gates together come as often as by drawing single rows."""
    gates = [
        Gate.parse("negative_flip_rate <= 3%"),
        Gate.parse("negative_flip_rate <= 8% by region"),
    ]
    settings = Settings()
    fast = severities(pilot, gates, 600, settings, audits=20_000, seed=(0, 0))
    table = pilot.columns["region"]
    cells = np.repeat(np.arange(27), table.astype(int).ravel())
    rng, naive = np.random.default_rng(1), []
    for _ in range(1500):
        parts = np.bincount(rng.choice(cells, 600), minlength=27).reshape(3, 9)
        naive.append([slow(gate, parts.sum(axis=0), parts, settings) for gate in gates])
    for one, two in ((fast, np.array(naive)), (fast.max(axis=1), np.array(naive).max(axis=1))):
        for severity in (PASS, UNDECIDED, FAIL):
            assert np.allclose((one == severity).mean(0), (two == severity).mean(0), atol=0.045)


def test_at_its_limit_a_gate_passes_as_often_as_the_binomial_says(pilot):
    """One gate by itself is exact: simulation and planning agree."""
    gate = Gate.parse("negative_flip_rate <= 5%")
    share, breaks = share_at_limit(gate, pilot.total, LOST)
    assert breaks
    found = severities(
        pilot.with_flips(LOST, share), [gate], 700, Settings(), audits=40_000, seed=(0, 1)
    )
    expected = float(power(700, 0.05, 0.05, 0.95))
    assert float((found == PASS).mean()) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("name", COUNTED)
def test_flips_can_bring_a_metric_to_its_limit(pilot, name):
    """At the share that is found the metric has the limit, and only what can flip has moved."""
    now = COUNTED[name].numerator(Cells.of(pilot.total)) / COUNTED[name].denominator(
        Cells.of(pilot.total)
    )
    gate = Gate.parse(f"{name} <= {(1.02 if abs(now) < 0.9 else 0.98) * float(now):.6f}")
    way = lever(gate)
    if way is None:
        assert name == "old_error_rate"
        return
    share, _ = share_at_limit(gate, pilot.total, way)
    moved = pilot.with_flips(way, share)
    assert moved.rate(name) == pytest.approx(gate.limit)
    before, after = Cells.of(pilot.total), Cells.of(moved.total)
    assert after.old_right == pytest.approx(before.old_right)
    assert after.examples == pytest.approx(before.examples)
    regions = Cells.of(moved.columns["region"].sum(axis=0))
    for part in ("both_right", "negative_flips", "positive_flips", "both_wrong"):
        assert getattr(regions, part) == pytest.approx(getattr(after, part))


def test_one_slice_can_be_made_bad(pilot):
    """The flips of one region change, those of the others do not, and the whole adds up."""
    moved = pilot.with_slice(("region", "US"), LOST, 0.5)
    change = moved.columns["region"] - pilot.columns["region"]
    assert change[1].tolist() != [0] * 9
    assert not change[[0, 2]].any()
    assert moved.total == pytest.approx(moved.columns["region"].sum(axis=0))
    region = Cells.of(moved.columns["region"][1])
    assert region.negative_flips == pytest.approx(0.5 * region.old_right)


def test_what_cannot_flip_does_not(pilot):
    """A region without wrong answers of the old model gets no positive flips."""
    table = pilot.columns["region"].copy()
    table[2, 2:] = 0
    truth = replace(pilot, total=table.sum(axis=0), columns={"region": table})
    assert truth.with_flips(WON, 0.9).columns["region"][2].tolist() == table[2].tolist()


@pytest.fixture
def report(sample):
    """The report of the sample's update by ink."""
    names = ("old_predictions.csv", "new_predictions.parquet")
    return flipcheck.compare(*(sample / name for name in names), by=["ink"], resamples=0)


def found(report, *gates, **options):
    """The lint of gates with a pilot, by few audits."""
    return flipcheck.plan(gates, pilot=report, **{"audits": 1000, **options}).lint


def test_the_gates_of_the_pilot_are_taken(sample):
    """Without a gate of its own, lint looks at those that the pilot was judged by."""
    report = flipcheck.compare(
        sample / "old_predictions.csv",
        sample / "new_predictions.csv",
        gates=["negative_flip_rate <= 5% by ink"],
        resamples=0,
    )
    assert found(report).gates == ("negative_flip_rate <= 5% by ink",)


def test_a_gate_that_can_never_pass_is_found(report):
    """It says how many examples there would be, and how many it takes."""
    lint = found(report, "negative_flip_rate <= 0.5%")
    assert (
        "can never pass with about 540 examples: even without a flip it takes 598"
        in (lint.findings[0])
    )
    assert lint.scenarios[1].together.passed == 0
    assert (
        "about 500 examples"
        in found(report, "negative_flip_rate <= 0.5%", examples=500).findings[0]
    )


def test_a_gate_of_which_some_slices_are_too_small_is_found(report):
    """It names the smallest slice."""
    lint = found(report, "negative_flip_rate <= 1.6% by ink")
    assert "of 3 slices are too small, 'ink=" in lint.findings[0]


def test_a_superfluous_gate_is_found(report):
    """A looser limit on the same metric never is the stricter one; the stricter one stays."""
    lint = found(report, "negative_flip_rate <= 10%", "negative_flip_rate <= 5%")
    redundant = [each for each in lint.findings if "never decides" in each]
    assert len(redundant) == 1
    assert redundant[0].startswith("negative_flip_rate <= 10% never decides anything that")


def test_more_examples_for_good_updates_are_enough(report):
    """With the number that lint names a good update passes as often as the power says."""
    gates = ("negative_flip_rate <= 2%", "error_rate_change <= 1%")
    lint = found(report, *gates, audits=4000)
    assert lint.scenarios[1].together.passed < 0.8
    assert f"about {lint.examples_for_good:,} examples would bring that to 20%" in lint.findings[0]
    again = found(report, *gates, audits=4000, examples=lint.examples_for_good)
    assert again.scenarios[1].together.passed == pytest.approx(0.8, abs=0.05)
    assert again.scenarios[1].together.passed > lint.scenarios[1].together.passed


def test_clusters_tell_less(report):
    """With a design effect of 3.7 the same set decides less, and more examples are needed."""
    gates = ("negative_flip_rate <= 3%",)
    alone = found(report, *gates)
    clustered = found(report, *gates, cluster_size=10, icc=0.3)
    assert clustered.scenarios[1].together.passed < alone.scenarios[1].together.passed
    assert clustered.examples_for_good > 3 * alone.examples_for_good


def test_the_estimate_alone_lets_half_of_the_bad_updates_pass(report):
    """Lint shows what --decide point costs."""
    lint = found(report, "negative_flip_rate <= 3%", decide="point")
    limit = next(each for each in lint.scenarios if each.kind == "limit")
    assert 0.4 < limit.together.passed < 0.65
    assert any("exactly at the limit" in each and "passes" in each for each in lint.findings)


def test_a_gate_on_the_old_model_alone_is_found(report):
    """No update changes it, so there is no bad update of it."""
    lint = found(report, "old_error_rate <= 20%")
    assert [each.kind for each in lint.scenarios] == ["pilot", "good"]
    assert "the old model alone decides it" in lint.findings[-1]


def test_what_is_good_can_be_said(report):
    """--nfr and --pfr are the good update's."""
    good = found(report, "negative_flip_rate <= 5%", nfr="1%", pfr=0.03).scenarios[1]
    assert good.negative_flip_rate == pytest.approx(0.01)
    assert good.positive_flip_rate == pytest.approx(0.03)
    assert good.error_rate_change == pytest.approx(-0.02)


def test_the_seed_decides_all(report):
    """Same seed, same numbers; another one, others."""
    gates = ("negative_flip_rate <= 3% by ink",)
    assert found(report, *gates) == found(report, *gates)
    assert found(report, *gates) != found(report, *gates, seed=1)


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("negative_flip_rate <= 1% by shop", "no slices by 'shop'"),  # no such column
        ("negative_flip_rate <= 1% where ink=loud", "no examples where ink is 'loud'"),  # or value
    ],
)
def test_gates_that_the_pilot_cannot_judge_are_refused(report, gate, message):
    """As `compare` refuses them."""
    with pytest.raises(UsageError, match=message):
        found(report, gate)


SIDES = ("old", "new")


def clustered(tmp_path, *, weightless="", **options):
    """A report of 1,200 weighted rows of 120 users, of whom some have most of the flips."""
    rng = np.random.default_rng(3)
    user = np.repeat(np.arange(120), 10)
    bad = rng.random(1200) < rng.beta(0.04, 2, 120)[user]
    shop = rng.choice(["big", "mid", "tiny"], 1200, p=[0.7, 0.28, 0.02])
    weight = np.exp(rng.normal(size=1200)) * (shop != weightless)
    for side in SIDES:
        rows = zip(range(1200), user, shop, weight, bad, strict=True)
        lines = [
            f"{row},a,{who},{where},{much:.6f},{'b' if side == 'new' and broken else 'a'}"
            for row, who, where, much, broken in rows
        ]
        text = "\n".join(["id,label,user,shop,weight,prediction", *lines])
        (tmp_path / f"{side}.csv").write_text(text + "\n", encoding="utf-8")
    paths = (tmp_path / f"{side}.csv" for side in SIDES)
    return flipcheck.compare(*paths, by=["shop"], resamples=0, **options)


DRAWN = [
    {"cluster": "user"},
    {"cluster": "user", "bound": "strict"},
    {"weight": "weight"},
    {"weight": "weight", "bound": "strict"},
]


@pytest.mark.parametrize("options", DRAWN)
def test_a_bound_is_worth_the_examples_that_give_it_singly(tmp_path, options):
    """The exact interval of as many examples, by scipy's beta law, has the pilot's own ends."""
    sample = ground(clustered(tmp_path, **options)).total
    metric = METRICS["negative_flip_rate"]
    worth = Worth.of([sample], metric, 0.95)
    share = sample.value(metric)
    ends = [float(end) for end in sample.bounds(metric, 0.9)]
    low, high = (size * float(sample.weighed().examples) for size in worth.ends[0])
    assert stats.beta.ppf(0.05, share * low, low * (1 - share) + 1) == pytest.approx(ends[0])
    assert stats.beta.ppf(0.95, share * high + 1, high * (1 - share)) == pytest.approx(ends[1])
    assert worth.drawn[0] >= worth.ends[0].max()


def test_an_end_that_nothing_moves_is_worth_as_much_as_the_other(tmp_path):
    """Of no positive flip the low bound is 0 whatever the size."""
    sample = ground(clustered(tmp_path, cluster="user")).total
    worth = Worth.of([sample], METRICS["positive_flip_rate"], 0.95)
    assert worth.ends[0, 0] == worth.ends[0, 1]
    assert 0 < worth.ends[0, 0] < 1


@pytest.mark.parametrize("options", DRAWN)
def test_lint_does_not_contradict_the_verdict_of_its_pilot(tmp_path, options):
    """With a bound well within the limit most audits pass; with one well beyond it hardly any."""
    seen = clustered(tmp_path, **options, gates=["negative_flip_rate <= 50%"])
    bound = seen.gates[0].bound
    wide, close = (
        found(seen, f"negative_flip_rate <= {times * bound:.6f}").scenarios[0].together
        for times in (1.6, 0.75)
    )
    assert wide.passed > 0.7
    assert close.passed < 0.3


def test_the_design_effect_that_was_used_is_written(tmp_path):
    """The pilot's own, or that of --icc where it is the larger."""
    seen = clustered(tmp_path, cluster="user")
    gate = "negative_flip_rate <= 5%"
    own = flipcheck.plan(gate, pilot=seen, audits=100)
    effect = own.to_dict()["assumed"]["design_effect"]
    assert effect == pytest.approx(own.lint.design_effects[0])
    assert effect > 1.5
    assert any(f"{effect:.3g} times the examples" in each for each in own.assumptions)
    more = flipcheck.plan(gate, pilot=seen, audits=100, cluster_size=100, icc=0.5)
    assert more.to_dict()["assumed"]["design_effect"] == pytest.approx(50.5)
    assert any("the larger is taken" in each for each in more.assumptions)


def test_slices_too_small_to_judge_are_left_out(tmp_path):
    """As `compare` does, by their expected size; with none left nothing is decided."""
    gate = "negative_flip_rate <= 8% by shop"
    every, seen = clustered(tmp_path), clustered(tmp_path, min_slice=100)
    assert any("'shop=tiny'" in each for each in found(every, gate).findings)
    kept = found(seen, gate)
    assert not any("tiny" in each for each in kept.findings)
    assert kept.scenarios[1].together.passed > found(every, gate).scenarios[1].together.passed
    none = found(seen, gate, examples=100)
    assert none.scenarios[0].together.undecided == 1
    assert "judges nothing" in " ".join(none.findings)


def test_the_flips_are_what_is_more_numerous(report):
    """A bad update is named by its flips, not by a metric that they do not multiply."""
    titles = [each.title for each in found(report, "error_rate_change <= 0.5%").scenarios]
    flips = "with 1.5 times the negative flips at the limit of "
    assert titles[-1] == f"{flips}error_rate_change <= 0.5%"


def test_gates_that_no_pilot_tells_of_are_named(sample, tmp_path):
    """Those of critical examples are left out, and that is said."""
    ids = (sample / "old_predictions.csv").read_text(encoding="utf-8").splitlines()[1]
    (tmp_path / "critical.txt").write_text(ids.split(",")[0] + "\n", encoding="utf-8")
    seen = flipcheck.compare(
        *(sample / f"{side}_predictions.csv" for side in SIDES),
        gates=["negative_flip_rate <= 5%"],
        critical=tmp_path / "critical.txt",
        resamples=0,
    )
    said = flipcheck.plan(pilot=seen, audits=100).assumptions
    assert any("left out" in each and "critical" in each for each in said)


@pytest.mark.parametrize("value", ["many", None, -3.0, 0])
def test_a_size_that_was_edited_changes_nothing(tmp_path, value):
    """What a pilot's bounds are worth is taken from its sums, not from what it says of them."""
    seen = clustered(tmp_path, cluster="user")
    edited = replace(seen, data=replace(seen.data, effective_examples=value))
    assert found(edited, "negative_flip_rate <= 5%") == found(seen, "negative_flip_rate <= 5%")


def test_a_slice_without_weight_leaves_its_gate_undecided(tmp_path):
    """Its rate is undefined, in the pilot's audit and in every simulated one."""
    gate = "negative_flip_rate <= 50% by shop"
    seen = clustered(tmp_path, weightless="tiny", weight="weight", gates=[gate])
    assert seen.verdict is Verdict.INCONCLUSIVE
    assert found(seen, gate).scenarios[0].together.undecided == 1
