"""Look through an ONNX file before a runtime opens it: only what tendigits writes, and only finite weights.

check_onnx(data)        # raises ValueError

The runtime would run any graph: loops without an end, functions, weights in other files. The file is a protobuf
(https://protobuf.dev/programming-guides/encoding/), of which this reads the few fields that matter; the numbers of the
fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

OPERATORS = frozenset({
    "Add", "AveragePool", "Concat", "Conv", "DequantizeLinear", "Elu", "Flatten", "Gelu", "Gemm", "GlobalAveragePool",
    "GlobalMaxPool", "Identity", "LeakyRelu", "MaxPool", "Mean", "Mul", "QuantizeLinear", "Relu", "Reshape", "Resize",
    "Selu", "Sigmoid", "Softmax", "Softplus", "Sum", "Tanh", "Transpose",
})  # fmt: skip
"""Those of the package's networks, and those that `tendigits export` and `tendigits teach` write."""

MAX_FIELDS = 100_000
"""Fields in one file. The largest network of the package has some 5,000; a million would take a second to look at."""

FLOAT, BYTES, SIZES = 1, (2, 3), (6, 7)
"""Numbers of the types of arrays: float32; uint8 and int8; int32 and int64."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass
class _Reader:
    """Reads fields, and counts them."""

    left: int = MAX_FIELDS

    def fields(self, data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """The number and the content of each field of a message: an integer, or bytes."""
        place = 0
        while place < len(data):
            self.left -= 1
            if self.left < 0:
                raise ValueError(f"it has more than {MAX_FIELDS:,} fields")
            key, place = _varint(data, place)
            number, kind = key >> 3, key & 7
            if kind == _VARINT:
                value, place = _varint(data, place)
                yield number, value
                continue
            if kind == _BYTES:
                size, place = _varint(data, place)
            elif kind in (_FIXED32, _FIXED64):
                size = 4 if kind == _FIXED32 else 8
            else:
                raise ValueError("it is cut or no protobuf")
            if place + size > len(data):
                raise ValueError("it is cut or no protobuf")
            yield number, data[place : place + size]
            place += size


def check_onnx(data: bytes) -> None:
    """Refuse what tendigits would not have written.

    Raises:
        ValueError: no whole file; an operator, a type or a part of the format that no network of ours has; a weight
            that is not finite.
    """
    reader, graphs = _Reader(), 0
    for number, value in reader.fields(memoryview(data)):
        if number == 7:  # graph
            graphs += 1
            _check_graph(reader, _message(value))
        elif number in (20, 25):
            raise ValueError(f"it has {'functions' if number == 25 else 'training steps'}, which no network needs")
    if graphs != 1:
        raise ValueError("it is cut or no ONNX file")


def _check_graph(reader: _Reader, graph: memoryview) -> None:
    for number, value in reader.fields(graph):
        if number == 1:  # node
            _check_node(reader, _message(value))
        elif number == 5:  # initializer
            _check_tensor(reader, _message(value))
        elif number == 15:
            raise ValueError("it has sparse weights, which no network of tendigits has")


def _check_node(reader: _Reader, node: memoryview) -> None:
    for number, value in reader.fields(node):
        if number == 4 and (operator := _text(value)) not in OPERATORS:
            raise ValueError(f"it has the operator {operator!r:.50}, which no network of tendigits has")
        if number == 7 and (domain := _text(value)) not in ("", "ai.onnx"):
            raise ValueError(f"it has operators of {domain!r:.50}, not of ONNX itself")
        if number == 5:
            _check_attribute(reader, _message(value))


def _check_attribute(reader: _Reader, attribute: memoryview) -> None:
    """Numbers and texts only; no tensors and no graphs, which are what If, Loop and Scan run."""
    for number, value in reader.fields(attribute):
        if number in (2, 7):  # f, floats
            _check_finite(_message(value))
        elif number in (5, 6, 10, 11, 14, 15, 22, 23):
            raise ValueError("an operator has a graph or an array of its own, which no network of tendigits has")


def _check_tensor(reader: _Reader, tensor: memoryview) -> None:
    fields = list(reader.fields(tensor))
    kinds = [value for number, value in fields if number == 2]
    if len(kinds) != 1 or kinds[0] not in (FLOAT, *BYTES, *SIZES):
        raise ValueError(f"expected weights of float32 or whole numbers, received the types {kinds!r:.50} of ONNX")
    for number, value in fields:
        if number == 13 or (number == 14 and value != 0):  # external_data, data_location
            raise ValueError("it keeps weights in another file")
        if number in (6, 10, 11):  # strings, doubles, unsigned of 64 bits
            raise ValueError("it has weights of another type than it says")
        if kinds[0] == FLOAT and number in (4, 9):  # float_data, raw_data
            _check_finite(_message(value))


def _check_finite(data: memoryview) -> None:
    if len(data) % 4:
        raise ValueError("it is cut or no ONNX file")
    if not np.isfinite(np.frombuffer(data, "<f4")).all():
        raise ValueError("expected finite weights, some are not; its predictions are useless")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("it is cut or no ONNX file")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)[:100]).decode("utf-8", "replace")


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """An integer of up to 10 bytes, the low 7 bits first, and where it ends."""
    value = 0
    for i, byte in enumerate(data[place : place + 10]):
        value |= (byte & 127) << 7 * i
        if byte < 128:
            return value, place + i + 1
    raise ValueError("it is cut or no protobuf")
