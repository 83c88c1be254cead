"""What runs a model: asked for by name, checked, and told in the report."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from onnx_models import linear

import flipcheck
from flipcheck.errors import ModelError, UsageError
from flipcheck.sources.onnx.providers import ALIASES, CPU, asked, checked, full_name
from flipcheck.sources.spec import Provider

CUDA, AZURE = "CUDAExecutionProvider", "AzureExecutionProvider"
HAS_AZURE = AZURE in onnxruntime.get_available_providers()


@pytest.fixture
def cuda(monkeypatch):
    """A runtime that says it has CUDA."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])


@pytest.fixture
def pair(tmp_path, archive):
    """Two models of two classes and a test set."""
    models = [linear(tmp_path / f"{name}.onnx", np.eye(2) * 9) for name in ("old", "new")]
    return *models, archive(x=np.eye(2, dtype=np.float32)[[0, 1, 1]], labels=[0, 1, 1])


@pytest.mark.parametrize(
    ("name", "full"),
    [
        *ALIASES.items(),
        ("CUDA", CUDA),  # however it is written
        (CUDA, CUDA),
        ("cudaexecutionprovider", CUDA),
        ("xnnpack", "XnnpackExecutionProvider"),  # any that the runtime has heard of
    ],
)
def test_names(name, full):
    """A short name, the runtime's own, or that without its ending."""
    assert full_name(name) == full


def test_a_name_that_is_none():
    """The error lists what the runtime has, and the short names."""
    with pytest.raises(UsageError, match="--provider gpu: no provider of that name") as error:
        full_name("gpu")
    assert CPU in error.value.hint
    assert "cuda" in error.value.hint


@pytest.mark.usefixtures("cuda")
def test_cuda_is_asked_to_repeat_itself():
    """On CUDA the short floats of TF32 are off, and the user's options win."""
    (name, options), rest = asked(Provider("cuda", {"device_id": "1"}))
    assert (name, rest) == (CUDA, CPU)
    assert options == {
        "use_tf32": "0",
        "cudnn_conv_algo_search": "HEURISTIC",
        "device_id": "1",
    }
    assert asked(Provider("cuda", {"use_tf32": "1"}))[0][1]["use_tf32"] == "1"


def test_the_cpu_alone():
    """Without a wish there is only the CPU."""
    assert asked(Provider()) == [(CPU, {})]


@pytest.mark.parametrize("name", ["cuda", "tensorrt", "coreml"])
def test_a_provider_that_is_not_there(pair, command, name, monkeypatch):
    """The runtime would run on the CPU with a warning; here it is an error, with what is there."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    done = command("compare", *pair, "--provider", name)
    assert done.status == 2
    assert f"--provider {name}: the runtime here has no {ALIASES[name]}; it has {CPU}" in done.err
    assert "hint: install" in done.err


def test_the_cpu_may_stand_in_where_that_is_allowed(pair, monkeypatch):
    """With --allow-fallback the audit runs on the CPU, and the report says so."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    report = flipcheck.compare(*pair, provider="cuda", allow_fallback=True)
    assert report.run["provider"] == CPU
    assert f"it ran on {CPU}, in the place of {CUDA} (--allow-fallback)" in report.warnings[0]


def test_a_provider_that_did_not_start(tmp_path):
    """A driver that is missing makes the runtime fall back: an error, unless it is allowed."""
    session = SimpleNamespace(get_providers=lambda: [CPU])
    path = tmp_path / "m.onnx"
    with pytest.raises(ModelError, match=f"{CUDA} did not start, and the model would run on {CPU}"):
        checked(path, session, Provider("cuda"))
    ran, warning = checked(path, session, Provider("cuda", allow_fallback=True))
    assert ran == CPU
    assert "in the place of" in warning


def test_what_ran_is_told_with_its_options(tmp_path):
    """Two runs with other options are not the same run."""
    session = SimpleNamespace(get_providers=lambda: [CUDA, CPU])
    ran, warning = checked(tmp_path / "m.onnx", session, Provider("cuda", {"device_id": "1"}))
    assert ran == f"{CUDA} cudnn_conv_algo_search=HEURISTIC device_id=1 use_tf32=0"
    assert not warning


def test_the_report_names_the_provider(pair):
    """Without a wish the report says that the CPU was used."""
    report = flipcheck.compare(*pair)
    assert report.run["provider"] == CPU
    assert report.old.facts["provider"] == CPU


@pytest.mark.skipif(not HAS_AZURE, reason="this build of the runtime has the CPU alone")
def test_another_provider(pair, command):
    """Both models run on the provider that was asked for, and the report says so."""
    report = flipcheck.compare(*pair, provider="azure")
    assert report.run["provider"] == report.old.facts["provider"] == AZURE
    assert report.new.facts["provider"] == AZURE
    assert command("compare", *pair, "--provider", AZURE, "--quiet").status == 0


def test_two_providers_are_refused(pair, monkeypatch):
    """Where one model falls back and the other does not, rounding would show as flips."""
    ran = iter([(CUDA, ""), (CPU, "")])
    monkeypatch.setattr("flipcheck.sources.onnx.model.checked", lambda *_: next(ran))
    with pytest.raises(ModelError, match="would run on different providers"):
        flipcheck.compare(*pair)


def test_options_need_a_provider(pair, command):
    """An option of no provider, and one that is not KEY=VALUE, are refused."""
    done = command("compare", *pair, "--provider-option", "device_id=0")
    assert (done.status, "need a --provider" in done.err) == (2, True)
    done = command("compare", *pair, "--provider", "cpu", "--provider-option", "device_id")
    assert (done.status, "not a name and a value" in done.err) == (2, True)


def test_saved_predictions_have_no_provider(flipped, command):
    """A provider for what is not run is refused."""
    done = command("compare", *flipped(right=3), "--provider", "cpu")
    assert done.status == 2
    assert "--provider is for models" in done.err
