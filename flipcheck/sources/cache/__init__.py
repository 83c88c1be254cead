"""Answers of models that are kept from run to run, so that the same model is not run twice.

An entry is a file that proves itself by a digest over all of it; nothing in it is ever run. What
is damaged, or belongs to another user, is passed over and made again.
"""

from __future__ import annotations

from flipcheck.sources.cache.entry import Entry
from flipcheck.sources.cache.folder import Cache, Held
from flipcheck.sources.cache.place import cache_folder, open_cache

__all__ = ["Cache", "Entry", "Held", "cache_folder", "open_cache"]
