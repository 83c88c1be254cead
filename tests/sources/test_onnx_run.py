"""Models run over test sets: feeding, batches, workers and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from onnx_models import ML, brightness, echo, linear, port, save
from PIL import Image

import flipcheck
from flipcheck.errors import FlipcheckError, InputError, ModelError, UsageError
from flipcheck.sources.datasets import open_dataset
from flipcheck.sources.onnx.model import open_model
from flipcheck.sources.onnx.run import run
from flipcheck.sources.spec import Columns, SideSpec

PIXELS = [0, 50, 120, 126, 130, 200, 255]
EXPECTED = ["dark"] * 4 + ["light"] * 3


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ([None, 3, 5, 7], np.float32),  # channels first
        ([None, 5, 7, 3], np.float32),  # channels last
        ([None, 1, 5, 7], np.float32),  # one channel
        ([None, 5, 7, 1], np.float32),
        ([None, 5, 7], np.float32),  # no axis of channels
        ([None, 4, 5, 7], np.float32),  # four channels, of which the last is 255 here
        ([None, 3, 9, 8], np.float32),  # another size: resized
        ([None, 3, None, None], np.float32),  # any size
        ([1, 3, 5, 7], np.float32),  # one at a time
        ([8, 3, 5, 7], np.float32),  # eight at a time, with a remainder
        ([None, 3, 5, 7], np.float16),
        ([None, 3, 5, 7], np.float64),
        ([None, 3, 5, 7], np.uint8),  # pixels as they are
        ([None, 3, 5, 7], np.int32),
    ],
)
def test_images_feed_every_kind_of_input(tmp_path, images, answered, shape, dtype):
    """Size, layout, channels and type follow the model's input."""
    model = brightness(tmp_path / "m.onnx", shape, dtype)
    expected = EXPECTED
    if shape[1] == 4:
        expected = ["dark"] * 2 + ["light"] * 5  # the fourth channel is white
    assert answered(model, images(x=PIXELS)).answers.texts() == expected


def test_what_was_applied_is_told(tmp_path, images, answered):
    """The report can say how an image became an input."""
    model = brightness(tmp_path / "m.onnx", [None, 1, 5, 7])
    assert answered(model, images(x=[1])).facts["preprocess"] == {
        "scale": 1 / 255,
        "layout": "NCHW",
        "resize": (5, 7),
        "channels": "L",
        "resample": "bilinear",
        "crop_rounding": "even",
        "origin": "default",
    }


def test_configuration_beside_the_model(tmp_path, images, answered):
    """A Hugging Face configuration beside the model is followed."""
    config = {"do_resize": False, "image_mean": [0.9] * 3, "image_std": [1.0] * 3}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
    model = brightness(tmp_path / "m.onnx", [None, 3, 5, 7])
    assert answered(model, images(x=[200, 255])).answers.texts() == ["dark", "dark"]


@pytest.mark.parametrize(
    ("shape", "preprocess", "told"),
    [
        ([None, 12], None, "cannot tell where the channels"),  # flat
        ([None, 3, 4, 3], None, "layout=NCHW or layout=NHWC"),  # either
        ([None, 5, 5, 5], None, "layout=NCHW or layout=NHWC"),  # neither
        ([3, 8, 8], None, "cannot tell where the channels"),  # one image without a batch, perhaps
        ([None, 3, 5, 7], "layout=NHW", "layout NHW does not fit"),
        ([None, 3, 5, 7], "layout=NHWC", "channels=RGB does not fit"),
        ([None, 3, 5, 7], "channels=L", "channels=L does not fit"),
        ([None, 3, 5, 7], "resize=5x6", "makes 5x6 images"),
        ([None, 3, 5, 7], "crop=4", "makes 4x4 images"),
        ([None, 3, 5, 7], "mean=1,2", "2 values of mean for 3 channels"),
        ([None, 1, 5, 7], "std=1,2,3", "3 values of std for 1 channels"),
        ([None, 3, 5, 7], "resize=9", "cannot run on this data"),  # the runtime's own words
    ],
)
def test_preprocessing_that_does_not_fit(tmp_path, images, answered, shape, preprocess, told):
    """What the input cannot take is an error before the first example, with the input's shape."""
    model = brightness(tmp_path / "m.onnx", shape)
    with pytest.raises(ModelError) as error:
        answered(model, images(x=[1, 2]), preprocess=preprocess)
    assert told in str(error.value)
    assert "image tensor(float)" in str(error.value)


