"""The versions of what computed a report, and the machine where models ran."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow")


def versions_of(facts: Iterable[Mapping[str, Any]], *, images: bool) -> dict[str, str]:
    """The version of everything that may decide a digit, by name; `facts` are those of the sides.

    Where models ran, the machine and the threads of each session too: with either the last digits
    of a score may change.
    """
    models = [each for each in facts if each.get("kind") == "onnx"]
    names = list(LIBRARIES)
    names += ["pillow"] if images else []
    names += ["tokenizers"] if any("tokenizer" in each for each in models) else []
    found = {"python": platform.python_version(), **_installed(names)}
    if models:
        from flipcheck.sources.onnx.runtime import onnxruntime

        providers = dict.fromkeys(each["provider"] for each in models if "provider" in each)
        found |= {
            "onnxruntime": str(onnxruntime().__version__),
            "provider": ", ".join(providers),
            "threads": "1",
            "machine": f"{platform.system()} {platform.machine()}",
        }
    return found


def _installed(names: Iterable[str]) -> dict[str, str]:
    """The versions of these libraries, as far as their installation tells them."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def here() -> dict[str, str]:
    """The same of this machine, whatever ran on it, but for what only a run decides."""
    from flipcheck._version import __version__

    names = (*LIBRARIES, "pillow", "tokenizers", "onnxruntime")
    machine = f"{platform.system()} {platform.machine()}"
    told = {"python": platform.python_version(), "machine": machine, "flipcheck": __version__}
    installed = _installed((*names, "onnxruntime-gpu"))
    runtime = installed.pop("onnxruntime-gpu", None)
    return {**told, **({"onnxruntime": runtime} if runtime else {}), **installed}
