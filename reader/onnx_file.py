"""A trained reader network -> one ONNX file, with batch normalisation folded into the convolutions."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]


def write_onnx(model: keras.Model, path: Path, about: dict[str, str]) -> None:
    """Write a Sequential model of Conv2D, BatchNormalization, ReLU, Dropout, Flatten and Dense from (n, 28, 28, 1).

    The file's input is float32 (n, 28, 28, 1), its output the logits, float32 (n, 11); `about` becomes its metadata.
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
                "Conv", constant(f"{layer.name}.w", kernel.transpose(3, 2, 0, 1)), constant(f"{layer.name}.b", bias),
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
                constant(f"{layer.name}.w", layer.kernel.numpy()),
                constant(f"{layer.name}.b", layer.bias.numpy()),
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
    path.write_bytes(file.SerializeToString())


def _folded(kernel: Array, bias: Array, norm: Any) -> tuple[Array, Array]:
    """The convolution that does what it and the normalisation behind it do."""
    scale = norm.gamma.numpy() / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    return kernel * scale, (bias - norm.moving_mean.numpy()) * scale + norm.beta.numpy()
