"""The marks that charts are drawn with. Every text goes through Markup's escaping format."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from markupsafe import Markup

from flipcheck.reporters.html.charts.ink import FAINT

if TYPE_CHECKING:
    from collections.abc import Iterable

Point = tuple[float, float]


def picture(kind: str, width: float, height: float, label: str, parts: Iterable[Markup]) -> Markup:
    """A whole chart, of a class for the page's style, with what it shows in words."""
    return Markup(
        '<svg class="{kind}" width="{w:g}" height="{h:g}" viewBox="0 0 {w:g} {h:g}" role="img" '
        'aria-label="{label}">{parts}</svg>'
    ).format(kind=kind, w=width, h=height, label=label, parts=Markup("").join(parts))


def group(kind: str, title: str, parts: Iterable[Markup]) -> Markup:
    """Marks that belong together, and what they show for a pointer that rests on them."""
    return Markup('<g class="{}"><title>{}</title>{}</g>').format(
        kind, title, Markup("").join(parts)
    )


def line(
    start: Point,
    end: Point,
    color: str = FAINT,
    width: float = 1,
    *,
    dashes: str = "none",
    kind: str = "",
) -> Markup:
    """A straight line."""
    return Markup(
        '<line{} x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="{}"{}/>'
    ).format(
        _kind(kind),
        *map(near, (*start, *end)),
        color,
        width,
        Markup(' stroke-dasharray="{}"').format(dashes) if dashes != "none" else "",
    )


def path(way: str, color: str, kind: str = "", *, filled: bool = True, width: float = 2) -> Markup:
    """A shape, filled or as an outline."""
    ink = 'fill="{}"' if filled else f'fill="none" stroke="{{}}" stroke-width="{width:g}"'
    return Markup(f'<path{{}} d="{{}}" {ink}/>').format(_kind(kind), way, color)  # noqa: S704


def box(corner: Point, size: Point, color: str, kind: str = "", opacity: float = 1) -> Markup:
    """A filled rectangle."""
    return Markup('<rect{} x="{}" y="{}" width="{}" height="{}" fill="{}"{}/>').format(
        _kind(kind),
        *map(near, (*corner, *size)),
        color,
        Markup(' fill-opacity="{}"').format(near(opacity)) if opacity != 1 else "",
    )


def text(
    at: Point,
    words: str,
    anchor: str = "start",
    size: float = 13,
    *,
    soft: bool = False,
    bold: bool = False,
) -> Markup:
    """A text in the ink of the page, soft where it only explains."""
    return Markup(
        '<text x="{}" y="{}" font-size="{}" text-anchor="{}" fill="currentColor"{}{}>{}</text>'
    ).format(
        near(at[0]),
        near(at[1]),
        size,
        anchor,
        Markup(' fill-opacity="0.75"') if soft else "",
        Markup(' font-weight="700"') if bold else "",
        words,
    )


def disc(at: Point, color: str, radius: float = 4.5, kind: str = "") -> Markup:
    """A filled circle."""
    return Markup('<circle{} cx="{}" cy="{}" r="{}" fill="{}"/>').format(
        _kind(kind), *map(near, at), radius, color
    )


def ring(at: Point, color: str, radius: float = 4, kind: str = "") -> Markup:
    """An empty circle."""
    return Markup(
        '<circle{} cx="{}" cy="{}" r="{}" fill="none" stroke="{}" stroke-width="1.5"/>'
    ).format(_kind(kind), *map(near, at), radius, color)


def diamond(at: Point, color: str, radius: float = 6.5, kind: str = "") -> Markup:
    """A filled square that stands on a corner."""
    x, y = map(near, at)
    corners = (
        f"M{x - radius:g} {y:g}L{x:g} {y - radius:g}L{x + radius:g} {y:g}L{x:g} {y + radius:g}Z"
    )
    return path(corners, color, kind)


def cross(at: Point, color: str, radius: float = 5, kind: str = "") -> Markup:
    """Two lines that cross."""
    x, y = map(near, at)
    low, high, left, right = y - radius, y + radius, x - radius, x + radius
    way = f"M{left:g} {low:g}L{right:g} {high:g}M{left:g} {high:g}L{right:g} {low:g}"
    return path(way, color, kind, filled=False, width=3)


def arrow(tip: Point, color: str, kind: str = "") -> Markup:
    """The head of an arrow to the right: what it ends goes on."""
    x, y = map(near, tip)
    return path(f"M{x - 7:g} {y - 4.5:g}L{x:g} {y:g}L{x - 7:g} {y + 4.5:g}Z", color, kind)


def near(place: float) -> float:
    """A coordinate with as many digits as show."""
    return round(place, 2)


def cut(words: str, most: int) -> str:
    """A text that takes no more room than so many letters; a wide sign is as two."""
    taken = 0
    for place, sign in enumerate(words):
        taken += room(sign)
        if taken > most:
            return words[: place - 1] + "…"
    return words


def room(words: str) -> int:
    """The room that a text takes, in letters."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in words)


def _kind(name: str) -> Markup | str:
    return Markup(' class="{}"').format(name) if name else ""