def test_fractions_for_whole_numbers(tmp_path, images, answered):
    """A scale that would make every pixel zero is refused."""
    model = brightness(tmp_path / "m.onnx", [None, 3, 5, 7], np.uint8)
    with pytest.raises(UsageError, match="takes no fractions"):
        answered(model, images(x=[1]), preprocess="scale=1/255")


def test_images_of_different_sizes(tmp_path, images, answered):
    """A model of any size cannot take two sizes in a batch; the error says how to choose one."""
    folder = images(x=[1])
    Image.new("RGB", (9, 9)).save(folder / "x" / "large.png")
    with pytest.raises(ModelError, match="different sizes") as error:
        answered(brightness(tmp_path / "m.onnx", [None, 3, None, None]), folder)
    assert "resize=" in error.value.hint


@pytest.mark.parametrize("preprocess", [None, "crop=5"])
def test_all_images_that_cannot_be_used_are_counted(tmp_path, images, answered, preprocess):
    """Unreadable images, and those too small for a crop, are named together, from all batches."""
    folder = images(size=(6, 6), x=[1] * 100)
    for number in (0, 40, 99):
        if preprocess:
            Image.new("RGB", (4, 9)).save(folder / "x" / f"{number}.png")
        else:
            (folder / "x" / f"{number}.png").write_bytes(b"broken")
    model = brightness(tmp_path / "m.onnx", [None, 3, None, None])
    with pytest.raises(InputError, match="3 images that cannot be used") as error:
        answered(model, folder, preprocess=preprocess)
    assert [problem.split(": ")[0].rsplit("/")[-1] for problem in error.value.problems] == [
        "0.png",
        "40.png",
        "99.png",
    ]


def test_two_models_in_one_pass(tmp_path, images):
    """Two models with different preprocessing share one decoding of the images."""
    folder = images(x=PIXELS)
    plain = SideSpec(columns=Columns())
    shifted = SideSpec(columns=Columns(), preprocess="scale=1/255,mean=0.4")
    models = [
        (open_model(brightness(tmp_path / "a.onnx", [None, 3, 5, 7]), plain), plain),
        (open_model(brightness(tmp_path / "b.onnx", [2, 5, 5, 1]), shifted), shifted),
    ]
    done: list[tuple[int, int]] = []
    old, new = run(models, open_dataset(folder, Columns()), progress=lambda *a: done.append(a))
    assert old.answers.texts() == EXPECTED
    assert new.answers.texts() == ["dark"] * 6 + ["light"]
    assert done[-1] == (7, 7)


@pytest.mark.parametrize("batch", [None, 1, 8, 1000])
@pytest.mark.parametrize("count", [1, 7, 8, 9, 1024, 2048, 2051])
def test_every_example_is_answered_once(tmp_path, archive, answered, batch, count):
    """Whatever the batch, every example has one answer, in its order."""
    places = np.random.default_rng(count).integers(0, 3, count)
    model = linear(tmp_path / "m.onnx", np.eye(3) * 9, batch=batch)
    found = answered(model, archive(x=np.eye(3, dtype=np.float32)[places]))
    assert found.answers.texts() == places.astype(str).tolist()


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 4096])
def test_tables_of_every_length(tmp_path, written, answered, count):
    """A table whose length is a multiple of the batch has no empty batch at its end."""
    rows = "".join(f"{row % 2},{1 - row % 2}\n" for row in range(count))
    found = answered(linear(tmp_path / "m.onnx", np.eye(2) * 9), written("t.csv", f"a,b\n{rows}"))
    assert found.answers.texts() == [str(1 - row % 2) for row in range(count)]


def test_order_does_not_depend_on_the_workers(tmp_path, archive, answered):
    """One worker and many give the same answers in the same order."""
    x = np.random.default_rng(0).normal(size=(20_000, 5)).astype(np.float32)
    model, data = linear(tmp_path / "m.onnx", np.eye(5)), archive(x=x)
    one, many = (answered(model, data, workers=workers) for workers in (1, 7))
    assert one.answers.texts() == many.answers.texts()
    assert np.array_equal(one.confidence, many.confidence)


