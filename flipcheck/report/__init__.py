"""The report of an audit: a frozen value, and its JSON form (format 1, DESIGN.md §5).

Reporters are functions from this value to text; nothing is computed after it is made, so no two
reports of one run can disagree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flipcheck.errors import FlipcheckError, InputError, meant
from flipcheck.policy import PARTS
from flipcheck.report.checks import check_consistent, check_words
from flipcheck.report.confidences import Confidences, check_confidences
from flipcheck.report.parts import (
    CostMatrix,
    Data,
    EarlyStop,
    Estimate,
    Example,
    Flips,
    Model,
    NoiseRun,
    Once,
    Scores,
    Settings,
    Slice,
    Transition,
)
from flipcheck.report.past import Past, check_history
from flipcheck.report.reading import members
from flipcheck.report.written import FORMAT, kept, report_dict, sealed, significant
from flipcheck.typed import check_fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flipcheck.contract import Difference, Repeatability
    from flipcheck.gates import Judgement, Verdict
    from flipcheck.outcomes import Tally
    from flipcheck.policy import Critical, LabelNoise, Waivers
    from flipcheck.report.evidence import Evidence
    from flipcheck.report.frames import Part
    from flipcheck.stats.design import Design
    from flipcheck.stats.discovery import Discovery
    from flipcheck.stats.tests import Significance
    from flipcheck.tasks.told import Judged

__all__ = [
    "Confidences",
    "CostMatrix",
    "Data",
    "EarlyStop",
    "Estimate",
    "Example",
    "Flips",
    "Model",
    "NoiseRun",
    "Once",
    "Past",
    "Report",
    "Scores",
    "Settings",
    "Slice",
    "Transition",
    "sealed",
    "significant",
]

DAMAGE = (FlipcheckError, KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What reading a damaged report may raise."""


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """The whole of an audit. `flip_table` makes `flips`, and is not kept in JSON.

    `contract` is what differs between two models, None where both sides are not models;
    `repeatability` is how each model that was run repeats itself. `confidences` is how sure both
    are of their answers, None where that is not known; `history` are the earlier updates that were
    given, in their order.
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
    evidence: Evidence | None = None
    confidences: Confidences | None = None
    history: tuple[Past, ...] = ()
    flip_table: Once | None = field(default=None, compare=False, repr=False)

    @property
    def flips(self) -> Any:
        """Every flipped example as a pyarrow table; None for a report that was read from JSON."""
        return None if self.flip_table is None else self.flip_table.value()

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values, keys in the order of the format."""
        return report_dict(self)

    @property
    def parts(self) -> dict[str, Any]:
        """What only --critical, --waivers and --label-noise make, where they were given."""
        named = {name: getattr(self, name) for name in PARTS}
        return {name: part for name, part in named.items() if part is not None}

    def rounded(self) -> Report:
        """The same report with the digits that its JSON keeps, so that both give the same text."""
        check_consistent(self)
        check_confidences(self.confidences, self.tally)
        report: Report = kept(self)
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
            json.dumps(written, ensure_ascii=False).encode()  # no half of a character in any text
            report = cls(**members(written))
            check_fields(report)
            check_words(report)
            check_consistent(report)
            check_confidences(report.confidences, report.tally)
            check_history(report.history, graded=report.scores is not None)
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
            raise InputError(f"{path}: no such file", hint=meant(path))
        try:
            text = Path(path).read_text(encoding="utf-8")
            written = json.loads(text, parse_constant=_refused)
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path}: not a JSON report: {error}") from error
        try:
            return cls.from_dict(written)
        except InputError as error:
            raise InputError(f"{path}: {error.message}", hint=error.hint) from error

    def save(self, path: str | Path) -> None:
        """Write the report in the format of the path's suffix (.html, .json, .md, .txt, .xml)."""
        from flipcheck.reporters import save

        save(self, path)

    def __str__(self) -> str:
        """The report as the terminal shows it."""
        from flipcheck.reporters import REPORTERS

        return REPORTERS["terminal"](self)

    def __repr__(self) -> str:
        from flipcheck.reporters.words import TITLES, percent

        found = self.metrics.get("negative_flip_rate")
        rate = percent(None if found is None else found.value)
        sides = f"{self.old.name!r} → {self.new.name!r}"
        return (
            f"<Report {TITLES[self.verdict]}: {sides}, {self.data.examples:,} examples, {rate} NFR>"
        )

    def with_shown(self, texts: Mapping[str, Mapping[str, str]], flip_table: Once | None) -> Report:
        """The same report with texts (by column, by id) for the listed flips, and another table."""
        flips = self.negative_flips
        examples = (replace(each, shown=dict(texts.get(each.id, {}))) for each in flips.examples)
        listed = replace(flips, examples=tuple(examples))
        return replace(self, negative_flips=listed, flip_table=flip_table)

    def _repr_html_(self) -> str:
        """The report as a notebook shows it."""
        from flipcheck.reporters.notebook import render

        return render(self)

    def to_frame(self, what: Part = "metrics") -> Any:
        """A part of the report as a pandas DataFrame, its columns and types always the same.

        The metrics have a row each, indexed by name; slices and classes a row for each of them,
        with the metrics that slices have; gates a row for each judgement; flips a row for each
        flipped example (for a report that was read from JSON only the negative flips that it
        lists: `attrs["complete"]` says which). Texts are "string", rates "float64", counts of
        examples "Int64". Ids are texts too: `X.loc[flips["id"].astype(X.index.dtype)]` are the
        rows of a DataFrame whose index they are. Raises UsageError for another part.

        >>> import flipcheck
        >>> report = flipcheck.compare(["a", "b"], ["a", "a"], ["a", "b"])
        >>> report.to_frame().loc["negative_flip_rate", "value"].item()
        0.5
        """
        from flipcheck.report.frames import frame

        return frame(self, what)

    def with_images(self, images: Mapping[str, str]) -> Report:
        """The same report with thumbnails (data URIs by id) for the listed flips."""
        flips = self.negative_flips
        examples = (replace(each, image=images.get(each.id)) for each in flips.examples)
        return replace(self, negative_flips=replace(flips, examples=tuple(examples)))


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no number in JSON")
