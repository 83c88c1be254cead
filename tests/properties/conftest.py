"""Hypothesis for the properties: the same examples every time, no clock, nothing written."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("flipcheck", deadline=None, derandomize=True, database=None)
settings.load_profile("flipcheck")