def test_models_that_depend_on_their_batch_run_alone(tmp_path, archive, answered):
    """A dynamically quantised model is run one example at a time, and that is told."""
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    ports = [port("x", np.float32, [None, 2])], [port("y", np.float32, [None, 2])]
    model = save(tmp_path / "m.onnx", nodes, *ports)
    x = np.float32([[0.1, 0.2], [200, 100]] * 4)
    found = answered(model, archive(x=x))  # together, the first of each pair would be a tie
    assert found.answers.texts() == ["1", "0"] * 4
    assert found.facts["batch"] == 1
    assert "one example at a time" in found.warnings[0]


def test_random_models_are_warned_of(tmp_path, archive, answered):
    """A model that draws random numbers is told."""
    nodes = [
        helper.make_node("RandomUniformLike", ["x"], ["r"], high=1e-6),
        helper.make_node("Add", ["x", "r"], ["y"]),
    ]
    ports = [port("x", np.float32, [None, 2])], [port("y", np.float32, [None, 2])]
    found = answered(save(tmp_path / "m.onnx", nodes, *ports), archive(x=np.float32([[1, 5]])))
    assert "random numbers" in found.warnings[0]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": np.zeros((3, 4), np.float32)}, "shape [3, 4] does not fit the input x"),
        ({"x": np.zeros(3, np.float32)}, "shape [3] does not fit"),
        ({"x": np.array([["a", "b"]])}, "type <U1 does not fit"),
        ({"a": np.zeros((3, 2), np.float32), "b": np.zeros((3, 2), np.float32)},
         "no array for the input 'x'"),  # two that fit
        ({"y": np.zeros(3)}, "arrays there: none"),
        ({"x": np.zeros((3, 2), np.float32), "y": np.zeros(4)}, "different length"),
        ({"x": np.zeros((0, 2), np.float32)}, "test set is empty"),
        ({"x": np.float32([[1, np.nan]])}, "NaN or infinite scores"),  # a gap in the features
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit(tmp_path, archive, answered, arrays, told):
    """Shapes, types and names that do not fit are errors that show the input."""
    model = linear(tmp_path / "m.onnx", [[1, 2], [3, 4]])
    with pytest.raises(FlipcheckError) as error:
        answered(model, archive(**arrays))
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("arrays", "fed"),
    [
        ({"x": np.eye(2)}, "x"),  # 64 bits, by name
        ({"features": np.eye(2, dtype=np.float32)}, "features"),  # the only one
        ({"features": np.eye(2), "other": np.zeros((2, 9))}, "features"),  # the only one that fits
        ({"x": np.eye(2, dtype=np.int64)}, "x"),  # whole numbers
        ({"x": np.eye(2, dtype=bool)}, "x"),
        ({"x": np.eye(2, dtype=">f4")}, "x"),  # another machine's byte order
        ({"x": np.asfortranarray(np.eye(2))}, "x"),  # stored by column
    ],
)
def test_arrays_that_fit(tmp_path, archive, answered, arrays, fed):
    """An array feeds an input by its name, or by being the only one that can."""
    model = linear(tmp_path / "m.onnx", np.eye(2) * 9)
    found = answered(model, archive(**arrays, label=["a", "b"], ids=["p", "q"]))
    assert fed in arrays
    assert found.answers.texts() == ["0", "1"]
    assert (found.ids.to_pylist(), found.truth.texts()) == (["p", "q"], ["a", "b"])


@pytest.mark.parametrize(
    ("dtype", "values", "told"),
    [
        (np.uint8, np.array([[1, 300]]), "numbers from 1 to 300"),  # would become 44
        (np.uint8, np.array([[-1, 3]]), "numbers from -1 to 3"),  # would become 255
        (np.int64, np.array([[1.5, 2.0]]), "save it as int64"),  # would lose the half
        (np.int64, np.array([[2**63, 1]], np.uint64), "do not fit the input"),
    ],
)
def test_numbers_that_would_change_are_refused(tmp_path, archive, answered, dtype, values, told):
    """No feature is wrapped around or cut to fit a type."""
    node = helper.make_node("Cast", ["x"], ["y"], to=1)
    ports = [port("x", dtype, [None, 2])], [port("y", np.float32, [None, 2])]
    with pytest.raises(ModelError) as error:
        answered(save(tmp_path / "m.onnx", [node], *ports), archive(x=values))
    assert told in str(error.value)


