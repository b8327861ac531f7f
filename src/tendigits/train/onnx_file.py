"""The reader network as one ONNX file, with batch normalisation folded into the convolutions, and back.

data = to_onnx(model, {"temperature": "1", "threshold": "0.9"})
model, about = from_onnx(data)              # a Keras model that can learn on
"""

from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tendigits.errors import ModelFileError

Array = np.ndarray[Any, Any]


def to_onnx(model: keras.Model, about: dict[str, str]) -> bytes:
    """The file of a Sequential model of Conv2D, BatchNormalization, ReLU, Dropout, Flatten and Dense.

    Its input is float32 (n, 28, 28, 1), its output the logits, float32 (n, 11); `about` becomes its metadata.
    """
    layers = keras.layers
    nodes: list[Any] = [helper.make_node("Transpose", ["image"], ["t0"], perm=[0, 3, 1, 2])]
    constants: list[Any] = []
    last, n = "t0", 0

    def constant(name: str, value: Array) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def add(kind: str, *inputs: str, **attributes: Any) -> None:
        nonlocal last, n
        n += 1
        nodes.append(helper.make_node(kind, [last, *inputs], [f"t{n}"], **attributes))
        last = f"t{n}"

    rest = list(model.layers)
    while rest:
        layer = rest.pop(0)
        if isinstance(layer, layers.Conv2D):
            kernel, bias = layer.kernel.numpy(), layer.bias.numpy() if layer.use_bias else np.zeros(layer.filters)
            if rest and isinstance(rest[0], layers.BatchNormalization):
                kernel, bias = _folded(kernel, bias, rest.pop(0))
            size, stride = layer.kernel_size[0], layer.strides[0]
            add(
                "Conv", constant(f"w{n}", kernel.transpose(3, 2, 0, 1)), constant(f"b{n}", bias),
                kernel_shape=[size, size], strides=[stride, stride],
                auto_pad="SAME_UPPER" if layer.padding == "same" else "VALID",
            )  # fmt: skip
        elif isinstance(layer, layers.ReLU):
            add("Relu")
        elif isinstance(layer, layers.Flatten):
            add("Transpose", perm=[0, 2, 3, 1])
            add("Flatten", axis=1)
        elif isinstance(layer, layers.Dense):
            add(
                "Gemm",
                constant(f"w{n}", layer.kernel.numpy()),
                constant(f"b{n}", layer.bias.numpy()),
            )
        elif not isinstance(layer, layers.Dropout):
            raise TypeError(f"no way to write a {type(layer).__name__} is known")
    nodes[-1].output[0] = "logits"
    graph = helper.make_graph(
        nodes,
        "reader",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 28, 28, 1])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 11])],
        constants,
    )
    file = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="tendigits"
    )
    helper.set_model_props(file, about)
    onnx.checker.check_model(file, full_check=True)
    data: bytes = file.SerializeToString()
    return data


def from_onnx(data: bytes) -> tuple[keras.Sequential, dict[str, str]]:
    """The Keras model of such a file, and its metadata.

    Raises:
        ModelFileError: not a whole file, or not one that `to_onnx` writes.
    """
    try:
        file = onnx.load_from_string(data)
        onnx.checker.check_model(file)
        weights = {constant.name: numpy_helper.to_array(constant) for constant in file.graph.initializer}
        layers = [keras.Input((28, 28, 1))]
        for node in file.graph.node:
            layers += _layer(node, weights)
        model = keras.Sequential(layers, name="reader")
        values = [weights[name] for node in file.graph.node for name in node.input[1:]]
        model.set_weights([_as_keras(value) for value in values])
    except Exception as error:  # protobuf's, onnx' and Keras' own, of any kind
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(f"expected a network that tendigits wrote, received another file: {reason}") from None
    return model, {entry.key: entry.value for entry in file.metadata_props}


def _layer(node: Any, weights: dict[str, Array]) -> list[keras.layers.Layer]:
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == "Conv":
        filters, _, size, _ = weights[node.input[1]].shape
        padding = "same" if attributes["auto_pad"] == b"SAME_UPPER" else "valid"
        return [keras.layers.Conv2D(filters, size, attributes["strides"][0], padding)]
    if node.op_type == "Relu":
        return [keras.layers.ReLU()]
    if node.op_type == "Flatten":
        return [keras.layers.Flatten()]
    if node.op_type == "Gemm":
        return [keras.layers.Dense(weights[node.input[1]].shape[1])]
    if node.op_type == "Transpose":
        return []  # Keras has the channels last, ONNX first
    raise ValueError(f"no way to read a {node.op_type} is known")


def _as_keras(weight: Array) -> Array:
    return weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight


def _folded(kernel: Array, bias: Array, norm: Any) -> tuple[Array, Array]:
    """The convolution that does what it and the normalisation behind it do."""
    scale = norm.gamma.numpy() / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    return kernel * scale, (bias - norm.moving_mean.numpy()) * scale + norm.beta.numpy()
