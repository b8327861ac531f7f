"""Networks in 8 bits: nearly the same outputs, and back to a network that can be trained."""

import keras
import numpy as np
import onnx
import pytest

from tendigits.digits.runtime import OnnxNetwork
from tendigits.model.onnx import to_onnx
from tendigits.model.quantize import dequantize, quantize


@pytest.fixture(scope="module")
def network():
    """A network with a residual block, like the network for numbers."""
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((24, None, 1))
    x = keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(x)
    y = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    y = keras.layers.Conv2D(16, 3, padding="same")(y)
    x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    x = keras.layers.Conv2D(32, (3, 5), padding="same", activation="relu")(x)
    return to_onnx(keras.Model(inputs, keras.layers.Conv2D(8, 1)(x)), {"trust": "all of it"})


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).normal(0, 1, (12, 4, 24, 32, 1)).astype(np.float32)


def run(data, x):
    return OnnxNetwork(data, "a network")(x)


def test_a_quantized_network_has_nearly_the_same_outputs_and_the_same_metadata(network, samples):
    small = quantize(network, samples[:8], ends=False)
    assert len(small) < 0.7 * len(network)
    expected = run(network, samples[9])
    assert np.abs(run(small, samples[9]) - expected).mean() < 0.03 * expected.std()
    assert [(entry.key, entry.value) for entry in onnx.load_from_string(small).metadata_props] == [
        ("trust", "all of it")
    ]


def test_a_dequantized_network_differs_in_rounded_weights_only(network, samples):
    again = dequantize(quantize(network, samples[:8], ends=False))
    kinds = [
        [node.op_type for node in onnx.load_from_string(data).graph.node if node.op_type != "Sum"]
        for data in (network, again)
    ]
    assert [kind for kind in kinds[1] if kind != "Add"] == kinds[0]
    expected = run(network, samples[9])
    assert np.abs(run(again, samples[9]) - expected).mean() < 0.02 * expected.std()
    assert run(dequantize(network), samples[9]) == pytest.approx(expected)
