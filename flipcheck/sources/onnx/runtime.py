"""The runtime that models run on, kept from telling anybody of it."""

from __future__ import annotations

import os
from functools import cache
from typing import Any


@cache
def onnxruntime() -> Any:
    """The module of the runtime, without its telemetry.

    Version 1.31 keeps a number of the device in the user's cache, and holds an address to report
    to, on Linux as well. It looks at the variable when it is loaded; where that was before, the
    call turns its events off.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime as runtime

    runtime.disable_telemetry_events()
    return runtime