def test_several_inputs_by_name(tmp_path, archive, answered):
    """Each input takes the array of its name; others are left alone."""
    node = helper.make_node("Add", ["a", "b"], ["y"])
    ports = [port("a", np.float32, [None, 2]), port("b", np.float32, [None, 2])]
    model = save(tmp_path / "m.onnx", [node], ports, [port("y", np.float32, [None, 2])])
    zero = np.zeros((1, 2), np.float32)
    data = archive(b=np.float32([[1, 5]]), a=zero, c=zero)
    assert answered(model, data).answers.texts() == ["1"]


def test_text_arrays(tmp_path, archive, answered):
    """A text input takes text."""
    model = echo(tmp_path / "m.onnx", {"label": np.array(["a", "b"])})
    assert answered(model, archive(label_in=np.array(["x", "y"]))).answers.texts() == ["x", "y"]


def test_arrays_are_scaled_only_where_that_is_asked_for(tmp_path, archive, answered):
    """Arrays go in as they are, with a warning for what looks like pixels."""
    model = brightness(tmp_path / "m.onnx", [None, 3, 4, 4])
    data = archive(image=np.full((2, 3, 4, 4), 100, np.uint8))
    found = answered(model, data)
    assert found.answers.texts() == ["light", "light"]
    assert "scale=1/255" in found.warnings[0]
    found = answered(model, data, preprocess="scale=1/255")
    assert (found.answers.texts(), found.warnings) == (["dark", "dark"], ())


@pytest.mark.parametrize(
    ("shape", "preprocess", "expected"),
    [
        ([None, 3, 4, 4], "mean=0,0,2.9", "light"),  # 2.9 / 3 less than 2
        ([None, 3, 4, 4], "mean=2,2,2", "dark"),
        ([None, 4, 4, 3], "mean=2,2,2,layout=NHWC", "dark"),
    ],
)
def test_mean_by_channel(tmp_path, archive, answered, shape, preprocess, expected):
    """A mean for each channel is taken from where the layout says that the channels are."""
    model = brightness(tmp_path / "m.onnx", shape)
    data = archive(image=np.full((1, *shape[1:]), 2, np.float32))
    assert answered(model, data, preprocess=preprocess).answers.texts() == [expected]


@pytest.mark.parametrize(
    ("shape", "preprocess", "told"),
    [
        ([None, 4], "mean=1,2,3", "3 values of mean or std for the input"),
        ([None, 4, 4, 3], "mean=1,2,3", "layout=NHWC"),  # the channels are last
        ([None, 3, 4, 4], "resize=5", "arrays go in as they are"),
        ([None, 3, 4, 4], "channels=L", "arrays go in as they are"),
    ],
)
def test_preprocessing_that_arrays_cannot_take(
    tmp_path, archive, answered, shape, preprocess, told
):
    """What makes no sense for arrays is an error."""
    model = brightness(tmp_path / "m.onnx", shape)
    data = archive(image=np.zeros((1, *shape[1:]), np.float32))
    with pytest.raises(FlipcheckError) as error:
        answered(model, data, preprocess=preprocess)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("content", "spec", "expected"),
    [
        ("a,b,label\n1,0,x\n0,1,x\n", {}, ["0", "1"]),  # by order
        ("id,b,y,a\n7,1,x,0\n8,0,x,1\n", {}, ["0", "1"]),  # ids and labels are no features
        ("a,b,label\n1,0,x\n0,1,x\n", {"features": ("b", "a")}, ["1", "0"]),  # in the order given
        ("a,c,b,label\n1,5,0,x\n0,5,1,x\n", {"features": ("a", "b")}, ["0", "1"]),
        ("a,b,region,label\n1,0,EU,x\n0,1,US,x\n", {"by": ("region",)}, ["0", "1"]),  # a slice
        ("a,b,label\n1,0,x\n0,1,x\n", {"by": ("a",)}, ["0", "1"]),  # a slice by a feature
        ("a,b,label\n1e3,-2.5,x\n.5,+7,x\n", {}, ["0", "1"]),  # all ways to write a number
    ],
)
def test_features_of_a_table(tmp_path, written, answered, content, spec, expected):
    """The columns that are no label and no id are the features, in the order of the file."""
    model = linear(tmp_path / "m.onnx", np.eye(2) * 9)
    assert answered(model, written("t.csv", content), **spec).answers.texts() == expected


