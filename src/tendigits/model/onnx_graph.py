"""A Keras model as an ONNX graph of the operators that one expects: a Conv for a convolution, a Gemm for a dense layer.

graph = to_graph(model, "probabilities")

It is written layer by layer, normalisation folded into the layer before it. A converter that traces (jax2onnx 0.17)
gives 47 nodes where these are 13, a MaxPool that onnxruntime refuses, and needs some sixty packages.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import keras
from onnx import GraphProto, TensorProto, helper, numpy_helper

from tendigits.errors import UserError
from tendigits.model.onnx_layers import WRITERS, activated
from tendigits.model.onnx_nodes import Graph, Value, cannot_write


def to_graph(model: keras.Model, output: str, given: str = "image") -> GraphProto:
    """The graph of a model with one input and one output, of layers of which `WRITERS` knows each.

    Args:
        output, given: what the graph's output and input are called; their first dimension is any `n`.

    Raises:
        UserError: the model has a layer, or one with a setting, that nobody has taught it yet.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UserError(f"expected a model of one input and one output, {model.name} has others")
    graph = Graph()
    graph.end(_write(graph, model, [Value(given)]), output)
    return helper.make_graph(
        graph.nodes,
        model.name,
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, ["n", *model.inputs[0].shape[1:]])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", *model.outputs[0].shape[1:]])],
        [numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
    )


def _write(graph: Graph, model: keras.Model, given: list[Value]) -> Value:
    """Write a whole model, which may stand within another; gives its output."""
    known = {id(t): replace(value, shape=t.shape) for t, value in zip(model.inputs, given, strict=True)}
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
        raise cannot_write(f"a layer {type(layer).__name__}")
    value = write(graph, layer, *inputs)
    return activated(graph, value, layer.activation) if hasattr(layer, "activation") else value
