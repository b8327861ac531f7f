"""Convert each Keras layer to nodes of an ONNX graph.

value = WRITERS[type(layer)](graph, layer, value)
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from onnx import NodeProto, helper

from tendigits.errors import UserError

layers = keras.layers


@dataclass(frozen=True)
class Value:
    """A tensor in the graph."""

    name: str
    first: bool = False  # whether channels come before rows and columns, as in ONNX
    shape: tuple[int | None, ...] = ()  # in Keras' order: channels last


class Graph:
    """The nodes and constants written so far."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.uses: Counter[str] = Counter()  # name of a value -> number of layers that use it

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node. Returns the name of its output."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        """Add an array. Returns its name."""
        name = f"c{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(value, dtype)
        return name

    def first(self, value: Value) -> str:
        """The name of the value with channels first, transposed if necessary."""
        return value.name if value.first else self.node("Transpose", value.name, perm=[0, 3, 1, 2])

    def last(self, value: Value) -> str:
        """The name of the value with channels last, transposed if necessary."""
        return self.node("Transpose", value.name, perm=[0, 2, 3, 1]) if value.first else value.name

    def fold(self, value: Value, scale: np.ndarray, shift: np.ndarray) -> bool:
        """Fold `value * scale + shift`, by channel, into the node that outputs `value`. Returns whether it could."""
        node = self.nodes[-1] if self.nodes else None
        if node is None or node.op_type not in ("Conv", "Gemm") or node.output[0] != value.name:
            return False
        if self.uses[value.name] > 1:
            return False
        kernel, bias = node.input[1:3]
        axes = (-1, 1, 1, 1) if node.op_type == "Conv" else (1, -1)
        self.constants[kernel] = np.ascontiguousarray(self.constants[kernel] * scale.reshape(axes), np.float32)
        self.constants[bias] = (self.constants[bias] * scale + shift).astype(np.float32)
        return True

    def end(self, value: Value, output: str) -> None:
        """Make the value the graph's output, under the name `output`."""
        name = self.last(value)
        if self.nodes and self.nodes[-1].output[0] == name:
            self.nodes[-1].output[0] = output
        else:
            self.nodes.append(helper.make_node("Identity", [name], [output]))


def unsupported(what: str) -> UserError:
    """The error for a layer or setting that has no converter."""
    return UserError(f"expected layers that can be exported to ONNX, received {what}; litert and stablehlo take any")


def activated(graph: Graph, value: Value, function: Callable[..., Any]) -> Value:
    """Add one of Keras' activation functions after a value."""
    name = getattr(function, "__name__", type(function).__name__)
    if name == "linear":
        return value
    if name == "softmax":
        return Value(graph.node("Softmax", graph.last(value), axis=-1))
    if name == "silu":
        return Value(graph.node("Mul", value.name, graph.node("Sigmoid", value.name)), value.first)
    if name not in ACTIVATIONS:
        raise unsupported(f"the activation {name}")
    kind, attributes = ACTIVATIONS[name]
    return Value(graph.node(kind, value.name, **attributes), value.first)


ACTIVATIONS: dict[str, tuple[str, dict[str, float]]] = {
    "relu": ("Relu", {}), "sigmoid": ("Sigmoid", {}), "tanh": ("Tanh", {}), "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {}), "gelu": ("Gelu", {}), "softplus": ("Softplus", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
}  # fmt: skip


def _convolution(graph: Graph, layer: Any, value: Value) -> Value:
    kernel = layer.kernel.numpy().transpose(3, 2, 0, 1)
    bias = layer.bias.numpy() if layer.use_bias else np.zeros(len(kernel))
    name = graph.node(
        "Conv", graph.first(value), graph.constant(kernel), graph.constant(bias), group=layer.groups,
        kernel_shape=list(layer.kernel_size), dilations=list(layer.dilation_rate), **_window(layer),
    )  # fmt: skip
    return Value(name, first=True)


def _pool(kind: str, graph: Graph, layer: Any, value: Value) -> Value:
    return Value(graph.node(kind, graph.first(value), kernel_shape=list(layer.pool_size), **_window(layer)), first=True)


def _window(layer: Any) -> dict[str, Any]:
    return {"strides": list(layer.strides), "auto_pad": {"same": "SAME_UPPER", "valid": "VALID"}[layer.padding]}


def _global_pool(kind: str, graph: Graph, layer: Any, value: Value) -> Value:
    pooled = Value(graph.node(kind, graph.first(value)), first=True)
    return pooled if layer.keepdims else Value(graph.node("Flatten", pooled.name, axis=1))


