"""Convolutional networks with random weights, of the sizes that are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Network:
    """A network that grows layer by layer; `value` is what the last layer gives."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.value, self.depth = "x", 3

    def add(self, operator: str, *inputs: str, **attributes: object) -> str:
        """Another node, and the name of what it gives; without inputs it takes the last value."""
        name = f"v{len(self.nodes)}"
        node = helper.make_node(operator, [*(inputs or (self.value,))], [name], **attributes)
        self.nodes.append(node)
        self.value = name
        return name

    def weight(self, values: NDArray[np.float32]) -> str:
        """The name of some weights."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def conv(self, width: int, kernel: int, stride: int = 1) -> str:
        """A convolution with a bias, as a batch normalisation leaves it."""
        size = (width, self.depth, kernel, kernel)
        kernels = self.random.normal(size=size) * np.sqrt(2 / (self.depth * kernel**2))
        inputs = (self.value, self.weight(kernels), self.weight(np.zeros(width, np.float32)))
        self.depth = width
        return self.add("Conv", *inputs, pads=[kernel // 2] * 4, strides=[stride, stride])

    def bottleneck(self, width: int, stride: int) -> None:
        """Three convolutions, and a way past them."""
        past, depth = self.value, self.depth
        self.conv(width, 1)
        self.add("Relu")
        self.conv(width, 3, stride)
        self.add("Relu")
        through = self.conv(4 * width, 1)
        if stride > 1 or depth != 4 * width:
            self.value, self.depth = past, depth
            past = self.conv(4 * width, 1, stride)
        self.add("Add", through, past)
        self.add("Relu")

    def save(self, path: Path, edge: int, classes: int) -> None:
        """The network with a linear classifier at its end."""
        self.add("GlobalAveragePool")
        self.add("Flatten")
        last = self.weight(self.random.normal(size=(self.depth, classes)))
        self.nodes.append(helper.make_node("MatMul", [self.value, last], ["logits"]))
        pixels = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, edge, edge])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes])
        graph = helper.make_graph(self.nodes, "network", [pixels], [logits], self.weights)
        opset = helper.make_opsetid("", 17)
        onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)


def small_cnn(path: Path, seed: int) -> None:
    """Three convolutions for 32x32 colour images and ten classes."""
    network = Network(seed)
    for layer, width in enumerate((32, 64, 64)):
        network.conv(width, 3, stride=2 if layer else 1)
        network.add("Relu")
    network.save(path, 32, 10)


def resnet50(path: Path, seed: int) -> None:
    """A network of the size of ResNet-50 for 224x224 colour images and 1,000 classes."""
    network = Network(seed)
    network.conv(64, 7, stride=2)
    network.add("Relu")
    network.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            network.bottleneck(width, 2 if block == 0 and width > 64 else 1)
    network.save(path, 224, 1000)