def test_columns_by_the_names_of_inputs(tmp_path, parquet_file, answered):
    """A model with an input for each column takes them by name, text as text."""
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["colour"],
            ["one"],
            domain=ML,
            keys_strings=["red", "blue"],
            values_floats=[1.0, 0.0],
        ),
        helper.make_node("Sub", ["one", "size"], ["rest"]),
        helper.make_node("Concat", ["rest", "one"], ["y"], axis=1),
    ]
    ports = [port("size", np.float32, [None, 1]), port("colour", np.str_, [None, 1])]
    outputs = [port("y", np.float32, [None, 2])]
    model = save(tmp_path / "m.onnx", nodes, ports, outputs)
    data = parquet_file(colour=["red", "blue"], size=[1.0, -7.0], junk=[1, 2], label=["x", "y"])
    assert answered(model, data).answers.texts() == ["1", "0"]


@pytest.mark.parametrize(
    ("content", "spec", "told"),
    [
        ("a,label\n1,x\n", {}, "1 columns of features"),
        ("a,b,c,label\n1,2,3,x\n", {}, "--features"),
        ("a,b,label\n1,x,x\n2,\n", {}, "row 3: 2 values"),
        ('a,b,label\n1,2,"x\ny"\n2,z,x\n', {}, "row 4, column 'b': 'z' is no number"),
        ("a,b,label\n1,2,x\n", {"features": ("a", "c")}, "no column 'c' (--features)"),
        ("a,b,label\n1,2,x\n", {"features": ("a",)}, "1 columns do not fit"),
        ("a,b,label\n1,2,x\n", {"preprocess": "scale=2"}, "not for tables"),
        ("a,a,label\n1,2,x\n", {}, "more than one column named 'a'"),
        ("a,b,label\n", {}, "test set is empty"),
        ("a,b,label\n1,NA,x\n", {}, "NaN or infinite scores"),  # a gap is no zero
    ],
)
def test_tables_that_do_not_fit(tmp_path, written, answered, content, spec, told):
    """Columns that are missing, too many or no numbers are errors with row and column."""
    model = linear(tmp_path / "m.onnx", np.eye(2))
    with pytest.raises(FlipcheckError) as error:
        answered(model, written("t.csv", content), **spec)
    assert told in str(error.value), str(error.value)


def test_a_model_that_takes_any_number_of_columns_asks(tmp_path, written, answered):
    """Where a slice column may be a feature or not, and the model does not say, it is asked."""
    node = helper.make_node("Identity", ["x"], ["y"])
    ports = [port("x", np.float32, [None, None])], [port("y", np.float32, [None, None])]
    model = save(tmp_path / "m.onnx", [node], *ports)
    path = written("t.csv", "a,b,region,label\n1,2,3,x\n")
    with pytest.raises(UsageError, match="may be one, or not"):
        answered(model, path, by=("region",))
    assert answered(model, path, by=("region",), features=("a", "b")).answers.texts() == ["1"]


@pytest.mark.parametrize("values", [["a", None], [[1], [2]], ["x", "y"]])
def test_columns_that_are_no_features(tmp_path, parquet_file, answered, values):
    """Gaps in text, lists, and text for a number are errors that name the column or the input."""
    model = linear(tmp_path / "m.onnx", np.eye(2))
    with pytest.raises(FlipcheckError, match=r"column 'b'|input x"):
        answered(model, parquet_file(a=[1.0, 2.0], b=values, label=["x", "y"]))


def test_a_folder_feeds_one_input(tmp_path, images, answered):
    """A model of two inputs cannot be fed by a folder."""
    model = echo(tmp_path / "m.onnx", {"a": np.zeros((1, 2)), "b": np.zeros((1, 2))})
    with pytest.raises(ModelError, match="2 inputs"):
        answered(model, images(x=[1]))


@pytest.mark.parametrize("name", ["data.feather", "m.onnx"])
def test_what_is_no_test_set(written, name):
    """A path that holds no test set is an error that says what is one."""
    content = {"data.feather": b"ARROW1\0\0"}.get(name, b"x")
    with pytest.raises(InputError, match="not a test set"):
        open_dataset(written(name, content), Columns())


