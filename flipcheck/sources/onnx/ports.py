"""The inputs and outputs that a model declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name, ONNX type and shape; an open axis is None."""

    name: str
    type: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        axes = ", ".join("?" if axis is None else str(axis) for axis in self.shape)
        return f"{self.name} {self.type} [{axes}]"


def port_of(declared: Any) -> Port:
    """The port that the runtime tells of; axes without a length are open."""
    axes = (axis if isinstance(axis, int) and axis > 0 else None for axis in declared.shape)
    return Port(declared.name, declared.type, tuple(axes))


def numeric(port: Port) -> np.dtype[Any]:
    """The numpy type that an input takes."""
    import numpy as np

    return np.dtype(DTYPES[port.type])
