"""What the tests of charts share: audits with slices, and charts read as XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

import flipcheck

SVG_CLASSES = {"forest", "confusion", "confidence", "history", "gate"}


@pytest.fixture(scope="session")
def parsed():
    """Read a chart as XML, once it is one that says in words what it shows."""

    def read(markup):
        root = ET.fromstring(str(markup))  # noqa: S314  (our own)
        assert root.get("role") == "img"
        assert len(root.get("aria-label")) > 10
        assert root.get("class") in SVG_CLASSES
        assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
        for each in root.iter():
            assert "style" not in each.attrib
            assert not [name for name in each.attrib if name.startswith("on")]
        return root

    return read


@pytest.fixture(scope="session")
def classed():
    """The elements of a chart that are of a class."""

    def found(root, name):
        return [each for each in root.iter() if each.get("class") == name]

    return found


@pytest.fixture(scope="session")
def audited():
    """Audit slices of one column, each given as (value, flips, examples)."""

    def audit(*slices, **options):
        rows = [
            (value, "a", "b" if place < flips else "a")
            for value, flips, examples in slices
            for place in range(examples)
        ]
        parts, old, new = (list(column) for column in zip(*rows, strict=True))
        sides = [
            flipcheck.Predictions.from_arrays(
                answers, old, ids=list(range(len(rows))), columns={"part": parts}, name=name
            )
            for name, answers in (("old", old), ("new", new))
        ]
        return flipcheck.compare(*sides, by=["part"], resamples=0, **options)

    return audit
