"""A model as one ONNX file, and the reader network back from it.

data = to_onnx(model, {"temperature": "1", "threshold": "0.9"})
model, about = from_onnx(data)              # a Keras model that can learn on
"""

from typing import Any

import keras
import numpy as np
import onnx
from onnx import helper, numpy_helper

from tendigits.errors import ModelFileError
from tendigits.model.onnx_graph import to_graph

Array = np.ndarray[Any, Any]


OPSET = 20
"""Of ONNX' operators: the first with Gelu; onnxruntime reads it since 1.17."""


def to_onnx(model: keras.Model, about: dict[str, str], output: str = "logits") -> bytes:
    """The file of a model with one input and one output, `image` and `output`; `about` becomes its metadata.

    Raises:
        UserError: it has a layer that `onnx_graph` cannot write.
    """
    file = helper.make_model(
        to_graph(model, output),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
        producer_name="tendigits",
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
