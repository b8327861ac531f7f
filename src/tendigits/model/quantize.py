"""Quantize an ONNX network to 8 bits, and back: a quarter of the size, and several times as fast on recent CPUs.

small = quantize(data, samples)         # weights and activations
large = dequantize(small)               # the same network in float32, with the quantized weights
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

PREPROCESSED = {"onnx.quant.pre_process": "onnxruntime.quant"}  # without it the quantizer logs a warning


def quantize(data: bytes, samples: Iterable[NDArray[np.float32]], ends: bool = True) -> bytes:
    """Quantize a network. The metadata and a softmax, for which 8 bits are too coarse, stay as they are.

    Args:
        data: an .onnx file, as written by `to_onnx`.
        samples: batches of input that determine the ranges of the activations.
        ends: whether to quantize the first convolution, the last one and what follows, too; they cost most accuracy.
    """
    file = onnx.load_from_string(data)
    about = metadata_of(file)
    for i, node in enumerate(file.graph.node):
        node.name = f"node{i}"
        if node.op_type == "Sum":  # the quantizer supports Add only
            node.op_type = "Add"
    excluded = [node.name for node in file.graph.node if node.op_type == "Softmax"]
    excluded += [] if ends else _ends(file.graph)
    helper.set_model_props(file, PREPROCESSED)
    inputs = ({file.graph.input[0].name: batch} for batch in samples)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "quantized.onnx"
        quantize_static(
            file, path, SimpleNamespace(get_next=lambda: next(inputs, None)), QuantFormat.QDQ, per_channel=True,
            reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            nodes_to_exclude=excluded,
        )  # fmt: skip
        quantized = onnx.load(path)
    helper.set_model_props(quantized, about)
    return bytes(quantized.SerializeToString())


def metadata_of(file: onnx.ModelProto) -> dict[str, str]:
    """The metadata of an ONNX file."""
    return {entry.key: entry.value for entry in file.metadata_props}


def dequantize(data: bytes) -> bytes:
    """Undo `quantize`, except for the rounding of the weights; other files stay as they are."""
    file = onnx.load_from_string(data)
    constants = {constant.name: numpy_helper.to_array(constant) for constant in file.graph.initializer}
    same: dict[str, str] = {}  # name of a quantized or dequantized value -> name of the value before
    operators: dict[str, str] = {}  # name of a value -> the operator that outputs it
    nodes = []
    for node in file.graph.node:
        kind = node.op_type
        node.input[:] = [same.get(name, name) for name in node.input]
        if kind == "DequantizeLinear" and node.input[0] in constants:
            constants[node.output[0]] = _dequantized(*(constants[name] for name in node.input))
        elif kind == "QuantizeLinear" and operators.get(node.input[0]) != "Relu" and not constants[node.input[2]].any():
            # It clips values below 0, so the quantizer has dropped the ReLU before it.
            nodes.append(helper.make_node("Relu", [node.input[0]], [node.output[0]]))
        elif kind in ("QuantizeLinear", "DequantizeLinear"):
            same[node.output[0]] = node.input[0]
        else:
            operators |= dict.fromkeys(node.output, kind)
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used]
    del file.graph.node[:], file.graph.initializer[:]
    file.graph.node.extend(nodes)
    file.graph.initializer.extend(initializers)
    return bytes(file.SerializeToString())


def _ends(graph: onnx.GraphProto) -> list[str]:
    """The first convolutions, the last ones, and the nodes after these, in each branch."""
    first = [node for node in _to_convolutions(graph.node, "input", "output") if node.op_type == "Conv"]
    return [node.name for node in (*first, *_to_convolutions(reversed(graph.node), "output", "input"))]


def _to_convolutions(nodes: Iterable[onnx.NodeProto], start: str, end: str) -> Iterator[onnx.NodeProto]:
    """The nodes of each branch up to its first convolution, going from the nodes' `start` to their `end`."""
    passed = set[str]()
    for node in nodes:
        is_after = not passed.isdisjoint(getattr(node, start))
        if not is_after:
            yield node
        if is_after or node.op_type == "Conv":
            passed.update(getattr(node, end))


def _dequantized(value: NDArray[Any], scale: NDArray[Any], zero: NDArray[Any]) -> NDArray[np.float32]:
    """Weights or biases in float32, from 8 bits with a scale for each channel."""
    shape = (-1, *[1] * (value.ndim - 1)) if scale.ndim else ()
    steps: NDArray[np.float32] = value.astype(np.float32) - zero.reshape(shape).astype(np.float32)
    return steps * scale.reshape(shape).astype(np.float32)
