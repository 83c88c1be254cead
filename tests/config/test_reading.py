"""A configuration's file: what it may say, and what is said where it is wrong."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from flipcheck.asked import Options
from flipcheck.cli.compare import READ, compare
from flipcheck.cli.configured import known
from flipcheck.config import Inline, config_for
from flipcheck.config.keys import Reader
from flipcheck.config.values import EMPTY, PAIRS
from flipcheck.errors import InputError

BY_NAME = {option.name: option for option in known()}


def read(text: str | bytes, name: str = "flipcheck.toml"):
    """The configuration of a file with this content, in the current folder."""
    data = text.encode() if isinstance(text, str) else text
    Path(name).write_bytes(data)
    return config_for(name, known())


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# --- what can be set -----------------------------------------------------------------------

SAMPLES = {"flag": "true", "integer": "3", "number": "0.5"}
SPECIAL = {
    "gate": ('["negative_flip_rate <= 1%"]', ["negative_flip_rate <= 1%"]),
    "max_nfr": ('"1%"', ["1%"]),
    "max_error_increase": ('["0.2%"]', ["0.2%"]),
    "preprocess": ('"scale=1/255"', "scale=1/255"),
}
SPECIAL |= {f"{side}_preprocess": SPECIAL["preprocess"] for side in ("old", "new")}


def sample(option):
    """A value that an option takes, as TOML and as the command gets it."""
    if option.name in SPECIAL:
        return SPECIAL[option.name]
    if option.kind == "choice":
        return f'"{option.choices[-1]}"', option.choices[-1]
    if option.kind == "list":
        return '["a=b", "c=d"]', ["a=b", "c=d"]
    if option.kind == "text":
        return '"x,y"', "x,y"
    toml = SAMPLES[option.kind]
    return toml, {"flag": True, "integer": 3, "number": 0.5}[option.kind]


@pytest.mark.parametrize("option", known(), ids=lambda option: option.name)
def test_every_option_can_be_set_at_the_top_and_in_each_of_its_sections(option):
    """Whatever `compare` takes a file can say, with hyphens or underscores."""
    toml, value = sample(option)
    for section in ("", *option.sections):
        for key in {*option.keys, option.key.replace("-", "_")}:
            heading = f"[{section}]\n" if section else ""
            found = read(f"{heading}{key} = {toml}\n")
            assert found.values == {option.name: value}
            assert found.settings[option.name].origin == f"flipcheck.toml:{2 if section else 1}"


def test_the_options_are_those_of_compare_and_no_others():
    """Nothing is declared a second time, and nothing that decides an answer is left out."""
    import inspect

    parameters = set(inspect.signature(compare).parameters) - {"config", "no_config"}
    assert set(BY_NAME) == parameters
    renamed = {"gates": "gate", "id": "id_column", "format": "file_format"}
    asked = {renamed.get(name, name) for name in Options.__annotations__} - {"progress"}
    assert asked <= set(BY_NAME)


def test_no_key_belongs_to_two_options_or_is_a_section():
    """A key says one thing."""
    keys = [key for option in known() for key in option.keys]
    sections = {section for option in known() for section in option.sections}
    assert len(keys) == len(set(keys))
    assert not sections & set(keys)


@pytest.mark.parametrize(
    ("toml", "name", "value"),
    [
        # a list of one, without brackets
        ('by = "region"', "by", ["region"]),
        ('gate = "negative_flip_rate <= 1%"', "gate", ["negative_flip_rate <= 1%"]),
        # gates as tables: a limit is from above unless it says otherwise
        (
            '[[gates]]\nmetric = "negative_flip_rate"\nlimit = "1%"\nby = "region"',
            "gate",
            ["negative_flip_rate <= 1% by region"],
        ),
        (
            'gates = [{metric = "new_error_rate", limit = ">= 1%", where = {region = "EU = all"}}]',
            "gate",
            ["new_error_rate >= 1% where region=EU = all"],
        ),
        (
            'gates = [{metric = "negative_flip_rate", limit = 0.01, where = "region=EU"}]',
            "gate",
            ["negative_flip_rate <= 0.01 where region=EU"],
        ),
        # numbers where the command line has texts of numbers
        ("label-noise = 0.02", "label_noise", "0.02"),
        ("max-nfr = 0.01", "max_nfr", ["0.01"]),
        ("score-range = [0, 1]", "score_range", "0,1"),
        ("confidence = 0.9", "confidence", 0.9),
        ("tolerance = 1", "tolerance", 1.0),
        # lists where the command line has commas
        ('features = ["a", "b"]', "features", "a,b"),
        ('classes = ["cat", "dog, big"]', "classes", '["cat", "dog, big"]'),
        ('normalise = ["strip", "case"]', "normalise", "strip,case"),
        # tables where it has pairs
        ("[models.input]\ntraining = false\nk = 3", "input", ["training=false", "k=3"]),
        ('label-map = {cat = "kitten"}', "label_map", '{"cat": "kitten"}'),
        # what is done to images
        (
            '[preprocess]\nscale = "1/255"\nmean = [0.5, 0.25]\nstd = 0.5\nresize = [8, 9]',
            "preprocess",
            "scale=1/255,mean=0.5,0.25,std=0.5,resize=8x9",
        ),
        ("[models.old-preprocess]\ncrop = 224", "old_preprocess", "crop=224"),
        # what must never break, and what was accepted
        ('critical = ["a", "b"]', "critical", ["a", "b"]),
        (
            '[[waivers]]\nid = "a"\nreason = "r"\nowner = "o"\nexpires = 2026-12-31',
            "waivers",
            [{"id": "a", "reason": "r", "owner": "o", "expires": "2026-12-31"}],
        ),
        # an empty text that says something
        ('abstain = ["", "no"]', "abstain", ["", "no"]),
        # flags
        ("discover = false", "discover", False),
    ],
)
def test_what_a_user_would_write_is_understood(toml, name, value):
    """Each becomes what the same words would be on the command line."""
    assert read(toml).values == {name: value}


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('gats = "x"', "line 1: gats: no such option; did you mean 'gates'?"),
        (
            '[columns]\nlabell = "y"',
            "line 2: columns.labell: no such option; did you mean 'label'?",
        ),
        ('[column]\nid = "x"', "line 1: column: no such option; did you mean 'columns'?"),
        ("zzzzzzzz = 1", "line 1: zzzzzzzz: no such option"),
        ('config = "x.toml"', "line 1: config: no such option"),
        ("columns = 3", "line 1: columns: a section, as [columns], and no value of its own"),
        (
            '[tool.flipcheck]\nold = "a"',
            "tool: the keys of flipcheck.toml stand at its top, without [tool.flipcheck]",
        ),
        # the usual slip of TOML: what comes after a heading belongs to it
        (
            '[columns]\nid = "x"\ngates = ["negative_flip_rate <= 1%"]',
            "line 3: columns.gates: does not belong here, but above the first [section]",
        ),
        (
            '[columns]\nby = "region"',
            "line 2: columns.by: does not belong here, but [slices]",
        ),
        (
            "min-slice = 3\nmin_slice = 3",
            "line 2: min_slice: set twice: it is 'min-slice' at flipcheck.toml:1 already",
        ),
        (
            "seed = 1\n[statistics]\nseed = 2",
            "line 3: statistics.seed: set twice: it is 'seed' at flipcheck.toml:1 already",
        ),
        ('gate = "negative_flip_rate <= 1%"\ngates = ["error_rate_change <= 1%"]', "set twice"),
        # types
        ('seed = "7"', "line 1: seed: a text, where a whole number is wanted"),
        ("seed = 7.0", "line 1: seed: a number, where a whole number is wanted"),
        ("seed = true", "line 1: seed: true or false, where a whole number is wanted"),
        ("seed = -1", "line 1: seed: -1 is less than 0"),
        ("quantiles = 1001", "line 1: quantiles: 1001 is more than 1000"),
        ("confidence = nan", "line 1: confidence: no finite number"),
        (f"seed = 1{'0' * 400}", "line 1: seed: no finite number"),
        ('confidence = "0.9"', "line 1: confidence: a text, where a number is wanted, as 0.95"),
        ('discover = "yes"', "discover: a text, where true or false is wanted, without quotes"),
        ("discover = 1", "discover: a whole number, where true or false is wanted, without quotes"),
        ('decide = "pont"', "line 1: decide: 'pont' is not one of 'bound', 'point'"),
        ("old = 3", "line 1: old: a whole number, where a text is wanted; write it in quotes"),
        ('html = ["a.html"]', "line 1: html: a list, where a text is wanted"),
        ("html = 2026-12-31", "line 1: html: a day, where a text is wanted"),
        ("html = 07:00:00", "line 1: html: a time, where a text is wanted"),
        ('html = ""', "line 1: html: an empty text; leave the line out"),
        ("by = [1]", "line 1: by: a whole number, where a text is wanted; write it in quotes"),
        ("by = []", "line 1: by: an empty list; leave the line out"),
        ('features = ["a,b"]', "a text with a comma in it, which stands between two of features"),
        # gates
        ("gates = []", "line 1: gates: an empty list gates nothing; leave the line out"),
        ('gates = ["nfr <= 1%"]', "no metric 'nfr'; its name is 'negative_flip_rate'"),
        ('gates = ["negative_flip_rate <= 1"]', "so the limit 1 can never be broken; did you mean"),
        ('max-nfr = "much"', "line 1: max-nfr: cannot read the"),
        (
            '[gates]\nnegative_flip_rate = "1%"',
            'a table; write gates = ["negative_flip_rate <= 1%"], or [[gates]] tables',
        ),
        (
            '[[gates]]\nmetric = "new_error_rate"',
            'a gate has a metric and a limit, as limit = "<= 1%"',
        ),
        (
            '[[gates]]\nmetrik = "new_error_rate"\nlimit = "1%"',
            "a gate has no 'metrik'; did you mean 'metric'?",
        ),
        (
            '[[gates]]\nmetric = "negative_flip_rate"\nlimit = "1% by a"\nby = "b"',
            "would be read otherwise; write it as a text",
        ),
        (
            '[[gates]]\nmetric = "negative_flip_rate"\nlimit = "1%"\nwhere = "EU"',
            "'where' of a gate is written as \"COLUMN=VALUE\"",
        ),
        # inline examples
        ("critical = [1]", "critical: a list of something else than ids, each a text"),
        ('[[waivers]]\nid = "a"\nreason = "r"\nowner = "o"', "waiver 1 has no expires"),
        ('[[waivers]]\nid = "a"\nexpire = 1', "waiver 1 has no 'expire'; did you mean 'expires'?"),
        (
            '[[waivers]]\nid = "a"\nreason = "r"\nowner = "o"\nexpires = 2026-12-31T00:00:00',
            "waiver 1: 'expires' is a day with a time; write a day, as 2026-12-31",
        ),
        # preprocessing
        ("[preprocess]\nscal = 2", "no preprocessing step 'scal'; did you mean 'scale'?"),
        ('[preprocess]\nscale = "2,mean=3"', "the step 'scale' has an equals sign in it"),
        ("[preprocess]\nstd = 0", "preprocessing with a scale or standard deviation of 0"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_key(toml, problem):
    """The message names the file; each problem its line, its key, and what to do."""
    with pytest.raises(InputError) as caught:
        read(toml)
    assert caught.value.message.startswith("flipcheck.toml: 1 problem")
    assert problem in caught.value.problems[0]
    assert "--no-config" in caught.value.hint


def test_all_problems_are_said_at_once():
    """A file is put right in one go."""
    with pytest.raises(InputError) as caught:
        read('gats = 1\nseed = "x"\n[columns]\nidd = "x"\n[slices]\nseed = 2\n')
    assert caught.value.message == "flipcheck.toml: 4 problems"
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        *("line 1", "line 2", "line 4", "line 6")
    ]


ODD = (
    *("7", "-7", "0.5", "inf", "-nan", "true", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z"),
    *('""', '" "', '"x"', '"="', '"\\u0000"', '"*"', '"[a"', '"{"', '"-"', '"a=b,c"', "[]", "{}"),
    *("[1]", "[[]]", "[{}]", "[true]", '["", ""]', '["a", 1]', "{a = 1}", '{"" = ""}', "{a = {}}"),
    *("[{metric = 1}]", '[{metric = "churn", limit = []}]', "[{id = []}]", "{scale = {}}"),
    *('{scale = "x"}', "{mean = []}", "{mean = [[1]]}", "{resize = [1, 2, 3]}", "{crop = 1e999}"),
)


@pytest.mark.parametrize("toml", ODD)
def test_any_value_of_any_option_is_taken_or_refused(toml):
    """Nothing that TOML can hold makes an error of ours; what is taken is what can be typed."""
    table = tomllib.loads("".join(f"{option.key} = {toml}\n" for option in known()))
    reader = Reader(Path("folder/x.toml"), {}, {option.key: option for option in known()})
    reader.read(table)
    refused = {problem.split(":")[0] for problem in reader.problems}
    kinds = {
        "flag": bool,
        "integer": int,
        "number": float,
        "choice": str,
        "text": str,
        "list": list,
    }
    for name, each in reader.settings.items():
        if each.key not in refused:
            assert type(each.value) in {kinds[BY_NAME[name].kind], Inline}
    assert set(reader.settings) == set(BY_NAME)


# --- files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"old = ", "not TOML"),
        (b"old = old.csv", "not TOML"),
        (b'old = "caf\xe9.csv"', "not UTF-8"),
        (b"\xff\xfeo\x00", "not UTF-8"),
        (b"\x00\x01\x02", "not TOML"),
        (b"x = " + b"[" * 100_000, "nested too deep"),
        (b"x = " + b"{a=" * 100_000, "nested too deep"),
        (b"x = 1" + b"0" * 10_000, "not TOML"),
        (b"#" * (1 << 20) + b"#", "more than 1,048,576 bytes"),
        (b"old = 1\nold = 2", "not TOML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(data, problem):
    """The error names the file and says why, and is none of Python's own."""
    with pytest.raises(InputError, match=problem) as caught:
        read(data)
    assert caught.value.message.startswith("flipcheck.toml: ")


