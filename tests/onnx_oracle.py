"""A Keras model beside its graph, by onnxruntime."""

import keras
import numpy as np
import onnx
import onnxruntime

from tendigits.model.onnx import to_onnx


def with_any_weights(model: keras.Model, seed: int = 0) -> keras.Model:
    """Weights, means and variances as after some training: none is 0 or 1 by chance."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        low, high = (0.5, 2) if "variance" in variable.path else (-0.6, 0.6)
        variable.assign(rng.uniform(low, high, variable.shape))
    return model


def assert_same(model: keras.Model, seed: int = 0) -> list[str]:
    """The graph answers as the model does, for one and for several images; gives its operators."""
    data = to_onnx(with_any_weights(model, seed), {}, "answer")
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for n in (1, 5):
        x = np.random.default_rng(n).normal(0, 1, (n, *model.input_shape[1:])).astype(np.float32)
        expected, found = np.asarray(model(x, training=False)), session.run(None, {"image": x})[0]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * max(1, np.abs(expected).max()))
    return [node.op_type for node in onnx.load_from_string(data).graph.node]
