"""The nodes and constants of an ONNX graph while it is written.

graph = Graph()
name = graph.node("Relu", "image")
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto, helper

from tendigits.errors import UserError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Value:
    """A result within the graph: its name, and whether its channels come before rows and columns, as ONNX has them."""

    name: str
    first: bool = False
    shape: tuple[int | None, ...] = ()
    """In Keras' order."""


class Graph:
    """The nodes and constants written so far."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, Array] = {}
        self.uses: Counter[str] = Counter()
        """How many layers take a value."""

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Write a node; gives the name of its output."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        """Keep an array; gives its name."""
        name = f"c{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(value, dtype)
        return name

    def first(self, value: Value) -> str:
        """The value's name with its channels first."""
        return value.name if value.first else self.node("Transpose", value.name, perm=[0, 3, 1, 2])

    def last(self, value: Value) -> str:
        """The value's name with its channels last, as Keras has them."""
        return self.node("Transpose", value.name, perm=[0, 2, 3, 1]) if value.first else value.name

    def fold(self, value: Value, scale: Array, shift: Array) -> bool:
        """Make `value` times `scale` plus `shift`, by channel, part of the layer before; gives whether it could."""
        made = self.nodes[-1] if self.nodes else None
        if made is None or made.output[0] != value.name or self.uses[value.name] > 1:
            return False
        if made.op_type not in ("Conv", "Gemm"):
            return False
        kernel, bias = made.input[1:3]
        axes = (-1, 1, 1, 1) if made.op_type == "Conv" else (1, -1)
        self.constants[kernel] = np.ascontiguousarray(self.constants[kernel] * scale.reshape(axes), np.float32)
        self.constants[bias] = (self.constants[bias] * scale + shift).astype(np.float32)
        return True

    def end(self, value: Value, output: str) -> None:
        """Call the value `output`."""
        name = self.last(value)
        if self.nodes and self.nodes[-1].output[0] == name:
            self.nodes[-1].output[0] = output
        else:
            self.nodes.append(helper.make_node("Identity", [name], [output]))


def cannot_write(what: str) -> UserError:
    """The error for what has no place in a graph yet."""
    return UserError(f"expected layers that can be written as ONNX, received {what}; litert and stablehlo take any")