@pytest.mark.parametrize(
    "data", [b'\xef\xbb\xbfseed = 3\r\nby = "x"\r\n', b'seed = 3\nby = "x"', b'by="x"\nseed=3\n']
)
def test_a_byte_order_mark_and_line_ends_of_windows_are_fine(data):
    """Editors write them."""
    found = read(data)
    assert found.values == {"seed": 3, "by": ["x"]}
    assert found.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("part", ["a", '"a"', "''", " a "])
def test_a_key_of_parts_without_end_is_refused_before_it_is_read(part):
    """The library's reader would take gigabytes for it."""
    with pytest.raises(InputError, match="nested too deep"):
        read(".".join([part] * 100_000) + " = 1")


def test_lines_with_many_dots_are_not_taken_for_such_keys():
    """Ids that are file names, and numbers."""
    ids = [f"a.b.c.{number}.png" for number in range(2_000)]
    assert read(f"critical = {ids}\n").values["critical"] == ids


def test_thousands_of_problems_are_counted_and_not_printed():
    """Fifty are shown."""
    with pytest.raises(InputError) as caught:
        read("".join(f"key{number} = 1\n" for number in range(5_000)))
    assert caught.value.message == "flipcheck.toml: 5,000 problems"
    assert len(caught.value.problems) == 51
    assert caught.value.problems[-1] == "and 4,950 more"


