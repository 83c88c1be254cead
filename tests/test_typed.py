"""Fields of dataclasses that came as JSON hold what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pytest

from flipcheck.typed import check_fields

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Inner:
    """A dataclass in another."""

    share: float | None = None


@dataclass
class Outer:
    """Fields of every kind that is known, and one of another."""

    count: int = 1
    sure: bool = True
    name: str | None = None
    names: tuple[str, ...] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)
    parts: tuple[Inner, ...] = ()
    by_name: Mapping[str, Inner] = field(default_factory=dict)
    kind: Literal["a", "b"] = "a"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"name": "x", "names": ("a", "b"), "facts": {"a": [1]}},
        {"inner": Inner(1), "parts": (Inner(0.5),), "by_name": {"x": Inner()}},
        {"kind": 3},
    ],
    ids=["defaults", "values", "whole numbers where fractions may be", "an unknown annotation"],
)
def test_what_fits(given):
    """Nothing is raised."""
    check_fields(Outer(**given))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"count": True}, "count is True, not int"),
        ({"count": 1.5}, "count"),
        ({"count": None}, "count"),
        ({"sure": 1}, "sure"),
        ({"name": ["x"]}, "name"),
        ({"names": "x"}, "names"),
        ({"names": ("x", 1)}, "names"),
        ({"facts": []}, "facts"),
        ({"inner": Inner("x")}, "share is 'x', not float"),
        ({"parts": (Inner(), Inner({}))}, "share"),
        ({"by_name": {"x": Inner([])}}, "share"),
    ],
)
def test_what_does_not_fit_is_named(given, told):
    """At any depth."""
    with pytest.raises(ValueError, match=told):
        check_fields(Outer(**given))
