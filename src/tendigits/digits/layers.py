"""The outputs of each hidden layer of a network for a digit, laid out as pictures, and pictures as bytes.

layers = Layers(with_layers(data), "reader")
for layer in layers(crop):
    layer.name, layer.values                     # "convolution 1: 32 x 28 x 28", float32 (168, 168)
    as_bytes(layer.values)                       # {"low": ..., "high": ..., "units": "AAEC..."}, for JSON
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from math import ceil, sqrt
from typing import Any

import numpy as np

from tendigits.data.preprocess import to_input
from tendigits.digits.runtime import Floats, OnnxNetwork
from tendigits.extras import require
from tendigits.pictures.image import Grey

MAX_UNITS_IN_NARROW_ROWS = 64  # a dense layer with more units is drawn in wide rows
NARROW_ROW = 16  # units
WIDE_ROW = 32

ACTIVATIONS = frozenset({"Relu", "Sigmoid", "Tanh", "Elu", "Selu", "Gelu", "Softplus", "LeakyRelu"})
"""The operators that end a layer, as model/onnx_layers.py writes them."""


def with_layers(data: bytes) -> bytes:
    """The same ONNX file with an additional output after the activation of each hidden layer.

    They are called layer1, layer2 and so on; convolutions have channels first. Needs the package onnx, but not Keras.
    """
    import onnx
    from onnx import helper

    file = onnx.shape_inference.infer_shapes(onnx.load_from_string(data))
    graph, shapes = file.graph, {value.name: value for value in file.graph.value_info}
    ended = {output.name for output in graph.output}
    sigmoids = {node.output[0] for node in graph.node if node.op_type == "Sigmoid"}
    gates = {name for node in graph.node if node.op_type == "Mul" for name in node.input if name in sigmoids}  # of silu
    for node in list(graph.node):
        (name, *_) = node.output
        is_activation = (node.op_type in ACTIVATIONS and name not in gates) or not gates.isdisjoint(node.input)
        if is_activation and name in shapes and name not in ended:
            layer = helper.make_empty_tensor_value_info(f"layer{len(graph.output) - len(ended) + 1}")
            layer.type.CopyFrom(shapes[name].type)
            graph.node.append(helper.make_node("Identity", [name], [layer.name]))
            graph.output.append(layer)
    onnx.checker.check_model(file)
    return bytes(file.SerializeToString())


@dataclass(frozen=True, eq=False)
class Layer:
    """The outputs of one layer."""

    name: str  # which layer, and how many units it has
    values: Floats
    """float32 (rows, columns): a dense layer's units in reading order, a convolution's channels as tiles; padded with
    NaN at the end."""

    def as_dict(self) -> dict[str, Any]:
        """Name, columns and values, in bytes, for JSON."""
        return {"name": self.name, "columns": self.values.shape[1], **as_bytes(self.values)}


ShowLayers = Callable[[Grey], list[Layer]]
"""The outputs of a network's hidden layers for a crop, uint8 (28, 28)."""


class Layers:
    """The hidden layers of a network, run by onnxruntime in one thread."""

    def __init__(self, data: bytes, name: str) -> None:
        """Open an ONNX file that has the outputs of its layers. Raises ModelFileError if it is damaged."""
        self._network = OnnxNetwork(data, name, threads=1)

    def __call__(self, crop: Grey) -> list[Layer]:
        """Their outputs for a crop, uint8 (28, 28), white on black; empty without hidden layers."""
        x = to_input(crop[np.newaxis]).reshape(-1, *self._network.input_shape[1:])
        return as_pictures([output[0] for output in self._network.other_outputs(x)])


def open_layers(data: bytes, name: str) -> Layers:
    """The hidden layers of a network's ONNX file. Raises TendigitsError if it is damaged or onnx is not installed."""
    require(f"the layers of {name}", "train")
    return Layers(with_layers(data), name)


def as_pictures(outputs: Sequence[Floats]) -> list[Layer]:
    """Lay out each layer's outputs: (channels, rows, columns) for a convolution, any other shape for a dense layer."""
    dense, convolutions, layers = count(1), count(1), []
    for values in outputs:
        if values.ndim == 3:
            name = f"convolution {next(convolutions)}: {' x '.join(map(str, values.shape))}"
            across = ceil(sqrt(len(values)))
        else:
            name = f"hidden layer {next(dense)}: {values.size} units"
            across = min(values.size, NARROW_ROW if values.size <= MAX_UNITS_IN_NARROW_ROWS else WIDE_ROW)
            values = values.reshape(-1, 1, 1)
        layers.append(Layer(name, _tiles(values, across)))
    return layers


def as_bytes(outputs: Floats) -> dict[str, Any]:
    """A layer's outputs in base64: 0 is `low`, the lowest output or zero if all are positive; 255 is `high`.

    NaN, where there is no unit, becomes the same as zero.
    """
    values = np.nan_to_num(outputs)
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    scaled = np.rint((values - low) / ((high - low) or 1) * 255).astype(np.uint8)
    return {"low": low, "high": high, "units": encode(scaled)}


def encode(pixels: Grey) -> str:
    """Pixels, uint8, in base64, row by row."""
    return base64.b64encode(pixels.tobytes()).decode()


def _tiles(values: Floats, across: int) -> Floats:
    """Channels, rows, columns as one picture with this number of channels next to each other."""
    channels, height, width = values.shape
    down = ceil(channels / across)
    tiles = np.full((down * across, height, width), np.nan, np.float32)
    tiles[:channels] = values
    return tiles.reshape(down, across, height, width).transpose(0, 2, 1, 3).reshape(down * height, across * width)
