"""Numbers as people read them: what a text such as "−3.98 pp" can stand for, and tables of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMBER = re.compile(r"([−+-]?)([<>]?)(\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)\s*(%|pp)?")
UNKNOWN, UNBOUNDED = "–", "∞"


@dataclass(frozen=True, slots=True)
class Shown:
    """A number that was read: all that it can stand for, from the least to the most."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether it can stand for a value, but for the last digit of a float."""
        slack = 1e-9 * abs(value)
        return self.low - slack <= value <= self.high + slack


def shown(text: str, unit: str = "") -> Shown:
    """What a number's text can stand for; a unit that it leaves out is that of its neighbour."""
    found = NUMBER.fullmatch(text.strip())
    assert found, f"no number: {text!r}"
    sign, bound, digits, own = found.groups()
    scale = 0.01 if (own or unit) else 1.0
    mantissa, _, exponent = digits.replace(",", "").partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    size, half = float(digits.replace(",", "")) * scale, 0.5 * 10.0**-decimals * scale
    low, high = {"<": (0.0, size), ">": (size, size + 2 * half)}.get(
        bound, (size - half, size + half)
    )
    return Shown(-high, -low) if sign in {"−", "-"} else Shown(low, high)


def unit_of(text: str) -> str:
    """The unit that a number's text ends in."""
    return next((unit for unit in ("%", "pp") if text.strip().endswith(unit)), "")


def check(text: str, value: float | None, unit: str = "") -> None:
    """Assert that a text shows a value, and a dash where there is none."""
    if value is None:
        assert text.strip() in {UNKNOWN, UNBOUNDED}, text
        return
    assert shown(text, unit).holds(value), f"{text!r} for {value}"


def check_span(text: str, interval: dict[str, float | None] | None, unit: str) -> None:
    """Assert that "4.51 to 4.89%" is an interval; `unit` is that of the value before it."""
    if interval is None:
        assert text.strip() == UNKNOWN
        return
    low, high = text.split(" to ")
    check(low, interval["low"], unit)
    check(high, interval["high"], unit)


def check_counts(text: str, numerator: float | None, denominator: float | None) -> None:
    """Assert that "12 / 540" are the counts; weights have so many digits as fit."""
    if numerator is None or denominator is None:
        assert text.strip() == UNKNOWN
        return
    for part, value in zip(text.split(" / "), (numerator, denominator), strict=True):
        number = float(part.replace("−", "-").replace(",", ""))
        assert abs(number - value) <= 1e-4 * abs(value), f"{part!r} for {value}"


def markdown_tables(text: str) -> list[list[list[str]]]:
    """The tables of a Markdown text, each a list of rows of cells, the heading first."""
    found: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in block.splitlines()]
        found.append(
            [
                [cell.strip().replace("\\|", "|") for cell in row]
                for row in rows
                if set("".join(row)) - {*"- "}
            ]
        )
    return found


def terminal_rows(text: str, heading: str) -> list[list[str]]:
    """The rows under a heading of the terminal's report, their cells two spaces apart."""
    found: list[list[str]] = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(heading):
            break
    for line in lines:
        if not line.startswith("  "):
            break
        found.append(re.split(r"\s{2,}", line.strip()))
    return found
