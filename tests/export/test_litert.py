import dataclasses

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tendigits.errors import UserError
from tendigits.export import litert

layers = keras.layers


def with_model(source, *stack):
    """The source with another network, the same each time."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), *stack, layers.Dense(10, activation="softmax")])
    return dataclasses.replace(source, model=model)


def test_any_batch_size_and_another_one(exported, source):
    predict = litert.load(exported("source", "litert").path)
    for n in (1, 7, 3, 1000, 1):
        np.testing.assert_allclose(predict(source.x_test[:n]), source.expected[:n], atol=1e-5)


def test_layers_become_the_operators_that_one_expects(source, tmp_path):
    pooling = with_model(
        source, layers.Reshape((28, 28, 1)), layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(),
        layers.ReLU(), layers.MaxPooling2D(2), layers.AveragePooling2D(3, 2, "same"), layers.Flatten(),
    )  # fmt: skip
    litert.write(pooling, tmp_path / "a.tflite")
    np.testing.assert_allclose(litert.load(tmp_path / "a.tflite")(pooling.x_test), pooling.expected, atol=1e-5)
    interpreter = Interpreter(str(tmp_path / "a.tflite"))
    operators = {operator["op_name"] for operator in interpreter._get_ops_details()}
    assert {"DEPTHWISE_CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"} <= operators
    assert "STABLEHLO_REDUCE_WINDOW" not in operators


def test_int8_of_a_layer_so_large_that_the_quantizer_appends_it_to_the_file(source, tmp_path):
    large = with_model(source, layers.Dense(512, activation="relu"))
    litert.write_int8(large, tmp_path / "a.tflite", large.samples(50))
    found = litert.load(tmp_path / "a.tflite")(large.x_test[:200])
    assert np.abs(found - large.expected[:200]).mean() < 0.02  # without the weights it is 0.1
    assert (tmp_path / "a.tflite").stat().st_size > 400_000


def test_layers_that_mix_digits_are_refused(source, tmp_path):
    mixing = with_model(source, layers.Reshape((28, 28)), layers.Dense(3), layers.Flatten())
    with pytest.raises(UserError, match="expected layers that treat each digit alone, one reshapes to"):
        litert.write(mixing, tmp_path / "a.tflite")
