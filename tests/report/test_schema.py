"""The published schema: every kind of report fits it, and nothing else does."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from many_audits import AUDITS
from report_schema import SCHEMA, problems, validator

import flipcheck
from flipcheck.report.written import FORMAT

pytestmark = pytest.mark.xdist_group("audited")
OPEN = {"facts", "run", "options", "metrics"}
"""Mappings whose keys are not ours, or are many."""


@pytest.mark.parametrize("name", AUDITS)
def test_every_kind_of_report_fits_the_schema(report, name):
    """No key, type or unit of any report is undeclared."""
    assert problems(report(name)) == []


def test_a_report_of_values_from_python_fits_the_schema():
    """Without files there are no digests, and no command."""
    sides = [flipcheck.Predictions.from_arrays(["a", new], ["a", "a"]) for new in "ab"]
    assert problems(flipcheck.compare(*sides, resamples=10).to_dict()) == []


def test_an_older_report_fits_the_schema():
    """What was written before there was evidence is of the same format."""
    path = Path(__file__).parent / "old_reports" / "before_evidence.json"
    assert problems(json.loads(path.read_text(encoding="utf-8"))) == []


def test_every_key_is_of_some_report(report):
    """What the schema declares is written by some audit: it has no dead part."""
    written = {key for name in AUDITS for key in _keys(report(name))}
    declared = set(_declared(json.loads(SCHEMA.read_text(encoding="utf-8"))))
    assert declared - written == set()


def _keys(value):
    """Every key in a report."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _keys(each)
    elif isinstance(value, list):
        for each in value:
            yield from _keys(each)


def _declared(schema):
    """Every key that a schema declares."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for each in schema.values():
            yield from _declared(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _declared(each)


def test_our_own_objects_are_closed():
    """Every object of the schema says which keys it has, or what its values are."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    objects = [each for each in _objects(schema) if each.get("type") == "object"]
    assert len(objects) > 40
    for each in objects:
        assert "additionalProperties" in each
        if each["additionalProperties"] is False:
            assert set(each["required"]) <= set(each["properties"])


def _objects(schema):
    if isinstance(schema, dict):
        yield schema
        for each in schema.values():
            yield from _objects(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _objects(each)


def test_the_schema_names_the_format():
    """Its name is the format's, so that another format has another schema."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema["$id"] == schema["properties"]["format"]["const"] == FORMAT
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_command_prints_the_schema(command):
    """What `flipcheck schema` prints is the schema in the package."""
    done = command("schema")
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out) == json.loads(SCHEMA.read_text(encoding="utf-8"))


def places(value, path=()):
    """Every place in a report, but for those below what is open."""
    yield path
    if path and path[-1] in OPEN:
        return
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in items:
            yield from places(each, (*path, key))


def at(value, path):
    """What stands at a place."""
    for key in path:
        value = value[key]
    return value


def shortened(value):
    """The same report with two of each list of objects: every place in it once, and few twice."""
    if isinstance(value, dict):
        return {key: shortened(each) for key, each in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [shortened(each) for each in value[:2]]
    return value


WRONG = {
    "a number as text": lambda value: str(value) if isinstance(value, (int, float)) else 0.5j,
    "NaN as text": lambda value: "NaN" if isinstance(value, (int, float)) else 0.5j,
    "a list": lambda value: [value] if not isinstance(value, list) else 0.5j,
    "an object": lambda value: {"value": value},
    "a truth value": lambda value: True if not isinstance(value, bool) else 0.5j,
}
"""Wrong values in place of a right one; 0.5j where there is none."""


@given(st.data())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_wrong_value_does_not_fit(report, data):
    """Whatever is of another type, anywhere in a report, is found."""
    name = data.draw(st.sampled_from(["gates", "policy", "discovery", "early", "texts", "graded"]))
    written = shortened(report(name))
    spots = [each for each in places(written) if each]
    path = data.draw(st.sampled_from(spots))
    wrong = WRONG[data.draw(st.sampled_from(sorted(WRONG)))](at(written, path))
    free = path[-1] in OPEN and isinstance(wrong, dict)
    if wrong == 0.5j or "design" in path or free:
        return
    changed = copy.deepcopy(written)
    at(changed, path[:-1])[path[-1]] = wrong
    assert validator().is_valid(written)
    assert not validator().is_valid(changed), (path, wrong)


@given(st.data())
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_an_unknown_key_does_not_fit(report, data):
    """A key that nobody declared is found in every object of ours: this is how drift shows."""
    written = shortened(
        report(data.draw(st.sampled_from(["gates", "policy", "discovery", "models"])))
    )
    spots = [
        each
        for each in places(written)
        if isinstance(at(written, each), dict) and not set(each[-1:]) & OPEN
    ]
    path = data.draw(st.sampled_from(spots))
    changed = copy.deepcopy(written)
    at(changed, path)["approved_by"] = "me"
    assert not validator().is_valid(changed), path


OPTIONAL = {
    *("critical", "waivers", "label_noise", "contract", "repeatability", "scores", "task"),
    *("design", "evidence", "old_score", "new_score", "wrong_labels", "both_wrong", "floor"),
    *("both_right_different", "negative_flips_same", "positive_flips_same", "unchanged"),
    *("confidences", "history", "shown"),
}


@given(st.data())
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_missing_key_does_not_fit(report, data):
    """Every key that is always written is required."""
    written = shortened(
        report(data.draw(st.sampled_from(["gates", "policy", "discovery", "early"])))
    )
    spots = [
        each
        for each in places(written)
        if each
        and isinstance(each[-1], str)
        and each[-1] not in OPTIONAL
        and not set(each[:-1]) & {"repeatability"}
        and isinstance(at(written, each[:-1]), dict)
    ]
    path = data.draw(st.sampled_from(spots))
    changed = copy.deepcopy(written)
    del at(changed, path[:-1])[path[-1]]
    assert not validator().is_valid(changed), path


def test_roles_and_kinds_of_files_are_those_of_the_schema():
    """What the schema lets a file be is what the code knows."""
    from flipcheck.report.evidence import KINDS, ROLES

    told = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]["file"]["properties"]
    assert (*told["role"]["enum"],) == ROLES
    assert (*told["kind"]["enum"],) == KINDS
