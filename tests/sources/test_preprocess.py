"""Preprocessing: its inline grammar, Hugging Face configurations, and the exact pixels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from flipcheck.errors import FlipcheckError, InputError, UsageError
from flipcheck.sources.preprocess import (
    Preprocess,
    find_preprocess,
    fitted,
    from_config,
    from_text,
    normalised,
)

VIT = {"do_resize": True, "size": {"height": 224, "width": 224}, "resample": 2, "do_rescale": True,
       "rescale_factor": 0.00392156862745098, "do_normalize": True, "image_mean": [0.5, 0.5, 0.5],
       "image_std": [0.5, 0.5, 0.5]}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scale=1/255", {"scale": 1 / 255}),
        ("scale=0.5", {"scale": 0.5}),
        ("mean=0.286,std=0.353", {"mean": (0.286,), "std": (0.353,)}),
        ("mean=0.485,0.456,0.406", {"mean": (0.485, 0.456, 0.406)}),  # commas inside a step
        ("mean=[0.485,0.456,0.406],scale=1", {"mean": (0.485, 0.456, 0.406), "scale": 1.0}),
        ("mean=(1/2, 1/3, 0)", {"mean": (0.5, 1 / 3, 0.0)}),
        ("layout=NHWC", {"layout": "NHWC"}),
        ("resize=256,crop=224", {"resize": 256, "crop": (224, 224)}),
        ("resize=256x128,crop=32x16", {"resize": (256, 128), "crop": (32, 16)}),
        ("channels=BGR,resample=bicubic", {"channels": "BGR", "resample": "bicubic"}),
        (" scale = 1/255 , layout = NCHW", {"scale": 1 / 255, "layout": "NCHW"}),  # spaces
    ],
)
def test_inline_steps(text, expected):
    """Every step of the grammar is read."""
    assert from_text(text) == Preprocess(**expected, origin="--preprocess")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scal=1/255", "did you mean 'scale'?"),  # a misspelt step
        ("scale=x", "scale=x"),
        ("scale=1/0", "scale=1/0"),
        ("scale=nan", "not finite"),
        ("scale=inf", "not finite"),
        ("scale=0", "of 0"),  # every image would be black
        ("scale=1e999999999", "not finite"),  # and not computed digit by digit
        ("std=0", "of 0"),
        ("mean=1,2,std=1,2,3", "2 means and 3 standard deviations"),
        ("mean=,0.5", "mean="),
        ("crop=0", "crop=0"),
        ("crop=2x3x4", "crop=2x3x4"),
        ("resize=-5", "resize=-5"),
        ("layout=HWC", "not one of NCHW, NHWC, NHW"),
        ("channels=rgb", "not one of RGB"),
        ("resample=cubic", "not one of nearest"),
        ("scale=1,scale=2", "given twice"),
        ("0.5,scale=1", "begins with '0.5'"),  # not dropped in silence
    ],
)
def test_bad_inline_steps(text, told):
    """A step that cannot be read is an error that quotes it."""
    with pytest.raises(UsageError) as error:
        from_text(text)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {"resize": (224, 224), "mean": (0.5,) * 3, "std": (0.5,) * 3}),  # ViT
        ({"size": 224}, {"resize": (224, 224)}),  # an older ViT
        ({"size": {"shortest_edge": 256}, "do_center_crop": True,
          "crop_size": {"height": 224, "width": 224}}, {"resize": 256, "crop": (224, 224)}),
        ({"size": 224, "do_center_crop": True, "crop_size": 224,
          "feature_extractor_type": "CLIPFeatureExtractor"}, {"resize": 224, "crop": (224, 224)}),
        ({"size": 256, "do_center_crop": True, "crop_size": 224,  # DeiT squashes
          "feature_extractor_type": "DeiTFeatureExtractor"},
         {"resize": (256, 256), "crop": (224, 224)}),
        ({"size": {"shortest_edge": 224}, "crop_pct": 0.875},  # ConvNeXt and ResNet
         {"resize": 256, "crop": (224, 224)}),
        ({"size": {"shortest_edge": 224}, "image_processor_type": "ConvNextImageProcessor"},
         {"resize": 256, "crop": (224, 224)}),  # its own default of 224/256
        ({"size": {"shortest_edge": 384}, "crop_pct": 0.875}, {"resize": (384, 384), "crop": None}),
        ({"do_resize": False}, {"resize": None}),
        ({"do_rescale": False}, {"scale": 1.0}),  # occurs in the wild
        ({"do_normalize": False}, {"mean": (), "std": ()}),
        ({"image_mean": 0.5, "image_std": 0.25}, {"mean": (0.5,), "std": (0.25,)}),
        ({"resample": 0}, {"resample": "nearest"}),
        ({"resample": 1}, {"resample": "lanczos"}),
        ({"resample": 3}, {"resample": "bicubic"}),
        ({"resample": None}, {"resample": "bilinear"}),
        ({"do_flip_channel_order": True}, {"channels": "BGR"}),  # MobileViT
    ],
)  # fmt: skip
def test_hugging_face_configurations(written, change, expected):
    """Sizes, crops, rescaling, resampling and channels are read as transformers reads them."""
    found = from_config(written("preprocessor_config.json", json.dumps(VIT | change)))
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not a preprocessing configuration"),
        ("[]", "not an object"),
        (b"\xff", "not a preprocessing configuration"),
        (json.dumps(VIT | {"do_pad": True}), "'do_pad' is not supported"),
        (json.dumps(VIT | {"size": {"longest_edge": 9}}), "no height and width"),
        (json.dumps(VIT | {"size": {"shortest_edge": 9, "longest_edge": 9}}), "longest edge"),
        (json.dumps(VIT | {"size": {"height": 0, "width": 5}}), "0 pixels"),
        (json.dumps(VIT | {"resample": -1}), "resample is -1"),  # not the last of the list
        (json.dumps(VIT | {"resample": 9}), "resample is 9"),
        (json.dumps(VIT | {"do_center_crop": True}), "crop_size"),
        (json.dumps(VIT | {"size": {"shortest_edge": 9}, "crop_pct": 0}), "division by zero"),
        (json.dumps(VIT | {"image_std": [0, 1, 1]}), "of 0"),
        (json.dumps(VIT | {"image_processor_type": "LevitImageProcessor"}), "LeViT"),
    ],
)
def test_bad_configurations(written, content, told):
    """A configuration that cannot be followed is an error that names the file."""
    path = written("preprocessor_config.json", content)
    with pytest.raises(InputError, match=told) as error:
        from_config(path)
    assert str(path) in error.value.message


def test_where_preprocessing_is_found(written, tmp_path):
    """The flag comes before the file beside the model, and that before the default."""
    model = tmp_path / "model.onnx"
    assert find_preprocess(None, model).origin == "default"
    beside = written("preprocessor_config.json", json.dumps(VIT))
    assert find_preprocess(None, model).origin == str(beside)
    assert find_preprocess("scale=1", model).origin == "--preprocess"
    other = written("other/preprocessor_config.json", json.dumps(VIT))
    assert find_preprocess(str(other), model).origin == str(other)
    assert find_preprocess(str(other.parent), model).origin == str(other)


@pytest.mark.parametrize("text", ["nothing.json", "folder/nothing", ""])
def test_preprocessing_files_that_are_not_there(tmp_path, text):
    """A path that is no file is an error."""
    with pytest.raises(FlipcheckError):
        find_preprocess(str(tmp_path / "no" / text), tmp_path / "model.onnx")


def torchvision_size(width: int, height: int, edge: int) -> tuple[int, int]:
    """Transcribe torchvision's documented rule for a resize of the shorter edge."""
    short, long = (width, height) if width <= height else (height, width)
    new_short, new_long = edge, int(edge * long / short)
    return (new_short, new_long) if width <= height else (new_long, new_short)


