"""Class lists and label maps."""

from __future__ import annotations

import json

import pytest

from flipcheck.errors import FlipcheckError, InputError
from flipcheck.sources.names import (
    class_list,
    classes_beside,
    given_classes,
    label_map,
    metadata_classes,
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("cat\ndog\n", ("cat", "dog")),  # one name a line
        ("cat\r\ndog\r\n\r\n", ("cat", "dog")),  # Windows, and a blank end
        ("\ufeffcat\ndog", ("cat", "dog")),  # a byte order mark
        ("hot dog\ncat, tabby\n", ("hot dog", "cat, tabby")),  # spaces and commas in names
        ("é\u2028e\n日本\n", ("é\u2028e", "日本")),  # only a line feed ends a line
        ('["cat", "dog"]', ("cat", "dog")),  # a JSON list
        ("[3, 5, 9]", ("3", "5", "9")),  # of numbers
        ('{"1": "dog", "0": "cat"}', ("cat", "dog")),  # indices, in any order
    ],
)
def test_class_files(written, content, expected):
    """A class list is a file of lines, a JSON list or a JSON object of indices."""
    assert class_list(str(written("classes.txt", content))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat,dog", ("cat", "dog")),
        (" cat , hot dog ", ("cat", "hot dog")),  # spaces around names go, within they stay
        ("n/a,yes", ("n/a", "yes")),  # a slash makes no path
        ('["a,b", "c"]', ("a,b", "c")),  # JSON, for names with commas
        ('{"0": "a", "1": "b"}', ("a", "b")),
        (",".join(f"class{n}" for n in range(999)), tuple(f"class{n}" for n in range(999))),  # long
    ],
)
def test_class_lists_inline(text, expected):
    """Names may be written on the command line."""
    assert class_list(text) == expected


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("cat\n\ndog\n", "no name in row '2'"),  # a gap would move all classes after it
        ("cat\ncat\n", "occur twice: 'cat'"),
        ("cat\n", "two names or more"),
        ("", "two names or more"),
        ('["cat"', "not JSON"),
        ('["cat", {"a": 1}]', "not a list of names"),
        ('["cat", true]', "not a list of names"),
        ('{"0": "cat", "2": "dog"}', "gaps"),
        ('{"0": "cat", "00": "dog"}', "gaps"),  # one index twice
        ('{"cat": 0, "dog": 1}', "are indices"),  # the other way round
        (b"caf\xe9\ncat\n", "not UTF-8"),
        ("[" * 100_000, "not JSON"),  # nested to exhaust the stack
    ],
)
def test_bad_class_files(written, content, told):
    """What is wrong with a class list is said, with the file."""
    path = written("classes.txt", content)
    with pytest.raises(FlipcheckError, match=told) as error:
        class_list(str(path))
    assert str(path) in error.value.message
    assert error.value.hint


def test_class_lists_of_python():
    """A list is checked as a file is, and its numbers are names."""
    assert given_classes([3, 5]) == ("3", "5")
    with pytest.raises(FlipcheckError, match="occur twice"):
        given_classes(["cat", "cat"])


@pytest.mark.parametrize("text", ["nothing.txt", "folder/nothing", "nothing.json", "/no/list"])
def test_class_files_that_are_not_there(text):
    """What looks like a path is not taken for a name."""
    with pytest.raises(InputError, match="no such file"):
        class_list(text)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"classes": '["a", "b"]'}, ("a", "b")),  # JSON
        ({"names": "{0: 'a', 1: 'b'}"}, ("a", "b")),  # as Ultralytics writes it
        ({"names": "('a', 'b')"}, ("a", "b")),  # a tuple
        ({"id2label": '{"0": "a", "1": "b"}'}, ("a", "b")),  # as Hugging Face writes it
        ({"labels": "a, b"}, ("a", "b")),  # commas
        ({"labels": "c, d", "classes": "a, b"}, ("a", "b")),  # the preferred key
        ({"author": "a, b"}, None),  # another key
        ({"names": "", "labels": "a,b"}, ("a", "b")),  # an empty one
        ({"names": "pets"}, None),  # one word is no list
        ({"names": "{[]: 1}"}, None),  # no Python value
        ({"names": "[" * 5000}, None),  # nested to exhaust the parser
        ({"names": "__import__('os').getpid()"}, None),  # code is never run
    ],
)
def test_metadata(metadata, expected):
    """Class names in a model's metadata are found in every form that exporters use."""
    assert metadata_classes(metadata, "model") == expected


@pytest.mark.parametrize(
    "text", ['{"a": 1}', "{0: 'a', 2: 'b'}", "{0.5: 'a', 1.5: 'b'}", '["a", "a"]']
)
def test_metadata_that_is_no_class_list(text):
    """A class list in the metadata that cannot be used is an error, not passed over."""
    with pytest.raises(FlipcheckError, match="metadata 'names'"):
        metadata_classes({"names": text}, "model")


def test_files_beside_a_model(written, tmp_path):
    """A configuration with names comes before a list, and one without is passed over."""
    model = tmp_path / "model.onnx"
    assert classes_beside(model) is None
    written("classes.txt", "a\nb\n")
    assert classes_beside(model) == (("a", "b"), "classes.txt")
    written("config.json", "{}")
    assert classes_beside(model) == (("a", "b"), "classes.txt")
    written("config.json", json.dumps({"id2label": {"1": "d", "0": "c", "10": "m"} | {
        str(number): f"c{number}" for number in range(2, 10)}}))  # fmt: skip
    names, origin = classes_beside(model)
    assert (names[:3], names[10], origin) == (("c", "d", "c2"), "m", "config.json")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("m.json", '{"cat": "pet", "dog": "pet"}', {"cat": "pet", "dog": "pet"}),
        ("m.json", '{"a": 1}', {"a": "1"}),  # numbers are names too
        ("m.csv", "cat,pet\ndog,pet\n", {"cat": "pet", "dog": "pet"}),
        ("m.csv", 'cat,"pet, small"\n\n', {"cat": "pet, small"}),  # quotes, a blank line
        ("m.csv", "\ufeffcat,pet\n", {"cat": "pet"}),  # a byte order mark
        ("m.csv", "cat,pet\ncat,pet\n", {"cat": "pet"}),  # twice the same
    ],
)
def test_label_maps(written, name, content, expected):
    """A label map is a JSON object or a CSV file of two columns."""
    assert label_map(str(written(name, content))) == expected


def test_label_maps_inline():
    """A JSON object may be written on the command line, however long."""
    table = {f"class{number}": "x" for number in range(500)}
    assert label_map(json.dumps(table)) == table


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("cat,pet\ndog\n", "row '2'"),
        ("cat,pet,animal\n", "row '1'"),
        ("cat,\n", "row '1'"),  # to nothing
        ("", "empty"),
        ("{}", "empty"),
        ('{"a": "b"', "not a label map"),
        ('{"a": {"b": "c"}}', "row '1'"),
        ('{"a": null}', "row '1'"),
        ('{"a": true}', "row '1'"),
        ('{"a": "b", "a": "c"}', "'a' is mapped to two names"),  # a JSON object with a key twice
        ("a,b\na,c\n", "'a' is mapped to two names"),
    ],
)
def test_bad_label_maps(written, content, told):
    """What is wrong with a label map is said, with the row."""
    with pytest.raises(InputError, match=told):
        label_map(str(written("map", content)))


def test_label_map_that_is_not_there():
    """A path that is no file is an error."""
    with pytest.raises(InputError, match="no such label map"):
        label_map("nothing.csv")
