"""Annotations of a GitHub workflow: one for each gate, escaped, and as many as a step may have."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

import flipcheck
from flipcheck.reporters.actions import annotation, render

COMMAND = re.compile(r"::(\w+) title=([^:,\n\r]*)::([^\n\r]*)")
"""A command as the runner takes it apart: its properties end at the next two colons."""


def read(text):
    """The annotations as the runner understands them: kind, title and message."""
    found = [COMMAND.fullmatch(line) for line in text.splitlines()]
    assert all(found), text
    return [(each[1], back(each[2], prop=True), back(each[3])) for each in found]


def quiet(report):
    """The report without warnings, which would be annotations too."""
    return replace(report, warnings=())


def back(text, *, prop=False):
    """What the runner makes of escaped text."""
    for sign, escaped in ((":", "%3A"), (",", "%2C")) if prop else ():
        text = text.replace(escaped, sign)
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


@pytest.mark.parametrize(
    ("counts", "kind", "title"),
    [
        ({"right": 995, "broken": 5}, "notice", "PASS"),
        ({"right": 900, "broken": 100}, "error", "FAIL"),
        ({"right": 97, "broken": 3}, "warning", "INCONCLUSIVE"),
    ],
)
def test_each_verdict_has_its_kind(flipped, counts, kind, title):
    """One annotation for the gate, with what was measured."""
    gate = "negative_flip_rate <= 2%"
    report = flipcheck.compare(*flipped(**counts), gates=[gate], resamples=0)
    ((found, shown, message),) = read(render(quiet(report)))
    assert (found, shown) == (kind, f"{title} {gate}")
    assert "the limit is <= 2%" in message


def test_without_a_gate_there_is_a_warning(flipped):
    """A green step that decided nothing says so."""
    report = quiet(flipcheck.compare(*flipped(right=9), resamples=0))
    for warnings in ((), ("x",) * 30):  # which come after it
        kind, _, message = read(render(replace(report, warnings=warnings)))[0]
        assert (kind, message) == ("warning", "no gate was given, so nothing was decided")


def many(flipped, slices, broken):
    """A report with a gate over so many slices, of which all fail or all pass."""
    files = flipped(right=0 if broken else 100 * slices, broken=100 * slices if broken else 0)
    for path in files:
        lines = path.read_text("utf-8").splitlines()
        rows = [f"{line},s{at % slices:02}" for at, line in enumerate(lines[1:])]
        path.write_text("\n".join([lines[0] + ",by", *rows]) + "\n", "utf-8")
    return flipcheck.compare(*files, gates=["negative_flip_rate <= 20% by by"], resamples=0)


@pytest.mark.parametrize("slices", [9, 10, 11, 40])
@pytest.mark.parametrize(("broken", "kind"), [(True, "error"), (False, "notice")])
def test_a_step_has_at_most_ten_of_a_kind(flipped, slices, broken, kind):
    """GitHub drops what comes after; so the last one counts the rest."""
    found = read(render(quiet(many(flipped, slices, broken))))
    assert Counter(each[0] for each in found) == {kind: min(slices, 10)}
    if slices > 10:
        assert found[-1][2].startswith(f"{slices - 9} more gates ")
        assert len({title for _, title, _ in found}) == 10


def test_warnings_come_after_undecided_gates(flipped):
    """They share what a step may have, and neither is lost without being counted."""
    report = flipcheck.compare(
        *flipped(right=97, broken=3), gates=["negative_flip_rate <= 2%"], resamples=0
    )
    report = replace(report, warnings=tuple(f"note {at}\n::error::x" for at in range(20)))
    found = read(render(report))
    assert [kind for kind, _, _ in found] == ["warning"] * 10
    assert found[0][1].startswith("INCONCLUSIVE")
    assert found[-1][2].startswith("12 more")


@pytest.mark.parametrize("text", ["50%", "a\r\nb", "a:b,c", "::error::x", "%0A", "%25", "::", ","])
def test_what_is_escaped_comes_back(text):
    """Nothing in a title or a message ends either, and the runner shows what was meant."""
    ((kind, title, message),) = read(annotation("error", text, text))
    assert (kind, title, message) == ("error", text, text)


def test_an_annotation_has_an_end():
    """A name of a megabyte makes no line of one."""
    assert len(annotation("error", "x" * 10**6, "%" * 10**6)) < 10_000