def test_an_output_without_a_batch(tmp_path, archive, answered):
    """A model that gives one row for many examples is refused, whatever its shape declares."""
    node = helper.make_node("ReduceMean", ["x"], ["y"], axes=[0], keepdims=1)
    ports = [port("x", np.float32, [None, 3])], [port("y", np.float32, [None, 3])]
    with pytest.raises(ModelError, match="not one row for each of 5"):
        answered(save(tmp_path / "m.onnx", [node], *ports), archive(x=np.ones((5, 3), np.float32)))


MEASURE = """
import resource, sys
from pathlib import Path
from flipcheck.sources.datasets import open_dataset
from flipcheck.sources.onnx.model import open_model
from flipcheck.sources.onnx.run import run
from flipcheck.sources.spec import Columns, SideSpec

def go(data):
    side = SideSpec()
    tests = open_dataset(Path(data), Columns())
    assert len(run([(open_model(Path(sys.argv[1]), side), side)], tests, workers=2)[0]) > 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

print(go(sys.argv[2]), go(sys.argv[3]))
"""


def test_memory_does_not_grow_with_the_test_set(tmp_path):
    """Two hundred megabytes of features need hardly more memory than twenty."""
    width, paths = 25_000, []
    model = linear(tmp_path / "m.onnx", np.ones((width, 2)))
    for count in (200, 2000):
        path = tmp_path / f"{count}.npz"
        paths.append(str(path))
        with zipfile.ZipFile(path, "w") as file, file.open("x.npy", "w", force_zip64=True) as out:
            header = {"descr": "<f4", "fortran_order": False, "shape": (count, width)}
            np.lib.format.write_array_header_1_0(out, header)
            for _ in range(count // 100):
                out.write(np.ones((100, width), np.float32).tobytes())
    found = subprocess.run(
        [sys.executable, "-c", MEASURE, str(model), *paths],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    small, large = map(int, found.stdout.split())
    assert large - small < 100


def test_a_model_whose_answers_depend_on_the_batch_is_run_one_by_one(tmp_path):
    """Scores minus their mean over the batch: each example is run alone, with a warning."""
    x, y = port("x", np.float32, [None, 2]), port("y", np.float32, [None, 2])
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    path = save(tmp_path / "m.onnx", nodes, [x], [y])
    values = np.random.default_rng(0).normal(loc=(3, 0), size=(64, 2))
    np.savez(tmp_path / "d.npz", x=values.astype(np.float32), y=[0] * 64)
    report = flipcheck.compare(path, path, tmp_path / "d.npz")
    assert report.tally.both_right == 64  # minus itself is 0 for both classes: the first
    assert "depend on the batch; it was run one example at a time" in report.warnings[0]


@pytest.mark.parametrize("archived", [False, True])
def test_clusters_and_weights_are_no_features(tmp_path, written, archive, archived):
    """What a model's own data says of its examples is kept from the model, and reaches both."""
    import flipcheck

    paths = [linear(tmp_path / f"{name}.onnx", np.eye(2) * 9) for name in ("old", "new")]
    values = [[1, 0], [0, 1], [1, 0], [0, 1]]
    if archived:
        data = archive(
            x=np.array(values, np.float32), labels=[0, 1, 0, 0], user=[7, 7, 8, 8], w=[1.0, 2, 3, 4]
        )
    else:
        rows = [
            f"{user},{a},{weight},{b},{label}"
            for (a, b), user, weight, label in zip(
                values, (7, 7, 8, 8), (1, 2, 3, 4), (0, 1, 0, 0), strict=True
            )
        ]
        data = written("t.csv", "\n".join(["user,a,w,b,label", *rows]) + "\n")
    report = flipcheck.compare(*paths, data, cluster="user", weight="w", resamples=0)
    assert (report.data.clusters, report.data.weighted) == (2, True)
    assert report.metrics["old_error_rate"].value == 0.4


def test_the_runtime_tells_nobody(tmp_path, sample):
    """No telemetry: the runtime keeps no number of this device."""
    home = tmp_path / "home"
    home.mkdir()
    arguments = ["compare", sample / "old.onnx", sample / "new.onnx", sample / "images"]
    done = subprocess.run(
        [sys.executable, "-m", "flipcheck", *map(str, arguments)],
        env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": "", "FLIPCHECK_CACHE": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(home.rglob("*"))
