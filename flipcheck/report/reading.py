"""A report's values, read from its JSON form."""

from __future__ import annotations

from typing import Any

from flipcheck.contract import differences_from, repeatability_from
from flipcheck.gates import Gate, Judgement, Verdict
from flipcheck.outcomes import Tally
from flipcheck.policy import parts_from
from flipcheck.report.confidences import Confidences
from flipcheck.report.evidence import Evidence
from flipcheck.report.parts import (
    CostMatrix,
    Data,
    EarlyStop,
    Estimate,
    Example,
    Flips,
    Model,
    NoiseRun,
    Scores,
    Settings,
    Slice,
    Transition,
    check_texts,
)
from flipcheck.report.past import Past
from flipcheck.stats.design import Design
from flipcheck.stats.discovery import Discovery, Finding
from flipcheck.stats.intervals import Interval
from flipcheck.stats.tests import Significance
from flipcheck.tasks.told import Judged


def members(written: dict[str, Any]) -> dict[str, Any]:
    """The values of a report's fields, from what `to_dict` wrote."""
    flips, tally = written["negative_flips"], Tally.from_dict(written["tally"])
    return dict(
        verdict=_verdict(written),
        old=Model(**written["old"]),
        new=Model(**written["new"]),
        data=Data(**written["data"]),
        settings=Settings(**written["settings"]),
        early_stop=None if written["early_stop"] is None else EarlyStop(**written["early_stop"]),
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
        costs=None if written["costs"] is None else CostMatrix(**written["costs"]),
        scores=Scores(**written["scores"]) if "scores" in written else None,
        design=_read_design(written, tally),
        task=Judged.from_dict(written["task"]) if "task" in written else None,
        confidences=_read_confidences(written),
        history=tuple(_read_past(each) for each in written.get("history", ())),
        discovery=_read_discovery(written["discovery"]),
        contract=differences_from(written.get("contract")),
        repeatability=repeatability_from(written.get("repeatability")),
        evidence=Evidence.from_dict(written["evidence"]) if "evidence" in written else None,
    )


def _verdict(written: dict[str, Any]) -> Verdict | None:
    return None if written["verdict"] is None else Verdict(written["verdict"])


def _read_confidences(written: dict[str, Any]) -> Confidences | None:
    return Confidences.from_dict(written["confidences"]) if "confidences" in written else None


def _read_past(written: dict[str, Any]) -> Past:
    verdict = _verdict(written)
    metrics = {name: _estimate(each) for name, each in written["metrics"].items()}
    return Past(**written | {"verdict": verdict, "metrics": metrics})


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


def _read_discovery(written: dict[str, Any] | None) -> Discovery | None:
    if written is None:
        return None
    found = []
    for each in written["found"]:
        finding = dict(each)
        for derived in ("negative_flip_rate", "rest_negative_flip_rate"):
            del finding[derived]
        finding["where"] = tuple((part["by"], part["value"]) for part in each["where"])
        check_texts(*(text for part in finding["where"] for text in part))
        found.append(Finding(**finding | {"interval": _interval(each["interval"])}))
    return Discovery(**written | {"columns": tuple(written["columns"]), "found": tuple(found)})


def _read_gate(written: dict[str, Any]) -> Judgement:
    part = written["slice"]
    _numbers(written, "value", "bound", "opposite_bound", "examples_needed")
    return Judgement(
        gate=Gate.parse(written["gate"]),
        verdict=_verdict(written),
        value=written["value"],
        bound=written["bound"],
        opposite=written["opposite_bound"],
        numerator=written["numerator"],
        denominator=written["denominator"],
        scope=None if part is None else (part["by"], part["value"]),
        needed=written["examples_needed"],
        reason=written["reason"],
        wrong_labels=written.get("wrong_labels"),
    )
