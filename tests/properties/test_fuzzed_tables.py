"""Whatever two tables hold and however they are written: the right counts, or an error."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from fuzzed import naive, sides, write
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import flipcheck
from flipcheck.errors import FlipcheckError
from flipcheck.reporters import REPORTERS

CELLS = {"rr": ("both_right",), "rw": ("negative_flips",), "wr": ("positive_flips",)}
CELLS["ww"] = ("both_wrong_same", "both_wrong_different")

DAMAGE = (b"\0", b'"', b"\n", b",", b"\xff", b"\x1f\x8b", b"[", b"{", b"NaN", b"1e999", b"PAR1")
"""What makes readers stumble."""


def no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are no JSON."""
    raise AssertionError(f"{name} in the report")


def counted(tally: dict[str, int]) -> dict[str, int]:
    """A tally of a report, by who was right."""
    return {cell: sum(tally[name] for name in names) for cell, names in CELLS.items()}


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(both=sides(), allow_missing=st.booleans(), by=st.booleans(), gated=st.booleans())
def test_the_right_counts_or_an_error(both, allow_missing, by, gated):
    """Counts are those of a naive reading; what is refused has a reason; nothing else happens."""
    old, new = both
    expected = naive(old, new, allow_missing=allow_missing)
    with tempfile.TemporaryDirectory() as folder:
        paths = [write(each, Path(folder) / name) for each, name in ((old, "old"), (new, "new"))]
        try:
            report = flipcheck.compare(
                *paths,
                allow_missing=allow_missing,
                by="region" if by else (),
                gates="negative_flip_rate <= 50%" if gated else (),
                resamples=100,
            )
        except FlipcheckError as error:
            event("refused")
            if not expected.excuses:
                raise AssertionError("refused without a reason") from error
            return
    event("compared")
    found = json.loads(REPORTERS["json"](report), parse_constant=no_constant)
    assert counted(found["tally"]) == expected.counts, (old, new)
    if by and "regions differ" not in expected.excuses:
        slices = {part["value"]: counted(part["tally"]) for part in found["slices"]}
        slices = {"" if value is None else value: tally for value, tally in slices.items()}
        assert {value: slices[value] for value in expected.by if value} == {
            value: tally for value, tally in expected.by.items() if value
        }


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(both=sides(), data=st.data())
def test_damaged_files_are_an_error_or_a_report(both, data):
    """Bytes that are cut, changed or put in never end in anything else."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [write(each, Path(folder) / str(side)) for side, each in enumerate(both)]
        own = Path(folder)
        files = sorted(path for path in own.rglob("*") if path.is_file())
        path = data.draw(st.sampled_from(files))
        assert path.is_relative_to(own)  # nothing but what was written here is damaged
        content = path.read_bytes()
        for _ in range(data.draw(st.integers(1, 3))):
            start = data.draw(st.integers(0, len(content)))
            length = data.draw(st.sampled_from([0, 1, 1, 2, 8, 1 << 20]))
            put = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from(DAMAGE)))
            content = content[:start] + put + content[start + length :]
        path.write_bytes(content)
        try:
            report = flipcheck.compare(*paths, by="region", allow_missing=True, resamples=100)
        except FlipcheckError:
            event("refused")
            return
    event("compared")
    json.loads(REPORTERS["json"](report), parse_constant=no_constant)
