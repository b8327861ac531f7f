"""How each of Keras' layers is written into an ONNX graph.

value = WRITERS[type(layer)](graph, layer, value)
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tendigits.model.onnx_nodes import Graph, Value, cannot_write

layers = keras.layers


def activated(graph: Graph, value: Value, function: Callable[..., Any]) -> Value:
    """The value behind an activation function of Keras' own."""
    name = getattr(function, "__name__", type(function).__name__)
    if name == "linear":
        return value
    if name in ("softmax", "log_softmax"):
        return Value(graph.node({"softmax": "Softmax"}.get(name, "LogSoftmax"), graph.last(value), axis=-1))
    if name == "silu":
        return Value(graph.node("Mul", value.name, graph.node("Sigmoid", value.name)), value.first)
    if name not in ACTIVATIONS:
        raise cannot_write(f"the activation {name}")
    kind, attributes = ACTIVATIONS[name]
    return Value(graph.node(kind, value.name, **attributes), value.first)


ACTIVATIONS: dict[str, tuple[str, dict[str, float | str]]] = {
    "relu": ("Relu", {}), "sigmoid": ("Sigmoid", {}), "tanh": ("Tanh", {}), "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {}), "gelu": ("Gelu", {}), "mish": ("Mish", {}), "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}), "exponential": ("Exp", {}), "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
}  # fmt: skip


def _convolution(graph: Graph, layer: Any, value: Value) -> Value:
    if isinstance(layer, layers.DepthwiseConv2D):
        rows, columns, channels, _ = layer.kernel.shape
        kernel, group = layer.kernel.numpy().transpose(2, 3, 0, 1).reshape(-1, 1, rows, columns), channels
    else:
        kernel, group = layer.kernel.numpy().transpose(3, 2, 0, 1), layer.groups
    bias = layer.bias.numpy() if layer.use_bias else np.zeros(len(kernel))
    name = graph.node(
        "Conv", graph.first(value), graph.constant(kernel), graph.constant(bias), group=group,
        kernel_shape=list(layer.kernel_size), dilations=list(layer.dilation_rate), **_window(layer),
    )  # fmt: skip
    return Value(name, first=True)


