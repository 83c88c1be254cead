"""The published schema of the JSON report, as a check of what tests make."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

import flipcheck

SCHEMA = Path(flipcheck.__file__).parent / "report" / "schema.json"


@cache
def validator() -> Any:
    """The validator of the schema, which is itself checked."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(written: Any) -> list[str]:
    """Where a report is not as its schema says, and how."""
    found = validator().iter_errors(written)
    return [f"{'/'.join(map(str, each.absolute_path))}: {each.message[:300]}" for each in found]