def _upsampling(graph: Graph, layer: Any, value: Value) -> Value:
    if layer.interpolation != "nearest":
        raise unsupported(f"{layer.name} with interpolation")
    scales = graph.constant([1, 1, *layer.size])
    name = graph.node(
        "Resize", graph.first(value), "", scales, mode="nearest", nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    return Value(name, first=True)


def _dense(graph: Graph, layer: Any, value: Value) -> Value:
    if len(value.shape) != 2:
        raise unsupported(f"{layer.name} on values of shape {value.shape}")
    bias = layer.bias.numpy() if layer.use_bias else np.zeros(layer.units)
    return Value(graph.node("Gemm", value.name, graph.constant(layer.kernel.numpy()), graph.constant(bias)))


def _batch_norm(graph: Graph, layer: Any, value: Value) -> Value:
    """Normalize with the moving mean and variance, on the last axis (Keras' default)."""
    variance, mean = layer.moving_variance.numpy(), layer.moving_mean.numpy()
    if layer.axis not in (-1, len(value.shape) - 1):
        raise unsupported(f"{layer.name} on axis {layer.axis}")
    scale = (layer.gamma.numpy() if layer.scale else 1) / np.sqrt(variance + layer.epsilon)
    shift = (layer.beta.numpy() if layer.center else 0) - mean * scale
    if graph.fold(value, scale, shift):
        return value
    shape = (-1, 1, 1) if value.first else (-1,)
    scaled = graph.node("Mul", value.name, graph.constant(scale.reshape(shape)))
    return Value(graph.node("Add", scaled, graph.constant(shift.reshape(shape))), value.first)


def _reshape(graph: Graph, layer: Any, value: Value) -> Value:
    shape = graph.constant([0, *layer.target_shape], np.int64)  # 0: the batch size of the input
    return Value(graph.node("Reshape", graph.last(value), shape))


def _rescale(graph: Graph, layer: Any, value: Value) -> Value:
    scaled = graph.node("Mul", graph.last(value), graph.constant(layer.scale))
    return Value(graph.node("Add", scaled, graph.constant(layer.offset)))


def _relu(graph: Graph, layer: Any, value: Value) -> Value:
    if layer.threshold or layer.negative_slope or layer.max_value is not None:
        raise unsupported(f"{layer.name} with a threshold, a slope or a maximum")
    return Value(graph.node("Relu", value.name), value.first)


def _softmax(graph: Graph, layer: Any, value: Value) -> Value:
    if layer.axis != -1:
        raise unsupported(f"{layer.name} on axis {layer.axis}")
    return Value(graph.node("Softmax", graph.last(value), axis=-1))


def _merge(kind: str, graph: Graph, layer: Any, *values: Value) -> Value:
    first = all(value.first for value in values)
    names = [value.name if first else graph.last(value) for value in values]
    if kind != "Concat":
        return Value(graph.node(kind, *names), first)
    axis = layer.axis % len(values[0].shape)
    if first:  # rows, columns, channels -> channels, rows, columns
        axis = {1: 2, 2: 3, 3: 1}[axis]
    return Value(graph.node(kind, *names, axis=axis), first)


UNCHANGED = (layers.Activation, layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise, layers.Identity)

# Keras layer -> its converter. A layer's `activation`, if it has one, is added after it.
WRITERS: dict[type, Callable[..., Value]] = dict.fromkeys(UNCHANGED, lambda graph, layer, value: value) | {
    layers.Conv2D: _convolution,
    layers.MaxPooling2D: partial(_pool, "MaxPool"),
    layers.AveragePooling2D: partial(_pool, "AveragePool"),
    layers.GlobalMaxPooling2D: partial(_global_pool, "GlobalMaxPool"),
    layers.GlobalAveragePooling2D: partial(_global_pool, "GlobalAveragePool"),
    layers.UpSampling2D: _upsampling, layers.Dense: _dense, layers.BatchNormalization: _batch_norm,
    layers.Rescaling: _rescale, layers.Reshape: _reshape,
    layers.Flatten: lambda graph, _, value: Value(graph.node("Flatten", graph.last(value), axis=1)),
    layers.ReLU: _relu,
    layers.LeakyReLU: lambda graph, layer, value: Value(
        graph.node("LeakyRelu", value.name, alpha=float(layer.negative_slope)), value.first
    ),
    layers.Softmax: _softmax, layers.Add: partial(_merge, "Sum"), layers.Average: partial(_merge, "Mean"),
    layers.Concatenate: partial(_merge, "Concat"),
}  # fmt: skip