def test_a_key_of_control_characters_cannot_act():
    """What is printed of a hostile file is printable, and short."""
    with pytest.raises(InputError) as caught:
        read(f'"\\u001b[2J{"x" * 5_000}" = 1')
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_folder_a_pipe_and_a_dangling_link_are_refused():
    """None of them waits for ever, and none is passed over."""
    makers = {
        "folder": lambda path: path.mkdir(),
        "regular": os.mkfifo,
        "no such file": lambda path: path.symlink_to("nowhere"),
    }
    for message, make in makers.items():
        path = Path("flipcheck.toml")
        make(path)
        with pytest.raises(InputError, match=message):
            config_for(None, known())
        path.rmdir() if path.is_dir() else path.unlink()


# --- where it is looked for ----------------------------------------------------------------


def test_flipcheck_toml_goes_before_pyproject_and_says_so():
    """Of two files in one folder one is read, and the other is named."""
    Path("pyproject.toml").write_text("[tool.flipcheck]\nseed = 1\n")
    assert config_for(None, known()).values == {"seed": 1}
    Path("flipcheck.toml").write_text("seed = 2\n")
    found = config_for(None, known())
    assert found.values == {"seed": 2}
    assert found.passed_over == "[tool.flipcheck] in pyproject.toml"


def test_a_project_without_our_table_is_no_configuration():
    """Nor one that only names the package; one that cannot be read and may have it is an error."""
    Path("pyproject.toml").write_text('[project]\ndependencies = ["flipcheck-audit"]\n')
    assert config_for(None, known()) is None
    Path("pyproject.toml").write_text("[tool.flipcheck\nseed = 1\n")
    with pytest.raises(InputError, match="not TOML"):
        config_for(None, known())
    Path("pyproject.toml").write_text("this is [ not TOML, and none of ours\n")
    assert config_for(None, known()) is None


