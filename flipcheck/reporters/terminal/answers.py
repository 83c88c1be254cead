"""What became of the answers: how many flipped, of which kinds, and the worst of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from flipcheck.errors import plural
from flipcheck.metrics import METRICS
from flipcheck.reporters import sureness, words
from flipcheck.reporters.layout import (
    EXAMPLES_SHOWN,
    aligned,
    cut,
    grid,
    heading,
    indented,
    kind,
    sentence,
    short,
)

if TYPE_CHECKING:
    from flipcheck.report import Example, Report

KINDS_SHOWN, TEXTS_SHOWN = 5, 3


def flows(report: Report) -> list[Any]:
    """How many answers flipped which way, right and wrong by the other."""
    if report.scores is not None:
        return _graded(report)
    tally = report.tally
    table = grid({}, {"justify": "right"}, {"justify": "right"}, {"style": "dim", "ratio": 1})
    table.add_row("", Text("new right", "dim"), Text("new wrong", "dim"), "")
    flips = Text(f"{tally.negative_flips:,}", "bold red" if tally.negative_flips else "")
    table.add_row("old right", f"{tally.both_right:,}", flips, "← negative flips: broken")
    mended = Text(f"{tally.positive_flips:,}", "green" if tally.positive_flips else "")
    both = ""
    if tally.split and tally.both_wrong:
        both = f"same answer {tally.both_wrong_same:,}, another {tally.both_wrong_different:,}"
    table.add_row("old wrong", mended, f"{tally.both_wrong:,}", both)
    return [*heading("Answers"), indented(table)]


def _graded(report: Report) -> list[Any]:
    tally = report.tally
    table = grid({}, {"justify": "right"}, {"style": "dim", "ratio": 1})
    fell = Text(f"{tally.negative_flips:,}", "bold red" if tally.negative_flips else "")
    table.add_row("worse", fell, "← negative flips: the score falls")
    table.add_row("unchanged", f"{tally.scores_unchanged:,}", "")
    rose = Text(f"{tally.positive_flips:,}", "green" if tally.positive_flips else "")
    table.add_row("better", rose, "")
    return [*heading("Scores", words.graded(report)), indented(table)]


def kinds(report: Report) -> list[Any]:
    """Which answer became which."""
    kinds = words.kinds(report)
    if not kinds:
        return []
    shown = kinds[: KINDS_SHOWN if len(kinds) > KINDS_SHOWN + 1 else len(kinds)]
    table = grid({"justify": "right"}, {})
    for each in shown:
        table.add_row(f"{each.count:,}", kind(each.old, each.new, 30))
    rest = report.negative_flips.total - sum(each.count for each in shown)
    if rest:
        table.add_row(f"{rest:,}", Text("of other kinds", "dim"))
    return [*heading("What broke", "old answer → new answer"), indented(table)]


def noise(report: Report) -> list[Any]:
    """The old model again, against itself."""
    if not report.reruns:
        return []
    table = grid({"overflow": "ellipsis"}, {"justify": "right"}, {}, {"style": "dim"})
    metric = METRICS["negative_flip_rate"]
    for each in report.reruns:
        flips = plural(each.negative_flips, "negative flip")
        table.add_row(
            short(each.name, 30),
            words.percent(each.rate),
            words.span(metric, each.interval),
            flips,
        )
    return [*heading("Noise", "the old model again, against itself"), indented(table)]


def examples(report: Report) -> list[Any]:
    """The worst of the negative flips, each with what it is where that is known."""
    flips = report.negative_flips
    shown = flips.examples[:EXAMPLES_SHOWN]
    if not shown:
        return []
    rows = [_row(each, report) for each in shown]
    named = words.shown_columns(report)
    lines: list[Any] = []
    for each, row in zip(shown, aligned(rows), strict=True):
        lines += [row, *_texts(each, named)]
    if more := flips.total - len(shown):
        lines.append(sentence(f"and {more:,} more (--html, --flips)", "dim"))
    by = "most confident first" if shown[0].new_confidence is not None else "first by id"
    if words.is_ranked(report):
        by = f"truth: first answers; {by}"
    title = "Broken answers"
    if report.scores is not None:
        title, by = "Worse answers", "largest fall first"
    told = sureness.telling(report)
    return [*heading(title, by), *lines, *([sentence(told, "dim")] if told else [])]


def _row(example: Example, report: Report) -> tuple[str, str, str]:
    """What a flip is called, what it changed, and how sure or how large that is."""
    name = short(example.id, 32)
    if report.scores is not None:
        return name, words.fall(example), words.change(example)
    sure = "" if example.new_confidence is None else f"sure {words.confident(example)}"
    return name, _flip(example, report) if words.has_answers(report) else "", sure


def _texts(example: Example, named: list[str]) -> list[Any]:
    """The first line of each text that says what an example is."""
    lines = []
    for name in named[:TEXTS_SHOWN]:
        if name in example.shown:
            first = words.first_line(example.shown[name])
            text = f"{cut(words.clean(name), 20)}: {first}"
            line = Text(text, "dim", no_wrap=True, overflow="ellipsis")
            lines.append(sentence(line, indent=4))
    return lines


def _flip(example: Example, report: Report) -> str:
    """What a flip changed; of ranked answers the truth, which is no longer among the best."""
    flip = kind(example.old, example.new, 14)
    return f"{short(words.answer(example.truth), 14)}: {flip}" if words.is_ranked(report) else flip
