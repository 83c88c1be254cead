"""`flipcheck plan`: how many examples a gate needs, and how often gates would be wrong."""

from __future__ import annotations

from flipcheck.cli import options as o
from flipcheck.cli.compare import gate_texts
from flipcheck.cli.outputs import Outputs


def plan(
    max_nfr: o.MaxNfr = None,
    max_error_increase: o.MaxErrorIncrease = None,
    gate: o.GateTexts = None,
    decide: o.Decide = "bound",
    nfr: o.Nfr = None,
    pfr: o.Pfr = None,
    power: o.Power = "80%",
    examples: o.Examples = None,
    cluster_size: o.ClusterSize = None,
    icc: o.Icc = None,
    pilot: o.Pilot = None,
    audits: o.Audits = None,
    confidence: o.Confidence = 0.95,
    seed: o.Seed = 0,
    json: o.Json = None,
    html: o.Html = None,
    config: o.ConfigPath = None,
    no_config: o.NoConfig = False,
) -> None:
    """Plan a test set: how many examples does a gate need, and what can a given set decide?

    With --pilot: how often would the gates together be wrong, or undecided?

    Example:

        flipcheck plan --max-nfr 1% --nfr 0.5% --html plan.html
    """
    del config, no_config  # which the command has read before this
    reports = Outputs.of({"json": json, "html": html})
    reports.check((pilot,))
    from flipcheck.api import plan as planned

    reports.write_plan(
        planned(
            gate_texts(gate, max_nfr, max_error_increase),
            nfr=nfr,
            pfr=pfr,
            power=power,
            examples=examples,
            cluster_size=cluster_size,
            icc=icc,
            pilot=pilot,
            audits=audits,
            confidence=confidence,
            decide=decide,
            seed=seed,
        )
    )