def test_lines_of_a_project_file_are_told():
    """The origin of a value is where an editor finds it."""
    Path("pyproject.toml").write_text(
        '[project]\nname = "x"\nid = 1\n[tool.flipcheck]\nseed = 1\n[tool.flipcheck.columns]\n'
        'id = "key"\n'
    )
    origins = {name: each.origin for name, each in config_for(None, known()).settings.items()}
    assert origins == {"seed": "pyproject.toml:5", "id_column": "pyproject.toml:7"}


def test_entries_of_a_list_are_not_taken_for_keys():
    """An id or a column may be called as an option is."""
    found = read('critical = [\n  "seed.png",\n]\nseed = 3\n[slices]\nby = [\n"x=1"\n]\n')
    origins = {name: each.origin for name, each in found.settings.items()}
    assert origins == {
        name: f"flipcheck.toml:{line}" for name, line in {"critical": 1, "seed": 4, "by": 6}.items()
    }


def test_folders_above_are_searched_as_far_as_the_repository_goes(monkeypatch):
    """Beyond a repository, and without one, files are other people's."""
    Path("flipcheck.toml").write_text("seed = 1\n")
    inner = Path("repository/folder")
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert config_for(None, known()) is None  # no repository at all
    Path("../.git").mkdir()
    assert config_for(None, known()) is None  # the repository begins below the file
    Path("../flipcheck.toml").write_text("seed = 2\n")
    assert config_for(None, known()).path == os.path.join("..", "flipcheck.toml")  # noqa: PTH118
    Path("pyproject.toml").write_text("[tool.flipcheck]\nseed = 3\n")
    assert config_for(None, known()).values == {"seed": 3}  # the nearest folder