def _pool(graph: Graph, layer: Any, value: Value) -> Value:
    kind = "MaxPool" if isinstance(layer, layers.MaxPooling2D) else "AveragePool"
    window = _window(layer)
    if window.pop("auto_pad") == "SAME_UPPER":  # onnxruntime would take away from the image where windows lie apart
        rows, columns = value.shape[1:3]
        if rows is None or columns is None:
            raise cannot_write(f"{layer.name} on images of any size")
        sizes = zip((rows, columns), layer.pool_size, layer.strides, strict=True)
        missing = [max(0, (-(-n // s) - 1) * s + k - n) for n, k, s in sizes]
        window["pads"] = [total // 2 for total in missing] + [total - total // 2 for total in missing]
    name = graph.node(kind, graph.first(value), kernel_shape=list(layer.pool_size), **window)
    return Value(name, first=True)


def _window(layer: Any) -> dict[str, Any]:
    if layer.data_format != "channels_last":
        raise cannot_write(f"{layer.name} with its channels first")
    return {"strides": list(layer.strides), "auto_pad": {"same": "SAME_UPPER", "valid": "VALID"}[layer.padding]}


def _pool_all(graph: Graph, layer: Any, value: Value) -> Value:
    kind = "GlobalMaxPool" if isinstance(layer, layers.GlobalMaxPooling2D) else "GlobalAveragePool"
    pooled = Value(graph.node(kind, graph.first(value)), first=True)
    return pooled if layer.keepdims else Value(graph.node("Flatten", pooled.name, axis=1))


def _dense(graph: Graph, layer: Any, value: Value) -> Value:
    bias = layer.bias.numpy() if layer.use_bias else np.zeros(layer.units)
    kernel = graph.constant(layer.kernel.numpy())
    if len(value.shape) == 2:
        return Value(graph.node("Gemm", value.name, kernel, graph.constant(bias)))
    product = graph.node("MatMul", graph.last(value), kernel)
    return Value(graph.node("Add", product, graph.constant(bias)))


def _normalise(graph: Graph, layer: Any, value: Value) -> Value:
    """With the mean and variance of the training; the last axis, as Keras has it where nobody says otherwise."""
    variance, mean = layer.moving_variance.numpy(), layer.moving_mean.numpy()
    if layer.axis not in (-1, len(value.shape) - 1):
        raise cannot_write(f"{layer.name} on axis {layer.axis}")
    scale = (layer.gamma.numpy() if layer.scale else 1) / np.sqrt(variance + layer.epsilon)
    shift = (layer.beta.numpy() if layer.center else 0) - mean * scale
    if graph.fold(value, scale, shift):
        return value
    shape = (-1, 1, 1) if value.first else (-1,)
    scaled = graph.node("Mul", value.name, graph.constant(scale.reshape(shape)))
    return Value(graph.node("Add", scaled, graph.constant(shift.reshape(shape))), value.first)


def _layer_normalise(graph: Graph, layer: Any, value: Value) -> Value:
    n_axes = len(value.shape)
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    if [axis % n_axes for axis in axes] != [n_axes - 1] or getattr(layer, "rms_scaling", False):
        raise cannot_write(f"{layer.name} on axis {layer.axis}")
    size = value.shape[-1]
    scale = graph.constant(layer.gamma.numpy() if layer.scale else np.ones(size))
    shift = graph.constant(layer.beta.numpy() if layer.center else np.zeros(size))
    return Value(graph.node("LayerNormalization", graph.last(value), scale, shift, axis=-1, epsilon=layer.epsilon))


def _reshape(graph: Graph, layer: Any, value: Value) -> Value:
    shape = graph.constant([0, *layer.target_shape], np.int64)  # 0: as many as come in
    return Value(graph.node("Reshape", graph.last(value), shape))


def _flatten(graph: Graph, layer: Any, value: Value) -> Value:
    return Value(graph.node("Flatten", graph.last(value), axis=1))


def _pad(graph: Graph, layer: Any, value: Value) -> Value:
    (top, bottom), (left, right) = layer.padding
    pads = graph.constant([0, top, left, 0, 0, bottom, right, 0], np.int64)
    return Value(graph.node("Pad", graph.last(value), pads))


def _rescale(graph: Graph, layer: Any, value: Value) -> Value:
    scaled = graph.node("Mul", graph.last(value), graph.constant(layer.scale))
    return Value(graph.node("Add", scaled, graph.constant(layer.offset)))


def _relu(graph: Graph, layer: Any, value: Value) -> Value:
    if layer.threshold:
        raise cannot_write(f"{layer.name} with a threshold")
    if layer.negative_slope:
        name = graph.node("LeakyRelu", value.name, alpha=float(layer.negative_slope))
    else:
        name = graph.node("Relu", value.name)
    if layer.max_value is not None:
        name = graph.node("Min", name, graph.constant(layer.max_value))
    return Value(name, value.first)


def _leaky(graph: Graph, layer: Any, value: Value) -> Value:
    return Value(graph.node("LeakyRelu", value.name, alpha=float(layer.negative_slope)), value.first)


def _softmax(graph: Graph, layer: Any, value: Value) -> Value:
    if layer.axis != -1:
        raise cannot_write(f"{layer.name} on axis {layer.axis}")
    return Value(graph.node("Softmax", graph.last(value), axis=-1))


def _same(graph: Graph, layer: Any, value: Value) -> Value:
    """What does something in training alone."""
    return value


def _merge(graph: Graph, layer: Any, *values: Value) -> Value:
    first = all(value.first for value in values)
    names = [value.name if first else graph.last(value) for value in values]
    if isinstance(layer, layers.Concatenate):
        axis = layer.axis % len(values[0].shape)
        if first:  # rows, columns, channels -> channels, rows, columns
            axis = {1: 2, 2: 3, 3: 1}[axis]
        return Value(graph.node("Concat", *names, axis=axis), first)
    kinds = {layers.Add: "Sum", layers.Average: "Mean", layers.Maximum: "Max", layers.Minimum: "Min"}
    if type(layer) in kinds:
        return Value(graph.node(kinds[type(layer)], *names), first)
    kind = "Mul" if isinstance(layer, layers.Multiply) else "Sub"
    result = names[0]
    for name in names[1:]:
        result = graph.node(kind, result, name)
    return Value(result, first)


WRITERS: dict[type, Callable[..., Value]] = {
    layers.Conv2D: _convolution, layers.DepthwiseConv2D: _convolution,
    layers.MaxPooling2D: _pool, layers.AveragePooling2D: _pool,
    layers.GlobalMaxPooling2D: _pool_all, layers.GlobalAveragePooling2D: _pool_all,
    layers.Dense: _dense, layers.BatchNormalization: _normalise, layers.LayerNormalization: _layer_normalise,
    layers.Reshape: _reshape, layers.Flatten: _flatten, layers.ZeroPadding2D: _pad, layers.Rescaling: _rescale,
    layers.Activation: _same, layers.ReLU: _relu, layers.LeakyReLU: _leaky, layers.Softmax: _softmax,
    layers.Dropout: _same, layers.SpatialDropout2D: _same, layers.GaussianNoise: _same, layers.GaussianDropout: _same,
    layers.AlphaDropout: _same, layers.ActivityRegularization: _same, layers.Identity: _same,
    layers.Add: _merge, layers.Average: _merge, layers.Maximum: _merge, layers.Minimum: _merge,
    layers.Multiply: _merge, layers.Subtract: _merge, layers.Concatenate: _merge,
}  # fmt: skip
"""Each layer that can be written; its own `activation`, where it has one, comes after it."""
