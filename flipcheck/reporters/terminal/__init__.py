"""The report for the person who ran it: 80 columns, the verdict first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from flipcheck.gates import Verdict
from flipcheck.reporters import words
from flipcheck.reporters.layout import WIDTH, heading, printed, sentence
from flipcheck.reporters.steps import next_step
from flipcheck.reporters.terminal import answers, gates, numbers, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flipcheck.report import Report

STYLES = {
    Verdict.PASS: "bold white on green4",
    Verdict.FAIL: "bold white on red3",
    Verdict.INCONCLUSIVE: "bold black on yellow3",
    None: "bold reverse",
}


def render(
    report: Report,
    *,
    color: bool = False,
    width: int = WIDTH,
    written: Mapping[str, str] | None = None,
) -> str:
    """The report as text of at most `width` columns, with ANSI colours or plain.

    `written` are the files that the same run wrote, by their kind (html, flips, markdown, json):
    the next step names one of them.
    """
    lines = [line for part in PARTS for line in part(report)]
    step = next_step(report, written)
    lines += [Text(""), Text.assemble(("Next  ", "bold"), step), *_ending(report)]
    return printed(lines, color=color, width=width)


def _verdict(report: Report) -> list[Any]:
    title = Text(f" {words.TITLES[report.verdict]} ", STYLES[report.verdict])
    return [
        Text.assemble(title, "  ", (words.decision(report), "bold")),
        Text(words.summary(report)),
        *([Text(words.stopping(report))] if report.early_stop else []),
    ]


def _warnings(report: Report) -> list[Any]:
    notes = [sentence(f"! {words.clean(note)}", "yellow") for note in report.warnings]
    return [*heading("Warnings"), *notes] if notes else []


def _ending(report: Report) -> list[Any]:
    """The verdict once more, where a terminal that has scrolled shows it."""
    title = Text(f" {words.TITLES[report.verdict]} ", STYLES[report.verdict])
    return [Text(""), Text.assemble(title, "  ", words.decision(report))]


PARTS = (
    *(_verdict, told.sources, told.contract_first, gates.gates, gates.critical, gates.waivers),
    *(answers.flows, answers.kinds, answers.noise, numbers.discovery, numbers.slices),
    *(
        answers.examples,
        gates.label_noise,
        numbers.metrics,
        numbers.updates,
        told.contract_last,
        _warnings,
    ),
)
