"""Files of other tasks than one class an example."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lines(tmp_path):
    """Write rows as JSONL, and return the path."""

    def write(name: str, *rows: dict[str, Any]) -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write
