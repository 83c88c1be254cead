"""What runs a model: the CPU, or another execution provider that was asked for by name.

The runtime itself only warns where a provider is missing, and runs on the CPU: a report would then
speak of another machine than the user thinks. Here that is an error, unless it is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import ModelError, UsageError
from flipcheck.sources.onnx.runtime import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flipcheck.sources.spec import Provider

CPU, SUFFIX = "CPUExecutionProvider", "ExecutionProvider"
ALIASES = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "dml": "DmlExecutionProvider",
}
REPEATABLE: Mapping[str, Mapping[str, str]] = {
    "CUDAExecutionProvider": {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
}
"""Options that make a provider give the same answers again, unless the user says otherwise."""
PACKAGES = {
    "CUDAExecutionProvider": "onnxruntime-gpu",
    "TensorrtExecutionProvider": "onnxruntime-gpu",
    "OpenVINOExecutionProvider": "onnxruntime-openvino",
    "DmlExecutionProvider": "onnxruntime-directml",
}


def full_name(name: str | None) -> str:
    """The runtime's name of a provider, by default the CPU. Raises UsageError."""
    if name is None:
        return CPU
    known: list[str] = onnxruntime().get_all_providers()
    by_name: dict[str, str] = {each.lower(): each for each in known} | ALIASES
    found = by_name.get(name.lower()) or by_name.get(f"{name}{SUFFIX}".lower())
    if found is None:
        raise UsageError(
            f"--provider {name}: no provider of that name",
            hint=f"the runtime here has {_there()}; short names: {', '.join(ALIASES)}",
        )
    return found


def asked(provider: Provider) -> list[Any]:
    """The providers for a session: the one asked for, then the CPU for what it cannot run.

    Raises UsageError where it is not there and the CPU may not stand in for it.
    """
    name = full_name(provider.name)
    if name not in onnxruntime().get_available_providers():
        if provider.allow_fallback:
            return [CPU]
        package = PACKAGES.get(name)
        raise UsageError(
            f"--provider {provider.name}: the runtime here has no {name}; it has {_there()}",
            hint=f"install {package} in the place of onnxruntime, or run on the CPU"
            if package
            else "install a build of onnxruntime that has it, or run on the CPU",
        )
    options = {**REPEATABLE.get(name, {}), **provider.options}
    return [(name, options)] if name == CPU else [(name, options), CPU]


def checked(path: Path, session: Any, provider: Provider) -> tuple[str, str]:
    """What runs a session, with its options, and a warning where it is not what was asked for.

    Raises ModelError where the CPU stands in for it and may not.
    """
    name, ran = full_name(provider.name), str(session.get_providers()[0])
    if ran == name:
        given = {**REPEATABLE.get(name, {}), **provider.options}
        return " ".join([ran, *(f"{key}={given[key]}" for key in sorted(given))]), ""
    if not provider.allow_fallback:
        raise ModelError(
            f"{path}: {name} did not start, and the model would run on {ran}",
            hint="look at its drivers and options (--provider-option), or take another with "
            f"--provider; the runtime here has {_there()}",
        )
    return ran, f"{path}: it ran on {ran}, in the place of {name} (--allow-fallback)"


def _there() -> str:
    return ", ".join(onnxruntime().get_available_providers())
