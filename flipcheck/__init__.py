"""flipcheck audits a model update: which answers that were right are now wrong, and how sure.

>>> import flipcheck
>>> report = flipcheck.compare("old.onnx", "new.onnx", "data/",
...                            gates=["negative_flip_rate <= 1%"])  # doctest: +SKIP
>>> report.verdict, report.metrics["negative_flip_rate"].value  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flipcheck._version import __version__

if TYPE_CHECKING:
    from flipcheck.api import compare, plan, predict, repro, verify
    from flipcheck.errors import FlipcheckError
    from flipcheck.gates import Gate, Verdict
    from flipcheck.metrics import METRICS
    from flipcheck.outcomes import Tally
    from flipcheck.predictions import Predictions
    from flipcheck.report import Report
    from flipcheck.trackers import log_mlflow

__all__ = [
    "METRICS",
    "FlipcheckError",
    "Gate",
    "Predictions",
    "Report",
    "Tally",
    "Verdict",
    "__version__",
    "compare",
    "log_mlflow",
    "plan",
    "predict",
    "repro",
    "verify",
]

_HOMES = {
    "METRICS": "metrics",
    "FlipcheckError": "errors",
    "Gate": "gates",
    "Predictions": "predictions",
    "Report": "report",
    "Tally": "outcomes",
    "Verdict": "gates",
    "compare": "api",
    "log_mlflow": "trackers",
    "plan": "api",
    "predict": "api",
    "repro": "api",
    "verify": "api",
}


def __dir__() -> list[str]:
    """The public names, for completion."""
    return __all__


if not TYPE_CHECKING:  # a type checker knows all of them, and finds a misspelt one

    def __getattr__(name: str) -> Any:
        """The public names, imported when they are first used: `import flipcheck` is instant."""
        if name not in _HOMES:
            raise AttributeError(f"module 'flipcheck' has no attribute {name!r}")
        return getattr(import_module(f"flipcheck.{_HOMES[name]}"), name)
