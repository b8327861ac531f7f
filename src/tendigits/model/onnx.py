"""Convert Keras models to ONNX, layer by layer, and the reader's networks back to Keras.

data = to_onnx(model, {"temperature": "1", "threshold": "0.9"})
model, about = from_onnx(data)              # a Keras model that can be trained further
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import onnx
from onnx import GraphProto, TensorProto, helper, numpy_helper

from tendigits.errors import ModelFileError, UserError
from tendigits.model.onnx_layers import WRITERS, Graph, Value, activated, unsupported
from tendigits.model.quantize import dequantize, metadata_of

OPSET = 20  # the first with Gelu; onnxruntime supports it since 1.17
# ONNX operator -> Keras layer, for those without weights.
LAYERS = {
    "Relu": keras.layers.ReLU, "Sum": keras.layers.Add, "Add": keras.layers.Add, "Mean": keras.layers.Average,
    "Flatten": keras.layers.Flatten,
}  # fmt: skip


def to_onnx(model: keras.Model, about: dict[str, str], output: str = "logits") -> bytes:
    """Convert a Keras model to the bytes of an ONNX file with an input `image`, an output and the metadata `about`.

    Raises:
        UserError: the model has several inputs or outputs, or a layer or setting that is not supported.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UserError(f"expected a model of one input and one output, {model.name} has others")
    graph = Graph()
    graph.end(_write(graph, model, [Value("image")]), output)
    given, made = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *tensor.shape[1:]])
        for name, tensor in (("image", model.inputs[0]), (output, model.outputs[0]))
    )
    constants = [numpy_helper.from_array(value, name) for name, value in graph.constants.items()]
    written = helper.make_graph(graph.nodes, model.name, [given], [made], constants)
    opset = helper.make_opsetid("", OPSET)
    file = helper.make_model(written, opset_imports=[opset], ir_version=9, producer_name="tendigits")
    helper.set_model_props(file, about)
    onnx.checker.check_model(file, full_check=True)
    return bytes(file.SerializeToString())


def with_metadata(data: bytes, more: dict[str, str]) -> bytes:
    """The ONNX file with added or replaced metadata."""
    file = onnx.load_from_string(data)
    helper.set_model_props(file, metadata_of(file) | more)
    return bytes(file.SerializeToString())


def from_onnx(data: bytes) -> tuple[keras.Model, dict[str, str]]:
    """Convert one of the reader's networks, as `to_onnx` wrote it, to a Keras model. Returns it and the metadata.

    Raises:
        ModelFileError: the file is damaged, or has operators that the reader's networks do not have.
    """
    try:
        file = onnx.load_from_string(dequantize(data))
        onnx.checker.check_model(file)
        model = _model(file.graph)
    except Exception as error:  # protobuf, onnx and Keras raise many classes for damaged files
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(f"expected a network that tendigits wrote, received another file: {reason}") from None
    return model, metadata_of(file)


def _write(graph: Graph, model: keras.Model, inputs: list[Value]) -> Value:
    """Add the nodes of a model, which may be a layer of another model. Returns its output."""
    known = {id(t): replace(value, shape=t.shape) for t, value in zip(model.inputs, inputs, strict=True)}
    uses = Counter(id(t) for layer in model.layers for node in layer._inbound_nodes for t in node.input_tensors)

    def value_of(tensor: Any) -> Value:
        if id(tensor) not in known:
            layer, index, _ = tensor._keras_history
            inputs = [value_of(t) for t in layer._inbound_nodes[index].input_tensors]
            known[id(tensor)] = value = replace(_write_layer(graph, layer, inputs), shape=tensor.shape)
            graph.uses[value.name] = uses[id(tensor)]
        return known[id(tensor)]

    return value_of(model.outputs[0])


def _write_layer(graph: Graph, layer: Any, inputs: list[Value]) -> Value:
    if isinstance(layer, keras.Model):
        return _write(graph, layer, inputs)
    write = WRITERS.get(type(layer))
    if write is None:
        raise unsupported(f"a layer {type(layer).__name__}")
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise unsupported(f"{layer.name} with channels_first")
    value = write(graph, layer, *inputs)
    return activated(graph, value, layer.activation) if hasattr(layer, "activation") else value


def _model(graph: GraphProto) -> keras.Model:
    weights = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    sizes = [size.dim_value or None for size in graph.input[0].type.tensor_type.shape.dim[1:]]
    image = keras.Input(sizes)
    values = {graph.input[0].name: image}
    for node in graph.node:
        given = [values[name] for name in node.input if name in values]
        own = [weights[name] for name in node.input if name in weights]
        layer = _layer(node, weights)
        values[node.output[0]] = given[0] if layer is None else layer(given if len(given) > 1 else given[0])
        if layer is not None:
            layer.set_weights([weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight for weight in own])
    return keras.Model(image, values[graph.output[0].name], name=graph.name)


def _layer(node: Any, weights: dict[str, np.ndarray]) -> keras.layers.Layer | None:
    """The Keras layer for an ONNX node; None for a node that Keras does not need."""
    if node.op_type in LAYERS:
        return LAYERS[node.op_type]()
    if node.op_type == "Conv":
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        filters, _, *size = weights[node.input[1]].shape
        padding = "same" if attributes["auto_pad"] == b"SAME_UPPER" else "valid"
        return keras.layers.Conv2D(filters, size, tuple(attributes["strides"]), padding)
    if node.op_type == "Gemm":
        return keras.layers.Dense(weights[node.input[1]].shape[1])
    if node.op_type == "Transpose":
        return None  # channels are last in Keras, first in ONNX
    raise ValueError(f"expected the operators of a reader network, received {node.op_type}")
