"""`flipcheck schema`: what the JSON report holds, as a JSON Schema."""

from __future__ import annotations

from flipcheck.cli.outputs import put


def schema() -> None:
    """Print the JSON Schema (draft 2020-12) of the JSON report of `compare`.

    Every key is there with its type and unit; keys that it does not know are
    refused.

    Example:

        flipcheck schema
    """
    from importlib.resources import files

    put((files("flipcheck.report") / "schema.json").read_text(encoding="utf-8"), encoding="utf-8")