def torchvision_crop(width: int, height: int, edge: int) -> tuple[int, int]:
    """Transcribe torchvision's centre crop: the left and top pixel."""
    return int(round((width - edge) / 2.0)), int(round((height - edge) / 2.0))  # noqa: RUF046


@pytest.mark.parametrize(
    "size",
    [
        (500, 375),  # wide
        (375, 500),  # high
        (300, 300),  # square
        (257, 256),  # an odd margin: half to even
        (261, 256),  # another odd margin, that rounds the other way
        (1000, 333),  # a quotient that truncates
        (37, 91),  # enlarged
    ],
)
@pytest.mark.parametrize(("edge", "crop"), [(256, 224), (256, 225), (64, 33)])
def test_resize_and_crop_round_as_torchvision(size, edge, crop):
    """The pixels that are left are those that torchvision leaves."""
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    image = Image.fromarray(noise)
    found = fitted(image, from_text(f"resize={edge},crop={crop}"))
    resized = image.resize(torchvision_size(*size, edge), Image.Resampling.BILINEAR)
    left, top = torchvision_crop(*resized.size, crop)
    expected = resized.crop((left, top, left + crop, top + crop))
    assert np.array_equal(np.asarray(found), np.asarray(expected))


def test_crop_of_a_configuration_rounds_down(written):
    """A margin of five pixels leaves two on the left, as in transformers; torchvision has two too.

    A margin of three leaves one, where torchvision leaves two.
    """
    config = VIT | {"do_resize": False, "do_center_crop": True, "crop_size": 4}
    steps = from_config(written("preprocessor_config.json", json.dumps(config)))
    row = Image.fromarray(np.tile(np.arange(7, dtype=np.uint8), (7, 1)))
    assert np.asarray(fitted(row.convert("RGB"), steps))[0, 0, 0] == 1
    assert np.asarray(fitted(row.convert("RGB"), from_text("crop=4")))[0, 0, 0] == 2


def test_crop_of_a_smaller_image_is_refused():
    """An image is never filled up with black in silence."""
    with pytest.raises(ValueError, match="smaller than the crop"):
        fitted(Image.new("RGB", (10, 10)), from_text("crop=11"))


def test_thin_images_do_not_explode():
    """A strip of pixels is not made into a giant image."""
    with pytest.raises(ValueError, match="too thin"):
        fitted(Image.new("RGB", (1, 20_000)), from_text("resize=256"))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"])
@pytest.mark.parametrize("channels", ["RGB", "L", "RGBA", "BGR"])
def test_images_of_every_mode(mode, channels):
    """Every mode of eight bits becomes the channels of the model."""
    array = np.asarray(
        fitted(Image.new("RGB", (4, 3)).convert(mode), Preprocess(channels=channels))
    )
    assert array.shape[:2] == (3, 4)
    assert array.shape[2:] == (() if channels == "L" else (len(channels),))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_normalised_values(dtype):
    """(values x scale - mean) / std along the channels, in the model's type."""
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    steps = from_text("scale=1/255,mean=0.1,0.2,0.3,std=0.5,0.25,0.2")
    found = normalised(pixels, steps, 1, np.dtype(dtype))
    shape = (1, 3, 1, 1)
    mean, std = np.reshape(steps.mean, shape), np.reshape(steps.std, shape)
    assert found.dtype == dtype
    assert np.allclose(
        found, (pixels / 255 - mean) / std, atol=2e-3 if dtype == np.float16 else 1e-6
    )
