import numpy as np
import pytest


@pytest.fixture(scope="session")
def onnx_file():
    """(outputs, **metadata) -> the bytes of an ONNX file: a product of the pixels with random weights."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def make(outputs=11, **about):
        weights = np.random.default_rng(0).normal(0, 1, (784, outputs)).astype("float32")
        graph = helper.make_graph(
            [helper.make_node("Flatten", ["image"], ["flat"]), helper.make_node("Gemm", ["flat", "w"], ["logits"])],
            "tiny",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 28, 28, 1])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", outputs])],
            [numpy_helper.from_array(weights, "w")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.helper.set_model_props(model, {"temperature": "2.0", "threshold": "0.8"} | about)
        return model.SerializeToString()

    return make