def test_paths_begin_at_the_folder_of_the_file():
    """Every option that is a path, and those that may be one."""
    paths = [option for option in known() if option.is_path]
    assert {option.name for option in paths} >= {
        *(READ - {"classes", "old_classes", "new_classes"}),
        *("rerun", "json", "html", "markdown", "flips", "cache"),
    } - {"preprocess", "old_preprocess", "new_preprocess"}
    folder = Path("conf")
    folder.mkdir()
    lines = [f'{option.key} = "a/{option.name}"' for option in paths]
    (folder / "x.toml").write_text("\n".join(lines) + "\n")
    found = config_for("conf/x.toml", known()).values
    for option in paths:
        taken = found[option.name]
        assert taken in (f"conf/a/{option.name}", [f"conf/a/{option.name}"])
    (folder / "names").write_text("a\nb\n")
    (folder / "x.toml").write_text(
        'classes = "names"\nold-classes = "cat,dog"\npreprocess = "p.json"\n'
        'old-preprocess = "scale=2"\nlabel-map = "m.csv"\njson = "-"\nold = "/abs/o.csv"\n'
    )
    assert config_for("conf/x.toml", known()).values == {
        "classes": "conf/names",
        "old_classes": "cat,dog",
        "preprocess": "conf/p.json",
        "old_preprocess": "scale=2",
        "label_map": "conf/m.csv",
        "json": "-",
        "old": "/abs/o.csv",
    }


def test_help_reads_no_configuration():
    """`--help` answers though the file is broken, and does not load a reader of TOML."""
    Path("flipcheck.toml").write_text("broken\n")
    code = (
        "import sys\nfrom flipcheck.__main__ import main\n"
        "for line in (['--help'], ['compare', '--help']):\n"
        "    try: main(line)\n    except SystemExit as ended: assert not ended.code\n"
        "assert not {'tomllib', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_tables_of_special_options_name_options():
    """A renamed option does not lose its way of being written."""
    from flipcheck.cli.configured import JUDGED, OPPOSITE, PLANNED, RUN_BY_SIDE, SOURCES
    from flipcheck.config import places, values, written_out

    named = {
        *(*written_out.SPECIAL, *values.JOINED, *EMPTY, *JUDGED, *PLANNED, *OPPOSITE, *SOURCES),
        *(*RUN_BY_SIDE, *places.LISTS_OR_FILES, *places.MAPS_OR_FILES),
    }
    assert named <= set(BY_NAME)
    metavars = {option.metavar for option in known()}
    assert metavars >= values.NUMERIC | PAIRS
