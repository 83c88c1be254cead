"""The long tables of the Markdown report, each of at most so many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.metrics import METRICS
from flipcheck.reporters import history, sureness, words
from flipcheck.reporters.markdown.marks import Part, capped, code, more, prose, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flipcheck.report import Example, Report, Slice

NFR = METRICS["negative_flip_rate"]


def kinds(report: Report, most: int) -> list[Part]:
    """Which answer became which."""
    found = words.kinds(report)
    rows = [(f"{each.count:,}", code(each.old), code(each.new)) for each in found]
    blocks = capped(("flips", "old answer", "new answer"), rows, most)
    return [Part(f"What broke ({len(rows):,} kinds)", blocks)] if rows else []


def discovery(report: Report, most: int) -> list[Part]:
    """Where flips concentrate, as a search of the slices found."""
    found = report.discovery
    if found is None:
        return []
    rows = [
        (
            words.conjunction(each, code),
            words.percent(each.rate),
            words.span(NFR, each.interval),
            words.percent(each.rest_rate),
            f"{each.negative_flips:,} / {each.examples:,}",
            words.p_text(each.p_adjusted),
        )
        for each in found.found
    ]
    header = ("", "NFR", "interval", "NFR elsewhere", "flips / examples", "p")
    told = f"Searched {prose(words.searched(found))}: {prose(words.outcome(found))}."
    return [Part(f"Where flips concentrate ({len(rows):,})", [*capped(header, rows, most), told])]


def slices(report: Report, most: int) -> list[Part]:
    """The slices, worst first."""
    return _slices("Slices", report.slices, report, most)


def classes(report: Report, most: int) -> list[Part]:
    """The true classes, worst first."""
    return _slices("Classes", report.classes, report, most)


def _slices(title: str, parts: Sequence[Slice], report: Report, most: int) -> list[Part]:
    shown = words.worst(parts)
    if len(parts) < 2 or not shown:
        return []
    rows = [
        (
            code(part.value if part.by == "class" else f"{part.by} = {part.value}"),
            words.number(NFR, part.metrics[NFR.name].value),
            words.span(NFR, part.metrics[NFR.name].interval),
            words.counted(NFR, part.metrics[NFR.name], part.tally.examples),
            words.p_text(part.p_adjusted),
        )
        for part in shown
    ]
    header = ("", "NFR", "interval", "flips / examples", "adjusted p")
    small = words.unjudged(parts, report)
    blocks = [*capped(header, rows, most), *([f"{small}."] if small else [])]
    return [Part(f"{title} with negative flips ({len(rows):,} of {len(parts):,})", blocks)]


def examples(report: Report, most: int) -> list[Part]:
    """The negative flips that are listed, worst first."""
    listed = report.negative_flips.examples
    if not listed:
        return []
    told = (
        ("id", "score", "change")
        if report.scores
        else ("id", "truth", *words.answer_titles(report), "new confidence")
    )
    named = words.shown_columns(report)
    rows = [
        (*_example(each, report), *(_text(each, name) for name in named)) for each in listed[:most]
    ]
    rest = more(report.negative_flips.total - len(rows), " (--flips writes all)")
    title = f"{'Worse' if report.scores else 'Broken'} answers ({report.negative_flips.total:,})"
    sure = [each for each in (sureness.telling(report),) if each]
    return [Part(title, [table((*told, *map(code, named)), rows), *rest, *sure])]


def _example(each: Example, report: Report) -> tuple[str, ...]:
    if report.scores is not None:
        return code(each.id), words.fall(each), words.change(each)
    return code(each.id), code(each.truth), code(each.old), code(each.new), words.confident(each)


def _text(each: Example, name: str) -> str:
    text = each.shown.get(name)
    return "" if text is None else code(text)


def updates(report: Report, most: int) -> list[Part]:
    """The earlier updates and this one, the latest of them where there are many."""
    if not report.history:
        return []
    rows = [(code(name), code(new), *rest) for name, new, *rest in history.rows(report)]
    older = more(len(rows) - most, " before these")
    doubts = [each for each in (history.doubt(report),) if each]
    return [Part("History", [table(history.headings(report), rows[-most:]), *older, *doubts])]


def noise(report: Report, most: int) -> list[Part]:
    """The old model again, against itself."""
    rows = [
        (
            code(each.name),
            words.percent(each.rate),
            words.span(NFR, each.interval),
            f"{each.negative_flips:,}",
        )
        for each in report.reruns
    ]
    header = ("the old model again", "NFR against itself", "interval", "negative flips")
    return [Part("Noise", capped(header, rows, most))] if rows else []


def metrics(report: Report, _most: int) -> list[Part]:
    """Every metric with its interval and counts."""
    rows = [
        (
            METRICS[name].title,
            words.number(METRICS[name], estimate.value),
            words.span(METRICS[name], estimate.interval),
            words.counted(METRICS[name], estimate, report.tally.examples),
        )
        for name, estimate in words.defined(report).items()
    ]
    level = words.share(report.settings.confidence)
    found = table(("metric", "value", f"{level} interval", words.counts_told(report)), rows)
    told = [f"{words.mcnemar(report)}.", *filter(None, [words.undefined(report)])]
    return [Part("Metrics", [found, *told])]
