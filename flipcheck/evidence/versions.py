"""The versions of what computed a report, and the machine where models ran."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIBRARIES = ("numpy", "scipy", "pyarrow")
"""What every audit computes with; pandas, which makes frames of a report, decides no digit."""
MODULES = {"pillow": "PIL"}
"""The modules of libraries that have another name."""


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
    """The versions of these libraries, as far as they, or their installation, tell them."""
    found = {name: _version(name) for name in names}
    return {name: each for name, each in found.items() if each is not None}


def _version(name: str) -> str | None:
    """The version of a library; of one that is loaded without a look at its installation."""
    loaded: str | None = getattr(sys.modules.get(MODULES.get(name, name)), "__version__", None)
    if loaded is not None:
        return loaded
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def here() -> dict[str, str]:
    """The same of this machine, whatever ran on it, but for what only a run decides."""
    from flipcheck._version import __version__

    names = (*LIBRARIES, "pillow", "tokenizers", "onnxruntime")
    machine = f"{platform.system()} {platform.machine()}"
    told = {"python": platform.python_version(), "machine": machine, "flipcheck": __version__}
    installed = _installed((*names, "onnxruntime-gpu"))
    runtime = installed.pop("onnxruntime-gpu", None)
    return {**told, **({"onnxruntime": runtime} if runtime else {}), **installed}
