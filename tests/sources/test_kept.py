"""What decides that two runs are the same, and what is kept of how outputs were read."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from cached_runs import SIZE, arrays

import flipcheck
from flipcheck.sources.cache import Cache
from flipcheck.sources.onnx import kept, run
from flipcheck.sources.onnx.feeds import Feeder
from flipcheck.sources.onnx.kept import key_of, plain_fields, thawed

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Inner:
    """A value among the fields."""

    count: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Outer:
    """Fields of every kind."""

    inner: Inner | None
    pairs: tuple[tuple[str, int], ...]
    function: Callable[[], None] = print
    text: str = "x"


@pytest.mark.parametrize("inner", [None, Inner(3, ("a", "b"))])
def test_fields_come_back_as_they_were(inner):
    """Functions are left out, tuples are tuples, and dataclasses are those that are known."""
    given = Outer(inner, (("a", 1), ("b", 2)))
    written = json.loads(json.dumps(plain_fields(given, ("text",))))
    found = Outer(**{name: thawed(value, {"Inner": Inner}) for name, value in written.items()})
    assert found == given


@pytest.mark.parametrize(
    "value",
    [{kept.CLASS: "Outer"}, {kept.CLASS: "Inner", "count": 1}, {kept.CLASS: ["Inner"]}],
)
def test_only_known_classes_are_made(value):
    """A class that an entry names, but the run does not, is an error, as is a field too few."""
    with pytest.raises((LookupError, TypeError, ValueError)):
        thawed(value, {"Inner": Inner})


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": (1, 2)}, {"a": [1, 2]}, True),
        ({"a": {3, 1}}, {"a": frozenset((1, 3))}, True),
        ({"a": Inner(1, ("x",))}, {"a": Inner(2, ("x",))}, False),
        ({"a": Path("x")}, {"a": Path("y")}, False),
        ({"a": np.array([1, 2])}, {"a": np.array([1, 2])}, True),
        ({"a": np.array([1, 2])}, {"a": np.array([1, 3])}, False),
        ({"a": np.array([1, 2])}, {"a": np.array([1.0, 2.0])}, False),
        ({"a": np.arange(4)}, {"a": np.arange(4).reshape(2, 2)}, False),
        ({"a": np.array(["x"], object)}, {"a": np.array(["y"], object)}, False),
        ({"a": 0.1}, {"a": 0.1 + 1e-18}, True),
        ({"a": 0.1}, {"a": np.nextafter(0.1, 1).item()}, False),
        ({"a": None}, {}, False),
    ],
)
def test_a_key_is_of_its_parts(one, two, same):
    """Equal parts are one key, and others another."""
    assert (key_of(one) == key_of(two)) is same


def test_a_part_without_a_form_has_no_key():
    """Rather no cache than one that takes two runs for the same."""
    with pytest.raises(TypeError):
        key_of({"a": object()})


@pytest.fixture
def noted(monkeypatch):
    """Every feeder counts the rows that it was given."""
    counts: list[int] = []
    original = run.feeder

    def counting(model, dataset, spec):
        found = original(model, dataset, spec)
        given = {name: getattr(found, name) for name in Feeder.__dataclass_fields__}

        def feeds(parts):
            counts.append(len(parts["x"]))
            return found.feeds(parts)

        return Feeder(**{**given, "feeds": feeds, "notes": lambda: (f"{sum(counts)} rows",)})

    monkeypatch.setattr(run, "feeder", counting)
    monkeypatch.setattr("flipcheck.sources.onnx.feeds.arrays.TABLE_ROWS", 32)
    return counts


def test_what_was_seen_of_all_examples_is_kept_with_them(tmp_path, noted, monkeypatch):
    """A hit says what the run said; a run that was cut short has nothing to say, and is lost."""
    monkeypatch.setattr(kept, "BLOCK", 1)
    monkeypatch.setattr(kept, "OFTEN", -1.0)
    (model, _, data), _ = arrays(tmp_path)
    said = []
    predictions = run._predictions
    monkeypatch.setattr(
        run, "_predictions", lambda *each: said.append(each[0].feeder.notes()) or predictions(*each)
    )

    def stop(done, _total):
        if done >= 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flipcheck.predict(model, data, cache=tmp_path / "kept", progress=stop)
    assert not [each for each in Cache(tmp_path / "kept").held() if each.total]
    noted.clear()
    for _ in range(2):
        flipcheck.predict(model, data, cache=tmp_path / "kept")
    assert sum(noted) == SIZE + 32  # once, and the first batch to see how it is read
    assert said == [(f"{SIZE + 32} rows",)] * 2


def test_an_entry_whose_reading_cannot_be_made_is_made_again(tmp_path):
    """Fields of another version of flipcheck are a miss, not an error."""
    (model, _, data), _ = arrays(tmp_path)
    plain = flipcheck.predict(model, data, cache=tmp_path / "kept")
    cache = Cache(tmp_path / "kept")
    key = next(each.key for each in cache.held() if each.total)
    entry = cache.read(key)
    for meta in (
        {**entry.meta, "reading": {**entry.meta["reading"], "strange": 1}},
        {**entry.meta, "runner": {}},
        {"reading": entry.meta["reading"]},
        {**entry.meta, "runner": {"batch": {kept.CLASS: "os.system"}}},
        {**entry.meta, "reading": [1]},
        {**entry.meta, "reading": {**entry.meta["reading"], "names": 3}},
        {**entry.meta, "reading": {**entry.meta["reading"], "classes": [None]}},
        {**entry.meta, "reading": {**entry.meta["reading"], "told": None}},
        {**entry.meta, "reading": {**entry.meta["reading"], "threshold": "x"}},
        {**entry.meta, "runner": {**entry.meta["runner"], "repeat": True}},
        {**entry.meta, "runner": {**entry.meta["runner"], "batch": True}},
        {},
    ):
        cache.write(replace(entry, meta=meta))
        found = flipcheck.predict(model, data, cache=tmp_path / "kept")
        assert found.answers.texts() == plain.answers.texts()
        assert cache.read(key).meta == entry.meta
