"""Charts as SVG, drawn here: presentation attributes, so that they show without CSS too.

One idea per file. Every text goes through Markup's escaping format.
"""

from flipcheck.reporters.html.charts.areas import mosaic, scores
from flipcheck.reporters.html.charts.confidence import confidence, sides, steps
from flipcheck.reporters.html.charts.confusion import confusion, matrix
from flipcheck.reporters.html.charts.forest import forest, limited, undrawn
from flipcheck.reporters.html.charts.gate import gate
from flipcheck.reporters.html.charts.history import history, undrawn_updates
from flipcheck.reporters.html.charts.ink import BROKEN, KEPT, MENDED, WRONG, scale
from flipcheck.reporters.html.charts.interval import bar, interval
from flipcheck.reporters.html.charts.verdict import SIGNS, VERDICTS, sign, verdict_mark

__all__ = [
    "BROKEN",
    "KEPT",
    "MENDED",
    "SIGNS",
    "VERDICTS",
    "WRONG",
    "bar",
    "confidence",
    "confusion",
    "forest",
    "gate",
    "history",
    "interval",
    "limited",
    "matrix",
    "mosaic",
    "scale",
    "scores",
    "sides",
    "sign",
    "steps",
    "undrawn",
    "undrawn_updates",
    "verdict_mark",
]
